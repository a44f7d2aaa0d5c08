//! What a change of the files does without an action today, and whose accounts rows are about.

use serde_json::{Value, json};

use crate::{
    against::Repo,
    story::{Story, conforms, quick},
};

const PEOPLE: &str = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n  \
                      bob@example.com: { given_name: Bob, family_name: Lee }\n";
const APP: &str = "policy: { irreversible: hold, protect: ['ann@*'] }\ndefaults: { role: user }\naccounts:\n  ann@example.com:\n  \
                   bob@example.com:\n";

/// Ann and Bob have the accounts that `main` says.
async fn settled() -> Story {
    let story = Story::of(quick(), APP, PEOPLE).await;
    for name in ["ann", "bob"] {
        story.account(&format!("{name}@example.com"), "user", true);
    }
    Repo(story.dir.path()).main();
    story
}

/// The comparison, with its exit status.
async fn compared(story: &Story) -> (i32, Value) {
    let said = story.rosterd(&["plan", "--against", "main", "--format", "json", "--detailed-exitcode"]).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    conforms(&plan);
    (said.status, plan)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_an_action_is_told_and_ends_with_status_2() {
    let story = settled().await;
    assert_eq!(compared(&story).await.0, 0);

    story.write(&APP.replace("irreversible: hold, protect: ['ann@*']", "irreversible: allow, protect: []"), PEOPLE);
    let (status, plan) = compared(&story).await;
    let rules: Vec<String> =
        plan["against"]["rules"].as_array().unwrap().iter().map(|rule| rule["rule"].to_string()).collect();
    assert_eq!((status, plan["summary"]["ready"].as_u64()), (2, Some(0)));
    assert_eq!(rules, [r#""policy.irreversible""#, r#""policy.protect""#]);
    for (format, part) in
        [("text", "This change: nothing to do now, 2 rules loosened"), ("markdown", "### rosterd: 2 rules loosened")]
    {
        let said = story.rosterd(&["plan", "--against", "main", "--format", format]).await;
        assert!(said.out.contains(part), "{}", said.out);
        assert!(said.out.contains("hold") && said.out.contains("allow"), "{}", said.out);
    }

    // A grant that begins long after the horizon of dates is a grant.
    story.write(&APP.replace("bob@example.com:\n", "bob@example.com: { role: admin, from: 2098-01-01 }\n"), PEOPLE);
    let (status, plan) = compared(&story).await;
    let claim = &plan["against"]["claims"][0];
    assert_eq!((status, &claim["turn"], &claim["administrates"]), (2, &json!("added"), &json!(true)), "{claim}");
    assert_eq!(claim["from"], "2098-01-01T00:00:00Z");
    let said = story.rosterd(&["plan", "--against", "main"]).await;
    assert!(said.out.contains("from 2098-01-01") && said.out.contains("can administer"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_account_it_is_stands_in_every_form_of_the_plan() {
    let story = settled().await;
    story.account("plot-server@example.com", "user", true);
    let ghost =
        "  ghost@example.com: { given_name: G, family_name: H, aliases: [plot-server@example.com], status: left }\n";
    story.write(APP, &format!("{PEOPLE}{ghost}"));
    let (_, plan) = compared(&story).await;
    let action = &plan["apps"][0]["actions"][0];
    assert_eq!(action["account"], "ghost@example.com");
    assert_eq!(action["live"]["email"], "plot-server@example.com", "{action}");
    for format in ["text", "markdown"] {
        let said = story.rosterd(&["plan", "--against", "main", "--format", format]).await;
        assert!(said.out.contains("live as") && said.out.contains("plot-server"), "{}", said.out);
    }
}

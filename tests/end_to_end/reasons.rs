//! Why something is taken away: in every form in which it is told, before and after it is done; and what `why` knows of
//! somebody whose access is on its way.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    against::Repo,
    story::{Story, conforms, quick},
};

const APP_LINES: &str =
    "policy: { irreversible: allow, unlisted: remove, max_removals: 100% }\ndefaults: { role: user }\n";

/// Everybody has an account; who of them should have one is said by `people` and `accounts`.
async fn story(people: &str, accounts: &str) -> Story {
    let story = Story::of(quick(), &app(accounts), &format!("people:\n{people}")).await;
    for name in ["ann", "bob", "cat", "dan", "eve"] {
        story.account(&format!("{name}@example.com"), "user", true);
    }
    story
}

fn app(accounts: &str) -> String {
    format!("{APP_LINES}accounts:\n  boss@example.com: {{ role: admin }}\n{accounts}")
}

fn person(name: &str, more: &str) -> String {
    format!("  {name}@example.com: {{ given_name: {name}, family_name: Lee{more} }}\n")
}

/// Everyone but Ann goes, each for a reason of their own.
const REASONS: [(&str, &str); 4] = [
    ("bob", "left"),
    ("cat", "suspended"),
    ("dan", "until 2026-06-30"),
    ("eve", "no line grants it (named nowhere in the files)"),
];

async fn everyone_goes() -> Story {
    let people = [
        person("ann", ""),
        person("bob", ", status: left"),
        person("cat", ", status: suspended"),
        person("dan", ", until: 2026-06-30"),
    ];
    story(&people.concat(), "  ann@example.com:\n  bob@example.com:\n  cat@example.com:\n  dan@example.com:\n").await
}

/// The reasons of the removals in a plan, or of the deeds in a history, by first name.
fn reasons(actions: &Value) -> Vec<(String, String)> {
    let removals = actions.as_array().unwrap().iter().filter(|action| action["verb"] == "deactivate");
    let name = |action: &Value| action["account"].as_str().unwrap().split('@').next().unwrap().to_owned();
    removals.map(|action| (name(action), action["reason"].as_str().unwrap_or("null").to_owned())).collect()
}

/// A text without its line ends, and without the marks that Markdown has spelt out.
fn words(text: &str) -> String {
    let marks = [("&#40;", "("), ("&#41;", ")"), ("&#58;", ":")];
    let text = marks.iter().fold(text.to_owned(), |text, (spelt, mark)| text.replace(spelt, mark));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_removal_gives_its_reason_in_every_form() {
    let story = everyone_goes().await;
    let expect = REASONS.map(|(name, reason)| (name.to_owned(), reason.to_owned()));
    let plan = story.plan().await;
    assert_eq!(reasons(&plan["apps"][0]["actions"]), expect);
    for format in ["text", "markdown"] {
        let said = story.rosterd(&["plan", "--format", format]).await;
        for (_, reason) in REASONS {
            let text = words(&said.out);
            assert!(text.contains(reason), "`{reason}` is missing in {format}:\n{text}");
        }
    }
    let store = format!("sqlite:{}", story.dir.path().join("a store/state.db").display());
    let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let said = story.rosterd(&["history", "--store", &store, "--format", "json"]).await;
    let history: Value = serde_json::from_str(&said.out).unwrap();
    let mut done = reasons(&history["entries"]);
    done.sort();
    assert_eq!(done, expect);
    let said = story.rosterd(&["history", "--store", &store]).await;
    for (_, reason) in REASONS {
        let text = words(&said.out);
        assert!(text.contains(reason), "`{reason}` is missing in:\n{text}");
    }
}

/// Bob's line is taken out after it was applied, and before that it was in the commit `main`.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_line_grants_names_the_line_that_did() {
    let people = person("ann", "") + &person("bob", "");
    let both = "  ann@example.com:\n  bob@example.com:\n";
    let story = Story::of(quick(), &app(both), &format!("people:\n{people}")).await;
    Repo(story.dir.path()).main();
    let head = Repo(story.dir.path()).git(&["rev-parse", "HEAD"]);
    let text = fs::read_to_string(story.dir.path().join("all.yaml")).unwrap();
    let line = 1 + text.lines().position(|line| line.trim() == "bob@example.com:").unwrap();
    let outside = tempfile::TempDir::new().unwrap();
    let store = format!("sqlite:{}", outside.path().join("state.db").display());
    let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
    assert_eq!(said.status, 0, "{said:?}");
    // Invitations are accepted.
    story.sandbox.advance(Duration::from_secs(4000));

    story.write(&app("  ann@example.com:\n"), &format!("people:\n{people}"));
    for (args, word) in [(&["--store", &store][..], "at"), (&["--against", "main"], "until")] {
        let said = story.rosterd(&[&["plan", "--format", "json"], args].concat()).await;
        assert_eq!(said.status, 0, "{said:?}");
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        conforms(&plan);
        let expect = format!("no line grants it (all.yaml:{line} did {word} commit {})", &head[..7]);
        assert_eq!(reasons(&plan["apps"][0]["actions"]), [("bob".to_owned(), expect)]);
    }
    // Without a past and without another version nothing more is known.
    let expect = ("bob".to_owned(), "no line grants it".to_owned());
    assert_eq!(reasons(&story.plan().await["apps"][0]["actions"]), [expect]);
}

/// Why a step is held or waits is a field of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_a_removal_is_no_reason_for_it() {
    let story = story(&(person("ann", "") + &person("bob", "")), "  ann@example.com:\n").await;
    story.write(&app("  ann@example.com:\n").replace("irreversible: allow, ", ""), &{
        let people = person("ann", "") + &person("bob", "");
        format!("people:\n{people}")
    });
    let plan = story.plan().await;
    let actions = plan["apps"][0]["actions"].as_array().unwrap();
    let bob = actions.iter().find(|action| action["account"] == "bob@example.com").unwrap();
    assert_eq!((&bob["status"], &bob["reason"]), (&json!("held"), &json!("no line grants it")));
    assert_eq!(bob["held"]["guard"], "irreversible");
    assert!(bob["held"]["reason"].as_str().unwrap().contains("undo"), "{bob:#}");
    assert_eq!((&bob["waiting"], &bob["manual"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn why_tells_who_is_live_invited_held_and_waiting() {
    let groups = "groups:\n  Design Team:\n    id: team-1\n    members: { ann@example.com:, new@example.com: }\n";
    let people = person("ann", "") + &person("bob", "") + &person("new", "");
    let held = app("  ann@example.com:\n  new@example.com:\n").replace("irreversible: allow, ", "") + groups;
    let story = Story::of(quick(), &held, &format!("people:\n{people}")).await;
    story.sandbox.put_group("autodesk", "studio", "team-1", "Design Team").unwrap();
    for name in ["ann", "bob"] {
        story.account(&format!("{name}@example.com"), "user", true);
    }
    let outside = tempfile::TempDir::new().unwrap();
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let snapshot = outside.path().join("live.json").display().to_string();
    let said = story.rosterd(&["observe", "--out", &snapshot]).await;
    assert_eq!(said.status, 0, "{said:?}");
    for (who, expect) in [
        ("ann", &["live", "in Design Team"][..]),
        (
            "bob",
            &[
                "live",
                "held: - deactivate",
                "no line grants it",
                "irreversible:",
                "- { allow: studio/deactivate/bob@example.com",
            ],
        ),
        ("new", &["invited and not accepted yet", "waiting: + add-member", "invitation not accepted yet"]),
    ] {
        let email = format!("{who}@example.com");
        let dir = story.dir.path().to_str().unwrap();
        let said = crate::story::run(&["why", &email, dir, "--live", &snapshot]).await;
        assert_eq!(said.status, 0, "{said:?}");
        let text = words(&said.out);
        for part in expect {
            assert!(text.contains(part), "`{part}` is missing for {who} in:\n{}", said.out);
        }
    }
}

//! What the comment on a pull request says of a change that does nothing today, or that drift would drown.

use super::{comment, review, stage, tools};

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_loosened_and_a_grant_to_come_are_in_the_first_lines_of_the_comment() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    let app = stage.read("clone/desired-state/apps/autodesk.yaml");
    let change = app.replace("    defaults:", "    policy: { irreversible: allow, max_removals: 100% }\n    defaults:");
    let change = change.replace("bob@example.com:\n", "bob@example.com: { role: admin, from: 2098-01-01 }\n");
    stage.pull_request(&[("desired-state/apps/autodesk.yaml", &change)]);
    let (plan, post) = review(&stage);
    plan.passed();
    post.passed();
    let said = comment(&stage);
    let first: String = said.lines().take(20).map(|line| format!("{line}\n")).collect();
    for part in ["2 rules loosened", "1 grant added", "hold", "allow", "2098&#45;01&#45;01", "administer"] {
        let part = part.replace("&#45;", "-");
        assert!(first.contains(&part), "{part} is not in {first}");
    }
    assert!(!first.contains("nothing to do"), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_administrator_among_much_drift_is_the_title_the_alert_and_the_first_row() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    // Main asks for a hundred people whom nobody made yet: they are drift.
    let many: Vec<String> = (0..100).map(|n| format!("new{n:03}@example.com")).collect();
    let people: String = many.iter().map(|who| format!("  {who}: {{ given_name: N, family_name: N }}\n")).collect();
    let accounts: String = many.iter().map(|who| format!("      {who}:\n")).collect();
    let app = stage.read("clone/desired-state/apps/autodesk.yaml") + &accounts;
    let app = app.replace("    defaults:", "    policy: { max_creates: 1000 }\n    defaults:");
    stage.write("clone/desired-state/people/new.yaml", &format!("people:\n{people}"));
    stage.write("clone/desired-state/apps/autodesk.yaml", &app);
    stage.repo().commit("a hundred people");
    stage.push_main();
    let change = app.replace("bob@example.com:\n", "bob@example.com: { role: admin }\n");
    stage.pull_request(&[("desired-state/apps/autodesk.yaml", &change)]);
    let (plan, post) = review(&stage);
    plan.passed();
    post.passed();
    let said = comment(&stage);
    assert!(said.contains("### rosterd: 1 to do by this change; 1 grant added, 1 grant removed"), "{said}");
    let fold = said.find("<details>").unwrap();
    let row = said.find("update | <code>bob<wbr>&#64;example.com</code>").unwrap();
    assert!(row < fold && said[..fold].contains("**can administer**"), "{said}");
}

//! Guards that an approval releases: its line is printed whole, and does what it says once.

use std::fs;

use super::{Desk, codes, of, people};
use crate::story::{APP, actions};

#[tokio::test(flavor = "multi_thread")]
async fn irreversible() {
    let desk = Desk::of(
        "autodesk",
        "defaults: { role: user }\naccounts: { ann@example.com: }\n",
        &people(&["ann", "bob", "eve"]),
    )
    .await;
    for name in ["ann", "bob", "eve"] {
        desk.account(&format!("{name}@example.com"));
    }
    let bob = of("deactivate/bob");
    desk.release("irreversible", &bob, &[&bob]).await;
    desk.use_up(&[&bob]).await;
    // What it allowed happened; should it be wanted again, somebody has to say so again.
    desk.set_status("bob@example.com", "active");
    let (bob, eve) = (format!("irreversible {bob}"), format!("irreversible {}", of("deactivate/eve")));
    assert_eq!(desk.planned().await, [bob, eve]);
}

#[tokio::test(flavor = "multi_thread")]
async fn protected() {
    let desk = Desk::workiva(
        "policy: { protect: [b*@example.com, eve@example.com] }\naccounts: { ann@example.com: }\n",
        &people(&["ann", "bob", "eve", "max"]),
    )
    .await;
    for name in ["ann", "bob", "eve", "max"] {
        desk.account(&format!("{name}@example.com"));
    }
    let bob = of("deactivate/bob");
    desk.release("protected", &bob, &[&bob]).await;
    desk.use_up(&[&bob, &of("deactivate/max")]).await;
    desk.set_status("bob@example.com", "active");
    assert_eq!(desk.planned().await, [format!("protected {bob}"), format!("protected {}", of("deactivate/eve"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn min_admins() {
    let desk = Desk::workiva("accounts: { ann@example.com: }\n", &people(&["ann", "bob", "eve", "max"])).await;
    desk.account("ann@example.com");
    for name in ["bob", "eve"] {
        desk.story.account(&format!("{name}@example.com"), "Workspace Admin", true);
    }
    desk.account("max@example.com");
    let (bob, eve) = (of("deactivate/bob"), of("deactivate/eve"));
    desk.release("min-admins", &bob, &[&bob]).await;
    desk.use_up(&[&bob, &of("deactivate/max")]).await;
    // The last one takes an approval of its own.
    desk.release("min-admins", &eve, &[&eve]).await;
    desk.use_up(&[&eve]).await;
    assert_eq!(desk.planned().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn max_removals_of_an_app() {
    let names = ["ann", "bob", "eve", "max"];
    let app = "policy: { max_removals: 2 }\naccounts: { ann@example.com: }\n";
    let desk = Desk::workiva(app, &people(&names)).await;
    for name in names {
        desk.account(&format!("{name}@example.com"));
    }
    let gone = [of("deactivate/bob"), of("deactivate/eve"), of("deactivate/max")];
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    desk.release("max-removals", gone[1], &gone).await;
    desk.use_up(&gone).await;
    // Whoever comes next the same day was not counted in.
    desk.set_status("bob@example.com", "active");
    assert_eq!(desk.planned().await, [format!("max-removals {}", gone[0])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn max_removals_of_a_group() {
    let all = ["ann", "bob", "eve", "max"];
    let desk = Desk::workiva(
        "accounts: { ann@example.com: , bob@example.com: , eve@example.com: , max@example.com: }\ngroups:\n  Board:\n    \
         policy: { max_removals: 1 }\n    members: [ann@example.com]\n  Finance:\n    members: [ann@example.com]\n",
        &people(&all),
    )
    .await;
    for name in all {
        desk.account(&format!("{name}@example.com"));
    }
    desk.group("grp_1", "Board", &["ann@example.com", "bob@example.com", "eve@example.com"]);
    desk.group("grp_2", "Finance", &["ann@example.com", "max@example.com"]);
    let board = [of("remove-member/bob") + "/Board", of("remove-member/eve") + "/Board"];
    let board: Vec<&str> = board.iter().map(String::as_str).collect();
    desk.release("max-removals", board[0], &board).await;
    desk.use_up(&[board[0], board[1], &(of("remove-member/max") + "/Finance")]).await;
    assert_eq!(desk.planned().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn max_creates() {
    let desk = Desk::workiva(
        "policy: { max_creates: 1 }\naccounts: { ann@example.com: , bob@example.com: }\n",
        &people(&["ann", "bob", "eve"]),
    )
    .await;
    desk.account("eve@example.com");
    desk.account("stays@example.com");
    let new = [of("create/ann"), of("create/bob")];
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    desk.edit("accounts: {", "accounts: { eve@example.com: ,");
    desk.release("max-creates", new[0], &new).await;
    desk.use_up(&new).await;
    assert_eq!(desk.planned().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reactivation() {
    let desk = Desk::workiva("accounts: { ann@example.com: , bob@example.com: }\n", &people(&["ann", "bob"])).await;
    desk.account("ann@example.com");
    desk.account("bob@example.com");
    assert_eq!(desk.apply().await, [""; 0]);
    // Somebody has a reason for this that is in no file.
    desk.set_status("ann@example.com", "inactive");
    desk.set_status("bob@example.com", "inactive");
    let ann = of("reactivate/ann");
    desk.release("reactivation", &ann, &[&ann]).await;
    desk.use_up(&[&ann]).await;
    desk.set_status("ann@example.com", "inactive");
    let bob = of("reactivate/bob");
    assert_eq!(desk.planned().await, [format!("reactivation {ann}"), format!("reactivation {bob}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_guards_each_takes_its_own_line() {
    let desk = Desk::of(
        "autodesk",
        "policy: { protect: [bob@example.com] }\ndefaults: { role: user }\naccounts: { ann@example.com: }\n",
        &people(&["ann", "bob", "eve"]),
    )
    .await;
    for name in ["ann", "bob", "eve"] {
        desk.account(&format!("{name}@example.com"));
    }
    let bob = of("deactivate/bob");
    desk.release("protected", &bob, &[&bob]).await;
    assert_eq!(desk.apply().await, [""; 0], "one of two is not enough");
    desk.release("irreversible", &bob, &[&bob]).await;
    desk.use_up(&[&bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_can_be_copied_whatever_a_group_is_called() {
    let name = r#"Ops: #1, "east"/west {no} 'é' – all of the people who look after the machines at night"#;
    let quoted = serde_json::to_string(name).unwrap();
    let desk = Desk::workiva(
        &format!(
            "policy: {{ protect: ['*'] }}\naccounts: {{ ann@example.com: , bob@example.com: }}\ngroups:\n  {quoted}:\n    \
             members: [ann@example.com]\n  Other:\n    members: [ann@example.com]\n"
        ),
        &people(&["ann", "bob"]),
    )
    .await;
    desk.account("ann@example.com");
    desk.account("bob@example.com");
    desk.group("grp_1", name, &["ann@example.com", "bob@example.com"]);
    desk.group("grp_2", "Other", &["ann@example.com", "bob@example.com"]);
    let action = format!("{}/{}", of("remove-member/bob"), name.replace('/', "%2F"));
    desk.release("protected", &action, &[&action]).await;
    desk.use_up(&[&action]).await;
    assert_eq!(desk.planned().await, [format!("protected {}/Other", of("remove-member/bob"))]);
}

/// Fourteen accounts that an earlier run saw, of which eight are not shown any more, as behind a filter that somebody set;
/// and one that came since.
async fn shrunk() -> Desk {
    let desk = Desk::workiva(
        "accounts: { ann@example.com: , bob@example.com: , eve@example.com: }\n",
        &people(&["ann", "bob", "eve", "max"]),
    )
    .await;
    let others = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    for name in ["ann", "bob", "eve"].iter().chain(&others) {
        desk.account(&format!("{name}@example.com"));
    }
    assert_eq!(desk.apply().await, [""; 0]);
    for name in ["ann", "bob"].iter().chain(&others[..6]) {
        desk.remove(&format!("{name}@example.com"));
    }
    desk.account("max@example.com");
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn shrank() {
    let desk = shrunk().await;
    let (ann, bob, max) = (of("create/ann"), of("create/bob"), of("deactivate/max"));
    desk.release("shrank", &ann, &[&ann]).await;
    desk.use_up(&[&ann]).await;
    // Nobody has said of the rest that they are gone for good, however often they are looked for.
    for _ in 0..2 {
        assert_eq!(desk.planned().await, [format!("shrank {bob}"), format!("shrank {max}")]);
        assert_eq!(desk.apply().await, [""; 0]);
    }
    desk.release("shrank", &bob, &[&bob]).await;
    desk.release("shrank", &max, &[&max]).await;
    desk.use_up(&[&bob, &max]).await;
    assert_eq!(desk.planned().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shrank_and_the_rest_is_gone_for_good() {
    let desk = shrunk().await;
    let plan = desk.plan().await;
    let findings = plan["apps"][0]["findings"].as_array().unwrap();
    let told = findings.iter().find(|finding| finding["code"] == "shrank").unwrap()["message"].as_str().unwrap();
    let report = desk.rosterd(&["plan"]).await.out;
    assert!(report.contains("14 at the last complete reading"), "{report}");
    desk.approve(&format!("  {}", told.split('`').nth(1).unwrap()));
    let all = [of("create/ann"), of("create/bob"), of("deactivate/max")];
    desk.use_up(&[&all[0], &all[1], &all[2]]).await;
    // From now on the next reading is compared with this one.
    let approvals = desk.text().find("approvals:").unwrap();
    fs::write(desk.file(), &desk.text()[..approvals]).unwrap();
    desk.remove("ann@example.com");
    assert_eq!(desk.planned().await, [format!("ready {}", all[0])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_run_removed_is_not_missing_in_the_next() {
    let names = ["ann", "bob", "eve", "max", "kim", "lea", "joe"];
    let desk = Desk::workiva(
        "policy: { remove_with: delete, irreversible: allow, max_removals: 9 }\naccounts: { ann@example.com: }\n",
        &people(&[&names[..], &["new"]].concat()),
    )
    .await;
    for name in names {
        desk.account(&format!("{name}@example.com"));
    }
    assert_eq!(desk.apply().await.len(), 6);
    desk.account("new@example.com");
    // No earlier run saw it as hers, and a deletion cannot be undone.
    desk.release("identity", &of("delete/new"), &[&of("delete/new")]).await;
    assert_eq!(desk.apply().await, [of("delete/new")]);
    assert_eq!(desk.planned().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_releases_nothing_is_told_of() {
    let desk = Desk::workiva("accounts: { ann@example.com: }\n", &people(&["ann"])).await;
    desk.account("ann@example.com");
    desk.approve(&format!("  - {{ allow: {APP}, guard: shrank, until: 2999-01-01 }}"));
    let plan = desk.plan().await;
    assert_eq!((codes(&plan), actions(&plan).len()), (vec!["approval-unused"], 0));
}

//! Guards that no approval releases: the repair that is printed, followed to the letter, ends the hold.

use std::fs;

use rosterd::sandbox::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET};
use serde_json::Value;

use super::{Desk, of, people};
use crate::story::{APP, finish, start};

/// Makes it happen with `make`, does what the part of the repair with `words` says, and finds `then` planned. Then applies,
/// and nothing is left but `rest`.
async fn check(desk: &Desk, (guard, action): (&str, &str), words: &str, then: &[&str], rest: &[&str]) {
    let repair = desk.repair(guard, action).await;
    desk.follow(&repair, words);
    accept(desk);
    settles(desk, then, rest).await;
}

/// Whose accounts are is no question here: somebody who may approve says that the aliases and pins are right.
fn accept(desk: &Desk) {
    desk.approve(&format!("  - {{ allow: {APP}, guard: identity, up_to: 9, until: 2999-01-01 }}"));
}

/// What is planned is `then`; once it is applied, `rest`.
async fn settles(desk: &Desk, then: &[&str], rest: &[&str]) {
    assert_eq!(desk.planned().await, then, "{}", desk.text());
    desk.apply().await;
    assert_eq!(desk.planned().await, rest, "{}", desk.text());
}

/// Ann should be an Editor and is a Viewer, so that there is something to hold.
const EDITOR: &str =
    "defaults: { roles: [Viewer] }\naccounts:\n  ann@example.com: { roles: [Editor] }\n  bob@example.com:\n";

fn update(name: &str) -> String {
    of(&format!("update/{name}"))
}

/// Ann with an account under each of her two addresses.
async fn two_accounts(more: &str) -> Desk {
    let rest = people(&["ann", "bob"]).replacen("Lee\n", "Lee\n    aliases: [old@example.com]\n", 1);
    let desk = Desk::workiva(&format!("{EDITOR}{more}"), &rest).await;
    for name in ["ann", "old", "bob"] {
        desk.account(&format!("{name}@example.com"));
    }
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_one_person_has_two_accounts() {
    let (ann, ready) = (update("ann"), format!("ready {}", update("ann")));
    let desk = two_accounts("").await;
    check(&desk, ("ambiguous", &ann), "for ann@example.com (id", &[&ready], &[]).await;
    assert_eq!(desk.story.sandbox.account("workiva", APP, "ann@example.com").unwrap().role, "Editor");

    // Beside a pin of somebody else.
    let desk = two_accounts("ids:\n  bob@example.com: BOB\n").await;
    let bob = desk.story.sandbox.account("workiva", APP, "bob@example.com").unwrap().id;
    desk.edit("BOB", &bob);
    check(&desk, ("ambiguous", &ann), "for ann@example.com (id", &[&ready], &[]).await;

    let desk = two_accounts("").await;
    let repair = desk.repair("ambiguous", &ann).await;
    assert!(repair.contains("or remove the other in the app"), "{repair}");
    desk.remove("old@example.com");
    settles(&desk, &[&ready], &[]).await;
}

/// Ann's pin is another account's id.
async fn pinned_to(whose: &str, names: &[&str]) -> Desk {
    let desk = Desk::workiva(&format!("{EDITOR}ids:\n  ann@example.com: PIN\n"), &people(names)).await;
    for name in ["ann", "bob"] {
        desk.account(&format!("{name}@example.com"));
    }
    let id = desk.story.sandbox.account("workiva", APP, &format!("{whose}@example.com")).unwrap().id;
    desk.edit("PIN", &id);
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_one_account_is_two_peoples() {
    let (ann, ready) = (update("ann"), format!("ready {}", update("ann")));
    for words in ["write `", "remove the pin"] {
        let desk = pinned_to("bob", &["ann", "bob"]).await;
        check(&desk, ("ambiguous", &ann), words, &[&ready], &[]).await;
        assert_eq!(desk.story.sandbox.account("workiva", APP, "bob@example.com").unwrap().role, "Viewer");
    }
    // To pin two people to one account is no longer a question of plans.
    let desk = pinned_to("ann", &["ann", "bob"]).await;
    let id = desk.story.sandbox.account("workiva", APP, "ann@example.com").unwrap().id;
    desk.edit("ids:\n", &format!("ids:\n      bob@example.com: {id}\n"));
    let said = desk.rosterd(&["plan"]).await;
    assert!(said.status == 1 && said.err.contains("is given to two people"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_the_pinned_account_has_another_address_now() {
    let (ann, ready) = (update("ann"), format!("ready {}", update("ann")));
    let desk = pinned_to("ann", &["ann", "bob"]).await;
    desk.set_email("ann@example.com", "ann.lee@example.com");
    // Another role may be a lesser one, and comes before the new address.
    check(&desk, ("ambiguous", &ann), "add `aliases", &[&ready], &[&ready]).await;
    settles(&desk, &[&ready], &[]).await;

    // Beside an alias that she has already.
    let desk = pinned_to("ann", &["ann", "bob"]).await;
    desk.set_email("ann@example.com", "ann.lee@example.com");
    desk.edit(
        "  ann@example.com:\n    given_name",
        "  ann@example.com:\n    aliases:\n    - a@example.com\n    given_name",
    );
    let repair = desk.repair("ambiguous", &ann).await;
    assert!(repair.contains("add `ann.lee@example.com` to the `aliases` of ann@example.com"), "{repair}");
    desk.edit("    - a@example.com\n", "    - a@example.com\n    - ann.lee@example.com\n");
    accept(&desk);
    settles(&desk, &[&ready], &[&ready]).await;
    settles(&desk, &[&ready], &[]).await;

    // A service, which is no person yet.
    let service = "accounts:\n  ann@example.com: { role: viewer }\nids:\n  ann@example.com: PIN\n";
    let desk = Desk::of("autodesk", service, "people:\n").await;
    desk.edit("PIN", &desk.account("ann.lee@example.com"));
    check(&desk, ("ambiguous", &ann), "add `ann@example.com: {", &[&ready], &[]).await;

    // Somebody else got the account.
    let desk = pinned_to("ann", &["ann", "bob"]).await;
    desk.set_email("ann@example.com", "zoe@example.com");
    check(&desk, ("ambiguous", &ann), "remove the pin", &[&format!("ready {}", of("create/ann"))], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_the_pinned_account_is_gone() {
    let ann = update("ann");
    let desk = pinned_to("ann", &["ann", "bob"]).await;
    desk.remove("ann@example.com");
    desk.account("ann@example.com");
    check(&desk, ("ambiguous", &ann), "write `", &[&format!("ready {ann}")], &[]).await;

    let desk = pinned_to("ann", &["ann", "bob"]).await;
    desk.remove("ann@example.com");
    let create = of("create/ann");
    check(&desk, ("ambiguous", &create), "remove the pin", &[&format!("ready {create}")], &[]).await;
}

/// Ann's address, which led to another account in an earlier run.
async fn used_again() -> Desk {
    let desk = Desk::workiva(EDITOR, &people(&["ann", "bob"])).await;
    desk.story.account("ann@example.com", "Editor", true);
    desk.account("bob@example.com");
    assert_eq!(desk.apply().await, [""; 0]);
    desk.remove("ann@example.com");
    desk.account("ann@example.com");
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_an_address_is_used_again() {
    let ann = update("ann");
    let desk = used_again().await;
    check(&desk, ("ambiguous", &ann), "add `ids", &[&format!("ready {ann}")], &[]).await;

    let desk = used_again().await;
    let repair = desk.repair("ambiguous", &ann).await;
    assert!(repair.ends_with("if it is somebody else's, give it another address in the app"), "{repair}");
    desk.set_email("ann@example.com", "ann.other@example.com");
    settles(&desk, &[&format!("ready {}", of("create/ann"))], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_a_stranger_has_the_same_names() {
    let (create, gone) = (of("create/ann"), of("deactivate/ann.old"));
    let renamed = async || {
        let desk = Desk::workiva(
            "policy: { unlisted: remove }\naccounts: { ann@example.com: , bob@example.com: }\n",
            &people(&["ann", "bob"]),
        )
        .await;
        desk.account("bob@example.com");
        desk.account("ann.old@example.com");
        desk.change(
            "ann.old@example.com",
            rosterd::sandbox::AccountPatch {
                given_name: Some("Ann".into()),
                family_name: Some("Lee".into()),
                ..Default::default()
            },
        );
        desk
    };
    let readdressed = format!("ready {}", update("ann"));
    check(&renamed().await, ("ambiguous", &gone), "add `aliases", &[&readdressed], &[]).await;
    let ready = [format!("ready {create}"), format!("ready {gone}")];
    check(&renamed().await, ("ambiguous", &create), "status: left", &[&ready[0], &ready[1]], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_two_groups_have_one_name() {
    let add = of("add-member/ann") + "/Board";
    let ready = format!("ready {add}");
    let twice = async || {
        let desk = Desk::workiva(
            "accounts: { ann@example.com: }\ngroups:\n  Board:\n    members: [ann@example.com]\n",
            &people(&["ann"]),
        )
        .await;
        desk.account("ann@example.com");
        desk.group("grp_1", "Board", &[]);
        desk.group("grp_2", "Board", &[]);
        desk
    };
    check(&twice().await, ("ambiguous", &add), "add `id:", &[&ready], &[]).await;
    let desk = twice().await;
    let repair = desk.repair("ambiguous", &add).await;
    assert!(repair.ends_with("or rename the other in the app"), "{repair}");
    desk.group("grp_2", "Old Board", &[]);
    settles(&desk, &[&ready], &[]).await;
    // A pin to a group that is not there any more.
    let desk = twice().await;
    desk.group("grp_2", "Old Board", &[]);
    desk.edit("      Board:\n", "      Board:\n        id: grp_0\n");
    let repair = desk.repair("ambiguous", &add).await;
    assert!(repair.starts_with("correct the `id` of apps.studio.groups.Board (all.yaml:"), "{repair}");
    desk.edit("        id: grp_0\n", "");
    settles(&desk, &[&ready], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_since_a_role_has_no_one_meaning() {
    let ann = update("ann");
    let desk = Desk::workiva(EDITOR, &people(&["ann", "bob"])).await;
    for name in ["ann", "bob"] {
        desk.account(&format!("{name}@example.com"));
    }
    desk.story.sandbox.set_quirks("workiva", APP, &["ambiguous-roles"]).unwrap();
    let repair = desk.repair("ambiguous", &ann).await;
    assert!(repair.starts_with("write the id of the one that is meant, such as `role_"), "{repair}");
    desk.edit("[Editor]", &format!("[{}]", repair.split('`').nth(1).unwrap()));
    settles(&desk, &[&format!("ready {ann}")], &[]).await;

    let desk = Desk::workiva(&EDITOR.replace("Editor", "Editr"), &people(&["ann", "bob"])).await;
    for name in ["ann", "bob"] {
        desk.account(&format!("{name}@example.com"));
    }
    let repair = desk.repair("ambiguous", &ann).await;
    assert!(repair.starts_with("did you mean Editor? Otherwise write a name that the app knows"), "{repair}");
    desk.edit("[Editr]", "[Editor]");
    settles(&desk, &[&format!("ready {ann}")], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_since_a_list_breaks_off() {
    // Without a word about roles, which are read one account at a time.
    let app = "policy: { unlisted: remove }\naccounts: { ann@example.com: }\n";
    let desk = Desk::of("workiva", app, &people(&["ann"])).await;
    desk.account("ann@example.com");
    desk.account("zoe@example.com");
    for n in 0..150 {
        desk.story.account(&format!("other{n}@example.com"), "Viewer", false);
    }
    desk.story.sandbox.set_quirks("workiva", APP, &["page-repeats"]).unwrap();
    let zoe = of("deactivate/zoe");
    assert_eq!(desk.repair("incomplete", &zoe).await, "plan again once the app can be read to the end");
    desk.story.sandbox.set_quirks("workiva", APP, &[]).unwrap();
    settles(&desk, &[&format!("ready {zoe}")], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_since_a_group_was_never_seen() {
    let (ann, bob) = (of("add-member/ann") + "/Design", of("add-member/bob") + "/Design");
    let ready = [format!("ready {ann}"), format!("ready {bob}")];
    let unseen = async || {
        let desk = Desk::of(
            "autodesk",
            "accounts: { ann@example.com: , bob@example.com: }\ngroups:\n  Design:\n    members: { ann@example.com: member, \
             bob@example.com: member }\n",
            &people(&["ann", "bob"]),
        )
        .await;
        desk.account("ann@example.com");
        desk.account("bob@example.com");
        desk.group("team-1", "Design", &[]);
        desk
    };
    let desk = unseen().await;
    let repair = desk.repair("incomplete", &ann).await;
    assert!(repair.starts_with("make one account a member in the app, which shows the id"), "{repair}");
    desk.story.sandbox.put_membership("autodesk", APP, "ann@example.com", "team-1", "member").unwrap();
    settles(&desk, &[&ready[1]], &[]).await;
    let desk = unseen().await;
    desk.follow(&repair, "add `id: ID`");
    desk.edit("id: ID", "id: team-1");
    settles(&desk, &[&ready[0], &ready[1]], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_account() {
    let bot = of("deactivate/bot");
    let own = async || {
        let desk =
            Desk::workiva("self: bot@example.com\naccounts:\n  ann@example.com:\n", &people(&["ann", "bot"])).await;
        desk.account("ann@example.com");
        desk.account("bot@example.com");
        desk
    };
    let desk = own().await;
    let repair = desk.repair("self", &bot).await;
    assert!(repair.starts_with("grant it what it would lose; or, "), "{repair}");
    desk.edit("      ann@example.com:\n", "      ann@example.com:\n      bot@example.com:\n");
    settles(&desk, &[], &[]).await;
    let desk = own().await;
    assert!(repair.contains("name that one in `self` of apps.studio (all.yaml:2)"), "{repair}");
    desk.edit("self: bot@", "self: other@");
    settles(&desk, &[&format!("ready {bot}")], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn desired_empty() {
    let gone = of("deactivate/ann");
    let desk = Desk::workiva("accounts: { }\n", &people(&["ann", "bob"])).await;
    desk.account("ann@example.com");
    let repair = desk.repair("desired-empty", &gone).await;
    assert!(repair.starts_with("grant at least one account under apps.studio (all.yaml:2)"), "{repair}");
    desk.edit("accounts: { }", "accounts: { bob@example.com: }");
    let then = [format!("ready {}", of("create/bob")), format!("ready {gone}")];
    settles(&desk, &[&then[0], &then[1]], &[]).await;

    let gone = of("remove-member/ann") + "/Board";
    let last = async || {
        let desk = Desk::workiva("accounts: { ann@example.com: }\ngroups:\n  Board:\n", &people(&["ann"])).await;
        desk.account("ann@example.com");
        desk.group("grp_1", "Board", &["ann@example.com"]);
        desk
    };
    let desk = last().await;
    let repair = desk.repair("desired-empty", &gone).await;
    desk.follow(&repair, "set `state: absent`");
    // Workiva has no way to delete a group.
    let then = [format!("manual {APP}/delete-group/Board"), format!("ready {gone}")];
    settles(&desk, &[&then[0], &then[1]], &[&then[0]]).await;
    let desk = last().await;
    assert!(repair.contains("take the last one out in the app"), "{repair}");
    desk.story.sandbox.remove_membership("workiva", APP, "ann@example.com", "grp_1").unwrap();
    settles(&desk, &[], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mode() {
    let desk = Desk::workiva(
        "mode: observe\naccounts: { ann@example.com: , new@example.com: }\ngroups:\n  Board:\n    mode: add\n    members: \
         [ann@example.com]\n",
        &people(&["ann", "bob", "eve", "new"]),
    )
    .await;
    for name in ["ann", "bob"] {
        desk.account(&format!("{name}@example.com"));
    }
    // A member who goes, without being the last one.
    desk.account("eve@example.com");
    desk.group("grp_1", "Board", &["ann@example.com", "eve@example.com"]);
    desk.edit("accounts: {", "accounts: { eve@example.com: ,");
    let (new, bob, eve) = (of("create/new"), of("deactivate/bob"), of("remove-member/eve") + "/Board");
    let (held_bob, held_eve) = (format!("mode {bob}"), format!("mode {eve}"));
    let then = [&*format!("ready {new}"), &held_bob, &held_eve];
    check(&desk, ("mode", &new), "set `mode: add`", &then, &[&held_bob, &held_eve]).await;
    check(&desk, ("mode", &bob), "set `mode: enforce`", &[&format!("ready {bob}"), &held_eve], &[&held_eve]).await;
    check(&desk, ("mode", &eve), "set `mode: enforce`", &[&format!("ready {eve}")], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen() {
    let desk = Desk::workiva(
        "policy:\n  freeze:\n    - { from: 2020-01-01, until: 2999-12-31, reason: audit }\n    - { from: 2999-01-01 }\n\
         accounts: { ann@example.com: }\n",
        &people(&["ann"]),
    )
    .await;
    let ann = of("create/ann");
    check(&desk, ("frozen", &ann), "take it out at", &[&format!("ready {ann}")], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_status() {
    let desk = Desk::of("autodesk", "", "").await;
    let dir = desk.story.dir.path();
    for name in ["ann", "bob"] {
        desk.account(&format!("{name}@example.com"));
    }
    desk.set_status("ann@example.com", "inactive");
    // A manifest of our own, whose writer had never seen anybody inactive.
    let manifest = include_str!("../../../src/connectors/rest/manifests/autodesk.yaml");
    let known = "status: { active: active, pending: pending, inactive: inactive }";
    assert!(manifest.contains(known));
    let write = |status: &str| fs::write(dir.join("connectors/mine.yaml"), manifest.replace(known, status)).unwrap();
    fs::create_dir(dir.join("connectors")).unwrap();
    let other = "status: { active: active, pending: pending, inactive: disabled }";
    write(other);
    let app = format!(
        "apps:\n  {APP}:\n    connector: ./connectors/mine.yaml\n    url: {}/autodesk/{APP}\n    auth: {{ client_id: {{ env: \
         GOOD_ID }}, client_secret: {{ env: GOOD_SECRET }} }}\n    accounts: {{ bob@example.com: }}\n",
        desk.story.sandbox.url()
    );
    let left = people(&["ann", "bob"]).replacen("Lee\n", "Lee\n    status: left\n", 1);
    fs::write(desk.file(), format!("{app}{left}")).unwrap();
    let plan = async || {
        let args = ["plan", dir.to_str().unwrap(), "--format", "json"];
        let said =
            finish(start(&args, &[("GOOD_ID", DEFAULT_CLIENT_ID), ("GOOD_SECRET", DEFAULT_CLIENT_SECRET)])).await;
        assert_eq!(said.status, 0, "{said:?}");
        serde_json::from_str::<Value>(&said.out).unwrap()
    };
    let before = plan().await;
    let held = &before["apps"][0]["actions"][0];
    assert_eq!((&held["name"], &held["held"]["guard"]), (&of("deactivate/ann").into(), &"unknown-status".into()));
    let repair = held["held"]["repair"].as_str().unwrap();
    let word = "inactive: [disabled, inactive]";
    assert!(repair.contains(&format!("as in `{word}`")), "{repair}");
    write(&format!("status: {{ active: active, pending: pending, {word} }}"));
    let after = plan().await;
    assert_eq!(after["apps"][0]["actions"], serde_json::json!([]), "{after}");
    // The other way: the app gives the account a status that is known.
    write(other);
    assert!(repair.starts_with("give the account another status in the app; or"), "{repair}");
    desk.set_status("ann@example.com", "active");
    let after = plan().await;
    assert_eq!(after["apps"][0]["actions"][0]["status"], "ready", "{after}");
}

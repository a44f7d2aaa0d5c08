//! What is said of what is live, and what cannot be. Every case that adds something ends with a plan that is empty.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::{
    connectors::Registry,
    desired::{Tree, parse},
    model::*,
    plan,
};

const NOW: &str = "2026-11-22T10:00:00Z";

/// An app of each kind with nothing in it.
const APP: &str =
    "apps:\n  a:\n    connector: CONNECTOR\n    url: https://a.example.com\n    auth: { token: { env: T } }\n";

fn desired(connector: &str, more: &str) -> Desired {
    let text = APP.replace("CONNECTOR", connector) + more;
    let loaded = parse(vec![("a.yaml".into(), text)], &Registry::new(None));
    loaded.unwrap_or_else(|problems| panic!("{problems}")).desired
}

pub(crate) fn account(id: &str, email: &str, status: AccountStatus, values: &[(&str, Option<&str>)]) -> LiveAccount {
    let values = values.iter().map(|(field, value)| ((*field).into(), value.map(Into::into))).collect();
    LiveAccount {
        other_addresses: Default::default(),
        id: id.into(),
        email: Email::lenient(email),
        status,
        values,
        created_at: None,
    }
}

pub(crate) fn group(id: &str, name: &str, members: &[(&str, Option<&str>)]) -> LiveGroup {
    let member = |&(account, role): &(&str, Option<&str>)| {
        LiveMember::new(account.into(), role.map(|role| ("role".into(), Some(role.into()))).into_iter().collect())
    };
    LiveGroup {
        id: id.into(),
        name: name.into(),
        values: BTreeMap::new(),
        members: members.iter().map(member).collect(),
        coverage: Coverage::Complete,
        reach: Reach::Full,
    }
}

pub(crate) fn live(accounts: Vec<LiveAccount>, groups: Vec<LiveGroup>) -> Live {
    let app = LiveApp { accounts, groups, ..LiveApp::empty(NOW.parse().unwrap()) };
    Live { apps: [("a".into(), Ok(app))].into() }
}

fn import_of(desired: &Desired, live: &Live) -> Imported {
    let apps = [Arc::from("a")].into();
    let now: Timestamp = NOW.parse().unwrap();
    import(&Inputs { desired, live, apps: &apps, left_out: &BTreeMap::new(), now })
}

/// The additions as one file, and what was left out.
fn show(imported: &Imported) -> String {
    let mut tree = Tree::Map(Vec::new());
    if !imported.people.is_empty() {
        *tree.child("people") = people(imported);
    }
    for (name, lines) in &imported.apps {
        let additions = Additions::of(lines);
        let entry = tree.child("apps").child(name);
        for (path, value) in additions.head {
            *path.iter().fold(&mut *entry, |entry, key| entry.child(key)) = value;
        }
        for (key, section) in additions.sections {
            *entry.child(key) = section;
        }
        for (name, group) in additions.groups {
            *entry.child("groups").child(&name) = group;
        }
    }
    let skipped = imported.skipped.iter().map(|skipped| format!("{}: {}\n", skipped.what, skipped.why));
    tree.render() + &skipped.collect::<String>()
}

/// Imports, and sees that the plan after it is empty.
fn check(connector: &str, more: &str, live: &Live) -> String {
    let before = desired(connector, more);
    let imported = import_of(&before, live);
    let shown = show(&imported);
    let added: String = shown
        .split_inclusive('\n')
        .take_while(|line| line.trim_end().ends_with(':') || line.contains(": {") || line.starts_with(' '))
        .collect();
    let files = vec![("a.yaml".to_owned(), APP.replace("CONNECTOR", connector) + more), ("b.yaml".to_owned(), added)];
    let after = parse(files, &Registry::new(None)).unwrap_or_else(|problems| panic!("{problems}\n{shown}")).desired;
    let inputs = plan::Inputs {
        desired: &after,
        desired_digest: "",
        live,
        history: None,
        base: None,
        others: None,
        now: NOW.parse().unwrap(),
    };
    let actions: Vec<String> =
        plan::plan(&inputs).apps.iter().flat_map(|app| &app.actions).map(|action| action.name.to_string()).collect();
    assert_eq!(actions, Vec::<String>::new(), "{shown}");
    shown
}

use AccountStatus::{Active, Inactive, Pending};

#[test]
fn a_new_app_starts_in_mode_add_with_its_admins_and_groups_by_id() {
    let live = live(
        vec![
            account("1", "ann@x.io", Active, &[("role", Some("admin")), ("given_name", Some("Ann"))]),
            account("2", "Bob@X.io", Active, &[("role", Some("user"))]),
            account("3", "cy@x.io", Pending, &[("role", Some("user"))]),
            account("4", "old@x.io", Inactive, &[("role", Some("user"))]),
            account("5", "plot-server@x.io", Active, &[("role", Some("viewer"))]),
        ],
        vec![group("t1", "Design: all", &[("1", Some("lead")), ("2", Some("member")), ("4", Some("member"))])],
    );
    insta::assert_snapshot!(check("autodesk", "", &live), @r#"
    people:
      ann@x.io: { given_name: Ann }
      bob@x.io:
      cy@x.io:
      old@x.io: { status: suspended }
    apps:
      a:
        mode: add
        defaults:
          role: user
        accounts:
          ann@x.io: { role: admin }
          bob@x.io:
          cy@x.io:
          old@x.io:
          plot-server@x.io: { role: viewer }
        groups:
          "Design: all":
            id: t1
            members:
              ann@x.io: lead
              bob@x.io: member
              old@x.io: member
    "#);
}

#[test]
fn who_cannot_be_told_for_certain_is_left_out_with_the_reason() {
    let live = live(
        vec![
            account("1", "ann@x.io", Active, &[]),
            account("2", "ANN@x.io", Active, &[]),
            account("3", "", Active, &[]),
            account("4", "odd@x.io", AccountStatus::Unknown("limbo".into()), &[]),
            account("5", "no address", Active, &[]),
            account("6", "bob@x.io", Active, &[]),
            account("7", "bob@x.io", Inactive, &[]),
        ],
        vec![group("g1", "Ops", &[("1", None), ("6", None), ("9", None)])],
    );
    insta::assert_snapshot!(check("scim", "", &live), @r#"
    people:
      bob@x.io:
    apps:
      a:
        mode: add
        accounts:
          bob@x.io:
        ids:
          bob@x.io: "6"
        groups:
          Ops:
            members:
              bob@x.io:
    9 in Ops: this member is not among the accounts that the app lists
    account 3: it has no address, so nobody can tell whose it is; give it one in the app, or pin its id
    ann@x.io: it has 2 usable accounts: ann@x.io (id 1) and ANN@x.io (id 2); remove one in the app, or pin the right one under `ids`
    no address: what the app calls its address is none; give it one in the app
    odd@x.io: its status `limbo` is not one that the connector knows; look it up in the app
    "#);
}

#[test]
fn groups_with_the_same_name_are_told_apart_by_their_ids() {
    let live = live(
        vec![account("1", "ann@x.io", Active, &[])],
        vec![group("g1", "Ops", &[("1", None)]), group("g2", "Ops", &[])],
    );
    insta::assert_snapshot!(check("scim", "", &live), @r"
    people:
      ann@x.io:
    apps:
      a:
        mode: add
        accounts:
          ann@x.io:
        groups:
          Ops:
            id: g1
            members:
              ann@x.io:
          Ops (g2):
            id: g2
    ");
}

#[test]
fn what_the_files_say_already_is_neither_repeated_nor_overruled() {
    let more = "    defaults: { role: user }
    accounts: { ann@x.io: { role: admin } }
    groups: { Design: { id: t1, members: { ann@x.io: { role: lead } } } }
people: { old@x.io: { status: left }, cy@x.io: { given_name: Cy, aliases: [cyrus@x.io] } }
";
    let live = live(
        vec![
            account("1", "ann@x.io", Active, &[("role", Some("admin"))]),
            account("2", "bob@x.io", Active, &[("role", Some("user"))]),
            account("3", "cyrus@x.io", Active, &[("role", Some("viewer"))]),
        ],
        vec![group("t1", "Design", &[("1", Some("lead")), ("2", Some("member"))])],
    );
    insta::assert_snapshot!(check("autodesk", more, &live), @r"
    people:
      bob@x.io:
    apps:
      a:
        policy:
          aliases: keep
        accounts:
          bob@x.io:
          cy@x.io: { role: viewer }
        groups:
          Design:
            members:
              bob@x.io: member
    ");
    assert!(import_of(&desired("autodesk", more), &live).skipped.is_empty());
}

#[test]
fn an_account_of_somebody_who_left_stays_drift() {
    let more = "    defaults: { role: user }\n    accounts: { ann@x.io: }\npeople: { old@x.io: { status: left } }\n";
    let live = live(
        vec![
            account("1", "ann@x.io", Active, &[("role", Some("user"))]),
            account("2", "old@x.io", Active, &[("role", Some("user"))]),
        ],
        Vec::new(),
    );
    let imported = import_of(&desired("autodesk", more), &live);
    assert!(imported.people.is_empty());
    assert!(imported.apps.values().all(|app| app.accounts.is_empty() && app.groups.is_empty() && app.ids.is_empty()));
    assert!(imported.skipped.first().unwrap().why.contains("left or is suspended"));
}

#[test]
fn people_with_the_very_same_are_suggested_as_a_team_and_admins_are_in_none() {
    let someone = |n: &str| account(n, &format!("p{n}@x.io"), Active, &[("role", Some("user"))]);
    let mut accounts: Vec<LiveAccount> = ["1", "2", "3", "4"].map(someone).into();
    accounts.push(account("5", "p5@x.io", Active, &[("role", Some("admin"))]));
    let members = [("1", Some("member")), ("2", Some("member")), ("3", Some("member")), ("5", Some("member"))];
    let live = live(accounts, vec![group("t1", "Design & Build", &members)]);
    let desired = desired("autodesk", "");
    let imported = import_of(&desired, &live);
    insta::assert_snapshot!(team_lines(&suggest(&desired, &imported)), @r"
    teams:
      design-build:
        members:
          p1@x.io:
          p2@x.io:
          p3@x.io:
        grants:
          a: { groups: { Design & Build: member } }
    ");
}

//! Manifests as people write them, with their mistakes.

use insta::assert_snapshot;

use super::Manifest;
use crate::model::{AccountStatus, Find, MemberRead, Semantics, Step, Verb};

const SMALL: &str = r#"name: small
auth: { bearer: true }
accounts:
  fields: { id: id, email: email, status: state }
  status: { active: on, inactive: off }
  list: { get: /users, items: data }
  read: { get: "/users/{account.id}" }
"#;

fn built_in(name: &str) -> &'static str {
    super::BUILT_IN.iter().find(|(built_in, _)| *built_in == name).unwrap().1
}

fn autodesk() -> Semantics {
    let manifest = Manifest::parse("autodesk.yaml", built_in("autodesk")).unwrap();
    Semantics::clone(&manifest.semantics)
}

/// What is said of the small manifest after `from` has been replaced.
fn wrong(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "the test replaces something");
    Manifest::parse("small.yaml", &SMALL.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn every_built_in_manifest_is_a_good_one() {
    for (name, text) in super::BUILT_IN {
        let manifest = Manifest::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(&*manifest.semantics.connector, name);
    }
}

#[test]
fn autodesk_declares_its_traps() {
    let semantics = autodesk();
    assert_eq!((semantics.find, semantics.members.read), (Find::Sweep, MemberRead::PerAccount));
    assert_eq!(semantics.create.as_ref().map(|create| &create.becomes), Some(&AccountStatus::Pending));
    assert!(semantics.deactivate.as_ref().is_some_and(|rule| rule.irreversible));
    assert!(!semantics.reactivate && !semantics.groups.list && !semantics.members.remove);
    assert_eq!(semantics.members.change, Step::Manual);
    assert_eq!(semantics.members.when, [AccountStatus::Active].into());
    let role = semantics.role.as_ref().unwrap();
    assert!(role.rank("admin") > role.rank("user") && role.rank("user") > role.rank("viewer"));
    assert!(!semantics.carries.contains("role") && semantics.fields.contains("role"));
}

#[test]
fn whatever_an_api_lacks_has_a_text_for_people() {
    let semantics = autodesk();
    for verb in [Verb::Reactivate, Verb::RemoveMember, Verb::ChangeMember, Verb::CreateGroup, Verb::DeleteGroup] {
        assert!(semantics.manual.contains_key(&verb), "{verb}");
    }
}

#[test]
fn mistakes_are_shown_with_their_line_and_what_to_write() {
    assert_snapshot!(wrong("{account.id}", "{id}"), @"small.yaml:7: {id} has no value here; there are {account.id} and {options.NAME}");
    assert_snapshot!(wrong("bearer: true", "scopes: [a]"), @"small.yaml:2: `auth` needs exactly one of `oauth`, `bearer`, `header`, `basic` and `login`");
    assert_snapshot!(wrong("id: id, ", ""), @"small.yaml:4: `accounts.fields` needs `id`");
    let page = "name: small\npage: { size: n }";
    assert_snapshot!(wrong("name: small", page), @"small.yaml:2: `page` needs exactly one of `offset`, `number`, `token` and `link`");
    let deactivate = "\n  deactivate: { set: { status: inactive } }";
    assert_snapshot!(wrong("\n  read", &format!("{deactivate}\n  read")), @"small.yaml:4: `set` writes through `accounts.update`, which is missing");
}

#[test]
fn misspelt_keys_and_malformed_values_are_errors_with_their_line() {
    for (from, to, line, says) in [
        ("  list:", "  lists:", 6, "lists"),
        ("/users/{account.id}", "/users/{account.id", 7, "without a `}`"),
        ("name: small", "name: small\nlimits: { all: 1000 per hour }", 2, "1000/h"),
        ("name: small", "name: small\nmanual: { dance: x }", 2, "dance"),
    ] {
        let error = wrong(from, to);
        assert!(error.starts_with(&format!("small.yaml:{line}: ")) && error.contains(says), "{error}");
    }
}

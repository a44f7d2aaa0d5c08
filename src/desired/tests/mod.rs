//! Tests of the whole way from files to the model, with two connectors that exercise the rules.

mod claims;
mod grantable;
mod language;
mod meaning;
mod places;
mod same;
mod scale;
mod schema;
mod secrets;
mod syntax;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::model::{
    AccountStatus, CatalogueError, ConnectorCatalogue, CreateRule, Desired, FieldName, Find, GroupRules, Limits,
    MemberChange, MemberRead, MemberRules, Options, RoleRule, Semantics,
};

use super::{Loaded, Problems, parse};

/// `autodesk`: one ranked role per account, one unranked role per membership. `many`: several roles per account, names
/// needed on creation, memberships with several fields, groups with a field.
pub(super) struct StaticCatalogue;

impl ConnectorCatalogue for StaticCatalogue {
    fn semantics(&self, name: &str, _: &Options) -> Result<Arc<Semantics>, CatalogueError> {
        match name {
            "autodesk" => Ok(Arc::new(autodesk())),
            "many" => Ok(Arc::new(many())),
            _ => Err(CatalogueError::Connector(format!("there is no connector `{name}`"))),
        }
    }

    fn names(&self) -> Vec<String> {
        vec!["autodesk".to_owned(), "many".to_owned()]
    }
}

fn names(list: &[&str]) -> BTreeSet<FieldName> {
    list.iter().map(|&name| name.into()).collect()
}

fn autodesk() -> Semantics {
    Semantics {
        connector: "autodesk".into(),
        account_noun: "user".into(),
        group_noun: "team".into(),
        fields: names(&["role", "given_name", "family_name", "status"]),
        fixed: BTreeSet::new(),
        role: Some(RoleRule {
            many: false,
            ranked: ["viewer", "user", "admin"].map(Into::into).to_vec(),
            admin: names(&["admin"]),
            values: names(&["viewer", "user", "admin"]),
        }),
        find: Find::Sweep,
        carries: names(&["given_name"]),
        create: Some(CreateRule { require: names(&["email", "role"]), becomes: AccountStatus::Pending }),
        update: true,
        deactivate: None,
        reactivate: false,
        delete: None,
        cancel_pending: None,
        inactive_keeps_seat: false,
        groups: GroupRules::default(),
        members: MemberRules {
            read: MemberRead::PerAccount,
            add: true,
            when: BTreeSet::from([AccountStatus::Active]),
            change: MemberChange::Manual,
            remove: false,
            creates_account: false,
            creates_with: BTreeSet::new(),
            optional: BTreeSet::new(),
            joins_as: BTreeMap::new(),
            add_at_once: 1,
            remove_at_once: 1,
            role: Some(RoleRule { values: names(&["member", "lead"]), ..RoleRule::default() }),
            fields: names(&["role"]),
        },
        manual: BTreeMap::new(),
        effort: BTreeMap::new(),
        address_reads: 0,
        settle: std::time::Duration::ZERO,
        limits: Limits::default(),
    }
}

fn many() -> Semantics {
    let mut many = autodesk();
    many.connector = "many".into();
    many.fields = names(&["roles", "given_name", "family_name", "title"]);
    many.role = Some(RoleRule { many: true, ..RoleRule::default() });
    many.create =
        Some(CreateRule { require: names(&["email", "given_name", "family_name"]), becomes: AccountStatus::Active });
    many.groups = GroupRules { fields: names(&["kind"]), ..GroupRules::default() };
    many.members.role = None;
    many.members.fields = names(&["company"]);
    many
}

/// Two people and an app, so that a test's own file says only what it is about.
pub(super) const BASE: &str = "\
people:
  jane@example.com: { given_name: Jane, family_name: Doe }
  sam@example.com: { given_name: Sam, family_name: Lee }
apps:
  autodesk:
    connector: autodesk
    url: https://api.example.com
    defaults: { role: user }
    groups: { Design Team: }
";

/// Loads `files` together with [`BASE`], unless they bring a `base.yaml` of their own.
pub(super) fn load(files: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let mut all: Vec<(String, String)> = files.iter().map(|&(path, text)| (path.into(), text.into())).collect();
    if !files.iter().any(|(path, _)| *path == "base.yaml") {
        // A person stands in one place: who has an entry in the test's own file has none here.
        let lists_jane = |text: &str| {
            let text = text.to_lowercase();
            ["people:\n  jane@example.com:", "people: { jane@example.com:"].iter().any(|entry| text.contains(entry))
        };
        let jane = "  jane@example.com: { given_name: Jane, family_name: Doe }";
        let is_elsewhere = files.iter().any(|(_, text)| lists_jane(text));
        all.push(("base.yaml".into(), if is_elsewhere { BASE.replace(jane, "  # elsewhere") } else { BASE.into() }));
    }
    parse(all, &StaticCatalogue)
}

pub(super) fn desired(files: &[(&str, &str)]) -> Desired {
    load(files).map(|loaded| loaded.desired).unwrap_or_else(|problems| panic!("\n{problems}"))
}

/// Everything wrong with `files`, errors and warnings, as a terminal of 100 columns shows it.
pub(super) fn check(files: &[(&str, &str)], expected: &str) {
    let problems = match load(files) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    same(&problems.to_string(), expected);
}

/// Compares texts without regard to space around them.
pub(super) fn same(actual: &str, expected: &str) {
    let actual = actual.trim();
    assert_eq!(actual, expected.trim(), "\n<<<{expected}\n{actual}\n>>>");
}

/// [`check`] for one file, `a.yaml`.
pub(super) fn check_file(text: &str, expected: &str) {
    check(&[("a.yaml", text)], expected);
}

//! What an import adds, as entries of the files.

use std::{collections::BTreeMap, sync::Arc};

use super::{Imported, Names, NewGroup, NewLines, Team};
use crate::{
    desired::{Tree, scalar},
    model::{Email, FieldValue, Values},
};

/// What is to be added to the entry of one app, apart by where it is best put.
#[derive(Debug, Clone, Default)]
pub(crate) struct Additions {
    /// Single values that stand at the head of the entry, by their keys: `mode`, `role` of `defaults`, and `aliases`
    /// of `policy`.
    pub head: Vec<(Vec<&'static str>, Tree)>,
    /// The sections `accounts` and `ids`, by key.
    pub sections: Vec<(&'static str, Tree)>,
    /// Groups, by name.
    pub groups: Vec<(Arc<str>, Tree)>,
}

/// The section `people`.
pub(crate) fn people(imported: &Imported) -> Tree {
    let entries = imported.people.iter().map(|(identity, names)| (identity.to_string(), person(names)));
    Tree::Map(entries.collect())
}

fn person(names: &Names) -> Tree {
    let fields = [("given_name", &names.given), ("family_name", &names.family)];
    let names_given = fields.into_iter().filter_map(|(key, name)| Some((key.to_owned(), scalar(name.as_ref()?))));
    let status = (!names.is_active).then(|| ("status".to_owned(), "suspended".to_owned()));
    Tree::Line(names_given.chain(status).collect())
}

impl Additions {
    /// What is to be added for one app.
    pub(crate) fn of(lines: &NewLines) -> Self {
        let mut additions = Self::default();
        if lines.is_new {
            additions.head.push((vec!["mode"], Tree::Text("add".into())));
        }
        if let Some(role) = &lines.default_role {
            additions.head.push((vec!["defaults", "role"], Tree::Text(scalar(role))));
        }
        if lines.keeps_aliases {
            additions.head.push((vec!["policy", "aliases"], Tree::Text("keep".into())));
        }
        if !lines.accounts.is_empty() {
            additions.sections.push(("accounts", named(&lines.accounts, account)));
        }
        if !lines.ids.is_empty() {
            additions.sections.push(("ids", named(&lines.ids, |id| Tree::Text(scalar(id)))));
        }
        additions.groups = lines.groups.iter().map(|(name, new)| (name.clone(), group(new))).collect();
        additions
    }
}

fn named<T>(entries: &BTreeMap<Email, T>, tree: impl Fn(&T) -> Tree) -> Tree {
    Tree::Map(entries.iter().map(|(identity, value)| (identity.to_string(), tree(value))).collect())
}

fn account(values: &Values) -> Tree {
    if values.is_empty() { Tree::Nothing } else { Tree::Line(fields(values)) }
}

/// A role that stands alone needs no braces.
fn member(values: &Values) -> Tree {
    match values.first_key_value() {
        None => Tree::Nothing,
        Some((field, value @ FieldValue::Text(_))) if values.len() == 1 && **field == *"role" => {
            Tree::Text(Tree::value(value))
        }
        Some(_) => Tree::Line(fields(values)),
    }
}

fn fields(values: &Values) -> Vec<(String, String)> {
    // The role is what people look for, and first names come first.
    let rank = |field: &str| match field {
        "role" => 0,
        "roles" => 1,
        "given_name" => 2,
        _ => 3,
    };
    let mut fields: Vec<_> = values.iter().collect();
    fields.sort_by_key(|(field, _)| rank(field));
    fields.into_iter().map(|(field, value)| (field.to_string(), Tree::value(value))).collect()
}

fn group(new: &NewGroup) -> Tree {
    let mut entries = Vec::new();
    if let Some(id) = &new.id {
        entries.push(("id".to_owned(), Tree::Text(scalar(id))));
    }
    entries.extend(new.values.iter().map(|(field, value)| (field.to_string(), Tree::Text(Tree::value(value)))));
    if !new.members.is_empty() {
        entries.push(("members".to_owned(), named(&new.members, member)));
    }
    if entries.is_empty() { Tree::Nothing } else { Tree::Map(entries) }
}

/// Teams as lines to copy.
pub(crate) fn team_lines(teams: &[Team]) -> String {
    let mut section = Tree::Map(Vec::new());
    for team in teams {
        let entry = section.child("teams").child(&team.name);
        for member in &team.members {
            entry.child("members").child(member.as_str());
        }
        for (app, grant) in &team.grants {
            let mut of_grant = fields(&grant.values);
            if !grant.groups.is_empty() {
                of_grant.push(("groups".into(), groups_of(&grant.groups)));
            }
            *entry.child("grants").child(app) = Tree::Line(of_grant);
        }
    }
    section.render()
}

fn groups_of(groups: &BTreeMap<Arc<str>, Values>) -> String {
    if groups.values().all(Values::is_empty) {
        let names: Vec<String> = groups.keys().map(|name| scalar(name)).collect();
        return format!("[{}]", names.join(", "));
    }
    let entries: Vec<String> = groups
        .iter()
        .map(|(name, values)| match member(values) {
            Tree::Text(text) => format!("{}: {text}", scalar(name)),
            Tree::Line(fields) => {
                let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{}: {{ {} }}", scalar(name), fields.join(", "))
            }
            _ => format!("{}:", scalar(name)),
        })
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

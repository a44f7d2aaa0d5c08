//! Values that have to be there: of fields that an app manages, and what creating an account takes.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    desired::report::{Draft, Report, Span},
    model::{Email, FieldName, Values},
};

use super::{Claimed, identity::Directory};

/// How many lines without a value one problem shows; the others are counted.
const SHOWN: usize = 5;

/// Where each managed field is first set.
pub(super) type Managed = BTreeMap<FieldName, Span>;

/// Remembers the fields that a line sets, and the first line that does.
pub(super) fn manage(managed: &mut Managed, spans: &BTreeMap<FieldName, Span>) {
    for (field, &span) in spans {
        let first = managed.entry(field.clone()).or_insert(span);
        *first = span.min(*first);
    }
}

/// Something granted, and what its lines set.
pub(super) struct Granted<'a> {
    pub person: &'a Email,
    pub group: Option<&'a str>,
    pub claims: &'a [Claimed],
}

/// Reports granted accounts or memberships without a value for a managed field. `fallback` says whether there is a value
/// that no line of theirs gives.
pub(super) fn check_managed<'a>(
    app: &str,
    managed: &Managed,
    granted: impl Iterator<Item = Granted<'a>>,
    fallback: impl Fn(&Email, &str) -> bool,
    own: impl Fn(&Granted<'a>, &str) -> bool,
    directory: &Directory,
    report: &mut Report<'_>,
) {
    let mut lacking: BTreeMap<&FieldName, Vec<(String, Span)>> = BTreeMap::new();
    for granted in granted.filter(|granted| directory.is_active(granted.person)) {
        for field in managed.keys() {
            if own(&granted, field) || fallback(granted.person, field) {
                continue;
            }
            let Some(line) = granted.claims.first() else { continue };
            let whose = match granted.group {
                Some(group) => format!("`{}` in group `{group}`", granted.person),
                None => format!("`{}`", granted.person),
            };
            lacking.entry(field).or_default().push((whose, line.line.span));
        }
    }
    for (field, mut who) in lacking {
        who.sort_by_key(|(_, span)| *span);
        let (first, more) = (&who[0].0, who.len() - 1);
        let and_more = match more {
            0 => String::new(),
            1 => " and one more".to_owned(),
            n => format!(" and {n} more"),
        };
        let mut draft = Draft::error(
            "missing-value",
            format!("{first}{and_more} would have no `{field}` in app `{app}`, where it is managed"),
        );
        let places: BTreeSet<Span> = who.iter().map(|(_, span)| *span).collect();
        for (i, span) in places.into_iter().take(SHOWN).enumerate() {
            draft = draft.at(span, if i == 0 { "without a value" } else { "" });
        }
        draft = draft.at(managed[field], "this line makes it managed");
        let hint = if who[0].0.contains(" in group ") {
            format!("give `{field}` to every member of the app's groups, or to none")
        } else {
            format!("add it to the line, or to the app's `defaults: {{ {field}: … }}`")
        };
        report.push(draft.hint(hint));
    }
}

/// What creating an account takes in one app, and what the app itself provides of it.
pub(super) struct Creating<'a> {
    pub name: &'a str,
    pub span: Span,
    pub require: &'a BTreeSet<FieldName>,
    pub defaults: &'a Values,
    pub managed: &'a Managed,
}

/// Names and other values that creating accounts takes, over all apps.
#[derive(Default)]
pub(super) struct Names {
    /// Who lacks what, for which apps.
    lacking: BTreeMap<Email, BTreeMap<FieldName, BTreeSet<String>>>,
}

impl Names {
    /// Notes what one app needs of its accounts, and reports at once what no person's entry could mend.
    pub(super) fn look<'a>(
        &mut self,
        app: &Creating<'_>,
        accounts: impl Iterator<Item = (&'a Email, &'a [Claimed])>,
        directory: &Directory,
        report: &mut Report<'_>,
    ) {
        let mut app_lacks: BTreeMap<&FieldName, &Email> = BTreeMap::new();
        for (person, claims) in accounts.filter(|(person, _)| directory.is_active(person)) {
            for field in app.require.iter().filter(|field| &***field != "email") {
                if is_set(claims, field) || app.defaults.contains_key(field) || person_has(directory, person, field) {
                    continue;
                }
                if is_name(field) {
                    let lacks = self.lacking.entry(person.clone()).or_default();
                    lacks.entry(field.clone()).or_default().insert(format!("`{}`", app.name));
                } else if !app.managed.contains_key(field) {
                    app_lacks.entry(field).or_insert(person);
                }
            }
        }
        for (field, person) in app_lacks {
            let message =
                format!("creating an account in app `{}` takes a `{field}`, and `{person}` has none", app.name);
            let draft = Draft::error("missing-value", message).at(app.span, "");
            report.push(draft.hint(format!("add `defaults: {{ {field}: … }}` to the app")));
        }
    }

    /// Reports everyone whose entry lacks a name, once for all apps.
    pub(super) fn report(self, directory: &Directory, report: &mut Report<'_>) {
        for (person, fields) in self.lacking {
            let Some(span) = directory.span(&person) else { continue };
            let names: Vec<String> = fields.keys().map(|field| format!("`{field}`")).collect();
            let apps: BTreeSet<String> = fields.into_values().flatten().collect();
            let apps: Vec<String> = apps.into_iter().collect();
            let plural = if apps.len() == 1 { "app" } else { "apps" };
            let message = format!(
                "`{person}` has no {}, which {plural} {} needs to create an account",
                names.join(" and "),
                apps.join(", ")
            );
            let message = if apps.len() == 1 { message } else { message.replace(" needs to", " need to") };
            let hint = if directory.people.contains_key(&person) {
                "add it to this entry"
            } else {
                "add it to this line, or give the address an entry under `people`"
            };
            report.push(Draft::error("missing-name", message).at(span, "").hint(hint));
        }
    }
}

fn is_name(field: &str) -> bool {
    matches!(field, "given_name" | "family_name")
}

/// Whether one of the lines sets the field.
pub(super) fn is_set(claims: &[Claimed], field: &str) -> bool {
    claims.iter().any(|claimed| claimed.line.values.contains_key(field))
}

/// Whether the person's own entry gives the value.
pub(super) fn person_has(directory: &Directory, person: &Email, field: &str) -> bool {
    directory.people.get(person).is_some_and(|person| match field {
        "given_name" => person.given_name.is_some(),
        "family_name" => person.family_name.is_some(),
        _ => false,
    })
}

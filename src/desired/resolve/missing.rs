//! Values that have to be there: of fields that an app manages, and what creating an account takes.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    desired::{
        decode::App,
        report::{Report, Span},
    },
    model::{Email, FieldName},
};

use super::{Claimed, identity::Directory};

/// How many lines without a value one problem shows; the others are counted.
const SHOWN: usize = 5;

/// Where each managed field is first set.
pub(super) type Managed = BTreeMap<FieldName, Span>;

/// Something granted, and what its lines set.
#[derive(Clone, Copy)]
pub(super) struct Granted<'a> {
    pub person: &'a Email,
    pub group: Option<&'a str>,
    pub claims: &'a [Claimed],
}

impl Granted<'_> {
    /// Whether one of the lines sets the field.
    pub(super) fn sets(&self, field: &str) -> bool {
        self.claims.iter().any(|claimed| claimed.line.values.contains_key(field))
    }
}

/// Reports granted accounts or memberships without a value for a managed field.
pub(super) fn check_managed(
    app: &str,
    managed: &Managed,
    granted: &[Granted<'_>],
    has: impl Fn(&Granted<'_>, &str) -> bool,
    report: &mut Report<'_>,
) {
    for (field, &managed_at) in managed {
        let lacking = granted.iter().filter(|granted| !has(granted, field));
        let mut who: Vec<_> =
            lacking.filter_map(|granted| Some((granted.claims.first()?.line.span, granted))).collect();
        who.sort_by_key(|(span, _)| *span);
        let Some(&(_, Granted { person, group, .. })) = who.first() else { continue };
        let whose = group.map_or_else(String::new, |group| format!(" in group `{group}`"));
        let and_more = match who.len() - 1 {
            0 => String::new(),
            1 => " and one more".to_owned(),
            more => format!(" and {more} more"),
        };
        let message =
            format!("`{person}`{whose}{and_more} would have no `{field}` in app `{app}`, where it is managed");
        let places: BTreeSet<Span> = who.iter().map(|(span, _)| *span).collect();
        let mut draft = report.error("missing-value", None, message);
        for (i, span) in places.into_iter().take(SHOWN).enumerate() {
            draft = draft.and(span, if i == 0 { "without a value" } else { "" });
        }
        draft.and(managed_at, "this line makes it managed").hint(if group.is_some() {
            format!("give `{field}` to every member of the app's groups, or to none")
        } else {
            format!("add it to the line, or to the app's `defaults: {{ {field}: … }}`")
        });
    }
}

/// Names that creating accounts takes and people lack: who lacks what, for which apps.
#[derive(Default)]
pub(super) struct Lacking(BTreeMap<Email, BTreeMap<FieldName, BTreeSet<String>>>);

impl Lacking {
    /// Notes what one app needs of its accounts, and reports at once what no person's entry could fix.
    pub(super) fn look(
        &mut self,
        app: &App,
        require: &BTreeSet<FieldName>,
        managed: &Managed,
        granted: &[Granted<'_>],
        has: impl Fn(&Granted<'_>, &str) -> bool,
        report: &mut Report<'_>,
    ) {
        let mut app_lacks: BTreeMap<&FieldName, &Email> = BTreeMap::new();
        for granted in granted {
            for field in require.iter().filter(|field| &***field != "email" && !has(granted, field)) {
                if matches!(&**field, "given_name" | "family_name") {
                    let lacks = self.0.entry(granted.person.clone()).or_default();
                    lacks.entry(field.clone()).or_default().insert(format!("`{}`", app.name));
                } else if !managed.contains_key(field) {
                    app_lacks.entry(field).or_insert(granted.person);
                }
            }
        }
        for (field, person) in app_lacks {
            let message =
                format!("creating an account in app `{}` takes a `{field}`, and `{person}` has none", app.name);
            let hint = format!("add `defaults: {{ {field}: … }}` to the app");
            report.error("missing-value", app.span, message).hint(hint);
        }
    }

    /// Reports everyone whose entry lacks a name, once for all apps.
    pub(super) fn report(self, directory: &Directory, report: &mut Report<'_>) {
        for (person, fields) in self.0 {
            let Some(span) = directory.span(&person) else { continue };
            let names: Vec<String> = fields.keys().map(|field| format!("`{field}`")).collect();
            let names = names.join(" and ");
            let apps: BTreeSet<String> = fields.into_values().flatten().collect();
            let (which, need) = if apps.len() == 1 { ("app", "needs") } else { ("apps", "need") };
            let apps = apps.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("`{person}` has no {names}, which {which} {apps} {need} to create an account");
            report.error("missing-name", span, message).hint(if directory.people.contains_key(&person) {
                "add it to this entry"
            } else {
                "add it to this line, or give the address an entry under `people`"
            });
        }
    }
}

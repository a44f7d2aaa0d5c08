//! Declared groups as the model has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    desired::{
        decode::{App, Group},
        report::{Report, Span},
    },
    model::{Claim, DesiredGroup, Email, FieldName, GroupState, Semantics},
};

use super::{alike, missing::Managed, values::Rules};

/// Makes the model's groups of an app from what is declared and who is in them.
pub(super) fn resolve(
    app: &App,
    semantics: &Semantics,
    mut members: BTreeMap<Arc<str>, BTreeMap<Email, Vec<Claim>>>,
    managed: &BTreeSet<FieldName>,
    report: &mut Report<'_>,
) -> BTreeMap<Arc<str>, DesiredGroup> {
    check_pins(app, report);
    alike::warn("groups", app.groups.iter().map(|group| (&*group.name, group.span)), report);
    let mut groups = BTreeMap::new();
    for group in &app.groups {
        check_absent(group, report);
        let line = Rules::groups(semantics).line(&group.said, group.span, &mut Managed::new(), report);
        let resolved = DesiredGroup {
            name: group.name.clone(),
            id: group.id.as_ref().map(|id| id.name.clone()),
            state: group.state,
            mode: group.mode,
            policy: group.policy.clone(),
            values: line.values.clone(),
            members: members.remove(&group.name).unwrap_or_default(),
            managed: managed.clone(),
            place: report.place(group.span),
        };
        groups.insert(group.name.clone(), resolved);
    }
    groups
}

fn check_absent(group: &Group, report: &mut Report<'_>) {
    if let (GroupState::Absent, Some((member, _))) = (group.state, group.members.first()) {
        let message = format!("group `{}` is to be deleted, and has members", group.name);
        let draft = report.error("group-absent", group.state_span.unwrap_or(group.span), message);
        draft.label("to be deleted").and(member.span, "a member").hint("remove the members, or `state: absent`");
    }
}

/// An id belongs to one group, and to one account.
fn check_pins(app: &App, report: &mut Report<'_>) {
    let groups = app.groups.iter().filter_map(|group| group.id.as_ref()).map(|id| (&*id.name, id.span));
    unique(groups, "two groups", report);
    unique(app.ids.iter().map(|(_, id)| (&*id.name, id.span)), "two people", report);
}

fn unique<'a>(ids: impl Iterator<Item = (&'a str, Span)>, whose: &str, report: &mut Report<'_>) {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    for (id, span) in ids {
        // Two that come from one alias stand at one place.
        if let Some(&other) = first.get(id) {
            let draft = report.error("duplicate-id", span, format!("the id `{id}` is given to {whose}"));
            draft.label("given again here").and(other, "first given here");
        } else {
            first.insert(id, span);
        }
    }
}

//! Declared groups as the model has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    desired::{
        decode::{App, Group},
        report::{Draft, Report, Span},
    },
    model::{Claim, DesiredGroup, Email, FieldName, GroupState, Policy, Semantics},
};

use super::values::Rules;

/// Makes the model's groups of an app from what is declared and who is in them.
pub(super) fn resolve(
    app: &App,
    policy: &Policy,
    semantics: &Semantics,
    mut members: BTreeMap<Arc<str>, BTreeMap<Email, Vec<Claim>>>,
    managed: &BTreeSet<FieldName>,
    report: &mut Report<'_>,
) -> BTreeMap<Arc<str>, DesiredGroup> {
    check_pins(app, report);
    let mut groups = BTreeMap::new();
    for group in &app.groups {
        check_absent(group, report);
        let values = Rules::groups(semantics).line(&group.said, group.span, report).values.clone();
        let resolved = DesiredGroup {
            name: group.name.clone(),
            id: group.id.as_ref().map(|id| id.name.clone()),
            state: group.state,
            mode: group.mode.unwrap_or(app.mode),
            policy: group.policy.over(policy, report),
            values,
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
        let draft = Draft::error("group-absent", format!("group `{}` is to be deleted, and has members", group.name))
            .at(group.state_span.unwrap_or(group.span), "to be deleted")
            .at(member.span, "a member");
        report.push(draft.hint("remove the members, or `state: absent`"));
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
        if let Some(&other) = first.get(id) {
            let draft = Draft::error("duplicate-id", format!("the id `{id}` is given to {whose}"))
                .at(span, "given again here")
                .at(other, "first given here");
            report.push(draft);
        } else {
            first.insert(id, span);
        }
    }
}

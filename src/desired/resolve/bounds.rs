//! What grants may name: declared apps, declared groups, and no more than an app's `grantable` allows.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    desired::{
        decode::{App, Grant, Named, Team},
        nearest,
        report::{Draft, Report},
    },
    model::GroupState,
};

use super::Line;

/// Reports grants in apps that no file declares.
pub(super) fn apps_of_grants(teams: &[Team], apps: &[App], report: &mut Report<'_>) {
    if !report.all_read() {
        return;
    }
    let known: BTreeSet<&str> = apps.iter().map(|app| &*app.name).collect();
    for grant in teams.iter().flat_map(|team| &team.grants) {
        if !known.contains(&*grant.app.name) {
            let draft =
                Draft::error("unknown-app", format!("there is no app `{}`", grant.app.name)).at(grant.app.span, "");
            report.push(draft.hint(nearest::hint(&grant.app.name, known.iter().copied(), "apps")));
        }
    }
}

/// Reports a group that its app does not declare.
pub(super) fn unknown_group(app: &App, named: &Named<Arc<str>>, report: &mut Report<'_>) {
    if report.all_read() && !app.groups_misspelt {
        let message = format!("app `{}` declares no group `{}`", app.name, named.name);
        let hint = nearest::hint(&named.name, app.groups.iter().map(|group| &*group.name), "groups");
        report.push(Draft::error("unknown-group", message).at(named.span, "").hint(hint));
    }
}

/// Reports what a grant names in its app that is not there or not grantable.
pub(super) fn check(grant: &Grant, line: &Line, app: &App, report: &mut Report<'_>) {
    if let Some((roles, bound)) = &app.grantable_roles {
        for field in ["role", "roles"] {
            let (Some(value), Some(&at)) = (line.values.get(field), line.spans.get(field)) else { continue };
            for role in value.texts().filter(|role| !roles.iter().any(|allowed| allowed.name == **role)) {
                let draft = Draft::error(
                    "not-grantable",
                    format!("teams may not grant the role `{role}` in app `{}`", app.name),
                )
                .at(at, "granted here")
                .at(*bound, "the bound");
                report.push(draft.hint("grant it directly under the app's `accounts`, or widen `grantable`"));
            }
        }
    }
    for (named, _) in &grant.groups {
        let Some(group) = app.groups.iter().find(|group| group.name == named.name) else {
            unknown_group(app, named, report);
            continue;
        };
        if group.state == GroupState::Absent {
            let draft =
                Draft::error("group-absent", format!("group `{}` is to be deleted, and is granted here", group.name))
                    .at(named.span, "granted here")
                    .at(group.state_span.unwrap_or(group.span), "to be deleted");
            report.push(draft.hint("remove the grant, or `state: absent`"));
        }
        if let Some((groups, bound)) = &app.grantable_groups
            && !groups.iter().any(|allowed| allowed.name == named.name)
        {
            let message = format!("teams may not grant the group `{}` in app `{}`", named.name, app.name);
            let draft = Draft::error("not-grantable", message).at(named.span, "granted here").at(*bound, "the bound");
            report.push(draft.hint("add the members under the group itself, or widen `grantable`"));
        }
    }
}

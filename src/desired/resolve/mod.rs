//! What the files say → what it means together: who is who, who is in which team, what that grants in which app, until
//! when, and whether it all agrees.

mod alike;
mod apps;
mod conflicts;
mod grantable;
mod groups;
mod identity;
mod missing;
mod names;
mod teams;
mod values;

pub use names::{Wrong, wrong_approval};

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use crate::model::{Claim, ConnectorCatalogue, Desired, FieldName, Values};

use super::{
    decode::Wire,
    report::{Report, Span},
};

/// What one line sets, and where; shared by all claims that the line makes.
#[derive(Debug)]
pub(super) struct Line {
    pub values: Values,
    pub spans: BTreeMap<FieldName, Span>,
    pub span: Span,
}

/// A claim with the line whose values it carries.
#[derive(Debug)]
pub(super) struct Claimed {
    pub claim: Claim,
    pub line: Rc<Line>,
}

/// Resolves and checks everything. What comes back is only sound when nothing was reported.
pub(super) fn resolve(wire: Wire, catalogue: &dyn ConnectorCatalogue, report: &mut Report<'_>) -> Desired {
    if wire.apps.is_empty() && report.all_read() && !report.has_errors() {
        let draft = report.error("no-apps", None, "the files declare no app, so there is nothing to keep in order");
        draft.hint("declare one under `apps`, with its `connector`, `url` and `auth`");
    }
    let mut directory = identity::Directory::new(wire.people, &wire.apps, report);
    let teams = teams::Teams::new(&wire.teams, &mut directory, report);
    names::apps_of_grants(&wire.teams, &wire.apps, report);
    alike::warn("teams", wire.teams.iter().map(|team| (&*team.name, team.span)), report);
    alike::warn("apps", wire.apps.iter().map(|app| (&*app.name, app.span)), report);

    let mut apps = BTreeMap::new();
    let mut lacking = missing::Lacking::default();
    for app in &wire.apps {
        if let Some(resolved) = apps::resolve(app, &teams, &mut directory, catalogue, &mut lacking, report) {
            apps.insert(Arc::clone(&app.name), resolved);
        }
    }
    lacking.report(&directory, report);
    for (approval, span) in &wire.approvals {
        names::check_approval(approval, *span, &wire.apps, report);
    }
    directory.report_unknown(report);
    let teams = teams.resolved(report);
    Desired {
        people: directory.people,
        aliases: directory.aliases,
        named: directory.named,
        teams,
        apps,
        approvals: wire.approvals.into_iter().map(|(approval, _)| approval).collect(),
        settings: wire.settings,
    }
}

//! One hash for everything a plan was made from.

use sha2::{Digest, Sha256};

use super::Inputs;
use crate::model::{AppPlan, Live};

/// Hash of the files, of what was seen (but not of when and how it was read), and of what follows from both at this
/// instant. Policy is part of the files.
pub(super) fn of(inputs: &Inputs<'_>, apps: &[AppPlan]) -> String {
    let mut hasher = Sha256::new_with_prefix(inputs.desired_digest);
    seen(inputs.live, &mut hasher);
    for action in apps.iter().flat_map(|app| &app.actions) {
        hasher.update(format!("{} {}\n", action.name, action.status.as_str()));
    }
    format!("sha256:{}", hex::encode(hasher.finalize()))
}

fn seen(live: &Live, hasher: &mut Sha256) {
    for (name, app) in &live.apps {
        let Ok(app) = app else { continue };
        // The order in which an app lists things says nothing.
        let mut accounts: Vec<_> = app.accounts.iter().collect();
        accounts.sort_by_key(|account| &account.id);
        let mut groups: Vec<_> = app
            .groups
            .iter()
            .map(|group| {
                let mut members: Vec<_> = group.members.iter().collect();
                members.sort_by_key(|member| &member.account);
                (&group.id, &group.name, &group.values, members, &group.coverage)
            })
            .collect();
        groups.sort_by_key(|group| group.0);
        let coverage = (&app.accounts_coverage, &app.groups_coverage, &app.unread_memberships);
        // Plain data with text keys always serialises.
        hasher.update(serde_json::to_vec(&(name, accounts, groups, coverage)).unwrap_or_default());
    }
}

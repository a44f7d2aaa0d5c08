//! One hash for everything a plan was made from.

use std::{io, io::Write as _};

use sha2::{Digest, Sha256};

use super::Inputs;
use crate::model::{AppPlan, Live};

/// Hash of the files, of what was seen (but not of when and how it was read), and of what follows from both at this
/// instant. Policy is part of the files.
pub(super) fn of(inputs: &Inputs<'_>, apps: &[AppPlan]) -> String {
    let mut hasher = Hasher(Sha256::new());
    hasher.0.update(inputs.desired_digest.as_bytes());
    seen(inputs.live, &mut hasher);
    for app in apps {
        for action in &app.actions {
            hasher.0.update(format!("{} {}\n", action.name, action.status.as_str()).as_bytes());
        }
    }
    format!("sha256:{}", hex::encode(hasher.0.finalize()))
}

fn seen(live: &Live, hasher: &mut Hasher) {
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
        // The hasher takes few large pieces faster than many small ones.
        let mut buffered = io::BufWriter::new(&mut *hasher);
        // Plain data with text keys always serialises, and hashing never fails.
        let _ = serde_json::to_writer(&mut buffered, &(name, accounts, groups, coverage));
        let _ = buffered.flush();
    }
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

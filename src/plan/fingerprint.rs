//! One hash for everything a plan was made from.

use std::{fmt::Write as _, io};

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
    hasher.0.finalize().iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn seen(live: &Live, hasher: &mut Hasher) {
    for (name, app) in &live.apps {
        let Ok(app) = app else { continue };
        let facts = (name, &app.accounts, &app.groups, &app.unread_memberships);
        // Plain data with text keys always serialises, and hashing never fails.
        let _ = serde_json::to_writer(&mut *hasher, &facts);
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

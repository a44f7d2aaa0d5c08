//! What an earlier run left under way, told to whoever runs the next one.

use std::{collections::BTreeMap, fmt::Write as _};

use super::terminal::count;
use crate::reconcile::Recovered;

/// What is said about actions whose answers nobody heard, and what looking at the apps showed; empty when there were none.
pub(super) fn text(found: &[Recovered]) -> String {
    let mut runs: BTreeMap<&str, Vec<&Recovered>> = BTreeMap::new();
    for one in found {
        runs.entry(&one.run).or_default().push(one);
    }
    let mut text = String::new();
    for (run, actions) in runs {
        let how = match actions.iter().any(|one| one.cut_off) {
            true => format!("was cut off with {} under way", count(actions.len(), "action", "actions")),
            false => format!("left open what became of {}", count(actions.len(), "action", "actions")),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Run {run} {how}. Nothing is repeated blindly; this is what the apps show:");
        for Recovered { action, ending, message, .. } in actions {
            let word = ending.map_or("still open", |ending| ending.as_str());
            let _ = writeln!(text, "  {action}: {word}: {message}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::Ending;

    #[test]
    fn every_action_that_was_under_way_is_named_with_what_became_of_it() {
        let recovered = |action: &str, ending, message: &str| Recovered {
            action: action.into(),
            run: "20261125T100000Z-1".into(),
            sent_at: Timestamp::UNIX_EPOCH,
            ending,
            message: message.into(),
            cut_off: true,
        };
        let found = [
            recovered("a/create/ann@x.io", Some(Ending::Done), "found as 17; invitation sent"),
            recovered("a/create/bob@x.io", None, "sent at 10:00, and it may still take effect"),
        ];
        insta::assert_snapshot!(text(&found), @"
        Run 20261125T100000Z-1 was cut off with 2 actions under way. Nothing is repeated blindly; this is what the apps show:
          a/create/ann@x.io: done: found as 17; invitation sent
          a/create/bob@x.io: still open: sent at 10:00, and it may still take effect
        ");
        let ended = found.map(|one| Recovered { cut_off: false, ..one });
        assert!(text(&ended).starts_with("Run 20261125T100000Z-1 left open what became of 2 actions. "));
        assert_eq!(text(&[]), "");
    }
}

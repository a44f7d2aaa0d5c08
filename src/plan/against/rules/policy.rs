//! Policies, key by key.

use std::{sync::Arc, time::Duration};

use jiff::tz::TimeZone;

use super::{Told, during, list, more_is};
use crate::model::{Cap, Irreversible, Leaning, Policy, RemoveWith, RuleChange, Unlisted};

/// What one policy says that the other, of before, does not.
pub(super) fn compare(
    app: Option<Arc<str>>,
    group: Option<Arc<str>>,
    (now, old): (&Policy, &Policy),
    zone: &TimeZone,
) -> Vec<RuleChange> {
    let mut both = Both { app, group, now, old, rules: Vec::new() };
    both.key("unlisted", unlisted(old.unlisted, now.unlisted), old.unlisted.to_string(), now.unlisted.to_string());
    both.key("aliases", Leaning::Changes, old.aliases.to_string(), now.aliases.to_string());
    let deletes = if now.remove_with == RemoveWith::Delete { Leaning::Loosens } else { Leaning::Tightens };
    both.key("remove_with", deletes, old.remove_with.to_string(), now.remove_with.to_string());
    let never = Duration::MAX;
    let (after, was) = (now.delete_after.unwrap_or(never), old.delete_after.unwrap_or(never));
    both.key("delete_after", more_is(Leaning::Tightens, was, after), span(old.delete_after), span(now.delete_after));
    both.key(
        "irreversible",
        irreversible(old.irreversible, now.irreversible),
        old.irreversible.to_string(),
        now.irreversible.to_string(),
    );
    let protects_all = old.protect.iter().all(|glob| now.protect.contains(glob));
    let protect = if protects_all { Leaning::Tightens } else { Leaning::Loosens };
    both.key("protect", protect, list(&old.protect), list(&now.protect));
    both.key("max_removals", wider(old.max_removals, now.max_removals), cap(old.max_removals), cap(now.max_removals));
    both.key("max_creates", wider(old.max_creates, now.max_creates), cap(old.max_creates), cap(now.max_creates));
    let admins = more_is(Leaning::Tightens, old.min_admins, now.min_admins);
    both.key("min_admins", admins, old.min_admins.to_string(), now.min_admins.to_string());
    let frozen = |policy: &Policy| list(policy.freeze.iter().map(|freeze| during(freeze.window, zone)));
    let stays = old.freeze.iter().all(|freeze| now.freeze.iter().any(|other| other.window == freeze.window));
    both.key("freeze", if stays { Leaning::Tightens } else { Leaning::Loosens }, frozen(old), frozen(now));
    both.rules
}

struct Both<'a> {
    app: Option<Arc<str>>,
    group: Option<Arc<str>>,
    now: &'a Policy,
    old: &'a Policy,
    rules: Vec<RuleChange>,
}

impl Both<'_> {
    fn key(&mut self, key: &'static str, leaning: Leaning, from: String, to: String) {
        let mut told = Told::at(self.app.clone(), self.now.places.get(key), self.old.places.get(key));
        told.group = self.group.clone();
        told.say(format!("policy.{key}"), leaning, Some(from), Some(to));
        self.rules.append(&mut told.rules);
    }
}

/// Strangers of whom nobody is told are less looked after than those who are removed.
fn unlisted(from: Unlisted, to: Unlisted) -> Leaning {
    match (from, to) {
        (_, Unlisted::Ignore) | (Unlisted::Remove, Unlisted::Report) => Leaning::Loosens,
        (Unlisted::Ignore, Unlisted::Report) => Leaning::Tightens,
        _ => Leaning::Changes,
    }
}

fn irreversible(from: Irreversible, to: Irreversible) -> Leaning {
    if to == Irreversible::Allow || (from != Irreversible::Allow && to == Irreversible::Hold) {
        Leaning::Loosens
    } else {
        Leaning::Tightens
    }
}

/// Whether a cap lets more people through.
fn wider(from: Cap, to: Cap) -> Leaning {
    let share = more_is(Leaning::Loosens, from.share_percent, to.share_percent);
    let floor = more_is(Leaning::Loosens, from.at_least, to.at_least);
    match (share, floor) {
        (one, other) if one == other => one,
        (one, Leaning::Changes) | (Leaning::Changes, one) => one,
        // More of many and fewer of few, or the other way round: for somebody it is more.
        _ => Leaning::Loosens,
    }
}

fn cap(cap: Cap) -> String {
    if cap.share_percent == 0.0 {
        return cap.at_least.to_string();
    }
    format!("{}%, at least {}", cap.share_percent, cap.at_least)
}

fn span(after: Option<Duration>) -> String {
    after.map_or_else(|| "never".to_owned(), |after| humantime::format_duration(after).to_string())
}

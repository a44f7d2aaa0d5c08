//! What dates in the files will bring about by themselves soon, so that nobody is surprised by it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, ToSpan as _};

use super::{
    Context,
    wanted::{Standing, standing},
};
use crate::model::{Claim, Due, DueWhat, Email, GroupState, Phase, Place, RoleRule, Values, effective};

/// How far ahead a plan looks: two weeks, the rhythm in which most people look at plans at all.
pub(super) const DAYS: i64 = 14;

/// Everything that begins, changes or ends by a date within the next two weeks.
pub(super) fn due(cx: &Context<'_>) -> Vec<Due> {
    let mut due = Vec::new();
    // By identity, the account's own claims and those of memberships, which grant the account and say nothing about its
    // fields.
    let mut accounts: BTreeMap<&Email, (Vec<&Claim>, Vec<&Claim>)> = BTreeMap::new();
    for (identity, account) in &cx.app.accounts {
        accounts.entry(identity).or_default().0.extend(&account.claims);
    }
    for group in cx.app.groups.values().filter(|group| group.state == GroupState::Present) {
        for (identity, claims) in &group.members {
            accounts.entry(identity).or_default().1.extend(claims);
            let one = One { cx, identity, group: Some(&group.name), own: claims.iter().collect(), implied: Vec::new() };
            one.find(cx.app.semantics.members.role.as_ref(), &mut due);
        }
    }
    for (identity, (own, implied)) in accounts {
        One { cx, identity, group: None, own, implied }.find(cx.app.semantics.role.as_ref(), &mut due);
    }
    // A plan for one person alone is about nobody else.
    if let Some(about) = &cx.live.extent.about {
        due.retain(|one| *one.account == *about.identity.as_str());
    }
    due.sort();
    due
}

/// One account or membership.
struct One<'a> {
    cx: &'a Context<'a>,
    identity: &'a Email,
    group: Option<&'a Arc<str>>,
    own: Vec<&'a Claim>,
    /// Claims that grant it without setting its fields.
    implied: Vec<&'a Claim>,
}

impl One<'_> {
    fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.own.iter().chain(&self.implied).copied()
    }

    fn find(&self, rule: Option<&RoleRule>, due: &mut Vec<Due>) {
        let now = self.cx.now;
        let horizon = now.checked_add((24 * DAYS).hours()).unwrap_or(Timestamp::MAX);
        let dates = self.claims().flat_map(|claim| [claim.window.from, claim.window.until]).flatten();
        let instants: BTreeSet<Timestamp> = dates.filter(|at| now < *at && *at <= horizon).collect();
        // Whoever is suspended or gone gets nothing, whatever becomes of the grants.
        if instants.is_empty() || standing(self.cx, self.identity) != Standing::Active {
            return;
        }
        let mut before = self.state(now, rule);
        for at in instants {
            let after = self.state(at, rule);
            let what = match (&before, &after) {
                (None, Some(_)) => Some(DueWhat::Begins),
                (Some(_), None) => Some(DueWhat::Ends),
                (Some(old), Some(new)) if old != new => Some(DueWhat::Changes),
                _ => None,
            };
            if let Some(what) = what {
                due.push(Due {
                    at: at.to_zoned(self.cx.desired.settings.time_zone.clone()),
                    account: self.identity.as_str().into(),
                    group: self.group.cloned(),
                    what,
                    because: self.places(at),
                });
            }
            before = after;
        }
    }

    /// The values that are asked for at an instant; none when nothing is.
    fn state(&self, at: Timestamp, rule: Option<&RoleRule>) -> Option<Values> {
        let open = |claim: &&Claim| claim.window.phase(at) == Phase::Open;
        self.claims()
            .any(|claim| open(&claim))
            .then(|| effective(self.own.iter().copied().filter(open), rule, &BTreeSet::new(), &Values::new()))
    }

    fn places(&self, at: Timestamp) -> Vec<Place> {
        let turns = self.claims().filter(|claim| [claim.window.from, claim.window.until].contains(&Some(at)));
        Place::sorted(turns.flat_map(|claim| &claim.because))
    }
}

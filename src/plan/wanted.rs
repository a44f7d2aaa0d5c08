//! What the files ask for at this instant: claims whose window is open, combined per account and membership.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, hash_map},
    sync::Arc,
};

use jiff::Timestamp;

use super::Context;
use crate::model::{
    Claim, DesiredApp, Email, FieldValue, GroupState, Person, PersonStatus, Phase, Place, RoleRule, Values, effective,
};

/// Everyone the app's lines mention, and everyone else who is named in the files.
pub(super) struct Wanted<'a> {
    /// By identity. Who is named in the files and not in here is ungranted.
    pub accounts: HashMap<&'a Email, Wish>,
    /// By group and identity.
    pub members: BTreeMap<&'a Arc<str>, BTreeMap<&'a Email, Wish>>,
}

/// What the lines ask for an account or membership.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    /// It should be there.
    Granted(Grant),
    /// It will be granted later: nothing is added yet, and nothing is removed.
    Upcoming,
    /// It was granted, and the time is over. Counts as ungranted; the rest is for the report.
    Lapsed(Lapse),
}

/// A grant that is over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lapse {
    /// The first instant without it.
    pub ended: Timestamp,
    /// The lines that granted it to the last, sorted.
    pub because: Vec<Place>,
}

impl Lapse {
    /// What the claims that are over come to; none when none is.
    pub(super) fn of<'a>(claims: impl IntoIterator<Item = &'a Claim>, now: Timestamp) -> Option<Self> {
        let mut last: Option<Self> = None;
        for claim in claims {
            let Some(ended) = claim.window.until.filter(|_| claim.window.phase(now) == Phase::Lapsed) else { continue };
            let lapse = Self { ended, because: claim.because.clone() };
            last = Some(last.map_or(lapse.clone(), |last| last.and(&lapse)));
        }
        last.map(|last| Self { because: Place::sorted(&last.because), ..last })
    }

    /// The one that ended last. Of two that ended together the lines of both count.
    fn and(self, other: &Self) -> Self {
        match self.ended.cmp(&other.ended) {
            Ordering::Less => other.clone(),
            Ordering::Greater => self,
            Ordering::Equal => {
                let because = Place::sorted(self.because.iter().chain(&other.because));
                Self { because, ..self }
            }
        }
    }
}

/// What a granted account or membership should look like.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Grant {
    /// Managed fields.
    pub values: Values,
    /// The lines, sorted.
    pub because: Vec<Place>,
}

/// What the files say of the person behind an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing special: an active person, or a service account.
    Active,
    /// Inactive everywhere, with the grants kept.
    Suspended,
    /// Removed everywhere; `explicit` when a person's own line says so, not a date that passed.
    Left { explicit: bool },
    /// Named nowhere.
    Unlisted,
}

impl Standing {
    pub(super) fn left(self) -> bool {
        matches!(self, Self::Left { .. })
    }
}

/// Where the person behind `identity` stands now.
pub(super) fn standing(cx: &Context<'_>, identity: &Email) -> Standing {
    match cx.people.get(identity) {
        Some(person) => match person.status_at(cx.now) {
            PersonStatus::Active => Standing::Active,
            PersonStatus::Suspended => Standing::Suspended,
            PersonStatus::Left => Standing::Left { explicit: person.status == PersonStatus::Left },
        },
        None if cx.desired.named.contains(identity) => Standing::Active,
        None => Standing::Unlisted,
    }
}

/// Combines the claims that are open now.
pub(super) fn wanted_now<'a>(cx: &Context<'a>) -> Wanted<'a> {
    let app = cx.app;
    let mut accounts: HashMap<&'a Email, Wish> = HashMap::new();
    for (identity, account) in &app.accounts {
        if let Some(wish) = wish(&account.claims, app.semantics.role.as_ref(), cx.now) {
            merge(&mut accounts, identity, wish);
        }
    }
    let mut members = BTreeMap::new();
    for group in app.groups.values().filter(|group| group.state == GroupState::Present) {
        let rule = app.semantics.members.role.as_ref();
        let mut wishes: BTreeMap<&'a Email, Wish> =
            group.members.iter().filter_map(|(who, claims)| Some((who, wish(claims, rule, cx.now)?))).collect();
        for wish in wishes.values_mut() {
            if let Wish::Granted(grant) = wish {
                for field in group.managed.intersection(&app.semantics.members.optional) {
                    grant.values.entry(field.clone()).or_insert_with(|| FieldValue::text(""));
                }
            }
        }
        for (identity, wish) in &wishes {
            // Membership grants the account, but its role in the group says nothing about the role of the account.
            let account = match wish {
                Wish::Granted(grant) => Wish::Granted(Grant { values: Values::new(), because: grant.because.clone() }),
                other => other.clone(),
            };
            merge(&mut accounts, identity, account);
        }
        members.insert(&group.name, wishes);
    }
    for (identity, wish) in &mut accounts {
        if let Wish::Granted(grant) = wish {
            complete(grant, app, cx.people.get(identity).copied());
        }
    }
    Wanted { accounts, members }
}

/// Two wishes for one account: the more generous one counts, and two grants add up. The account's own lines come first,
/// so their places win where membership merely implies the account.
fn merge<'a>(accounts: &mut HashMap<&'a Email, Wish>, identity: &'a Email, wish: Wish) {
    match accounts.entry(identity) {
        hash_map::Entry::Vacant(entry) => {
            entry.insert(wish);
        }
        hash_map::Entry::Occupied(mut entry) => match (entry.get_mut(), wish) {
            (Wish::Granted(have), Wish::Granted(more)) => {
                have.because = Place::sorted(have.because.iter().chain(&more.because));
            }
            (Wish::Lapsed(have), Wish::Lapsed(more)) => *have = have.clone().and(&more),
            (Wish::Granted(_), _) | (Wish::Upcoming, Wish::Upcoming | Wish::Lapsed(_)) => {}
            (have, more) => *have = more,
        },
    }
}

/// None where there is no claim.
fn wish(claims: &[Claim], rule: Option<&RoleRule>, now: Timestamp) -> Option<Wish> {
    let in_phase = |phase| claims.iter().filter(move |claim| claim.window.phase(now) == phase);
    if in_phase(Phase::Open).next().is_some() {
        let values = effective(in_phase(Phase::Open), rule, &BTreeSet::new(), &Values::new());
        let because = Place::sorted(in_phase(Phase::Open).flat_map(|claim| &claim.because));
        return Some(Wish::Granted(Grant { values, because }));
    }
    match in_phase(Phase::Upcoming).next() {
        Some(_) => Some(Wish::Upcoming),
        None => Lapse::of(claims, now).map(Wish::Lapsed),
    }
}

/// Gives a granted account the person's names, and a value for every managed field. The names under `people` say more about
/// the person than an app's defaults do.
fn complete(grant: &mut Grant, app: &DesiredApp, person: Option<&Person>) {
    let names = person.map(|person| [("given_name", &person.given_name), ("family_name", &person.family_name)]);
    for (field, name) in names.into_iter().flatten() {
        if let (true, Some(name)) = (app.semantics.fields.contains(field), name) {
            grant.values.entry(field.into()).or_insert_with(|| FieldValue::Text(name.clone()));
        }
    }
    for field in &app.managed {
        if let (false, Some(default)) = (grant.values.contains_key(field), app.defaults.get(field)) {
            grant.values.insert(field.clone(), default.clone());
        }
    }
}

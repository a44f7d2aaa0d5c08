//! Everything the files give one person: in which apps and groups, with which values, until when, and by which lines.
//! A pure question to the desired state and, where there is one, to a live state that somebody else read.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::model::{
    Action, Claim, Desired, DesiredApp, Email, GroupState, Live, LiveAccount, LiveApp, LiveGroup, LiveMember, Person,
    PersonStatus, Phase, Place, Plan, RoleRule, Values, Window, effective,
};
use std::{collections::BTreeSet, sync::Arc};

/// Suggestions for an address that nobody has.
const NEAR: usize = 3;
/// From this likeness on (Jaro-Winkler, 1 is equal) an address may have been meant: a swapped pair of letters or a
/// missing dot scores above it, another person of the same domain below.
const ALIKE: f64 = 0.93;

/// Everything the files say about one address.
#[derive(Debug, Clone)]
pub struct Why {
    /// The address that was asked for.
    pub asked: Email,
    /// Whom it belongs to: the address itself, or the person whose alias it is.
    pub email: Email,
    /// The entry under `people`; services may have none.
    pub person: Option<WhyPerson>,
    /// Whether any line names the address at all.
    pub named: bool,
    /// Apps that give something, by name.
    pub apps: Vec<WhyApp>,
    /// What was live of the person when the apps were last read, and what is left to do; by the app's name. Empty where nobody
    /// looked.
    pub live: Vec<WhyLive>,
    /// Known addresses that look alike, when this one is not known.
    pub near: Vec<Email>,
    /// Days in reports are days in this zone.
    pub time_zone: TimeZone,
}

/// The groups that an account is in, by their names.
pub(crate) type Memberships = Vec<(Arc<str>, LiveMember)>;

/// What an app showed of the person, and what a plan would do about them.
#[derive(Debug, Clone)]
pub struct WhyLive {
    /// The app's name.
    pub app: Arc<str>,
    /// When it was read.
    pub seen_at: Timestamp,
    /// The person's accounts, each with its memberships.
    pub accounts: Vec<(LiveAccount, Memberships)>,
    /// What a plan would do, sorted by name.
    pub actions: Vec<Action>,
}

/// A person's own entry.
#[derive(Debug, Clone)]
pub struct WhyPerson {
    /// The entry.
    pub entry: Person,
    /// The status now, which a lapsed `until` turns into `Left`.
    pub status: PersonStatus,
    /// Where now stands in the person's own window.
    pub phase: Phase,
    /// The lines, sorted.
    pub because: Vec<Place>,
}

/// What one app gives.
#[derive(Debug, Clone)]
pub struct WhyApp {
    /// The app's name.
    pub app: Arc<str>,
    /// Its connector.
    pub connector: Arc<str>,
    /// What the app calls a group.
    pub group_noun: Arc<str>,
    /// The account. It is implied by a membership when no line grants it by itself.
    pub account: Grant,
    /// Memberships by group name.
    pub groups: Vec<(Arc<str>, Grant)>,
    /// The app's immutable id for the person, when pinned.
    pub pin: Option<(Arc<str>, Place)>,
    /// Whoever is made inactive stays in groups, because the API takes nobody out.
    pub memberships_stay: bool,
}

/// An account or membership and the lines that grant it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What it is now.
    pub state: State,
    /// The values that hold now, or will once an upcoming grant begins.
    pub values: Values,
    /// From when until when it holds without a break: around now, or next.
    pub window: Window,
    /// Every path of lines, those that hold first, then by their lines.
    pub claims: Vec<WhyClaim>,
}

/// One path of lines, as it stands now.
#[derive(Debug, Clone)]
pub struct WhyClaim {
    /// Where now stands in its window.
    pub phase: Phase,
    /// The path.
    pub claim: Claim,
    /// The group whose membership grants the account; none where the lines grant it by themselves.
    pub via: Option<Arc<str>>,
}

impl WhyClaim {
    /// What claims are sorted by.
    fn order(&self) -> impl Ord {
        let phase = match self.phase {
            Phase::Open => 0,
            Phase::Upcoming => 1,
            Phase::Lapsed => 2,
        };
        (phase, self.via.is_some(), &self.claim.because, self.claim.window, &self.via)
    }
}

/// What a grant is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It holds.
    Granted,
    /// It is kept, but the person is suspended: accounts are inactive.
    Suspended,
    /// It has not begun.
    Upcoming,
    /// It is over.
    Lapsed,
    /// The person has left, and so it does not count.
    Left,
}

/// Everything that `email` gets, at `now`.
pub(crate) fn why(desired: &Desired, email: &Email, now: Timestamp) -> Why {
    let identity = desired.identity(email).clone();
    let person = desired.people.get(&identity).map(|entry| WhyPerson {
        status: entry.status_at(now),
        phase: entry.window.phase(now),
        because: Place::sorted([Some(&entry.place), entry.status_place.as_ref()].into_iter().flatten()),
        entry: entry.clone(),
    });
    let status = person.as_ref().map_or(PersonStatus::Active, |person| person.status);
    let apps: Vec<WhyApp> = desired.apps.values().filter_map(|app| in_app(app, &identity, status, now)).collect();
    let named = person.is_some() || desired.named.contains(&identity) || !apps.is_empty();
    Why {
        near: if named { Vec::new() } else { near(desired, email) },
        asked: email.clone(),
        email: identity,
        person,
        named,
        apps,
        live: Vec::new(),
        time_zone: desired.settings.time_zone.clone(),
    }
}

/// The same with what is live, and with what is left to do by a plan for this person alone.
pub(crate) fn with_live(mut why: Why, desired: &Desired, live: &Live, plan: &Plan) -> Why {
    for (name, seen) in &live.apps {
        let (Some(app), Ok(seen)) = (desired.apps.get(name), seen) else { continue };
        let planned = plan.apps.iter().find(|planned| planned.app == *name);
        let is_theirs = |account: &&LiveAccount| {
            let pinned = app.ids.iter().find(|(_, (id, _))| *id == account.id).map(|(identity, _)| identity);
            *pinned.unwrap_or_else(|| desired.identity(&account.email)) == why.email
        };
        let accounts =
            seen.accounts.iter().filter(is_theirs).map(|account| (account.clone(), groups_of(account, seen)));
        let one = WhyLive {
            app: name.clone(),
            seen_at: seen.observed_at,
            accounts: accounts.collect(),
            actions: planned.map(|planned| planned.actions.clone()).unwrap_or_default(),
        };
        let is_granted = why.apps.iter().any(|app| app.app == *name);
        if is_granted || !one.accounts.is_empty() || !one.actions.is_empty() {
            why.live.push(one);
        }
    }
    why
}

fn groups_of(account: &LiveAccount, live: &LiveApp) -> Memberships {
    let member = |group: &LiveGroup| {
        let member = group.members.iter().find(|member| member.account == account.id)?;
        Some((group.name.clone(), member.clone()))
    };
    let mut groups: Vec<_> = live.groups.iter().filter_map(member).collect();
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    groups
}

fn in_app(app: &DesiredApp, email: &Email, status: PersonStatus, now: Timestamp) -> Option<WhyApp> {
    let member_role = app.semantics.members.role.as_ref();
    let present = app.groups.values().filter(|group| group.state == GroupState::Present);
    let memberships: Vec<_> = present.filter_map(|group| Some((group, group.members.get(email)?))).collect();
    let own = app.accounts.get(email).map_or(&[][..], |account| &account.claims);
    let pin = app.ids.get(email).cloned();
    if memberships.is_empty() && own.is_empty() && pin.is_none() {
        return None;
    }
    let groups = memberships
        .iter()
        .map(|(group, claims)| {
            let claims = claims.iter().map(|claim| (claim.clone(), None));
            let grant = grant(claims, member_role, &group.managed, &Values::new(), status, now);
            (group.name.clone(), grant)
        })
        .collect();
    // A membership grants the account as well, but none of the account's own fields. Where the same lines grant both,
    // saying it once is enough.
    let implied = memberships.iter().flat_map(|(group, claims)| claims.iter().map(|claim| (&group.name, claim)));
    let implied = implied
        .filter(|(_, claim)| !own.iter().any(|own| own.because == claim.because && own.window == claim.window))
        .map(|(group, claim)| (Claim { values: Values::new(), ..claim.clone() }, Some(group.clone())));
    let claims = own.iter().map(|claim| (claim.clone(), None)).chain(implied);
    let account = grant(claims, app.semantics.role.as_ref(), &app.managed, &app.defaults, status, now);
    Some(WhyApp {
        app: app.name.clone(),
        connector: app.connector.clone(),
        group_noun: app.semantics.group_noun.clone(),
        account,
        groups,
        pin,
        memberships_stay: app.semantics.memberships_stay(),
    })
}

fn grant(
    claims: impl Iterator<Item = (Claim, Option<Arc<str>>)>,
    role: Option<&RoleRule>,
    managed: &BTreeSet<Arc<str>>,
    defaults: &Values,
    status: PersonStatus,
    now: Timestamp,
) -> Grant {
    let mut claims: Vec<WhyClaim> = claims
        .map(|(claim, via)| {
            let because = Place::sorted(&claim.because);
            WhyClaim { phase: claim.window.phase(now), claim: Claim { because, ..claim }, via }
        })
        .collect();
    claims.sort_by(|a, b| a.order().cmp(&b.order()));
    let in_phase = |phase: Phase| claims.iter().filter(move |claim| claim.phase == phase);
    let next = in_phase(Phase::Upcoming).filter_map(|claim| claim.claim.window.from).min();
    let (state, at) = match (in_phase(Phase::Open).next(), next) {
        (Some(_), _) => (State::Granted, Some(now)),
        (None, Some(next)) => (State::Upcoming, Some(next)),
        (None, None) => (State::Lapsed, None),
    };
    let (values, window) = match at {
        Some(at) => {
            let holding = claims.iter().map(|claim| &claim.claim).filter(|claim| claim.window.phase(at) == Phase::Open);
            (effective(holding, role, managed, defaults), span(&claims, at))
        }
        None => (Values::new(), last(&claims)),
    };
    let state = match (status, state) {
        (PersonStatus::Left, _) if !claims.is_empty() => State::Left,
        (PersonStatus::Suspended, State::Granted) => State::Suspended,
        (_, state) => state,
    };
    Grant { state, values, window, claims }
}

/// The unbroken time around `at` that the claims cover together.
fn span(claims: &[WhyClaim], at: Timestamp) -> Window {
    let (mut from, mut until) = (Some(at), Some(at));
    // Each round takes in a claim that touches what is covered; there are never more rounds than claims.
    for _ in claims {
        for Claim { window, .. } in claims.iter().map(|claim| &claim.claim) {
            let begins_by = |end: Option<Timestamp>| end.is_none_or(|end| window.from.is_none_or(|start| start <= end));
            let ends_after =
                |start: Option<Timestamp>| start.is_none_or(|start| window.until.is_none_or(|end| end >= start));
            let empty = window.from.zip(window.until).is_some_and(|(a, b)| a >= b);
            if !empty && begins_by(until) && ends_after(from) {
                from = from.and_then(|from| window.from.map(|start| start.min(from)));
                until = until.and_then(|until| window.until.map(|end| end.max(until)));
            }
        }
    }
    Window { from, until }
}

/// When what is over ended.
fn last(claims: &[WhyClaim]) -> Window {
    claims.iter().map(|claim| claim.claim.window).max_by_key(|window| window.until).unwrap_or_default()
}

/// Known addresses like `email`: the same name at another domain, or nearly the same spelling.
fn near(desired: &Desired, email: &Email) -> Vec<Email> {
    let local = |email: &Email| email.key().split('@').next().unwrap_or_default().to_owned();
    let asked = local(email);
    let mut scored: Vec<(f64, &Email)> = desired
        .named
        .iter()
        .chain(desired.people.keys())
        .chain(desired.aliases.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|known| {
            let score = if local(known) == asked { 1.0 } else { strsim::jaro_winkler(&local(known), &asked) };
            (score >= ALIKE).then_some((score, known))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().take(NEAR).map(|(_, email)| email.clone()).collect()
}

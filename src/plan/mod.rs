//! Planning: the difference between desired and live, as a pure function. No clock, no I/O, no randomness, no async; it
//! never asks which connector it deals with, only what the connector's semantics say.

pub mod against;
mod approvals;
mod claims;
mod diff;
mod doubt;
mod draft;
mod due;
mod fingerprint;
mod graph;
mod guards;
mod history;
mod identity;
mod newer;
mod only;
mod others;
mod repair;
mod rules;
pub mod saved;
mod strays;
#[cfg(test)]
mod tests;
mod wanted;

pub use history::{AppHistory, AppPast, DoneLately, History, Invited, Oversight, Recognized, Used};
pub use newer::{keep_to_reading, withdrawn};

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::{Timestamp, Zoned, civil::Date};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::model::{
    AppPlan, Coverage, Desired, DesiredApp, DesiredGroup, Email, Extent, Finding, FindingCode, Forecast, Guard, Live,
    LiveAccount, LiveApp, LiveGroup, Observed, OtherFiles, Person, Plan, Policy,
};

/// Everything a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What the files ask for.
    pub desired: &'a Desired,
    /// A hash of the files, part of the fingerprint.
    pub desired_digest: &'a str,
    /// What the apps say there is. Apps that are not in it are left out of the plan.
    pub live: &'a Live,
    /// What the ledger knows; without it the guards that need it are listed as unchecked.
    pub history: Option<&'a History>,
    /// The version of the files whose claims of accounts are taken as accepted, where a change of it is planned.
    pub base: Option<&'a Desired>,
    /// Another daemon's files that are in force in every app of the plan.
    pub others: Option<&'a OtherFiles>,
    /// The instant at which the plan is to hold.
    pub now: Timestamp,
}

/// Everything one app's part of a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct AppInputs<'a> {
    /// What the files ask for.
    pub desired: &'a Desired,
    /// The app, as the files describe it.
    pub app: &'a DesiredApp,
    /// What there is.
    pub live: &'a LiveApp,
    /// What the ledger knows; without it the guards that need it check nothing.
    pub past: Option<AppPast<'a>>,
    /// As [`Inputs::base`].
    pub base: Option<&'a Desired>,
    /// As [`Inputs::others`].
    pub others: Option<&'a OtherFiles>,
    /// The instant at which the plan is to hold.
    pub now: Timestamp,
}

/// Plans every app that was read.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let Inputs { desired, history, base, others, now, .. } = *inputs;
    let plan_read = |app: &DesiredApp, live: &LiveApp| {
        let past = history.map(|history| history.of(&app.name));
        let cx = Context::new(&AppInputs { desired, app, live, past, base, others, now });
        let unchecked =
            Unchecked { past: past.is_none_or(|past| past.history.is_none()), claims: !claims::are_judged_by_key(&cx) };
        (plan_app(&cx), unchecked)
    };
    let read = inputs.live.apps.iter().filter_map(|(name, live)| Some((desired.apps.get(name)?, live)));
    // Apps say nothing about one another, so that each may be planned on a thread of its own.
    let planned: Vec<(AppPlan, Unchecked)> = read
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(app, live)| match live {
            Ok(live) => plan_read(app, live),
            Err(failure) => (AppPlan { error: Some(failure.message.clone()), ..empty(app) }, Unchecked::default()),
        })
        .collect();
    let (apps, of_apps): (Vec<AppPlan>, Vec<Unchecked>) = planned.into_iter().unzip();
    let unchecked = history.is_none_or(|history| history.private) || of_apps.iter().any(|app| app.past);
    let claims_unchecked = unchecked && base.is_none() || of_apps.iter().any(|app| app.claims);
    let is_unchecked = |guard: &Guard| match guard {
        Guard::Identity => claims_unchecked,
        other => unchecked && other.needs_history(),
    };
    let guards_unchecked = Guard::ALL.iter().copied().filter(is_unchecked).collect();
    let fingerprint = fingerprint::of(inputs, &apps);
    Plan {
        created_at: inputs.now,
        fingerprint,
        guards_unchecked,
        apps,
        against: None,
        snapshot: None,
        findings: Vec::new(),
    }
}

/// What guards could not check in an app.
#[derive(Default)]
struct Unchecked {
    /// What needs the app's past.
    past: bool,
    /// Whose accounts are by their own keys.
    claims: bool,
}

/// Plans one app: to see, before the whole is planned, what would be changed.
pub fn plan_one(inputs: &AppInputs<'_>) -> AppPlan {
    plan_app(&Context::new(inputs))
}

/// Whether a reading shows so much less than the last one that what it does not show cannot be taken to be gone, and no
/// approval says that it is. Were it the measure of the next reading, nothing but the next run would let go what `shrank`
/// holds.
pub fn is_doubtful(inputs: &AppInputs<'_>) -> bool {
    guards::has_shrunk(&Context::new(inputs))
}

/// The groups that are known to be declared after a reading: by the app's id, each with its name in the files.
pub fn declared_groups(inputs: &AppInputs<'_>) -> BTreeMap<Arc<str>, Arc<str>> {
    diff::declared_groups(&Context::new(inputs))
}

/// One app's inputs, with what every rule looks up in them.
struct Context<'a> {
    desired: &'a Desired,
    app: &'a DesiredApp,
    live: &'a LiveApp,
    /// Everyone under `people`. Looked up for every membership, which a hash does several times faster than a tree.
    people: HashMap<&'a Email, &'a Person>,
    /// Live accounts in the order of their ids, each once, whatever the order of the reading.
    accounts: Vec<&'a LiveAccount>,
    /// Live groups by id, each once.
    groups: BTreeMap<&'a Arc<str>, &'a LiveGroup>,
    /// The identity behind the account that our own credential acts as, where the connector knows it.
    own: Option<&'a Email>,
    /// What guards may rely on of the past.
    history: Option<&'a AppHistory>,
    past: Option<AppPast<'a>>,
    /// Whose accounts are by the version that a change is compared with, by id.
    base: Option<BTreeMap<Arc<str>, Email>>,
    others: Option<&'a OtherFiles>,
    now: Timestamp,
}

impl<'a> Context<'a> {
    fn new(inputs: &AppInputs<'a>) -> Self {
        let AppInputs { desired, app, live, past, base, others, now } = *inputs;
        let mut accounts: Vec<&LiveAccount> = live.accounts.iter().collect();
        accounts.sort_by(|a, b| (&a.id, a.email.as_str(), &a.status).cmp(&(&b.id, b.email.as_str(), &b.status)));
        accounts.dedup_by(|a, b| a.id == b.id);
        let mut groups = BTreeMap::new();
        for group in &live.groups {
            groups.entry(&group.id).or_insert(group);
        }
        let people = desired.people.iter().collect();
        let history = past.and_then(|past| past.known());
        let base = base.map(|base| claims::of_version(base, inputs));
        let mut cx = Self { desired, app, live, people, accounts, groups, own: None, history, past, base, others, now };
        cx.own = live.own_account.as_ref().and_then(|id| cx.owner(id));
        cx
    }

    /// The identity that the account with this id is pinned to, or that its address stands for.
    fn owner(&self, id: &Arc<str>) -> Option<&'a Email> {
        let pinned = self.app.ids.iter().find(|(_, (pin, _))| pin == id).map(|(identity, _)| identity);
        let seen = || {
            let index = self.accounts.binary_search_by(|account| account.id.cmp(id)).ok()?;
            Some(self.identity(&self.accounts[index].email))
        };
        pinned.or_else(seen)
    }

    /// The identity behind an address that the app uses, spelt as in the files when they know it.
    fn identity<'b>(&self, email: &'b Email) -> &'b Email
    where
        'a: 'b,
    {
        let alias = self.desired.aliases.get(email);
        let known = || self.people.get_key_value(email).map(|(key, _)| *key).or_else(|| self.desired.named.get(email));
        alias.or_else(known).unwrap_or(email)
    }

    /// Whether `identity` is the account that our own credential acts as.
    fn is_self(&self, identity: &Email) -> bool {
        self.own.is_some_and(|own| own == identity)
            || self.app.self_account.as_ref().is_some_and(|email| self.identity(email) == identity)
    }

    /// Why an account may be there although it was not seen; `None` once that is certain. A query is certain for the address
    /// it asked for, and a person may have several.
    fn may_exist(&self, identity: &Email) -> Option<&'a str> {
        if let Some(why) = self.addresses(identity).find_map(|email| self.live.unanswered.get(email)) {
            return Some(why);
        }
        let Coverage::Incomplete(why) = &self.live.accounts_coverage else { return None };
        (!self.addresses(identity).all(|email| self.live.absent.contains(email))).then_some(why)
    }

    /// A person's own address, and their aliases.
    fn addresses<'b>(&'b self, identity: &'b Email) -> impl Iterator<Item = &'b Email> {
        let aliases = self.people.get(identity).into_iter().flat_map(|person| &person.aliases);
        std::iter::once(identity).chain(aliases)
    }

    /// The day of an instant, in the organisation's time zone.
    fn day(&self, at: Timestamp) -> Date {
        self.zoned(at).date()
    }

    /// An instant in the organisation's time zone.
    fn zoned(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.desired.settings.time_zone.clone())
    }

    /// The live group that is declared so, where it was seen.
    fn live_group(&self, desired: &DesiredGroup) -> Option<&'a LiveGroup> {
        self.groups.values().copied().find(|group| desired.is(group))
    }

    /// The rules for an action: the group's, when it is about a declared group, otherwise the app's.
    fn policy(&self, group: Option<&Arc<str>>) -> &'a Policy {
        group.and_then(|name| self.app.groups.get(name)).map_or(&self.app.policy, |group| &group.policy)
    }
}

fn plan_app(cx: &Context<'_>) -> AppPlan {
    let matched = identity::match_accounts(cx);
    let wanted = wanted::wanted_now(cx);
    let mut drafts = diff::diff(cx, &matched, &wanted);
    only::restrict(cx, &matched, &mut drafts);
    history::wait_for_requests_under_way(cx, &mut drafts);
    history::recall_grants(cx, &mut drafts);
    guards::hold(cx, &guards::Grounds { matched: &matched, wanted: &wanted }, &mut drafts);
    let seats = rules::order(cx, &mut drafts);
    graph::settle(&mut drafts);
    rules::subsume(cx, &mut drafts);
    let plan = AppPlan {
        complete: is_complete(cx),
        observed: Observed {
            accounts: cx.live.accounts.len(),
            groups: cx.live.groups.len(),
            memberships: cx.live.groups.iter().map(|group| group.members.len()).sum(),
            requests: cx.live.requests,
            oldest_s: cx.live.oldest_s,
        },
        forecast: Forecast { seats, ..Forecast::default() },
        findings: [coverage_findings(cx), of_the_past(cx)].concat(),
        due: due::due(cx),
        ..empty(cx.app)
    };
    drafts.finish(&cx.app.semantics, plan)
}

/// What there is to say of the app whatever the plan does.
fn of_the_past(cx: &Context<'_>) -> Vec<Finding> {
    [history::paused(cx), history::recognized(cx), others::finding(cx)].into_iter().flatten().collect()
}

/// The plan of an app of which nothing is known.
fn empty(app: &DesiredApp) -> AppPlan {
    AppPlan {
        app: app.name.clone(),
        connector: app.connector.clone(),
        group_noun: app.semantics.group_noun.clone(),
        ..AppPlan::default()
    }
}

/// `1 person`, `3 people`.
fn many(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Live groups that some line declares. What is in the others nobody asked.
fn declared<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a LiveGroup> {
    let app = cx.app;
    cx.live.groups.iter().filter(|group| app.declares(group))
}

fn is_complete(cx: &Context<'_>) -> bool {
    let live = cx.live;
    live.accounts_coverage.is_complete()
        && live.groups_coverage.is_complete()
        && live.unread_accounts.is_empty()
        && live.unread_memberships.is_empty()
        && live.extent.accounts_to_come.is_empty()
        && declared(cx).all(|group| group.coverage.is_complete())
}

fn coverage_findings(cx: &Context<'_>) -> Vec<Finding> {
    let live = cx.live;
    let mut findings: Vec<Finding> = Vec::new();
    match &live.extent.about {
        Some(about) if about.alone => findings.extend(only::findings(about)),
        _ => findings.extend(gap("the accounts", &live.accounts_coverage)),
    }
    findings.extend(live.notices.iter().map(|notice| Finding {
        group: notice.group.clone(),
        ..Finding::new(notice.severity, FindingCode::AppNotice, &*notice.message)
    }));
    if live.alone().is_some_and(|about| !about.groups) {
        // Nobody asked about groups.
        return findings;
    }
    // Where groups are learnt from memberships that have not been read yet, it is these that are told of.
    let only_later = !live.extent.memberships_to_come.is_empty() && !cx.app.semantics.groups.list;
    findings.extend(gap("the groups", &live.groups_coverage).filter(|_| !only_later));
    for group in declared(cx) {
        let found = gap(&format!("the members of {}", group.name), &group.coverage);
        findings.extend(found.map(|finding| finding.group(&group.name)));
    }
    let failed = live.unread_memberships.difference(&live.extent.memberships_to_come).count();
    if failed > 0 {
        let message = format!(
            "the memberships of {failed} account(s) could not be read; what needs certainty about them is held"
        );
        findings.push(Finding::warning(FindingCode::IncompleteRead, message));
    }
    findings.extend(turns_to_come(live));
    findings
}

/// What a list leaves unknown.
fn gap(what: &str, coverage: &Coverage) -> Option<Finding> {
    let (code, message) = match coverage {
        Coverage::Complete => return None,
        Coverage::Believed(why) => (
            FindingCode::BelievedMembers,
            format!(
                "{what} are not shown by the app, so that whoever should be in is added, and who else is in stays unknown: {why}"
            ),
        ),
        Coverage::Incomplete(why) => (
            FindingCode::IncompleteRead,
            format!("{what} could not be read to the end: {why}; what needs certainty is held"),
        ),
    };
    Some(Finding::warning(code, message))
}

/// What is read account by account within a share of the budget, and has not been read of everybody yet.
fn turns_to_come(live: &LiveApp) -> Option<Finding> {
    let Extent { accounts_to_come: accounts, memberships_to_come: memberships, .. } = &live.extent;
    let who: BTreeSet<_> = accounts.union(memberships).collect();
    let what = match (accounts.is_empty(), memberships.is_empty()) {
        (true, true) => return None,
        (false, true) => "fields",
        (true, false) => "memberships",
        (false, false) => "fields and memberships",
    };
    let message = format!(
        "the {what} of {} of {} accounts have not been read yet: the app shows them one account at a time, and each run \
         reads as many as its share of the budget allows; what needs certainty about them is held",
        who.len(),
        live.accounts.len()
    );
    Some(Finding::note(FindingCode::NotReadYet, message))
}

//! Whose account it is takes somebody's word before much is done because of it. Whoever writes a person's entry could
//! otherwise take over, or cut off, any account by naming its address.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{
        ADDRESS, AcceptedClaim, ApprovedBy, ClaimedBy, Email, Finding, FindingCode, Guard, IdentityClaim, LiveAccount,
        Verb, escape,
    },
    plan::{
        Context,
        approvals::{self, Approvals, approved_by, covers, is_used_for},
        claims,
        diff::may_be_live_admin,
        draft::{Draft, Drafts, Release},
        guards::Grounds,
        many,
        wanted::standing,
    },
};

/// How many open claims get a finding each; more are told together, with one line for all.
const TOLD: usize = 3;

/// How many of many are named.
const NAMED: usize = 3;

/// A claim that nobody has accepted, and what hangs on it.
struct Open<'a> {
    account: &'a LiveAccount,
    identity: &'a Email,
    by: ClaimedBy,
    /// What an approval covers: an update of the account, whether there is one or not, and every action on it.
    names: Vec<String>,
    /// Actions that it holds, by their index.
    held: Vec<usize>,
}

pub(super) fn check(cx: &Context<'_>, grounds: &Grounds<'_>, drafts: &mut Drafts) {
    let open = open(cx, grounds, drafts);
    let approved = approved(cx, &open);
    for (index, claim) in open.iter().enumerate() {
        match approved.get(&index) {
            Some((approval, _)) => {
                claim.held.iter().for_each(|held| drafts.actions[*held].action.approved_by.push(approval.clone()));
            }
            None => {
                let reason = claim.reason(cx);
                for held in &claim.held {
                    drafts.actions[*held].hold_until_approved(Guard::Identity, reason.clone());
                }
            }
        }
    }
    drafts.claims.accepted = accepted(cx, grounds, &open, &approved);
    let rest: Vec<&Open<'_>> =
        open.iter().enumerate().filter(|(at, _)| !approved.contains_key(at)).map(|(_, claim)| claim).collect();
    drafts.findings.extend(findings(cx, &rest));
    drafts.claims.open = rest.iter().map(|claim| (claim.claim(), line(cx, claim.names[0].clone(), None))).collect();
}

/// Claims that are not accepted. One by somebody's own key matters only where it holds something: the next run takes it as
/// seen.
fn open<'a>(cx: &Context<'a>, grounds: &Grounds<'a>, drafts: &Drafts) -> Vec<Open<'a>> {
    let mut on_account: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, draft) in drafts.actions.iter().enumerate() {
        if let Some(id) = draft.action.step.account_id() {
            on_account.entry(id).or_default().push(index);
        }
    }
    let judges_keys = claims::are_judged_by_key(cx);
    let mut open = Vec::new();
    for account in cx.accounts.iter().copied() {
        let Some((identity, by)) = grounds.matched.claim(cx, account) else { continue };
        // A plan for one person alone is about nobody else.
        let is_about = cx.live.extent.about.as_ref().is_none_or(|about| about.identity == *identity);
        let is_judged = is_about && (by != ClaimedBy::Key || judges_keys);
        if !is_judged || claims::is_accepted(cx, &account.id, identity) {
            continue;
        }
        let actions = on_account.get(&*account.id).map_or(&[][..], Vec::as_slice);
        let held =
            actions.iter().copied().filter(|at| holds(cx, account, by, &drafts.actions[*at])).collect::<Vec<_>>();
        if by == ClaimedBy::Key && held.is_empty() {
            continue;
        }
        let label = escape(grounds.matched.label(account, identity));
        let own = format!("{}/{}/{label}", escape(&cx.app.name), Verb::Update);
        let names = actions.iter().map(|at| drafts.actions[*at].action.name.to_string());
        open.push(Open { account, identity, by, names: std::iter::once(own).chain(names).collect(), held });
    }
    open
}

/// Whether an action takes certainty about whose account it is. A person's own key says much already, so that only what cannot
/// be undone, and whoever can administer the app, takes more.
fn holds(cx: &Context<'_>, account: &LiveAccount, by: ClaimedBy, draft: &Draft) -> bool {
    let action = &draft.action;
    let readdresses = action.changes.iter().any(|change| &*change.field == ADDRESS);
    let takes = action.reduces_access || readdresses;
    // Whose role was not seen may be an admin.
    let is_admin = cx.app.semantics.is_admin(account) || (takes && may_be_live_admin(cx, account));
    action.irreversible || is_admin || (by != ClaimedBy::Key && takes)
}

/// The claims, by their index, that an approval accepts, each with the name that it covers: all that it covers, as long as
/// they are no more people than it names, and never an arbitrary part of them.
fn approved(cx: &Context<'_>, open: &[Open<'_>]) -> BTreeMap<usize, (ApprovedBy, String)> {
    let mut out = BTreeMap::new();
    for (approval, left, used) in Approvals::of(cx).with_numbers(Guard::Identity) {
        let covered: Vec<(usize, &String)> = open
            .iter()
            .enumerate()
            .filter_map(|(index, claim)| {
                let name = claim.names.iter().find(|name| covers(&approval.allow, name) && !is_used_for(used, name))?;
                Some((index, name))
            })
            .collect();
        let people: BTreeSet<&Email> = covered.iter().map(|(index, _)| open[*index].identity).collect();
        if people.len() <= left {
            for (index, name) in covered {
                out.entry(index).or_insert_with(|| (approved_by(approval), name.clone()));
            }
        }
    }
    out
}

/// What counts as accepted once this plan is made by a run that writes.
fn accepted(
    cx: &Context<'_>,
    grounds: &Grounds<'_>,
    open: &[Open<'_>],
    approved: &BTreeMap<usize, (ApprovedBy, String)>,
) -> Vec<AcceptedClaim> {
    let at: BTreeMap<&str, usize> = open.iter().enumerate().map(|(index, claim)| (&*claim.account.id, index)).collect();
    let is_first = !claims::are_judged_by_key(cx);
    let mut accepted = Vec::new();
    for account in &cx.accounts {
        let Some((identity, by)) = grounds.matched.claim(cx, account) else { continue };
        if claims::is_recorded(cx, &account.id, identity) {
            continue;
        }
        let index = at.get(&*account.id);
        let approval = index.and_then(|index| approved.get(index)).cloned();
        // Whoever left before anybody saw the account under their key has not been a person for long.
        let by_key = by == ClaimedBy::Key
            && index.is_none()
            && !grounds.matched.ambiguous.contains_key(identity)
            && (is_first || !standing(cx, identity).left());
        if approval.is_some() || by_key || claims::is_implied(cx, &account.id, identity) {
            let claim = IdentityClaim { account: account.id.clone(), identity: identity.clone(), by };
            accepted.push(AcceptedClaim { claim, approved: approval });
        }
    }
    accepted
}

impl Open<'_> {
    fn claim(&self) -> IdentityClaim {
        IdentityClaim { account: self.account.id.clone(), identity: self.identity.clone(), by: self.by }
    }

    fn reason(&self, cx: &Context<'_>) -> String {
        let Self { account, identity, by, .. } = self;
        let (app, id) = (&cx.app.name, &account.id);
        match by {
            ClaimedBy::Key => format!(
                "nobody has accepted account {id} as {identity}'s: no earlier run of {app} saw it under an entry of theirs"
            ),
            ClaimedBy::Alias => {
                format!("nobody has accepted account {id} as {identity}'s: only the alias {} says so", account.email)
            }
            ClaimedBy::Pin => {
                format!("nobody has accepted account {id} ({}) as {identity}'s: only a pin says so", account.email)
            }
        }
    }
}

fn line(cx: &Context<'_>, allow: String, up_to: Option<usize>) -> String {
    approvals::line(cx, &Release { allow, up_to }, Guard::Identity)
}

/// Tells of claims before anything depends on them. Held actions say so themselves, unless they are many.
fn findings(cx: &Context<'_>, open: &[&Open<'_>]) -> Vec<Finding> {
    let people: BTreeSet<&Email> = open.iter().map(|claim| claim.identity).collect();
    if people.len() > TOLD {
        let named: Vec<&str> = people.iter().take(NAMED).map(|email| email.as_str()).collect();
        let allow = format!("{}/{}", escape(&cx.app.name), Verb::Update);
        let message = format!(
            "{} in {} are claimed by aliases, pins or new entries that nobody has accepted: those of {} and {} more; to accept all of them, \
             add `{}` under `approvals:`",
            many(open.len(), "account", "accounts"),
            cx.app.name,
            named.join(", "),
            people.len() - named.len(),
            line(cx, allow, Some(people.len()))
        );
        return vec![Finding::note(FindingCode::ClaimNotAccepted, message)];
    }
    let untold = open.iter().filter(|claim| claim.held.is_empty());
    let one = |claim: &&Open<'_>| {
        let message = format!(
            "{}; until somebody does, nothing is taken from it, and it keeps its address: to accept it, add `{}` under `approvals:`",
            claim.reason(cx),
            line(cx, claim.names[0].clone(), None)
        );
        let entry = cx.people.get(claim.identity).map(|person| person.place.clone());
        Finding::note(FindingCode::ClaimNotAccepted, message).account(claim.identity.as_str()).because(entry)
    };
    untold.map(one).collect()
}

//! Which actions a change causes, which the passing of a date, and which were needed anyway because an app drifted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, ToSpan as _};

use crate::{
    model::{
        AccountStatus, Action, ActionName, Approval, Cause, Claim, Desired, DesiredApp, Email, Finding, FindingCode,
        Former, Guard, Held, Known, Live, LiveAccount, Person, Phase, Place, Plan, Status, Unlisted, Verb, Window,
    },
    plan::{History, Inputs, approvals::covers, due, plan},
};

/// The two versions.
#[derive(Clone, Copy)]
pub struct Versions<'a> {
    /// The files under review, as they were planned.
    pub change: &'a Desired,
    /// The other version.
    pub before: &'a Desired,
    /// What the ledger knows.
    pub history: Option<&'a History>,
    /// The commit of that version.
    pub commit: &'a str,
    /// Whether a line of the other version is not in the files under review.
    pub is_gone: &'a dyn Fn(&Place) -> bool,
}

/// Says of every action of `plan` what made it necessary. `before` is the plan of the other version against the same
/// `live` state at the same instant. Returns the actions that the change makes unnecessary, sorted.
pub fn attribute(plan: &mut Plan, before: &Plan, live: &Live, versions: Versions<'_>) -> Vec<ActionName> {
    let now = plan.created_at;
    let earlier: BTreeMap<&ActionName, &Action> = actions(before).map(|action| (&action.name, action)).collect();
    // What would be needed had no date passed: all that is needed beyond it is due to dates.
    let dateless = dateless(versions.before, live, versions.history, now);
    let undated: Option<BTreeMap<&ActionName, &Action>> =
        dateless.as_ref().map(|plan| actions(plan).map(|action| (&action.name, action)).collect());
    let mut seen = BTreeSet::new();
    for app in &mut plan.apps {
        for action in &mut app.actions {
            seen.insert(action.name.clone());
            let was = earlier.get(&action.name).copied().filter(|was| was.same_step(action));
            let mut because = Vec::new();
            action.cause = Some(Cause::Change);
            match was {
                None => action.gone = gone(versions, action),
                // What the change stops happens because of it.
                Some(was) if action.status == Status::Held && matches!(was.status, Status::Ready | Status::Waiting) => {
                    action.gone = approvals_gone(versions, action);
                    because = stops(versions, action, now);
                }
                // So does what it lets go on.
                Some(was) if action.status == Status::Ready && was.status == Status::Held => {
                    because = was.held.iter().flat_map(|held| approvals(versions, action, held)).collect();
                }
                Some(_) => {
                    let dated = undated.as_ref().is_some_and(|undated| {
                        !undated.get(&action.name).is_some_and(|without| without.same_step(action))
                    });
                    action.cause = Some(if dated { Cause::Time } else { Cause::Drift });
                }
            }
            action.because = Place::sorted(action.because.iter().chain(&because));
            if let (Some(former), Some(reason)) = (former(versions, action, now), &mut action.reason) {
                reason.explained_by(former);
            }
        }
        app.findings.extend(left_behind(versions, &app.app, live));
        app.findings.sort();
    }
    actions(before).map(|action| &action.name).filter(|name| !seen.contains(name)).cloned().collect()
}

fn actions(plan: &Plan) -> impl Iterator<Item = &Action> {
    plan.apps.iter().flat_map(|app| &app.actions)
}

/// The plan as it would be had none of the dates passed; `None` where none has. An end counts however long ago it was: it
/// is why the thing is taken away. A beginning counts for two weeks; what is missing after that was taken away by somebody.
fn dateless(desired: &Desired, live: &Live, history: Option<&History>, now: Timestamp) -> Option<Plan> {
    let since = now.checked_sub((24 * due::DAYS).hours()).unwrap_or(Timestamp::MIN);
    let later = now.checked_add(1.second()).unwrap_or(Timestamp::MAX);
    let mut passed = false;
    let mut turn_back = |window: &mut Window| {
        if window.until.is_some_and(|until| until <= now) {
            window.until = None;
            passed = true;
        }
        if window.from.is_some_and(|from| since < from && from <= now) {
            window.from = Some(later);
            passed = true;
        }
    };
    let mut desired = desired.clone();
    for person in desired.people.values_mut() {
        turn_back(&mut person.window);
    }
    for app in desired.apps.values_mut() {
        let accounts = app.accounts.values_mut().flat_map(|account| &mut account.claims);
        let members = app.groups.values_mut().flat_map(|group| group.members.values_mut().flatten());
        accounts.chain(members).for_each(|claim| turn_back(&mut claim.window));
    }
    passed.then(|| {
        let base = Some(&desired);
        plan(&Inputs { desired: &desired, desired_digest: "", live, history, base, others: None, now })
    })
}

/// Lines under `approvals` that the change brings and that let the action go on.
fn approvals(versions: Versions<'_>, action: &Action, held: &Held) -> Vec<Place> {
    let known =
        |new: &Approval| versions.before.approvals.iter().any(|old| old.allow == new.allow && old.guard == new.guard);
    let new = versions.change.approvals.iter().filter(|approval| is_about(approval, action, held) && !known(approval));
    new.map(|approval| approval.place.clone()).collect()
}

/// Whether an approval is for one of the guards and for this action: a cap is released for the whole app or group, any other
/// guard for an action and all below a prefix.
fn is_about(approval: &Approval, action: &Action, held: &Held) -> bool {
    (approval.guard == held.guard || held.also.contains(&approval.guard))
        && (covers(&approval.allow, &action.name.to_string()) || covers(&approval.allow, &action.name.app))
}

/// Lines under `approvals` of the other version that let the action go on and that are not there any more.
fn approvals_gone(versions: Versions<'_>, action: &Action) -> Vec<Place> {
    let Some(held) = &action.held else { return Vec::new() };
    let old = versions.before.approvals.iter().filter(|approval| is_about(approval, action, held));
    Place::sorted(old.map(|approval| &approval.place).filter(|place| (versions.is_gone)(place)))
}

/// Lines of the change that stop the action: the freeze, or the entry whose rules are others than before.
fn stops(versions: Versions<'_>, action: &Action, now: Timestamp) -> Vec<Place> {
    let Some(held) = &action.held else { return Vec::new() };
    let name = &action.name.app;
    let (Some(app), Some(before)) = (versions.change.apps.get(name), versions.before.apps.get(name)) else {
        return Vec::new();
    };
    let group = action.name.group.as_ref();
    let now_group = group.and_then(|name| app.groups.get(name));
    let old_group = group.and_then(|name| before.groups.get(name));
    if held.guard == Guard::Frozen {
        let policy = now_group.map_or(&app.policy, |group| &group.policy);
        let open = policy.freeze.iter().filter(|freeze| freeze.window.phase(now) == Phase::Open);
        return open.map(|freeze| freeze.place.clone()).collect();
    }
    let is_same = app.mode == before.mode && app.policy == before.policy && app.self_account == before.self_account;
    let mut places = Vec::new();
    if !is_same {
        places.push(app.place.clone());
    } else if let (Some(group), Some(old)) = (now_group, old_group)
        && (group.mode != old.mode || group.policy != old.policy)
    {
        places.push(group.place.clone());
    }
    places
}

/// Lines of the other version that granted what is taken away now and that are not there any more.
fn gone(versions: Versions<'_>, action: &Action) -> Vec<Place> {
    let takes = matches!(action.name.verb, Verb::Deactivate | Verb::Delete | Verb::RemoveMember);
    let Some(name) = action.name.account.as_deref().filter(|_| takes || action.reduces_access) else {
        return Vec::new();
    };
    let Some(app) = versions.before.apps.get(&action.name.app) else { return Vec::new() };
    let email = Email::lenient(name);
    let identity = versions.before.identity(&email);
    let granted = claims(app, identity, action.name.group.as_ref()).flat_map(|claim| &claim.because);
    let places = granted.chain(versions.before.people.get(identity).map(|person| &person.place));
    Place::sorted(places.filter(|place| (versions.is_gone)(place)))
}

/// Lines of the other version that grant what is taken away now: those that are there no more, and all of them where every
/// one still is, because somebody can fall out of a team that no line of was touched.
fn former(versions: Versions<'_>, action: &Action, now: Timestamp) -> Option<Former> {
    let app = versions.before.apps.get(&action.name.app)?;
    let email = Email::lenient(action.name.account.as_deref()?);
    let identity = versions.before.identity(&email);
    let of_fields = action.name.verb.sign() == "~";
    let gave = |claim: &&Claim| {
        let values = !of_fields || action.changes.iter().any(|change| change.takes_from(&claim.values));
        values && claim.window.phase(now) == Phase::Open
    };
    let granted: Vec<&Place> =
        claims(app, identity, action.name.group.as_ref()).filter(gave).flat_map(|claim| &claim.because).collect();
    let gone: Vec<&Place> = granted.iter().copied().filter(|place| (versions.is_gone)(place)).collect();
    let places = Place::sorted(if gone.is_empty() { granted } else { gone });
    (!places.is_empty()).then(|| Former { places, known: Known::UntilCommit(versions.commit.to_owned()) })
}

/// Everything that grants an account, or a membership when there is a group.
fn claims<'a>(
    app: &'a DesiredApp,
    identity: &'a Email,
    group: Option<&'a Arc<str>>,
) -> impl Iterator<Item = &'a Claim> {
    let account = app.accounts.get(identity).filter(|_| group.is_none()).map_or(&[][..], |account| &account.claims);
    let groups = app.groups.values().filter(move |one| group.is_none_or(|group| *group == one.name));
    account.iter().chain(groups.filter_map(|group| group.members.get(identity)).flatten())
}

/// An account whose address was an alias before, and is nobody's with the change.
fn alias_gone(person: &Person, account: &LiveAccount) -> Finding {
    let message = format!(
        "{0} is no alias of {1} any more, and the account that {1} has under it ({2}) becomes a stranger's; keep the alias as \
         long as the app has that address",
        account.email, person.email, account.status
    );
    left(account, message).because([person.place.clone()])
}

fn left(account: &LiveAccount, message: String) -> Finding {
    Finding::warning(FindingCode::LeftBehind, message).account(account.email.as_str())
}

/// People whom the change takes out of the files altogether while the policy touches nobody who is not in them: what they
/// keep, and how to have it removed.
fn left_behind(versions: Versions<'_>, app: &Arc<str>, live: &Live) -> Vec<Finding> {
    let Versions { change, before, .. } = versions;
    let (Some(desired), Some(Ok(live))) = (change.apps.get(app), live.apps.get(app)) else { return Vec::new() };
    let named = |identity: &Email| {
        change.people.contains_key(identity) || change.named.contains(identity) || change.aliases.contains_key(identity)
    };
    let mut findings = Vec::new();
    for account in &live.accounts {
        let identity = before.identity(&account.email);
        if let Some(person) = change.people.get(identity).filter(|_| !named(&account.email)) {
            let is_pinned = desired.ids.get(identity).is_some_and(|(id, _)| *id == account.id);
            if !is_pinned && account.status != AccountStatus::Inactive {
                findings.push(alias_gone(person, account));
            }
            continue;
        }
        let Some(person) = before.people.get(identity).filter(|_| !named(identity) && !named(&account.email)) else {
            continue;
        };
        let groups: Vec<&str> = live
            .groups
            .iter()
            .filter(|group| group.members.iter().any(|member| member.account == account.id))
            .map(|group| &*group.name)
            .collect();
        // Where strangers are removed the plan shows the removal itself.
        if desired.policy.unlisted == Unlisted::Remove {
            continue;
        }
        let also = match groups[..] {
            [] => String::new(),
            [group] => format!(" and its membership in {group}"),
            _ => format!(" and its memberships in {}", groups.join(", ")),
        };
        let policy = if desired.policy.unlisted == Unlisted::Report { "report" } else { "ignore" };
        let message = format!(
            "{} is taken out of the files ({} (removed)), and the account ({}){also} stays, because the policy for people who \
             are named nowhere is `unlisted: {policy}`; to have it removed, keep the person with `status: left`, or set \
             `unlisted: remove`",
            person.email, person.place, account.status
        );
        findings.push(left(account, message));
    }
    findings
}

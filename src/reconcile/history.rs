//! What planning has to know of the past, gathered from the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::{info, warn};

use super::repeated;
use crate::{
    execute::CreatedIds,
    model::{
        AccountStatus, Coverage, Desired, DesiredApp, Email, Fact, FactIds, Facts, LiveApp, LiveMember, RemoveWith,
        Verb,
    },
    plan::{AppHistory, Invited, Used},
    store::{self, AppKey, Deed, Ending, Event, FactKind, Filter, Invitation, Store, StoreError, Swept, UsedApproval},
};

/// For so long an account that we made is looked for by its id although no reading has ever shown it.
const LATELY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The rolling day over which caps count.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The history of one app before the reading at hand is entered. The caller adds requests under way when it settles them,
/// and what was granted before when it has planned what goes.
pub(super) async fn of_app(store: &Store, key: &AppKey, now: Timestamp) -> Result<AppHistory, StoreError> {
    let yesterday = now.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
    let moved = store.moved_since(key, yesterday).await?;
    let deactivations = store.own_deactivations(key).await?;
    let untouched = deactivations.iter().filter(|(_, own)| own.touched_at.is_none());
    let invitations = store.invitations(key).await?;
    Ok(AppHistory {
        deactivated_at: untouched.map(|(id, own)| (id.clone(), own.at)).collect(),
        deactivated_by_us: deactivations.into_keys().collect(),
        seen_under: store.seen_under(key).await?,
        made_by_us: invitations.iter().filter_map(|made| made.account_id.clone()).collect(),
        readdressed_by_us: store.own_addresses(key).await?,
        invitations: invitations.into_iter().map(invited).collect(),
        accounts_last_seen: store.accounts_last_seen(key).await?,
        known_accounts: store.known_accounts(key).await?,
        recognized: None,
        removed_since: store.removed_since_last_seen(key).await?,
        active_at_day_start: store.active_at(key, yesterday).await?,
        declared_groups: store.declared_groups(key).await?,
        lost_today: moved.lost,
        gained_today: moved.gained,
        made_for: store.accounts_made(key).await?.into_iter().map(|(id, made)| (id, made.email)).collect(),
        groups_made: store.groups_made(key).await?,
        claims: store.accepted_claims(key).await?,
        inherited: store.inherited_accounts(key).await?,
        pauses: store.pauses(now).await?.into_iter().filter(|pause| pause.is_for(&key.app)).collect(),
        under_way: BTreeMap::new(),
        repeated: repeated::of_app(store, key, now).await?,
        granted_before: BTreeMap::new(),
    })
}

/// People whose accounts are off now, although readings of the last day showed them to be on and we took none of them off:
/// somebody else did, or we did and the store that it was written down in is gone. For caps they have lost something today. An
/// account that is not shown at all counts where that is what a removal of ours leaves; elsewhere `shrank` judges it.
pub(super) async fn went_off(
    store: &Store,
    key: &AppKey,
    (desired, app): (&Desired, &DesiredApp),
    live: &LiveApp,
    now: Timestamp,
) -> Result<Vec<(Email, Option<Arc<str>>)>, StoreError> {
    let yesterday = now.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
    let deletes = app.policy.remove_with == RemoveWith::Delete
        || app.semantics.deactivate.as_ref().is_none_or(|rule| rule.irreversible);
    let all_shown = deletes && live.alone().is_none() && live.accounts_coverage.is_complete();
    let shown: BTreeMap<&Arc<str>, bool> =
        live.accounts.iter().map(|account| (&account.id, account.status == AccountStatus::Inactive)).collect();
    let on = store.on_lately(key, yesterday).await?.into_iter();
    let off = on.filter(|(id, _)| shown.get(id).copied().unwrap_or(all_shown));
    Ok(off.map(|(_, email)| (desired.identity(&email).clone(), None)).collect())
}

impl super::Reconciler {
    /// Deletes what the files do not want to be kept any longer. That it fails changes nothing about what was done.
    pub async fn sweep(&self) {
        let Some(memory) = self.memory.as_ref().filter(|memory| memory.writes()) else { return };
        match memory.store.sweep(&self.desired.settings.keep, memory.now()).await {
            Ok(Swept { entries: 0, readings: 0 }) => {}
            Ok(Swept { entries, readings }) => info!(entries, readings, "old entries and readings were deleted"),
            Err(error) => warn!(%error, "old entries and readings were not deleted; the next day tries again"),
        }
    }
}

/// Ids of accounts that a list should show, as far as anybody remembers, those first whom the files name: readings showed
/// them, or we made them. Many lists leave out who is inactive, who matters only where something is granted.
pub(super) async fn remembered(
    store: &Store,
    key: &AppKey,
    desired: &Desired,
    app: &DesiredApp,
    now: Timestamp,
) -> Result<Vec<Arc<str>>, StoreError> {
    let lately = now.saturating_sub(LATELY).unwrap_or(Timestamp::MIN);
    let made = store.accounts_made(key).await?.into_iter().filter(|(_, made)| made.at >= lately);
    let mut all: BTreeMap<Arc<str>, Email> = made.map(|(id, made)| (id, made.email)).collect();
    for (id, (email, status)) in store.accounts_there(key).await? {
        if status != AccountStatus::Inactive || app.grants(desired.identity(&email)) {
            all.insert(id, email);
        } else {
            all.remove(&id);
        }
    }
    let (named, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, email)| desired.named.contains(desired.identity(email)));
    Ok(named.into_iter().chain(others).map(|(id, _)| id).collect())
}

/// An account that we made; of several for one address the last, since they come oldest first.
fn invited(made: Invitation) -> (Email, Invited) {
    let seen = made.seen.as_ref();
    let accepted = seen.is_some_and(|seen| seen.status != AccountStatus::Pending);
    let gone_since = seen.and_then(|seen| seen.gone_since);
    let invited = Invited { sent_at: made.sent_at, seen: seen.is_some(), accepted, gone_since };
    (made.email, invited)
}

/// Approvals that were used, over all apps.
pub(super) async fn approvals(store: &Store) -> Result<BTreeMap<String, Used>, StoreError> {
    let used = store.used_approvals().await?.into_iter();
    Ok(used
        .map(|(approval, UsedApproval { people, actions })| {
            (approval, Used { people: u32::try_from(people.len()).unwrap_or(u32::MAX), actions })
        })
        .collect())
}

/// Remembers what earlier processes made and no reading has shown yet, so that it is not made again merely because a list
/// is slow.
pub(super) async fn recall_created(
    store: &Store,
    key: &AppKey,
    created_ids: &CreatedIds,
    now: Timestamp,
) -> Result<(), StoreError> {
    let yesterday = now.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
    for invitation in store.invitations(key).await? {
        if let (None, Some(id)) = (&invitation.seen, invitation.account_id)
            && invitation.sent_at >= yesterday
        {
            created_ids.remember_account(invitation.email, id);
        }
    }
    Ok(())
}

/// Where an app shows no members, those that we put there and did not take out again are believed in.
pub(super) async fn believe(store: &Store, key: &AppKey, live: &mut LiveApp) -> Result<(), StoreError> {
    let believed = |coverage: &Coverage| matches!(coverage, Coverage::Believed(_));
    if !live.groups.iter().any(|group| believed(&group.coverage)) {
        return Ok(());
    }
    let filter = Filter { app: Some(key.app.to_string()), ..Filter::default() };
    let mut members: BTreeMap<Arc<str>, BTreeMap<Arc<str>, LiveMember>> = BTreeMap::new();
    let entries = store.entries(&filter).await?;
    let done = entries.into_iter().filter(|entry| entry.key.as_ref() == Some(key));
    for entry in done {
        let Event::Action(action) = entry.entry.event else { continue };
        let Deed { verb, account_id, group_id: Some(group), changes, .. } = action.deed else { continue };
        if action.ending != Ending::Done {
            continue;
        }
        let of_group = members.entry(group).or_default();
        match (verb, account_id) {
            (Verb::AddMember | Verb::ChangeMember, Some(account)) => {
                let member = of_group.entry(account.clone()).or_insert_with(|| LiveMember {
                    account,
                    email: None,
                    status: AccountStatus::Active,
                    values: BTreeMap::new(),
                });
                for change in changes {
                    member.values.insert(change.field, change.to);
                }
            }
            (Verb::RemoveMember, Some(account)) => drop(of_group.remove(&account)),
            (Verb::DeleteGroup, _) => of_group.clear(),
            _ => {}
        }
    }
    // Whoever has no account any more has no membership either.
    let accounts: BTreeSet<&Arc<str>> = live.accounts.iter().map(|account| &account.id).collect();
    for group in live.groups.iter_mut().filter(|group| believed(&group.coverage)) {
        let known: BTreeSet<Arc<str>> = group.members.iter().map(|member| member.account.clone()).collect();
        let ours = members.remove(&group.id).unwrap_or_default().into_values();
        group
            .members
            .extend(ours.filter(|member| !known.contains(&member.account) && accounts.contains(&member.account)));
        group.members.sort_by(|a, b| a.account.cmp(&b.account));
    }
    Ok(())
}

/// How a fact is kept: what was seen, and under which row of the list.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    row: Arc<str>,
    seen: T,
}

/// All facts that are remembered of an app. One that cannot be read any more is forgotten, which costs a request.
pub(super) async fn facts(store: &Store, key: &AppKey) -> Result<Facts, StoreError> {
    fn fact<T: DeserializeOwned>(body: Value, read_at: Timestamp) -> Option<Fact<T>> {
        let Kept { row, seen } = serde_json::from_value(body).ok()?;
        Some(Fact { read_at, row, seen })
    }
    let mut facts = Facts::default();
    for store::Fact { account, kind, body, read_at } in store.facts(key).await? {
        match kind {
            FactKind::Account => facts.accounts.extend(fact(body, read_at).map(|fact| (account, fact))),
            FactKind::Memberships => facts.memberships.extend(fact(body, read_at).map(|fact| (account, fact))),
        }
    }
    Ok(facts)
}

/// Facts as they are kept.
pub(super) fn to_keep(learnt: &Facts) -> Vec<store::Fact> {
    fn kept<T: Serialize>(kind: FactKind, account: &Arc<str>, fact: &Fact<T>) -> Option<store::Fact> {
        // Plain data with text keys always serialises; what would not is read again.
        let body = serde_json::to_value(Kept { row: fact.row.clone(), seen: &fact.seen }).ok()?;
        Some(store::Fact { account: account.clone(), kind, body, read_at: fact.read_at })
    }
    let accounts = learnt.accounts.iter().filter_map(|(id, fact)| kept(FactKind::Account, id, fact));
    let memberships = learnt.memberships.iter().filter_map(|(id, fact)| kept(FactKind::Memberships, id, fact));
    accounts.chain(memberships).collect()
}

/// Accounts of which anything is to be forgotten.
pub(super) fn to_forget(lapsed: &FactIds) -> Vec<Arc<str>> {
    lapsed.accounts.union(&lapsed.memberships).cloned().collect()
}

/// Accounts, by id and address, that requests under way are about.
pub(super) fn concerned(open: &[store::Intent]) -> (BTreeSet<Arc<str>>, BTreeSet<Email>) {
    let ids = open.iter().filter_map(|intent| intent.intent.deed.account_id.clone()).collect();
    let emails = open.iter().flat_map(|intent| &intent.intent.deed.people).map(|email| Email::lenient(email)).collect();
    (ids, emails)
}

//! Certainty before something is changed: what a plan is about to touch is read afresh, so that nothing is taken away
//! because of what somebody remembers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::{
    AT_ONCE, Observation,
    accounts::{self, NOT_THERE},
    fact_log::Clock,
    memberships,
};
use crate::{
    connectors::{Error, Lane, Listing, Reader},
    model::{
        AccountGroup, AppPlan, Coverage, DesiredApp, Email, Fact, FactIds, Facts, LiveAccount, LiveApp, LiveGroup,
        Semantics, Status, Verb,
    },
};

/// Removals that are held for want of knowledge and are looked into at once; of more than so many it is better to wait for
/// their turns, because reading them takes the requests that everything else needs.
const HELD: usize = 50;

/// The accounts that `plan` would change because of what is remembered of them, or holds because nothing is known of them
/// yet; and the admins that it counts on when it takes one away. To be read afresh ([`Observation::refresh`]) before the
/// plan is made again and carried out.
pub fn concerned(plan: &AppPlan, live: &LiveApp, semantics: &Semantics) -> BTreeSet<Arc<str>> {
    let extent = &live.extent;
    let targets = |status| {
        let of_status = plan.actions.iter().filter(move |action| action.status == status);
        of_status.filter_map(|action| Some((action, action.step.account_id()?)))
    };
    let ready = targets(Status::Ready).map(|(_, id)| id).filter(|id| extent.is_uncertain(id));
    let mut ids: BTreeSet<Arc<str>> = ready.cloned().collect();
    let held = targets(Status::Held)
        .filter(|(action, _)| {
            action.reduces_access && action.held.as_ref().is_some_and(|held| held.guard.reading_helps())
        })
        .map(|(_, id)| id)
        .filter(|id| extent.is_to_come(id));
    ids.extend(held.cloned().collect::<BTreeSet<_>>().into_iter().take(HELD));
    let goes = |id: &Arc<str>| {
        let takes = |verb| matches!(verb, Verb::Update | Verb::Deactivate | Verb::Delete);
        targets(Status::Ready).any(|(action, other)| other == id && action.reduces_access && takes(action.name.verb))
    };
    let admins: Vec<&LiveAccount> = live.accounts.iter().filter(|account| semantics.is_admin(account)).collect();
    if admins.iter().any(|account| goes(&account.id)) {
        ids.extend(admins.into_iter().map(|account| &account.id).filter(|id| extent.is_uncertain(id)).cloned());
    }
    ids
}

/// What must not be remembered once `plan` was carried out, however it ended: everything about accounts that it changes, and
/// about members of groups that it deletes.
pub fn touched(plan: &AppPlan, facts: &Facts) -> FactIds {
    let mut ids = FactIds::default();
    for action in plan.actions.iter().filter(|action| action.status == Status::Ready) {
        action.step.account_id().into_iter().for_each(|id| ids.insert(id));
        if let (None, Some(group)) = (action.step.account(), action.step.group_id()) {
            let in_it = |fact: &Fact<Vec<AccountGroup>>| fact.seen.iter().any(|one| one.group_id == *group);
            let members = facts.memberships.iter().filter(|(_, fact)| in_it(fact));
            ids.memberships.extend(members.map(|(id, _)| id.clone()));
        }
    }
    ids
}

/// What single reads of one account said.
struct Fresh {
    id: Arc<str>,
    at: Timestamp,
    account: Option<Result<Option<LiveAccount>, Error>>,
    memberships: Option<Result<Listing<AccountGroup>, Error>>,
}

impl Observation {
    /// Plans, reads afresh what the plan would change because of a memory, and plans again, until it would change nothing that
    /// was not seen in this run, and would make nobody who was not asked for. Costs nothing where nothing is remembered, no turn
    /// is to come and nobody is made.
    pub async fn make_certain(
        &mut self,
        reader: &dyn Reader,
        app: &DesiredApp,
        aliases: &BTreeMap<Email, Email>,
        now: Timestamp,
        plan: &(dyn Fn(&LiveApp) -> AppPlan + Sync),
    ) {
        let clock = Clock::starting(now);
        // Every round leaves fewer accounts in doubt, so that there is a last one.
        while !self.live.extent.is_certain() {
            let ids = concerned(&plan(&self.live), &self.live, &app.semantics);
            if !self.refresh(reader, app, clock.now(), &ids).await {
                break;
            }
        }
        self.ask_before_creating(reader, app, aliases, plan).await;
    }

    /// Reads these accounts afresh, and their memberships, as far as they take single reads and were not read this time; at
    /// `now`. Returns whether anything was read, so that another plan is worth making.
    pub async fn refresh(
        &mut self,
        reader: &dyn Reader,
        app: &DesiredApp,
        now: Timestamp,
        ids: &BTreeSet<Arc<str>>,
    ) -> bool {
        let clock = Clock::starting(now);
        let requests = reader.requests();
        let per_account = memberships::per_account(reader.semantics(), app);
        // Somebody is about to lose or gain something by it, so that it does not queue behind observation.
        let lane = Lane::Write { unblocks: 1 };
        let reads = ids.iter().filter(|id| self.live.extent.is_uncertain(id)).map(|id| {
            let sparse = self.sparse.contains(id);
            async move {
                let at = clock.now();
                let account = if sparse { Some(reader.account(id, lane).await) } else { None };
                let memberships = if per_account { Some(reader.memberships(id, lane).await) } else { None };
                Fresh { id: id.clone(), at, account, memberships }
            }
        });
        let fresh: Vec<Fresh> = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
        let any = !fresh.is_empty();
        for one in fresh {
            self.take_in(one, reader.semantics());
        }
        self.live.requests += reader.requests() - requests;
        self.live.oldest_s = clock.oldest(&self.live.extent, self.began);
        any
    }

    fn take_in(&mut self, fresh: Fresh, semantics: &Semantics) {
        let Self { live, learnt, lapsed, fingerprints, .. } = self;
        let Fresh { id, at, account, memberships } = fresh;
        let row = fingerprints.get(&id).cloned();
        let extent = &mut live.extent;
        extent.remembered.remove(&id);
        extent.accounts_to_come.remove(&id);
        extent.memberships_to_come.remove(&id);
        let known = live.accounts.binary_search_by(|account| account.id.cmp(&id)).ok();
        let known = known.map(|index| &mut live.accounts[index]);
        match (account, known, row.clone()) {
            (Some(Ok(Some(account))), Some(known), Some(row)) => {
                accounts::complete_with(known, account.clone());
                live.unread_accounts.remove(&id);
                lapsed.accounts.remove(&id);
                learnt.accounts.insert(id.clone(), Fact { read_at: at, row, seen: account });
            }
            (Some(read), Some(known), _) => {
                // What was remembered is no longer believed.
                known.values.retain(|field, _| semantics.carries.contains(field));
                let why = read.err().map_or_else(|| NOT_THERE.to_owned(), |error| error.to_string());
                live.unread_accounts.insert(id.clone(), why);
                lapsed.accounts.insert(id.clone());
            }
            _ => {}
        }
        let Some(memberships) = memberships else { return };
        live.groups.iter_mut().for_each(|group| group.members.retain(|member| member.account != id));
        match memberships {
            Ok(Listing { rows, coverage }) => {
                match (coverage, row) {
                    (Coverage::Incomplete(_), _) | (_, None) => drop(live.unread_memberships.insert(id.clone())),
                    (_, Some(row)) => {
                        live.unread_memberships.remove(&id);
                        lapsed.memberships.remove(&id);
                        learnt.memberships.insert(id, Fact { read_at: at, row, seen: rows.clone() });
                    }
                }
                rows.into_iter().for_each(|membership| enter(&mut live.groups, membership));
            }
            Err(_) => {
                live.unread_memberships.insert(id.clone());
                lapsed.memberships.insert(id);
            }
        }
    }
}

/// Puts a membership where it belongs, in the order of ids.
fn enter(groups: &mut Vec<LiveGroup>, membership: AccountGroup) {
    let AccountGroup { group_id, group_name, member } = membership;
    let index = groups.binary_search_by(|group| group.id.cmp(&group_id)).unwrap_or_else(|index| {
        groups.insert(index, LiveGroup::named(group_id, group_name, Coverage::Complete));
        index
    });
    let members = &mut groups[index].members;
    if let Err(at) = members.binary_search_by(|other| other.account.cmp(&member.account)) {
        members.insert(at, member);
    }
}

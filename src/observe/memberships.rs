//! Reading groups and who is in them, the way the app allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};

use super::{
    AT_ONCE, ObserveProgress, OnProgress, each,
    fact_log::FactLog,
    rotation::{Turn, What},
};
use crate::{
    connectors::{AccountGroup, Error, ErrorKind, Joiner, Lane, Listing, Reader},
    model::{
        AccountStatus, Coverage, DesiredApp, LiveAccount, LiveApp, LiveGroup, LiveMember, MemberRead, Reach, Semantics,
    },
};

/// The HTTP status for what was there and will not come back.
const GONE: u16 = 410;

/// Reads the app's groups; those that the files declare with their members, where a group shows them. None of it when the
/// files declare no group.
pub(super) async fn list(reader: &dyn Reader, app: &DesiredApp, progress: OnProgress<'_>) -> Groups {
    let mut groups = Groups::default();
    if app.groups.is_empty() {
        // Nothing was asked, so nothing is missing.
        return groups;
    }
    groups.list(reader, Lane::Read).await;
    match reader.semantics().members.read {
        MemberRead::PerGroup => per_group(reader, app, &mut groups, progress).await,
        // What these show comes with the accounts.
        MemberRead::PerAccount => {}
        MemberRead::Nowhere => {
            groups.pin(app);
            groups.believe();
        }
    }
    groups
}

/// The accounts whose memberships have to be read account by account, each with what is remembered of it.
pub(super) fn turns(reader: &dyn Reader, app: &DesiredApp, accounts: &[LiveAccount], log: &FactLog<'_>) -> Vec<Turn> {
    let semantics = reader.semantics();
    if !per_account(semantics, app) {
        return Vec::new();
    }
    let turn = |account: &LiveAccount| Turn {
        id: account.id.clone(),
        what: What::Memberships,
        pending: false,
        read_at: log.memberships(&account.id).map(|fact| fact.read_at),
        lacking: false,
    };
    accounts.iter().filter(|account| worth_reading(account, semantics)).map(turn).collect()
}

/// Whether memberships are read account by account, and matter.
pub(super) fn per_account(semantics: &Semantics, app: &DesiredApp) -> bool {
    semantics.members.read == MemberRead::PerAccount && !app.groups.is_empty()
}

/// Whether anything can come of reading an account's groups.
pub(super) fn worth_reading(account: &LiveAccount, semantics: &Semantics) -> bool {
    match account.status {
        // Who cannot have joined yet is known to be in no group.
        AccountStatus::Pending => semantics.members.when.contains(&AccountStatus::Pending),
        // Of somebody who can never use the app again, and whom the API takes out of nothing, memberships matter to nobody.
        AccountStatus::Inactive => semantics.reactivate || (semantics.members.remove && !semantics.strips_members()),
        _ => true,
    }
}

/// Reads the app's groups, and of those that the files declare whether these accounts are members. Who else is one is not
/// asked, unless the app tells it by the way.
pub(super) async fn of(reader: &dyn Reader, app: &DesiredApp, accounts: &[LiveAccount], lane: Lane) -> Groups {
    let mut groups = Groups::default();
    if app.groups.is_empty() {
        return groups;
    }
    groups.list(reader, lane).await;
    groups.pin(app);
    // Who has no account is no member.
    groups.cover();
    let semantics = reader.semantics();
    match semantics.members.read {
        MemberRead::PerGroup if !accounts.is_empty() => {
            let declared = groups.declared(app);
            let reads = declared.into_iter().map(|id| async move {
                let read = members_among(reader, &id, accounts, lane).await;
                (id, read)
            });
            let reads: Vec<_> = stream::iter(reads).buffer_unordered(AT_ONCE).collect().await;
            reads.into_iter().for_each(|(id, read)| groups.members(&id, read));
            groups.trust(reader);
        }
        MemberRead::PerGroup => {}
        MemberRead::PerAccount => {
            for account in accounts.iter().filter(|account| worth_reading(account, semantics)) {
                match reader.memberships(&account.id, lane).await {
                    Ok(listing) => {
                        if !listing.coverage.is_complete() {
                            groups.unread.insert(account.id.clone());
                        }
                        groups.see(listing.coverage);
                        listing.rows.into_iter().for_each(|membership| groups.enter(membership));
                    }
                    Err(error) => {
                        groups.unread.insert(account.id.clone());
                        groups.see(Coverage::Incomplete(error.to_string()));
                    }
                }
            }
            groups.cover();
        }
        MemberRead::Nowhere => groups.believe(),
    }
    groups
}

/// Memberships of these accounts in one group.
async fn members_among(
    reader: &dyn Reader,
    group: &str,
    accounts: &[LiveAccount],
    lane: Lane,
) -> Result<Listing<LiveMember>, Error> {
    let mut all = Listing { rows: Vec::new(), coverage: Coverage::Complete };
    for account in accounts {
        let who = Joiner::known(account.id.clone(), account.email.clone());
        let listing = reader.member(group, &who, lane).await?;
        all.rows.extend(listing.rows.into_iter().filter(|member| member.account == account.id));
        all.coverage = all.coverage.and(listing.coverage);
    }
    Ok(all)
}

async fn per_group(reader: &dyn Reader, app: &DesiredApp, groups: &mut Groups, progress: OnProgress<'_>) {
    groups.pin(app);
    let reads = groups.declared(app).into_iter().map(|id| async move {
        let read = reader.members(&id, Lane::Read).await;
        (id, read)
    });
    let take = |(id, read): (Arc<str>, _)| groups.members(&id, read);
    each(reads, take, |done, of| progress(ObserveProgress::Memberships { done, of })).await;
    groups.trust(reader);
}

/// What is known of groups so far.
#[derive(Default)]
pub(super) struct Groups {
    /// By their ids.
    all: BTreeMap<Arc<str>, LiveGroup>,
    coverage: Coverage,
    unread: BTreeSet<Arc<str>>,
    /// Ids of groups that only a pin names, although the app has listed all its groups.
    unlisted: BTreeSet<Arc<str>>,
    /// Whether the app has listed all its groups.
    listed: bool,
}

impl Groups {
    /// Reads which groups there are, where the app can say so.
    async fn list(&mut self, reader: &dyn Reader, lane: Lane) {
        if !reader.semantics().groups.list {
            return;
        }
        match reader.groups(lane).await {
            Ok(listing) => {
                self.coverage = listing.coverage;
                self.listed = self.coverage.is_complete();
                for group in listing.rows {
                    self.all.entry(group.id.clone()).or_insert(group);
                }
            }
            Err(error) => self.coverage = Coverage::Incomplete(error.to_string()),
        }
    }

    /// Ids of the groups that the files declare.
    fn declared(&self, app: &DesiredApp) -> Vec<Arc<str>> {
        let declared = self.all.values().filter(|group| app.declares(group));
        declared.map(|group| group.id.clone()).collect()
    }

    /// Reads the groups of the `chosen` accounts, where they are read account by account, and takes the others from what is
    /// remembered. Names in `unread` every account whose memberships are not known.
    pub(super) async fn join(
        &mut self,
        reader: &dyn Reader,
        app: &DesiredApp,
        accounts: &[LiveAccount],
        chosen: Vec<Arc<str>>,
        log: &mut FactLog<'_>,
        progress: OnProgress<'_>,
    ) {
        let semantics = reader.semantics();
        if !per_account(semantics, app) {
            return;
        }
        // A status that the list does not show is known only now.
        let worth: BTreeSet<&Arc<str>> =
            accounts.iter().filter(|account| worth_reading(account, semantics)).map(|account| &account.id).collect();
        let chosen: Vec<Arc<str>> = chosen.into_iter().filter(|id| worth.contains(id)).collect();
        let asked: BTreeSet<Arc<str>> = chosen.iter().cloned().collect();
        let failed = self.read(reader, chosen, log, progress).await;
        for id in worth.iter().copied().filter(|id| !asked.contains(*id)) {
            match log.memberships(id) {
                Some(fact) => {
                    fact.seen.iter().cloned().for_each(|membership| self.enter(membership));
                    let at = log.extent.remembered.entry(id.clone()).or_insert(fact.read_at);
                    *at = fact.read_at.min(*at);
                }
                None => drop(log.extent.memberships_to_come.insert(id.clone())),
            }
        }
        self.pin(app);
        // Accounts that are not known are named one by one, so that they stop only their own actions.
        self.cover();
        if !semantics.groups.list {
            // Groups are learnt from memberships, so that they are known as far as those are.
            self.learnt_from(&failed, log.extent.memberships_to_come.len(), worth.len());
        }
        self.unread.extend(failed.into_keys());
        self.unread.extend(log.extent.memberships_to_come.iter().cloned());
    }

    fn learnt_from(&mut self, failed: &BTreeMap<Arc<str>, String>, to_come: usize, of: usize) {
        let why = match failed.first_key_value() {
            Some((id, why)) => {
                format!("the groups of {} of {of} accounts are not known; {id}: {why}", failed.len() + to_come)
            }
            None if to_come > 0 => format!("the groups of {to_come} of {of} accounts have not been read yet"),
            None => return,
        };
        self.see(Coverage::Incomplete(why));
    }

    /// All groups are seen only if this shows all as well.
    fn see(&mut self, coverage: Coverage) {
        self.coverage = std::mem::take(&mut self.coverage).and(coverage);
    }

    /// Reads account by account. Returns why, for those whose memberships are not known.
    async fn read(
        &mut self,
        reader: &dyn Reader,
        chosen: Vec<Arc<str>>,
        log: &mut FactLog<'_>,
        progress: OnProgress<'_>,
    ) -> BTreeMap<Arc<str>, String> {
        let clock = log.clock();
        let reads = chosen.into_iter().map(|id| async move {
            let at = clock.now();
            let read = reader.memberships(&id, Lane::Read).await;
            (id, at, read)
        });
        let mut failed = BTreeMap::new();
        let take = |(id, at, read): (Arc<str>, _, Result<Listing<AccountGroup>, Error>)| match read {
            Ok(listing) => {
                match listing.coverage {
                    Coverage::Incomplete(why) => drop(failed.insert(id, why)),
                    Coverage::Complete | Coverage::Believed(_) => log.learn_memberships(&id, at, listing.rows.clone()),
                }
                listing.rows.into_iter().for_each(|membership| self.enter(membership));
            }
            Err(error) => drop(failed.insert(id, error.to_string())),
        };
        each(reads, take, |done, of| progress(ObserveProgress::Memberships { done, of })).await;
        failed
    }

    fn named(&mut self, id: &Arc<str>, name: &Arc<str>) -> &mut LiveGroup {
        let coverage = || Coverage::Incomplete("its members were not read".into());
        self.all.entry(id.clone()).or_insert_with(|| LiveGroup::named(id.clone(), name.clone(), coverage()))
    }

    /// Pinned groups are there although nothing showed them: a pin is the only way to name an empty group.
    fn pin(&mut self, app: &DesiredApp) {
        for group in app.groups.values() {
            if let Some(id) = &group.id {
                if self.listed && !self.all.contains_key(id) {
                    self.unlisted.insert(id.clone());
                }
                self.named(id, &group.name);
            }
        }
    }

    fn enter(&mut self, membership: AccountGroup) {
        self.named(&membership.group_id, &membership.group_name).members.push(membership.member);
    }

    fn members(&mut self, id: &Arc<str>, read: Result<Listing<LiveMember>, Error>) {
        let Some(group) = self.all.get_mut(id) else { return };
        match read {
            Ok(listing) => {
                group.members = listing.rows;
                group.coverage = listing.coverage;
            }
            // No reading will ever be complete again.
            // Neither the list nor the app's answer knows the pin: it is wrong, and reading again would not help.
            Err(error) if error.kind == ErrorKind::NotFound && self.unlisted.contains(id) => drop(self.all.remove(id)),
            Err(error) if error.status == Some(GONE) => group.reach = Reach::Gone(error.to_string().into()),
            // This version of the app lacks the call, today and tomorrow.
            Err(error) if error.kind == ErrorKind::Unsupported => {
                group.coverage = Coverage::Believed(error.to_string());
            }
            Err(error) => group.coverage = Coverage::Incomplete(error.to_string()),
        }
    }

    /// What was merely believed of groups that came first is certain once another shows a member.
    fn trust(&mut self, reader: &dyn Reader) {
        let believed = |group: &&mut LiveGroup| matches!(group.coverage, Coverage::Believed(_));
        if reader.shows_members() {
            self.all.values_mut().filter(believed).for_each(|group| group.coverage = Coverage::Complete);
        }
    }

    /// Where the API shows no members at all.
    fn believe(&mut self) {
        for group in self.all.values_mut() {
            group.coverage = Coverage::Believed("the API does not show members".into());
        }
    }

    /// Where members are read account by account, a group is covered but for the accounts that are named as unread.
    fn cover(&mut self) {
        for group in self.all.values_mut() {
            group.coverage = Coverage::Complete;
        }
    }

    /// Puts what was seen into the app, in the order of ids.
    pub(super) fn enter_into(self, live: &mut LiveApp) {
        let sorted = |mut group: LiveGroup| {
            group.members.sort_by(|a, b| a.account.cmp(&b.account));
            group.members.dedup_by(|a, b| a.account == b.account);
            group
        };
        live.groups = self.all.into_values().map(sorted).collect();
        live.groups_coverage = self.coverage;
        live.unread_memberships = self.unread;
    }
}

//! Reading groups and who is in them, the way the app allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};

use super::{AT_ONCE, ObserveProgress, OnProgress};
use crate::{
    connectors::{AccountGroup, Error, ErrorKind, Lane, Listing, Reader},
    model::{AccountStatus, Coverage, DesiredApp, LiveAccount, LiveGroup, LiveMember, MemberRead, Reach},
};

/// What was seen of groups.
pub(super) struct Memberships {
    /// Groups with members, in the order of their ids.
    pub(super) groups: Vec<LiveGroup>,
    /// Whether all groups were seen.
    pub(super) coverage: Coverage,
    /// Accounts whose memberships are not known.
    pub(super) unread: BTreeSet<Arc<str>>,
}

/// The HTTP status for what was there and will not come back.
const GONE: u16 = 410;

/// Reads the groups that the files declare; none of it when they declare no group.
pub(super) async fn read(
    reader: &dyn Reader,
    app: &DesiredApp,
    accounts: &[LiveAccount],
    progress: OnProgress<'_>,
) -> Memberships {
    if app.groups.is_empty() {
        // Nothing was asked, so nothing is missing.
        return Memberships { groups: Vec::new(), coverage: Coverage::Complete, unread: BTreeSet::new() };
    }
    let mut groups = Groups::default();
    let mut coverage = Coverage::Complete;
    if reader.semantics().groups.list {
        match reader.groups(Lane::Read).await {
            Ok(listing) => {
                coverage = coverage.and(listing.coverage);
                listing.rows.into_iter().for_each(|group| groups.add(group));
            }
            Err(error) => coverage = coverage.and(Coverage::Incomplete(error.to_string())),
        }
    }
    let mut unread = BTreeSet::new();
    match reader.semantics().members.read {
        MemberRead::PerGroup => per_group(reader, app, &mut groups, progress).await,
        MemberRead::PerAccount => {
            let failed = per_account(reader, accounts, &mut groups, progress, &mut unread).await;
            groups.pin(app);
            // Accounts that could not be read are named one by one, so that they stop only their own actions.
            groups.cover();
            if !reader.semantics().groups.list {
                // Groups are learnt from memberships, so that they are known as far as those are.
                coverage = coverage.and(failed);
            }
        }
        MemberRead::Nowhere => {
            groups.pin(app);
            groups.believe();
        }
    }
    Memberships { groups: groups.finish(), coverage, unread }
}

async fn per_group(reader: &dyn Reader, app: &DesiredApp, groups: &mut Groups, progress: OnProgress<'_>) {
    groups.pin(app);
    let declared: Vec<_> =
        groups.0.values().filter(|group| declares(app, group)).map(|group| group.id.clone()).collect();
    let of = declared.len();
    let reads = declared.into_iter().map(|id| async move {
        let read = reader.members(&id, Lane::Read).await;
        (id, read)
    });
    let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE);
    let mut done = 0;
    while let Some((id, read)) = reads.next().await {
        groups.members(&id, read);
        done += 1;
        progress(ObserveProgress::Memberships { done, of });
    }
}

fn declares(app: &DesiredApp, group: &LiveGroup) -> bool {
    app.groups.values().any(|declared| match &declared.id {
        Some(id) => *id == group.id,
        None => declared.name == group.name,
    })
}

/// Reads account by account. Says whether all that was meant to be read was, and names in `unread` every account whose
/// memberships are not known.
async fn per_account(
    reader: &dyn Reader,
    accounts: &[LiveAccount],
    groups: &mut Groups,
    progress: OnProgress<'_>,
    unread: &mut BTreeSet<Arc<str>>,
) -> Coverage {
    let semantics = reader.semantics();
    let pending_may_join = semantics.members.when.contains(&AccountStatus::Pending);
    let mut worth = Vec::new();
    for account in accounts {
        match account.status {
            // Who cannot have joined yet is known to be in no group.
            AccountStatus::Pending if !pending_may_join => {}
            // Who can never use the app again has memberships that matter to nobody.
            AccountStatus::Inactive if !semantics.reactivate => {}
            _ => worth.push(account),
        }
    }
    let of = worth.len();
    let reads = worth.into_iter().map(|account| async move {
        let read = reader.memberships(&account.id, Lane::Read).await;
        (account.id.clone(), read)
    });
    let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE);
    let mut failed: BTreeMap<Arc<str>, String> = BTreeMap::new();
    let mut done = 0;
    while let Some((id, read)) = reads.next().await {
        match read {
            Ok(listing) => {
                if let Coverage::Incomplete(why) = listing.coverage {
                    failed.insert(id, why);
                }
                listing.rows.into_iter().for_each(|membership| groups.join(membership));
            }
            Err(error) => drop(failed.insert(id, error.to_string())),
        }
        done += 1;
        progress(ObserveProgress::Memberships { done, of });
    }
    let coverage = match failed.first_key_value() {
        None => Coverage::Complete,
        Some((id, why)) => {
            Coverage::Incomplete(format!("the groups of {} of {of} accounts are not known; {id}: {why}", failed.len()))
        }
    };
    unread.extend(failed.into_keys());
    coverage
}

/// Groups by id.
#[derive(Default)]
struct Groups(BTreeMap<Arc<str>, LiveGroup>);

impl Groups {
    fn add(&mut self, group: LiveGroup) {
        self.0.entry(group.id.clone()).or_insert(group);
    }

    fn named(&mut self, id: &Arc<str>, name: &Arc<str>) -> &mut LiveGroup {
        self.0.entry(id.clone()).or_insert_with(|| LiveGroup {
            id: id.clone(),
            name: name.clone(),
            values: BTreeMap::new(),
            members: Vec::new(),
            coverage: Coverage::Incomplete("its members were not read".into()),
            reach: Reach::Full,
        })
    }

    /// Pinned groups are there although nothing showed them: a pin is the only way to name an empty group.
    fn pin(&mut self, app: &DesiredApp) {
        for group in app.groups.values() {
            if let Some(id) = &group.id {
                self.named(id, &group.name);
            }
        }
    }

    fn join(&mut self, membership: AccountGroup) {
        self.named(&membership.group_id, &membership.group_name).members.push(membership.member);
    }

    fn members(&mut self, id: &Arc<str>, read: Result<Listing<LiveMember>, Error>) {
        let Some(group) = self.0.get_mut(id) else { return };
        match read {
            Ok(listing) => {
                group.members = listing.rows;
                group.coverage = listing.coverage;
            }
            // No reading will ever be complete again.
            Err(error) if error.status == Some(GONE) => group.reach = Reach::Gone(error.to_string().into()),
            // This version of the app lacks the call, today and tomorrow.
            Err(error) if error.kind == ErrorKind::Unsupported => {
                group.coverage = Coverage::Believed(error.to_string());
            }
            Err(error) => group.coverage = Coverage::Incomplete(error.to_string()),
        }
    }

    /// Where the API shows no members at all.
    fn believe(&mut self) {
        for group in self.0.values_mut() {
            group.coverage = Coverage::Believed("the API does not show members".into());
        }
    }

    /// Where members are read account by account, a group is covered but for the accounts that are named as unread.
    fn cover(&mut self) {
        for group in self.0.values_mut() {
            group.coverage = Coverage::Complete;
        }
    }

    fn finish(self) -> Vec<LiveGroup> {
        let sorted = |mut group: LiveGroup| {
            group.members.sort_by(|a, b| a.account.cmp(&b.account));
            group.members.dedup_by(|a, b| a.account == b.account);
            group
        };
        self.0.into_values().map(sorted).collect()
    }
}

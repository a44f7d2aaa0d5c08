//! What was done again and again of late, and who undid it each time, as far as the ledger knows.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::{
    model::{Email, Scope, Verb},
    plan::DoneLately,
    store::{AppKey, Deed, Entry, Run, Store, StoreError},
};

/// By the action's name, oldest first. Almost always there is none, which one short query tells.
pub(super) async fn of_app(
    store: &Store,
    key: &AppKey,
    now: Timestamp,
) -> Result<BTreeMap<String, Vec<DoneLately>>, StoreError> {
    // The last three lie within a day, and the last of them is less than a day ago.
    let since = now.saturating_sub(DoneLately::WITHIN * 2).unwrap_or(Timestamp::MIN);
    let names = store.done_repeatedly(key, since, DoneLately::TIMES).await?;
    let mut repeated: BTreeMap<String, Vec<DoneLately>> = BTreeMap::new();
    if names.is_empty() {
        return Ok(repeated);
    }
    let entries = store.done_since(key, since).await?;
    let mut runs = Runs { store, known: BTreeMap::new() };
    for (i, entry) in entries.iter().enumerate() {
        let Some(action) = entry.entry.event.action() else { continue };
        let name = entry.action_name().map(|name| name.to_string()).filter(|name| names.contains(name));
        // What was found done already was not done by us.
        let (Some(name), Some(_)) = (name, action.sent_at) else { continue };
        let undone_by = match undone(&action.deed, &entries[i + 1..]) {
            Some(run) => Some(runs.name(run).await?),
            None => None,
        };
        repeated.entry(name).or_default().push(DoneLately {
            at: entry.entry.at,
            account: action.deed.account_id.clone(),
            group: action.deed.group_id.clone(),
            changes: action.deed.changes.clone(),
            undone_by,
        });
    }
    Ok(repeated)
}

/// The run that undid a deed, if that comes before the deed was done again.
fn undone<'a>(deed: &Deed, later: &'a [Entry]) -> Option<&'a Arc<str>> {
    let deeds = later.iter().filter_map(|entry| Some((entry, &entry.entry.event.action()?.deed)));
    let mut bearing = deeds.filter_map(|(entry, later)| Some((entry, bears_on(later, deed)?)));
    bearing.next().filter(|(_, bears)| *bears == Bears::Undoes)?.0.entry.run.as_ref()
}

/// What a later deed is to an earlier one.
#[derive(PartialEq)]
enum Bears {
    Undoes,
    Repeats,
}

fn bears_on(later: &Deed, deed: &Deed) -> Option<Bears> {
    let same_account = is_same_account(later, deed);
    let same_group = is_same_group(later, deed);
    let same_target = match deed.verb.scope() {
        Scope::Account => same_account,
        Scope::Membership => same_account && same_group,
        Scope::Group => same_group,
    };
    let undoes = match (deed.verb, later.verb) {
        (Verb::Create | Verb::Reactivate | Verb::AddMember, Verb::Deactivate | Verb::Delete) => same_account,
        (Verb::AddMember, Verb::DeleteGroup) => same_group,
        (Verb::AddMember, Verb::RemoveMember)
        | (Verb::RemoveMember, Verb::AddMember)
        | (Verb::Deactivate | Verb::Delete, Verb::Create | Verb::Reactivate | Verb::AddMember)
        | (Verb::CreateGroup, Verb::DeleteGroup)
        | (Verb::DeleteGroup, Verb::CreateGroup) => same_target,
        (Verb::Update, Verb::Update)
        | (Verb::ChangeMember, Verb::ChangeMember | Verb::AddMember)
        | (Verb::UpdateGroup, Verb::UpdateGroup) => same_target && sets_otherwise(later, deed),
        _ => false,
    };
    let repeats = later.verb == deed.verb && same_target && (deed.verb.sign() != "~" || sets_alike(later, deed));
    if undoes { Some(Bears::Undoes) } else { repeats.then_some(Bears::Repeats) }
}

/// Whether a field that one sets is set to something else by the other.
fn sets_otherwise(later: &Deed, deed: &Deed) -> bool {
    later.changes.iter().any(|new| deed.changes.iter().any(|old| old.field == new.field && old.to != new.to))
}

fn sets_alike(later: &Deed, deed: &Deed) -> bool {
    later.changes.iter().any(|new| deed.changes.iter().any(|old| old.field == new.field && old.to == new.to))
}

fn is_same_account(a: &Deed, b: &Deed) -> bool {
    match (&a.account_id, &b.account_id) {
        (Some(a), Some(b)) if a == b => true,
        // Whoever is made anew has another id.
        _ => {
            a.account.as_deref().zip(b.account.as_deref()).is_some_and(|(a, b)| Email::lenient(a) == Email::lenient(b))
        }
    }
}

fn is_same_group(a: &Deed, b: &Deed) -> bool {
    let both = |a: &Option<Arc<str>>, b: &Option<Arc<str>>| a.is_some() && a == b;
    both(&a.group_id, &b.group_id) || both(&a.group, &b.group)
}

/// Runs, by what sentences call them.
struct Runs<'a> {
    store: &'a Store,
    known: BTreeMap<Arc<str>, Arc<str>>,
}

impl Runs<'_> {
    async fn name(&mut self, id: &Arc<str>) -> Result<Arc<str>, StoreError> {
        if let Some(name) = self.known.get(id) {
            return Ok(name.clone());
        }
        let name: Arc<str> = match self.store.run(id).await? {
            Some(run) => sentence(&run).into(),
            None => format!("rosterd (run {id})").into(),
        };
        Ok(self.known.entry(id.clone()).or_insert(name).clone())
    }
}

fn sentence(run: &Run) -> String {
    let begun = &run.begun;
    let commit = begun.commit.as_ref().map(|commit| format!(", commit {}", commit.get(..12).unwrap_or(commit)));
    format!("rosterd {} on {} (process {}{})", begun.command, begun.host, begun.pid, commit.unwrap_or_default())
}

//! `rosterd forget EMAIL`: deletes what the store holds about a person who is gone.

use std::future;

use jiff::Timestamp;

use super::{
    args::Records,
    context,
    exit::{Exit, Failure},
    storage,
    terminal::{self, count},
    values::email,
};
use crate::{
    model::{Desired, Email, Place},
    store::{Forgotten, Store},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The person, by any address that the store knows; the files must not name them any more.
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: Email,
    #[command(flatten)]
    records: Records,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let desired = context::load(&args.records.dir, &context::registry(&args.records.dir))?.desired;
    let person = &args.email;
    if let Some(place) = named_at(&desired, person) {
        return Err(Failure::new(format!("nothing was forgotten: {place} still names {person}")).hint(
            "`forget` is for people who are gone: remove them from the files, run `rosterd apply`, and forget them then",
        ));
    }
    let Records { dir, storage } = &args.records;
    let url = storage::store_url(&desired.settings.store, storage, false, dir)?;
    let existing = storage::existing(&url).await.map_err(Failure::new)?;
    let Some(store) = existing else {
        let failure = Failure::new(format!("there is nothing to forget: nothing is at {url}"));
        return Err(failure.hint("name another store by `--store`"));
    };
    let held = forget(&store, &desired, person, false).await?;
    if held.is_nothing() {
        terminal::print(&format!("The store holds nothing about {person}.\n"))?;
        return Ok(Exit::Fine);
    }
    terminal::print(&format!("Held about {}: {}.\n", addresses(&held), amounts(&held)))?;
    if !args.yes && !confirmed().await? {
        return Ok(Exit::Failed);
    }
    let gone = forget(&store, &desired, person, true).await?;
    terminal::print(&format!("Forgotten: {}.\n", amounts(&gone)))?;
    if let Err(error) = store.shred().await {
        terminal::warning(&format!(
            "what was deleted may still be in free pages of the store's file: {error}; run `sqlite3 FILE VACUUM` when \
             nobody uses the store"
        ));
    }
    for app in &gone.shown_by {
        terminal::note(&format!(
            "{app} still showed an account of theirs when it was last read, so that the next reading enters it again: \
             delete the account there, and forget the person once more"
        ));
    }
    terminal::note("backups of the store, saved plans, snapshots and the git repository of the files are not touched");
    Ok(Exit::Fine)
}

/// Deletes, or tells what would be deleted. An address that the files name is somebody else's by now.
async fn forget(store: &Store, desired: &Desired, person: &Email, really: bool) -> Result<Forgotten, Failure> {
    let spared = |address: &str| named_at(desired, &Email::lenient(address)).is_some();
    let found = store.forget(person, spared, Timestamp::now(), really).await.map_err(Failure::new)?;
    if found.under_way.is_empty() {
        return Ok(found);
    }
    let actions = found.under_way.join(", ");
    Err(Failure::new(format!("nothing was forgotten: it is not known yet what came of {actions}"))
        .hint("run `rosterd apply`, which looks at the app first, and forget the person then"))
}

/// A line that names somebody.
fn named_at(desired: &Desired, person: &Email) -> Option<Place> {
    let identity = desired.identity(person);
    if let Some(person) = desired.people.get(identity) {
        return Some(person.place.clone());
    }
    let claims = desired.apps.values().flat_map(|app| {
        let accounts = app.accounts.get(identity).into_iter().flat_map(|account| &account.claims);
        accounts.chain(app.groups.values().filter_map(|group| group.members.get(identity)).flatten())
    });
    let pins = desired.apps.values().filter_map(|app| app.ids.get(identity));
    let approvals = desired.approvals.iter().filter(|approval| {
        approval.allow.split('/').any(|part| part.contains('@') && Email::lenient(part) == *identity)
    });
    let places = claims.flat_map(|claim| &claim.because).chain(pins.map(|(_, place)| place));
    places.chain(approvals.map(|approval| &approval.place)).min().cloned()
}

fn addresses(held: &Forgotten) -> String {
    held.addresses.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn amounts(held: &Forgotten) -> String {
    let parts = [
        count(held.values, "value", "values") + " in " + &count(held.entries, "entry", "entries") + " of the ledger",
        count(held.sightings, "thing that readings showed", "things that readings showed"),
        count(held.facts, "remembered fact", "remembered facts"),
        count(held.approvals, "use of an approval", "uses of approvals"),
    ];
    parts.join(", ")
}

/// Asks. Only a typed `yes` is one.
async fn confirmed() -> Result<bool, Failure> {
    let question = "This cannot be undone. Type `yes` to forget all of it: ";
    let yes = terminal::answer(question, ["forgotten", "forget"], future::pending())
        .await?
        .trim()
        .eq_ignore_ascii_case("yes");
    if !yes {
        terminal::note("nothing was forgotten");
    }
    Ok(yes)
}

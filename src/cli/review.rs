//! `rosterd review`.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;

use super::{
    args::{Everything, Global, Storage, Target},
    context,
    exit::{Exit, Failure},
    files, observe, storage, terminal,
};
use crate::{
    model::{Coverage, Desired, Email, Live},
    report,
    review::{self, Change},
    store::{AppKey, Entry, Event, NewEntry},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    everything: Everything,
    #[command(flatten)]
    storage: Storage,
    /// Where to write the table; stdout when not given.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let (desired, live) = observe::everything(&args.everything, false, global).await?;
    let complete = tell_gaps(&desired, &live, &args.everything.target);
    let changes = changes(args, &desired).await?;
    let rows = review::review(&desired, &live, &changes, Timestamp::now());
    let table = report::review::csv(&rows, &desired.settings.time_zone)
        .map_err(|error| Failure::new(format!("the table cannot be written: {error}")))?;
    match &args.out {
        None => terminal::print_file(&table)?,
        Some(path) => {
            files::save(path, &table)?;
            terminal::note(&format!("wrote {} rows to {}", rows.len(), path.display()));
        }
    }
    Ok(if complete { Exit::Fine } else { Exit::Failed })
}

/// What the store says that we did last. A table without it is worth having, and says so.
async fn changes(args: &Args, desired: &Desired) -> Result<Vec<Change>, Failure> {
    let target = &args.everything.target;
    let url = match storage::store_url(&desired.settings.store, &args.storage, target.sandbox.is_some(), &target.dir) {
        Ok(url) => url,
        Err(failure) => {
            terminal::say(&format!("without what was changed last: {}", failure.message));
            return Ok(Vec::new());
        }
    };
    if url == storage::PRIVATE {
        return Ok(Vec::new());
    }
    let Some(store) = storage::existing(&url).await.map_err(Failure::new)? else { return Ok(Vec::new()) };
    let base = target.sandbox.as_deref().filter(|base| !base.is_empty()).map(context::sandbox_url).transpose()?;
    let mut changes = Vec::new();
    for app in desired.apps.values().filter(|app| target.wants(&app.name)) {
        let origin = base.as_ref().unwrap_or(&app.url).origin().ascii_serialization();
        let entries = store.last_done(&AppKey::new(app.name.clone(), origin)).await.map_err(Failure::new)?;
        changes.extend(entries.into_iter().filter_map(|entry| change(&app.name, entry)));
    }
    Ok(changes)
}

fn change(app: &Arc<str>, entry: Entry) -> Option<Change> {
    let NewEntry { at, run, event: Event::Action(action) } = entry.entry else { return None };
    let deed = action.deed;
    Some(Change {
        app: app.clone(),
        email: Email::lenient(&deed.account?),
        account_id: deed.account_id,
        group: deed.group,
        group_id: deed.group_id,
        verb: deed.verb,
        at,
        because: deed.because,
        commit: deed.commit,
        run,
    })
}

/// Says what the table lacks: what is missing without a word would count as reviewed.
fn tell_gaps(desired: &Desired, live: &Live, asked: &Target) -> bool {
    let mut complete = true;
    let mut gap = |message: &str| {
        terminal::error(message, None);
        complete = false;
    };
    for name in desired.apps.keys().filter(|name| asked.wants(name)) {
        match live.apps.get(name) {
            None => gap(&format!("{name} is not in the table: it was not read")),
            Some(Err(failure)) => gap(&format!("{name} is not in the table: {}", failure.message)),
            Some(Ok(app)) => {
                if let Coverage::Incomplete(why) = &app.accounts_coverage {
                    gap(&format!("{name}: not all accounts are in the table: {why}"));
                }
                let lists = std::iter::once(&app.groups_coverage).chain(app.groups.iter().map(|group| &group.coverage));
                let unseen = lists.filter(|coverage| !coverage.is_complete()).count() + app.unread_memberships.len();
                if unseen > 0 {
                    gap(&format!(
                        "{name}: not all memberships are in the table: {unseen} lists of them were not seen whole"
                    ));
                }
            }
        }
    }
    complete
}

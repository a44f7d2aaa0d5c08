//! `rosterd review`.

use std::{fs, sync::Arc};

use jiff::Timestamp;

use super::{
    args::{self, Global},
    context,
    exit::{Exit, Failure},
    progress::Reading,
    snapshot, storage, terminal,
};
use crate::{
    model::{Coverage, Desired, Email, Live},
    report,
    review::{self, Change},
    store::{AppKey, Entry, Event, NewEntry},
};

pub(super) async fn run(args: &args::Review, global: &Global) -> Result<Exit, Failure> {
    let (desired, live) = read(args, global).await?;
    let complete = tell_gaps(&desired, &live, &args.target);
    let changes = changes(args, &desired).await?;
    let rows = review::review(&desired, &live, &changes, Timestamp::now());
    let table = report::review::csv(&rows, &desired.settings.time_zone)
        .map_err(|error| Failure::new(format!("the table cannot be written: {error}")))?;
    match &args.out {
        None => terminal::print_file(&table)?,
        Some(path) => {
            fs::write(path, table)
                .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
            terminal::note(&format!("wrote {} rows to {}", rows.len(), path.display()));
        }
    }
    Ok(if complete { Exit::Fine } else { Exit::Failed })
}

async fn read(args: &args::Review, global: &Global) -> Result<(Desired, Live), Failure> {
    if let Some(file) = &args.everything.live {
        let loaded = context::load_for_plan(&args.dir, &args.target, &[])?;
        let mut live = snapshot::read(file, &loaded.desired, Timestamp::now())?.live;
        live.apps.retain(|name, _| args.target.wants(name));
        return Ok((loaded.desired, live));
    }
    let session = context::session(&args.dir, &args.target, &[], context::Past::Ignored).await?;
    let reading = Reading::start(global);
    let live = session.reconciler.observe_everything(|_| true, &reading).await;
    reading.finish();
    Ok((session.reconciler.desired().clone(), live))
}

/// What the store says that we did last. A table without it is worth having, and says so.
async fn changes(args: &args::Review, desired: &Desired) -> Result<Vec<Change>, Failure> {
    let simulated = args.target.sandbox.is_some();
    let url = match storage::store_url(&desired.settings.store, &args.storage, simulated) {
        Ok(url) => url,
        Err(failure) => {
            terminal::say(&format!("without what was changed last: {}", failure.message()));
            return Ok(Vec::new());
        }
    };
    if url == storage::PRIVATE {
        return Ok(Vec::new());
    }
    let Some(store) = storage::existing(&url).await.map_err(Failure::new)? else { return Ok(Vec::new()) };
    let base = args.target.sandbox.as_deref().filter(|base| !base.is_empty()).map(context::sandbox_url).transpose()?;
    let mut changes = Vec::new();
    for app in desired.apps.values().filter(|app| args.target.wants(&app.name)) {
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
fn tell_gaps(desired: &Desired, live: &Live, asked: &args::Target) -> bool {
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

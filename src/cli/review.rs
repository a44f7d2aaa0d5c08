//! `rosterd review`.

use std::fs;

use jiff::Timestamp;

use super::{
    args::{self, Global},
    context,
    exit::{Exit, Failure},
    plan,
    progress::Reading,
    terminal,
};
use crate::{
    model::{Coverage, Desired, Live},
    report, review,
};

pub(super) async fn run(args: &args::Review, global: &Global) -> Result<Exit, Failure> {
    let (desired, live) = read(args, global).await?;
    let complete = tell_gaps(&desired, &live, &args.target.apps);
    let rows = review::review(&desired, &live, Timestamp::now());
    let table = report::review::csv(&rows, &desired.settings.time_zone)
        .map_err(|error| Failure::new(format!("the table cannot be written: {error}")))?;
    match &args.out {
        None => terminal::print(&table)?,
        Some(path) => {
            fs::write(path, table)
                .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
            terminal::say(&format!("wrote {} rows to {}", rows.len(), path.display()));
        }
    }
    Ok(if complete { Exit::Fine } else { Exit::Failed })
}

async fn read(args: &args::Review, global: &Global) -> Result<(Desired, Live), Failure> {
    if let Some(snapshot) = &args.everything.live {
        let loaded = context::load_for_plan(&args.dir, &args.target, &[])?;
        let mut live = plan::read_snapshot(snapshot)?;
        live.apps.retain(|name, _| wanted(&args.target.apps, name));
        return Ok((loaded.desired, live));
    }
    let session = context::session(&args.dir, &args.target, &[], context::Past::Ignored).await?;
    let reading = Reading::start(global);
    let live = session.reconciler.observe_everything(|_| true, &reading).await;
    reading.finish();
    Ok((session.reconciler.desired().clone(), live))
}

fn wanted(asked: &[String], name: &str) -> bool {
    asked.is_empty() || asked.iter().any(|app| *app == name)
}

/// Says what the table lacks: what is missing without a word would count as reviewed.
fn tell_gaps(desired: &Desired, live: &Live, asked: &[String]) -> bool {
    let mut complete = true;
    let mut gap = |message: &str| {
        terminal::error(message, None);
        complete = false;
    };
    for name in desired.apps.keys().filter(|name| wanted(asked, name)) {
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

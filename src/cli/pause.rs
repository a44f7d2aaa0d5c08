//! `rosterd pause`: stops what is written, for a time, in every process that shares the store.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    args::{Format, Records},
    context,
    exit::{Exit, Failure},
    storage::{self, PRIVATE},
    terminal, texts,
};
use crate::{
    model::{Desired, Pause, pause_length, pause_reason},
    report,
    store::Store,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    records: Records,
    /// Only this app; may be given several times. Without it, every app.
    #[arg(long = "app", value_name = "APP")]
    apps: Vec<String>,
    /// How long, such as 30m, 2h or 1d.
    #[arg(long = "for", value_name = "SPAN", value_parser = pause_length, allow_hyphen_values = true, requires = "reason")]
    length: Option<Duration>,
    /// Why, for everybody who finds their change held.
    #[arg(long, value_name = "TEXT", value_parser = pause_reason, requires = "length")]
    reason: Option<String>,
    /// Hold what cuts off people who left as well.
    #[arg(long, requires = "length")]
    all: bool,
    /// End the pause of these apps or, without --app, the one of all apps.
    #[arg(long, conflicts_with = "length")]
    end: bool,
    /// How the pauses in force are written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let desired = files(args)?;
    if let Some(desired) = &desired {
        context::known_apps(desired, &args.apps)?;
    }
    let store = store(args, desired.as_ref()).await?;
    let now = Timestamp::now();
    for app in scopes(&args.apps) {
        let place = Place { desired: desired.as_ref(), app };
        match (args.length, &args.reason) {
            (Some(length), Some(reason)) => begin(&store, &place, length, reason, args.all, now).await?,
            _ if args.end => end(&store, &place, now).await?,
            _ => {}
        }
    }
    show(&store, args, desired.as_ref(), now).await
}

/// One app, or all of them.
struct Place<'a> {
    desired: Option<&'a Desired>,
    app: Option<Arc<str>>,
}

impl Place<'_> {
    /// Where the ledger says that the app is.
    fn origin(&self) -> String {
        let app = self.app.as_ref().zip(self.desired).and_then(|(app, desired)| desired.apps.get(app));
        app.map(|app| app.origin()).unwrap_or_default()
    }
}

/// The apps that were asked for, or all of them at once.
fn scopes(apps: &[String]) -> Vec<Option<Arc<str>>> {
    if apps.is_empty() { vec![None] } else { apps.iter().map(|app| Some(app.as_str().into())).collect() }
}

/// The files, which name the apps and the store. Everything can be paused while they are broken: a daemon goes on with the last
/// good ones.
fn files(args: &Args) -> Result<Option<Desired>, Failure> {
    let dir: &Path = &args.records.dir;
    let registry = context::registry(dir);
    if args.records.storage.store.is_none() || !args.apps.is_empty() {
        let loaded = context::load(dir, &registry);
        return loaded.map(|loaded| Some(loaded.desired)).map_err(|failure| match failure.hint {
            Some(_) => failure,
            None => {
                failure.hint("to pause every app with files that are not valid, name the store by `--store` and no app")
            }
        });
    }
    Ok(texts::load(dir, &registry).ok().map(|loaded| loaded.desired))
}

/// The store that others use as well. A pause that nobody else sees holds nothing.
async fn store(args: &Args, desired: Option<&Desired>) -> Result<Store, Failure> {
    let url = match (&args.records.storage.store, desired) {
        (None, Some(desired)) => {
            storage::store_url(&desired.settings.store, &args.records.storage, false, &args.records.dir)?
        }
        (typed, _) => typed.clone().unwrap_or_default(),
    };
    if url == PRIVATE {
        return Err(Failure::new(format!("nothing was paused: {url} ends with this command, and nobody else sees it"))
            .hint("name the store that `rosterd apply` and the daemon use, in `settings.store` or by `--store`"));
    }
    storage::existing(&url).await.map_err(Failure::new)?.ok_or_else(|| {
        Failure::new(format!("nothing was paused: no store is at {url}, so that nobody would see it"))
            .hint("`rosterd apply` and the daemon make theirs when they first run; name another one by `--store`")
    })
}

async fn begin(
    store: &Store,
    place: &Place<'_>,
    length: Duration,
    reason: &str,
    all: bool,
    now: Timestamp,
) -> Result<(), Failure> {
    // A span was checked to be short.
    let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
    let (by, reason, app) = (storage::person(), reason.to_owned(), place.app.clone());
    let pause = Pause { app, since: now, until, by, reason, holds_leavers: all };
    store.pause(&pause, &place.origin()).await.map_err(Failure::new)
}

async fn end(store: &Store, place: &Place<'_>, now: Timestamp) -> Result<(), Failure> {
    let ended = store.end_pause(place.app.as_ref(), &place.origin(), &storage::person(), now).await;
    let what = place.app.as_deref().unwrap_or("all apps");
    if ended.map_err(Failure::new)?.is_some() {
        terminal::note(&format!("the pause of {what} has ended; the next run does what it held"));
        return Ok(());
    }
    let others = store.pauses(now).await.map_err(Failure::new)?;
    let hint = match others.first() {
        Some(other) => format!("`{}` ends the one that is in force", other.end_command()),
        None => "no pause is in force; `rosterd plan` shows what else holds a change".to_owned(),
    };
    Err(Failure::new(format!("there is no pause of {what} to end")).hint(hint))
}

/// Prints the pauses that are in force.
async fn show(store: &Store, args: &Args, desired: Option<&Desired>, now: Timestamp) -> Result<Exit, Failure> {
    let pauses = store.pauses(now).await.map_err(Failure::new)?;
    let zone = desired.map_or(TimeZone::UTC, |desired| desired.settings.time_zone.clone());
    let text = |style: &report::Style| report::pause::text(&pauses, &zone, style);
    terminal::report(args.format, text, || report::pause::to_json(&pauses))?;
    Ok(Exit::Fine)
}

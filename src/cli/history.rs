//! `rosterd history`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    args::{Format, Records},
    context,
    exit::{Exit, Failure},
    storage, terminal, texts,
    values::{When, email},
};
use crate::{
    model::{Desired, Email},
    report::{
        Style,
        history::{self, Chapter, History},
    },
    store::{Entry, Filter, Run, Store, StoreError, Trouble, Verified},
};

/// Runs that are looked through for those that fit: about a year of a daemon's, at one in ten minutes.
const RUNS: u32 = 50_000;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    records: Records,
    /// Only what was about this person.
    #[arg(long, value_name = "EMAIL", value_parser = email)]
    person: Option<Email>,
    /// Only what was done to this app.
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Only from this day or instant on.
    #[arg(long, value_name = "DATE")]
    since: Option<When>,
    /// Only up to this day, which is included, or this instant.
    #[arg(long, value_name = "DATE")]
    until: Option<When>,
    /// Only this run.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// At most so many actions, the newest.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Check the whole ledger's chain of hashes instead, and name the first link that is broken.
    #[arg(long, conflicts_with_all = ["person", "app", "since", "until", "run"])]
    verify: bool,
    /// How it is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let Records { dir, storage } = &args.records;
    let registry = context::registry(dir);
    let (url, zone, people) = match &storage.store {
        // The files may be elsewhere, or broken; what was done is still to be seen.
        Some(url) => {
            let people = args.person.as_ref().map(|person| match texts::load(dir, &registry) {
                Ok(loaded) => addresses(&loaded.desired, person),
                Err(_) => {
                    terminal::note(&format!(
                        "only {person} is looked for: the files in {} cannot be read, which would tell other addresses of \
                         the same person",
                        dir.display()
                    ));
                    vec![person.to_string()]
                }
            });
            (url.clone(), TimeZone::UTC, people)
        }
        None => {
            let desired = context::load(dir, &registry)?.desired;
            let people = args.person.as_ref().map(|person| addresses(&desired, person));
            let url = storage::store_url(&desired.settings.store, storage, false, dir)?;
            (url, desired.settings.time_zone, people)
        }
    };
    let people = people.unwrap_or_default();
    let existing = storage::existing(&url).await.map_err(|error| unread(error, args.verify))?;
    let Some(store) = existing else {
        let nothing = format!("there is no history yet: nothing is at {url}");
        // Whoever checks that nothing was tampered with must not be told that all is well.
        if args.verify {
            return Err(Failure::new(nothing).hint("name another store by `--store`"));
        }
        if args.format == Format::Json {
            terminal::print(&history::to_json(&History { store: None, chapters: Vec::new(), zone, more: false }))?;
        }
        terminal::note(&format!("{nothing}; `rosterd apply` begins it, or name another store by `--store`"));
        return Ok(Exit::Fine);
    };
    if args.verify {
        return verify(&store, args.format).await;
    }
    let history = gather(&store, args, people, zone).await?;
    terminal::report(args.format, |style| history::text(&history, style), || history::to_json(&history))?;
    Ok(Exit::Fine)
}

/// What the person was ever called, as far as the files know: an address that they gave up is among their aliases.
fn addresses(desired: &Desired, person: &Email) -> Vec<String> {
    desired.addresses(person).into_iter().map(Email::to_string).collect()
}

/// Why the store cannot be read. Whoever checks it is not told to check it.
fn unread(error: StoreError, verifying: bool) -> Failure {
    let hint = (verifying && error.trouble == Trouble::Corrupt)
        .then(|| "keep a copy of it as it is, find out what or who has written to it, and restore a backup".to_owned());
    Failure::new(StoreError { hint: hint.or_else(|| error.hint.clone()), ..error })
}

async fn verify(store: &Store, format: Format) -> Result<Exit, Failure> {
    let verified = store.verify().await.map_err(|error| unread(error, true))?;
    let text = |style: &Style| history::verified_text(store.name(), &verified, style);
    terminal::report(format, text, || history::verified_json(store.name(), &verified))?;
    Ok(match verified {
        Verified::Whole { .. } => Exit::Fine,
        Verified::Broken { .. } => Exit::Failed,
    })
}

/// Everything that fits, run by run.
async fn gather(store: &Store, args: &Args, people: Vec<String>, zone: TimeZone) -> Result<History, Failure> {
    let now = Timestamp::now();
    let since = args.since.map(|when| when.begin(now, &zone));
    let until = args.until.map(|when| when.end(now, &zone));
    let filter = Filter {
        people,
        app: args.app.clone(),
        run: args.run.clone(),
        since,
        until,
        without_runs: true,
        // One more than is shown tells whether there are more.
        limit: Some(args.limit.saturating_add(1)),
    };
    let mut entries = store.entries(&filter).await.map_err(Failure::new)?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    if more {
        entries.remove(0);
    }
    let mut runs = match &args.run {
        Some(id) => Vec::from_iter(store.run(id).await.map_err(Failure::new)?),
        None => store.runs(RUNS).await.map_err(Failure::new)?,
    };
    let shown: BTreeSet<Arc<str>> = entries.iter().filter_map(|entry| entry.entry.run.clone()).collect();
    // Of a person or an app, runs that did nothing about it say nothing. Others show that it was looked.
    let all = args.person.is_none() && args.app.is_none();
    let begins = |run: &Run| {
        let at = run.started_at;
        since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
    };
    runs.retain(|run| shown.contains(&run.id) || (all && (begins(run) || args.run.is_some())));
    if more && let Some(first) = runs.iter().position(|run| shown.contains(&run.id)) {
        runs.drain(..first);
    }
    Ok(History { store: Some(store.name().to_owned()), chapters: chapters(runs, entries), zone, more })
}

/// Entries by the run in which they were made; first those of runs that are not known.
fn chapters(runs: Vec<Run>, entries: Vec<Entry>) -> Vec<Chapter> {
    let known: BTreeSet<Arc<str>> = runs.iter().map(|run| run.id.clone()).collect();
    // Runs of several daemons overlap, so that the entries of one need not follow each other.
    let mut by_run: BTreeMap<Arc<str>, Vec<Entry>> = BTreeMap::new();
    let mut others = Vec::new();
    for entry in entries {
        match entry.entry.run.clone().filter(|run| known.contains(run)) {
            Some(run) => by_run.entry(run).or_default().push(entry),
            None => others.push(entry),
        }
    }
    let mut chapters = Vec::new();
    if !others.is_empty() {
        chapters.push(Chapter { run: None, entries: others });
    }
    for run in runs {
        let entries = by_run.remove(&run.id).unwrap_or_default();
        chapters.push(Chapter { run: Some(run), entries });
    }
    chapters
}

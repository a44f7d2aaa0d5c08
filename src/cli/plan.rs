//! `rosterd plan`.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::Timestamp;
use url::Url;

use super::{
    against,
    args::{self, Global, PlanFormat},
    context::{self, Session},
    exit::{Exit, Failure},
    next,
    progress::Reading,
    saved,
    snapshot::{self, Taken},
    storage,
    terminal::{self, Stream},
    tracing::timed,
};
use crate::{
    model::{Desired, DesiredApp, Live, Plan, ReadFailure, Snapshot},
    plan::History,
    reconcile::{self, Readings},
    report,
};

pub(super) async fn run(args: &args::Plan, global: &Global) -> Result<Exit, Failure> {
    let plan = make(args, global).await?;
    let text = timed("drew the plan", || match args.format {
        PlanFormat::Text => report::text::plan(&plan, &terminal::style(Stream::Out)),
        PlanFormat::Json => report::json::plan(&plan),
        PlanFormat::Markdown => report::markdown::plan(&plan),
        PlanFormat::Dot => report::dot::plan(&plan),
    });
    terminal::print(&text)?;
    let planning = &args.planning;
    let (approve, live) = (&planning.approve[..], planning.live.is_some());
    let (dir, target, only, store) = (&args.dir, &args.target, &planning.only, args.storage.store.as_deref());
    let asked = next::Asked { dir, target, only, approve, store, live };
    match &args.out {
        Some(file) => next::say_saved(file, &asked),
        None if args.format == PlanFormat::Text => next::say(&plan, &asked),
        None => {}
    }
    Ok(exit(&plan, args.planning.detailed_exitcode))
}

async fn make(args: &args::Plan, global: &Global) -> Result<Plan, Failure> {
    let (dir, target, approve) = (&args.dir, &args.target, &args.planning.approve[..]);
    let only = &args.planning.only;
    let compared = match &args.planning.against {
        None => None,
        Some(reference) => Some(against::compare(dir, target, approve, reference)?),
    };
    let Planned { mut plan, live, history, files, ways } = match (&args.planning.live, &compared) {
        (None, None) => {
            let past = context::Past::Looked(&args.storage);
            online(context::session(dir, target, approve, past).await?, only, global).await?
        }
        (None, Some(compared)) => {
            let past = context::Past::Looked(&args.storage);
            let mut made = online(compared.session(dir, target, past).await?, only, global).await?;
            // What was read is more than the files under review ask about, and the plan is theirs alone.
            let (desired, history, now) = (compared.desired(), made.history.as_ref(), made.plan.created_at);
            made.plan = reconcile::plan_against(desired, compared.digest(), &made.live, history, now);
            made
        }
        (Some(snapshot), None) => {
            let loaded = timed("loaded the files", || context::load_for_plan(dir, target, approve))?;
            let digest = loaded.fingerprint();
            offline(&loaded.desired, loaded.files, &digest, snapshot, args).await?
        }
        (Some(snapshot), Some(compared)) => {
            offline(compared.desired(), compared.files().clone(), compared.digest(), snapshot, args).await?
        }
    };
    if let Some(compared) = &compared {
        compared.tell(&mut plan, &live, history.as_ref());
    }
    if let Some(path) = &args.out {
        saved::write(path, &plan, saved::Asked { files, ways, target, only, approve })?;
    }
    Ok(plan)
}

/// A plan, and what it was made from.
struct Planned {
    plan: Plan,
    live: Live,
    history: Option<History>,
    files: context::Files,
    ways: saved::Ways,
}

async fn online(session: Session, only: &args::Only, global: &Global) -> Result<Planned, Failure> {
    let person = context::person(session.reconciler.desired(), only)?;
    let reading = Reading::start(global);
    let readings = match person {
        Some(person) => session.reconciler.observe_only(&person, &reading).await,
        None => session.reconciler.observe(&reading).await,
    };
    reading.finish();
    let plan = session.reconciler.plan(&readings, Timestamp::now());
    let Readings { live, history, .. } = readings;
    let ways = saved::ways(session.reconciler.desired(), &session.files, &session.origins);
    Ok(Planned { plan, live, history, files: session.files, ways })
}

/// Plans against a snapshot. No secret is resolved and no app is connected to; a store is looked at where one was typed.
async fn offline(
    desired: &Desired,
    files: context::Files,
    digest: &str,
    snapshot: &Path,
    args: &args::Plan,
) -> Result<Planned, Failure> {
    let (target, only) = (&args.target, &args.planning.only);
    let now = Timestamp::now();
    let Taken { mut live, simulated_at } = timed("read the snapshot", || snapshot::read(snapshot, desired, now))?;
    live.apps.retain(|name, _| target.wants(name));
    // An app that is left out of a plan without a word looks like one that is in sync.
    for name in desired.apps.keys().filter(|name| target.wants(name)) {
        live.apps.entry(name.clone()).or_insert_with(|| {
            let message = format!(
                "{} does not hold this app; `rosterd observe --out FILE` writes a snapshot of all apps",
                snapshot.display()
            );
            Err(ReadFailure { message })
        });
    }
    if let Some(person) = context::person(desired, only)? {
        reconcile::narrow(&mut live, &person);
    }
    let history = match &args.storage.store {
        None => None,
        Some(_) => past(desired, &mut live, &simulated_at, &args.storage).await?,
    };
    let mut plan = timed("planned", || reconcile::plan_against(desired, digest, &live, history.as_ref(), now));
    plan.snapshot = age(&live, now);
    if plan.snapshot.is_some_and(|taken| taken.is_old()) {
        terminal::warning(&format!(
            "{} is more than a day old; what has changed since is not in this plan",
            snapshot.display()
        ));
    }
    let apps = desired.apps.values().filter(|app| target.wants(&app.name));
    let origins = apps.map(|app| (app.name.clone(), app.url.to_string())).collect();
    let ways = saved::ways(desired, &files, &origins);
    Ok(Planned { plan, live, history, files, ways })
}

/// What a store knows of the apps of a snapshot.
async fn past(
    desired: &Desired,
    live: &mut Live,
    simulated_at: &BTreeMap<Arc<str>, String>,
    storage: &args::Storage,
) -> Result<Option<History>, Failure> {
    let Some(memory) = storage::looking(&desired.settings.store, storage, false).await? else { return Ok(None) };
    // What was done to simulated apps is remembered by where they were.
    let origin = |app: &DesiredApp| {
        let simulated = simulated_at.get(&app.name).and_then(|url| Url::parse(url).ok());
        simulated.as_ref().unwrap_or(&app.url).origin().ascii_serialization()
    };
    reconcile::past_of(&memory, desired, live, origin).await.map(Some).map_err(Failure::new)
}

/// How old the oldest part of a snapshot is.
fn age(live: &Live, now: Timestamp) -> Option<Snapshot> {
    let taken_at = live.apps.values().filter_map(|app| app.as_ref().ok()).map(|app| app.observed_at).min()?;
    let age = now.duration_since(taken_at).as_secs();
    Some(Snapshot { taken_at, age_s: u64::try_from(age).unwrap_or(0) })
}

/// 0 fine, 1 when an app could not be read; in detail, 2 for something to do and 3 for something to wait for.
pub(super) fn exit(plan: &Plan, detailed: bool) -> Exit {
    let summary = plan.summary();
    if plan.apps.iter().any(|app| app.error.is_some()) {
        Exit::Failed
    } else if detailed && summary.ready > 0 {
        Exit::Ready
    } else if detailed && summary.waiting + summary.held + summary.manual > 0 {
        Exit::Waiting
    } else {
        Exit::Fine
    }
}

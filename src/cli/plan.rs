//! `rosterd plan`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use url::Url;

use super::{
    against,
    args::{Global, Request, Storage, Target},
    context::{self, Session},
    exit::{Exit, Failure},
    next,
    progress::Reading,
    saved,
    snapshot::{self, SnapshotFile, Taken},
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

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Plan against a snapshot that `rosterd observe` wrote; needs no credentials and no network.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    live: Option<PathBuf>,
    /// Compare with the files of a commit: say which actions this change causes, and let nothing that it changes about
    /// the way to the apps decide where requests go.
    #[arg(long, value_name = "GIT_REF")]
    against: Option<String>,
    /// The change is this commit, as git holds it, in the place of what lies in the directory: no link, attribute or filter
    /// has a say in what is read.
    #[arg(long, value_name = "GIT_REF", requires = "against")]
    head: Option<String>,
    #[command(flatten)]
    request: Request,
    /// Exit 2 when something can be done or the change alters rules or grants, 3 when all that remains waits on someone else,
    /// 0 when in sync.
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    storage: Storage,
    /// How the plan is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Save the plan, for `rosterd apply --plan FILE`. It holds addresses, and no secret.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a comment on a pull request, short enough for one.
    Markdown,
    /// The graph of actions, for Graphviz.
    Dot,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let plan = make(args, global).await?;
    let text = timed("drew the plan", || match args.format {
        Format::Text => report::text::plan(&plan, &terminal::style(Stream::Out)),
        Format::Json => report::json::plan(&plan),
        Format::Markdown => report::markdown::plan(&plan),
        Format::Dot => report::dot::plan(&plan),
    });
    terminal::print(&text)?;
    let Args { target, request, storage, .. } = args;
    let asked = next::Asked { target, request, storage, live: args.live.is_some() };
    match &args.out {
        Some(file) => next::say_saved(file, &asked),
        None if args.format == Format::Text => next::say(&plan, &asked),
        None => {}
    }
    Ok(exit(&plan, args.detailed_exitcode))
}

async fn make(args: &Args, global: &Global) -> Result<Plan, Failure> {
    let (target, request, approve) = (&args.target, &args.request, &args.request.approve[..]);
    let compare = |reference| against::compare(target, approve, reference, args.head.as_deref());
    let compared = args.against.as_deref().map(compare).transpose()?;
    let past = context::Past::Looked(&args.storage);
    let Planned { mut plan, live, history, files, ways } = match (&args.live, &compared) {
        (None, None) => online(context::session(target, approve, past).await?, request, global).await?,
        (None, Some(compared)) => {
            let mut made = online(compared.session(target, past).await?, request, global).await?;
            // What was read is more than the files under review ask about, and the plan is theirs alone.
            let (desired, history, now) = (&compared.trusted.desired, made.history.as_ref(), made.plan.created_at);
            let base = Some(compared.base());
            made.plan = reconcile::plan_against(desired, &compared.digest, &made.live, history, base, now);
            made
        }
        (Some(snapshot), None) => {
            let (loaded, read) = rayon::join(
                || timed("loaded the files", || context::load_for_plan(target, approve)),
                || timed("read the snapshot", || snapshot::read(snapshot)),
            );
            let (loaded, read) = (loaded?, read?);
            let digest = loaded.fingerprint();
            offline(&loaded.desired, loaded.files, &digest, read, None, args).await?
        }
        (Some(snapshot), Some(compared)) => {
            let (desired, files, base) = (&compared.trusted.desired, compared.files.clone(), Some(compared.base()));
            let read = timed("read the snapshot", || snapshot::read(snapshot))?;
            offline(desired, files, &compared.digest, read, base, args).await?
        }
    };
    if let Some(compared) = &compared {
        compared.tell(&mut plan, &live, history.as_ref());
    }
    if let Some(path) = &args.out {
        saved::write(path, &plan, files, ways, target, request)?;
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

async fn online(session: Session, request: &Request, global: &Global) -> Result<Planned, Failure> {
    let person = context::person(session.reconciler.desired(), request)?;
    let reading = Reading::start(global);
    let readings = reading.read(&session.reconciler, person.as_ref()).await;
    drop(reading);
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
    read: SnapshotFile,
    base: Option<&Desired>,
    args: &Args,
) -> Result<Planned, Failure> {
    let target = &args.target;
    let (now, snapshot) = (Timestamp::now(), read.path.clone());
    let Taken { mut live, simulated_at } = snapshot::of_apps(read, desired, now)?;
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
    if let Some(person) = context::person(desired, &args.request)? {
        reconcile::narrow(&mut live, &person);
    }
    let history = match &args.storage.store {
        None => None,
        Some(_) => past(desired, &mut live, &simulated_at, args).await?,
    };
    let mut plan = timed("planned", || reconcile::plan_against(desired, digest, &live, history.as_ref(), base, now));
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
    Args { storage, target, .. }: &Args,
) -> Result<Option<History>, Failure> {
    let memory = storage::looking(&desired.settings.store, storage, false, &target.dir).await?;
    let Some(memory) = memory else { return Ok(None) };
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

/// 0 fine, 1 when an app could not be read; in detail, 2 for something to do and for rules or grants that a change alters, 3
/// for something to wait for.
pub(super) fn exit(plan: &Plan, detailed: bool) -> Exit {
    let summary = plan.summary();
    if plan.apps.iter().any(|app| app.error.is_some()) {
        Exit::Failed
    } else if detailed && (summary.ready > 0 || plan.alters_rules()) {
        Exit::Ready
    } else if detailed && summary.waiting + summary.held + summary.manual > 0 {
        Exit::Waiting
    } else {
        Exit::Fine
    }
}

//! `rosterd plan`.

use std::{fs, path::Path};

use jiff::Timestamp;

use super::{
    args::{self, Format, Global},
    context,
    exit::{Exit, Failure},
    next,
    progress::Reading,
    terminal::{self, Stream},
    tracing::timed,
};
use crate::{
    model::{Live, Plan, ReadFailure},
    reconcile, report,
};

pub(super) async fn run(args: &args::Plan, global: &Global) -> Result<Exit, Failure> {
    let plan = match &args.planning.live {
        Some(snapshot) => offline(args, snapshot)?,
        None => online(args, global).await?,
    };
    let text = timed("drew the plan", || match args.format {
        Format::Text => report::text::plan(&plan, &terminal::style(Stream::Out)),
        Format::Json => report::json::plan(&plan),
    });
    terminal::print(&text)?;
    if args.format == Format::Text {
        let planning = &args.planning;
        let (approve, live) = (&planning.approve[..], planning.live.is_some());
        let (dir, target, only) = (&args.dir, &args.target, &planning.only);
        next::say(&plan, &next::Asked { dir, target, only, approve, live });
    }
    Ok(exit(&plan, args.planning.detailed_exitcode))
}

async fn online(args: &args::Plan, global: &Global) -> Result<Plan, Failure> {
    let past = context::Past::Looked(&args.storage);
    let session = context::session(&args.dir, &args.target, &args.planning.approve, past).await?;
    let person = context::person(session.reconciler.desired(), &args.planning.only)?;
    let reading = Reading::start(global);
    let live = match person {
        Some(person) => session.reconciler.observe_only(&person, &reading).await,
        None => session.reconciler.observe(&reading).await,
    };
    reading.finish();
    Ok(session.reconciler.plan(&live, Timestamp::now()))
}

/// Plans against a snapshot. No secret is resolved and nothing is connected to.
fn offline(args: &args::Plan, snapshot: &Path) -> Result<Plan, Failure> {
    let load = || context::load_for_plan(&args.dir, &args.target, &args.planning.approve);
    let loaded = timed("loaded the files", load)?;
    let mut live = timed("read the snapshot", || read_snapshot(snapshot))?;
    let wanted = |name: &str| args.target.apps.is_empty() || args.target.apps.iter().any(|app| **app == *name);
    live.apps.retain(|name, _| wanted(name));
    // An app that is left out of a plan without a word looks like one that is in sync.
    for name in loaded.desired.apps.keys().filter(|name| wanted(name)) {
        live.apps.entry(name.clone()).or_insert_with(|| {
            let message = format!(
                "{} does not hold this app; `rosterd observe --out FILE` writes a snapshot of all apps",
                snapshot.display()
            );
            Err(ReadFailure { message })
        });
    }
    if let Some(person) = context::person(&loaded.desired, &args.planning.only)? {
        reconcile::narrow(&mut live, &person);
    }
    let fingerprint = loaded.fingerprint();
    Ok(timed("planned", || reconcile::plan_against(&loaded.desired, &fingerprint, &live, None, Timestamp::now())))
}

/// Reads what `rosterd observe` wrote.
pub(super) fn read_snapshot(path: &Path) -> Result<Live, Failure> {
    let hint = "a snapshot is what `rosterd observe --out FILE` writes";
    let text =
        fs::read(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())).hint(hint))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::new(format!("{} is not a snapshot: {error}", path.display())).hint(hint))
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

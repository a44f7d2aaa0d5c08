//! `rosterd observe`, and what other commands read as it does.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{
    args::{Everything, Global, Target},
    context,
    exit::{Exit, Failure},
    files,
    progress::Reading,
    snapshot, terminal,
};
use crate::model::{Desired, Live};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Read the members of every group, also of those that no line declares; `rosterd import --live` needs them.
    #[arg(long)]
    all_groups: bool,
    /// Where to write the snapshot; stdout when not given.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let session = context::session(&args.target, &[], context::Past::Ignored).await?;
    let reading = Reading::start(global);
    let live = session.reconciler.observe_everything(|_| args.all_groups, &reading).await;
    drop(reading);
    let mut failed = false;
    for failure in live.apps.values().filter_map(|app| app.as_ref().err()) {
        terminal::error(&failure.message, None);
        failed = true;
    }
    let simulated = args.target.sandbox.is_some();
    let text = snapshot::text(live, session.reconciler.desired(), &session.origins, simulated)?;
    match &args.out {
        None => terminal::print(&text)?,
        Some(path) => {
            files::save(path, &text)?;
            terminal::note(&format!(
                "wrote {}; it holds the address of everyone in these apps, so keep it out of the repository",
                path.display()
            ));
        }
    }
    Ok(if failed { Exit::Failed } else { Exit::Fine })
}

/// What the files ask for, and all groups of the apps that were asked for: as a snapshot has them, or as they are. Where the
/// `others` matter, what is declared of those is read as well.
pub(super) async fn everything(from: &Everything, others: bool, global: &Global) -> Result<(Desired, Live), Failure> {
    let target = &from.target;
    if let Some(file) = &from.live {
        let loaded = context::load_for_plan(target, &[])?;
        let mut live = snapshot::of_apps(snapshot::read(file)?, &loaded.desired, Timestamp::now())?.live;
        live.apps.retain(|name, _| others || target.wants(name));
        return Ok((loaded.desired, live));
    }
    let apps = if others { Vec::new() } else { target.apps.clone() };
    let read = Target { apps, ..target.clone() };
    let session = context::session(&read, &[], context::Past::Ignored).await?;
    let desired = session.reconciler.desired();
    context::known_apps(desired, &target.apps)?;
    let reading = Reading::start(global);
    let live = session.reconciler.observe_everything(|app| target.wants(app), &reading).await;
    drop(reading);
    Ok((desired.clone(), live))
}

//! `rosterd observe`.

use std::fs;

use super::{
    args::{self, Global},
    context,
    exit::{Exit, Failure},
    progress::Reading,
    snapshot, terminal,
};

pub(super) async fn run(args: &args::Observe, global: &Global) -> Result<Exit, Failure> {
    let session = context::session(&args.dir, &args.target, &[], context::Past::Ignored).await?;
    let reading = Reading::start(global);
    let live = session.reconciler.observe_everything(|_| args.all_groups, &reading).await;
    reading.finish();
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
            fs::write(path, text).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
            terminal::note(&format!(
                "wrote {}; it holds the address of everyone in these apps, so keep it out of the repository",
                path.display()
            ));
        }
    }
    Ok(if failed { Exit::Failed } else { Exit::Fine })
}

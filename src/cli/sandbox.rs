//! `rosterd sandbox`.

use super::{
    args,
    exit::{Exit, Failure},
    terminal,
};
use crate::sandbox::{Config, QuirkSet, Sandbox};

pub(super) async fn run(args: &args::Sandbox) -> Result<Exit, Failure> {
    let mut quirks = QuirkSet::new();
    for (app, names) in args.quirks.iter().flatten() {
        quirks.entry(app.clone()).or_default().extend(names.iter().cloned());
    }
    let config = Config {
        listen: args.listen,
        seed: args.seed,
        time_scale: args.time_scale,
        accept_after: args.accept_after,
        latency: args.latency,
        faults: args.faults.clone(),
        quirks,
        empty: args.empty,
        ..Config::default()
    };
    let sandbox = Sandbox::start(config).await.map_err(|error| {
        Failure::new(format!("cannot serve on {}: {error}", args.listen)).hint("choose another address with --listen")
    })?;
    let url = sandbox.url();
    terminal::print(&format!("{url}\n"))?;
    terminal::say(&format!(
        "Simulated apps are running. In another terminal:\n\n  rosterd plan --sandbox={url}\n  rosterd apply --sandbox={url} \
         --yes --wait 1m\n\nWhat they hold and were asked: {url}/_sandbox/\nCtrl-C ends them and forgets everything."
    ));
    tokio::signal::ctrl_c().await.map_err(Failure::new)?;
    sandbox.stop().await;
    Ok(Exit::Fine)
}

//! `rosterd sandbox`.

use std::{net::SocketAddr, time::Duration};

use super::{
    ending,
    exit::{Exit, Failure},
    terminal,
    values::{accept_after, address, factor},
};
use crate::sandbox::{Config, Fault, QuirkSet, QuotaSize, Sandbox, parse_quirks};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to serve on.
    #[arg(long, default_value = "127.0.0.1:8480", value_name = "IP:PORT", value_parser = address)]
    listen: SocketAddr,
    /// Everything that is left to chance follows from this number.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How long every answer takes, in real time: real apps answer in 100 to 500 ms.
    #[arg(long, default_value = "15ms", value_name = "DURATION", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// How many seconds pass in the sandbox for each real one; quotas and invitations go faster with it.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    time_scale: f64,
    /// How long after an invitation it is accepted, in the sandbox's time; `never` keeps them open.
    #[arg(long, default_value = "20s", value_name = "DURATION", value_parser = accept_after)]
    accept_after: Duration,
    /// Make requests fail; may be given several times. `every=7,kind=500` fails every seventh request, `at=3` the third.
    /// Kinds: 500, 503, 429, reset-before, reset-after, slow (with `wait=3s`), stalled, html, html-502, cut-off, empty, malformed.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// Make an app deviate from its guide: `scim=no-etag,put-only` for all tenants of an app, `scim/acme=…` for one.
    /// What there is: http://…/_sandbox/APP/TENANT/quirks.
    #[arg(long = "quirk", value_name = "APP=QUIRKS", value_parser = parse_quirks)]
    quirks: Vec<QuirkSet>,
    /// How large the quotas are: generous, so that trying things out never waits, or as the vendors' guides say.
    #[arg(long, value_name = "SIZE", default_value = "generous")]
    quotas: Quotas,
    /// Start without the example organisation.
    #[arg(long)]
    empty: bool,
}

/// How large the quotas are.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Quotas {
    /// A hundred times what the vendors allow.
    Generous,
    /// What the vendors' guides say.
    Guide,
}

impl From<Quotas> for QuotaSize {
    fn from(quotas: Quotas) -> Self {
        match quotas {
            Quotas::Generous => Self::Generous,
            Quotas::Guide => Self::Guide,
        }
    }
}

pub(super) async fn run(args: Args) -> Result<Exit, Failure> {
    let mut quirks = QuirkSet::new();
    for (app, names) in args.quirks.into_iter().flatten() {
        quirks.entry(app).or_default().extend(names);
    }
    let Args { listen, seed, time_scale, accept_after, latency, faults, empty, quotas, .. } = args;
    let config = Config {
        listen,
        seed,
        time_scale,
        accept_after,
        latency,
        faults,
        quirks,
        empty,
        quota_size: quotas.into(),
        ..Config::default()
    };
    let sandbox = Sandbox::start(config).await.map_err(|error| {
        Failure::new(format!("cannot serve on {}: {error}", listen)).hint("choose another address with --listen")
    })?;
    let url = sandbox.url();
    terminal::print(&format!("{url}\n"))?;
    terminal::say(&format!(
        "Simulated apps are running. In another terminal:\n\n  rosterd plan --sandbox={url}\n  rosterd apply --sandbox={url} \
         --yes --wait 1m\n\nWhat they hold and were asked: {url}/_sandbox/\nCtrl-C ends them and forgets everything."
    ));
    ending::asked_for().await;
    sandbox.stop().await;
    Ok(Exit::Fine)
}

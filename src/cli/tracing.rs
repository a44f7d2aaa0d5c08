//! Log lines, on stderr.

use std::time::Instant;

use tracing::info;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use super::{
    args::{Global, LogFormat},
    terminal::{self, Log, Stream},
};

/// Starts logging. `RUST_LOG` overrides how much is said; progress and reports say the rest, so that nothing but trouble is
/// logged unless asked for. A command that `narrates` has nothing but its log to tell by.
pub(super) fn start(global: &Global, narrates: bool) {
    let level = match global.verbose + u8::from(narrates) {
        // A wait of many minutes would look as if it hung.
        0 => "error,rosterd::quota=warn",
        1 => "rosterd=info",
        2 => "rosterd=debug",
        _ => "rosterd=trace,info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let layer = fmt::layer().with_writer(|| Log).log_internal_errors(false).with_target(false);
    let layer = match global.log_format {
        LogFormat::Text => layer.with_ansi(terminal::style(Stream::Err).color).boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    // Only the first subscriber of a process counts, which is this one.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}

/// Does `work` and, where `-v` asks for it, tells how long it took.
pub(super) fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    // A larger integer would be written as a text in JSON.
    info!(ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX), "{what}");
    result
}

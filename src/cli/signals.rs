//! Ctrl-C: once to finish what is in flight, twice to stop at once.

use super::terminal;
use crate::execute::Stop;

/// A stop that Ctrl-C asks for.
pub(super) fn stop_on_ctrl_c() -> Stop {
    let (sender, stop) = Stop::new();
    tokio::spawn(async move {
        for (level, text) in [
            (1, "stopping: what is in flight is finished first; press Ctrl-C again to stop at once"),
            (2, "stopped at once; the next run looks at what was in flight before it does anything"),
        ] {
            if tokio::signal::ctrl_c().await.is_err() || sender.send(level).is_err() {
                return;
            }
            terminal::say(text);
        }
        // The receiver has everything it will ever hear; keeping the sender keeps `reached` from waiting for nothing.
        sender.closed().await;
    });
    stop
}

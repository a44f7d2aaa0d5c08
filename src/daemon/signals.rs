//! What a service manager or a person at the terminal asks for.

use std::{io, time::Duration};

use tracing::{info, warn};

/// A process that was told to end is gone after this long, whatever it still waits for. Service managers are told to wait for ten
/// seconds. What was begun and not written down is found by the next run, which looks before it does anything.
const DEADLINE: Duration = Duration::from_millis(9700);

/// A signal that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGHUP: read the files and secrets again, and begin.
    Reload,
    /// SIGTERM or SIGINT: finish what is in flight, and end.
    End,
}

/// Hears signals from its making on.
#[cfg(unix)]
pub(crate) struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.terminate.recv() => Signal::End,
            Some(()) = self.interrupt.recv() => Signal::End,
            Some(()) = self.hangup.recv() => Signal::Reload,
            // The streams end with the runtime.
            else => Signal::End,
        }
    }
}

/// Hears Ctrl-C, which is all there is here.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Signal {
        // Where it cannot be heard, the process is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::End
    }
}

impl Signals {
    /// Returns once an end is asked for.
    pub(crate) async fn end(&mut self) {
        while self.next().await == Signal::Reload {}
    }

    /// Ends the process a while after an end is asked for, if it has not ended by then. A server that hangs, a disk, or
    /// anything else that this waits for cannot make it later.
    pub(crate) async fn hold_to_the_deadline(mut self) {
        self.end().await;
        info!("told to end");
        tokio::time::sleep(DEADLINE).await;
        warn!("ended: not everything came to its end within {} s", DEADLINE.as_secs_f64());
        std::process::exit(0);
    }
}

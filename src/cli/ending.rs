//! How a run comes to its end before all is done: a signal, a terminal that is gone, or a stream that nobody reads any more.
//! Each asks for the same: finish what is in flight, report, write the run's end down, and exit 1.

use crate::execute::Stop;

use super::{
    output::{self, Stream},
    terminal,
};

/// What asks for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// SIGINT: a person, who sees what happens and may press again.
    Interrupt,
    /// SIGTERM: a service manager or a runner.
    Terminate,
    /// SIGHUP: the terminal is gone.
    Hangup,
    /// A stream took no more.
    Closed(Stream),
}

impl Cause {
    /// What is said of the first one.
    fn sentence(self) -> &'static str {
        match self {
            Self::Interrupt => "stopping: what is in flight is finished first; press Ctrl-C again to stop at once",
            Self::Terminate => {
                "stopping on SIGTERM: what is in flight is finished first; a second SIGTERM stops at once"
            }
            Self::Hangup => "stopping, because the terminal is gone: what is in flight is finished first",
            Self::Closed(Stream::Out) => {
                "stopping, because nobody reads the output any more: what is in flight is finished first"
            }
            Self::Closed(Stream::Err) => {
                "stopping, because nobody reads the messages any more: what is in flight is finished first"
            }
        }
    }

    /// Whether it may come again from somebody who wants an end at once. A closing terminal sends SIGHUP twice by itself.
    fn is_a_wish(self) -> bool {
        matches!(self, Self::Interrupt | Self::Terminate)
    }
}

/// A stop that whatever ends a run asks for: once to finish what is in flight, twice to stop at once.
pub(super) fn stop() -> Stop {
    let (sender, stop) = Stop::new();
    let mut causes = Causes::new();
    tokio::spawn(async move {
        let first = causes.next().await;
        if sender.send(1).is_err() {
            return;
        }
        terminal::say(first.sentence());
        while !causes.next().await.is_a_wish() {}
        if sender.send(2).is_err() {
            return;
        }
        terminal::say("stopped at once; the next run looks at what was in flight before it does anything");
        // The receiver has everything it will ever hear; keeping the sender keeps `reached` from waiting for nothing.
        sender.closed().await;
    });
    stop
}

/// Returns once something asks for an end.
pub(super) async fn asked_for() {
    Causes::new().next().await;
}

/// Hears causes from its making on.
struct Causes {
    signals: Signals,
    /// A stream is closed once.
    closed_is_known: bool,
}

impl Causes {
    fn new() -> Self {
        Self { signals: Signals::new(), closed_is_known: false }
    }

    async fn next(&mut self) -> Cause {
        tokio::select! {
            cause = self.signals.next() => cause,
            stream = output::closed(), if !self.closed_is_known => {
                self.closed_is_known = true;
                Cause::Closed(stream)
            }
        }
    }
}

/// A signal that cannot be listened to does what the system makes of it.
#[cfg(unix)]
struct Signals([(Cause, Option<tokio::signal::unix::Signal>); 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = if hangups_are_ignored() { None } else { signal(SignalKind::hangup()).ok() };
        Self([
            (Cause::Interrupt, signal(SignalKind::interrupt()).ok()),
            (Cause::Terminate, signal(SignalKind::terminate()).ok()),
            (Cause::Hangup, hangup),
        ])
    }

    async fn next(&mut self) -> Cause {
        let heard = self.0.iter_mut().filter_map(|(cause, signal)| {
            let signal = signal.as_mut()?;
            Some(Box::pin(async move {
                match signal.recv().await {
                    Some(()) => *cause,
                    // The stream ends with the runtime.
                    None => std::future::pending().await,
                }
            }))
        });
        let heard: Vec<_> = heard.collect();
        if heard.is_empty() {
            return std::future::pending().await;
        }
        futures::future::select_all(heard).await.0
    }
}

/// Whether the process was started to outlive its terminal, as `nohup` does. Only Linux says so.
#[cfg(unix)]
fn hangups_are_ignored() -> bool {
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP != 0)
}

/// Hears Ctrl-C, which is all there is here.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) -> Cause {
        // Where it cannot be heard, the process is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Cause::Interrupt
    }
}

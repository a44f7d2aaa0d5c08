//! Kills the process at a chosen journal write, for tests that want to know what a kill at that very point leaves behind.
//! Not part of release builds.
//!
//! `ROSTERD_CRASH_AT=N` counts the points that the process passes: 2k+1 immediately before, and 2k+2 immediately after its
//! k-th journal write, from k = 0. At point N the process is killed by `kill -9`, which runs no destructor and flushes
//! nothing. `ROSTERD_CRASH_COUNT_TO=FILE` writes the number of points passed to a file after each journal write, so that a
//! test knows how many there are.

use std::{
    env, fs,
    process::{self, Command},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

/// Journal writes that have begun.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// A journal write that has begun.
pub(super) struct Write(u64);

impl Write {
    /// Passes the point before a write.
    pub(super) fn begin() -> Self {
        let write = Self(WRITES.fetch_add(1, Ordering::SeqCst));
        pass(2 * write.0 + 1);
        write
    }

    /// Passes the point after it.
    pub(super) fn end(self) {
        let point = 2 * self.0 + 2;
        pass(point);
        if let Some(file) = env::var_os("ROSTERD_CRASH_COUNT_TO") {
            fs::write(&file, point.to_string()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }
}

fn pass(point: u64) {
    if env::var("ROSTERD_CRASH_AT").is_ok_and(|at| at == point.to_string()) {
        let pid = process::id().to_string();
        // Whether `kill` could be started is seen by the test: the process then hangs here instead of going on.
        drop(Command::new("kill").args(["-9", &pid]).spawn());
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }
}

//! The only place that writes to stdout and stderr. A stream whose reader is gone is noted, and takes nothing more: what runs
//! then ends as if it had been asked to, instead of dying in the middle.

use std::{
    io::{self, Write},
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;

/// Which of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// Streams that took a write no more, by their number.
static CLOSED: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// Tells those who wait that a stream was closed.
static CLOSING: LazyLock<watch::Sender<Option<Stream>>> = LazyLock::new(|| watch::channel(None).0);

/// Writes text at once.
///
/// # Errors
/// When the stream took it not, now or before. A reader that left gives [`io::ErrorKind::BrokenPipe`].
pub(super) fn write(stream: Stream, text: &[u8]) -> io::Result<()> {
    if is_closed(stream) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    let whole = |out: &mut dyn Write| out.write_all(text).and_then(|()| out.flush());
    let written = match stream {
        Stream::Out => whole(&mut io::stdout().lock()),
        Stream::Err => whole(&mut io::stderr().lock()),
    };
    if written.is_err() {
        close(stream);
    }
    written
}

/// Whether a stream took a write no more.
pub(super) fn is_closed(stream: Stream) -> bool {
    CLOSED[stream as usize].load(Ordering::Acquire)
}

/// Returns once a stream is closed, with which one.
pub(super) async fn closed() -> Stream {
    let mut closing = CLOSING.subscribe();
    let closed = closing.wait_for(Option::is_some).await.ok().and_then(|closed| *closed);
    match closed {
        Some(stream) => stream,
        // The sender lives as long as the process.
        None => std::future::pending().await,
    }
}

fn close(stream: Stream) {
    CLOSED[stream as usize].store(true, Ordering::Release);
    CLOSING.send_if_modified(|closed| closed.replace(stream) != Some(stream));
}

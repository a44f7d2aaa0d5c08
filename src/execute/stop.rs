//! Asking a run to end.

use tokio::sync::watch;

/// How a run is asked to end: first gently, then at once.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<u8>);

impl Stop {
    /// A stop, and the sender that asks for it: 1 finishes what is in flight, 2 drops that too.
    pub fn new() -> (watch::Sender<u8>, Self) {
        let (sender, receiver) = watch::channel(0);
        (sender, Self(receiver))
    }

    /// A stop that nobody asks for.
    pub fn never() -> Self {
        Self::new().1
    }

    /// Whether an end was asked for.
    pub fn asked(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Returns once an end of at least this urgency was asked for; never, when nobody can ask any more.
    pub async fn reached(&mut self, urgency: u8) {
        if self.0.wait_for(|level| *level >= urgency).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

//! Leave to change something: whoever shares an app with others asks right before each request that changes something,
//! wherever the request has waited until then.

use std::{sync::Arc, time::Duration};

/// No request that changes something may take longer. The lease on an app has to outlast it, and a daemon that dies keeps
/// others from the app for as long as its lease lasts.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

tokio::task_local! {
    static LEAVE: Leave;
}

/// Says whether a request that may take so long may leave now, or why it may not.
pub type Leave = Arc<dyn Fn(Duration) -> Result<(), String> + Send + Sync>;

/// Does `work`, of which nothing that changes anything is sent without leave.
pub async fn with_leave<T>(leave: Option<Leave>, work: impl Future<Output = T>) -> T {
    match leave {
        Some(leave) => LEAVE.scope(leave, work).await,
        None => work.await,
    }
}

/// Whether a request that may take so long may leave now. Outside any scope nobody else is there.
pub(super) fn ask(longest: Duration) -> Result<(), String> {
    LEAVE.try_with(|leave| leave(longest)).unwrap_or(Ok(()))
}

//! What lies outside this process: the time of day, the network and chance. A simulation puts its own in their place, so
//! that a whole run follows from one seed.

use std::{fmt, sync::Arc, time::SystemTime};

use jiff::Timestamp;

use super::http::transport::Transport;

/// The surroundings of connectors; the real ones unless something else is put here.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// The time of day. How long something takes is measured by the runtime's clock instead, which cannot be set back.
    pub clock: Clock,
    /// Carries every request of every app. Without it each app has connections of its own.
    pub network: Option<Arc<dyn Transport>>,
    /// Makes what is drawn by chance repeatable.
    pub seed: Option<u64>,
}

/// Tells the time of day.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that shows what `tell` says.
    pub fn new(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// The same as the standard library's type.
    pub fn system_time(&self) -> SystemTime {
        self.now().into()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Timestamp::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

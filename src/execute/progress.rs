//! What somebody who watches a run is told.

use std::time::Duration;

use crate::model::{ActionName, ActionResult};

/// Something that a person who watches wants to know.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// An app's actions begin; so many will be carried out.
    Began {
        /// The app.
        app: &'a str,
        /// How many.
        actions: usize,
    },
    /// An action was started.
    Started(&'a ActionName),
    /// The app took an action, and what it did may take this long to show. It is looked at again and again until then.
    Waits(&'a ActionName, Duration),
    /// An action has ended.
    Ended(&'a ActionName, &'a ActionResult),
    /// An app's actions are over.
    Finished {
        /// The app.
        app: &'a str,
    },
}

/// Someone who watches.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Progress for Quiet {
    fn event(&self, _: Event<'_>) {}
}

//! What is written down so that no crash repeats or loses anything: that a write is about to be sent, before it is, and what
//! became of it, afterwards. The executor knows only this trait; a store is behind it, or nothing.

use async_trait::async_trait;

use crate::{
    connectors::{
        Write,
        http::{Leave, witness::Sent},
    },
    model::{Action, ActionResult},
};

/// Why nothing more may be sent, as a sentence: the record cannot be written, or another process has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritten(pub String);

/// What became of one action.
#[derive(Debug, Clone)]
pub struct Performed {
    /// As it is reported.
    pub result: ActionResult,
    /// Whether a request may still take effect that no look has settled. The next run looks for it first.
    pub open: bool,
}

impl Performed {
    /// A result about which nothing is left to be found out.
    pub(super) fn settled(result: ActionResult) -> Self {
        Self { result, open: false }
    }

    /// A result that a later look may correct.
    pub(super) fn open(result: ActionResult) -> Self {
        Self { result, open: true }
    }
}

/// Where a run writes down what it does.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes down that these writes are about to be sent, before anything of them is. Called again before each repetition,
    /// which adds nothing but makes sure that this process may still send.
    ///
    /// # Errors
    /// When it could not be written, so that nothing may be sent.
    async fn begin(&self, writes: &[(&Action, &Write)]) -> Result<(), Unwritten>;

    /// What is asked right before each request that changes something leaves, however long it waited since `begin`.
    fn leave(&self) -> Option<Leave> {
        None
    }

    /// Writes down what became of an action, with the requests it took.
    ///
    /// # Errors
    /// When it could not be written. What was done stays done, and the next run finds it by looking.
    async fn end(&self, action: &Action, performed: &Performed, sent: &[Sent]) -> Result<(), Unwritten>;
}

/// Nothing is written down.
#[derive(Debug, Clone, Copy)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn begin(&self, _: &[(&Action, &Write)]) -> Result<(), Unwritten> {
        Ok(())
    }

    async fn end(&self, _: &Action, _: &Performed, _: &[Sent]) -> Result<(), Unwritten> {
        Ok(())
    }
}

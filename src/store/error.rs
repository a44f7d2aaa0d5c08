//! What can go wrong with the store, in terms a person can act on.

use std::fmt;

/// A failed operation of the store.
#[derive(Debug)]
pub struct StoreError {
    /// The store, without a password.
    pub store: String,
    /// What was being done: `opening it`, `writing down what is about to be sent`.
    pub doing: String,
    /// What kind of failure it is.
    pub trouble: Trouble,
    /// What the database said.
    pub detail: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Kinds of failure that call for different reactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The address of the store makes no sense.
    Address,
    /// It cannot be reached or opened.
    Connect,
    /// The disk, or the space that the database may use, is full. What was stored before is still there.
    Full,
    /// Another process holds the database for too long.
    Locked,
    /// It was written by a newer version of this program.
    Newer,
    /// The lease was claimed by someone else meanwhile: nothing was written, and nothing more may be sent.
    LostLease,
    /// There is an open intent for the same action already; it has to be settled first.
    AlreadyOpen,
    /// The intent is not open any more.
    NotOpen,
    /// What is stored makes no sense.
    Corrupt,
    /// Anything else that the database refuses.
    Database,
}

impl StoreError {
    /// Whether the app belongs to another owner by now.
    pub fn is_lost_lease(&self) -> bool {
        self.trouble == Trouble::LostLease
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store {}: {}: {}", self.store, self.doing, self.detail)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for StoreError {}

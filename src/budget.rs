//! Request budgets as a state machine: how many requests may leave, when, and in which order. The caller passes `now`.

/// In which order waiting requests leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Removals of access, with every read they need. They may use the share kept free.
    Removal,
    /// Writes, with every read they need; those that more other actions wait for go first.
    Write {
        /// How many other actions wait for this one.
        unblocks: u32,
    },
    /// Observation.
    Read,
}

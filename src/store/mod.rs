//! What has to outlive a run: who may write to which app, what was about to be sent, what came of it, what was seen, and
//! what is left of budgets. One schema in SQLite (a file, for one machine) and PostgreSQL (for several daemons).
//!
//! All facts are keyed by the app's name and the origin of its url ([`AppKey`]), so that another app under an old name
//! never inherits a past that is not its own; where an entry of the files shows the accounts of another one, that one's past is
//! moved to it ([`Store::move_past`]). Writing facts of an app takes its [`Lease`]; one that somebody else has
//! claimed meanwhile is refused ([`StoreError::is_lost_lease`]).
//!
//! The order of a write, which makes a crash at any point harmless:
//!
//! ```text
//! claim ─► open_batch ─► the request ─► close_intent (with its ledger entry) ─► release
//!          durable first                 one transaction
//! ```
//!
//! Whoever finds an open intent looks at the app before anything is repeated.
//!
//! Times are given by the caller, never read here, with one exception: several machines that share a PostgreSQL server
//! disagree about the time, so lease ends there are measured by the server's clock. Only differences of the
//! caller's times count for them; a clock that is off by an hour does no harm.

mod address;
mod approvals;
mod budgets;
mod claims;
mod connection;
#[cfg(debug_assertions)]
mod crash;
mod deactivations;
mod entry;
mod error;
mod facts;
mod files;
mod forget;
mod groups;
mod history;
mod intervals;
mod journal;
mod keep;
mod lease;
mod ledger;
mod lock;
mod migrate;
mod open;
mod pauses;
mod personal;
mod reading;
mod renewal;
mod repeated;
mod rival;
mod row;
mod run;
mod sightings;
mod sole;
mod standing;
mod statement;
mod tenant;
mod turn;
mod verify;

#[cfg(test)]
mod tests;

pub use approvals::{ApprovalUse, UsedApproval};
pub use claims::NewClaim;
pub use entry::{
    ActionEntry, Break, Deed, Ending, Entry, Event, Forgot, Migrated, NewEntry, Note, Paused, Pruned, Renamed, Resumed,
    RunBegun, RunEnded, RunEnding,
};
pub use error::{StoreError, Trouble};
pub use facts::{Fact, FactKind};
pub use forget::Forgotten;
pub use history::{Invitation, Made, Moved, OwnDeactivation, Sighting};
pub use journal::{Intent, IntentId, NewIntent};
pub use keep::Swept;
pub use lease::{AppKey, Claim, Lease};
pub use ledger::Filter;
pub use open::{OpenOptions, Store};
pub use personal::FORGOTTEN;
pub use reading::{Covered, Reading, SeenMembership, SeenValues};
pub use renewal::Held;
pub use rival::{FilesInForce, Rival};
pub use run::Run;
pub use sole::SoleDaemon;
pub use standing::{Holding, HoldingGroup, LastSeen, Standing};
pub use turn::{Daemon, DaemonId, Later, SharedApp, Turn, TurnClaim, TurnEnd, Why};
pub use verify::Verified;

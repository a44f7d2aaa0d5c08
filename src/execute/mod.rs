//! Executing a plan: a pure scheduler decides what runs next, a thin async shell performs it, and what nobody can be sure
//! of is looked at before it is done again.

mod after;
mod before;
mod created_ids;
mod demand;
mod effect;
mod forecast;
mod jitter;
mod journal;
mod perform;
mod progress;
mod read_back;
mod resolve;
mod runner;
mod scheduler;
pub mod settle;
mod stop;
#[cfg(test)]
mod tests;
mod together;

pub use created_ids::CreatedIds;
pub use demand::{Demand, Withdrawn};
pub use forecast::forecast;
pub use jitter::Jitter;
pub use journal::{Journal, NoJournal, Performed, Unwritten};
pub use progress::{Event, Progress, Quiet};
pub use runner::{Tools, execute};
pub use scheduler::{Command, Scheduler};
pub use stop::Stop;

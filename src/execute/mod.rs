//! Executing a plan: a pure scheduler decides what runs next, a thin async shell performs it, and what nobody can be sure
//! of is looked at before it is done again.

mod effort;
mod forecast;
mod jitter;
mod journal;
mod look;
mod made;
mod perform;
mod runner;
mod scheduler;
pub mod settle;
#[cfg(test)]
mod tests;
mod together;

pub use forecast::forecast;
pub use jitter::Jitter;
pub use journal::{Journal, NoJournal, Performed, Unwritten};
pub use made::Made;
pub use runner::{Event, Progress, Quiet, Stop, Tools, execute};
pub use scheduler::{Command, Crowd, Scheduler};

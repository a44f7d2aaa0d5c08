//! What the planner promises, as sentences; and properties over random states.

mod caps;
mod claims;
mod edit_fights;
mod extent;
mod fixture;
mod groups;
mod guards;
mod identity;
mod inspector;
mod invitations;
mod kinds;
mod laws;
mod only;
mod pauses;
mod random;
mod reach;
mod reasons;
mod roles;
mod saved;
mod simulated;

/// Compares what is planned for a world with a snapshot: a line for each action and finding.
macro_rules! check {
    ($world:expr, @$snapshot:literal) => {
        insta::assert_snapshot!($world.show(), @$snapshot)
    };
}
use check;

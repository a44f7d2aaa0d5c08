//! What reports look like, and what they must never lose.

mod fixture;
mod plan;

//! Reports: what people and other programs get to see. They decide nothing: every word of judgement (status, reason,
//! release, severity) was put into the plan by whoever judged. They know no clock either, so that the same input gives the
//! same bytes.

mod brief;
mod canvas;
pub mod capabilities;
pub mod dot;
pub mod history;
pub mod json;
pub mod markdown;
pub mod message;
pub mod outcome;
pub mod past;
pub mod pause;
pub mod review;
mod rows;
pub mod since;
pub mod text;
mod told;
pub mod why;
mod wording;

#[cfg(test)]
mod tests;

pub use canvas::{printable, spans, steers};
pub use rows::{Said, said};
pub use wording::duration;

/// How text for people is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Colours, as ANSI escapes. Nothing is said by colour alone.
    pub color: bool,
    /// Columns to fill. Sentences wrap there; names, addresses and lines to copy are never broken.
    pub width: usize,
    /// Arrows, rules and marks beyond ASCII.
    pub unicode: bool,
}

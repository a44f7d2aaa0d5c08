//! The one paging engine. It reads a list page by page to its end, reads it again where it moved meanwhile, and judges
//! whether that was all.
//!
//! A connector gives two things: the request for a page, from an [`Ask`], and the [`Page`] that an answer holds. The engine
//! knows no JSON and sends nothing itself. [`cursor`], [`sweep`] and [`whole`] are pure; only [`read`] waits for answers.
//!
//! What decides a fact stands in one place each: how to ask for the next page in [`cursor`], when to stop in [`sweep`], how
//! long it may be in [`row_limit`](super::row_limit), why
//! a list is not whole in [`whole`], when to start afresh in [`read`]. A new sign that rows are missing is a new fact in
//! [`whole`]; a sign that only the app's own answers carry is a reason in [`Page::cut_off`].

mod cursor;
mod read;
mod sweep;
#[cfg(test)]
mod tests;
mod whole;

use serde_json::Value;

pub(super) use self::{
    cursor::{Ask, Cursor, Paging, Place},
    read::{Answered, Pages, read},
    whole::Totals,
};

/// What one answer says about its list.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// The way to the next page, where the app gives one.
    pub(super) next: Option<String>,
    /// The page has a place for the way to the next one, whatever stands there.
    pub(super) has_next: bool,
    /// How many rows there are in all.
    pub(super) total: Option<u64>,
    /// A number that may be the total, or merely the length of the page.
    pub(super) at_least: Option<u64>,
    /// Why rows are missing if this is the last page.
    pub(super) cut_off: Option<String>,
    /// What looks as if there were more after the last page, and proves nothing.
    pub(super) hint: Option<String>,
    /// Bytes of the answer.
    pub(super) bytes: u64,
}

/// A row of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// What tells it from every other row, or what it lacks.
    pub(super) key: Result<String, String>,
    pub(super) value: Value,
}

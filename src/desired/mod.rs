//! The files → [`Desired`](crate::model::Desired): read, merged, decoded, resolved and checked, in this order. Every
//! problem of every file comes out of one run, each with the lines it is about.
//!
//! `walk` (which files there are) → `load` (which sections they may hold) → `tree` (YAML with positions) → `secret` (none in plain text) → `merge` (files into one)
//! → `decode` (keys and types, by the description in `spec`) → `resolve` (names, teams, windows, claims). `problem`,
//! `report` and `render` say what is wrong; `format` lays a file out; `edit` adds to
//! one; `annotate` speaks to programs; `schema` describes the language to editors.

mod annotate;
mod decode;
mod edit;
mod format;
mod load;
mod looks;
mod meaning;
mod merge;
mod nearest;
mod problem;
mod render;
mod report;
mod resolve;
mod schema;
mod secret;
mod spec;
mod tree;
mod walk;

#[cfg(test)]
mod tests;

pub use edit::{Stuck, Tree, extend, holds, scalar};
pub use format::format;
pub use load::{Loaded, fingerprint, load, parse};
pub use nearest::nearest_email;
pub use problem::{Label, Problem, Problems};
pub use resolve::{Wrong, wrong_approval};
pub use schema::schema;
pub use secret::masked;
pub use walk::{Kind, Listed, Texts, counts, manifest, read, refused, select, stamp, texts};

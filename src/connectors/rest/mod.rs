//! Ordinary REST apps: one engine, and a manifest for each app that says how its API looks. The engine knows no app by name.

mod calls;
mod engine;
mod manifest;
pub(super) mod paging;
mod rows;
mod sign_in;
pub(super) mod template;
mod wire;

#[cfg(test)]
mod manifest_tests;

pub use engine::RestConnector;
pub use manifest::{Manifest, ManifestError};

/// The manifests that come with rosterd, by name, sorted.
pub const BUILT_IN: [(&str, &str); 1] = [("autodesk", include_str!("manifests/autodesk.yaml"))];

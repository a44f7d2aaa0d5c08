//! Ordinary REST apps: one engine, and a manifest for each app that says how its API looks. The engine knows no app by name.

mod answers;
mod check;
mod dictionary;
mod dry;
mod engine;
mod lists;
mod manifest;
mod options;
mod rows;
pub(super) mod shape;
mod sign_in;
pub(super) mod template;
mod updates;
mod wire;
mod writes;

#[cfg(test)]
mod manifest_tests;
#[cfg(test)]
mod schema_tests;

pub use dry::DryWrite;
pub use engine::RestConnector;
pub use manifest::{Manifest, ManifestError};
pub use wire::schema;

/// The manifests that come with rosterd, by name, sorted.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("alteryx", include_str!("manifests/alteryx.yaml")),
    ("alteryx-webapi", include_str!("manifests/alteryx-webapi.yaml")),
    ("autodesk", include_str!("manifests/autodesk.yaml")),
    ("workiva", include_str!("manifests/workiva.yaml")),
];

//! The laws, for the fuzz targets.

mod targets;

/// What holds of any text as a file of the desired state.
pub fn yaml(text: &str) {
    targets::yaml(text);
}

/// What holds of any file that is laid out.
pub fn layout(text: &str) {
    targets::layout(text);
}

/// What holds of any text as a manifest.
pub fn manifest(text: &str) {
    targets::manifest(text);
}

/// What holds of any `Link` header.
pub fn links(text: &str) {
    targets::links(text);
}

/// What holds of any SCIM filter.
pub fn filter(text: &str) {
    targets::filter(text);
}

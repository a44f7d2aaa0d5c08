//! Mistakes in a manifest, in words for whoever writes one.

use serde_saphyr::{Error, Spanned};

use super::former;
use crate::connectors::rest::ManifestError;

/// Where something is wrong, and what.
pub(super) type Problem = (u64, String);

pub(super) fn at<T>(spanned: &Spanned<T>) -> u64 {
    spanned.referenced.line()
}

/// What was misspelt badly enough to be another word.
const ALIKE: f64 = 0.75;

/// Something that is no manifest at all: broken YAML, an unknown or missing key, a value of the wrong kind.
pub(super) fn of_syntax(file: &str, text: &str, error: &Error) -> ManifestError {
    let line = error.location().map_or(0, |location| location.line());
    let (message, hint) = match error {
        Error::SerdeUnknownField { field, expected, .. } => match former::key(field, text, line) {
            Some((message, hint)) => (message, Some(hint)),
            None => (format!("there is no key `{field}` here"), Some(choice(field, expected))),
        },
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("`{variant}` means nothing here"), Some(choice(variant, expected)))
        }
        Error::SerdeMissingField { field, .. } => (format!("the key `{field}` is missing here"), None),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("the key `{key}` is given twice"), Some("keep one of them".into()))
        }
        other => (plain(&other.to_string()), None),
    };
    ManifestError { file: file.to_owned(), line, message, hint }
}

/// Something that cannot be meant. What stands behind the first semicolon is the advice.
pub(super) fn of_meaning(file: &str, (line, message): Problem) -> ManifestError {
    let (message, hint) = match message.split_once("; ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (message, None),
    };
    ManifestError { file: file.to_owned(), line, message, hint }
}

pub(super) fn choice(word: &str, expected: &[&str]) -> String {
    let near = expected.iter().max_by(|a, b| strsim::jaro_winkler(a, word).total_cmp(&strsim::jaro_winkler(b, word)));
    match near.filter(|near| strsim::jaro_winkler(near, word) > ALIKE) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", expected.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// The parser's sentence without the place, which stands in front of it.
fn plain(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    text.split(" at line ").next().unwrap_or(text).trim().to_owned()
}

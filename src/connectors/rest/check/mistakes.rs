//! Mistakes in a manifest, in words for whoever writes one.

use serde_saphyr::Error;

use super::former;
use crate::connectors::connector::did_you_mean;

/// Where something is wrong, and what. What stands behind the first semicolon is the advice.
pub(super) type Problem = (u64, String);

/// Something that is no manifest at all: broken YAML, an unknown or missing key, a value of the wrong kind.
pub(super) fn of_syntax(text: &str, error: &Error) -> Problem {
    let line = error.location().map_or(0, |location| location.line());
    let message = match error {
        Error::SerdeUnknownField { field, expected, .. } => former::key(field, text, line)
            .unwrap_or_else(|| format!("there is no key `{field}` here; {}", choice(field, expected))),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("`{variant}` means nothing here; {}", choice(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing here"),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` is given twice; keep one of them")
        }
        other => plain(&other.to_string()),
    };
    (line, message)
}

pub(super) fn choice(word: &str, expected: &[&str]) -> String {
    let all = || format!("there are {}", expected.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "));
    did_you_mean(word, expected.iter().copied()).unwrap_or_else(all)
}

/// The parser's sentence without the place, which stands in front of it.
fn plain(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    text.split(" at line ").next().unwrap_or(text).trim().to_owned()
}

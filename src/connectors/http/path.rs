//! Values as parts of an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a path segment as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A value as one segment of a path, whatever is in it; `None` for what would name another resource, which encoding does
/// not help against.
pub fn segment(value: &str) -> Option<String> {
    (!matches!(value, "" | "." | "..")).then(|| utf8_percent_encode(value, SEGMENT).to_string())
}

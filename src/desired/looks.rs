//! What looks like a secret, by the words around it.

use std::ops::Range;

/// Words in a key that make its value a secret, wherever a connector's or a misspelt key stands.
const WORDS: [&str; 9] =
    ["secret", "password", "passwd", "passphrase", "token", "api_key", "apikey", "private_key", "webhook"];

/// A key with such an end names where something is, or how it is handled, not the thing itself.
const HARMLESS_ENDS: [&str; 6] = ["_url", "_uri", "_file", "_path", "_type", "_endpoint"];

pub(super) fn sounds_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    WORDS.iter().any(|word| key.contains(word)) && !HARMLESS_ENDS.iter().any(|end| key.ends_with(end))
}

/// Whether a text is a URL with a password in it.
pub(super) fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// Pieces of a file that look like secrets, for a file that is not YAML and has no tree to tell.
pub(super) fn by_looks(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    // The indentation of a key whose secret may go on in the lines below it.
    let mut open: Option<usize> = None;
    // The indentation of `auth` or `notify`, below which secrets stand.
    let mut within: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        if open.is_some_and(|key| indent > key) && !line.trim().is_empty() {
            if !is_reference(line.trim()) {
                found.push(start + indent..start + line.trim_end().len().max(indent));
            }
            start += line.len();
            continue;
        }
        open = None;
        if within.is_some_and(|key| indent <= key) && !line.trim().is_empty() {
            within = None;
        }
        let bare = line.trim();
        // A line without a colon says nothing but what it holds.
        let assigned = bare.split_once('=').is_some_and(|(key, _)| sounds_secret(key));
        if !bare.contains(':') && !bare.starts_with('#') && (assigned || (within.is_some() && !bare.is_empty())) {
            found.push(start + indent..start + line.trim_end().len().max(indent));
        }
        let mut from = 0;
        while let Some(colon) = line[from..].find(':').map(|i| from + i) {
            let key: String = line[..colon]
                .chars()
                .rev()
                .skip_while(|c| matches!(c, '"' | '\'' | ' '))
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
                .collect();
            let key: String = key.chars().rev().collect();
            let value = &line[colon + 1..];
            let is_hook = key == "url" && value.contains("hook");
            let is_address = matches!(&*key, "url" | "token_url") && value.contains(['?', '#', '@']);
            if matches!(&*key, "auth" | "notify") {
                let value = value.trim();
                let list = value.starts_with('[') && !value.contains('{');
                if list || (!value.is_empty() && !value.starts_with(['{', '[', '#'])) {
                    found.push(start + colon + 1..start + line.trim_end().len());
                    break;
                }
                within = value.is_empty().then_some(indent);
            }
            if is_address || sounds_secret(&key) || has_password(value.trim()) || is_hook {
                if !is_reference(value.trim()) {
                    found.push(start + colon + 1..start + line.trim_end().len().max(colon + 1));
                    open = Some(indent);
                }
                break;
            }
            from = colon + 1;
        }
        start += line.len();
    }
    found
}

fn is_reference(value: &str) -> bool {
    let inner = value.trim_start_matches('{').trim_start();
    inner.starts_with("env:") || inner.starts_with("file:")
}

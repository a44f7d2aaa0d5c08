//! What files mean, as one hash. Comments, layout, the order of keys and how sections are spread over files do not count:
//! two versions that ask for the same are the same.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::tree::{Entry, Kind, Node};

/// Where the daemon of one machine listens says nothing about the apps, and may come from a flag or the environment.
const OF_THE_MACHINE: [&str; 3] = ["settings", "daemon", "listen"];

/// The hash of merged files and of the manifests that they name, by their hashes.
pub(super) fn meaning(root: &Node<'_>, manifests: &BTreeMap<Arc<str>, String>) -> String {
    let mut hash = Sha256::new();
    node(&mut hash, root, Some(&OF_THE_MACHINE));
    for (path, of) in manifests {
        text(&mut hash, path);
        text(&mut hash, of);
    }
    format!("meaning:{}", hex::encode(hash.finalize()))
}

/// `without` is the path below this node of what does not count.
fn node(hash: &mut Sha256, of: &Node<'_>, without: Option<&[&str]>) {
    match &of.kind {
        Kind::Null | Kind::Hidden => hash.update(b"0"),
        Kind::Scalar { text: said, plain } => {
            hash.update(if *plain && may_be_no_text(said) { b"p" } else { b"t" });
            text(hash, said);
        }
        Kind::List(items) if items.is_empty() => hash.update(b"0"),
        Kind::List(items) => {
            hash.update(b"l");
            hash.update((items.len() as u64).to_be_bytes());
            items.iter().for_each(|item| node(hash, item, None));
        }
        Kind::Map(entries) => map(hash, entries, without),
    }
}

fn map(hash: &mut Sha256, entries: &[Entry<'_>], without: Option<&[&str]>) {
    let below = |key: &str| without.and_then(<[&str]>::split_first).filter(|(first, _)| **first == key);
    let counts = |entry: &&Entry<'_>| below(&entry.key).is_none_or(|(_, rest)| !holds_only(&entry.value, rest));
    let mut entries: Vec<(&Cow<'_, str>, &Node<'_>)> =
        entries.iter().filter(counts).map(|entry| (&entry.key, &entry.value)).collect();
    entries.sort_by_key(|(key, _)| *key);
    if entries.is_empty() {
        // Absent and empty mean the same.
        return hash.update(b"0");
    }
    hash.update(b"m");
    hash.update((entries.len() as u64).to_be_bytes());
    for (key, value) in entries {
        text(hash, key);
        node(hash, value, below(key).map(|(_, rest)| rest));
    }
}

/// Whether all that stands below a node is what `path` leads to.
fn holds_only(node: &Node<'_>, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    matches!(&node.kind, Kind::Null | Kind::Map(_))
        && node.entries().iter().all(|entry| entry.key == *first && holds_only(&entry.value, rest))
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Whether a value without quotes may be something else than text, so that quotes would change what it means.
fn may_be_no_text(said: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "~"];
    said.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        || WORDS.iter().any(|word| said.eq_ignore_ascii_case(word))
}

//! Adding a verb touches few files: those that handle every verb are listed here, and the list only grows on purpose.

use super::sources;

/// Verbs, and what steps and writes call them where that differs.
const VERBS: [[&str; 2]; 11] = [
    ["Create", "CreateAccount"],
    ["Update", "UpdateAccount"],
    ["Reactivate", "Reactivate"],
    ["Deactivate", "Deactivate"],
    ["Delete", "DeleteAccount"],
    ["AddMember", "AddMember"],
    ["ChangeMember", "ChangeMember"],
    ["RemoveMember", "RemoveMember"],
    ["CreateGroup", "CreateGroup"],
    ["UpdateGroup", "UpdateGroup"],
    ["DeleteGroup", "DeleteGroup"],
];

/// Files that handle every verb. ARCHITECTURE.md lists what else a new verb touches, eleven files in all.
const HANDLE_ALL: [&str; 7] = [
    "connectors/rest/dry.rs",
    "connectors/rest/writes.rs",
    "execute/effect.rs",
    "execute/resolve.rs",
    "model/semantics.rs",
    "model/step.rs",
    "model/verb.rs",
];

/// Whether the text has a variant of this name, of a verb, a step or a write.
fn names(text: &str, variant: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric());
    ["Verb", "Step", "Write", "Self"].iter().any(|of| {
        let path = format!("{of}::{variant}");
        text.match_indices(&path).any(|(at, _)| is_end(&text[at + path.len()..]))
    })
}

#[test]
fn few_files_handle_every_verb() {
    let mut found: Vec<String> = sources()
        .into_iter()
        .filter(|(source, _)| !source.file.starts_with("sandbox/") && !source.file.contains("tests"))
        .filter(|(_, text)| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            VERBS.iter().all(|called| called.iter().any(|variant| names(code, variant)))
        })
        .map(|(source, _)| source.file.clone())
        .collect();
    found.sort();
    assert_eq!(found, HANDLE_ALL);
}

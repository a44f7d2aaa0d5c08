//! What is different since a plan was saved, for the reports of its being applied.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::{Value, json};

use super::wording;

/// Files that a sentence names; of more it gives the number. All of them are in the JSON.
const NAMED: usize = 5;

/// What is different since a plan was saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// Files that are not as they were, by path.
    pub files: BTreeMap<Arc<str>, Change>,
    /// Apps that are left alone as a whole, each with the reason.
    pub apart: BTreeMap<Arc<str>, String>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It says something else.
    Changed,
    /// It was not there.
    New,
    /// It is not there any more.
    Gone,
}

impl Since {
    /// The files as a sentence, if any is different.
    pub fn files_sentence(&self) -> Option<String> {
        if self.files.is_empty() {
            return None;
        }
        let named = self.files.iter().take(NAMED).map(|(path, change)| {
            let path = shown(path);
            match change {
                Change::Changed => path.to_owned(),
                Change::New => format!("{path} (new)"),
                Change::Gone => format!("{path} (gone)"),
            }
        });
        let mut list = named.collect::<Vec<_>>().join(", ");
        if self.files.len() > NAMED {
            list += &format!(" and {}", wording::count(self.files.len() - NAMED, "other", "others"));
        }
        let what = wording::count(self.files.len(), "file", "files");
        Some(format!("{what} changed since the plan was saved: {list}"))
    }

    pub(super) fn wire(&self) -> Value {
        let files = self.files.iter().map(|(path, change)| json!({ "path": path, "change": change }));
        let apart = self.apart.iter().map(|(app, reason)| json!({ "app": app, "reason": reason }));
        json!({ "changed_files": files.collect::<Value>(), "left_alone": apart.collect::<Value>() })
    }
}

/// A path as people write it.
pub fn shown(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_a_few_files_and_counts_the_rest() {
        let check = |files: &[(&str, Change)], expect: Option<&str>| {
            let files = files.iter().map(|(path, change)| ((*path).into(), *change)).collect();
            assert_eq!(Since { files, apart: BTreeMap::new() }.files_sentence().as_deref(), expect);
        };
        check(&[], None);
        check(&[("all.yaml", Change::Changed)], Some("1 file changed since the plan was saved: all.yaml"));
        check(
            &[("./connectors/a.yaml", Change::Gone), ("b", Change::New)],
            Some("2 files changed since the plan was saved: connectors/a.yaml (gone), b (new)"),
        );
        let many: Vec<String> = (1..=7).map(|n| format!("{n}.yaml")).collect();
        let many: Vec<(&str, Change)> = many.iter().map(|path| (path.as_str(), Change::Changed)).collect();
        check(
            &many,
            Some("7 files changed since the plan was saved: 1.yaml, 2.yaml, 3.yaml, 4.yaml, 5.yaml and 2 others"),
        );
    }
}

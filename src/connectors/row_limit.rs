//! How many rows rosterd reads of one list. An app that never ends a list must not keep its reader for ever, and a list that is
//! suddenly many times as long is not believed.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use crate::model::{Options, grouped};

/// The option that replaces the limit.
pub(super) const MAX_ROWS: &str = "max_rows";

/// A list may have so many rows whatever it had before. An organisation of this size reads in a hundred requests.
const FLOOR: u64 = 10_000;

/// A list may be so many times as long as it was when it was last read to its end.
const GROWTH: u64 = 3;

/// A list that was never read to its end may have so many rows. The largest organisations have fewer people.
const UNKNOWN: u64 = 1_000_000;

/// Which list is read, for what an earlier reading knows of its size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ListName {
    /// All accounts.
    Accounts,
    /// The members of the group with this id, each of whom is an account.
    Members(String),
    /// Another list, by what asks for it.
    Other(String),
}

/// The limits of one app's lists, and how long its lists were.
#[derive(Debug, Default)]
pub(super) struct RowLimits {
    /// What `options.max_rows` says.
    given: Option<u64>,
    /// Rows of the last complete reading of each list.
    sizes: Mutex<HashMap<ListName, u64>>,
}

/// How many rows a list may have, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowLimit {
    /// The files say so.
    Given(u64),
    /// The last complete reading had so many rows.
    Known(u64),
    /// There was no complete reading.
    Unknown,
}

impl RowLimits {
    /// The limits of an app with these options. The files were checked before.
    pub(super) fn of(options: &Options) -> Self {
        let rows = |value: &Value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        Self { given: options.get(MAX_ROWS).and_then(rows), sizes: Mutex::default() }
    }

    /// Takes in how many rows the last complete reading of a list had.
    pub(super) fn learn(&self, list: ListName, rows: u64) {
        // A size is put in whole or not at all, so that a poisoned map is as good as any.
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).insert(list, rows);
    }

    /// How many rows a list may have.
    pub(super) fn limit(&self, list: &ListName) -> RowLimit {
        if let Some(rows) = self.given {
            return RowLimit::Given(rows);
        }
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |list: &ListName| sizes.get(list).copied();
        let before = match list {
            // Nobody is in a group who has no account, so that the accounts bound a group that was not read before.
            ListName::Members(_) => known(list).max(known(&ListName::Accounts)),
            ListName::Accounts | ListName::Other(_) => known(list),
        };
        before.map_or(RowLimit::Unknown, RowLimit::Known)
    }
}

impl RowLimit {
    /// The most rows.
    pub(super) fn rows(self) -> u64 {
        match self {
            Self::Given(rows) => rows,
            Self::Known(before) => before.saturating_mul(GROWTH).max(FLOOR),
            Self::Unknown => UNKNOWN,
        }
    }
}

/// The end of a sentence about a list that has more rows, with what to do about it.
impl fmt::Display for RowLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = grouped(self.rows());
        match self {
            Self::Given(_) => write!(f, "`options.{MAX_ROWS}` lets rosterd read {rows}; raise it"),
            Self::Known(before) => {
                let before = grouped(*before);
                write!(
                    f,
                    "rosterd reads {rows} ({before} came when the list was last complete); set `options.{MAX_ROWS}`"
                )
            }
            Self::Unknown => {
                write!(f, "rosterd reads {rows} of a list that it has never seen complete; set `options.{MAX_ROWS}`")
            }
        }?;
        f.write_str(" if the list is really that long")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limits(options: &[(&str, Value)]) -> RowLimits {
        RowLimits::of(&options.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    }

    #[test]
    fn a_list_may_grow_threefold_and_a_small_one_to_ten_thousand_rows() {
        let limits = limits(&[]);
        let unknown = limits.limit(&ListName::Accounts);
        assert_eq!(
            (unknown.rows(), unknown.to_string().as_str()),
            (
                1_000_000,
                "rosterd reads 1,000,000 of a list that it has never seen complete; set `options.max_rows` if the list is \
                 really that long"
            )
        );
        for (before, rows) in [(0, 10_000), (3_333, 10_000), (3_334, 10_002), (50_000, 150_000), (u64::MAX, u64::MAX)] {
            limits.learn(ListName::Accounts, before);
            assert_eq!(limits.limit(&ListName::Accounts).rows(), rows, "{before}");
        }
    }

    #[test]
    fn the_accounts_bound_a_group_and_no_other_list() {
        let limits = limits(&[]);
        let (group, other) = (ListName::Members("g".into()), ListName::Other("GET /Groups".into()));
        limits.learn(ListName::Accounts, 20_000);
        assert_eq!((limits.limit(&group).rows(), limits.limit(&other).rows()), (60_000, 1_000_000));
        limits.learn(group.clone(), 5);
        assert_eq!(limits.limit(&group).rows(), 60_000, "everybody may join a group in a day");
    }

    #[test]
    fn what_the_files_say_replaces_the_limit_of_every_list() {
        for value in [json!(7), json!("7")] {
            let limits = limits(&[(MAX_ROWS, value)]);
            limits.learn(ListName::Accounts, 50_000);
            assert_eq!(limits.limit(&ListName::Accounts), RowLimit::Given(7));
            assert_eq!(limits.limit(&ListName::Other("GET /x".into())), RowLimit::Given(7));
        }
    }
}

//! What a server says of itself. Servers announce what they do not keep and leave out what they can, so that all of it is a
//! hint: options override it, and an answer that makes no sense says nothing.

use serde_json::Value;

use super::attribute::get;
use crate::connectors::signs::{flag, number};

/// Hints from the service provider's configuration. `None`: it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Discovered {
    /// Resources can be changed in part.
    pub(super) patch: Option<bool>,
    /// Resources have versions.
    pub(super) etag: Option<bool>,
    /// No page is larger.
    pub(super) largest_page: Option<u32>,
}

impl Discovered {
    /// Reads a configuration as far as it can be read.
    pub(super) fn read(body: &Value) -> Self {
        // Some servers answer with a list that holds the one.
        let listed = get(body, "Resources").and_then(|all| all.get(0));
        let config = listed.unwrap_or(body);
        let supported = |name| get(get(config, name)?, "supported").and_then(flag);
        let limit = |block, name| get(get(config, block)?, name).and_then(number);
        let limits = [limit("pagination", "maxPageSize"), limit("filter", "maxResults")];
        let largest_page = limits.into_iter().flatten().filter(|limit| *limit > 0).min();
        Self {
            patch: supported("patch"),
            etag: supported("etag"),
            largest_page: largest_page.and_then(|limit| u32::try_from(limit).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: Value, patch: Option<bool>, etag: Option<bool>, largest_page: Option<u32>) {
        assert_eq!(Discovered::read(&body), Discovered { patch, etag, largest_page });
    }

    #[test]
    fn hints_are_read_as_far_as_they_make_sense() {
        let whole = json!({
            "patch": {"supported": true},
            "etag": {"supported": false},
            "filter": {"supported": true, "maxResults": 200},
            "pagination": {"cursor": true, "maxPageSize": 50},
        });
        check(whole.clone(), Some(true), Some(false), Some(50));
        check(json!({"Resources": [whole]}), Some(true), Some(false), Some(50));
        check(json!({"Patch": {"Supported": "False"}, "filter": {"maxResults": "20"}}), Some(false), None, Some(20));
    }

    #[test]
    fn nonsense_says_nothing() {
        for body in
            [json!(null), json!([]), json!("x"), json!({"patch": true, "etag": [], "filter": {"maxResults": -1}})]
        {
            check(body, None, None, None);
        }
        check(json!({"filter": {"supported": true, "maxResults": 0}}), None, None, None);
    }
}

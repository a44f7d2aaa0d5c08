//! 403 as overload: GitHub and Google say "later" with it, which is no matter of rights.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use serde_json::json;

use super::{
    app::{BOTH, headed},
    case::{Setup, accounts, people},
};
use crate::support::{Call, json_answer};

/// Which request is refused.
type When = fn(&Call) -> bool;

const LISTS: When = |call| call.method == "GET" && call.path.eq_ignore_ascii_case("/users");
const CREATES: When = |call| call.method == "POST" && call.path.eq_ignore_ascii_case("/users");
const UPDATES: When = |call| call.method == "PATCH" && call.path.to_lowercase().starts_with("/users/");

/// An app of one too many and one too few, that refuses the first such request with these headers.
fn refusing(setup: Setup, when: When, headers: &'static [(&'static str, &'static str)]) -> Setup {
    let refused = AtomicUsize::new(0);
    setup
        .users([1, 2])
        .before(move |call, _| {
            let first = when(call) && refused.fetch_add(1, Ordering::SeqCst) == 0;
            let body = json!({"message": "slow down", "detail": "slow down", "code": "quota"});
            first.then(|| headed(json_answer(403, body), headers))
        })
        .files(&accounts([1, 3]), &people([2]))
}

#[tokio::test]
async fn a_403_that_says_when_to_come_back_is_no_lack_of_rights() {
    let table: [&'static [(&'static str, &'static str)]; 6] = [
        &[("Retry-After", "1")],
        &[("Retry-After", "0")],
        &[("Date", "Sun, 22 Nov 2026 10:00:00 GMT"), ("Retry-After", "Sun, 22 Nov 2026 10:00:01 GMT")],
        &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1")],
        &[("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "0")],
        &[("RateLimit-Remaining", "0"), ("RateLimit-Reset", "1")],
    ];
    let check = async |dialect, headers: &'static [(&str, &str)], when| {
        let case = refusing(Setup::of(dialect), when, headers).start().await;
        let said = case.apply().await;
        assert_eq!(said.status, 0, "{dialect:?}, {headers:?}: {said:?}");
        assert!(!said.all().contains("right"), "{dialect:?}, {headers:?}: {said:?}");
        case.converged(&format!("{headers:?}")).await;
        assert_eq!(case.app.state().users.len(), 3);
    };
    // All at the same time, because each waits as it is told.
    let rows = BOTH.into_iter().flat_map(|dialect| table.map(|headers| (dialect, headers)));
    let rows = rows.flat_map(|(dialect, headers)| [LISTS, CREATES, UPDATES].map(|when| (dialect, headers, when)));
    join_all(rows.map(|(dialect, headers, when)| check(dialect, headers, when))).await;
}

#[tokio::test]
async fn a_403_without_such_a_sign_is_a_refusal_and_is_not_sent_again() {
    let table: [&[(&str, &str)]; 4] = [
        &[],
        &[("X-RateLimit-Remaining", "59"), ("X-RateLimit-Reset", "1")],
        &[("X-RateLimit-Limit", "0")],
        &[("Retry", "1")],
    ];
    for dialect in BOTH {
        for headers in table {
            let case = refusing(Setup::of(dialect), CREATES, headers).start().await;
            let said = case.apply().await;
            assert_eq!((said.status, case.made("users")), (1, 1), "{dialect:?}, {headers:?}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_manifest_names_other_words_for_it() {
    let rules = [
        "{ status: 403, path: code, is: [quota, rateLimitExceeded], means: overload }",
        "{ status: 403, path: message, is: [slow down], means: overload }",
        "{ status: 403, means: overload }",
    ];
    for rule in rules {
        for when in [LISTS, CREATES, UPDATES] {
            let setup = Setup::of(super::app::Dialect::Rest);
            let setup = setup.says("accounts:\n", &format!("answers: [ {rule} ]\naccounts:\n"));
            // The answer says how long; what makes it an overload is the rule.
            let case = refusing(setup, when, &[("X-Retry-Later", "1")]).start().await;
            case.applied().await;
            case.converged(rule).await;
        }
    }
}

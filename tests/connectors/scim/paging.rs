//! Lists: how they are paged, and how pages can go wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use rosterd::{connectors::Lane, observe::observe};

use super::*;
use crate::support::status_answer;

fn users(n: usize) -> Vec<Value> {
    (0..n).map(user).collect()
}

/// Pages as the standard has them, at most `largest` rows each.
fn page(rows: &[Value], call: &Call, largest: usize) -> Answer {
    let number = |name: &str| call.query.get(name).map(|value| value.parse::<usize>().unwrap());
    let start = number("startIndex").unwrap_or(1).max(1);
    let count = number("count").unwrap_or(largest).min(largest);
    let page: Vec<_> = rows.iter().skip(start - 1).take(count).collect();
    json_answer(
        200,
        json!({"totalResults": rows.len(), "itemsPerPage": page.len(), "startIndex": start, "Resources": page}),
    )
}

/// Reads all accounts; checks how many there are, what is said of them, and what was asked.
async fn check(fixture: &Fixture, rows: usize, coverage: &str, requests: &[&str]) {
    let listing = fixture.connector.accounts(Lane::Read).await.unwrap();
    let said = match listing.coverage {
        Coverage::Complete => "complete".into(),
        Coverage::Incomplete(why) | Coverage::Believed(why) => why,
    };
    assert_eq!((listing.rows.len(), said.as_str()), (rows, coverage));
    assert_eq!(lines(fixture), requests);
}

#[tokio::test]
async fn a_quiet_cycle_of_a_thousand_accounts_takes_a_request_a_page_and_one_for_each_declared_group() {
    let rows = users(1000);
    let fixture = scim(json!({}), move |call| match call.path.as_str() {
        "/Users" => page(&rows, call, 100),
        "/Groups" => list(&[json!({"id": "g1", "displayName": "A"}), json!({"id": "g2", "displayName": "B"})]),
        "/Groups/g1" => json_answer(200, json!({"id": "g1", "displayName": "A", "members": [{"value": "u1"}]})),
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    let mut app = fixture.app.clone();
    app.groups = [("A".into(), crate::group("A", None))].into();
    let live =
        observe(fixture.connector.as_ref(), &app, &Default::default(), Timestamp::UNIX_EPOCH, &|_| {}).await.unwrap();
    assert_eq!((live.accounts.len(), live.accounts_coverage), (1000, Coverage::Complete));
    assert_eq!(live.groups[0].members.len(), 1);
    let mut asked = vec!["GET /Users?count=100".to_owned()];
    asked.extend((1..10).map(|n| format!("GET /Users?startIndex={}&count=100", n * 100 + 1)));
    asked.extend(["GET /Groups?excludedAttributes=members&count=100".into(), "GET /Groups/g1".into()]);
    assert_eq!(lines(&fixture), asked);
    println!("scim: {} requests for a quiet cycle of 1,000 accounts and one group", live.requests);
}

#[tokio::test]
async fn where_a_list_breaks_off_every_address_of_whoever_was_not_seen_is_asked_for() {
    // The first two of three, whatever row is asked for; the third goes by an alias.
    let fixture = scim(json!({"filter_excludes": true}), |call| match call.query.get("filter").map(String::as_str) {
        None => json_answer(200, json!({"totalResults": 3, "Resources": users(2)})),
        Some("userName eq \"old@x.example\"") => {
            list(&[json!({"id": "u2", "userName": "old@x.example", "active": true})])
        }
        Some(_) => list(&[]),
    });
    let fixture = fixture.await;
    let mut app = fixture.app.clone();
    let email = |name: &str| Email::lenient(&format!("{name}@x.example"));
    app.accounts = ["p0", "p2", "p3"].map(|name| (email(name), Default::default())).into();
    let aliases = [("p00", "p0"), ("old", "p2"), ("older", "p3"), ("else", "p9")];
    let aliases = aliases.map(|(alias, person)| (email(alias), email(person))).into();
    let live = observe(fixture.connector.as_ref(), &app, &aliases, Timestamp::UNIX_EPOCH, &|_| {}).await.unwrap();
    assert!(!live.accounts_coverage.is_complete());
    // Whoever was seen is not looked for; p2 has an account and is not made anew, and p3 has none by any address.
    assert_eq!(live.absent, ["p2", "p3", "older"].map(email).into());
}

#[tokio::test]
async fn a_single_page_for_whatever_row_is_everything_when_the_server_pages_by_cursor() {
    let rows = users(10);
    let fixture = scim(json!({}), move |call| {
        let count = call.query.get("count").map_or(100, |count| count.parse().unwrap()).min(rows.len());
        let mut body = json!({"totalResults": rows.len(), "Resources": rows[..count]});
        if count < rows.len() {
            body["nextCursor"] = "abc".into();
        }
        json_answer(200, body)
    });
    let requests = ["GET /Users?count=100", "GET /Users?startIndex=11&count=100", "GET /Users?count=9"];
    check(&fixture.await, 10, "complete", &requests).await;
}

#[tokio::test]
async fn larger_pages_are_asked_for_where_the_options_say_so() {
    let rows = users(1000);
    let fixture = scim(json!({"page_size": 500}), move |call| page(&rows, call, 500)).await;
    check(&fixture, 1000, "complete", &["GET /Users?count=500", "GET /Users?startIndex=501&count=500"]).await;
}

#[tokio::test]
async fn a_server_that_refuses_the_page_size_is_asked_what_it_can_do() {
    let rows = users(60);
    let fixture = scim(json!({}), move |call| match call.path.as_str() {
        "/ServiceProviderConfig" => json_answer(200, json!({"pagination": {"cursor": false, "maxPageSize": 40}})),
        _ if call.number("count") > 40 => refused(400, "invalidCount"),
        _ => page(&rows, call, 40),
    });
    let asked = [
        "GET /Users?count=100",
        "GET /ServiceProviderConfig",
        "GET /Users?count=40",
        "GET /Users?startIndex=41&count=40",
    ];
    check(&fixture.await, 60, "complete", &asked).await;
}

#[tokio::test]
async fn a_server_that_knows_no_page_sizes_is_asked_without_one() {
    let rows = users(3);
    let fixture = scim(json!({}), move |call| match call.path.as_str() {
        "/Users" if call.query.contains_key("count") => refused(400, "invalidSyntax"),
        "/Users" => page(&rows, call, 10),
        _ => Answer::Text(404, "<html>nothing here"),
    });
    let asked = ["GET /Users?count=100", "GET /ServiceProviderConfig", "GET /ServiceProviderConfigs", "GET /Users"];
    check(&fixture.await, 3, "complete", &asked).await;
}

#[tokio::test]
async fn a_server_that_cannot_leave_members_out_is_asked_for_whole_groups() {
    let fixture = scim(json!({}), |call| match call.query.contains_key("excludedAttributes") {
        true => refused(400, "invalidSyntax"),
        false => list(&[json!({"id": "g1", "displayName": "A", "members": []})]),
    });
    let fixture = fixture.await;
    let groups = fixture.connector.groups(Lane::Read).await.unwrap();
    assert_eq!((groups.rows.len(), groups.coverage), (1, Coverage::Complete));
}

#[tokio::test]
async fn an_ignored_start_index_makes_the_list_incomplete_and_never_endless() {
    let rows = users(250);
    let fixture = scim(json!({}), move |_| json_answer(200, json!({"totalResults": 250, "Resources": rows[..100]})));
    let why = "GET /Users: page 2 repeats rows that came before and has no others";
    check(&fixture.await, 100, why, &["GET /Users?count=100", "GET /Users?startIndex=101&count=100"]).await;
}

#[tokio::test]
async fn a_cursor_that_expired_restarts_the_list() {
    let rows = users(3);
    let expired = AtomicUsize::new(0);
    let fixture = scim(json!({}), move |call| match call.query.get("cursor").map(String::as_str) {
        None => json_answer(200, json!({"Resources": rows[..2], "nextCursor": "c1"})),
        Some(_) if expired.fetch_add(1, Ordering::SeqCst) == 0 => refused(400, "expiredCursor"),
        Some(_) => json_answer(200, json!({"Resources": rows[2..]})),
    });
    let page = ["GET /Users?count=100", "GET /Users?cursor=c1&count=100"];
    check(&fixture.await, 3, "complete", &[page, page].concat()).await;
}

#[tokio::test]
async fn cursors_that_always_expire_make_the_list_incomplete_after_three_sweeps() {
    let rows = users(3);
    let fixture = scim(json!({}), move |call| match call.query.contains_key("cursor") {
        false => json_answer(200, json!({"Resources": rows[..2], "nextCursor": "c1"})),
        true => refused(400, "expiredCursor"),
    });
    let why = "GET /Users: the cursor was refused each time: demo: GET /Users answered 400: no (expiredCursor)";
    let page = ["GET /Users?count=100", "GET /Users?cursor=c1&count=100"];
    check(&fixture.await, 2, why, &[page, page, page].concat()).await;
}

#[tokio::test]
async fn where_cursors_are_wanted_the_first_page_asks_for_one() {
    let rows = users(3);
    let fixture = scim(json!({"paging": "cursor"}), move |call| match call.query["cursor"].as_str() {
        "" => json_answer(200, json!({"Resources": rows[..2], "nextCursor": "c1"})),
        _ => json_answer(200, json!({"Resources": rows[2..]})),
    });
    check(&fixture.await, 3, "complete", &["GET /Users?cursor=&count=100", "GET /Users?cursor=c1&count=100"]).await;
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_an_error_and_not_an_empty_app() {
    for body in [json!({}), json!([]), json!({"Resources": "x"}), json!({"message": "please sign in"})] {
        let fixture = scim(json!({}), move |_| json_answer(200, body.clone())).await;
        assert!(fixture.connector.accounts(Lane::Read).await.is_err());
    }
}

#[tokio::test]
async fn a_refused_token_says_that_such_tokens_end() {
    let fixture = scim(json!({"profile": "alteryx"}), |_| status_answer(401)).await;
    let error = fixture.connector.accounts(Lane::Read).await.unwrap_err();
    insta::assert_snapshot!(error, @"demo: GET /Users answered 401: {} (SCIM tokens end silently: make a new one in the app's SCIM settings and put it under `auth`; a server without an active SAML sign-in rejects every SCIM request in the same way)");
}

//! Apps that flood: lists without an end, of every kind, through each way in which rosterd speaks to apps.

use std::collections::BTreeSet;

use rosterd::{
    connectors::{Error, Lane, Listing, Looked, Registry},
    model::{Coverage, FieldName},
};
use serde_json::{Value, json};

use crate::{
    alteryx_webapi,
    support::{Answer, Call, Fixture, json_answer},
};

/// What the fixtures' options let be read.
const MAX: usize = 300;

/// What the app says of how many rows there are.
const TOTAL: u64 = 1_000_000_000_000;

fn rows(from: usize, count: usize) -> Vec<Value> {
    let row = |n: usize| {
        json!({"id": format!("r{n}"), "userName": format!("p{n}@x.example"), "email": format!("p{n}@x.example"),
               "displayName": format!("G{n}"), "name": format!("N{n}"), "firstName": "P", "status": "active",
               "active": true, "platform": "acc", "products": [], "userId": format!("r{n}")})
    };
    (from..from + count).map(row).collect()
}

/// A page of a hundred rows with a way to the next one, however the app is asked.
fn endless(call: &Call) -> Answer {
    let number =
        |name: &str| call.query.get(name).and_then(|value| value.trim_start_matches("tok_").parse::<usize>().ok());
    let from = ["offset", "pageToken", "cursor"].iter().find_map(|name| number(name)).unwrap_or(0);
    let page = rows(from, 100);
    let next = format!("tok_{}", from + 100);
    if call.path.starts_with("/hq") {
        return json_answer(200, page.into());
    }
    json_answer(
        200,
        json!({"data": page, "results": page, "Resources": page, "totalResults": TOTAL, "nextCursor": next,
               "nextPageToken": next, "pagination": {"totalResults": TOTAL, "total": TOTAL}}),
    )
}

async fn flooding(connector: &str, more: Value, play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    let mut options = json!({"max_rows": MAX});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Fixture::with_options(Registry::default(), connector, &options, play).await
}

/// A list that was read as far as it may go, and says so; it took no more requests than the rows take.
fn check<T>(fixture: &Fixture, what: &str, read: Result<Listing<T>, Error>) {
    let listing = read.unwrap_or_else(|error| panic!("{what}: {error}"));
    let Coverage::Incomplete(why) = &listing.coverage else { panic!("{what} is called {:?}", listing.coverage) };
    let told = "400 rows came, and `options.max_rows` lets rosterd read 300; raise it if the list is really that long";
    assert!(why.contains(told), "{what}: {why}");
    assert_eq!(listing.rows.len(), 400, "{what}");
    let asked = fixture.lines().iter().filter(|line| !line.contains("/token")).count();
    assert_eq!(asked, 4, "{what}: {:?}", fixture.lines());
    fixture.clear();
}

#[tokio::test]
async fn no_list_of_any_kind_is_read_for_ever() {
    for (connector, options) in
        [("scim", json!({})), ("workiva", json!({})), ("acc", json!({"account_id": "acc1"})), ("autodesk", json!({}))]
    {
        let fixture = flooding(connector, options, endless).await;
        let app = &fixture.connector;
        check(&fixture, &format!("{connector}: accounts"), app.accounts(Lane::Read).await);
        if connector != "autodesk" {
            check(&fixture, &format!("{connector}: groups"), app.groups(Lane::Read).await);
        }
        if matches!(connector, "workiva" | "acc") {
            check(&fixture, &format!("{connector}: members"), app.members("g1", Lane::Read).await);
        }
    }
}

#[tokio::test]
async fn a_query_and_a_look_at_names_end_as_well() {
    let fixture = flooding("workiva", json!({}), endless).await;
    let email = rosterd::model::Email::lenient("nobody@x.example");
    let found = fixture.connector.find(&email, Lane::Read).await.unwrap();
    assert!(
        found.rows.is_empty() && !found.coverage.is_complete(),
        "not to be found is no proof: {:?}",
        found.coverage
    );
    fixture.clear();
    let (accounts, members) = (BTreeSet::from([FieldName::from("roles")]), BTreeSet::new());
    let looked = Looked { accounts: &accounts, members: &members };
    let refused = fixture.connector.vocabulary(&looked, Lane::Read).await.unwrap_err().to_string();
    assert!(refused.contains("400 rows came") && refused.contains("`options.max_rows`"), "{refused}");
    assert_eq!(fixture.lines().len(), 4, "{:?}", fixture.lines());

    // Of names that were not all seen, none is known.
    let fixture = flooding("acc", json!({"account_id": "acc1"}), endless).await;
    let (accounts, members) = (BTreeSet::from([FieldName::from("company")]), BTreeSet::new());
    let looked = Looked { accounts: &accounts, members: &members };
    let words = fixture.connector.vocabulary(&looked, Lane::Read).await.unwrap();
    assert!(words.accounts.is_empty(), "{words:?}");
}

#[tokio::test]
async fn what_comes_at_once_is_counted_too() {
    let told = "`options.max_rows` lets rosterd read 300";
    let many = |count: usize| move |_: &Call| json_answer(200, (0..count).map(alteryx_webapi::user).collect());
    for (count, complete) in [(MAX, true), (MAX + 1, false)] {
        let fixture = flooding("alteryx-webapi", json!({}), many(count)).await;
        let coverage = fixture.connector.accounts(Lane::Read).await.unwrap().coverage;
        assert_eq!((coverage.is_complete(), format!("{coverage:?}").contains(told)), (complete, !complete), "{count}");

        let members: Vec<_> = (0..count).map(|n| json!({"value": format!("u{n}")})).collect();
        let group = json!({"id": "g1", "displayName": "G", "members": members});
        let fixture = flooding("scim", json!({}), move |_| json_answer(200, group.clone())).await;
        let coverage = fixture.connector.members("g1", Lane::Read).await.unwrap().coverage;
        assert_eq!((coverage.is_complete(), format!("{coverage:?}").contains(told)), (complete, !complete), "{count}");

        let teams = json!({"data": rows(0, count)});
        let fixture = flooding("autodesk", json!({}), move |_| json_answer(200, teams.clone())).await;
        let coverage = fixture.connector.memberships("u1", Lane::Read).await.unwrap().coverage;
        assert_eq!((coverage.is_complete(), format!("{coverage:?}").contains(told)), (complete, !complete), "{count}");
    }
}

#[tokio::test]
async fn pages_that_are_empty_and_lead_on_end_the_list() {
    let fixture = flooding("workiva", json!({}), |call| {
        let from = call.query.get("pageToken").map_or(0, |token| token.parse::<u64>().unwrap());
        json_answer(200, json!({"data": [], "nextPageToken": (from + 1).to_string()}))
    });
    let fixture = fixture.await;
    let coverage = fixture.connector.accounts(Lane::Read).await.unwrap().coverage;
    assert!(format!("{coverage:?}").contains("10 empty pages in a row promise more"), "{coverage:?}");
}

#[tokio::test]
async fn what_an_earlier_run_saw_is_what_a_list_may_grow_from() {
    let fixture = Fixture::with(Registry::default(), "scim", endless).await;
    fixture.connector.recall_accounts(3_400);
    let listing = fixture.connector.accounts(Lane::Read).await.unwrap();
    let told = "10,300 rows came, and rosterd reads 10,200 (3,400 came when the list was last complete); set `options.max_rows`";
    assert!(format!("{:?}", listing.coverage).contains(told), "{:?}", listing.coverage);
    assert_eq!(fixture.lines().len(), 103);
}

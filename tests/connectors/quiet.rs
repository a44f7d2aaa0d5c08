//! What a cycle in which nothing changes costs, for 1,000 accounts and one declared group: the least that each API allows.

use std::time::Duration;

use rosterd::{
    connectors::Registry,
    model::{DesiredApp, Rate},
};
use serde_json::{Value, json};

use crate::{
    alteryx, alteryx_webapi, group, observed,
    support::{Answer, Call, Fixture, json_answer, status_answer},
    workiva,
};

const ACCOUNTS: usize = 1000;

/// Observes once; checks the requests, told apart by what they are for.
async fn check(
    connector: &str,
    options: Value,
    managed: &[&str],
    play: impl Fn(&Call) -> Answer + Send + Sync + 'static,
    expected: &[(&str, usize)],
) {
    let manage = |app: &mut DesiredApp| {
        app.managed.extend(managed.iter().map(|field| (*field).into()));
        // What is counted here takes no time.
        app.budget.requests = Some(Rate { requests: 1_000_000, per: Duration::from_secs(1) });
    };
    let fixture = Fixture::wired(Registry::default(), connector, &options, manage, play).await;
    let live = observed(&fixture, &[group("Team", None)]).await;
    assert_eq!(live.accounts.len(), ACCOUNTS);
    assert!(live.accounts_coverage.is_complete() && live.groups_coverage.is_complete());
    assert!(live.groups[0].coverage.is_complete() && live.unread_accounts.is_empty() && live.notices.is_empty());
    let lines = fixture.lines();
    let total: usize = expected.iter().map(|(_, count)| count).sum();
    for (what, count) in expected {
        let seen = lines.iter().filter(|line| line.split(['?', ' ']).nth(1).is_some_and(|path| is(path, what))).count();
        assert_eq!(seen, *count, "{connector}: {what}");
    }
    assert_eq!(lines.len(), total, "{connector}: nothing else is sent");
    assert_eq!(live.requests, total as u64);
    println!("{connector}, managing {managed:?}: {total} requests for {ACCOUNTS} accounts");
}

/// Whether a path is what a pattern says; `*` stands for one segment.
fn is(path: &str, pattern: &str) -> bool {
    let (path, pattern): (Vec<_>, Vec<_>) = (path.split('/').collect(), pattern.split('/').collect());
    path.len() == pattern.len() && path.iter().zip(&pattern).all(|(part, wanted)| *wanted == "*" || part == wanted)
}

fn ids(prefix: &str) -> Vec<String> {
    (0..50).map(|n| format!("{prefix}{n}")).collect()
}

#[tokio::test]
async fn alteryx_takes_its_pages_the_groups_and_one_detail_for_each_declared_group() {
    let users: Vec<_> = (0..ACCOUNTS).map(alteryx::user).collect();
    let play = move |call: &Call| match call.path.as_str() {
        "/api/v3/users" => alteryx::page(call, &users),
        "/api/v3/usergroups" => json_answer(200, json!({"userGroups": [{"id": "g1", "name": "Team"}], "count": 1})),
        "/api/v3/usergroups/g1" => json_answer(200, json!({"id": "g1", "name": "Team", "memberIds": ids("u")})),
        _ => status_answer(500),
    };
    let expected = [
        ("/oauth2/token", 1),
        // Ten full pages, and one more: only an empty or a short page is the last.
        ("/api/v3/users", 11),
        ("/api/v3/usergroups", 1),
        ("/api/v3/usergroups/*", 1),
    ];
    check("alteryx", Value::Null, &["role", "given_name"], play, &expected).await;
}

#[tokio::test]
async fn alteryx_webapi_takes_one_answer_for_everyone() {
    let users: Vec<_> = (0..ACCOUNTS).map(alteryx_webapi::user).collect();
    let play = move |call: &Call| match call.path.as_str() {
        "/webapi/v3/users" => json_answer(200, users.clone().into()),
        "/webapi/v3/usergroups" => json_answer(200, json!([{"id": "g1", "name": "Team"}])),
        "/webapi/v3/usergroups/g1" => json_answer(200, json!({"id": "g1", "name": "Team", "memberIds": ids("u")})),
        _ => status_answer(500),
    };
    let expected = [
        ("/webapi/oauth2/token", 1),
        ("/webapi/v3/users", 1),
        ("/webapi/v3/usergroups", 1),
        ("/webapi/v3/usergroups/*", 1),
    ];
    check("alteryx-webapi", Value::Null, &["role", "time_zone"], play, &expected).await;
}

fn workspace(call: &Call) -> Answer {
    let path = call.path.strip_prefix("/platform/v1").unwrap_or_default();
    match path {
        "/users" => workiva::page(call, &(0..ACCOUNTS).map(workiva::row).collect::<Vec<_>>()),
        "/roles" => workiva::page(call, &[json!({"id": "r1", "name": "Owner"})]),
        "/groups" => workiva::page(call, &[json!({"id": "g1", "name": "Team", "memberCount": 50})]),
        "/groups/g1/members" => {
            let member = |id: String| json!({"userId": id});
            workiva::page(call, &ids("usr_").into_iter().map(member).collect::<Vec<_>>())
        }
        one => match one.strip_prefix("/users/usr_").and_then(|n| n.parse().ok()) {
            Some(n) => json_answer(200, workiva::full(n, json!(["r1"]))),
            None => status_answer(500),
        },
    }
}

#[tokio::test]
async fn workiva_takes_its_pages_and_the_members_of_each_declared_group() {
    let expected = [
        ("/iam/v1/oauth2/token", 1),
        ("/platform/v1/users", 10),
        ("/platform/v1/groups", 1),
        ("/platform/v1/groups/*/members", 1),
    ];
    check("workiva", Value::Null, &["given_name"], workspace, &expected).await;
}

#[tokio::test]
async fn workiva_reads_single_users_and_its_roles_only_where_roles_matter() {
    let expected = [
        ("/iam/v1/oauth2/token", 1),
        ("/platform/v1/users", 10),
        // The list shows no roles.
        ("/platform/v1/users/*", ACCOUNTS),
        ("/platform/v1/roles", 1),
        ("/platform/v1/groups", 1),
        ("/platform/v1/groups/*/members", 1),
    ];
    check("workiva", Value::Null, &["roles"], workspace, &expected).await;
    check("workiva", json!({"admin_roles": ["Owner"]}), &[], workspace, &expected).await;
}

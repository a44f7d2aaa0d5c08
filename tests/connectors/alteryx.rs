//! Alteryx Server as its guide describes it, and servers that do otherwise.

use rosterd::{
    connectors::{ErrorKind, Joiner, Lane, Registry, Write},
    model::{AccountStatus, Coverage, Email, FieldValue, Values},
};
use serde_json::{Value, json};

use crate::{
    WRITE, group, incomplete, list, observed,
    support::{Answer, Call, Fixture, json_answer, status_answer},
    values,
};

pub(crate) fn user(n: usize) -> Value {
    json!({"id": format!("u{n}"), "email": format!("p{n}@x.example"), "firstName": "Jo", "lastName": format!("N{n}"),
           "role": "Member", "isActive": true, "timeZone": "Europe/Berlin", "canScheduleJobs": true,
           "dateAdded": "2025-01-02T03:04:05Z", "dateUpdated": "2025-01-02T03:04:05Z"})
}

/// The page of `users` that is asked for, as the guide shows it.
pub(crate) fn page(call: &Call, users: &[Value]) -> Answer {
    let (number, size) = (call.number("page"), call.number("pageSize"));
    let rows: Vec<_> = users.iter().skip((number - 1) * size).take(size).cloned().collect();
    json_answer(200, json!({"users": rows, "count": rows.len()}))
}

async fn alteryx(play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    Fixture::with(Registry::default(), "alteryx", play).await
}

fn users(count: usize) -> Vec<Value> {
    (0..count).map(user).collect()
}

#[tokio::test]
async fn pages_are_read_until_a_short_one_whatever_the_count_says() {
    let all = users(250);
    let fixture = alteryx(move |call| page(call, &all)).await;
    assert_eq!(list(&fixture).await, (250, Coverage::Complete));
    assert_eq!(fixture.lines().len(), 1 + 3);
    assert_eq!(fixture.lines()[1], "GET /api/v3/users?page=1&pageSize=100");
}

#[tokio::test]
async fn a_server_that_sends_smaller_pages_than_asked_for_loses_nobody() {
    // It ignores `pageSize`, and its count is no help.
    let all = users(60);
    let by_25 = move |call: &Call| {
        let rows: Vec<_> = all.iter().skip((call.number("page") - 1) * 25).take(25).cloned().collect();
        json_answer(200, json!({"users": rows, "count": rows.len()}))
    };
    assert_eq!(list(&alteryx(by_25).await).await, (60, Coverage::Complete));
    // It has a limit of its own, and its count is the total.
    let all = users(60);
    let by_40 = move |call: &Call| {
        let rows: Vec<_> = all.iter().skip((call.number("page") - 1) * 40).take(40).cloned().collect();
        json_answer(200, json!({"users": rows, "count": 60}))
    };
    assert_eq!(list(&alteryx(by_40).await).await, (60, Coverage::Complete));
}

#[tokio::test]
async fn a_server_that_ignores_the_page_is_read_twice_and_not_believed() {
    let all = users(100);
    let fixture = alteryx(move |_| json_answer(200, json!({"users": all, "count": 100}))).await;
    let (seen, coverage) = list(&fixture).await;
    assert_eq!((seen, fixture.lines().len()), (100, 1 + 2));
    assert_eq!(incomplete(coverage), "GET /users: page 2 repeats rows that came before and has no others");
}

#[tokio::test]
async fn a_replacement_keeps_what_nobody_here_knows() {
    let fixture = alteryx(|call| match call.method.as_str() {
        "GET" => json_answer(200, user(1)),
        "PUT" => {
            let mut whole = user(1);
            whole.as_object_mut().unwrap().extend(call.body.as_object().unwrap().clone());
            json_answer(200, whole)
        }
        _ => status_answer(500),
    })
    .await;
    let update = Write::UpdateAccount { id: "u1".into(), values: values(&[("role", "Creator")]), email: None };
    assert!(fixture.connector.write(&update, WRITE).await.unwrap().proven);
    let mut kept = user(1);
    kept["role"] = json!("Creator");
    for gone in ["id", "dateAdded", "dateUpdated"] {
        kept.as_object_mut().unwrap().remove(gone);
    }
    assert_eq!(fixture.bodies(), [kept]);
    // Read right before; the answer carries everything, so that no look after it is needed.
    assert_eq!(fixture.lines()[1..], ["GET /api/v3/users/u1", "PUT /api/v3/users/u1"]);
}

#[tokio::test]
async fn after_a_replacement_whose_answer_says_little_the_user_is_looked_at() {
    for (after, proven) in [("Creator", true), ("Member", false)] {
        let written = std::sync::atomic::AtomicBool::new(false);
        let fixture = alteryx(move |call| {
            let was_written = written.swap(call.method == "PUT", std::sync::atomic::Ordering::SeqCst);
            let mut shown = user(1);
            if was_written {
                shown["role"] = json!(after);
            }
            json_answer(200, if call.method == "PUT" { json!({}) } else { shown })
        })
        .await;
        let update = Write::UpdateAccount { id: "u1".into(), values: values(&[("role", "Creator")]), email: None };
        assert_eq!(fixture.connector.write(&update, WRITE).await.unwrap().proven, proven);
        let lines = fixture.lines();
        assert_eq!(lines[1..], ["GET /api/v3/users/u1", "PUT /api/v3/users/u1", "GET /api/v3/users/u1"]);
    }
}

#[tokio::test]
async fn a_user_whom_somebody_just_made_inactive_is_not_sent_back_as_a_whole() {
    let mut shown = user(1);
    shown["isActive"] = json!(false);
    let fixture = alteryx(move |_| json_answer(200, shown.clone())).await;
    let update = Write::UpdateAccount { id: "u1".into(), values: values(&[("role", "Creator")]), email: None };
    let error = fixture.connector.write(&update, WRITE).await.unwrap_err();
    assert!(error.to_string().contains("the account is inactive at this moment"), "{error}");
    assert_eq!(fixture.lines()[1..], ["GET /api/v3/users/u1"]);
}

#[tokio::test]
async fn deactivating_and_reactivating_replace_the_user_and_delete_nothing() {
    let fixture =
        alteryx(|call| json_answer(200, if call.method == "PUT" { call.body.clone() } else { user(1) })).await;
    for (write, active) in
        [(Write::Deactivate { id: "u1".into() }, false), (Write::Reactivate { id: "u1".into() }, true)]
    {
        assert!(fixture.connector.write(&write, WRITE).await.unwrap().proven);
        let sent = fixture.bodies().pop().unwrap();
        assert_eq!((&sent["isActive"], &sent["timeZone"]), (&json!(active), &json!("Europe/Berlin")));
    }
    assert!(!fixture.lines().iter().any(|line| line.starts_with("DELETE")));
    let delete = fixture.connector.write(&Write::DeleteAccount { id: "u1".into() }, WRITE).await;
    assert_eq!(delete.unwrap_err().kind, ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_server_that_hides_inactive_users_leaves_their_reactivation_to_a_person() {
    let fixture = alteryx(|_| status_answer(404)).await;
    let kind = async |write: Write| fixture.connector.write(&write, WRITE).await.unwrap_err().kind;
    assert_eq!(kind(Write::Reactivate { id: "u1".into() }).await, ErrorKind::Unsupported);
    assert_eq!(kind(Write::Deactivate { id: "u1".into() }).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_search_may_find_too_much_and_tell_too_little() {
    let fixture = alteryx(|call| match call.path.as_str() {
        "/api/v3/users" => {
            let row = |n: usize, email: &str| json!({"id": format!("u{n}"), "email": email, "role": "Viewer"});
            let rows = [row(1, "xp7@x.example"), row(7, "P7@x.example"), row(8, "p7@x.example.org")];
            json_answer(200, json!({"users": rows, "count": 3}))
        }
        "/api/v3/users/u7" => {
            let mut inactive = user(7);
            inactive["isActive"] = json!(false);
            json_answer(200, inactive)
        }
        _ => status_answer(404),
    })
    .await;
    let found = fixture.connector.find(&Email::lenient("p7@x.example"), Lane::Read).await.unwrap();
    assert_eq!(found.coverage, Coverage::Complete);
    let [account] = &found.rows[..] else { panic!("{found:?}") };
    assert_eq!((&*account.id, &account.status), ("u7", &AccountStatus::Inactive));
    assert_eq!(
        fixture.lines()[1..],
        ["GET /api/v3/users?search=p7%40x.example&page=1&pageSize=100", "GET /api/v3/users/u7"]
    );
}

#[tokio::test]
async fn an_address_that_is_taken_is_a_duplicate_under_each_status_in_use() {
    for status in [400, 409, 422] {
        let fixture = alteryx(move |_| json_answer(status, json!({"message": "email is taken"}))).await;
        let create = Write::CreateAccount { email: Email::lenient("a@x.example"), values: Values::new() };
        assert_eq!(fixture.connector.write(&create, WRITE).await.unwrap_err().kind, ErrorKind::Duplicate);
    }
}

#[tokio::test]
async fn members_come_out_of_the_groups_detail() {
    let fixture = alteryx(|call| match call.path.as_str() {
        "/api/v3/users" => page(call, &users(3)),
        "/api/v3/usergroups" => {
            json_answer(200, json!({"userGroups": [{"id": "g1", "name": "Analysts", "role": "Creator"}], "count": 1}))
        }
        "/api/v3/usergroups/g1" => {
            json_answer(200, json!({"id": "g1", "name": "Analysts", "role": "Creator", "memberIds": ["u2", "u0"]}))
        }
        _ => status_answer(404),
    })
    .await;
    let live = observed(&fixture, &[group("Analysts", None)]).await;
    let members: Vec<&str> = live.groups[0].members.iter().map(|member| &*member.account).collect();
    assert_eq!((members, live.groups[0].coverage.is_complete()), (vec!["u0", "u2"], true));
    assert_eq!(live.groups[0].values["role"], Some(FieldValue::from("Creator")));
}

#[tokio::test]
async fn where_a_server_cannot_show_or_remove_members_it_is_said_and_left_to_a_person() {
    for status in [404, 405] {
        let fixture = alteryx(move |call| match call.path.as_str() {
            "/api/v3/users" => page(call, &users(3)),
            "/api/v3/usergroups" => {
                json_answer(200, json!({"userGroups": [{"id": "g1", "name": "Analysts"}], "count": 1}))
            }
            _ if call.method == "POST" => json_answer(200, json!({})),
            _ => status_answer(status),
        })
        .await;
        let live = observed(&fixture, &[group("Analysts", None)]).await;
        let why = incomplete(live.groups[0].coverage.clone());
        let said =
            format!("demo: GET /usergroups/g1 answered {status}: {{}} (not every version of the app has this call)");
        assert_eq!(why, said);
        let remove = Write::RemoveMember { group: "g1".into(), account: "u1".into() };
        assert_eq!(fixture.connector.write(&remove, WRITE).await.unwrap_err().kind, ErrorKind::Unsupported);
        let who = Joiner::known("u1", Email::lenient("p1@x.example"));
        let add = Write::AddMember { group: "g1".into(), who, values: Values::new() };
        assert!(!fixture.connector.write(&add, WRITE).await.unwrap().proven);
        assert_eq!(fixture.bodies(), [json!({"userId": "u1"})]);
    }
}

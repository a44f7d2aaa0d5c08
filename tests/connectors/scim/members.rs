//! Groups and their members.

use std::sync::atomic::{AtomicBool, Ordering};

use rosterd::connectors::{ErrorKind, Joiner};

use super::*;
use crate::support::status_answer;

fn add(who: &str) -> Write {
    Write::AddMember {
        group: "g1".into(),
        who: Joiner::known(who, Email::lenient(&format!("{who}@x.example"))),
        values: Values::new(),
    }
}

fn remove(who: &str) -> Write {
    Write::RemoveMember { group: "g1".into(), account: who.into() }
}

async fn members(fixture: &Fixture) -> (Vec<String>, Coverage) {
    let listing = fixture.connector.members("g1", Lane::Read).await.unwrap();
    (listing.rows.iter().map(|member| member.account.to_string()).collect(), listing.coverage)
}

fn group(members: &[&str]) -> Kept {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id, "display": id})).collect();
    Kept::new(json!({"id": "g1", "displayName": "A", "externalId": "x", "members": members, "custom": [1]}))
}

/// A server with one group, which follows the standard but for what `how` answers itself.
async fn one_group(
    options: Value,
    kept: &Kept,
    how: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static,
) -> Fixture {
    let kept = kept.clone();
    scim(options, move |call| {
        if let Some(answer) = how(call) {
            return answer;
        }
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/Groups/g1") => json_answer(200, kept.show()),
            _ if !kept.matches(call) => refused(412, ""),
            ("PUT", "/Groups/g1") => {
                kept.change(|group| *group = call.body.clone());
                json_answer(200, kept.show())
            }
            ("PATCH", "/Groups/g1") => {
                for operation in call.body["Operations"].as_array().unwrap() {
                    kept.change(|group| strict(group, operation));
                }
                Answer::Text(204, "")
            }
            _ => status_answer(404),
        }
    })
    .await
}

/// An operation on members by the letter of the standard: a removal without a filter removes all.
fn strict(group: &mut Value, operation: &Value) {
    let members = group["members"].as_array_mut().unwrap();
    match (operation["op"].as_str().unwrap(), operation["path"].as_str().unwrap()) {
        ("add" | "Add", _) => members.extend(operation["value"].as_array().unwrap().clone()),
        (_, "members") => members.clear(),
        (_, path) => {
            let id = path.strip_prefix("members[value eq \"").unwrap().strip_suffix("\"]").unwrap();
            members.retain(|member| member["value"] != id);
        }
    }
}

fn ids(kept: &Kept) -> Vec<String> {
    kept.show()["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn members_are_added_and_removed_together_and_each_by_name() {
    let kept = group(&["u1", "u2", "u3"]);
    let fixture = one_group(json!({}), &kept, |_| None).await;
    let added = fixture.connector.write_together(&[add("u4"), add("u5")], WRITE).await.unwrap();
    assert_eq!(added.len(), 2);
    fixture.connector.write_together(&[remove("u1"), remove("u3")], Lane::Removal).await.unwrap();
    assert_eq!(ids(&kept), ["u2", "u4", "u5"]);
    assert_eq!(
        fixture.bodies().iter().map(|body| body["Operations"].clone()).collect::<Vec<_>>(),
        [
            json!([{"op": "add", "path": "members", "value": [{"value": "u4"}, {"value": "u5"}]}]),
            json!([
                {"op": "remove", "path": "members[value eq \"u1\"]"},
                {"op": "remove", "path": "members[value eq \"u3\"]"},
            ]),
        ]
    );
}

#[tokio::test]
async fn an_answer_that_shows_the_members_proves_additions_and_never_removals() {
    let shows = |call: &Call| {
        let group = || json_answer(200, json!({"id": "g1", "members": [{"value": "u1"}]}));
        (call.method == "PATCH").then(group)
    };
    let fixture = one_group(json!({}), &group(&[]), shows).await;
    assert!(write(&fixture, add("u1")).await.unwrap().proven);
    assert!(!write(&fixture, add("u2")).await.unwrap().proven);
    assert!(!write(&fixture, remove("u2")).await.unwrap().proven);
}

#[tokio::test]
async fn members_that_are_not_shown_are_asked_for_by_name() {
    let on_request = |members: Option<Value>| {
        move |call: &Call| {
            let asked = call.query.get("attributes").is_some_and(|names| names.contains("members"));
            let mut group = json!({"id": "g1", "displayName": "A"});
            if let (true, Some(members)) = (asked, &members) {
                group["members"] = members.clone();
            }
            Some(json_answer(200, group))
        }
    };
    let fixture = one_group(json!({}), &group(&[]), on_request(Some(json!([{"value": "u1"}])))).await;
    for _ in 0..2 {
        assert_eq!(members(&fixture).await, (vec!["u1".into()], Coverage::Complete));
    }
    let asked = "GET /Groups/g1?attributes=displayName%2Cmembers";
    assert_eq!(lines(&fixture), ["GET /Groups/g1", asked, asked]);
    // Asked for by name and still not there is the protocol's way to say that there are none, and what a server does that
    // never shows any.
    let fixture = one_group(json!({}), &group(&[]), on_request(None)).await;
    let (rows, coverage) = members(&fixture).await;
    assert!(rows.is_empty() && matches!(coverage, Coverage::Believed(_)), "{coverage:?}");
    let fixture = one_group(json!({"omits_empty_members": true}), &group(&[]), on_request(None)).await;
    assert_eq!(members(&fixture).await, (vec![], Coverage::Complete));
}

#[tokio::test]
async fn a_group_that_hides_members_is_seen_through_its_users_and_never_called_complete() {
    let with_group = |n| {
        let mut user = user(n);
        user["groups"] = json!([{"value": "g1", "type": "direct"}]);
        user
    };
    let users = [with_group(1), with_group(2), user(3)];
    let lists = move |call: &Call| match call.path.as_str() {
        "/Users" => Some(list(&users)),
        "/Users/u2" => Some(json_answer(200, users[1].clone())),
        "/Users/u3" => Some(json_answer(200, json!({"id": "u3", "userName": "p3@x.example", "groups": []}))),
        _ => None,
    };
    let kept = group(&["u1"]);
    let fixture = one_group(json!({"patch": false}), &kept, lists.clone()).await;
    fixture.connector.accounts(Lane::Read).await.unwrap();
    let (seen, coverage) = members(&fixture).await;
    assert_eq!(seen, ["u1", "u2"]);
    insta::assert_snapshot!(crate::incomplete(coverage), @"GET /Groups/g1: members shown: 1; users who say that they are in the group too: 1, such as u2; if they are wrong, set `options.check_members: false`");
    // One membership is asked for where it shows.
    for (who, rows) in [("u2", 1), ("u3", 0)] {
        let who = Joiner::known(who, Email::lenient("x"));
        let listing = fixture.connector.member("g1", &who, Lane::Read).await.unwrap();
        assert_eq!((listing.rows.len(), listing.coverage), (rows, Coverage::Complete));
    }
    // Writing it whole would drop those who do not show.
    let error = write(&fixture, add("u3")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert_eq!(ids(&kept), ["u1"]);

    let fixture = one_group(json!({"check_members": false}), &kept, lists).await;
    fixture.connector.accounts(Lane::Read).await.unwrap();
    assert_eq!(members(&fixture).await, (vec!["u1".into()], Coverage::Complete));
}

#[tokio::test]
async fn what_users_said_before_a_write_is_not_held_against_it() {
    let listed = {
        let mut user = user(1);
        user["groups"] = json!([{"value": "g1"}]);
        move |call: &Call| (call.path == "/Users").then(|| list(&[user.clone()]))
    };
    let fixture = one_group(json!({}), &group(&["u1"]), listed).await;
    fixture.connector.accounts(Lane::Read).await.unwrap();
    write(&fixture, remove("u1")).await.unwrap();
    assert_eq!(members(&fixture).await, (vec![], Coverage::Complete));
}

#[tokio::test]
async fn groups_in_groups_are_no_members_and_are_told() {
    let kept = group(&["u1"]);
    kept.change(|group| {
        let members = group["members"].as_array_mut().unwrap();
        members.push(json!({"value": "g2", "type": "Group"}));
        members.push(json!({"value": "g3", "$ref": "https://x/v2/Groups/g3"}));
    });
    let fixture = one_group(json!({}), &kept, |_| None).await;
    assert_eq!(members(&fixture).await, (vec!["u1".into()], Coverage::Complete));
    let notices: Vec<_> = fixture.connector.notices().into_iter().map(|notice| notice.message).collect();
    assert_eq!(notices, ["A contains 2 groups; whoever is in it only through them is not counted as a member"]);
}

#[tokio::test]
async fn without_patch_the_whole_group_is_written_with_everything_kept() {
    let kept = group(&["u1"]);
    let no_patch = |call: &Call| (call.method == "PATCH").then(|| status_answer(501));
    let fixture = one_group(json!({}), &kept, no_patch).await;
    assert!(write(&fixture, add("u2")).await.unwrap().proven);
    let mut after = kept.show();
    assert_eq!((&after["custom"], &after["externalId"]), (&json!([1]), &json!("x")));
    assert_eq!(after["members"].take(), json!([{"value": "u1", "display": "u1"}, {"value": "u2"}]));
    write(&fixture, remove("u1")).await.unwrap();
    assert_eq!(ids(&kept), ["u2"]);
}

#[tokio::test]
async fn a_whole_group_is_not_written_where_no_group_ever_showed_a_member() {
    let silent = |call: &Call| match call.method.as_str() {
        "PATCH" => Some(status_answer(501)),
        "GET" => Some(json_answer(200, json!({"id": "g1", "displayName": "G", "schemas": []}))),
        _ => None,
    };
    let kept = group(&["u1"]);
    let fixture = one_group(json!({}), &kept, silent).await;
    let error = write(&fixture, add("u2")).await.unwrap_err();
    assert_eq!((error.kind, ids(&kept)), (ErrorKind::Unsupported, vec!["u1".to_owned()]));
    assert!(error.to_string().contains("omits_empty_members"), "{error}");
    // Who runs the server may know that it leaves out empty lists.
    let fixture = one_group(json!({"omits_empty_members": true}), &kept, silent).await;
    write(&fixture, add("u2")).await.unwrap();
    assert_eq!(ids(&kept), ["u2"]);
}

#[tokio::test]
async fn without_patch_and_put_members_are_left_to_a_person() {
    let no_patch = |call: &Call| (call.method == "PATCH").then(|| status_answer(405));
    let fixture = one_group(json!({"put_groups": false}), &group(&["u1"]), no_patch).await;
    for attempt in [add("u2"), remove("u1")] {
        assert_eq!(write(&fixture, attempt).await.unwrap_err().kind, ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn a_removal_that_emptied_the_group_is_undone_and_told() {
    let kept = group(&["u1", "u2", "u3"]);
    let fixture = one_group(json!({"member_removal": "value", "batch": 1}), &kept, |_| None).await;
    let error = write(&fixture, remove("u1")).await.unwrap_err();
    insta::assert_snapshot!(error, @"demo: PATCH /Groups/g1: the server took 2 others out of the group as well, because it ignores values in removals; they were put back (set `options.member_removal: filtered`)");
    assert_eq!(ids(&kept), ["u2", "u3"]);
    assert_eq!(fixture.connector.notices().len(), 1);
    // What was seen once is not tried again.
    let sent = fixture.calls().len();
    assert_eq!(write(&fixture, remove("u2")).await.unwrap_err().kind, ErrorKind::Refused);
    assert_eq!((fixture.calls().len(), ids(&kept)), (sent, vec!["u2".into(), "u3".into()]));
}

#[tokio::test]
async fn a_removal_whose_effect_cannot_be_seen_puts_everyone_else_back() {
    let kept = group(&["u1", "u2", "u3"]);
    let removed = Arc::new(AtomicBool::new(false));
    let unreadable = move |call: &Call| match call.method.as_str() {
        "PATCH" if call.body["Operations"][0]["op"] == "remove" => {
            removed.store(true, Ordering::Relaxed);
            None
        }
        "GET" if removed.load(Ordering::Relaxed) => Some(status_answer(403)),
        _ => None,
    };
    let fixture = one_group(json!({"member_removal": "value"}), &kept, unreadable).await;
    assert!(write(&fixture, remove("u1")).await.is_err());
    assert_eq!(ids(&kept), ["u2", "u3"]);
}

#[tokio::test]
async fn a_group_that_hides_members_is_not_put_at_risk_by_a_removal_by_value() {
    let listed = {
        let mut user = user(2);
        user["groups"] = json!([{"value": "g1"}]);
        move |call: &Call| (call.path == "/Users").then(|| list(&[user.clone()]))
    };
    let kept = group(&["u1"]);
    let fixture = one_group(json!({"member_removal": "value"}), &kept, listed).await;
    fixture.connector.accounts(Lane::Read).await.unwrap();
    members(&fixture).await;
    assert_eq!(write(&fixture, remove("u1")).await.unwrap_err().kind, ErrorKind::Refused);
    assert_eq!(ids(&kept), ["u1"]);
}

#[tokio::test]
async fn a_removal_that_is_refused_because_nobody_is_there_is_done() {
    let refuses = |call: &Call| (call.method == "PATCH").then(|| refused(400, "noTarget"));
    let fixture = one_group(json!({}), &group(&["u1"]), refuses).await;
    assert!(write(&fixture, remove("u9")).await.is_ok());
    assert_eq!(write(&fixture, remove("u1")).await.unwrap_err().kind, ErrorKind::Refused);
}

#[tokio::test]
async fn a_group_is_made_and_its_deletion_is_seen() {
    let fixture = scim(json!({}), |call| match call.method.as_str() {
        "POST" => json_answer(201, json!({"id": "g9", "displayName": call.body["displayName"]})),
        "DELETE" => Answer::Text(204, ""),
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    let written = write(&fixture, Write::CreateGroup { name: "A".into(), values: Values::new() }).await.unwrap();
    assert_eq!((written.id.as_deref(), written.proven), (Some("g9"), true));
    assert!(write(&fixture, Write::DeleteGroup { id: "g9".into() }).await.unwrap().proven);
}

//! Users: finding, making, changing and ending them.

use std::sync::atomic::{AtomicBool, Ordering};

use rosterd::connectors::ErrorKind;

use super::*;
use crate::support::status_answer;

#[tokio::test]
async fn a_filter_escapes_what_it_looks_for_and_its_rows_are_verified() {
    let fixture = scim(json!({}), |_| list(&[user(7)])).await;
    assert_eq!(found(&fixture, "P7@X.example").await, (vec!["u7".into()], Coverage::Complete));
    assert_eq!(lines(&fixture), [r#"GET /Users?filter=userName eq "P7@X.example"&count=100"#]);
    let strange = scim(json!({}), |_| list(&[])).await;
    assert_eq!(found(&strange, r#"a" or userName pr or "@x"#).await, (vec![], Coverage::Complete));
    assert!(lines(&strange)[0].contains(r#"%5C" or userName pr or %5C""#), "{:?}", lines(&strange));
}

#[tokio::test]
async fn a_filter_that_is_ignored_or_refused_is_replaced_by_the_whole_list() {
    let all: Vec<_> = (0..3).map(user).collect();
    for refusal in [None, Some(400), Some(404), Some(501)] {
        let all = all.clone();
        let fixture = scim(json!({}), move |call| match refusal {
            Some(status) if call.query.contains_key("filter") => refused(status, "invalidFilter"),
            _ => list(&all),
        });
        let fixture = fixture.await;
        assert_eq!(found(&fixture, "p1@x.example").await, (vec!["u1".into()], Coverage::Complete));
        // Once learnt, it is not tried again.
        assert_eq!(found(&fixture, "nobody@x.example").await, (vec![], Coverage::Complete));
        assert_eq!(
            lines(&fixture),
            [
                r#"GET /Users?filter=userName eq "p1@x.example"&count=100"#,
                "GET /Users?count=100",
                "GET /Users?count=100"
            ]
        );
    }
}

#[tokio::test]
async fn filters_can_travel_where_no_proxy_logs_them() {
    let fixture = scim(json!({"search": "body"}), |_| list(&[user(7)])).await;
    assert_eq!(found(&fixture, "p7@x.example").await.0, ["u7"]);
    assert_eq!(lines(&fixture), ["POST /Users/.search"]);
    let schema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
    let filter = r#"userName eq "p7@x.example""#;
    assert_eq!(fixture.bodies(), [json!({"schemas": [schema], "filter": filter, "count": 100})]);
}

#[tokio::test]
async fn a_new_user_is_proven_by_an_answer_that_shows_what_was_asked_for() {
    for (status, change, proven) in [
        (201, json!({}), true),
        (201, json!({"userName": "NEW@X.EXAMPLE", "active": "True"}), true),
        // The user was there before, and may have been for someone else.
        (200, json!({}), false),
        (202, json!({}), false),
        (201, json!({"title": null}), false),
        (201, json!({"active": false}), false),
    ] {
        let fixture = scim(json!({}), move |call| {
            let mut made = call.body.clone();
            made["id"] = json!("u9");
            made.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            json_answer(status, made)
        });
        let fixture = fixture.await;
        let create =
            Write::CreateAccount { email: Email::lenient("new@x.example"), values: values(&[("title", "Designer")]) };
        let written = write(&fixture, create).await.unwrap();
        assert_eq!((written.id.as_deref(), written.proven), (Some("u9"), proven));
        assert_eq!(headers(&fixture, "content-type"), ["application/scim+json"]);
    }
}

#[tokio::test]
async fn what_is_there_already_is_a_duplicate_however_it_is_said() {
    for answer in [refused(409, "uniqueness"), refused(400, "uniqueness"), Answer::Text(409, "<html>conflict")] {
        let fixture = scim(json!({}), move |_| answer.clone()).await;
        let create = Write::CreateAccount { email: Email::lenient("new@x.example"), values: Values::new() };
        assert_eq!(write(&fixture, create).await.unwrap_err().kind, ErrorKind::Duplicate);
    }
}

/// A server that keeps one user and speaks as `how` says.
async fn one_user(
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
            ("GET", "/ServiceProviderConfig") => json_answer(200, json!({"etag": {"supported": true}})),
            ("GET", _) => json_answer(200, kept.show()),
            _ if !kept.matches(call) => refused(412, ""),
            ("PUT", _) => {
                kept.change(|user| *user = call.body.clone());
                json_answer(200, kept.show())
            }
            ("PATCH", _) => {
                for operation in call.body["Operations"].as_array().unwrap() {
                    kept.change(|user| user[operation["path"].as_str().unwrap()] = operation["value"].clone());
                }
                json_answer(200, kept.show())
            }
            _ => status_answer(404),
        }
    })
    .await
}

/// A user with things that no connector of ours knows.
fn rich() -> Kept {
    Kept::new(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:Badge"],
        "id": "u1", "externalId": "idp-7", "userName": "p1@x.example", "active": true, "title": "Old",
        "name": {"givenName": "Jo", "middleName": "Q"}, "phoneNumbers": [{"value": "1", "primary": true}],
        "urn:example:Badge": {"number": 7, "nested": {"a": [1]}},
    }))
}

#[tokio::test]
async fn a_user_is_changed_in_part_and_the_answer_proves_it() {
    let kept = rich();
    let fixture = one_user(json!({}), &kept, |_| None).await;
    assert!(write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap().proven);
    let update = Write::UpdateAccount { id: "u1".into(), values: values(&[("title", "New")]), email: None };
    assert!(write(&fixture, update).await.unwrap().proven);
    assert_eq!(
        fixture.bodies().iter().map(|body| body["Operations"].clone()).collect::<Vec<_>>(),
        [
            json!([{"op": "replace", "path": "active", "value": false}]),
            json!([{"op": "replace", "path": "title", "value": "New"}]),
        ]
    );
    // What the server can do is asked once.
    assert_eq!(lines(&fixture), ["GET /ServiceProviderConfig", "PATCH /Users/u1", "PATCH /Users/u1"]);
}

#[tokio::test]
async fn an_empty_answer_to_a_change_proves_nothing() {
    for status in [200, 202, 204] {
        let empty = move |call: &Call| (call.method == "PATCH").then_some(Answer::Text(status, ""));
        let fixture = one_user(json!({}), &rich(), empty).await;
        assert!(!write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap().proven);
    }
}

#[tokio::test]
async fn without_patch_the_whole_user_is_written_with_everything_kept() {
    for (options, refuses) in [(json!({"patch": false}), None), (json!({}), Some(405)), (json!({}), Some(501))] {
        let kept = rich();
        let before = kept.show();
        let patch = move |call: &Call| refuses.filter(|_| call.method == "PATCH").map(status_answer);
        let fixture = one_user(options, &kept, patch).await;
        assert!(write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap().proven);
        let mut after = before;
        after["active"] = json!(false);
        assert_eq!(fixture.bodies().last(), Some(&after));
        // Learnt once.
        write(&fixture, Write::Reactivate { id: "u1".into() }).await.unwrap();
        let patches = lines(&fixture).iter().filter(|line| line.starts_with("PATCH")).count();
        assert_eq!(patches, usize::from(refuses.is_some()));
    }
}

#[tokio::test]
async fn a_user_whom_somebody_just_made_inactive_is_not_sent_back_as_a_whole() {
    let title = || Write::UpdateAccount { id: "u1".into(), values: values(&[("title", "New")]), email: None };
    let inactive = |kept: &Kept| kept.change(|user| user["active"] = json!(false));
    let refused = |error: Error| {
        let expect = "demo: PUT /Users/u1: the account is inactive at this moment, and replacing it would make it so; \
                      nothing was sent";
        assert_eq!((error.kind, &*error.to_string()), (ErrorKind::Server, expect));
    };
    let puts = |fixture: &Fixture| lines(fixture).iter().filter(|line| line.starts_with("PUT")).count();

    // Before it was read again: they may take that back before the request arrives.
    let kept = rich();
    inactive(&kept);
    let fixture = one_user(json!({"patch": false}), &kept, |_| None).await;
    refused(write(&fixture, title()).await.unwrap_err());
    assert_eq!(puts(&fixture), 0);
    // What is about the status itself goes ahead.
    assert!(write(&fixture, Write::Reactivate { id: "u1".into() }).await.unwrap().proven);
    assert!(write(&fixture, title()).await.unwrap().proven);

    // After it was read: the version shows it, and the second look does.
    let kept = rich();
    let meddler = kept.clone();
    let once = AtomicBool::new(true);
    let meddle = move |call: &Call| {
        if call.method == "PUT" && once.swap(false, Ordering::SeqCst) {
            inactive(&meddler);
        }
        None
    };
    let fixture = one_user(json!({"patch": false}), &kept, meddle).await;
    refused(write(&fixture, title()).await.unwrap_err());
    assert_eq!(puts(&fixture), 1);
    assert_eq!((kept.show()["active"].clone(), kept.show()["title"].clone()), (json!(false), json!("Old")));
}

#[tokio::test]
async fn a_server_that_says_it_has_no_patch_is_believed_while_there_is_another_way() {
    let says = |call: &Call| {
        let config = || json_answer(200, json!({"patch": {"supported": false}}));
        (call.path == "/ServiceProviderConfig").then(config)
    };
    let fixture = one_user(json!({}), &rich(), says).await;
    write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap();
    assert_eq!(lines(&fixture), ["GET /ServiceProviderConfig", "GET /Users/u1", "PUT /Users/u1"]);
    let fixture = one_user(json!({"put_users": false}), &rich(), says).await;
    write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap();
    assert!(lines(&fixture).contains(&"PATCH /Users/u1".to_owned()));
    let fixture = one_user(json!({"patch": true}), &rich(), says).await;
    write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap();
    assert!(lines(&fixture).contains(&"PATCH /Users/u1".to_owned()));
}

#[tokio::test]
async fn discovery_that_is_broken_or_not_wanted_stops_nothing() {
    for (options, answer) in [
        (json!({}), status_answer(404)),
        (json!({}), status_answer(403)),
        (json!({}), json_answer(200, json!({"patch": "yes", "etag": 7}))),
        (json!({"discovery": false}), status_answer(404)),
    ] {
        let asked = options == json!({});
        let config = move |call: &Call| call.path.starts_with("/ServiceProviderConfig").then(|| answer.clone());
        let fixture = one_user(options, &rich(), config).await;
        assert!(write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap().proven);
        assert_eq!(lines(&fixture).iter().any(|line| line.contains("ServiceProviderConfig")), asked);
        assert_eq!(headers(&fixture, "if-match"), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_change_is_meant_for_the_version_that_was_seen_and_looks_again_once() {
    for options in [json!({}), json!({"patch": false})] {
        let kept = rich();
        let fixture = one_user(options, &kept, |_| None).await;
        fixture.connector.account("u1", Lane::Read).await.unwrap();
        // Somebody else changes the user in between.
        kept.change(|user| user["nickName"] = json!("J"));
        assert!(write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap().proven);
        assert_eq!((&kept.show()["active"], &kept.show()["nickName"]), (&json!(false), &json!("J")));
    }
    let kept = rich();
    let fixture = one_user(json!({}), &kept, |_| None).await;
    fixture.connector.account("u1", Lane::Read).await.unwrap();
    kept.change(|_| {});
    write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap();
    assert_eq!(headers(&fixture, "if-match"), [r#"W/"1""#, r#"W/"2""#]);
}

#[tokio::test]
async fn a_change_stops_when_the_account_has_changed_hands() {
    let kept = rich();
    let fixture = one_user(json!({}), &kept, |_| None).await;
    fixture.connector.account("u1", Lane::Read).await.unwrap();
    kept.change(|user| user["userName"] = json!("other@x.example"));
    let error = write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap_err();
    insta::assert_snapshot!(error, @"demo: PATCH /Users/u1 answered 412: the account belongs to other@x.example now (nothing was changed; plan again)");
    assert_eq!(kept.show()["active"], json!(true));
}

#[tokio::test]
async fn a_user_who_keeps_changing_is_left_for_the_next_run() {
    let fixture = one_user(json!({}), &rich(), |call| (call.method == "PATCH").then(|| refused(412, ""))).await;
    fixture.connector.account("u1", Lane::Read).await.unwrap();
    let error = write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Refused, Some(412)));
    assert_eq!(lines(&fixture).iter().filter(|line| line.starts_with("PATCH")).count(), 2);
}

#[tokio::test]
async fn roles_are_changed_without_losing_what_stands_beside_them() {
    let kept = rich();
    kept.change(|user| user["roles"] = json!([{"value": "admin", "display": "Boss"}, {"value": "guest"}]));
    let fixture = one_user(json!({"roles": true}), &kept, |_| None).await;
    let roles = FieldValue::Set(["admin".into(), "user".into()].into());
    let update = Write::UpdateAccount { id: "u1".into(), values: [("roles".into(), roles)].into(), email: None };
    assert!(write(&fixture, update).await.unwrap().proven);
    assert_eq!(kept.show()["roles"], json!([{"value": "admin", "display": "Boss"}, {"value": "user"}]));
}

#[tokio::test]
async fn servers_made_for_an_older_dialect_get_it() {
    let fixture = one_user(json!({"profile": "entra"}), &rich(), |_| None).await;
    assert!(write(&fixture, Write::Deactivate { id: "u1".into() }).await.unwrap().proven);
    assert_eq!(fixture.bodies()[0]["Operations"], json!([{"op": "Replace", "path": "active", "value": "False"}]));
}

#[tokio::test]
async fn a_delete_that_only_deactivates_is_told_and_left_to_a_person() {
    let kept = rich();
    let deletes = {
        let kept = kept.clone();
        move |call: &Call| {
            (call.method == "DELETE").then(|| {
                kept.change(|user| user["active"] = json!(false));
                Answer::Text(204, "")
            })
        }
    };
    let fixture = one_user(json!({}), &kept, deletes).await;
    let error = write(&fixture, Write::DeleteAccount { id: "u1".into() }).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    insta::assert_snapshot!(error, @"demo: DELETE /Users/u1 answered 204: the server made the user inactive instead of deleting it (set `options.delete_users: deactivates`)");
}

#[tokio::test]
async fn a_delete_is_proven_by_a_look_that_finds_nothing() {
    let fixture = scim(json!({}), |call| match call.method.as_str() {
        "DELETE" => Answer::Text(204, ""),
        _ => status_answer(404),
    });
    assert!(write(&fixture.await, Write::DeleteAccount { id: "u1".into() }).await.unwrap().proven);
}

#[tokio::test]
async fn an_attribute_that_cannot_be_written_is_told() {
    let fixture =
        one_user(json!({}), &rich(), |call| (call.method == "PATCH").then(|| refused(400, "mutability"))).await;
    let update = Write::UpdateAccount { id: "u1".into(), values: values(&[("title", "New")]), email: None };
    insta::assert_snapshot!(write(&fixture, update).await.unwrap_err(), @"demo: PATCH /Users/u1 answered 400: no (mutability) (the server does not let this attribute be changed: leave the field out of the files)");
}

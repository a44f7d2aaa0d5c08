//! Alteryx Server as its vendor describes it.

use rosterd::{
    connectors::{ErrorKind, Joiner, Registry, Write},
    model::{Coverage, Email, Values},
};
use serde_json::{Value, json};

use crate::{
    WRITE, list,
    support::{Answer, Call, Fixture, json_answer, status_answer},
    values,
};

pub(crate) fn user(n: usize) -> Value {
    json!({"id": format!("u{n}"), "firstName": "Jo", "lastName": format!("N{n}"), "email": format!("p{n}@x.example"),
           "role": "Artisan", "defaultWorkerTag": "", "canScheduleJobs": true, "canPrioritizeJobs": false,
           "canAssignJobs": false, "isApiEnabled": true, "defaultCredentialId": "", "isActive": true,
           "isValidated": true, "timeZone": "UTC", "customFlag": [1], "dateCreated": "2025-01-02T03:04:05Z"})
}

async fn webapi(play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    Fixture::with(Registry::default(), "alteryx-webapi", play).await
}

#[tokio::test]
async fn everyone_comes_in_one_answer_with_all_fields() {
    let fixture = webapi(|_| json_answer(200, (0..150).map(user).collect())).await;
    assert_eq!(list(&fixture).await, (150, Coverage::Complete));
    assert_eq!(fixture.lines(), ["POST /webapi/oauth2/token", "GET /webapi/v3/users?view=Full"]);
}

#[tokio::test]
async fn where_the_api_is_the_files_may_say() {
    let options = json!({"api_path": "/gallery/api/v3"});
    let play = |_: &Call| json_answer(200, json!([]));
    let fixture = Fixture::with_options(Registry::default(), "alteryx-webapi", &options, play).await;
    assert_eq!(list(&fixture).await, (0, Coverage::Complete));
    assert_eq!(fixture.lines()[1], "GET /gallery/api/v3/users?view=Full");
}

#[tokio::test]
async fn an_update_sends_the_thirteen_fields_that_are_needed_and_those_nobody_knows() {
    let fixture = webapi(|call| json_answer(200, if call.method == "PUT" { call.body.clone() } else { user(1) })).await;
    let update = Write::UpdateAccount { id: "u1".into(), values: values(&[("role", "Curator")]), email: None };
    assert!(fixture.connector.write(&update, WRITE).await.unwrap().proven);
    let mut whole = user(1);
    whole["role"] = json!("Curator");
    whole.as_object_mut().unwrap().remove("dateCreated");
    assert_eq!(fixture.bodies(), [whole]);
}

#[tokio::test]
async fn several_join_in_one_request_by_a_list_of_ids() {
    let fixture = webapi(|_| json_answer(200, json!({}))).await;
    let join = |id: &str, group: &str| Write::AddMember {
        group: group.into(),
        who: Joiner::known(id, Email::lenient("x@x.example")),
        values: Values::new(),
    };
    let done = fixture.connector.write_together(&[join("u1", "g1"), join("u2", "g1")], WRITE).await.unwrap();
    assert!(done.iter().all(|one| one.as_ref().is_ok_and(|written| !written.proven)), "one answer proves nothing");
    fixture.connector.write(&join("u3", "g1"), WRITE).await.unwrap();
    assert_eq!(fixture.bodies(), [json!(["u1", "u2"]), json!(["u3"])]);
    // What does not belong together goes alone.
    fixture.connector.write_together(&[join("u1", "g1"), join("u2", "g2")], WRITE).await.unwrap();
    assert_eq!(fixture.bodies()[2..], [json!(["u1"]), json!(["u2"])]);
    assert_eq!(fixture.lines()[1], "POST /webapi/v3/usergroups/g1/users");
}

#[tokio::test]
async fn deactivation_replaces_the_user_and_what_windows_decides_is_left_to_a_person() {
    let user = || json!({"id": "u1", "email": "u1@x.example", "isActive": true, "timeZone": "Asia/Tokyo", "note": "x"});
    let fixture = webapi(move |call| match call.method.as_str() {
        "GET" => json_answer(200, user()),
        _ => json_answer(200, call.body.clone()),
    })
    .await;
    fixture.connector.write(&Write::Deactivate { id: "u1".into() }, WRITE).await.unwrap();
    let sent = &fixture.bodies()[0];
    assert_eq!(
        (&sent["isActive"], &sent["timeZone"], &sent["note"]),
        (&json!(false), &json!("Asia/Tokyo"), &json!("x"))
    );
    let changing: Vec<String> = fixture.lines().into_iter().filter(|line| !line.starts_with("GET")).collect();
    assert_eq!(changing[1..], ["PUT /webapi/v3/users/u1"], "no call that empties the groups");
    // What deletes here deactivates elsewhere.
    assert!(fixture.connector.semantics().delete.is_none());

    let refusing = webapi(move |call| match call.method.as_str() {
        "GET" => json_answer(200, user()),
        _ => json_answer(400, json!({"message": "no"})),
    })
    .await;
    let refused = refusing.connector.write(&Write::Deactivate { id: "u1".into() }, WRITE).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_group_is_changed_without_touching_its_members() {
    let fixture = webapi(|call| {
        let group = json!({"id": "g1", "name": "Analysts", "role": "Viewer", "memberIds": ["u1"], "note": "x"});
        match call.method.as_str() {
            "GET" => json_answer(200, group),
            "PUT" => json_answer(200, call.body.clone()),
            _ => status_answer(500),
        }
    })
    .await;
    let update = Write::UpdateGroup { id: "g1".into(), values: values(&[("role", "Artisan")]) };
    assert!(fixture.connector.write(&update, WRITE).await.unwrap().proven);
    assert_eq!(fixture.bodies(), [json!({"name": "Analysts", "role": "Artisan", "note": "x"})]);
}

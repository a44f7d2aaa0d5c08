//! What the language of manifests can say beyond what the built-in ones use.

use rosterd::{
    connectors::{Lane, Registry, Write},
    model::{Coverage, FieldValue, Values},
};
use serde_json::{Value, json};

use crate::{
    WRITE, incomplete, list,
    support::{Answer, Call, Fixture, json_answer, status_answer},
    values,
};

const START: &str = r#"
name: mine
auth: { bearer: true }
accounts:
  fields: { id: id, email: email, given_name: name.first, family_name: name.last, tags: tags, company: org.id, status: on }
  status: { active: true, inactive: false }
  list: { get: /users, items: data, answers: [ { path: cut, is: [true], means: truncated } ] }
  read: { get: "/users/{account.id}" }
"#;

async fn mine(rest: &str, play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mine.yaml"), format!("{START}{rest}")).unwrap();
    let manage = |app: &mut rosterd::model::DesiredApp| app.managed.extend(["company".into()]);
    Fixture::wired(Registry::new(Some(directory.path().into())), "./mine.yaml", &Value::Null, manage, play).await
}

fn user() -> Value {
    json!({"id": "u1", "email": "jo@x.example", "name": {"first": "Jo", "last": "Doe", "title": "Dr"},
           "org": {"id": 7, "cost": "C1"}, "tags": ["a"], "on": true})
}

async fn sent(rest: &str, changes: Values) -> (Fixture, Value) {
    let fixture = mine(rest, |call| match call.path.as_str() {
        "/users/u1" if call.method == "GET" => json_answer(200, user()),
        "/companies" => json_answer(200, json!([{"key": 7, "title": "Acme"}, {"key": 8, "title": "Bolt"}])),
        _ => json_answer(200, json!({})),
    })
    .await;
    fixture
        .connector
        .write(&Write::UpdateAccount { id: "u1".into(), values: changes, email: None }, WRITE)
        .await
        .unwrap();
    let body = fixture.bodies().pop().unwrap();
    (fixture, body)
}

#[tokio::test]
async fn a_partial_update_sends_what_changes() {
    let (fixture, body) = sent("  update: { patch: \"/users/{account.id}\" }", values(&[("given_name", "Al")])).await;
    assert_eq!(body, json!({"name": {"first": "Al"}}));
    assert_eq!(fixture.lines(), ["PATCH /users/u1"]);
}

#[tokio::test]
async fn a_part_that_is_replaced_as_a_whole_is_read_first_and_only_where_it_changes() {
    let update = "  update: { patch: \"/users/{account.id}\", whole: [name, tags] }";
    let (fixture, body) = sent(update, values(&[("given_name", "Al")])).await;
    assert_eq!(body, json!({"name": {"first": "Al", "last": "Doe", "title": "Dr"}}));
    assert_eq!(fixture.lines(), ["GET /users/u1", "PATCH /users/u1"]);
    let tags = [("tags".into(), FieldValue::Set(["b".into()].into()))];
    let (fixture, body) = sent(update, tags.into()).await;
    assert_eq!((body, fixture.lines()), (json!({"tags": ["b"]}), vec!["PATCH /users/u1".to_owned()]));
}

#[tokio::test]
async fn a_json_patch_has_an_operation_for_each_field() {
    let update = "  update: { patch: \"/users/{account.id}\", style: json-patch }";
    let (fixture, body) = sent(update, values(&[("family_name", "Roe"), ("given_name", "Al")])).await;
    assert_eq!(
        body,
        json!([{"op": "replace", "path": "/name/last", "value": "Roe"},
               {"op": "replace", "path": "/name/first", "value": "Al"}])
    );
    assert_eq!(fixture.calls()[0].headers["content-type"], "application/json-patch+json");
    let add = "  update: { patch: \"/users/{account.id}\", style: json-patch, op: add }";
    let (_, body) = sent(add, values(&[("given_name", "Al")])).await;
    assert_eq!(body[0]["op"], "add");
}

#[tokio::test]
async fn any_field_can_be_looked_up_and_ids_keep_their_type() {
    let rest = "  lookup: { company: companies }\n  update: { patch: \"/users/{account.id}\" }\nlookups:\n  companies: { get: /companies, items: ., id: key, name: title }";
    let (fixture, body) = sent(rest, values(&[("company", "Bolt")])).await;
    assert_eq!(body, json!({"org": {"id": 8}}));
    let seen = fixture.connector.account("u1", Lane::Read).await.unwrap().unwrap();
    assert_eq!(seen.values["company"], Some(FieldValue::from("Acme")));
}

#[tokio::test]
async fn a_list_that_says_it_was_cut_off_is_incomplete() {
    for (cut, expected) in [(true, "GET /users: the app cut the list off: it says `cut: true`"), (false, "complete")] {
        let fixture = mine("", move |_| json_answer(200, json!({"data": [user()], "cut": cut}))).await;
        let (seen, coverage) = list(&fixture).await;
        assert_eq!((seen, incomplete(coverage).as_str()), (1, expected));
    }
}

#[tokio::test]
async fn links_that_grow_too_old_are_taken_from_the_start() {
    let page = "page: { link: links.next, size: limit, max: 1 }\nanswers: [ { status: 410, means: expired } ]";
    let old = std::sync::atomic::AtomicBool::new(true);
    let fixture = mine(page, move |call| match call.query.get("marker").map(String::as_str) {
        None => {
            json_answer(200, json!({"data": [{"id": 1, "email": "a@x.example"}], "links": {"next": "/x?marker=1"}}))
        }
        Some(_) if old.swap(false, std::sync::atomic::Ordering::SeqCst) => status_answer(410),
        Some(_) => json_answer(200, json!({"data": [{"id": 2, "email": "b@x.example"}], "links": {"next": null}})),
    })
    .await;
    assert_eq!(list(&fixture).await, (2, Coverage::Complete));
    let sweep = ["GET /users?limit=1", "GET /x?marker=1"];
    assert_eq!(fixture.lines(), [sweep, sweep].concat());
}

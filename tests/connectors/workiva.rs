//! Workiva: roles by id, tokens for pages, rows that say little.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rosterd::{
    connectors::{ErrorKind, Lane, Looked, Registry, Write},
    model::{ConnectorCatalogue, Coverage, DesiredApp, Email, FieldName, FieldValue, Options, Reach, Values},
};
use serde_json::{Value, json};

use crate::{
    WRITE, group, incomplete, list, observed,
    support::{Answer, Call, Fixture, json_answer, status_answer},
};

pub(crate) fn row(n: usize) -> Value {
    json!({"id": format!("usr_{n}"), "email": format!("p{n}@x.example"), "firstName": "Jo", "active": true})
}

pub(crate) fn full(n: usize, roles: Value) -> Value {
    let mut user = row(n);
    user["lastName"] = json!(format!("N{n}"));
    user["roles"] = roles;
    user
}

/// A page of `rows`, by tokens that carry where they lead.
pub(crate) fn page(call: &Call, rows: &[Value]) -> Answer {
    let from: usize = call.query.get("pageToken").map_or(0, |token| token.trim_start_matches("tok_").parse().unwrap());
    let shown: Vec<_> = rows.iter().skip(from).take(call.number("pageSize")).cloned().collect();
    let next = from + shown.len();
    let token = if next < rows.len() { json!(format!("tok_{next}")) } else { Value::Null };
    json_answer(200, json!({"data": shown, "nextPageToken": token}))
}

fn roles() -> Vec<Value> {
    [("r1", "Owner"), ("r2", "Editor"), ("r3", "Viewer"), ("r4", "Editor")]
        .map(|(id, name)| json!({"id": id, "name": name}))
        .to_vec()
}

/// Two people; `usr_0` holds r1 and r3, `usr_1` one of the two roles called Editor.
fn workspace(call: &Call) -> Answer {
    match (call.method.as_str(), call.path.strip_prefix("/platform/v1").unwrap_or_default()) {
        ("GET", "/users") => page(call, &[row(0), row(1)]),
        ("GET", "/users/usr_0") => json_answer(200, full(0, json!(["r1", "r3"]))),
        ("GET", "/users/usr_1") => json_answer(200, full(1, json!(["r4"]))),
        ("GET", "/roles") => page(call, &roles()),
        ("PATCH", _) => {
            let mut echo = call.body.clone();
            echo["id"] = json!("usr_0");
            echo["updatedAt"] = json!("2026-01-01T00:00:00Z");
            json_answer(200, echo)
        }
        _ => status_answer(404),
    }
}

async fn workiva(play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    Fixture::with(Registry::default(), "workiva", play).await
}

fn manages_roles(app: &mut DesiredApp) {
    app.managed.insert("roles".into());
}

async fn managing(options: Value, play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    Fixture::wired(Registry::default(), "workiva", &options, manages_roles, play).await
}

fn set(names: &[&str]) -> FieldValue {
    FieldValue::Set(names.iter().map(|name| Arc::from(*name)).collect())
}

fn with_roles(names: &[&str]) -> Values {
    [("roles".into(), set(names))].into()
}

fn asked(fixture: &Fixture, path: &str) -> usize {
    fixture.lines().iter().filter(|line| line.split('?').next() == Some(path)).count()
}

#[tokio::test]
async fn roles_are_shown_by_name_after_one_look_at_the_workspaces_roles() {
    let fixture = managing(json!({}), workspace).await;
    let live = observed(&fixture, &[]).await;
    assert_eq!(live.accounts[0].values["roles"], Some(set(&["Owner", "Viewer"])));
    // There are two called Editor, so that the id alone says which.
    assert_eq!(live.accounts[1].values["roles"], Some(set(&["r4"])));
    assert_eq!(asked(&fixture, "GET /platform/v1/roles"), 1);
    let words = &live.vocabulary.accounts["roles"];
    assert_eq!(words.known, ["Owner", "Viewer", "r2", "r4"].map(Arc::from).into());
    assert_eq!(words.ambiguous["Editor"], ["r2", "r4"].map(Arc::from));
    assert!(live.notices.is_empty());
}

#[tokio::test]
async fn where_nobody_asks_for_roles_none_are_read() {
    let fixture = workiva(|call| match call.path.as_str() {
        // Some versions show roles in the list; a name for them is still nobody's business.
        "/platform/v1/users" => page(call, &[full(0, json!(["r1"]))]),
        _ => status_answer(500),
    })
    .await;
    let live = observed(&fixture, &[]).await;
    assert!(!live.accounts[0].values.contains_key("roles"), "an id is no name");
    assert_eq!(fixture.lines().len(), 1 + 1);
}

#[tokio::test]
async fn the_files_say_which_roles_are_admins_and_a_slip_of_the_pen_is_told() {
    let options = json!({"admin_roles": ["Owner", "Ovner"]});
    let fixture = Fixture::with_options(Registry::default(), "workiva", &options, workspace).await;
    let admin = &fixture.connector.semantics().role.as_ref().unwrap().admin;
    assert_eq!(*admin, ["Owner", "Ovner"].map(Arc::from).into());
    let live = observed(&fixture, &[]).await;
    assert_eq!(live.accounts[0].values["roles"], Some(set(&["Owner", "Viewer"])), "read although nothing is managed");
    let notices: Vec<&str> = live.notices.iter().map(|notice| notice.message.as_str()).collect();
    let slip = "the admin role `Ovner` cannot be told from others, so its admins are not seen: the app has nothing of the \
                name `Ovner`";
    assert_eq!(notices, [slip]);
}

#[test]
fn an_option_of_the_wrong_kind_is_said_with_its_key() {
    let semantics = |value: Value| {
        let options: Options = [("admin_roles".into(), value)].into();
        Registry::default().semantics("workiva", &options).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(semantics(json!(["Owner"])), Ok(()));
    assert_eq!(semantics(json!("Owner")), Ok(()));
    let wrong = "`options.admin_roles` is no list of roles; write their names, such as `[Owner, Auditor]`";
    assert_eq!(semantics(json!({"Owner": true})), Err(wrong.into()));
    assert_eq!(semantics(json!([7])), Err(wrong.into()));
}

#[tokio::test]
async fn roles_are_written_whole_and_by_their_ids() {
    let fixture = workiva(workspace).await;
    let update = Write::UpdateAccount { id: "usr_0".into(), values: with_roles(&["Viewer", "r4"]), email: None };
    assert!(fixture.connector.write(&update, WRITE).await.unwrap().proven);
    assert_eq!(fixture.bodies(), [json!({"roles": ["r3", "r4"]})]);
    for (name, why) in [
        ("Editor", "`roles` cannot be sent: the app has 2 of the name `Editor`: r2, r4"),
        ("Boss", "`roles` cannot be sent: the app has nothing of the name `Boss`"),
    ] {
        let update = Write::UpdateAccount { id: "usr_0".into(), values: with_roles(&[name]), email: None };
        let error = fixture.connector.write(&update, WRITE).await.unwrap_err();
        assert_eq!((error.kind, error.detail.as_str()), (ErrorKind::Setup, why));
    }
    assert_eq!(asked(&fixture, "GET /platform/v1/roles"), 1);
    assert_eq!(asked(&fixture, "PATCH /platform/v1/users/usr_0"), 1);
}

#[tokio::test]
async fn roles_that_cannot_be_read_are_unknown_and_asked_for_once() {
    let fixture = managing(json!({}), |call| match call.path.as_str() {
        "/platform/v1/roles" => json_answer(403, json!({"message": "not yours"})),
        _ => workspace(call),
    })
    .await;
    let live = observed(&fixture, &[]).await;
    assert!(live.accounts.iter().all(|account| !account.values.contains_key("roles")));
    assert!(live.vocabulary.accounts.is_empty());
    assert!(live.notices[0].message.contains("GET /roles answered 403: not yours"), "{:?}", live.notices);
    assert_eq!(asked(&fixture, "GET /platform/v1/roles"), 1);
    let update = Write::UpdateAccount { id: "usr_0".into(), values: with_roles(&["Owner"]), email: None };
    assert_eq!(fixture.connector.write(&update, WRITE).await.unwrap_err().kind, ErrorKind::Forbidden);
}

#[tokio::test]
async fn names_are_looked_at_anew_in_every_reading() {
    let fixture = managing(json!({}), workspace).await;
    observed(&fixture, &[]).await;
    observed(&fixture, &[]).await;
    assert_eq!(asked(&fixture, "GET /platform/v1/roles"), 2);
    let accounts = ["roles".into()].into();
    let members = std::collections::BTreeSet::<FieldName>::new();
    let looked = Looked { accounts: &accounts, members: &members };
    assert_eq!(fixture.connector.vocabulary(&looked, Lane::Read).await.unwrap().accounts.len(), 1);
    assert_eq!(asked(&fixture, "GET /platform/v1/roles"), 2);
}

#[tokio::test]
async fn an_expired_page_token_starts_the_list_again() {
    let all: Vec<_> = (0..250).map(row).collect();
    let tokens = AtomicUsize::new(0);
    let fixture = workiva(move |call| {
        let old = call.query.contains_key("pageToken") && tokens.fetch_add(1, Ordering::SeqCst) == 1;
        if old { json_answer(400, json!({"code": "400InvalidPageToken"})) } else { page(call, &all) }
    })
    .await;
    assert_eq!(list(&fixture).await, (250, Coverage::Complete));
    assert_eq!(fixture.lines().len(), 1 + 3 + 3);
}

#[tokio::test]
async fn page_tokens_that_never_last_make_the_list_incomplete_and_not_endless() {
    let all: Vec<_> = (0..250).map(row).collect();
    let fixture = workiva(move |call| match call.query.get("pageToken") {
        Some(_) => json_answer(400, json!({"code": "400InvalidPageToken"})),
        None => page(call, &all),
    })
    .await;
    let (seen, coverage) = list(&fixture).await;
    assert_eq!((seen, fixture.lines().len()), (100, 1 + 6));
    assert_eq!(incomplete(coverage), "GET /users: the way to the next page was too old when it was taken");
}

#[tokio::test]
async fn another_refusal_of_a_page_is_no_expired_token() {
    let all: Vec<_> = (0..250).map(row).collect();
    let fixture = workiva(move |call| match call.query.get("pageToken") {
        Some(_) => json_answer(400, json!({"code": "400Else", "message": "no"})),
        None => page(call, &all),
    })
    .await;
    let (seen, coverage) = list(&fixture).await;
    assert_eq!((seen, fixture.lines().len()), (100, 1 + 2));
    assert_eq!(incomplete(coverage), "GET /users: demo: GET /users answered 400: no");
}

#[tokio::test]
async fn a_token_that_leads_back_is_incomplete_and_never_endless() {
    let fixture =
        workiva(|_| json_answer(200, json!({"data": (0..100).map(row).collect::<Vec<_>>(), "nextPageToken": "again"})))
            .await;
    let (seen, coverage) = list(&fixture).await;
    assert_eq!((seen, fixture.lines().len()), (100, 1 + 2));
    assert_eq!(incomplete(coverage), "GET /users: page 2 repeats rows that came before and has no others");
}

#[tokio::test]
async fn a_query_that_finds_more_is_compared_exactly() {
    let fixture = workiva(|call| page(call, &[row(11), row(1)])).await;
    let found = fixture.connector.find(&Email::lenient("P1@x.example"), Lane::Read).await.unwrap();
    assert_eq!(found.rows.iter().map(|account| &*account.id).collect::<Vec<_>>(), ["usr_1"]);
}

#[tokio::test]
async fn members_carry_their_address_and_everyones_group_is_left_alone() {
    let fixture = workiva(|call| match call.path.strip_prefix("/platform/v1").unwrap_or_default() {
        "/users" => page(call, &[row(0)]),
        "/groups" => {
            let group = |id: &str, name: &str| json!({"id": id, "name": name, "memberCount": 1});
            page(call, &[group("grp_0", "All Users"), group("grp_1", "Finance Team")])
        }
        _ => page(call, &[json!({"userId": "usr_0", "email": "p0@x.example"})]),
    })
    .await;
    let live = observed(&fixture, &[group("All Users", None), group("Finance Team", None)]).await;
    assert!(matches!(&live.groups[0].reach, Reach::ReadOnly(why) if why.contains("everyone")));
    assert_eq!(live.groups[1].reach, Reach::Full);
    assert_eq!(live.groups[1].members[0].email, Some(Email::lenient("p0@x.example")));
}

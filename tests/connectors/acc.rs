//! The connector of Autodesk Construction Cloud against small servers that spring one trap each.

use std::sync::Arc;

use insta::assert_snapshot;
use jiff::Timestamp;
use rosterd::{
    budget::Quota,
    connectors::{ErrorKind, Joiner, Lane, Looked, Registry, Write},
    execute::{CreatedIds, Demand, Jitter, NoJournal, Quiet, Stop, Tools, execute},
    model::{
        Action, ActionName, ActionResult, AppPlan, Coverage, DesiredGroup, Email, FieldValue, Forecast, LiveApp,
        LiveMember, MemberChange, Observed, Place, Policy, Reach, Values, Verb, Words,
    },
    observe::observe,
};
use serde_json::{Value, json};

use crate::support::{Answer, Call, Fixture, json_answer, serve, status_answer};

const WRITE: Lane = Lane::Write { unblocks: 0 };
const PROJECTS: &str = "/construction/admin/v1/accounts/acc1/projects";
const COMPANIES: &str = "/construction/admin/v1/accounts/acc1/companies";
const USERS: &str = "/hq/v1/accounts/acc1/users";
const MEMBERS: &str = "/construction/admin/v1/projects/p1/users";
const IMPORT: &str = "/construction/admin/v2/projects/p1/users:import";

async fn acc(play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    acc_with(json!({}), play).await
}

async fn acc_with(more: Value, play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    let mut options = json!({"account_id": "b.acc1", "acting_user": "boss"});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Fixture::with_options(Registry::default(), "acc", &options, play).await
}

fn page(rows: &[Value], call: &Call) -> Answer {
    let rows_here: Vec<_> = rows.iter().skip(call.number("offset")).take(call.number("limit").min(200)).collect();
    let pagination = json!({"limit": 200, "offset": call.number("offset"), "totalResults": rows.len(),
                            "nextUrl": "https://resource?limit=20&offset=30"});
    json_answer(200, json!({"pagination": pagination, "results": rows_here}))
}

fn array(rows: &[Value], call: &Call) -> Answer {
    json_answer(200, rows.iter().skip(call.number("offset")).take(call.number("limit").min(100)).cloned().collect())
}

fn user(n: usize) -> Value {
    json!({"id": format!("u{n}"), "uid": format!("A{n}"), "email": format!("p{n}@x.example"), "status": "active",
           "role": "account_user", "first_name": "P", "last_name": "N", "company_id": "c1", "company_name": "Acme",
           "default_role": null, "created_at": "2026-01-01T00:00:00.000Z"})
}

fn tower() -> Value {
    json!({"id": "p1", "name": "Tower", "platform": "acc", "status": "active",
           "products": [{"key": "docs"}, {"key": "autospecs"}, {"key": "financials"}]})
}

/// Products of the tower at one level.
fn products(administration: &str, others: &str) -> Value {
    json!([{"key": "projectAdministration", "access": administration}, {"key": "autoSpecs", "access": others},
           {"key": "docs", "access": others}])
}

fn member(n: usize) -> Value {
    json!({"id": format!("u{n}"), "email": format!("p{n}@x.example"), "status": "active", "companyId": "c1",
           "companyName": "Acme", "accessLevels": {"accountAdmin": false, "projectAdmin": false},
           "roleIds": ["r1", "r2"], "roles": [{"id": "r1", "name": "Architect"}, {"id": "r2", "name": "Estimator"}],
           "products": products("none", "member")})
}

/// An account with this many people, all of whom are members of the tower.
fn organisation(people: usize) -> impl Fn(&Call) -> Answer + Send + Sync + 'static {
    let users: Vec<_> = (0..people).map(user).collect();
    let members: Vec<_> = (0..people).map(member).collect();
    move |call| match (call.method.as_str(), call.path.as_str()) {
        ("GET", USERS) => array(&users, call),
        ("GET", PROJECTS) => page(&[tower()], call),
        ("GET", COMPANIES) => page(&[json!({"id": "c1", "name": "Acme"}), json!({"id": "c2", "name": "Zen"})], call),
        ("GET", MEMBERS) => page(&members, call),
        ("GET", one) => {
            let found = one.strip_prefix(MEMBERS).and_then(|id| members.iter().find(|row| id[1..] == row["id"]));
            found.map_or_else(|| status_answer(404), |row| json_answer(200, row.clone()))
        }
        ("POST", IMPORT) => json_answer(202, json!({"jobId": "7c9a"})),
        ("DELETE", _) => Answer::Text(204, ""),
        _ => json_answer(200, json!({"id": "u0"})),
    }
}

fn values(pairs: &[(&str, FieldValue)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
}

fn set(names: &[&str]) -> FieldValue {
    FieldValue::Set(names.iter().map(|name| (*name).into()).collect())
}

fn new_member(email: &str, fields: Values) -> Write {
    let names = values(&[("given_name", "Jo".into()), ("family_name", "Doe".into())]);
    let who = Joiner { id: None, email: Email::lenient(email), values: names };
    Write::AddMember { group: "p1".into(), who, values: fields }
}

async fn observed(fixture: &Fixture, groups: &[&str], managed: &[&str]) -> LiveApp {
    let mut app = fixture.app.clone();
    for name in groups {
        let group = DesiredGroup {
            name: (*name).into(),
            id: None,
            state: Default::default(),
            mode: Default::default(),
            policy: Policy::default(),
            values: Values::new(),
            members: Default::default(),
            managed: managed.iter().map(|field| Arc::from(*field)).collect(),
            place: Place::new("apps/x.yaml", 1, 1),
        };
        app.groups.insert(group.name.clone(), group);
    }
    observe(fixture.connector.as_ref(), &app, &Default::default(), Timestamp::UNIX_EPOCH, &|_| {}).await.unwrap()
}

fn shown(member: &LiveMember) -> String {
    let values: Vec<_> = member
        .values
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_ref().map_or("∅".into(), ToString::to_string)))
        .collect();
    format!("{} {} {}", member.account, member.status, values.join(" "))
}

/// The requests since the last token, as method and path with its query decoded.
fn sent(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.calls();
    let calls = calls.iter().filter(|call| !call.path.ends_with("/token"));
    calls.map(|call| format!("{} {}", call.method, call.path)).collect()
}

async fn refusal(fixture: &Fixture, write: Write) -> (ErrorKind, String) {
    let error = fixture.connector.write(&write, WRITE).await.unwrap_err();
    (error.kind, error.to_string())
}

#[tokio::test]
async fn a_quiet_cycle_over_a_thousand_accounts_takes_no_request_more_than_the_pages_there_are() {
    let fixture = acc(organisation(1000)).await;
    let live = observed(&fixture, &["Tower"], &["role", "roles", "company"]).await;
    assert_eq!((live.accounts.len(), live.groups[0].members.len()), (1000, 1000));
    assert!(live.accounts_coverage.is_complete() && live.groups[0].coverage.is_complete());
    let count = |path: &str| fixture.calls().iter().filter(|call| call.path == path).count();
    // A full last page may have a successor, because hq has no total: eleven pages.
    let counts = [count(USERS), count(PROJECTS), count(MEMBERS), count(COMPANIES)];
    assert_eq!(counts, [11, 1, 5, 1]);
    let tokens = fixture.lines().iter().filter(|line| line.contains("/token")).count();
    assert_eq!(tokens, 1, "both families use one token");
    assert_eq!(live.requests, 19);
    println!("a quiet cycle of acc with 1,000 accounts in one project: {} requests", live.requests);
}

#[tokio::test]
async fn what_no_line_manages_is_not_asked_for_and_undeclared_projects_are_not_read() {
    let fixture = acc(organisation(3)).await;
    observed(&fixture, &["Tower"], &["role"]).await;
    assert_eq!(sent(&fixture).iter().filter(|line| line.contains("companies")).count(), 0);
    let fixture = acc(organisation(3)).await;
    observed(&fixture, &["Elsewhere"], &[]).await;
    assert_eq!(sent(&fixture), [format!("GET {USERS}"), format!("GET {PROJECTS}")]);
}

#[tokio::test]
async fn projects_are_written_to_in_somebodys_name_and_the_older_family_always_hears_the_region() {
    for (options, regions) in [(json!({}), [None, Some("US")]), (json!({"region": "emea"}), [Some("EMEA"); 2])] {
        let fixture = acc_with(options, organisation(1)).await;
        observed(&fixture, &["Tower"], &[]).await;
        for call in fixture.calls().iter().filter(|call| !call.path.ends_with("/token")) {
            let header = |name: &str| call.headers.get(name).map(String::as_str);
            let hq = call.path.starts_with("/hq/");
            assert_eq!(header("user-id"), (!hq).then_some("boss"), "{}", call.path);
            assert_eq!(header("region"), regions[usize::from(hq)], "{}", call.path);
        }
    }
}

#[tokio::test]
async fn an_address_that_merely_contains_another_is_somebody_else() {
    let fixture = acc(|call| match call.path.as_str() {
        "/hq/v1/accounts/acc1/users/search" => {
            let mut joann = user(1);
            joann["email"] = json!("joann@x.example");
            let mut ann = user(2);
            ann["email"] = json!("Ann@X.example");
            array(&[joann, ann], call)
        }
        MEMBERS => page(&[json!({"id": "u1", "email": "joann@x.example", "status": "active"})], call),
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    let ann = Email::lenient("ann@x.example");
    let found = fixture.connector.find(&ann, Lane::Read).await.unwrap();
    assert_eq!(found.rows.iter().map(|account| &*account.id).collect::<Vec<_>>(), ["u2"]);
    let who = Joiner { id: None, email: ann, values: Values::new() };
    assert_eq!(fixture.connector.member("p1", &who, Lane::Read).await.unwrap().rows, []);
    let asked: Vec<_> = fixture.calls().into_iter().skip(1).map(|call| call.query).collect();
    let has = |index: usize, name: &str, value: &str| asked[index].get(name).map(String::as_str) == Some(value);
    assert!(has(0, "email", "ann@x.example") && has(0, "partial", "false") && has(0, "operator", "AND"), "{asked:?}");
    assert!(has(1, "filter[email]", "ann@x.example") && has(1, "filterTextMatch", "equals"), "{asked:?}");
}

#[tokio::test]
async fn an_address_for_the_next_page_is_never_followed_to_another_host() {
    let elsewhere = serve(|_| json_answer(200, json!({"results": [], "pagination": {"totalResults": 0}}))).await;
    let next = format!("{}steal?offset=2", elsewhere.url);
    let fixture = acc(move |call| {
        let rows: Vec<_> = (0..5).map(member).skip(call.number("offset")).take(2).collect();
        let pagination = json!({"totalResults": 5, "nextUrl": next});
        json_answer(200, json!({"results": rows, "pagination": pagination}))
    });
    let fixture = fixture.await;
    let listing = fixture.connector.members("p1", Lane::Read).await.unwrap();
    assert_eq!((listing.rows.len(), listing.coverage), (5, Coverage::Complete), "smaller pages lose nobody");
    assert_eq!(elsewhere.lines().len(), 0);
    assert!(fixture.lines()[1..].iter().all(|line| line.contains("sort=name%2Cemail")), "two keys hold the order");
}

#[tokio::test]
async fn a_page_that_repeats_itself_is_incomplete_and_never_endless() {
    let users: Vec<_> = (0..100).map(user).collect();
    let fixture = acc(move |_| json_answer(200, users.clone().into())).await;
    let listing = fixture.connector.accounts(Lane::Read).await.unwrap();
    assert_eq!(listing.rows.len(), 100);
    let Coverage::Incomplete(why) = listing.coverage else { panic!("complete") };
    assert_snapshot!(why, @"GET /accounts/acc1/users: page 2 repeats rows that came before and has no others");
    assert_eq!(fixture.lines().len(), 1 + 2);
}

#[tokio::test]
async fn an_account_of_another_region_is_told_from_one_that_is_not_there() {
    let fixture = acc(|_| status_answer(404)).await;
    let error = fixture.connector.accounts(Lane::Read).await.unwrap_err();
    assert_snapshot!(error.hint.unwrap(), @"an account of another region is not found either: check `options.account_id` and `options.region`");
}

#[tokio::test]
async fn pending_people_are_members_and_removed_ones_are_not() {
    let fixture = acc(|call| {
        let row = |n: usize, status: &str| {
            let mut row = member(n);
            row["status"] = json!(status);
            row
        };
        page(&[row(1, "active"), row(2, "pending"), row(3, "deleted"), row(4, "disabled")], call)
    });
    let listing = fixture.await.connector.members("p1", Lane::Read).await.unwrap();
    let rest = "company=Acme role=member roles=Architect, Estimator";
    let expected = ["u1 active", "u2 pending", "u4 inactive"].map(|start| format!("{start} {rest}"));
    assert_eq!(listing.rows.iter().map(shown).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn names_are_learnt_from_members_and_companies_and_a_shared_one_stands_for_nobody() {
    let fixture = acc_with(json!({"roles": {"Planner": "r9"}}), |call| match call.path.as_str() {
        MEMBERS => {
            let mut row = member(1);
            row["roles"] =
                json!([{"id": "r1", "name": "Architect"}, {"id": "r2", "name": "Lead"}, {"id": "r3", "name": "Lead"}]);
            row["roleIds"] = json!(["r1", "r2", "r3"]);
            page(&[row], call)
        }
        COMPANIES => {
            let gone = json!({"id": "c3", "name": "Zen", "status": "deleted"});
            page(&[json!({"id": "c1", "name": "Acme"}), json!({"id": "c2", "name": "Zen"}), gone], call)
        }
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    let listing = fixture.connector.members("p1", Lane::Read).await.unwrap();
    assert_eq!(shown(&listing.rows[0]), "u1 active company=Acme role=member roles=Architect, r2, r3");
    let fields = ["roles", "company"].map(Arc::from).into();
    let looked = Looked { accounts: &[].into(), members: &fields };
    let vocabulary = fixture.connector.vocabulary(&looked, Lane::Read).await.unwrap();
    let known = |words: &Words| words.known.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(known(&vocabulary.members["roles"]), ["Architect", "Planner", "r2", "r3"]);
    assert_eq!(vocabulary.members["roles"].ambiguous.keys().map(|name| &**name).collect::<Vec<_>>(), ["Lead"]);
    assert_eq!(known(&vocabulary.members["company"]), ["Acme", "Zen"]);
    assert!(vocabulary.accounts.is_empty(), "no account's company is managed");
}

#[tokio::test]
async fn what_takes_no_writes_is_read_and_not_written_to() {
    let fixture = acc(|call| match call.path.as_str() {
        PROJECTS => {
            let project = |id: &str, platform: &str, status: &str| json!({"id": id, "name": id, "platform": platform, "status": status, "products": []});
            page(&[project("p3", "bim360", "active"), project("p2", "acc", "archived")], call)
        }
        _ => status_answer(500),
    });
    let fixture = fixture.await;
    let groups = fixture.connector.groups(Lane::Read).await.unwrap().rows;
    let read_only = |index: usize| matches!(groups[index].reach, Reach::ReadOnly(_));
    assert!(read_only(0) && read_only(1), "{groups:?}");
    let (kind, message) = refusal(&fixture, Write::RemoveMember { group: "p2".into(), account: "u1".into() }).await;
    assert_eq!(kind, ErrorKind::Refused);
    assert_snapshot!(message, @"demo: DELETE /v1/projects/p2/users/u1: the project is archived, and the API takes no writes to it (a person has to do it in ACC, Project Admin, Members)");
    assert!(!sent(&fixture).iter().any(|line| line.starts_with("DELETE")), "{:?}", sent(&fixture));
}

#[tokio::test]
async fn a_project_that_is_gone_is_out_of_scope() {
    let fixture = acc(|call| match call.path.as_str() {
        USERS => array(&[user(1)], call),
        PROJECTS => page(&[tower()], call),
        _ => json_answer(410, json!({"detail": "moved away"})),
    });
    let live = observed(&fixture.await, &["Tower"], &[]).await;
    let Reach::Gone(how) = &live.groups[0].reach else { panic!("{:?}", live.groups) };
    assert_snapshot!(how, @"demo: GET /v1/projects/p1/users answered 410: moved away (the project is no longer available; take it out of the files)");
}

#[tokio::test]
async fn an_import_says_everything_by_id_and_one_bad_name_spoils_nothing_for_the_others() {
    let fixture = acc_with(json!({"suppress_emails": true}), organisation(2)).await;
    observed(&fixture, &["Tower"], &["company"]).await;
    let full = values(&[("role", "admin".into()), ("roles", set(&["Architect"])), ("company", "Zen".into())]);
    let unknown = values(&[("role", "member".into()), ("roles", set(&["Wizard"]))]);
    let writes =
        [new_member("a@x.example", full), new_member("b@x.example", unknown), new_member("c@x.example", Values::new())];
    let results = fixture.connector.write_together(&writes, WRITE).await.unwrap();
    let outcomes: Vec<_> = results.iter().map(|result| result.as_ref().map(|written| written.proven).ok()).collect();
    assert_eq!(outcomes, [Some(false), None, Some(false)], "202 proves nothing");
    assert_snapshot!(results[1].as_ref().unwrap_err(), @"demo: POST /v2/projects/p1/users:import: no industry role is called Wizard (names of roles are learnt from members of declared projects: give one the role by hand, or write its id under `options.roles`)");
    let admin = json!({"email": "a@x.example", "firstName": "Jo", "lastName": "Doe", "roleIds": ["r1"], "companyId": "c2",
                       "products": products("administrator", "administrator")});
    let plain =
        json!({"email": "c@x.example", "firstName": "Jo", "lastName": "Doe", "products": products("none", "member")});
    assert_eq!(fixture.bodies(), [json!({"users": [admin, plain], "suppressAdministrativeEmails": true})]);
}

#[tokio::test]
async fn an_import_that_is_refused_says_so_as_a_whole() {
    let fixture = acc(|call| match call.path.as_str() {
        PROJECTS => page(&[tower()], call),
        IMPORT => json_answer(412, json!({"detail": "products are being activated"})),
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    fixture.connector.groups(Lane::Read).await.unwrap();
    let error = fixture.connector.write_together(&[new_member("a@x.example", Values::new())], WRITE).await.unwrap_err();
    assert!(error.is_transient(), "what is not ready yet is worth another attempt: {error}");
}

#[tokio::test]
async fn one_person_joins_by_a_request_whose_answer_proves_what_it_shows() {
    let fixture = acc(|call| match (call.method.as_str(), call.path.as_str()) {
        ("GET", PROJECTS) => page(&[tower()], call),
        ("GET", MEMBERS) => page(&[member(1)], call),
        ("POST", MEMBERS) => {
            let mut echo = call.body.clone();
            let roles: Vec<_> = echo["roleIds"].as_array().into_iter().flatten().map(|id| json!({"id": id})).collect();
            let more = json!({"id": "u9", "status": "pending", "roles": roles, "jobId": "x"});
            echo.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json_answer(201, echo)
        }
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    fixture.connector.groups(Lane::Read).await.unwrap();
    let fields = values(&[("role", "member".into()), ("roles", set(&["Architect"]))]);
    let written = fixture.connector.write(&new_member("new@x.example", fields), WRITE).await.unwrap();
    assert!(written.proven);
    let body = json!({"email": "new@x.example", "roleIds": ["r1"], "products": products("none", "member")});
    assert_eq!(fixture.bodies(), [body]);
}

#[tokio::test]
async fn a_conflict_with_a_suspended_member_is_explained() {
    for (status, expected) in
        [("disabled", ErrorKind::Refused), ("active", ErrorKind::Duplicate), ("deleted", ErrorKind::Refused)]
    {
        let fixture = acc(move |call| match (call.method.as_str(), call.path.as_str()) {
            ("GET", PROJECTS) => page(&[tower()], call),
            ("GET", "/hq/v1/accounts/acc1/users/search") => array(&[user(7)], call),
            ("GET", one) if one.starts_with(MEMBERS) => {
                let mut row = member(7);
                row["status"] = json!(status);
                json_answer(200, row)
            }
            _ => json_answer(409, json!({"detail": "already a member"})),
        });
        let fixture = fixture.await;
        fixture.connector.groups(Lane::Read).await.unwrap();
        let (kind, message) = refusal(&fixture, new_member("p7@x.example", Values::new())).await;
        assert_eq!(kind, expected, "{message}");
        if status == "disabled" {
            assert_snapshot!(message, @"demo: POST /v1/projects/p1/users answered 409: p7@x.example is a member who is suspended in this project, and the API cannot undo that (let the person back in under ACC, Project Admin, Members)");
        }
    }
}

#[tokio::test]
async fn a_change_sends_the_whole_set_and_is_read_back() {
    let fixture = acc(organisation(3)).await;
    observed(&fixture, &["Tower"], &["company"]).await;
    let change = |fields| Write::ChangeMember { group: "p1".into(), account: "u1".into(), values: fields };
    for (fields, expected) in [
        (
            values(&[("role", "admin".into())]),
            json!({"roleIds": ["r1", "r2"], "companyId": "c1", "products": products("administrator", "administrator")}),
        ),
        (
            values(&[("roles", set(&["Estimator"]))]),
            json!({"roleIds": ["r2"], "companyId": "c1", "products": products("none", "member")}),
        ),
        (
            values(&[("company", "Zen".into()), ("roles", set(&[]))]),
            json!({"roleIds": [], "companyId": "c2", "products": products("none", "member")}),
        ),
    ] {
        let written = fixture.connector.write(&change(fields), WRITE).await.unwrap();
        assert!(!written.proven, "the answer does not say whether it merged or replaced");
        assert_eq!(fixture.bodies().last(), Some(&expected));
    }
}

#[tokio::test]
async fn a_project_that_does_not_show_its_products_takes_none_away() {
    let fixture = acc(|call| {
        let mut tower = tower();
        tower.as_object_mut().unwrap().remove("products");
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", PROJECTS) => page(&[tower], call),
            ("GET", path) if path.ends_with("/projects/p1") => json_answer(200, tower),
            ("GET", _) => json_answer(200, member(1)),
            _ => json_answer(200, json!({"id": "u1"})),
        }
    });
    let fixture = fixture.await;
    fixture.connector.groups(Lane::Read).await.unwrap();
    let fields = values(&[("role", "admin".into())]);
    let change = Write::ChangeMember { group: "p1".into(), account: "u1".into(), values: fields };
    fixture.connector.write(&change, WRITE).await.unwrap();
    assert_eq!(fixture.bodies().last().unwrap()["products"], products("administrator", "administrator"));
}

#[tokio::test]
async fn whoever_only_manages_members_sends_no_products() {
    let fixture = acc(|call| match (call.method.as_str(), call.path.as_str()) {
        ("GET", PROJECTS) => page(&[tower()], call),
        ("GET", COMPANIES) => page(&[json!({"id": "c2", "name": "Zen"})], call),
        ("GET", _) => {
            let mut row = member(1);
            row.as_object_mut().unwrap().remove("products");
            json_answer(200, row)
        }
        _ => json_answer(200, json!({"id": "u1"})),
    });
    let fixture = fixture.await;
    fixture.connector.groups(Lane::Read).await.unwrap();
    let change = |fields| Write::ChangeMember { group: "p1".into(), account: "u1".into(), values: fields };
    fixture.connector.write(&change(values(&[("company", "Zen".into())])), WRITE).await.unwrap();
    assert_eq!(fixture.bodies(), [json!({"roleIds": ["r1", "r2"], "companyId": "c2"})]);
    let (kind, message) = refusal(&fixture, change(values(&[("role", "admin".into())]))).await;
    assert_eq!((kind, message.contains("sees and sets no products")), (ErrorKind::Refused, true), "{message}");
}

#[tokio::test]
async fn members_with_other_products_than_their_level_gives_are_told() {
    let fixture = acc(|call| match call.path.as_str() {
        USERS => array(&[user(1)], call),
        PROJECTS => page(&[tower()], call),
        _ => {
            let mut odd = member(1);
            odd["products"][2]["access"] = json!("administrator");
            page(&[member(0), odd], call)
        }
    });
    let live = observed(&fixture.await, &["Tower"], &[]).await;
    let told: Vec<_> = live.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_snapshot!(told.join("\n"), @r"
    `options.acting_user` is boss, which is no account here, so writes to projects will be refused; write the ACC id or Autodesk id of an account admin
    1 member(s) of Tower have other products than their level gives (p1@x.example); rosterd sets products only where it sets a level
    ");
}

#[tokio::test]
async fn nobody_removes_the_account_in_whose_name_rosterd_writes() {
    // Named by the Autodesk id, which is another one than the account's.
    let fixture = acc_with(json!({"acting_user": "A1"}), organisation(3)).await;
    let live = observed(&fixture, &["Tower"], &[]).await;
    assert_eq!(live.own_account.as_deref(), Some("u1"));
    assert_eq!(live.notices, []);
    let before = fixture.lines().len();
    for write in
        [Write::RemoveMember { group: "p1".into(), account: "u1".into() }, Write::Deactivate { id: "u1".into() }]
    {
        assert_eq!(refusal(&fixture, write).await.0, ErrorKind::Refused);
    }
    assert_eq!(fixture.lines().len(), before, "nothing was sent");
    let other = Write::RemoveMember { group: "p1".into(), account: "u2".into() };
    assert!(!fixture.connector.write(&other, Lane::Removal).await.unwrap().proven);
    assert_eq!(fixture.lines().last().unwrap(), &format!("DELETE {MEMBERS}/u2"));
}

#[tokio::test]
async fn accounts_are_made_switched_and_changed_through_the_older_family() {
    let fixture = acc(|call| match (call.method.as_str(), call.path.as_str()) {
        ("GET", COMPANIES) => page(&[json!({"id": "c2", "name": "Zen"})], call),
        ("POST", USERS) => {
            let mut row = user(9);
            row["email"] = call.body["email"].clone();
            row["status"] = json!("not_invited");
            row["company_id"] = json!("c2");
            row["company_name"] = json!("Zen");
            json_answer(201, row)
        }
        ("PATCH", "/hq/v1/accounts/acc1/users/u2") => json_answer(422, json!({"message": "user is pending"})),
        ("PATCH", _) => {
            let mut row = user(9);
            row["email"] = json!("new@x.example");
            let company = json!({"company_id": "c2", "company_name": "Zen"});
            row.as_object_mut().unwrap().extend(company.as_object().unwrap().clone());
            row.as_object_mut().unwrap().extend(call.body.as_object().unwrap().clone());
            json_answer(200, row)
        }
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    let fields = [("given_name", "Jo".into()), ("company", "Zen".into()), ("default_role", "Architect".into())];
    let create = Write::CreateAccount { email: Email::lenient("new@x.example"), values: values(&fields) };
    let written = fixture.connector.write(&create, WRITE).await.unwrap();
    assert_eq!((written.id.as_deref(), written.proven), (Some("u9"), true));
    let off = fixture.connector.write(&Write::Deactivate { id: "u9".into() }, WRITE).await.unwrap();
    let on = fixture.connector.write(&Write::Reactivate { id: "u9".into() }, WRITE).await.unwrap();
    assert!(off.proven && on.proven);
    assert_eq!(
        fixture.bodies(),
        [
            json!({"email": "new@x.example", "first_name": "Jo", "company_id": "c2"}),
            json!({"default_role": "Architect"}),
            json!({"status": "inactive"}),
            json!({"status": "active"}),
        ]
    );
    let (kind, message) = refusal(&fixture, Write::Deactivate { id: "u2".into() }).await;
    assert_eq!(kind, ErrorKind::Refused);
    assert_snapshot!(message, @"demo: PATCH /accounts/acc1/users/u2 answered 422: user is pending (the status of an account that is pending or was never invited cannot be changed)");
    let role =
        Write::UpdateAccount { id: "u9".into(), values: values(&[("role", "account_admin".into())]), email: None };
    assert_eq!(refusal(&fixture, role).await.0, ErrorKind::Unsupported, "no request makes an account admin");
    assert_eq!(refusal(&fixture, Write::DeleteAccount { id: "u9".into() }).await.0, ErrorKind::Unsupported);
}

#[tokio::test]
async fn without_somebody_to_act_for_a_person_writes_to_projects() {
    let options = json!({"account_id": "acc1"});
    let fixture = Fixture::with_options(Registry::default(), "acc", &options, organisation(1)).await;
    let semantics = fixture.connector.semantics();
    assert!(!semantics.members.add && !semantics.members.remove && semantics.members.change == MemberChange::Manual);
    assert!(semantics.manual_text(Verb::AddMember).contains("options.acting_user"));
}

#[tokio::test]
async fn a_conflict_on_making_an_account_leads_to_the_right_one_and_never_to_a_loop() {
    let fixture = acc(|call| match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/hq/v1/accounts/acc1/users/search") => {
            let named = |n: usize, email: &str| {
                let mut row = user(n);
                row["email"] = json!(email);
                row
            };
            array(&[named(1, "joann@x.example"), named(2, "Ann@x.example")], call)
        }
        _ => json_answer(409, json!({"message": "a user with this email exists"})),
    });
    let fixture = fixture.await;
    let account = Some("ann@x.example".into());
    let create = Action::new(ActionName { app: "demo".into(), verb: Verb::Create, account, group: None });
    let plan = AppPlan {
        app: "demo".into(),
        connector: "acc".into(),
        group_noun: "project".into(),
        error: None,
        complete: true,
        observed: Observed::default(),
        forecast: Forecast::default(),
        actions: vec![create],
        findings: Vec::new(),
        due: Vec::new(),
        claims: Default::default(),
    };
    let (created_ids, jitter) = (CreatedIds::default(), Jitter::default());
    let writer = fixture.connector.clone();
    let demand = Demand::unchanging();
    let (created_ids, quota, journal, jitter) = (&created_ids, Quota::default(), &NoJournal, &jitter);
    let tools = Tools { writer, created_ids, quota, journal, jitter, demand };
    let outcome = execute(&plan, &tools, Stop::never(), &Quiet).await;
    let (_, result) = &outcome.actions[0];
    assert!(matches!(result, ActionResult::Done { note: Some(note) } if note.contains("found as u2")), "{result:?}");
    assert_eq!(sent(&fixture), [format!("POST {USERS}"), format!("GET {USERS}/search")]);
}

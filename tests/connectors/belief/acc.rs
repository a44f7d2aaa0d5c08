//! The same kinds where Autodesk Construction Cloud has them: a company that nobody has, lists and their ends, projects whose
//! members are inactive.

use serde_json::{Value, json};

use super::{
    app::{Dialect, State},
    case::{Case, Setup, email},
};
use crate::support::{Answer, Call, json_answer, status_answer};

const USERS: &str = "/hq/v1/accounts/acc1/users";
const PROJECTS: &str = "/construction/admin/v1/accounts/acc1/projects";
const COMPANIES: &str = "/construction/admin/v1/accounts/acc1/companies";
const MEMBERS: &str = "/construction/admin/v1/projects/p1/users";
const IMPORT: &str = "/construction/admin/v2/projects/p1/users:import";

fn user(n: usize) -> Value {
    json!({"id": format!("u{n}"), "uid": format!("A{n}"), "email": email(n), "status": "active", "role": "account_user",
           "first_name": "P", "last_name": "N", "company_id": null, "company_name": null})
}

fn level(access: &str) -> Value {
    json!([{"key": "projectAdministration", "access": "none"}, {"key": "docs", "access": access}])
}

fn member(n: usize, company: Option<&str>) -> Value {
    json!({"id": format!("u{n}"), "email": email(n), "status": "active", "companyId": company.map(|_| "c1"),
           "companyName": company, "accessLevels": {"accountAdmin": false, "projectAdmin": false}, "roleIds": [], "roles": [],
           "products": level("member")})
}

fn paged(rows: &[Value], call: &Call) -> Answer {
    let here: Vec<_> = rows.iter().skip(call.number("offset")).take(call.number("limit")).collect();
    json_answer(200, json!({"pagination": {"totalResults": rows.len()}, "results": here}))
}

/// What the app holds beside the members, who are the state's first group, row by row.
fn play(call: &Call, state: &mut State) -> Answer {
    let bare = |rows: &[Value]| json_answer(200, rows.iter().skip(call.number("offset")).cloned().collect());
    let one = call.path.strip_prefix(&format!("{MEMBERS}/")).map(str::to_owned);
    let mut members = state.groups[0].row["rows"].as_array().cloned().unwrap_or_default();
    let answer = match (call.method.as_str(), call.path.as_str(), one) {
        ("GET", USERS, _) => bare(&state.users),
        ("GET", PROJECTS, _) => {
            let tower = json!({"id": "p1", "name": "Tower", "platform": "acc", "status": "active", "products": [{"key": "docs"}]});
            paged(&[tower], call)
        }
        ("GET", COMPANIES, _) => paged(&[json!({"id": "c1", "name": "Acme"})], call),
        ("GET", MEMBERS, _) => paged(&members, call),
        ("GET", _, Some(id)) => members
            .iter()
            .find(|row| row["id"] == *id)
            .map_or_else(|| status_answer(404), |row| json_answer(200, row.clone())),
        ("POST", IMPORT | MEMBERS, _) => {
            let joining = call.body["users"].as_array().cloned().unwrap_or_else(|| vec![call.body.clone()]);
            for who in joining {
                let known = state.users.iter().find(|user| user["email"] == who["email"]);
                let id = known.map_or_else(|| json!("u99"), |user| user["id"].clone());
                let company = who.get("companyId").cloned().unwrap_or(Value::Null);
                let name = if company.is_null() { Value::Null } else { json!("Acme") };
                members.push(json!({"id": id, "email": who["email"], "status": "active", "companyId": company,
                                    "companyName": name, "roleIds": [], "roles": [], "products": who["products"]}));
            }
            json_answer(202, json!({"jobId": "j1"}))
        }
        ("PATCH", _, Some(id)) => {
            let row = members.iter_mut().find(|row| row["id"] == *id).unwrap();
            for (key, value) in call.body.as_object().unwrap() {
                row[key] = value.clone();
            }
            row["companyName"] = if row["companyId"].is_null() { Value::Null } else { json!("Acme") };
            json_answer(200, row.clone())
        }
        ("DELETE", _, Some(id)) => {
            members.retain(|row| row["id"] != *id);
            Answer::Text(204, "")
        }
        (method, path, _) if path.starts_with(USERS) => {
            let id = path.rsplit('/').next().unwrap().to_owned();
            let Some(row) = state.users.iter_mut().find(|row| row["id"] == *id) else { return status_answer(404) };
            if method == "PATCH" {
                for (key, value) in call.body.as_object().unwrap() {
                    row[key] = value.clone();
                }
            }
            json_answer(200, row.clone())
        }
        _ => status_answer(404),
    };
    state.groups[0].row["rows"] = members.into();
    answer
}

/// An account of three, and a project with these members.
fn acc(members: Vec<Value>) -> Setup {
    let setup = Setup { acc: true, ..Setup::of(Dialect::Rest) };
    setup.option("account_id: b.acc1, acting_user: u1").left(|state| {
        state.users = (1..=3).map(user).collect();
        state.add_group("p1", "Tower", &[]);
        state.groups[0].row["rows"] = members.into();
    })
}

fn in_project(case: &Case) -> Vec<Value> {
    case.app.state().groups[0].row["rows"].as_array().unwrap().clone()
}

fn running(setup: Setup) -> Setup {
    setup.before(|call, state| Some(play(call, state)))
}

#[tokio::test]
async fn no_company_is_one_thing_however_it_is_said() {
    for none in ["", ", company: null", ", company: none", ", company: \"\"", ", company: "] {
        for live in [None, Some("Acme")] {
            let files = format!(
                "groups:\n  Tower:\n    members:\n      p1@x.example: {{ role: member, company: Acme }}\n      \
                 p2@x.example: {{ role: member{none} }}"
            );
            let case = running(acc(vec![member(1, Some("Acme")), member(2, live)])).files(&files, "").start().await;
            let valid = case.rosterd(&["validate"]).await;
            assert_eq!(valid.status, 0, "`{none}`: {valid:?}");
            let plan = case.plan().await;
            let changes = plan.actions().into_iter().filter(|action| action.contains("p2@")).count();
            assert_eq!(changes, usize::from(live.is_some()), "`{none}`, {live:?}: {:#}", plan.0);
            let said = case.apply().await;
            // The API may have no way to take a company away; then that is a person's, and said so.
            assert_eq!(said.status, 0, "`{none}`, {live:?}: {said:?}");
            case.rests(none).await;
        }
    }
}

#[tokio::test]
async fn somebody_without_a_company_joins_and_the_plan_after_it_is_empty() {
    for none in ["", ", company: null", ", company: none", ", company: \"\""] {
        let files = format!(
            "groups:\n  Tower:\n    members:\n      p1@x.example: {{ role: member, company: Acme }}\n      \
             p3@x.example: {{ role: member{none} }}"
        );
        let case = running(acc(vec![member(1, Some("Acme"))])).files(&files, "").start().await;
        let said = case.apply().await;
        assert_eq!(said.status, 0, "`{none}`: {said:?} {:?}", case.bodies("POST"));
        assert_eq!(in_project(&case).len(), 2, "`{none}`: {:?}", case.writes());
        case.converged(none).await;
    }
}

const PAIR: &str = "groups: { Tower: { members: { p1@x.example: member, p2@x.example: member } } }";

#[tokio::test]
async fn whoever_left_loses_the_project_too() {
    let case = running(acc(vec![member(1, None), member(2, None)])).files(PAIR, "").start().await;
    case.applied().await;
    case.write(PAIR, "people:\n  p2@x.example: { status: left }\n");
    for _ in 0..2 {
        case.apply().await;
    }
    assert_eq!(case.app.state().user("u2")["status"], "inactive", "{:?}", case.writes());
    let left: Vec<_> = in_project(&case).iter().map(|row| row["id"].clone()).collect();
    assert_eq!(left, [json!("u1")], "{:?}", case.writes());
    case.rests("left").await;
}

#[tokio::test]
async fn ends_and_signs_of_lists_are_judged_as_elsewhere() {
    // A total above the rows, no rows at all, a header that leads on, and rows that are no list.
    type Show = fn(&[Value]) -> Answer;
    let table: [(&str, Show, bool); 5] = [
        ("null is nobody", |_| json_answer(200, json!({"pagination": {"totalResults": 0}, "results": null})), true),
        ("a total of zero alone", |_| json_answer(200, json!({"pagination": {"totalResults": 0}})), true),
        (
            "a total above the rows",
            |rows| json_answer(200, json!({"pagination": {"totalResults": 7}, "results": rows})),
            false,
        ),
        (
            "a header that leads on",
            |rows| {
                let body = json!({"pagination": {"totalResults": rows.len()}, "results": rows});
                super::app::headed(json_answer(200, body), &[("Link", "</next>; rel=\"next\"")])
            },
            false,
        ),
        ("an object", |_| json_answer(200, json!({"pagination": {"totalResults": 1}, "results": {"id": "u2"}})), false),
    ];
    for (what, show, is_whole) in table {
        let case = acc(vec![])
            .before(move |call, state| {
                let rows = state.groups[0].row["rows"].as_array().cloned().unwrap_or_default();
                let special = call.method == "GET" && call.path == MEMBERS && (rows.is_empty() || !is_whole);
                let later = call.query.get("offset").is_some_and(|offset| offset != "0");
                Some(match special {
                    true if later => json_answer(200, json!({"pagination": {"totalResults": 7}, "results": []})),
                    true => show(&rows),
                    false => play(call, state),
                })
            })
            .files("groups: { Tower: { members: { p1@x.example: member } } }", "people:\n  p2@x.example: { }\n")
            .start()
            .await;
        let plan = case.plan().await;
        assert_eq!(plan.is_complete(), is_whole, "{what}: {:#}", plan.0);
        if is_whole {
            case.applied().await;
            assert_eq!(in_project(&case).len(), 1, "{what}");
            case.converged(what).await;
        }
    }
}

#[tokio::test]
async fn a_403_that_says_when_to_come_back_is_overload() {
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let case = acc(vec![member(1, None)])
        .before(move |call, state| {
            let first = call.path == MEMBERS && refused.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            Some(match first {
                true => super::app::headed(json_answer(403, json!({"detail": "quota"})), &[("Retry-After", "1")]),
                false => play(call, state),
            })
        })
        .files(PAIR, "")
        .start()
        .await;
    case.applied().await;
    assert_eq!(in_project(&case).len(), 2, "{:?}", case.writes());
    case.converged("overload").await;
}

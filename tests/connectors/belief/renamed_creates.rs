//! A create that was answered with an id is made, whatever name comes back, for any number of runs.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, State},
    case::{Case, Said, Setup},
};
use crate::support::json_answer;

const RUNS: usize = 20;

/// What the app makes of a name.
type Rename = fn(&str) -> Value;

/// An app that keeps new groups under another name. `shown`: the answer to the create says which.
fn renaming_groups(dialect: Dialect, rename: Rename, shown: bool) -> Setup {
    Setup::of(dialect).users([1]).before(move |call, state| {
        let is_create = call.method == "POST" && call.path.eq_ignore_ascii_case("/groups");
        is_create.then(|| {
            let key = state.name_key();
            let asked = call.body[key].as_str().unwrap().to_owned();
            let id = format!("g{}", 101 + state.groups.len());
            state.add_group(&id, "", &[]);
            state.group(&id).row[key] = rename(&asked);
            let row = if shown { state.group(&id).row.clone() } else { json!({"id": id}) };
            json_answer(201, row)
        })
    })
}

fn is_false(said: &Said) -> bool {
    ["nobody heard the answer", "was cut off"].iter().any(|sentence| said.all().contains(sentence))
}

async fn many_runs(case: &Case, what: &str) {
    for run in 0..RUNS {
        let said = case.apply().await;
        assert!(!is_false(&said), "{what}, {:?}, run {run}: {said:?}", case.dialect);
    }
    let said = case.rosterd(&["plan"]).await;
    assert!(!is_false(&said), "{what}, {:?}: {said:?}", case.dialect);
}

#[tokio::test]
async fn a_group_that_the_app_renames_is_made_once_and_told_with_the_line_that_fixes_it() {
    let table: [(&str, Rename, bool); 5] = [
        ("a prefix", |name| json!(format!("PRIMARY/{name}")), true),
        ("lower case", |name| json!(name.to_lowercase()), true),
        ("another name", |_| json!("Untitled"), true),
        ("a prefix that only the list shows", |name| json!(format!("PRIMARY/{name}")), false),
        ("a suffix", |name| json!(format!("{name} (2)")), true),
    ];
    // Either line of those that are offered settles it: the pin, or the name that the app gave.
    for ((what, rename, shown), dialect, by_pin) in table
        .into_iter()
        .flat_map(|row| BOTH.map(|dialect| [true, false].map(|by_pin| (row, dialect, by_pin))))
        .flatten()
    {
        let setup = renaming_groups(dialect, rename, shown);
        let case = setup.files("groups: { Design: { members: [p1@x.example] } }", "").start().await;
        many_runs(&case, what).await;
        assert_eq!(case.made("groups"), 1, "{what}, {dialect:?}: {:?}", case.writes());
        let plan = case.plan().await;
        let name = rename("Design").as_str().unwrap().to_owned();
        assert!(plan.says("id: g101") && plan.says(&name), "{what}, {dialect:?}: {:#}", plan.0);
        case.rests(what).await;
        let (name, pin) = if by_pin { ("Design", "id: g101, ") } else { (&*name, "") };
        case.write(&format!("groups: {{ \"{name}\": {{ {pin}members: [p1@x.example] }} }}"), "");
        case.apply().await;
        assert_eq!((case.made("groups"), case.app.state().members("g101")), (1, vec!["u1".to_owned()]), "{what}");
        case.rests(what).await;
    }
}

/// An app that keeps new accounts under another address.
fn renaming_accounts(dialect: Dialect, rename: Rename, shown: bool) -> Setup {
    Setup::of(dialect).users([1]).before(move |call, state: &mut State| {
        let is_create = call.method == "POST" && call.path.eq_ignore_ascii_case("/users");
        is_create.then(|| {
            let key = if dialect == Dialect::Scim { "userName" } else { "email" };
            let asked = call.body[key].as_str().unwrap().to_owned();
            let id = format!("u{}", 100 + state.users.len());
            state.add_user(&id, &asked);
            state.user(&id)[key] = rename(&asked);
            let row = if shown { state.user(&id).clone() } else { json!({"id": id}) };
            json_answer(201, row)
        })
    })
}

#[tokio::test]
async fn an_account_that_the_app_gives_another_address_is_made_once_in_twenty_runs() {
    let table: [(&str, Rename, bool); 7] = [
        ("the part before the sign", |email| json!(email.split('@').next().unwrap()), true),
        ("another domain", |email| json!(email.replace("x.example", "tenant.example")), true),
        ("an empty one", |_| json!(""), true),
        ("none", |_| Value::Null, true),
        ("a number", |_| json!("48151623"), true),
        ("a tag", |email| json!(email.replace('@', "+new@")), true),
        ("another domain that only the list shows", |email| json!(email.replace("x.example", "tenant.example")), false),
    ];
    for dialect in BOTH {
        for (what, rename, shown) in table {
            let case = renaming_accounts(dialect, rename, shown);
            let case = case.files("accounts: { p1@x.example: , jane@x.example: }", "").start().await;
            many_runs(&case, what).await;
            assert_eq!(case.made("users"), 1, "{what}, {dialect:?}: {:?}", case.writes());
            case.rests(what).await;
        }
    }
}

#[tokio::test]
async fn an_account_that_is_remembered_by_its_id_leaves_with_its_person() {
    for dialect in BOTH {
        let rename: Rename = |email| json!(email.replace("x.example", "tenant.example"));
        let case = renaming_accounts(dialect, rename, true);
        let case = case.files("accounts: { p1@x.example: , jane@x.example: }", "").start().await;
        case.apply().await;
        case.apply().await;
        case.write("accounts: { p1@x.example: }", "people:\n  jane@x.example: { status: left }\n");
        case.apply().await;
        let said = case.rosterd(&["plan"]).await;
        let active = case.app.state().is_active("u101");
        assert!(!(active && said.all().contains("in sync")), "{dialect:?}: {said:?} {:?}", case.writes());
    }
}

#[tokio::test]
async fn an_account_that_was_made_and_is_never_listed_is_made_once() {
    for dialect in BOTH {
        let case = Setup::of(dialect).users([1]).scim_option("filter: false").listed(move |_, what, rows| {
            let shown: Vec<_> = rows.into_iter().filter(|row| row["id"] == "u1").collect();
            (what == super::app::Rows::Users)
                .then(|| json_answer(200, json!({"data": shown, "Resources": shown, "totalResults": shown.len()})))
        });
        let case = case.files("accounts: { p1@x.example: , jane@x.example: }", "").start().await;
        many_runs(&case, "never listed").await;
        assert_eq!(case.made("users"), 1, "{dialect:?}: {:?}", case.writes());
    }
}

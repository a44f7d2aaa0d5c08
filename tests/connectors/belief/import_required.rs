//! An import writes what a manifest requires by itself.

use serde_json::json;

use super::{
    app::{Dialect, State},
    case::{Case, Setup},
};

/// What is required, under which name a row has it, and how rows are filled.
type Required = (&'static str, &'static str, &'static str, fn(&mut State));

fn app(require: &str, fields: &str, fill: fn(&mut State)) -> Setup {
    Setup::of(Dialect::Rest)
        .says("create: { post: /users }", &format!("create: {{ post: /users, require: [{require}] }}"))
        .says("phone: phone }", &format!("phone: phone, {fields} }}"))
        .users(1..=4)
        .left(fill)
}

async fn imported(setup: Setup, what: &str) -> (Case, String) {
    let case = setup.start().await;
    let said = case.rosterd(&["import", "--app", "demo"]).await;
    assert_eq!(said.status, 0, "{what}: {said:?}");
    case.converged(what).await;
    let text = texts(&case.dir());
    (case, text)
}

fn texts(dir: &std::path::Path) -> String {
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let text = |path: &std::path::PathBuf| match path.is_dir() {
        true => texts(path),
        false => std::fs::read_to_string(path).unwrap(),
    };
    paths.iter().filter(|path| !path.ends_with("mine.yaml")).map(text).collect()
}

#[tokio::test]
async fn required_fields_stand_in_what_is_imported() {
    let table: [Required; 4] = [
        ("a login", "login", "login: login", |state| {
            for (n, row) in state.users.iter_mut().enumerate() {
                row["login"] = json!(format!("login{n}"));
            }
        }),
        ("names", "given_name, family_name", "login: login", |state| {
            for (n, row) in state.users.iter_mut().enumerate() {
                row["first"] = json!(format!("login{n}"));
                row["last"] = json!("Lee");
            }
        }),
        ("a nested field", "badge", "badge: profile.badge", |state| {
            for (n, row) in state.users.iter_mut().enumerate() {
                row["profile"] = json!({"badge": format!("login{n}")});
            }
        }),
        ("two of them", "login, badge", "login: login, badge: profile.badge", |state| {
            for (n, row) in state.users.iter_mut().enumerate() {
                row["login"] = json!(format!("login{n}"));
                row["profile"] = json!({"badge": "B1"});
            }
        }),
    ];
    for (what, require, fields, fill) in table {
        let (case, text) = imported(app(require, fields, fill), what).await;
        for n in 0..4 {
            assert!(text.contains(&format!("login{n}")), "{what}: {text}");
        }
        // An account that somebody deletes can be made again from what was written.
        case.app.state().users.retain(|row| row["id"] != "u2");
        case.applied().await;
        let body = &case.bodies("POST")[0];
        assert!(body.to_string().contains("login1"), "{what}: {body}");
        case.converged(what).await;
    }
}

#[tokio::test]
async fn an_account_without_a_required_field_does_not_keep_the_others_from_being_imported() {
    for missing in [json!(null), json!("")] {
        let case = Setup::of(Dialect::Rest)
            .says("create: { post: /users }", "create: { post: /users, require: [login] }")
            .says("phone: phone }", "phone: phone, login: login }")
            .users(1..=4)
            .left(|state| {
                for (n, row) in state.users.iter_mut().enumerate() {
                    row["login"] = if n == 3 { missing.clone() } else { json!(format!("login{n}")) };
                }
            })
            .start()
            .await;
        let said = case.rosterd(&["import", "--app", "demo"]).await;
        assert_eq!(said.status, 0, "{missing}: {said:?}");
        let text = texts(&case.dir());
        assert!(text.contains("login0") && text.contains("login2"), "{missing}: {text}");
        assert!(text.contains("p4@x.example") || said.all().contains("p4@x.example"), "{missing}: {text} {said:?}");
        let valid = case.rosterd(&["validate"]).await;
        assert_eq!(valid.status, 0, "{missing}: {valid:?}");
        case.rests("imported").await;
        assert_eq!(case.writes(), [""; 0], "{missing}");
    }
}

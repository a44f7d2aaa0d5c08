//! An address anywhere in a live row counts: whoever has it is that person, or somebody to ask about, but nobody to make anew.

use serde_json::{Value, json};

use super::{
    app::{Dialect, State},
    case::{Case, Setup},
};

const JANE: &str = "jane.doe@x.example";

/// What a row says besides its id.
type Row = fn() -> Value;

fn with_row(state: &mut State, row: Value) {
    let mut whole = json!({"id": "u9", "active": true});
    whole.as_object_mut().unwrap().extend(row.as_object().unwrap().clone());
    state.users.push(whole);
}

/// Jane is granted an account: nobody is made, and what is left waits for a person. Once she left, she is cut off, or the
/// plan is not in sync.
async fn nobody_is_made(setup: Setup, what: &str) {
    let (granted, left) = (format!("accounts: {{ {JANE}: }}"), format!("people:\n  {JANE}: {{ status: left }}\n"));
    let case = setup.files(&granted, "").start().await;
    let plan = case.plan().await;
    let held = plan.actions().iter().all(|action| !action.starts_with("ready demo/create/"));
    assert!(held, "{what}, {:?}: {:#}", case.dialect, plan.0);
    case.apply().await;
    assert_eq!(case.made("users"), 0, "{what}, {:?}", case.dialect);
    case.rests(what).await;
    case.write("accounts: { }", &left);
    is_cut_off_or_told(&case, what).await;
}

async fn is_cut_off_or_told(case: &Case, what: &str) {
    case.apply().await;
    let said = case.rosterd(&["plan"]).await;
    let active = case.app.state().is_active("u9");
    assert!(!(active && said.all().contains("in sync")), "{what}, {:?}: {said:?}", case.dialect);
}

#[tokio::test]
async fn scim_accounts_that_are_known_by_an_email_are_known_by_any_of_them() {
    let table: [(&str, Row); 6] = [
        (
            "an empty primary",
            || json!({"userName": "jdoe", "emails": [{"value": "", "primary": true}, {"value": JANE}]}),
        ),
        (
            "a primary that is null",
            || json!({"userName": "jdoe", "emails": [{"value": null, "primary": true}, {"value": JANE, "type": "work"}]}),
        ),
        (
            "a primary of blanks",
            || json!({"userName": "jdoe", "emails": [{"value": " ", "primary": true}, {"value": JANE}]}),
        ),
        (
            "another primary",
            || json!({"userName": "jdoe", "emails": [{"value": "jd@home.example", "primary": true}, {"value": JANE}]}),
        ),
        ("no emails, and a user name", || json!({"userName": JANE})),
        ("empty emails, and a user name", || json!({"userName": "Jane.Doe@X.example", "emails": []})),
    ];
    for (what, row) in table {
        let setup = Setup::of(Dialect::Scim).option("identity: email").left(|state| with_row(state, row()));
        nobody_is_made(setup, what).await;
    }
}

#[tokio::test]
async fn an_empty_primary_is_skipped_and_the_account_matched() {
    for value in [json!(""), json!(null), json!("  ")] {
        let row = json!({"userName": "jdoe", "emails": [{"value": value, "primary": true}, {"value": JANE}]});
        let setup = Setup::of(Dialect::Scim).option("identity: email").left(|state| with_row(state, row));
        let case = setup.files(&format!("accounts: {{ {JANE}: }}"), "").start().await;
        case.converged("an empty primary").await;
    }
}

#[tokio::test]
async fn scim_accounts_that_are_known_by_a_user_name_have_addresses_elsewhere_too() {
    let table: [(&str, Row); 4] = [
        ("a primary email", || json!({"userName": "jdoe", "emails": [{"value": JANE, "primary": true}]})),
        (
            "another email",
            || json!({"userName": "jd@home.example", "emails": [{"value": "jd@home.example"}, {"value": JANE}]}),
        ),
        ("an email in capitals", || json!({"userName": "jdoe", "emails": [{"value": "Jane.Doe@X.EXAMPLE"}]})),
        ("an extension", || json!({"userName": "jdoe", "urn:x:User": {"mail": JANE}, "emails": []})),
    ];
    for (what, row) in table {
        nobody_is_made(Setup::of(Dialect::Scim).left(|state| with_row(state, row())), what).await;
    }
}

#[tokio::test]
async fn accounts_of_a_manifest_have_addresses_in_other_keys_too() {
    let table: [(&str, &str, Row); 6] = [
        ("an empty first of several", "emails.0.value", || json!({"emails": [{"value": ""}, {"value": JANE}]})),
        (
            "the second of several",
            "emails.0.value",
            || json!({"emails": [{"value": "jd@home.example"}, {"value": JANE}]}),
        ),
        ("a login", "email", || json!({"email": "", "login": JANE})),
        ("null, and a profile", "email", || json!({"email": null, "profile": {"mail": "Jane.Doe@X.example"}})),
        (
            "another address, and aliases",
            "email",
            || json!({"email": "jd@home.example", "aliases": ["x@x.example", JANE]}),
        ),
        ("no address, and a login", "email", || json!({"login": JANE})),
    ];
    for (what, at, row) in table {
        let setup = Setup::of(Dialect::Rest).says("email: email,", &format!("email: {at},"));
        nobody_is_made(setup.left(|state| with_row(state, row())), what).await;
    }
}

#[tokio::test]
async fn user_names_that_are_no_addresses_are_told_with_the_option_that_helps() {
    let rows = |addressed: usize| {
        move |state: &mut State| {
            for n in 0..10 {
                let name = if n < addressed { format!("p{n}@x.example") } else { format!("person{n}") };
                state.users.push(json!({"id": format!("u{n}"), "userName": name, "active": true,
                                        "emails": [{"value": format!("p{n}@x.example"), "primary": true}]}));
            }
        }
    };
    for (addressed, told) in [(0, true), (4, true), (9, false), (10, false)] {
        let setup = Setup::of(Dialect::Scim).left(rows(addressed));
        let case = setup.files("accounts: { p1@x.example: , p2@x.example: }", "").start().await;
        let plan = case.plan().await;
        assert_eq!(plan.says("options.identity: email"), told, "{addressed} of 10: {:?}", plan.findings());
        assert!(!plan.actions().iter().any(|action| action.starts_with("ready demo/create/")), "{addressed} of 10");
        let setup = Setup::of(Dialect::Scim).option("identity: email").left(rows(addressed));
        let case = setup.files("accounts: { p1@x.example: , p2@x.example: }", "").start().await;
        let plan = case.plan().await;
        assert_eq!((plan.actions(), plan.says("options.identity: email")), (vec![], false), "{addressed} of 10");
    }
}

#[tokio::test]
async fn an_address_that_two_live_accounts_have_is_ambiguous() {
    for dialect in [Dialect::Scim, Dialect::Rest] {
        let second = match dialect {
            Dialect::Scim => json!({"userName": "jdoe", "emails": [{"value": JANE}]}),
            Dialect::Rest => json!({"email": "jd@home.example", "login": JANE}),
        };
        let setup = Setup::of(dialect).user("u1", JANE).left(|state| with_row(state, second));
        let case = setup.files(&format!("accounts: {{ {JANE}: }}"), "").start().await;
        let plan = case.plan().await;
        // The account whose address it is counts; the other one is a matter for a person.
        assert!(!plan.actions().iter().any(|action| action.starts_with("ready")), "{dialect:?}: {:#}", plan.0);
        case.rests("two accounts").await;
        assert_eq!(case.writes(), [""; 0], "{dialect:?}");
    }
}

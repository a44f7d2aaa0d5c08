//! What is offered for copying is the harmless line: a namesake may be another person.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, State},
    case::{Case, Setup},
};

const PEOPLE: &str = "people:\n  jane.doe@x.example: { given_name: Jane, family_name: Doe }\n";

fn row(dialect: Dialect, id: &str, email: &str, given: &str, family: &str) -> Value {
    match dialect {
        Dialect::Scim => json!({"id": id, "userName": email, "active": true,
                                "name": {"givenName": given, "familyName": family}}),
        Dialect::Rest => json!({"id": id, "email": email, "active": true, "first": given, "last": family}),
    }
}

/// The files name Jane Doe, and the app has somebody called so under another address.
async fn namesake(dialect: Dialect, email: &str, (given, family): (&str, &str), files: &str) -> Case {
    let add = |state: &mut State| state.users.push(row(dialect, "u9", email, given, family));
    let app = format!("accounts: {{ jane.doe@x.example: {{ given_name: Jane }} }}\n{files}");
    Setup::of(dialect).left(add).files(&app, PEOPLE).start().await
}

/// Lines between backquotes that are about somebody in `people`, in the order in which they are offered.
fn offered<'a>(said: &'a str, email: &str) -> Vec<&'a str> {
    let quoted = said.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.starts_with(&format!("{email}:")) || text.contains("aliases:")).collect()
}

#[tokio::test]
async fn the_first_line_that_is_offered_for_a_namesake_cuts_nobody_off() {
    for dialect in BOTH {
        for (email, name) in [
            ("jane.roe@x.example", ("Jane", "Doe")),
            ("jdoe@y.example", ("Jane", "Doe")),
            ("jane.doe@old.example", ("JANE", "doe")),
            ("jane@x.example", (" Jane ", "Doe")),
        ] {
            let case = namesake(dialect, email, name, "").await;
            let plan = case.plan().await;
            let message = plan.finding("renamed-person", email).unwrap_or_else(|| panic!("{:?}", plan.findings()));
            // That they are two people is said by granting the other one what they have: to be named under `people` alone
            // would take it away.
            let theirs: Vec<_> = offered(&message, email).into_iter().filter(|line| line.starts_with(email)).collect();
            let first = theirs.first().unwrap_or_else(|| panic!("{dialect:?}, {email}: no line in {message}"));
            assert!(!first.contains("status: left"), "{dialect:?}, {email}: {message}");
            assert!(message.contains(&format!("`{first}` to apps.demo.accounts")), "{dialect:?}, {email}: {message}");
            let said = case.rosterd(&["plan"]).await;
            let all = said.all();
            assert!(!offered(&all, email)[0].contains("status: left"), "{dialect:?}, {email}: {said:?}");
        }
    }
}

#[tokio::test]
async fn pasting_the_alias_that_is_offered_takes_no_access_away() {
    for dialect in BOTH {
        let case = namesake(dialect, "jane.roe@x.example", ("Jane", "Doe"), "").await;
        let text = case.text().replace("family_name: Doe }", "family_name: Doe, aliases: [jane.roe@x.example] }");
        std::fs::write(case.dir().join("all.yaml"), text).unwrap();
        case.apply().await;
        assert!(case.app.state().is_active("u9"), "{dialect:?}: {:?}", case.writes());
        assert_eq!(case.made("users"), 0, "{dialect:?}");
        case.rests("an alias").await;
    }
}

#[tokio::test]
async fn granting_the_other_one_takes_nothing_away_and_ends_the_question() {
    for dialect in BOTH {
        let case = namesake(dialect, "jane.roe@x.example", ("Jane", "Doe"), "").await;
        let text = case
            .text()
            .replace("given_name: Jane } }", "given_name: Jane }, jane.roe@x.example: { given_name: Jane } }");
        std::fs::write(case.dir().join("all.yaml"), text).unwrap();
        let plan = case.plan().await;
        assert_eq!(plan.finding("renamed-person", ""), None, "{dialect:?}: {:?}", plan.findings());
        case.apply().await;
        assert!(case.app.state().is_active("u9"), "{dialect:?}: {:?}", case.writes());
    }
}

#[tokio::test]
async fn whoever_shows_two_accounts_is_not_offered_to_lose_both_first() {
    for dialect in BOTH {
        let case = Setup::of(dialect)
            .user("u1", "jane.doe@x.example")
            .user("u2", "Jane.Doe@x.example")
            .files("accounts: { jane.doe@x.example: }", "")
            .start()
            .await;
        let plan = case.plan().await;
        let message = plan.finding("ambiguous-account", "").unwrap_or_else(|| panic!("{:?}", plan.findings()));
        let (pin, left) = (message.find("ids:"), message.find("status: left"));
        assert!(left.is_none() || pin < left, "{dialect:?}: {message}");
        case.rests("two accounts").await;
    }
}

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

/// Texts between backquotes of everything that is said of the namesake, and lines that look as if they were to be copied.
fn offered(said: &str) -> Vec<&str> {
    let quoted = said.split('`').skip(1).step_by(2);
    let lines = said.lines().map(str::trim);
    quoted.chain(lines).filter(|text| text.contains("aliases:") || text.contains("status: left")).collect()
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
            let said = case.rosterd(&["plan"]).await;
            let (plan, all) = (case.plan().await, said.all());
            let first = offered(&said.out).into_iter().next().map(str::to_owned);
            assert!(first.is_none_or(|line| !line.contains("status: left")), "{dialect:?}, {email}: {said:?}");
            // If a line is pasted that makes them one person, or two, nobody loses anything.
            assert!(!all.contains("status: left") || all.find("aliases") < all.find("status: left"), "{email}: {said:?}");
            assert!(plan.says("renamed-person"), "{dialect:?}, {email}: {:?}", plan.findings());
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

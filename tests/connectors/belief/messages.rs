//! What people read: options that exist, words that fit the app, and no sentence about nobody.

use serde_json::json;

use super::{
    app::{BOTH, Dialect},
    case::{Setup, accounts, people},
};
use crate::support::json_answer;

const DEACTIVATE: &str = "  deactivate: { set: { status: inactive } }\n";

#[tokio::test]
async fn a_deactivation_by_hand_names_the_policy_that_would_delete_where_the_manifest_can() {
    let delete = "  delete: { delete: \"/users/{account.id}\" }\n";
    for rest in [people([2]), "people:\n  p2@x.example: { status: left }\n".to_owned()] {
        for (can_delete, told) in [(true, true), (false, false)] {
            let mut setup = Setup::of(Dialect::Rest).says(DEACTIVATE, "");
            if !can_delete {
                setup = setup.says(delete, "");
            }
            let case = setup.users([1, 2]).files(&accounts([1]), &rest).start().await;
            let plan = case.plan().await;
            assert_eq!(plan.actions(), ["manual demo/deactivate/p2@x.example"], "{:#}", plan.0);
            assert_eq!(plan.says("remove_with: delete"), told, "{rest}: {:#}", plan.0);
        }
    }
}

#[tokio::test]
async fn only_an_app_that_invites_is_said_to_invite() {
    for dialect in BOTH {
        let case = Setup::of(dialect)
            .users([1])
            .files(&format!("{}\ngroups: {{ Design: {{ members: [p2@x.example] }} }}", accounts([1, 2])), "")
            .start()
            .await;
        for args in [&["plan"][..], &["apply", "--yes"], &["plan"], &["history"]] {
            let said = case.rosterd(args).await;
            assert!(!said.all().to_lowercase().contains("invit"), "{dialect:?}, {args:?}: {said:?}");
        }
        // Somebody deletes whom we made: not even then were they invited.
        case.app.state().users.retain(|row| row["id"] == "u1");
        let plan = case.plan().await;
        assert!(!plan.0.to_string().contains("invit"), "{dialect:?}: {:#}", plan.0);
    }
}

#[tokio::test]
async fn what_is_to_be_repaired_in_scim_never_speaks_of_a_manifest() {
    let tables: [fn(&mut super::app::State); 3] = [
        |state| {
            state.groups.push(super::app::Group { row: json!({"id": "g2", "displayName": "Design"}), members: vec![] })
        },
        |state| state.users.push(json!({"id": "u7", "userName": "P1@x.example", "active": true})),
        |state| state.users.push(json!({"id": "u8", "userName": "p3@x.example"})),
    ];
    for change in tables {
        let case = Setup::of(Dialect::Scim)
            .users([1, 2])
            .group("g1", "Design", &["u1"])
            .left(change)
            .files(
                &format!("{}\ngroups: {{ Design: {{ members: [p1@x.example, p2@x.example] }} }}", accounts([1, 2, 3])),
                "",
            )
            .start()
            .await;
        let said = case.rosterd(&["plan"]).await;
        assert!(!said.all().contains("manifest"), "{said:?}");
        assert!(!case.plan().await.says("manifest"));
    }
    // What the server cannot do is a matter of options.
    for option in
        ["create_groups: false", "delete_groups: false", "delete_users: never", "patch: false", "reactivate: false"]
    {
        let files = format!(
            "policy: {{ remove_with: delete, unlisted: remove, max_removals: 100%, min_admins: 0 }}\n{}\n\
             groups: {{ Design: {{ members: [p1@x.example] }}, Old: {{ state: absent }} }}",
            accounts([1])
        );
        let case = Setup::of(Dialect::Scim).option(option).users([1, 2]).group("g9", "Old", &[]).files(&files, "");
        let case = case.start().await;
        for args in [&["plan"][..], &["apply", "--yes"]] {
            let said = case.rosterd(args).await;
            assert!(!said.all().contains("manifest"), "{option}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_conflict_with_somebody_invisible_is_told_as_for_a_change_of_address() {
    for dialect in BOTH {
        for status in [409, 422] {
            let case = Setup::of(dialect)
                .users([1])
                .scim_option("filter: false")
                .before(move |call, _| {
                    let is_create = call.method == "POST" && call.path.eq_ignore_ascii_case("/users");
                    let body = json!({"detail": "userName must be unique", "message": "email is taken", "scimType": "uniqueness"});
                    is_create.then(|| json_answer(status, body))
                })
                .files(&accounts([1, 2]), "")
                .start()
                .await;
            for _ in 0..2 {
                let said = case.apply().await;
                assert_eq!(said.status, 1, "{dialect:?}, {status}: {said:?}");
                let told = said.all().contains("another account seems to have the address p2@x.example");
                assert!(told || status == 422, "{dialect:?}, {status}: {said:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_sentence_has_an_empty_name_in_it() {
    for dialect in BOTH {
        for blank in [json!(""), json!(null), json!(" ")] {
            let key = if dialect == Dialect::Scim { "userName" } else { "email" };
            let name = if dialect == Dialect::Scim { "displayName" } else { "name" };
            let case = Setup::of(dialect)
                .users([1])
                .left(|state| {
                    state.users.push(json!({"id": "u8", key: blank, "active": true}));
                    state
                        .groups
                        .push(super::app::Group { row: json!({"id": "g8", name: blank}), members: vec!["u8".into()] });
                })
                .files(&format!("{}\ngroups: {{ Design: {{ members: [p1@x.example] }} }}", accounts([1])), "")
                .start()
                .await;
            for args in [&["plan"][..], &["apply", "--yes"], &["plan"], &["history"]] {
                let said = case.rosterd(args).await;
                for text in [&said.out, &said.err] {
                    let empty = ["``", "\"\"", "''", "()", "  has ", " of :", ": has ", " , "]
                        .iter()
                        .find(|gap| text.contains(**gap));
                    assert_eq!(empty, None, "{dialect:?}, {blank}, {args:?}: {said:?}");
                }
                let begins =
                    said.out.lines().any(|line| line.trim_start().starts_with("has ") || line.starts_with(" has "));
                assert!(!begins, "{dialect:?}, {blank}, {args:?}: {said:?}");
            }
        }
    }
}

#[tokio::test]
async fn why_can_be_asked_about_one_app() {
    for dialect in BOTH {
        let case = Setup::of(dialect).users([1]).files(&accounts([1]), "").start().await;
        case.applied().await;
        let other = "  other:\n    connector: scim\n    url: https://other.example\n    auth: { token: { env: DEMO_TOKEN } }\n    accounts: { p1@x.example: }\n";
        let text = case.text().replace("people:\n", &format!("{other}people:\n"));
        std::fs::write(case.dir().join("all.yaml"), text).unwrap();
        let said = case.plainly(&["why", "p1@x.example", "desired-state"]).await;
        assert!(said.status == 0 && said.out.contains("demo") && said.out.contains("other"), "{said:?}");
        for (app, not) in [("demo", "other"), ("other", "demo")] {
            let said = case.plainly(&["why", "p1@x.example", "desired-state", "--app", app]).await;
            assert_eq!(said.status, 0, "{dialect:?}, {app}: {said:?}");
            assert!(said.out.contains(app) && !said.out.contains(not), "{dialect:?}, {app}: {said:?}");
        }
        let said = case.plainly(&["why", "p1@x.example", "desired-state", "--app", "nope"]).await;
        assert_ne!(said.status, 0, "{said:?}");
    }
}

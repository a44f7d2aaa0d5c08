//! One member who is refused takes nobody else along, whatever the refusal's status.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect},
    case::{Case, Setup, accounts, email},
};
use crate::support::json_answer;

const MEMBERS: usize = 60;

/// An app that refuses every request that puts one of these into the group.
async fn refusing(dialect: Dialect, status: u16, refused: &'static [usize]) -> Case {
    let all: Vec<_> = (1..=MEMBERS).map(email).collect();
    Setup::of(dialect)
        .users(1..=MEMBERS)
        .group("g1", "Everyone", &[])
        .before(move |call, _| {
            let path = call.path.to_lowercase();
            let writes = path.starts_with("/groups/") && call.method != "GET";
            let has = |n: &usize| names(&call.body).contains(&format!("u{n}"));
            let body = json!({"detail": "cannot join", "message": "cannot join", "status": status.to_string()});
            (writes && refused.iter().any(has)).then(|| json_answer(status, body))
        })
        .files(&format!("groups: {{ Everyone: {{ members: [{}] }} }}", all.join(", ")), "")
        .start()
        .await
}

/// Every text in a body.
fn names(body: &Value) -> Vec<String> {
    match body {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(names).collect(),
        Value::Object(all) => all.values().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn one_member_who_is_refused_fails_alone() {
    for dialect in BOTH {
        for status in [403, 400, 404, 409, 422] {
            for refused in [&[7][..], &[1], &[60], &[7, 8, 31]] {
                let case = refusing(dialect, status, refused).await;
                let said = case.apply().await;
                let what = format!("{dialect:?}, {status}, {refused:?}");
                assert_eq!(
                    case.app.state().members("g1").len(),
                    MEMBERS - refused.len(),
                    "{what}: {:?}",
                    case.writes()
                );
                assert_eq!(said.status, 1, "{what}: {said:?}");
                let plan = case.plan().await;
                assert_eq!(plan.actions().len(), refused.len(), "{what}: {:?}", plan.actions());
                // The next run tries them alone, and touches nobody else.
                case.app.server.clear();
                case.apply().await;
                assert!(case.writes().len() <= 2 * refused.len() + 1, "{what}: {:?}", case.writes());
            }
        }
    }
}

const EVERYBODY: &[usize] = &[
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60,
];

#[tokio::test]
async fn where_every_single_one_is_refused_it_is_the_credential_and_said_so() {
    for dialect in BOTH {
        let case = refusing(dialect, 403, EVERYBODY).await;
        let said = case.apply().await;
        assert_eq!((said.status, case.app.state().members("g1").len()), (1, 0), "{dialect:?}");
        assert!(said.all().contains("right") || said.all().contains("credential"), "{dialect:?}: {said:?}");
        // Where one got in, it is not the credential.
        let case = refusing(dialect, 403, &[7]).await;
        let said = case.apply().await;
        assert!(!said.all().contains("credential"), "{dialect:?}: {said:?}");
    }
}

#[tokio::test]
async fn removals_are_split_as_additions_are() {
    for dialect in BOTH {
        let add = "add: { post: \"/groups/{group.id}/members\", body: { ids: \"{account.ids}\" }, at_once: 100 }\n";
        let remove = "  remove: { delete: \"/groups/{group.id}/members/{account.id}\" }\n";
        let together =
            "  remove: { post: \"/groups/{group.id}/out\", body: { ids: \"{account.ids}\" }, at_once: 100 }\n";
        let ids: Vec<_> = (1..=MEMBERS).map(|n| format!("u{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let setup = Setup::of(dialect).says(&format!("{add}{remove}"), &format!("{add}{together}"));
        let case = setup
            .users(1..=MEMBERS)
            .group("g1", "Everyone", &ids)
            .before(|call, state| {
                let is_removal = call.path == "/groups/g1/out" || (call.path == "/Groups/g1" && call.method == "PATCH");
                let named = format!("{} {}", names(&call.body).join(" "), call.body);
                let has = |id: &str| named.contains(&format!("\"{id}\"")) || named.contains(&format!("\\\"{id}\\\""));
                if is_removal && has("u7") {
                    return Some(json_answer(403, json!({"detail": "must stay", "message": "must stay"})));
                }
                (call.path == "/groups/g1/out").then(|| {
                    state.group("g1").members.retain(|id| !has(id));
                    json_answer(200, json!({}))
                })
            })
            .files(&format!("{}\ngroups: {{ Everyone: {{ members: [p1@x.example] }} }}", accounts(1..=MEMBERS)), "")
            .start()
            .await;
        let said = case.apply().await;
        assert_eq!(said.status, 1, "{dialect:?}: {said:?}");
        assert_eq!(case.app.state().members("g1"), ["u1", "u7"], "{dialect:?}: {:?}", case.writes());
        let plan = case.plan().await;
        assert_eq!(plan.actions(), ["ready demo/remove-member/p7@x.example/Everyone"], "{dialect:?}");
    }
}

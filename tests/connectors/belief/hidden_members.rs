//! Members that are not shown are not "none".

use serde_json::{Value, json};

use super::{
    app::{Dialect, Rows, changed},
    case::{Case, Setup},
};
use crate::support::json_answer;

/// What a server shows in the place of members.
type Shown = fn(&mut Value);

const ADMINS: &str = "accounts: { p1@x.example: , p2@x.example: }\ngroups: { Admins: { members: [p2@x.example] }, Design: { members: [] } }";

/// A SCIM server that shows members of no group in its own way. Somebody is in `Admins` whom nobody granted it.
async fn scim(shown: Shown, option: &str) -> Case {
    let setup = Setup::of(Dialect::Scim)
        .users(1..=2)
        .group("g1", "Admins", &["u1", "u2"])
        .group("g2", "Design", &[])
        .after(move |call, answer| {
            if !call.path.starts_with("/Groups") {
                return answer;
            }
            changed(answer, |body| match body.get_mut("Resources").and_then(Value::as_array_mut) {
                Some(groups) => groups.iter_mut().for_each(shown),
                None => shown(body),
            })
        })
        .files(ADMINS, "");
    let setup = if option.is_empty() { setup } else { setup.option(option) };
    setup.start().await
}

fn none(group: &mut Value) {
    group.as_object_mut().unwrap().remove("members");
}

fn empty(group: &mut Value) {
    group["members"] = json!([]);
}

fn null(group: &mut Value) {
    group["members"] = Value::Null;
}

#[tokio::test]
async fn a_server_none_of_whose_groups_shows_members_is_never_in_sync_by_that() {
    for (what, shown) in [("left out", none as Shown), ("always empty", empty), ("null", null)] {
        let case = scim(shown, "").await;
        // Whoever should be in is added; that the server then shows nobody is no reason to do it again and again.
        for _ in 0..3 {
            case.apply().await;
        }
        let plan = case.plan().await;
        let told = plan.finding("believed-members", "options.").or_else(|| plan.finding("incomplete-read", "options."));
        assert!(told.is_some(), "{what}: {:?}", plan.findings());
        let said = case.rosterd(&["plan"]).await;
        assert!(!said.all().contains("in sync"), "{what}: {said:?}");
        let adds = case.writes().iter().filter(|line| line.contains("/Groups/")).count();
        assert!(adds <= 1, "{what}: {:?}", case.writes());
        case.rests(what).await;
    }
}

#[tokio::test]
async fn what_the_options_say_of_members_that_are_not_shown_is_believed() {
    let case = scim(none, "read_members: false").await;
    case.applied().await;
    let plan = case.plan().await;
    assert!(plan.finding("believed-members", "Admins").is_some(), "{:?}", plan.findings());
    case.rests("read_members: false").await;
    let case = scim(leaves_out_empty, "omits_empty_members: true").await;
    let plan = case.plan().await;
    assert_eq!(plan.actions(), ["ready demo/remove-member/p1@x.example/Admins"], "{:#}", plan.0);
    case.applied().await;
    assert_eq!(case.app.state().members("g1"), ["u2"]);
    case.converged("omits_empty_members").await;
}

/// Leaves out a list of members that is empty, and shows the others.
fn leaves_out_empty(group: &mut Value) {
    if group["members"] == json!([]) {
        none(group);
    }
}

#[tokio::test]
async fn a_server_that_has_shown_a_member_before_shows_that_nobody_is_left() {
    let setup = Setup::of(Dialect::Scim)
        .users(1..=2)
        .group("g1", "Admins", &[])
        .after(|call, answer| match call.path.starts_with("/Groups/") {
            true => changed(answer, leaves_out_empty),
            false => answer,
        })
        .files(ADMINS, "");
    let case = setup.start().await;
    case.applied().await;
    // The next run reads the member, and keeps that in the store.
    case.rests("the member is shown").await;
    // Somebody empties by hand the only group that has a member.
    case.app.state().group("g1").members.clear();
    let plan = case.plan().await;
    assert_eq!(plan.actions(), ["ready demo/add-member/p2@x.example/Admins"], "{:#}", plan.0);
    case.applied().await;
    assert_eq!(case.app.state().members("g1"), ["u2"]);
    case.converged("the member is back").await;
}

#[tokio::test]
async fn members_that_are_no_list_make_the_group_incomplete() {
    let table: [(&str, Shown); 5] = [
        ("a text", |group| group["members"] = json!("u2")),
        ("a number", |group| group["members"] = json!(2)),
        ("an object", |group| group["members"] = json!({"value": "u2"})),
        ("true", |group| group["members"] = json!(true)),
        ("a list of texts", |group| group["members"] = json!(["u1", "u2"])),
    ];
    for (what, shown) in table {
        let case = scim(shown, "").await;
        let plan = case.plan().await;
        // Texts in a list may be read as ids; then u1 is seen and goes.
        let seen = plan.actions().iter().any(|action| action.contains("/remove-member/p1@x.example/Admins"));
        let told = plan.finding("incomplete-read", "members").or_else(|| plan.finding("believed-members", ""));
        assert!(told.is_some() || seen, "{what}: {:#}", plan.0);
        case.apply().await;
        let said = case.rosterd(&["plan"]).await;
        let stays = case.app.state().members("g1").contains(&"u1".to_owned());
        assert!(!(stays && said.all().contains("in sync")), "{what}: {said:?}");
    }
}

#[tokio::test]
async fn members_of_a_manifest_that_are_no_list_are_not_nobody() {
    for (what, body) in [
        ("a text", json!({"data": "u1"})),
        ("an object", json!({"data": {"id": "u1"}})),
        ("nothing", json!({})),
        ("a count without rows", json!({"data": [], "count": 2})),
        ("a total without rows", json!({"data": null, "total": 2})),
    ] {
        let case = Setup::of(Dialect::Rest)
            .users(1..=2)
            .group("g1", "Admins", &["u1", "u2"])
            .listed(move |_, kind, _| (kind == Rows::Members).then(|| json_answer(200, body.clone())))
            .files("accounts: { p1@x.example: , p2@x.example: }\ngroups: { Admins: { members: [p2@x.example] } }", "")
            .start()
            .await;
        let plan = case.plan().await;
        assert!(!plan.is_complete(), "{what}: {:#}", plan.0);
        let said = case.rosterd(&["plan"]).await;
        assert!(!said.all().contains("in sync"), "{what}: {said:?}");
    }
}

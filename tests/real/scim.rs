//! SCIM servers of others, each of which takes the standard in its own way (`kind`): from empty to an organisation, then
//! changed in the files, then drifted behind our back, and each time back to an empty plan.

mod files;
mod kind;
mod other;

use serde_json::{Value, json};

use crate::command::{Rosterd, verbs};
use files::{DESIGN, Files, who};
use kind::{BETTER_AUTH, DJANGO, Kind, SCIM2_SERVER, SCIMMY_EXPRESS_4, SCIMMY_EXPRESS_5, TOKEN};
use other::Other;

/// From empty to the organisation, changed, drifted and corrected.
async fn story(kind: &Kind) {
    let Some(server) = kind.start().await else { return };
    let rosterd = Rosterd::new(&[("SCIM_TOKEN", TOKEN)]);
    let other = Other { server: &server, kind };
    let mut files = Files::first(kind);
    first(&rosterd, &other, &files).await;
    changed(&rosterd, &other, &mut files).await;
    drifted(&rosterd, &other, &files).await;
}

/// From empty to the organisation.
async fn first(rosterd: &Rosterd, other: &Other<'_>, files: &Files<'_>) {
    let (people, members) = (other.kind.people, files.groups.values().map(Vec::len).sum());
    rosterd.write(&files.text(other.server));
    assert_eq!(rosterd.plan().await, verbs(&[("create", people), ("create-group", 4), ("add-member", members)]));
    apply_all(rosterd, other).await;
    assert_eq!(other.members("Everyone").await.len(), people - 20);
    let user = other.user(&who(7)).await;
    assert_eq!((&user["active"], &user["name"]["familyName"]), (&json!(true), &json!("Family007")));
}

/// Changed in the files: three leave, one comes, one moves, five leave a group, and a group goes.
async fn changed(rosterd: &Rosterd, other: &Other<'_>, files: &mut Files<'_>) {
    // Somebody else keeps things there that are none of our business.
    let foreign = other.kind.foreign;
    for (name, value) in foreign {
        other.put(&who(3), &format!("/{name}"), json!(value)).await;
    }

    let people = other.kind.people;
    for n in [10, 11, 12] {
        files.people.insert(n, ", status: left");
    }
    files.people.insert(people, "");
    files.moved.insert(3, "Research");
    files.groups.get_mut("Everyone").unwrap().retain(|n| !(20..25).contains(n));
    files.groups.get_mut("Leads").unwrap().push(people);
    files.groups.remove("Empty");
    files.absent.push("Empty");
    rosterd.write(&files.text(other.server));
    // One of the three who left designs as well.
    let removed = 5 + 3 + 1;
    let changes = [
        ("create", 1),
        ("update", 1),
        ("deactivate", 3),
        ("add-member", 1),
        ("remove-member", removed),
        ("delete-group", 1),
    ];
    assert_eq!(rosterd.plan().await, verbs(&changes));
    apply_all(rosterd, other).await;
    assert_eq!(other.members("Everyone").await.len(), people - 20 - 5 - 3);
    assert_eq!(other.user(&who(10)).await["active"], false, "deactivated, and not deleted");
    let moved = other.user(&who(3)).await;
    assert_eq!(moved.pointer(other.kind.moves.pointer), Some(&json!("Research")));
    for (name, value) in foreign {
        assert_eq!(moved[name], json!(value));
    }
}

/// Drifted: somebody is switched off, somebody is renamed, somebody is deleted, a stranger comes, somebody joins, the leads are
/// emptied, and a group is deleted.
async fn drifted(rosterd: &Rosterd, other: &Other<'_>, files: &Files<'_>) {
    let people = other.kind.people;
    other.put(&who(30), "/active", json!(false)).await;
    other.put(&who(31), "/name/givenName", json!("Other")).await;
    let gone = other.user_path(&who(32)).await;
    other.send("DELETE", &gone, Value::Null).await;
    other.create("stranger@example.com").await;
    other.join("Everyone", &who(people - 10)).await;
    other.empty("Leads").await;
    let design = other.group_path(DESIGN).await;
    other.send("DELETE", &design, Value::Null).await;
    // The leaver who was in the group with the deleted ones is inactive and comes into no group again.
    let design = files.groups[DESIGN].len() - 1;
    let expected = [
        ("create", 1),
        ("update", 1),
        ("reactivate", 1),
        ("deactivate", 1),
        ("create-group", 1),
        ("add-member", 4 + design + 1),
        ("remove-member", 1),
    ];
    assert_eq!(rosterd.plan().await, verbs(&expected));
    apply_all(rosterd, other).await;
    let everyone = people - 20 - 5 - 3 + usize::from(other.kind.keeps_deleted_members);
    assert_eq!(other.members("Everyone").await.len(), everyone);
    assert_eq!(other.members("Leads").await.len(), 4);
    assert_eq!(other.user(&who(31)).await["name"]["givenName"], "Given031");
}

/// Does what is planned, after which nothing is.
async fn apply_all(rosterd: &Rosterd, other: &Other<'_>) {
    rosterd.apply().await;
    assert_eq!(rosterd.plan().await, verbs(&[]), "{}", other.server.log());
}

/// Somebody leaves whose account was made by somebody else and is spelled otherwise, and nothing remembers it.
async fn leaver_spelled_otherwise(kind: &Kind) {
    let Some(server) = kind.start().await else { return };
    let other = Other { server: &server, kind };
    let spelled = "Person004@Example.com";
    other.create(spelled).await;
    let mut files = Files::first(kind);
    files.people.insert(4, ", status: left");
    let rosterd = Rosterd::new(&[("SCIM_TOKEN", TOKEN)]);
    rosterd.write(&files.text(&server));
    let said = rosterd.run("apply", &["--yes", "--only", &who(4)]).await;
    let user = other.user(spelled).await;
    assert_eq!((&user["active"], said.status), (&json!(false), 0), "{said:?}");
}

#[tokio::test]
async fn scim2_server_by_index() {
    story(&SCIM2_SERVER).await;
}

#[tokio::test]
async fn scim2_server_by_cursor_in_small_pages() {
    // Nothing tells the connector how lists are paged.
    let pagination = r#"{
        "cursor": true, "index": false, "defaultPaginationMethod": "cursor", "defaultPageSize": 20, "maxPageSize": 30,
        "cursorTimeout": 3600
    }"#;
    story(&Kind { pagination: Some(pagination), ..SCIM2_SERVER }).await;
}

#[tokio::test]
async fn scim2_server_by_put_alone_in_pages_of_any_size() {
    let pagination = r#"{"cursor": true, "index": true, "defaultPaginationMethod": "index", "maxPageSize": 70}"#;
    let options = "{ patch: false, member_removal: replace, page_size: 500, search: body }";
    story(&Kind { pagination: Some(pagination), options, ..SCIM2_SERVER }).await;
}

#[tokio::test]
async fn scimmy_on_express_4() {
    story(&SCIMMY_EXPRESS_4).await;
}

#[tokio::test]
async fn scimmy_on_express_5() {
    story(&SCIMMY_EXPRESS_5).await;
}

#[tokio::test]
async fn better_auth() {
    story(&BETTER_AUTH).await;
}

#[tokio::test]
async fn django() {
    story(&DJANGO).await;
}

#[tokio::test]
async fn scim2_server_finds_a_leaver_spelled_otherwise() {
    leaver_spelled_otherwise(&SCIM2_SERVER).await;
}

#[tokio::test]
async fn scimmy_finds_a_leaver_spelled_otherwise() {
    leaver_spelled_otherwise(&SCIMMY_EXPRESS_4).await;
}

#[tokio::test]
async fn better_auth_finds_a_leaver_spelled_otherwise() {
    leaver_spelled_otherwise(&BETTER_AUTH).await;
}

#[tokio::test]
async fn django_finds_a_leaver_spelled_otherwise() {
    leaver_spelled_otherwise(&DJANGO).await;
}

/// Where nothing is said of it, the list shows the first 20 only, and a query finds the others: nothing is made again, and nobody
/// is told that all is well.
#[tokio::test]
async fn scimmy_on_express_5_is_incomplete_by_address() {
    let kind = Kind { options: "{}", ..SCIMMY_EXPRESS_5 };
    let Some(server) = kind.start().await else { return };
    let rosterd = Rosterd::new(&[("SCIM_TOKEN", TOKEN)]);
    rosterd.write(&Files::first(&kind).text(&server));
    rosterd.apply().await;
    let said = rosterd.run("plan", &["--format", "json"]).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let app = &plan["apps"][0];
    assert_eq!((&app["complete"], &app["observed"]["accounts"]), (&json!(false), &json!(60)), "{app}");
    let ready = app["actions"].as_array().unwrap().iter().filter(|action| action["status"] == "ready");
    assert_eq!(ready.map(|action| &action["name"]).collect::<Vec<_>>(), [&Value::Null; 0]);
    assert!(app["findings"].to_string().contains("repeats rows"), "{app}");
}

//! Alteryx Server as the vendor's own pages describe it.

use rosterd::sandbox::AccountPatch;
use serde_json::{Value, json};

use crate::rest::{Rest, WEBAPI, column, summary};

async fn server(quirks: &[&str]) -> Rest {
    Rest::new(WEBAPI, quirks).await
}

/// The fields that a PUT must hold.
const THIRTEEN: [&str; 13] = [
    "firstName",
    "lastName",
    "email",
    "role",
    "defaultWorkerTag",
    "canScheduleJobs",
    "canPrioritizeJobs",
    "canAssignJobs",
    "isApiEnabled",
    "defaultCredentialId",
    "isActive",
    "isValidated",
    "timeZone",
];

#[tokio::test]
async fn a_new_user_needs_no_role_and_is_evaluated() {
    let app = server(&[]).await;
    let body = json!({ "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" });
    let made = app.send("POST", "/users", body.clone()).await;
    assert_eq!((made.status, &made.json["role"], &made.json["isActive"]), (201, &json!("Evaluated"), &json!(true)));
    assert!(THIRTEEN.iter().all(|field| made.json.get(*field).is_some()), "{made:?}");
    assert_eq!(app.send("POST", "/users", body).await.status, 409);
    let creator = json!({ "firstName": "Joe", "lastName": "Doe", "email": "joe@example.com", "role": "Creator" });
    assert_eq!(app.send("POST", "/users", creator).await.status, 400, "a role of the other dialect");
}

#[tokio::test]
async fn lists_are_bare_whole_and_sparse_unless_the_full_view_is_asked_for() {
    let app = server(&[]).await;
    app.crowd(130);
    let rows = app.get("/users?page=2&pageSize=10").await.json;
    assert_eq!(rows.as_array().unwrap().len(), 130, "there are no pages");
    for field in ["timeZone", "isApiEnabled", "dateCreated", "lastLogin"] {
        assert!(rows[0].get(field).is_none(), "{field}");
    }
    let full = app.get("/users?view=Full").await.json[0].clone();
    for field in ["timeZone", "isApiEnabled", "dateCreated", "lastLogin"] {
        assert!(full.get(field).is_some(), "{field}");
    }
    assert_eq!(app.get("/users?view=full").await.status, 400);
    app.quirks(&["truncated-list"]);
    assert_eq!(app.get("/users").await.json.as_array().unwrap().len(), 25);
}

#[tokio::test]
async fn filters_compare_whole_values_without_case() {
    let app = server(&[]).await;
    let jane = app.account("Jane@example.com");
    app.account("mary.jane@example.com");
    app.patch(&jane, AccountPatch { role: Some("Artisan".into()), ..AccountPatch::default() });
    app.patch("mary.jane@example.com", AccountPatch { status: Some("inactive".into()), ..AccountPatch::default() });
    let (first, second) = (["Jane@example.com"], ["mary.jane@example.com"]);
    let both = ["Jane@example.com", "mary.jane@example.com"];
    for (quirks, query, found) in [
        (&[][..], "email=jane@EXAMPLE.com", &first[..]),
        (&[], "email=jane", &[]),
        (&[], "role=artisan", &first),
        (&[], "active=false", &second),
        (&[], "firstName=mary.jane", &second),
        (&[], "createdAfter=2001-01-01T00:00:00Z", &both),
        (&[], "createdBefore=2001-01-01T00:00:00Z", &[]),
        (&["email-contains"], "email=jane@example.com", &both),
        (&["email-ignored"], "email=nobody@example.com", &both),
    ] {
        app.quirks(quirks);
        assert_eq!(column(&app.get(&format!("/users?{query}")).await.json, "email"), found, "{quirks:?} {query}");
    }
    for query in ["active=yes", "createdAfter=monday"] {
        assert_eq!(app.get(&format!("/users?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_put_without_one_of_the_thirteen_fields_is_refused() {
    let app = server(&[]).await;
    let id = app.account("jane@example.com");
    let user = format!("/users/{id}");
    let whole = app.get(&user).await.json;
    for field in THIRTEEN {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(app.send("PUT", &user, body).await.status, 400, "{field}");
    }
    assert_eq!(app.send("PUT", &user, whole.clone()).await.status, 200);
    assert!(!app.effects().contains(&true));
    assert_eq!(app.view(&id).raw, whole);
}

#[tokio::test]
async fn a_put_resets_the_optional_fields_it_leaves_out_and_keeps_unknown_ones_it_holds() {
    let app = server(&[]).await;
    let id = app.account("jane@example.com");
    app.set_raw(&id, json!({ "language": "fr-fr", "canCreateCollections": true, "badge": 7 }));
    let user = format!("/users/{id}");
    let full = app.get("/users?view=Full").await.json[0].clone();
    let mut changed = full.clone();
    changed["role"] = json!("Artisan");
    let answer = app.send("PUT", &user, changed.clone()).await;
    changed.as_object_mut().unwrap().remove("lastLogin");
    assert_eq!((answer.status, answer.json), (200, changed), "a row of the full view can be sent back");

    let whole = app.get(&user).await.json;
    let thirteen: serde_json::Map<_, _> =
        THIRTEEN.iter().map(|field| ((*field).into(), whole[*field].clone())).collect();
    let bare = app.send("PUT", &user, Value::Object(thirteen)).await.json;
    let left = (&bare["language"], &bare["canCreateCollections"], &bare["badge"]);
    assert_eq!(left, (&Value::Null, &json!(false), &Value::Null));
    for (field, value) in
        [("id", json!("other")), ("lastLogin", json!(null)), ("dateCreated", json!("")), ("x", json!(1))]
    {
        let mut body = whole.clone();
        body[field] = value;
        assert_eq!(app.send("PUT", &user, body).await.status, 400, "{field}");
    }
}

#[tokio::test]
async fn deactivating_by_put_keeps_the_groups_and_by_post_takes_them() {
    let app = server(&[]).await;
    let id = app.account("jane@example.com");
    app.group("ug-1", "Analysts", &[&id]);
    app.group("ug-2", "Planners", &[&id]);
    let user = format!("/users/{id}");
    let mut body = app.get(&user).await.json;
    body["isActive"] = json!(false);
    assert_eq!(app.send("PUT", &user, body).await.status, 200);
    assert_eq!((app.view(&id).status.as_str(), app.groups_of(&id).len()), ("inactive", 2));
    let answer = app.send("POST", &format!("{user}/deactivate"), json!({})).await;
    assert_eq!((answer.status, answer.json), (200, json!(["ug-1", "ug-2"])));
    assert!(app.groups_of(&id).is_empty());
    let again = app.send("POST", &format!("{user}/deactivate"), json!({})).await;
    assert_eq!((again.status, again.json, app.effects().last()), (200, json!([]), Some(&false)));
}

#[tokio::test]
async fn delete_destroys_but_not_a_member_or_an_owner() {
    let app = server(&[]).await;
    let (member, owner) = (app.account("member@example.com"), app.account("owner@example.com"));
    app.group("ug-1", "Analysts", &[&member]);
    app.set_raw(&owner, json!({ "ownedWorkflows": 2 }));
    assert!(app.view(&owner).raw.get("ownedWorkflows").is_none(), "no answer shows it");
    for id in [&member, &owner] {
        assert_eq!(app.delete(&format!("/users/{id}")).await.status, 400);
    }
    app.delete(&format!("/usergroups/ug-1/users/{member}")).await;
    app.set_raw(&owner, json!({ "ownedWorkflows": 0 }));
    for id in [&member, &owner] {
        assert_eq!(app.delete(&format!("/users/{id}")).await.status, 200);
        assert_eq!(app.get(&format!("/users/{id}")).await.status, 404);
    }
    assert!(app.emails().is_empty());
}

#[tokio::test]
async fn members_are_added_by_a_list_of_ids_all_or_none() {
    let app = server(&[]).await;
    let (jane, joe) = (app.account("jane@example.com"), app.account("joe@example.com"));
    let made = app.send("POST", "/usergroups", json!({ "name": "Analysts", "role": "Evaluated" })).await;
    assert_eq!((made.status, &made.json["memberIds"]), (201, &json!([])));
    let group = format!("/usergroups/{}", made.id());
    let members = format!("{group}/users");
    for (body, status) in [
        (json!({ "userId": jane }), 400),
        (json!([]), 400),
        (json!([7]), 400),
        (json!([jane, "nobody"]), 404),
        (json!([jane, joe]), 200),
        (json!([joe]), 200),
    ] {
        assert_eq!(app.send("POST", &members, body.clone()).await.status, status, "{body}");
    }
    assert_eq!(app.effects(), [true, false, false, false, false, true, false]);
    assert_eq!(app.get(&group).await.json["memberIds"], json!([jane, joe]));
    assert_eq!(
        app.get("/usergroups").await.json,
        json!([{ "id": made.id(), "name": "Analysts", "role": "Evaluated" }])
    );
    assert_eq!(app.delete(&format!("{members}/{jane}")).await.status, 204);
    assert_eq!(app.delete(&format!("{members}/{jane}")).await.status, 404);
    assert_eq!(app.delete(&group).await.status, 400, "it has a member");
    assert_eq!(app.delete(&format!("{group}?forceDelete=true")).await.status, 200);
    assert!(app.groups_of(&joe).is_empty());
}

#[tokio::test]
async fn windows_authentication_neither_creates_nor_deactivates() {
    let app = server(&["windows-auth", "no-deactivation"]).await;
    let id = app.account("jane@example.com");
    let user = format!("/users/{id}");
    let body = json!({ "firstName": "Joe", "lastName": "Doe", "email": "joe@example.com" });
    assert_eq!(app.send("POST", "/users", body).await.status, 400);
    assert_eq!(app.send("POST", &format!("{user}/deactivate"), json!({})).await.status, 400);
    let mut body = app.get(&user).await.json;
    body["isActive"] = json!(false);
    assert_eq!(app.send("PUT", &user, body.clone()).await.status, 400);
    body["isActive"] = json!(true);
    body["role"] = json!("NoAccess");
    assert_eq!(app.send("PUT", &user, body).await.status, 200);
    assert_eq!((app.emails().len(), app.view(&id).role.as_str()), (1, "NoAccess"));
}

#[tokio::test]
async fn the_example_has_drifted_as_its_table_says() {
    let app = Rest::example(WEBAPI).await;
    let all = summary(&app);
    let check = |email: &str, status: &str, role: &str, groups: &[&str]| {
        let expected = (status.to_owned(), role.to_owned(), groups.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(all.get(email), Some(&expected), "{email}");
    };
    check("nadia.petrova@northwind.example", "inactive", "Artisan", &["ug-501"]);
    check("anil.kapoor@lumenrender.example", "active", "Member", &["ug-501", "ug-590"]);
    check("quinn.harper@northwind.example", "active", "Viewer", &["ug-501"]);
    check("carmen.vega@northwind.example", "active", "Artisan", &[]);
    check("milo.rossi@northwind.example", "active", "Artisan", &["ug-501", "ug-502"]);
    check("Amara.Okafor@Northwind.example", "active", "Artisan", &["ug-502"]);
    for name in ["felix.brandt", "samuel.osei"] {
        assert!(!all.contains_key(&format!("{name}@northwind.example")), "{name}");
    }
    let active = all.values().filter(|(status, ..)| status == "active").count();
    assert_eq!((all.len(), active), (19, 17));
}

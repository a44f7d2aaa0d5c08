//! What every write of a manifest would send, printed without sending it; and what a manifest says that means nothing.

use super::{app::Dialect, case::Setup};

#[tokio::test]
async fn every_write_is_printed_with_its_path_and_its_body_and_nothing_is_sent() {
    for dir in ["desired-state", "nowhere"] {
        let case = Setup::of(Dialect::Rest).users([1]).files("accounts: { p1@x.example: }", "").start().await;
        let args = ["connectors", "check", "desired-state/connectors/mine.yaml", dir, "--dry"];
        let said = case.plainly(&args).await;
        assert_eq!(said.status, 0, "{said:?}");
        for request in
            ["POST /users", "PATCH /users/", "DELETE /users/", "POST /groups", "PATCH /groups/", "DELETE /groups/"]
        {
            assert!(said.out.contains(request), "{request}: {said:?}");
        }
        // Bodies as they would be sent: keys of the app, and no placeholder left.
        for part in ["\"email\"", "\"first\"", "\"active\": false", "\"ids\"", "\"name\""] {
            let spaceless = |text: &str| text.split_whitespace().collect::<String>();
            assert!(spaceless(&said.out).contains(&spaceless(part)), "{part}: {said:?}");
        }
        assert!(
            !said.out.contains("{account") && !said.out.contains("{group") && !said.out.contains("{email}"),
            "{said:?}"
        );
        assert_eq!(case.lines(), [""; 0]);
    }
}

#[tokio::test]
async fn the_styles_of_updates_show_in_what_is_printed() {
    for (update, expected) in [
        ("update: { put: \"/users/{account.id}\", style: replace }", "PUT /users/"),
        ("update: { patch: \"/users/{account.id}\", style: json-patch }", "\"op\""),
        ("update: { post: \"/users/{account.id}/edit\" }", "POST /users/"),
        ("wrap: user\n  update: { patch: \"/users/{account.id}\" }", "\"user\""),
    ] {
        let case = Setup::of(Dialect::Rest).says("update: { patch: \"/users/{account.id}\" }", update).start().await;
        let said =
            case.plainly(&["connectors", "check", "desired-state/connectors/mine.yaml", "nowhere", "--dry"]).await;
        assert_eq!(said.status, 0, "{update}: {said:?}");
        assert!(said.out.contains(expected), "{update}: {said:?}");
        assert_eq!(case.lines(), [""; 0], "{update}");
    }
}

#[tokio::test]
async fn what_means_nothing_in_a_manifest_is_refused_at_its_line() {
    let list = "list: { get: /users, items: data }";
    for (what, old, new, word) in [
        ("carries without email", list, "list: { get: /users, items: data, carries: [given_name] }", "carries"),
        ("carries with status alone", list, "list: { get: /users, items: data, carries: [status] }", "carries"),
        ("a star in a field", "phone: phone }", "phone: \"phones.*.value\" }", "*"),
        (
            "a star in a role",
            "phone: phone }\n",
            "phone: phone, roles: \"roles.*.id\" }\n  role: { take: many }\n",
            "*",
        ),
        ("a star at the end", "phone: phone }", "phone: \"phones.*\" }", "*"),
        ("a star in items", list, "list: { get: /users, items: \"data.*.rows\" }", "*"),
    ] {
        let case = Setup::of(Dialect::Rest).says(old, new).start().await;
        let said = case.plainly(&["connectors", "check", "desired-state/connectors/mine.yaml", "nowhere"]).await;
        // A list of ids may be said with a star where the language means something by it; then reading shows the ids.
        assert_eq!(said.status, 1, "{what}: {said:?}");
        assert!(said.all().contains(word), "{what}: {said:?}");
    }
    let good = "list: { get: /users, items: data, carries: [email, given_name] }";
    let case = Setup::of(Dialect::Rest).says(list, good).start().await;
    let said = case.plainly(&["connectors", "check", "desired-state/connectors/mine.yaml", "nowhere"]).await;
    assert_eq!(said.status, 0, "{said:?}");
}

//! OpenStack Keystone, for which there is nothing but a manifest (`keystone.yaml`): whether the language is enough for an API
//! that it was not made for. From empty to an organisation of 200 people, then changed in the files, then drifted behind our
//! back, and each time back to an empty plan.

mod prepared;

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use crate::command::{Rosterd, verbs};
use prepared::{ADMIN, Other, PASSWORD};

const MANIFEST: &str = include_str!("keystone.yaml");

/// Where the files have it.
const CONNECTOR: &str = "connectors/keystone.yaml";

/// Rows that an answer holds at most: users and groups both take several pages then.
const LIMIT: usize = 20;

/// People with accounts.
const PEOPLE: usize = 200;

/// People in a team; every team is a group.
const TEAM: usize = 8;

/// People in the group that is larger than any answer.
const EVERYONE: usize = 180;

fn who(n: usize) -> String {
    format!("person{n:03}@example.com")
}

fn team(n: usize) -> String {
    format!("Team {n:02}")
}

/// What the files say of the organisation.
struct Files {
    /// People by their number, with what their line under `people` says.
    people: BTreeMap<usize, &'static str>,
    /// Departments of accounts that are not in the studio.
    departments: BTreeMap<usize, &'static str>,
    /// Members by group.
    groups: BTreeMap<String, Vec<usize>>,
    /// What the description of a group says, where it is not its name.
    descriptions: BTreeMap<String, &'static str>,
    /// Groups that are to go.
    absent: Vec<String>,
}

impl Files {
    fn first() -> Self {
        let teams = (0..PEOPLE / TEAM).map(|n| (team(n), (n * TEAM..(n + 1) * TEAM).collect()));
        Self {
            people: (0..PEOPLE).map(|n| (n, "")).collect(),
            departments: BTreeMap::new(),
            groups: teams.chain([("Everyone/all".to_owned(), (0..EVERYONE).collect())]).collect(),
            descriptions: BTreeMap::new(),
            absent: Vec::new(),
        }
    }

    fn text(&self, other: &Other) -> String {
        let mut text = format!(
            "apps:\n  cloud:\n    connector: {CONNECTOR}\n    url: {}\n    \
             auth: {{ username: {{ env: KEYSTONE_USER }}, password: {{ env: KEYSTONE_PASSWORD }} }}\n    \
             self: {ADMIN}\n    policy: {{ unlisted: remove, max_creates: 1000, max_removals: 100%, min_admins: 0 }}\n    \
             accounts:\n",
            other.server.origin
        );
        for n in self.people.keys() {
            let department = self.departments.get(n).unwrap_or(&"Studio");
            writeln!(text, "      {}: {{ department: {department} }}", who(*n)).unwrap();
        }
        text += "    groups:\n";
        for (name, members) in &self.groups {
            let members: Vec<_> = members.iter().map(|n| who(*n)).collect();
            let description = self.descriptions.get(name).copied().unwrap_or(name);
            writeln!(text, "      {name}: {{ description: {description}, members: [{}] }}", members.join(", "))
                .unwrap();
        }
        for name in &self.absent {
            writeln!(text, "      {name}: {{ state: absent }}").unwrap();
        }
        // What was made inactive behind our back was made so by somebody else.
        text += "approvals:\n  - { allow: cloud/reactivate, guard: reactivation, until: 2099-12-31 }\n";
        for name in &self.absent {
            let action = format!("cloud/delete-group/{name}");
            writeln!(text, "  - {{ allow: '{action}', guard: irreversible, until: 2099-12-31 }}").unwrap();
        }
        text += "people:\n";
        for (n, more) in &self.people {
            writeln!(text, "  {}: {{ given_name: Given{n:03}{more} }}", who(*n)).unwrap();
        }
        text
    }
}

/// Memberships as Keystone offers them first: by group, where it cuts them off.
const BY_GROUP: &str = r#"  list:
    get: "/groups/{group.id}/users"
    items: users
    account: { id: id, email: name }
"#;

/// The manifest with another list of members.
fn by_group(more: &str) -> String {
    let (before, rest) = MANIFEST.split_once("members:\n").unwrap();
    let (_, after) = rest.split_once("  add:").unwrap();
    format!("{before}members:\n{BY_GROUP}{more}  add:{after}")
}

/// The command with a manifest for the server.
fn rosterd(manifest: &str) -> Rosterd {
    let rosterd = Rosterd::new(&[("KEYSTONE_USER", ADMIN), ("KEYSTONE_PASSWORD", PASSWORD)]);
    rosterd.place(CONNECTOR, manifest);
    rosterd
}

#[tokio::test]
async fn a_manifest_alone_takes_keystone_from_empty_to_an_organisation_and_keeps_it_so() {
    let Some(other) = prepared::start(LIMIT).await else { return };
    let rosterd = rosterd(MANIFEST);

    // Another domain has somebody of the same name, who is none of our business.
    let domain = other.send("POST", "/domains", json!({"domain": {"name": "partners"}})).await;
    let namesake = json!({"user": {"name": who(0), "domain_id": domain["domain"]["id"], "department": "Elsewhere"}});
    let namesake = other.send("POST", "/users", namesake).await["user"]["id"].clone();

    let mut files = Files::first();
    rosterd.write(&files.text(&other));
    let teams = PEOPLE / TEAM;
    let first = [("create", PEOPLE), ("create-group", teams + 1), ("add-member", PEOPLE + EVERYONE)];
    assert_eq!(rosterd.plan().await, verbs(&first));
    rosterd.apply().await;
    assert_eq!(rosterd.plan().await, verbs(&[]), "{}", other.server.log());
    // Each by a question of its own, which is not how rosterd reads them.
    let some = [0, 22, 32, EVERYONE - 1, EVERYONE + 10].map(who);
    assert_eq!(other.members("Everyone/all", &some).await, [0, 22, 32, EVERYONE - 1].map(who));
    let user = other.one("users", &who(7)).await;
    assert_eq!((&user["enabled"], &user["department"]), (&json!(true), &json!("Studio")));

    // Somebody else keeps things there that are none of our business.
    let path = other.path("users", &who(3)).await;
    other.send("PATCH", &path, json!({"user": {"badge": "B-3", "description": "third"}})).await;

    // Changed in the files: three leave, one comes, one moves, five leave a group, a group gets another description, and one
    // goes.
    for n in [10, 11, 12] {
        files.people.insert(n, ", status: left");
    }
    files.people.insert(PEOPLE, "");
    files.departments.insert(3, "Research");
    files.groups.get_mut("Everyone/all").unwrap().retain(|n| !(20..25).contains(n));
    files.groups.get_mut(&team(0)).unwrap().push(PEOPLE);
    files.descriptions.insert(team(1), "The second team");
    files.groups.remove(&team(24));
    files.absent.push(team(24));
    rosterd.write(&files.text(&other));
    let changes = [
        ("create", 1),
        ("update", 1),
        ("deactivate", 3),
        ("add-member", 1),
        // Those who left are in two groups each.
        ("remove-member", 5 + TEAM + 3 * 2),
        ("update-group", 1),
        ("delete-group", 1),
    ];
    assert_eq!(rosterd.plan().await, verbs(&changes));
    rosterd.apply().await;
    assert_eq!(rosterd.plan().await, verbs(&[]), "{}", other.server.log());
    assert_eq!(other.members("Everyone/all", &some).await, [0, 32, EVERYONE - 1].map(who));
    assert_eq!(other.one("users", &who(10)).await["enabled"], false, "deactivated, and not deleted");
    assert_eq!(other.one("groups", &team(1)).await["description"], "The second team");
    let moved = other.one("users", &who(3)).await;
    let kept = ["department", "badge", "description"].map(|key| moved[key].as_str().unwrap().to_owned());
    assert_eq!(kept, ["Research", "B-3", "third"]);

    // Drifted: somebody is switched off, somebody moves, somebody is deleted, a stranger comes, somebody joins, a team is
    // emptied, another one deleted, and one described otherwise.
    let off = other.path("users", &who(30)).await;
    other.send("PATCH", &off, json!({"user": {"enabled": false}})).await;
    let moved = other.path("users", &who(31)).await;
    other.send("PATCH", &moved, json!({"user": {"department": "Elsewhere"}})).await;
    let gone = other.path("users", &who(32)).await;
    other.send("DELETE", &gone, Value::Null).await;
    let stranger = json!({"user": {"name": "stranger@example.com", "domain_id": "default"}});
    other.send("POST", "/users", stranger).await;
    let everyone = other.path("groups", "Everyone/all").await;
    let joins = other.path("users", &who(EVERYONE + 10)).await;
    other.send("PUT", &format!("{everyone}{joins}"), Value::Null).await;
    let emptied = other.path("groups", &team(6)).await;
    for n in 6 * TEAM..7 * TEAM {
        let leaves = other.path("users", &who(n)).await;
        other.send("DELETE", &format!("{emptied}{leaves}"), Value::Null).await;
    }
    let deleted = other.path("groups", &team(7)).await;
    other.send("DELETE", &deleted, Value::Null).await;
    let described = other.path("groups", &team(8)).await;
    other.send("PATCH", &described, json!({"group": {"description": "whatever"}})).await;
    let drift = [
        ("create", 1),
        ("update", 1),
        ("reactivate", 1),
        ("deactivate", 1),
        ("create-group", 1),
        ("update-group", 1),
        // The emptied team, the deleted one, and the two groups of the one who was deleted.
        ("add-member", TEAM + TEAM + 2),
        ("remove-member", 1),
    ];
    assert_eq!(rosterd.plan().await, verbs(&drift));
    rosterd.apply().await;
    assert_eq!(rosterd.plan().await, verbs(&[]), "{}", other.server.log());
    assert_eq!(other.members("Everyone/all", &some).await, [0, 32, EVERYONE - 1].map(who));
    assert_eq!(other.one("users", &who(31)).await["department"], "Studio");
    assert_eq!(other.one("users", "stranger@example.com").await["enabled"], false);
    assert_eq!(other.one("users", ADMIN).await["enabled"], true, "nobody locks himself out");
    let namesake = other.send("GET", &format!("/users/{}", namesake.as_str().unwrap()), Value::Null).await;
    assert_eq!((&namesake["user"]["department"], &namesake["user"]["enabled"]), (&json!("Elsewhere"), &json!(true)));
}

/// A team that fits into an answer, and a group that does not.
async fn with_a_group_too_large(other: &Other) -> Files {
    let mut files = Files::first();
    files.people.retain(|n, _| *n < LIMIT + 10);
    files.groups.retain(|name, _| *name == team(0));
    files.groups.insert("Everyone/all".to_owned(), (0..LIMIT + 10).collect());
    let rosterd = rosterd(MANIFEST);
    rosterd.write(&files.text(other));
    rosterd.apply().await;
    files
}

/// What the plan says of the app, with memberships read by group.
async fn plan_by_group(manifest: &str, files: &Files, other: &Other) -> Value {
    let rosterd = rosterd(manifest);
    rosterd.write(&files.text(other));
    let said = rosterd.run("plan", &["--format", "json"]).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    plan["apps"][0].clone()
}

#[tokio::test]
async fn a_member_list_that_the_server_cuts_off_is_incomplete_and_ends() {
    let Some(other) = prepared::start(LIMIT).await else { return };
    let mut files = with_a_group_too_large(&other).await;
    // One whom the list does not show is to go, and one is to leave the group that is seen whole.
    files.groups.get_mut("Everyone/all").unwrap().clear();
    files.groups.get_mut(&team(0)).unwrap().retain(|n| *n != 3);

    let whole = "    paged: false\n";
    for (more, why) in [("", "repeats rows"), (whole, "cut the list off")] {
        let app = plan_by_group(&by_group(more), &files, &other).await;
        assert_eq!((&app["error"], &app["complete"]), (&Value::Null, &Value::Bool(false)), "{app}");
        // A token, two pages each of users and of groups at most, one page of the team, and two of the group, whose second
        // one is its first again.
        let requests = app["observed"]["requests"].as_u64().unwrap();
        assert!(requests <= 1 + 2 + 2 + 1 + 2, "{requests} requests");
        let findings = app["findings"].to_string();
        assert!(findings.contains(why), "{why}: {findings}");
        let actions = app["actions"].as_array().unwrap();
        let of = |group: &str| actions.iter().filter(|action| action["group"] == group).collect::<Vec<_>>();
        let [seen] = of(&team(0))[..] else { panic!("{actions:?}") };
        assert_eq!((&seen["verb"], &seen["status"]), (&json!("remove-member"), &json!("ready")), "{seen}");
        assert!(of("Everyone/all").len() <= LIMIT, "nobody is removed who was not seen");
    }
}

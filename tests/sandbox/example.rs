//! The example organisation against `desired-state/`, by an oracle that knows only as much of the language as these
//! files use. It holds the table in the sandbox's example to what is really there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rosterd::sandbox::{AccountView, Config, Sandbox};
use serde_json::{Map, Value, json};

use crate::client::{Fixture, quiet};

/// Every section of the files, merged.
fn desired() -> Value {
    fn merge(into: &mut Value, from: Value, path: &str) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                for (key, value) in from {
                    let path = format!("{path}/{key}");
                    match into.get_mut(&key) {
                        Some(there) => merge(there, value, &path),
                        None => drop(into.insert(key, value)),
                    }
                }
            }
            (_, from) => panic!("{path} is given twice: {from}"),
        }
    }
    fn read(directory: &Path, into: &mut Value) {
        let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                read(&path, into);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                let value: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
                let section = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
                if ["people", "teams", "apps"].contains(&section) {
                    assert!(value.as_object().unwrap().keys().all(|key| key == section), "{path:?}");
                }
                merge(into, value, "");
            }
        }
    }
    let mut all = Value::Object(Map::new());
    read(Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state").as_path(), &mut all);
    all
}

/// Whether a window that ends with this value has ended. Nothing in the files ends within years of being written.
fn lapsed(value: &Value) -> bool {
    let Some(until) = value.get("until").and_then(Value::as_str) else { return false };
    assert!(!("2026-10".."2036").contains(&until), "{until} would change its meaning one day soon");
    until < "2036"
}

/// What the files give: per account its status, role, and role in each group.
type Granted = BTreeMap<String, (&'static str, String, BTreeMap<String, String>)>;

fn members(all: &Value, team: &str) -> BTreeSet<String> {
    let team = &all["teams"][team];
    let mut found = BTreeSet::new();
    for (email, person) in all["people"].as_object().unwrap() {
        let matches = team["match"].as_object().is_some_and(|wanted| {
            wanted.iter().all(|(key, values)| values.as_array().unwrap().contains(&person["attributes"][key]))
        });
        if matches {
            found.insert(email.clone());
        }
    }
    for (email, line) in team["members"].as_object().unwrap_or(&Map::new()) {
        assert!(all["people"].get(email).is_some(), "{email} is a person");
        if !lapsed(line) {
            found.insert(email.clone());
        }
    }
    for included in team["includes"].as_array().unwrap_or(&Vec::new()) {
        found.extend(members(all, included.as_str().unwrap()));
    }
    found
}

fn granted(all: &Value) -> Granted {
    let app = &all["apps"]["autodesk"];
    let mut lines: Vec<(String, Option<String>, BTreeMap<String, String>)> = Vec::new();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for team in all["teams"].as_object().unwrap().keys() {
        let grant = &all["teams"][team]["grants"]["autodesk"];
        if grant.is_null() {
            continue;
        }
        let none = Map::new();
        let groups = grant["groups"].as_object().unwrap_or(&none);
        let groups: BTreeMap<_, _> = groups.iter().map(|(name, role)| (name.clone(), text(role).unwrap())).collect();
        assert!(groups.keys().all(|name| app["groups"].get(name).is_some()), "{team} grants declared groups");
        lines.extend(members(all, team).into_iter().map(|email| (email, text(&grant["role"]), groups.clone())));
    }
    for (email, line) in app["accounts"].as_object().unwrap() {
        lines.push((email.clone(), text(&line["role"]), BTreeMap::new()));
    }
    for (name, group) in app["groups"].as_object().unwrap() {
        for (email, role) in group["members"].as_object().unwrap_or(&Map::new()) {
            lines.push((email.clone(), None, BTreeMap::from([(name.clone(), text(role).unwrap())])));
        }
    }
    let rank = |role: &str| ["viewer", "user", "admin"].iter().position(|known| *known == role).unwrap();
    let mut granted = Granted::new();
    for (email, role, groups) in lines {
        let person = &all["people"][&email];
        if person["status"] == "left" || lapsed(person) {
            continue;
        }
        let status = if person["status"] == "suspended" { "inactive" } else { "active" };
        let entry = granted.entry(email).or_insert_with(|| (status, String::new(), BTreeMap::new()));
        if let Some(role) = role
            && (entry.1.is_empty() || rank(&role) > rank(&entry.1))
        {
            entry.1 = role;
        }
        for (group, role) in groups {
            let before = entry.2.insert(group, role.clone());
            assert!(before.is_none_or(|before| before == role), "one role in one group");
        }
    }
    for entry in granted.values_mut().filter(|entry| entry.1.is_empty()) {
        entry.1 = app["defaults"]["role"].as_str().unwrap().to_owned();
    }
    granted
}

/// Every difference, as a line of text.
fn differences(all: &Value, live: &[AccountView]) -> Vec<String> {
    let granted = granted(all);
    let people = all["people"].as_object().unwrap();
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for email in people.keys().chain(granted.keys()) {
        known.insert(email.clone(), email);
        for alias in people.get(email).and_then(|person| person["aliases"].as_array()).unwrap_or(&Vec::new()) {
            known.insert(alias.as_str().unwrap().to_owned(), email);
        }
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for account in live {
        let Some(email) = known.get(&account.email.to_lowercase()) else {
            found.push(format!("unlisted {}", account.email));
            continue;
        };
        assert!(seen.insert(*email), "{email} has one account");
        let declared = |name: &str| all["apps"]["autodesk"]["groups"].get(name).is_some();
        let Some((status, role, groups)) = granted.get(*email) else {
            if account.status != "inactive" {
                found.push(format!("deactivate {email}"));
            }
            assert!(account.groups.iter().all(|group| !declared(&group.name)), "{email} would have to leave a group");
            continue;
        };
        match (account.status.as_str(), *status) {
            ("active", "active") | ("inactive", "inactive") => {}
            ("pending", "active") => found.push(format!("waiting {email}")),
            ("active", "inactive") => found.push(format!("deactivate {email}")),
            other => panic!("{email}: {other:?} cannot be mended"),
        }
        if account.role != *role {
            found.push(format!("role {email} {} -> {role}", account.role));
        }
        if let Some(person) = people.get(*email) {
            assert_eq!(json!(account.given_name), person["given_name"], "{email}");
            assert_eq!(json!(account.family_name), person["family_name"], "{email}");
        }
        for (group, role) in groups {
            match account.groups.iter().find(|membership| membership.name == *group) {
                None => found.push(format!("add {email} to {group}")),
                Some(membership) => assert_eq!(membership.role, *role, "{email} in {group}"),
            }
        }
        for membership in account.groups.iter().filter(|membership| declared(&membership.name)) {
            assert!(groups.contains_key(&membership.name), "{email} would have to leave {}", membership.name);
        }
    }
    for (email, (status, _, groups)) in &granted {
        if !seen.contains(email.as_str()) {
            assert_eq!(*status, "active", "{email}");
            found.push(format!("create {email}"));
            found.extend(groups.keys().map(|group| format!("add {email} to {group}")));
        }
    }
    found.sort();
    found.iter().map(|line| line.replace("@northwind.example", "")).collect()
}

#[tokio::test]
async fn the_example_has_drifted_as_its_table_says() {
    let sandbox = Sandbox::start(quiet()).await.unwrap();
    let live = sandbox.accounts("autodesk", "autodesk").unwrap();
    let expected = [
        "add camille.roy to Model Review",
        "add chiara.ricci to Interior Design",
        "add felix.brandt to Visualization",
        "add hana.sato to Project Delivery",
        "add ingrid.solheim to Architecture",
        "add leila.haddad to Architecture",
        "add mateus.cardoso to Structural Engineering",
        "add oscar.wennberg to Structural Engineering",
        "add samir.rahimi to BIM Standards",
        "add tove.lund to Architecture",
        "add yuna.choi to Interior Design",
        "create felix.brandt",
        "create hana.sato",
        "create ingrid.solheim",
        "create mateus.cardoso",
        "create yuna.choi",
        "deactivate anil.kapoor@lumenrender.example",
        "deactivate dora.keller",
        "deactivate marcus.thorne",
        "deactivate victor.amaya",
        "role gwen.marsh admin -> user",
        "role nils.dahl viewer -> user",
        "unlisted jo@atelier-jo.example",
        "unlisted trial.account",
        "waiting chiara.ricci",
        "waiting leila.haddad",
        "waiting oscar.wennberg",
    ];
    assert_eq!(differences(&desired(), &live), expected);
}

#[tokio::test]
async fn those_who_lose_something_stay_below_the_cap_of_a_tenth() {
    let sandbox = Sandbox::start(quiet()).await.unwrap();
    let live = sandbox.accounts("autodesk", "autodesk").unwrap();
    let active = live.iter().filter(|account| account.status == "active").count();
    assert_eq!(active, 62);
    let lost = |line: &&String| line.starts_with("deactivate") || line.ends_with("admin -> user");
    assert_eq!(differences(&desired(), &live).iter().filter(lost).count(), 5);
}

#[tokio::test]
async fn each_irreversible_deactivation_has_its_word() {
    let all = desired();
    let sandbox = Sandbox::start(quiet()).await.unwrap();
    let live = sandbox.accounts("autodesk", "autodesk").unwrap();
    let approvals = all["approvals"].as_array().unwrap();
    for line in differences(&all, &live) {
        let Some(email) = line.strip_prefix("deactivate ") else { continue };
        let email = if email.contains('@') { email.to_owned() } else { format!("{email}@northwind.example") };
        let left = all["people"][&email]["status"] == "left";
        let name = format!("autodesk/deactivate/{email}");
        let approved = approvals.iter().any(|line| {
            line["allow"] == name && line["guard"] == "irreversible" && line["until"].as_str() >= Some("2036")
        });
        assert_ne!(left, approved, "{email} needs exactly one of the two");
    }
}

#[tokio::test]
async fn the_api_can_remove_every_difference() {
    let all = desired();
    let app = Fixture::of_tenant(quiet(), "autodesk").await;
    let live = |app: &Fixture| app.sandbox.accounts("autodesk", "autodesk").unwrap();
    let email = |who: &str| if who.contains('@') { who.to_owned() } else { format!("{who}@northwind.example") };
    // Twice, because teams wait for invitations.
    for _ in 0..2 {
        for line in differences(&all, &live(&app)) {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            let account = app.sandbox.account("autodesk", "autodesk", &email(words[1])).ok();
            let user = account.as_ref().map(|account| format!("/users/{}", account.id));
            let answer = match (words[0], user) {
                ("create", None) => {
                    app.post(
                        "/users",
                        json!({ "email": email(words[1]), "role": "user",
                    "firstName": all["people"][email(words[1])]["given_name"],
                    "lastName": all["people"][email(words[1])]["family_name"] }),
                    )
                    .await
                }
                ("deactivate", Some(user)) => app.patch(&user, json!({ "status": "inactive" })).await,
                ("role", Some(user)) => app.patch(&user, json!({ "role": "user" })).await,
                ("add", Some(user)) if account.is_some_and(|account| account.status == "active") => {
                    let team = &all["apps"]["autodesk"]["groups"][words[3]]["id"];
                    app.post(&format!("{user}/teams"), json!({ "teamId": team, "role": "member" })).await
                }
                _ => continue,
            };
            assert!((200..300).contains(&answer.status), "{line}: {answer:?}");
        }
        app.sandbox.advance(std::time::Duration::from_secs(7200));
    }
    assert_eq!(differences(&all, &live(&app)), ["unlisted jo@atelier-jo.example", "unlisted trial.account"]);
    assert!(live(&app).iter().all(|account| account.invitations <= 1));
}

#[tokio::test]
async fn an_empty_sandbox_has_no_example() {
    let sandbox = Sandbox::start(Config { empty: true, ..quiet() }).await.unwrap();
    assert!(sandbox.accounts("autodesk", "autodesk").unwrap().is_empty());
    assert!(sandbox.groups("autodesk", "autodesk").unwrap().is_empty());
}

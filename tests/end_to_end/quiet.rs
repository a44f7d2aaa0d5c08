//! What looking costs when nothing has changed: the fewest requests that each API allows.

use std::fmt::Write as _;

use rosterd::sandbox::{ACC_ACCOUNT, ACC_ADMIN, Config, NewAccount, Quota};

use crate::story::{APP, Story, quick};

const ACCOUNTS: usize = 1_000;

/// Members of the one declared group.
const MEMBERS: usize = 250;

/// Reads 1,000 accounts and one group of 250, all of them in the files, and compares what that takes with `least`: parts
/// whose sum is the number of requests, each with what it is for.
async fn check(connector: &'static str, role: &str, options: &str, least: &[(usize, &str)]) {
    let plenty = || Quota { requests: 1_000_000, window: std::time::Duration::from_secs(1), concurrency: 1_000 };
    let config = Config { quota: plenty(), quotas: [(connector.to_owned(), plenty())].into(), ..quick() };
    let email = |number: usize| format!("p{number}@example.com");
    let mut people = String::from("people:\n");
    let mut accounts = String::new();
    let mut members = String::new();
    for number in 0..ACCOUNTS {
        writeln!(people, "  {}: {{ given_name: G{number}, family_name: F }}", email(number)).unwrap();
        let value = if role.is_empty() { String::new() } else { format!("{{ {role} }}") };
        writeln!(accounts, "  {}: {value}", email(number)).unwrap();
        if number < MEMBERS {
            let value = if connector == "acc" { "{ role: member, roles: [] }" } else { "" };
            writeln!(members, "      {}: {value}", email(number)).unwrap();
        }
    }
    let group = if connector == "autodesk" { "    id: g-1\n" } else { "" };
    let app = format!(
        "{options}budget: {{ requests: 1000000/s, concurrency: 100 }}\naccounts:\n{accounts}groups:\n  Studio:\n{group}    \
         members:\n{members}"
    );
    let story = Story::with(config, connector, &app, &people).await;
    let word = role.split(": ").nth(1).unwrap_or_default().trim_matches(['[', ']']);
    story.sandbox.put_group(connector, APP, "g-1", "Studio").unwrap();
    for number in 0..ACCOUNTS {
        let account = NewAccount {
            email: email(number),
            given_name: Some(format!("G{number}")),
            family_name: Some("F".into()),
            status: None,
            role: (!word.is_empty()).then(|| word.to_owned()),
        };
        story.sandbox.add_account(connector, APP, account).unwrap();
        if number < MEMBERS {
            let role = if matches!(connector, "acc" | "autodesk") { "member" } else { "" };
            story.sandbox.put_membership(connector, APP, &email(number), "g-1", role).unwrap();
        }
    }
    let plan = story.plan().await;
    let app = &plan["apps"][0];
    assert_eq!(app["actions"].as_array().map(Vec::len), Some(0), "{connector}: {:?}", app["actions"][0]);
    let requests = app["observed"]["requests"].as_u64().unwrap();
    let parts: Vec<String> = least.iter().map(|(count, what)| format!("{count} {what}")).collect();
    println!("{connector}: {requests} requests for 1,000 accounts ({})", parts.join(", "));
    assert_eq!(
        requests,
        least.iter().map(|(count, _)| *count as u64).sum::<u64>(),
        "{connector}: {}",
        parts.join(", ")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_cycle_takes_the_fewest_requests_that_each_api_allows() {
    check(
        "autodesk",
        "role: user",
        "defaults: { role: user }\n",
        &[(1, "token"), (10, "pages of users"), (1_000, "roles, one by one"), (1_000, "teams, one by one")],
    )
    .await;
    check("alteryx", "role: Member", "", &[(1, "token"), (11, "pages of users"), (1, "groups"), (1, "members")]).await;
    check("alteryx-webapi", "role: Member", "", &[(1, "token"), (1, "users"), (1, "groups"), (1, "members")]).await;
    // Without managed roles nothing has to be read one by one.
    check("workiva", "", "", &[(1, "token"), (10, "pages of users"), (1, "groups"), (3, "pages of members")]).await;
    check(
        "workiva",
        "roles: [Viewer]",
        "",
        &[
            (1, "token"),
            (10, "pages of users"),
            (1_000, "roles of users, one by one"),
            (1, "names of roles"),
            (1, "groups"),
            (3, "pages of members"),
        ],
    )
    .await;
    let options = format!("options: {{ account_id: {ACC_ACCOUNT}, acting_user: {ACC_ADMIN} }}\n");
    check("acc", "", &options, &[(1, "token"), (11, "pages of users"), (1, "projects"), (2, "pages of members")]).await;
    // A fixed token; and what the server can do matters only once something is to be written.
    // A fixed token; and what the server can do matters only once something is to be written.
    check("scim", "", "", &[(10, "pages of users"), (1, "groups"), (1, "members")]).await;
}

//! Someone has to be cut off while the queue is full.

use std::{fmt::Write as _, time::Duration};

use jiff::Timestamp;
use rosterd::{
    execute::{Quiet, Stop},
    sandbox::{Config, NewAccount},
};

use crate::in_process::{Company, Unwatched};

const GRANTS: usize = 5000;
const APP: &str = "studio";

fn files(keep_free: u32, lee: &str) -> String {
    let mut text = format!(
        "people:\n  lee@example.com: {{ status: {lee} }}\napps:\n  {APP}:\n    connector: autodesk\n    url: https://studio.example.com\n    auth: {{ client_id: {{ env: ID }}, client_secret: {{ env: SECRET }} }}\n    budget: {{ requests: 1000/h, concurrency: 10, keep_free: {keep_free}% }}\n    policy: {{ max_creates: 100000, min_admins: 0 }}\n    defaults: {{ role: user }}\n    accounts:\n      lee@example.com: {{ given_name: Lee, family_name: Lane }}\n"
    );
    for n in 0..GRANTS {
        writeln!(text, "      person.{n:04}@example.com: {{ given_name: Given, family_name: Family }}").unwrap();
    }
    text
}

/// Grants are under way for half an hour when Lee has to go. Returns when the first request for that was answered after it
/// was asked for, and how many others came in between.
async fn check(keep_free: u32) -> (Duration, usize) {
    let begins: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let config = Config { begins: Some(begins), accept_after: Duration::MAX, empty: true, ..Config::default() };
    let company = Company::new(config, Duration::from_millis(200));
    let lee = NewAccount {
        email: "lee@example.com".into(),
        given_name: Some("Lee".into()),
        family_name: Some("Lane".into()),
        status: None,
        role: Some("user".into()),
    };
    let id = company.sandbox.add_account("autodesk", APP, lee).unwrap();
    let before = company.reconciler(company.files(&files(keep_free, "active")));
    let after = company.reconciler(company.files(&files(keep_free, "left")));
    assert_eq!(company.registry.buckets.keys().len(), 1);
    let live = before.observe(&Unwatched).await;
    let (grants, mut removal) = (before.plan(&live, begins), after.plan(&live, begins));
    removal.apps[0].actions.retain(|action| action.reduces_access);
    assert_eq!((grants.apps[0].actions.len(), removal.apps[0].actions.len()), (GRANTS, 1));

    let arrives = Duration::from_secs(1800);
    let (stop, stopped) = Stop::new();
    let granting = before.execute(&grants, &stopped, &Quiet);
    let cutting = async {
        tokio::time::sleep(arrives).await;
        let asked = company.sandbox.now();
        let outcome = after.execute(&removal, &Stop::never(), &Quiet).await;
        assert_eq!(outcome.apps[0].actions.len(), 1);
        stop.send(2).unwrap();
        asked
    };
    let (_, asked) = tokio::join!(granting, cutting);
    let log = company.sandbox.log();
    // What is left is being spread over the hour by then.
    assert!(log.iter().filter(|request| request.method == "POST" && request.at < asked).count() > 200);
    // Who comes for the first time signs in first.
    let later = log.iter().filter(|request| request.at >= asked && !request.path.ends_with("/token"));
    let later: Vec<_> = later.collect();
    let path = format!("/users/{id}");
    let first = later.iter().position(|request| request.path == path).unwrap();
    assert!(
        later.iter().any(|request| request.path == path && request.method == "PATCH" && request.status == Some(200))
    );
    (later[first].at.duration_since(asked).try_into().unwrap(), first)
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_arrives_while_thousands_of_grants_are_queued_takes_the_next_free_request() {
    // The share kept free is there for it at once.
    let (wait, before_it) = check(10).await;
    assert!(wait < Duration::from_secs(1), "{wait:?}");
    assert_eq!(before_it, 0);
    // Where nothing is kept free, it is not spread with the rest.
    let (wait, before_it) = check(0).await;
    assert!(wait < Duration::from_secs(1), "{wait:?}");
    assert_eq!(before_it, 0);
}

//! Forecasts against what really happens, hours of it, on the runtime's clock.

use std::{fmt::Write as _, time::Duration};

use rosterd::{
    execute::{Quiet, Stop},
    model::{ActionResult, AppOutcome, AppPlan},
    sandbox::{Config, NewAccount, Quota},
};
use tokio::time::Instant;

use crate::in_process::{Company, Unwatched};

const HOUR: Duration = Duration::from_secs(3600);
const GROUPS: usize = 20;

/// So many people of each kind.
const UPDATED: usize = 600;
const CREATED: usize = 800;
const LEAVING: usize = 300;

fn address(n: usize) -> String {
    format!("person.{n:04}@example.com")
}

fn company() -> Company {
    let quota = Quota { requests: 1000, window: HOUR, concurrency: 10 };
    let config = Config {
        quotas: [("alteryx".to_owned(), quota)].into(),
        begins: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        empty: true,
        ..Config::default()
    };
    Company::new(config, Duration::from_millis(150))
}

/// The files: accounts with a role, each in two groups, and those who left.
fn files() -> String {
    let mut text = String::from(
        "people:\n  x@example.com: {}\napps:\n  server:\n    connector: alteryx\n    url: https://server.example.com\n    auth: { client_id: { env: ID }, client_secret: { env: SECRET } }\n    budget: { requests: 1000/h, concurrency: 10 }\n    policy: { max_creates: 100000, max_removals: 100000, unlisted: remove, min_admins: 0 }\n    accounts:\n",
    );
    for n in 0..UPDATED + CREATED {
        let address = address(n);
        writeln!(text, "      {address}: {{ role: Creator, given_name: Given, family_name: Family }}").unwrap();
    }
    text.push_str("    groups:\n");
    for group in 0..GROUPS {
        writeln!(text, "      Group {group:02}:\n        policy: {{ max_creates: 100000, max_removals: 100000, unlisted: remove }}\n        members:").unwrap();
        for n in (0..UPDATED + CREATED).filter(|n| n % GROUPS == group) {
            writeln!(text, "          {}:", address(n)).unwrap();
        }
    }
    text
}

/// What is live: those to be updated with another role, one third of them in a wrong group, and those who go.
fn furnish(company: &Company) {
    let sandbox = &company.sandbox;
    for group in 0..GROUPS {
        sandbox.put_group("alteryx", "server", &format!("ug-{group:02}"), &format!("Group {group:02}")).unwrap();
    }
    for n in (0..UPDATED).chain(10_000..10_000 + LEAVING) {
        let account = NewAccount {
            email: address(n),
            given_name: Some("Given".into()),
            family_name: Some("Family".into()),
            status: Some("active".into()),
            role: Some("Viewer".into()),
        };
        sandbox.add_account("alteryx", "server", account).unwrap();
        if n < UPDATED && n % 3 > 0 {
            // Where somebody belongs nothing is to do; elsewhere they leave, and join where they belong.
            let group = if n % 3 == 1 { n % GROUPS } else { (n + 1) % GROUPS };
            sandbox.put_membership("alteryx", "server", &address(n), &format!("ug-{group:02}"), "").unwrap();
        }
    }
}

async fn plan_and_apply(company: &Company) -> (AppPlan, AppOutcome, u64, Duration) {
    let began = Instant::now();
    let reconciler = company.reconciler(company.files(&files()));
    let live = reconciler.observe(&Unwatched).await;
    let plan = reconciler.plan(&live, company.sandbox.now());
    let outcome = reconciler.execute(&plan, &Stop::never(), &Quiet).await;
    let requests = reconciler.writers().map(|(_, writer)| writer.as_ref().unwrap().requests()).sum();
    (plan.apps[0].clone(), outcome.apps[0].clone(), requests, began.elapsed())
}

fn check(what: &str, forecast: u64, real: f64) {
    let off = (forecast as f64 - real) / real;
    assert!(off.abs() < 0.05, "{what}: {forecast} forecast, {real} real");
}

#[tokio::test(start_paused = true)]
async fn a_forecast_for_three_thousand_mixed_actions_is_within_a_twentieth_of_the_truth() {
    let company = company();
    furnish(&company);
    let (plan, outcome, requests, seconds) = plan_and_apply(&company).await;
    let done = outcome.actions.iter().filter(|(_, result)| matches!(result, ActionResult::Done { .. })).count();
    assert!(done >= 3000, "{done} done of {}", plan.actions.len());
    check("requests", plan.forecast.requests, requests as f64);
    check("seconds", plan.forecast.seconds, seconds.as_secs_f64());
    let refused = company.sandbox.log().iter().filter(|request| request.status == Some(429)).count();
    assert_eq!(refused, 0);
}

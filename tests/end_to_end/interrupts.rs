//! Ctrl-C: once finishes what is in flight, twice stops at once; the next run loses nothing and invites nobody again.

use std::{fmt::Write as _, process::Command, time::Duration};

use rosterd::sandbox::Fault;

use crate::story::{APP, Said, Story, finish, quick, start};

const PEOPLE: usize = 30;

/// Applies, and sends `times` interrupts once the first invitation is under way. Every invitation takes a second to be
/// answered, and has taken effect by then.
async fn interrupted(times: usize) -> (Story, Said) {
    let mut app = String::from("defaults: { role: user }\naccounts:\n");
    for i in 0..PEOPLE {
        writeln!(app, "  service-{i:02}@example.com:").unwrap();
    }
    let story = Story::of(quick(), &app, "").await;
    let slow = "method=POST,path=/users,kind=slow,wait=1s".parse::<Fault>().unwrap();
    story.sandbox.set_faults(vec![slow]);
    let at = format!("--sandbox={}", story.sandbox.url());
    let child = start(&["apply", story.dir.path().to_str().unwrap(), &at, "--yes"], &[]);
    let id = child.id().unwrap().to_string();
    while story.sandbox.accounts("autodesk", APP).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..times {
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = finish(child).await;
    story.sandbox.set_faults(Vec::new());
    (story, said)
}

async fn finish_later(story: &Story) {
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(story.actions().await.is_empty());
    let accounts = story.sandbox.accounts("autodesk", APP).unwrap();
    assert_eq!(accounts.len(), PEOPLE);
    assert!(accounts.iter().all(|account| account.invitations == 1), "{accounts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_interrupt_finishes_what_is_in_flight_and_reports_the_rest() {
    let (story, said) = interrupted(1).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("what is in flight is finished first"), "{}", said.err);
    let made = story.sandbox.accounts("autodesk", APP).unwrap().len();
    assert!(made < PEOPLE, "the rest was not started");
    let done = said.err.lines().filter(|line| line.contains("] done")).count();
    assert_eq!(done, made, "what was in flight came to an end: {}", said.err);
    let left = said.err.lines().filter(|line| line.contains("] not-started")).count();
    assert_eq!(done + left, PEOPLE, "{}", said.err);
    finish_later(&story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_interrupts_stop_at_once_and_the_next_run_looks_first() {
    let (story, said) = interrupted(2).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("whether it took effect is not known"), "{}", said.err);
    finish_later(&story).await;
}

//! Daemons that share a store and go by different files.

use std::{sync::Arc, time::Duration};

use super::{
    neighbors::{Daemon, nobody_knows, numbers},
    town::{Town, files},
};
use crate::daemon::{InForce, report::Standing};

const MINUTE: Duration = Duration::from_secs(60);

/// Files of a commit, by which these people leave, and these have an account.
fn of(commit: Option<&str>, left: &[&str], granted: &[&str]) -> Arc<InForce> {
    let people: String = ["ann", "bob", "cleo"]
        .map(|who| {
            let status = if left.contains(&who) { ", status: left" } else { "" };
            format!("  {who}@example.com: {{ given_name: A, family_name: B{status} }}\n")
        })
        .concat();
    let granted: String = granted.iter().map(|who| format!("      {who}@example.com:\n")).collect();
    let files = files("{ every: 1m }", &people, &format!("    accounts:\n{granted}"), 0);
    let files = Arc::into_inner(files).expect("nobody else has it");
    Arc::new(InForce { commit: commit.map(str::to_owned), ..files })
}

async fn town() -> Arc<Town> {
    Town::of(&["ann@example.com", "bob@example.com", "cleo@example.com"], Duration::from_millis(10)).await
}

#[tokio::test(start_paused = true)]
async fn of_two_daemons_with_unrelated_files_the_one_in_force_goes_on_and_the_other_needs_a_person() {
    for commit in [None, Some("2")] {
        let (town, all) = (town().await, of(Some("1"), &[], &["ann", "bob", "cleo"]));
        let one = Daemon::begin(&town, "one", &all, nobody_knows);
        tokio::time::sleep(2 * MINUTE).await;
        // Bob has no line.
        let two = Daemon::begin(&town, "two", &of(commit, &[], &["ann", "cleo"]), nobody_knows);
        tokio::time::sleep(MINUTE).await;
        assert_eq!(two.standing(), Standing::Held, "a roll-out may be under way");
        let told = "one goes by other files (commit 1), and nothing says which of the two are newer; this daemon writes nothing \
                    here but what cuts off people who left; give both daemons the same files, or end one of them: this one, or one";
        assert_eq!(two.told(), Some(format!("Warning: {told}")));
        tokio::time::sleep(10 * MINUTE).await;
        assert_eq!([one.standing(), two.standing()], [Standing::InSync, Standing::NeedsPerson]);
        assert_eq!([one.told(), two.told()], [None, Some(format!("Error: {told}"))]);
        assert!(town.is_active("bob@example.com"));
        one.end().await;
        tokio::time::sleep(3 * MINUTE).await;
        assert!(!town.is_active("bob@example.com"));
        assert_eq!((two.standing(), two.told()), (Standing::InSync, None));
        assert_eq!(town.switched_off(), 1);
        two.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_daemon_with_newer_files_writes_at_once_and_the_older_one_waits_even_if_it_does_not_know_the_newer_commit() {
    for lineage in [numbers, nobody_knows] {
        let (town, all) = (town().await, of(Some("1"), &[], &["ann", "bob", "cleo"]));
        let mut one = Daemon::begin(&town, "one", &all, lineage);
        tokio::time::sleep(2 * MINUTE).await;
        let newer = of(Some("2"), &[], &["ann", "cleo"]);
        let two = Daemon::begin(&town, "two", &newer, numbers);
        tokio::time::sleep(MINUTE).await;
        assert!(!town.is_active("bob@example.com"));
        tokio::time::sleep(10 * MINUTE).await;
        assert_eq!([one.standing(), two.standing()], [Standing::Held, Standing::InSync]);
        let told = "Note: two goes by newer files (commit 2); this daemon writes nothing here but what cuts off people who left; \
                    bring this daemon's files up to date, or end it";
        assert_eq!(one.told().as_deref(), Some(told));
        assert!(!town.is_active("bob@example.com"));
        assert_eq!(town.switched_off(), 1, "nobody flip-flops");
        let newer = Arc::new(InForce { number: 1, ..Arc::into_inner(of(Some("2"), &[], &["ann", "cleo"])).unwrap() });
        one.use_files(newer);
        tokio::time::sleep(3 * MINUTE).await;
        assert_eq!([one.standing(), two.standing()], [Standing::InSync; 2]);
        for daemon in [one, two] {
            daemon.end().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_waits_still_cuts_off_people_who_left_by_its_files() {
    let (town, all) = (town().await, of(Some("2"), &[], &["ann", "bob"]));
    let one = Daemon::begin(&town, "one", &all, numbers);
    tokio::time::sleep(2 * MINUTE).await;
    assert!(!town.is_active("cleo@example.com"), "no line grants it");
    let two = Daemon::begin(&town, "two", &of(Some("1"), &["bob"], &["ann", "cleo"]), numbers);
    tokio::time::sleep(2 * MINUTE).await;
    assert!(!town.is_active("bob@example.com") && !town.is_active("cleo@example.com"));
    assert!(two.told().unwrap().starts_with("Note: one goes by newer files"));
    for daemon in [one, two] {
        daemon.end().await;
    }
}

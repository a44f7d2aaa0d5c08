//! kill -9 at any point: before and after every write to the journal and every request, the next run finds out what became of
//! what was under way, repeats nothing and loses nothing.
//!
//! `make test` kills at some of the points, `make soak` (`KILL_EVERY_POINT=1`) at all of them. The points of the journal are
//! those that `ROSTERD_CRASH_AT` numbers, which only a debug build knows.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    time::{Duration, Instant},
};

use rosterd::{
    sandbox::Fault,
    store::{Store, Verified},
};
use tempfile::TempDir;

use crate::story::{APP, Said, Story, finish, quick, start};

/// Accounts to invite: every other one of them a member of the team once it has accepted.
const INVITED: usize = 25;

/// People who left.
const LEFT: usize = 10;

/// People whose role is another one.
const CHANGED: usize = 8;

/// Accounts that are there and join the team.
const JOINED: usize = 7;

/// One point in so many is tried in `make test`.
const STRIDE: usize = 23;

/// Fifty actions on one app, with a store of its own.
struct Killed {
    story: Story,
    store: TempDir,
}

impl Killed {
    async fn new() -> Self {
        let mut app = String::from("defaults: { role: user }\naccounts:\n");
        for i in 0..INVITED {
            writeln!(app, "  new-{i:02}@example.com:").unwrap();
        }
        for i in 0..CHANGED {
            writeln!(app, "  changed-{i:02}@example.com: {{ role: viewer }}").unwrap();
        }
        app += "groups:\n  Design:\n    id: team-1\n    members:\n";
        for i in 0..JOINED {
            writeln!(app, "      joins-{i:02}@example.com: member").unwrap();
        }
        let mut people = String::from("people:\n");
        for i in 0..LEFT {
            writeln!(people, "  left-{i:02}@example.com: {{ status: left }}").unwrap();
        }
        for i in 0..JOINED {
            writeln!(people, "  joins-{i:02}@example.com:").unwrap();
        }
        // The caps are not what is tested here.
        people += "settings: { policy: { max_removals: 100% } }\n";
        let story = Story::of(quick(), &app, &people).await;
        story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
        for (name, count) in [("changed", CHANGED), ("joins", JOINED), ("left", LEFT)] {
            for i in 0..count {
                story.account(&format!("{name}-{i:02}@example.com"), "user", true);
            }
        }
        Self { story, store: TempDir::new().unwrap() }
    }

    fn store(&self) -> String {
        format!("sqlite:{}/state.db", self.store.path().display())
    }

    fn start(&self, variables: &[(&str, &str)]) -> tokio::process::Child {
        let at = format!("--sandbox={}", self.story.sandbox.url());
        let dir = self.story.dir.path().to_str().unwrap();
        start(&["apply", dir, &at, "--yes", "--store", &self.store()], variables)
    }

    async fn apply(&self, variables: &[(&str, &str)]) -> Said {
        finish(self.start(variables)).await
    }

    /// Applies until the sandbox's fault strikes, and kills the process there.
    async fn kill_at_the_fault(&self) {
        let mut child = self.start(&[]);
        let struck = || self.story.sandbox.log().iter().any(|request| request.fault.is_some());
        let deadline = Instant::now() + Duration::from_secs(60);
        while !struck() {
            assert!(Instant::now() < deadline, "the fault never struck");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }

    /// The next run does the rest, everybody has what they should and was invited once, and nothing is left to do.
    async fn recovers(&self, point: &str) -> Said {
        self.story.sandbox.set_faults(Vec::new());
        let said = self.apply(&[]).await;
        assert_eq!(said.status, 0, "{point}: {said:?}");
        let at = ["plan", "--store", &self.store(), "--format", "json"];
        let plan = self.story.rosterd(&at).await;
        let plan = serde_json::from_str(&plan.out).unwrap_or_else(|_| panic!("{point}: {plan:?}"));
        assert_eq!(crate::story::actions(&plan), Vec::<String>::new(), "{point}: the second plan is empty");
        let accounts = self.story.sandbox.accounts("autodesk", APP).unwrap();
        let names: BTreeSet<&str> = accounts.iter().map(|account| &*account.email).collect();
        assert_eq!(names.len(), accounts.len(), "{point}: nobody twice");
        assert_eq!(accounts.len(), INVITED + LEFT + CHANGED + JOINED, "{point}: nobody lost");
        for account in &accounts {
            let (kind, _) = account.email.split_once('-').unwrap();
            let found = (account.invitations, &*account.status, account.groups.len());
            let expected = match kind {
                "new" => (1, "pending", 0),
                "left" => (0, "inactive", 0),
                "joins" => (0, "active", 1),
                _ => (0, "active", 0),
            };
            assert_eq!(found, expected, "{point}: {account:?}");
        }
        let verified = Store::open(&self.store()).await.unwrap().verify().await.unwrap();
        assert!(matches!(verified, Verified::Whole { .. }), "{point}: {verified:?}");
        said
    }
}

/// The points to try out of `count`, counted from 1; those that a stride would skip forever are not the same in every test.
fn points(count: usize, from: usize) -> Vec<usize> {
    let all = std::env::var_os("KILL_EVERY_POINT").is_some();
    (1..=count).filter(|point| all || point % STRIDE == from % STRIDE).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_every_write_to_the_journal() {
    if !cfg!(debug_assertions) {
        eprintln!("left out: a release build has no points to crash at");
        return;
    }
    let whole = Killed::new().await;
    let counter = whole.store.path().join("points");
    let said = whole.apply(&[("ROSTERD_CRASH_COUNT_TO", counter.to_str().unwrap())]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let count: usize = std::fs::read_to_string(&counter).unwrap().trim().parse().unwrap();
    assert!(count >= 2 * 2 * (INVITED + LEFT + CHANGED + JOINED), "each action is written down twice: {count}");
    whole.recovers("no crash").await;

    let began = Instant::now();
    let points = points(count, 5);
    for point in &points {
        let killed = Killed::new().await;
        let said = killed.apply(&[("ROSTERD_CRASH_AT", &point.to_string())]).await;
        assert_eq!(said.status, -1, "killed at point {point} of {count}: {said:?}");
        killed.recovers(&format!("journal point {point} of {count}")).await;
    }
    println!("{} of {count} points of the journal in {:.0?}: 0 lost, 0 twice", points.len(), began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_every_request() {
    let whole = Killed::new().await;
    let said = whole.apply(&[]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let count = whole.story.sandbox.log().len();
    let began = Instant::now();
    let mut tried = 0;
    for (kind, from) in [("stalled", 3), ("slow", 9)] {
        for point in points(count, from) {
            let killed = Killed::new().await;
            let fault = format!("at={point},kind={kind},wait=1h");
            killed.story.sandbox.set_faults(vec![fault.parse::<Fault>().unwrap()]);
            killed.kill_at_the_fault().await;
            killed.recovers(&format!("request {point} of {count}, {kind}")).await;
            tried += 1;
        }
    }
    println!("{tried} of {} points of requests in {:.0?}: 0 lost, 0 twice", 2 * count, began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_says_what_it_found() {
    let killed = Killed::new().await;
    let fault = "method=POST,path=/users,at=3,kind=slow,wait=1h".parse::<Fault>().unwrap();
    killed.story.sandbox.set_faults(vec![fault]);
    killed.kill_at_the_fault().await;
    let said = killed.recovers("the third invitation").await;
    assert!(said.err.contains("was cut off with"), "{}", said.err);
    let found = said.err.lines().filter(|line| line.contains("done: found as") && line.contains("invitation sent"));
    assert!(found.count() >= 1, "{}", said.err);
}

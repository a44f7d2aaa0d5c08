//! Ends of a run: a signal finishes what is in flight, and a second one stops at once; a terminal that is gone and a stream that
//! nobody reads any more do as much. The next run loses nothing and invites nobody again.

use std::{fmt::Write as _, process::Command, time::Duration};

use rosterd::sandbox::Fault;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::story::{APP, Said, Story, finish, quick, start, start_by};

const PEOPLE: usize = 30;

/// People to invite. Every invitation takes a second to be answered, and has taken effect by then.
async fn story() -> Story {
    let mut app = String::from("defaults: { role: user }\naccounts:\n");
    for i in 0..PEOPLE {
        writeln!(app, "  service-{i:02}@example.com:").unwrap();
    }
    let story = Story::of(quick(), &app, "").await;
    let slow = "method=POST,path=/users,kind=slow,wait=1s".parse::<Fault>().unwrap();
    story.sandbox.set_faults(vec![slow]);
    story
}

/// The arguments of an apply that remembers in a file.
fn apply(story: &Story) -> [String; 5] {
    let (dir, at) = (story.dir.path(), story.sandbox.url());
    let store = format!("--store=sqlite:{}", dir.with_extension("db").display());
    ["apply".into(), dir.display().to_string(), format!("--sandbox={at}"), "--yes".into(), store]
}

/// Applies, and sends these signals once the first invitation is under way.
async fn interrupted(signals: &[&str]) -> (Story, Said) {
    // Whoever runs the tests may ignore some, and children inherit that.
    interrupted_where("--default-signal=INT,TERM,HUP", signals).await
}

/// The same with signals that are ignored or not from the start, in the words of `env`.
async fn interrupted_where(signals_are: &str, signals: &[&str]) -> (Story, Said) {
    let story = story().await;
    let args = apply(&story);
    let child = start_by(&["env", signals_are, env!("CARGO_BIN_EXE_rosterd")], &args.each_ref().map(String::as_str));
    let id = child.id().unwrap().to_string();
    while story.sandbox.accounts("autodesk", APP).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for signal in signals {
        assert!(Command::new("kill").args([signal, &*id]).status().unwrap().success());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = finish(child).await;
    story.sandbox.set_faults(Vec::new());
    (story, said)
}

/// What the store says of the run that ended early.
async fn is_written_down(story: &Story, made: usize) {
    let [.., store] = apply(story);
    let said = finish(start(&["history", &store], &[])).await;
    assert!(said.out.contains("interrupted"), "{said:?}");
    assert!(said.out.contains(&format!("{made} done")), "{made}: {said:?}");
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
async fn one_signal_finishes_what_is_in_flight_and_reports_the_rest() {
    for (signal, says) in [
        ("-INT", "press Ctrl-C again to stop at once"),
        ("-TERM", "stopping on SIGTERM: what is in flight is finished first"),
        ("-HUP", "the terminal is gone"),
    ] {
        let (story, said) = interrupted(&[signal]).await;
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.err.contains(says), "{}", said.err);
        let made = story.sandbox.accounts("autodesk", APP).unwrap().len();
        assert!(made < PEOPLE, "the rest was not started");
        let done = said.err.lines().filter(|line| line.contains("] done")).count();
        assert_eq!(done, made, "what was in flight came to an end: {}", said.err);
        let left = said.err.lines().filter(|line| line.contains("] not-started")).count();
        assert_eq!(done + left, PEOPLE, "{}", said.err);
        assert!(said.out.contains(&format!("{made} done")), "{}", said.out);
        is_written_down(&story, made).await;
        finish_later(&story).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_signals_stop_at_once_and_the_next_run_looks_first() {
    for signals in [["-INT", "-INT"], ["-HUP", "-TERM"]] {
        let (story, said) = interrupted(&signals).await;
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.err.contains("whether it took effect is not known"), "{}", said.err);
        finish_later(&story).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_terminal_that_hangs_up_twice_stops_nothing_at_once() {
    let (story, said) = interrupted(&["-HUP", "-HUP"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(!said.err.contains("is not known"), "{}", said.err);
    finish_later(&story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_started_to_outlive_its_terminal_does() {
    let (story, said) = interrupted_where("--ignore-signal=HUP", &["-HUP"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(story.sandbox.accounts("autodesk", APP).unwrap().len(), PEOPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_gone_while_bars_are_drawn_ends_the_run_and_the_store_knows() {
    let story = story().await;
    let command = format!("{} {}", env!("CARGO_BIN_EXE_rosterd"), apply(&story).join(" "));
    let mut terminal = start_by(&["script", "-qefc", &command, "/dev/null"], &[]);
    let mut shown = terminal.stdout.take().unwrap();
    let seen = tokio::spawn(async move {
        let mut text = Vec::new();
        // It ends with the terminal.
        let _gone = shown.read_to_end(&mut text).await;
        String::from_utf8_lossy(&text).into_owned()
    });
    while story.sandbox.accounts("autodesk", APP).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    terminal.kill().await.unwrap();
    let seen = seen.await.unwrap();
    assert!(seen.contains("/30"), "a bar was drawn: {seen:?}");
    let [.., store] = apply(&story);
    let ended = async {
        loop {
            let said = finish(start(&["history", &store], &[])).await;
            if said.out.contains("interrupted") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the run's end is written down");
    story.sandbox.set_faults(Vec::new());
    let made = story.sandbox.accounts("autodesk", APP).unwrap().len();
    assert!(made < PEOPLE, "the rest was not started");
    is_written_down(&story, made).await;
    finish_later(&story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nobody_reads_end_the_run_with_the_same_report() {
    let story = story().await;
    let args = apply(&story);
    let mut child = start(&args.each_ref().map(String::as_str), &[]);
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    while let Some(line) = messages.next_line().await.unwrap() {
        if line.contains("] done") {
            break;
        }
    }
    drop(messages);
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).await.unwrap();
    let status = tokio::time::timeout(Duration::from_secs(60), child.wait()).await.expect("the run ends").unwrap();
    story.sandbox.set_faults(Vec::new());
    assert_eq!(status.code(), Some(1), "{out}");
    let made = story.sandbox.accounts("autodesk", APP).unwrap().len();
    assert!(made < PEOPLE, "the rest was not started");
    assert!(out.contains(&format!("{made} done")), "{out}");
    is_written_down(&story, made).await;
    finish_later(&story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_behind_both_streams_ends_the_run_without_a_panic() {
    let story = story().await;
    let command = apply(&story).join(" ");
    let bash = format!("{} {command} 2>&1 | head -n 1; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_rosterd"));
    let ended = tokio::process::Command::new("bash").args(["-c", &bash]).stdin(std::process::Stdio::null()).output();
    let said = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the run ends").unwrap();
    story.sandbox.set_faults(Vec::new());
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert!(story.sandbox.accounts("autodesk", APP).unwrap().len() < PEOPLE, "the rest was not started");
    finish_later(&story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_stdout_does_not_take_stands_on_stderr() {
    let story = story().await;
    story.sandbox.set_faults(Vec::new());
    let args = apply(&story);
    let args = [&args[..], &["--format".to_owned(), "json".to_owned()]].concat();
    let mut child = start(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    let status = tokio::time::timeout(Duration::from_secs(60), child.wait()).await.expect("the run ends").unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("\"apps\""), "{said}");
    assert_eq!(story.sandbox.accounts("autodesk", APP).unwrap().len(), PEOPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_nobody_reads_is_not_carried_out() {
    let story = story().await;
    let args = apply(&story);
    let mut child = start(&args.each_ref().map(String::as_str), &[]);
    drop(child.stdout.take());
    let said = finish(child).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("nothing was done: nobody reads the output any more"), "{}", said.err);
    assert_eq!(story.sandbox.accounts("autodesk", APP).unwrap().len(), 0);
}

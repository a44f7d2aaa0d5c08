//! What must not be lost, and must not be shown.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command, thread};

use futures::future::poll_immediate;

use super::*;

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_stored() {
    for url in ["sqlite::memory:".to_owned(), Database::sqlite().url] {
        let store = Store::open(&url).await.unwrap();
        let lease = claim(&store, &autodesk(), "test").await;
        done(&store, &lease, "autodesk/create/ann@example.com", None, minute(1)).await;
        store.set_max_pages(Some(1)).await.unwrap();
        let mut stored = 0;
        let full = loop {
            let new = intent(&format!("autodesk/create/{stored}@example.com"));
            match open_intent(&store, &lease, &new).await {
                Ok(_) => stored += 1,
                Err(error) => break error,
            }
            assert!(stored < 1000, "the disk is never full");
        };
        assert_eq!(full.trouble, Trouble::Full, "{full}");
        assert!(full.to_string().contains("make room"), "{full}");
        assert_eq!(store.open_intents(&autodesk()).await.unwrap().len(), stored);
        store.set_max_pages(None).await.unwrap();
        let again = intent(&format!("autodesk/create/{stored}@example.com"));
        open_intent(&store, &lease, &again).await.unwrap();
        assert_eq!(store.open_intents(&autodesk()).await.unwrap().len(), stored + 1);
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 1, .. }));
    }
}

#[tokio::test]
async fn a_file_that_was_deleted_or_replaced_takes_no_more_entries_and_one_that_is_put_back_does() {
    let dir = TempDir::new().unwrap();
    let [file, aside] = ["state.db", "aside.db"].map(|name| dir.path().join(name));
    let store = Store::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let lease = claim(&store, &autodesk(), "test").await;
    let open = async |name: &str| open_intent(&store, &lease, &intent(name)).await;
    open("autodesk/create/ann@example.com").await.unwrap();
    let check = async |words: &str| {
        let error = open("autodesk/create/bob@example.com").await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Connect, "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("put the same file back"), "{error}");
        assert!(store.open_intents(&autodesk()).await.is_err(), "nothing is read from it either");
    };
    std::fs::rename(&file, &aside).unwrap();
    check("its file was deleted while it was open").await;
    assert!(!file.exists(), "none is made in its place");
    std::fs::rename(&aside, &file).unwrap();
    open("autodesk/create/cat@example.com").await.unwrap();
    assert_eq!(store.open_intents(&autodesk()).await.unwrap().len(), 2);
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "").unwrap();
    check("another file was put in the place").await;
    // The lock of the app still goes with its path, so that nobody can begin anew beside this process.
    std::fs::remove_file(&file).unwrap();
    let other = Store::open(&format!("sqlite:{}", file.display())).await.unwrap();
    assert!(matches!(other.claim(&autodesk(), "other", TTL, minute(0)).await.unwrap(), Claim::Busy { .. }));
}

#[tokio::test]
async fn a_file_without_content_is_damage_and_no_new_store() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("state.db");
    let url = format!("sqlite:{}", file.display());
    std::fs::write(&file, "").unwrap();
    let damaged = async || {
        for opened in [Store::open(&url).await.map(drop), Store::open_existing(&url).await.map(drop)] {
            let error = opened.unwrap_err();
            assert_eq!(error.trouble, Trouble::Corrupt, "{error}");
            assert!(error.to_string().contains("its file is empty") && error.to_string().contains("backup"), "{error}");
        }
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 0, "nothing is made of it");
    };
    damaged().await;
    std::fs::remove_file(&file).unwrap();
    let store = Store::open(&url).await.unwrap();
    drop(claim(&store, &autodesk(), "test").await);
    store.close().await.unwrap();
    std::fs::write(&file, "").unwrap();
    damaged().await;
}

#[tokio::test]
async fn a_store_that_is_made_at_the_same_time_is_one_store_and_leaves_no_other_file() {
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite:{}", dir.path().join("state.db").display());
    let stores = futures::future::join_all((0..8).map(|_| Store::open(&url))).await;
    let stores: Vec<Store> = stores.into_iter().map(Result::unwrap).collect();
    let _lease = claim(&stores[0], &autodesk(), "test").await;
    for store in &stores[1..] {
        assert!(matches!(store.claim(&autodesk(), "other", TTL, minute(0)).await.unwrap(), Claim::Busy { .. }));
    }
    let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.collect();
    assert!(names.iter().all(|name| !name.contains("-new-")), "{names:?}");
}

#[tokio::test]
async fn an_operation_that_is_dropped_half_way_leaves_nothing_behind() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        for turns in 0..40 {
            let name = format!("autodesk/create/{turns}@example.com");
            let new = intent(&name);
            let mut opening = Box::pin(open_intent(&store, &lease, &new));
            let mut opened = None;
            for _ in 0..turns {
                opened = poll_immediate(&mut opening).await;
                if opened.is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            drop(opening);
            if let Some(id) = opened {
                close(&store, &lease, id.unwrap(), &settled(minute(2), Ending::Done)).await.unwrap();
            }
        }
        // What was not waited for was done or not, and others can write.
        let other = database.open().await;
        claim(&other, &alteryx(), "other").await;
        assert!(matches!(other.verify().await.unwrap(), Verified::Whole { .. }));
        for open in store.open_intents(&autodesk()).await.unwrap() {
            close(&store, &lease, open.id, &settled(minute(2), Ending::Unknown)).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_advance_while_the_database_works() {
    let database = Database::sqlite();
    let options = OpenOptions { blocking: true, max_pages: Some(10_000) };
    let begin = tokio::time::Instant::now();
    // Somebody who sleeps: a paused clock advances to the end of that as soon as nothing else can be done.
    let sleeper = tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)));
    tokio::task::yield_now().await;
    let store = Store::open_with(&database.url, &options).await.unwrap();
    let lease = claim(&store, &autodesk(), "test").await;
    for i in 0..300 {
        done(&store, &lease, &format!("autodesk/create/{i}@example.com"), None, minute(1)).await;
    }
    assert_eq!(trouble(store.note_absence(&lease, IntentId(1)).await), Trouble::NotOpen);
    assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 300, .. }));
    assert_eq!(begin.elapsed(), Duration::ZERO);
    sleeper.await.unwrap();
}

#[test]
fn a_blocking_store_needs_no_runtime() {
    let options = OpenOptions { blocking: true, max_pages: None };
    let store = poll_now(Store::open_with("sqlite::memory:", &options)).unwrap();
    assert_eq!(poll_now(store.runs(1)).unwrap(), []);
}

/// The result of what never has to wait.
fn poll_now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[tokio::test]
async fn what_is_in_memory_is_shared_by_clones_and_by_nobody_else() {
    let store = Store::open("sqlite::memory:").await.unwrap();
    let lease = claim(&store, &autodesk(), "test").await;
    let clone = store.clone();
    done(&clone, &lease, "autodesk/create/ann@example.com", None, minute(1)).await;
    assert_eq!(store.entries(&Filter::default()).await.unwrap().len(), 1);
    assert!(matches!(clone.claim(&autodesk(), "other", TTL, minute(99)).await.unwrap(), Claim::Busy { .. }));
    drop(lease);
    assert_eq!(claim(&clone, &autodesk(), "other").await.epoch(), 2);
    let other = Store::open("sqlite::memory:").await.unwrap();
    assert_eq!(other.entries(&Filter::default()).await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let database = Database::sqlite();
    let (_store, _lease) = database.claimed().await;
    let file = Path::new(database.url.strip_prefix("sqlite:").unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = file.parent().unwrap();
    assert_eq!(mode(folder), 0o700);
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The database with its log and its index, two locks, and what keeps them out of git.
    assert_eq!(files.len(), 6, "{files:?}");
    for file in files.iter().filter(|file| !file.ends_with(".gitignore")) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_not_made_to_be_read() {
    check(async |database| {
        for _ in 0..2 {
            assert!(Store::open_existing(&database.url).await.unwrap().is_none());
        }
        if let Some(file) = database.url.strip_prefix("sqlite:") {
            assert!(!Path::new(file).exists());
        }
        database.open().await;
        assert!(Store::open_existing(&database.url).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    check(async |database| {
        let store = database.open().await;
        let version = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                       SELECT 999, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
        tamper(&store, version).await;
        let error = Store::open(&database.url).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Newer);
        assert!(error.to_string().contains("written by a newer rosterd: its schema is of version 999"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn several_processes_may_open_a_new_store_at_the_same_time() {
    check(async |database| {
        let opened = futures::future::join_all((0..4).map(|_| database.open())).await;
        assert_eq!(opened.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_named_without_its_password() {
    for (url, expect) in [
        ("postgres://ros:hunter2@127.0.0.1:1/rosterd", Trouble::Connect),
        ("postgres://ros:hunter2@127.0.0.1:1/rosterd?sslmode=odd", Trouble::Address),
        ("sqlite:/proc/nowhere/state.db", Trouble::Connect),
        ("redis://:hunter2@host", Trouble::Address),
    ] {
        let error = Store::open(url).await.unwrap_err();
        assert_eq!(error.trouble, expect, "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        assert!(error.hint.is_some());
    }
}

#[tokio::test]
async fn what_is_no_database_is_not_written_to() {
    let database = Database::sqlite();
    let file = Path::new(database.url.strip_prefix("sqlite:").unwrap());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, "people:\n".repeat(200)).unwrap();
    assert_eq!(trouble(Store::open(&database.url).await), Trouble::Corrupt);
    assert!(std::fs::read_to_string(file).unwrap().starts_with("people:\n"));
}

/// Names the store for the process that is going to be killed.
const VICTIM: &str = "ROSTERD_TEST_VICTIM";

#[tokio::test]
async fn a_killed_process_frees_its_apps_and_leaves_its_intents() {
    if let Ok(url) = env::var(VICTIM) {
        let store = Store::open(&url).await.unwrap();
        let lease = claim(&store, &autodesk(), "victim").await;
        open_intent(&store, &lease, &intent("autodesk/create/ann@example.com")).await.unwrap();
        loop {
            thread::park();
        }
    }
    let database = Database::sqlite();
    let store = database.open().await;
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", "store::tests::safety::a_killed_process_frees_its_apps_and_leaves_its_intents"])
        .env(VICTIM, &database.url)
        .spawn()
        .unwrap();
    while store.open_intents(&autodesk()).await.unwrap().is_empty() {
        assert!(victim.try_wait().unwrap().is_none(), "it ended by itself");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(matches!(store.claim(&autodesk(), "next", TTL, minute(9999)).await.unwrap(), Claim::Busy { .. }));
    // The same as kill -9.
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(claim(&store, &autodesk(), "next").await.epoch(), 2);
    assert_eq!(store.open_intents(&autodesk()).await.unwrap().len(), 1);
}

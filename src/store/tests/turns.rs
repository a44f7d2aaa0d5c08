use super::*;

/// Daemons that share a database, at a minute.
struct Fleet {
    store: Store,
    ids: [DaemonId; 2],
    minute: i64,
}

impl Fleet {
    async fn new(database: &Database) -> Self {
        Self { store: database.open().await, ids: [DaemonId::new(), DaemonId::new()], minute: 0 }
    }

    fn daemon<'a>(&'a self, which: usize, files: &'a str) -> Daemon<'a> {
        let name = ["first", "second"][which];
        Daemon { id: &self.ids[which], name, files, revision: Some(name), writes: true }
    }

    async fn ask(&self, which: usize, files: &str, why: Why) -> TurnClaim {
        let (daemon, now) = (self.daemon(which, files), minute(self.minute));
        self.store.take_turn(&autodesk(), daemon, why, TTL, now).await.unwrap()
    }

    async fn take(&self, which: usize, files: &str, why: Why) -> Turn {
        match self.ask(which, files, why).await {
            TurnClaim::Ours { turn, .. } => turn,
            TurnClaim::Later(later) => panic!("{later:?}"),
        }
    }

    async fn in_force(&self, files: &str) -> FilesInForce {
        self.store.in_force(&autodesk(), files).await.unwrap()
    }

    /// A daemon's turn, in which its files come into force.
    async fn goes_by(&self, which: usize, files: &str) {
        let turn = self.take(which, files, Why::Asked).await;
        self.store.put_in_force(&turn, files, None).await.unwrap();
        self.end(&turn, files, 60).await;
    }

    /// In how many minutes a daemon is to ask again, and whether another one is in the middle of a cycle.
    async fn later(&self, which: usize, files: &str, why: Why) -> (i64, bool) {
        match self.ask(which, files, why).await {
            TurnClaim::Ours { .. } => panic!("it is its turn"),
            TurnClaim::Later(later) => {
                let seconds = later.at.duration_since(minute(self.minute)).as_secs();
                ((seconds + 30) / 60, later.under_way)
            }
        }
    }

    async fn end(&self, turn: &Turn, files: &str, due: i64) {
        let cycle = json!({ "standing": "in-sync" });
        let ended = TurnEnd { files, next_due: minute(due), cycle: Some(&cycle) };
        self.store.end_turn(turn, ended, minute(self.minute)).await.unwrap();
    }

    /// The last turn is one of a daemon that died, so long ago that it lapsed.
    async fn lapse(&self, turn: &Turn) {
        self.store.renew_all(&[Held::Turn(turn)], None, Duration::ZERO, minute(self.minute)).await.unwrap();
    }
}

const DUE: Why = Why::Due(None);

#[tokio::test]
async fn an_app_that_is_due_is_one_daemons_turn_and_nobodys_before_it_is_due_again() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        let turn = fleet.take(0, "a", DUE).await;
        assert_eq!(fleet.later(1, "a", DUE).await, (1, true));
        assert_eq!(fleet.later(1, "a", Why::Asked).await, (1, true), "two at a time would read twice");
        fleet.end(&turn, "a", 10).await;
        assert_eq!(fleet.later(1, "a", DUE).await, (10, false));
        assert_eq!(fleet.later(0, "a", DUE).await, (10, false));
        let asked = fleet.take(1, "a", Why::Asked).await;
        assert_eq!(asked.number(), turn.number() + 1);
        fleet.end(&asked, "a", -1).await;
        fleet.take(0, "a", DUE).await;
    })
    .await;
}

#[tokio::test]
async fn a_daemon_whose_turn_was_the_last_goes_by_its_own_clock() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        let turn = fleet.take(0, "a", DUE).await;
        fleet.end(&turn, "a", 60).await;
        assert_eq!(fleet.later(1, "a", DUE).await, (60, false));
        fleet.take(0, "a", Why::Due(Some(turn.number()))).await;
    })
    .await;
}

#[tokio::test]
async fn a_cycle_that_broke_off_is_due_at_once_however_far_off_the_next_was() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        let turn = fleet.take(0, "a", DUE).await;
        fleet.end(&turn, "a", 60).await;
        let asked = fleet.take(0, "a", Why::Asked).await;
        assert_eq!(fleet.later(1, "a", DUE).await, (1, true));
        fleet.lapse(&asked).await;
        let shared = fleet.store.shared_apps(&fleet.ids[1], minute(0)).await.unwrap();
        assert!(shared[0].broke_off && shared[0].key == autodesk());
        let taken = fleet.take(1, "a", DUE).await;
        // The one that was overtaken has nothing to renew, and ends nothing.
        let held = [Held::Turn(&asked), Held::Turn(&taken)];
        assert_eq!(fleet.store.renew_all(&held, None, TTL, minute(0)).await.unwrap(), [false, true]);
        fleet.end(&asked, "a", 60).await;
        assert_eq!(fleet.later(0, "a", DUE).await, (1, true));
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_starts_alone_begins_at_once_and_one_that_joins_others_does_not() {
    check(async |database| {
        let mut fleet = Fleet::new(database).await;
        let turn = fleet.take(0, "a", DUE).await;
        fleet.end(&turn, "a", 60).await;
        assert_eq!(fleet.later(1, "a", DUE).await, (60, false), "it joins");
        for id in &fleet.ids {
            fleet.store.leave(id).await.unwrap();
        }
        fleet.minute = 1;
        fleet.ids[1] = DaemonId::new();
        fleet.take(1, "a", DUE).await;
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_ends_leaves_what_it_was_at_to_the_others() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        fleet.take(0, "a", DUE).await;
        assert_eq!(fleet.later(1, "a", DUE).await, (1, true));
        fleet.store.leave(&fleet.ids[0]).await.unwrap();
        fleet.take(1, "a", DUE).await;
    })
    .await;
}

#[tokio::test]
async fn files_are_in_force_until_others_come_or_nobody_who_may_live_goes_by_them() {
    check(async |database| {
        let mut fleet = Fleet::new(database).await;
        let theirs = |files: &str, who: &str| {
            let daemons = vec![(who.into(), Some(who.into()))];
            FilesInForce::Theirs(Rival { files: files.into(), daemons, overtaken: Vec::new() })
        };
        assert_eq!(fleet.in_force("a").await, FilesInForce::Nobodys);
        fleet.goes_by(0, "a").await;
        assert_eq!(fleet.in_force("a").await, FilesInForce::Ours);
        assert_eq!(fleet.in_force("b").await, theirs("a", "first"));
        let turn = fleet.take(1, "b", DUE).await;
        assert_eq!(fleet.in_force("b").await, theirs("a", "first"), "asking for a turn puts nothing into force");
        fleet.end(&turn, "b", 60).await;
        assert_eq!(fleet.in_force("b").await, theirs("a", "first"), "and neither does its end");
        fleet.goes_by(1, "b").await;
        assert_eq!(fleet.in_force("a").await, theirs("b", "second"), "and so it goes on");
        let turn = fleet.take(1, "c", DUE).await;
        fleet.end(&turn, "c", 60).await;
        assert_eq!(fleet.in_force("a").await, theirs("b", "second"), "its newer files have not come into force");
        assert_eq!(fleet.in_force("c").await, FilesInForce::Nobodys, "a daemon with the same newer files is no rival");
        // A daemon that only looks is nobody's rival.
        let looking = Daemon { writes: false, ..fleet.daemon(1, "b") };
        let claim = fleet.store.take_turn(&autodesk(), looking, Why::Asked, TTL, minute(0)).await.unwrap();
        let TurnClaim::Ours { turn, .. } = claim else { panic!("{claim:?}") };
        fleet.end(&turn, "b", 60).await;
        assert_eq!(fleet.in_force("a").await, FilesInForce::Nobodys);
        fleet.goes_by(0, "a").await;
        fleet.store.leave(&fleet.ids[0]).await.unwrap();
        assert_eq!(fleet.in_force("b").await, FilesInForce::Nobodys, "it has said that it ends");
        fleet.minute = 1;
        assert_eq!(fleet.in_force("b").await, FilesInForce::Nobodys);
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_is_silent_is_dead_once_another_one_has_reached_the_store_for_as_long() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        fleet.goes_by(0, "a").await;
        let silence = async |which: usize| {
            fleet.store.renew_all(&[], Some(&fleet.ids[which]), Duration::ZERO, minute(0)).await.unwrap();
        };
        silence(0).await;
        // One that has just begun, or could not reach the store itself, cannot tell.
        for broke_off in [false, true] {
            if broke_off {
                silence(1).await;
            }
            let turn = fleet.take(1, "b", Why::Asked).await;
            assert!(matches!(fleet.in_force("b").await, FilesInForce::Theirs(_)));
            fleet.end(&turn, "b", 60).await;
        }
        if !database.postgres {
            // The clock of a server goes on by itself.
            let later = async |minutes: i64| {
                let turn =
                    fleet.store.take_turn(&autodesk(), fleet.daemon(1, "b"), Why::Asked, TTL, minute(minutes)).await;
                let Ok(TurnClaim::Ours { turn, .. }) = turn else { panic!("{turn:?}") };
                fleet.end(&turn, "b", 60).await;
                fleet.store.renew_all(&[], Some(&fleet.ids[1]), 10 * TTL, minute(minutes)).await.unwrap();
                fleet.in_force("b").await
            };
            assert!(matches!(later(0).await, FilesInForce::Theirs(_)));
            assert_eq!(later(1).await, FilesInForce::Nobodys);
        }
    })
    .await;
}

#[tokio::test]
async fn the_commits_that_were_overtaken_are_kept_until_others_are() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        let rival = async || match fleet.in_force("b").await {
            FilesInForce::Theirs(rival) => rival,
            other => panic!("{other:?}"),
        };
        let commits = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        for (overtaken, kept) in [
            (Some(commits(&["c1", "c2"])), ["c1", "c2"].as_slice()),
            (None, &["c1", "c2"]),
            (Some(commits(&["c3"])), &["c3"]),
        ] {
            let turn = fleet.take(0, "a", Why::Asked).await;
            fleet.store.put_in_force(&turn, "a", overtaken.as_deref()).await.unwrap();
            fleet.end(&turn, "a", 60).await;
            assert_eq!(rival().await.overtaken, kept);
            // One whose turn is over puts nothing into force.
            let old = Turn { number: turn.number() - 1, ..turn };
            fleet.store.put_in_force(&old, "c", Some(&commits(&["c9"]))).await.unwrap();
            assert_eq!(rival().await.overtaken, kept);
        }
        assert_eq!(rival().await.overtaken_with_it(), ["first", "c3"]);
        let overtaken: Vec<String> = (0..30).map(|n| format!("c{}", n / 2)).collect();
        assert_eq!(Rival { overtaken, ..rival().await }.overtaken_with_it().len(), 16, "each once");
        let overtaken: Vec<String> = (0..30).map(|n| format!("c{n}")).collect();
        assert_eq!(Rival { overtaken, ..rival().await }.overtaken_with_it().len(), 20);
    })
    .await;
}

#[tokio::test]
async fn one_statement_renews_leases_and_turns_of_many_apps() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        let keys: Vec<AppKey> =
            (0..ROWS_AND_MORE).map(|i| AppKey::new(format!("app-{i}"), "https://a.example.com")).collect();
        let (mut leases, mut turns) = (Vec::new(), Vec::new());
        for key in &keys {
            leases.push(claim(&fleet.store, key, "first").await);
            let claimed = fleet.store.take_turn(key, fleet.daemon(0, "a"), DUE, TTL, minute(0)).await.unwrap();
            let TurnClaim::Ours { turn, .. } = claimed else { panic!("{claimed:?}") };
            turns.push(turn);
        }
        fleet.store.release(leases[1].clone()).await.unwrap();
        let held: Vec<Held<'_>> = leases.iter().map(Held::Lease).chain(turns.iter().map(Held::Turn)).collect();
        let kept = fleet.store.renew_all(&held, Some(&fleet.ids[0]), TTL, minute(5)).await.unwrap();
        let lost: Vec<usize> = kept.iter().enumerate().filter(|(_, kept)| !**kept).map(|(index, _)| index).collect();
        assert_eq!(lost, [1]);
        // On SQLite leases end with a lock, and turns by the caller's clock on either.
        let clock = if database.postgres { minute(0) } else { minute(5) };
        let other = fleet.store.take_turn(&keys[0], fleet.daemon(1, "a"), DUE, TTL, clock).await.unwrap();
        assert!(matches!(other, TurnClaim::Later(Later { under_way: true, .. })), "{other:?}");
    })
    .await;
}

/// More apps than one statement is about.
const ROWS_AND_MORE: usize = 520;

#[tokio::test]
async fn two_daemons_that_ask_at_the_same_time_never_have_the_same_turn() {
    check(async |database| {
        let fleet = Fleet::new(database).await;
        let stores = [fleet.store.clone(), database.open().await];
        let keys: Vec<AppKey> = (0..8).map(|i| AppKey::new(format!("app-{i}"), "https://a.example.com")).collect();
        let take = async |which: usize| {
            let mut taken = Vec::new();
            for key in &keys {
                let claimed =
                    stores[which].take_turn(key, fleet.daemon(which, "a"), DUE, TTL, minute(0)).await.unwrap();
                taken.extend(matches!(claimed, TurnClaim::Ours { .. }).then(|| key.clone()));
                tokio::task::yield_now().await;
            }
            taken
        };
        let (mut all, more) = futures::join!(take(0), take(1));
        all.extend(more);
        all.sort();
        assert_eq!(all, keys);
    })
    .await;
}

#[tokio::test]
async fn a_file_is_for_one_daemon_and_the_next_goes_on_with_what_a_dead_one_was_at() {
    let database = Database::sqlite();
    let fleet = Fleet::new(&database).await;
    let sole = fleet.store.be_sole_daemon().await.unwrap().expect("it is the first");
    let other = database.open().await;
    assert!(other.be_sole_daemon().await.unwrap().is_none());
    let turn = fleet.take(0, "a", DUE).await;
    fleet.end(&turn, "a", 60).await;
    fleet.take(0, "a", Why::Asked).await;
    // As it would with its process.
    drop(sole);
    let _sole = other.be_sole_daemon().await.unwrap().expect("the first has ended");
    fleet.take(1, "a", DUE).await;
}

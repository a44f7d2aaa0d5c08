//! What a restart keeps.

use super::*;

#[test]
fn a_lost_request_keeps_its_place_for_a_moment_and_for_the_next_process_as_well() {
    let quota = quota(100, HOUR, 2);
    let mut budget = Budget::known(&quota);
    let mut at = Duration::from_millis(100);
    (0..3).for_each(|ticket| budget.ask(at, Ticket(ticket), Lane::Read, Kind::Read));
    assert_eq!((budget.next(at), budget.next(at)), (Next::Grant(Ticket(0)), Next::Grant(Ticket(1))));
    budget.answered(at, Ticket(0), &Feedback { outcome: Outcome::Lost, ..Feedback::default() });
    let free = at + Duration::from_secs(1);
    assert_eq!(budget.next(at), Next::WaitUntil(free));
    // A process that dies now had one request under way, and lost another.
    at += Duration::from_millis(400);
    let saved = budget.save(at);
    assert_eq!(saved.under_way_ms, [600, 1000]);
    let mut next = resumed(&quota, &saved, Duration::ZERO, Duration::from_millis(100));
    (0..2).for_each(|ticket| next.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read));
    assert_eq!(next.next(Duration::ZERO), Next::WaitUntil(Duration::from_millis(500)));
    assert_eq!(next.next(Duration::from_millis(500)), Next::Grant(Ticket(0)));
    // The one that lives counts its own once, whatever it reads of them.
    budget.resume(&saved, at, Duration::ZERO);
    assert_eq!(budget.next(at), Next::WaitUntil(free));
    assert_eq!(budget.next(free), Next::Grant(Ticket(2)));
}

#[test]
fn a_restart_does_not_overspend() {
    let quota = quota(100, HOUR, 100);
    let mut budget = Budget::new(&quota);
    for ticket in 0..70 {
        budget.ask(secs(10), Ticket(ticket), Lane::Read, Kind::Read);
        assert_eq!(budget.next(secs(10)), Next::Grant(Ticket(ticket)));
        if ticket < 60 {
            budget.answered(secs(10), Ticket(ticket), &Feedback::default());
        }
    }
    let stored = serde_json::to_string(&budget.save(secs(100))).unwrap();
    let saved: Saved = serde_json::from_str(&stored).unwrap();

    // The new process has a clock of its own, and was started ten minutes later.
    let mut restored = resumed(&quota, &saved, secs(3), secs(600));
    for ticket in 0..50 {
        restored.ask(secs(3), Ticket(ticket), Lane::Read, Kind::Read);
    }
    let granted = std::iter::from_fn(|| matches!(restored.next(secs(3)), Next::Grant(_)).then_some(())).count();
    assert_eq!(granted, 30);
    let mut later = resumed(&quota, &saved, secs(3), HOUR + secs(60));
    later.ask(secs(3), Ticket(0), Lane::Read, Kind::Read);
    assert_eq!(later.next(secs(3)), Next::Grant(Ticket(0)));
}

#[test]
fn what_the_server_said_outlives_a_restart() {
    let quota = quota(1000, HOUR, 10);
    let mut budget = Budget::new(&quota);
    budget.ask(Duration::ZERO, Ticket(0), Lane::Read, Kind::Read);
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let told = said(2, secs(600));
    budget.answered(Duration::ZERO, Ticket(0), &told);
    let saved = budget.save(secs(100));
    let granted = |elapsed: u64| {
        let mut restored = resumed(&quota, &saved, Duration::ZERO, secs(elapsed));
        (0..5).for_each(|ticket| restored.ask(Duration::ZERO, Ticket(ticket), Lane::Removal, Kind::Read));
        let granted = std::iter::from_fn(|| matches!(restored.next(Duration::ZERO), Next::Grant(_)).then_some(()));
        (granted.count(), restored.next(Duration::ZERO))
    };
    assert_eq!(granted(100), (2, Next::WaitUntil(secs(401))));
    assert_eq!(granted(501), (1, Next::Idle), "the window should be new, and one request goes ahead to find out");
}

//! What a server tells of its quota, answer by answer.

use super::*;

#[test]
fn a_window_that_begins_anew_a_little_early_is_a_new_window() {
    let mut budget = Budget::known(&quota(100, HOUR, 200));
    let mut tickets = 0..;
    let mut send = |budget: &mut Budget, now: Duration, wanted: u64| {
        let mut sent: Vec<Ticket> = Vec::new();
        for _ in 0..wanted {
            budget.ask(now, Ticket(tickets.next().unwrap()), Lane::Removal, Kind::Write);
        }
        while let Next::Grant(ticket) = budget.next(now) {
            sent.push(ticket);
        }
        sent
    };
    // We think that the window ends after an hour. It ends two seconds earlier, as an answer shows that was on its way.
    for (left, ticket) in (1..100).rev().zip(send(&mut budget, Duration::ZERO, 99)) {
        budget.answered(secs(1), ticket, &said(left, HOUR - secs(1)));
    }
    let late = send(&mut budget, HOUR - secs(2), 1);
    budget.answered(HOUR - secs(1), late[0], &said(99, HOUR));
    assert_eq!(send(&mut budget, HOUR - secs(1), 120).len(), 99);
}

#[test]
fn what_is_announced_paces_what_goes_out_before_it() {
    let sent_at_once = |announced| {
        let mut budget = Budget::new(&quota(100, HOUR, 100));
        let told = said(50, secs(1000));
        (0..10).for_each(|ticket| budget.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read));
        assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
        budget.answered(Duration::ZERO, Ticket(0), &told);
        budget.expect(Kind::Write, announced);
        std::iter::from_fn(|| matches!(budget.next(secs(1)), Next::Grant(_)).then_some(())).count()
    };
    assert_eq!((sent_at_once(0), sent_at_once(40), sent_at_once(1000)), (9, 9, 1));
}

#[test]
fn a_server_without_declared_quota_is_still_heard() {
    let mut budget = Budget::new(&Quota::default());
    for ticket in 0..3 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read);
    }
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let told = said(1, secs(20));
    budget.answered(secs(1), Ticket(0), &told);
    assert_eq!(budget.next(secs(1)), Next::Grant(Ticket(1)));
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(22)));
}

#[test]
fn an_empty_window_without_a_reset_is_tried_with_one_request() {
    let mut budget = Budget::new(&Quota { keep_free: 0.1, ..quota(100, HOUR, 10) });
    for ticket in 0..5 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read);
    }
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    budget.answered(Duration::ZERO, Ticket(0), &heard(Outcome::Answered, Some(0), None));
    assert_eq!(budget.next(Duration::ZERO), Next::WaitUntil(secs(60)));
    assert_eq!(budget.next(secs(60)), Next::Grant(Ticket(1)));
    assert_eq!(budget.next(secs(60)), Next::Idle, "its answer tells");
    budget.answered(secs(60), Ticket(1), &heard(Outcome::Answered, Some(0), None));
    assert_eq!(budget.next(secs(60)), Next::WaitUntil(secs(120)));
}

#[test]
fn of_a_smaller_limit_than_declared_its_own_share_is_kept_free() {
    let quota = Quota { keep_free: 0.1, ..quota(60_000, secs(60), 1000) };
    let mut budget = Budget::new(&quota);
    let sent = |budget: &mut Budget| {
        (0..539).for_each(|ticket| budget.ask(secs(1), Ticket(ticket), Lane::Read, Kind::Read));
        std::iter::from_fn(|| matches!(budget.next(secs(1)), Next::Grant(_)).then_some(())).count()
    };
    budget.ask(Duration::ZERO, Ticket(1000), Lane::Read, Kind::Read);
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(1000)));
    let mut said = said(599, secs(60));
    said.told[0].limit = Some(600);
    budget.answered(secs(1), Ticket(1000), &said);
    let mut restored = resumed(&quota, &budget.save(secs(1)), secs(1), Duration::ZERO);
    assert_eq!(sent(&mut budget), 539, "sixty of the 600 are kept free");
    assert_eq!(sent(&mut restored), 539, "the limit outlives a restart");
}

//! Which request leaves first, and which has to wait.

use super::*;

#[test]
fn what_unblocks_more_leaves_first() {
    let mut budget = Budget::known(&quota(10, HOUR, 10));
    for (ticket, unblocks) in [(1, 0), (2, 7), (3, 0), (4, 9)] {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Write { unblocks }, Kind::Write);
    }
    let order = std::iter::from_fn(|| match budget.next(Duration::ZERO) {
        Next::Grant(Ticket(ticket)) => Some(ticket),
        _ => None,
    });
    assert_eq!(order.collect::<Vec<_>>(), [4, 2, 1, 3]);
}

#[test]
fn a_scope_that_is_spent_does_not_stop_the_other_kind() {
    let scope = |covers, requests| Scope { covers, requests, per: HOUR };
    let scopes = vec![scope(Covers::Reads, 100), scope(Covers::Writes, 2)];
    let mut budget = Budget::known(&Quota { scopes, concurrency: None, keep_free: 0.0 });
    for ticket in 0..3 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Write { unblocks: 0 }, Kind::Write);
    }
    budget.ask(Duration::ZERO, Ticket(3), Lane::Read, Kind::Read);
    let granted: Vec<_> = (0..3).map(|_| budget.next(Duration::ZERO)).collect();
    assert_eq!(granted, [0, 1, 3].map(|ticket| Next::Grant(Ticket(ticket))));
    assert_eq!(budget.next(Duration::ZERO), Next::Idle, "the rest waits for an answer");
    budget.answered(secs(1), Ticket(0), &Feedback::default());
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(3601)));
}

#[test]
fn a_kind_that_has_to_wait_for_days_is_told_while_another_goes_on() {
    let scope = |covers, requests, per| Scope { covers, requests, per };
    let scopes = vec![scope(Covers::Reads, 1, secs(60)), scope(Covers::Writes, 1, HOUR * 24)];
    let mut budget = Budget::known(&Quota { scopes, concurrency: None, keep_free: 0.0 });
    for (ticket, kind) in [Kind::Write, Kind::Read, Kind::Write, Kind::Read].into_iter().enumerate() {
        budget.ask(Duration::ZERO, Ticket(ticket as u64), Lane::Write { unblocks: 0 }, kind);
    }
    for ticket in 0..2 {
        assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(ticket)));
        budget.answered(secs(1), Ticket(ticket), &Feedback::default());
    }
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(61)), "a read may leave then");
    assert_eq!(budget.too_long(secs(1), PARK_AFTER), [(Ticket(2), HOUR * 24)]);
}

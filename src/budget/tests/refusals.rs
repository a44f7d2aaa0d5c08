//! Pauses after refusals.

use super::*;

#[test]
fn too_many_requests_pause_the_whole_bucket_and_one_goes_ahead() {
    let mut budget = Budget::new(&quota(1000, HOUR, 10));
    for ticket in 0..4 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Removal, Kind::Write);
    }
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let refused = Feedback { outcome: Outcome::Overloaded, retry_after: Some(secs(7)), ..Feedback::default() };
    budget.answered(secs(1), Ticket(0), &refused);
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(8)));
    assert_eq!(budget.next(secs(8)), Next::Grant(Ticket(1)));
    assert_eq!(budget.next(secs(8)), Next::Idle, "the others wait for what the first one meets");
    budget.answered(secs(9), Ticket(1), &Feedback::default());
    assert_eq!(budget.next(secs(9)), Next::Grant(Ticket(2)));
    assert_eq!(budget.next(secs(9)), Next::Grant(Ticket(3)));
}

#[test]
fn pauses_without_a_length_double_and_are_bounded() {
    let mut budget = Budget::new(&quota(1000, HOUR, 10));
    let mut now = Duration::ZERO;
    let mut pauses = Vec::new();
    for ticket in 0..9 {
        budget.ask(now, Ticket(ticket), Lane::Read, Kind::Read);
        assert_eq!(budget.next(now), Next::Grant(Ticket(ticket)));
        budget.answered(now, Ticket(ticket), &Feedback { outcome: Outcome::Overloaded, ..Feedback::default() });
        budget.ask(now, Ticket(100 + ticket), Lane::Read, Kind::Read);
        let Next::WaitUntil(until) = budget.next(now) else { panic!("no pause") };
        budget.cancel(Ticket(100 + ticket));
        pauses.push((until - now).as_secs());
        now = until;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_wait_above_an_hour_is_told_from_one_below() {
    let too_long = |wait: Duration| {
        let mut budget = Budget::new(&quota(1000, HOUR, 10));
        (0..2).for_each(|ticket| budget.ask(secs(5), Ticket(ticket), Lane::Removal, Kind::Read));
        assert_eq!(budget.next(secs(5)), Next::Grant(Ticket(0)));
        let asked = Feedback { outcome: Outcome::Overloaded, retry_after: Some(wait), ..Feedback::default() };
        budget.answered(secs(5), Ticket(0), &asked);
        budget.too_long(secs(5), PARK_AFTER)
    };
    assert_eq!(too_long(HOUR + secs(1)), []);
    assert_eq!(too_long(HOUR * 2), [(Ticket(1), HOUR * 2)]);
}

#[test]
fn a_refusal_that_names_only_the_end_of_the_window_stops_everything_until_then() {
    let mut budget = Budget::new(&quota(1000, HOUR, 10));
    (0..2).for_each(|ticket| budget.ask(Duration::ZERO, Ticket(ticket), Lane::Removal, Kind::Read));
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let refused = heard(Outcome::Overloaded, None, Some(secs(600)));
    budget.answered(secs(1), Ticket(0), &refused);
    assert_eq!(budget.next(secs(2)), Next::WaitUntil(secs(602)));
}

#[test]
fn a_request_that_waits_for_a_lost_one_is_woken_when_the_lost_one_is_given_up() {
    let mut quota = quota(120, secs(60), 10);
    quota.keep_free = 0.1;
    let mut budget = Budget::known(&quota);
    (0..3).for_each(|ticket| budget.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read));
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let counted = Told { limit: Some(120), remaining: Some(11), ..Told::default() };
    budget.answered(Duration::ZERO, Ticket(0), &Feedback { told: vec![counted], ..Feedback::default() });
    let Next::WaitUntil(stale) = budget.next(Duration::ZERO) else { panic!("the share kept free was spent") };
    assert_eq!(budget.next(stale), Next::Grant(Ticket(1)), "one request finds out how much is left");
    let lost = Feedback { outcome: Outcome::Lost, ..Feedback::default() };
    budget.answered(stale + secs(1), Ticket(1), &lost);
    assert_eq!(budget.next(stale + secs(1)), Next::WaitUntil(stale + secs(2)));
    assert_eq!(budget.next(stale + secs(2)), Next::Grant(Ticket(2)));
}

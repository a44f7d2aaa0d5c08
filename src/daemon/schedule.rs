//! When it is an app's turn, and how long one that cannot be read is left alone.

use std::time::Duration;

use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use tokio::time::Instant;

use crate::model::{Schedule, Settings};

/// A time that never comes, for arithmetic that would leave the calendar.
const NEVER: Timestamp = Timestamp::MAX;

/// An outage of hours is asked about once an hour: often enough to be back soon, and cheap for whoever is down.
const LONGEST: Duration = Duration::from_secs(3600);

/// Up to this share is added at random, so that apps of one vendor do not come back in step.
const JITTER: f64 = 0.1;

/// Clocks that differ by more than this were set. Those that are kept right by small steps are not.
const SET: SignedDuration = SignedDuration::from_secs(2);

/// The pause between the first two cycles for newer files; it doubles with each further one in a row. People who push twice
/// wait no longer than this.
const GUST: Duration = Duration::from_secs(5);

/// The longest of these pauses: files that change every second have an app read once a minute.
const LULL: Duration = Duration::from_secs(60);

/// When cycles begin.
#[derive(Debug, Clone)]
pub(crate) struct Timetable {
    schedule: Schedule,
    zone: TimeZone,
}

impl Timetable {
    /// What the settings say.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { schedule: settings.schedule.clone(), zone: settings.time_zone.clone() }
    }

    /// When the cycle after one that began at `began` is due, at `now` or later; `chance` is from 0 to 1.
    pub(crate) fn next(&self, began: Timestamp, now: Timestamp, chance: f64) -> Timestamp {
        match &self.schedule {
            // A cycle that took longer than the pause is followed by the next at once.
            Schedule::Every { every, jitter } => later(began, *every + jitter.mul_f64(chance)).max(now),
            Schedule::Cron { cron, jitter } => later(self.occurrence(cron, now), jitter.mul_f64(chance)),
        }
    }

    /// The pause between cycles as it normally is, around `now`.
    pub(crate) fn interval(&self, now: Timestamp) -> Duration {
        match &self.schedule {
            Schedule::Every { every, .. } => *every,
            Schedule::Cron { cron, .. } => {
                let first = self.occurrence(cron, now);
                let second = self.occurrence(cron, first);
                second.duration_since(first).try_into().unwrap_or_default()
            }
        }
    }

    /// When the cycle after one that began at `began` is due, which was to be `due`, when so many in a row could not read the
    /// app; `chance` is from 0 to 1.
    pub(crate) fn after_failures(&self, failures: u32, began: Timestamp, due: Timestamp, chance: f64) -> Timestamp {
        // Cron says exactly when, so that chance would only skip a turn.
        let chance = if matches!(self.schedule, Schedule::Cron { .. }) { 0.0 } else { chance };
        let earliest = later(began, pause(failures, self.interval(began), chance));
        match &self.schedule {
            _ if due >= earliest => due,
            Schedule::Every { .. } => earliest,
            // Cycles begin a moment after their time.
            Schedule::Cron { cron, .. } => {
                self.occurrence(cron, earliest.checked_sub(Span::new().seconds(1)).unwrap_or(earliest))
            }
        }
    }

    /// For how long an app is left alone after so many failures in a row.
    fn back_off(&self, failures: u32, now: Timestamp) -> Duration {
        if failures == 0 { Duration::ZERO } else { pause(failures, self.interval(now), 0.0) }
    }

    fn occurrence(&self, cron: &croner::Cron, after: Timestamp) -> Timestamp {
        let next = cron.find_next_occurrence(&after.to_zoned(self.zone.clone()), false);
        next.map_or(NEVER, |next| next.timestamp())
    }
}

/// When a cycle is due. The pause until then is measured on a clock that nobody sets; only what goes by the time of day
/// follows a clock that is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    /// The time of day, as it is shown.
    pub at: Timestamp,
    by: Instant,
    /// The end of the back-off, where the time of day decides.
    by_day: Option<Instant>,
    /// Both clocks as they were last seen.
    seen: (Timestamp, Instant),
}

impl Due {
    /// After a pause.
    pub(super) fn within(pause: Duration, now: Timestamp) -> Self {
        let instant = Instant::now();
        Self { at: later(now, pause), by: instant + pause, by_day: None, seen: (now, instant) }
    }

    /// After a cycle that took so long and ended `now`, as the table says; `chance` is from 0 to 1.
    pub(super) fn after(table: &Timetable, failures: u32, took: Duration, now: Timestamp, chance: f64) -> Self {
        // Whatever happened to the clock meanwhile, this is when the cycle began.
        let began = now.checked_sub(took).unwrap_or(now);
        let due = table.next(began, now, chance);
        let at = if failures == 0 { due } else { table.after_failures(failures, began, due, chance) };
        let back_off = table.back_off(failures, now).saturating_sub(took);
        let by_day = matches!(table.schedule, Schedule::Cron { .. }).then(|| Instant::now() + back_off);
        Self { by_day, ..Self::within(until(at, now), now) }
    }

    /// The same, or after a pause if that is sooner.
    pub(super) fn or_in(self, pause: Duration, now: Timestamp) -> Self {
        if self.left(now) <= pause { self } else { Self::within(pause, now) }
    }

    /// How long it is until then. A machine that slept, or a clock that was set forward, makes it shorter and never longer.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        self.by.saturating_duration_since(Instant::now()).min(until(self.at, now))
    }

    /// Whether it has been due for longer than `pause`.
    pub(super) fn is_overdue(&self, pause: Duration) -> Option<Duration> {
        Some(self.by.elapsed()).filter(|late| *late > pause)
    }

    /// Looks at both clocks, and returns whether the time of day was set since the last look.
    pub(super) fn follow(&mut self, table: &Timetable, now: Timestamp) -> bool {
        let (instant, (before, at)) = (Instant::now(), self.seen);
        let drift = now.duration_since(later(before, instant - at));
        self.seen = (now, instant);
        if drift.abs() <= SET {
            return false;
        }
        match self.by_day {
            None => self.at = later(now, self.by.saturating_duration_since(instant)),
            Some(not_before) => {
                self.at = table.next(now, later(now, not_before.saturating_duration_since(instant)), 0.0);
                self.by = instant + until(self.at, now);
            }
        }
        true
    }
}

/// How long it is from `now` until `at`; nothing once that has passed.
fn until(at: Timestamp, now: Timestamp) -> Duration {
    // A time that never comes is further away than clocks can count.
    const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);
    Duration::try_from(at.duration_since(now)).unwrap_or_default().min(FOREVER)
}

/// Newer files in quick succession. Each of them is worth a cycle, but not one every second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Storm {
    in_a_row: u32,
    /// When the last cycle for newer files began, and the pause after it.
    last: Option<(Instant, Duration)>,
    /// Newer files came while the last cycle was under way.
    goes_on: bool,
}

impl Storm {
    /// A cycle has ended; whether newer files came meanwhile.
    pub(super) fn goes_on(&mut self, newer: bool) {
        self.goes_on = newer;
    }

    /// A cycle for newer files begins.
    pub(super) fn begins(&mut self, interval: Duration) {
        let soon = self.last.is_some_and(|(began, pause)| began.elapsed() <= 2 * pause);
        self.in_a_row = if soon || self.goes_on { self.in_a_row.saturating_add(1) } else { 1 };
        let doubled = GUST.saturating_mul(2_u32.saturating_pow(self.in_a_row - 1));
        self.last = Some((Instant::now(), doubled.min(LULL).min(interval)));
    }

    /// How long newer files still wait.
    pub(super) fn left(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |(began, pause)| pause.saturating_sub(began.elapsed()))
    }
}

/// `at` and `pause` later.
fn later(at: Timestamp, pause: Duration) -> Timestamp {
    at.checked_add(pause).unwrap_or(NEVER)
}

/// The pause after `failures` failures in a row, for an app whose cycles are `interval` apart; `chance` is from 0 to 1. The
/// first failure costs nothing extra, each one after it doubles the pause, and it is never shorter than the interval.
fn pause(failures: u32, interval: Duration, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1);
    if doublings == 0 {
        return interval;
    }
    let longest = LONGEST.max(interval);
    let pause = interval.saturating_mul(2_u32.saturating_pow(doublings)).min(longest);
    pause + pause.mul_f64(JITTER * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn table(schedule: Schedule, zone: &str) -> Timetable {
        let settings = Settings { schedule, time_zone: TimeZone::get(zone).unwrap(), ..Settings::default() };
        Timetable::new(&settings)
    }

    fn at_times(cron: &str, jitter: u64) -> Schedule {
        Schedule::Cron { cron: Box::new(cron.parse().unwrap()), jitter: Duration::from_secs(jitter) }
    }

    /// The next times after `from`, each after the one before.
    fn check(cron: &str, zone: &str, from: &str, expect: &[&str]) {
        let table = table(at_times(cron, 0), zone);
        let mut now = at(from);
        for expected in expect {
            now = table.next(now, now, 0.7);
            assert_eq!(now, at(expected), "{cron} in {zone} after {from}");
        }
    }

    #[test]
    fn every_counts_from_start_to_start_and_chance_only_adds() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let table = table(Schedule::Every { every: minutes(15), jitter: minutes(2) }, "UTC");
        let began = at("2026-12-01T10:00:00Z");
        assert_eq!(table.next(began, began, 0.0), at("2026-12-01T10:15:00Z"));
        assert_eq!(table.next(began, began, 0.5), at("2026-12-01T10:16:00Z"));
        let ended = at("2026-12-01T10:40:00Z");
        assert_eq!(table.next(began, ended, 0.0), ended, "a cycle that took too long is followed at once");
        assert_eq!(table.interval(began), minutes(15));
    }

    #[test]
    fn chance_only_adds_to_cron_as_well() {
        let table = table(at_times("0 * * * *", 60), "UTC");
        let now = at("2026-12-01T10:00:20Z");
        assert_eq!(table.next(now, now, 0.0), at("2026-12-01T11:00:00Z"));
        assert_eq!(table.next(now, now, 0.5), at("2026-12-01T11:00:30Z"));
    }

    #[test]
    fn cron_has_five_fields_or_six_with_seconds_first() {
        check("*/15 * * * *", "UTC", "2026-12-01T10:07:00Z", &["2026-12-01T10:15:00Z", "2026-12-01T10:30:00Z"]);
        check("30 */15 * * * *", "UTC", "2026-12-01T10:15:30Z", &["2026-12-01T10:30:30Z"]);
    }

    #[test]
    fn cron_is_in_the_organisations_zone_before_and_after_the_clocks_change() {
        check(
            "0 9 * * *",
            "Europe/Berlin",
            "2026-10-24T00:00:00Z",
            &["2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"],
        );
        // The hour that comes twice has no pause in it.
        check(
            "0 */30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:10:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"],
        );
    }

    #[test]
    fn a_back_off_ends_at_the_next_time_of_the_table() {
        let table = table(at_times("0 * * * *", 0), "UTC");
        let check = |failures, began: &str, expect: &str| {
            let due = table.next(at(began), at(began), 0.0);
            assert_eq!(table.after_failures(failures, at(began), due, 1.0), at(expect));
        };
        check(1, "2026-12-01T10:00:00.2Z", "2026-12-01T11:00:00Z");
        check(2, "2026-12-01T10:00:00.2Z", "2026-12-01T11:00:00Z");
        let often = self::table(at_times("*/15 * * * *", 0), "UTC");
        let began = at("2026-12-01T10:00:00.2Z");
        assert_eq!(often.after_failures(2, began, at("2026-12-01T10:15:00Z"), 1.0), at("2026-12-01T10:30:00Z"));
        assert_eq!(often.after_failures(9, began, at("2026-12-01T10:15:00Z"), 1.0), at("2026-12-01T11:00:00Z"));
        let due = at("2026-12-01T11:00:00Z");
        assert_eq!(table.interval(due), Duration::from_secs(3600));
    }

    #[test]
    fn the_pause_doubles_up_to_an_hour_and_is_never_shorter_than_the_interval() {
        let check = |interval: u32, expect: [u32; 6]| {
            let pauses = [0, 1, 2, 3, 4, 40].map(|failures| pause(failures, interval * MINUTE, 0.0));
            assert_eq!(pauses, expect.map(|minutes| minutes * MINUTE));
        };
        check(15, [15, 15, 30, 60, 60, 60]);
        check(1, [1, 1, 2, 4, 8, 60]);
        check(240, [240; 6]);
    }

    #[test]
    fn chance_only_adds_and_adds_little() {
        let check = |failures, chance, seconds| {
            assert_eq!(pause(failures, 10 * MINUTE, chance), Duration::from_secs(seconds));
        };
        check(1, 1.0, 600);
        check(2, 0.5, 1260);
        check(2, 1.0, 1320);
    }
}

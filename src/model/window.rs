//! Windows of time in which a desired fact holds.

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

/// From when (included) until when (excluded) something is desired. Dates in the files have been turned into instants in
/// the organisation's time zone: `until: 2027-11-30` ends when that day does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// No longer at this instant and after it.
    pub until: Option<Timestamp>,
}

/// Where `now` stands with respect to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It has not begun: nothing is added yet, and nothing that exists is removed for it.
    Upcoming,
    /// It holds.
    Open,
    /// It is over.
    Lapsed,
}

impl Window {
    /// The window that always holds.
    pub const ALWAYS: Self = Self { from: None, until: None };

    /// What both windows cover; windows along one path (person, team membership, grant) intersect.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.into_iter().chain(other.until).min() }
    }

    /// Whether there is an instant in both. Two roles given by windows that never meet do not conflict.
    pub fn overlaps(self, other: Self) -> bool {
        let both = self.intersect(other);
        both.from.zip(both.until).is_none_or(|(from, until)| from < until)
    }

    /// Where `now` stands.
    pub fn phase(self, now: Timestamp) -> Phase {
        if self.until.is_some_and(|until| until <= now) {
            Phase::Lapsed
        } else if self.from.is_some_and(|from| now < from) {
            Phase::Upcoming
        } else {
            Phase::Open
        }
    }
}

/// The last day of something that ends with a day; else the instant at which it ends, to the minute.
pub(crate) fn last_day(end: &Zoned) -> String {
    let is_midnight = end.start_of_day().is_ok_and(|start| start == *end);
    let day = is_midnight.then(|| end.yesterday().ok()).flatten();
    day.map_or_else(|| end.strftime("%Y-%m-%d %H:%M %Z").to_string(), |day| day.date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    fn check(from: Option<i64>, until: Option<i64>, now: i64, phase: Phase) {
        let window = Window { from: from.map(at), until: until.map(at) };
        assert_eq!(window.phase(at(now)), phase);
    }

    #[test]
    fn a_window_begins_with_from_and_ends_before_until() {
        check(None, None, 5, Phase::Open);
        check(Some(5), None, 4, Phase::Upcoming);
        check(Some(5), None, 5, Phase::Open);
        check(None, Some(5), 4, Phase::Open);
        check(None, Some(5), 5, Phase::Lapsed);
    }

    #[test]
    fn windows_along_a_path_intersect() {
        let a = Window { from: Some(at(1)), until: Some(at(9)) };
        let b = Window { from: Some(at(3)), until: None };
        assert_eq!(a.intersect(b), Window { from: Some(at(3)), until: Some(at(9)) });
        assert!(a.overlaps(b));
        assert!(!a.overlaps(Window { from: Some(at(9)), until: None }));
    }
}

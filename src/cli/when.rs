//! Points in time as people type them: a day, an instant, or how long ago.

use std::{str::FromStr, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// A point in time, before it is known what time it is and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A day in the time zone of the files.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A date with a time is an instant, and needs its offset: `2026-11-20T10:00` alone would be read as the day.
        if let (10, Ok(day)) = (text.len(), text.parse()) {
            return Ok(Self::Day(day));
        }
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        humantime::parse_duration(text).map(Self::Ago).map_err(|_| {
            "write a date such as 2026-11-20, an instant such as 2026-11-20T10:00:00Z, or a span such as 7d".into()
        })
    }
}

impl When {
    /// Where it begins.
    pub(super) fn begin(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
            Self::Day(day) => midnight(day, zone).unwrap_or(Timestamp::MIN),
        }
    }

    /// Where it ends: the first instant that is no part of it.
    pub(super) fn end(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Instant(_) | Self::Ago(_) => self.begin(now, zone),
            Self::Day(day) => day.tomorrow().ok().and_then(|day| midnight(day, zone)).unwrap_or(Timestamp::MAX),
        }
    }

    /// The instant at which to look: the end of a day. Nobody can look at what is still to come.
    pub(super) fn instant(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        self.end(now, zone).min(now)
    }
}

fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, begin: &str, end: &str) {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let when: When = text.parse().unwrap();
        assert_eq!((when.begin(now, &zone).to_string(), when.end(now, &zone).to_string()), (begin.into(), end.into()));
    }

    #[test]
    fn a_day_is_a_day_where_the_files_are() {
        check("2026-11-20", "2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z");
        check("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        check("2026-11-20T10:00:00+01:00", "2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z");
        check("7d", "2026-11-15T10:00:00Z", "2026-11-15T10:00:00Z");
        check("1h 30m", "2026-11-22T08:30:00Z", "2026-11-22T08:30:00Z");
    }

    #[test]
    fn a_day_that_is_not_over_is_looked_at_as_it_is_now() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<When>().unwrap().instant(now, &TimeZone::UTC).to_string();
        assert_eq!(at("2026-11-22"), "2026-11-22T10:00:00Z");
        assert_eq!(at("2026-11-21"), "2026-11-22T00:00:00Z");
        assert_eq!(at("1d"), "2026-11-21T10:00:00Z");
        assert_eq!(at("2099-01-01T00:00:00Z"), "2026-11-22T10:00:00Z");
    }

    #[test]
    fn what_is_no_point_in_time_says_what_is() {
        for text in ["yesterday", "2026-11-31", "2026-11-20T10:00", "7", ""] {
            assert!(text.parse::<When>().unwrap_err().contains("such as 7d"), "{text}");
        }
    }
}

//! Values of arguments as people type them.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::model::{Email, Guard};

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

/// An address in the place of the directory is a slip of the `=` that an optional value needs.
pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(format!("this is an address and not a directory; for a running sandbox write --sandbox={text}"));
    }
    Ok(text.into())
}

pub(super) fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|error| error.to_string())
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = named.as_deref().unwrap_or(text).parse();
    address.map_err(|_| "write an IP address and a port, such as 127.0.0.1:8480".to_owned())
}

/// One guard released on the command line.
#[derive(Debug, Clone)]
pub(super) struct Approve {
    /// As it was typed.
    pub text: String,
    pub allow: String,
    pub guard: Guard,
    pub up_to: Option<u32>,
}

pub(super) fn approval(text: &str) -> Result<Approve, String> {
    let mut parts = text.rsplitn(3, ':').collect::<Vec<_>>();
    parts.reverse();
    // Group names may hold colons, so the guard is looked for from the end.
    let (allow, guard, up_to) = match parts[..] {
        [allow, guard, up_to] if up_to.parse::<u32>().is_ok() => (allow.to_owned(), guard, up_to.parse().ok()),
        [a, b, guard] => (format!("{a}:{b}"), guard, None),
        [allow, guard] => (allow.to_owned(), guard, None),
        _ => return Err("write NAME:GUARD, such as autodesk/deactivate/jane@example.com:irreversible".into()),
    };
    let guard: Guard = guard.parse().map_err(|_| {
        let mut known = Guard::RELEASABLE.to_vec();
        known.sort_unstable();
        format!("`{guard}` is not a guard; approvals release {}", known.join(", "))
    })?;
    if !guard.releasable() {
        return Err(format!("no approval releases `{guard}`; the plan says what to do"));
    }
    if allow.trim().is_empty() {
        return Err("write NAME:GUARD, such as autodesk/deactivate/jane@example.com:irreversible".into());
    }
    if up_to.is_some() && !guard.takes_number() {
        return Err("`up_to` is for the guards max-removals, max-creates and identity; remove it".into());
    }
    Ok(Approve { text: text.to_owned(), allow, guard, up_to })
}

pub(super) fn accept_after(text: &str) -> Result<Duration, String> {
    if text == "never" {
        return Ok(Duration::MAX);
    }
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

pub(super) fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("a number above 0, such as 60".into()),
    }
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

    #[test]
    fn an_approval_may_name_a_group_with_a_colon() {
        let check = |text: &str, allow: &str, up_to| {
            let approve = approval(text).unwrap();
            assert_eq!((approve.allow.as_str(), approve.up_to), (allow, up_to));
        };
        check("a/deactivate/x@y.z:irreversible", "a/deactivate/x@y.z", None);
        check("a/remove-member/x@y.z/Ops: night:protected", "a/remove-member/x@y.z/Ops: night", None);
        check("a:max-removals:40", "a", Some(40));
        assert!(approval("a:self").unwrap_err().contains("no approval releases"));
        assert!(approval("a").is_err());
        assert!(approval(":irreversible").unwrap_err().contains("write NAME:GUARD"));
        assert!(approval("a:irreversible:3").unwrap_err().contains("`up_to` is for the guards"));
        let refused = approval("a:irreversibel").unwrap_err();
        assert!(refused.contains("approvals release") && refused.contains("irreversible"), "{refused}");
    }

    #[test]
    fn an_address_in_the_place_of_the_directory_is_sent_to_its_flag() {
        assert!(directory("http://127.0.0.1:8480").unwrap_err().contains("--sandbox=http://127.0.0.1:8480"));
        assert_eq!(directory("files").unwrap(), PathBuf::from("files"));
    }

    #[test]
    fn the_sandbox_listens_where_it_is_told() {
        assert_eq!(address("localhost:80").unwrap(), address("127.0.0.1:80").unwrap());
        assert!(address("example.com:80").unwrap_err().contains("IP address"));
    }
}

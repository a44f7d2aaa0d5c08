//! Pauses: somebody stops what rosterd writes, for a time and with a reason.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

/// The longest pause. To leave an app alone for longer, somebody says so in the files, where others review it.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Characters of a reason, which stands beside every action that is held.
const REASON: usize = 300;

/// Somebody's word that nothing is written for a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pause {
    /// The app's name; none for every app, also those that the files name later.
    pub app: Option<Arc<str>>,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Whether it also keeps access of people who left.
    pub holds_leavers: bool,
}

impl Pause {
    /// Whether it is in force at `now`.
    pub fn is_on(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Whether it bears on an app.
    pub fn is_for(&self, app: &str) -> bool {
        self.app.as_deref().is_none_or(|own| own == app)
    }

    /// The pause in force that holds an action, the one that lasts longest where there are several.
    pub fn holding(pauses: &[Self], now: Timestamp, cuts_off_leaver: bool) -> Option<&Self> {
        let holds = |pause: &&Self| pause.is_on(now) && (pause.holds_leavers || !cuts_off_leaver);
        pauses.iter().filter(holds).max_by_key(|pause| pause.until)
    }

    /// `paused until 2026-11-30 14:00 UTC by ann on vm-1: the app is being moved`.
    pub fn sentence(&self, zone: &TimeZone) -> String {
        let until = self.until.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z");
        format!("paused until {until} by {}: {}", self.by, self.reason)
    }

    /// What goes on meanwhile.
    pub fn goes_on(&self) -> &'static str {
        if self.holds_leavers { "nothing is written" } else { "nothing but what cuts off people who left is written" }
    }

    /// The command that ends it.
    pub fn end_command(&self) -> String {
        self.app
            .as_ref()
            .map_or_else(|| "rosterd pause --end".to_owned(), |app| format!("rosterd pause --end --app {app}"))
    }
}

/// How long a pause lasts, as somebody typed it.
///
/// # Errors
/// What to write instead.
pub fn pause_length(text: &str) -> Result<Duration, String> {
    let length = humantime::parse_duration(text.trim())
        .map_err(|_| format!("`{text}` is not how long a pause lasts: write a span such as 30m, 2h or 1d"))?;
    if length < Duration::from_secs(1) {
        return Err("a pause that is over at once holds nothing: write a span such as 30m, 2h or 1d".into());
    }
    if length > LONGEST {
        return Err("a pause lasts 30d at most: to leave an app alone for longer, set `mode: observe` or \
                    `policy.freeze` in the files"
            .into());
    }
    Ok(length)
}

/// Why somebody pauses, as they typed it: one line.
///
/// # Errors
/// What to write instead.
pub fn pause_reason(text: &str) -> Result<String, String> {
    let reason = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if reason.is_empty() {
        return Err("say why, for everybody who finds their change held".into());
    }
    if reason.chars().count() > REASON {
        return Err(format!("the reason stands beside every action that is held: write {REASON} characters at most"));
    }
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(app: Option<&str>, until: i64, holds_leavers: bool) -> Pause {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (since, until) = (at(0), at(until));
        let app = app.map(Into::into);
        Pause { app, since, until, by: "ann on vm-1".into(), reason: "moving".into(), holds_leavers }
    }

    #[test]
    fn the_longest_pause_that_is_on_holds_and_leavers_only_by_one_that_says_so() {
        let pauses = [pause(Some("a"), 10, true), pause(None, 20, false)];
        let check = |second, leaver, expect: Option<i64>| {
            let found = Pause::holding(&pauses, Timestamp::from_second(second).unwrap(), leaver);
            assert_eq!(found.map(|pause| pause.until.as_second()), expect, "{second} {leaver}");
        };
        check(9, false, Some(20));
        check(9, true, Some(10));
        check(10, true, None);
        check(19, false, Some(20));
        check(20, false, None);
    }

    #[test]
    fn a_pause_of_no_app_is_for_every_app() {
        assert!(pause(None, 9, false).is_for("a"));
        assert!(pause(Some("a"), 9, false).is_for("a") && !pause(Some("a"), 9, false).is_for("ab"));
    }

    #[test]
    fn a_length_is_a_span_from_a_second_to_thirty_days() {
        for (text, seconds) in [("2h", 7200), (" 1h 30m ", 5400), ("30d", 2_592_000), ("1s", 1)] {
            assert_eq!(pause_length(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for (text, hint) in [("-2h", "such as 30m"), ("2", "such as 30m"), ("", "such as 30m"), ("0s", "over at once")]
        {
            assert!(pause_length(text).unwrap_err().contains(hint), "{text}");
        }
        for text in ["31d", "1000y"] {
            assert!(pause_length(text).unwrap_err().contains("`mode: observe`"), "{text}");
        }
    }

    #[test]
    fn a_reason_is_one_line_that_says_something() {
        assert_eq!(pause_reason(" the app\n is  moved "), Ok("the app is moved".into()));
        assert!(pause_reason(" \n ").is_err() && pause_reason(&"x".repeat(301)).is_err());
    }
}

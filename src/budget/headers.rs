//! What the headers about quotas mean. Vendors leave the unit open, clocks differ, and some send nonsense.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Used where a server asks to wait but not in a way that can be understood.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// No wait is believed beyond this. Whoever has to wait so long is told, and asks again another day.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Clocks in headers tick in seconds, rounded either way, so that an instant may be up to a second later than it seems.
const ROUNDING: Duration = Duration::from_secs(1);

/// Above this a number is an instant in seconds since 1970 and not a duration: 10^9 seconds are thirty years.
const EPOCH_SECONDS: f64 = 1e9;

/// Above this it is an instant in milliseconds.
const EPOCH_MILLIS: f64 = 1e12;

/// How long `Retry-After` asks to wait: seconds, or a date measured against the answer's own `Date`. Nonsense counts as
/// half a minute, nothing as more than a day.
pub(crate) fn retry_after(value: &str, date: Option<&str>, local: SystemTime) -> Duration {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(number) => number_wait(number, server_time(date, local)),
        Err(_) => httpdate::parse_http_date(value)
            .ok()
            .map(|until| until.duration_since(server_time(date, local)).unwrap_or_default()),
    };
    wait.unwrap_or(DEFAULT_WAIT).min(LONGEST_WAIT)
}

/// In how long `X-RateLimit-Reset` says that the window begins anew: above 10^12 an instant in milliseconds, above 10^9
/// one in seconds, else seconds from now. `None` for nonsense: then our own count of the window holds.
pub(crate) fn quota_reset(value: &str, date: Option<&str>, local: SystemTime) -> Option<Duration> {
    let number = value.trim().parse::<f64>().ok()?;
    let wait = number_wait(number, server_time(date, local))?;
    // The reset and the `Date` may both be rounded, so that a whole day seems longer.
    (wait <= LONGEST_WAIT + 2 * ROUNDING).then_some(wait.min(LONGEST_WAIT) + ROUNDING)
}

/// How many requests `X-RateLimit-Limit` allows in a window. `RateLimit-Limit` may name its policies behind the number,
/// as in `100, 100;w=60`.
pub(crate) fn quota_limit(value: &str) -> Option<u32> {
    value.split([',', ';']).next()?.trim().parse().ok().filter(|limit| *limit > 0)
}

fn number_wait(number: f64, now: SystemTime) -> Option<Duration> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let seconds = if number > EPOCH_MILLIS { number / 1000.0 } else { number };
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    if number <= EPOCH_SECONDS {
        return Some(duration);
    }
    let instant = UNIX_EPOCH.checked_add(duration)?;
    Some(instant.duration_since(now).unwrap_or_default())
}

fn server_time(date: Option<&str>, local: SystemTime) -> SystemTime {
    date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 10:00:00 UTC, the server's clock. Ours is an hour off in every test.
    const NOW: u64 = 1_795_341_600;
    const DATE: &str = "Sun, 22 Nov 2026 10:00:00 GMT";

    fn local() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW + 3600)
    }

    fn check_retry(value: &str, seconds: u64) {
        assert_eq!(retry_after(value, Some(DATE), local()), Duration::from_secs(seconds), "{value}");
    }

    fn check_reset(value: &str, seconds: Option<u64>) {
        assert_eq!(quota_reset(value, Some(DATE), local()), seconds.map(Duration::from_secs), "{value}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        check_retry("120", 120);
        check_retry(" 0 ", 0);
        check_retry("Sun, 22 Nov 2026 10:00:45 GMT", 45);
        check_retry("Sun, 22 Nov 2026 09:00:00 GMT", 0);
    }

    #[test]
    fn a_retry_after_that_makes_no_sense_is_bounded() {
        for nonsense in ["soon", "", "-5", "NaN", "inf", "Mon, 99 Foo 2026 10:00:00 GMT"] {
            check_retry(nonsense, 30);
        }
        check_retry("99999999", 24 * 60 * 60);
    }

    #[test]
    fn a_reset_is_told_apart_by_its_size_and_rounded_up() {
        check_reset("90", Some(91));
        check_reset(&(NOW + 90).to_string(), Some(91));
        check_reset(&((NOW + 90) * 1000).to_string(), Some(91));
        check_reset(&(NOW - 5).to_string(), Some(1));
    }

    #[test]
    fn a_reset_a_whole_day_away_is_believed_however_it_is_rounded() {
        check_reset(&(NOW + 86401).to_string(), Some(86401));
        assert_eq!(quota_reset("1.5", None, local()), Some(Duration::from_millis(2500)));
    }

    #[test]
    fn a_limit_is_the_number_before_its_policies() {
        let read = ["600", " 100, 100;w=60", "100;w=60", "0", "many"].map(quota_limit);
        assert_eq!(read, [Some(600), Some(100), Some(100), None, None]);
    }

    #[test]
    fn a_reset_that_makes_no_sense_is_ignored() {
        for nonsense in ["", "tomorrow", "-1", "99999999999999999999", "90000"] {
            check_reset(nonsense, None);
        }
    }

    #[test]
    fn without_a_date_our_own_clock_has_to_do() {
        let reset = (NOW + 3600 + 10).to_string();
        assert_eq!(quota_reset(&reset, None, local()), Some(Duration::from_secs(11)));
        assert_eq!(quota_reset(&reset, Some("nonsense"), local()), Some(Duration::from_secs(11)));
    }
}

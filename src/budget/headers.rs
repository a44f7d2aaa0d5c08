//! What the headers about quotas mean. Vendors leave the unit open, clocks differ, and some send nonsense.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Told;

/// Used where a server asks to wait but not in a way that can be understood.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// No wait is believed beyond this. Whoever has to wait so long is told, and asks again another day.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A reset and the `Date` that it is measured by are both rounded, or clocks differ, so that a whole day may seem longer by
/// this.
const ROUNDING: Duration = Duration::from_secs(60);

/// Above this a number is an instant in seconds since 1970 and not a duration: 10^9 seconds are thirty years.
const EPOCH_SECONDS: f64 = 1e9;

/// Above this it is an instant in milliseconds.
const EPOCH_MILLIS: f64 = 1e12;

/// What the headers about quotas are called, less `-limit`, `-remaining` and `-reset`.
const FAMILIES: [&str; 3] = ["x-ratelimit", "x-rate-limit", "ratelimit"];

/// A quota of each of these lengths may be told apart by its name at the end.
const LENGTHS: [(&str, u64); 4] = [("-second", 1), ("-minute", 60), ("-hour", 3600), ("-day", 86400)];

/// How long `Retry-After` asks to wait: seconds, or a date measured against the answer's own `Date`. Nonsense counts as
/// half a minute, nothing as more than a day.
pub(crate) fn retry_after(value: &str, date: Option<&str>, local: SystemTime) -> Duration {
    wait(value, server_time(date, local)).unwrap_or(DEFAULT_WAIT).min(LONGEST_WAIT)
}

/// All quotas that an answer with these headers speaks of.
pub(crate) fn told<'a>(header: impl Fn(&str) -> Option<&'a str>, local: SystemTime) -> Vec<Told> {
    let now = server_time(header("date"), local);
    let policies = header("ratelimit-policy");
    let mut each =
        header("ratelimit").map_or_else(Vec::new, |told| structured(told, policies.unwrap_or_default(), now));
    let one = |length: &str, per: Option<Duration>| {
        let named = |what: &str| FAMILIES.iter().find_map(|family| header(&format!("{family}-{what}{length}")));
        let limit = named("limit").unwrap_or_default();
        let number = limit.split([',', ';']).next().unwrap_or_default();
        let policies = policies.unwrap_or(limit);
        let told = Told {
            limit: count(number).filter(|limit| *limit > 0),
            remaining: named("remaining").and_then(count),
            reset_in: named("reset").and_then(|value| reset_in(value, now)),
            per: per.or_else(|| window(policy(policies, number)?)),
        };
        (told.remaining.is_some() || told.reset_in.is_some()).then_some(told)
    };
    if each.is_empty() {
        each.extend(LENGTHS.iter().filter_map(|(name, secs)| one(name, Some(Duration::from_secs(*secs)))));
    }
    if each.is_empty() {
        each.extend(one("", None));
    }
    each
}

/// `"burst";r=5;t=1, "daily";r=900;t=8000` with the policies `"burst";q=10;w=1, "daily";q=1000;w=86400`, as the draft of the
/// standard has it, or as an earlier one had it: `limit=10, remaining=5, reset=1` with `10;w=1`.
fn structured(quotas: &str, policies: &str, now: SystemTime) -> Vec<Told> {
    let whole = quotas.replace(',', ";");
    let quotas: Vec<_> = if quotas.contains("remaining") { vec![&*whole] } else { quotas.split(',').collect() };
    let told = |quota: &str| {
        let limit = parameter(quota, "limit");
        let policy = policy(policies, limit.unwrap_or_else(|| name(quota))).unwrap_or_default();
        let told = Told {
            limit: parameter(policy, "q").or(limit).and_then(count).filter(|limit| *limit > 0),
            remaining: parameter(quota, "r").or_else(|| parameter(quota, "remaining")).and_then(count),
            reset_in: parameter(quota, "t")
                .or_else(|| parameter(quota, "reset"))
                .and_then(|value| reset_in(value, now)),
            per: window(policy),
        };
        told.remaining.map(|_| told)
    };
    quotas.into_iter().filter_map(told).collect()
}

fn name(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}

/// The policy of this name, or with this number in its place, and with a window.
fn policy<'a>(policies: &'a str, called: &str) -> Option<&'a str> {
    policies.split(',').find(|policy| name(policy) == called.trim() && window(policy).is_some())
}

fn window(policy: &str) -> Option<Duration> {
    parameter(policy, "w").and_then(count).filter(|secs| *secs > 0).map(|secs| Duration::from_secs(secs.into()))
}

fn parameter<'a>(item: &'a str, key: &str) -> Option<&'a str> {
    item.split(';').find_map(|parameter| parameter.trim().strip_prefix(key)?.trim_start().strip_prefix('='))
}

fn count(value: &str) -> Option<u32> {
    value.trim().parse().ok()
}

/// In how long a reset says that the window begins anew. `None` for nonsense: then our own count of the window holds.
fn reset_in(value: &str, now: SystemTime) -> Option<Duration> {
    wait(value, now).filter(|wait| *wait <= LONGEST_WAIT + ROUNDING).map(|wait| wait.min(LONGEST_WAIT))
}

/// How long from now on: above 10^12 the value is an instant in milliseconds, above 10^9 one in seconds, else seconds from
/// now, or a date.
fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let instant = match value.parse::<f64>() {
        Ok(number) => {
            let seconds = if number > EPOCH_MILLIS { number / 1000.0 } else { number };
            let duration = Duration::try_from_secs_f64(seconds).ok()?;
            if number <= EPOCH_SECONDS {
                return Some(duration);
            }
            UNIX_EPOCH.checked_add(duration)?
        }
        Err(_) => {
            httpdate::parse_http_date(value).ok().or_else(|| value.parse::<jiff::Timestamp>().ok().map(Into::into))?
        }
    };
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

    fn reset(value: &str, date: Option<&str>) -> Option<Duration> {
        reset_in(value, server_time(date, local()))
    }

    fn check_reset(value: &str, seconds: Option<f64>) {
        assert_eq!(reset(value, Some(DATE)), seconds.map(Duration::from_secs_f64), "{value}");
    }

    fn check_told(headers: &[(&str, &str)], expected: &[[Option<u64>; 4]]) {
        let header = |name: &str| headers.iter().find(|(header, _)| *header == name).map(|(_, value)| *value);
        let told = told(header, local()).into_iter().map(|told| {
            let secs = |duration: Option<Duration>| duration.map(|duration| duration.as_secs());
            [told.limit.map(u64::from), told.remaining.map(u64::from), secs(told.reset_in), secs(told.per)]
        });
        assert_eq!(told.collect::<Vec<_>>(), expected, "{headers:?}");
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
    fn a_reset_is_told_apart_by_its_size_and_shape() {
        check_reset("90", Some(90.0));
        check_reset("1.5", Some(1.5));
        check_reset(&(NOW + 90).to_string(), Some(90.0));
        check_reset(&((NOW + 90) * 1000 + 500).to_string(), Some(90.5));
        check_reset(&(NOW - 5).to_string(), Some(0.0));
        check_reset("Sun, 22 Nov 2026 10:00:45 GMT", Some(45.0));
        check_reset("2026-11-22T10:00:45Z", Some(45.0));
    }

    #[test]
    fn a_reset_a_whole_day_away_is_believed_however_it_is_rounded() {
        check_reset(&(NOW + 86401).to_string(), Some(86400.0));
    }

    #[test]
    fn a_reset_that_makes_no_sense_is_ignored() {
        for nonsense in ["", "tomorrow", "-1", "99999999999999999999", "90000"] {
            check_reset(nonsense, None);
        }
    }

    #[test]
    fn without_a_date_our_own_clock_has_to_do() {
        let told = (NOW + 3600 + 10).to_string();
        for date in [None, Some("nonsense")] {
            assert_eq!(reset(&told, date), Some(Duration::from_secs(10)));
        }
    }

    #[test]
    fn a_limit_is_the_number_before_its_policies_and_nothing_is_told_without_a_count_or_a_reset() {
        let left = ("x-ratelimit-remaining", "5");
        for (limit, expected) in [("600", Some(600)), (" 100, 50;w=1", Some(100)), ("0", None), ("many", None)] {
            check_told(&[("x-ratelimit-limit", limit), left], &[[expected, Some(5), None, None]]);
        }
        check_told(&[("x-ratelimit-limit", "600")], &[]);
    }

    #[test]
    fn a_policy_names_the_window_of_its_limit() {
        let left = ("ratelimit-remaining", "5");
        check_told(&[("ratelimit-limit", "10, 10;w=1, 50;w=60"), left], &[[Some(10), Some(5), None, Some(1)]]);
        let policy = ("ratelimit-policy", "10;w=1, 50;w=60");
        check_told(&[("ratelimit-limit", "50"), left, policy], &[[Some(50), Some(5), None, Some(60)]]);
        let whole = ("ratelimit", "limit=50, remaining=5, reset=7");
        check_told(&[whole, policy], &[[Some(50), Some(5), Some(7), Some(60)]]);
    }

    #[test]
    fn one_answer_may_speak_of_several_quotas() {
        let quotas = ("ratelimit", r#""burst";r=5;t=1, "daily" ; r=900; t=8000"#);
        let policies = ("ratelimit-policy", r#""burst";q=10;w=1, "daily";q=1000;w=86400"#);
        let [burst, daily] = [[Some(10), Some(5), Some(1), Some(1)], [Some(1000), Some(900), Some(8000), Some(86400)]];
        check_told(&[quotas, policies], &[burst, daily]);
        check_told(&[quotas], &[[None, Some(5), Some(1), None], [None, Some(900), Some(8000), None]]);
        let (second, day) = (("x-ratelimit-remaining-second", "5"), ("x-ratelimit-remaining-day", "900"));
        let left = ("ratelimit-remaining", "5");
        check_told(&[second, day, left], &[[None, Some(5), None, Some(1)], [None, Some(900), None, Some(86400)]]);
    }
}

//! How long an app that cannot be read is left alone.

use std::time::Duration;

/// An outage of hours is asked about once an hour: often enough to be back soon, and cheap for whoever is down.
const LONGEST: Duration = Duration::from_secs(3600);

/// Up to this share is added at random, so that apps of one vendor do not come back in step.
const JITTER: f64 = 0.1;

/// The pause after `failures` failures in a row, for an app whose cycles are `interval` apart; `chance` is from 0 to 1. The
/// first failure costs nothing extra, each one after it doubles the pause, and it is never shorter than the interval.
pub(super) fn pause(failures: u32, interval: Duration, chance: f64) -> Duration {
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

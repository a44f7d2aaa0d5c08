//! What reviewers allowed, and which guards that releases.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{Context, draft::Release};
use crate::model::{Approval, Guard};

/// How long a printed approval lasts: long enough for a review, short enough not to be forgotten.
const DAYS: i64 = 7;

/// Approvals that have not expired.
pub(super) struct Approvals<'a> {
    valid: Vec<&'a Approval>,
}

impl<'a> Approvals<'a> {
    pub(super) fn of(cx: &Context<'a>) -> Self {
        let valid = |approval: &&Approval| approval.until.is_none_or(|until| cx.now < until);
        Self { valid: cx.desired.approvals.iter().filter(valid).collect() }
    }

    /// Whether an approval names this very action (or a prefix of it) and this guard.
    pub(super) fn release(&self, action: &str, guard: Guard) -> bool {
        self.valid.iter().any(|approval| approval.guard == guard && covers(&approval.allow, action))
    }

    /// Approvals for a cap.
    pub(super) fn of_guard(&self, guard: Guard) -> impl Iterator<Item = &'a Approval> {
        self.valid.iter().copied().filter(move |approval| approval.guard == guard)
    }
}

/// Whether `allow` is the action's name or a prefix of it up to a `/`.
pub(in crate::plan) fn covers(allow: &str, action: &str) -> bool {
    action.strip_prefix(allow.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether YAML takes the text for just this text without quotes around it.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '/' | '%' | '+' | ' ' | '\'');
    let starts_as_text = text.starts_with(|c: char| c.is_ascii_alphabetic());
    // Words such as `true` or `no` are no texts, and numbers such as `1e5` do not start with a letter.
    let word = !text.contains(['/', '-', '.'])
        && ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_lowercase().as_str());
    starts_as_text && !word && !text.ends_with(' ') && text.chars().all(plain)
}

/// The line that a reviewer can put under `approvals:`.
pub(super) fn line(release: &Release, guard: Guard, now: Timestamp, zone: &TimeZone) -> String {
    let allow = &release.allow;
    let quoted = if is_plain(allow) { allow.clone() } else { serde_json::Value::from(allow.as_str()).to_string() };
    let up_to = release.up_to.map_or_else(String::new, |up_to| format!(", up_to: {up_to}"));
    let date = now.to_zoned(zone.clone()).date();
    let until = date.checked_add(DAYS.days()).unwrap_or(date);
    format!("- {{ allow: {quoted}, guard: {guard}{up_to}, until: {until} }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_covers_a_name_and_all_below_it() {
        assert!(covers("a/deactivate", "a/deactivate/x@y.z"));
        assert!(covers("a/deactivate/", "a/deactivate/x@y.z"));
        assert!(covers("a/deactivate/x@y.z", "a/deactivate/x@y.z"));
        assert!(!covers("a/deact", "a/deactivate/x@y.z"));
        assert!(!covers("a/deactivate/x@y.z/G", "a/deactivate/x@y.z"));
    }

    #[test]
    fn a_name_that_yaml_would_misread_is_quoted() {
        let release = Release { allow: "a/add-member/x@y.z/Ops: #1".into(), up_to: Some(2) };
        assert_eq!(
            line(&release, Guard::Protected, Timestamp::UNIX_EPOCH, &TimeZone::UTC),
            r#"- { allow: "a/add-member/x@y.z/Ops: #1", guard: protected, up_to: 2, until: 1970-01-08 }"#
        );
        for (text, plain) in [("a/b c@d.e", true), ("no", false), ("a/b ", false), ("7/b", false), ("a/b (1)", false)] {
            assert_eq!(is_plain(text), plain, "{text}");
        }
    }
}

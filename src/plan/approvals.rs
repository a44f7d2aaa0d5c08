//! What reviewers allowed, and which guards that releases.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{
    Context,
    draft::{Drafts, Release},
    history::Used,
    repair,
};
use crate::model::{Approval, ApprovedBy, Finding, Guard, Severity};

/// How long a printed approval lasts: long enough for a review, short enough not to be forgotten.
const DAYS: i64 = 7;

/// Approvals that have not expired, each with what it was used for already.
pub(super) struct Approvals<'a> {
    valid: Vec<(&'a Approval, Option<&'a Used>)>,
}

impl<'a> Approvals<'a> {
    pub(super) fn of(cx: &Context<'a>) -> Self {
        let valid = cx.desired.approvals.iter().filter(|approval| !has_expired(approval, cx.now));
        let mut valid: Vec<_> = valid.map(|approval| (approval, used(cx, approval))).collect();
        // Which of several an action needs does not hang on the order of the lines.
        valid.sort_by_cached_key(|(approval, _)| (approval.id(), approval.place.clone()));
        Self { valid }
    }

    /// The approval that names this very action (or a prefix of it) and this guard, and was not used up.
    pub(super) fn release(&self, action: &str, guard: Guard) -> Option<ApprovedBy> {
        let mut of_guard = self.valid.iter().filter(|(approval, _)| approval.guard == guard);
        let found = of_guard.find(|(approval, used)| covers(&approval.allow, action) && !is_used_for(*used, action));
        found.map(|(approval, _)| approved_by(approval))
    }

    /// Whether an approval covers whatever the guard holds in the whole app.
    pub(super) fn covers_all(&self, cx: &Context<'_>, guard: Guard) -> bool {
        let app = crate::model::escape(&cx.app.name);
        self.valid.iter().any(|(approval, _)| approval.guard == guard && approval.allow.trim_end_matches('/') == &*app)
    }

    /// Approvals for a cap, each with how many people it still covers and the actions that succeeded by it.
    pub(super) fn of_cap(&self, guard: Guard) -> impl Iterator<Item = (&'a Approval, usize, Option<&'a Used>)> {
        self.valid.iter().filter(move |(approval, _)| approval.guard == guard).map(|(approval, used)| {
            // Without a number an approval is for one person: an override of a cap names how many.
            let left = approval.up_to.unwrap_or(1).saturating_sub(used.map_or(0, |used| used.people));
            (*approval, left as usize, *used)
        })
    }
}

pub(super) fn approved_by(approval: &Approval) -> ApprovedBy {
    ApprovedBy { approval: approval.id(), place: approval.place.clone() }
}

/// Whether an action succeeded by an approval before: what it allowed has happened.
pub(super) fn is_used_for(used: Option<&Used>, action: &str) -> bool {
    used.is_some_and(|used| used.actions.contains(action))
}

fn has_expired(approval: &Approval, now: Timestamp) -> bool {
    approval.until.is_some_and(|until| until <= now)
}

fn used<'a>(cx: &Context<'a>, approval: &Approval) -> Option<&'a Used> {
    cx.used_approvals?.get(&approval.id())
}

/// Says of every approval for this app that is of no use any more, or not yet: whoever reads the files should know that it
/// stands there for nothing. To be called when all guards are done.
pub(super) fn review(cx: &Context<'_>, drafts: &mut Drafts) {
    // Of one person's plan, or one that was made with half of what is there, nobody can tell what it is of no use for.
    let everything = cx.live.alone().is_none() && cx.live.accounts_coverage.is_complete();
    let needed: BTreeSet<&str> = drafts
        .actions
        .iter()
        .flat_map(|draft| &draft.action.approved_by)
        .map(|approved| approved.approval.as_str())
        .collect();
    let ours = cx.desired.approvals.iter().filter(|approval| {
        let app = approval.allow.split('/').next();
        app == Some(&*crate::model::escape(&cx.app.name))
    });
    let mut findings = Vec::new();
    for approval in ours.filter(|approval| !needed.contains(approval.id().as_str())) {
        let Approval { allow, guard, .. } = approval;
        let held = drafts.actions.iter().filter(|draft| {
            draft.holds.iter().any(|hold| hold.guard == *guard) && covers(allow, &draft.action.name.to_string())
        });
        let held = held.count();
        let used = used(cx, approval);
        let (code, message) = if has_expired(approval, cx.now) {
            (
                "approval-expired",
                format!("the approval of {allow} for {guard} has expired; remove the line, or renew it"),
            )
        } else if let Some(used) = used.filter(|_| held == 0 || approval.up_to.is_none()) {
            let people = if used.people == 1 { "1 person".to_owned() } else { format!("{} people", used.people) };
            ("approval-used", format!("the approval of {allow} for {guard} was used for {people}; remove the line"))
        } else if held > 0 {
            let what = if held == 1 { "1 action".to_owned() } else { format!("{held} actions") };
            (
                "approval-short",
                format!(
                    "the approval of {allow} for {guard} covers fewer people than {what} would take; the plan prints the line \
                 that does"
                ),
            )
        } else if everything {
            (
                "approval-unused",
                format!("the approval of {allow} for {guard} releases nothing now: nothing that it covers is held"),
            )
        } else {
            continue;
        };
        findings.push(Finding {
            severity: Severity::Note,
            code,
            account: None,
            group: None,
            message,
            because: vec![approval.place.clone()],
        });
    }
    findings.into_iter().for_each(|finding| drafts.find(finding));
}

/// Whether `allow` is the action's name or a prefix of it up to a `/`.
pub(in crate::plan) fn covers(allow: &str, action: &str) -> bool {
    action.strip_prefix(allow.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The line that a reviewer can put under `approvals:`.
pub(super) fn line(release: &Release, guard: Guard, now: Timestamp, zone: &TimeZone) -> String {
    let allow = repair::scalar(&release.allow);
    let up_to = release.up_to.map_or_else(String::new, |up_to| format!(", up_to: {up_to}"));
    let date = now.to_zoned(zone.clone()).date();
    let until = date.checked_add(DAYS.days()).unwrap_or(date);
    format!("- {{ allow: {allow}, guard: {guard}{up_to}, until: {until} }}")
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
    }
}

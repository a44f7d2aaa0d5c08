//! What reviewers allowed, and which guards that releases.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{
    Context,
    draft::{Drafts, Release},
    history::Used,
    many, repair,
};
use crate::model::{Approval, ApprovedBy, Email, Finding, FindingCode, Guard, Scope, Verb};

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

    /// Approvals for a guard that takes a number, each with how many people it still covers and the actions that succeeded by it.
    pub(super) fn with_numbers(&self, guard: Guard) -> impl Iterator<Item = (&'a Approval, usize, Option<&'a Used>)> {
        self.valid.iter().filter(move |(approval, _)| approval.guard == guard).map(|(approval, used)| {
            // Without a number an approval is for one person.
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
    // Named alike, in whatever case the address was spelt then.
    used.is_some_and(|used| used.actions.iter().any(|done| covers(done, action) && covers(action, done)))
}

fn has_expired(approval: &Approval, now: Timestamp) -> bool {
    approval.until.is_some_and(|until| until <= now)
}

fn used<'a>(cx: &Context<'a>, approval: &Approval) -> Option<&'a Used> {
    cx.past?.approvals.get(&approval.id())
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
        .chain(drafts.claims.accepted.iter().flat_map(|claim| claim.approved.iter().map(|(approved, _)| approved)))
        .map(|approved| approved.approval.as_str())
        .collect();
    let ours = cx.desired.approvals.iter().filter(|approval| {
        let app = approval.allow.split('/').next();
        app == Some(&*crate::model::escape(&cx.app.name))
    });
    for approval in ours.filter(|approval| !needed.contains(approval.id().as_str())) {
        let Approval { allow, guard, .. } = approval;
        let held = drafts.actions.iter().filter(|draft| {
            draft.holds.iter().any(|hold| hold.guard == *guard) && covers(allow, &draft.action.name.to_string())
        });
        let held = held.count();
        let used = used(cx, approval);
        let (code, rest) = if has_expired(approval, cx.now) {
            (FindingCode::ApprovalExpired, "has expired; remove the line, or renew it".to_owned())
        } else if let Some(used) = used.filter(|_| held == 0 || approval.up_to.is_none()) {
            let people = many(used.people as usize, "person", "people");
            (FindingCode::ApprovalUsed, format!("was used for {people}; remove the line"))
        } else if held > 0 {
            let actions = many(held, "action", "actions");
            let rest = format!("covers fewer people than {actions} would take; the plan prints the line that does");
            (FindingCode::ApprovalShort, rest)
        } else if everything && !(*guard == Guard::Identity && cx.base.is_some()) {
            (FindingCode::ApprovalUnused, "releases nothing now: nothing that it covers is held".to_owned())
        } else {
            continue;
        };
        let message = format!("the approval of {allow} for {guard} {rest}");
        drafts.findings.push(Finding::note(code, message).because([approval.place.clone()]));
    }
}

/// Whether `allow` is the action's name or a prefix of it up to a `/`. Addresses compare as addresses do, whatever their
/// case; everything else letter by letter.
pub(in crate::plan) fn covers(allow: &str, action: &str) -> bool {
    let allow = allow.trim_end_matches('/');
    if action.strip_prefix(allow).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return true;
    }
    let mut parts = action.split('/');
    let mut of_account = false;
    allow.split('/').enumerate().all(|(index, asked)| {
        let Some(part) = parts.next() else { return false };
        if index == 1 {
            of_account = part.parse().is_ok_and(|verb: Verb| verb.scope() != Scope::Group);
        }
        part == asked || (index == 2 && of_account && is_same_account(asked, part))
    })
}

/// Whether two labels name the same account: `EMAIL`, or `EMAIL (ID)`, whose id has a case of its own.
fn is_same_account(a: &str, b: &str) -> bool {
    let parts = |label: &str| {
        let (email, id) = label.split_at(label.find(" (").unwrap_or(label.len()));
        (Email::lenient(email), id.to_owned())
    };
    parts(a) == parts(b)
}

/// The line that a reviewer can put under `approvals:`. One that says just the same as an approval that was used is that
/// approval, and would release nothing: it ends a day later then.
pub(super) fn line(cx: &Context<'_>, release: &Release, guard: Guard) -> String {
    let zone = &cx.desired.settings.time_zone;
    let date = cx.day(cx.now);
    // One more than there are approvals that were used cannot all be among them.
    let enough = cx.past.map_or(0, |past| past.approvals.len());
    let mut dates = (0..=enough).map_while(|more| date.checked_add((DAYS + i64::try_from(more).ok()?).days()).ok());
    let is_used = |until: &Date| {
        let approval = Approval {
            allow: release.allow.clone(),
            guard,
            up_to: release.up_to.and_then(|up_to| u32::try_from(up_to).ok()),
            until: end_of(*until, zone),
            reason: None,
            place: cx.app.place.clone(),
        };
        used(cx, &approval).is_some()
    };
    let until = dates.find(|until| !is_used(until)).unwrap_or(date);
    written(release, guard, until)
}

/// When a date that is written in the files is over.
fn end_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    Some(date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?.timestamp())
}

fn written(release: &Release, guard: Guard, until: Date) -> String {
    let allow = repair::scalar(&release.allow);
    let up_to = release.up_to.map_or_else(String::new, |up_to| format!(", up_to: {up_to}"));
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
        assert!(covers("a/deactivate/X@Y.z", "a/deactivate/x@y.z"));
        assert!(covers("a/add-member/X@y.z", "a/add-member/x@Y.z/G"));
        assert!(!covers("a/add-member/X@y.z/g", "a/add-member/x@y.z/G"));
        assert!(covers("a/delete/X@y.z (aB)", "a/delete/x@y.z (aB)"));
        assert!(!covers("a/delete/x@y.z (ab)", "a/delete/x@y.z (aB)"));
        assert!(!covers("a/delete-group/A@b.c", "a/delete-group/a@b.c"));
        assert!(!covers("a/deact", "a/deactivate/x@y.z"));
        assert!(!covers("a/deactivate/x@y.z/G", "a/deactivate/x@y.z"));
    }

    #[test]
    fn a_name_that_yaml_would_misread_is_quoted() {
        let release = Release { allow: "a/add-member/x@y.z/Ops: #1".into(), up_to: Some(2) };
        assert_eq!(
            written(&release, Guard::Protected, Date::constant(2026, 11, 29)),
            r#"- { allow: "a/add-member/x@y.z/Ops: #1", guard: protected, up_to: 2, until: 2026-11-29 }"#
        );
    }
}

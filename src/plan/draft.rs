//! Actions in the making: what the plan will show, with what the guards need to know about it.

use std::sync::Arc;

use super::{Context, doubt::Doubt, repair, wanted::Standing};
use crate::model::{
    AccountStatus, Action, ActionName, AppPlan, Change, Claims, Edge, Email, Finding, Guard, Held, LiveAccount, Place,
    Reason, Rule, Scope, Semantics, Status, Step, Verb,
};

/// Why something is taken away, and the lines that explain it.
pub(super) struct Why {
    pub reason: Reason,
    pub places: Vec<Place>,
}

/// An action and why it is wanted.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// What will be shown.
    pub action: Action,
    /// The person behind the account.
    pub identity: Option<Email>,
    /// For a group that goes: everyone in it.
    pub members: Vec<Email>,
    /// What the files say of that person.
    pub standing: Standing,
    /// The person behind the account loses an admin role by it.
    pub loses_admin: bool,
    /// It makes the account on the way.
    pub makes_account: bool,
    /// The account becomes a usable admin by it, as soon as it is done.
    pub makes_admin: bool,
    /// Guards that hold it, before approvals.
    pub holds: Vec<Hold>,
}

/// A guard's objection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hold {
    /// Which guard.
    pub guard: Guard,
    /// Why, as a sentence.
    pub reason: String,
    /// What to fix, for guards that no approval releases.
    pub repair: Option<String>,
    /// The approval that would release it, for guards that one can release: what to allow, and for how many.
    pub release: Option<Release>,
}

/// The approval that releases a guard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release {
    /// What to allow.
    pub allow: String,
    /// For how many people, for caps.
    pub up_to: Option<usize>,
}

/// All actions of one app, and what was found on the way.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    /// The actions.
    pub actions: Vec<Draft>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// Whose accounts are whose.
    pub claims: Claims,
}

impl Draft {
    /// A new action that nothing stands in the way of, on an account of somebody, who goes by this label, or on a group.
    pub(super) fn new(
        cx: &Context<'_>,
        step: Step,
        account: Option<(&str, &Email)>,
        group: Option<&Arc<str>>,
        standing: Standing,
    ) -> Self {
        let (label, identity) = account.unzip();
        let app = cx.app.name.clone();
        let name = ActionName { app, verb: step.verb(), account: label.map(Into::into), group: group.cloned() };
        Self {
            action: Action::of(name, step),
            identity: identity.cloned(),
            members: Vec::new(),
            standing,
            loses_admin: false,
            makes_account: false,
            makes_admin: false,
            holds: Vec::new(),
        }
    }

    pub(super) fn verb(&self) -> Verb {
        self.action.name.verb
    }

    /// Whether it takes something away from a person who left: such people are cut off whatever the mode and season.
    pub(super) fn cuts_off_leaver(&self) -> bool {
        self.standing.left() && self.action.reduces_access
    }

    pub(super) fn is(&self, status: Status) -> bool {
        self.action.status == status
    }

    /// Says why it takes something away, and by which lines.
    pub(super) fn takes(mut self, why: Why) -> Self {
        self.action.reason = Some(why.reason);
        self.because(why.places)
    }

    pub(super) fn because(mut self, places: Vec<Place>) -> Self {
        self.action.because = Place::sorted(&places);
        self
    }

    pub(super) fn changes(mut self, mut changes: Vec<Change>) -> Self {
        changes.sort();
        self.action.changes = changes;
        self
    }

    pub(super) fn manual(&mut self, text: String) {
        self.action.status = Status::Manual;
        self.action.note = Some(text);
    }

    /// Waits for something outside. A person's work that is needed anyway says more, so manual stays manual.
    pub(super) fn wait(&mut self, reason: String) {
        if self.is(Status::Ready) {
            self.action.status = Status::Waiting;
            self.action.note = Some(reason);
        }
    }

    pub(super) fn after(&mut self, action: &ActionName, rule: Rule) {
        let edge = Edge { action: action.clone(), rule };
        if !self.action.after.contains(&edge) {
            self.action.after.push(edge);
        }
    }

    pub(super) fn hold(&mut self, guard: Guard, reason: impl Into<String>, repair: impl Into<String>) {
        self.holds.push(Hold { guard, reason: reason.into(), repair: Some(repair.into()), release: None });
    }

    pub(super) fn hold_until_approved(&mut self, guard: Guard, reason: impl Into<String>) {
        let release = Release { allow: self.action.name.to_string(), up_to: None };
        self.holds.push(Hold { guard, reason: reason.into(), repair: None, release: Some(release) });
    }

    /// Holds what takes certainty for as long as something was not seen.
    pub(super) fn hold_unseen(&mut self, reason: String) {
        self.hold(Guard::Incomplete, reason, "plan again once the app can be read to the end");
    }

    /// Holds what is about a doubtful account, except that people who left lose all that is certainly theirs.
    pub(super) fn hold_doubtful(&mut self, doubt: Option<&Doubt>) {
        if let Some(doubt) = doubt.filter(|doubt| !(self.cuts_off_leaver() && doubt.all_theirs)) {
            self.hold(Guard::Ambiguous, &*doubt.reason, &*doubt.repair);
        }
    }

    /// Holds what is about an account of which nobody knows what its status means.
    pub(super) fn hold_unknown_status(&mut self, account: &LiveAccount) {
        if let AccountStatus::Unknown(word) = &account.status {
            self.hold(
                Guard::UnknownStatus,
                format!("the account has the status `{word}`, which the connector does not know"),
                format!(
                    "give the account another status in the app; or, if `{word}` is a regular one, add it to `accounts.status` of \
                     the connector's manifest beside the word that means the same, as in `inactive: [disabled, {}]`",
                    repair::scalar(word)
                ),
            );
        }
    }

    /// Everyone who is touched by it.
    pub(super) fn people(&self) -> impl Iterator<Item = &Email> {
        self.identity.iter().chain(&self.members)
    }

    fn finished(self, semantics: &Semantics) -> Action {
        let cuts_off_leaver = self.cuts_off_leaver();
        let mut action = self.action;
        action.cuts_off_leaver = cuts_off_leaver;
        let of_member = action.name.verb.scope() == Scope::Membership;
        action.gains_admin |= self.makes_admin
            || semantics.gains_admin(of_member, &action.changes)
            || semantics.makes_admin(action.step.joining());
        action
    }

    /// Turns what objections are left into the action's status.
    pub(super) fn conclude(&mut self, render_release: impl Fn(&Release, Guard) -> String) {
        if self.is(Status::Manual) {
            self.holds.retain(|hold| hold.guard.binds_handwork());
        }
        self.holds.sort();
        self.holds.dedup_by_key(|hold| hold.guard);
        let Some(first) = self.holds.first() else { return };
        self.action.status = Status::Held;
        self.action.held = Some(Held {
            guard: first.guard,
            reason: first.reason.clone(),
            release: first.release.as_ref().map(|release| render_release(release, first.guard)),
            repair: first.repair.clone(),
            also: self.holds[1..].iter().map(|hold| hold.guard).collect(),
        });
    }
}

impl Drafts {
    /// Sorts everything into the plan of an app that has these semantics.
    pub(super) fn finish(self, semantics: &Semantics, mut plan: AppPlan) -> AppPlan {
        plan.actions = self.actions.into_iter().map(|draft| draft.finished(semantics)).collect();
        for action in &mut plan.actions {
            action.after.sort();
            action.after.dedup();
            action.approved_by.sort();
            action.approved_by.dedup();
        }
        plan.actions.sort_by_cached_key(|action| action.name.to_string());
        plan.claims = self.claims;
        plan.findings.extend(self.findings);
        plan.findings.sort();
        plan.findings.dedup();
        plan
    }
}

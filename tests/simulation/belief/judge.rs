//! The judge of beliefs: it looks at what the app really holds and at the requests that reached it. Of the engine it hears
//! no more than whether it calls the app in sync.

use std::collections::{BTreeMap, BTreeSet};

use rosterd::model::{ActionResult, FindingCode, Outcome, Plan, Severity, Status};

use super::{
    call::Call,
    cast::{Cast, Fate, Team},
    truth::{Played, Row},
};

#[derive(Default)]
pub(super) struct Judge {
    pub verdicts: Vec<String>,
    /// Whose each account is, by id; those of nobody in the story are not in it.
    owners: BTreeMap<String, String>,
    /// As which declared group each was made, by id.
    groups: BTreeMap<String, String>,
    /// The story has turned.
    pub turned: bool,
    /// Plans that were heard, and how many of them called the app in sync.
    pub looks: u64,
    pub claims: u64,
}

/// What the engine says of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// All is as the files want it.
    InSync,
    /// Something is left, or not everything is known.
    Open,
}

impl Judge {
    pub(super) fn of(owners: Vec<(String, String)>, teams: &[Team]) -> Self {
        let there = teams.iter().filter(|team| team.exists);
        let groups = there.map(|team| (team.id.clone(), team.name.to_owned())).collect();
        Self { owners: owners.into_iter().collect(), groups, ..Self::default() }
    }

    fn wrong(&mut self, what: String) {
        self.verdicts.push(what);
    }

    pub(super) fn is_of(&self, row: &Row, email: &str) -> bool {
        self.owners.get(&row.id).is_some_and(|owner| owner == email)
    }

    /// The ids that a person has.
    pub(super) fn ids_of(&self, email: &str) -> Vec<String> {
        self.owners.iter().filter(|(_, owner)| *owner == email).map(|(id, _)| id.clone()).collect()
    }

    /// Sees a request that changes something, before it is carried out: nobody who has an account is to get another one,
    /// whether or not the app refuses.
    pub(super) fn asks_for(&mut self, cast: &Cast, call: &Call, people: &[Row]) {
        if !call.makes_an_account() {
            return;
        }
        let Some(email) = named(cast, call) else { return };
        if people.iter().any(|row| self.is_of(row, &email)) {
            self.wrong(format!("a second account for {email} was asked for: {}", call.line()));
        }
    }

    /// Learns whose the accounts are that came about by themselves, such as by an import that takes a while.
    pub(super) fn adopt(&mut self, cast: &Cast, people: &[Row]) {
        for row in people.iter().filter(|row| !self.owners.contains_key(&row.id)).collect::<Vec<_>>() {
            let is_theirs = |human: &&super::cast::Human| row.addresses.contains(&human.email);
            let Some(human) = cast.humans.iter().find(is_theirs) else { continue };
            if people.iter().any(|other| self.is_of(other, &human.email)) {
                self.wrong(format!("{} got a second account, {}", human.email, row.id));
            }
            self.owners.insert(row.id.clone(), human.email.clone());
        }
    }

    /// Sees what a request did to accounts.
    pub(super) fn saw(&mut self, cast: &Cast, call: &Call, before: &[Row], after: &[Row]) {
        for new in after.iter().filter(|row| before.iter().all(|old| old.id != row.id)) {
            let own = cast.humans.iter().map(|human| &human.email).find(|email| new.addresses.contains(email));
            let Some(email) = own.cloned().or_else(|| named(cast, call)) else { continue };
            if before.iter().any(|row| self.is_of(row, &email)) {
                self.wrong(format!("{email} got a second account, {}: {}", new.id, call.line()));
            }
            self.owners.insert(new.id.clone(), email);
        }
        for old in before.iter().filter(|row| row.active) {
            let stays = after.iter().any(|row| row.id == old.id && row.active);
            let owner = self.owners.get(&old.id);
            let fate = owner.and_then(|email| cast.humans.iter().find(|human| human.email == *email));
            if !stays && fate.is_none_or(|human| Cast::grants(human, self.turned)) {
                self.wrong(format!("{:?} lost account {}: {}", old.addresses, old.id, call.line()));
            }
        }
        self.saw_members(cast, call, before, after);
    }

    /// Sees what a request did to memberships: nobody is taken out of a group who should be in.
    fn saw_members(&mut self, cast: &Cast, call: &Call, before: &[Row], after: &[Row]) {
        for team in &cast.teams {
            let wanted: BTreeSet<&str> = cast.wanted(team, self.turned).collect();
            let is_team = |id: &&String| self.groups.get(*id).is_some_and(|of| of == team.name);
            let within = |rows: &[Row]| -> BTreeSet<String> {
                let rows = rows.iter().filter(|row| row.groups.iter().any(|id| is_team(&id)));
                rows.map(|row| row.id.clone()).collect()
            };
            let (were, are) = (within(before), within(after));
            let lost = were.difference(&are).filter_map(|id| self.owners.get(id));
            let lost: Vec<_> = lost.filter(|owner| wanted.contains(owner.as_str())).cloned().collect();
            if !lost.is_empty() {
                self.wrong(format!("{lost:?} were taken out of {}: {}", team.name, call.line()));
            }
        }
    }

    /// Sees what a request did to groups.
    pub(super) fn saw_groups(
        &mut self,
        cast: &Cast,
        call: &Call,
        before: &[(String, String)],
        after: &[(String, String)],
    ) {
        for (id, name) in after.iter().filter(|(id, _)| before.iter().all(|(old, _)| old != id)) {
            let Some(team) = cast.teams.iter().find(|team| team.name == name) else { continue };
            if before.iter().any(|(id, _)| self.groups.get(id).is_some_and(|of| of == team.name)) {
                self.wrong(format!("{name} was made a second time: {}", call.line()));
            }
            self.groups.insert(id.clone(), team.name.to_owned());
        }
    }

    /// Holds what the engine says against what is so.
    pub(super) fn heard(&mut self, cast: &Cast, plan: &Plan, app: &dyn Played) {
        self.adopt(cast, &app.people());
        self.looks += 1;
        if claim(plan) == Claim::InSync {
            self.claims += 1;
            for what in self.amiss(cast, app, None) {
                self.wrong(format!("the plan says in sync, but {what}"));
            }
        }
    }

    /// Holds what the engine says of one person against what is so: whoever left is active no more, or it is not called done.
    pub(super) fn heard_of(&mut self, email: &str, plan: &Plan, app: &dyn Played) {
        let active = app.people().iter().any(|row| row.active && self.is_of(row, email));
        let found_none = plan.apps.iter().any(rosterd::model::AppPlan::nobody_found);
        if active && !found_none && claim(plan) == Claim::InSync {
            self.wrong(format!("the plan for {email} alone says that all is done, but they are active"));
        }
    }

    /// Whoever was to be cut off alone, in an app whose list is whole, is active no more.
    pub(super) fn cut_off(&mut self, email: &str, app: &dyn Played) {
        if app.people().iter().any(|row| row.active && self.is_of(row, email)) {
            self.wrong(format!("{email} was to be cut off alone, and is still active"));
        }
    }

    /// Who is told to come back later comes back: nothing fails because of it.
    pub(super) fn waited(&mut self, plan: &Plan, outcome: &Outcome) {
        let unread = plan.apps.iter().filter_map(|app| app.error.clone());
        let results = outcome.apps.iter().flat_map(|app| &app.actions);
        let failed = results.filter(|(_, result)| matches!(result, ActionResult::Failed { .. }));
        let failed = failed.map(|(name, result)| format!("{name}: {}", result.message().unwrap_or_default()));
        let wrong: Vec<_> = unread.chain(failed).collect();
        for what in wrong {
            self.wrong(format!("overload was taken for a refusal: {what}"));
        }
    }

    /// What is not as the files want it, but for whoever no group takes.
    pub(super) fn amiss(&self, cast: &Cast, app: &dyn Played, refused: Option<&str>) -> Vec<String> {
        let mut amiss = Vec::new();
        let people = app.people();
        for human in &cast.humans {
            let active = people.iter().any(|row| row.active && self.is_of(row, &human.email));
            match Cast::grants(human, self.turned) {
                true if !active => amiss.push(format!("{} has no account", human.email)),
                false if active && human.fate != Fate::Joins => amiss.push(format!("{} is still active", human.email)),
                _ => {}
            }
        }
        let groups = app.groups();
        for team in cast.teams.iter().filter(|_| cast.dialect.shows_members()) {
            let of_team = |id: &String| self.groups.get(id).is_some_and(|of| of == team.name);
            let Some((id, _)) = groups.iter().find(|(id, _)| of_team(id)) else {
                amiss.push(format!("there is no group {}", team.name));
                continue;
            };
            let members =
                people.iter().filter(|row| row.groups.contains(id)).filter_map(|row| self.owners.get(&row.id));
            let members: BTreeSet<&str> = members.map(String::as_str).collect();
            let wanted: BTreeSet<&str> = cast.wanted(team, self.turned).collect();
            if members.symmetric_difference(&wanted).any(|who| Some(*who) != refused) {
                amiss.push(format!("{} has the members {members:?} instead of {wanted:?}", team.name));
            }
        }
        amiss
    }
}

/// Whom a request is about.
fn named(cast: &Cast, call: &Call) -> Option<String> {
    let body = String::from_utf8_lossy(&call.body).to_lowercase();
    let is_named = |email: &str| body.contains(&format!("\"{email}\""));
    cast.humans.iter().map(|human| &human.email).find(|email| is_named(email)).cloned()
}

/// What a plan says of its app. Anything that is held, left to a person, or told as a matter to look at is honest.
pub(super) fn claim(plan: &Plan) -> Claim {
    let doubts = |finding: &rosterd::model::Finding| {
        finding.severity != Severity::Note
            || matches!(
                finding.code,
                FindingCode::BelievedMembers | FindingCode::MembershipsStay | FindingCode::PersonNotFound
            )
    };
    // Strangers of whom the files say nothing are told of in every plan.
    let told = |finding: &&rosterd::model::Finding| {
        !matches!(finding.code, FindingCode::UnlistedAccount | FindingCode::UnlistedMember)
    };
    let quiet = plan.apps.iter().all(|app| {
        app.error.is_none() && app.complete && app.actions.is_empty() && !app.findings.iter().filter(told).any(doubts)
    });
    if quiet { Claim::InSync } else { Claim::Open }
}

/// What is left that could be done, or is held.
pub(super) fn left_over(plan: &Plan) -> Vec<String> {
    let mut left = Vec::new();
    for app in &plan.apps {
        left.extend(app.error.clone());
        let open = app.actions.iter().filter(|action| matches!(action.status, Status::Ready | Status::Held));
        left.extend(open.map(|action| {
            let guard = action.held.as_ref().map(|held| held.guard.to_string()).unwrap_or_default();
            format!("{} {} {guard} {}", action.status.as_str(), action.name, action.obstacle().unwrap_or_default())
        }));
    }
    left
}

//! Memberships of declared groups: who should be in, who is in, and what differs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    accounts::joining_makes_it,
    fields::{self, LiveValues},
    found::Found,
    reasons,
};
use crate::{
    model::{
        AccountRef, AccountStatus, Change, Coverage, Email, FieldValue, Finding, FindingCode, GroupState, Guard,
        LiveAccount, LiveMember, MemberChange, MemberRead, Reach, Step, Unlisted, Verb,
    },
    plan::{
        Context,
        draft::{Draft, Drafts},
        identity::Matched,
        repair,
        wanted::{self, Grant, Standing, Wanted, Wish},
    },
};

pub(super) fn diff(
    cx: &Context<'_>,
    matched: &Matched<'_>,
    wanted: &Wanted<'_>,
    groups: &BTreeMap<&Arc<str>, Found<'_>>,
    drafts: &mut Drafts,
) {
    let woken: BTreeSet<Arc<str>> = drafts
        .actions
        .iter()
        .filter(|draft| draft.verb() == Verb::Reactivate)
        .filter_map(|draft| draft.action.step.account_id().cloned())
        .collect();
    let mut staying = BTreeSet::new();
    for found in groups.values().filter(|found| found.gone().is_none()) {
        // An app may list a member twice; the first row counts.
        let mut members: HashMap<&Arc<str>, &LiveMember> = HashMap::new();
        for member in found.live.into_iter().flat_map(|live| &live.members) {
            members.entry(&member.account).or_insert(member);
        }
        let wishes = wanted.members.get(&found.desired.name);
        let group = Group { cx, matched, found, wishes, members, accounts: &wanted.accounts, woken: &woken };
        let adds_someone = group.grant(drafts);
        group.take_away(adds_someone, &mut staying, drafts);
    }
    drafts.findings.extend(memberships_stay(cx, matched, staying));
}

/// One note for all accounts that nobody can use and that stay in their groups, because the API takes nobody out of one. Who
/// is made active again has all of it back.
fn memberships_stay(cx: &Context<'_>, matched: &Matched<'_>, mut staying: BTreeSet<Email>) -> Option<Finding> {
    let semantics = &cx.app.semantics;
    let unread = semantics.members.read == MemberRead::PerAccount && !semantics.reactivate;
    if unread && semantics.memberships_stay() && !cx.app.groups.is_empty() {
        // Nobody reads what they are in, so that anybody who was switched off may be in something.
        let inactive = cx.accounts.iter().filter(|account| account.status == AccountStatus::Inactive);
        let known = inactive.filter(|account| {
            let identity = matched.by_id(&account.id).map(|(_, identity)| identity);
            identity.is_some_and(|identity| match wanted::standing(cx, identity) {
                Standing::Left { .. } => true,
                Standing::Active => !cx.app.grants(identity),
                Standing::Suspended | Standing::Unlisted => false,
            })
        });
        staying.extend(known.map(|account| account.email.clone()));
    }
    let first = staying.first()?;
    let who = match staying.len() - 1 {
        0 => first.to_string(),
        others => format!("{first} and {}", super::super::many(others, "other person", "other people")),
    };
    let message = format!(
        "the accounts of {who} are inactive, and what they were in stays as it is, because the API takes nobody out of a {}; \
         anybody who makes such an account active again gives all of it back",
        semantics.group_noun
    );
    Some(Finding::note(FindingCode::MembershipsStay, message))
}

/// No line grants the membership any more, and that is all there is against it. An account that is only now being
/// reactivated was no member that anybody could miss.
fn merely_ungranted(draft: &Draft, woken: &BTreeSet<Arc<str>>) -> bool {
    draft.standing == Standing::Active && draft.action.step.account_id().is_none_or(|id| !woken.contains(id))
}

/// One declared group.
struct Group<'a> {
    cx: &'a Context<'a>,
    matched: &'a Matched<'a>,
    found: &'a Found<'a>,
    wishes: Option<&'a BTreeMap<&'a Email, Wish>>,
    /// Live members by the id of their account.
    members: HashMap<&'a Arc<str>, &'a LiveMember>,
    /// What the accounts themselves should be like, for those that joining makes.
    accounts: &'a HashMap<&'a Email, Wish>,
    /// Accounts that are going to be reactivated.
    woken: &'a BTreeSet<Arc<str>>,
}

impl Group<'_> {
    /// Adds and changes what is granted; tells whether anyone is added.
    fn grant(&self, drafts: &mut Drafts) -> bool {
        let mut adds_someone = false;
        for (identity, wish) in self.wishes.into_iter().flatten() {
            let Wish::Granted(grant) = wish else { continue };
            if wanted::standing(self.cx, identity) != Standing::Active {
                continue;
            }
            let account = self.matched.accounts.get(identity).and_then(|accounts| accounts.first());
            match account.and_then(|account| Some((account, self.members.get(&account.id)?))) {
                Some((account, member)) => self.change(identity, grant, account, member, drafts),
                None => {
                    self.add(identity, grant, account.copied(), drafts);
                    adds_someone = true;
                }
            }
        }
        adds_someone
    }

    fn add(&self, identity: &Email, grant: &Grant, account: Option<&LiveAccount>, drafts: &mut Drafts) {
        let semantics = &self.cx.app.semantics;
        let name = account.map_or(identity.as_str(), |account| self.matched.label(account, identity));
        let mut values = semantics.members.joins_as.clone();
        values.extend(grant.values.clone());
        let by_joining = account.is_none().then(|| self.made_by_joining(identity)).flatten();
        // Where joining makes accounts, an address will do.
        let joining = (account.is_none() && semantics.members.creates_account)
            .then(|| by_joining.map(|made| made.values.clone()).unwrap_or_default());
        let changes = fields::from_nothing(&values);
        let account_ref = account.map_or_else(|| AccountRef::Created(identity.clone()), Into::into);
        let step = Step::AddMember { group: self.found.group_ref(), account: account_ref, values, joining };
        let mut draft = self.draft(step, name, Standing::Active, identity);
        draft.action.adds_access = true;
        // A group may have a role of its own, which its members get.
        draft.action.gains_admin = semantics.makes_admin(&self.found.desired.values);
        draft = draft.changes(changes).because(grant.because.clone());
        self.found.by_hand(self.cx, &mut draft, semantics.members.add);
        if let Some(account) = account {
            draft.hold_unknown_status(account);
            draft.hold_doubtful(self.matched.ambiguous.get(identity));
            if let Some(why) = self.unseen(account) {
                draft.hold_unseen(format!("whether the account is a member already is not known: {why}"));
            }
        }
        if by_joining.is_some() {
            draft.makes_account = true;
            if let Some(why) = self.cx.may_exist(identity) {
                draft.hold_unseen(format!("not all accounts were seen ({why}), and joining would make a second one"));
            }
        } else {
            self.wait_until_accepted(&mut draft, account);
        }
        drafts.actions.push(draft);
    }

    /// The account that joining makes, if it does.
    fn made_by_joining(&self, identity: &Email) -> Option<&Grant> {
        match self.accounts.get(identity) {
            Some(Wish::Granted(grant)) if joining_makes_it(&self.cx.app.semantics, grant) => Some(grant),
            _ => None,
        }
    }

    /// Where accounts join only once they are active, a membership waits for the invitation to be accepted.
    fn wait_until_accepted(&self, draft: &mut Draft, account: Option<&LiveAccount>) {
        let semantics = &self.cx.app.semantics;
        let may_join = |status: &AccountStatus| semantics.members.when.contains(status);
        match account {
            None => {
                let becomes = semantics.create.as_ref().map(|rule| &rule.becomes);
                if becomes.is_some_and(|status| !may_join(status)) {
                    draft.wait("the invitation has to be sent and accepted first".into());
                }
            }
            Some(account) if account.status == AccountStatus::Pending && !may_join(&account.status) => {
                let sent = account.created_at.map(|at| format!(" (sent {})", self.cx.day(at)));
                draft.wait(format!("invitation not accepted yet{}", sent.unwrap_or_default()));
            }
            Some(_) => {}
        }
    }

    fn change(&self, identity: &Email, grant: &Grant, account: &LiveAccount, member: &LiveMember, drafts: &mut Drafts) {
        let semantics = &self.cx.app.semantics;
        let name = &self.found.desired.name;
        let mut warn = |code, message: String| {
            drafts.findings.push(Finding::warning(code, message).account(identity.as_str()).group(name));
        };
        if let AccountStatus::Inactive | AccountStatus::Unknown(_) = &member.status {
            let status = &member.status;
            let message = format!(
                "the membership of {identity} in {name} is {status}, which no line asks for; look at it in the app"
            );
            warn(FindingCode::UnusableMembership, message);
        }
        let mut compared = fields::compare(&self.found.desired.managed, &grant.values, &member.values);
        if !compared.unseen.is_empty() {
            let unseen = compared.unseen.join(" and ");
            let message = format!(
                "{unseen} of {identity} in {name} could not be read, so nothing is known about it and nothing is changed"
            );
            warn(FindingCode::UnreadFields, message);
        }
        if compared.changes.is_empty() || self.is_unusable(account) {
            return;
        }
        // What a person has to take away keeps nothing else waiting.
        let optional = &semantics.members.optional;
        let is_taken =
            |change: &Change| optional.contains(&change.field) && change.to.as_ref().is_none_or(FieldValue::is_empty);
        let can = !compared.changes.iter().all(is_taken);
        compared.changes.retain(|change| !can || !is_taken(change));
        let effect = fields::effect(&compared.changes, semantics.members.role.as_ref());
        let name = self.matched.label(account, identity);
        let values = match semantics.members.change {
            MemberChange::Again => grant.values.clone(),
            MemberChange::InPlace | MemberChange::Manual => fields::new_values(&compared.changes),
        };
        let step = Step::ChangeMember { group: self.found.group_ref(), account: account.into(), values };
        let mut draft = self.draft(step, name, Standing::Active, identity).because(grant.because.clone());
        draft.hold_unknown_status(account);
        draft.hold_doubtful(self.matched.ambiguous.get(identity));
        if effect.reduces_access {
            let claims = self.found.desired.members.get(identity).map_or(&[][..], Vec::as_slice);
            draft = draft.takes(reasons::of_fields(self.cx, claims, &compared.changes, grant));
        }
        draft.action.reduces_access = effect.reduces_access;
        draft.action.adds_access = effect.adds_access;
        draft = draft.changes(compared.changes);
        self.found.by_hand(self.cx, &mut draft, can && semantics.members.change != MemberChange::Manual);
        drafts.actions.push(draft);
    }

    /// Removes what is not granted.
    fn take_away(&self, adds_someone: bool, staying: &mut BTreeSet<Email>, drafts: &mut Drafts) {
        let mut made = Vec::new();
        let mut ungranted = 0;
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_unstable_by_key(|(id, _)| **id);
        for (id, member) in members {
            let Some((account, identity)) = self.matched.by_id(id) else {
                let message = format!("{} has a member {id} that is not among the accounts", self.found.desired.name);
                drafts.findings.push(self.note(FindingCode::UnknownMember, id, message));
                continue;
            };
            if self.is_unusable(account) && self.stays_while_inactive(account, identity, staying) {
                continue;
            }
            let Some(draft) = self.surplus(account, identity, &member.values, &mut drafts.findings) else {
                continue;
            };
            ungranted += usize::from(merely_ungranted(&draft, self.woken));
            made.push(draft);
        }
        if ungranted > 0 && made.len() == self.members.len() && !adds_someone {
            self.keep_last(&mut made);
        }
        drafts.actions.extend(made);
    }

    /// Whether the membership of an account that nobody can use stays as it is: what a suspension keeps, what belongs to
    /// somebody whom the policy leaves alone, and what the API cannot take away, which is told.
    fn stays_while_inactive(&self, account: &LiveAccount, identity: &Email, staying: &mut BTreeSet<Email>) -> bool {
        let (desired, semantics) = (self.found.desired, &self.cx.app.semantics);
        if desired.state == GroupState::Absent {
            return false;
        }
        match wanted::standing(self.cx, identity) {
            Standing::Suspended => return true,
            Standing::Unlisted if desired.policy.unlisted != Unlisted::Remove || self.cx.is_self(identity) => {
                return true;
            }
            Standing::Active | Standing::Left { .. } | Standing::Unlisted => {}
        }
        let strips = semantics.strips_members();
        let can = semantics.members.remove && self.found.live.is_none_or(|live| live.reach == Reach::Full);
        if !can && !strips {
            staying.insert(account.email.clone());
        }
        strips || !can
    }

    fn surplus(
        &self,
        account: &LiveAccount,
        identity: &Email,
        values: &LiveValues,
        findings: &mut Vec<Finding>,
    ) -> Option<Draft> {
        let desired = self.found.desired;
        let standing = wanted::standing(self.cx, identity);
        let wish = self.wishes.and_then(|wishes| wishes.get(identity));
        let going = desired.state == GroupState::Absent;
        match (standing, wish) {
            (Standing::Active | Standing::Suspended, Some(Wish::Granted(_) | Wish::Upcoming)) if !going => return None,
            (Standing::Unlisted, _) if self.cx.is_self(identity) => return None,
            (Standing::Unlisted, _) if !going && desired.policy.unlisted != Unlisted::Remove => {
                if desired.policy.unlisted == Unlisted::Report {
                    let email = &account.email;
                    let message = format!("{email} is a member of {} and named nowhere in the files", desired.name);
                    findings.push(self.note(FindingCode::UnlistedMember, email.as_str(), message));
                }
                return None;
            }
            _ => {}
        }
        let name = self.matched.label(account, identity);
        let step = Step::RemoveMember { group: self.found.group_ref(), account: account.into() };
        let mut draft = self.draft(step, name, standing, identity);
        draft.hold_unknown_status(account);
        draft.action.reduces_access = true;
        // That an empty list goes with it is no news.
        let changes = values
            .iter()
            .filter(|(_, from)| from.as_ref().is_some_and(|from| !from.is_empty()))
            .filter_map(|(field, from)| Some(Change { field: field.clone(), from: Some(from.clone()?), to: None }));
        draft = draft.changes(changes.collect()).takes(reasons::of_member(self.cx, desired, identity, standing, wish));
        self.found.by_hand(self.cx, &mut draft, self.cx.app.semantics.members.remove);
        draft.hold_doubtful(self.matched.ambiguous.get(identity));
        let unseen = || self.unseen(account).or_else(|| self.cx.live.accounts_coverage.gap().map(str::to_owned));
        if standing == Standing::Unlisted
            && let Some(why) = unseen()
        {
            let reason = format!("not all of the group was seen ({why}), and removing the unlisted takes certainty");
            draft.hold_unseen(reason);
        }
        Some(draft)
    }

    /// A group's last member is not removed merely because no line grants the membership any more: an edit that empties a
    /// group by accident looks just like that.
    fn keep_last(&self, made: &mut [Draft]) {
        let name = &self.found.desired.name;
        if self.found.desired.state == GroupState::Absent {
            return;
        }
        for draft in made.iter_mut().filter(|draft| merely_ungranted(draft, self.woken)) {
            draft.hold(
                Guard::DesiredEmpty,
                format!("no line grants membership in {name}, and this would leave it empty"),
                format!(
                    "grant somebody membership, or take the last one out in the app; to give the group up, set `state: absent` \
                     under {}",
                    repair::group(self.cx, name, &self.found.desired.place)
                ),
            );
        }
    }

    /// Whether nobody can use the account, now or after this plan.
    fn is_unusable(&self, account: &LiveAccount) -> bool {
        account.status == AccountStatus::Inactive && !self.woken.contains(&account.id)
    }

    /// Why the account's membership is not certain, if it is not.
    fn unseen(&self, account: &LiveAccount) -> Option<String> {
        if self.cx.live.extent.memberships_to_come.contains(&account.id) {
            return Some(format!("the groups of {} have not been read yet", account.email));
        }
        if self.cx.live.unread_memberships.contains(&account.id) {
            return Some(format!("the groups of {} could not be read", account.email));
        }
        match self.found.live.map(|live| &live.coverage) {
            Some(Coverage::Incomplete(why)) => Some(why.clone()),
            _ => None,
        }
    }

    fn draft(&self, step: Step, label: &str, standing: Standing, identity: &Email) -> Draft {
        let group = &self.found.desired.name;
        let mut draft = Draft::new(self.cx, step, Some((label, identity)), Some(group), standing);
        self.found.hold_doubtful(&mut draft);
        draft
    }

    fn note(&self, code: FindingCode, account: &str, message: String) -> Finding {
        Finding::note(code, message).account(account).group(&self.found.desired.name)
    }
}

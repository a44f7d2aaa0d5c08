//! Accounts: who should have one, who has one, and what differs.

use std::collections::HashSet;

use super::{fields, invitations, reasons, removal};
use crate::{
    model::{
        ADDRESS, AccountStatus, Aliases, Change, Coverage, Email, FieldValue, Finding, FindingCode, Guard, LiveAccount,
        Semantics, Step, Unlisted, Verb,
    },
    plan::{
        Context,
        doubt::Doubt,
        draft::{Draft, Drafts},
        identity::Matched,
        wanted::{self, Grant, Standing, Wanted, Wish},
    },
};

/// `joining` are those who can join some group that is there.
pub(super) fn diff(
    cx: &Context<'_>,
    matched: &Matched<'_>,
    wanted: &Wanted<'_>,
    joining: &HashSet<&Email>,
    drafts: &mut Drafts,
) {
    let mut identities: Vec<&Email> = wanted.accounts.keys().copied().chain(matched.identities()).collect();
    // A stable sort: of two spellings of one address, the files' stays.
    identities.sort();
    identities.dedup();
    for identity in identities {
        let standing = wanted::standing(cx, identity);
        let live = matched.accounts.get(identity).map_or(&[][..], Vec::as_slice);
        let mut one = One {
            cx,
            matched,
            identity,
            standing,
            joins: joining.contains(identity),
            doubt: matched.ambiguous.get(identity),
            wish: wanted.accounts.get(identity),
            made: Vec::new(),
        };
        one.plan(live, drafts);
        drafts.actions.append(&mut one.made);
    }
}

/// One identity and the actions it takes.
pub(super) struct One<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) matched: &'a Matched<'a>,
    pub(super) identity: &'a Email,
    pub(super) standing: Standing,
    /// Some group that is there grants membership.
    joins: bool,
    pub(super) doubt: Option<&'a Doubt>,
    pub(super) wish: Option<&'a Wish>,
    made: Vec<Draft>,
}

impl One<'_> {
    fn plan(&mut self, live: &[&LiveAccount], drafts: &mut Drafts) {
        self.report_doubt(live, drafts);
        match (self.standing, self.wish) {
            (Standing::Active, Some(Wish::Granted(grant))) => match live.first() {
                None => {
                    drafts.findings.extend(invitations::again(self.cx, self.identity));
                    self.create(grant);
                }
                Some(account) => {
                    drafts.findings.extend(invitations::unanswered(self.cx, self.identity, account));
                    self.keep(account, grant, live, drafts);
                }
            },
            (Standing::Active, Some(Wish::Upcoming)) => {}
            _ => {
                for account in live {
                    self.remove(account, drafts);
                }
            }
        }
        for account in live {
            self.report_admin(account, drafts);
        }
        for draft in &mut self.made {
            draft.hold_doubtful(self.doubt);
        }
    }

    fn create(&mut self, grant: &Grant) {
        let semantics = &self.cx.app.semantics;
        if self.joins && joining_makes_it(semantics, grant) {
            return;
        }
        let step = Step::CreateAccount { email: self.identity.clone(), values: grant.values.clone() };
        let mut draft = self.draft(step, self.identity.as_str());
        draft.action.adds_access = true;
        draft = draft.changes(fields::from_nothing(&grant.values)).because(grant.because.clone());
        match &semantics.create {
            None => draft.manual(semantics.manual_text(Verb::Create)),
            Some(rule) => {
                draft.makes_admin = rule.becomes == AccountStatus::Active && semantics.makes_admin(&grant.values)
            }
        }
        if let Some(why) = self.cx.may_exist(self.identity) {
            draft.hold_unseen(format!("not all accounts were seen ({why}), so this one may exist already"));
        }
        self.made.push(draft);
    }

    fn keep(&mut self, account: &LiveAccount, grant: &Grant, all: &[&LiveAccount], drafts: &mut Drafts) {
        let semantics = &self.cx.app.semantics;
        if account.status == AccountStatus::Inactive {
            let mut draft = self.on(account, Step::Reactivate(account.into())).because(grant.because.clone());
            draft.action.adds_access = true;
            draft = draft.changes(vec![fields::status_change("inactive", "active")]);
            if !semantics.reactivate {
                draft.manual(semantics.manual_text(Verb::Reactivate));
            } else {
                draft.makes_admin = semantics.is_admin(account) && semantics.makes_admin(&grant.values);
            }
            // Without a past nobody knows who it was, so that nobody may be switched on again because of that.
            let past = self.cx.past.and_then(|past| past.history);
            let is_ours = past.is_some_and(|history| history.deactivated_by_us.contains(&account.id));
            if semantics.reactivate && !is_ours {
                draft.hold_until_approved(
                    Guard::Reactivation,
                    "rosterd did not deactivate this account; ask who did, and why, before it is made active again",
                );
            }
            self.made.push(draft);
        }
        let address = self.address(account, all);
        self.update(account, grant, address, drafts);
    }

    fn update(&mut self, account: &LiveAccount, grant: &Grant, address: Option<Change>, drafts: &mut Drafts) {
        let app = self.cx.app;
        let compared = fields::compare(&app.managed, &grant.values, &account.values);
        self.report_unread(account, &compared.unseen, drafts);
        let mut because = grant.because.clone();
        if address.is_some() {
            because.extend(self.cx.people.get(self.identity).map(|person| person.place.clone()));
        }
        let (fixed, free): (Vec<Change>, Vec<Change>) =
            compared.changes.into_iter().chain(address).partition(|change| app.semantics.fixed.contains(&change.field));
        // What cannot be changed by the API goes into the same action where nothing else can either; otherwise the person
        // gets a finding beside it, because one name stands for one action.
        let by_hand = !app.semantics.update || (free.is_empty() && !fixed.is_empty());
        let changes = if by_hand {
            free.into_iter().chain(fixed).collect()
        } else {
            self.report_fixed(account, fixed, &because, drafts);
            free
        };
        if changes.is_empty() {
            return;
        }
        let effect = fields::effect(&changes, app.semantics.role.as_ref());
        let changes =
            if effect.reduces_access && !by_hand { self.without_address(account, changes, drafts) } else { changes };
        let readdressed = !by_hand && changes.iter().any(|change| &*change.field == ADDRESS);
        let mut values = fields::new_values(&changes);
        values.remove(ADDRESS);
        let address = readdressed.then(|| self.identity.clone());
        let step = Step::UpdateAccount { account: account.into(), values, address };
        let mut draft = self.on(account, step);
        if effect.reduces_access {
            let claims = app.accounts.get(self.identity).map_or(&[][..], |account| &account.claims);
            draft = draft.takes(reasons::of_fields(self.cx, claims, &changes, grant));
            because.extend(draft.action.because.clone());
        }
        draft = draft.because(because);
        draft.action.reduces_access = effect.reduces_access;
        // Whoever has the new address can do what only the old one could.
        draft.action.adds_access = effect.adds_access || readdressed;
        self.weigh_admin(&mut draft, account, grant, &changes);
        if by_hand && app.semantics.update {
            let fields: Vec<_> = changes.iter().map(|change| change.field.clone()).collect();
            draft.manual(app.semantics.fixed_text(&fields));
        } else if by_hand {
            draft.manual(app.semantics.manual_text(Verb::Update));
        }
        self.made.push(draft.changes(changes));
    }

    /// Whether an update makes an admin or takes one away. A role that is not managed, or was not seen, stays what it is.
    fn weigh_admin(&self, draft: &mut Draft, account: &LiveAccount, grant: &Grant, changes: &[Change]) {
        let semantics = &self.cx.app.semantics;
        let role = semantics.role.as_ref().map(|rule| rule.field());
        let changes_role = changes.iter().any(|change| Some(&change.field) == role.as_ref());
        let usable = match account.status {
            AccountStatus::Active => true,
            AccountStatus::Inactive => semantics.reactivate,
            AccountStatus::Pending | AccountStatus::Unknown(_) => false,
        };
        let (was_admin, is_admin) = (semantics.is_admin(account), semantics.makes_admin(&grant.values));
        draft.loses_admin = account.status == AccountStatus::Active && was_admin && changes_role && !is_admin;
        draft.makes_admin = usable && !was_admin && changes_role && is_admin;
    }

    fn remove(&mut self, account: &LiveAccount, drafts: &mut Drafts) {
        let is_unlisted = self.standing == Standing::Unlisted;
        // The account of our own credential is no stranger, although no line lists it.
        if is_unlisted && self.cx.is_self(self.identity) {
            return;
        }
        let name = self.matched.label(account, self.identity);
        if is_unlisted && self.cx.app.policy.unlisted != Unlisted::Remove {
            if account.status != AccountStatus::Inactive && self.cx.app.policy.unlisted == Unlisted::Report {
                drafts.findings.push(unlisted(account, name));
            }
            return;
        }
        let Some(mut draft) = removal::account(self.cx, account, self.identity, name, self.standing) else { return };
        // Whose role was not seen may be the last admin.
        draft.loses_admin = account.status == AccountStatus::Active && may_be_live_admin(self.cx, account);
        draft = draft.takes(reasons::of_account(self.cx, self.identity, self.standing, self.wish));
        if let (true, Coverage::Incomplete(why)) = (is_unlisted, &self.cx.live.accounts_coverage) {
            draft.hold_unseen(format!("not all accounts were seen ({why}), and removing the unlisted takes certainty"));
        }
        self.made.push(draft);
    }

    /// What gives an account that goes by one of its person's aliases the person's address. An open invitation belongs to
    /// the address that it was sent to; and whom a pin knows by the id nobody has to rename by hand.
    fn address(&self, account: &LiveAccount, all: &[&LiveAccount]) -> Option<Change> {
        let is_alias = account.email != *self.identity && self.cx.desired.aliases.contains_key(&account.email);
        let stands = matches!(account.status, AccountStatus::Active | AccountStatus::Inactive);
        // Another account of the person, which does not count, may have that very address.
        let is_free = all.iter().all(|other| other.email != *self.identity);
        let renames = self.cx.app.policy.aliases == Aliases::Rename;
        let is_known = !self.cx.app.semantics.readdresses() && self.cx.app.ids.contains_key(self.identity);
        (is_alias && stands && is_free && renames && !is_known && self.doubt.is_none()).then(|| Change {
            field: ADDRESS.into(),
            from: Some(FieldValue::text(account.email.as_str())),
            to: Some(FieldValue::text(self.identity.as_str())),
        })
    }

    /// What takes something away goes without a new address: an app may refuse an address, and guards may hold it, and
    /// nobody should keep a role for as long.
    fn without_address(&self, account: &LiveAccount, mut changes: Vec<Change>, drafts: &mut Drafts) -> Vec<Change> {
        let all = changes.len();
        changes.retain(|change| &*change.field != ADDRESS);
        if changes.len() < all {
            let message = format!(
                "{} goes by the alias {} in {} until this account has lost what it is to lose; the plan after that gives it \
                 the new address",
                self.identity, account.email, self.cx.app.name
            );
            let entry = self.cx.people.get(self.identity).map(|person| person.place.clone());
            let finding = Finding::note(FindingCode::AddressLater, message).account(self.identity.as_str());
            drafts.findings.push(finding.because(entry));
        }
        changes
    }

    fn draft(&self, step: Step, label: &str) -> Draft {
        Draft::new(self.cx, step, Some((label, self.identity)), None, self.standing)
    }

    fn on(&self, account: &LiveAccount, step: Step) -> Draft {
        let mut draft = self.draft(step, self.matched.label(account, self.identity));
        draft.hold_unknown_status(account);
        draft
    }
}

/// Whether joining a group makes the account that `grant` asks for: where nothing else makes accounts, and where joining
/// carries all that the account needs.
pub(super) fn joining_makes_it(semantics: &Semantics, grant: &Grant) -> bool {
    let members = &semantics.members;
    let carried = grant.values.keys().all(|field| members.creates_with.contains(field));
    members.creates_account && (semantics.create.is_none() || carried)
}

/// Whether an account holds an admin role as far as anybody knows: one whose role was not seen may.
pub(in crate::plan) fn may_be_live_admin(cx: &Context<'_>, account: &LiveAccount) -> bool {
    let rule = cx.app.semantics.role.as_ref().filter(|rule| !rule.admin.is_empty());
    let unseen = rule.is_some_and(|rule| !account.values.contains_key(&rule.field()));
    unseen || cx.app.semantics.is_admin(account)
}

fn unlisted(account: &LiveAccount, name: &str) -> Finding {
    let status = &account.status;
    let message =
        format!("{name} ({status}) is named nowhere in the files; list the person, or set `unlisted: remove`");
    Finding::note(FindingCode::UnlistedAccount, message).account(name)
}

//! A small world of one app, `a`, in which tests say only what they are about.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use crate::{
    model::*,
    plan::{AppHistory, History, Inputs, Oversight, Used, plan},
};

/// The instant of every test.
pub(super) const NOW: &str = "2026-11-22T10:00:00Z";

/// Everything a plan is made from, for one app.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub desired: Desired,
    pub live: LiveApp,
    pub history: Option<AppHistory>,
    pub used: BTreeMap<String, Used>,
    /// The version that a change is compared with.
    pub base: Option<Desired>,
    /// Another daemon's files that are in force.
    pub(super) others: Option<crate::model::OtherFiles>,
    /// Claims by alias and pin are accepted, unless a test is about just that.
    pub trusting: bool,
    pub oversight: Oversight,
    pub now: Timestamp,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("tests write timestamps")
}

pub(super) fn email(text: &str) -> Email {
    Email::lenient(text)
}

fn place(file: &str) -> Place {
    Place::new(file, 1, 1)
}

fn set(texts: &[&str]) -> BTreeSet<Arc<str>> {
    texts.iter().map(|text| Arc::from(*text)).collect()
}

fn roles() -> RoleRule {
    RoleRule {
        many: false,
        ranked: ["viewer", "user", "admin"].map(Arc::from).to_vec(),
        admin: set(&["admin"]),
        values: set(&["viewer", "user", "admin"]),
    }
}

/// An API like Autodesk's: no way back, and half of the verbs are missing.
pub(super) fn one_way() -> Semantics {
    Semantics {
        connector: "one-way".into(),
        account_noun: "user".into(),
        group_noun: "team".into(),
        fields: set(&["role"]),
        fixed: BTreeSet::new(),
        role: Some(roles()),
        find: Find::Sweep,
        carries: BTreeSet::new(),
        create: Some(CreateRule { require: BTreeSet::new(), becomes: AccountStatus::Pending }),
        update: true,
        deactivate: Some(DeactivateRule { irreversible: true, strips_members: false }),
        reactivate: false,
        delete: Some(DeleteRule { irreversible: true }),
        cancel_pending: None,
        inactive_keeps_seat: false,
        groups: GroupRules::default(),
        members: MemberRules {
            read: MemberRead::PerAccount,
            add: true,
            when: [AccountStatus::Active].into(),
            change: MemberChange::Manual,
            remove: false,
            creates_account: false,
            creates_with: BTreeSet::new(),
            optional: BTreeSet::new(),
            joins_as: BTreeMap::new(),
            add_at_once: 1,
            remove_at_once: 1,
            role: Some(RoleRule { ranked: ["member", "lead"].map(Arc::from).to_vec(), ..RoleRule::default() }),
            fields: set(&["role"]),
        },
        manual: BTreeMap::from([(Verb::RemoveMember, "remove the member in the admin pages".into())]),
        effort: BTreeMap::new(),
        address_reads: 0,
        settle: std::time::Duration::ZERO,
        limits: Limits::default(),
    }
}

/// An API that can do everything, and undo it.
pub(super) fn full() -> Semantics {
    Semantics {
        connector: "full".into(),
        find: Find::QUERY,
        create: Some(CreateRule { require: BTreeSet::new(), becomes: AccountStatus::Active }),
        deactivate: Some(DeactivateRule::default()),
        reactivate: true,
        delete: Some(DeleteRule { irreversible: true }),
        cancel_pending: Some(Verb::Delete),
        groups: GroupRules {
            list: true,
            create: true,
            update: true,
            delete: true,
            fields: set(&["description"]),
            ..GroupRules::default()
        },
        members: MemberRules {
            read: MemberRead::PerGroup,
            when: [AccountStatus::Active, AccountStatus::Pending].into(),
            change: MemberChange::InPlace,
            remove: true,
            ..one_way().members
        },
        manual: BTreeMap::new(),
        ..one_way()
    }
}

impl World {
    pub(super) fn one_way() -> Self {
        Self::new(one_way())
    }

    pub(super) fn full() -> Self {
        Self::new(full())
    }

    pub(super) fn new(semantics: Semantics) -> Self {
        let app = DesiredApp {
            name: "a".into(),
            connector: semantics.connector.clone(),
            semantics: Arc::new(semantics),
            url: url::Url::parse("https://app.example.com").expect("a valid address"),
            auth: Auth::default(),
            options: BTreeMap::new(),
            budget: BudgetSpec::default(),
            mode: Mode::default(),
            seats: None,
            self_account: None,
            policy: Policy::default(),
            defaults: Values::new(),
            grantable: Default::default(),
            managed: BTreeSet::new(),
            accounts: BTreeMap::new(),
            groups: BTreeMap::new(),
            ids: BTreeMap::new(),
            place: place("apps.yaml"),
        };
        Self {
            desired: Desired {
                people: BTreeMap::new(),
                aliases: BTreeMap::new(),
                teams: Default::default(),
                named: BTreeSet::new(),
                apps: BTreeMap::from([("a".into(), app)]),
                approvals: Vec::new(),
                settings: Settings::default(),
            },
            live: LiveApp::empty(at(NOW)),
            history: None,
            used: BTreeMap::new(),
            base: None,
            others: None,
            trusting: true,
            oversight: Oversight::Person,
            now: at(NOW),
        }
    }

    /// Changes the app's entry.
    pub(super) fn app(mut self, change: impl FnOnce(&mut DesiredApp)) -> Self {
        change(self.desired.apps.get_mut("a").expect("every world has one"));
        self
    }

    /// Changes what the connector declares.
    pub(super) fn semantics(self, change: impl FnOnce(&mut Semantics)) -> Self {
        self.app(|app| change(Arc::make_mut(&mut app.semantics)))
    }

    pub(super) fn policy(self, change: impl FnOnce(&mut Policy)) -> Self {
        self.app(|app| {
            change(&mut app.policy);
            for group in app.groups.values_mut() {
                group.policy = app.policy.clone();
            }
        })
    }

    pub(super) fn seen(mut self, change: impl FnOnce(&mut LiveApp)) -> Self {
        change(&mut self.live);
        self
    }

    pub(super) fn history(mut self, change: impl FnOnce(&mut AppHistory)) -> Self {
        change(self.history.get_or_insert_default());
        self
    }

    /// Somebody who exists, without any grant.
    pub(super) fn person(mut self, who: &str) -> Self {
        let person = Person {
            email: email(who),
            given_name: None,
            family_name: None,
            aliases: Vec::new(),
            attributes: BTreeMap::new(),
            window: Window::ALWAYS,
            status: PersonStatus::Active,
            place: place("people.yaml"),
            status_place: None,
            until_place: None,
        };
        self.desired.named.insert(email(who));
        self.desired.people.insert(email(who), person);
        self
    }

    pub(super) fn entry(mut self, who: &str, change: impl FnOnce(&mut Person)) -> Self {
        if !self.desired.people.contains_key(&email(who)) {
            self = self.person(who);
        }
        change(self.desired.people.get_mut(&email(who)).expect("just made"));
        self
    }

    pub(super) fn left(self, who: &str) -> Self {
        self.entry(who, |person| person.status = PersonStatus::Left)
    }

    pub(super) fn suspended(self, who: &str) -> Self {
        self.entry(who, |person| person.status = PersonStatus::Suspended)
    }

    /// Somebody whose `until` has passed.
    pub(super) fn lapsed(self, who: &str) -> Self {
        self.entry(who, |person| person.window.until = Some(at("2026-11-01T00:00:00Z")))
    }

    pub(super) fn called(self, who: &str, given: &str, family: &str) -> Self {
        self.entry(who, |person| {
            person.given_name = Some(given.into());
            person.family_name = Some(family.into());
        })
    }

    /// The name that the app shows for an account.
    pub(super) fn seen_as(self, id: &str, given: &str, family: &str) -> Self {
        self.seen(|live| {
            let account = live.accounts.iter_mut().find(|account| &*account.id == id).expect("it is live");
            account.values.insert("given_name".into(), Some(given.into()));
            account.values.insert("family_name".into(), Some(family.into()));
        })
    }

    pub(super) fn alias(mut self, who: &str, alias: &str) -> Self {
        self.desired.aliases.insert(email(alias), email(who));
        self.entry(who, |person| person.aliases.push(email(alias)))
    }

    /// A person with an account granted by one line.
    pub(super) fn grant(self, who: &str) -> Self {
        self.grant_as(who, "", Window::ALWAYS)
    }

    pub(super) fn grant_as(mut self, who: &str, role: &str, window: Window) -> Self {
        if !self.desired.people.contains_key(&email(who)) {
            self = self.person(who);
        }
        self.app(|app| {
            let values = values(role);
            app.managed.extend(values.keys().cloned());
            let claim = Claim { window, values, because: vec![place("grants.yaml")], reason: None };
            app.accounts.entry(email(who)).or_default().claims.push(claim);
        })
    }

    pub(super) fn group(self, name: &str) -> Self {
        self.app(|app| {
            let group = DesiredGroup {
                name: name.into(),
                id: None,
                state: GroupState::Present,
                mode: Mode::Enforce,
                policy: app.policy.clone(),
                values: Values::new(),
                members: BTreeMap::new(),
                managed: BTreeSet::new(),
                place: place("groups.yaml"),
            };
            app.groups.insert(name.into(), group);
        })
    }

    pub(super) fn edit_group(self, name: &str, change: impl FnOnce(&mut DesiredGroup)) -> Self {
        self.app(|app| change(app.groups.get_mut(name).expect("declared before")))
    }

    /// A membership granted by one line; the group is declared by the way.
    pub(super) fn member(self, group: &str, who: &str) -> Self {
        self.member_as(group, who, "", Window::ALWAYS)
    }

    pub(super) fn member_as(mut self, group: &str, who: &str, role: &str, window: Window) -> Self {
        if !self.desired.people.contains_key(&email(who)) {
            self = self.person(who);
        }
        if !self.desired.apps["a"].groups.contains_key(group) {
            self = self.group(group);
        }
        self.edit_group(group, |group| {
            let values = values(role);
            group.managed.extend(values.keys().cloned());
            let claim = Claim { window, values, because: vec![place("grants.yaml")], reason: None };
            group.members.entry(email(who)).or_default().push(claim);
        })
    }

    pub(super) fn pin(self, who: &str, id: &str) -> Self {
        self.app(|app| drop(app.ids.insert(email(who), (id.into(), place("pins.yaml")))))
    }

    /// A live account; its role is seen to be empty when none is given.
    pub(super) fn live(self, id: &str, who: &str, status: AccountStatus) -> Self {
        self.live_as(id, who, status, "")
    }

    /// A live, active account.
    pub(super) fn active(self, id: &str, who: &str) -> Self {
        self.live(id, who, AccountStatus::Active)
    }

    pub(super) fn live_as(self, id: &str, who: &str, status: AccountStatus, role: &str) -> Self {
        self.seen(|live| {
            live.accounts.push(LiveAccount {
                other_addresses: Default::default(),
                id: id.into(),
                email: email(who),
                status,
                values: live_values(role),
                created_at: Some(at("2026-11-20T08:00:00Z")),
            });
        })
    }

    /// A live group with members by their accounts' ids.
    pub(super) fn live_group(self, id: &str, name: &str, members: &[&str]) -> Self {
        let members: Vec<(&str, &str)> = members.iter().map(|id| (*id, "")).collect();
        self.live_group_as(id, name, &members)
    }

    pub(super) fn live_group_as(self, id: &str, name: &str, members: &[(&str, &str)]) -> Self {
        self.seen(|live| {
            live.groups.push(LiveGroup {
                id: id.into(),
                name: name.into(),
                values: BTreeMap::new(),
                members: members.iter().map(|(id, role)| LiveMember::new((*id).into(), live_values(role))).collect(),
                coverage: Coverage::Complete,
                reach: Reach::Full,
            });
        })
    }

    pub(super) fn approve(mut self, allow: &str, guard: Guard, up_to: Option<u32>) -> Self {
        self.desired.approvals.push(Approval {
            allow: allow.into(),
            guard,
            up_to,
            until: None,
            reason: None,
            place: place("approvals.yaml"),
        });
        self
    }

    /// Something came of the approval at this place in the files.
    pub(super) fn used(mut self, approval: usize, used: Used) -> Self {
        self.history.get_or_insert_default();
        self.used.insert(self.desired.approvals[approval].id(), used);
        self
    }

    /// The plan without what it says of approvals that are of no use.
    pub(super) fn show_actions(&self) -> String {
        self.show().lines().filter(|line| !line.starts_with("! approval-")).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn whole_plan(&self) -> Plan {
        let live = Live { apps: BTreeMap::from([("a".into(), Ok(self.live.clone()))]) };
        let known = self.history.clone().unwrap_or_default();
        let history = (self.history.is_some() || self.trusting).then(|| History {
            apps: BTreeMap::from([("a".into(), AppHistory { claims: self.claims(known.claims.clone()), ..known })]),
            approvals: self.used.clone(),
            // Without a history only whose accounts are is known.
            private: self.history.is_none(),
            oversight: self.oversight,
        });
        plan(&Inputs {
            desired: &self.desired,
            desired_digest: "",
            live: &live,
            history: history.as_ref(),
            base: self.base.as_ref(),
            others: self.others.as_ref(),
            now: self.now,
        })
    }

    /// Whose accounts are, as far as that was accepted.
    fn claims(&self, mut known: BTreeMap<Arc<str>, BTreeSet<Email>>) -> BTreeMap<Arc<str>, BTreeSet<Email>> {
        for account in self.live.accounts.iter().filter(|_| self.trusting) {
            let pins = self.desired.apps["a"].ids.iter().filter(|(_, (id, _))| *id == account.id);
            let alias = self.desired.aliases.get(&account.email);
            known.entry(account.id.clone()).or_default().extend(pins.map(|(who, _)| who).chain(alias).cloned());
        }
        known
    }

    /// Nobody accepted whose accounts are.
    pub(super) fn doubting(self) -> Self {
        Self { trusting: false, ..self }
    }

    /// It was accepted that the account is theirs.
    pub(super) fn accepted(self, id: &str, who: &str) -> Self {
        self.history(|past| {
            past.claims.entry(id.into()).or_default().insert(email(who));
        })
    }

    /// Nobody sees the plan before it is carried out.
    pub(super) fn unseen(self) -> Self {
        Self { oversight: Oversight::Nobody, ..self }
    }

    /// An earlier run has read the app.
    pub(super) fn read_before(self) -> Self {
        let seen = self.live.accounts.len();
        self.history(|past| past.accounts_last_seen = Some(seen))
    }

    pub(super) fn plan(&self) -> AppPlan {
        self.whole_plan().apps.remove(0)
    }

    /// Every action and finding as a line.
    pub(super) fn show(&self) -> String {
        show(&self.plan())
    }

    /// Parses the approval that the plan prints for an action, as a person would paste it.
    pub(super) fn printed(&self, action: &str) -> Approval {
        let plan = self.plan();
        let action = plan.actions.iter().find(|one| one.name.to_string() == action).expect("the action is planned");
        let held = action.held.as_ref().expect("the action is held");
        let line = held.release.as_ref().expect("the guard can be released");
        parse_approval(line)
    }

    /// What changes in the plan when the approval that it prints for `action` is put into the files.
    pub(super) fn released(&self, action: &str) -> Released {
        let mut after = self.clone();
        after.desired.approvals.push(self.printed(action));
        Released { before: self.clone(), after }
    }
}

/// A world before and after an approval.
pub(super) struct Released {
    pub before: World,
    pub after: World,
}

impl Released {
    pub(super) fn show(&self) -> String {
        let (before, after) = (self.before.show(), self.after.show());
        let approval = self.after.desired.approvals.last().expect("one was added");
        let up_to = approval.up_to.map_or_else(String::new, |up_to| format!(" up to {up_to}"));
        let mut lines = vec![format!("allow {}: {}{up_to}", approval.allow, approval.guard)];
        lines
            .extend(before.lines().filter(|line| !after.lines().any(|other| other == *line)).map(|l| format!("- {l}")));
        lines
            .extend(after.lines().filter(|line| !before.lines().any(|other| other == *line)).map(|l| format!("+ {l}")));
        lines.join("\n")
    }
}

/// Reads a printed approval as the loader would: a date counts to its end.
pub(super) fn parse_approval(line: &str) -> Approval {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        allow: String,
        guard: Guard,
        up_to: Option<u32>,
        until: String,
    }
    let [line]: [Line; 1] = serde_saphyr::from_str::<Vec<Line>>(line)
        .expect("the printed line is YAML")
        .try_into()
        .unwrap_or_else(|_| panic!("the printed line is one entry"));
    let day: jiff::civil::Date = line.until.parse().expect("until is a date");
    let end = day.checked_add(1.day()).expect("not the end of time").to_zoned(TimeZone::UTC).expect("UTC has no gaps");
    Approval {
        allow: line.allow,
        guard: line.guard,
        up_to: line.up_to,
        until: Some(end.timestamp()),
        reason: None,
        place: place("approvals.yaml"),
    }
}

pub(super) fn show(plan: &AppPlan) -> String {
    let mut lines: Vec<String> = plan.actions.iter().map(show_action).collect();
    lines.extend(plan.findings.iter().map(|finding| format!("! {}: {}", finding.code, finding.message)));
    lines.join("\n")
}

fn show_action(action: &Action) -> String {
    let mut line = format!("{} {}", action.status.as_str(), action.name);
    for change in action.changes.iter().filter(|change| &*change.field != "status") {
        let show = |value: &Option<FieldValue>| value.as_ref().map_or_else(|| "-".into(), ToString::to_string);
        line += &format!(" {}:{}>{}", change.field, show(&change.from), show(&change.to));
    }
    for edge in &action.after {
        line += &format!(" after {} ({:?})", edge.action, edge.rule);
    }
    if let Some(held) = &action.held {
        line += &format!(" [{}", held.guard);
        for guard in &held.also {
            line += &format!(" +{guard}");
        }
        line += "]";
        assert_eq!(held.release.is_some(), held.guard.releasable(), "{line}");
        assert_eq!(held.repair.is_some(), !held.guard.releasable(), "{line}");
    }
    if let Some(reason) = action.obstacle() {
        line += &format!(": {reason}");
    }
    line
}

/// A window in November 2026, by days; the second is the first day outside.
pub(super) fn days(from: Option<i8>, until: Option<i8>) -> Window {
    let day = |day: i8| at(&format!("2026-11-{day:02}T00:00:00Z"));
    Window { from: from.map(day), until: until.map(day) }
}

pub(super) fn values(role: &str) -> Values {
    (!role.is_empty()).then(|| ("role".into(), role.into())).into_iter().collect()
}

pub(super) fn live_values(role: &str) -> BTreeMap<FieldName, Option<FieldValue>> {
    BTreeMap::from([("role".into(), (!role.is_empty()).then(|| role.into()))])
}

//! Plans to draw: small builders, and one plan in which everything occurs.

use crate::model::{
    Action, ActionName, Against, AppPlan, Cause, Change, ClaimChange, Due, DueWhat, Edge, FieldValue, Finding,
    FindingCode, Forecast, Former, Guard, Held, Known, Leaning, Observed, Place, Plan, Reason, Rule, RuleChange, Scope,
    Seats, Severity, Snapshot, Status, Turn, Verb,
};

/// An action as its name says it, ready, without changes: `autodesk/add-member/jane@example.com/Design Team`.
pub(super) fn action(name: &str, because: &str) -> Action {
    let name = parse(name);
    let verb = name.verb;
    Action {
        reduces_access: matches!(verb, Verb::Deactivate | Verb::Delete | Verb::RemoveMember | Verb::DeleteGroup),
        adds_access: matches!(verb, Verb::Create | Verb::AddMember | Verb::Reactivate),
        reason: (verb.sign() == "-").then_some(Reason::Left),
        because: because.split_whitespace().map(place).collect(),
        ..Action::new(name)
    }
}

pub(super) fn parse(name: &str) -> ActionName {
    let mut parts = name.split('/').map(|part| part.replace("%2F", "/").into());
    let app = parts.next().unwrap();
    let verb: Verb = parts.next().map(|verb: std::sync::Arc<str>| verb.parse().unwrap()).unwrap();
    let of_group = verb.scope() == Scope::Group;
    let account = if of_group { None } else { parts.next() };
    ActionName { app, verb, account, group: parts.next() }
}

pub(super) fn place(text: &str) -> Place {
    let (file, line) = text.split_once(':').unwrap();
    Place::new(file, line.parse().unwrap(), 1)
}

impl Action {
    pub(super) fn change(mut self, field: &str, from: Option<FieldValue>, to: Option<FieldValue>) -> Self {
        self.changes.push(Change { field: field.into(), from, to });
        self
    }

    pub(super) fn sets(self, field: &str, to: &str) -> Self {
        self.change(field, None, Some(to.into()))
    }

    pub(super) fn status(mut self, status: Status, reason: &str) -> Self {
        self.status = status;
        self.note = Some(reason.into());
        self
    }

    pub(super) fn takes(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(super) fn after(mut self, name: &str, rule: Rule) -> Self {
        self.after.push(Edge { action: parse(name), rule });
        self
    }

    pub(super) fn irreversible(mut self) -> Self {
        self.irreversible = true;
        self
    }

    pub(super) fn reduces(mut self) -> Self {
        self.reduces_access = true;
        self
    }

    pub(super) fn held(self, guard: Guard, reason: &str, way_out: &str, also: &[Guard]) -> Self {
        let (release, repair) = if guard.releasable() { (Some(way_out), None) } else { (None, Some(way_out)) };
        let (release, repair) = (release.map(Into::into), repair.map(Into::into));
        let held = Held { guard, reason: reason.into(), release, repair, also: also.into() };
        Self { held: Some(held), status: Status::Held, ..self }
    }
}

pub(super) fn finding(
    severity: Severity,
    code: FindingCode,
    account: Option<&str>,
    message: &str,
    because: &str,
) -> Finding {
    Finding {
        severity,
        code,
        account: account.map(Into::into),
        group: None,
        message: message.into(),
        because: because.split_whitespace().map(place).collect(),
    }
}

pub(super) fn app(name: &str, noun: &str, actions: Vec<Action>, findings: Vec<Finding>) -> AppPlan {
    AppPlan {
        app: name.into(),
        connector: name.into(),
        group_noun: noun.into(),
        complete: true,
        observed: Observed { accounts: 152, groups: 4, memberships: 310, requests: 6, oldest_s: 0 },
        actions,
        findings,
        ..AppPlan::default()
    }
}

pub(super) fn plan(apps: Vec<AppPlan>) -> Plan {
    Plan {
        created_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        fingerprint: format!("sha256:{}", "0123456789abcdef".repeat(4)),
        guards_unchecked: Vec::new(),
        apps,
        against: None,
        snapshot: None,
        findings: Vec::new(),
    }
}

fn until(end: &str) -> Reason {
    Reason::Until(end.parse().unwrap())
}

fn former(known: Known) -> Option<Former> {
    Some(Former { places: vec![place("teams/design.yaml:9")], known })
}

/// Every status, verb, kind of guard and finding, in four apps.
pub(super) fn everything() -> Plan {
    let invited = "invitation not accepted yet (sent 2026-11-20)";
    let by_hand = "The autodesk API cannot remove a member from a team: in Autodesk Admin, open Teams, choose the team \
                   and remove the person there";
    let one_way = "a deactivation at Autodesk cannot be undone by the API";
    let autodesk = AppPlan {
        forecast: Forecast { requests: 41, seconds: 148, seats: None },
        ..app(
            "autodesk",
            "team",
            vec![
                action(
                    "autodesk/create/jane.doe@example.com",
                    "people.yaml:4 teams/design.yaml:9 teams/design.yaml:14",
                )
                .sets("family_name", "Doe")
                .sets("given_name", "Jane")
                .sets("role", "user"),
                action("autodesk/add-member/jane.doe@example.com/Design Team", "teams/design.yaml:9")
                    .sets("role", "member")
                    .status(Status::Waiting, invited)
                    .after("autodesk/create/jane.doe@example.com", Rule::AccountBeforeMembership),
                action("autodesk/add-member/li.wei@example.com/Design Team", "teams/design.yaml:11")
                    .sets("role", "member")
                    .status(Status::Waiting, invited),
                action("autodesk/update/ann@example.com", "apps/autodesk.yaml:31").change(
                    "role",
                    Some("viewer".into()),
                    Some("user".into()),
                ),
                action("autodesk/update/max.power@example.com", "apps/autodesk.yaml:33")
                    .change("given_name", None, Some("Max".into()))
                    .change("role", Some("admin".into()), Some("viewer".into()))
                    .takes(until("2026-11-21T00:00:00+01:00[Europe/Vienna]"))
                    .reduces(),
                action("autodesk/add-member/sam.lee@example.com/Design Team", "teams/design.yaml:10")
                    .sets("role", "lead"),
                action("autodesk/add-member/sam.lee@example.com/Platform%2FCore", "apps/autodesk.yaml:52")
                    .sets("role", "member"),
                action("autodesk/deactivate/old.hand@example.com", "people.yaml:21").irreversible(),
                action("autodesk/deactivate/bob@example.com", "apps/autodesk.yaml:3").irreversible().held(
                    Guard::Irreversible,
                    one_way,
                    "- { allow: autodesk/deactivate/bob@example.com, guard: irreversible, until: 2026-12-22 }",
                    &[Guard::MinAdmins],
                ),
                action("autodesk/deactivate/eve@example.com", "apps/autodesk.yaml:3")
                    .takes(Reason::Ungranted(None))
                    .irreversible()
                    .held(
                        Guard::Irreversible,
                        one_way,
                        "- { allow: autodesk/deactivate/eve@example.com, guard: irreversible, until: 2026-12-22 }",
                        &[Guard::MinAdmins],
                    ),
                action("autodesk/update/twin@example.com", "people.yaml:40").sets("role", "user").held(
                    Guard::Ambiguous,
                    "two live accounts belong to twin@example.com: user-17 and user-230",
                    "pin the right one under the app's ids, as in `ids: { twin@example.com: user-17 }`",
                    &[],
                ),
                action("autodesk/remove-member/lee@example.com/Design Team", "teams/design.yaml:3")
                    .takes(Reason::Ungranted(former(Known::On(jiff::civil::date(2026, 10, 2)))))
                    .status(Status::Manual, by_hand),
                action("autodesk/create-group/Night Shift", "apps/autodesk.yaml:70").status(
                    Status::Manual,
                    "The autodesk API cannot make teams: create it in Autodesk Admin, then pin its id under the group",
                ),
            ],
            vec![
                finding(
                    Severity::Warning,
                    FindingCode::UnexpectedAdmin,
                    Some("root@contractor.example"),
                    "root@contractor.example is an admin here, and no line makes them one",
                    "",
                ),
                finding(
                    Severity::Error,
                    FindingCode::AmbiguousAccount,
                    Some("kim@example.com"),
                    "the account with this address has another id than last time (user-9, was user-4); nothing is done \
                     to it until someone says whose it is",
                    "people.yaml:55",
                ),
                finding(
                    Severity::Note,
                    FindingCode::UnlistedAccount,
                    Some("demo@vendor.example"),
                    "demo@vendor.example is live and named nowhere in the files",
                    "",
                ),
            ],
        )
    };
    let mut workiva = app(
        "workiva",
        "group",
        vec![
            action("workiva/create-group/Finance Team", "apps/workiva.yaml:12").sets("description", "Closes the books"),
            action("workiva/update-group/Audit", "apps/workiva.yaml:19").change(
                "description",
                Some("".into()),
                Some("Audit, internal".into()),
            ),
            action("workiva/delete-group/Interns 2025", "apps/workiva.yaml:23").takes(Reason::Absent).irreversible(),
            action("workiva/reactivate/zoe@example.com", "teams/design.yaml:9"),
            action("workiva/add-member/zoe@example.com/Finance Team", "teams/finance.yaml:6 teams/design.yaml:9"),
            action("workiva/change-member/zoe@example.com/Audit", "apps/workiva.yaml:20").change(
                "roles",
                Some(FieldValue::Set(["Viewer".into()].into())),
                Some(FieldValue::Set(["Editor".into(), "Viewer".into()].into())),
            ),
            action("workiva/remove-member/max.power@example.com/Audit", "apps/workiva.yaml:19")
                .takes(Reason::Suspended),
            action("workiva/delete/test@example.com", "settings.yaml:8").takes(Reason::Unlisted(None)).irreversible(),
        ],
        Vec::new(),
    );
    workiva.observed = Observed { accounts: 1, groups: 1, memberships: 0, requests: 1, oldest_s: 7_500 };
    workiva.forecast = Forecast { requests: 17, seconds: 4200, seats: Some(Seats { needed: 3, free: 1 }) };
    workiva.complete = false;
    let mut acc = app("construction", "project", Vec::new(), Vec::new());
    acc.connector = "acc".into();
    acc.error = Some(
        "GET https://developer.api.autodesk.com/hq/v1/accounts/abc/users: 403 Forbidden: the credential lacks the scope \
         account:read; add it to the app's registration"
            .into(),
    );
    acc.observed = Observed::default();
    let mut all = plan(vec![workiva, autodesk, acc, app("alteryx", "user group", Vec::new(), Vec::new())]);
    all.guards_unchecked = vec![Guard::Shrank, Guard::Reactivation];
    all
}

/// A plan that was compared with another version of the files, against an old snapshot, with dates to come.
pub(super) fn compared() -> Plan {
    let mut removal = action("autodesk/remove-member/sam.lee@example.com/Design Team", "apps/autodesk.yaml:9");
    let commit = "0123456789abcdef0123456789abcdef01234567".to_owned();
    removal.reason = Some(Reason::Ungranted(former(Known::UntilCommit(commit))));
    removal.gone = vec![place("teams/design.yaml:9")];
    let mut actions = [
        (removal, Cause::Change),
        (action("autodesk/deactivate/old.hand@example.com", "people.yaml:21").irreversible(), Cause::Time),
        (action("autodesk/add-member/li.wei@example.com/Design Team", "teams/design.yaml:11"), Cause::Drift),
    ];
    for (action, cause) in &mut actions {
        action.cause = Some(*cause);
    }
    let mut app = app("autodesk", "team", actions.into_iter().map(|(action, _)| action).collect(), Vec::new());
    let due = |at: &str, what: DueWhat, account: &str, group: Option<&str>| Due {
        at: at.parse().unwrap(),
        account: account.into(),
        group: group.map(Into::into),
        what,
        because: vec![place("teams/design.yaml:10")],
    };
    app.due = vec![
        due("2026-12-01T00:00:00+01:00[Europe/Vienna]", DueWhat::Begins, "jane.doe@example.com", None),
        due("2026-12-02T00:00:00+01:00[Europe/Vienna]", DueWhat::Ends, "sam.lee@example.com", Some("Design Team")),
    ];
    let mut plan = plan(vec![app]);
    plan.against = Some(Against {
        reference: "main".into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        no_longer: vec![parse("autodesk/create/max@example.com")],
        rules: rules(),
        claims: claims(),
    });
    plan.snapshot = Some(Snapshot { taken_at: "2026-11-20T10:00:00Z".parse().unwrap(), age_s: 2 * 86_400 });
    plan.findings = vec![finding(
        Severity::Warning,
        FindingCode::UnusedChange,
        None,
        "`url` of autodesk changes from `https://a.example/` to `https://b.example/`; nothing was sent by the new value, \
         which counts once this change is merged",
        "apps/autodesk.yaml:2",
    )];
    plan
}

fn rules() -> Vec<RuleChange> {
    let rule = |leaning, rule: &str, app: Option<&str>, from: Option<&str>, to: Option<&str>| RuleChange {
        leaning,
        rule: rule.into(),
        app: app.map(Into::into),
        group: None,
        from: from.map(Into::into),
        to: to.map(Into::into),
        gives: Vec::new(),
        because: vec![place("settings.yaml:4")],
        gone: vec![place("settings.yaml:4")],
    };
    let hold = |app| rule(Leaning::Loosens, "policy.irreversible", Some(app), Some("hold"), Some("allow"));
    let mut matched = rule(Leaning::Loosens, "teams.it.match", None, None, Some("department: [IT]"));
    matched.gives = vec!["role admin in autodesk, which administers".into()];
    vec![
        hold("alteryx"),
        hold("autodesk"),
        matched,
        rule(Leaning::Tightens, "policy.min_admins", Some("autodesk"), Some("1"), Some("2")),
    ]
}

fn claims() -> Vec<ClaimChange> {
    let claim = |account: &str, turn, from: Option<&str>, role: &str| ClaimChange {
        app: "autodesk".into(),
        account: account.into(),
        group: None,
        turn,
        from: from.map(|from| from.parse().unwrap()),
        until: None,
        values: [("role".into(), role.into())].into(),
        administrates: role == "admin",
        because: vec![place("apps/autodesk.yaml:12")],
    };
    vec![
        claim("eve@example.com", Turn::Added, Some("2027-01-01T00:00:00+01:00[Europe/Vienna]"), "admin"),
        claim("sam.lee@example.com", Turn::Removed, None, "user"),
    ]
}

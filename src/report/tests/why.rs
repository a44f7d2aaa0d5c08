//! What one person gets, and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    NARROW,
    fixture::{action, app, place, plan},
    snapshot,
};
use crate::{
    model::{
        AccountStatus, Action, Auth, BudgetSpec, Claim, Coverage, Desired, DesiredAccount, DesiredApp, DesiredGroup,
        Email, Find, GroupRules, GroupState, Guard, Limits, Live, LiveAccount, LiveApp, LiveGroup, LiveMember,
        MemberChange, MemberRead, MemberRules, Mode, Person, PersonStatus, Policy, RoleRule, Semantics, Settings,
        Status, Values, Window,
    },
    report,
    why::{State, why, with_live},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T10:00:00Z")
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn window(from: &str, until: &str) -> Window {
    let day = |text: &str| (!text.is_empty()).then(|| at(&format!("{text}T00:00:00Z")));
    Window { from: day(from), until: day(until) }
}

fn claim(because: &str, role: &str, window: Window) -> Claim {
    let values: Values = (!role.is_empty()).then(|| ("role".into(), role.into())).into_iter().collect();
    Claim { window, values, because: because.split_whitespace().map(place).collect(), reason: None }
}

fn semantics() -> Semantics {
    let role = |ranked: &[&str]| RoleRule {
        ranked: ranked.iter().map(|role| (*role).into()).collect(),
        ..RoleRule::default()
    };
    Semantics {
        connector: "autodesk".into(),
        account_noun: "user".into(),
        group_noun: "team".into(),
        fields: ["role".into()].into(),
        fixed: BTreeSet::new(),
        role: Some(role(&["viewer", "user", "admin"])),
        find: Find::Sweep,
        carries: BTreeSet::new(),
        create: None,
        update: true,
        deactivate: None,
        reactivate: false,
        delete: None,
        cancel_pending: None,
        inactive_keeps_seat: false,
        groups: GroupRules::default(),
        members: MemberRules {
            read: MemberRead::PerAccount,
            add: true,
            when: [AccountStatus::Active].into(),
            change: MemberChange::Again,
            remove: false,
            creates_account: false,
            creates_with: BTreeSet::new(),
            optional: BTreeSet::new(),
            joins_as: BTreeMap::new(),
            add_at_once: 1,
            remove_at_once: 1,
            role: Some(role(&["member", "lead"])),
            fields: ["role".into()].into(),
        },
        manual: Default::default(),
        effort: BTreeMap::new(),
        address_reads: 0,
        settle: std::time::Duration::ZERO,
        limits: Limits::default(),
    }
}

fn group(name: &str, members: &[(&str, Vec<Claim>)]) -> (Arc<str>, DesiredGroup) {
    let members = members.iter().map(|(who, claims)| (email(who), claims.clone())).collect();
    let group = DesiredGroup {
        name: name.into(),
        id: None,
        state: GroupState::Present,
        mode: Mode::Enforce,
        policy: Policy::default(),
        values: Values::new(),
        members,
        managed: ["role".into()].into(),
        place: place("apps/autodesk.yaml:50"),
    };
    (name.into(), group)
}

/// Jane has an account by two paths, one membership now, one later and one that is over.
fn desired(status: PersonStatus) -> Desired {
    let jane = email("jane.doe@example.com");
    let mut covers = claim("teams/design.yaml:10 teams/design.yaml:14", "lead", window("", "2027-04-01"));
    covers.reason = Some("covers Sam's leave, DES-41".into());
    let app = DesiredApp {
        name: "autodesk".into(),
        semantics: Arc::new(semantics()),
        connector: "autodesk".into(),
        url: "https://developer.api.autodesk.com".parse().unwrap(),
        auth: Auth::default(),
        options: Default::default(),
        budget: BudgetSpec::default(),
        mode: Mode::Enforce,
        seats: None,
        self_account: None,
        policy: Policy::default(),
        defaults: [("role".into(), "viewer".into())].into(),
        grantable: Default::default(),
        managed: ["role".into()].into(),
        accounts: [(
            jane.clone(),
            DesiredAccount {
                claims: vec![
                    claim("apps/autodesk.yaml:31", "viewer", Window::ALWAYS),
                    claim("teams/design.yaml:9 teams/design.yaml:14", "user", window("", "2027-12-01")),
                ],
            },
        )]
        .into(),
        groups: [
            group(
                "Design Team",
                &[(
                    "jane.doe@example.com",
                    vec![claim("teams/design.yaml:9 teams/design.yaml:14", "member", Window::ALWAYS), covers],
                )],
            ),
            group(
                "Night Shift",
                &[("jane.doe@example.com", vec![claim("apps/autodesk.yaml:61", "", window("2026-12-01", ""))])],
            ),
            group(
                "Old Project",
                &[("jane.doe@example.com", vec![claim("apps/autodesk.yaml:70", "", window("", "2026-06-01"))])],
            ),
        ]
        .into(),
        ids: [(jane.clone(), ("user-123".into(), place("apps/autodesk.yaml:90")))].into(),
        place: place("apps/autodesk.yaml:1"),
    };
    let person = Person {
        email: jane.clone(),
        given_name: Some("Jane".into()),
        family_name: Some("Doe".into()),
        aliases: vec![email("jdoe@example.com")],
        attributes: [("department".into(), "Design".into())].into(),
        window: window("", "2028-01-01"),
        status,
        place: place("people.yaml:4"),
        status_place: None,
        until_place: None,
    };
    Desired {
        people: [(jane.clone(), person)].into(),
        aliases: [(email("jdoe@example.com"), jane.clone())].into(),
        named: [jane, email("backup@example.com")].into(),
        teams: Default::default(),
        apps: [(app.name.clone(), app)].into(),
        approvals: Vec::new(),
        settings: Settings { time_zone: TimeZone::UTC, ..Settings::default() },
    }
}

#[test]
fn everything_a_person_gets_is_told_with_its_lines() {
    let why = why(&desired(PersonStatus::Active), &email("jane.doe@example.com"), now());
    snapshot("why-80", &report::why::text(&why, &NARROW));
    snapshot("why-json", &report::why::to_json(&why));
}

#[test]
fn an_alias_answers_for_its_person() {
    let why = why(&desired(PersonStatus::Active), &email("JDoe@example.com"), now());
    assert_eq!(why.email, email("jane.doe@example.com"));
    assert_eq!(why.apps.len(), 1);
}

#[test]
fn the_higher_role_of_two_paths_holds_as_long_as_any_path_does() {
    let desired = desired(PersonStatus::Active);
    let account = |now| why(&desired, &email("jane.doe@example.com"), now).apps[0].account.clone();
    let today = account(now());
    assert_eq!((today.state, today.window), (State::Granted, Window::ALWAYS));
    assert_eq!(today.values, [("role".into(), "user".into())].into());
    assert_eq!(account(at("2027-12-01T00:00:00Z")).values, [("role".into(), "viewer".into())].into());
}

#[test]
fn windows_that_touch_hold_without_a_break() {
    let mut desired = desired(PersonStatus::Active);
    let jane = email("jane.doe@example.com");
    let app = desired.apps.get_mut("autodesk").unwrap();
    app.groups.clear();
    let of = |from, until| claim("x.yaml:1", "", window(from, until));
    app.accounts.get_mut(&jane).unwrap().claims =
        vec![of("2027-03-01", "2027-04-01"), of("2026-01-01", "2027-01-01"), of("2027-01-01", "2027-02-01")];
    let account = why(&desired, &jane, now()).apps[0].account.clone();
    assert_eq!(account.window, window("2026-01-01", "2027-02-01"));
}

#[test]
fn who_left_gets_nothing_and_who_is_suspended_keeps_grants() {
    let states = |status| {
        let why = why(&desired(status), &email("jane.doe@example.com"), now());
        why.apps[0].groups.iter().map(|(_, grant)| grant.state).collect::<Vec<_>>()
    };
    assert_eq!(states(PersonStatus::Active), [State::Granted, State::Upcoming, State::Lapsed]);
    assert_eq!(states(PersonStatus::Suspended), [State::Suspended, State::Upcoming, State::Lapsed]);
    assert_eq!(states(PersonStatus::Left), [State::Left; 3]);
}

#[test]
fn an_account_that_only_a_membership_grants_has_the_defaults() {
    let mut desired = desired(PersonStatus::Active);
    desired.apps.get_mut("autodesk").unwrap().accounts.clear();
    let why = why(&desired, &email("jane.doe@example.com"), now());
    assert_eq!(why.apps[0].account.values, [("role".into(), "viewer".into())].into());
    assert_eq!(why.apps[0].account.state, State::Granted);
}

#[test]
fn an_unknown_address_is_answered_with_those_that_look_alike() {
    let ask = |text| report::why::text(&why(&desired(PersonStatus::Active), &email(text), now()), &NARROW);
    insta::assert_snapshot!(ask("jane.deo@example.com"), @r"
    jane.deo@example.com is named nowhere in the files.
    Did you mean jane.doe@example.com?
    ");
    insta::assert_snapshot!(ask("backup@example.org"), @r"
    backup@example.org is named nowhere in the files.
    Did you mean backup@example.com?
    ");
    insta::assert_snapshot!(ask("zebra@example.com"), @"zebra@example.com is named nowhere in the files.");
}

/// Where Jane stands in an app, and what is left to do.
fn seen(status: AccountStatus, actions: Vec<Action>) -> String {
    let desired = desired(PersonStatus::Active);
    let account = LiveAccount {
        id: "user-123".into(),
        email: email("jdoe@example.com"),
        status,
        other_addresses: BTreeSet::new(),
        values: [("role".into(), Some("user".into()))].into(),
        created_at: Some(at("2026-11-20T09:00:00Z")),
    };
    let design = LiveGroup {
        members: vec![LiveMember::new("user-123".into(), [("role".into(), Some("lead".into()))].into())],
        ..LiveGroup::named("team-1".into(), "Design Team".into(), Coverage::Complete)
    };
    let (accounts, groups) = (vec![account], vec![design]);
    let live = LiveApp { accounts, groups, ..LiveApp::empty(at("2026-11-22T08:00:00Z")) };
    let live = Live { apps: [("autodesk".into(), Ok(live))].into() };
    let plan = plan(vec![app("autodesk", "team", actions, Vec::new())]);
    let jane = why(&desired, &email("jane.doe@example.com"), now());
    report::why::text(&with_live(jane, &desired, &live, &plan), &NARROW)
}

#[test]
fn what_is_live_invited_held_and_waiting_is_told_below_what_is_granted() {
    let invited = "invitation not accepted yet (sent 2026-11-20)";
    let waits = || action("autodesk/add-member/jane.doe@example.com/Night Shift", "x.yaml:1");
    let release = "- { allow: autodesk/deactivate/jane.doe@example.com, guard: irreversible, until: 2026-12-22 }";
    let goes = || action("autodesk/deactivate/jane.doe@example.com", "x.yaml:1");
    let held = goes().held(Guard::Irreversible, "it cannot be undone", release, &[]);
    for (status, actions, expect) in [
        (
            AccountStatus::Active,
            vec![],
            &["seen 2026-11-22 08:00 UTC:", "live, as jdoe@example.com", "in Design Team, role: lead"][..],
        ),
        (AccountStatus::Pending, vec![], &["invited and not accepted yet", "sent 2026-11-20"]),
        (
            AccountStatus::Pending,
            vec![waits().status(Status::Waiting, invited)],
            &["waiting: + add-member", "Night Shift", invited],
        ),
        (
            AccountStatus::Active,
            vec![held],
            &["held: - deactivate, left", "irreversible: it cannot be undone", release],
        ),
        (AccountStatus::Active, vec![goes()], &["to do: - deactivate, left"]),
    ] {
        let text = seen(status, actions);
        for part in expect {
            assert!(text.contains(part), "`{part}` is missing in:\n{text}");
        }
    }
}

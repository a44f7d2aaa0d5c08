//! Random worlds: a few people, accounts and groups, so small that everything meets everything.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::fixture::*;
use crate::{model::*, plan::AppHistory};

const PEOPLE: usize = 6;
const GROUPS: usize = 3;

/// One account or membership line: a role and a window.
type Line = (u8, u8);

#[derive(Debug, Clone)]
struct Someone {
    standing: u8,
    grants: Vec<Line>,
    members: Vec<Option<Line>>,
    alias: bool,
    pin: Option<u8>,
}

#[derive(Debug, Clone)]
struct Account {
    who: u8,
    spelling: u8,
    status: u8,
    role: u8,
    members: Vec<Option<u8>>,
}

#[derive(Debug, Clone)]
struct Group {
    declared: u8,
    live: bool,
    mode: u8,
    pinned: bool,
    complete: bool,
}

#[derive(Debug, Clone)]
struct Rules {
    unlisted: u8,
    delete: bool,
    allow_irreversible: bool,
    protect: bool,
    caps: u8,
    min_admins: u8,
    freeze: bool,
    mode: u8,
    seats: Option<u8>,
    own: Option<u8>,
    complete: bool,
    unread: bool,
    history: u8,
    /// None, one that lets leavers go, or one that holds them as well.
    pause: u8,
    semantics: u16,
    approvals: Vec<(u8, u8, u8)>,
}

fn who(n: u8) -> String {
    format!("p{n}@x.io")
}

fn window(n: u8) -> Window {
    match n {
        0 => days(Some(1), None),
        1 => days(Some(25), None),
        2 => days(None, Some(10)),
        _ => Window::ALWAYS,
    }
}

fn role(n: u8) -> &'static str {
    ["", "viewer", "user", "admin"][usize::from(n) % 4]
}

fn line() -> impl Strategy<Value = Line> {
    (0..4u8, 0..8u8)
}

fn someone() -> impl Strategy<Value = Someone> {
    let standing = select(vec![0u8, 1, 1, 1, 1, 2, 3, 4]);
    (standing, vec(line(), 0..3), vec(option::of(line()), GROUPS), any::<bool>(), option::weighted(0.1, 0..8u8))
        .prop_map(|(standing, grants, members, alias, pin)| Someone { standing, grants, members, alias, pin })
}

fn account() -> impl Strategy<Value = Account> {
    let status = select(vec![0u8, 0, 0, 0, 1, 1, 2, 2, 3]);
    (0..PEOPLE as u8 + 2, select(vec![0u8, 0, 0, 0, 1, 2]), status, 0..5u8, vec(option::of(0..3u8), GROUPS))
        .prop_map(|(who, spelling, status, role, members)| Account { who, spelling, status, role, members })
}

fn group() -> impl Strategy<Value = Group> {
    let declared = select(vec![0u8, 1, 1, 1, 2]);
    let mode = select(vec![0u8, 0, 0, 0, 1, 2]);
    (declared, any::<bool>(), mode, prop::bool::weighted(0.2), prop::bool::weighted(0.9))
        .prop_map(|(declared, live, mode, pinned, complete)| Group { declared, live, mode, pinned, complete })
}

fn rules() -> impl Strategy<Value = Rules> {
    let first = (0..3u8, any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), 0..3u8, 0..3u8);
    let second = (
        prop::bool::weighted(0.1),
        select(vec![0u8, 0, 0, 0, 0, 0, 1, 2]),
        option::weighted(0.3, 1..8u8),
        option::weighted(0.2, 0..PEOPLE as u8),
    );
    let third = (
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.1),
        0..4u8,
        select(vec![0u8, 0, 0, 0, 0, 0, 0, 1, 2]),
        any::<u16>(),
    );
    (first, second, third, vec((any::<u8>(), any::<u8>(), 0..4u8), 0..5)).prop_map(
        |((unlisted, delete, allow_irreversible, protect, caps, min_admins), second, third, approvals)| {
            let (freeze, mode, seats, own) = second;
            let (complete, unread, history, pause, semantics) = third;
            Rules {
                unlisted,
                delete,
                allow_irreversible,
                protect,
                caps,
                min_admins,
                freeze,
                mode,
                seats,
                own,
                complete,
                unread,
                history,
                pause,
                semantics,
                approvals,
            }
        },
    )
}

/// Any world at all.
pub(super) fn any_world() -> impl Strategy<Value = World> {
    (vec(someone(), PEOPLE), vec(account(), 0..8), vec(group(), GROUPS), rules())
        .prop_map(|(people, accounts, groups, rules)| build(&people, &accounts, &groups, &rules))
}

/// A world in which nothing has to stop short of what is desired: everything is allowed, possible and certain.
pub(super) fn willing_world() -> impl Strategy<Value = World> {
    any_world().prop_map(|world| {
        let mut seen = std::collections::BTreeSet::new();
        let first = world.desired.clone();
        let mut world = world
            .semantics(|semantics| {
                let many = semantics.inactive_keeps_seat;
                *semantics = full();
                if many {
                    semantics.create = Some(CreateRule { require: [].into(), becomes: AccountStatus::Pending });
                    semantics.members.when = [AccountStatus::Active].into();
                    semantics.deactivate = Some(DeactivateRule { irreversible: false, strips_members: true });
                }
            })
            .app(|app| {
                app.mode = Mode::Enforce;
                app.seats = None;
                app.self_account = None;
                app.ids.clear();
                app.policy.irreversible = Irreversible::Allow;
                app.policy.protect.clear();
                app.policy.max_removals = Cap { share_percent: 0.0, at_least: 99 };
                app.policy.max_creates = Cap { share_percent: 0.0, at_least: 99 };
                app.policy.min_admins = 0;
                app.policy.freeze.clear();
                for group in app.groups.values_mut() {
                    group.mode = Mode::Enforce;
                    group.id = None;
                    group.policy = app.policy.clone();
                }
            })
            .seen(|live| {
                live.accounts_coverage = Coverage::Complete;
                live.unread_memberships.clear();
                live.accounts.retain(|account| {
                    !matches!(account.status, AccountStatus::Unknown(_))
                        && !account.email.key().is_empty()
                        && seen.insert(first.identity(&account.email).clone())
                });
                for account in &mut live.accounts {
                    account.values.entry("role".into()).or_insert(None);
                }
                let ids: Vec<_> = live.accounts.iter().map(|account| account.id.clone()).collect();
                for group in &mut live.groups {
                    group.coverage = Coverage::Complete;
                    group.members.retain(|member| ids.contains(&member.account));
                }
            });
        world.history = None;
        world.trusting = true;
        world = world.approve("a", Guard::Reactivation, None);
        // Somebody stays everywhere, because the last one is never removed merely for want of a grant.
        let groups: Vec<String> = world.desired.apps["a"].groups.keys().map(ToString::to_string).collect();
        groups.iter().fold(world.grant("keeper@x.io"), |world, group| world.member(group, "keeper@x.io"))
    })
}

fn build(people: &[Someone], accounts: &[Account], groups: &[Group], rules: &Rules) -> World {
    let mut world = World::new(semantics(rules.semantics));
    for (n, group) in groups.iter().enumerate() {
        let name = format!("G{n}");
        if group.declared > 0 {
            world = world.group(&name).edit_group(&name, |desired| {
                desired.state = if group.declared == 2 { GroupState::Absent } else { GroupState::Present };
                desired.mode = [Mode::Enforce, Mode::Add, Mode::Observe][usize::from(group.mode)];
                desired.id = group.pinned.then(|| format!("g{n}").into());
            });
        }
    }
    for (n, someone) in people.iter().enumerate() {
        world = person(world, n as u8, someone);
    }
    for (n, group) in groups.iter().enumerate().filter(|(_, group)| group.live) {
        let members: Vec<(String, &str)> = accounts
            .iter()
            .enumerate()
            .filter_map(|(id, account)| {
                Some((id.to_string(), ["", "member", "lead"][usize::from(account.members[n]?)]))
            })
            .collect();
        let members: Vec<(&str, &str)> = members.iter().map(|(id, role)| (id.as_str(), *role)).collect();
        world = world.live_group_as(&format!("g{n}"), &format!("G{n}"), &members);
        if !group.complete {
            world.live.groups.last_mut().expect("just added").coverage = Coverage::Incomplete("cut off".into());
        }
    }
    for (id, account) in accounts.iter().enumerate() {
        let address = match (account.who, account.spelling) {
            (n, _) if n as usize > PEOPLE => String::new(),
            (n, 1) => who(n).to_uppercase(),
            (n, 2) => format!("old-{}", who(n)),
            (n, _) => who(n),
        };
        let status = match account.status {
            0 => AccountStatus::Active,
            1 => AccountStatus::Pending,
            2 => AccountStatus::Inactive,
            _ => AccountStatus::Unknown("odd".into()),
        };
        world = world.live_as(&id.to_string(), &address, status, role(account.role));
        if account.role == 4 {
            world.live.accounts[id].values.clear();
        }
    }
    govern(world, rules)
}

fn person(mut world: World, n: u8, someone: &Someone) -> World {
    let name = who(n);
    if someone.standing == 0 {
        return world;
    }
    world = match someone.standing {
        2 => world.suspended(&name),
        3 => world.left(&name),
        4 => world.lapsed(&name),
        _ => world.person(&name),
    };
    for (role_n, window_n) in &someone.grants {
        world = world.grant_as(&name, role(*role_n), window(*window_n));
    }
    for (group, line) in someone.members.iter().enumerate() {
        let group = format!("G{group}");
        if let (Some((role_n, window_n)), true) = (line, world.desired.apps["a"].groups.contains_key(&*group)) {
            let role = ["", "", "member", "lead"][usize::from(*role_n)];
            world = world.member_as(&group, &name, role, window(*window_n));
        }
    }
    if someone.alias {
        world = world.alias(&name, &format!("old-{name}"));
    }
    if let Some(id) = someone.pin {
        world = world.pin(&name, &id.to_string());
    }
    world
}

fn govern(world: World, rules: &Rules) -> World {
    let cap = match rules.caps {
        0 => Cap { share_percent: 0.0, at_least: 1 },
        1 => Cap { share_percent: 50.0, at_least: 0 },
        _ => Cap { share_percent: 0.0, at_least: 99 },
    };
    let mut world = world
        .policy(|policy| {
            policy.unlisted = [Unlisted::Report, Unlisted::Remove, Unlisted::Ignore][usize::from(rules.unlisted)];
            policy.aliases = [Aliases::Rename, Aliases::Rename, Aliases::Keep][usize::from(rules.unlisted)];
            policy.remove_with = if rules.delete { RemoveWith::Delete } else { RemoveWith::Deactivate };
            policy.irreversible = if rules.allow_irreversible { Irreversible::Allow } else { Irreversible::Hold };
            policy.protect = rules.protect.then(|| "p1@*".to_owned()).into_iter().collect();
            (policy.max_removals, policy.max_creates) = (cap, cap);
            policy.min_admins = rules.min_admins.into();
            let place = Place::new("settings.yaml", 1, 1);
            let freeze = Freeze { window: Window::ALWAYS, reason: None, place };
            policy.freeze = rules.freeze.then_some(freeze).into_iter().collect();
        })
        .app(|app| {
            app.mode = [Mode::Enforce, Mode::Add, Mode::Observe][usize::from(rules.mode)];
            app.seats = rules.seats.map(Into::into);
            app.self_account = rules.own.map(|n| email(&who(n)));
            app.defaults.insert("role".into(), "viewer".into());
        });
    if !rules.complete {
        world.live.accounts_coverage = Coverage::Incomplete("cut off".into());
    }
    if rules.unread {
        world.live.unread_memberships.insert("0".into());
    }
    world.trusting = rules.semantics >> 15 == 0;
    world.history = (rules.history > 1).then(|| AppHistory {
        deactivated_by_us: ["0".into(), "2".into(), "4".into()].into(),
        accounts_last_seen: (rules.history == 3).then_some(12),
        active_at_day_start: Some(6),
        lost_today: [(email(&who(0)), None)].into(),
        gained_today: [(email(&who(5)), Some("G0".into()))].into(),
        pauses: (rules.pause > 0).then(|| paused(rules.pause > 1)).into_iter().collect(),
        under_way: [(format!("a/create/{}", who(4)), "a request is under way".to_owned())].into(),
        ..AppHistory::default()
    });
    for (target, guard, up_to) in &rules.approvals {
        let person = who(target % PEOPLE as u8);
        let verb = Verb::ALL[usize::from(*target) % Verb::ALL.len()];
        let allow = match target % 5 {
            0 => "a".to_owned(),
            1 => format!("a/{verb}"),
            2 => format!("a/deactivate/{person}"),
            3 => format!("a/delete/{person}"),
            _ => format!("a/remove-member/{person}"),
        };
        let releasable: Vec<Guard> = Guard::ALL.iter().copied().filter(|guard| guard.releasable()).collect();
        let guard = releasable[usize::from(*guard) % releasable.len()];
        world = world.approve(&allow, guard, (*up_to > 0).then(|| u32::from(*up_to)));
    }
    world
}

fn paused(holds_leavers: bool) -> Pause {
    let window = days(Some(20), Some(30));
    let (since, until) = (window.from.unwrap(), window.until.unwrap());
    Pause { app: None, since, until, by: "ann".into(), reason: "moving".into(), holds_leavers }
}

fn semantics(bits: u16) -> Semantics {
    let bit = |n: u16| bits >> n & 1 == 1;
    let mut semantics = if bit(0) { full() } else { one_way() };
    semantics.inactive_keeps_seat = bit(1);
    if bit(2) {
        semantics.cancel_pending = Some(Verb::Deactivate);
    }
    if let (true, Some(rule)) = (bit(3), &mut semantics.deactivate) {
        rule.strips_members = true;
    }
    if let (true, Some(rule)) = (bit(4), &mut semantics.role) {
        rule.ranked.clear();
    }
    if let (true, Some(rule)) = (bit(5), &mut semantics.create) {
        rule.becomes =
            if rule.becomes == AccountStatus::Active { AccountStatus::Pending } else { AccountStatus::Active };
    }
    if bit(6) && bit(7) {
        semantics.members.when.remove(&AccountStatus::Pending);
    }
    if bit(8) && bit(9) {
        semantics.create = None;
    }
    if bit(10) && bit(11) {
        semantics.members.remove = false;
    }
    if bit(12) && bit(13) {
        semantics.fixed.insert("role".into());
    }
    if bit(14) {
        semantics.fixed.insert("email".into());
    }
    semantics
}

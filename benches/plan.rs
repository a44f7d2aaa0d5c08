//! How long planning takes and how much memory: `cargo bench --bench plan`. Prints a table; asserts nothing but that
//! something was planned, because machines differ.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use rosterd::{
    model::*,
    plan::{Inputs, plan},
};

fn main() {
    println!(
        "{:>8} {:>9} {:>7} {:>12} {:>8} {:>9} {:>9} {:>9}",
        "people", "accounts", "groups", "state", "actions", "seconds", "cpu", "peak MiB"
    );
    for (people, groups) in [(1_000, 20), (10_000, 100), (100_000, 200)] {
        for state in [State::Equal, State::Drifted, State::Capped, State::Empty] {
            let desired = desired(people, groups, state);
            let live = live(people, groups, state);
            let accounts = live.apps["app"].as_ref().map_or(0, |app| app.accounts.len());
            let (seconds, cpu, actions) = measure(&desired, &live);
            let name = format!("{state:?}").to_lowercase();
            println!(
                "{people:>8} {accounts:>9} {groups:>7} {name:>12} {actions:>8} {:>9.3} {:>9.3} {:>9}",
                seconds.as_secs_f64(),
                cpu.as_secs_f64(),
                peak_mib()
            );
        }
    }
}

/// How far live is from desired.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Nothing to do.
    Equal,
    /// A few percent of everything is wrong, and all of it may be mended.
    Drifted,
    /// The same, and the default caps hold it.
    Capped,
    /// Nobody is there yet.
    Empty,
}

/// The best of three, because the first run also warms the caches.
fn measure(desired: &Desired, live: &Live) -> (Duration, Duration, usize) {
    let inputs = Inputs { desired, desired_digest: "", live, history: None, base: None, others: None, now: now() };
    let (mut best, mut best_cpu) = (Duration::MAX, Duration::MAX);
    let mut actions = 0;
    for _ in 0..3 {
        let (start, start_cpu) = (Instant::now(), cpu());
        let plan = plan(&inputs);
        best = best.min(start.elapsed());
        best_cpu = best_cpu.min(cpu().saturating_sub(start_cpu));
        actions = plan.apps[0].actions.len();
    }
    (best, best_cpu, actions)
}

/// Time that this process really had a processor, which tells more than a clock on a busy machine; zero where the system
/// does not tell.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_795_000_000).expect("a date in 2026")
}

fn address(n: usize) -> Email {
    Email::parse(&format!("person.{n}@example.com")).expect("a valid address")
}

fn role(name: &str) -> Values {
    BTreeMap::from([("role".into(), name.into())])
}

fn claim(role_name: &str, line: usize) -> Claim {
    let place = Place::new("people.yaml", u32::try_from(line).unwrap_or(u32::MAX), 1);
    Claim { window: Window::ALWAYS, values: role(role_name), because: vec![place], reason: None }
}

fn names(texts: &[&str]) -> BTreeSet<Arc<str>> {
    texts.iter().map(|text| Arc::from(*text)).collect()
}

fn semantics() -> Semantics {
    let ranked = |roles: &[&str]| RoleRule {
        ranked: roles.iter().map(|role| Arc::from(*role)).collect(),
        admin: names(&["admin"]),
        ..RoleRule::default()
    };
    Semantics {
        connector: "bench".into(),
        account_noun: "user".into(),
        group_noun: "group".into(),
        fields: names(&["role", "given_name", "family_name"]),
        fixed: BTreeSet::new(),
        role: Some(ranked(&["viewer", "user", "admin"])),
        find: Find::QUERY,
        carries: names(&["role"]),
        create: Some(CreateRule { require: BTreeSet::new(), becomes: AccountStatus::Active }),
        update: true,
        deactivate: Some(DeactivateRule::default()),
        reactivate: true,
        delete: None,
        cancel_pending: None,
        inactive_keeps_seat: false,
        groups: GroupRules { list: true, create: true, update: true, delete: true, ..GroupRules::default() },
        members: MemberRules {
            read: MemberRead::PerGroup,
            add: true,
            when: [AccountStatus::Active].into(),
            change: MemberChange::InPlace,
            remove: true,
            creates_account: false,
            creates_with: BTreeSet::new(),
            optional: Default::default(),
            joins_as: BTreeMap::new(),
            add_at_once: 1,
            remove_at_once: 1,
            role: Some(ranked(&["member", "lead"])),
            fields: names(&["role"]),
        },
        manual: BTreeMap::new(),
        effort: BTreeMap::new(),
        address_reads: 0,
        settle: Duration::ZERO,
        limits: Limits::default(),
    }
}

/// Everyone has an account and two memberships; in a drifted organisation one in fifty lost the grant.
fn desired(people: usize, groups: usize, state: State) -> Desired {
    let drifted = matches!(state, State::Drifted | State::Capped);
    let mut policy = Policy { unlisted: Unlisted::Remove, ..Policy::default() };
    if state != State::Capped {
        policy.max_removals = Cap { share_percent: 100.0, at_least: u32::MAX };
        policy.max_creates = policy.max_removals;
    }
    let mut desired = Desired {
        people: BTreeMap::new(),
        aliases: BTreeMap::new(),
        named: BTreeSet::new(),
        teams: BTreeMap::new(),
        apps: BTreeMap::new(),
        approvals: Vec::new(),
        settings: Settings::default(),
    };
    let mut accounts = BTreeMap::new();
    let mut declared: Vec<DesiredGroup> = (0..groups)
        .map(|n| DesiredGroup {
            name: format!("Group {n}").into(),
            id: (n % 2 == 0).then(|| format!("g{n}").into()),
            state: GroupState::Present,
            mode: Mode::Enforce,
            policy: policy.clone(),
            values: Values::new(),
            members: BTreeMap::new(),
            managed: names(&["role"]),
            place: Place::new("groups.yaml", 1, 1),
        })
        .collect();
    for n in 0..people {
        let email = address(n);
        let person = Person {
            email: email.clone(),
            given_name: Some("Given".into()),
            family_name: Some(format!("Family {n}").into()),
            aliases: Vec::new(),
            attributes: BTreeMap::new(),
            window: Window::ALWAYS,
            until_place: None,
            status: PersonStatus::Active,
            place: Place::new("people.yaml", 1, 1),
            status_place: None,
        };
        desired.people.insert(email.clone(), person);
        desired.named.insert(email.clone());
        if drifted && n % 50 == 0 {
            continue;
        }
        accounts.insert(email.clone(), DesiredAccount { claims: vec![claim("user", n)] });
        for group in [n % groups, (n / 7) % groups] {
            declared[group].members.entry(email.clone()).or_insert_with(|| vec![claim("member", n)]);
        }
    }
    let app = DesiredApp {
        name: "app".into(),
        semantics: Arc::new(semantics()),
        connector: "bench".into(),
        url: url::Url::parse("https://app.example.com").expect("a valid address"),
        auth: Auth::default(),
        options: BTreeMap::new(),
        budget: BudgetSpec::default(),
        mode: Mode::Enforce,
        seats: None,
        self_account: None,
        policy: Policy { min_admins: 0, ..policy },
        defaults: Values::new(),
        grantable: Grantable::default(),
        managed: names(&["role"]),
        accounts,
        groups: declared.into_iter().map(|group| (group.name.clone(), group)).collect(),
        ids: BTreeMap::new(),
        place: Place::new("apps.yaml", 1, 1),
    };
    desired.apps.insert("app".into(), app);
    desired
}

/// What the app shows: in a drifted one, some accounts are missing, inactive, strange or have the wrong role, and some
/// memberships are missing or too many.
fn live(people: usize, groups: usize, state: State) -> Live {
    let drifted = matches!(state, State::Drifted | State::Capped);
    let seen = |name: &str| BTreeMap::from([("role".into(), Some(name.into()))]);
    let mut accounts = Vec::new();
    let mut live_groups: Vec<LiveGroup> = (0..groups)
        .map(|n| LiveGroup {
            id: format!("g{n}").into(),
            name: format!("Group {n}").into(),
            values: BTreeMap::new(),
            members: Vec::new(),
            coverage: Coverage::Complete,
            reach: Reach::Full,
        })
        .collect();
    for n in (0..people).filter(|_| state != State::Empty) {
        let id: Arc<str> = format!("u{n}").into();
        let wrong = |every: usize| drifted && n % every == 1;
        let email = if wrong(97) { Email::lenient(&format!("stranger.{n}@example.org")) } else { address(n) };
        let status = if wrong(61) { AccountStatus::Inactive } else { AccountStatus::Active };
        let role = if wrong(43) { "viewer" } else { "user" };
        accounts.push(LiveAccount {
            id: id.clone(),
            email,
            other_addresses: Default::default(),
            status,
            values: seen(role),
            created_at: None,
        });
        let other = if wrong(53) { n + 1 } else { n };
        let memberships: BTreeSet<usize> = [other % groups, (n / 7) % groups].into();
        for group in memberships {
            live_groups[group].members.push(LiveMember::new(id.clone(), seen("member")));
        }
    }
    let app = LiveApp { accounts, groups: live_groups, ..LiveApp::empty(now()) };
    Live { apps: BTreeMap::from([("app".into(), Ok(app))]) }
}

/// The most memory the process ever held, where the system tells.
fn peak_mib() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    peak.map_or_else(|| "?".to_owned(), |kib| (kib / 1024).to_string())
}

//! Every verb against every fault: one effect, a truthful result, a bounded number of calls, and no real time.

mod effect;
mod journal;
mod together;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{CreatedIds, Demand, Event, Jitter, NoJournal, Progress, Quiet, Stop, Tools, execute, forecast};
use crate::{
    budget::{Lane, Quota},
    connectors::{AccountGroup, App, Error, ErrorKind, Listing, Reader, Write, Writer, Written},
    model::*,
};

/// What the app does with one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Proven,
    Unproven,
    /// Accepted, and nothing happens.
    Ignored,
    LostBefore,
    LostAfter,
    Duplicate,
    NotFound,
    Refused,
    Unreachable,
    /// The budget lets nothing out for hours.
    Parked,
    /// This version of the app has no such call, says its answer with this status.
    Lacking(u16),
}
use Fault::*;

/// What the app holds: accounts, memberships with a role, groups with a description.
#[derive(Debug, Default)]
struct World {
    accounts: BTreeMap<String, LiveAccount>,
    members: BTreeMap<(String, String), Values>,
    groups: BTreeMap<String, (String, Values)>,
    script: VecDeque<Fault>,
    /// Every effect that anything ever had.
    effects: Vec<&'static str>,
    writes: u64,
    reads: u64,
    /// Sweeps that miss whatever was made.
    blind_sweeps: u64,
    /// Until then no query shows what was made.
    shows_at: Option<Instant>,
    /// Reads that fail.
    unreadable: bool,
    /// Fields that reads of an account leave out.
    hidden: bool,
    /// This version of the app cannot show the members of a group.
    no_members: bool,
    /// Accounts that a request for several leaves out silently.
    dropped: Vec<&'static str>,
}

struct Fake {
    semantics: Arc<Semantics>,
    world: Mutex<World>,
}

fn semantics(read: MemberRead, find: Find) -> Semantics {
    let fields = || [FieldName::from("role")].into();
    Semantics {
        connector: "fake".into(),
        account_noun: "user".into(),
        group_noun: "team".into(),
        fields: fields(),
        fixed: [].into(),
        role: None,
        find,
        carries: [].into(),
        create: Some(CreateRule { require: [].into(), becomes: AccountStatus::Pending }),
        update: true,
        deactivate: Some(DeactivateRule::default()),
        reactivate: true,
        delete: Some(DeleteRule::default()),
        cancel_pending: None,
        inactive_keeps_seat: false,
        groups: GroupRules {
            list: true,
            create: true,
            update: true,
            delete: true,
            fields: fields(),
            ..GroupRules::default()
        },
        members: MemberRules {
            read,
            add: true,
            when: [AccountStatus::Active].into(),
            change: MemberChange::InPlace,
            remove: true,
            creates_account: false,
            creates_with: [].into(),
            optional: BTreeSet::new(),
            joins_as: [].into(),
            add_at_once: 1,
            remove_at_once: 1,
            role: None,
            fields: fields(),
        },
        manual: BTreeMap::new(),
        effort: BTreeMap::new(),
        address_reads: 0,
        settle: Duration::ZERO,
        limits: Limits::default(),
    }
}

fn account(id: &str, email: &str, status: AccountStatus, values: &Values) -> LiveAccount {
    let values = values.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect();
    LiveAccount {
        other_addresses: Default::default(),
        id: id.into(),
        email: Email::lenient(email),
        status,
        values,
        created_at: Some(Timestamp::UNIX_EPOCH),
    }
}

fn error(kind: ErrorKind) -> Error {
    Error { kind, app: "a".into(), request: "X /".into(), status: None, detail: format!("{kind:?}"), hint: None }
}

fn complete<T>(rows: Vec<T>) -> Listing<T> {
    Listing { rows, coverage: Coverage::Complete }
}

impl Fake {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn read(&self) -> Result<MutexGuard<'_, World>, Error> {
        let mut world = self.world();
        world.reads += 1;
        if world.unreadable { Err(error(ErrorKind::Server)) } else { Ok(world) }
    }
}

impl World {
    fn shown(&self, account: &LiveAccount) -> LiveAccount {
        let mut account = account.clone();
        if self.hidden {
            account.values.clear();
        }
        account
    }

    /// Does it, and counts it as an effect if anything is different afterwards. False where the target is not there.
    fn effect(&mut self, write: &Write) -> bool {
        let set = |account: Option<&mut LiveAccount>, change: &dyn Fn(&mut LiveAccount)| account.map(change).is_some();
        let (what, there) = match write {
            Write::CreateAccount { email, values } => {
                let id = format!("new-{}", self.accounts.len());
                self.accounts.insert(id.clone(), account(&id, email.as_str(), AccountStatus::Pending, values));
                ("create", true)
            }
            Write::UpdateAccount { id, values, email } => {
                let update = |account: &mut LiveAccount| {
                    account.email = email.clone().unwrap_or_else(|| account.email.clone());
                    let values = values.iter().map(|(field, value)| (field.clone(), Some(value.clone())));
                    account.values.extend(values);
                };
                ("update", set(self.accounts.get_mut(&**id), &update))
            }
            Write::Deactivate { id } => {
                ("deactivate", set(self.accounts.get_mut(&**id), &|account| account.status = AccountStatus::Inactive))
            }
            Write::Reactivate { id } => {
                ("reactivate", set(self.accounts.get_mut(&**id), &|account| account.status = AccountStatus::Active))
            }
            Write::DeleteAccount { id } => ("delete", self.accounts.remove(&**id).is_some()),
            Write::AddMember { group, who, values } => {
                let account = who.id.clone().expect("the fake makes no account by joining");
                self.members.insert((group.to_string(), account.to_string()), values.clone());
                ("add-member", true)
            }
            Write::ChangeMember { group, account, values } => {
                self.members.insert((group.to_string(), account.to_string()), values.clone());
                ("change-member", true)
            }
            Write::RemoveMember { group, account } => {
                ("remove-member", self.members.remove(&(group.to_string(), account.to_string())).is_some())
            }
            Write::CreateGroup { name, values } => {
                self.groups.insert(format!("g{}", self.groups.len()), (name.to_string(), values.clone()));
                ("create-group", true)
            }
            Write::UpdateGroup { id, values } => {
                let group = self.groups.get_mut(&**id);
                ("update-group", group.map(|group| group.1.extend(values.clone())).is_some())
            }
            Write::DeleteGroup { id } => ("delete-group", self.groups.remove(&**id).is_some()),
        };
        if there {
            self.effects.push(what);
        }
        there
    }
}

impl App for Fake {
    fn app(&self) -> &str {
        "a"
    }
    fn semantics(&self) -> &Arc<Semantics> {
        &self.semantics
    }
    fn requests(&self) -> u64 {
        let world = self.world();
        world.reads + world.writes
    }
}

#[async_trait]
impl Reader for Fake {
    async fn accounts(&self, _: Lane) -> Result<Listing<LiveAccount>, Error> {
        Ok(complete(self.read()?.accounts.values().cloned().collect()))
    }
    async fn account(&self, id: &str, _: Lane) -> Result<Option<LiveAccount>, Error> {
        let world = self.read()?;
        Ok(world.accounts.get(id).map(|account| world.shown(account)))
    }
    async fn find(&self, email: &Email, _: Lane) -> Result<Listing<LiveAccount>, Error> {
        let mut world = self.read()?;
        if world.shows_at.is_some_and(|at| Instant::now() < at) {
            return Ok(complete(Vec::new()));
        }
        if world.blind_sweeps > 0 {
            world.blind_sweeps -= 1;
            return Ok(complete(Vec::new()));
        }
        let found = world.accounts.values().filter(|account| account.email == *email);
        Ok(complete(found.map(|account| world.shown(account)).collect()))
    }
    async fn groups(&self, _: Lane) -> Result<Listing<LiveGroup>, Error> {
        let world = self.read()?;
        let group = |(id, (name, values)): (&String, &(String, Values))| LiveGroup {
            id: id.as_str().into(),
            name: name.as_str().into(),
            values: values.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect(),
            members: Vec::new(),
            coverage: Coverage::Complete,
            reach: Reach::Full,
        };
        Ok(complete(world.groups.iter().map(group).collect()))
    }
    async fn members(&self, group: &str, _: Lane) -> Result<Listing<LiveMember>, Error> {
        let world = self.read()?;
        if world.no_members {
            return Err(error(ErrorKind::Unsupported));
        }
        let inside = world.members.iter().filter(|((of, _), _)| of == group);
        let member = |((_, account), values): (&(String, String), &Values)| {
            let values = values.iter().map(|(field, value)| (field.clone(), Some(value.clone()))).collect();
            LiveMember::new(account.as_str().into(), values)
        };
        Ok(complete(inside.map(member).collect()))
    }
    async fn memberships(&self, _: &str, _: Lane) -> Result<Listing<AccountGroup>, Error> {
        Err(error(ErrorKind::Unsupported))
    }
}

#[async_trait]
impl Writer for Fake {
    async fn write(&self, write: &Write, _: Lane) -> Result<Written, Error> {
        let mut world = self.world();
        world.writes += 1;
        let fault = world.script.pop_front().unwrap_or(Proven);
        match fault {
            Refused => return Err(error(ErrorKind::Refused)),
            Unreachable => return Err(error(ErrorKind::Unreachable)),
            Parked => return Err(error(ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(9000)) })),
            Duplicate => return Err(error(ErrorKind::Duplicate)),
            NotFound => return Err(error(ErrorKind::NotFound)),
            LostBefore => return Err(error(ErrorKind::Unknown)),
            Ignored => return Ok(Written::default()),
            Lacking(status) => return Err(Error { status: Some(status), ..error(ErrorKind::Unsupported) }),
            Proven | Unproven | LostAfter => {}
        }
        if !world.effect(write) {
            return Err(error(ErrorKind::NotFound));
        }
        if fault == LostAfter {
            return Err(error(ErrorKind::Unknown));
        }
        let id = match write {
            Write::CreateAccount { .. } => world.accounts.keys().find(|id| id.starts_with("new")).cloned(),
            Write::CreateGroup { .. } => world.groups.keys().next_back().cloned(),
            _ => None,
        };
        Ok(Written { id: id.map(Arc::from), account: None, proven: fault == Proven })
    }
    async fn write_together(&self, writes: &[Write], _: Lane) -> Result<Vec<Result<Written, Error>>, Error> {
        let mut world = self.world();
        world.writes += 1;
        let fault = world.script.pop_front().unwrap_or(Unproven);
        match fault {
            Refused => return Err(error(ErrorKind::Refused)),
            NotFound => return Err(error(ErrorKind::NotFound)),
            Unreachable => return Err(error(ErrorKind::Unreachable)),
            Parked => return Err(error(ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(9000)) })),
            LostBefore => return Err(error(ErrorKind::Unknown)),
            _ => {}
        }
        for write in writes {
            let who = match write {
                Write::AddMember { who, .. } => who.id.clone(),
                Write::RemoveMember { account, .. } => Some(account.clone()),
                _ => None,
            };
            if !world.dropped.iter().any(|dropped| who.as_deref() == Some(dropped)) {
                world.effect(write);
            }
        }
        if fault == LostAfter {
            return Err(error(ErrorKind::Unknown));
        }
        Ok(writes.iter().map(|_| Ok(Written::default())).collect())
    }
}

fn role(role: &str) -> Values {
    [("role".into(), role.into())].into()
}

/// One ready action of this verb; `me` is who it is about.
fn action(verb: Verb) -> Action {
    let status = if verb == Verb::Reactivate { AccountStatus::Inactive } else { AccountStatus::Active };
    let me = KnownAccount { id: "1".into(), email: Email::lenient("me@x.io"), status };
    let (account, group) = (AccountRef::Known(me), GroupRef::Known("g".into()));
    let values = role("user");
    step(match verb {
        Verb::Create => Step::CreateAccount { email: account.email().clone(), values },
        Verb::Update => Step::UpdateAccount { account, values, address: None },
        Verb::Reactivate => Step::Reactivate(account),
        Verb::Deactivate => Step::Deactivate(account),
        Verb::Delete => Step::DeleteAccount(account),
        Verb::AddMember => Step::AddMember { group, account, values, joining: None },
        Verb::ChangeMember => Step::ChangeMember { group, account, values },
        Verb::RemoveMember => Step::RemoveMember { group, account },
        Verb::CreateGroup => Step::CreateGroup { name: "G".into(), values },
        Verb::UpdateGroup => Step::UpdateGroup { group, values },
        Verb::DeleteGroup => Step::DeleteGroup(group),
    })
}

/// A ready action that carries out this step.
fn step(step: Step) -> Action {
    let verb = step.verb();
    let takes_away = matches!(verb, Verb::Deactivate | Verb::Delete | Verb::RemoveMember);
    let name = ActionName {
        app: "a".into(),
        verb,
        account: step.email().map(|email| email.as_str().into()),
        group: (verb.scope() != Scope::Account).then(|| "G".into()),
    };
    Action { reduces_access: takes_away, adds_access: !takes_away, ..Action::of(name, step) }
}

/// The app before the action: everything that the verb needs is there, and what it makes is not.
fn fake(verb: Verb, script: &[Fault]) -> Fake {
    let mut world = World { script: script.iter().copied().collect(), ..World::default() };
    if verb != Verb::Create {
        let status = if verb == Verb::Reactivate { AccountStatus::Inactive } else { AccountStatus::Active };
        world.accounts.insert("1".into(), account("1", "me@x.io", status, &role("admin")));
    }
    if verb != Verb::CreateGroup {
        world.groups.insert("g".into(), ("G".into(), role("old")));
    }
    if matches!(verb, Verb::ChangeMember | Verb::RemoveMember) {
        world.members.insert(("g".into(), "1".into()), role("lead"));
    }
    Fake { semantics: Arc::new(semantics(MemberRead::PerGroup, Find::Sweep)), world: Mutex::new(world) }
}

fn plan(actions: Vec<Action>) -> AppPlan {
    AppPlan {
        app: "a".into(),
        connector: "fake".into(),
        group_noun: "team".into(),
        error: None,
        complete: true,
        observed: Observed::default(),
        forecast: Forecast::default(),
        actions,
        findings: Vec::new(),
        due: Vec::new(),
        claims: Default::default(),
    }
}

fn tools(writer: Arc<Fake>, created_ids: &CreatedIds) -> Tools<'_> {
    static JITTER: LazyLock<Jitter> = LazyLock::new(|| Jitter::seeded(7));
    Tools {
        writer,
        created_ids,
        quota: Quota::default(),
        journal: &NoJournal,
        jitter: &JITTER,
        demand: Demand::unchanging(),
    }
}

/// Runs one action, and returns its result with the app afterwards.
async fn run(fake: Fake, action: Action) -> (ActionResult, World) {
    let fake = Arc::new(fake);
    let outcome =
        execute(&plan(vec![action]), &tools(fake.clone(), &CreatedIds::default()), Stop::never(), &Quiet).await;
    let [(_, result)] = &outcome.actions[..] else { panic!("{outcome:?}") };
    let world = std::mem::take(&mut *fake.world());
    (result.clone(), world)
}

fn is_done(result: &ActionResult) -> bool {
    matches!(result, ActionResult::Done { .. })
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_once_every_verb_takes_effect_exactly_once() {
    for verb in Verb::ALL.iter().copied() {
        for fault in [Proven, Unproven, LostBefore, LostAfter, Unreachable] {
            let (result, world) = run(fake(verb, &[fault]), action(verb)).await;
            assert!(is_done(&result), "{verb} {fault:?}: {result:?}");
            assert_eq!(world.effects, [verb.as_str()], "{verb} {fault:?}");
            assert!(world.reads + world.writes <= 7, "{verb} {fault:?}: {world:?}");
        }
    }
}

/// An update that gives the account another address, and nothing else.
fn rename() -> Action {
    let Step::UpdateAccount { account, .. } = action(Verb::Update).step else { unreachable!("it is an update") };
    step(Step::UpdateAccount { account, values: Values::new(), address: Some(Email::lenient("new@x.io")) })
}

#[tokio::test(start_paused = true)]
async fn an_address_is_given_whatever_goes_wrong_once() {
    for fault in [Proven, Unproven, LostBefore, LostAfter, Unreachable] {
        let (result, world) = run(fake(Verb::Update, &[fault]), rename()).await;
        assert!(is_done(&result), "{fault:?}: {result:?}");
        assert_eq!(
            (world.accounts["1"].email.as_str(), &world.effects[..]),
            ("new@x.io", &["update"][..]),
            "{fault:?}"
        );
    }
    for fault in [Ignored, Refused, NotFound] {
        let (result, world) = run(fake(Verb::Update, &[fault]), rename()).await;
        assert!(!is_done(&result) && world.effects.is_empty() && world.writes == 1, "{fault:?}: {result:?} {world:?}");
    }
    let (result, _) = run(fake(Verb::Update, &[Duplicate]), rename()).await;
    let told = result.message().unwrap();
    assert!(told.contains("another account seems to have the address new@x.io"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_somebody_elses_by_now_gets_no_other_address() {
    let mut other = fake(Verb::Update, &[]);
    let world = other.world.get_mut().unwrap();
    world.accounts.get_mut("1").unwrap().email = Email::lenient("stranger@x.io");
    let (result, world) = run(other, rename()).await;
    assert!(matches!(&result, ActionResult::Stale { reason } if reason.contains("stranger@x.io")), "{result:?}");
    assert_eq!(world.writes, 0);
    // What somebody else has done already need not be done.
    let mut done = fake(Verb::Update, &[]);
    done.world.get_mut().unwrap().accounts.get_mut("1").unwrap().email = Email::lenient("New@x.io");
    let (result, world) = run(done, rename()).await;
    assert!(is_done(&result) && world.writes == 0, "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn what_follows_meets_an_account_under_the_address_that_this_run_gave_it() {
    let fake = Arc::new(fake(Verb::RemoveMember, &[]));
    let created_ids = CreatedIds::default();
    let actions = vec![rename(), action(Verb::RemoveMember)];
    for _ in 0..2 {
        let outcome = execute(&plan(actions.clone()), &tools(fake.clone(), &created_ids), Stop::never(), &Quiet).await;
        assert!(outcome.actions.iter().all(|(_, result)| is_done(result)), "{outcome:?}");
    }
    assert_eq!(fake.world().accounts["1"].email.as_str(), "new@x.io");
    assert!(fake.world().members.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_app_whose_quota_opens_in_hours_is_left_for_a_later_run_with_one_reason_for_all() {
    for crowd in [1, 5] {
        let mut fake = fake(Verb::AddMember, &[Parked]);
        Arc::make_mut(&mut fake.semantics).members.add_at_once = crowd;
        let fake = Arc::new(fake);
        let actions = ["g1", "g2"].into_iter().flat_map(|group| {
            ["ann", "bob"].map(|who| {
                let mut action = action(Verb::AddMember);
                action.name.account = Some(who.into());
                action.name.group = Some(group.into());
                action
            })
        });
        let plan = plan(actions.collect());
        let created_ids = CreatedIds::default();
        let tools =
            Tools { quota: Quota { concurrency: Some(1), ..Quota::default() }, ..tools(fake.clone(), &created_ids) };
        let outcome = execute(&plan, &tools, Stop::never(), &Quiet).await;
        let reasons: BTreeSet<_> = outcome.actions.iter().map(|(_, result)| format!("{result:?}")).collect();
        assert_eq!(outcome.actions.len(), 4);
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons.first().unwrap().starts_with("NotStarted"), "{reasons:?}");
        assert_eq!(fake.world().writes, 1, "nobody else asks");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_done_that_the_app_does_not_show() {
    for verb in Verb::ALL.iter().copied() {
        for fault in [Ignored, Duplicate, NotFound, Refused] {
            let (result, world) = run(fake(verb, &[fault]), action(verb)).await;
            assert!(!is_done(&result), "{verb} {fault:?}: {result:?}");
            assert!(world.effects.is_empty() && world.writes == 1, "{verb} {fault:?}: {world:?}");
            assert!(!result.message().unwrap_or_default().is_empty(), "{verb} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_does_not_end_is_given_up_and_told() {
    for verb in Verb::ALL.iter().copied() {
        for fault in [LostBefore, Unreachable] {
            let (result, world) = run(fake(verb, &[fault; 50]), action(verb)).await;
            assert!(matches!(result, ActionResult::Failed { .. }), "{verb} {fault:?}: {result:?}");
            assert!(world.effects.is_empty() && world.writes <= 5, "{verb} {fault:?}: {world:?}");
            assert!(world.reads <= 12, "{verb} {fault:?}: {world:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_nobody_can_look_nothing_is_sent_again_and_both_troubles_are_told() {
    for verb in Verb::ALL.iter().copied().filter(|verb| !action(*verb).reduces_access) {
        let fake = fake(verb, &[LostAfter]);
        fake.world().unreadable = true;
        let (result, world) = run(fake, action(verb)).await;
        let ActionResult::Failed { error } = &result else { panic!("{verb}: {result:?}") };
        assert!(
            error.contains("Unknown; whether it was done could not be seen") && error.contains("Server"),
            "{error}"
        );
        assert_eq!((world.effects.len(), world.writes), (1, 1), "{verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_blind_sweep_does_not_make_a_second_invitation() {
    let fake = fake(Verb::Create, &[LostAfter]);
    fake.world().blind_sweeps = 1;
    let (result, world) = run(fake, action(Verb::Create)).await;
    assert!(is_done(&result), "{result:?}");
    assert_eq!(world.accounts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_to_show_is_waited_for_before_it_is_made_again() {
    // A request that lost its answer may reach the app late, and what it made takes a while to show from then on.
    for (settle, late_ms, writes) in [(0, 1900, 1), (5, 1900, 1), (60, 1900, 1), (5, 2100, 2)] {
        let mut fake = fake(Verb::Create, &[LostAfter]);
        let settle = Duration::from_secs(settle);
        fake.semantics =
            Arc::new(Semantics { find: Find::Query { excludes: true }, settle, ..(*fake.semantics).clone() });
        fake.world().shows_at = Some(Instant::now() + settle + Duration::from_millis(late_ms));
        let (result, world) = run(fake, action(Verb::Create)).await;
        assert!(is_done(&result), "{settle:?}: {result:?}");
        assert_eq!(world.writes, writes, "an app that shows after {settle:?} what was {late_ms} ms late");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_round_does_not_make_again_what_an_earlier_one_made() {
    let fake = Arc::new(fake(Verb::Create, &[]));
    let created_ids = CreatedIds::default();
    for _ in 0..2 {
        let outcome =
            execute(&plan(vec![action(Verb::Create)]), &tools(fake.clone(), &created_ids), Stop::never(), &Quiet).await;
        assert!(is_done(&outcome.actions[0].1), "{outcome:?}");
    }
    assert_eq!(fake.world().effects, ["create"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_app_lacks_is_left_to_a_person_unless_it_turns_out_to_be_done() {
    for status in [404, 405] {
        let (result, world) = run(fake(Verb::RemoveMember, &[Lacking(status)]), action(Verb::RemoveMember)).await;
        assert!(matches!(result, ActionResult::Manual { .. }), "{status}: {result:?}");
        assert!(world.effects.is_empty() && world.writes == 1, "{status}: {world:?}");
    }
    // Nobody is there to be taken out, which is what the 404 meant.
    let gone = fake(Verb::RemoveMember, &[Lacking(404)]);
    gone.world().members.clear();
    assert!(is_done(&run(gone, action(Verb::RemoveMember)).await.0));
}

#[tokio::test(start_paused = true)]
async fn where_members_cannot_be_shown_what_the_app_took_is_believed_and_what_it_may_have_taken_is_not() {
    for (fault, done) in [(Unproven, true), (LostAfter, false)] {
        let fake = fake(Verb::AddMember, &[fault]);
        fake.world().no_members = true;
        let (result, world) = run(fake, action(Verb::AddMember)).await;
        assert_eq!((is_done(&result), world.writes), (done, 1), "{fault:?}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_there_but_cannot_be_used_is_not_what_a_create_was_for() {
    let fake = fake(Verb::Create, &[Duplicate]);
    let old = account("old", "ME@x.io", AccountStatus::Inactive, &Values::new());
    fake.world().accounts.insert("old".into(), old);
    let (result, _) = run(fake, action(Verb::Create)).await;
    assert!(matches!(result, ActionResult::Stale { .. }), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_change_that_nobody_can_see_is_sent_again_and_never_called_done() {
    let fake = fake(Verb::Update, &[LostBefore; 50]);
    fake.world().hidden = true;
    let (result, world) = run(fake, action(Verb::Update)).await;
    assert!(matches!(result, ActionResult::Failed { .. }), "{result:?}");
    assert_eq!(world.writes, 5);
}

#[tokio::test(start_paused = true)]
async fn a_lost_membership_write_is_not_believed_where_memberships_cannot_be_read() {
    for verb in [Verb::AddMember, Verb::RemoveMember] {
        let mut fake = fake(verb, &[LostBefore]);
        fake.semantics = Arc::new(semantics(MemberRead::Nowhere, Find::Sweep));
        let (result, world) = run(fake, action(verb)).await;
        assert!(matches!(result, ActionResult::Failed { .. }), "{verb}: {result:?}");
        assert_eq!((world.writes, world.effects.len()), (1, 0), "{verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_demotion_from_another_role_than_the_planned_one_is_stale() {
    let demotion = |from: &str| {
        let mut demotion = action(Verb::Update);
        demotion.reduces_access = true;
        demotion.changes = vec![Change { field: "role".into(), from: Some(from.into()), to: Some("user".into()) }];
        demotion
    };
    let (result, world) = run(fake(Verb::Update, &[]), demotion("owner")).await;
    assert!(matches!(result, ActionResult::Stale { .. }) && world.writes == 0, "{result:?}");
    let (result, world) = run(fake(Verb::Update, &[]), demotion("admin")).await;
    assert!(is_done(&result) && world.writes == 1, "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_removal_leaves_an_account_alone_that_changed_hands_or_state() {
    for verb in [Verb::Deactivate, Verb::Delete, Verb::RemoveMember] {
        let other = fake(verb, &[]);
        other.world().accounts.insert("1".into(), account("1", "she@x.io", AccountStatus::Active, &role("user")));
        let pending = fake(verb, &[]);
        pending.world().accounts.insert("1".into(), account("1", "me@x.io", AccountStatus::Pending, &role("user")));
        for fake in [other, pending] {
            let (result, world) = run(fake, action(verb)).await;
            assert!(matches!(result, ActionResult::Stale { .. }) && world.writes == 0, "{verb}: {result:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_already_takes_two_answers_that_agree() {
    for verb in [Verb::Deactivate, Verb::Delete] {
        let fake = fake(verb, &[]);
        fake.world().accounts.clear();
        let (result, world) = run(fake, action(verb)).await;
        assert!(is_done(&result) && world.writes == 1, "{verb}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_nothing_is_sent_again() {
    let fake = Arc::new(fake(Verb::Update, &[Unreachable; 50]));
    let (sender, stop) = Stop::new();
    let plan = plan(vec![action(Verb::Update)]);
    let created_ids = CreatedIds::default();
    let tools = tools(fake.clone(), &created_ids);
    let run = execute(&plan, &tools, stop, &Quiet);
    let press = async {
        while fake.world().writes == 0 {
            tokio::task::yield_now().await;
        }
        sender.send(1).unwrap();
    };
    let (outcome, ()) = tokio::join!(run, press);
    let message = outcome.actions[0].1.message().unwrap_or_default();
    assert!(message.contains("stopped before it was sent again"), "{message}");
    assert_eq!(fake.world().writes, 1);
}

#[tokio::test(start_paused = true)]
async fn the_forecast_counts_just_the_requests_that_a_smooth_run_sends() {
    for verb in Verb::ALL.iter().copied() {
        for (script, effort) in [(Proven, Effort::default()), (Unproven, Effort::LOOK)] {
            let mut fake = fake(verb, &[script]);
            Arc::make_mut(&mut fake.semantics).effort.insert(verb, effort);
            let fake = Arc::new(fake);
            let plan = plan(vec![action(verb)]);
            let outcome = execute(&plan, &tools(fake.clone(), &CreatedIds::default()), Stop::never(), &Quiet).await;
            let expected = forecast(&plan, &fake.semantics, &Quota::default());
            assert_eq!(outcome.requests, expected.requests, "{verb} {script:?}");
        }
    }
}

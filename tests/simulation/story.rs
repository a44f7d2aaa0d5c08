//! One seed's story: rounds in bad weather, with processes that are killed, and then rounds in good weather until nothing is
//! left to do. What is wrong with it is told by the judges.

use std::{sync::Arc, time::Duration};

use rosterd::model::{Action, ActionResult, Guard, Outcome, Plan, Status};
use tempfile::TempDir;

use super::{
    chance::{Chance, mix},
    engine::{Engine, pause, remembered},
    judge::{Judge, amiss},
    meddler::Meddler,
    network::Network,
    weather::Weather,
    world::World,
};

/// Rounds in good weather after which everything that can be done has to be done.
const CALM_ROUNDS: usize = 12;

/// Whatever an app says, a budget does not pause for longer than a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(25 * 3600);

/// Simulated time after which a story counts as hung. Its bad weather lasts hours and its calm rounds take a day and a half.
const LONGEST_STORY: Duration = Duration::from_secs(10 * 24 * 3600);

/// No honest story takes more requests.
const REQUESTS: u64 = 60_000;

/// How a story ended.
pub(crate) struct Ending {
    /// What was wrong; nothing if all was well.
    pub verdicts: Vec<String>,
    /// What happened, where that was asked for.
    pub trace: Vec<String>,
    /// A number that is the same whenever the same things happened.
    pub print: u64,
    pub requests: u64,
    /// Requests that a fault struck.
    pub faults: u64,
    /// How much time passed in the world.
    pub passed: Duration,
    pub kills: u32,
}

/// Tells the story of a seed.
pub(crate) fn tell(seed: u64, trace: bool) -> Ending {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let told = runtime.block_on(async { tokio::time::timeout(LONGEST_STORY, story(seed, trace)).await });
    told.unwrap_or_else(|_| panic!("the story does not end: something waits for an event that never comes"))
}

async fn story(seed: u64, trace: bool) -> Ending {
    let world = Arc::new(World::of(seed));
    let mut chance = Chance::of(seed, "story");
    let scratch = chance.happens(0.8).then(scratch);
    let file = scratch.as_ref().map(|scratch| scratch.path().join("state.db"));
    let file = file.as_deref();
    let mut clocks = Clocks::of(seed);
    // Whoever's clock is off can only trust what an answer says of its own date.
    let dated = clocks.off != 0 || clocks.jumps || chance.happens(0.8);
    let weather = Weather::of(seed, world.apps.len());
    let network = Network::new(world.clone(), weather, Meddler::of(seed), Judge::default(), dated, trace);
    network.tell(|| world.files());

    // What an app shows only after a while it shows by now.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (mut process, mut kills) = (0, 0);
    let mut engine: Option<Engine> = None;
    for _ in 0..chance.between(1..6) {
        let one = match engine.take() {
            Some(engine) => engine,
            None => {
                process += 1;
                let off = clocks.next();
                network.tell(|| format!("process {process} starts; its clock is off by {off} s"));
                Engine::start(&world, &network, off, process, file).await
            }
        };
        if chance.happens(0.35) {
            network.state().kill_after = Some(chance.between(0..80));
        }
        let full = chance.happens(0.1);
        if full {
            network.tell(|| "the disk is full".into());
            one.disk_is_full(true).await;
        }
        let survived = tokio::select! {
            biased;
            () = network.killed() => None,
            (_, outcome) = round(&one, &network) => Some(outcome),
        };
        network.state().kill_after = None;
        match survived {
            None => {
                drop(one);
                network.tell(|| "killed".into());
                kills += 1;
                // Without a memory nobody knows that something is under way: it arrives, or never will.
                let wait = if file.is_some() { chance.between(0..60) } else { 120 };
                tokio::time::sleep(Duration::from_secs(wait)).await;
            }
            Some(outcome) => {
                if full {
                    one.disk_is_full(false).await;
                }
                if chance.happens(0.4) {
                    one.end(&outcome).await;
                    // A process that remembers nothing must not read before an app shows what the last one made.
                    let wait = if file.is_some() { chance.between(0..10) } else { 30 };
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                } else {
                    engine = Some(one);
                    tokio::time::sleep(pause(&mut chance)).await;
                }
            }
        }
    }
    drop(engine);

    {
        let mut state = network.state();
        state.weather.over = true;
        state.meddler.gone = true;
    }
    network.tell(|| "from now on all is calm".into());
    tokio::time::sleep(LONGEST_PAUSE).await;
    let mut last = None;
    for _ in 0..CALM_ROUNDS {
        tokio::time::sleep(Duration::from_secs(3700)).await;
        process += 1;
        let engine = Engine::start(&world, &network, clocks.next(), process, file).await;
        let (plan, outcome) = round(&engine, &network).await;
        engine.end(&outcome).await;
        let quiet = plan.summary().ready == 0 && plan.apps.iter().all(|app| app.error.is_none());
        let waits = plan.summary().waiting > 0 && world.config.accept_after < Duration::MAX;
        // What only every account's own page shows is read in rotation: it may take several rounds to see everything.
        let unseen = plan.apps.iter().flat_map(|app| &app.actions).any(is_unseen);
        last = Some((plan, outcome));
        if quiet && !waits && !unseen || network.state().sent > REQUESTS {
            break;
        }
    }
    let (plan, outcome) = last.expect("there is at least one round");
    let mut verdicts = std::mem::take(&mut network.state().judge.verdicts);
    verdicts.extend(unsettled(&plan, &outcome));
    verdicts.extend(unexplained(&world, &network, &plan));
    if let Some(file) = file {
        verdicts.extend(remembered(&world, &network, file).await);
    }
    // What a killed process sent last nobody knows, nor what time it is for whoever's clock was set.
    if kills == 0 && !clocks.jumps && file.is_some() {
        verdicts.extend(refused(&network));
    }
    let passed = network.elapsed();
    let mut state = network.state();
    let faults = state.weather.struck;
    let print = state.judge.print ^ mix(state.sent, &format!("{passed:?} {:?}", plan.summary()));
    Ending {
        verdicts,
        trace: state.trace.take().unwrap_or_default(),
        print,
        requests: state.sent,
        faults,
        passed,
        kills,
    }
}

/// A folder for a database, in memory where the system has such a place.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// How far off the clocks of the engine's processes are.
struct Clocks {
    chance: Chance,
    off: i64,
    /// It is set between two processes.
    jumps: bool,
}

impl Clocks {
    fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "clock");
        let off = *chance.pick(&[0, 0, 0, 3600, -3600, 300, -300, 5]);
        Self { jumps: chance.happens(0.1), off, chance }
    }

    fn next(&mut self) -> i64 {
        if self.jumps {
            self.off = *self.chance.pick(&[0, 3600, -3600, 60, -60]);
        }
        self.off
    }
}

/// Reads, plans and executes.
async fn round(engine: &Engine, network: &Network) -> (Plan, Outcome) {
    network.tell(|| "a round begins".into());
    let plan = engine.look().await;
    network.tell(|| shown(&plan));
    let outcome = engine.act(&plan).await;
    network.tell(|| {
        let results = outcome.apps.iter().flat_map(|app| &app.actions);
        let lines =
            results.map(|(name, result)| format!("  {} {name} {}", result.as_str(), result.message().unwrap_or("")));
        format!("a round ends\n{}", lines.collect::<Vec<_>>().join("\n"))
    });
    (plan, outcome)
}

fn shown(plan: &Plan) -> String {
    let mut lines = vec!["a plan".to_owned()];
    for app in &plan.apps {
        lines.extend(app.error.iter().map(|error| format!("  {}: {error}", app.app)));
        lines.extend(app.actions.iter().map(|action| {
            let guard = action.held.as_ref().map(|held| format!(" ({})", held.guard)).unwrap_or_default();
            format!("  {} {}{guard} {}", action.status.as_str(), action.name, action.obstacle().unwrap_or_default())
        }));
        lines.extend(app.findings.iter().map(|finding| format!("  {}: {}", finding.code, finding.message)));
    }
    lines.join("\n")
}

/// Whether something is held because not everything was seen.
fn is_unseen(action: &Action) -> bool {
    action.held.as_ref().is_some_and(|held| held.guard == Guard::Incomplete)
}

/// What is still to be done after all that time.
fn unsettled(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let mut verdicts = Vec::new();
    for app in &plan.apps {
        if let Some(error) = &app.error {
            verdicts.push(format!("{} cannot be read in good weather: {error}", app.app));
        }
        for action in &app.actions {
            let without_reason = action.status != Status::Ready && action.obstacle().is_none()
                || action.takes_away() && action.reason.is_none();
            if without_reason {
                verdicts.push(format!("{} is {} without a reason", action.name, action.status.as_str()));
            }
            if is_unseen(action) {
                verdicts.push(format!("{} is held in good weather because not everything was seen", action.name));
            }
            if action.status == Status::Ready {
                let results = outcome.apps.iter().flat_map(|app| &app.actions);
                let result = results.into_iter().find(|(name, _)| *name == action.name).map(|(_, result)| result);
                // A refusal that the app repeats in good weather is honest; so is what this version of it cannot do.
                if matches!(result, Some(ActionResult::Manual { .. })) {
                    continue;
                }
                let said = result.map(|result| format!("{} {}", result.as_str(), result.message().unwrap_or("")));
                verdicts.push(format!("{} is never over: {}", action.name, said.unwrap_or_default()));
            }
        }
    }
    verdicts
}

/// What is not as the files want it, and of which the plan says nothing.
fn unexplained(world: &World, network: &Network, plan: &Plan) -> Vec<String> {
    let mut verdicts = Vec::new();
    for app in &world.apps {
        let Some(planned) = plan.apps.iter().find(|one| *one.app == *app.name) else { continue };
        let accounts = network.sandbox().accounts(app.kind, &app.name).unwrap();
        let named =
            |name: &Option<Arc<str>>, email: &str| name.as_ref().is_some_and(|one| one.eq_ignore_ascii_case(email));
        for (email, what) in amiss(world, app, &accounts) {
            let told = planned.actions.iter().any(|action| named(&action.name.account, &email))
                || planned.findings.iter().any(|finding| named(&finding.account, &email));
            if !told && planned.error.is_none() {
                verdicts.push(format!("{what}, and the plan does not mention it"));
            }
        }
    }
    verdicts
}

/// Requests that the apps refused because there were too many.
fn refused(network: &Network) -> Vec<String> {
    let log = network.sandbox().log();
    let refused = log.iter().filter(|request| request.status == Some(429));
    refused.map(|request| format!("{}: 429 for {} {}", request.at, request.method, request.path)).take(3).collect()
}

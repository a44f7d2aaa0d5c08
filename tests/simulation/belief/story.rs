//! One seed's story: an app that misbehaves in one way, people who come and go, and a few runs of the engine, some of which
//! begin anew with the store of those before.

use std::{sync::Arc, time::Duration};

use rosterd::model::{Outcome, Plan};

use super::{
    cast::{Cast, Fate},
    dialect::Dialect,
    engine::{Files, Process, store},
    family::Family,
    judge::{Judge, left_over},
    lies::Lies,
    wire::Wire,
};
use crate::chance::{Chance, mix};

/// Runs after the story has turned, where some are spoilt by failures.
const RUNS: u64 = 4;

/// How a story ended.
pub(super) struct Ending {
    pub family: Family,
    /// What was wrong; nothing if all was well.
    pub verdicts: Vec<String>,
    /// How often something was met that a well-behaved app would not do.
    pub met: u64,
    /// Plans that called the app in sync.
    pub claims: u64,
    pub requests: u64,
    pub trace: Vec<String>,
    /// A number that is the same whenever the same things happened.
    pub print: u64,
}

/// The misbehavior of a seed, and the dialect.
pub(super) fn of(seed: u64) -> (Family, Dialect) {
    let all = Family::ALL;
    let at = usize::try_from(seed % all.len() as u64).expect("there are few families");
    let able: Vec<_> = Dialect::ALL.into_iter().filter(|dialect| all[at].fits(*dialect)).collect();
    (all[at], *Chance::of(seed, "dialect").pick(&able))
}

/// Tells the story of a seed.
pub(super) fn tell(seed: u64, trace: bool) -> Ending {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(story(seed, trace))
}

async fn story(seed: u64, trace: bool) -> Ending {
    let (family, dialect) = of(seed);
    let cast = Arc::new(Cast::of(family, dialect, &mut Chance::of(seed, "cast")));
    let mut app = dialect.play(seed);
    let owners = cast.furnish(&mut *app, &mut Chance::of(seed, "furniture"));
    let judge = Judge::of(owners, &cast.teams);
    let lies = Lies::new(family, dialect, Chance::of(seed, "lies"));
    let wire = Wire::new(cast.clone(), app, lies, judge, trace);
    wire.tell(|| format!("{family:?} in {dialect:?}\n{}", cast.files(true)));
    let mut runs = Runs { cast, wire, store: store().await, seed, process: None, started: 0, files: [None, None] };
    let mut chance = Chance::of(seed, "story");
    // What an app shows only after a while it shows by now.
    tokio::time::sleep(Duration::from_secs(60)).await;

    // Whoever is remembered is not asked for by address.
    let remembers = family.needs_memory() || chance.happens(if family.is_about_queries() { 0.2 } else { 0.5 });
    if !family.needs_memory() {
        runs.misbehave(remembers);
    }
    if remembers {
        runs.run(false).await;
    }
    if family.needs_memory() {
        runs.run(false).await;
        runs.misbehave(true);
    }
    runs.end().await;
    runs.wire.state().judge.turned = true;
    if chance.happens(if family.is_about_queries() { 0.9 } else { 0.3 }) {
        runs.cut_off().await;
    }
    // Whoever is invited has to accept before they join anything.
    let invites = dialect == Dialect::Built("autodesk");
    let count = if family.spoils_runs() || invites { RUNS } else { chance.between(1..RUNS) };
    for _ in 0..count {
        runs.run(chance.happens(0.4)).await;
    }
    runs.finish().await
}

/// The runs of a story.
struct Runs {
    cast: Arc<Cast>,
    wire: Wire,
    store: rosterd::store::Store,
    seed: u64,
    process: Option<(Process, Outcome)>,
    started: u64,
    /// Before the story turns, and after.
    files: [Option<Files>; 2],
}

impl Runs {
    /// From now on the app misbehaves.
    fn misbehave(&self, knows: bool) {
        let mut state = self.wire.state();
        let state = &mut *state;
        let leaver = self.leaver();
        let people = state.app.people();
        let judge = &state.judge;
        // A leaver whom the list never showed, nor any other answer, nobody can know of.
        let may_hide =
            |row: &super::truth::Row| knows || state.lies.family != Family::CapWithQuery || !judge.is_of(row, leaver);
        let able: Vec<_> = people.iter().filter(|row| may_hide(row)).cloned().collect();
        state.lies.begin(&able, |_| true);
        match state.lies.family {
            Family::GoneById => {
                let stays = self.cast.humans.iter().find(|human| human.fate == Fate::Stays);
                for id in stays.map(|human| judge.ids_of(&human.email)).unwrap_or_default() {
                    state.app.remove(&id);
                    state.lies.gone.insert(id);
                }
            }
            Family::GroupRenamed => {
                let names = ["Alpha EMEA", "alpha", "PRIMARY/Alpha", "Alpha "];
                let name = names[usize::try_from(self.seed / 7 % 4).expect("it is small")];
                state.app.rename_group(&self.cast.teams[0].id, name);
                state.lies.met += 1;
            }
            Family::MemberRefused => {
                state.lies.refused = self.refused().and_then(|email| judge.ids_of(email).pop());
            }
            Family::AddressElsewhere | Family::InactiveMember => state.lies.met += 1,
            _ => {}
        }
    }

    fn leaver(&self) -> &str {
        let leaver = self.cast.humans.iter().find(|human| human.fate == Fate::Leaves);
        &leaver.expect("somebody leaves in every story").email
    }

    /// Whom no group takes: somebody who should be in the first one.
    fn refused(&self) -> Option<&str> {
        if self.cast.family != Family::MemberRefused {
            return None;
        }
        self.cast
            .wanted(&self.cast.teams[0], true)
            .find(|email| self.cast.humans.iter().any(|human| human.email == *email && human.fate == Fate::Stays))
    }

    async fn process(&mut self, anew: bool) -> Process {
        if anew {
            self.end().await;
        }
        if let Some((process, _)) = self.process.take() {
            return process;
        }
        self.started += 1;
        self.wire.tell(|| "a process starts".into());
        let turned = self.wire.state().judge.turned;
        let seed = mix(self.seed, &format!("process {}", self.started));
        let files = self.files[usize::from(turned)].get_or_insert_with(|| Files::of(&self.cast, turned)).clone();
        Process::start(&self.cast, &files, &self.wire, &self.store, seed).await
    }

    async fn end(&mut self) {
        if let Some((process, outcome)) = self.process.take() {
            process.end(&outcome).await;
        }
    }

    fn shown(&self, plan: &Plan) {
        self.wire.tell(|| {
            let mut lines = vec!["a plan".to_owned()];
            lines.extend(left_over(plan).into_iter().map(|line| format!("    {line}")));
            for app in &plan.apps {
                let told = app.findings.iter().map(|finding| format!("    {}: {}", finding.code, finding.message));
                lines.extend(told);
            }
            lines.join("\n")
        });
    }

    async fn act(&mut self, process: Process, plan: &Plan) {
        let outcome = process.act(plan).await;
        self.wire.tell(|| {
            let results = outcome.apps.iter().flat_map(|app| &app.actions);
            let line = |(name, result): &(rosterd::model::ActionName, rosterd::model::ActionResult)| {
                format!("    {} {name} {}", result.as_str(), result.message().unwrap_or(""))
            };
            format!("a run ends\n{}", results.map(line).collect::<Vec<_>>().join("\n"))
        });
        if self.cast.family == Family::ThrottledBy403 {
            self.wire.state().judge.waited(plan, &outcome);
        }
        self.process = Some((process, outcome));
        tokio::time::sleep(Duration::from_secs(40)).await;
    }

    /// Reads, plans and carries out.
    async fn run(&mut self, anew: bool) {
        let process = self.process(anew).await;
        let plan = self.looked(&process).await;
        self.act(process, &plan).await;
    }

    async fn looked(&self, process: &Process) -> Plan {
        let plan = process.look().await;
        self.shown(&plan);
        let mut state = self.wire.state();
        let state = &mut *state;
        state.judge.heard(&self.cast, &plan, &*state.app);
        plan
    }

    /// Somebody who left is cut off alone, and at once.
    async fn cut_off(&mut self) {
        let process = self.process(false).await;
        let email = self.leaver().to_owned();
        let plan = process.look_for(&email).await;
        self.shown(&plan);
        {
            let mut state = self.wire.state();
            let state = &mut *state;
            state.judge.heard_of(&email, &plan, &*state.app);
        }
        self.act(process, &plan).await;
        self.end().await;
        // The list shows them, whatever a query says.
        let Cast { family, dialect, .. } = *self.cast;
        if family.settles(dialect) && !family.spoils_runs() {
            let mut state = self.wire.state();
            let state = &mut *state;
            state.judge.cut_off(&email, &*state.app);
        }
    }

    /// One more look, after which nothing may be left that was owed.
    async fn finish(mut self) -> Ending {
        let process = self.process(self.seed.is_multiple_of(4)).await;
        let plan = self.looked(&process).await;
        let refused = self.refused().map(str::to_owned);
        let Cast { family, dialect, .. } = *self.cast;
        let mut state = self.wire.state();
        let state = &mut *state;
        let mut verdicts = std::mem::take(&mut state.judge.verdicts);
        if family.settles(dialect) || family == Family::MemberRefused {
            let amiss = state.judge.amiss(&self.cast, &*state.app, refused.as_deref());
            verdicts.extend(amiss.into_iter().map(|what| format!("in the end {what}")));
        }
        if family.settles(dialect) {
            verdicts.extend(left_over(&plan).into_iter().map(|left| format!("left over in the end: {left}")));
        }
        let print = mix(state.sent ^ state.lies.met, &format!("{:?} {verdicts:?}", plan.summary()));
        Ending {
            family,
            verdicts,
            met: state.lies.met,
            claims: state.judge.claims,
            requests: state.sent,
            trace: state.trace.take().unwrap_or_default(),
            print,
        }
    }
}

//! Golden texts: plans, outcomes and requests of the example and of fifty generated organisations, as hashes in
//! `snapshots/golden.snap`. Rebuilding the engine must not change one byte of them.
//!
//! ```console
//! $ cargo test --test simulation golden                           # which part of which organisation differs
//! $ GOLDEN_OUT=after cargo test --test simulation golden          # writes the texts themselves, to diff two commits
//! $ INSTA_UPDATE=always cargo test --test simulation golden       # accepts a change that is meant
//! ```
//!
//! Only what leaves the program counts here: JSON reports and requests. Nothing depends on names inside the engine.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rosterd::{desired, model::Outcome, sandbox::Config};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    chance::Chance,
    engine::{Engine, outcome_text, plan_text},
    judge::Judge,
    meddler::Meddler,
    network::Network,
    story::scratch,
    weather::Weather,
    world::{App, BEGINS, KINDS, Standing, Unlisted, World},
};

/// Generated organisations.
const SEEDS: u64 = 50;

/// Deviations that make lists hard to read or writes hard to believe; an organisation with them comes to no rest.
const ODDITIES: [(&str, &[&str]); 5] = [
    (
        "acc",
        &["gone-project", "archived-project", "page-repeats", "hq-page-repeats", "total-too-high", "list-truncated"],
    ),
    (
        "alteryx",
        &["no-group-detail", "no-member-removal", "duplicate-400", "page-ignored", "unpaged", "truncated-list"],
    ),
    ("alteryx-webapi", &["no-deactivation", "duplicate-400", "email-ignored", "email-contains", "truncated-list"]),
    ("workiva", &["email-ignored", "page-repeats", "truncated-list", "all-users-group", "roles-in-list"]),
    (
        "scim",
        &[
            "put-only",
            "cursor-repeats",
            "cursor-expires-once",
            "filter-ignored",
            "start-index-ignored",
            "total-too-high",
            "list-truncated",
            "string-totals",
            "string-booleans",
            "members-on-request",
            "members-truncated",
            "create-adopts",
            "no-discovery",
            "html-errors",
            "no-resources-when-empty",
        ],
    ),
];

/// Servers of vendors that SCIM is spoken to in their own way.
const PROFILES: [&str; 6] = ["strict", "autodesk", "alteryx", "workiva", "aws", "entra"];

/// An organisation: its files at two times, the apps, and what happens to it.
struct Organisation {
    name: String,
    seed: u64,
    world: Arc<World>,
    files: [Vec<(String, String)>; 2],
    stormy: bool,
    killed: bool,
    remembers: bool,
    /// Pinned groups that the sandbox does not have from the start: connector, tenant, id and name.
    groups: Vec<[String; 4]>,
}

/// What left the program.
#[derive(Default)]
struct Texts {
    plan: String,
    outcome: String,
    /// What was sent and answered, in order.
    requests: String,
    /// When each of it was.
    times: String,
    /// How often each kind of action came to which end.
    endings: BTreeMap<String, u64>,
    faults: u64,
    kills: u64,
}

impl Organisation {
    fn of(seed: u64) -> Self {
        let (mut first, mut later) = (World::of(seed), World::of(seed));
        let chance = &mut Chance::of(seed, "golden");
        for app in &mut first.apps {
            if app.kind == "scim" {
                let profile = chance.word(&PROFILES);
                app.lines.push(format!("options: {{ profile: {profile} }}"));
                app.lines.extend((profile == "autodesk").then(|| "defaults: { object_guid: some-guid }".to_owned()));
            }
            if seed % 4 == 2 {
                app.lines
                    .iter_mut()
                    .for_each(|line| *line = line.replace("policy: {", "policy: { remove_with: delete,"));
            }
            let oddities = ODDITIES.iter().find(|(kind, _)| *kind == app.kind).filter(|_| seed % 3 == 1);
            app.quirks.extend(oddities.map(|(_, quirks)| chance.word(quirks)));
        }
        // Between two runs, people come and go.
        for standing in later.people.values_mut().filter(|_| chance.happens(0.25)) {
            *standing = if *standing == Standing::Active { Standing::Left } else { Standing::Active };
        }
        for (app, of) in later.apps.iter_mut().zip(&first.apps) {
            app.lines.clone_from(&of.lines);
        }
        let mut later = later.files().replace("        role: Viewer\n", "        role: Member\n");
        // A group of the last app goes as well.
        if let Some(app) = first.apps.last().filter(|app| !app.groups.is_empty()) {
            let id = if app.kind == "autodesk" { "        id: other\n" } else { "" };
            write!(later, "      Nobody's Business:\n{id}        state: absent\n").unwrap();
        }
        let files = [first.files(), later].map(|text| vec![("all.yaml".to_owned(), text)]);
        Self {
            name: format!("seed {seed}"),
            seed,
            world: Arc::new(first),
            files,
            stormy: seed % 4 == 3,
            killed: seed % 5 == 2 || seed % 5 == 4,
            remembers: seed % 7 != 6,
            groups: Vec::new(),
        }
    }

    /// The example organisation, in the sandbox that has it.
    fn example() -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
        let files = desired::read(&dir).unwrap_or_else(|problems| panic!("{problems:?}")).files;
        let registry = rosterd::connectors::Registry::default();
        let desired =
            desired::parse(files.clone(), &registry).unwrap_or_else(|problems| panic!("{problems:?}")).desired;
        let (mut apps, mut groups) = (Vec::new(), Vec::new());
        for app in desired.apps.values() {
            let (kind, name) = (*KINDS.iter().find(|kind| **kind == &*app.connector).unwrap(), app.name.to_string());
            let pinned = app.groups.values().filter_map(|group| Some((group.id.as_ref()?, &group.name)));
            groups.extend(pinned.map(|(id, of)| [kind, &name, id, of].map(str::to_owned)));
            let (accounts, groups, lines, quirks) = (BTreeMap::new(), Vec::new(), Vec::new(), Vec::new());
            apps.push(App { kind, name, unlisted: Unlisted::Report, accounts, groups, lines, quirks });
        }
        let config = Config { begins: Some(BEGINS.parse().unwrap()), ..Config::default() };
        let (people, strangers) = (BTreeMap::new(), Vec::new());
        Self {
            name: "example".into(),
            seed: 7,
            world: Arc::new(World { seed: 7, people, strangers, apps, config }),
            files: [files.clone(), files],
            stormy: false,
            killed: false,
            remembers: true,
            groups,
        }
    }

    fn tell(&self) -> Texts {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(self.story())
    }

    /// Plans and applies, then again after people and apps have changed, and plans at the end.
    async fn story(&self) -> Texts {
        let mut weather = Weather::of(self.seed, self.world.apps.len());
        weather.over = !self.stormy;
        let mut meddler = Meddler::of(self.seed);
        meddler.gone = true;
        let network = Network::new(self.world.clone(), weather, meddler, Judge::default(), true, true);
        for [kind, tenant, id, name] in &self.groups {
            network.sandbox().put_group(kind, tenant, id, name).unwrap();
        }
        let scratch = self.remembers.then(scratch);
        let file = scratch.as_ref().map(|scratch| scratch.path().join("state.db"));
        let start = async |process: u64, files: &Vec<(String, String)>| {
            Engine::with_files(files.clone(), self.seed, &network, 0, process, file.as_deref()).await
        };
        let mut texts = Texts::default();
        // What an app shows only after a while it shows by now.
        tokio::time::sleep(Duration::from_secs(60)).await;
        if self.killed {
            network.state().kill_after = Some(Chance::of(self.seed, "kill").between(5..25));
            let engine = start(1, &self.files[0]).await;
            texts.kills += tokio::select! {
                biased;
                () = network.killed() => 1,
                _ = texts.round(&engine) => 0,
            };
            network.state().kill_after = None;
            drop(engine);
            tokio::time::sleep(Duration::from_secs(150)).await;
        }
        for (process, files) in [2, 3].into_iter().zip(&self.files) {
            let engine = start(process, files).await;
            let outcome = texts.round(&engine).await;
            engine.end(&outcome).await;
            tokio::time::sleep(Duration::from_secs(3700)).await;
            let mut meddler = Meddler::of(self.seed + process);
            for (app, _) in self.world.apps.iter().flat_map(|app| (0..5).map(move |n| (app, n))) {
                if let Some(done) = meddler.does(app, &self.world, network.sandbox()) {
                    network.tell(|| done);
                }
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        texts.plan += &plan_text(&start(4, &self.files[1]).await.look().await);
        let mut state = network.state();
        texts.faults = state.weather.struck;
        for line in state.trace.take().unwrap() {
            // The time of each line comes first, in columns of its own.
            let (time, what) = line.split_at(12);
            writeln!(texts.requests, "{what}").unwrap();
            writeln!(texts.times, "{time}").unwrap();
        }
        texts
    }
}

impl Texts {
    async fn round(&mut self, engine: &Engine) -> Outcome {
        let plan = engine.look().await;
        self.plan += &plan_text(&plan);
        let outcome = engine.act(&plan).await;
        let text = outcome_text(&outcome, &plan);
        let report: Value = serde_json::from_str(&text).unwrap();
        for action in report["apps"].as_array().unwrap().iter().flat_map(|app| app["actions"].as_array().unwrap()) {
            let verb = action["name"].as_str().unwrap().split('/').nth(1).unwrap();
            let ending = action["result"].as_str().or(action["status"].as_str()).unwrap();
            *self.endings.entry(format!("{verb} {ending}")).or_default() += 1;
        }
        self.outcome += &text;
        outcome
    }

    fn parts(&self) -> [(&'static str, &str); 4] {
        [("plan", &self.plan), ("outcome", &self.outcome), ("requests", &self.requests), ("times", &self.times)]
    }

    /// One line: the hash of each part.
    fn line(&self, name: &str) -> String {
        let hash = |(part, text): (&str, &str)| {
            let digest = Sha256::digest(text.as_bytes());
            let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!(" {part}={hex}")
        };
        format!("{name}:{}", self.parts().map(hash).concat())
    }

    fn write(&self, dir: &Path, name: &str) {
        fs::create_dir_all(dir).unwrap();
        for (part, text) in self.parts() {
            fs::write(dir.join(format!("{}.{part}", name.replace(' ', "-"))), text).unwrap();
        }
    }
}

/// All texts, by the names of the organisations in order.
fn tell_all() -> Vec<(String, Texts)> {
    let next = AtomicU64::new(0);
    let told = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > SEEDS {
                        break;
                    }
                    // The example is the largest, so it begins first.
                    let of = number.checked_sub(1).map_or_else(Organisation::example, Organisation::of);
                    let texts = of.tell();
                    told.lock().unwrap().insert(number, (of.name, texts));
                }
            });
        }
    });
    told.into_inner().unwrap().into_values().collect()
}

/// Names, for each line that is not in the accepted file, the parts that differ.
fn differences(accepted: &str, lines: &[String]) -> Vec<String> {
    let known: Vec<&str> = accepted.lines().collect();
    let differs = |line: &&String| !known.contains(&line.as_str());
    let name = |line: &String| {
        let (name, hashes) = line.split_once(':').unwrap();
        let old = known.iter().find_map(|old| old.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default();
        let old: Vec<&str> = old.split(' ').collect();
        let parts = hashes.split(' ').filter(|hash| !old.contains(hash)).filter_map(|hash| hash.split('=').next());
        format!("{name}: {} changed", parts.collect::<Vec<_>>().join(", "))
    };
    lines.iter().filter(differs).map(name).collect()
}

#[test]
fn golden_plans_outcomes_and_requests_are_the_same_bytes_as_ever() {
    let told = tell_all();
    if let Some(dir) = std::env::var_os("GOLDEN_OUT") {
        told.iter().for_each(|(name, texts)| texts.write(&PathBuf::from(&dir), name));
    }
    let lines: Vec<String> = told.iter().map(|(name, texts)| texts.line(name)).collect();
    let mut endings: BTreeMap<&str, u64> = BTreeMap::new();
    for (ending, count) in told.iter().flat_map(|(_, texts)| &texts.endings) {
        *endings.entry(ending).or_default() += count;
    }
    let stormy = told.iter().filter(|(_, texts)| texts.faults > 0).count();
    let (faults, kills) = told.iter().fold((0, 0), |sum, (_, texts)| (sum.0 + texts.faults, sum.1 + texts.kills));
    assert!(stormy >= 10 && kills >= 5, "too little goes wrong: {stormy} organisations with faults, {kills} kills");
    let endings: Vec<String> = endings.iter().map(|(ending, count)| format!("{ending}: {count}")).collect();
    let all = [lines.join("\n"), format!("{faults} faults, {kills} kills"), endings.join("\n")].join("\n\n");

    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let accepted = fs::read_to_string(snapshots.join("golden.snap")).unwrap_or_default();
    for difference in differences(&accepted, &lines) {
        println!("{difference}; GOLDEN_OUT=DIR writes the texts, to compare them with those of another commit");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("golden", all));
}

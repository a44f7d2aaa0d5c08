//! Two clients with the same work before the same API, which allows so many requests in any hour and so many at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rosterd::{
    connectors::{
        Outside, Override, ProcessSecrets, Registry,
        http::{
            Method,
            transport::{Transport, WireAnswer, WireFailure, WireRequest},
        },
    },
    desired,
    execute::{Quiet, Stop},
    model::ActionResult,
    observe::ObserveProgress,
    reconcile::{Reconciler, Watch},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::Instant};

/// Accounts to make, each of which then joins every group.
const PEOPLE: usize = 1000;
const GROUPS: usize = 2;
pub(super) const ACTIONS: usize = PEOPLE * (1 + GROUPS);

/// From sending a request to having its answer.
pub(super) const LATENCY: Duration = Duration::from_millis(200);

const HOUR: Duration = Duration::from_secs(3600);

/// An API, by what it allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Race {
    /// Requests in any hour.
    pub requests: usize,
    /// Requests at once.
    pub at_once: usize,
}

/// How it went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finish {
    pub makespan: Duration,
    /// Requests that the API refused.
    pub refused: usize,
}

impl Race {
    /// Autodesk's two plans.
    pub(super) const ALL: [Self; 2] = [Self { requests: 1000, at_once: 10 }, Self { requests: 5000, at_once: 50 }];

    /// Nobody can be faster: the longest chain, all work at full breadth, and the windows that it fills.
    pub(super) fn bound(self) -> Duration {
        let chain = LATENCY * 2;
        let breadth = LATENCY.mul_f64(ACTIONS as f64 / self.at_once as f64);
        let windows = u32::try_from((ACTIONS - 1) / self.requests).expect("few windows");
        chain.max(breadth).max(HOUR * windows + LATENCY)
    }
}

/// The API. Answers carry no word about the quota.
#[derive(Debug)]
struct Api {
    race: Race,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each request of the last hour was counted.
    counted: VecDeque<Instant>,
    under_way: usize,
    refused: usize,
}

impl Api {
    fn new(race: Race) -> Arc<Self> {
        Arc::new(Self { race, state: Mutex::default() })
    }

    fn arrive(&self) -> bool {
        let mut state = self.state.lock().expect("nobody panics with it");
        let now = Instant::now();
        while state.counted.front().is_some_and(|counted| now >= *counted + HOUR) {
            state.counted.pop_front();
        }
        let free = state.counted.len() < self.race.requests && state.under_way < self.race.at_once;
        if free {
            state.counted.push_back(now);
            state.under_way += 1;
        } else {
            state.refused += 1;
        }
        free
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        tokio::time::sleep(LATENCY / 2).await;
        if !self.arrive() {
            tokio::time::sleep(LATENCY / 2).await;
            return (429, json!({ "message": "too many requests" }));
        }
        tokio::time::sleep(LATENCY / 2).await;
        self.state.lock().expect("nobody panics with it").under_way -= 1;
        answer(method, path, body)
    }

    fn finish(&self, began: Instant) -> Finish {
        Finish { makespan: began.elapsed(), refused: self.state.lock().expect("nobody panics with it").refused }
    }
}

fn answer(method: Method, path: &str, mut body: Value) -> (u16, Value) {
    match (method, path) {
        (Method::Get, "/groups") => {
            let group = |n| json!({ "id": format!("g{n}"), "name": format!("Group {n}") });
            (200, json!({ "data": (0..GROUPS).map(group).collect::<Vec<_>>() }))
        }
        (Method::Get, _) => (200, json!({ "data": [] })),
        (_, "/users") => {
            body["id"] = format!("id-{}", body["email"].as_str().unwrap_or_default()).into();
            (201, body)
        }
        _ => (201, body),
    }
}

#[async_trait]
impl Transport for Api {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        let body = request.body.as_ref().and_then(|body| serde_json::from_str(body.expose_secret()).ok());
        let (status, body) = self.ask(request.method, request.url.path(), body.unwrap_or(Value::Null)).await;
        Ok(WireAnswer { status, headers: Vec::new(), body: Ok(body.to_string().into()) })
    }
}

const MANIFEST: &str = "
name: race
auth: { bearer: true }
accounts:
  fields: { id: id, email: email, status: status }
  status: { active: active, inactive: inactive }
  list: { get: /users, items: data }
  read: { get: '/users/{account.id}' }
  create: { post: /users }
groups:
  list: { get: /groups, items: data }
members:
  list: { get: '/groups/{group.id}/members', items: data, account: { id: user } }
  add: { post: '/groups/{group.id}/members', body: { user: '{account.id}' } }
";

fn files(race: Race) -> String {
    let Race { requests, at_once } = race;
    let mut text = format!(
        "apps:\n  race:\n    connector: connectors/race.yaml\n    url: https://race.example\n    \
         auth: {{ token: {{ env: RACE }} }}\n    budget: {{ requests: {requests}/h, concurrency: {at_once}, keep_free: 0% }}\n    \
         policy: {{ max_creates: 100000, min_admins: 0 }}\n    groups:\n"
    );
    for group in 0..GROUPS {
        text.push_str(&format!(
            "      Group {group}:\n        policy: {{ max_creates: 100000, min_admins: 0 }}\n        members:\n"
        ));
        (0..PEOPLE).for_each(|n| text.push_str(&format!("          {}:\n", address(n))));
    }
    text.push_str("people:\n");
    (0..PEOPLE).for_each(|n| text.push_str(&format!("  {}: {{}}\n", address(n))));
    text
}

fn address(n: usize) -> String {
    format!("person.{n:04}@example.com")
}

struct Unwatched;

impl Watch for Unwatched {
    fn seen(&self, _: &str, _: ObserveProgress) {}
}

/// The engine: connector, budget and executor as they are.
pub(super) async fn ours(race: Race) -> Finish {
    let directory = tempfile::tempdir().expect("a directory of our own");
    std::fs::create_dir(directory.path().join("connectors")).expect("it is ours");
    std::fs::write(directory.path().join("connectors/race.yaml"), MANIFEST).expect("it is ours");
    let connected = |api: &Arc<Api>| {
        let outside = Outside { network: Some(api.clone()), seed: Some(7), ..Outside::default() };
        let registry = Registry::new(Some(directory.path().to_owned())).within(outside);
        let files = vec![("all.yaml".to_owned(), files(race))];
        let desired = desired::parse(files, &registry).unwrap_or_else(|problems| panic!("{problems:?}")).desired;
        let url = "https://race.example".parse().expect("an address");
        let instead = Override { url, client_id: "race".into(), client_secret: "race".to_owned().into() };
        Reconciler::new(
            desired,
            String::new(),
            |_| true,
            |app| registry.connect(app, &ProcessSecrets::default(), Some(&instead)),
        )
    };
    // The plan is made before, by another process at another hour, so that all of the quota is there for the work itself.
    let live = connected(&Api::new(race)).observe(&Unwatched).await;
    let api = Api::new(race);
    let reconciler = connected(&api);
    let plan = reconciler.plan(&live, Timestamp::UNIX_EPOCH);
    let began = Instant::now();
    let outcome = reconciler.execute(&plan, &Stop::never(), &Quiet).await;
    let results = outcome.apps.iter().flat_map(|app| &app.actions);
    let done = results.filter(|(_, result)| matches!(result, ActionResult::Done { .. })).count();
    assert_eq!(done, ACTIONS, "{:?} {:?}", outcome.apps[0].error, outcome.apps[0].actions.first());
    api.finish(began)
}

/// What people write at first: as many workers as allowed, each of which backs off exponentially when it is refused.
pub(super) async fn naive(race: Race) -> Finish {
    let api = Api::new(race);
    let began = Instant::now();
    let workers = Arc::new(Semaphore::new(race.at_once));
    let people = (0..PEOPLE).map(|n| {
        let (api, workers) = (api.clone(), workers.clone());
        async move {
            let mut chance = StdRng::seed_from_u64(n as u64);
            let account = json!({ "email": address(n) });
            insist(&api, &workers, &mut chance, "/users", account).await;
            for group in 0..GROUPS {
                let member = json!({ "user": format!("id-{}", address(n)) });
                insist(&api, &workers, &mut chance, &format!("/groups/g{group}/members"), member).await;
            }
        }
    });
    futures::future::join_all(people).await;
    api.finish(began)
}

/// Sends until it is taken. A real one gives up after a few attempts and loses the action.
async fn insist(api: &Api, workers: &Semaphore, chance: &mut StdRng, path: &str, body: Value) {
    let mut pause = Duration::from_secs(1);
    let _worker = workers.acquire().await.expect("nobody closes it");
    while api.ask(Method::Post, path, body.clone()).await.0 == 429 {
        tokio::time::sleep(pause.mul_f64(chance.random::<f64>())).await;
        pause = (pause * 2).min(Duration::from_secs(60));
    }
}

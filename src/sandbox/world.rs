//! All tenants of all apps, and the way every request takes: faults, quota, token, app, log.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    app::{Answer, App, Body, DriftError, Request},
    autodesk::Autodesk,
    chance::Chance,
    clock::{self, Clock},
    config::{Config, ResetHeader},
    fault::{Fault, FaultKind, Faults, Target},
    log::{self, Log, LoggedRequest},
    quota::{Standing, Window},
    tokens::{Issuer, Tokens},
};

/// The connectors a sandbox plays.
pub(crate) const CONNECTORS: [&str; 1] = ["autodesk"];

/// Connector and tenant.
pub(crate) type Key = (String, String);

/// Everything that exists in a sandbox.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    tenants: BTreeMap<Key, Tenant>,
}

/// One organisation at one app: its own state, tokens and quota.
struct Tenant {
    app: Box<dyn App>,
    tokens: Tokens,
    quota: Window,
    token_quota: Window,
    in_flight: usize,
}

/// What became of a request on its way in.
pub(crate) enum Admission {
    /// It may go on, maybe to meet a fault.
    Admitted(Option<Fault>),
    /// Too many are in flight: this is the answer.
    Refused(Box<Answer>),
}

/// How an answer is delivered.
pub(crate) enum Delivery {
    Whole(Answer),
    After(Duration, Answer),
    /// The first half of the body, then the connection closes.
    CutOff(Answer),
    /// No answer: the connection is reset.
    Reset,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let clock = Clock::start(config.time_scale);
        let faults = Faults::new(config.faults.clone());
        Self { config, clock, faults, log: Log::default(), tenants: BTreeMap::new() }
    }

    /// The tenants that have come to life.
    pub(crate) fn tenants(&self) -> Vec<String> {
        self.tenants.keys().map(|(connector, tenant)| format!("{connector}/{tenant}")).collect()
    }

    /// A tenant's app, up to date. A tenant comes to life when it is first asked for.
    pub(crate) fn app(&mut self, key: &Key) -> Result<&mut dyn App, DriftError> {
        let now = self.clock.now();
        let tenant = self.tenant(key, now)?;
        tenant.app.settle(now);
        Ok(tenant.app.as_mut())
    }

    fn tenant(&mut self, key: &Key, now: Timestamp) -> Result<&mut Tenant, DriftError> {
        if !self.tenants.contains_key(key) {
            let tenant = Tenant::new(key, &self.config, now)?;
            self.tenants.insert(key.clone(), tenant);
        }
        Ok(self.tenants.get_mut(key).expect("it was there or has just been inserted"))
    }

    /// Lets a request in: counts it as in flight and finds the fault it will meet.
    pub(crate) fn admit(&mut self, key: &Key, request: &Request) -> Result<Admission, DriftError> {
        let now = self.clock.now();
        let cap = self.config.quota.concurrency;
        let tenant = self.tenant(key, now)?;
        // Token requests go to another service, which the cap does not watch.
        let capped = tenant.app.oauth().path != request.path;
        if capped && tenant.in_flight >= cap {
            let standing = tenant.quota.look(now);
            let answer = self.with_quota(too_many("Too many requests in flight.", 1), standing);
            self.record(key, request, Some(answer.status), None, false);
            return Ok(Admission::Refused(Box::new(answer)));
        }
        if capped {
            tenant.in_flight += 1;
        }
        let target = Target { app: &key.0, tenant: &key.1, method: &request.method, path: &request.path };
        Ok(Admission::Admitted(self.faults.strike(&target)))
    }

    /// The opposite of [`admit`](World::admit): the request is over.
    pub(crate) fn leave(&mut self, key: &Key, request_path: &str) {
        if let Some(tenant) = self.tenants.get_mut(key)
            && tenant.app.oauth().path != request_path
        {
            tenant.in_flight -= 1;
        }
    }

    /// Carries out an admitted request.
    pub(crate) fn carry_out(
        &mut self,
        key: &Key,
        request: &Request,
        fault: Option<Fault>,
    ) -> Result<Delivery, DriftError> {
        let now = self.clock.now();
        let tenant = self.tenant(key, now)?;
        tenant.app.settle(now);
        let oauth = tenant.app.oauth();
        let for_token = oauth.path == request.path;
        let quota = if for_token { &mut tenant.token_quota } else { &mut tenant.quota };
        // What never reaches the gateway, and a 429 that comes for no reason, cost nothing.
        let free =
            matches!(&fault, Some(f) if !f.effect && matches!(f.kind, FaultKind::ResetBefore | FaultKind::TooMany));
        let standing = if free { Ok(quota.look(now)) } else { quota.take(now) };

        let (standing, answer, fault) = match standing {
            Err(standing) => {
                let wait = clock::seconds_up(self.clock.real_wait(standing.resets)).max(1);
                // An exhausted quota answers before anything else could go wrong.
                (standing, too_many("Quota limit exceeded.", wait), None)
            }
            Ok(standing) => {
                let ineffective = fault.as_ref().is_some_and(|fault| !fault.effect);
                let answer = if ineffective {
                    // Stands in for what the app would have said; the fault replaces or mutilates it.
                    Answer::json(200, json!({ "data": [] }))
                } else if for_token {
                    self.issue_token(key, request, now)?
                } else {
                    let tenant = self.tenant(key, now)?;
                    match tenant.tokens.check(request, now) {
                        Ok(scopes) => tenant.app.answer(request, &scopes),
                        Err(unauthorised) => unauthorised,
                    }
                };
                (standing, answer, fault)
            }
        };
        let effect = answer.effect;
        let told = |answer| if for_token { answer } else { self.with_quota(answer, standing) };
        let delivery = match &fault {
            None => Delivery::Whole(told(answer)),
            Some(fault) => match spoil(fault, answer) {
                Delivery::Whole(answer) => Delivery::Whole(told(answer)),
                Delivery::After(wait, answer) => Delivery::After(wait, told(answer)),
                Delivery::CutOff(answer) => Delivery::CutOff(told(answer)),
                Delivery::Reset => Delivery::Reset,
            },
        };
        let status = match &delivery {
            Delivery::Whole(answer) | Delivery::After(_, answer) | Delivery::CutOff(answer) => Some(answer.status),
            Delivery::Reset => None,
        };
        self.record(key, request, status, fault.map(|fault| fault.kind), effect);
        Ok(delivery)
    }

    fn issue_token(&mut self, key: &Key, request: &Request, now: Timestamp) -> Result<Answer, DriftError> {
        let (client_id, client_secret) = (self.config.client_id.clone(), self.config.client_secret.clone());
        let life = self.config.token_life;
        let told_life = self.clock.real(life);
        let issuer = Issuer { client_id: &client_id, client_secret: &client_secret, life, told_life };
        let tenant = self.tenant(key, now)?;
        let oauth = tenant.app.oauth();
        Ok(tenant.tokens.issue(&oauth, &issuer, request, now))
    }

    /// Adds the quota headers, in real time.
    fn with_quota(&self, answer: Answer, standing: Standing) -> Answer {
        let wait = self.clock.real_wait(standing.resets);
        let since_1970 =
            Duration::try_from(Timestamp::now().as_duration()).unwrap_or(Duration::ZERO).saturating_add(wait);
        let reset = match self.config.reset_header {
            ResetHeader::DeltaSeconds => u128::from(clock::seconds_up(wait)),
            ResetHeader::EpochSeconds => u128::from(clock::seconds_up(since_1970)),
            ResetHeader::EpochMilliseconds => since_1970.as_millis() + 1,
        };
        answer
            .with("x-ratelimit-limit", standing.limit)
            .with("x-ratelimit-remaining", standing.remaining)
            .with("x-ratelimit-reset", reset)
    }

    fn record(&mut self, key: &Key, request: &Request, status: Option<u16>, fault: Option<FaultKind>, effect: bool) {
        self.log.push(LoggedRequest {
            at: self.clock.now(),
            app: key.0.clone(),
            tenant: key.1.clone(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            body: log::body(&request.body),
            status,
            fault,
            effect,
        });
    }
}

impl Tenant {
    fn new((connector, tenant): &Key, config: &Config, now: Timestamp) -> Result<Self, DriftError> {
        let chance = Chance::new(config.seed, connector, tenant);
        // The tenant named like its connector is the one `--sandbox` meets with the example files.
        let example = !config.empty && tenant == connector;
        let app: Box<dyn App> = match connector.as_str() {
            "autodesk" => Box::new(Autodesk::new(chance.clone(), config, example, now)),
            _ => return Err(DriftError::UnknownConnector(connector.clone())),
        };
        Ok(Self {
            app,
            tokens: Tokens::new(chance),
            quota: Window::new(config.quota.requests, config.quota.window),
            token_quota: Window::new(config.token_requests, config.token_window),
            in_flight: 0,
        })
    }
}

fn too_many(message: &str, retry_after: u64) -> Answer {
    Answer::json(429, json!({ "developerMessage": message })).with("retry-after", retry_after)
}

const MAINTENANCE: &str = "<!doctype html><html><head><title>Maintenance</title></head>\
    <body><h1>We will be back shortly</h1></body></html>";
const BAD_GATEWAY: &str =
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";

/// What a fault makes of an answer.
fn spoil(fault: &Fault, answer: Answer) -> Delivery {
    let wait = clock::seconds_up(fault.wait);
    Delivery::Whole(match fault.kind {
        FaultKind::ResetBefore | FaultKind::ResetAfter => return Delivery::Reset,
        FaultKind::Slow => return Delivery::After(fault.wait, answer),
        FaultKind::CutOff => return Delivery::CutOff(answer),
        FaultKind::ServerError => Answer::json(500, json!({ "developerMessage": "Internal error." })),
        FaultKind::Unavailable => {
            Answer::json(503, json!({ "developerMessage": "Temporarily unavailable." })).with("retry-after", wait)
        }
        FaultKind::TooMany => too_many("Quota limit exceeded.", wait),
        FaultKind::Html => Answer::html(200, MAINTENANCE),
        FaultKind::Html502 => Answer::html(502, BAD_GATEWAY),
        FaultKind::Empty => Answer { status: 200, body: Body::Empty, ..answer },
        FaultKind::Malformed => Answer { body: Body::Raw(broken_off(&answer.body)), ..answer },
    })
}

/// The first part of a JSON text, which is never JSON itself: a whole object or list ends with its bracket.
fn broken_off(body: &Body) -> String {
    let whole = match body {
        Body::Json(value) => value.to_string(),
        Body::Raw(text) => text.clone(),
        Body::Empty | Body::Html(_) => Value::Object(serde_json::Map::new()).to_string(),
    };
    let keep = whole.chars().count() / 2;
    whole.chars().take(keep.max(1)).collect()
}

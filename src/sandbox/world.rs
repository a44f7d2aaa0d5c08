//! All tenants of all apps, and the way every request takes: faults, quota, token, app, log.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    app::{Answer, App, Body, DriftError, Request},
    catalogue,
    chance::Chance,
    clock::{self, Clock},
    config::{Config, ResetHeader},
    entry::Entry,
    fault::{Fault, FaultKind, Faults, Target},
    log::{self, Log, LoggedRequest},
    quirks::Quirks,
    quota::{Meter, Quotas, Standing, Window},
    tokens::{Issuer, Tokens, Unauthorised},
};

/// Connector and tenant.
pub(crate) type Key = (String, String);

/// Everything that exists in a sandbox.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    tenants: BTreeMap<Key, Tenant>,
    /// Quotas that a client id has once, by connector, client id and place among the connector's families.
    per_client: BTreeMap<(String, String, Meter), Window>,
}

/// One organisation at one app: its own state, tokens and quota.
struct Tenant {
    app: Box<dyn App>,
    quirks: Quirks,
    tokens: Tokens,
    quotas: Quotas,
    token_quota: Window,
}

/// What became of a request on its way in.
pub(crate) enum Admission {
    /// It may go on, maybe to meet a fault; it counts with the others of its quota while it is in flight.
    Admitted(Option<Fault>, Meter),
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
        let clock = Clock::start(config.time_scale, config.begins);
        let faults = Faults::new(config.faults.clone());
        Self { config, clock, faults, log: Log::default(), tenants: BTreeMap::new(), per_client: BTreeMap::new() }
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

    /// The quirks that are on at a tenant.
    pub(crate) fn quirks(&mut self, key: &Key) -> Result<&Quirks, DriftError> {
        let now = self.clock.now();
        Ok(&self.tenant(key, now)?.quirks)
    }

    /// Replaces the quirks that are on at a tenant.
    pub(crate) fn set_quirks(&mut self, key: &Key, names: impl IntoIterator<Item = String>) -> Result<(), DriftError> {
        let now = self.clock.now();
        let tenant = self.tenant(key, now)?;
        let quirks = Quirks::of(&key.0, names)?;
        tenant.app.settle(now);
        tenant.app.set_quirks(quirks.clone());
        tenant.quirks = quirks;
        Ok(())
    }

    /// Lets a request in: counts it as in flight and finds the fault it will meet.
    pub(crate) fn admit(&mut self, key: &Key, request: &Request) -> Result<Admission, DriftError> {
        let now = self.clock.now();
        let tenant = self.tenant(key, now)?;
        // Token requests go to another service, which the cap does not watch.
        let meter = if tenant.is_for_token(request) { None } else { tenant.quotas.meter(request) };
        if !tenant.quotas.enter(meter) {
            let standing = tenant.quotas.look(meter, now).filter(|_| tenant.quotas.told(meter));
            let refused = too_many(tenant.app.as_ref(), "Too many requests in flight.", 1);
            let answer = self.with_quota(refused, standing);
            self.record(key, request, Some(answer.status), None, false);
            return Ok(Admission::Refused(Box::new(answer)));
        }
        let target = Target { app: &key.0, tenant: &key.1, method: &request.method, path: &request.path };
        Ok(Admission::Admitted(self.faults.strike(&target), meter))
    }

    /// The opposite of [`admit`](World::admit): the request is over.
    pub(crate) fn leave(&mut self, key: &Key, meter: Meter) {
        if let Some(tenant) = self.tenants.get_mut(key) {
            tenant.quotas.leave(meter);
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
        let for_token = tenant.is_for_token(request);
        let meter = tenant.quotas.meter(request);
        // What never reaches the gateway, and a 429 that comes for no reason, cost nothing.
        let free =
            matches!(&fault, Some(f) if !f.effect && matches!(f.kind, FaultKind::ResetBefore | FaultKind::TooMany));
        let told = !for_token && tenant.quotas.told(meter);
        let spend = |window: &mut Window| if free { Ok(window.look(now)) } else { window.take(now) };
        let standing = if for_token {
            spend(&mut tenant.token_quota).map(Some)
        } else if let Some((quota, client)) = tenant.quotas.per_client(meter).zip(tenant.tokens.client(request)) {
            let fresh = || Window::new(quota.requests, quota.window);
            spend(self.per_client.entry((key.0.clone(), client, meter)).or_insert_with(fresh)).map(Some)
        } else if free {
            Ok(tenant.quotas.look(meter, now))
        } else {
            tenant.quotas.take(meter, now)
        };

        let (standing, answer, fault) = match standing {
            Err(standing) => {
                let wait = clock::seconds_up(self.clock.real_wait(standing.resets)).max(1);
                let app = self.tenant(key, now)?.app.as_ref();
                // An exhausted quota answers before anything else could go wrong.
                (Some(standing), too_many(app, "Quota limit exceeded.", wait), None)
            }
            Ok(standing) => {
                let ineffective = fault.as_ref().is_some_and(|fault| !fault.effect);
                let answer = if ineffective {
                    // Stands in for what the app would have said; the fault replaces or mutilates it.
                    Answer::json(200, json!({ "data": [] }))
                } else {
                    self.ask(key, request, now)?
                };
                (standing, answer, fault)
            }
        };
        let effect = answer.effect;
        let spoilt = match &fault {
            None => Delivery::Whole(answer),
            Some(fault) => spoil(fault, self.tenant(key, now)?.app.as_ref(), answer),
        };
        let tell = |answer| self.with_quota(answer, standing.filter(|_| told));
        let delivery = match spoilt {
            Delivery::Whole(answer) => Delivery::Whole(tell(answer)),
            Delivery::After(wait, answer) => Delivery::After(wait, tell(answer)),
            Delivery::CutOff(answer) => Delivery::CutOff(tell(answer)),
            Delivery::Reset => Delivery::Reset,
        };
        let status = match &delivery {
            Delivery::Whole(answer) | Delivery::After(_, answer) | Delivery::CutOff(answer) => Some(answer.status),
            Delivery::Reset => None,
        };
        self.record(key, request, status, fault.map(|fault| fault.kind), effect);
        Ok(delivery)
    }

    /// Hands the request to the token endpoint or, if its token is good, to the app.
    fn ask(&mut self, key: &Key, request: &Request, now: Timestamp) -> Result<Answer, DriftError> {
        let (client_id, client_secret) = (self.config.client_id.clone(), self.config.client_secret.clone());
        let oauth = self.tenant(key, now)?.app.oauth();
        let life = oauth.longest_life.unwrap_or(Duration::MAX).min(self.config.token_life);
        let told_life = self.clock.real(life);
        let issuer = Issuer { client_id: &client_id, client_secret: &client_secret, life, told_life };
        let tenant = self.tenant(key, now)?;
        if tenant.is_for_token(request) {
            return Ok(tenant.tokens.issue(&oauth, &issuer, request, now));
        }
        let app = tenant.app.as_mut();
        Ok(match tenant.tokens.check(&oauth, &issuer, request, now) {
            Ok(scopes) => app.answer(request, &scopes),
            Err(Unauthorised::NoToken) => {
                app.refuse(401, "AUTH-001", "A bearer token is required.").with("www-authenticate", "Bearer")
            }
            Err(Unauthorised::BadToken) => app
                .refuse(401, "AUTH-006", "The token is unknown or has expired.")
                .with("www-authenticate", "Bearer error=\"invalid_token\""),
        })
    }

    /// Adds the quota headers, in real time.
    fn with_quota(&self, answer: Answer, standing: Option<Standing>) -> Answer {
        let Some(standing) = standing else { return answer };
        let wait = self.clock.real_wait(standing.resets);
        let since_1970 =
            Duration::try_from(self.clock.time_of_day().as_duration()).unwrap_or(Duration::ZERO).saturating_add(wait);
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
            headers: log::headers(request),
            body: log::body(&request.body),
            status,
            fault,
            effect,
        });
    }
}

impl Tenant {
    fn new((connector, tenant): &Key, config: &Config, now: Timestamp) -> Result<Self, DriftError> {
        let part: &Entry = catalogue::entry(connector)
            .ok_or_else(|| DriftError::UnknownConnector(connector.clone(), catalogue::names()))?;
        let chance = Chance::new(config.seed, connector, tenant);
        // The tenants that `--sandbox` meets with the example files: where an app is called like its connector, and the
        // intranet, which merely speaks SCIM.
        let example = !config.empty && (tenant == connector || (connector == "scim" && tenant == "intranet"));
        let quirks = Quirks::configured(&config.quirks, connector, tenant)?;
        let mut app = (part.start)(chance.clone(), config, example, now);
        app.set_quirks(quirks.clone());
        Ok(Self {
            app,
            quirks,
            tokens: Tokens::new(chance),
            quotas: Quotas::new(part, config),
            token_quota: Window::new(config.quota_size.of(config.token_requests), config.token_window),
        })
    }

    fn is_for_token(&self, request: &Request) -> bool {
        self.app.oauth().path == request.path
    }
}

fn too_many(app: &dyn App, message: &str, retry_after: u64) -> Answer {
    app.refuse(429, "RATE_LIMIT", message).with("retry-after", retry_after)
}

const MAINTENANCE: &str = "<!doctype html><html><head><title>Maintenance</title></head>\
    <body><h1>We will be back shortly</h1></body></html>";
const BAD_GATEWAY: &str =
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";

/// What a fault makes of an answer.
fn spoil(fault: &Fault, app: &dyn App, answer: Answer) -> Delivery {
    let wait = clock::seconds_up(fault.wait);
    Delivery::Whole(match fault.kind {
        FaultKind::ResetBefore | FaultKind::ResetAfter => return Delivery::Reset,
        FaultKind::Slow => return Delivery::After(fault.wait, answer),
        FaultKind::Stalled => {
            return Delivery::After(fault.wait, app.refuse(504, "GATEWAY_TIMEOUT", "No answer in time."));
        }
        FaultKind::CutOff => return Delivery::CutOff(answer),
        FaultKind::ServerError => app.refuse(500, "INTERNAL", "Internal error."),
        FaultKind::Unavailable => app.refuse(503, "UNAVAILABLE", "Temporarily unavailable.").with("retry-after", wait),
        FaultKind::TooMany => too_many(app, "Quota limit exceeded.", wait),
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

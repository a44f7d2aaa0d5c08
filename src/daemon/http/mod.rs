//! What the daemon serves: probes, metrics, the status as a page and as JSON, and the trigger for a cycle.
//!
//! | request | does |
//! |---|---|
//! | `GET /` | the status page |
//! | `GET /api/v1/status` | the same as JSON |
//! | `POST /api/v1/sync[?app=A]` | begins a cycle at once, in one app or in all |
//! | `POST /api/v1/pause?for=D&reason=R[&app=A][&all=true][&by=N]` | pauses one app or all |
//! | `DELETE /api/v1/pause[?app=A][&by=N]` | ends a pause |
//! | `GET /metrics` | metrics in Prometheus' text format |
//! | `GET /healthz` | 200 while the process works, 503 when it ought to be restarted |
//! | `GET /readyz` | 200 while the store works and every app's cycles end in time, 503 otherwise |

mod access;
mod door;
mod guesses;
mod html;
pub(super) mod metrics;
pub(super) mod page;
mod pause;
mod places;
mod plain;
pub(super) mod status;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tracing::{error, info};

use super::{World, status::DaemonStatus};
use crate::report::steers;
pub(super) use access::Access;
use access::{Purpose, Refusal};
use door::Caller;
pub(super) use door::Door;
use guesses::Guesses;

/// The page has no scripts, loads nothing, and is shown in no frame.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What answers are made of.
#[derive(Clone)]
struct Desk {
    world: Arc<dyn World>,
    status: Arc<DaemonStatus>,
    access: Arc<Access>,
    guesses: Arc<Guesses>,
    /// Answers take turns: however many people look at a large status, probes find a free processor.
    turns: Arc<Semaphore>,
}

impl Desk {
    fn new(world: Arc<dyn World>, status: Arc<DaemonStatus>, access: Arc<Access>) -> Self {
        Self { world, status, access, guesses: Arc::default(), turns: Arc::new(Semaphore::new(1)) }
    }

    /// Lets a request in that may do this, and nobody else.
    async fn guard(self, purpose: Purpose, request: Request, next: Next) -> Response {
        let caller = request.extensions().get::<Caller>().cloned();
        match self.access.allows(request.headers(), purpose) {
            Ok(()) => {}
            Err(refusal) => {
                if let (Refusal::WrongToken, Some(caller)) = (refusal, caller) {
                    self.guesses.slow_down(caller.address()).await;
                }
                return refusal.into_response();
            }
        }
        caller.iter().for_each(Caller::is_answered);
        let turn = self.turns.acquire().await;
        let answer = next.run(request).await;
        drop(turn);
        answer
    }
}

fn router(desk: Desk) -> Router {
    let guarded = |purpose| {
        let desk = desk.clone();
        middleware::from_fn(move |request: Request, next: Next| desk.clone().guard(purpose, request, next))
    };
    let looks = Router::new()
        .route("/", get(page))
        .route("/api/v1/status", get(status))
        .route("/metrics", get(metrics))
        .route_layer(guarded(Purpose::Look));
    let triggers = Router::new()
        .route("/api/v1/sync", post(sync))
        .route("/api/v1/pause", post(pause::begin).delete(pause::end))
        .route_layer(guarded(Purpose::Trigger));
    Router::new()
        .merge(looks)
        .merge(triggers)
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(nothing)
        .layer(middleware::from_fn(plainly))
        .with_state(desk)
}

/// Refuses what says two things about whom it is for.
async fn plainly(request: Request, next: Next) -> Response {
    match plain::check(request.method(), request.uri(), request.version(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(wrong) => json_answer(StatusCode::BAD_REQUEST, &json!({ "error": wrong })),
    }
}

async fn page(State(desk): State<Desk>) -> Response {
    let html = match page::page(&desk.status.snapshot(), desk.world.now()) {
        Ok(html) => html,
        Err(error) => return (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, html).into_response()
}

async fn status(State(desk): State<Desk>) -> Response {
    json_answer(StatusCode::OK, &status::status(&desk.status.snapshot(), desk.world.now()))
}

async fn metrics(State(desk): State<Desk>) -> Response {
    let text = metrics::metrics(&desk.status.snapshot(), desk.world.now());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Whoever probes need not show a token, and so learns no names.
async fn healthz(State(desk): State<Desk>) -> Response {
    let sick = desk.status.snapshot().sickness();
    if !sick.is_empty() {
        error!("not healthy: {}", sick.join("; "));
    }
    probe((!sick.is_empty()).then(|| "something is stuck; the log says what".into()))
}

async fn readyz(State(desk): State<Desk>) -> Response {
    probe(desk.status.snapshot().unready())
}

fn probe(wrong: Option<String>) -> Response {
    match wrong {
        None => (StatusCode::OK, "ok\n").into_response(),
        Some(wrong) => (StatusCode::SERVICE_UNAVAILABLE, wrong + "\n").into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    app: Option<String>,
}

async fn sync(State(desk): State<Desk>, Query(Which { app }): Query<Which>) -> Response {
    let nudged = desk.status.nudge(app.as_deref());
    match app {
        Some(app) if nudged.is_empty() => {
            let error = unknown(&app, &desk.status.snapshot());
            json_answer(StatusCode::NOT_FOUND, &json!({ "error": error }))
        }
        _ => {
            info!(apps = nudged.join(", "), "a cycle was asked for");
            json_answer(StatusCode::ACCEPTED, &json!({ "apps": nudged }))
        }
    }
}

/// That the files name no such app, and which they name.
fn unknown(app: &str, state: &super::status::State) -> String {
    let known: Vec<&str> = state.apps.keys().map(|name| &**name).collect();
    format!("there is no app `{app}` in the files; there is {}", known.join(", "))
}

async fn nothing() -> Response {
    let error = "there is nothing here; see / or /api/v1/status, /metrics, /healthz, /readyz, POST /api/v1/sync, POST /api/v1/pause";
    json_answer(StatusCode::NOT_FOUND, &json!({ "error": error }))
}

fn json_answer(status: StatusCode, value: &serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, escaped(format!("{value:#}\n"))).into_response()
}

/// JSON with every character that steers a terminal or reorders text as an escape, which means the same to programs. Only texts
/// can hold one: between them there are spaces and line ends.
fn escaped(json: String) -> String {
    if !json.chars().any(|c| c != '\n' && steers(c)) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !steers(c) {
            out.push(c);
        } else {
            let units =
                c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |all, unit| format!("{all}\\u{unit:04x}"));
            out.push_str(&units);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_an_escape_in_json_and_means_the_same() {
        let names = json!({ "name": "a\u{1b}[2J\u{9b}\u{202e}\u{e0041} ü\n", "plain": "b" });
        let text = escaped(format!("{names:#}\n"));
        assert!(!text.chars().any(|c| c != '\n' && steers(c)), "{text:?}");
        assert!(text.contains("\\u202e\\udb40\\udc41 ü\\n"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), names);
    }
}

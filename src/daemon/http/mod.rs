//! What the daemon serves: probes, metrics, the status as a page and as JSON, and the trigger for a cycle.
//!
//! | request | does |
//! |---|---|
//! | `GET /` | the status page |
//! | `GET /api/v1/status` | the same as JSON |
//! | `POST /api/v1/sync[?app=A]` | begins a cycle at once, in one app or in all |
//! | `GET /metrics` | metrics in Prometheus' text format |
//! | `GET /healthz` | 200 while the process works, 503 when it ought to be restarted |
//! | `GET /readyz` | 200 once every app was read completely, 503 before |

mod access;
mod html;
pub(super) mod metrics;
pub(super) mod page;
pub(super) mod status;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde::Deserialize;
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};
use tracing::{error, info, warn};

use super::{Refused, World, status::DaemonStatus};
use crate::{execute::Stop, model::Daemon};
pub(super) use access::Access;
use access::Purpose;

/// Where it listens unless the files say otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8484);

/// How many callers are served at once; others wait. Each takes a file descriptor, of which the work on the apps must not run
/// out.
const CALLERS: usize = 64;

/// How long a caller may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a caller may stay.
const LONGEST: Duration = Duration::from_secs(60);

/// What keeps callers from being accepted, such as too few file descriptors, does not pass faster by trying faster.
const BREATH: Duration = Duration::from_secs(1);

/// The page has no scripts, loads nothing, and is shown in no frame.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An open socket, and who may come in.
pub(super) struct Door {
    listener: TcpListener,
    pub address: SocketAddr,
    pub access: Arc<Access>,
}

/// What answers are made of.
#[derive(Clone)]
struct Desk {
    world: Arc<dyn World>,
    status: Arc<DaemonStatus>,
    access: Arc<Access>,
}

impl Door {
    /// Opens the door where the settings say.
    pub(super) async fn open(world: &dyn World, settings: &Daemon) -> Result<Self, Refused> {
        let wanted = settings.listen.unwrap_or(LISTEN);
        let access = Access::new(world, settings, wanted.ip().is_loopback()).map_err(Refused::Token)?;
        if !wanted.ip().is_loopback() && !access.asks_for_a_token() {
            return Err(Refused::Open(wanted));
        }
        let listener = TcpListener::bind(wanted).await.map_err(|error| Refused::Bind(wanted, error))?;
        let address = listener.local_addr().map_err(|error| Refused::Bind(wanted, error))?;
        Ok(Self { listener, address, access: Arc::new(access) })
    }

    /// Serves until the daemon ends.
    pub(super) async fn serve(self, world: Arc<dyn World>, status: Arc<DaemonStatus>, mut stop: Stop) {
        let service = TowerToHyperService::new(router(Desk { world, status, access: self.access }));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        let places = Arc::new(Semaphore::new(CALLERS));
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                biased;
                () = stop.reached(1) => return,
                next = next => next,
            };
            match accepted {
                Ok((socket, _)) => {
                    let connection = http.serve_connection(TokioIo::new(socket), service.clone());
                    tokio::spawn(async move {
                        // Whoever hangs up or is too slow cannot be told anything.
                        let _ = tokio::time::timeout(LONGEST, connection).await;
                        drop(place);
                    });
                }
                Err(failed) => {
                    warn!("a caller was not served: {failed}");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

fn router(desk: Desk) -> Router {
    let guarded = |purpose| {
        let access = desk.access.clone();
        middleware::from_fn(move |request: Request, next: Next| {
            let allowed = access.allows(request.headers(), purpose);
            async move {
                match allowed {
                    Ok(()) => next.run(request).await,
                    Err(refusal) => refusal.into_response(),
                }
            }
        })
    };
    let looks = Router::new()
        .route("/", get(page))
        .route("/api/v1/status", get(status))
        .route("/metrics", get(metrics))
        .route_layer(guarded(Purpose::Look));
    let triggers = Router::new().route("/api/v1/sync", post(sync)).route_layer(guarded(Purpose::Trigger));
    Router::new()
        .merge(looks)
        .merge(triggers)
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(nothing)
        .with_state(desk)
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
    let sick = desk.status.snapshot().sickness(desk.world.now());
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
            let known: Vec<_> = desk.status.snapshot().apps.into_keys().collect();
            let error = format!("there is no app `{app}` in the files; there is {}", known.join(", "));
            json_answer(StatusCode::NOT_FOUND, &json!({ "error": error }))
        }
        _ => {
            info!(apps = nudged.join(", "), "a cycle was asked for");
            json_answer(StatusCode::ACCEPTED, &json!({ "apps": nudged }))
        }
    }
}

async fn nothing() -> Response {
    let error = "there is nothing here; see / or /api/v1/status, /metrics, /healthz, /readyz, POST /api/v1/sync";
    json_answer(StatusCode::NOT_FOUND, &json!({ "error": error }))
}

fn json_answer(status: StatusCode, value: &serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{value:#}\n")).into_response()
}

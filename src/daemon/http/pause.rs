//! `POST` and `DELETE /api/v1/pause`.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Desk, json_answer};
use crate::{
    daemon::pauses,
    model::{Pause, pause_length, pause_reason},
    report::pause::wire,
    store::{Store, StoreError},
};

/// What a caller who gives no name is called.
const CALLER: &str = "somebody by the API";

/// What is asked for, in the request's query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    app: Option<String>,
    #[serde(rename = "for")]
    length: Option<String>,
    reason: Option<String>,
    by: Option<String>,
    #[serde(default)]
    all: bool,
}

/// What is not given to somebody who wants a pause to end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unwanted {
    app: Option<String>,
    by: Option<String>,
}

/// Why there is no answer but an error.
struct Refused(StatusCode, String);

type Answer = Result<Value, Refused>;

/// Pauses one app or all.
pub(super) async fn begin(State(desk): State<Desk>, Query(wanted): Query<Wanted>) -> Response {
    answer(paused(&desk, wanted).await)
}

/// Ends the pause of one app, or that of all.
pub(super) async fn end(State(desk): State<Desk>, Query(unwanted): Query<Unwanted>) -> Response {
    answer(resumed(&desk, unwanted).await)
}

fn answer(answer: Answer) -> Response {
    match answer {
        Ok(value) => json_answer(StatusCode::OK, &value),
        Err(Refused(status, error)) => json_answer(status, &json!({ "error": error })),
    }
}

async fn paused(desk: &Desk, wanted: Wanted) -> Answer {
    let bad = |why: String| Refused(StatusCode::BAD_REQUEST, why);
    let missing = |what: &str| bad(format!("`{what}` is missing: POST /api/v1/pause?for=2h&reason=…"));
    let length = pause_length(&wanted.length.ok_or_else(|| missing("for"))?).map_err(bad)?;
    let reason = pause_reason(&wanted.reason.ok_or_else(|| missing("reason"))?).map_err(bad)?;
    let (store, app, origin) = place(desk, wanted.app)?;
    let since = desk.world.now();
    // A length was checked to be short.
    let until = since.checked_add(length).unwrap_or(jiff::Timestamp::MAX);
    let pause = Pause { app, since, until, by: caller(wanted.by)?, reason, holds_leavers: wanted.all };
    store.pause(&pause, &origin).await.map_err(failed)?;
    pauses::look(store, &desk.status, since).await.map_err(failed)?;
    Ok(json!({ "paused": wire(&pause) }))
}

async fn resumed(desk: &Desk, unwanted: Unwanted) -> Answer {
    let (store, app, origin) = place(desk, unwanted.app)?;
    let now = desk.world.now();
    let ended = store.end_pause(app.as_ref(), &origin, &caller(unwanted.by)?, now).await.map_err(failed)?;
    pauses::look(store, &desk.status, now).await.map_err(failed)?;
    match ended {
        Some(pause) => Ok(json!({ "ended": wire(&pause) })),
        None => {
            let what = app.as_deref().unwrap_or("all apps");
            let why = format!("there is no pause of {what}; GET /api/v1/status lists those in force");
            Err(Refused(StatusCode::NOT_FOUND, why))
        }
    }
}

/// The store, the app and its origin.
fn place(desk: &Desk, app: Option<String>) -> Result<(&Store, Option<Arc<str>>, String), Refused> {
    let why = "this daemon has no store to keep a pause in";
    let store = desk.world.store().ok_or_else(|| Refused(StatusCode::CONFLICT, why.into()))?;
    let Some(app) = app else { return Ok((store, None, String::new())) };
    let state = desk.status.snapshot();
    let known = state.files.as_ref().and_then(|files| files.desired.apps.get(app.as_str()));
    let Some(known) = known.filter(|known| state.apps.contains_key(&known.name)) else {
        return Err(Refused(StatusCode::NOT_FOUND, super::unknown(&app, &state)));
    };
    Ok((store, Some(known.name.clone()), desk.world.origin(known)))
}

/// Everybody has the same token, so that a name is what the caller says.
fn caller(by: Option<String>) -> Result<String, Refused> {
    let Some(by) = by else { return Ok(CALLER.into()) };
    let by = pause_reason(&by).map_err(|_| Refused(StatusCode::BAD_REQUEST, "`by` is a name: by=ann".into()))?;
    Ok(format!("{by} by the API"))
}

fn failed(error: StoreError) -> Refused {
    Refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

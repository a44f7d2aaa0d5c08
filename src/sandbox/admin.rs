//! `/_sandbox/`: what people and scripts use to watch a running sandbox and to change it behind the clients' back.
//! Unmetered, without tokens, and not in the log.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sandbox/` | clock, seed, time scale, tenants, faults |
//! | `GET`, `DELETE /_sandbox/log` | shows or clears the request log |
//! | `GET`, `POST /_sandbox/faults` | shows or replaces the faults: a list of texts or objects |
//! | `POST /_sandbox/advance` | `{"seconds": N}`: moves the clock forward |
//! | `GET`, `POST /_sandbox/{connector}/{tenant}/accounts` | shows the accounts, adds one |
//! | `GET`, `PATCH`, `DELETE …/accounts/{id or email}` | shows, changes or removes one |
//! | `PUT`, `DELETE …/accounts/{id or email}/groups/{group}` | `{"role": R}`: adds or removes a membership |
//! | `GET`, `POST …/groups` | shows the groups, adds one: `{"id": I, "name": N}` |
//! | `GET`, `PUT …/quirks` | shows the quirks, replaces those that are on: a list of names |

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    app::{AccountPatch, Answer, App, DriftError, GroupView, NewAccount, Request},
    catalogue::{self, CATALOGUE},
    fault::{Fault, Faults},
    world::World,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Membership {
    role: String,
}

/// Answers a request whose path has lost its `/_sandbox`.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    route(world, request).unwrap_or_else(|refused| refused)
}

fn route(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).filter(|segment| !segment.is_empty()).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", []) => Ok(status(world)),
        ("GET", ["log"]) => Ok(Answer::json(200, json!({ "data": world.log.entries() }))),
        ("DELETE", ["log"]) => {
            world.log.clear();
            Ok(done())
        }
        ("GET", ["faults"]) => Ok(Answer::json(200, json!({ "data": world.faults.list() }))),
        ("POST", ["faults"]) => {
            world.faults = Faults::new(parse::<Vec<Fault>>(request)?);
            Ok(Answer::json(200, json!({ "data": world.faults.list() })))
        }
        ("POST", ["advance"]) => {
            let Advance { seconds } = parse(request)?;
            let by = Duration::try_from_secs_f64(seconds)
                .map_err(|_| bad_request("seconds must be a number from 0 that a clock can hold"))?;
            world.clock.advance(by);
            Ok(Answer::json(200, json!({ "now": world.clock.now() })))
        }
        ("GET", [connector, tenant, "quirks"]) => {
            let key = ((*connector).to_owned(), (*tenant).to_owned());
            let on = world.quirks(&key).map_err(|error| refuse(&error))?.names().clone();
            let known = catalogue::entry(connector).map(|part| part.quirks).unwrap_or_default();
            let rows = known
                .iter()
                .map(|quirk| json!({ "name": quirk.name, "on": on.contains(quirk.name), "does": quirk.does }));
            Ok(Answer::json(200, json!({ "data": rows.collect::<Vec<_>>() })))
        }
        ("PUT", [connector, tenant, "quirks"]) => {
            let key = ((*connector).to_owned(), (*tenant).to_owned());
            world.set_quirks(&key, parse::<Vec<String>>(request)?).map_err(|error| refuse(&error))?;
            Ok(done())
        }
        (method, [connector, tenant, rest @ ..]) => {
            let app = world.app(&((*connector).to_owned(), (*tenant).to_owned())).map_err(|error| refuse(&error))?;
            drift(app, request, method, rest)
        }
        (method, _) => Err(unknown(method, request)),
    }
}

fn drift(app: &mut dyn App, request: &Request, method: &str, path: &[&str]) -> Result<Answer, Answer> {
    let refused = |error: DriftError| refuse(&error);
    match (method, path) {
        ("GET", ["accounts"]) => Ok(Answer::json(200, json!({ "data": app.accounts() }))),
        ("POST", ["accounts"]) => {
            let id = app.add_account(parse::<NewAccount>(request)?).map_err(refused)?;
            Ok(Answer::json(201, json!({ "id": id })))
        }
        ("GET", ["accounts", account]) => {
            let is_it = |view: &super::AccountView| view.id == *account || view.email.eq_ignore_ascii_case(account);
            let found = app.accounts().into_iter().find(is_it);
            let found = found.ok_or_else(|| refuse(&DriftError::UnknownAccount((*account).to_owned())))?;
            Ok(Answer::json(200, json!(found)))
        }
        ("PATCH", ["accounts", account]) => {
            app.patch_account(account, parse::<AccountPatch>(request)?).map_err(refused)?;
            Ok(done())
        }
        ("DELETE", ["accounts", account]) => {
            app.remove_account(account).map_err(refused)?;
            Ok(done())
        }
        ("PUT", ["accounts", account, "groups", group]) => {
            app.put_membership(account, group, &parse::<Membership>(request)?.role).map_err(refused)?;
            Ok(done())
        }
        ("DELETE", ["accounts", account, "groups", group]) => {
            app.remove_membership(account, group).map_err(refused)?;
            Ok(done())
        }
        ("GET", ["groups"]) => Ok(Answer::json(200, json!({ "data": app.groups() }))),
        ("POST", ["groups"]) => {
            app.put_group(parse::<GroupView>(request)?);
            Ok(done())
        }
        _ => Err(unknown(method, request)),
    }
}

fn status(world: &mut World) -> Answer {
    Answer::json(
        200,
        json!({
            "now": world.clock.now(),
            "seed": world.config.seed,
            "time_scale": world.clock.scale(),
            "connectors": CATALOGUE.iter().map(|part| part.connector).collect::<Vec<_>>(),
            "tenants": world.tenants(),
            "requests": world.log.len(),
            "faults": world.faults.list(),
        }),
    )
}

fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    serde_json::from_slice(&request.body).map_err(|error| bad_request(&format!("the body cannot be read: {error}")))
}

fn done() -> Answer {
    Answer::json(200, json!({ "done": true }))
}

fn bad_request(message: &str) -> Answer {
    Answer::json(400, json!({ "error": message }))
}

fn unknown(method: &str, request: &Request) -> Answer {
    Answer::json(404, json!({ "error": format!("nothing answers {method} /_sandbox{}", request.path) }))
}

fn refuse(error: &DriftError) -> Answer {
    let status = match error {
        DriftError::UnknownConnector(..)
        | DriftError::UnknownAccount(_)
        | DriftError::UnknownGroup(_)
        | DriftError::NotAMember { .. } => 404,
        DriftError::Duplicate(_) => 409,
        DriftError::BadValue { .. } | DriftError::Quirk(_) => 400,
    };
    Answer::json(status, json!({ "error": error.to_string() }))
}

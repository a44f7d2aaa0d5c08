//! The `scim` connector against servers that deviate from the standard in one way each.

mod members;
mod paging;
mod users;

use std::sync::{Arc, Mutex};

use rosterd::{
    connectors::{Error, Lane, Registry, Write, Written},
    model::{Coverage, Email, FieldValue, Values},
};
use serde_json::{Value, json};

use crate::support::{Answer, Call, Fixture, json_answer};

const WRITE: Lane = Lane::Write { unblocks: 0 };

fn user(n: usize) -> Value {
    json!({"id": format!("u{n}"), "userName": format!("p{n}@x.example"), "active": true, "name": {"givenName": format!("P{n}")}})
}

/// A list answer with all of `rows`.
fn list(rows: &[Value]) -> Answer {
    json_answer(
        200,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": rows.len(), "itemsPerPage": rows.len(), "startIndex": 1, "Resources": rows,
        }),
    )
}

fn refused(status: u16, kind: &str) -> Answer {
    json_answer(status, json!({"status": status.to_string(), "scimType": kind, "detail": "no"}))
}

/// Request lines as people read them.
fn lines(fixture: &Fixture) -> Vec<String> {
    let plain = |line: String| line.replace("%20", " ").replace('+', " ").replace("%22", "\"").replace("%40", "@");
    fixture.lines().into_iter().map(plain).collect()
}

/// A fixture of the connector with these options.
async fn scim(options: Value, play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    Fixture::with_options(Registry::default(), "scim", &options, play).await
}

/// A header of every request, where it had one.
fn headers(fixture: &Fixture, name: &str) -> Vec<String> {
    fixture.calls().into_iter().filter_map(|call| call.headers.get(name).cloned()).collect()
}

async fn write(fixture: &Fixture, write: Write) -> Result<Written, Error> {
    fixture.connector.write(&write, WRITE).await
}

async fn found(fixture: &Fixture, email: &str) -> (Vec<String>, Coverage) {
    let listing = fixture.connector.find(&Email::lenient(email), Lane::Read).await.unwrap();
    (listing.rows.iter().map(|account| account.id.to_string()).collect(), listing.coverage)
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).into(), FieldValue::from(*value))).collect()
}

/// One resource that a server keeps, with a version that each change raises.
#[derive(Clone)]
struct Kept(Arc<Mutex<(Value, u32)>>);

impl Kept {
    fn new(resource: Value) -> Self {
        Self(Arc::new(Mutex::new((resource, 1))))
    }

    fn show(&self) -> Value {
        let (mut resource, version) = self.0.lock().unwrap().clone();
        resource["meta"] = json!({"resourceType": "User", "version": format!("W/\"{version}\"")});
        resource
    }

    /// Somebody else changes it.
    fn change(&self, change: impl Fn(&mut Value)) {
        let mut kept = self.0.lock().unwrap();
        change(&mut kept.0);
        kept.1 += 1;
    }

    /// Whether a request is meant for the version there is.
    fn matches(&self, call: &Call) -> bool {
        let version = format!("W/\"{}\"", self.0.lock().unwrap().1);
        call.headers.get("if-match").is_none_or(|wanted| *wanted == version)
    }
}

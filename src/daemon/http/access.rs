//! Who may see the status and trigger cycles: whoever shows the token or, where there is none, whoever is on this machine
//! and is not a web page of somebody else's in its browser.

use std::{
    net::IpAddr,
    sync::{PoisonError, RwLock},
};

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tracing::error;

use super::super::World;
use crate::model::Daemon;

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To see who has which access.
    Look,
    /// To begin a cycle.
    Trigger,
}

/// Who may come in.
pub(crate) struct Access {
    /// The token's hash: comparing hashes tells nothing about the token by the time it takes.
    token: RwLock<Option<[u8; 32]>>,
    loopback: bool,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NoToken,
    WrongHost,
    OtherSite,
}

impl Access {
    pub(super) fn new(world: &dyn World, settings: &Daemon, loopback: bool) -> Result<Self, String> {
        Ok(Self { token: RwLock::new(token(world, settings)?), loopback })
    }

    pub(super) fn asks_for_a_token(&self) -> bool {
        self.token.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes up the token of new files. One that cannot be had, or is gone where others can reach us, leaves the old one.
    pub(crate) fn renew(&self, world: &dyn World, settings: &Daemon) {
        match token(world, settings) {
            Ok(None) if !self.loopback => {
                error!(
                    "the files no longer name `settings.daemon.token`; others can reach us, so that the old one holds"
                );
            }
            Ok(token) => *self.token.write().unwrap_or_else(PoisonError::into_inner) = token,
            Err(why) => error!("`settings.daemon.token`: {why}; the old one holds"),
        }
    }

    /// Whether a request with these headers may do this.
    pub(super) fn allows(&self, headers: &HeaderMap, purpose: Purpose) -> Result<(), Refusal> {
        // A page of another site may send a request from its reader's browser, with what the browser knows by heart.
        if purpose == Purpose::Trigger && !same_site(headers) {
            return Err(Refusal::OtherSite);
        }
        let token = *self.token.read().unwrap_or_else(PoisonError::into_inner);
        let Some(token) = token else {
            // A name that some site lets resolve to this machine would make us part of that site.
            return if is_local(headers) { Ok(()) } else { Err(Refusal::WrongHost) };
        };
        let shown = shown_token(headers, purpose);
        if shown.is_some_and(|shown| <[u8; 32]>::from(Sha256::digest(shown)) == token) {
            Ok(())
        } else {
            Err(Refusal::NoToken)
        }
    }
}

fn token(world: &dyn World, settings: &Daemon) -> Result<Option<[u8; 32]>, String> {
    let Some(reference) = &settings.token else { return Ok(None) };
    let token = world.secret(reference)?;
    Ok(Some(Sha256::digest(token.expose_secret()).into()))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The bearer token or, for people who look with a browser, the password of basic authentication.
fn shown_token(headers: &HeaderMap, purpose: Purpose) -> Option<Vec<u8>> {
    let (scheme, shown) = text(headers, header::AUTHORIZATION)?.split_once(' ')?;
    let shown = shown.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(shown.as_bytes().to_vec());
    }
    if scheme.eq_ignore_ascii_case("basic") && purpose == Purpose::Look {
        let pair = base64::prelude::BASE64_STANDARD.decode(shown).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        return Some(pair[colon + 1..].to_vec());
    }
    None
}

/// Whether the address that was asked for is this machine's own.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, header::HOST) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether a request comes from no page, or from a page of ours.
fn same_site(headers: &HeaderMap) -> bool {
    let Some(origin) = text(headers, header::ORIGIN) else { return !headers.contains_key(header::ORIGIN) };
    let site = origin.split_once("://").map(|(_, site)| site);
    site.is_some() && site == text(headers, header::HOST)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, "show the token: `Authorization: Bearer TOKEN`"),
            Self::WrongHost => (
                StatusCode::FORBIDDEN,
                "without a token this answers to localhost alone; set `settings.daemon.token` to reach it by another name",
            ),
            Self::OtherSite => (StatusCode::FORBIDDEN, "this request comes from the page of another site"),
        };
        let mut response = super::json_answer(status, &json!({ "error": error }));
        if self == Self::NoToken {
            let ask = header::HeaderValue::from_static("Basic realm=\"rosterd: any name, and the token as password\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn access(token: Option<&str>) -> Access {
        Access { token: RwLock::new(token.map(|token| Sha256::digest(token).into())), loopback: true }
    }

    fn check(token: Option<&str>, purpose: Purpose, pairs: &[(HeaderName, &str)], expect: Result<(), Refusal>) {
        assert_eq!(access(token).allows(&headers(pairs), purpose), expect, "{pairs:?}");
    }

    #[test]
    fn the_token_is_needed_where_there_is_one() {
        let host = (header::HOST, "rosterd.example.com");
        let shows = |value| [host.clone(), (header::AUTHORIZATION, value)];
        for purpose in [Purpose::Look, Purpose::Trigger] {
            check(Some("abc"), purpose, &shows("Bearer abc"), Ok(()));
            check(Some("abc"), purpose, &shows("bearer  abc"), Ok(()));
            for wrong in ["Bearer abd", "Bearer ab", "Bearer", "abc", "Bearer abcd"] {
                check(Some("abc"), purpose, &shows(wrong), Err(Refusal::NoToken));
            }
            check(Some("abc"), purpose, &[(header::HOST, "localhost")], Err(Refusal::NoToken));
        }
    }

    #[test]
    fn a_browser_may_look_by_password_and_not_trigger_by_one() {
        // `me:abc`
        let shown = [(header::AUTHORIZATION, "Basic bWU6YWJj")];
        check(Some("abc"), Purpose::Look, &shown, Ok(()));
        check(Some("abc"), Purpose::Trigger, &shown, Err(Refusal::NoToken));
        check(Some("abd"), Purpose::Look, &shown, Err(Refusal::NoToken));
    }

    #[test]
    fn without_a_token_only_this_machine_is_answered_by_its_own_names() {
        for host in ["localhost", "localhost:8484", "127.0.0.1:8484", "[::1]:8484", "127.8.8.8"] {
            check(None, Purpose::Look, &[(header::HOST, host)], Ok(()));
        }
        for host in ["rebound.example:8484", "127.0.0.1.example", "10.0.0.7:8484"] {
            check(None, Purpose::Look, &[(header::HOST, host)], Err(Refusal::WrongHost));
        }
        check(None, Purpose::Look, &[], Err(Refusal::WrongHost));
    }

    #[test]
    fn a_page_of_another_site_triggers_nothing() {
        let from = |origin| [(header::HOST, "localhost:8484"), (header::ORIGIN, origin)];
        check(None, Purpose::Trigger, &from("http://localhost:8484"), Ok(()));
        for origin in ["https://evil.example", "null", "http://localhost:9999"] {
            check(None, Purpose::Trigger, &from(origin), Err(Refusal::OtherSite));
        }
    }
}

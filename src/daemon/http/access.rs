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
use crate::model::{Daemon, SecretRef};

/// A token that is shorter could be guessed. The command that the error names makes one of 64 characters.
const SHORTEST: usize = 20;

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
    tokens: RwLock<Tokens>,
    loopback: bool,
}

/// The tokens' hashes: comparing hashes tells nothing about a token by the time it takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tokens {
    /// This token lets its holder look and trigger.
    all: Option<[u8; 32]>,
    /// This token lets its holder look.
    read: Option<[u8; 32]>,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// None was shown.
    NoToken,
    /// Another one was shown.
    WrongToken,
    /// The one that was shown is for looking.
    ReadsOnly,
    WrongHost,
    OtherSite,
}

impl Access {
    pub(super) fn new(world: &dyn World, settings: &Daemon, loopback: bool) -> Result<Self, String> {
        Ok(Self { tokens: RwLock::new(Tokens::of(world, settings)?), loopback })
    }

    fn tokens(&self) -> Tokens {
        *self.tokens.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn asks_for_a_token(&self) -> bool {
        self.tokens() != Tokens::default()
    }

    /// Takes up the tokens of new files. Those that cannot be had, or are gone where others can reach us, leave the old ones.
    pub(crate) fn renew(&self, world: &dyn World, settings: &Daemon) {
        match Tokens::of(world, settings) {
            Ok(tokens) if tokens == Tokens::default() && !self.loopback => {
                error!(
                    "the files no longer name `settings.daemon.token`; others can reach the daemon, so the old tokens hold"
                );
            }
            Ok(tokens) => *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens,
            Err(why) => error!("{why}; the old tokens hold"),
        }
    }

    /// Whether a request with these headers may do this.
    pub(super) fn allows(&self, headers: &HeaderMap, purpose: Purpose) -> Result<(), Refusal> {
        // A page of another site may send a request from its reader's browser, with what the browser knows by heart.
        if purpose == Purpose::Trigger && !same_site(headers) {
            return Err(Refusal::OtherSite);
        }
        let tokens = self.tokens();
        if tokens == Tokens::default() {
            // A name that some site lets resolve to this machine would make us part of that site.
            return if is_local(headers) { Ok(()) } else { Err(Refusal::WrongHost) };
        }
        if !headers.contains_key(header::AUTHORIZATION) {
            return Err(Refusal::NoToken);
        }
        let shown = shown_token(headers, purpose).map(|shown| <[u8; 32]>::from(Sha256::digest(shown)));
        match (shown, purpose) {
            (None, _) => Err(Refusal::WrongToken),
            (shown, _) if shown == tokens.all => Ok(()),
            (shown, Purpose::Look) if shown == tokens.read => Ok(()),
            (shown, Purpose::Trigger) if shown == tokens.read => Err(Refusal::ReadsOnly),
            (Some(_), _) => Err(Refusal::WrongToken),
        }
    }
}

impl Tokens {
    /// The tokens that the settings name.
    ///
    /// # Errors
    /// A sentence that begins with the setting.
    fn of(world: &dyn World, settings: &Daemon) -> Result<Self, String> {
        let tokens = Self {
            all: token(world, "token", settings.token.as_ref())?,
            read: token(world, "read_token", settings.read_token.as_ref())?,
        };
        if tokens.all.is_some() && tokens.all == tokens.read {
            return Err("`settings.daemon.read_token` is the same as `settings.daemon.token`, so a reader could trigger cycles; make \
                        another one with `openssl rand -hex 32`"
                .into());
        }
        Ok(tokens)
    }
}

fn token(world: &dyn World, setting: &str, reference: Option<&SecretRef>) -> Result<Option<[u8; 32]>, String> {
    let Some(reference) = reference else { return Ok(None) };
    let token = world.secret(reference).map_err(|why| format!("`settings.daemon.{setting}`: {why}"))?;
    let token = token.expose_secret();
    let length = token.chars().count();
    if length < SHORTEST {
        return Err(format!(
            "`settings.daemon.{setting}` has {length} characters, and one with fewer than {SHORTEST} can be guessed; make one \
             with `openssl rand -hex 32`"
        ));
    }
    Ok(Some(Sha256::digest(token).into()))
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
            Self::WrongToken => (
                StatusCode::UNAUTHORIZED,
                "this is not the token; show the one of `settings.daemon.token`: `Authorization: Bearer TOKEN`",
            ),
            Self::ReadsOnly => (
                StatusCode::FORBIDDEN,
                "this token only reads; show the one of `settings.daemon.token` to begin a cycle",
            ),
            Self::WrongHost => (
                StatusCode::FORBIDDEN,
                "without a token this answers to localhost alone; set `settings.daemon.token` to reach it by another name",
            ),
            Self::OtherSite => (StatusCode::FORBIDDEN, "this request comes from the page of another site"),
        };
        let mut response = super::json_answer(status, &json!({ "error": error }));
        if matches!(self, Self::NoToken | Self::WrongToken) {
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

    fn hash(token: &str) -> [u8; 32] {
        Sha256::digest(token).into()
    }

    fn access(token: Option<&str>) -> Access {
        let tokens = Tokens { all: token.map(hash), read: None };
        Access { tokens: RwLock::new(tokens), loopback: true }
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
                check(Some("abc"), purpose, &shows(wrong), Err(Refusal::WrongToken));
            }
            check(Some("abc"), purpose, &[(header::HOST, "localhost")], Err(Refusal::NoToken));
        }
    }

    #[test]
    fn a_browser_may_look_by_password_and_not_trigger_by_one() {
        // `me:abc`
        let shown = [(header::AUTHORIZATION, "Basic bWU6YWJj")];
        check(Some("abc"), Purpose::Look, &shown, Ok(()));
        check(Some("abc"), Purpose::Trigger, &shown, Err(Refusal::WrongToken));
        check(Some("abd"), Purpose::Look, &shown, Err(Refusal::WrongToken));
    }

    #[test]
    fn a_token_for_reading_triggers_nothing_with_or_without_one_that_triggers() {
        for all in [Some(hash("all")), None] {
            let tokens = Tokens { all, read: Some(hash("read")) };
            let access = Access { tokens: RwLock::new(tokens), loopback: true };
            let ask = |token: &str, purpose| {
                access.allows(&headers(&[(header::AUTHORIZATION, &format!("Bearer {token}"))]), purpose)
            };
            assert_eq!(ask("read", Purpose::Look), Ok(()));
            assert_eq!(ask("read", Purpose::Trigger), Err(Refusal::ReadsOnly));
            assert_eq!(ask("other", Purpose::Look), Err(Refusal::WrongToken));
            assert_eq!(ask("all", Purpose::Trigger).is_ok(), all.is_some());
            assert_eq!(access.allows(&headers(&[(header::HOST, "localhost")]), Purpose::Look), Err(Refusal::NoToken));
        }
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

//! Signing in: fixed credentials, and tokens that are fetched once for all who wait and renewed before they expire.

use std::{
    collections::BTreeSet,
    sync::{Mutex as SyncMutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::{
    Method,
    failure::Failing,
    link::Link,
    transport::{WireAnswer, WireFailure, WireRequest},
};
use crate::{
    budget::{Kind, Lane},
    connectors::{Error, ErrorKind, meaning::BY_HTTP},
};

/// How often a token is asked for before giving up. As long as a read is tried.
const ATTEMPTS: u32 = 5;

/// Taken where a token's life is not said: the shortest that is usual.
pub const UNSTATED_LIFE: Duration = Duration::from_secs(10 * 60);

/// A token that lives longer than this is renewed a minute early at least; a shorter one would never be used then.
const LONG_LIVED: Duration = Duration::from_secs(5 * 60);

/// How an app wants its callers to sign in.
#[derive(Debug)]
pub enum Scheme {
    /// With a header that never changes, or with none.
    Fixed(Option<(String, SecretString)>),
    /// With a token that a call gives.
    Token(Box<TokenCall>),
}

impl Scheme {
    /// A fixed token: `Authorization: Bearer …`.
    pub fn bearer(token: &SecretString) -> Self {
        Self::Fixed(Some(("authorization".into(), format!("Bearer {}", token.expose_secret()).into())))
    }

    /// User name and password with every request.
    pub fn basic(username: &SecretString, password: &SecretString) -> Self {
        Self::Fixed(Some(basic(username, password)))
    }
}

/// Where a token request carries the client's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientStyle {
    /// In an `Authorization: Basic` header.
    Basic,
    /// In the form.
    Body,
}

/// A call that gives a token.
#[derive(Debug)]
pub struct TokenCall {
    /// Where it goes.
    pub url: Url,
    /// The media type of what it sends.
    pub content_type: &'static str,
    /// A header that names the client, where the body does not.
    pub client: Option<(String, SecretString)>,
    /// What it sends, secrets included.
    pub body: SecretString,
    /// Where the answer holds the token.
    pub token: TokenPlace,
    /// The header that carries it afterwards.
    pub send: String,
    /// What precedes it there, such as `Bearer `.
    pub prefix: String,
    /// How long a token lives; without it, the answer says so under `expires_in`.
    pub life: Option<Duration>,
    /// What was asked for; nothing: whatever the client has.
    pub scopes: Vec<String>,
}

/// Where the answer to a token call holds the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// In a header.
    Header(String),
    /// In the body, at a JSON pointer.
    Body(String),
}

/// What a request carries to be let in.
pub(super) struct Credential {
    pub(super) header: Option<(String, SecretString)>,
    /// Which token it is; a refused one is dropped only while it is still the current one.
    generation: u64,
    renew_at: Option<Instant>,
}

impl Credential {
    /// Whether it is too old to be sent.
    pub(super) fn is_stale(&self) -> bool {
        self.renew_at.is_some_and(|renew_at| renew_at <= Instant::now())
    }
}

/// Keeps the current token.
#[derive(Debug)]
pub(super) struct Authenticator {
    scheme: Scheme,
    /// Held while a token is fetched, so that everyone else waits for the same one.
    token: Mutex<Token>,
    /// Scopes that the last token was asked for and does not have.
    missing: SyncMutex<BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Token {
    generation: u64,
    current: Option<(SecretString, Instant)>,
}

impl Authenticator {
    pub(super) fn new(scheme: Scheme) -> Self {
        Self { scheme, token: Mutex::default(), missing: SyncMutex::default() }
    }

    /// Scopes that were asked for and not granted, as far as the app says what it grants.
    pub(super) fn missing_scopes(&self) -> Vec<String> {
        // A poisoned lock still holds a whole set: replacing it cannot leave half of one.
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Whether a refused credential can be replaced by a new one.
    pub(super) fn renewable(&self) -> bool {
        matches!(self.scheme, Scheme::Token(_))
    }

    /// What the next request has to carry.
    pub(super) async fn credential(&self, link: &Link) -> Result<Credential, Error> {
        match &self.scheme {
            Scheme::Fixed(header) => Ok(Credential { header: header.clone(), generation: 0, renew_at: None }),
            Scheme::Token(call) => self.token(link, call).await,
        }
    }

    /// Drops a token that the app refused, unless someone replaced it already.
    pub(super) async fn reject(&self, refused: &Credential) {
        let mut token = self.token.lock().await;
        if token.generation == refused.generation {
            token.current = None;
        }
    }

    async fn token(&self, link: &Link, call: &TokenCall) -> Result<Credential, Error> {
        let mut token = self.token.lock().await;
        let usable = token.current.clone().filter(|(_, renew_at)| *renew_at > Instant::now());
        let (text, renew_at) = match usable {
            Some(current) => current,
            None => {
                let asked = Instant::now();
                let Granted { token: text, life, missing } = fetch(link, call).await?;
                *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = missing;
                link.redactor.add_token(text.clone());
                let current = (text, asked + life.saturating_sub(early(life)));
                token.generation += 1;
                token.current = Some(current.clone());
                current
            }
        };
        let header = (call.send.clone(), format!("{}{}", call.prefix, text.expose_secret()).into());
        Ok(Credential { header: Some(header), generation: token.generation, renew_at: Some(renew_at) })
    }
}

/// How long before its end a token is renewed: a tenth of its life, and a minute at least if it lives long.
fn early(life: Duration) -> Duration {
    let tenth = life / 10;
    if life > LONG_LIVED { tenth.max(Duration::from_secs(60)) } else { tenth }
}

/// What a token call granted.
#[derive(Debug)]
struct Granted {
    token: SecretString,
    life: Duration,
    /// Scopes that were asked for and are not among what the answer says it grants.
    missing: BTreeSet<String>,
}

async fn fetch(link: &Link, call: &TokenCall) -> Result<Granted, Error> {
    let line = format!("{} {}", Method::Post.as_str(), call.url.path());
    let failing = Failing { link, line: &line, write: false };
    let mut attempt = 0;
    loop {
        // Nothing at all can leave without a token, so it goes ahead of everything.
        let permit = link.enter(Lane::Removal, Kind::Token).await.map_err(|parked| failing.parked(parked))?;
        let error = match link.send(permit, call.request(), BY_HTTP).await {
            Err(WireFailure::NotSent(reason)) => failing.not_sent(&reason),
            Err(WireFailure::Hopeless(reason)) => return Err(failing.not_sent(&reason)),
            Err(WireFailure::Lost(reason)) => failing.lost(None, &reason),
            Ok((answer, said)) => match (answer.status, &answer.body) {
                (200..=299, Ok(body)) => {
                    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
                    match call.read(&answer, &body) {
                        Ok(token) => return Ok(token),
                        Err(missing) => failing.lost(Some(answer.status), &missing),
                    }
                }
                (200..=299, Err(_)) => failing.lost(Some(answer.status), "the answer broke off"),
                (429, _) => failing.rate_limited(&answer, None),
                // A refusal that says when to come back is none of the credential.
                (403, _) if said.is_some() => failing.rate_limited(&answer, None),
                (408 | 500..=599, _) => failing.refused(&answer),
                _ => return Err(sign_in_refused(failing, &answer)),
            },
        };
        attempt += 1;
        if attempt == ATTEMPTS {
            return Err(error);
        }
        link.back_off(attempt - 1).await;
    }
}

/// A refused token call is about the credential, whatever status says so.
fn sign_in_refused(failing: Failing<'_>, answer: &WireAnswer) -> Error {
    let refused = failing.refused(answer);
    let about_scopes = refused.detail.to_lowercase().contains("scope");
    let hint = match answer.status {
        404 | 405 | 300..=399 => "check the app's `url` and `auth.token_url`",
        _ if about_scopes => "the app does not know a scope that is asked for: set `auth.scopes`",
        _ => "check the credential under the app's `auth`",
    };
    Error { kind: ErrorKind::Auth, hint: Some(hint.into()), ..refused }
}

fn basic(username: &SecretString, password: &SecretString) -> (String, SecretString) {
    let pair = format!("{}:{}", username.expose_secret(), password.expose_secret());
    ("authorization".into(), format!("Basic {}", STANDARD.encode(pair)).into())
}

/// A life in seconds, as a number or a text.
fn life(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    Duration::try_from_secs_f64(seconds).ok().filter(|life| !life.is_zero())
}

/// Where the answer to a call for OAuth 2.0 client credentials has its token.
const ACCESS_TOKEN: &str = "access_token";

impl TokenCall {
    /// The call of OAuth 2.0 client credentials.
    pub fn client_credentials(
        url: Url,
        client_id: &SecretString,
        client_secret: &SecretString,
        style: ClientStyle,
        scopes: Vec<String>,
    ) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes.join(" "));
        }
        if style == ClientStyle::Body {
            form.append_pair("client_id", client_id.expose_secret());
            form.append_pair("client_secret", client_secret.expose_secret());
        }
        Self {
            url,
            content_type: "application/x-www-form-urlencoded",
            client: (style == ClientStyle::Basic).then(|| basic(client_id, client_secret)),
            body: form.finish().into(),
            token: TokenPlace::Body(format!("/{ACCESS_TOKEN}")),
            send: "authorization".into(),
            prefix: "Bearer ".into(),
            life: None,
            scopes,
        }
    }

    fn request(&self) -> WireRequest {
        let types = [("content-type", self.content_type), ("accept", "application/json")];
        let types = types.map(|(name, value)| (name.to_owned(), SecretString::from(value)));
        let headers = types.into_iter().chain(self.client.clone()).collect();
        WireRequest { method: Method::Post, url: self.url.clone(), headers, body: Some(self.body.clone()) }
    }

    /// Reads a token and its life from an answer.
    ///
    /// # Errors
    /// What the answer lacks.
    fn read(&self, answer: &WireAnswer, body: &Value) -> Result<Granted, String> {
        let token = match &self.token {
            TokenPlace::Header(name) => answer.header(&name.to_lowercase()),
            TokenPlace::Body(pointer) => body.pointer(pointer).and_then(Value::as_str),
        };
        let token = token.filter(|token| !token.is_empty()).ok_or_else(|| match self.life {
            None => format!("the answer has no `{ACCESS_TOKEN}`"),
            Some(_) => "the answer has no token where it should be".into(),
        })?;
        // An answer that says nothing of scopes grants what was asked for.
        let granted: Option<BTreeSet<&str>> = match body.get("scope") {
            Some(Value::String(scopes)) => Some(scopes.split_whitespace().collect()),
            Some(Value::Array(scopes)) => Some(scopes.iter().filter_map(Value::as_str).collect()),
            _ => None,
        };
        let is_missing = |scope: &&String| granted.as_ref().is_some_and(|granted| !granted.contains(scope.as_str()));
        Ok(Granted {
            token: token.into(),
            life: self.life.or_else(|| life(body.get("expires_in"))).unwrap_or(UNSTATED_LIFE),
            missing: self.scopes.iter().filter(is_missing).cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(life: u64, early_by: u64) {
        assert_eq!(early(Duration::from_secs(life)).as_secs(), early_by);
    }

    #[test]
    fn tokens_are_renewed_before_they_expire_however_short_they_live() {
        check(3599, 359);
        check(599, 60);
        check(60, 6);
    }
}

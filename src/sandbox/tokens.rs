//! OAuth client credentials: the token endpoint and the check of bearer tokens, alike for every app that uses them.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::json;

use super::{
    app::{Answer, ClientAuth, OAuth, Request},
    chance::Chance,
    clock,
};

/// The tokens one tenant has given out.
#[derive(Debug)]
pub(crate) struct Tokens {
    chance: Chance,
    issued: HashMap<String, Token>,
    count: u64,
}

#[derive(Debug)]
struct Token {
    client: String,
    expires: Timestamp,
    scopes: BTreeSet<String>,
}

/// Who may have a token, and for how long.
pub(crate) struct Issuer<'a> {
    /// This id, or one that starts with it and a dot.
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a str,
    /// In sandbox time: what is enforced.
    pub(crate) life: Duration,
    /// In real time: what the client is told.
    pub(crate) told_life: Duration,
}

impl Tokens {
    pub(crate) fn new(chance: Chance) -> Self {
        Self { chance, issued: HashMap::new(), count: 0 }
    }

    /// Answers a request to the token endpoint. Handing out a token does not count as an effect on the app.
    pub(crate) fn issue(&mut self, oauth: &OAuth, issuer: &Issuer<'_>, request: &Request, now: Timestamp) -> Answer {
        if request.method != "POST" {
            return refuse(405, "invalid_request", "the token endpoint takes POST").with("allow", "POST");
        }
        if !request.is_of_type("application/x-www-form-urlencoded") {
            return refuse(400, "invalid_request", "the body must be application/x-www-form-urlencoded");
        }
        let mut form: HashMap<String, String> = HashMap::new();
        for (key, value) in url::form_urlencoded::parse(&request.body) {
            if form.insert(key.clone().into_owned(), value.into_owned()).is_some() {
                return refuse(400, "invalid_request", &format!("{key} is given twice"));
            }
        }
        let in_header = request.authorization.as_deref().and_then(basic);
        let in_form = || Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()));
        let client = match oauth.client {
            ClientAuth::Basic => in_header,
            ClientAuth::Form => in_form(),
            ClientAuth::Either => in_header.or_else(in_form),
        };
        let good = client.filter(|(id, secret)| issuer.knows(id) && secret == issuer.client_secret);
        let Some((client, _)) = good else {
            return refuse(401, "invalid_client", "unknown client id or wrong secret")
                .with("www-authenticate", "Basic realm=\"sandbox\"");
        };
        match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => {}
            Some(_) => return refuse(400, "unsupported_grant_type", "only client_credentials is offered"),
            None => return refuse(400, "invalid_request", "grant_type is required"),
        }
        let scopes = match granted(oauth, form.get("scope").map(String::as_str).unwrap_or_default()) {
            Ok(scopes) => scopes,
            Err(reason) => return refuse(400, "invalid_scope", &reason),
        };
        // Tokens that ran out long ago need not be remembered: to the client, expired and unknown are the same.
        self.issued.retain(|_, token| token.expires > now);
        self.count += 1;
        let token = self.chance.token("access token", &self.count.to_string());
        let expires = clock::later(now, issuer.life).unwrap_or(Timestamp::MAX);
        self.issued.insert(token.clone(), Token { client, expires, scopes });
        // A life below a second cannot be told; the client will find out through a 401.
        let expires_in = issuer.told_life.as_secs().max(1);
        let mut body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in });
        if !oauth.withheld.is_empty() {
            body["scope"] = self.issued[&token].scopes.iter().cloned().collect::<Vec<_>>().join(" ").into();
        }
        Answer::json(200, body).with("cache-control", "no-store")
    }

    /// The client id to which the request's token was given, even if it has expired.
    pub(crate) fn client(&self, request: &Request) -> Option<String> {
        let bearer = request.authorization.as_deref().and_then(|header| scheme(header, "bearer"))?;
        self.issued.get(bearer).map(|token| token.client.clone())
    }

    /// The scopes of the request's token, or why it is not let in.
    pub(crate) fn check(
        &self,
        oauth: &OAuth,
        issuer: &Issuer<'_>,
        request: &Request,
        now: Timestamp,
    ) -> Result<BTreeSet<String>, Unauthorised> {
        let Some(bearer) = request.authorization.as_deref().and_then(|header| scheme(header, "bearer")) else {
            return Err(Unauthorised::NoToken);
        };
        if oauth.static_token && bearer == issuer.client_secret {
            return Ok(oauth.scopes.iter().cloned().collect());
        }
        match self.issued.get(bearer) {
            Some(token) if token.expires > now => Ok(token.scopes.clone()),
            _ => Err(Unauthorised::BadToken),
        }
    }
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unauthorised {
    /// It has no bearer token.
    NoToken,
    /// Its token is unknown, or has expired.
    BadToken,
}

/// The scopes a token request gets, or why it gets none.
fn granted(oauth: &OAuth, asked: &str) -> Result<BTreeSet<String>, String> {
    let mut scopes: BTreeSet<String> = asked.split_whitespace().map(str::to_owned).collect();
    if oauth.scopes.is_empty() {
        return Ok(BTreeSet::new());
    }
    if scopes.is_empty() {
        if !oauth.scope_optional {
            return Err("scope is required".to_owned());
        }
        scopes.extend(oauth.scopes.iter().cloned());
    }
    if let Some(unknown) = scopes.iter().find(|scope| !oauth.scopes.contains(scope)) {
        return Err(format!("the scope {unknown} is not on offer"));
    }
    scopes.retain(|scope| !oauth.withheld.contains(scope));
    Ok(scopes)
}

impl Issuer<'_> {
    fn knows(&self, client_id: &str) -> bool {
        let suffix = client_id.strip_prefix(self.client_id);
        suffix.is_some_and(|suffix| suffix.is_empty() || suffix.strip_prefix('.').is_some_and(|name| !name.is_empty()))
    }
}

fn refuse(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, json!({ "error": error, "error_description": description }))
}

/// The credentials of a header with this scheme; schemes are compared without case.
fn scheme<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (found, rest) = header.split_once(' ')?;
    found.eq_ignore_ascii_case(name).then(|| rest.trim())
}

fn basic(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(scheme(header, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

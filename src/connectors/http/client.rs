//! The client that connectors use: reads are repeated within bounds, writes are sent once.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{
    Method,
    auth::Authenticator,
    config::HttpConfig,
    failure::{Failing, looks_like_html, said},
    gate::Gate,
    link::Link,
    redact::Redactor,
    transport::{BodyFailure, HttpTransport, Transport, WireAnswer, WireFailure, WireRequest},
};
use crate::{
    budget::{Kind, Lane},
    connectors::{Error, ErrorKind, Judge, Meaning, Said, meaning::BY_HTTP, row_limit::RowLimits},
    model::Traffic,
};

/// How often a read is sent before giving up: survives a restart of the app's servers, not an outage.
const ATTEMPTS: u32 = 6;

/// How often a request is sent again after 429. The budget pauses in between, so that more would not help.
const LIMITED_ATTEMPTS: u32 = 6;

/// Redirects that a read follows within the app.
const REDIRECTS: u32 = 3;

/// Speaks to one app.
#[derive(Debug)]
pub struct HttpClient {
    link: Link,
    auth: Arc<Authenticator>,
    base: Url,
    headers: Vec<(String, String)>,
    rows: RowLimits,
}

/// A request as connectors make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Path below the client's base, with `/` at its start and its parts percent-encoded.
    pub path: String,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// JSON to send.
    pub body: Option<Value>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A request without query, body and headers.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: None, headers: Vec::new() }
    }

    /// The same with a body.
    #[must_use]
    pub(in crate::connectors) fn with_body(self, body: impl Into<Value>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// The same with further parameters.
    #[must_use]
    pub(in crate::connectors) fn with(mut self, query: &[(&str, &str)]) -> Self {
        self.query.extend(query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// What asks for a list, page aside: `GET /users?active=true`.
    pub(in crate::connectors) fn asks_for(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        format!("{}?{}", self.line(), query.finish())
    }

    /// Method and path, for messages: `GET /users`.
    pub(in crate::connectors) fn line(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path)
    }
}

/// A good answer, or one that means no failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status, from 200 to 299 unless a meaning is known.
    pub status: u16,
    /// Headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; `None` when it is empty, which only writes may answer.
    pub body: Option<Value>,
    /// What it means, where it was judged to mean anything.
    pub said: Option<Said>,
    /// Bytes of the body.
    pub size: u64,
}

impl Answer {
    /// Whether the app took the request on: accepted is not done.
    pub(in crate::connectors) fn is_promise(&self) -> bool {
        self.status == 202
    }

    fn new(answer: WireAnswer, body: Option<Value>) -> Self {
        let size = answer.body.map_or(0, |body| body.len() as u64);
        Self { status: answer.status, headers: answer.headers, body, said: None, size }
    }
}

/// What came of sending once: an answer, good or bad, with its meaning where that is known.
type Sent = Result<(WireAnswer, Option<Said>), WireFailure>;

impl HttpClient {
    /// A client over HTTP.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: HttpConfig, gate: Arc<Gate>) -> Result<Self, Error> {
        let transport = HttpTransport::new(&config.base, config.ca_file.as_ref(), config.largest_body);
        let hint = "`options.ca_file` names a PEM file of authorities to trust";
        let transport = transport.map_err(|detail| Error::setup(&config.app, detail, Some(hint)))?;
        Ok(Self::over(Arc::new(transport), config, gate))
    }

    /// A client over any transport.
    pub fn over(transport: Arc<dyn Transport>, config: HttpConfig, gate: Arc<Gate>) -> Self {
        if config.base.scheme() == "http" && !super::transport::is_loopback(&config.base) {
            tracing::warn!(app = config.app, "credentials go over the network unencrypted: the app's url is http");
        }
        let link = Link {
            visitor: gate.visitor(),
            app: config.app,
            transport,
            gate,
            redactor: Arc::new(Redactor::new(config.secrets)),
            timeout: config.timeout,
            sent: AtomicU64::new(0),
            random: Link::random(config.seed),
            clock: config.clock,
            traffic: Mutex::default(),
            hearing: Mutex::default(),
        };
        Self {
            link,
            auth: Arc::new(Authenticator::new(config.auth)),
            base: config.base,
            headers: config.headers,
            rows: config.rows,
        }
    }

    /// The same client, signed in together with `other`: a token that either of them fetched serves both.
    #[must_use]
    pub fn signed_in_with(mut self, other: &Self) -> Self {
        self.auth = other.auth.clone();
        self.link.redactor = other.link.redactor.clone();
        self
    }

    /// The app's name.
    pub fn app(&self) -> &str {
        &self.link.app
    }

    /// How long the app's lists may be.
    pub(in crate::connectors) fn rows(&self) -> &RowLimits {
        &self.rows
    }

    /// Requests that were sent so far, token calls and repetitions included.
    pub fn requests(&self) -> u64 {
        self.link.sent.load(Ordering::Relaxed)
    }

    /// How requests were answered so far.
    pub fn traffic(&self) -> Traffic {
        // Counts are whole between two requests.
        self.link.traffic.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the app cannot be worked with, while it takes requests and answers none of them.
    pub fn silence(&self) -> Option<String> {
        self.link.silence()
    }

    /// How many requests may leave now without waiting; none where nothing limits them.
    pub fn quota_left(&self) -> Option<u64> {
        self.link.gate.with_budget(|budget, now| budget.left(now))
    }

    /// Refuses from now on what would have to wait long for the budget.
    pub fn hurry(&self) {
        self.link.gate.hurry();
    }

    /// Ends the hurry.
    pub fn take_time(&self) {
        self.link.gate.take_time();
    }

    /// Announces how many reads and writes are going to be sent, besides those that wait already.
    pub fn expect(&self, reads: u64, writes: u64) {
        self.link.gate.expect(self.link.visitor, reads, writes);
    }

    /// Scopes that were asked for and that the app did not grant.
    pub fn missing_scopes(&self) -> Vec<String> {
        self.auth.missing_scopes()
    }

    /// Sends a request that changes nothing, and repeats it within bounds until the answer is JSON.
    ///
    /// # Errors
    /// When there is no such answer; none is [`ErrorKind::Unknown`].
    pub async fn read(&self, request: &Request, lane: Lane) -> Result<Answer, Error> {
        self.read_judged(request, lane, BY_HTTP).await
    }

    /// As [`HttpClient::read`], with answers that mean what `judge` says. Those that mean no failure are returned.
    ///
    /// # Errors
    /// As [`HttpClient::read`], and where an answer means a failure.
    pub async fn read_judged(&self, request: &Request, lane: Lane, judge: Judge<'_>) -> Result<Answer, Error> {
        self.exchange(request, lane, judge, false).await
    }

    /// Sends a request that changes something. It is sent again only where it is certain that nothing was done: no
    /// connection, 401 (with a new token) and 429.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] when it may have taken effect.
    pub async fn write(&self, request: &Request, lane: Lane) -> Result<Answer, Error> {
        self.write_judged(request, lane, BY_HTTP).await
    }

    /// As [`HttpClient::write`], with answers that mean what `judge` says.
    ///
    /// # Errors
    /// As [`HttpClient::write`], and where an answer means a failure.
    pub async fn write_judged(&self, request: &Request, lane: Lane, judge: Judge<'_>) -> Result<Answer, Error> {
        self.exchange(request, lane, judge, true).await
    }

    /// Sends until there is an answer, or until there is no sense or no safety in sending again.
    async fn exchange(&self, request: &Request, lane: Lane, judge: Judge<'_>, write: bool) -> Result<Answer, Error> {
        let line = request.line();
        let failing = Failing { link: &self.link, line: &line, write };
        let mut url = self.url(request, failing)?;
        let (mut attempt, mut limited, mut redirects, mut renewed) = (0, 0, 0, false);
        loop {
            let (error, again) = match self.send(request, &url, lane, failing, judge, &mut renewed).await? {
                Err(WireFailure::NotSent(reason)) => (failing.not_sent(&reason), true),
                Err(WireFailure::Hopeless(reason)) => (failing.not_sent(&reason), false),
                Err(WireFailure::Lost(reason)) => (failing.lost(None, &reason), !write),
                Ok((answer, Some(said))) if said.meaning != Meaning::Overload => return judged(failing, answer, said),
                // The app has too much to do, and did nothing.
                Ok((answer, said)) if said.is_some() || answer.status == 429 => {
                    limited += 1;
                    if limited == LIMITED_ATTEMPTS {
                        return Err(failing.rate_limited(&answer, said.as_ref()));
                    }
                    continue;
                }
                Ok((answer, _)) => {
                    if !write
                        && redirects < REDIRECTS
                        && let Some(target) = self.redirect(&answer, &url)
                    {
                        redirects += 1;
                        url = target;
                        continue;
                    }
                    match answer.status {
                        200..=299 => match read_body(&answer, write) {
                            Ok(body) => return Ok(Answer::new(answer, body)),
                            Err(reason) => {
                                let may_pass = !matches!(answer.body, Err(BodyFailure::TooLarge { .. }));
                                (failing.lost(Some(answer.status), &reason), !write && may_pass)
                            }
                        },
                        501 | 505 => (failing.refused(&answer), false),
                        408 | 425 | 500..=599 => (failing.refused(&answer), !write),
                        _ => (failing.refused(&answer), false),
                    }
                }
            };
            attempt += 1;
            if !again || attempt == ATTEMPTS {
                return Err(error);
            }
            self.link.back_off(attempt - 1).await;
        }
    }

    /// An error of ours about a request, in the client's form.
    pub fn error(&self, request: &Request, kind: ErrorKind, status: Option<u16>, detail: &str) -> Error {
        let line = request.line();
        let write = request.method != Method::Get;
        Failing { link: &self.link, line: &line, write }.error(kind, status, detail, None)
    }

    /// Sends once, and once more with a new token when the first one was refused.
    async fn send(
        &self,
        request: &Request,
        url: &Url,
        lane: Lane,
        failing: Failing<'_>,
        judge: Judge<'_>,
        renewed: &mut bool,
    ) -> Result<Sent, Error> {
        let kind = if failing.write { Kind::Write } else { Kind::Read };
        loop {
            let credential = self.auth.credential(&self.link).await?;
            let permit = self.link.enter(lane, kind).await.map_err(|parked| failing.parked(parked))?;
            if credential.is_stale() {
                // It expired in the queue. The token call needs a permit of its own, which must not wait for ours.
                permit.unused();
                continue;
            }
            let wire = self.wire(request, url, credential.header.clone());
            match self.link.send(permit, wire, judge).await {
                Ok((answer, None)) if answer.status == 401 && self.auth.renewable() && !*renewed => {
                    *renewed = true;
                    self.auth.reject(&credential).await;
                }
                sent => return Ok(sent),
            }
        }
    }

    fn wire(&self, request: &Request, url: &Url, credential: Option<(String, SecretString)>) -> WireRequest {
        let plain = |(name, value): &(String, String)| (name.clone(), SecretString::from(value.clone()));
        let mut headers: Vec<_> = self.headers.iter().chain(&request.headers).map(plain).collect();
        let body = request.body.as_ref().map(|body| SecretString::from(body.to_string()));
        // An API with a media type of its own says so in its headers.
        for (name, needed) in [("accept", true), ("content-type", body.is_some())] {
            let is_it = |(given, _): &(String, SecretString)| given.eq_ignore_ascii_case(name);
            if !needed {
                headers.retain(|header| !is_it(header));
            } else if !headers.iter().any(is_it) {
                headers.push((name.into(), "application/json".to_owned().into()));
            }
        }
        headers.extend(credential);
        WireRequest { method: request.method, url: url.clone(), headers, body }
    }

    fn url(&self, request: &Request, failing: Failing<'_>) -> Result<Url, Error> {
        let mut base = self.base.clone();
        base.set_query(None);
        base.set_fragment(None);
        let text = format!("{}{}", base.as_str().trim_end_matches('/'), request.path);
        let url = Url::parse(&text).ok().filter(|url| url.origin() == base.origin());
        let setup = || failing.error(ErrorKind::Setup, None, "this path makes no address below the app's `url`", None);
        let mut url = url.ok_or_else(setup)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }

    /// Where a link leads that the answer to `request` has: the path below the client's base, with the query. An app behind a
    /// proxy may know itself by another name: of a link to the same list there, the query is used.
    ///
    /// # Errors
    /// When it leads elsewhere, where no credential may go.
    pub fn below(&self, request: &Request, link: &str) -> Result<String, String> {
        let base = self.base.path().trim_end_matches('/');
        let mut from = self.base.clone();
        from.set_path(&format!("{base}{}", request.path));
        let target = from.join(link.trim()).map_err(|_| "the link to the next page is no address".to_owned())?;
        let is_ours =
            target.origin() == self.base.origin() && target.username().is_empty() && target.password().is_none();
        let path = target.path().strip_prefix(base).filter(|path| is_ours && path.starts_with('/'));
        let same = || Some(request.path.as_str()).filter(|path| target.path().ends_with(path));
        let path = path.or_else(same).ok_or_else(|| {
            let to = format!("{}{}", target.origin().ascii_serialization(), target.path());
            format!("the next page is said to be at {to}, which is not below where the app is, and is not asked for")
        })?;
        Ok(target.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }

    /// Where a read is sent on to, if that is within the same origin.
    fn redirect(&self, answer: &WireAnswer, from: &Url) -> Option<Url> {
        let location = answer.header("location").filter(|_| (300..=399).contains(&answer.status))?;
        let target = from.join(location).ok()?;
        (target.origin() == self.base.origin() && target != *from).then_some(target)
    }
}

/// An answer whose meaning is known, or the failure that it means.
fn judged(failing: Failing<'_>, answer: WireAnswer, said: Said) -> Result<Answer, Error> {
    match said.meaning.failure() {
        Some(kind) => Err(failing.meant(kind, &answer, &said)),
        None => {
            Ok(Answer { said: Some(said), body: read_body(&answer, true).ok().flatten(), ..Answer::new(answer, None) })
        }
    }
}

/// The JSON in a body, or what is wrong with it.
fn read_body(answer: &WireAnswer, may_be_empty: bool) -> Result<Option<Value>, String> {
    match &answer.body {
        Ok(body) if may_be_empty && body.is_empty() => Ok(None),
        Err(BodyFailure::Cut(reason)) => Err(format!("the answer broke off: {reason}")),
        Err(BodyFailure::TooLarge { most }) => {
            let most = *most as f64 / f64::from(1 << 20);
            Err(format!(
                "the answer is larger than {most} MiB, which is the most that rosterd reads of one; have the app send less at once"
            ))
        }
        Ok(body) if body.iter().all(u8::is_ascii_whitespace) => Err("the answer is empty".into()),
        Ok(body) if looks_like_html(body) => Err("the answer is a web page, maybe of a proxy or for signing in".into()),
        Ok(body) => serde_json::from_slice(body)
            .map(Some)
            .map_err(|error| format!("the answer is not JSON ({error}): {}", said(answer))),
    }
}

//! The network between the engine and the apps, in one process. A request that was sent lives on its own: it arrives
//! whether or not somebody still waits for its answer.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use rosterd::{
    connectors::http::transport::{BodyFailure, Transport, WireAnswer, WireFailure, WireRequest},
    sandbox::{AccountView, Reply, Response, Sandbox},
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use super::{
    judge::Judge,
    meddler::Meddler,
    weather::{Fault, RetryAfter, Weather},
    world::World,
};

type Outcome = Result<WireAnswer, WireFailure>;

/// The network, the apps at its end, and whoever watches the wire.
#[derive(Clone)]
pub(crate) struct Network(Arc<Shared>);

struct Shared {
    world: Arc<World>,
    sandbox: Sandbox,
    began: Instant,
    state: Mutex<State>,
    /// Counts processes: whoever waits for a change is dead after it.
    killed: watch::Sender<u32>,
}

pub(crate) struct State {
    pub weather: Weather,
    pub meddler: Meddler,
    pub judge: Judge,
    /// Requests that may still leave before the process is killed.
    pub kill_after: Option<u64>,
    /// The app's answers carry their date.
    dated: bool,
    /// Requests that were sent.
    pub sent: u64,
    /// The last page of each list, for pages that come again.
    pages: BTreeMap<String, (String, Response)>,
    /// Connections on which no answer ever comes.
    half_open: Vec<oneshot::Sender<Outcome>>,
    /// What happened, a line each; kept only where somebody wants to read it.
    pub trace: Option<Vec<String>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

/// A request in the sandbox's terms.
struct Parcel {
    number: u64,
    app: usize,
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Network {
    pub(crate) fn new(
        world: Arc<World>,
        weather: Weather,
        meddler: Meddler,
        judge: Judge,
        dated: bool,
        trace: bool,
    ) -> Self {
        let sandbox = world.sandbox();
        let state = State {
            weather,
            meddler,
            judge,
            kill_after: None,
            dated,
            sent: 0,
            pages: BTreeMap::new(),
            half_open: Vec::new(),
            trace: trace.then(Vec::new),
        };
        let (began, state, killed) = (Instant::now(), Mutex::new(state), watch::channel(0).0);
        Self(Arc::new(Shared { world, sandbox, began, state, killed }))
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Since the beginning of the world.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Notes a line for whoever reads the story.
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        let at = self.elapsed();
        let mut state = self.state();
        if let Some(trace) = &mut state.trace {
            trace.push(format!("{:>12.3} {}", at.as_secs_f64(), line()));
        }
    }

    /// Returns once the process that calls it is killed.
    pub(crate) async fn killed(&self) {
        let mut killed = self.0.killed.subscribe();
        killed.borrow_and_update();
        // The sender lives as long as we do.
        let _ = killed.changed().await;
    }

    /// A process is killed at this very moment.
    pub(crate) fn kill(&self) {
        self.state().kill_after = None;
        self.0.killed.send_modify(|count| *count += 1);
    }

    fn accounts(&self, app: usize) -> Vec<AccountView> {
        let app = &self.0.world.apps[app];
        self.0.sandbox.accounts(app.kind, &app.name).unwrap()
    }

    /// Carries a request to its app, and says what came back.
    async fn carry(self, parcel: Parcel, fault: Option<Fault>, sender: oneshot::Sender<Outcome>) {
        let (there, work, back) = {
            let mut state = self.state();
            (state.weather.way(), state.weather.work(), state.weather.way())
        };
        let more = if let Some(Fault::SlowThere(long)) = fault { long } else { Duration::ZERO };
        tokio::time::sleep(there + more).await;
        let lost = |why: &str| Err(WireFailure::Lost(why.to_owned()));
        let answer = |sender: oneshot::Sender<Outcome>, outcome: Outcome| {
            // Whoever has given up waiting does not hear it.
            let _ = sender.send(outcome);
        };
        match &fault {
            Some(Fault::ResetBefore) => return answer(sender, lost("connection reset")),
            Some(Fault::HalfOpen { arrives: false }) => return self.state().half_open.push(sender),
            Some(Fault::Status { status, html, effect: false }) => {
                let response = made_up(*status, *html);
                tokio::time::sleep(work + back).await;
                return answer(sender, Ok(self.wire(response)));
            }
            Some(Fault::TooMany(retry_after)) => {
                let mut response = made_up(429, false);
                response.headers.extend(retry_after.as_ref().map(|value| ("retry-after".into(), self.header(value))));
                tokio::time::sleep(back).await;
                return answer(sender, Ok(self.wire(response)));
            }
            Some(Fault::Html) if parcel.number.is_multiple_of(2) => {
                tokio::time::sleep(back).await;
                return answer(sender, Ok(self.wire(made_up(200, true))));
            }
            Some(Fault::ResetThenArrives(later)) => {
                answer(sender, lost("connection reset"));
                tokio::time::sleep(*later).await;
                drop(self.deliver(&parcel, work).await);
                return;
            }
            _ => {}
        }
        self.meddle(&parcel);
        let Some(response) = self.deliver(&parcel, work).await else {
            return answer(sender, lost("connection reset"));
        };
        match fault {
            Some(Fault::ResetAfter) => return answer(sender, lost("connection reset")),
            Some(Fault::HalfOpen { .. }) => return self.state().half_open.push(sender),
            Some(Fault::Slow(long)) => tokio::time::sleep(long).await,
            _ => tokio::time::sleep(back).await,
        }
        let response = self.spoil(&parcel, response, fault.as_ref());
        let mut answered = self.wire(response);
        if fault == Some(Fault::Cut) {
            answered.body = Err(BodyFailure::Cut("connection reset".into()));
        }
        answer(sender, Ok(answered));
    }

    /// Lets the app carry a request out, under the eyes of the judge.
    async fn deliver(&self, parcel: &Parcel, work: Duration) -> Option<Response> {
        let Parcel { number, app, method, target, headers, body } = parcel;
        let call = self.0.sandbox.call(method, target, headers, body);
        tokio::time::sleep(work).await;
        let writes = *method != "GET" && !target.ends_with("/token");
        let before = writes.then(|| self.accounts(*app));
        let reply = call.answer();
        if let Some(before) = before {
            let after = self.accounts(*app);
            let what = format!("#{number} {method} {target} {}", String::from_utf8_lossy(body));
            self.state().judge.saw(&self.0.world, *app, &what, &before, &after);
        }
        let response = match reply {
            Reply::Whole(response) | Reply::Late(_, response) | Reply::CutOff(response) => response,
            Reply::Reset => return None,
        };
        self.tell(|| format!("    #{number} arrived: {}", response.status));
        Some(response)
    }

    /// Somebody else may be at work in the same app.
    fn meddle(&self, parcel: &Parcel) {
        let done = self.state().meddler.act(&self.0.world, &self.0.sandbox, parcel.app);
        if let Some(done) = done {
            self.tell(|| format!("    somebody else: {done}"));
        }
    }

    fn spoil(&self, parcel: &Parcel, response: Response, fault: Option<&Fault>) -> Response {
        let (path, query) = parcel.target.split_once('?').unwrap_or((&parcel.target, ""));
        let list = parcel.method == "GET" && response.status == 200 && !query.is_empty();
        let earlier = {
            let mut state = self.state();
            let new = || (query.to_owned(), response.clone());
            list.then(|| state.pages.insert(path.to_owned(), new())).flatten()
        };
        let with_body = |body: Vec<u8>| Response { body, ..response.clone() };
        let json = || serde_json::from_slice::<Value>(&response.body).ok();
        match fault {
            Some(Fault::Status { status, html, .. }) => made_up(*status, *html),
            Some(Fault::Malformed) => with_body(response.body[..response.body.len() / 2].to_vec()),
            Some(Fault::Html) => made_up(200, true),
            Some(Fault::Empty) => Response { status: 200, body: Vec::new(), ..response },
            Some(Fault::PageAgain) => match earlier {
                Some((other, page)) if follows(&other, query) => page,
                _ => response,
            },
            Some(Fault::Truncated) if list => match json().and_then(truncated) {
                Some(body) => with_body(body.to_string().into_bytes()),
                None => response,
            },
            Some(Fault::CursorAgain) if list => match json().and_then(|body| cursor_again(body, query)) {
                Some(body) => with_body(body.to_string().into_bytes()),
                None => response,
            },
            _ => response,
        }
    }

    /// The app's date and time, as a header has them.
    fn date(&self, from_now: i64) -> String {
        let at = self.0.sandbox.now().saturating_add(SignedDuration::from_secs(from_now)).unwrap();
        httpdate::fmt_http_date(at.into())
    }

    fn header(&self, value: &RetryAfter) -> String {
        match value {
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::Date(from_now) => self.date(*from_now),
            RetryAfter::Nonsense(text) => (*text).to_owned(),
        }
    }

    fn wire(&self, response: Response) -> WireAnswer {
        let mut headers = response.headers;
        if self.state().dated {
            headers.push(("date".into(), self.date(0)));
        }
        WireAnswer { status: response.status, headers, body: Ok(response.body) }
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: WireRequest) -> Outcome {
        let path = request.url.path().to_owned();
        let (parcel, fault, die) = {
            let mut state = self.state();
            state.sent += 1;
            let number = state.sent;
            let apps = &self.0.world.apps;
            let app = apps.iter().position(|app| path.starts_with(&format!("/{}/{}/", app.kind, app.name))).unwrap();
            let target = request.url.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
            let headers = request.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
            let body = request.body.as_ref().map(|body| body.expose_secret().as_bytes().to_vec()).unwrap_or_default();
            let (method, headers) = (request.method.as_str(), headers.collect());
            let fault = state.weather.strike(self.elapsed(), app);
            let die = match &mut state.kill_after {
                Some(0) => true,
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            };
            (Parcel { number, app, method, target, headers, body }, fault, die)
        };
        self.tell(|| {
            let Parcel { number, method, target, body, .. } = &parcel;
            let body = String::from_utf8_lossy(body);
            let what = fault.as_ref().map(|fault| format!("  ! {fault:?}")).unwrap_or_default();
            format!("  #{number} {method} {target} {body}{what}{}", if die { "  ! killed" } else { "" })
        });
        let number = parcel.number;
        let (sender, receiver) = oneshot::channel();
        if die && number % 3 == 0 {
            // The process dies before the request leaves.
            self.kill();
            return std::future::pending().await;
        }
        if fault == Some(Fault::Refused) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Err(WireFailure::NotSent("connection refused".into()));
        }
        tokio::spawn(self.clone().carry(parcel, fault, sender));
        if die && number % 3 == 1 {
            // The process dies while the request is under way.
            self.kill();
            return std::future::pending().await;
        }
        let outcome = receiver.await;
        if die {
            // The process dies with the answer in its hands.
            self.kill();
            return std::future::pending().await;
        }
        let outcome = outcome.unwrap_or_else(|_| Err(WireFailure::Lost("connection reset".into())));
        self.tell(|| match &outcome {
            Ok(answer) => format!("  #{number} answered: {}", answer.status),
            Err(failure) => format!("  #{number} {failure:?}"),
        });
        outcome
    }
}

/// What something in between says.
fn made_up(status: u16, html: bool) -> Response {
    let (kind, body) = match html {
        true => ("text/html", "<!doctype html><html><body><h1>Bad gateway</h1></body></html>"),
        false => ("application/json", r#"{"error": "something went wrong"}"#),
    };
    Response { status, headers: vec![("content-type".into(), kind.into())], body: body.as_bytes().to_vec() }
}

/// Whether a query asks for a later page of the list that another one asked for.
fn follows(earlier: &str, query: &str) -> bool {
    let paging = |pair: &&str| {
        ["offset=", "page=", "startIndex=", "cursor=", "pageToken="].iter().any(|name| pair.starts_with(name))
    };
    let rest = |query: &str| query.split('&').filter(|pair| !paging(pair)).map(str::to_owned).collect::<Vec<_>>();
    let first = ["offset=0", "page=1", "startIndex=1", "cursor="];
    let later = query.split('&').find(paging).is_some_and(|pair| !first.contains(&pair));
    later && earlier != query && rest(earlier) == rest(query)
}

/// A list without its last rows, if it tells how many there are.
fn truncated(mut body: Value) -> Option<Value> {
    let tells = body.get("totalResults").is_some()
        || body.pointer("/pagination/total").is_some()
        || body.pointer("/pagination/totalResults").is_some();
    if !tells {
        return None;
    }
    let rows = ["data", "Resources", "results"].into_iter().find(|key| body[*key].is_array())?;
    let rows = body[rows].as_array_mut()?;
    rows.truncate(rows.len() / 2);
    Some(body)
}

/// A page whose next token is the one that led to it.
fn cursor_again(mut body: Value, query: &str) -> Option<Value> {
    for (parameter, key) in [("pageToken=", "nextPageToken"), ("cursor=", "nextCursor")] {
        let used = query.split('&').find_map(|pair| pair.strip_prefix(parameter));
        if let (Some(used), true) = (used.filter(|used| !used.is_empty()), body.get(key).is_some()) {
            body[key] = Value::from(percent_encoding::percent_decode_str(used).decode_utf8_lossy().into_owned());
            return Some(body);
        }
    }
    None
}

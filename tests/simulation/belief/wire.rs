//! The network of a story: it hands each request to the app, lets the app misbehave, and shows the judge what came of it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use rosterd::connectors::{
    Clock,
    http::transport::{Transport, WireAnswer, WireFailure, WireRequest},
};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::{
    call::{About, Call, Reply},
    cast::Cast,
    judge::Judge,
    lies::Lies,
    shapes::reword,
    truth::Played,
};
use crate::world::BEGINS;

#[derive(Clone)]
pub(super) struct Wire(Arc<Shared>);

struct Shared {
    cast: Arc<Cast>,
    began: Instant,
    state: Mutex<State>,
}

pub(super) struct State {
    pub app: Box<dyn Played>,
    pub lies: Lies,
    pub judge: Judge,
    pub sent: u64,
    /// What happened, a line each; kept only where somebody wants to read it.
    pub trace: Option<Vec<String>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub(super) fn new(cast: Arc<Cast>, app: Box<dyn Played>, lies: Lies, judge: Judge, trace: bool) -> Self {
        let state = State { app, lies, judge, sent: 0, trace: trace.then(Vec::new) };
        Self(Arc::new(Shared { cast, began: Instant::now(), state: Mutex::new(state) }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    pub(super) fn clock(&self) -> Clock {
        let begins: jiff::Timestamp = BEGINS.parse().unwrap();
        let began = self.0.began;
        Clock::new(move || begins + jiff::SignedDuration::try_from(began.elapsed()).unwrap())
    }

    /// Notes a line for whoever reads the story.
    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.state().trace {
            trace.push(line());
        }
    }

    fn answer(&self, call: &Call) -> Reply {
        let cast = &self.0.cast;
        let mut state = self.state();
        let State { app, lies, judge, .. } = &mut *state;
        let writes = call.writes();
        let before = writes.then(|| (app.people(), app.groups()));
        if let Some((people, _)) = &before {
            judge.adopt(cast, people);
            judge.asks_for(cast, call, people);
        }
        if let Some(reply) = lies.instead(call) {
            return reply;
        }
        let mut reply = app.answer(&lies.asked(call));
        if let Some((people, groups)) = before {
            let (now, groups_now) = (app.people(), app.groups());
            judge.saw(cast, call, &people, &now);
            judge.saw_groups(cast, call, &groups, &groups_now);
            let account = now.iter().find(|row| people.iter().all(|old| old.id != row.id));
            let group = groups_now.iter().find(|(id, _)| groups.iter().all(|(old, _)| old != id));
            rename(&mut **app, lies, &mut reply, account.map(|row| (&row.id, &row.addresses[0])), group);
        }
        lies.told(call, reply, app.people().len())
    }
}

/// Gives what was just made the name that the app wants it to have.
fn rename(
    app: &mut dyn Played,
    lies: &mut Lies,
    reply: &mut Reply,
    account: Option<(&String, &String)>,
    group: Option<&(String, String)>,
) {
    if let Some((id, asked)) = account
        && let Some(new) = lies.address(asked)
    {
        app.readdress(id, &new);
        lies.met += 1;
        if lies.shows_names() {
            reword(&mut reply.body, asked, &new);
        }
    }
    if let Some((id, asked)) = group
        && let Some(new) = lies.group_name(asked)
    {
        app.rename_group(id, &new);
        lies.met += 1;
        if lies.shows_names() {
            reword(&mut reply.body, asked, &new);
        }
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        let text = |value: &secrecy::SecretString| value.expose_secret().to_owned();
        let call = Call {
            method: request.method.as_str(),
            path: request.url.path().to_owned(),
            query: request.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
            headers: request.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            body: request.body.as_ref().map(text).unwrap_or_default().into_bytes(),
        };
        tokio::time::sleep(Duration::from_millis(5)).await;
        let reply = self.answer(&call);
        let body = reply.bytes();
        self.tell(|| {
            format!("  {} -> {} {:?} {}", call.line(), reply.status, reply.headers, String::from_utf8_lossy(&body))
        });
        self.state().sent += 1;
        Ok(WireAnswer { status: reply.status, headers: reply.headers, body: Ok(body) })
    }
}

impl Call {
    /// Whether it is there to make an account.
    pub(super) fn makes_an_account(&self) -> bool {
        self.method == "POST" && self.about() == About::Users
    }
}

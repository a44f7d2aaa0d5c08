//! The same apps without a network: a request is handed over and its answer handed back, at moments that the caller
//! chooses. What happens in between is up to the caller, who plays the network.

use std::time::Duration;

use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};

use super::{
    Sandbox,
    app::{Answer, Request},
    fault::Fault,
    server::{self, InFlight},
    world::{Admission, Delivery},
};

/// A request that has arrived and is not answered yet. It counts as in flight until it is answered or dropped.
pub struct Call(State);

enum State {
    /// It never reaches an app.
    Refused(Answer),
    /// An app is at work on it.
    InFlight(Box<Pending>),
}

struct Pending {
    call: InFlight,
    request: Request,
    fault: Option<Fault>,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Whole(Response),
    /// An answer after so much real time.
    Late(Duration, Response),
    /// An answer of whose body the first half arrives.
    CutOff(Response),
    /// Nothing: the connection is reset.
    Reset,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sandbox {
    /// Hands over a request. `target` is a path with its query, which starts as [`app_url`](Sandbox::app_url) does below
    /// the origin. Headers that HTTP does not allow are left out.
    pub fn call(&self, method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> Call {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some((key, path)) = server::tenant(path) else {
            return Call(State::Refused(server::unknown_path()));
        };
        let headers: HeaderMap = headers
            .iter()
            .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?)))
            .collect();
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        let request = Request {
            method: method.to_owned(),
            path,
            query: query.to_owned(),
            authorization: text(AUTHORIZATION),
            content_type: text(CONTENT_TYPE),
            headers,
            body: body.to_vec().into(),
        };
        let admission = self.shared.lock().admit(&key, &request);
        Call(match admission {
            Err(error) => State::Refused(server::not_found(&error)),
            Ok(Admission::Refused(answer)) => State::Refused(*answer),
            Ok(Admission::Admitted(fault, meter)) => {
                let call = InFlight { shared: self.shared.clone(), key, meter };
                State::InFlight(Box::new(Pending { call, request, fault }))
            }
        })
    }
}

impl Call {
    /// Carries the request out, at this moment.
    pub fn answer(self) -> Reply {
        let Pending { call, request, fault } = match self.0 {
            State::Refused(answer) => return Reply::Whole(response(&answer)),
            State::InFlight(pending) => *pending,
        };
        let delivery = call.shared.lock().carry_out(&call.key, &request, fault);
        match delivery {
            Err(error) => Reply::Whole(response(&server::not_found(&error))),
            Ok(Delivery::Whole(answer)) => Reply::Whole(response(&answer)),
            Ok(Delivery::After(wait, answer)) => Reply::Late(wait, response(&answer)),
            Ok(Delivery::CutOff(answer)) => Reply::CutOff(response(&answer)),
            Ok(Delivery::Reset) => Reply::Reset,
        }
    }
}

fn response(answer: &Answer) -> Response {
    let content_type = server::content_type(&answer.body).map(|kind| ("content-type".to_owned(), kind.to_owned()));
    let own = answer.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Response {
        status: answer.status,
        headers: content_type.into_iter().chain(own).collect(),
        body: server::payload(&answer.body).to_vec(),
    }
}

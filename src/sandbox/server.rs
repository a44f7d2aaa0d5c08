//! The HTTP side: connections, the two kinds of paths, and deliveries that no ordinary web framework lets one make.
//!
//! hyper is used directly, because a fault has to be able to reset a connection without any answer.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{
    admin,
    app::{Answer, Body, DriftError, Request},
    quota::Meter,
    world::{Admission, Delivery, Key, World},
};

/// The world, shared by all connections. It is locked for moments only, never across an await.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere leaves data that is still worth showing to the test that has to explain it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Response = hyper::Response<UnsyncBoxBody<Bytes, io::Error>>;

/// Accepts connections until told to stop, then lets those at work finish their request.
pub(crate) async fn run(listener: TcpListener, shared: Shared, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told_to_stop(&mut stop) => break,
            // Finished connections are taken out, so that a long run does not hoard them.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(serve(stream, shared.clone(), stop.clone())); }
                Err(error) => {
                    // Out of file descriptors, most likely: those in use must be given time to close.
                    tracing::warn!(%error, "the sandbox cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same as a sent `true`, so the error needs no telling apart.
    drop(stop.wait_for(|stop| *stop).await);
}

async fn serve(stream: TcpStream, shared: Shared, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: reset.clone() };
    let service = service_fn(move |request| {
        let (shared, reset) = (shared.clone(), reset.clone());
        async move {
            let response = respond(&shared, request).await;
            if response.is_none() {
                reset.store(true, Ordering::Relaxed);
            }
            // An error from the service makes hyper drop the connection without writing anything.
            response.ok_or_else(|| io::Error::other("fault: reset"))
        }
    });
    // No time limit on an idle connection: the only resets a client sees shall be those that were asked for.
    let connection = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_stop(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients that went away and injected faults end up here alike.
        tracing::debug!(%error, "a sandbox connection ended early");
    }
}

/// The answer to a request, or nothing where the connection shall be reset.
async fn respond(shared: &Shared, request: hyper::Request<Incoming>) -> Option<Response> {
    /// More than any API here takes in one request.
    const LARGEST_BODY: usize = 8 * 1024 * 1024;
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Some(whole(Answer::json(413, json!({ "error": "the body is too large or broken off" }))));
    };
    let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let mut request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: text(AUTHORIZATION),
        content_type: text(CONTENT_TYPE),
        headers: head.headers,
        body: body.to_bytes(),
    };
    if let Some(path) = request.path.strip_prefix("/_sandbox") {
        request.path = path.to_owned();
        return Some(whole(admin::answer(&mut shared.lock(), &request)));
    }
    let Some((key, path)) = tenant(&request.path) else {
        return Some(whole(unknown_path()));
    };
    request.path = path;
    play(shared, &key, &request).await
}

/// The tenant that a path leads to, and the rest of the path, which is the app's own.
pub(crate) fn tenant(path: &str) -> Option<(Key, String)> {
    let mut segments = path.split('/').skip(1);
    let (connector, tenant) = (segments.next()?, segments.next()?);
    let key = (connector.to_owned(), tenant.to_owned());
    let rest = segments.collect::<Vec<_>>().join("/");
    (!connector.is_empty() && !tenant.is_empty()).then(|| (key, format!("/{rest}")))
}

pub(crate) fn not_found(error: &DriftError) -> Answer {
    Answer::json(404, json!({ "error": error.to_string() }))
}

pub(crate) fn unknown_path() -> Answer {
    let error = "a path starts with /{connector}/{tenant}, or with /_sandbox/";
    Answer::json(404, json!({ "error": error }))
}

/// A request to a simulated app.
async fn play(shared: &Shared, key: &Key, request: &Request) -> Option<Response> {
    let (admission, latency) = {
        let mut world = shared.lock();
        (world.admit(key, request), world.config.latency)
    };
    let (fault, meter) = match admission {
        Err(error) => return Some(whole(not_found(&error))),
        Ok(Admission::Refused(answer)) => return Some(whole(*answer)),
        Ok(Admission::Admitted(fault, meter)) => (fault, meter),
    };
    let _in_flight = InFlight { shared: shared.clone(), key: key.clone(), meter };
    tokio::time::sleep(latency).await;
    let delivery = shared.lock().carry_out(key, request, fault);
    match delivery {
        Err(error) => Some(whole(not_found(&error))),
        Ok(Delivery::Whole(answer)) => Some(whole(answer)),
        Ok(Delivery::After(wait, answer)) => {
            tokio::time::sleep(wait).await;
            Some(whole(answer))
        }
        Ok(Delivery::CutOff(answer)) => Some(cut_off(answer)),
        Ok(Delivery::Reset) => None,
    }
}

/// A request in flight; over when dropped, even when the client goes away in the middle of it.
pub(crate) struct InFlight {
    pub(crate) shared: Shared,
    pub(crate) key: Key,
    pub(crate) meter: Meter,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shared.lock().leave(&self.key, self.meter);
    }
}

fn whole(answer: Answer) -> Response {
    let bytes = payload(&answer.body);
    let body = Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync();
    response(&answer, body)
}

/// Announces the whole body, sends the first half of it, and closes.
fn cut_off(answer: Answer) -> Response {
    let bytes = payload(&answer.body);
    let announced = bytes.len().max(2);
    let half = bytes.slice(..bytes.len() / 2);
    let sent = stream::once(async move { Ok(Frame::data(half)) });
    let broken = stream::once(async {
        // hyper flushes what it has while it waits; without a pause the half would be lost along with the rest.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::other("fault: cut off"))
    });
    let body = StreamBody::new(sent.chain(broken)).boxed_unsync();
    let mut response = response(&answer, body);
    response.headers_mut().insert(hyper::header::CONTENT_LENGTH, HeaderValue::from(announced));
    response
}

pub(crate) fn payload(body: &Body) -> Bytes {
    match body {
        Body::Empty => Bytes::new(),
        Body::Json(json) => Bytes::from(json.to_string()),
        Body::Html(page) => Bytes::from_static(page.as_bytes()),
        Body::Raw(text) => Bytes::from(text.clone()),
    }
}

pub(crate) fn content_type(body: &Body) -> Option<&'static str> {
    match body {
        Body::Empty => None,
        Body::Json(_) | Body::Raw(_) => Some("application/json; charset=utf-8"),
        Body::Html(_) => Some("text/html; charset=utf-8"),
    }
}

fn response(answer: &Answer, body: UnsyncBoxBody<Bytes, io::Error>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        hyper::StatusCode::from_u16(answer.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(content_type) = content_type(&answer.body) {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in &answer.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A connection that, once marked, is reset (RST) instead of closed (FIN) when it is dropped.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "the connection closes instead of resetting");
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

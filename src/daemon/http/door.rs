//! The open port: which connections are taken, and how long each may stay.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tracing::warn;

use super::{Access, Desk, places::Places, router};
use crate::{
    daemon::{Refused, World, status::DaemonStatus},
    execute::Stop,
    model::Daemon,
};

/// Where it listens unless the files say otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8484);

/// How long a caller may take to say its first byte. Who connects to ask something asks at once.
const FIRST_BYTE: Duration = Duration::from_secs(2);

/// How long a caller may take to say what it wants, after its first byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a caller may stay.
const LONGEST: Duration = Duration::from_secs(60);

/// What a caller may say about what it wants, in bytes. Browsers stay far below half of it.
const LONGEST_HEAD: usize = 16 << 10;

/// What keeps callers from being accepted, such as too few file descriptors, does not pass faster by trying faster.
const BREATH: Duration = Duration::from_secs(1);

/// An open socket, and who may come in.
pub(in crate::daemon) struct Door {
    listener: TcpListener,
    pub(in crate::daemon) address: SocketAddr,
    pub(in crate::daemon) access: Arc<Access>,
}

impl Door {
    /// Opens the door where the settings say.
    pub(in crate::daemon) async fn open(world: &dyn World, settings: &Daemon) -> Result<Self, Refused> {
        let wanted = settings.listen.unwrap_or(LISTEN);
        let access = Access::new(world, settings, wanted.ip().is_loopback()).map_err(Refused::Token)?;
        if !wanted.ip().is_loopback() && !access.asks_for_a_token() {
            return Err(Refused::Open(wanted));
        }
        let listener = TcpListener::bind(wanted).await.map_err(|error| Refused::Bind(wanted, error))?;
        let address = listener.local_addr().map_err(|error| Refused::Bind(wanted, error))?;
        Ok(Self { listener, address, access: Arc::new(access) })
    }

    /// Serves until the daemon ends.
    pub(in crate::daemon) async fn serve(self, world: Arc<dyn World>, status: Arc<DaemonStatus>, mut stop: Stop) {
        let router = router(Desk::new(world, status, self.access));
        let mut http = http1::Builder::new();
        // One request a connection: nobody holds a place between two of them, and there is nothing to smuggle.
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(LONGEST_HEAD).keep_alive(false);
        let places = Arc::new(Mutex::default());
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.reached(1) => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, from)) => {
                    let (caller, end) = Caller::admit(&places, from.ip());
                    tokio::spawn(serve_one(socket, caller, end, http.clone(), router.clone()));
                    // The displaced connection closes before the next one is accepted, so that sockets do not pile up.
                    tokio::task::yield_now().await;
                }
                Err(failed) => {
                    warn!("a caller was not served: {failed}");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

/// Serves one connection for as long as it may stay. A client that hangs up or is too slow gets no answer.
async fn serve_one(socket: TcpStream, caller: Caller, end: Arc<Notify>, http: http1::Builder, router: Router) {
    let connection = async {
        let first = tokio::time::timeout(FIRST_BYTE, socket.peek(&mut [0])).await;
        if matches!(first, Ok(Ok(1))) {
            let service = TowerToHyperService::new(router.layer(Extension(caller)));
            let _ = tokio::time::timeout(LONGEST, http.serve_connection(TokioIo::new(socket), service)).await;
        }
    };
    tokio::select! {
        () = end.notified() => {}
        () = connection => {}
    }
}

/// Somebody who is connected. The place is free once nobody knows of it any more.
#[derive(Debug, Clone)]
pub(super) struct Caller(Arc<Seat>);

#[derive(Debug)]
struct Seat {
    places: Arc<Mutex<Places<Arc<Notify>>>>,
    number: u64,
    address: IpAddr,
}

impl Caller {
    /// Takes in a connection, and ends another one where there is no room. What comes besides says when this one has to end.
    fn admit(places: &Arc<Mutex<Places<Arc<Notify>>>>, address: IpAddr) -> (Self, Arc<Notify>) {
        let end = Arc::new(Notify::new());
        // Nothing that is done under this lock panics.
        let (number, gone) = places.lock().unwrap_or_else(PoisonError::into_inner).take(address, end.clone());
        if let Some(gone) = gone {
            gone.notify_one();
        }
        (Self(Arc::new(Seat { places: places.clone(), number, address })), end)
    }

    pub(super) fn address(&self) -> IpAddr {
        self.0.address
    }

    /// The caller asked for something that it may have: others make room first.
    pub(super) fn is_answered(&self) {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner).answers(self.0.number);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).leave(self.number);
    }
}

//! The engine and the sandbox in one process, on the runtime's clock: hours pass in no time.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use rosterd::{
    connectors::{
        Clock, Error, Outside, Override, Registry, Writer,
        http::transport::{Transport, WireAnswer, WireFailure, WireRequest},
    },
    desired,
    model::{Desired, DesiredApp},
    observe::ObserveProgress,
    reconcile::{Reconciler, Watch},
    sandbox::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Reply, Sandbox},
};
use secrecy::ExposeSecret;

use crate::support::TestSecrets;

/// Carries requests to a sandbox, half of the latency there and half back.
struct Relay {
    sandbox: Arc<Sandbox>,
    latency: Duration,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay")
    }
}

#[async_trait]
impl Transport for Relay {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        let target = &request.url[url::Position::BeforePath..];
        let text = |value: &secrecy::SecretString| value.expose_secret().to_owned();
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let body = request.body.as_ref().map(text).unwrap_or_default();
        tokio::time::sleep(self.latency / 2).await;
        let reply = self.sandbox.call(request.method.as_str(), target, &headers, body.as_bytes()).answer();
        tokio::time::sleep(self.latency / 2).await;
        match reply {
            Reply::Whole(answer) => {
                Ok(WireAnswer { status: answer.status, headers: answer.headers, body: Ok(answer.body) })
            }
            other => panic!("nobody asked for faults: {other:?}"),
        }
    }
}

/// Nobody watches.
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    fn seen(&self, _: &str, _: ObserveProgress) {}
}

/// A company whose apps the sandbox plays.
pub(crate) struct Company {
    pub sandbox: Arc<Sandbox>,
    pub registry: Registry,
}

impl Company {
    pub(crate) fn new(config: Config, latency: Duration) -> Self {
        let sandbox = Arc::new(Sandbox::without_network(config).unwrap());
        let clock = sandbox.clone();
        let outside = Outside {
            clock: Clock::new(move || clock.now()),
            network: Some(Arc::new(Relay { sandbox: sandbox.clone(), latency })),
            seed: Some(7),
        };
        Self { registry: Registry::new(None).within(outside), sandbox }
    }

    /// The example organisation's files. Groups that they pin are made.
    pub(crate) fn example(&self) -> Desired {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
        let desired = desired::load(&dir, &self.registry).unwrap_or_else(|problems| panic!("{problems:?}")).desired;
        for app in desired.apps.values() {
            for group in app.groups.values().filter(|group| group.id.is_some()) {
                let id = group.id.as_ref().unwrap();
                self.sandbox.put_group(&app.connector, &app.name, id, &group.name).unwrap();
            }
        }
        desired
    }

    /// Files as a text.
    pub(crate) fn files(&self, text: &str) -> Desired {
        let files = vec![("all.yaml".to_owned(), text.to_owned())];
        desired::parse(files, &self.registry).unwrap_or_else(|problems| panic!("{problems:?}")).desired
    }

    pub(crate) fn connect(&self, app: &DesiredApp) -> Result<Arc<dyn Writer>, Error> {
        let instead = Override {
            url: self.sandbox.app_url(&app.connector, &app.name).parse().unwrap(),
            client_id: format!("{DEFAULT_CLIENT_ID}.{}", app.name),
            client_secret: DEFAULT_CLIENT_SECRET.to_owned().into(),
        };
        self.registry.connect(app, &TestSecrets::none(), Some(&instead))
    }

    pub(crate) fn reconciler(&self, desired: Desired) -> Reconciler {
        let clock = self.sandbox.clone();
        Reconciler::new(desired, String::new(), |_| true, |app| self.connect(app))
            .with_clock(Clock::new(move || clock.now()))
    }
}

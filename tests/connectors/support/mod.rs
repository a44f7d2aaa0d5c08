//! A small server that answers as a test says, down to broken connections, and an app that points at it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use rosterd::{
    connectors::{Registry, SecretSource, Writer},
    model::{Auth, BudgetSpec, ConnectorCatalogue, DesiredApp, Options, Place, Policy, SecretRef},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    line: String,
}

impl Call {
    /// A query parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> usize {
        self.query
            .get(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("{} has no {name}", self.line))
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    Redirect(u16, String),
    /// JSON with a header.
    Headed(u16, (&'static str, &'static str), Value),
    /// Any headers, and a body that is sent as it stands.
    Raw(u16, Vec<(String, String)>, String),
    /// Closes the connection without a word.
    Reset,
    /// Promises more than it sends.
    CutOff,
    /// A body of this text again and again, without an end.
    Endless(&'static str),
}

pub(crate) fn json_answer(status: u16, body: Value) -> Answer {
    Answer::Json(status, body)
}

pub(crate) fn status_answer(status: u16) -> Answer {
    Answer::Json(status, json!({}))
}

/// A running server.
pub(crate) struct Server {
    pub url: Url,
    calls: Arc<Mutex<Vec<Call>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Every request, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn clear(&self) {
        self.calls.lock().unwrap().clear();
    }

    /// Method, path and query of every request, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|call| call.line.clone()).collect()
    }

    /// Stops it; its address leads nowhere afterwards.
    pub(crate) async fn close(self) -> Url {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.url
    }
}

/// Starts a server. It speaks HTTP/1.1 by hand, because a library would not send broken answers.
pub(crate) async fn serve(play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (play, log) = (Arc::new(play), calls.clone());
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (play, log) = (play.clone(), log.clone());
            tokio::spawn(async move { talk(stream, &*play, &log).await });
        }
    });
    Server { url, calls, task }
}

async fn talk(mut stream: TcpStream, play: &(impl Fn(&Call) -> Answer + ?Sized), log: &Mutex<Vec<Call>>) {
    while let Some(call) = receive(&mut stream).await {
        log.lock().unwrap().push(call.clone());
        let answer = if call.path.ends_with("/token") {
            json_answer(200, json!({"access_token": "tok", "expires_in": 3599}))
        } else {
            play(&call)
        };
        if let Answer::Endless(text) = answer {
            let chunk = format!("{:x}\r\n{text}\r\n", text.len());
            let mut sent = stream.write_all(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n").await;
            while sent.is_ok() {
                sent = stream.write_all(chunk.repeat(64).as_bytes()).await;
            }
            return;
        }
        let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let (status, headers, body, promised) = match answer {
            Answer::Json(status, body) => (status, Vec::new(), body.to_string(), 0),
            Answer::Headed(status, (name, value), body) => (status, one(name, value), body.to_string(), 0),
            Answer::Raw(status, headers, body) => (status, headers, body, 0),
            Answer::Text(status, body) => (status, Vec::new(), body.to_owned(), 0),
            Answer::Redirect(status, ref to) => (status, one("location", to), String::new(), 0),
            Answer::CutOff => (200, Vec::new(), r#"{"data": ["#.to_owned(), 1000),
            Answer::Reset | Answer::Endless(_) => return,
        };
        let header: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len() + promised;
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{header}\r\n");
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() || promised > 0 {
            return;
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = bytes.split_off(end);
    while body.len() < length.unwrap_or(0) {
        stream.read_buf(&mut body).await.ok()?;
    }
    let mut words = head.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let url = Url::parse("http://x").unwrap().join(&target).unwrap();
    Some(Call {
        line: format!("{method} {target}"),
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

/// Secrets for every reference, or none.
pub(crate) struct TestSecrets(bool);

impl TestSecrets {
    pub(crate) fn all() -> Self {
        Self(true)
    }

    pub(crate) fn none() -> Self {
        Self(false)
    }
}

impl SecretSource for TestSecrets {
    fn resolve(&self, secret: &SecretRef) -> Result<SecretString, String> {
        let SecretRef::Env(name) = secret else { return Err("tests have no files".into()) };
        if self.0 { Ok(format!("value of {name}").into()) } else { Err(format!("the variable {name} is not set")) }
    }
}

/// An app called `demo` that declares nothing.
pub(crate) fn app(connector: &str, url: &str, registry: &Registry) -> DesiredApp {
    app_with(connector, url, &Value::Null, registry)
}

/// An app called `demo` with these options, that declares nothing.
pub(crate) fn app_with(connector: &str, url: &str, options: &Value, registry: &Registry) -> DesiredApp {
    let options = options.as_object().into_iter().flatten();
    let options: Options = options.map(|(key, value)| (key.as_str().into(), value.clone())).collect();
    let secret = |key: &str| (Arc::from(key), SecretRef::Env(format!("DEMO_{}", key.to_uppercase())));
    let secrets = ["client_id", "client_secret", "token"].map(secret);
    DesiredApp {
        name: "demo".into(),
        semantics: registry.semantics(connector, &options).unwrap(),
        connector: connector.into(),
        url: url.parse().unwrap(),
        auth: Auth { secrets: secrets.into(), ..Auth::default() },
        options,
        budget: BudgetSpec::default(),
        mode: Default::default(),
        seats: None,
        self_account: None,
        policy: Policy::default(),
        defaults: Default::default(),
        grantable: Default::default(),
        managed: Default::default(),
        accounts: BTreeMap::new(),
        groups: BTreeMap::new(),
        ids: BTreeMap::new(),
        place: Place::new("apps/demo.yaml", 1, 1),
    }
}

/// A server, an app that points at it, and its connector.
pub(crate) struct Fixture {
    pub app: DesiredApp,
    pub connector: Arc<dyn Writer>,
    server: Server,
}

impl Fixture {
    /// An app that the built-in manifest of Autodesk speaks to.
    pub(crate) async fn autodesk(play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(Registry::default(), "autodesk", play).await
    }

    pub(crate) async fn with(
        registry: Registry,
        connector: &str,
        play: impl Fn(&Call) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::with_options(registry, connector, &Value::Null, play).await
    }

    pub(crate) async fn with_options(
        registry: Registry,
        connector: &str,
        options: &Value,
        play: impl Fn(&Call) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::wired(registry, connector, options, |_| {}, play).await
    }

    /// With an app that `change` adds something to before it is connected, such as fields that the files manage.
    pub(crate) async fn wired(
        registry: Registry,
        connector: &str,
        options: &Value,
        change: impl FnOnce(&mut DesiredApp),
        play: impl Fn(&Call) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let server = serve(play).await;
        let mut app = app_with(connector, server.url.as_str(), options, &registry);
        change(&mut app);
        let connector = registry.connect(&app, &TestSecrets::all(), None).unwrap();
        Self { app, connector, server }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.server.lines()
    }

    /// Forgets the requests so far.
    pub(crate) fn clear(&self) {
        self.server.clear();
    }

    /// Every request, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.server.calls()
    }

    /// JSON bodies of everything that was sent, in order.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let calls = self.server.calls.lock().unwrap();
        calls.iter().map(|call| call.body.clone()).filter(|body| !body.is_null()).collect()
    }
}

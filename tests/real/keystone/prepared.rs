//! Keystone, started from a database that is made once below `target/`: making it takes half a minute, copying it nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Installed, Server, http, installed};

/// Whom the server knows from the start: the one who may do everything.
pub(super) const ADMIN: &str = "rosterd@example.com";
pub(super) const PASSWORD: &str = "a-password-for-tests";

/// How long one step may take. All together take 25 seconds on two slow cores.
const PATIENCE: Duration = Duration::from_secs(300);

/// Keys and the database, which every server gets a copy of.
const DIRECTORIES: [&str; 2] = ["fernet", "credential"];
const DATABASE: &str = "keystone.db";

/// What makes them, in this order. A name in angle brackets is filled in.
const STEPS: [&[&str]; 4] = [
    &["db_sync"],
    &["fernet_setup", "--keystone-user", "<user>", "--keystone-group", "<group>"],
    &["credential_setup", "--keystone-user", "<user>", "--keystone-group", "<group>"],
    // Where the server is, it says by the address that it is asked at.
    &[
        "bootstrap",
        "--bootstrap-username",
        ADMIN,
        "--bootstrap-password",
        PASSWORD,
        "--bootstrap-admin-url",
        "http://127.0.0.1/v3",
    ],
];

/// A running Keystone whose answers hold `limit` rows at most, and somebody else who uses its API; `None` where it is not
/// installed.
pub(super) async fn start(limit: usize) -> Option<Other> {
    let installed = installed("keystone")?;
    let prepared = prepared(&installed);
    let server = installed.start("/v3", |port, dir| {
        copy(prepared, dir);
        configure(dir, limit);
        let gunicorn = format!(
            "wsgi_app = \"keystone.wsgi.api:application\"\nbind = \"127.0.0.1:{port}\"\nworkers = 1\nthreads = 4\ntimeout = 120\n"
        );
        fs::write(dir.join("gunicorn.py"), gunicorn).unwrap();
        let mut command = installed.program("gunicorn");
        // Its own arguments would be read by the application as well, which knows none of them.
        command
            .current_dir(dir)
            .env("GUNICORN_CMD_ARGS", "--config gunicorn.py --no-control-socket")
            .env("OS_KEYSTONE_CONFIG_DIR", dir)
            .env("OS_KEYSTONE_CONFIG_FILES", "keystone.conf");
        command
    });
    Some(Other::sign_in(server.await).await)
}

/// The directory that servers are copied from, made where it is not there yet.
fn prepared(installed: &Installed) -> &'static Path {
    static PREPARED: OnceLock<PathBuf> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let (place, steps) = (installed.place.join("prepared"), format!("{STEPS:?}"));
        if fs::read_to_string(place.join("steps.txt")).is_ok_and(|made| made == steps) {
            return place;
        }
        let dir = TempDir::new_in(&installed.place).unwrap();
        configure(dir.path(), 100);
        let (user, group) = (word("id", "-un"), word("id", "-gn"));
        for step in STEPS {
            let step = step.iter().map(|arg| arg.replace("<user>", &user).replace("<group>", &group));
            let mut command = installed.program("keystone-manage");
            run(command.current_dir(dir.path()).args(["--config-file", "keystone.conf"]).args(step));
        }
        // Written last, and moved as a whole, so that what broke off is never taken for ready.
        fs::write(dir.path().join("steps.txt"), steps).unwrap();
        if place.exists() {
            fs::remove_dir_all(&place).unwrap();
        }
        fs::rename(dir.keep(), &place).unwrap();
        place
    })
}

/// With a cache, as every server that is used has one: without it each request looks up the caller's roles in some forty
/// queries. It is in the memory of the one process.
/// The timeout is how long a writer waits for another one, which is five seconds and an error otherwise.
fn configure(dir: &Path, limit: usize) {
    let at = |name: &str| dir.join(name).display().to_string();
    let text = format!(
        "[DEFAULT]\nlist_limit = {limit}\n[database]\nconnection = sqlite:///{}?timeout=60\n[token]\nprovider = fernet\n\
         [fernet_tokens]\nkey_repository = {fernet}\n[fernet_receipts]\nkey_repository = {fernet}\n\
         [credential]\nkey_repository = {}\n[identity]\nlist_limit = {limit}\n\
         [cache]\nenabled = true\nbackend = dogpile.cache.memory\n",
        at(DATABASE),
        at("credential"),
        fernet = at("fernet"),
    );
    fs::write(dir.join("keystone.conf"), text).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::copy(from.join(DATABASE), to.join(DATABASE)).unwrap();
    for name in DIRECTORIES {
        fs::create_dir(to.join(name)).unwrap();
        for key in fs::read_dir(from.join(name)).unwrap() {
            let key = key.unwrap();
            fs::copy(key.path(), to.join(name).join(key.file_name())).unwrap();
        }
    }
}

/// Runs a command to its end, which has to be a good one and to come in time.
fn run(command: &mut Command) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let out = log.reopen().unwrap();
    let mut child =
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out).spawn().expect("it can be started");
    let start = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            None => {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
        }
    };
    assert!(status.success(), "{command:?} ended with {status}:\n{}", fs::read_to_string(log.path()).unwrap());
}

fn word(program: &str, arg: &str) -> String {
    let output = Command::new(program).arg(arg).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The server, and its own API as somebody else uses it.
pub(super) struct Other {
    pub server: Server,
    token: String,
}

impl Other {
    async fn sign_in(server: Server) -> Self {
        let user = json!({"name": ADMIN, "domain": {"id": "default"}, "password": PASSWORD});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let body = json!({"auth": {"identity": identity, "scope": {"project": {"name": "admin", "domain": {"id": "default"}}}}});
        let request = http().post(format!("{}/v3/auth/tokens", server.origin));
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let token = answer.headers().get("x-subject-token").map(|token| token.to_str().unwrap().to_owned());
        let token = token.unwrap_or_else(|| panic!("no token: {}\n{}", answer.status(), server.log()));
        Self { server, token }
    }

    /// Sends a request, which has to succeed.
    pub(super) async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/v3{path}", self.server.origin);
        let mut request = http().request(method.parse().unwrap(), url).header("x-auth-token", &self.token);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path} {body} answered {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// The one user (`users`) or group (`groups`) of this name in the usual domain.
    pub(super) async fn one(&self, kind: &str, name: &str) -> Value {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let list = self.send("GET", &format!("/{kind}?domain_id=default&name={name}"), Value::Null).await;
        let found = list[kind].as_array().cloned().unwrap_or_default();
        assert_eq!(found.len(), 1, "{kind} of the name {name}: {list}");
        found[0].clone()
    }

    /// The path of a user or group.
    pub(super) async fn path(&self, kind: &str, name: &str) -> String {
        format!("/{kind}/{}", self.one(kind, name).await["id"].as_str().unwrap())
    }

    /// Which of these users are in a group.
    pub(super) async fn members(&self, group: &str, among: &[String]) -> Vec<String> {
        let group = self.path("groups", group).await;
        let mut members = Vec::new();
        for name in among {
            let user = self.path("users", name).await;
            let url = format!("{}/v3{group}{user}", self.server.origin);
            let answer = http().head(url).header("x-auth-token", &self.token).send().await.unwrap();
            match answer.status().as_u16() {
                204 => members.push(name.clone()),
                404 => {}
                other => panic!("whether {name} is in {group}: {other}"),
            }
        }
        members
    }
}

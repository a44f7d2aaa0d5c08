//! Running a server of others: where it is installed, a free port, waiting until it answers, and ending it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a server may take until it answers. Generous, because a build machine may be busy with everything else.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may take to end by itself before it is made to.
const GRACE: Duration = Duration::from_secs(3);

/// How often a server is started anew when somebody else took its port between our asking for one and its listening.
const TRIES: u32 = 3;

/// Where a server is installed; `None`, and a line that says so, where it is not.
///
/// # Panics
/// When it is not there although all servers have to be.
pub(crate) fn installed(name: &str) -> Option<Installed> {
    if is_installed(name) {
        return Some(Installed { name: name.to_owned(), place: place(name) });
    }
    assert!(!required(), "{name} is not installed in {}: run tests/real/install", place(name).display());
    left_out(name);
    None
}

/// Says which test is left out because something is not installed.
///
/// # Panics
/// When nothing may be left out.
pub(crate) fn left_out(missing: &str) {
    assert!(!required(), "{missing} is not installed: run tests/real/install");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    say(&format!("left out: {test}, because {missing} is not installed (`make tools` does it)"));
}

/// Says in one line which servers are missing, and the browser if it is.
pub(crate) fn summary(browser: bool) {
    let mut all = all();
    all.push("a browser".to_owned());
    let is_there = |name: &str| if name == "a browser" { browser } else { is_installed(name) };
    let missing: Vec<&str> = all.iter().map(String::as_str).filter(|name| !is_there(name)).collect();
    match missing.as_slice() {
        [] => say("servers of others: all are installed, and nothing is left out"),
        some => say(&format!(
            "servers of others: {} of {} not installed, and all tests with them left out: {}",
            some.len(),
            all.len(),
            some.join(", ")
        )),
    }
    assert!(missing.is_empty() || !required(), "run tests/real/install");
}

/// Every server there is: each has a list of what to install beside this file, or in a directory of its name.
fn all() -> Vec<String> {
    let entries = fs::read_dir(lists()).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    named.filter(|name| list(name).is_file()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is to be installed for a server, as pip or npm needs to know it.
fn list(name: &str) -> PathBuf {
    let pip = lists().join(format!("{name}.txt"));
    if pip.is_file() { pip } else { lists().join(name).join("package-lock.json") }
}

fn lists() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real")
}

/// Whether exactly what the list asks for was installed.
fn is_installed(name: &str) -> bool {
    let wanted = fs::read(list(name)).unwrap_or_else(|error| panic!("what {name} needs: {error}"));
    fs::read(place(name).join("installed.txt")).is_ok_and(|installed| installed == wanted)
}

fn required() -> bool {
    std::env::var_os("REAL_SERVERS").is_some_and(|value| value == "required")
}

fn place(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo keeps it inside the target directory");
    target.join("real").join(name)
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn say(line: &str) {
    // A closed stream is nobody who could miss it.
    writeln!(std::io::stderr(), "{line}").unwrap_or_default();
}

/// An installed server.
pub(crate) struct Installed {
    name: String,
    /// The environment's directory. What is kept there goes when another version is installed.
    pub place: PathBuf,
}

/// A running server. It ends when it is dropped.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    child: Child,
    /// Holds the log.
    dir: TempDir,
}

impl Installed {
    /// A program of its environment, ready to be given arguments.
    pub(crate) fn program(&self, program: &str) -> Command {
        Command::new(self.place.join("bin").join(program))
    }

    /// A script for Node.js that finds the packages of this environment, placed into `dir` and ready to be given arguments.
    pub(crate) fn script(&self, script: &str, dir: &Path) -> Command {
        symlink(self.place.join("node_modules"), dir.join("node_modules")).unwrap();
        let file = dir.join("serve.mjs");
        fs::write(&file, script).unwrap();
        let mut command = Command::new("node");
        command.arg(file);
        command
    }

    /// Starts a server on a free port, and waits until it answers at `path`, whatever the answer is. `command` is given the
    /// port and a directory for whatever the server keeps.
    pub(crate) async fn start(&self, path: &str, command: impl Fn(u16, &Path) -> Command) -> Server {
        for _ in 0..TRIES {
            let dir = TempDir::new().unwrap();
            let port = free_port();
            let log = File::create(dir.path().join("server.log")).unwrap();
            let child = command(port, dir.path())
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap_or_else(|error| panic!("{} does not start: {error}", self.name));
            let mut server = Server { origin: format!("http://127.0.0.1:{port}"), child, dir };
            if server.answers(path).await {
                return server;
            }
            // Nothing but a taken port is worth another try.
            let log = server.log();
            assert!(log.contains("in use"), "{} ended before it answered:\n{log}", self.name);
        }
        panic!("{} found no free port in {TRIES} tries", self.name);
    }
}

impl Server {
    /// Waits for the first answer; `false` when the server ended instead.
    async fn answers(&mut self, path: &str) -> bool {
        let (http, url) = (http(), format!("{}{path}", self.origin));
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if http.get(&url).send().await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no answer from {url} within {} s:\n{}", PATIENCE.as_secs(), self.log());
    }

    /// What the server wrote so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, so that a server with workers can end them.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().is_ok_and(|status| status.success());
        let start = Instant::now();
        while asked && start.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.child.kill().is_ok() {
            self.child.wait().map(drop).unwrap_or_default();
        }
    }
}

/// A client that goes through no proxy.
pub(crate) fn http() -> reqwest::Client {
    rosterd::connectors::http::install_tls();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

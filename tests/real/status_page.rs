//! The daemon's status page in a browser: the real daemon on the example organisation, some of which is held, some of which
//! is only watched, and some of which cannot be read.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use rosterd::sandbox::{Config, Fault, Sandbox};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    browser::{self, Scheme},
    command::Rosterd,
    server::http,
};

/// Debug builds on busy machines take their time.
const PATIENCE: Duration = Duration::from_secs(120);

const TOKEN: &str = "token-4711-of-the-status-page";

/// A daemon that serves.
struct Daemon {
    _child: Child,
    /// `127.0.0.1:PORT`.
    at: String,
    _files: Rosterd,
}

/// The example without its approvals, so that guards hold; one app is only watched.
fn files() -> Rosterd {
    let files = Rosterd::new(&[]);
    files.place_all("desired-state");
    files.remove("approvals.yaml");
    files.place("token", TOKEN);
    let settings = format!(
        "settings:\n  schedule: {{ every: 1h }}\n  policy: {{ max_removals: 1 }}\n  daemon: {{ listen: \"127.0.0.1:0\", \
         token: {{ file: {} }} }}\n",
        files.path("token")
    );
    files.place("settings.yaml", &settings);
    let app = "apps/workiva.yaml";
    let text = fs::read_to_string(files.path(app)).unwrap();
    files.place(app, &text.replace("connector: workiva", "connector: workiva\n    mode: observe"));
    files
}

async fn start(sandbox: &Sandbox) -> Daemon {
    let files = files();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .arg("daemon")
        .arg(files.path(""))
        .arg(format!("--sandbox={}", sandbox.url()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(PATIENCE, out.read_line(&mut line)).await.expect("it serves").unwrap();
    let at = line.trim().strip_prefix("http://").expect("it says where").to_owned();
    Daemon { _child: child, at, _files: files }
}

impl Daemon {
    async fn get(&self, path: &str) -> String {
        let request = http().get(format!("http://{}{path}", self.at)).bearer_auth(TOKEN);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Waits until every app has been through a cycle.
    async fn settled(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let status: Value = serde_json::from_str(&self.get("/api/v1/status").await).unwrap();
            let apps = status["apps"].as_array().unwrap();
            if apps.len() == 5 && apps.iter().all(|app| !app["last"].is_null()) {
                return;
            }
            assert!(Instant::now() < end, "{status:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_is_read_in_a_browser_by_day_by_night_and_on_a_phone() {
    let Some(browser) = browser::installed() else { return };
    let sandbox = Sandbox::start(Config { latency: Duration::ZERO, ..Config::default() }).await.unwrap();
    sandbox.set_faults(vec!["app=acc,kind=reset-before".parse::<Fault>().unwrap()]);
    let daemon = start(&sandbox).await;
    daemon.settled().await;

    let refused = browser.open(&format!("http://{}/", daemon.at), 1200, Scheme::Light);
    assert!(!refused.dom.contains("autodesk"), "without the token nothing is shown: {}", refused.dom);

    let url = format!("http://anybody:{TOKEN}@{}/", daemon.at);
    let page = browser.open(&url, 1200, Scheme::Light);
    assert_eq!(page.console, [""; 0], "nothing is complained about");
    for shown in [
        "5 apps: 1 unreadable, 4 held",
        "badge bad",
        "badge held",
        "could not be read",
        "<code>mode: observe</code>",
        "- { allow: autodesk/deactivate/marcus.thorne@northwind.example, guard: irreversible, until: ",
        "- { allow: intranet, guard: max-removals, up_to: ",
        "invitation not accepted yet",
    ] {
        assert!(page.dom.contains(shown), "{shown}: {}", page.dom);
    }
    for app in ["acc", "alteryx", "autodesk", "intranet", "workiva"] {
        assert!(page.dom.contains(&format!("<section id=\"{app}\">")), "{app}: {}", page.dom);
    }
    assert_eq!(page.dom.matches("allow: intranet, guard: max-removals").count(), 1, "a line for all is there once");

    // The page as it is, with a script put in that it would not let in itself.
    let html = daemon.get("/").await;
    for (scheme, width) in [(Scheme::Light, 1200), (Scheme::Dark, 1200), (Scheme::Light, 400), (Scheme::Dark, 400)] {
        let look = browser.look(&html, width, scheme);
        assert_eq!(look.problems, [""; 0], "{scheme:?}, {width} wide");
        assert_eq!(look.ground > 0.5, scheme == Scheme::Light, "{scheme:?}: {}", look.ground);
        for seen in ["done · ", "in 59 min", "3 people would lose something in alteryx", "Findings"] {
            assert!(look.text.contains(seen), "{seen}: {}", look.text);
        }
    }
    browser.picture(&url, "status-light", (1200, 2600), Scheme::Light);
    browser.picture(&url, "status-phone-dark", (400, 3200), Scheme::Dark);
    assert_eq!(browser.asked(), [""; 0], "nothing is asked of anybody else");
}

//! A real browser, without a screen: what it makes of a page, what the page says in its console, and what it asks of others.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::server;

/// How long a page may take. A browser's first start on a busy machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The programs that will do, as `install` looks for them.
const PROGRAMS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];

/// Colours that a reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// An installed browser, all of whose requests but those to this machine end at a proxy that takes note of them.
pub(crate) struct Browser {
    program: PathBuf,
    trap: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What became of a page.
#[derive(Debug)]
pub(crate) struct Page {
    /// The document after it was loaded.
    pub dom: String,
    /// What was said in the console.
    pub console: Vec<String>,
}

/// Whether there is a browser.
pub(crate) fn is_installed() -> bool {
    program().is_some()
}

/// The browser; `None`, and a line that says so, where there is none.
pub(crate) fn installed() -> Option<Browser> {
    let program = program();
    if program.is_none() {
        server::left_out("a browser");
    }
    program.map(Browser::new)
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).flat_map(|dir| PROGRAMS.map(|name| dir.join(name)));
    places.find(|place| place.is_file())
}

impl Browser {
    fn new(program: PathBuf) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let trap = listener.local_addr().unwrap().port();
        let kept = asked.clone();
        // It ends with the process.
        thread::spawn(move || {
            for mut caught in listener.incoming().flatten() {
                let mut head = [0; 512];
                let length = caught.read(&mut head).unwrap_or(0);
                let line = String::from_utf8_lossy(&head[..length]).lines().next().unwrap_or_default().to_owned();
                kept.lock().unwrap().push(line);
                let _ = caught.write_all(b"HTTP/1.1 502 Trapped\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { program, trap, asked }
    }

    /// Opens a page in a window `width` points wide.
    pub(crate) fn open(&self, url: &str, width: u32, scheme: Scheme) -> Page {
        let output = self.run(url, width, 900, scheme, &["--dump-dom".to_owned()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
        Page { dom: String::from_utf8_lossy(&output.stdout).into_owned(), console }
    }

    /// Takes a picture of a page, for people: it stays below `target/real/pictures`.
    pub(crate) fn picture(&self, url: &str, name: &str, (width, height): (u32, u32), scheme: Scheme) -> Vec<u8> {
        let place = pictures();
        fs::create_dir_all(&place).unwrap();
        let file = place.join(format!("{name}.png"));
        let _ = fs::remove_file(&file);
        let output = self.run(url, width, height, scheme, &[format!("--screenshot={}", file.display())]);
        fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}\n{output:?}", file.display()))
    }

    /// What was asked of other machines so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn run(&self, url: &str, width: u32, height: u32, scheme: Scheme, more: &[String]) -> Output {
        let profile = TempDir::new().unwrap();
        let dark = u8::from(scheme == Scheme::Light);
        let child = Command::new(&self.program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--hide-scrollbars",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--enable-logging=stderr", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--proxy-server=http://127.0.0.1:{}", self.trap))
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--blink-settings=preferredColorScheme={dark}"))
            .args(more)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.program.display()));
        let id = child.id().to_string();
        let output = thread::spawn(move || child.wait_with_output());
        let start = Instant::now();
        while !output.is_finished() {
            if start.elapsed() > PATIENCE {
                let _ = Command::new("kill").args(["-KILL", &id]).status();
                panic!("{url} did not load within {} s", PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(20));
        }
        output.join().expect("waiting does not panic").unwrap()
    }
}

fn pictures() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo keeps it inside the target directory");
    target.join("real").join("pictures")
}

/// What a reader of a page can see, found out by a script that is put into a copy of it.
///
/// `problems` are places where the text stands out from its ground by less than 4.5 to 1, as the guidelines for the
/// accessibility of web content want it at least, and whatever is wider than the window and does not scroll by itself.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Look {
    pub problems: Vec<String>,
    /// How many elements there are of each kind.
    pub elements: std::collections::BTreeMap<String, usize>,
    /// The text as it is seen.
    pub text: String,
    /// The lightness of the ground, from 0 to 1.
    pub ground: f64,
}

impl Browser {
    /// Looks at a page that is given as HTML.
    pub(crate) fn look(&self, html: &str, width: u32, scheme: Scheme) -> Look {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("page.html");
        // It must not load itself again in the middle of being looked at.
        let html = html.replace("http-equiv=\"refresh\"", "data-was=\"refresh\"");
        fs::write(&file, format!("{html}\n<script>\n{}\n</script>\n", include_str!("look.js"))).unwrap();
        let page = self.open(&format!("file://{}", file.display()), width, scheme);
        assert_eq!(page.console, [""; 0]);
        let found = page.dom.split_once("<script id=\"found\" type=\"application/json\">");
        let found = found.and_then(|(_, rest)| rest.split_once("</script>"));
        let (found, _) = found.unwrap_or_else(|| panic!("the script did not run: {}", page.dom));
        serde_json::from_str(found).unwrap()
    }
}

//! Marked secrets, everything at its most talkative, and a search through all that was said and written: nothing that signs
//! anybody in may be found anywhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rosterd::{
    connectors::{Registry, SecretSource},
    model::SecretRef,
    sandbox::{Config, Fault, Sandbox},
    store::Store,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::process::Child;

use crate::{
    hook::Hook,
    story::{Said, finish, quick, start},
};

/// The secret of every app's client, and SCIM's token. No part of it occurs by chance.
const SECRET: &str = "Zq7-marked-client-secret-Xw9";

/// A database's password, in an address that leads nowhere.
const PASSWORD: &str = "Zq7-marked-password-Xw9";

/// A webhook's address, which is a secret as a whole.
const WEBHOOK: &str = "https://hooks.example/Zq7-marked-webhook-Xw9";

/// The part of it that lets anybody write there, which is the same in that of a webhook that listens.
const WAY_IN: &str = "Zq7-marked-webhook-Xw9";

/// What a caller of the daemon must show.
const DAEMON: &str = "Zq7-marked-daemon-token-Xw9";

const VARIABLES: [&str; 5] = [
    "APS_CLIENT_SECRET",
    "ALTERYX_CLIENT_SECRET",
    "AUTODESK_CLIENT_SECRET",
    "INTRANET_SCIM_TOKEN",
    "WORKIVA_CLIENT_SECRET",
];

const IDS: [&str; 4] = ["APS_CLIENT_ID", "ALTERYX_CLIENT_ID", "AUTODESK_CLIENT_ID", "WORKIVA_CLIENT_ID"];

/// The example organisation, whose five apps are the sandbox's and whose credentials are marked.
struct Marked {
    sandbox: Sandbox,
    /// Holds the files, the store and all that is written.
    place: TempDir,
    said: Vec<(String, Said)>,
}

impl Marked {
    async fn new() -> Self {
        let config = Config { client_secret: SECRET.to_owned(), ..quick() };
        let sandbox = Sandbox::start(config).await.unwrap();
        let place = TempDir::new().unwrap();
        let marked = Self { sandbox, place, said: Vec::new() };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state"), &marked.files(), &|text| marked.here(text));
        let settings = marked.files().join("settings.yaml");
        let text = fs::read_to_string(&settings).unwrap()
            + "  notify: [ { url: { env: SLACK_WEBHOOK }, on: [drift, held, failure] } ]\n  \
               daemon: { listen: 127.0.0.1:0, token: { env: ROSTERD_TOKEN } }\n";
        fs::write(settings, text).unwrap();
        marked
    }

    fn files(&self) -> PathBuf {
        self.place.path().join("desired-state")
    }

    fn at(&self, name: &str) -> String {
        self.place.path().join(name).to_str().unwrap().to_owned()
    }

    /// A file of the example with the sandbox's addresses.
    fn here(&self, text: &str) -> String {
        let connector = text.lines().find_map(|line| line.trim().strip_prefix("connector: "));
        let connector = connector.map(|name| name.split_whitespace().next().unwrap_or(name));
        let Some(connector) = connector else { return text.to_owned() };
        let app = if connector == "scim" { "intranet" } else { connector };
        let url = self.sandbox.app_url(connector, app);
        let lines = text.lines().map(|line| match line.split_once("url: https://") {
            Some((indent, _)) if indent.trim().is_empty() => format!("{indent}url: {url}"),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }

    async fn run(&mut self, args: &[&str], more: &[(&str, &str)]) -> i32 {
        let said = finish(self.start(args, more)).await;
        let status = said.status;
        self.said.push((args.join(" "), said));
        status
    }

    fn start(&self, args: &[&str], more: &[(&str, &str)]) -> Child {
        let files = self.files();
        let mut all = vec![args[0], files.to_str().unwrap()];
        all.extend(&args[1..]);
        let mut variables = vec![("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("SLACK_WEBHOOK", WEBHOOK)];
        variables.push(("ROSTERD_TOKEN", DAEMON));
        variables.extend(VARIABLES.map(|name| (name, SECRET)));
        variables.extend(IDS.map(|name| (name, rosterd::sandbox::DEFAULT_CLIENT_ID)));
        variables.extend(more);
        start(&all, &variables)
    }

    /// Runs the daemon until its webhook, which answers `answer`, was told something.
    async fn daemon(&mut self, answer: u16, store: &str) {
        let hook = Hook::start().await;
        hook.answer(answer);
        assert!(hook.url.contains(WAY_IN));
        let child = self.start(&["daemon", "-vvv", "--store", store], &[("SLACK_WEBHOOK", &hook.url)]);
        let id = child.id().unwrap().to_string();
        // What it logs is read all the time, because a full pipe would stop it.
        let said = tokio::spawn(finish(child));
        let told = async {
            while hook.take().is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), told).await.expect("the webhook is told");
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let said = said.await.unwrap();
        assert_eq!(said.status, 0, "{said:?}");
        self.said.push((format!("daemon whose webhook answers {answer}"), said));
    }

    /// Searches what was said and every file that was written, in whatever form a secret could be in.
    fn search(&self) {
        let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
        for (command, said) in &self.said {
            texts.push((format!("stdout of {command}"), said.out.clone().into_bytes()));
            texts.push((format!("stderr of {command}"), said.err.clone().into_bytes()));
        }
        let mut files = Vec::new();
        walk(self.place.path(), &mut files);
        texts.extend(files.into_iter().map(|file| (file.display().to_string(), fs::read(&file).unwrap())));
        for (place, text) in &texts {
            let found = forms().into_iter().find(|form| contains(text, form.as_bytes()));
            assert_eq!(found, None, "a secret in {place}");
        }
    }
}

/// Secrets, and what HTTP and encodings make of them.
fn forms() -> Vec<String> {
    let mut forms: Vec<String> = [SECRET, PASSWORD, WEBHOOK, WAY_IN, DAEMON].map(str::to_owned).into();
    forms.push(url::form_urlencoded::byte_serialize(WEBHOOK.as_bytes()).collect());
    let basic = format!("{}:{SECRET}", rosterd::sandbox::DEFAULT_CLIENT_ID);
    forms.push(base64::Engine::encode(&base64::prelude::BASE64_STANDARD, basic));
    forms.extend(["Bearer ", "Basic ", "access_token\":\""].map(str::to_owned));
    forms
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() { walk(&entry.path(), into) } else { into.push(entry.path()) }
    }
}

fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to, change);
        } else {
            fs::write(to, change(&fs::read_to_string(entry.path()).unwrap())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_signs_anybody_in_is_found_anywhere() {
    let mut marked = Marked::new().await;
    let store = format!("sqlite:{}", marked.at("state.db"));
    let snapshot = marked.at("snapshot.json");
    assert_eq!(marked.run(&["validate", "-vvv"], &[]).await, 0, "{:?}", marked.said);
    assert_eq!(marked.run(&["plan", "-vvv", "--store", &store], &[]).await, 0, "{:?}", marked.said.last());
    assert_eq!(marked.run(&["plan", "-vvv", "--format", "json"], &[]).await, 0);
    assert_eq!(marked.run(&["observe", "-vvv", "--out", &snapshot], &[]).await, 0);
    assert_eq!(marked.run(&["plan", "-vvv", "--live", &snapshot], &[]).await, 0);
    // Every kind of trouble on the way, so that every error is worded, and then none, so that something is done.
    // Where an import takes minutes to show, so does looking for one whose answer was lost, which is no news here.
    let faults = [
        "app=autodesk,every=5,kind=500",
        "app=autodesk,every=7,kind=reset-after",
        "app=workiva,every=11,kind=html",
        "app=alteryx,every=13,kind=malformed",
        "app=acc,method=GET,every=5,kind=reset-before",
    ];
    marked.sandbox.set_faults(faults.map(|fault| fault.parse::<Fault>().unwrap()).into());
    marked.run(&["apply", "-vvv", "--yes", "--store", &store], &[]).await;
    marked.sandbox.set_faults(Vec::new());
    marked.sandbox.advance(Duration::from_secs(2 * 3600));
    assert_eq!(marked.run(&["apply", "-vvv", "--yes", "--store", &store, "--log-format", "json"], &[]).await, 0);
    assert!(marked.sandbox.log().iter().any(|request| request.method == "PATCH"), "something was done");
    let (_, told) = marked.said.last().unwrap();
    let lines: Vec<&str> = told.err.lines().filter(|line| line.starts_with('{')).collect();
    assert!(lines.iter().any(|line| line.contains("\"ms\":")), "{lines:?}");
    // Which of two fields of one name counts is up to the reader, and a text cannot be compared as a number.
    let odd = lines.iter().find(|line| line.matches("\"message\":").count() != 1 || line.contains("\"ms\":\""));
    assert_eq!(odd, None);
    // A daemon that tells a webhook of an outage, and one whose webhook refuses.
    marked.sandbox.set_faults(vec!["tenant=workiva,kind=reset-before".parse::<Fault>().unwrap()]);
    marked.daemon(200, &store).await;
    marked.daemon(404, &store).await;
    marked.sandbox.set_faults(Vec::new());
    // Credentials that the apps refuse, and a store that cannot be reached.
    let wrong = format!("{SECRET}!");
    let wrong: Vec<(&str, &str)> = VARIABLES.map(|name| (name, wrong.as_str())).into();
    assert_eq!(marked.run(&["plan", "-vvv"], &wrong).await, 1);
    let database = format!("postgres://rosterd:{PASSWORD}@127.0.0.1:1/rosterd");
    assert_eq!(marked.run(&["apply", "-vvv", "--yes", "--store", &database], &[]).await, 1);
    // A parameter that the driver does not know, which it would log.
    let database = format!("postgres://rosterd@127.0.0.1:1/rosterd?sslpassword={PASSWORD}");
    assert_eq!(marked.run(&["apply", "-vvv", "--yes", "--store", &database], &[]).await, 1);
    let (_, refused) = marked.said.last().unwrap();
    assert!(refused.err.contains("`sslpassword` is no parameter"), "{}", refused.err);
    let trace: usize = marked.said.iter().map(|(_, said)| said.err.len()).sum();
    assert!(trace > 100_000, "much was logged: {trace} bytes");
    assert!(fs::metadata(marked.at("state.db")).unwrap().len() > 10_000, "much was written down");
    marked.search();
}

/// Hands out the marked secret, whatever is asked for.
struct Marks;

impl SecretSource for Marks {
    fn resolve(&self, _: &SecretRef) -> Result<SecretString, String> {
        Ok(SECRET.to_owned().into())
    }
}

/// A panic says what its message is made of, which is at worst the whole of a value.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_that_shows_a_whole_value_shows_no_secret() {
    let marked = Marked::new().await;
    let registry = Registry::new(Some(marked.files()));
    let loaded = rosterd::desired::load(&marked.files(), &registry).unwrap();
    let writers: Vec<_> = loaded.desired.apps.values().map(|app| registry.connect(app, &Marks, None)).collect();
    assert!(writers.iter().all(Result::is_ok));
    let store = Store::open(&format!("sqlite:{}", marked.at("state.db"))).await.unwrap();
    let (desired, store) = (loaded.desired, &store);
    let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic!("{desired:?} {registry:?} {store:?}")));
    let message = *shown.unwrap_err().downcast::<String>().unwrap();
    assert!(message.len() > 1000);
    for form in forms() {
        assert!(!message.contains(&form), "{form}");
    }
}

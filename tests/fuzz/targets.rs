//! What holds for any text, however broken it is: functions that panic where it does not. proptest drives them in every run
//! of the tests, and cargo-fuzz by hand (see `Cargo.toml` beside this file).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rosterd::{
    connectors::{
        Lane, Outside, Override, Registry,
        http::{
            next_link,
            transport::{Transport, WireAnswer, WireFailure, WireRequest},
        },
        rest::Manifest,
    },
    desired,
    model::Email,
};
use serde_json::Value;

/// Files are read or refused with lines to show, the same each time.
pub(crate) fn yaml(text: &str) {
    let read = || desired::parse(vec![("all.yaml".to_owned(), text.to_owned())], &Registry::default());
    match (read(), read()) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first.fingerprint(), second.fingerprint());
            assert!(!first.warnings.has_errors(), "{}", first.warnings);
        }
        (Err(first), Err(second)) => {
            assert!(first.has_errors(), "refused without an error: {first}");
            assert_eq!(first.render(true, 80), second.render(true, 80));
            assert_eq!(first.to_github("files"), second.to_github("files"));
            serde_json::from_str::<Value>(&first.to_json()).expect("problems are JSON");
        }
        _ => panic!("the same files are read once and refused once"),
    }
}

/// Whatever can be laid out means the same afterwards, and stays as it is when it is laid out again.
pub(crate) fn layout(text: &str) {
    let Ok(once) = desired::format("all.yaml", text) else { return };
    let again = desired::format("all.yaml", &once).unwrap_or_else(|problems| panic!("{problems}\nof\n{once}"));
    assert_eq!(again, once, "laid out from\n{text}");
    assert_eq!(meaning(&once), meaning(text), "laid out as\n{once}");
}

/// What a parser of others makes of a document; none where it refuses it.
fn meaning(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text).ok()
}

/// A manifest is refused in words, or every request that it makes goes to a path that is one.
pub(crate) fn manifest(text: &str) {
    let manifest = match Manifest::parse("fuzz", text) {
        Ok(manifest) => manifest,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Ok(writes) = wait(manifest.dry_run()) else { return };
    for (line, _) in writes.iter().flat_map(|write| &write.requests) {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        assert!(method.chars().all(|c| c.is_ascii_uppercase()), "{line}");
        assert!(path.starts_with('/') && !path.contains(|c: char| c.is_control() || c == ' '), "{line}");
    }
}

/// The link to the next page is the one that was written as such, whatever stands in it and beside it.
pub(crate) fn links(text: &str) {
    let next = |header: String| next_link(&[("link".to_owned(), header)]);
    next(text.to_owned());
    let targets = text.lines().map(|line| line.replace(['<', '>'], ""));
    let targets: Vec<String> = targets.map(|target| target.trim().to_owned()).collect();
    let Some(last) = targets.last() else { return };
    let link = |(index, target): (usize, &String)| {
        let relation = if index + 1 == targets.len() { "next" } else { "prev" };
        let title = target.replace('\\', r"\\").replace('"', "\\\"");
        format!("<{target}>; title=\"{title}\"; rel=\"{relation}\"")
    };
    let header = targets.iter().enumerate().map(link).collect::<Vec<_>>().join(", ");
    assert_eq!(next(header.clone()).as_ref(), Some(last), "{header}");
}

/// A server that reads the filter of a search finds one comparison, with the address that was looked for, and nothing more.
pub(crate) fn filter(text: &str) {
    let email = Email::lenient(text);
    let server = Arc::new(Server::default());
    let outside = Outside { network: Some(server.clone()), ..Outside::default() };
    let registry = Registry::new(None).within(outside);
    let app = "apps: { a: { connector: scim, url: \"https://scim.example\", auth: { token: { env: TOKEN } } } }";
    let loaded = desired::parse(vec![("all.yaml".to_owned(), app.to_owned())], &registry);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let instead = Override {
        url: loaded.desired.apps["a"].url.clone(),
        client_id: "id".into(),
        client_secret: "secret".to_owned().into(),
    };
    struct Nobody;
    impl rosterd::connectors::SecretSource for Nobody {
        fn resolve(&self, _: &rosterd::model::SecretRef) -> Result<secrecy::SecretString, String> {
            Err("nothing is resolved".into())
        }
    }
    let connector = registry.connect(&loaded.desired.apps["a"], &Nobody, Some(&instead)).expect("it connects");
    // What the server says does not matter here.
    let _ = wait(connector.find(&email, Lane::Read));
    for asked in server.asked.lock().unwrap().iter() {
        assert_eq!(read_back(asked), Some((email.as_str().to_owned(), "")), "{asked}");
    }
}

/// Reads `userName eq "…"` as a server does: up to the quote that nothing escapes.
fn read_back(filter: &str) -> Option<(String, &str)> {
    let text = filter.strip_prefix("userName eq ")?;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

/// Has no users, and remembers what it was asked for.
#[derive(Debug, Default)]
struct Server {
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        let filters = request.url.query_pairs().filter(|(name, _)| name == "filter");
        self.asked.lock().unwrap().extend(filters.map(|(_, value)| value.into_owned()));
        let body = br#"{ "totalResults": 0, "itemsPerPage": 0, "startIndex": 1, "Resources": [] }"#.to_vec();
        Ok(WireAnswer { status: 200, headers: Vec::new(), body: Ok(body) })
    }
}

/// Waits on a clock that costs no time.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(work)
}

//! Holds the shape of the source: which module may import which, and which outside crates belong to whom. The table is
//! the one of ARCHITECTURE.md.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

mod circles;
mod paths;
mod reference;
mod shape;
mod verbs;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use paths::Source;

/// Every top-level module and the others it may import. `model` is left out: everything but the sandbox may speak its
/// language.
const IMPORTS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("desired", &[]),
    ("why", &[]),
    ("import", &["desired"]),
    ("review", &["why"]),
    ("budget", &[]),
    ("git", &[]),
    ("connectors", &["budget"]),
    ("observe", &["connectors", "budget"]),
    ("plan", &[]),
    ("store", &["budget"]),
    ("execute", &["plan", "connectors", "budget", "store", "observe"]),
    ("report", &["plan", "execute", "why", "review", "store"]),
    ("reconcile", &["desired", "connectors", "observe", "plan", "execute", "budget", "store", "report"]),
    ("daemon", &["reconcile", "desired", "observe", "execute", "store", "budget", "report", "git"]),
    ("sandbox", &[]),
    (
        "cli",
        &[
            "reconcile",
            "daemon",
            "desired",
            "connectors",
            "observe",
            "plan",
            "execute",
            "budget",
            "store",
            "report",
            "why",
            "import",
            "review",
            "git",
            "sandbox",
        ],
    ),
    ("main", &["cli"]),
    // The crate's front page declares the modules and imports none.
    ("lib", &[]),
];

/// Parts that compute and nothing else: given the same values they say the same, at any time and on any machine.
const PURE: &[&str] = &[
    "model",
    "desired",
    "why",
    "review",
    "import",
    "budget",
    "plan",
    "report",
    "execute/scheduler",
    "execute/forecast",
];

/// What a pure part must not touch.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "rand",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
];

/// What looks impure and is not, or is what the part is for; `::*` excepts everything below as well.
const EXCEPT: &[(&str, &str)] = &[
    // An address is a value like any other.
    ("model", "std::net::SocketAddr"),
    ("desired", "std::net::SocketAddr"),
    // The files are its input.
    ("desired", "std::fs::*"),
    // The type of dates in HTTP headers; asking it for the time remains refused.
    ("budget/headers", "std::time::SystemTime"),
];

/// Outside crates that one part alone may use, so that what they stand for has one home.
const OWNED: &[(&str, &[&str])] = &[
    ("petgraph", &["plan"]),
    ("reqwest", &["connectors/http"]),
    ("axum", &["sandbox", "daemon"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("indicatif", &["cli"]),
    ("sqlx", &["store"]),
    ("rustix", &["desired/walk"]),
];

/// Everything that is wrong with the sources, sorted.
fn violations(sources: &[Source]) -> Vec<String> {
    let table: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    let tests: BTreeSet<Vec<String>> = sources.iter().flat_map(Source::test_modules).collect();
    let mut found = BTreeSet::new();
    for source in sources {
        if tests.iter().any(|module| source.module.starts_with(module)) {
            continue;
        }
        let top = source.top();
        let Some(allowed) = table.get(top) else {
            found.insert(format!("{}: `{top}` is not in the table of imports", source.file));
            continue;
        };
        for path in source.paths() {
            let complaint = match path.split_first() {
                Some((first, rest)) if first == "crate" => imported(&table, top, allowed, rest),
                _ => outside(source, &path.join("::")),
            };
            if let Some(complaint) = complaint {
                found.insert(format!("{}: {complaint}", source.file));
            }
        }
    }
    found.into_iter().collect()
}

fn imported(table: &BTreeMap<&str, &[&str]>, top: &str, allowed: &[&str], path: &[String]) -> Option<String> {
    let other = path.first()?.as_str();
    let fine =
        other == top || allowed.contains(&other) || (other == "model" && !matches!(top, "sandbox" | "budget" | "lib"));
    match (fine, table.contains_key(other)) {
        (true, true) => None,
        (_, false) => Some(format!("`crate::{other}` is not in the table of imports")),
        (false, true) => Some(format!("`{top}` may not import `{other}`")),
    }
}

fn outside(source: &Source, path: &str) -> Option<String> {
    for (krate, owners) in OWNED {
        if covers(krate, path) && !owners.iter().any(|owner| source.is_in(owner)) {
            return Some(format!("`{krate}` belongs to {}", owners.join(", ")));
        }
    }
    if !PURE.iter().any(|part| source.is_in(part)) {
        return None;
    }
    let excepted = EXCEPT.iter().any(|(part, what)| {
        let fits = match what.strip_suffix("::*") {
            Some(module) => covers(module, path),
            None => *what == path,
        };
        source.is_in(part) && fits
    });
    let touched = IMPURE.iter().find(|what| covers(what, path) || brings_in(path, what));
    touched.filter(|_| !excepted).map(|what| format!("a pure part may not touch `{what}`"))
}

/// Whether `path` is `what` or something in it.
fn covers(what: &str, path: &str) -> bool {
    path.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether the glob import `path` brings `what` into scope.
fn brings_in(path: &str, what: &str) -> bool {
    path.strip_suffix("::*").is_some_and(|module| covers(module, what) && module != what)
}

/// Every file under `src`, and its text.
fn sources() -> Vec<(Source, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    read(&root, &root, &mut sources);
    assert!(sources.len() > 10, "the sources were not found");
    sources
}

fn read(dir: &Path, root: &Path, into: &mut Vec<(Source, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, root, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            into.push((Source::new(&file, &text), text));
        }
    }
}

#[test]
fn the_sources_keep_to_the_table() {
    let sources: Vec<Source> = sources().into_iter().map(|(source, _)| source).collect();
    assert_eq!(violations(&sources), [""; 0]);
}

#[test]
fn the_sources_import_something_so_that_the_check_sees_them() {
    let sources = sources();
    let imports = |file: &str, path: &[&str]| {
        let (source, _) = sources.iter().find(|(source, _)| source.file == file).unwrap();
        assert!(source.paths().iter().any(|seen| seen == path), "{file} imports {path:?}: {:?}", source.paths());
    };
    imports("report/json.rs", &["crate", "model", "Action"]);
    imports("model/email.rs", &["idna", "domain_to_ascii_strict"]);
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_architecture_page_shows_the_table_of_imports() {
    let page = page("ARCHITECTURE.md");
    for (module, imports) in IMPORTS.iter().filter(|(module, _)| !matches!(*module, "main" | "lib")) {
        let imports: Vec<String> = imports.iter().map(|import| format!("`{import}`")).collect();
        let row = format!("| `{module}` | {} |", if imports.is_empty() { "–".into() } else { imports.join(", ") });
        assert!(page.contains(&row), "ARCHITECTURE.md lacks the row\n{row}");
    }
}

#[test]
fn the_architecture_page_tells_what_each_dependency_is_for() {
    let (page, manifest) = (page("ARCHITECTURE.md"), page("Cargo.toml"));
    let sections = manifest.split("\n[").filter(|section| section.contains("dependencies]\n"));
    let names: Vec<&str> = sections
        .flat_map(|section| section.lines().skip(1))
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "ARCHITECTURE.md does not say what `{name}` is for");
    }
}

/// Checks one made-up file.
fn check(file: &str, text: &str, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|complaint| format!("{file}: {complaint}")).collect();
    assert_eq!(violations(&[Source::new(file, text)]), expect, "{text}");
}

#[test]
fn a_plan_that_reaches_io_is_refused_however_it_is_written() {
    check("plan/diff.rs", "use crate::connectors::Reader;", &["`plan` may not import `connectors`"]);
    check("plan/diff.rs", "use crate::{model::Plan, observe};", &["`plan` may not import `observe`"]);
    check("plan/diff.rs", "use super::super::{connectors as c, model};", &["`plan` may not import `connectors`"]);
    check("plan/mod.rs", "fn f() { super::store::open() }", &["`plan` may not import `store`"]);
    check("plan/diff.rs", "fn f() { std::fs::read(\"x\"); }", &["a pure part may not touch `std::fs`"]);
    check("plan/diff.rs", "use std::{fmt, fs as disk};", &["a pure part may not touch `std::fs`"]);
    check("plan/diff.rs", "#[tokio::main] async fn f() {}", &["a pure part may not touch `tokio`"]);
    check(
        "plan/diff.rs",
        "use jiff::Timestamp; fn f() { Timestamp::now(); }",
        &["a pure part may not touch `jiff::Timestamp::now`"],
    );
    check(
        "plan/diff.rs",
        "use jiff::{Zoned as Z}; fn f() { Z::now(); }",
        &["a pure part may not touch `jiff::Zoned::now`"],
    );
    check("plan/diff.rs", "use std::time::{Duration, Instant};", &["a pure part may not touch `std::time::Instant`"]);
    check(
        "plan/diff.rs",
        "use std::time; fn f() { time::SystemTime::now(); }",
        &["a pure part may not touch `std::time::SystemTime`"],
    );
    check(
        "budget/headers.rs",
        "use std::time::SystemTime; fn f() { SystemTime::now() }",
        &["a pure part may not touch `std::time::SystemTime`"],
    );
    check("plan/diff.rs", "use std::time::*;", &["a pure part may not touch `std::time::Instant`"]);
    check("plan/diff.rs", "use rosterd::store::Store;", &["`plan` may not import `store`"]);
}

#[test]
fn what_the_table_allows_is_not_complained_about() {
    check("plan/graph.rs", "use petgraph::Graph; use std::time::Duration; use crate::model::*;", &[]);
    check("desired/load.rs", "use std::{fs, net::SocketAddr}; use crate::model::Place;", &[]);
    check("budget/headers.rs", "use std::time::SystemTime; fn f(at: SystemTime) {}", &[]);
    check("connectors/http/client.rs", "use reqwest::Client; use crate::budget::Lane;", &[]);
    check("execute/runner.rs", "use tokio::time; use crate::{plan, store};", &[]);
    check(
        "plan/diff.rs",
        "// use crate::store;\n/* tokio::spawn /* nested */ */ fn f() { \"std::fs::read\"; r#\"rand::rng\"#; '\"'; }",
        &[],
    );
}

#[test]
fn crates_with_an_owner_are_refused_elsewhere() {
    check("execute/order.rs", "use petgraph::Graph;", &["`petgraph` belongs to plan"]);
    check("connectors/rest/mod.rs", "fn f() { reqwest::get(u) }", &["`reqwest` belongs to connectors/http"]);
    check("connectors/https.rs", "fn f() { reqwest::get(u) }", &["`reqwest` belongs to connectors/http"]);
}

#[test]
fn the_sandbox_stands_apart() {
    check("sandbox/users.rs", "use crate::model::Email;", &["`sandbox` may not import `model`"]);
    check("reconcile.rs", "use crate::sandbox;", &["`reconcile` may not import `sandbox`"]);
    check("cli/mod.rs", "use crate::sandbox::serve;", &[]);
}

#[test]
fn a_new_module_has_to_enter_the_table() {
    check("gadgets.rs", "", &["`gadgets` is not in the table of imports"]);
    check("cli/mod.rs", "use crate::gadgets;", &["`crate::gadgets` is not in the table of imports"]);
}

#[test]
fn tests_may_use_anything() {
    check("plan/diff.rs", "#[cfg(test)] mod tests { use tokio::spawn; mod m { use rand::rng; } } fn f() {}", &[]);
    check("plan/diff.rs", "#[cfg(test)]\n#[path = \"x\"]\nuse std::fs;", &[]);
    let outer = Source::new("plan/mod.rs", "#[cfg(test)] mod tests;");
    let inner = Source::new("plan/tests/deep.rs", "use tokio::spawn;");
    assert_eq!(violations(&[outer, inner]), [""; 0]);
    check("plan/diff.rs", "#[cfg(test)] mod tests { } use rand::rng;", &["a pure part may not touch `rand`"]);
}

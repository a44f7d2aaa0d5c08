//! Every guard, finding, metric, key and command has a paragraph under `docs/reference/`: a heading `### \`name\`` with text
//! below it. The names come from where they are defined, so that a new one without a paragraph fails this test.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use rosterd::model::{FindingCode, Guard};
use serde_json::Value;

use crate::paths::Source;

/// Names that nobody has described yet, by page. This list may only shrink: the test fails once a name in it has a
/// paragraph, or is gone, so that it always says how much is missing.
const GAPS: &[(&str, &[&str])] =
    &[("commands.md", &[]), ("findings.md", &[]), ("guards.md", &[]), ("keys.md", &[]), ("metrics.md", &[])];

/// The paragraphs of a page, by the names in their headings.
fn paragraphs(page: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut current = None;
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`')) {
            if found.insert(name.to_owned(), String::new()).is_some() {
                return Err(format!("`{name}` is described twice"));
            }
            current = Some(name.to_owned());
        } else if line.starts_with('#') {
            current = None;
        } else if let Some(text) = current.as_ref().and_then(|name| found.get_mut(name)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(found)
}

/// What is wrong with a page that is to describe `names`, all but `gaps`.
fn complaints(page: &str, names: &BTreeSet<String>, gaps: &BTreeSet<String>) -> Vec<String> {
    let found = match paragraphs(page) {
        Ok(found) => found,
        Err(twice) => return vec![twice],
    };
    let mut wrong = Vec::new();
    for name in names.difference(gaps).filter(|name| !found.contains_key(*name)) {
        wrong.push(format!("`{name}` has no paragraph: add `### \\`{name}\\`` and say what it is"));
    }
    for name in gaps {
        if !names.contains(name) {
            wrong.push(format!("`{name}` is gone: remove it from GAPS"));
        } else if found.contains_key(name) {
            wrong.push(format!("`{name}` has a paragraph now: remove it from GAPS"));
        }
    }
    for (name, text) in &found {
        if !names.contains(name) {
            wrong.push(format!("`{name}` is described and does not exist: remove the paragraph"));
        } else if !text.contains('.') {
            wrong.push(format!("`{name}` has a heading and no sentence below it"));
        }
    }
    wrong
}

fn reference(page: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(page);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Holds a page against the names that it has to describe.
fn check(page: &str, names: BTreeSet<String>) {
    assert!(names.len() > 10, "{page}: too few names were found, so the search for them is broken: {names:?}");
    let (_, gaps) = GAPS.iter().find(|(of, _)| *of == page).expect("every page has an entry in GAPS");
    let gaps = gaps.iter().map(|gap| (*gap).to_owned()).collect();
    assert_eq!(complaints(&reference(page), &names, &gaps), [""; 0], "docs/reference/{page}");
}

/// The metrics' names, as the daemon's page spells them.
fn metrics(sources: &[(Source, String)]) -> BTreeSet<String> {
    let of_daemon = sources.iter().filter(|(source, _)| source.is_in("daemon/http/metrics"));
    let words = of_daemon.flat_map(|(_, text)| text.split('"'));
    let is_name = |word: &&str| word.starts_with("rosterd_") && !word.contains([' ', '{', '\n']);
    words.filter(is_name).map(str::to_owned).collect()
}

/// The keys of the files, each under the name of the mapping that it is in, from the schema that is made of them.
fn keys() -> BTreeSet<String> {
    let schema = rosterd::desired::schema();
    let of = |object: &Value, name: &str| -> Vec<String> {
        let keys = object["properties"].as_object().expect("a mapping has properties").keys();
        keys.map(|key| if name.is_empty() { key.clone() } else { format!("{name}.{key}") }).collect()
    };
    let definitions = schema["definitions"].as_object().expect("the schema has definitions");
    let inner = definitions.iter().flat_map(|(name, object)| of(object, name));
    of(&schema, "").into_iter().chain(inner).collect()
}

/// The commands below `path`, as the program's own help lists them.
fn commands(path: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_rosterd")).args(path).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut found = BTreeSet::new();
    // Longer descriptions go on in lines that are indented further.
    for line in listed.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' ')) {
        let name = line.split(' ').next().unwrap();
        if name == "help" {
            continue;
        }
        let path: Vec<&str> = path.iter().copied().chain([name]).collect();
        let below = commands(&path);
        if below.is_empty() {
            found.insert(path.join(" "));
        }
        found.extend(below);
    }
    found
}

#[test]
fn every_guard_has_a_paragraph_that_says_whether_an_approval_releases_it() {
    check("guards.md", Guard::ALL.iter().map(ToString::to_string).collect());
    let found = paragraphs(&reference("guards.md")).unwrap();
    for guard in Guard::ALL {
        let Some(text) = found.get(guard.as_str()) else { continue };
        let (released, repaired) = (text.contains("**Release:**"), text.contains("**Repair:**"));
        assert_eq!(
            (released, repaired),
            (guard.releasable(), !guard.releasable()),
            "docs/reference/guards.md: {guard}"
        );
    }
}

#[test]
fn every_finding_has_a_paragraph() {
    check("findings.md", FindingCode::ALL.iter().map(ToString::to_string).collect());
}

#[test]
fn every_metric_has_a_paragraph() {
    check("metrics.md", metrics(&super::sources()));
}

#[test]
fn every_key_of_the_files_has_a_paragraph() {
    check("keys.md", keys());
}

#[test]
fn every_command_has_a_paragraph() {
    check("commands.md", commands(&[]));
}

#[test]
fn a_gap_may_be_closed_and_never_opened() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    let page = "# Page\n\n### `old`\n\nIt is old.\n\n## Part\n\ntext\n\n### `bare`\n\n### `odd`\n\nIt is odd.\n";
    let said = complaints(page, &set(&["old", "bare", "new", "gap"]), &set(&["old", "gap", "lost"]));
    assert_eq!(
        said,
        [
            "`new` has no paragraph: add `### \\`new\\`` and say what it is",
            "`lost` is gone: remove it from GAPS",
            "`old` has a paragraph now: remove it from GAPS",
            "`bare` has a heading and no sentence below it",
            "`odd` is described and does not exist: remove the paragraph",
        ]
    );
    assert_eq!(complaints("### `a`\n\nIs.\n\n### `a`\n", &set(&["a"]), &set(&[])), ["`a` is described twice"]);
}

/// The tests that a page names as `FILE.rs::NAME`.
fn tests_named(page: &str) -> Vec<(&str, &str)> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once(".rs::").map(|(file, test)| (file, test.trim()))).collect()
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = super::page("docs/threat-model.md");
    let named = tests_named(&page);
    assert!(named.len() > 20, "{named:?}");
    let is_there = |file: &str, test: &str| {
        let text = fs::read_to_string(root.join(file).with_extension("rs")).unwrap_or_default();
        text.contains(&format!("fn {test}("))
    };
    let lost: Vec<_> = named.into_iter().filter(|(file, test)| !is_there(file, test)).collect();
    assert_eq!(lost, [], "docs/threat-model.md names tests that are gone; name those that hold the promise now");
}

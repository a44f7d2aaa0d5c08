//! The laws of `targets.rs` over a small corpus, texts that are made from it by a few edits, and texts of any kind.
//! `PROPTEST_CASES=20000` goes through many more.

mod targets;

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index, sample::select};

/// Pieces that mean something to one of the parsers.
const TOKENS: &[&str] = &[
    "",
    " ",
    "\n",
    "\n  ",
    "\n- ",
    ": ",
    ":",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "#",
    " # x\n",
    "\"",
    "'",
    "\\",
    "\\\"",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "---\n",
    "...\n",
    "? ",
    "~",
    "null",
    "true",
    "0x1F",
    "1e9",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "\u{0}",
    "é",
    "{account.id}",
    "{",
    "}}",
    "<",
    ">",
    ";",
    "=",
    "rel=next",
    "rel=\"next\"",
    " eq ",
    " or ",
    " pr",
    "@",
    "%",
    "/",
    "..",
    "people",
    "teams",
    "apps",
    "approvals",
    "settings",
    "status: left",
    "until: 2026-12-31",
];

/// The texts of a folder, each with its name.
fn texts(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let mut texts: Vec<(String, String)> =
        files.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect();
    texts.retain(|(name, _)| !name.ends_with(".md"));
    texts.sort();
    assert!(!texts.is_empty(), "{}", folder.display());
    texts
}

fn corpus(folders: &[&str]) -> Vec<String> {
    folders.iter().flat_map(|folder| texts(folder)).map(|(_, text)| text).collect()
}

fn yaml_corpus() -> Vec<String> {
    corpus(&["tests/fuzz/corpus/yaml", "desired-state", "desired-state/apps", "desired-state/teams"])
}

/// The end of an edit's cut, and its start, at the borders of characters.
fn border(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// One of `seeds` with a few edits: each takes some bytes out and puts a token in their place.
fn edited(seeds: Vec<String>) -> impl Strategy<Value = String> {
    let edit = (any::<Index>(), 0..24usize, select(TOKENS));
    (select(seeds), prop::collection::vec(edit, 0..8)).prop_map(|(mut text, edits)| {
        for (at, cut, token) in edits {
            let from = border(&text, at.index(text.len() + 1));
            let to = border(&text, (from + cut).min(text.len()));
            text.replace_range(from..to, token);
        }
        text
    })
}

/// Tokens in a row, or any letters at all.
fn any_text() -> impl Strategy<Value = String> {
    let tokens = prop::collection::vec(select(TOKENS), 0..40).prop_map(|tokens| tokens.concat());
    prop_oneof![tokens, any::<String>()]
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn files_are_read_or_refused_with_lines_to_show(text in prop_oneof![edited(yaml_corpus()), any_text()]) {
        targets::yaml(&text);
    }

    #[test]
    fn what_is_laid_out_means_the_same_and_stays(text in prop_oneof![edited(yaml_corpus()), any_text()]) {
        targets::layout(&text);
    }

    #[test]
    fn a_manifest_is_refused_or_makes_requests(
        text in edited(corpus(&["tests/fuzz/corpus/manifest", "src/connectors/rest/manifests"])),
    ) {
        targets::manifest(&text);
    }

    #[test]
    fn a_link_to_the_next_page_is_read_as_it_was_written(
        text in prop_oneof![edited(corpus(&["tests/fuzz/corpus/links"])), any_text()],
    ) {
        targets::links(&text);
    }

    #[test]
    fn a_filter_is_read_as_the_address_that_was_looked_for(
        text in prop_oneof![edited(corpus(&["tests/fuzz/corpus/filter"])), any_text()],
    ) {
        targets::filter(&text);
    }
}

/// What holds for whatever comes in.
type Law = fn(&str);

#[test]
fn the_laws_hold_for_the_whole_corpus() {
    let laws: [(&str, Law); 5] = [
        ("yaml", targets::yaml),
        ("yaml", targets::layout),
        ("manifest", targets::manifest),
        ("links", targets::links),
        ("filter", targets::filter),
    ];
    for (folder, law) in laws {
        for text in corpus(&[&format!("tests/fuzz/corpus/{folder}")]) {
            law(&text);
        }
    }
}

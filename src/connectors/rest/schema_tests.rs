//! The language of manifests is described three times: by the parser, by the schema that is derived from it, and by a page
//! for people. Here they are held together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{BUILT_IN, Manifest, schema};

const PAGE: &str = include_str!("manifests/README.md");

/// Where the page explains what the schema defines.
const EXPLAINED: [(&str, &[&str]); 26] = [
    ("Manifest", &["The file"]),
    ("Answer", &["What answers mean"]),
    ("Auth", &["Signing in"]),
    ("Login", &["Signing in"]),
    ("Choice", &["Options"]),
    ("Limits", &["Limits"]),
    ("List", &["Lists", "What answers mean"]),
    // These two are part of the row that explains what they belong to.
    ("GroupKeys", &[]),
    ("AccountKeys", &[]),
    ("Page", &["Pages"]),
    ("Lookup", &["Lookups", "What answers mean"]),
    ("Accounts", &["Accounts"]),
    ("Create", &["Accounts", "What answers mean"]),
    ("Change", &["Accounts", "What answers mean"]),
    ("SetStatus", &["Accounts"]),
    ("Role", &["Roles"]),
    ("Groups", &["Groups"]),
    ("GroupCreate", &["Groups", "What answers mean"]),
    ("Members", &["Memberships"]),
    ("Add", &["Memberships", "What answers mean"]),
    ("MemberChange", &["Memberships", "What answers mean"]),
    ("Remove", &["Memberships", "What answers mean"]),
    ("Read", &["Reading one thing", "What answers mean"]),
    ("Update", &["Updates", "What answers mean"]),
    ("Delete", &["Deleting", "What answers mean"]),
    // Either of its keys is in the row of `token`.
    ("Token", &[]),
];

fn to_json(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

/// The keys of everything that the schema defines and that has keys of its own, with what is said of each.
fn keys(schema: &Value) -> BTreeMap<String, BTreeMap<String, String>> {
    let definitions = schema["definitions"].as_object().unwrap().iter().map(|(name, object)| (name.as_str(), object));
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (name, object) in definitions.chain([("Manifest", schema)]) {
        let variants = object["oneOf"].as_array().into_iter().flatten();
        for object in variants.chain([object]) {
            let properties = object["properties"].as_object().into_iter().flatten();
            for (key, value) in properties {
                let said = value["description"].as_str().or(object["description"].as_str()).unwrap_or_default();
                found.entry(name.to_owned()).or_default().insert(key.clone(), said.to_owned());
            }
        }
    }
    found
}

/// The keys that tables of the page explain, by its headings. Of `set.status` it is the last word that counts.
fn explained() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut heading = "";
    for line in PAGE.lines() {
        heading = line.strip_prefix("## ").unwrap_or(heading);
        let key = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')).map(|(key, _)| key);
        if let Some(key) = key.filter(|key| !key.starts_with('{')) {
            found.entry(heading).or_default().insert(key.rsplit('.').next().unwrap_or(key));
        }
    }
    found
}

/// Blocks of the page that are whole manifests.
fn examples() -> Vec<&'static str> {
    let blocks = PAGE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.filter(|block| block.starts_with("# yaml-language-server")).collect()
}

/// Whether the schema and the parser accept a manifest.
fn check(text: &str, schema_accepts: bool, parser_accepts: bool) {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let problems: Vec<_> = validator.iter_errors(&to_json(text)).map(|error| error.to_string()).collect();
    assert_eq!(problems.is_empty(), schema_accepts, "{text}\n{problems:?}");
    let parsed = Manifest::parse("test.yaml", text);
    assert_eq!(parsed.is_ok(), parser_accepts, "{text}\n{:?}", parsed.err());
}

#[test]
fn built_in_manifests_and_the_examples_of_the_page_conform_to_the_schema() {
    for (_, text) in BUILT_IN {
        check(text, true, true);
    }
    assert_eq!(examples().len(), 2);
    for text in examples() {
        check(text, true, true);
    }
}

const SMALL: &str = "name: small
auth: { bearer: true }
accounts:
  fields: { id: id, email: email, status: state, role: role }
  status: { active: on, inactive: off }
  list: { get: /users, items: data }
  read: { get: '/users/{account.id}' }
  update: { patch: '/users/{account.id}' }
";

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    check(SMALL, true, true);
    for (from, to) in [
        ("name: small", "nome: small"),
        ("name: small\n", ""),
        ("name: small", "name: small\nlimits: { all: 1000 per hour }"),
        ("name: small", "name: small\nlimits: { all: 0/h }"),
        ("name: small", "name: small\nmanual: { dance: x }"),
        ("name: small", "name: small\npage: { size: n }"),
        ("name: small", "name: small\npage: { offset: n, link: x }"),
        ("name: small", "name: small\npage: { token: n }"),
        ("name: small", "name: small\npage: { number: n, max: 0 }"),
        ("name: small", "name: small\npage: { number: n, end: soon }"),
        ("name: small", "name: small\nanswers: [ { means: gone } ]"),
        ("name: small", "name: small\nanswers: [ { status: 403 } ]"),
        ("name: small", "name: small\nanswers: [ { status: 403, means: lost } ]"),
        ("name: small", "name: small\nanswers: [ { status: many, means: gone } ]"),
        ("name: small", "name: small\nanswers: [ { status: [403, 9], means: gone } ]"),
        ("name: small", "name: small\nanswers: [ { status: 403, on: accounts.get, means: gone } ]"),
        ("name: small", "name: small\nanswers: [ { status: 403, is: [busy], means: gone } ]"),
        ("name: small", "name: small\nanswers: [ { path: code, is: [], means: gone } ]"),
        ("name: small", "name: small\nanswers: { status: 403, means: gone }"),
        ("name: small", "name: small\noptions: { area: { required: true } }"),
        ("bearer: true", "bearer: true, header: X-Key"),
        ("bearer: true", "scopes: [a]"),
        ("bearer: true", "login: { post: /t, body: {}, token: { cookie: x }, send: X }"),
        ("id: id, ", ""),
        ("id: id, ", "id: a..b, "),
        ("{account.id}", "{account.id"),
        ("active: on", "active: on, gone: off"),
        ("items: data", "items: data, otherwise: manual"),
        ("  update: { patch", "  update: { otherwise: believed, patch"),
        ("  update: { patch", "  update: { put: /x, patch"),
        ("  update: { patch", "  update: { style: whole, patch"),
        ("  update:", "  cancel_pending: reactivate\n  update:"),
        ("  update:", "  role: { take: one, admin: boss }\n  update:"),
        ("  update:", "  role: { take: some }\n  update:"),
        ("  update:", "  deactivate: { set: { status: inactive }, post: /x }\n  update:"),
        ("  update:", "  deactivate: { irreversible: true }\n  update:"),
        ("  update:", "  delete: { put: /x }\n  update:"),
    ] {
        assert!(SMALL.contains(from), "the test replaces something: {from}");
        check(&SMALL.replacen(from, to, 1), false, false);
    }
    // Which placeholders have a value where, only the parser knows.
    check(&SMALL.replace("{account.id}", "{id}"), true, false);
    // And which call an answer is about.
    let own = "items: data, answers: [ { status: 403, on: accounts.read, means: gone } ]";
    check(&SMALL.replace("items: data", own), true, false);
}

#[test]
fn every_key_has_a_description() {
    for (name, keys) in keys(&schema()) {
        for (key, said) in keys {
            assert!(said.len() > 8, "{name}.{key}: {said:?}");
            assert!(!said.contains('\n'), "{name}.{key}: {said:?}");
        }
    }
}

#[test]
fn the_page_explains_every_key_and_no_other() {
    let explained = explained();
    let keys = keys(&schema());
    let known: BTreeMap<_, _> = EXPLAINED.into_iter().collect();
    let named: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
    assert_eq!(known.keys().copied().collect::<BTreeSet<_>>(), named, "definitions and where the page explains them");

    let mut unknown = explained.clone();
    for (name, keys) in &keys {
        for key in keys.keys() {
            let there = |heading: &&&str| explained.get(**heading).is_some_and(|keys| keys.contains(key.as_str()));
            let headings = known[name.as_str()];
            match headings.iter().find(there) {
                Some(heading) => drop(unknown.get_mut(heading).unwrap().remove(key.as_str())),
                None => assert!(
                    headings.is_empty() && PAGE.contains(&format!("`{key}`")),
                    "{name}.{key} is not in a table under {headings:?}"
                ),
            }
        }
    }
    unknown.retain(|_, keys| !keys.is_empty());
    assert_eq!(unknown, BTreeMap::new(), "the page explains what there is not");
}

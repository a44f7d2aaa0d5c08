//! The JSON Schema and the decoder know the same language.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{BASE, desired, load};
use crate::desired::{
    decode::ASKED,
    schema,
    spec::{self, Object, Type},
};

/// Every object of the language, with the keys the description gives it.
fn described(object: &'static Object, found: &mut BTreeSet<(&'static str, &'static str)>) {
    fn of_type(value: &'static Type, found: &mut BTreeSet<(&'static str, &'static str)>) {
        match value {
            Type::Names(names) => of_type(&names.value, found),
            Type::Secret | Type::Store => described(&spec::SECRET, found),
            _ => {
                if let Some(object) = value.object() {
                    described(object, found);
                }
            }
        }
    }
    for key in object.keys {
        if found.insert((object.name, key.name)) {
            of_type(&key.value, found);
        }
    }
}

#[test]
fn the_decoder_asks_for_every_key_that_is_described_and_for_no_other() {
    ASKED.with_borrow_mut(BTreeSet::clear);
    let everything = "\
teams: { t: { members: { jane@example.com: {} }, grants: { autodesk: { groups: { Design Team: { role: lead } } } } } }
apps:
  autodesk:
    auth: { token: { env: A } }
    options: {}
    budget: {}
    policy: { max_removals: {}, freeze: [ { from: 2027-01-01 } ] }
    defaults: {}
    grantable: { members: {} }
approvals: [ { allow: autodesk, guard: protected, until: 2027-01-01 } ]
settings: { schedule: { every: 5m }, notify: [ { url: { env: A } } ], daemon: {}, keep: {} }
";
    desired(&[("a.yaml", everything)]);
    let mut expected = BTreeSet::new();
    described(&spec::ROOT, &mut expected);
    ASKED.with_borrow(|asked| assert_eq!(*asked, expected));
}

/// Object → key of every definition in the schema.
fn in_schema(schema: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut add = |name: &str, object: &Value| {
        for key in object["properties"].as_object().unwrap().keys() {
            found.insert((name.to_owned(), key.clone()));
        }
    };
    add("files", schema);
    schema["definitions"].as_object().unwrap().iter().for_each(|(name, object)| add(name, object));
    found
}

#[test]
fn every_key_is_in_the_schema_with_a_description_and_the_other_way_round() {
    let schema = schema();
    let mut expected = BTreeSet::new();
    described(&spec::ROOT, &mut expected);
    let expected: BTreeSet<(String, String)> =
        expected.into_iter().map(|(object, key)| (object.replace(' ', "-"), key.to_owned())).collect();
    assert_eq!(in_schema(&schema), expected);
    for object in schema["definitions"].as_object().unwrap().values().chain([&schema]) {
        for (name, key) in object["properties"].as_object().unwrap() {
            assert!(key["description"].as_str().is_some_and(|text| text.len() > 8), "{name}");
        }
    }
}

fn to_json(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

/// Whether the schema accepts what the loader accepts, and refuses what it refuses.
fn check(yaml: &str, valid: bool) {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let problems: Vec<String> = validator.iter_errors(&to_json(yaml)).map(|error| error.to_string()).collect();
    assert_eq!(problems.is_empty(), valid, "{yaml}\n{problems:?}");
}

#[test]
fn fixtures_validate_and_mistakes_do_not() {
    check(BASE, true);
    check(include_str!("example.yaml"), true);
    for mistake in [
        "teems: {}",
        "people: { jane: {} }",
        "people: { jane@example.com: { status: gone } }",
        "apps: { a: { auth: { token: hunter2 } } }",
        "apps: { a: { budget: { requests: 1000 } } }",
        "apps: { a: { options: { max_rows: many } } }",
        "approvals: [ { guard: ambiguous } ]",
        "settings: { schedule: { every: 15 } }",
    ] {
        check(mistake, false);
        assert!(load(&[("a.yaml", mistake)]).is_err(), "{mistake}");
    }
    for fine in [
        "people:\n",
        "approvals: { allow: autodesk, guard: protected, until: 2027-01-01 }",
        "apps: { autodesk: { options: { max_rows: 50000 } } }",
        "settings: { policy: { max_removals: 5, max_creates: 10%, protect: '*@example.com' } }",
        "apps: { autodesk: { accounts: [jane@example.com], groups: { Design Team: { members: { sam@example.com: { role: lead, until: 2027-01-01 } } } } } }",
    ] {
        check(fine, true);
        assert!(load(&[("a.yaml", fine)]).is_ok(), "{fine}");
    }
}

//! The plan as JSON, and its schema.

use serde_json::{Value, json};

use super::{
    fixture::{compared, everything, plan},
    snapshot,
};
use crate::report::json;

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(json::PLAN_SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

fn rendered() -> Value {
    serde_json::from_str(&json::plan(&everything())).unwrap()
}

#[test]
fn a_plan_in_which_everything_occurs_is_read_by_programs() {
    snapshot("plan-json", &json::plan(&everything()));
}

#[test]
fn the_schema_describes_what_is_rendered() {
    let validator = validator();
    for plan in [everything(), compared(), plan(vec![])] {
        let value: Value = serde_json::from_str(&json::plan(&plan)).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, [""; 0]);
    }
}

#[test]
fn the_schema_refuses_what_is_not_rendered() {
    let refused = |pointer: &str, to: Option<Value>| {
        let mut value = rendered();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let object = value.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
        match to {
            Some(to) => object.insert(key.into(), to),
            None => object.remove(key),
        };
        assert!(!validator().is_valid(&value), "{pointer}");
    };
    assert!(validator().is_valid(&rendered()));
    refused("/version", Some(json!(2)));
    refused("/surprise", Some(json!(true)));
    refused("/guards_unchecked", Some(json!(["Not a word"])));
    refused("/apps/1/error", None);
    refused("/apps/1/observed/accounts", Some(json!(-1)));
    refused("/apps/1/actions/0/verb", Some(json!("befriend")));
    refused("/apps/1/actions/0/name", Some(json!("autodesk/create")));
    refused("/apps/1/actions/0/reason", None);
    refused("/apps/1/actions/0/status", Some(json!("held")));
    refused("/apps/1/actions/0/because", Some(json!(["people.yaml"])));
    refused("/apps/1/findings/0/severity", Some(json!("fatal")));
}

#[test]
fn every_key_of_an_action_is_there_even_when_it_is_null() {
    let value = rendered();
    let keys: Vec<&String> = value["apps"][1]["actions"][0].as_object().unwrap().keys().collect();
    let expect = [
        "name",
        "verb",
        "account",
        "group",
        "status",
        "reason",
        "held",
        "waiting",
        "manual",
        "after",
        "irreversible",
        "reduces_access",
        "gains_admin",
        "cause",
        "changes",
        "because",
    ];
    assert_eq!(keys, expect);
}

#[test]
fn the_same_plan_in_any_order_gives_the_same_bytes() {
    let mut mixed = everything();
    mixed.apps.reverse();
    mixed.guards_unchecked.reverse();
    for app in &mut mixed.apps {
        app.actions.reverse();
        app.findings.reverse();
    }
    assert_eq!(json::plan(&mixed), json::plan(&everything()));
}

#[test]
fn a_slash_in_a_name_is_escaped_in_the_action_name_alone() {
    let text = json::plan(&everything());
    assert!(text.contains("\"autodesk/add-member/sam.lee@example.com/Platform%2FCore\""));
    assert!(text.contains("\"group\": \"Platform/Core\""));
}

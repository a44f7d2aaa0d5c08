//! The JSON Schema of the files, generated from the description of the language.

use serde_json::{Map, Value, json};

use super::spec::{self, Leaf, Names, Object, Rest, Type};

/// The JSON Schema (draft 7, which editors know best) that every desired-state file validates against.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let mut root = object(&spec::ROOT, &mut definitions);
    if let Value::Object(root) = &mut root {
        root.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("title".into(), json!("rosterd desired state"));
        root.insert("description".into(), json!("Who exists, who gets what in which app, and how the engine runs."));
        // An empty file says nothing, which is fine.
        root.insert("type".into(), json!(["object", "null"]));
        root.insert("definitions".into(), Value::Object(definitions));
    }
    root
}

fn object(object: &'static Object, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in object.keys {
        let mut value = nullable(type_schema(&key.value, definitions));
        if let Value::Object(value) = &mut value {
            value.insert("description".into(), json!(key.doc));
        }
        properties.insert(key.name.into(), value);
    }
    let additional = match object.rest {
        Rest::Unknown => json!(false),
        Rest::Fields => scalar_or_list(),
        Rest::Free => json!(true),
    };
    json!({ "type": "object", "properties": properties, "additionalProperties": additional })
}

/// Defines an object once and refers to it.
fn reference(target: &'static Object, definitions: &mut Map<String, Value>) -> Value {
    let name = target.name.replace(' ', "-");
    if !definitions.contains_key(&name) {
        // A place is kept first, so that a description that contains itself would end.
        definitions.insert(name.clone(), Value::Null);
        let schema = object(target, definitions);
        definitions.insert(name.clone(), schema);
    }
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn type_schema(value: &'static Type, definitions: &mut Map<String, Value>) -> Value {
    match value {
        Type::Leaf(leaf) => leaf_schema(leaf),
        Type::Secret => reference(&spec::SECRET, definitions),
        Type::Store => {
            let secret = reference(&spec::SECRET, definitions);
            json!({ "anyOf": [{ "type": "string", "pattern": "^sqlite:" }, secret] })
        }
        Type::List(leaf) => one_or_several(leaf_schema(leaf)),
        Type::Names(names) => names_schema(names, definitions),
        Type::Object(object) => reference(object, definitions),
        Type::Either(leaf, object) => {
            let object = reference(object, definitions);
            json!({ "anyOf": [leaf_schema(leaf), object] })
        }
        Type::Objects(object) => one_or_several(reference(object, definitions)),
        Type::Value => scalar_or_list(),
        Type::Free => json!({ "type": "object" }),
    }
}

fn one_or_several(one: Value) -> Value {
    json!({ "anyOf": [{ "type": "array", "items": one.clone() }, one] })
}

fn names_schema(names: &'static Names, definitions: &mut Map<String, Value>) -> Value {
    let value = nullable(type_schema(&names.value, definitions));
    let mut map = json!({ "type": "object", "additionalProperties": value });
    if let (true, Value::Object(map), Some(pattern)) = (names.emails, &mut map, spec::EMAIL.pattern) {
        map.insert("propertyNames".into(), json!({ "pattern": pattern }));
    }
    if !names.list {
        return map;
    }
    let name = if names.emails { leaf_schema(&spec::EMAIL) } else { leaf_schema(&spec::TEXT) };
    json!({ "anyOf": [map, { "type": "array", "items": name, "uniqueItems": true }] })
}

fn leaf_schema(leaf: &Leaf) -> Value {
    if !leaf.words.is_empty() {
        return json!({ "enum": leaf.words });
    }
    let mut schema = Map::new();
    schema.insert("type".into(), json!(leaf.json));
    if leaf.json == ["integer"] {
        schema.insert("minimum".into(), json!(0));
    }
    if let Some(pattern) = leaf.pattern {
        schema.insert("pattern".into(), json!(pattern));
    }
    Value::Object(schema)
}

fn scalar_or_list() -> Value {
    let scalar = json!(["string", "number", "boolean", "null"]);
    json!({ "anyOf": [{ "type": scalar }, { "type": "array", "items": { "type": ["string", "number", "boolean"] } }] })
}

/// A key without a value means the same as no key.
fn nullable(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

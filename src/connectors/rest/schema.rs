//! The JSON Schema of manifests, derived from the types that read them.

use schemars::{Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::Value;

use super::wire;

/// The JSON Schema (draft 7, which editors know best) that every manifest validates against. What a schema cannot say, such
/// as which placeholders have a value where, only [`super::Manifest::parse`] checks.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(plain));
    let mut schema = settings.into_generator().into_root_schema_for::<wire::Manifest>();
    schema.insert("title".into(), "rosterd manifest".into());
    schema.to_value()
}

/// Leaves out what Rust knows and JSON does not, and lets descriptions run on where the sources merely wrap.
fn plain(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

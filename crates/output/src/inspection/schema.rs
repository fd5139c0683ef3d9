//! The published schema of the JSON form (JSON Schema, draft 2020-12), made from the types
//! that are written.

use schemars::generate::SchemaSettings;
use serde_json::json;

use lockbench_core::lock::inspection::{Inspection, SCHEMA_VERSION};

/// The schema, indented, with a final newline.
///
/// # Errors
/// Never; the library cannot promise it.
pub fn inspection_schema() -> Result<Vec<u8>, serde_json::Error> {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Inspection>();
    schema.insert("title".to_owned(), json!("one look of lockbench inspect"));
    if let Some(version) = schema.pointer_mut("/properties/schema_version").and_then(|field| field.as_object_mut()) {
        version.insert("const".to_owned(), json!(SCHEMA_VERSION));
    }
    let mut bytes = serde_json::to_vec_pretty(&schema)?;
    bytes.push(b'\n');
    Ok(bytes)
}

//! The published schemas of `report.json` and of the JSON form of inspection (JSON Schema, draft 2020-12), made from the
//! types that are written, so that the two cannot part.
//!
//! It describes what this version writes: every field is there, `null` where a
//! figure does not exist. Fields are added within a `schema_version`, so unknown ones
//! are no error, and an older file of the same version may lack the newest ones. A
//! field that goes or changes its meaning raises `report::SCHEMA_VERSION`; the
//! snapshot of this schema shows every change to its reviewer.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use lockbench_core::lock::inspection::{self, Inspection};
use lockbench_report::{Report, SCHEMA_VERSION};

/// The schema, indented, with a final newline.
///
/// # Errors
/// Never; the library cannot promise it.
pub fn report_schema() -> Result<Vec<u8>, serde_json::Error> {
    schema_of::<Report>(
        "report.json of lockbench",
        &[("const", json!(SCHEMA_VERSION)), ("description", json!("Version of this schema."))],
    )
}

/// The schema of what inspection writes, indented, with a final newline.
///
/// # Errors
/// Never; the library cannot promise it.
pub fn inspection_schema() -> Result<Vec<u8>, serde_json::Error> {
    schema_of::<Inspection>("one look of lockbench inspect", &[("const", json!(inspection::SCHEMA_VERSION))])
}

fn schema_of<T: JsonSchema>(title: &str, of_version: &[(&str, Value)]) -> Result<Vec<u8>, serde_json::Error> {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(title));
    if let Some(version) = schema.pointer_mut("/properties/schema_version").and_then(|field| field.as_object_mut()) {
        version.extend(of_version.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    let mut bytes = serde_json::to_vec_pretty(&schema)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::report_schema;
    use crate::json;
    use crate::sample::{crowd, empty, gated, recorded, timeouts};

    fn schema() -> Value {
        serde_json::from_slice(&report_schema().unwrap()).unwrap()
    }

    #[test]
    fn every_report_validates() {
        let validator = jsonschema::draft202012::new(&schema()).unwrap();
        for run in [recorded(), crowd(10), gated(), timeouts(), empty()] {
            let report: Value = serde_json::from_slice(&json(&run.report).unwrap()).unwrap();
            let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
    }

    #[test]
    fn what_is_wrong_does_not_validate_and_what_is_new_does() {
        let validator = jsonschema::draft202012::new(&schema()).unwrap();
        let good: Value = serde_json::from_slice(&json(&recorded().report).unwrap()).unwrap();
        let with = |pointer: &str, value: Value| {
            let mut report = good.clone();
            *report.pointer_mut(pointer).unwrap() = value;
            validator.is_valid(&report)
        };
        assert!(!with("/results/0/grants", json!("2000")));
        assert!(!with("/results/0/latency/acquire_service/p99_ns", json!("1 ms")));
        assert!(!with("/results/0/safety/verdict", json!("fine")));
        assert!(!with("/results/1/safety/violations/0/earlier/start_ns", json!(null)));
        assert!(!with("/schema_version", json!(1)));
        assert!(!with("/verdict", json!({ "exit_code": 0 })));
        assert!(with("/results/0/throughput_per_s", json!(null)));
        let mut lacking = good.clone();
        lacking["results"][0].as_object_mut().unwrap().remove("throughput_per_s");
        assert!(!validator.is_valid(&lacking), "a figure is null, not missing");
        assert!(with("/verdict", json!({ "exit_code": 0, "reasons": [], "added_later": 1 })));
    }

    #[test]
    fn every_field_is_explained() {
        fn undescribed(at: &str, schema: &Value, found: &mut Vec<String>) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                // Links of rustdoc lead nowhere here.
                if field["description"].as_str().is_none_or(|told| told.is_empty() || told.contains("[`")) {
                    found.push(format!("{at}.{name}"));
                }
            }
        }
        let (schema, mut found) = (schema(), Vec::new());
        undescribed("report", &schema, &mut found);
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            undescribed(name, definition, &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_change_of_the_schema_is_seen() {
        insta::assert_snapshot!(String::from_utf8(report_schema().unwrap()).unwrap());
    }
}

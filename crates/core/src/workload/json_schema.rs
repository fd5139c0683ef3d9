//! The keys of a workload as a JSON Schema, for editors that complete and check TOML.
//! Made of the same descriptions that the decoder reads by. It knows names, types and
//! kinds; ranges, and what must fit together, only `lockbench check` knows.
//!
//! Draft 7, which the TOML servers of the common editors understand:
//! <https://json-schema.org/draft-07/json-schema-release-notes>.

use serde_json::{Map, Value, json};

use super::access::ACCESS;
use super::arrival::ARRIVAL;
use super::dynamic_ttl::TTL;
use super::fault::{DATA, DIRECTIONS, FAULT, POINTS, targets};
use super::file::{BELOW_FLOOR, BREAKER, FINDING_LEVELS};
use super::groups::{GROUP, KEY_SPACES};
use super::kinds::{ACQUIRE, HISTORY, KEYS, RETRY, SPAN};
use super::locks::{DEADLOCK_POLICIES, LOCKS};
use super::options::{self, OptionTable};
use super::scenario::{ALSO, CAUSES, CONDITIONS, EXPECTED, GRANT_KINDS, SCENARIO};
use super::schema::{Field, Kind, Presence, Tagged};
use super::section::SECTION;
use super::spread;

/// What `parse_duration_ns` reads: numbers, each with its unit, without a gap.
const DURATION: &str = r"^\s*(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|ms|s|m|h))+\s*$";

/// The schema of a workload file, read as JSON, with what lock systems declare.
#[must_use]
pub fn json_schema(tables: &[&OptionTable]) -> Value {
    let mut schema = table(&options::root(tables), tables);
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!("lockbench workload"));
    let about = "A workload file of lockbench. Ranges, and what must fit together, are checked by `lockbench check`.";
    schema.insert("description".to_owned(), json!(about));
    Value::Object(schema)
}

/// A table with these keys and no others.
fn table(fields: &[Field], own: &[&OptionTable]) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        properties.insert(field.key.to_owned(), property(field, own));
        if field.presence == Presence::Required {
            required.push(field.key);
        }
    }
    let mut table = Map::new();
    table.insert("type".to_owned(), json!("object"));
    table.insert("properties".to_owned(), Value::Object(properties));
    table.insert("required".to_owned(), json!(required));
    table.insert("additionalProperties".to_owned(), json!(false));
    table
}

fn property(field: &Field, own: &[&OptionTable]) -> Value {
    // What nobody described here yet takes anything: an editor must not call right wrong.
    let of_system = own.iter().find(|table| table.name == field.key).map(|own| table(&own.fields(), &[]));
    let mut property = of_system.or_else(|| value(field)).unwrap_or_default();
    property.insert("description".to_owned(), json!(format!("{} ({})", field.meaning, field.takes)));
    if let Presence::Default(text) = field.presence {
        property.extend(default(text).map(|value| ("default".to_owned(), value)));
    }
    Value::Object(property)
}

/// A default as JSON; it is written in TOML.
fn default(text: &str) -> Option<Value> {
    let mut parsed: Value = toml::from_str(&format!("value = {text}")).ok()?;
    Some(parsed["value"].take())
}

/// What a key takes; `None` if this file does not know.
fn value(field: &Field) -> Option<Map<String, Value>> {
    let value = match (field.key, field.takes) {
        ("keys", _) => kinds(&KEYS),
        ("access", _) => kinds(&ACCESS),
        ("critical_section", _) => kinds(&SECTION),
        ("locks", _) => kinds(&LOCKS),
        ("breaker", _) => Value::Object(table(BREAKER, &[])),
        ("deadlock", _) => json!({ "enum": words(DEADLOCK_POLICIES) }),
        ("hold" | "think", _) => json!({ "anyOf": [duration(), kinds(&SPAN)] }),
        ("arrival", _) => arrival(),
        ("ttl", _) => json!({ "anyOf": [duration(), kinds(&TTL)] }),
        ("acquire", _) => kinds(&ACQUIRE),
        ("retry", _) => kinds(&RETRY),
        ("history", _) => kinds(&HISTORY),
        ("target", _) => json!({ "type": "string", "pattern": format!("^({}|.+-[0-9]+)$", targets().join("|")) }),
        ("direction", _) => json!({ "enum": words(DIRECTIONS) }),
        ("data", _) => json!({ "enum": words(DATA) }),
        ("when", _) => json!({ "enum": words(POINTS) }),
        ("groups", _) => json!({ "type": "array", "items": Value::Object(table(GROUP, &[])) }),
        ("key_space", _) => json!({ "enum": words(KEY_SPACES) }),
        ("faults", _) => json!({ "type": "array", "items": kinds(&FAULT) }),
        ("sometimes", _) => several(CONDITIONS),
        ("scenario", _) => Value::Object(table(SCENARIO, &[])),
        ("expected", _) => json!({ "type": "array", "items": kinds(&EXPECTED) }),
        ("kind", _) => json!({ "enum": words(GRANT_KINDS) }),
        ("cause", _) => json!({ "enum": words(CAUSES) }),
        ("also", _) => several(ALSO),
        ("ttl_below_floor", _) => json!({ "enum": words(BELOW_FLOOR) }),
        ("renewal" | "truth", _) => json!({ "anyOf": [{ "enum": ["off", "on"] }, duration()] }),
        ("processes", _) => json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "enum": [spread::PER_GROUP] }] }),
        ("thresholds", _) => json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, {
            "type": "object",
            "properties": { "text": { "type": "string" }, "level": { "enum": ["warn", "fail"] } },
            "required": ["text"],
            "additionalProperties": false,
        }] } }),
        ("lints", _) => {
            json!({ "type": "object", "additionalProperties": { "enum": words(FINDING_LEVELS) } })
        }
        ("prices", _) => json!({
            "type": "object",
            "properties": { "currency": { "type": "string" } },
            "additionalProperties": { "type": "number", "minimum": 0 },
        }),
        ("expect", _) => json!({ "type": "array", "items": { "enum": ["outside", "withdrawn"] }, "uniqueItems": true }),
        (_, "text") => json!({ "type": "string" }),
        (_, "list of numbers") => json!({ "type": "array", "items": { "type": "number", "minimum": 0 } }),
        (_, "list of text") => json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true }),
        (_, "whole number") => json!({ "type": "integer", "minimum": 0 }),
        (_, "number") => json!({ "type": "number" }),
        (_, "duration") => duration(),
        (_, "duration, signed") => json!({ "type": "string", "pattern": DURATION.replacen('^', r"^\s*-?", 1) }),
        _ => return None,
    };
    match value {
        Value::Object(value) => Some(value),
        _ => None,
    }
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": DURATION })
}

/// A list of words, each at most once.
fn several<T>(of: &[(&'static str, T)]) -> Value {
    json!({ "type": "array", "items": { "enum": words(of) }, "uniqueItems": true })
}

fn words<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

/// An arrival; a rate alone is one of the kind `constant`.
fn arrival() -> Value {
    let mut arrival = kinds(&ARRIVAL);
    let constant = ARRIVAL.kinds.iter().find(|kind| kind.fields.iter().any(|field| field.key == "rate"));
    if let (Some(kind), Some(choices)) = (constant, arrival["anyOf"].as_array_mut()) {
        choices.push(Value::Object(table(kind.fields, &[])));
    }
    arrival
}

/// A value that comes in kinds: the bare name of one whose keys all have defaults, or
/// a table that names its kind.
fn kinds<T>(tagged: &Tagged<T>) -> Value {
    let needs_nothing = |kind: &&Kind<T>| kind.fields.iter().all(|field| field.presence != Presence::Required);
    let bare: Vec<&str> = tagged.kinds.iter().filter(needs_nothing).map(|kind| kind.name).collect();
    let mut choices: Vec<Value> = tagged.kinds.iter().map(|kind| kind_table(tagged.tag, kind)).collect();
    if !bare.is_empty() {
        choices.insert(0, json!({ "enum": bare }));
    }
    json!({ "anyOf": choices })
}

fn kind_table<T>(tag: &str, kind: &Kind<T>) -> Value {
    let mut table = table(kind.fields, &[]);
    table.insert("description".to_owned(), json!(kind.meaning));
    if let Some(properties) = table.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(tag.to_owned(), json!({ "const": kind.name }));
    }
    if let Some(required) = table.get_mut("required").and_then(Value::as_array_mut) {
        required.push(json!(tag));
    }
    Value::Object(table)
}

#[cfg(test)]
mod tests {
    use super::super::access::ACCESS;
    use super::super::arrival::ARRIVAL;
    use super::super::dynamic_ttl::TTL;
    use super::super::fault::FAULT;
    use super::super::file::ROOT;
    use super::super::groups::GROUP;
    use super::super::kinds::{ACQUIRE, HISTORY, KEYS, RETRY, SPAN};
    use super::super::options::tests::TABLE;
    use super::super::scenario::{EXPECTED, SCENARIO};
    use super::super::schema::{Field, Presence, Tagged};
    use super::{default, json_schema, value};

    fn fields_of<T>(tagged: &'static Tagged<T>) -> impl Iterator<Item = Field> {
        tagged.kinds.iter().flat_map(|kind| kind.fields).copied()
    }

    #[test]
    fn every_key_has_a_type_and_its_default_is_of_it() {
        let fields = ROOT
            .iter()
            .copied()
            .chain(TABLE.fields())
            .chain(fields_of(&KEYS))
            .chain(fields_of(&ACCESS))
            .chain(GROUP.iter().copied())
            .chain(fields_of(&SPAN))
            .chain(fields_of(&ARRIVAL))
            .chain(fields_of(&TTL))
            .chain(fields_of(&ACQUIRE))
            .chain(fields_of(&RETRY))
            .chain(fields_of(&HISTORY))
            .chain(fields_of(&FAULT))
            .chain(SCENARIO.iter().copied())
            .chain(fields_of(&EXPECTED));
        for field in fields {
            let schema = value(&field).unwrap_or_else(|| panic!("what {} takes is not described here", field.key));
            if let Presence::Default(text) = field.presence {
                let default = default(text).unwrap_or_else(|| panic!("{}: {text}", field.key));
                let schema = serde_json::Value::Object(schema);
                assert!(jsonschema::is_valid(&schema, &default), "{}: {default} is not {schema}", field.key);
            }
        }
    }

    #[test]
    fn the_schema_is_one() {
        jsonschema::draft7::meta::validate(&json_schema(&[&TABLE])).unwrap();
        assert_eq!(json_schema(&[])["required"], serde_json::json!(["clients"]));
        let schema = json_schema(&[&TABLE]);
        assert_eq!(schema["properties"]["ttl"]["default"], "10s");
        assert_eq!(schema["properties"]["toy"]["properties"]["limit"]["default"], "50ms");
    }
}

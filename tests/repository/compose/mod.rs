//! The compose file as it is meant: anchors merged, variables filled in from
//! `docker/.env`; and the rules that it has to keep.

pub mod dockerfile;
pub mod rules;

use std::collections::BTreeMap;

use serde_yaml_ng::{Mapping, Value};

/// A compose file and the variables beside it.
pub struct Compose {
    /// As written, anchors merged; variables not filled in.
    pub document: Value,
    /// `docker/.env`.
    pub variables: BTreeMap<String, String>,
}

impl Compose {
    /// Reads both texts.
    pub fn read(yaml: &str, env: &str) -> Self {
        let mut document: Value = serde_yaml_ng::from_str(yaml).unwrap();
        // An anchor that merges another one needs a pass for each.
        for _ in 0..4 {
            document.apply_merge().unwrap();
        }
        let lines = env.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pairs = lines.map(|line| line.split_once('=').unwrap_or_else(|| panic!(".env: {line}")));
        Self { document, variables: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// The services by name.
    pub fn services(&self) -> BTreeMap<String, Mapping> {
        let services = self.document.get("services").and_then(Value::as_mapping).unwrap();
        services
            .iter()
            .map(|(name, service)| (name.as_str().unwrap().to_owned(), service.as_mapping().unwrap().clone()))
            .collect()
    }

    /// A text with its variables filled in; what is missing becomes empty.
    pub fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (inside, next) = after.split_once('}').unwrap();
            let (name, otherwise) = inside.split_once(":-").unwrap_or((inside, ""));
            let name = name.split(':').next().unwrap();
            filled += before;
            filled += self.variables.get(name).map_or(otherwise, String::as_str);
            rest = next;
        }
        filled + rest
    }
}

/// The lock systems' profiles.
pub const SYSTEMS: [&str; 5] = ["redis", "redlock", "zookeeper", "etcd", "postgres"];

/// A key of a service, as a list of texts; an absent one is empty.
pub fn list(service: &Mapping, key: &str) -> Vec<String> {
    match service.get(key) {
        Some(Value::Sequence(items)) => items.iter().map(scalar).collect(),
        Some(Value::Mapping(map)) => map.keys().map(scalar).collect(),
        Some(other) => vec![scalar(other)],
        None => Vec::new(),
    }
}

/// A scalar as text.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => panic!("not a scalar: {other:?}"),
    }
}

/// Does an image's name end in an exact version: `name:1.2`, `name:v1.2.3-x`?
pub fn is_pinned(image: &str) -> bool {
    // A digest behind it says even more.
    let image = image.split('@').next().unwrap_or(image);
    let name = image.rsplit('/').next().unwrap_or(image);
    let Some((_, tag)) = name.split_once(':') else { return false };
    if image.starts_with("lockbench-offline/") {
        return tag == "debian-12";
    }
    let version = tag.trim_start_matches('v').split('-').next().unwrap_or_default();
    version.contains('.') && version.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

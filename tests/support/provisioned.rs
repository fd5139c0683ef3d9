//! What is provisioned by file, read as what it means: Prometheus' configuration and
//! rules, Grafana's dashboards.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::repository::{path, read};

/// YAML as JSON: one way to look into both.
pub fn yaml(relative: &str) -> Value {
    serde_yaml_ng::from_str(&read(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// Files of a folder by their ending, in order.
pub fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<String> =
        names.filter(|name| name.ends_with(ending)).map(|name| format!("{folder}/{name}")).collect();
    found.sort();
    assert!(!found.is_empty(), "{folder}: no {ending}");
    found
}

/// An alert or a recording rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name of the alert, `None` for a recording rule.
    pub alert: Option<String>,
    /// Name of the metric that it makes.
    pub record: Option<String>,
    /// PromQL.
    pub expr: String,
    /// Labels that it adds.
    pub labels: BTreeMap<String, String>,
    /// Texts.
    pub annotations: BTreeMap<String, String>,
    /// How long it must hold.
    pub held: Option<String>,
}

/// Every rule, in order.
pub fn rules() -> Vec<Rule> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let map = |value: &Value| -> BTreeMap<String, String> {
        let object = value.as_object().cloned().unwrap_or_default();
        object.iter().map(|(name, value)| (name.clone(), text(value).unwrap())).collect()
    };
    let mut all = Vec::new();
    for file in files("docker/prometheus/rules", ".yml") {
        let file = yaml(&file);
        for rule in file["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
            all.push(Rule {
                alert: text(&rule["alert"]),
                record: text(&rule["record"]),
                expr: text(&rule["expr"]).unwrap(),
                labels: map(&rule["labels"]),
                annotations: map(&rule["annotations"]),
                held: text(&rule["for"]),
            });
        }
    }
    all
}

/// Every dashboard by its file.
pub fn dashboards() -> Vec<(String, Value)> {
    files("docker/grafana/dashboards", ".json")
        .into_iter()
        .map(|file| {
            let value = serde_json::from_str(&read(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            (file, value)
        })
        .collect()
}

/// A query of a dashboard.
#[derive(Clone, Debug)]
pub struct Query {
    /// File, and panel, annotation or variable in it.
    pub place: String,
    /// PromQL with Grafana's variables in it.
    pub expr: String,
    /// Texts in which labels stand as `{{label}}`.
    pub legend: String,
}

/// The panels of a dashboard that show something.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect()
}

/// Every query of a dashboard.
pub fn queries(file: &str, dashboard: &Value) -> Vec<Query> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for panel in panels(dashboard) {
        let place = format!("{file}: panel {}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            let (expr, legend) = (text(&target["expr"]), text(&target["legendFormat"]));
            all.push(Query { place: format!("{place} {}", target["refId"]), expr, legend });
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        let place = format!("{file}: annotation {}", annotation["name"]);
        // Grafana 11 reads `expr`, 12 `target`.
        assert_eq!(annotation["expr"], annotation["target"]["expr"], "{place}");
        let tags = text(&annotation["tagKeys"]).split(',').map(|tag| format!("{{{{{tag}}}}}")).collect::<String>();
        let legend = text(&annotation["titleFormat"]) + &text(&annotation["textFormat"]) + &tags;
        all.push(Query { place, expr: text(&annotation["expr"]), legend });
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            let place = format!("{file}: variable {}", variable["name"]);
            assert_eq!(variable["definition"], variable["query"]["query"], "{place}");
            all.push(Query { place, expr: text(&variable["definition"]), legend: String::new() });
        }
    }
    all
}

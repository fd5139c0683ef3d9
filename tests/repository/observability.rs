//! Prometheus' rules and Grafana's dashboards name nothing that the endpoint does not
//! have, every alert that was promised is there and explained, and promtool accepts it
//! all. What they answer on data: `tests/live/observability.rs`.

use crate::support;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use lockbench::metrics::{FAMILIES, Kind, of_sample};
use serde_json::Value;

use crate::support::promql::{Selector, legend, selectors};
use crate::support::provisioned::{dashboards, files, panels, queries, rules, yaml};
use crate::support::repository::{path, read};

type Labels = BTreeSet<String>;

fn set(names: &[&str]) -> Labels {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Labels of a metric as it is stored, those of its target included.
fn labels_of(metric: &str, recorded: &BTreeMap<String, Labels>) -> Option<Labels> {
    // What Prometheus makes of alerts: their own labels, and those of their series.
    if metric == "ALERTS" {
        let own = ["alertname", "alertstate", "severity", "instance"];
        return Some(FAMILIES.iter().flat_map(|family| family.labels).copied().chain(own).map(str::to_owned).collect());
    }
    if let Some(labels) = recorded.get(metric) {
        return Some(labels.clone());
    }
    let mut labels = set(of_sample(metric)?.labels);
    labels.extend(set(&["instance", "job"]));
    if metric.ends_with("_bucket") {
        labels.insert("le".to_owned());
    }
    Some(labels)
}

/// What is wrong with an expression and its legend.
fn faults(expr: &str, shown: &str, recorded: &BTreeMap<String, Labels>) -> Vec<String> {
    let found = match selectors(expr) {
        Ok(found) => found,
        Err(error) => return vec![error],
    };
    let mut faults = Vec::new();
    for Selector { metric, labels, kept } in found {
        let Some(known) = labels_of(&metric, recorded) else {
            faults.push(format!("no metric {metric}"));
            continue;
        };
        // Native histograms have no `le`; `by (backend, le)` stands before buckets only.
        faults.extend(labels.difference(&known).map(|label| format!("{metric} has no label {label}")));
        let kept = kept.unwrap_or(known);
        faults.extend(legend(shown).difference(&kept).map(|label| format!("{{{{{label}}}}} is not in the result")));
    }
    faults
}

/// Metrics that recording rules make, and their labels.
fn recorded() -> BTreeMap<String, Labels> {
    let mut all = BTreeMap::new();
    for rule in rules() {
        let Some(record) = rule.record else { continue };
        let mut labels = Labels::new();
        for selector in selectors(&rule.expr).unwrap() {
            labels.extend(selector.kept.or_else(|| labels_of(&selector.metric, &all)).unwrap());
        }
        labels.remove("le");
        labels.extend(rule.labels.into_keys());
        all.insert(record, labels);
    }
    all
}

#[test]
fn every_metric_and_label_of_the_rules_exists() {
    let recorded = recorded();
    assert!(recorded.len() > 5, "{recorded:?}");
    for rule in rules() {
        let name = rule.alert.or(rule.record).unwrap();
        assert_eq!(faults(&rule.expr, "", &recorded), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_metric_and_label_of_the_dashboards_exists() {
    let recorded = recorded();
    for (file, dashboard) in dashboards() {
        let queries = queries(&file, &dashboard);
        assert!(queries.len() > 10, "{file}");
        for query in queries {
            assert_eq!(faults(&query.expr, &query.legend, &recorded), Vec::<String>::new(), "{}", query.place);
        }
    }
}

#[test]
fn every_metric_of_the_rule_tests_exists() {
    let recorded = recorded();
    for file in files("docker/prometheus/tests", ".yml") {
        let tests = yaml(&file);
        for test in tests["tests"].as_array().unwrap() {
            let series = test["input_series"].as_array().unwrap().iter().map(|one| &one["series"]);
            let asked = test["promql_expr_test"].as_array().unwrap().iter().map(|one| &one["expr"]);
            for expr in series.chain(asked) {
                assert_eq!(faults(expr.as_str().unwrap(), "", &recorded), Vec::<String>::new(), "{file}: {expr}");
            }
        }
    }
}

#[test]
fn a_wrong_name_is_seen_wherever_it_stands() {
    let recorded = recorded();
    for (expr, shown, wrong) in [
        ("rate(lockbench_grant_total[5m])", "", "no metric lockbench_grant_total"),
        ("lockbench_grants", "", "no metric lockbench_grants"),
        ("lockbench_up_total > 0", "", "no metric lockbench_up_total"),
        ("lockbench:nothing:here", "", "no metric lockbench:nothing:here"),
        ("1 - (a_b / (lockbench_up > 0))", "", "no metric a_b"),
        ("lockbench_grants_total{system=\"etcd\"}", "", "lockbench_grants_total has no label system"),
        ("sum by (fault) (lockbench_up)", "", "lockbench_up has no label fault"),
        (
            "sum by (le) (rate(lockbench_hold_duration_seconds[1m]))",
            "",
            "lockbench_hold_duration_seconds has no label le",
        ),
        ("lockbench_up and on (fault) lockbench_fault_active", "", "lockbench_up has no label fault"),
        ("label_values(lockbench_up, system)", "", "lockbench_up has no label system"),
        ("sum by (backend) (lockbench_up)", "{{workload}}", "{{workload}} is not in the result"),
        ("sum(lockbench_up)", "{{backend}}", "{{backend}} is not in the result"),
        ("sum(lockbench_up) by (backend)", "", "write `by (…)` before what it is about"),
        ("sum without (backend) (lockbench_up)", "", "`without` is not read here"),
    ] {
        assert_eq!(faults(expr, shown, &recorded), [wrong], "{expr}");
    }
    let fine = "histogram_quantile(0.99, sum by (backend, le) (rate(lockbench_hold_duration_seconds_bucket\
                {backend=~\"$backend\"}[$__rate_interval]))) or vector(0) unless on (backend) lockbench_up offset 2m";
    assert_eq!(faults(fine, "{{backend}} p99", &recorded), Vec::<String>::new());
}

/// What the endpoint offers, somebody looks at.
#[test]
fn every_family_is_shown_on_a_dashboard() {
    let mut shown = Labels::new();
    let mut expressions: Vec<String> =
        dashboards().iter().flat_map(|(file, dashboard)| queries(file, dashboard)).map(|query| query.expr).collect();
    expressions.extend(rules().into_iter().filter(|rule| rule.record.is_some()).map(|rule| rule.expr));
    for expr in expressions {
        shown.extend(selectors(&expr).unwrap().into_iter().map(|selector| selector.metric));
    }
    for family in FAMILIES.iter() {
        let seen = shown.iter().any(|metric| of_sample(metric).is_some_and(|of| of.name == family.name));
        assert!(seen, "{} is on no dashboard", family.name);
    }
}

/// Every histogram is asked for as native and as classic: a Prometheus stores one of them.
#[test]
fn histograms_are_asked_for_in_both_forms() {
    let recorded: Vec<(String, String)> =
        rules().into_iter().map(|rule| (rule.alert.or(rule.record).unwrap(), rule.expr)).collect();
    let mut panels_of = recorded;
    for (file, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            let targets = panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap());
            panels_of.push((format!("{file}: {}", panel["title"]), targets.collect::<Vec<_>>().join(" or ")));
        }
    }
    for (place, expr) in panels_of {
        let metrics: Labels = selectors(&expr).unwrap().into_iter().map(|selector| selector.metric).collect();
        for metric in &metrics {
            let Some(family) = of_sample(metric).filter(|family| family.kind == Kind::Histogram) else { continue };
            let classic = ["_bucket", "_count", "_sum"]
                .iter()
                .any(|suffix| metrics.contains(&format!("{}{suffix}", family.name)));
            assert!(classic && metrics.contains(family.name), "{place}: {} in one form only", family.name);
        }
    }
}

#[test]
fn every_alert_is_there_and_explained() {
    let alerts: Vec<_> = rules().into_iter().filter(|rule| rule.alert.is_some()).collect();
    let names: Labels = alerts.iter().map(|rule| rule.alert.clone().unwrap()).collect();
    let promised = [
        "LockbenchAcquireSlow",
        "LockbenchArrivalsDropped",
        "LockbenchAvailabilityLow",
        "LockbenchCanaryGone",
        "LockbenchCanaryIdle",
        "LockbenchCanaryLate",
        "LockbenchContentionHigh",
        "LockbenchDeadlock",
        "LockbenchDoubleGrant",
        "LockbenchFencingRejection",
        "LockbenchLostLease",
        "LockbenchLostUpdate",
        "LockbenchSystemDown",
        "LockbenchThresholdBroken",
        "LockbenchTimeouts",
        "LockbenchTokenRegression",
    ];
    assert_eq!(names, set(&promised));
    let guide = read("docs/monitoring.md");
    let tests: String = files("docker/prometheus/tests", ".yml").iter().map(|file| read(file)).collect();
    for alert in alerts {
        let name = alert.alert.unwrap();
        assert!(["critical", "warning"].contains(&alert.labels["severity"].as_str()), "{name}");
        for part in ["summary", "description"] {
            assert!(alert.annotations[part].len() > 20, "{name}: {part}");
        }
        assert_eq!(alert.annotations["runbook"], format!("docs/monitoring.md#{}", name.to_lowercase()));
        assert!(guide.contains(&format!("\n### {name}\n")), "docs/monitoring.md says nothing of {name}");
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "no test shows that {name} fires");
        // A double grant is told at once.
        assert!(name != "LockbenchDoubleGrant" || alert.held.is_none());
    }
}

/// Bounds of speed are a canary's: a benchmark breaks them on purpose.
#[test]
fn bounds_of_speed_hold_for_canaries_only() {
    for (name, bound) in [
        ("LockbenchAcquireSlow", "p99_5m > 0.05"),
        ("LockbenchContentionHigh", "> 0.2"),
        ("LockbenchTimeouts", "> 0.001"),
        ("LockbenchAvailabilityLow", "< 0.99"),
        ("LockbenchCanaryLate", "> 0.01"),
    ] {
        let rule = rules().into_iter().find(|rule| rule.alert.as_deref() == Some(name)).unwrap();
        let squeezed = rule.expr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(bound) && squeezed.contains("lockbench_run_info{mode=\"monitor\"}"), "{squeezed}");
    }
}

#[test]
fn dashboards_are_whole() {
    let mut uids = Labels::new();
    for (file, dashboard) in dashboards() {
        let uid = dashboard["uid"].as_str().unwrap();
        assert!(uids.insert(uid.to_owned()) && uid.len() <= 40 && uid.starts_with("lockbench-"), "{file}: {uid}");
        for key in ["title", "description", "timezone", "refresh"] {
            assert!(dashboard[key].as_str().is_some_and(|text| !text.is_empty()), "{file}: {key}");
        }
        assert_eq!(dashboard["links"][0]["tags"], dashboard["tags"], "{file}: links to the others go by tag");
        let variables: Vec<&Value> = dashboard["templating"]["list"].as_array().unwrap().iter().collect();
        let names: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["datasource", "backend", "workload"], "{file}");
        let annotations = dashboard["annotations"]["list"].as_array().unwrap();
        let shows = |name: &str| annotations.iter().any(|one| one["name"] == name && one["enable"] == true);
        assert!(shows("Faults") && shows("Double grants"), "{file}: {annotations:?}");
        assert_panels(&file, &dashboard);
    }
    assert_eq!(uids, set(&["lockbench-overview", "lockbench-latency", "lockbench-safety"]));
}

fn assert_panels(file: &str, dashboard: &Value) {
    let mut ids = BTreeSet::new();
    let mut taken: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let place = format!("{file}: {}", panel["title"]);
        let id = panel["id"].as_u64().unwrap();
        assert!(ids.insert(id), "{place}: its id is taken");
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{place} is too wide");
        for cell in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert_eq!(taken.insert(cell, id), None, "{place} lies over another");
        }
        assert!(!panel["title"].as_str().unwrap().is_empty(), "{place}");
    }
    for panel in panels(dashboard) {
        let place = format!("{file}: {}", panel["title"]);
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 15), "{place}: what does it show?");
        // A table has a unit a column.
        let united = panel["fieldConfig"]["defaults"]["unit"].is_string();
        assert!(united || panel["type"] == "table", "{place}: no unit");
        let targets = panel["targets"].as_array().unwrap();
        for asked in std::iter::once(panel).chain(targets).map(|one| &one["datasource"]) {
            assert_eq!(asked["uid"], "${datasource}", "{place}");
        }
        let refs: BTreeSet<String> = targets.iter().map(|target| target["refId"].to_string()).collect();
        assert_eq!(refs.len(), targets.len(), "{place}: two queries of one name");
    }
}

/// Colours by system, the same in every panel of every dashboard.
#[test]
fn a_system_has_one_colour_everywhere() {
    let mut colours: BTreeMap<String, String> = BTreeMap::new();
    for (file, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            for one in panel["fieldConfig"]["overrides"].as_array().unwrap() {
                let colour = one["properties"].as_array().unwrap().iter().find(|property| property["id"] == "color");
                let Some(colour) = colour else { continue };
                let (matcher, colour) =
                    (one["matcher"]["options"].to_string(), colour["value"]["fixedColor"].to_string());
                let before = colours.insert(matcher.clone(), colour.clone()).unwrap_or_else(|| colour.clone());
                assert_eq!(before, colour, "{file}: {} {matcher}", panel["title"]);
            }
        }
    }
    let distinct: BTreeSet<&String> = colours.values().collect();
    assert!(colours.len() >= 8 && distinct.len() == colours.len(), "{colours:?}");
}

/// What Grafana and Prometheus are told to read is where compose puts it.
#[test]
fn provisioned_paths_are_those_of_the_compose_file() {
    let source = &yaml("docker/grafana/provisioning/datasources/prometheus.yml")["datasources"][0];
    assert_eq!(source["uid"], "lockbench-prometheus");
    assert_eq!(source["url"], "http://prometheus:9090");
    let scraped = yaml("docker/prometheus/prometheus.yml");
    assert_eq!(source["jsonData"]["timeInterval"], scraped["global"]["scrape_interval"]);
    for (file, dashboard) in dashboards() {
        let chosen = &dashboard["templating"]["list"][0]["current"]["value"];
        assert_eq!(chosen, &source["uid"], "{file}");
    }
    let provider = &yaml("docker/grafana/provisioning/dashboards/lockbench.yml")["providers"][0];
    let folder = provider["options"]["path"].as_str().unwrap();
    let compose = yaml("docker/compose.yaml");
    let mounts = |service: &str| compose["services"][service]["volumes"].to_string();
    for mount in ["./grafana/provisioning:/etc/grafana/provisioning:ro", &format!("./grafana/dashboards:{folder}:ro")] {
        assert!(mounts("grafana").contains(mount), "{}", mounts("grafana"));
    }
    for mount in
        ["./prometheus/prometheus.yml:/etc/prometheus/prometheus.yml:ro", "./prometheus/rules:/etc/prometheus/rules:ro"]
    {
        assert!(mounts("prometheus").contains(mount), "{}", mounts("prometheus"));
    }
    let command = compose["services"]["prometheus"]["command"].to_string();
    for flag in ["--config.file=/etc/prometheus/prometheus.yml", "--enable-feature=native-histograms"] {
        assert!(command.contains(flag), "{command}");
    }
}

/// From 3.9 on the flag that asks for native histograms does nothing.
#[test]
fn the_pinned_prometheus_heeds_the_flag_for_native_histograms() {
    let pins = read("docker/.env");
    let pin = pins.lines().find_map(|line| line.strip_prefix("PROMETHEUS_IMAGE=")).unwrap();
    let version: Vec<u32> = pin.rsplit_once(":v").unwrap().1.split('.').map(|number| number.parse().unwrap()).collect();
    assert!((2, 40) <= (version[0], version[1]) && (version[0], version[1]) < (3, 9), "{pin}");
}

/// Runs promtool in `docker/prometheus`; `false`, visibly, where there is none.
fn promtool(arguments: &[&str], files: &[String]) -> bool {
    let names = files.iter().map(|file| file.strip_prefix("docker/prometheus/").unwrap());
    let ran = Command::new("promtool").args(arguments).args(names).current_dir(path("docker/prometheus")).output();
    let Ok(output) = ran else {
        support::skip("promtool is not installed; install prometheus");
        return false;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
    true
}

#[test]
fn promtool_accepts_the_configuration_and_the_rules() {
    let rules = files("docker/prometheus/rules", ".yml");
    if promtool(&["check", "config"], &["docker/prometheus/prometheus.yml".to_owned()]) {
        promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &rules);
    }
}

#[test]
fn promtool_sees_each_alert_fire_when_it_should_and_only_then() {
    promtool(&["test", "rules"], &files("docker/prometheus/tests", ".yml"));
}

/// Compares what stands between the marks of that name in docs/monitoring.md, or writes it.
fn assert_listed(name: &str, expected: &str) {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let guide = read("docs/monitoring.md");
    let (before, rest) = guide.split_once(&begin).unwrap();
    let (shown, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("LOCKBENCH_BLESS").is_some() {
        std::fs::write(path("docs/monitoring.md"), format!("{before}{begin}{expected}{end}{after}")).unwrap();
    } else {
        assert_eq!(shown, expected, "LOCKBENCH_BLESS=1 rewrites it");
    }
}

#[test]
fn the_lists_of_the_guide_are_those_of_the_program_and_the_rules() {
    let mut metrics = "| metric | kind | labels | what it is |\n|---|---|---|---|\n".to_owned();
    for family in FAMILIES.iter() {
        let (suffix, kind) = match family.kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Gauge => ("", "gauge"),
            Kind::Info => ("_info", "info"),
            Kind::Histogram => ("", "histogram"),
        };
        let labels = family.labels.join("`, `");
        let _ = writeln!(metrics, "| `{}{suffix}` | {kind} | `{labels}` | {} |", family.name, family.help);
    }
    assert_listed("metrics", &metrics);
    let mut alerts = "| alert | severity | after | what it says |\n|---|---|---|---|\n".to_owned();
    for rule in rules() {
        let Some(name) = rule.alert else { continue };
        let mut summary = rule.annotations["summary"].clone();
        for (template, word) in [
            ("{{ $labels.backend }}", "the system"),
            ("{{ $labels.instance }}", "an address"),
            ("{{ $labels.threshold }}", "a bound"),
            ("{{ $value | humanizeDuration }}", "…"),
            ("{{ $value | humanizePercentage }}", "…"),
        ] {
            summary = summary.replace(template, word);
        }
        assert!(!summary.contains("{{"), "{name}: {summary}");
        let held = rule.held.unwrap_or_else(|| "at once".to_owned());
        let severity = &rule.labels["severity"];
        let _ = writeln!(alerts, "| [`{name}`](#{}) | {severity} | {held} | {summary} |", name.to_lowercase());
    }
    assert_listed("alerts", &alerts);
}

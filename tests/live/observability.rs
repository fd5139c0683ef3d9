//! A real Prometheus scrapes figures and answers every query that the dashboards and
//! the rules ask, once with native histograms and once with classic buckets.

use crate::support;
use crate::support::prometheus;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use lockbench::metrics::{FAMILIES, Family, Kind};
use prometheus_client::encoding::prometheus_protobuf;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Series;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::support::prometheus::{Prometheus, filled};
use crate::support::provisioned::{dashboards, panels, queries, rules};

type Labels = Vec<(String, String)>;

/// Values that a label takes in the figures below.
fn values(label: &str) -> &'static [&'static str] {
    match label {
        "backend" => &["redis", "postgres:advisory"],
        "workload" => &["canary"],
        "outcome" => &["granted", "refused", "timed_out", "unavailable", "unknown", "dropped", "missed"],
        // Of a latency, and of a double grant.
        "kind" => &["service", "response", "inside", "withdrawn", "outside"],
        "fault" => &["pause"],
        "threshold" => &["acquire_response.p99 < 50ms"],
        "mode" => &["monitor"],
        "version" => &["0.1.0"],
        "run_id" => &["r1"],
        other => panic!("which values has the label {other}?"),
    }
}

/// Every combination of labels of a family.
fn combinations(family: &Family) -> Vec<Labels> {
    family.labels.iter().fold(vec![Labels::new()], |made, label| {
        let with = |known: &Labels, value: &str| {
            known.iter().cloned().chain([((*label).to_owned(), value.to_owned())]).collect::<Labels>()
        };
        made.iter().flat_map(|known| values(label).iter().map(move |value| with(known, value))).collect()
    })
}

/// All families with figures that grow with each scrape. Not a run: one that has double
/// grants, lost leases, faults, timeouts and slow answers at the same time is hard to get.
struct Figures {
    registry: Registry,
    grow: Vec<Box<dyn Fn() + Send>>,
}

impl Figures {
    fn new() -> Self {
        let (mut registry, mut grow) = (Registry::default(), Vec::<Box<dyn Fn() + Send>>::new());
        for family in FAMILIES.iter() {
            let all = combinations(family);
            match family.kind {
                Kind::Info => registry.register(family.name, family.help, Info::new(all[0].clone())),
                Kind::Gauge => {
                    let series = Series::<Labels, Gauge>::default();
                    for labels in &all {
                        series.get_or_create(labels).set(i64::from(family.name != "lockbench_threshold_ok"));
                    }
                    registry.register(family.name, family.help, series);
                }
                Kind::Counter => {
                    let series = Series::<Labels, Counter>::default();
                    registry.register(family.name, family.help, series.clone());
                    grow.push(Box::new(move || {
                        all.iter().for_each(|labels| {
                            series.get_or_create(labels).inc();
                        })
                    }));
                }
                Kind::Histogram => {
                    let both = || {
                        Histogram::new_classic_and_native(
                            [0.001, 0.01, 0.05, 0.1, 1.0],
                            NativeHistogramConfig::with_schema(3),
                        )
                    };
                    let series = Series::<Labels, Histogram, fn() -> Histogram>::new_with_constructor(both);
                    registry.register(family.name, family.help, series.clone());
                    grow.push(Box::new(move || {
                        for labels in &all {
                            [0.0005, 0.004, 0.02, 0.07]
                                .iter()
                                .for_each(|seconds| series.get_or_create(labels).observe(*seconds));
                        }
                    }));
                }
            }
        }
        Self { registry, grow }
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut accepts_protobuf = false;
        for line in BufReader::new(stream.try_clone().unwrap()).lines() {
            match line {
                Ok(line) if line.is_empty() => break,
                Ok(line) => accepts_protobuf |= line.contains("application/vnd.google.protobuf"),
                Err(_) => return,
            }
        }
        self.grow.iter().for_each(|grow| grow());
        let (kind, body) = if accepts_protobuf {
            let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
            (kind, prometheus_protobuf::encode_to_vec(&self.registry).unwrap())
        } else {
            let mut body = String::new();
            text::encode(&mut body, &self.registry).unwrap();
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", body.into_bytes())
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    }
}

/// Serves figures until the test process ends.
fn source() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let figures = Figures::new();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| figures.answer(stream)));
    address
}

fn has_result(server: &Prometheus, expr: &str) -> bool {
    let result = server.query(&filled(expr)).unwrap_or_else(|error| panic!("{error}: {expr}"));
    // NaN is no answer: a percentile of nothing.
    let number = |one: &serde_json::Value| one["histogram"].is_array() || one["value"][1] != "NaN";
    result.as_array().is_some_and(|all| all.iter().any(number))
}

/// Every query of dashboards and recording rules has a result, every other no error.
fn assert_answers(server: &Prometheus) {
    for (file, dashboard) in dashboards() {
        // A heat map asks for native and classic by two queries; the others by one.
        for panel in panels(&dashboard) {
            let targets: Vec<&str> =
                panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap()).collect();
            let either = panel["type"] == "heatmap";
            let answered = |server: &Prometheus| {
                let mut results = targets.iter().map(|expr| has_result(server, expr));
                if either { results.filter(|has| *has).count() == 1 } else { results.all(|has| has) }
            };
            server.eventually(&format!("{file}: {} has data: {targets:?}", panel["title"]), answered);
        }
        for query in queries(&file, &dashboard) {
            match query.expr.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')) {
                None => drop(has_result(server, &query.expr)),
                Some(inner) => {
                    let (selector, label) = inner.rsplit_once(',').unwrap();
                    let grouped = format!("count by ({}) ({selector})", label.trim());
                    assert!(has_result(server, &grouped), "{}", query.place);
                }
            }
        }
        for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
            let expr = annotation["expr"].as_str().unwrap();
            server.eventually(&format!("{file}: annotation {}", annotation["name"]), |server| has_result(server, expr));
        }
    }
    for rule in rules() {
        if let Some(record) = rule.record {
            server.eventually(&record, |server| has_result(server, &record));
        }
        has_result(server, &rule.expr);
    }
}

/// The figures are the ones that were served: of each four samples, 0.5 ms, 4 ms, 20 ms
/// and 70 ms, and of each kind of attempt one a scrape.
fn assert_figures(server: &Prometheus) {
    for (file, title, range) in [
        ("overview", "Acquire, p50 and p99 of service time", 0.05..0.1),
        ("latency", "Hold, p50 and p99", 0.05..0.1),
        ("latency", "Response time, p50", 0.001..0.011),
        ("latency", "Grants slower than 50 ms", 0.249..0.251),
        ("overview", "Contention", 0.999..1.001),
    ] {
        let (_, dashboard) = dashboards().into_iter().find(|(name, _)| name.contains(file)).unwrap();
        let panel = panels(&dashboard).into_iter().find(|panel| panel["title"] == title).unwrap();
        let result = server.query(&filled(panel["targets"][0]["expr"].as_str().unwrap())).unwrap();
        let systems = result.as_array().unwrap();
        assert_eq!(systems.len(), values("backend").len(), "{title}: {result}");
        for system in systems {
            let value: f64 = system["value"][1].as_str().unwrap().parse().unwrap();
            assert!(range.contains(&value), "{title}: {value} is not in {range:?}");
        }
    }
}

/// What a person would read in an alert: no template is left, none failed.
fn assert_texts_of_alerts(server: &Prometheus) {
    server.eventually("a double grant fires", |server| {
        let alerts = server.api("alerts")["data"]["alerts"].clone();
        alerts
            .as_array()
            .unwrap()
            .iter()
            .any(|alert| alert["labels"]["alertname"] == "LockbenchDoubleGrant" && alert["state"] == "firing")
    });
    let alerts = server.api("alerts")["data"]["alerts"].clone();
    for alert in alerts.as_array().unwrap() {
        let texts = alert["annotations"].to_string();
        assert!(!["{{", "<error", "<no value>"].iter().any(|bad| texts.contains(bad)), "{alert}");
    }
    for group in server.api("rules")["data"]["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            assert_eq!(rule["lastError"].as_str().unwrap_or_default(), "", "{}", rule["name"]);
        }
    }
}

fn check(features: &[&str]) {
    if !support::live("no Prometheus was started") {
        return;
    }
    let Some(server) = prometheus::start(source(), features) else {
        support::skip("prometheus is not installed");
        return;
    };
    server.eventually("figures are scraped", |server| has_result(server, "lockbench_grants_total"));
    let native = !features.is_empty();
    assert_eq!(has_result(&server, "lockbench_hold_duration_seconds"), native);
    assert_eq!(has_result(&server, "lockbench_hold_duration_seconds_bucket"), !native);
    assert_answers(&server);
    assert_figures(&server);
    assert_texts_of_alerts(&server);
}

#[test]
fn every_query_is_answered_from_classic_buckets() {
    check(&[]);
}

#[test]
fn every_query_is_answered_from_native_histograms() {
    check(&["native-histograms"]);
}

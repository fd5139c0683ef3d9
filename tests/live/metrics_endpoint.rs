//! The metrics endpoint as a scraper and a person meet it.

use crate::support;
use crate::support::cli;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Running};
use crate::support::http::{Answer, ask, get};
use lockbench::metrics::{FAMILIES, Kind, of_sample};
use rustix::process::Signal;
use serde_json::Value;

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0";
const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
const LIMIT: Duration = Duration::from_secs(60);

/// A run on the fastest systems with an endpoint that stays until it is interrupted.
fn arguments<'a>(workload: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["run", workload, "--ui", "none", "--run-id", "mine"];
    arguments.extend(["--metrics", "127.0.0.1:0", "--metrics-linger", "10m", "--set", "warmup=100ms"]);
    arguments.extend(more);
    arguments
}

/// Starts a run; returns it and where its endpoint is.
fn started(place: &Place, more: &[&str]) -> (Running, String) {
    let workload = Place::shipped("hot-key.toml");
    let mut running = Running::start(&mut place.command(&arguments(&workload, more)));
    running.until("/metrics\n");
    let said = running.said();
    let (_, rest) = said.split_once("metrics at http://").unwrap();
    let address = rest.split_once('/').unwrap().0.to_owned();
    (running, address)
}

/// Waits until everything is measured and stored; then ends the wait for a last scrape.
fn ended(mut running: Running, code: i32, at_the_end: impl FnOnce()) -> cli::Ran {
    running.until("the run is over; its metrics stay");
    at_the_end();
    running.signal(Signal::INT);
    let ran = running.finish(LIMIT).exits(code);
    assert!(!ran.err.contains("releasing locks"), "there is nothing left to release:\n{}", ran.err);
    ran
}

fn scraped(address: &str, accept: &str) -> Answer {
    let answer = get(address, "/metrics", accept).unwrap();
    assert_eq!(answer.status, 200);
    answer
}

/// A sample: its name, its labels, its value.
type Sample = (String, BTreeMap<String, String>, f64);

/// Of text whose labels have no quotes inside.
fn samples(text: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap();
            let labels = labels.trim_end_matches("\"}").split("\",").map(|label| label.split_once("=\"").unwrap());
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            (name.to_owned(), labels, value.parse().unwrap())
        })
        .collect()
}

fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let is = |sample: &&Sample| sample.0 == name && labels.iter().all(|(name, value)| sample.1[*name] == *value);
    let found: Vec<f64> = samples.iter().filter(is).map(|sample| sample.2).collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
    found[0]
}

#[test]
fn a_fault_of_a_client_is_active_while_it_lasts() {
    let place = Place::new();
    let plan = "clients = 2\nkeys = \"single\"\nhold = \"50ms\"\nttl = \"5s\"\nduration = \"5s\"\n\
        acquire = { mode = \"wait\", timeout = \"8s\" }\n[[faults]]\nkind = \"client-pause\"\n\
        when = \"holder-in-critical-section\"\nat = \"500ms\"\nfor = \"2s\"\n";
    place.file("w.toml", plan);
    let mut running = Running::start(&mut place.command(&arguments("w.toml", &["-b", "memory"])));
    running.until("/metrics\n");
    let said = running.said();
    let address = said.split_once("metrics at http://").unwrap().1.split_once('/').unwrap().0.to_owned();
    let active = || {
        let text = String::from_utf8(scraped(&address, OPENMETRICS).body).unwrap();
        let samples = samples(&text);
        samples.iter().find(|sample| sample.0 == "lockbench_fault_active").map(|sample| (sample.2, sample.1.clone()))
    };
    let limit = Instant::now() + LIMIT;
    let mut was_active = false;
    while !was_active && Instant::now() < limit {
        was_active = active().is_some_and(|(value, _)| value == 1.0);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(was_active, "it never was 1: {:?}", active());
    ended(running, 0, || assert!(active().is_none_or(|(value, _)| value == 0.0), "{:?}", active()));
}

/// Every counter and every count of a bucket by its series.
fn growing(samples: &[Sample]) -> BTreeMap<String, f64> {
    let grows = |name: &str| ["_total", "_bucket", "_count", "_sum"].iter().any(|suffix| name.ends_with(suffix));
    samples
        .iter()
        .filter(|sample| grows(&sample.0))
        .map(|(name, labels, v)| (format!("{name} {labels:?}"), *v))
        .collect()
}

/// Sums of a count over the results of a backend.
fn sum(report: &Value, backend: &str, of: impl Fn(&Value) -> &Value) -> f64 {
    let results = report["results"].as_array().unwrap().iter().filter(|result| result["backend"] == backend);
    results.map(|result| of(result).as_f64().unwrap()).sum()
}

#[test]
fn a_run_is_scraped_while_it_runs_and_its_last_figures_are_those_of_the_report() {
    let place = Place::new();
    let threshold = "double_grants == 0";
    let more = ["-b", "memory,control:no-lock", "--trials", "2", "--set", "duration=1500ms", "--threshold", threshold];
    let (running, address) = started(&place, &more);
    let (mut before, mut scrapes) = (BTreeMap::new(), 0);
    while !running.said().contains("the run is over") {
        let now = growing(&samples(&scraped(&address, "*/*").text()));
        for (series, old) in &before {
            assert!(now.get(series).is_some_and(|new| new >= old), "{series} was {old}, is {:?}", now.get(series));
        }
        (before, scrapes) = (now, scrapes + 1);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(scrapes > 10 && before.len() > 100, "{scrapes} scrapes");
    let mut last = String::new();
    ended(running, 100, || last = scraped(&address, "*/*").text());
    let (last, report) = (samples(&last), place.report());
    for backend in ["memory", "control:no-lock"] {
        let labels = [("backend", backend), ("workload", "hot-key")];
        let total = |name: &str| value(&last, &format!("lockbench_{name}_total"), &labels);
        for (name, field) in
            [("attempts", "attempts"), ("grants", "grants"), ("refusals", "refused"), ("timeouts", "timed_out")]
        {
            assert_eq!(total(name), sum(&report, backend, |result| &result[field]), "{backend} {name}");
        }
        let failures =
            sum(&report, backend, |result| &result["unavailable"]) + sum(&report, backend, |result| &result["unknown"]);
        assert_eq!(total("failures"), failures);
        for (name, field) in [
            ("double_grants", "double_grants_certain"),
            ("token_regressions", "token_regressions"),
            ("fencing_rejections", "stale_writes_refused"),
            ("lost_leases", "lost_leases"),
        ] {
            assert_eq!(total(name), sum(&report, backend, |result| &result["safety"][field]), "{backend} {name}");
        }
        assert_eq!(total("lost_updates"), sum(&report, backend, |result| &result["safety"]["harm"]["lost_updates"]));
        for (family, latency) in [("hold", "hold"), ("release", "release"), ("handoff", "handoff"), ("renew", "renew")]
        {
            let count = value(&last, &format!("lockbench_{family}_duration_seconds_count"), &labels);
            assert_eq!(
                count,
                sum(&report, backend, |result| &result["latency"][latency]["count"]),
                "{backend} {family}"
            );
        }
        for kind in ["service", "response"] {
            let labels = [labels[0], ("outcome", "granted"), ("kind", kind)];
            let count = value(&last, "lockbench_acquire_duration_seconds_count", &labels);
            assert_eq!(count, total("grants"), "{backend} {kind}");
        }
        let found = sum(&report, backend, |result| &result["found_held_ratio"]);
        assert!(total("found_held_attempts") > 0.0 && found > 0.0, "{backend}");
        // What has no lock grants every first request.
        let waited = sum(&report, backend, |result| &result["waited_ratio"]);
        assert_eq!((total("contended_attempts") > 0.0, waited > 0.0), (backend == "memory", backend == "memory"));
        let kept = value(&last, "lockbench_threshold_ok", &[labels[0], ("threshold", threshold)]);
        assert_eq!(kept, if backend == "memory" { 1.0 } else { 0.0 });
    }
    assert!(last.iter().all(|sample| sample.0 != "lockbench_up"), "nobody asks the systems any more");
}

#[test]
fn every_family_that_can_has_samples_and_exactly_its_labels() {
    let place = Place::new();
    // Tries on a hot key are refused, so that there are outcomes besides grants.
    let more =
        ["-b", "memory", "--set", "duration=20s", "--set", "acquire=try", "--threshold", "grants > 0", "--trials", "2"];
    let (running, address) = started(&place, &more);
    let begin = Instant::now();
    let now = loop {
        let now = samples(&scraped(&address, "*/*").text());
        if now.iter().any(|sample| sample.0 == "lockbench_refusals_total" && sample.2 > 0.0) {
            break now;
        }
        assert!(begin.elapsed() < LIMIT, "no refusal was ever told");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(value(&now, "lockbench_up", &[("backend", "memory")]), 1.0);
    assert_eq!(value(&now, "lockbench_run_info", &[("run_id", "mine"), ("mode", "run"), ("workload", "hot-key")]), 1.0);
    let refused =
        value(&now, "lockbench_acquire_duration_seconds_count", &[("outcome", "refused"), ("kind", "service")]);
    assert_eq!(refused, value(&now, "lockbench_refusals_total", &[]));
    let mut seen = BTreeSet::new();
    for (name, labels, _) in &now {
        let family = of_sample(name).unwrap_or_else(|| panic!("{name} is in no family"));
        let mut told: Vec<&str> = labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
        let mut wanted = family.labels.to_vec();
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{name}");
        seen.insert(family.name);
    }
    let silent: Vec<&str> = FAMILIES.iter().map(|family| family.name).filter(|name| !seen.contains(name)).collect();
    // No fault is injected, nothing is due at a fixed instant in a closed loop, and no trial is over.
    let arrivals = ["dropped", "missed", "stalled"].map(|what| format!("lockbench_{what}_arrivals"));
    let wanted = arrivals.into_iter().chain(["lockbench_fault_active", "lockbench_threshold_ok"].map(str::to_owned));
    assert_eq!(silent, wanted.collect::<Vec<_>>());
    // Interrupted, nobody waits for another scrape.
    running.signal(Signal::INT);
    let ran = running.finish(LIMIT).exits(130);
    assert!(!ran.err.contains("metrics stay"), "{}", ran.err);
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for_and_a_person_a_hint() {
    let place = Place::new();
    let (running, address) = started(&place, &["-b", "memory", "--set", "duration=200ms"]);
    ended(running, 0, || {
        let plain = scraped(&address, "text/html,*/*;q=0.8");
        assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert!(plain.text().contains("\n# TYPE lockbench_grants_total counter\n"));
        let open = scraped(&address, OPENMETRICS);
        assert_eq!(open.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert!(open.text().contains("\n# TYPE lockbench_grants counter\n") && open.text().ends_with("\n# EOF\n"));
        let native = scraped(&address, PROTOBUF);
        assert!(native.header("content-type").starts_with("application/vnd.google.protobuf; proto="));
        assert!(native.body.len() > 1_000 && String::from_utf8(native.body).is_err());
        assert_eq!(plain.header("cache-control"), "no-store");
        let about = get(&address, "/", "*/*").unwrap();
        assert!(about.status == 200 && about.text().contains("href=\"/metrics\""), "{}", about.text());
        assert_eq!(get(&address, "/-/healthy", "*/*").unwrap().status, 200);
        let none = get(&address, "/metrcis", "*/*").unwrap();
        assert!(none.status == 404 && none.text().contains("/metrics"), "{}", none.text());
        let head = ask(&address, "HEAD", "/metrics", "*/*").unwrap();
        assert!(head.status == 200 && head.body.is_empty());
        let post = ask(&address, "POST", "/metrics", "*/*").unwrap();
        assert_eq!((post.status, post.header("allow")), (405, "GET,HEAD"));
        assert!(get(&address, "/metrics", &"x,".repeat(5_000)).unwrap().status < 500);
    });
    let log = std::fs::read_to_string(place.only_run().join("run.log")).unwrap();
    assert!(log.contains(&format!("metrics at http://{address}/metrics\n")), "{log}");
    assert!(log.contains("metrics took ") && log.contains(" to answer 0 scrapes"), "{log}");
    assert!(get(&address, "/metrics", "*/*").is_none(), "it ends with the program");
}

#[test]
fn promtool_has_nothing_to_say_against_the_text() {
    let mut tool = Command::new("promtool");
    tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = tool.spawn() else {
        support::skip("promtool was not found; install it with `apt-get install prometheus`");
        return;
    };
    let place = Place::new();
    let more = ["-b", "memory", "--set", "duration=300ms", "--threshold", "acquire_service.p50 < 1h"];
    let (running, address) = started(&place, &more);
    let mut text = String::new();
    ended(running, 0, || text = scraped(&address, "text/plain").text());
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = child.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert!(checked.status.success() && said.is_empty(), "{said}");
}

#[test]
fn one_endpoint_lasts_over_all_points_of_a_sweep() {
    let place = Place::new();
    let (running, address) = started(&place, &["-b", "memory", "--set", "duration=300ms", "--sweep", "clients=2,4"]);
    let mut last = String::new();
    ended(running, 0, || last = scraped(&address, "*/*").text());
    let last = samples(&last);
    let grants = |point: &str| {
        let report = std::fs::read(place.results().join(point).join("report.json")).unwrap();
        sum(&serde_json::from_slice(&report).unwrap(), "memory", |result| &result["grants"])
    };
    let total = value(&last, "lockbench_grants_total", &[("backend", "memory")]);
    assert_eq!(total, grants("mine-clients-2") + grants("mine-clients-4"));
    value(&last, "lockbench_run_info", &[("run_id", "mine-clients-4")]);
}

#[test]
fn a_port_that_is_taken_is_told_before_anything_runs() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let workload = Place::shipped("hot-key.toml");
    let ran = place.run(&["run", &workload, "-b", "memory", "--metrics", &address]).exits(3).in_one_message();
    ran.complains(&[&address, "another program listens there already; take another port"]);
    assert!(place.entries().is_empty(), "{:?}", place.entries());
}

#[test]
fn what_is_no_address_is_a_mistake() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let ran = place.run(&["run", &workload, "-b", "memory", "--metrics", "9464"]).exits(2).in_one_message();
    ran.complains(&["--metrics 9464", "write ADDRESS:PORT, as in 127.0.0.1:9464"]);
    let ran = place.run(&["run", &workload, "--metrics-linger", "1s"]).exits(2);
    ran.complains(&["--metrics <ADDRESS:PORT>"]);
    let ran = place.run(&["run", &workload, "--metrics", "127.0.0.1:0", "--metrics-linger", "30"]).exits(2);
    ran.complains(&["has no unit"]);
    assert!(place.entries().is_empty(), "{:?}", place.entries());
}

#[test]
fn the_stored_metrics_speak_the_same_language() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    place.run(&["run", &workload, "-b", "memory", "--set", "duration=200ms", "--set", "warmup=0s"]).exits(0);
    let text = std::fs::read_to_string(place.only_run().join("metrics.om")).unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let types: BTreeMap<&str, &str> = types.collect();
    let stored = samples(&text.lines().filter(|line| line.contains('{')).collect::<Vec<_>>().join("\n"));
    let mut shared = 0;
    for family in FAMILIES.iter() {
        let Some(kind) = types.get(family.name) else { continue };
        shared += 1;
        let word = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Info => "info",
            Kind::Histogram => "histogram",
        };
        assert_eq!(*kind, word, "{}", family.name);
        for (name, labels, _) in
            stored.iter().filter(|sample| of_sample(&sample.0).is_some_and(|of| of.name == family.name))
        {
            let told: BTreeSet<&str> = labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
            let mut wanted: BTreeSet<&str> = family.labels.iter().copied().collect();
            if family.kind == Kind::Info {
                wanted.insert("schema_version");
            }
            assert_eq!(told, wanted, "{name}");
        }
    }
    assert!(shared > 14, "{types:?}");
}

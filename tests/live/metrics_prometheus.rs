//! A real Prometheus scrapes a run: what it answers is what the report says.

use crate::support;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Running};
use crate::support::http::{encoded, get};
use rustix::process::Signal;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// Ends with the value, whatever happens.
struct Prometheus {
    child: Child,
    address: String,
    log: std::path::PathBuf,
}

impl Prometheus {
    /// One that scrapes `target` each second; `None` where it is not installed.
    fn start(directory: &Path, target: &str, features: &[&str]) -> Option<Self> {
        fs::create_dir_all(directory).unwrap();
        let config = directory.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs: [{{job_name: lockbench, static_configs: [{{targets: [\"{target}\"]}}]}}]\n"
        );
        fs::write(&config, text).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (address, log) = (format!("127.0.0.1:{port}"), directory.join("log"));
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(features)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn();
        let Ok(child) = child else {
            support::skip("prometheus was not found; install it with `apt-get install prometheus`");
            return None;
        };
        let prometheus = Self { child, address, log };
        prometheus
            .until("it is ready", || get(&prometheus.address, "/-/ready", "*/*").filter(|answer| answer.status == 200));
        Some(prometheus)
    }

    /// The only value that a query has, if it has one.
    fn query(&self, query: &str) -> Option<f64> {
        let path = format!("/api/v1/query?query={}", encoded(query));
        let answer = get(&self.address, &path, "application/json")?;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let result = answer["data"]["result"].as_array().unwrap();
        assert!(result.len() < 2, "{query}: {answer}");
        result.first()?["value"][1].as_str().unwrap().parse().ok()
    }

    fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            assert!(begin.elapsed() < LIMIT, "never: {what}\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs redis on a hot key under the eyes of a Prometheus; hands both the ended run's
/// report and the Prometheus to `check`, then ends everything.
fn watched(features: &[&str], check: impl FnOnce(&Prometheus, &Value)) {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "redis", "--ui", "none", "--run-id", "mine", "--trials", "2"];
    let lengths = ["--set", "warmup=200ms", "--set", "duration=4s", "--set", "clients=8", "--set", "hold=100us"];
    let endpoint = ["--metrics", "127.0.0.1:0", "--metrics-linger", "10m"];
    let mut running = Running::start(&mut place.command(&[&arguments[..], &lengths, &endpoint].concat()));
    running.until("/metrics\n");
    let said = running.said();
    let target = said.split_once("http://").unwrap().1.split_once('/').unwrap().0.to_owned();
    let Some(prometheus) = Prometheus::start(&place.path().join("prometheus"), &target, features) else { return };
    prometheus.until("the run is seen", || prometheus.query("lockbench_run_info{run_id=\"mine\"} == 1"));
    running.until("the run is over; its metrics stay");
    let report = place.report();
    let attempts = sum(&report, |result| &result["attempts"]);
    prometheus.until("the last figures are seen", || {
        prometheus.query("lockbench_attempts_total").filter(|seen| *seen == attempts)
    });
    check(&prometheus, &report);
    running.signal(Signal::INT);
    running.finish(LIMIT).exits(0);
}

fn sum(report: &Value, of: impl Fn(&Value) -> &Value) -> f64 {
    report["results"].as_array().unwrap().iter().map(|result| of(result).as_f64().unwrap()).sum()
}

/// The figure of the merged trials in seconds.
fn reported(report: &Value, latency: &str, figure: &str) -> f64 {
    report["aggregates"][0]["latency"][latency][figure].as_f64().unwrap() / 1e9
}

fn counts_agree(prometheus: &Prometheus, report: &Value) {
    for (name, field) in [("grants", "grants"), ("refusals", "refused"), ("timeouts", "timed_out")] {
        let seen = prometheus.query(&format!("lockbench_{name}_total{{backend=\"redis\",workload=\"hot-key\"}}"));
        assert_eq!(seen, Some(sum(report, |result| &result[field])), "{name}");
    }
    let doubles = sum(report, |result| &result["safety"]["double_grants_certain"]);
    assert_eq!(prometheus.query("lockbench_double_grants_total"), Some(doubles));
}

#[test]
fn classic_buckets_give_the_percentiles_of_the_report() {
    watched(&[], |prometheus, report| {
        counts_agree(prometheus, report);
        for (kind, latency) in [("service", "acquire_service"), ("response", "acquire_response")] {
            let of = format!("{{outcome=\"granted\",kind=\"{kind}\"}}");
            let count = prometheus.query(&format!("lockbench_acquire_duration_seconds_count{of}"));
            assert_eq!(count, Some(sum(report, |result| &result["grants"])));
            for (quantile, figure) in [("0.5", "p50_ns"), ("0.99", "p99_ns")] {
                let query = format!("histogram_quantile({quantile}, lockbench_acquire_duration_seconds_bucket{of})");
                let (seen, told) = (prometheus.query(&query).unwrap(), reported(report, latency, figure));
                let bounds = lockbench::record::BUCKET_BOUNDS_NS.map(|ns| ns as f64 / 1e9);
                let above = bounds.iter().position(|bound| told <= bound * 1.001).unwrap();
                let below = if above == 0 { 0.0 } else { bounds[above - 1] };
                assert!(
                    below <= seen && seen <= bounds[above],
                    "{kind} {figure}: {seen} is not in the bucket of {told}"
                );
            }
            let mean = prometheus.query(&format!(
                "lockbench_acquire_duration_seconds_sum{of} / lockbench_acquire_duration_seconds_count{of}"
            ));
            let told = reported(report, latency, "mean_ns");
            assert!((mean.unwrap() / told - 1.0).abs() < 1e-6, "{mean:?} {told}");
        }
    });
}

#[test]
fn native_histograms_give_the_percentiles_of_the_report() {
    watched(&["--enable-feature=native-histograms"], |prometheus, report| {
        counts_agree(prometheus, report);
        let of = "lockbench_acquire_duration_seconds{outcome=\"granted\",kind=\"service\"}";
        assert_eq!(prometheus.query(&format!("histogram_count({of})")), Some(sum(report, |result| &result["grants"])));
        for (quantile, figure) in [("0.5", "p50_ns"), ("0.9", "p90_ns"), ("0.99", "p99_ns")] {
            let seen = prometheus.query(&format!("histogram_quantile({quantile}, {of})")).unwrap();
            let told = reported(report, "acquire_service", figure);
            // A bucket of schema 3 is 9 % wide, a slot of the report's histogram 0.1 %.
            let wide = 2_f64.powf(1.0 / 8.0) * 1.001;
            assert!(seen / told < wide && told / seen < wide, "{figure}: {seen} against {told}");
        }
    });
}

//! A real run is scraped by a real Prometheus, with the configuration that compose uses:
//! the dashboards show it, and the double grants of a planted bug fire the alert.

use crate::support;
use crate::support::prometheus;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::support::prometheus::{Prometheus, filled};
use crate::support::provisioned::{dashboards, panels};

/// What this run cannot show: it has no fencing, no renewal, no fixed rate, no refusals
/// and no faults, and what `lockbench_up` tells ends with it.
const WITHOUT: [&str; 9] = [
    "Availability of canaries",
    "Does it answer?",
    "Due and not attempted",
    "Faults",
    "Fencing rejections",
    "Renewal, p50 and p99",
    "Systems that answer",
    "Token regressions",
    "What is measured",
];

/// A run on a lock and on a planted bug; it is ended by its process id.
struct Run {
    child: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Run {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockbench"))
            .args(["run", "workloads/controls/no-lock.toml", "-b", "memory,control:no-lock", "--ui", "none"])
            .args(["--set", "duration=5s", "--threshold", "acquire_response.p99 < 10s"])
            .args(["--metrics", "127.0.0.1:0", "--metrics-linger", "10m"])
            .arg("--output")
            .arg(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let told = lines.by_ref().find(|line| line.contains("metrics at http://")).unwrap();
        // Somebody must read on, or the run waits for it.
        std::thread::spawn(move || lines.for_each(drop));
        let rest = told.split_once("http://").unwrap().1;
        let address = rest.split('/').next().unwrap().parse().unwrap();
        Self { child, address, _dir: dir }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shown(server: &Prometheus, expr: &str) -> bool {
    let result = server.query(&filled(expr)).unwrap_or_else(|error| panic!("{error}: {expr}"));
    result.as_array().is_some_and(|all| !all.is_empty())
}

fn check(features: &[&str]) {
    if !support::live("no Prometheus was started") {
        return;
    }
    let run = Run::start();
    let Some(server) = prometheus::start(run.address, features) else {
        support::skip("prometheus is not installed");
        return;
    };
    for (file, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            let title = panel["title"].as_str().unwrap();
            if WITHOUT.contains(&title) {
                continue;
            }
            let targets = panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap());
            let targets: Vec<&str> = targets.collect();
            server.eventually(&format!("{file}: {title} shows the run: {targets:?}"), |server| {
                targets.iter().any(|expr| shown(server, expr))
            });
        }
    }
    server.eventually("the double grants of the planted bug, and no others, fire", |server| {
        let firing = server.query("ALERTS{alertname=\"LockbenchDoubleGrant\", alertstate=\"firing\"}").unwrap();
        let systems: Vec<&str> =
            firing.as_array().unwrap().iter().map(|one| one["metric"]["backend"].as_str().unwrap()).collect();
        assert!(!systems.contains(&"memory"), "{firing}");
        systems == ["control:no-lock"]
    });
}

#[test]
fn dashboards_show_a_run_by_its_classic_buckets() {
    check(&[]);
}

#[test]
fn dashboards_show_a_run_by_its_native_histograms() {
    check(&["native-histograms"]);
}

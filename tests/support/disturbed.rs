//! Load for tests that disturb its servers, and what its clients see of that. It goes on
//! until its test has seen what it waited for, however slow the machine is.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::cli::{Place, Ran, Running};
use crate::support::http;

/// Many clients of one key, for longer than any test takes.
const DISTURBED: &str = "clients = 8\nkeys = \"single\"\nhold = \"2ms\"\nttl = \"5s\"\nrequest_timeout = \"1s\"\n\
    acquire = { mode = \"wait\", timeout = \"2s\" }\nwarmup = \"0s\"\nduration = \"1h\"\n";

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(240);

/// A time without grants that covers a whole row of the time series.
pub const SILENCE: Duration = Duration::from_millis(2_500);

/// A load on servers to which something is done.
pub struct Load {
    place: Place,
    running: Running,
    metrics: String,
}

/// What clients saw in one second of a run.
#[derive(Debug)]
pub struct Second {
    pub grants: u64,
    /// Timed out, unavailable or unknown.
    pub failed: u64,
}

impl Load {
    /// On the servers at these endpoints of a kind; `program` makes the command line. It
    /// was granted locks by then.
    pub fn on(program: impl FnOnce(&Place, &[&str]) -> Command, kind: &str, endpoints: &str, more: &[&str]) -> Self {
        let place = Place::new();
        place.file("w.toml", DISTURBED);
        let endpoint = format!("{kind}={endpoints}");
        let mut arguments = vec!["run", "w.toml", "-b", kind, "--endpoint", &endpoint, "--ui", "plain"];
        arguments.extend(["--metrics", "127.0.0.1:0"].iter().chain(more));
        let mut running = Running::start(&mut program(&place, &arguments));
        running.until("/metrics\n");
        let said = running.said();
        let (_, rest) = said.split_once("metrics at http://").unwrap();
        let metrics = rest.split_once('/').unwrap().0.to_owned();
        let load = Self { place, running, metrics };
        load.goes_on("at its start");
        load
    }

    /// The sum of these counters by now.
    fn count(&self, counters: &[&str]) -> u64 {
        let text = http::get(&self.metrics, "/metrics", "*/*").unwrap().text();
        let values = text.lines().filter_map(|line| line.split_once('{').zip(line.rsplit_once(' ')));
        let wanted = values.filter(|((name, _), _)| counters.contains(name));
        wanted.map(|(_, (_, value))| value.parse::<f64>().unwrap() as u64).sum()
    }

    /// Waits until these counters have grown by what happened from now on. They come about
    /// once a second: the first that is new may tell of what was before, so that it is the
    /// beginning.
    fn grows(&self, counters: &[&str], by: u64, when: &str) {
        let old = self.count(counters);
        let mut begin = None;
        let limit = Instant::now() + LIMIT;
        loop {
            let now = self.count(counters);
            if begin.is_some_and(|begin| now >= begin + by) {
                return;
            }
            if begin.is_none() && now > old {
                begin = Some(now);
            }
            assert!(Instant::now() < limit, "{counters:?} stay at {now}, were {old}, {when}");
            sleep(Duration::from_millis(100));
        }
    }

    /// Waits until locks are granted.
    pub fn goes_on(&self, when: &str) {
        self.grows(&["lockbench_grants_total"], 50, when);
    }

    /// Waits until attempts fail.
    pub fn fails(&self, when: &str) {
        self.grows(&["lockbench_timeouts_total", "lockbench_failures_total"], 1, when);
    }

    /// Waits for the end that its duration gives it, with this exit code; returns what it
    /// said and its report.
    pub fn ends_by_itself(self, exit: i32) -> (Ran, Value) {
        let ran = self.running.finish(LIMIT).exits(exit);
        let report = self.place.report();
        (ran, report)
    }

    /// Ends it with this exit code: nobody was ever granted what another held. Returns its
    /// seconds.
    pub fn end(self, exit: i32) -> Vec<Second> {
        self.running.signal(Signal::INT);
        self.running.finish(LIMIT).exits(exit);
        let safety = &self.place.report()["results"][0]["safety"];
        assert_eq!(safety["double_grants_certain"], 0, "{safety}");
        let text = std::fs::read_to_string(self.place.only_run().join("timeseries.csv")).unwrap();
        let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let column = |name: &str| names.iter().position(|column| *column == name).unwrap();
        let (grants, timed_out, failed) = (column("grants"), column("timed_out"), column("failed"));
        let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        rows.map(|row| Second {
            grants: row[grants].parse().unwrap(),
            failed: row[timed_out].parse::<u64>().unwrap() + row[failed].parse::<u64>().unwrap(),
        })
        .collect()
    }
}

/// How often grants ceased for at least a whole second.
pub fn silences(seconds: &[Second]) -> usize {
    seconds.windows(2).filter(|pair| pair[0].grants > 0 && pair[1].grants == 0).count()
}

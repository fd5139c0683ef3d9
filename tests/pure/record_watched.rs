//! Makes `tests/data/watched.json.gz`, which the tests of the terminal UI show: what a
//! watcher of these runs would have been told. Log and looks at servers are made up, for
//! a history has none. Run by hand:
//!
//! ```text
//! lockbench run workloads/quickstart.toml -b redis,etcd,postgres:advisory --set clients=16 --set duration=4s --set warmup=1s -o target/watched --run-id speed
//! lockbench run workloads/controls/no-lock.toml -o target/watched --run-id unsafe
//! lockbench run tests/data/watched-timeouts.toml -b memory -o target/watched --run-id timeouts
//! LOCKBENCH_RECORD=target/watched cargo test --test pure record_watched
//! ```

use std::io::Write;
use std::path::Path;

use lockbench::lock::Facts;
use lockbench::record::{LogLevel, LogLine};
use lockbench::report::live::{Origin, RunFacts, ServerLook, SystemFacts, Update, play};
use lockbench::report::{RecordedRun, SkippedBackend, history_path};

const STEP_NS: u64 = 400_000_000;
const HOLDS: usize = 200;

#[test]
fn recorded_updates() {
    let Some(root) = std::env::var_os("LOCKBENCH_RECORD") else {
        println!("SKIPPED: LOCKBENCH_RECORD does not name the directory of the runs");
        return;
    };
    let runs: Vec<(String, RecordedRun)> = ["speed", "unsafe", "timeouts"]
        .iter()
        .map(|id| ((*id).to_owned(), RecordedRun::open(&Path::new(&root).join(id)).unwrap()))
        .collect();
    let results = runs.iter().flat_map(|(_, run)| &run.report.results);
    let order = results.map(|result| (result.backend.clone(), result.trial)).collect();
    let mut updates = vec![Update::Run(Box::new(RunFacts { order, ..facts() }))];
    updates.push(Update::Skipped(SkippedBackend {
        backend: "zookeeper".to_owned(),
        reason: "ZooKeeper's jars were not found; install them with `apt-get install libzookeeper-java`".to_owned(),
        asked_for: false,
    }));
    for (_, run) in &runs {
        for result in &run.report.results {
            updates.push(Update::System(Box::new(system(result))));
        }
    }
    updates.push(Update::Note("note: postgres: not stock: max_connections=1100 (shipped: 100)".to_owned()));
    for (i, (level, target, message)) in LOG.iter().enumerate() {
        let line = LogLine {
            since_start_ns: 312_000_000 * (i as u64 + 1),
            level: *level,
            target: (*target).to_owned(),
            message: (*message).to_owned(),
        };
        updates.push(Update::Log(line));
    }
    for (id, run) in &runs {
        let mut snapshots = 0;
        let mut tell = |update: Update| {
            let mut update = update;
            let mut look = None;
            match &mut update {
                Update::Trial(start) => {
                    start.places = 5;
                    start.place = match start.backend.as_str() {
                        "control:no-lock" => 4,
                        "memory" => 5,
                        _ => start.place,
                    };
                }
                Update::Live(snapshot) => {
                    snapshots += 1;
                    // A file of moderate size: the latest holds are enough to look at.
                    let more = snapshot.holds.len().saturating_sub(HOLDS);
                    snapshot.holds.drain(..more);
                    snapshot.own.cpu = Some(1.12);
                    look = Some(servers(&snapshot.backend, snapshots));
                }
                _ => {}
            }
            updates.push(update);
            updates.extend(look.map(|look| Update::Servers(Box::new(look))));
        };
        play(run, &history_path(&Path::new(&root).join(id)), STEP_NS, &mut tell).unwrap();
    }
    let mut report = runs[0].1.report.clone();
    for (_, run) in &runs[1..] {
        report.results.extend(run.report.results.iter().cloned());
        report.aggregates.extend(run.report.aggregates.iter().cloned());
        report.lints.extend(run.report.lints.iter().cloned());
    }
    report.verdict = runs[1].1.report.verdict.clone();
    updates.push(Update::Over(Box::new(report)));
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(&serde_json::to_vec(&updates).unwrap()).unwrap();
    std::fs::write("tests/data/watched.json.gz", out.finish().unwrap()).unwrap();
}

const LOG: &[(LogLevel, &str, &str)] = &[
    (LogLevel::Info, "lockbench::stack", "redis 7.0.15 answers at 127.0.0.1:40101 after 84 ms"),
    (LogLevel::Info, "lockbench::stack", "etcd 3.4.23 answers at 127.0.0.1:40102 after 412 ms"),
    (LogLevel::Warn, "lockbench::stack", "ZooKeeper's jars were not found"),
    (LogLevel::Info, "lockbench::cli", "redis, trial 1: begins with 16 clients on 4 keys"),
    (LogLevel::Debug, "h2::client", "binding client connection"),
    (LogLevel::Error, "tonic::transport", "a connection was refused and is tried again"),
];

fn facts() -> RunFacts {
    let name = |name: &str| name.to_owned();
    RunFacts {
        origin: Origin::Live,
        run_id: name("20261120T101500Z-quickstart-1a2b"),
        workload: name("quickstart"),
        question: name("Which lock system serves a few hot keys fastest, and is it safe?"),
        backends: ["redis", "zookeeper", "etcd", "postgres:advisory", "control:no-lock", "memory"].map(name).to_vec(),
        trials: 1,
        clients: 16,
        keys: 4,
        warmup_ns: 1_000_000_000,
        duration_ns: 4_000_000_000,
        acquire_timeout_ns: Some(10_000_000_000),
        load: name("closed loop, 4 keys, hold 1ms, retry 1ms to 50ms"),
        faults: Vec::new(),
        due_at_start: true,
        order: Vec::new(),
        cores: 2,
        ceiling_cycles_per_s: Some(349_670.0),
        lints: None,
    }
}

fn system(result: &lockbench::report::TrialResult) -> SystemFacts {
    let guarantee = |name: &str| result.guarantees[name].clone();
    let servers = |address: &str| vec![address.to_owned()];
    SystemFacts {
        backend: result.backend.clone(),
        facts: Facts {
            version: result.server_version.clone(),
            durability: result.durability.clone(),
            quorum: result.quorum.clone(),
            ..Facts::default()
        },
        addresses: match result.backend.as_str() {
            "redis" => servers("redis://127.0.0.1:40101"),
            "etcd" => servers("etcd://127.0.0.1:40102"),
            "postgres:advisory" => servers("postgres://127.0.0.1:40103"),
            _ => Vec::new(),
        },
        started_here: true,
        waiting: guarantee("waiting").as_str().unwrap_or_default().to_owned(),
        fencing: !guarantee("token").is_null(),
        fifo: guarantee("fifo") == true,
        ttl_ns: result.effective_ttl_ms.map(|ms| (ms * 1e6) as u64),
    }
}

fn servers(backend: &str, n: u64) -> ServerLook {
    let ours = matches!(backend, "redis" | "etcd" | "postgres:advisory");
    ServerLook {
        backend: backend.to_owned(),
        at_ns: 0,
        round_trip_ns: Some(180_000 + 7_000 * (n % 5)),
        cpu_s: ours.then_some(0.31 + 0.09 * n as f64),
        rss_bytes: ours.then_some(11_534_336 + 65_536 * n),
        keys: (0..4)
            .map(|key| lockbench::report::live::KeyLook {
                key,
                name: format!("{}-t1-k{key}", backend.replace(':', "-")),
                holder: (key != 2).then(|| lockbench::lock::Holder {
                    identity: format!("client {}", (n + u64::from(key) * 3) % 16),
                    token: (backend != "postgres:advisory").then_some(4_100 + n * 37 + u64::from(key)),
                    ttl_ms: (backend != "postgres:advisory").then_some(9_200 + n * 11),
                }),
            })
            .collect(),
        more_keys: 0,
        problem: None,
    }
}

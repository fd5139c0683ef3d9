//! One suite over every entry of the registry, against the real server where it
//! has one. A new entry without a line here fails a test.

use crate::support;
use lockbench::backend::conformance::{Setting, suite};
use lockbench::backend::{RedlockParameters, Registry, Target};
use lockbench::clock::{Clock, Timer};

/// Short, so that the suite's waits for expiry are, but above every floor with 0.
const TTL_NS: u64 = 2_000_000_000;

fn passes(name: &str) {
    let entry = Registry::builtin().find(name).unwrap();
    let endpoints = match entry.server.map(support::endpoints) {
        None => Vec::new(),
        Some(Some(endpoints)) => endpoints,
        Some(None) => return,
    };
    let scratch = tempfile::tempdir().unwrap();
    let clock = Clock::monotonic();
    let target = Target {
        endpoints,
        namespace: format!("conformance-{}-{}", std::process::id(), name.replace(':', "-")),
        ours: false,
        scratch: scratch.path().to_owned(),
        clock,
        redlock: RedlockParameters::default(),
    };
    let system = (entry.connect)(target).unwrap();
    assert_eq!(system.name(), entry.name);
    assert_eq!(system.guarantees(), &entry.guarantees);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let ttl_ns = TTL_NS.max(entry.guarantees.ttl_floor_ms * 1_000_000);
    let found = local.block_on(&runtime, async {
        let setting = Setting { timer: Timer::new(clock), ttl_ns, prefix: "suite".to_owned() };
        suite(&*system, &setting).await
    });
    assert_eq!(found, Ok(()), "{name}");
}

macro_rules! entries {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            passes($name);
        })*

        const TESTED: &[&str] = &[$($name),*];
    };
}

entries! {
    memory: "memory",
    sqlite: "sqlite",
    flock: "flock",
    redis: "redis",
    redlock: "redlock",
    zookeeper: "zookeeper",
    etcd: "etcd",
    postgres_advisory: "postgres:advisory",
    postgres_lease: "postgres:lease",
}

#[test]
fn every_entry_but_the_controls_is_tested() {
    let correct: Vec<&str> =
        Registry::builtin().entries().filter(|entry| !entry.unsafe_by_design).map(|entry| entry.name).collect();
    assert_eq!(correct, TESTED);
}

#[test]
fn a_lock_file_passes_too_for_no_two_clients_find_it_stale_at_once() {
    passes("flock:lockfile");
}

#[test]
fn quick_runs_the_eight_default_entries_and_nothing_that_is_unsafe_by_design() {
    let quick: Vec<&str> = Registry::builtin().entries().filter(|entry| entry.quick).map(|entry| entry.name).collect();
    assert_eq!(quick.len(), 8);
    assert!(quick.iter().all(|name| TESTED.contains(name)));
    assert_eq!(Registry::builtin().entries().filter(|entry| entry.unsafe_by_design).count(), 5);
}

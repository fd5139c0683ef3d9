//! Bugs planted in every real recipe, and the shipped workloads that must show them: each
//! on real servers, shortened, ends with exit code 100 or with a reason that is named here.
//! The recipe without the bug passes on the same workload.

use crate::support;
use std::ops::ControlFlow;
use std::sync::Arc;

use lockbench::backend::{self, Flaw, Target, planted};
use lockbench::clock::Clock;
use lockbench::load::{Armed, Spec, Steering};
use lockbench::lock::{Endpoint, Facts, Key, LockSystem};
use lockbench::oracle::{JudgedHistory, Oracle};
use lockbench::record::Observer;
use lockbench::record::figures::Figures;
use lockbench::report::{self, Measured, Resources, TrialResult, judge};
use lockbench::stop::Stop;
use lockbench::workload::{Plan, load};

use Flaw::{
    CutsTheHash, DoesNotLookAgain, FailureIsAGrant, FreesWhatIsNotItsOwn, HalfIsAQuorum, IgnoresValidity,
    KeepsNoLeaseAlive, RenewsWhatIsNotItsOwn, TakesWhatIsHeld, TokensFall, WatchesTheFirst,
};

/// A shipped workload and what shortens it.
type Load = (&'static str, &'static [&'static str]);

const HOT: Load = ("hot-key", &["clients=32", "warmup=0s", "duration=1s"]);
const GIVE_UP: Load = ("give-up", &["acquire.timeout=40ms", "warmup=0s", "duration=2s"]);
const OVERSTAY: Load = ("overstay", &["ttl=400ms", "hold=600ms", "renewal=500ms", "warmup=0s", "duration=3s"]);
/// Of a system whose leases last two seconds at least: a second holder while the first is in.
const LONG: Load =
    ("long-hold-renewal", &["clients=3", "ttl=2s", "hold=5s", "acquire.timeout=4s", "warmup=0s", "duration=4s"]);
const MANY_KEYS: Load = ("zipf", &["warmup=0s", "duration=1s"]);

/// A bug that shows only when requests of two clients cross is looked for again so often.
const RUNS: usize = 5;

/// How a bug is found.
enum Found {
    /// Exit code 100.
    Caught,
    /// Every waiter wakes at every release. That is slow, not unsafe: it shows in the
    /// requests per grant, at least twice those of the sound recipe.
    Herd,
    /// The recipe refuses the keys: this is in its message.
    Refused(&'static str),
}

/// Runs a workload on a recipe of the registry, with or without a bug. `Err`: its keys
/// could not be prepared.
fn trial(
    backend: &'static str,
    flaw: Option<Flaw>,
    (workload, sets): Load,
) -> Option<Result<(TrialResult, Plan), String>> {
    let entry = backend::Registry::builtin().find(backend).unwrap();
    let endpoints: Vec<Endpoint> = match entry.server {
        Some(kind) => support::endpoints(kind)?,
        None => Vec::new(),
    };
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let (plan, _) =
        load(format!("workloads/{workload}.toml").as_ref(), &sets, &backend::Registry::builtin().options()).unwrap();
    let (clock, scratch) = (Clock::monotonic(), tempfile::tempdir().unwrap());
    let target = Target {
        endpoints,
        namespace: format!("planted-{}-{workload}-{flaw:?}", std::process::id())
            .to_lowercase()
            .replace(['(', ')'], "-"),
        ours: false,
        scratch: scratch.path().to_owned(),
        clock,
        options: Default::default(),
    };
    let system = match flaw {
        Some(flaw) => planted(entry.name, target, flaw).unwrap(),
        None => (entry.connect)(target).unwrap(),
    };
    let count = plan.keys.count(plan.clients);
    let keys: Arc<[Key]> = (0..count).map(|index| Key { index, name: format!("k{index}").into() }).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Err(error) = runtime.block_on(system.prepare(&keys)) {
        return Some(Err(error.to_string()));
    }
    let facts = runtime.block_on(system.facts()).unwrap();
    let result = measured(&system, &plan, &keys, clock, entry, &facts);
    runtime.block_on(system.clean(&keys)).unwrap();
    Some(Ok((result, plan)))
}

fn measured(
    system: &Arc<dyn LockSystem>,
    plan: &Plan,
    keys: &Arc<[Key]>,
    clock: Clock,
    entry: &backend::Entry,
    facts: &Facts,
) -> TrialResult {
    let armed = Armed::new(Spec {
        system: Arc::clone(system),
        plan: Arc::new(plan.clone()),
        ttl_ns: plan.ttl_ns,
        trial: 1,
        keys: Arc::clone(keys),
        clock,
        // Several threads: what they send reaches the nodes of Redlock in different orders.
        workers: 4,
        stop: Stop::new(),
        steering: Steering::default(),
        faults: None,
        truth: None,
        grid: None,
        processes: None,
    })
    .unwrap();
    let schedule = armed.schedule();
    let mut figures = Figures::new(schedule.clone(), plan.clients, keys.len() as u32);
    let oracle = Oracle::new(plan.clients, keys.len() as u32, schedule.start);
    let mut judged = JudgedHistory::new(oracle, None);
    let mut observers: [&mut dyn Observer; 2] = [&mut figures, &mut judged];
    let engine = armed.run(&schedule, &mut observers, &mut |_| ControlFlow::Continue(())).unwrap();
    let (findings, recorded) = judged.finish();
    report::result(&Measured {
        backend: entry.name,
        workload: &plan.name,
        trial: 1,
        guarantees: &entry.guarantees,
        facts,
        origin: schedule.start,
        measured_ns: schedule.end() - schedule.measure(),
        figures: &figures,
        findings: &findings,
        engine: &engine,
        recorded,
        resources: Resources::default(),
        ttl_raised: false,
    })
}

fn exit_code(result: &TrialResult, plan: &Plan) -> (u8, Vec<String>) {
    let verdict = judge(std::slice::from_ref(result), &[], &plan.expect, None, &|_| false, &[]);
    (verdict.exit_code, verdict.reasons)
}

/// Runs each workload without a bug, then with each.
fn shows(backend: &'static str, cases: &[(Flaw, Load, Found)]) {
    let mut sound: Vec<(&str, TrialResult)> = Vec::new();
    for (flaw, workload, found) in cases {
        if !matches!(found, Found::Refused(_)) && sound.iter().all(|(name, _)| *name != workload.0) {
            let Some(ran) = trial(backend, None, *workload) else { return };
            let (result, plan) = ran.unwrap();
            let (code, reasons) = exit_code(&result, &plan);
            assert_eq!(code, 0, "{backend} without a bug on {}: {reasons:?}", workload.0);
            sound.push((workload.0, result));
        }
        let Some(mut ran) = trial(backend, Some(*flaw), *workload) else { return };
        for _ in 1..RUNS {
            match (&ran, found) {
                (Ok((result, plan)), Found::Caught) if exit_code(result, plan).0 != 100 => {}
                _ => break,
            }
            let Some(again) = trial(backend, Some(*flaw), *workload) else { return };
            ran = again;
        }
        let of = format!("{backend} with {flaw:?} on {}", workload.0);
        match (ran, found) {
            (Ok((result, plan)), Found::Caught) => {
                let (code, reasons) = exit_code(&result, &plan);
                assert_eq!(code, 100, "{of}: {reasons:?}, {:?}, {:?}", result.safety.policies, result.failures);
            }
            (Ok((result, plan)), Found::Herd) => {
                assert_eq!(exit_code(&result, &plan).0, 0, "{of}: a herd is safe");
                let (_, without) = sound.iter().find(|(name, _)| *name == workload.0).unwrap();
                let (herd, one) = (result.requests_per_grant.unwrap(), without.requests_per_grant.unwrap());
                assert!(herd > 2.0 * one, "{of}: {herd} requests per grant, {one} without the bug");
            }
            (Err(problem), Found::Refused(part)) => assert!(problem.contains(part), "{of}: {problem}"),
            (Ok((result, _)), Found::Refused(part)) => panic!("{of} was not refused ({part}): {:?}", result.safety),
            (Err(problem), Found::Caught | Found::Herd) => panic!("{of}: {problem}"),
        }
    }
}

#[test]
fn every_bug_of_redis_shows() {
    shows(
        "redis",
        &[
            (TakesWhatIsHeld, HOT, Found::Caught),
            (TokensFall, HOT, Found::Caught),
            (FailureIsAGrant, GIVE_UP, Found::Caught),
            (FreesWhatIsNotItsOwn, OVERSTAY, Found::Caught),
            (RenewsWhatIsNotItsOwn, OVERSTAY, Found::Caught),
        ],
    );
}

#[test]
fn every_bug_of_redlock_shows() {
    shows(
        "redlock",
        &[
            (TakesWhatIsHeld, HOT, Found::Caught),
            (HalfIsAQuorum, HOT, Found::Caught),
            (FailureIsAGrant, GIVE_UP, Found::Caught),
            (FreesWhatIsNotItsOwn, OVERSTAY, Found::Caught),
            (RenewsWhatIsNotItsOwn, OVERSTAY, Found::Caught),
            (IgnoresValidity, OVERSTAY, Found::Caught),
        ],
    );
}

#[test]
fn every_bug_of_zookeeper_shows() {
    shows(
        "zookeeper",
        &[
            (WatchesTheFirst, HOT, Found::Herd),
            (TokensFall, HOT, Found::Caught),
            (DoesNotLookAgain, GIVE_UP, Found::Caught),
            (FailureIsAGrant, GIVE_UP, Found::Caught),
        ],
    );
}

#[test]
fn every_bug_of_etcd_shows() {
    shows(
        "etcd",
        &[
            (WatchesTheFirst, HOT, Found::Herd),
            (TokensFall, HOT, Found::Caught),
            (DoesNotLookAgain, GIVE_UP, Found::Caught),
            (FailureIsAGrant, GIVE_UP, Found::Caught),
            (KeepsNoLeaseAlive, LONG, Found::Caught),
        ],
    );
}

#[test]
fn every_bug_of_advisory_locks_shows() {
    shows(
        "postgres:advisory",
        &[
            (CutsTheHash, MANY_KEYS, Found::Refused("hash to one advisory lock")),
            (FailureIsAGrant, GIVE_UP, Found::Caught),
        ],
    );
}

#[test]
fn every_bug_of_a_lease_table_shows() {
    let flawed = |with_failure: bool| {
        let mut cases = vec![
            (TakesWhatIsHeld, HOT, Found::Caught),
            (FreesWhatIsNotItsOwn, OVERSTAY, Found::Caught),
            (RenewsWhatIsNotItsOwn, OVERSTAY, Found::Caught),
        ];
        if with_failure {
            cases.push((FailureIsAGrant, GIVE_UP, Found::Caught));
        }
        cases
    };
    shows("postgres:lease", &flawed(true));
    shows("sqlite", &flawed(false));
}

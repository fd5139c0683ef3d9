//! Bugs planted in every real recipe, and the shipped workloads that must show them: each
//! on real servers, shortened, ends with exit code 100 or with a reason that is named here, and
//! its cause is the one that the bug is an example of. The recipe without the bug passes on the
//! same workload.

use crate::support;
use std::ops::ControlFlow;
use std::sync::Arc;

use lockbench::backend::{self, Flaw, Target, planted};
use lockbench::clock::Clock;
use lockbench::load::{Armed, Spec, Steering, TruthPlan};
use lockbench::lock::{Endpoint, Facts, Key, LockSystem};
use lockbench::oracle::{Cause, FactKind, JudgedHistory, Oracle};
use lockbench::record::Observer;
use lockbench::record::figures::Figures;
use lockbench::report::{self, Measured, Resources, TrialResult, judge};
use lockbench::stop::Stop;
use lockbench::workload::plan::Access;
use lockbench::workload::{Plan, load};

use Flaw::{
    CutsTheHash, DoesNotLookAgain, FailureIsAGrant, FreesWhatIsNotItsOwn, HalfIsAQuorum, IgnoresValidity,
    KeepsNoLeaseAlive, OneTooMany, OverlooksReaders, RenewsWhatIsNotItsOwn, SharesTheLease, TakesWhatIsHeld,
    TokensFall, WatchesTheFirst,
};

/// A shipped workload and what shortens it.
type Load = (&'static str, &'static [&'static str]);

const HOT: Load = ("hot-key", &["clients=32", "warmup=0s", "duration=1s"]);
const OVERSTAY: Load = ("overstay", &["ttl=400ms", "hold=600ms", "renewal=500ms", "warmup=0s", "duration=3s"]);
/// Of a system whose leases last two seconds at least: a second holder while the first is in.
const LONG: Load =
    ("long-hold-renewal", &["clients=3", "ttl=2s", "hold=5s", "acquire.timeout=4s", "warmup=0s", "duration=4s"]);
/// Holds that the servers can be asked about while they last.
const SLOW: Load = ("hot-key", &["clients=3", "hold=100ms", "warmup=0s", "duration=2s"]);
/// Many who ask at once: their requests cross, and reach the nodes of Redlock in different orders.
const CROWD: Load = ("hot-key", &["clients=24", "hold=50ms", "warmup=0s", "duration=2s"]);
const IMPATIENT: Load = ("give-up", &["clients=4", "hold=300ms", "acquire.timeout=60ms", "warmup=0s", "duration=3s"]);
/// Most of them read, beside one another.
const READERS: Load =
    ("hot-key", &["clients=8", "access={kind=\"read-write\",reads=0.8}", "hold=5ms", "warmup=0s", "duration=1s"]);
const POOL: Load =
    ("hot-key", &["clients=8", "access={kind=\"permits\",count=3}", "hold=5ms", "warmup=0s", "duration=1s"]);
/// How often the servers are asked who holds a key.
const LOOK_NS: u64 = 4_000_000;
const MANY_KEYS: Load = ("zipf", &["warmup=0s", "duration=1s"]);

/// A bug that shows only when requests of two clients cross is looked for again so often.
const RUNS: usize = 5;

/// How a bug is found.
enum Found {
    /// Exit code 100, and double grants of this cause.
    Caught(Cause),
    /// Exit code 100, and double grants of this cause among others. A failed try of Redlock gives back what is not its
    /// own, too, which no client reports as a release: where that hits a holder it looks as if the nodes lost its lock.
    Among(Cause),
    /// Exit code 100. The cause is not found: the servers tell which client has a lock and not by which of its grants, so
    /// that equal answers leave room for another grant between them; or several may have it at once, and they are not asked.
    Violated,
    /// Exit code 100, and the renewal of a holder that overstayed was confirmed.
    Prolonged,
    /// Exit code 100 for tokens that fall; nothing is granted twice.
    Tokens,
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
    let count = plan.count_of_keys();
    let keys: Arc<[Key]> = (0..count).map(|index| Key { index, name: format!("k{index}").into() }).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Err(error) = runtime.block_on(system.prepare(&keys)) {
        return Some(Err(error.to_string()));
    }
    let facts = runtime.block_on(system.facts()).unwrap();
    let result = measured(&system, &plan, &keys, clock, entry, &facts, flaw.is_some());
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
    truth: bool,
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
        truth: (truth && plan.access == Access::Exclusive)
            .then(|| Arc::new(TruthPlan::own(Arc::clone(system), LOOK_NS))),
        grids: Default::default(),
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
        workers: 1,
        clients: 1,
        section: Default::default(),
        access: plan.access,
    })
}

fn exit_code(result: &TrialResult, plan: &Plan) -> (u8, Vec<String>) {
    let verdict = judge(std::slice::from_ref(result), &[], &plan.expect, None, &|_| false, &[]);
    (verdict.exit_code, verdict.reasons)
}

/// What is not as it should be of a bug that ends a run with exit code 100.
fn missed(result: &TrialResult, plan: &Plan, found: &Found) -> Option<String> {
    let (code, reasons) = exit_code(result, plan);
    let safety = &result.safety;
    if code != 100 {
        return Some(format!("exit code {code}: {reasons:?}, {:?}, {:?}", safety.policies, result.failures));
    }
    let seen = |cause: Cause| safety.causes.contains_key(cause.name());
    match found {
        // Where holders overstay there is that, too.
        Found::Caught(cause) => {
            let others = Cause::ALL.map(|(other, ..)| other);
            let known = [*cause, Cause::Overstayed, Cause::Undetermined];
            let other = others.into_iter().find(|other| seen(*other) && !known.contains(other));
            let story = safety.violations.iter().find(|one| Some(one.attribution.cause) == other);
            (!seen(*cause) || other.is_some()).then(|| format!("{cause:?} expected: {:?}, {story:?}", safety.causes))
        }
        Found::Among(cause) => (!seen(*cause)).then(|| format!("{cause:?} expected: {:?}", safety.causes)),
        Found::Prolonged => {
            let facts = safety.violations.iter().flat_map(|one| &one.attribution.evidence);
            let prolonged = facts.into_iter().any(|fact| fact.fact == FactKind::ForeignRenewal);
            (!prolonged).then(|| format!("no foreign renewal: {:?}", safety.violations.first()))
        }
        Found::Tokens => (!safety.causes.is_empty()).then(|| format!("granted twice: {:?}", safety.causes)),
        Found::Violated | Found::Herd | Found::Refused(_) => None,
    }
}

/// Runs each workload without a bug, then with each.
fn shows(backend: &'static str, cases: &[(Flaw, Load, Found)]) {
    let mut sound: Vec<(Load, TrialResult)> = Vec::new();
    for (flaw, workload, found) in cases {
        if !matches!(found, Found::Refused(_)) && sound.iter().all(|(load, _)| load != workload) {
            let Some(ran) = trial(backend, None, *workload) else { return };
            let (result, plan) = ran.unwrap();
            let (code, reasons) = exit_code(&result, &plan);
            assert_eq!(code, 0, "{backend} without a bug on {}: {reasons:?}", workload.0);
            sound.push((*workload, result));
        }
        let Some(mut ran) = trial(backend, Some(*flaw), *workload) else { return };
        for _ in 1..RUNS {
            match &ran {
                Ok((result, plan)) if missed(result, plan, found).is_some() && !matches!(found, Found::Herd) => {}
                _ => break,
            }
            let Some(again) = trial(backend, Some(*flaw), *workload) else { return };
            ran = again;
        }
        let of = format!("{backend} with {flaw:?} on {}", workload.0);
        match (ran, found) {
            (Ok((result, plan)), Found::Herd) => {
                assert_eq!(exit_code(&result, &plan).0, 0, "{of}: a herd is safe");
                let (_, without) = sound.iter().find(|(load, _)| load == workload).unwrap();
                let (herd, one) = (result.requests_per_grant.unwrap(), without.requests_per_grant.unwrap());
                assert!(herd > 2.0 * one, "{of}: {herd} requests per grant, {one} without the bug");
            }
            (Err(problem), Found::Refused(part)) => assert!(problem.contains(part), "{of}: {problem}"),
            (Ok((result, _)), Found::Refused(part)) => panic!("{of} was not refused ({part}): {:?}", result.safety),
            (Ok((result, plan)), found) => assert_eq!(missed(&result, &plan, found), None, "{of}"),
            (Err(problem), _) => panic!("{of}: {problem}"),
        }
    }
}

#[test]
fn every_bug_of_redis_shows() {
    shows(
        "redis",
        &[
            (TakesWhatIsHeld, SLOW, Found::Caught(Cause::ServerLost)),
            (TokensFall, HOT, Found::Tokens),
            (FailureIsAGrant, IMPATIENT, Found::Caught(Cause::NoGrant)),
            (FreesWhatIsNotItsOwn, OVERSTAY, Found::Caught(Cause::ForeignHit)),
            (RenewsWhatIsNotItsOwn, OVERSTAY, Found::Prolonged),
            (OverlooksReaders, READERS, Found::Violated),
            (OneTooMany, POOL, Found::Violated),
        ],
    );
}

#[test]
fn every_bug_of_redlock_shows() {
    shows(
        "redlock",
        &[
            (TakesWhatIsHeld, SLOW, Found::Caught(Cause::ServerLost)),
            (HalfIsAQuorum, CROWD, Found::Violated),
            (FailureIsAGrant, IMPATIENT, Found::Violated),
            (FreesWhatIsNotItsOwn, OVERSTAY, Found::Among(Cause::ForeignHit)),
            (RenewsWhatIsNotItsOwn, OVERSTAY, Found::Prolonged),
            (IgnoresValidity, OVERSTAY, Found::Caught(Cause::Overstayed)),
        ],
    );
}

#[test]
fn every_bug_of_zookeeper_shows() {
    shows(
        "zookeeper",
        &[
            (WatchesTheFirst, HOT, Found::Herd),
            (TokensFall, HOT, Found::Tokens),
            (DoesNotLookAgain, IMPATIENT, Found::Caught(Cause::NoGrant)),
            (FailureIsAGrant, IMPATIENT, Found::Caught(Cause::NoGrant)),
            (OverlooksReaders, READERS, Found::Violated),
            (OneTooMany, POOL, Found::Violated),
        ],
    );
}

#[test]
fn every_bug_of_etcd_shows() {
    shows(
        "etcd",
        &[
            (WatchesTheFirst, HOT, Found::Herd),
            (TokensFall, HOT, Found::Tokens),
            (DoesNotLookAgain, IMPATIENT, Found::Caught(Cause::NoGrant)),
            (FailureIsAGrant, IMPATIENT, Found::Caught(Cause::NoGrant)),
            (SharesTheLease, SLOW, Found::Caught(Cause::SharedIdentity)),
            (KeepsNoLeaseAlive, LONG, Found::Caught(Cause::Overstayed)),
            (OverlooksReaders, READERS, Found::Violated),
            (OneTooMany, POOL, Found::Violated),
        ],
    );
}

#[test]
fn every_bug_of_advisory_locks_shows() {
    shows(
        "postgres:advisory",
        &[
            (CutsTheHash, MANY_KEYS, Found::Refused("hash to one advisory lock")),
            (FailureIsAGrant, IMPATIENT, Found::Violated),
            (OverlooksReaders, READERS, Found::Violated),
            (OneTooMany, POOL, Found::Violated),
        ],
    );
}

#[test]
fn every_bug_of_a_lease_table_shows() {
    let flawed = |with_failure: bool| {
        let mut cases = vec![
            (TakesWhatIsHeld, SLOW, Found::Caught(Cause::ServerLost)),
            (FreesWhatIsNotItsOwn, OVERSTAY, Found::Caught(Cause::ForeignHit)),
            (RenewsWhatIsNotItsOwn, OVERSTAY, Found::Prolonged),
        ];
        if with_failure {
            cases.push((FailureIsAGrant, IMPATIENT, Found::Caught(Cause::NoGrant)));
        }
        cases
    };
    shows("postgres:lease", &flawed(true));
    shows("sqlite", &flawed(false));
}

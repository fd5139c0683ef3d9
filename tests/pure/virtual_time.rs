//! Whole trials in virtual time: engine, recorder, figures and oracle on the
//! in-process lock and its broken siblings, with figures known in advance.
//!
//! Virtual time passes only while every task sleeps. A plan without hold and
//! think on a lock that never waits does not sleep until the recorder is full
//! (some ten thousand attempts a virtual millisecond): such plans are given
//! milliseconds, not seconds, here.
use std::path::PathBuf;
use std::sync::Arc;

use lockbench::backend::{self, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::load::{DueInstants, Spec, Steering, run_virtual};
use lockbench::lock::{
    Acquire, Grant, Guarantees, Key, Local, LockSystem, Opening, Patience, Release, Renewal, Session, SystemError,
};
use lockbench::oracle::{Cause, Findings, Oracle};
use lockbench::record::TrialReport;
use lockbench::record::figures::{Figures, Schedule};
use lockbench::record::history::Judged;
use lockbench::record::{Denial, Event, Observer, ReleaseKind, What};
use lockbench::stats::jain_index;
use lockbench::stop::Stop;
use lockbench::workload::{Plan, parse};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// Keeps every event.
#[derive(Default)]
struct History(Vec<Event>);

impl Observer for History {
    fn observe(&mut self, event: &Event) {
        self.0.push(*event);
    }
}

impl History {
    fn denied(&self, denial: Denial) -> usize {
        self.0.iter().filter(|e| matches!(e.what, What::Denied { denial: d, .. } if d == denial)).count()
    }

    fn released(&self, release: ReleaseKind) -> usize {
        self.0.iter().filter(|e| matches!(e.what, What::Released { release: r, .. } if r == release)).count()
    }
}

struct Trial {
    figures: Figures,
    findings: Findings,
    history: History,
    engine: TrialReport,
    schedule: Schedule,
}

fn plan(text: &str) -> Plan {
    parse("virtual.toml", text, &[]).unwrap().0
}

/// Runs a plan on a registry entry; `stop_after`: a stop so long after the start.
async fn run(name: &str, text: &str, stop_after: Option<u64>) -> Trial {
    run_on(name, text, stop_after, None).await
}

/// The same with attempts that are due on a grid.
async fn run_on(name: &str, text: &str, stop_after: Option<u64>, grid: Option<DueInstants>) -> Trial {
    let grid = grid.map(Arc::new);
    let plan = plan(text);
    let clock = Clock::virtual_time();
    let target = Target {
        endpoints: Vec::new(),
        namespace: "virtual".to_owned(),
        ours: true,
        scratch: PathBuf::new(),
        clock,
        options: Default::default(),
    };
    let (name, slow) = name.strip_prefix("slow ").map_or((name, false), |name| (name, true));
    let mut system = (backend::Registry::builtin().find(name).unwrap().connect)(target).unwrap();
    if slow {
        system = Arc::new(SlowRenewals(system));
    }
    let count = plan.count_of_keys();
    let keys: Arc<[Key]> = (0..count).map(|index| Key { index, name: format!("k{index}").into() }).collect();
    system.prepare(&keys).await.unwrap();
    let (clients, ttl_ns, stop) = (plan.clients, plan.ttl_ns, Stop::new());
    let schedule = Schedule::new(clock.now() + MS, plan.warmup_ns, plan.duration_ns);
    let (mut figures, mut oracle) =
        (Figures::new(schedule.clone(), clients, count), Oracle::new(clients, count, schedule.start));
    let mut history = History::default();
    let (plan, steering) = (Arc::new(plan), Steering::default());
    let spec = Spec {
        system,
        plan,
        ttl_ns,
        trial: 1,
        keys,
        clock,
        workers: 1,
        stop: stop.clone(),
        steering,
        faults: None,
        processes: None,
        truth: None,
        grids: grid.into(),
    };
    let stopping = async {
        match stop_after {
            Some(ns) => tokio::time::sleep(std::time::Duration::from_nanos(ns)).await,
            None => std::future::pending().await,
        }
        schedule.stop_at(clock.now());
        stop.drain();
        std::future::pending::<()>().await;
    };
    let mut observers: [&mut dyn Observer; 3] = [&mut figures, &mut oracle, &mut history];
    let engine = tokio::select! {
        engine = run_virtual(spec, &schedule, &mut observers) => engine.unwrap(),
        () = stopping => unreachable!(),
    };
    assert_eq!(engine.reader.lost, 0);
    Trial { figures, findings: oracle.finish(), history, engine, schedule }
}

/// A lock whose renewals are answered after five seconds.
struct SlowRenewals(Arc<dyn LockSystem>);

struct SlowSession {
    session: Box<dyn Session>,
    timer: Timer,
}

impl LockSystem for SlowRenewals {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn guarantees(&self) -> &Guarantees {
        self.0.guarantees()
    }
    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.0.prepare(keys)
    }
    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let timer = opening.timer.clone();
            Ok(Box::new(SlowSession { session: self.0.open(opening).await?, timer }) as Box<dyn Session>)
        })
    }
}

impl Session for SlowSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        self.session.acquire(key, patience)
    }
    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(async move {
            self.timer.sleep(5 * S).await;
            self.session.renew(grant).await
        })
    }
    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        self.session.release(grant)
    }
}

impl Trial {
    /// What holds of every trial, whatever came of it.
    fn adds_up(&self) {
        let c = self.figures.counts();
        assert_eq!(c.attempts, c.grants + c.refused + c.timed_out + c.unavailable + c.unknown);
        let e = &self.findings.judged;
        assert_eq!(e.double_grants, e.inside + e.withdrawn + e.outside);
        assert!(c.found_held <= c.attempts && c.exercised_all <= c.grants_all);
        assert_eq!(self.findings.contradiction, None);
        assert_eq!(self.engine.panicked, 0);
        assert!(self.history.0.is_sorted_by_key(|event| event.t));
    }

    fn valid(&self) {
        self.adds_up();
        let grants = self.findings.judged.grants;
        assert_eq!(self.findings.judged, Judged { grants, ..Judged::default() });
        assert!(self.figures.counts().exercised_all > 0);
    }
}

/// Between so many parts in a thousand around a value.
fn near(found: u64, expected: u64, permille: u64) {
    let slack = expected * permille / 1_000;
    assert!(found.abs_diff(expected) <= slack, "{found}, expected {expected} +- {slack}");
}

const HOT: &str = r#"
clients = 8
keys = "single"
hold = "1ms"
ttl = "4s"
acquire = { mode = "wait", timeout = "10s" }
warmup = "1s"
duration = "60s"
"#;

#[tokio::test(start_paused = true)]
async fn a_contended_fifo_lock_gives_the_figures_that_arithmetic_gives() {
    let trial = run("memory", HOT, None).await;
    trial.valid();
    let counts = trial.figures.counts();
    assert_eq!((counts.timed_out, counts.refused, counts.unknown, counts.withdrawn), (0, 0, 0, 0));
    assert_eq!((counts.overtakes, counts.lost_leases), (0, 0));
    let seconds = (trial.schedule.end() - trial.schedule.measure()) / S;
    assert_eq!(seconds, 60);
    // One hold of 1 ms after the other, without a gap.
    near(counts.grants_in_window, 60_000, 1);
    near(counts.grants, 60_000, 1);
    assert_eq!(counts.found_held, counts.attempts);
    // Every hold but the last is challenged.
    assert_eq!(counts.exercised_all, counts.grants_all - 1);
    assert_eq!(counts.requests, 2 * counts.grants);
    assert!(jain_index(trial.figures.grants_per_client()).unwrap() > 0.999_999);
    let latencies = trial.figures.latencies();
    let hold = latencies.hold.figures();
    assert_eq!(hold.count, counts.grants);
    near(hold.min_ns.unwrap(), MS, 1);
    near(hold.max_ns.unwrap(), MS, 1);
    // Seven others come first, each for 1 ms.
    near(latencies.acquire_service.figures().p50_ns.unwrap(), 7 * MS, 1);
    near(latencies.acquire_response.figures().p999_ns.unwrap(), 7 * MS, 1);
    near(counts.longest_wait_ns, 7 * MS, 1);
    let handoff = latencies.handoff.figures();
    assert_eq!((handoff.count, handoff.max_ns), (counts.grants, Some(0)));
    let grants: u64 = trial.figures.grants_per_client().iter().sum();
    assert_eq!(grants, counts.grants);
}

#[tokio::test(start_paused = true)]
async fn the_windows_of_the_series_hold_every_grant() {
    let mut trial = run("memory", HOT, None).await;
    let windows = trial.figures.series();
    assert_eq!(windows.iter().map(|window| window.grants).sum::<u64>(), trial.figures.counts().grants_all);
    for window in &windows[1..60] {
        near(window.grants, 1_000, 2);
    }
}

const OVERSTAY: &str = r#"
clients = 3
keys = "single"
hold = "1500ms"
ttl = "1s"
renewal = "off"
acquire = { mode = "wait", timeout = "60s" }
warmup = "0s"
duration = "30s"
"#;

#[tokio::test(start_paused = true)]
async fn a_hold_beyond_the_ttl_gives_outside_only_and_loses_what_the_definitions_say() {
    let trial = run("memory", OVERSTAY, None).await;
    trial.adds_up();
    let (found, counts) = (&trial.findings, trial.figures.counts());
    // Every hold is overtaken by its lease's end after 1 s: each grant but the first is inside a hold.
    assert_eq!(found.judged.double_grants, counts.grants_all - 1);
    assert_eq!((found.judged.inside, found.exclusion.outside_stalled), (0, 0));
    assert_eq!((found.judged.deadline, found.judged.evidence), (0, 0));
    assert_eq!(found.judged.token_regressions, 0);
    // No release finds its lock still owned; each grant is lost once.
    assert_eq!(trial.history.released(ReleaseKind::Confirmed), 0);
    assert_eq!(counts.lost_leases, counts.grants);
    assert_eq!(counts.grants, counts.grants_all);
    // Holder n is still inside when n+1 reads, and writes before it: all but the first lose an update.
    assert_eq!(found.judged.lost_updates, counts.grants_all - 1);
    // n+1 has presented its token when n writes: fencing refuses all but the last, and nobody wrote a higher one yet.
    assert_eq!(found.judged.stale_writes_refused, counts.grants_all - 1);
    assert_eq!(found.judged.stale_writes_seen, 0);
    assert_eq!(trial.figures.latencies().handoff.count(), 0);
    assert_eq!(found.double_grants.len(), usize::try_from(found.judged.double_grants.min(100)).unwrap());
    let first = found.double_grants[0];
    assert_eq!(first.later.start_ns - first.earlier.start_ns, S);
    assert_eq!(first.earlier.end_ns - first.earlier.start_ns, 1_500 * MS);
}

#[tokio::test(start_paused = true)]
async fn with_renewal_the_same_hold_is_valid() {
    let trial = run("memory", &OVERSTAY.replace("\"off\"", "\"on\""), None).await;
    trial.valid();
    let counts = trial.figures.counts();
    // Two clients wait when the measuring ends: their attempts count, their grants are not in the window.
    assert_eq!((counts.lost_leases, counts.grants_in_window, counts.grants), (0, 20, 22));
    // A third of the ttl: four renewals in 1.5 s.
    assert_eq!(trial.figures.latencies().renew.count(), 4 * counts.grants);
    assert_eq!(trial.history.released(ReleaseKind::Confirmed) as u64, counts.grants_all);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_without_an_answer_keeps_nobody_in_its_critical_section() {
    let text = OVERSTAY.replace("\"off\"", "\"500ms\"").replace("ttl = \"1s\"", "ttl = \"4s\"");
    let trial = run("slow memory", &text, None).await;
    trial.adds_up();
    let (found, counts) = (&trial.findings.judged, trial.figures.counts());
    assert!(counts.grants > 3 && trial.history.released(ReleaseKind::NotOwner) > 0, "the releases came too late");
    // Each held for as long as was planned, and its lease is over before the next.
    let hold = &trial.figures.latencies().hold;
    near(hold.max().unwrap(), 1_500 * MS, 2);
    assert_eq!((found.double_grants, found.lost_updates), (0, 0), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn two_leases_of_overstaying_make_stale_writes() {
    // Holder 1 overstays by 1.5 ttl, so that holder 2, whose hold is as long, is inside but 3 is not: uneven holds
    // are needed for a higher token to have *written*. Uniform holds give them.
    let text = OVERSTAY.replace("hold = \"1500ms\"", "hold = { kind = \"uniform\", min = \"100ms\", max = \"4s\" }");
    let trial = run("memory", &text, None).await;
    trial.adds_up();
    let harm = trial.findings.judged;
    assert!(harm.stale_writes_seen > 0 && harm.stale_writes_seen <= harm.stale_writes_refused);
    assert!(harm.lost_updates > 0 && harm.outside > 0);
    assert_eq!((harm.inside, harm.deadline), (0, 0));
    assert_eq!(expected_harm(&trial.history.0), (harm.lost_updates, harm.stale_writes_seen, harm.stale_writes_refused));
}

/// Lost updates, stale writes seen and refused, straight from the definitions:
/// a read at the grant, a write at the release, tokens presented at both.
fn expected_harm(events: &[Event]) -> (u64, u64, u64) {
    let (mut value, mut presented, mut written) = (0_u64, 0, 0);
    let mut open = std::collections::HashMap::new();
    let (mut lost, mut stale, mut refused) = (0, 0, 0);
    for event in events {
        match event.what {
            What::Acquired { token: Some(token), .. } => {
                presented = token.max(presented);
                open.insert(event.client, (token, value));
            }
            What::ReleaseInvoke { .. } => {
                let (token, read) = open.remove(&event.client).unwrap();
                refused += u64::from(token < presented);
                stale += u64::from(token < written);
                lost += u64::from(read != value);
                value += 1;
                written = token.max(written);
            }
            _ => {}
        }
    }
    (lost, stale, refused)
}

fn shipped(control: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("workloads/controls/{control}.toml"));
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_lock_is_caught_inside_and_its_sibling_is_valid() {
    let trial = run("control:no-lock", &shipped("no-lock"), None).await;
    trial.adds_up();
    assert!(trial.findings.judged.inside > 1_000);
    assert_eq!(trial.findings.judged.outside, 0);
    assert!(trial.findings.judged.lost_updates > 0);
    run("memory", &shipped("no-lock"), None).await.valid();
}

#[tokio::test(start_paused = true)]
async fn as_many_clients_as_a_plan_may_have_lose_no_event() {
    // All of them begin in one instant, and the reader looks a millisecond later.
    let plan = r#"
clients = 65535
keys = "single"
hold = "0s"
ttl = "4s"
think = "100ms"
acquire = { mode = "try" }
warmup = "0s"
duration = "150ms"
"#;
    let trial = run("control:no-lock", plan, None).await;
    trial.adds_up();
    assert_eq!(trial.engine.reader.lost, 0);
    assert!(trial.figures.counts().grants_all >= 65_535);
}

#[tokio::test(start_paused = true)]
async fn no_renew_is_caught_inside_and_its_sibling_is_valid() {
    let trial = run("control:no-renew", &shipped("no-renew"), None).await;
    trial.adds_up();
    assert!(trial.findings.judged.inside > 0);
    assert_eq!(trial.findings.judged.outside, 0);
    run("memory", &shipped("no-renew"), None).await.valid();
}

#[tokio::test(start_paused = true)]
async fn wrong_release_is_caught_inside_and_its_sibling_gives_outside_only() {
    let trial = run("control:wrong-release", &shipped("wrong-release"), None).await;
    trial.adds_up();
    assert!(trial.findings.judged.inside > 0);
    let sibling = run("memory", &shipped("wrong-release"), None).await;
    sibling.adds_up();
    assert_eq!(sibling.findings.judged.inside, 0);
    assert!(sibling.findings.judged.outside > 0);
    run("memory", &shipped("wrong-release").replace("\"off\"", "\"on\""), None).await.valid();
}

#[tokio::test(start_paused = true)]
async fn swallow_error_is_caught_inside_and_its_sibling_is_valid() {
    let trial = run("control:swallow-error", &shipped("swallow-error"), None).await;
    trial.adds_up();
    assert!(trial.findings.judged.inside > 0);
    assert_eq!(trial.figures.counts().refused, 0);
    let sibling = run("memory", &shipped("swallow-error"), None).await;
    sibling.valid();
    assert!(sibling.figures.counts().refused > 0);
}

#[tokio::test(start_paused = true)]
async fn shared_identity_is_caught_inside_and_its_sibling_is_valid() {
    let trial = run("control:shared-identity", &shipped("shared-identity"), None).await;
    trial.adds_up();
    assert!(trial.findings.causes.of(Cause::SharedIdentity) > 0, "{:?}", trial.findings.causes);
    run("memory", &shipped("shared-identity"), None).await.valid();
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_withdraws_the_waiters_and_is_no_timeout() {
    let trial = run("memory", HOT, Some(30 * S)).await;
    trial.valid();
    let counts = trial.figures.counts();
    assert_eq!((counts.timed_out, counts.unknown, trial.history.denied(Denial::TimedOut)), (0, 0, 0));
    // Seven wait. The holder releases at once, so that some of them are granted before they look at the stop.
    let stopped = trial.schedule.end();
    let late = trial.history.0.iter().filter(|e| e.t >= stopped && matches!(e.what, What::Acquired { .. })).count();
    assert_eq!(trial.history.denied(Denial::Withdrawn), 7 - late);
    assert!(counts.withdrawn > 0 && counts.withdrawn as usize == 7 - late);
    assert_eq!(counts.attempts, counts.grants);
    assert_eq!(counts.found_held, counts.attempts);
    assert!(trial.engine.cut_short);
    near(trial.schedule.end() - trial.schedule.measure(), 29 * S, 1);
    near(counts.grants_in_window, 29_000, 1);
    // Nobody is left inside, and the last hold was cut short, not left to its end.
    let open = trial.history.0.iter().filter(|e| matches!(e.what, What::Died { .. })).count();
    assert_eq!(open, 0);
    assert!(trial.history.0.last().unwrap().t <= trial.schedule.end() + 2 * MS);
}

#[tokio::test(start_paused = true)]
async fn waiters_beyond_their_timeout_time_out_and_censor_the_percentiles() {
    // 8 clients, 100 ms each: who waits longer than 350 ms gives up.
    let text = HOT.replace("\"1ms\"", "\"100ms\"").replace("\"10s\"", "\"350ms\"");
    let trial = run("memory", &text, None).await;
    trial.valid();
    let counts = trial.figures.counts();
    assert!(counts.timed_out > counts.grants / 2);
    assert_eq!(counts.withdrawn, 0);
    near(counts.longest_wait_ns, 350 * MS, 5);
    near(counts.grants, 600, 10);
}

#[tokio::test(start_paused = true)]
async fn neither_hold_nor_think_does_not_hang_virtual_time() {
    let text = HOT.replace("\"1ms\"", "\"0s\"").replace("\"1s\"", "\"0s\"").replace("\"60s\"", "\"5ms\"");
    let trial = run("memory", &text, None).await;
    trial.adds_up();
    assert_eq!(trial.findings.judged.double_grants, 0);
    assert!(trial.figures.counts().grants_all > 1_000);
    assert!(trial.engine.throttled > 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_for_each_client_is_never_contended() {
    let text = HOT.replace("\"single\"", "\"per-client\"").replace("\"60s\"", "\"2s\"");
    let trial = run("memory", &text, None).await;
    trial.adds_up();
    let counts = trial.figures.counts();
    assert_eq!((counts.exercised_all, counts.found_held, counts.overtakes), (0, 0, 0));
    assert_eq!(trial.figures.latencies().handoff.count(), 0);
    near(counts.grants, 16_000, 2);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_history() {
    let text = HOT
        .replace("\"60s\"", "\"2s\"")
        .replace("hold = \"1ms\"", "hold = { kind = \"exponential\", mean = \"1ms\", max = \"50ms\" }");
    let (one, two) = (run("memory", &text, None).await, run("memory", &text, None).await);
    assert!(one.history.0.len() > 1_000);
    let shape = |trial: &Trial| -> Vec<(u32, std::mem::Discriminant<What>, u64)> {
        let start = trial.schedule.start;
        trial.history.0.iter().map(|e| (e.client, std::mem::discriminant(&e.what), e.t - start)).collect()
    };
    assert!(shape(&one) == shape(&two));
}

const PACED: &str = r#"
clients = 3
keys = "single"
hold = "5ms"
ttl = "4s"
acquire = { mode = "wait", timeout = "10s" }
warmup = "1s"
duration = "60s"
"#;

#[tokio::test(start_paused = true)]
async fn a_grid_keeps_its_rate_and_every_tenth_attempt_meets_another() {
    let trial = run_on("memory", PACED, None, Some(DueInstants::new(50 * MS))).await;
    trial.valid();
    let counts = trial.figures.counts();
    // 20 a second; an interval that begins or ends within a group moves it by one.
    near(counts.attempts, 1_200, 2);
    assert_eq!((counts.grants, trial.engine.dropped), (counts.attempts, Some(0)));
    near(trial.figures.counts().exercised_all, counts.attempts_all / 10, 20);
    // The second of a pair waits for the hold of the first; nobody else waits at all.
    let response = trial.figures.latencies().acquire_response.figures();
    assert!(response.p50_ns.unwrap() < MS && response.p99_ns.unwrap() >= 5 * MS, "{response:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_too_slow_for_its_grid_drops_and_hides_no_wait() {
    let slow = PACED.replace("5ms", "1s");
    let trial = run_on("memory", &slow, None, Some(DueInstants::new(200 * MS))).await;
    trial.valid();
    let (counts, dropped) = (trial.figures.counts(), trial.engine.dropped.unwrap());
    // 5 a second are due; one a second can be held.
    near(counts.grants, 60, 50);
    near(counts.attempts + dropped, 300, 10);
    // Whoever is due waits behind the two others, and not from when it came to it.
    let response = trial.figures.latencies().acquire_response.figures();
    assert!(response.max_ns.unwrap() > 1_500 * MS && response.max_ns.unwrap() < 3_000 * MS, "{response:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_on_a_grid_is_prompt_and_drops_nothing_that_was_not_due() {
    let trial = run_on("memory", PACED, Some(10 * S), Some(DueInstants::new(4 * S))).await;
    trial.adds_up();
    assert_eq!((trial.figures.counts().attempts_all, trial.engine.dropped), (2, Some(0)));
}

/// Every workload that is shipped, for a second, on the lock that needs no server.
#[tokio::test(start_paused = true)]
async fn every_shipped_workload_runs_and_its_lock_holds() {
    let files = std::fs::read_dir("workloads").unwrap().flatten().map(|entry| entry.path());
    let mut shipped: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    shipped.sort();
    assert!(shipped.len() > 12);
    for path in shipped {
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("[[faults]]") {
            // What is done to servers needs some.
            continue;
        }
        let name = path.display();
        let short = ["warmup=0s".to_owned(), "duration=1s".to_owned()];
        let plan = parse(&name.to_string(), &text, &short);
        let plan = plan.unwrap_or_else(|error| panic!("{name}: {error}")).0;
        if plan.hold.longest_ns() == 0 {
            // A lock that never waits lets no virtual time pass.
            continue;
        }
        let grid = DueInstants::of_plan(&plan, 1, (0, 1));
        let trial = run_on("memory", &lockbench::workload::to_toml(&plan), None, grid).await;
        trial.adds_up();
        let doubles = trial.findings.judged.double_grants;
        assert!(doubles == 0 || !plan.expect.is_empty(), "{name}: {doubles} double grants");
        assert!(trial.figures.counts().grants_all > 0, "{name}");
    }
}

//! Is the response time of an open loop true? A lock whose service times are injected and seeded is put under load by the
//! engine, in virtual time; the same service times and due instants go through the recursion of Lindley ("The theory of
//! queues with a single server", 1952), which needs no engine. Both must agree.
//!
//! Virtual time has ticks of a millisecond: service times are whole ones here, of some tenths of a second.

use std::sync::{Arc, Mutex};

use rand::distr::Distribution;
use rand::{RngExt, SeedableRng};
use rand_distr::Exp1;
use rand_pcg::Pcg64Mcg;

use lockbench::backend;
use lockbench::clock::{Clock, Timer};
use lockbench::load::{DueInstants, Spec, Steering, run_virtual};
use lockbench::lock::{
    Acquire, Grant, Guarantees, Key, Local, LockSystem, Opening, Patience, Release, Session, SystemError,
};
use lockbench::record::figures::{Figures, OpenLoop, Schedule};
use lockbench::record::{Event, Latency, Observer, What};
use lockbench::stop::Stop;
use lockbench::workload::{DueTimes, Plan, parse};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;
/// Mean service time.
const MEAN: u64 = 100 * MS;
/// What virtual time may round a wait by: a client that waits for a due instant begins at the next tick.
const TICKS: u64 = 2 * MS;

/// How long a lock of the test takes to grant: call number `n`, begun at `start` after the begin of the load.
#[derive(Clone, Copy, Debug)]
enum Service {
    Constant,
    /// One of ten takes eleven times as long.
    Bimodal,
    Exponential,
    /// 20 ms, but nothing is served in the first second of each ten.
    Stalled,
}

impl Service {
    fn end(self, n: u64, start: u64) -> u64 {
        let mut rng = Pcg64Mcg::seed_from_u64(n ^ 0x5e71);
        match self {
            Self::Constant => start + MEAN,
            Self::Bimodal => start + if rng.random::<f64>() < 0.1 { 550 * MS } else { 50 * MS },
            Self::Exponential => {
                let unit: f64 = Exp1.sample(&mut rng);
                start + (unit * (MEAN / MS) as f64).round() as u64 * MS
            }
            Self::Stalled => {
                let begun = if start % (10 * S) < S { start / (10 * S) * 10 * S + S } else { start };
                begun + 20 * MS
            }
        }
    }
}

/// A lock on which no two clients meet, with these service times.
struct Stub {
    service: Service,
    start: u64,
    calls: Arc<Mutex<u64>>,
}

struct StubSession {
    service: Service,
    start: u64,
    calls: Arc<Mutex<u64>>,
    timer: Timer,
}

impl LockSystem for Stub {
    fn name(&self) -> &'static str {
        "stub"
    }
    fn guarantees(&self) -> &Guarantees {
        &backend::Registry::builtin().find("memory").unwrap().guarantees
    }
    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        let (service, start, calls) = (self.service, self.start, Arc::clone(&self.calls));
        Box::pin(async move {
            Ok(Box::new(StubSession { service, start, calls, timer: opening.timer }) as Box<dyn Session>)
        })
    }
}

impl Session for StubSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, _: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(async move {
            let n = {
                let mut calls = self.calls.lock().unwrap();
                *calls += 1;
                *calls - 1
            };
            let end = self.service.end(n, self.timer.now() - self.start);
            self.timer.sleep_until(self.start + end).await;
            Acquire::Acquired(Grant::new(key.index, None, u64::MAX))
        })
    }
    fn release(&mut self, _: Grant) -> Local<'_, Release> {
        Box::pin(async { Release::Confirmed })
    }
}

#[derive(Default)]
struct Invokes {
    /// Due instant, client and key, in order.
    all: Vec<(u64, u32, u32)>,
    /// From the due instant to the grant, of one client.
    waits: Vec<u64>,
}

impl Observer for Invokes {
    fn observe(&mut self, event: &Event) {
        match event.what {
            What::Invoke { due } => self.all.push((due, event.client, event.key)),
            What::Acquired { .. } => self.waits.extend(self.all.last().map(|(due, ..)| event.t - due)),
            _ => {}
        }
    }
}

struct Trial {
    plan: Plan,
    figures: Figures,
    invokes: Invokes,
    start: u64,
}

impl Trial {
    fn load(&self) -> &OpenLoop {
        self.figures.open_loop().unwrap()
    }

    fn waits(&self) -> &[u64] {
        &self.invokes.waits
    }
}

fn plan(text: &str) -> Plan {
    parse("open.toml", text, &[]).unwrap().0
}

async fn run(text: &str, service: Service) -> Trial {
    let plan = plan(text);
    let clock = Clock::virtual_time();
    let count = plan.count_of_keys();
    let keys: Arc<[Key]> = (0..count).map(|index| Key { index, name: format!("k{index}").into() }).collect();
    let schedule = Schedule::new(clock.now() + MS, plan.warmup_ns, plan.duration_ns);
    let start = schedule.start;
    let grid = DueInstants::of_plan(&plan, 1, (0, 1)).map(Arc::new);
    let spec = Spec {
        system: Arc::new(Stub { service, start, calls: Arc::default() }),
        ttl_ns: plan.ttl_ns,
        plan: Arc::new(plan.clone()),
        trial: 1,
        keys,
        clock,
        workers: 1,
        stop: Stop::new(),
        steering: Steering::default(),
        faults: None,
        processes: None,
        truth: None,
        grids: grid.into(),
    };
    let mut figures = Figures::new(schedule.clone(), plan.clients, count).of_open_loop(Vec::new());
    let mut invokes = Invokes::default();
    let engine = run_virtual(spec, &schedule, &mut [&mut figures, &mut invokes]).await.unwrap();
    assert_eq!(engine.reader.lost, 0);
    Trial { plan, figures, invokes, start }
}

/// What the recursion says: response and service times of what begins before the end of the load, with so many servers
/// that take callers in order.
fn by_hand(plan: &Plan, service: Service) -> (Latency, Latency) {
    let load_ns = plan.warmup_ns + plan.duration_ns;
    let mut free = vec![0_u64; plan.clients as usize];
    let (mut response, mut served) = (Latency::default(), Latency::default());
    for (n, due) in (0..).zip(DueTimes::new(&plan.arrival, plan.seed, 1, load_ns, (0, 1))) {
        let first = free.iter_mut().min().unwrap();
        let start = due.after_ns.max(*first);
        if start >= load_ns {
            return (response, served);
        }
        let end = service.end(n, start);
        *first = end;
        if start >= plan.warmup_ns {
            response.record(end - due.after_ns);
            served.record(end - start);
        }
    }
    (response, served)
}

fn alike(what: &str, measured: &Latency, expected: &Latency) {
    for p in [0.5, 0.9, 0.99, 0.999] {
        let (measured, expected) = (measured.raw_percentile(p).unwrap(), expected.raw_percentile(p).unwrap());
        let off = measured.abs_diff(expected);
        assert!(off <= TICKS.max(expected / 100), "{what}, p{p}: {measured} where {expected} is right");
    }
}

fn poisson(load: f64, clients: u32, attempts: u64) -> String {
    let rate = load * f64::from(clients) * S as f64 / MEAN as f64;
    let seconds = attempts as f64 / rate;
    format!(
        "clients = {clients}\nkeys = \"per-client\"\nhold = \"0s\"\nwarmup = \"0s\"\nduration = \"{seconds:.0}s\"\narrival = \
         {{ kind = \"poisson\", rate = {rate}, queue = 100000 }}"
    )
}

#[tokio::test(start_paused = true)]
async fn response_times_are_those_of_the_recursion_at_every_load() {
    for service in [Service::Constant, Service::Bimodal, Service::Exponential] {
        for load in [0.1, 0.5, 0.8, 0.95] {
            let trial = run(&poisson(load, 1, 1_000), service).await;
            let (response, served) = by_hand(&trial.plan, service);
            let what = format!("{service:?} at {load}");
            let latencies = trial.figures.latencies();
            alike(&what, &latencies.acquire_service, &served);
            let waits = Latency::clone(&latencies.acquire_response);
            alike(&what, &waits.answered(), &response);
            assert_eq!(trial.load().dropped_by_us(), 0, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn several_clients_serve_one_queue_in_order() {
    let trial = run(&poisson(0.8, 4, 3_000), Service::Exponential).await;
    let (response, _) = by_hand(&trial.plan, Service::Exponential);
    alike("4 clients", &trial.figures.latencies().acquire_response.clone().answered(), &response);
    let dues: Vec<u64> = trial.invokes.all.iter().map(|(due, ..)| *due).collect();
    assert!(dues.is_sorted(), "whoever was due first began first");
}

const STALLED: &str = r#"
clients = 4
keys = "per-client"
hold = "0s"
warmup = "0s"
duration = "100s"
"#;

#[tokio::test(start_paused = true)]
async fn a_stall_shows_in_response_time_and_hides_in_service_time() {
    let trial = run(&format!("{STALLED}arrival = {{ rate = 100, queue = 1000 }}"), Service::Stalled).await;
    let (response, _) = by_hand(&trial.plan, Service::Stalled);
    let (measured, expected) = (trial.figures.latencies(), response.raw_percentile(0.99).unwrap());
    let p99 = |latency: &Latency| latency.raw_percentile(0.99).unwrap();
    let (seen, hidden) = (p99(&measured.acquire_response), p99(&measured.acquire_service));
    assert!(seen.abs_diff(expected) <= expected * 3 / 100, "{seen} where {expected} is right");
    assert!(hidden < 30 * MS && seen > 900 * MS, "{hidden} of service, {seen} of response");
    // Ten times a second is not served; what waits for a client then is most of the response time.
    assert!(p99(trial.load().queued()) > 800 * MS);
    // The closed loop sees no more than one wait per client and stall.
    let closed = run(STALLED, Service::Stalled).await;
    let latencies = closed.figures.latencies();
    assert!(p99(&latencies.acquire_response) < 30 * MS, "{:?}", latencies.acquire_response.figures());
}

#[tokio::test(start_paused = true)]
async fn the_closed_form_of_m_m_1_lies_within_the_interval_of_a_run() {
    for load in [0.1, 0.5, 0.8] {
        let trial = run(&poisson(load, 1, 4_000), Service::Exponential).await;
        let (response, _) = by_hand(&trial.plan, Service::Exponential);
        let measured = trial.figures.latencies().acquire_response.clone().answered();
        alike("M/M/1", &measured, &response);
        // Of the same sample path, in order.
        let waits = trial.waits();
        for p in [0.5, 0.9, 0.99] {
            let closed_form = -f64::ln(1.0 - p) * MEAN as f64 / (1.0 - load);
            let beyond = waits.iter().map(|wait| if *wait as f64 > closed_form { 1.0 } else { 0.0 });
            let (mean, half) = interval(&beyond.collect::<Vec<f64>>());
            let expected = 1.0 - p;
            assert!((mean - expected).abs() <= half, "{load}, p{p}: {mean} +- {half} are beyond {closed_form}");
        }
    }
}

/// Mean and half of its 99 % interval, from the means of batches, which hold what follows one another.
fn interval(samples: &[f64]) -> (f64, f64) {
    const BATCHES: usize = 20;
    /// Student's t for 19 degrees of freedom.
    const T: f64 = 2.861;
    let of = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let means: Vec<f64> = samples.chunks_exact(samples.len() / BATCHES).take(BATCHES).map(of).collect();
    let mean = of(&means);
    let spread = means.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (BATCHES as f64 - 1.0);
    (mean, T * (spread / BATCHES as f64).sqrt())
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_is_dropped_and_counts_as_a_wait_in_vain() {
    let text = "clients = 1\nhold = \"0s\"\nwarmup = \"0s\"\nduration = \"60s\"\narrival = { rate = 20, queue = 0 }";
    let trial = run(text, Service::Constant).await;
    // 20 per second are due, and one takes 100 ms: every other one finds the client busy.
    let load = trial.load();
    assert_eq!(load.due(), 1_200);
    assert!(load.begun().abs_diff(600) <= 2 && load.dropped() == 1_200 - load.begun(), "{load:?}");
    let response = trial.figures.latencies().acquire_response.figures();
    assert_eq!(response.in_vain, load.dropped());
    assert_eq!(
        (response.p99_ns, response.max_is_lower_bound),
        (None, true),
        "no percentile that it could have changed"
    );
    assert_eq!(trial.figures.latencies().acquire_service.in_vain(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_is_the_same_load_whatever_the_system_does() {
    let text = "clients = 5\nkeys = { kind = \"uniform\", count = 50 }\nhold = \"0s\"\nwarmup = \"0s\"\nduration = \
                \"30s\"\narrival = { kind = \"poisson\", rate = 20 }";
    let wanted =
        |trial: &Trial| trial.invokes.all.iter().map(|(due, _, key)| (due - trial.start, *key)).collect::<Vec<_>>();
    let (first, again) = (run(text, Service::Constant).await, run(text, Service::Constant).await);
    assert_eq!(wanted(&first), wanted(&again));
    let slower = run(text, Service::Bimodal).await;
    let both = wanted(&first).len().min(wanted(&slower).len());
    assert!(both > 500);
    assert_eq!(wanted(&first)[..both], wanted(&slower)[..both], "nothing that the system does moves one of them");
    let other = run(&format!("{text}\nseed = 2"), Service::Constant).await;
    assert_ne!(wanted(&first)[..20], wanted(&other)[..20]);
}

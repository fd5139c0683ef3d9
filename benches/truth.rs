//! Are response times true in real time? A lock whose service times are injected and seeded is put under an open loop by the
//! engine, on the machine's own clock. The service times as the lock itself measured them, and the due instants of the plan,
//! go through the recursion of Lindley ("The theory of queues with a single server", 1952) for eight servers, which needs no
//! engine. Once with what the load generator itself took for each attempt (a timer, a wake-up, the turn to the next one): medians
//! and tails must agree with the measured ones within 1 % or 20 us. And once without it: the difference is what it adds.
//!
//! `cargo bench --bench truth -- [SECONDS]`; nothing else should run. `tests/pure/open_loop.rs` does the same in virtual time.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use rand::distr::Distribution;
use rand::{RngExt, SeedableRng};
use rand_distr::Exp1;
use rand_pcg::Pcg64Mcg;

use lockbench::clock::{Clock, Timer};
use lockbench::load::{Armed, DueInstants, Spec, Steering};
use lockbench::lock::{
    Acquire, Grant, Guarantees, Key, Local, LockSystem, NO_LEASE, Opening, Patience, Release, Session, SystemError,
};
use lockbench::record::figures::Figures;
use lockbench::record::{Event, Latency, Observer, What};
use lockbench::stop::Stop;
use lockbench::workload::{DueTimes, parse};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;
/// Mean service time.
const MEAN: u64 = 10 * MS;
/// Clients, each with a key that nobody else wants: so many servers.
const CLIENTS: u32 = 8;
/// What may differ: a hundredth, or so much.
const ALLOWED_NS: u64 = 20_000;

#[derive(Clone, Copy, Debug)]
enum Service {
    Constant,
    /// One of ten takes eleven times as long.
    Bimodal,
    Exponential,
    /// A fifth of the mean, but nothing is served in the first second of each ten.
    Stalled,
}

impl Service {
    /// When call number `n`, begun at `start` after the begin of the load, is to be granted.
    fn end(self, n: u64, start: u64) -> u64 {
        let mut rng = Pcg64Mcg::seed_from_u64(n ^ 0x5e71);
        match self {
            Self::Constant => start + MEAN,
            Self::Bimodal => start + if rng.random::<f64>() < 0.1 { 55 * MS } else { 5 * MS },
            Self::Exponential => {
                let unit: f64 = Exp1.sample(&mut rng);
                start + (unit * MEAN as f64) as u64
            }
            Self::Stalled => {
                let begun = if start % (10 * S) < S { start / (10 * S) * 10 * S + S } else { start };
                begun + MEAN / 5
            }
        }
    }
}

/// What the lock measured of its own calls, in the order of the calls: nanoseconds from call to grant.
type Served = Arc<Mutex<Vec<u64>>>;

struct Stub {
    service: Service,
    start: u64,
    served: Served,
}

struct StubSession {
    service: Service,
    start: u64,
    served: Served,
    timer: Timer,
}

impl LockSystem for Stub {
    fn name(&self) -> &'static str {
        "stub"
    }
    fn guarantees(&self) -> &Guarantees {
        &Guarantees::EXCLUSION_ONLY
    }
    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        let (service, start, served) = (self.service, self.start, Arc::clone(&self.served));
        Box::pin(async move {
            Ok(Box::new(StubSession { service, start, served, timer: opening.timer }) as Box<dyn Session>)
        })
    }
}

impl Session for StubSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, _: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(async move {
            let begun = self.timer.now();
            let lock = || self.served.lock().unwrap_or_else(PoisonError::into_inner);
            let n = {
                let mut served = lock();
                served.push(0);
                served.len() - 1
            };
            let end = self.service.end(n as u64, begun.saturating_sub(self.start));
            self.timer.sleep_until(self.start + end).await;
            lock()[n] = self.timer.now() - begun;
            Acquire::Acquired(Grant::new(key.index, None, NO_LEASE))
        })
    }
    fn release(&mut self, _: Grant) -> Local<'_, Release> {
        Box::pin(async { Release::Confirmed })
    }
}

/// From the due instant to the grant, of every attempt, and what lockbench itself took of it.
#[derive(Default)]
struct Waits {
    clients: Vec<Turn>,
    response: Latency,
    service: Latency,
    /// In the order of the calls: from the due instant, or when the client was free if that is later, to the call; from there
    /// to the grant, in which the lock's own time is; and from then until the client was free.
    own: Vec<[u64; 3]>,
}

/// The attempt of a client.
#[derive(Clone, Copy, Default)]
struct Turn {
    /// Its place in the order of the calls.
    number: usize,
    due: u64,
    invoke: u64,
    granted: u64,
    /// When the client ended the one before.
    free: u64,
}

impl Observer for Waits {
    fn observe(&mut self, event: &Event) {
        let Some(turn) = self.clients.get_mut(event.client as usize) else { return };
        match event.what {
            What::Invoke { due } => {
                (turn.due, turn.invoke, turn.number) = (due, event.t, self.own.len());
                self.own.push([event.t.saturating_sub(due.max(turn.free)), 0, 0]);
            }
            What::Acquired { .. } => {
                turn.granted = event.t;
                self.own[turn.number][1] = event.t - turn.invoke;
                self.response.record(event.t.saturating_sub(turn.due));
                self.service.record(event.t.saturating_sub(turn.invoke));
            }
            What::Released { .. } => {
                turn.free = event.t;
                self.own[turn.number][2] = event.t - turn.granted;
            }
            _ => {}
        }
    }
}

type Failure = Box<dyn std::error::Error>;

/// What a trial showed.
struct Seen {
    /// Response times as measured.
    measured: Latency,
    /// By the recursion, with what lockbench itself took.
    with_own: Latency,
    /// And without it.
    without: Latency,
    /// Service times as measured.
    service: Latency,
    /// The lag of 1 % of the attempts.
    lag_ns: Option<u64>,
}

fn trial(service: Service, load: f64, seconds: u64) -> Result<Seen, Failure> {
    let mean = if matches!(service, Service::Stalled) { MEAN / 5 } else { MEAN };
    let rate = load * f64::from(CLIENTS) * S as f64 / mean as f64;
    let text = format!(
        "clients = {CLIENTS}\nkeys = \"per-client\"\nhold = \"0s\"\nwarmup = \"0s\"\nduration = \"{seconds}s\"\narrival = {{ kind = \
         \"poisson\", rate = {rate}, queue = 100000 }}"
    );
    let plan = parse("truth.toml", &text, &[])?.0;
    let clock = Clock::monotonic();
    let keys: Arc<[Key]> = (0..CLIENTS).map(|index| Key { index, name: format!("k{index}").into() }).collect();
    let served = Served::default();
    // The schedule begins a moment after its making: the lock counts from a whole second before.
    let start = clock.now();
    let system = Arc::new(Stub { service, start, served: Arc::clone(&served) });
    let armed = Armed::new(Spec {
        system,
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
        grids: DueInstants::of_plan(&plan, 1, (0, 1)).map(Arc::new).into(),
    })?;
    let schedule = armed.schedule();
    let mut waits = Waits { clients: vec![Turn::default(); CLIENTS as usize], ..Waits::default() };
    let mut figures = Figures::new(schedule.clone(), CLIENTS, CLIENTS).of_open_loop(Vec::new());
    armed.run(&schedule, &mut [&mut waits, &mut figures], &mut |_| ControlFlow::Continue(()))?;
    let served = served.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let recursion = |own: &dyn Fn(usize, u64) -> [u64; 3]| {
        let mut free = vec![0_u64; CLIENTS as usize];
        let mut response = Latency::default();
        let due = DueTimes::new(&plan.arrival, plan.seed, 1, plan.duration_ns, (0, 1));
        for (n, (due, served)) in due.zip(&served).enumerate() {
            let Some(first) = free.iter_mut().min() else { break };
            let [lag, call, turn] = own(n, *served);
            let granted = due.after_ns.max(*first) + lag + call.max(*served);
            response.record(granted - due.after_ns);
            *first = granted + turn;
        }
        response
    };
    Ok(Seen {
        with_own: recursion(&|n, served| waits.own.get(n).copied().unwrap_or([0, served, 0])),
        without: recursion(&|_, served| [0, served, 0]),
        lag_ns: figures.open_loop().and_then(|load| load.lag().figures().p99_ns),
        measured: waits.response,
        service: waits.service,
    })
}

fn ms(ns: Option<u64>) -> String {
    ns.map_or_else(|| "-".to_owned(), |ns| format!("{:.3}", ns as f64 / 1e6))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(seconds) = arguments.first().and_then(|seconds| seconds.parse().ok()) else {
        eprintln!("usage: truth SECONDS  (nothing measured)");
        return ExitCode::SUCCESS;
    };
    println!("response times in ms: measured / by the recursion with what lockbench itself took / without it");
    let head = ["p50", "p99", "p99.9"].map(|p| format!("{p:>28}"));
    println!("{:<12} {:>5} {:>8} {} {:>8} {:>8}", "service", "load", "attempts", head.join(" "), "service", "lag p99");
    let mut wrong = 0;
    let kinds = [Service::Constant, Service::Bimodal, Service::Exponential];
    let cases = kinds.into_iter().flat_map(|service| [0.1, 0.5, 0.8, 0.95].map(|load| (service, load)));
    for (service, load) in cases.chain([(Service::Stalled, 0.1), (Service::Stalled, 0.5)]) {
        match trial(service, load, seconds) {
            Ok(Seen { measured, with_own, without, service: own, lag_ns }) => {
                let count = measured.figures().count;
                let cells = [0.5, 0.99, 0.999].map(|p| {
                    // Ten lie beyond it.
                    let of = |latency: &Latency| latency.raw_percentile(p).filter(|_| count as f64 * (1.0 - p) >= 10.0);
                    let (found, right) = (of(&measured), of(&with_own));
                    let off = found.zip(right).is_some_and(|(a, b)| a.abs_diff(b) > ALLOWED_NS.max(b / 100));
                    wrong += u32::from(off);
                    let mark = if off { "! " } else { "" };
                    format!("{:>28}", format!("{mark}{} / {} / {}", ms(found), ms(right), ms(of(&without))))
                });
                println!(
                    "{:<12} {:>3.0} % {count:>8} {} {:>8} {:>8}",
                    format!("{service:?}").to_lowercase(),
                    100.0 * load,
                    cells.join(" "),
                    ms(own.raw_percentile(0.99)),
                    ms(lag_ns)
                );
            }
            Err(error) => {
                eprintln!("truth: {service:?} at {load}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "{wrong} measured ones differ from the first recursion by more than 1 % and 20 us (marked !); service: p99 from the call"
    );
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

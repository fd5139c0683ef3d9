//! A bare loop over the client library of a system: as many clients as in a run on as many threads, each on a key of its
//! own, without recorder, oracle and history. What a run makes beside it is what lockbench costs.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

use super::meter::own_cpu_s;
use lockbench_core::lock::{Key, SystemError};
use lockbench_core::record::Latency;
use lockbench_report::Pace;
use lockbench_systems::{Bare, Entry, OpenBare, Target};

/// How long, and how many.
#[derive(Clone, Copy, Debug)]
pub struct BareLoad {
    /// Clients at the same time.
    pub clients: u32,
    /// Threads that share them.
    pub workers: u32,
    /// Nanoseconds before what is measured.
    pub warmup_ns: u64,
    /// Nanoseconds that are measured.
    pub measured_ns: u64,
}

/// Why there is no pace.
#[derive(Debug, thiserror::Error)]
pub enum BareError {
    /// The system has no bare loop.
    #[error("there is no bare loop for {0}")]
    NotOffered(&'static str),
    /// A session could not be opened, or keys not be prepared.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A loop broke off.
    #[error("a bare loop over {system} broke off: {problem}")]
    BrokeOff {
        /// The system.
        system: &'static str,
        /// Why.
        problem: String,
    },
    /// A thread could not be started.
    #[error("cannot run a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// What a thread has seen.
#[derive(Default)]
struct Seen {
    cycles: u64,
    waits: Latency,
}

/// Runs it on clean keys, which are removed again. Blocks for the whole load.
///
/// # Errors
/// The system offers none, or it broke off.
pub fn bare_pace(entry: &Entry, target: &Target, load: BareLoad) -> Result<Pace, BareError> {
    let open = entry.bare.ok_or(BareError::NotOffered(entry.name))?;
    let named = |index| Key { index, name: format!("bare-{index}").into() };
    let keys: Vec<Key> = (0..load.clients).map(named).collect();
    let system = (entry.connect)(target.clone())?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, system.prepare(&keys))?;
    let pace = paced(entry.name, open, target, &keys, load);
    let cleaned = local.block_on(&runtime, system.clean(&keys));
    let pace = pace?;
    cleaned?;
    Ok(pace)
}

fn paced(name: &'static str, open: OpenBare, target: &Target, keys: &[Key], load: BareLoad) -> Result<Pace, BareError> {
    let workers = load.workers.clamp(1, load.clients);
    let (ready, opened) = channel();
    let mut threads = Vec::new();
    for worker in 0..workers {
        let of: Vec<Key> = keys.iter().skip(worker as usize).step_by(workers as usize).cloned().collect();
        let (target, ready) = (target.clone(), ready.clone());
        let (start, started) = channel();
        let handle = thread::Builder::new().name(format!("bare-{worker}")).spawn(move || {
            let all = async {
                let mut loops: Vec<Box<dyn Bare>> = Vec::new();
                for key in of {
                    let client = key.index;
                    loops.push(open(target.clone(), key, client).await.map_err(|error| error.to_string())?);
                }
                // All sessions are open before any loop begins; whoever does not begin is not waited for.
                let _ = ready.send(());
                drop(ready);
                let begin = started.recv().map_err(|_| "another thread could not open its sessions".to_owned())?;
                cycle(loops, &target, (begin, begin + load.measured_ns)).await
            };
            let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
            LocalSet::new().block_on(&runtime, all)
        })?;
        threads.push((handle, start));
    }
    drop(ready);
    let all_opened = opened.iter().take(workers as usize).count() == workers as usize;
    let (handles, starts): (Vec<_>, Vec<_>) = threads.into_iter().unzip();
    let mut used_s = 0.0;
    if all_opened {
        let begin = target.clock.now() + load.warmup_ns;
        for start in &starts {
            // One that is gone shows when it is joined.
            let _ = start.send(begin);
        }
        thread::sleep(Duration::from_nanos(load.warmup_ns));
        let before = own_cpu_s();
        thread::sleep(Duration::from_nanos(load.measured_ns));
        used_s = own_cpu_s() - before;
    }
    drop(starts);
    let mut all = Seen::default();
    for handle in handles {
        let seen: Result<Seen, String> = handle.join().unwrap_or_else(|_| Err("it panicked".to_owned()));
        let seen = seen.map_err(|problem| BareError::BrokeOff { system: name, problem })?;
        all.cycles += seen.cycles;
        all.waits.merge(&seen.waits);
    }
    let cycles = all.cycles as f64;
    let waits = all.waits.figures();
    Ok(Pace {
        cycles_per_s: cycles / (load.measured_ns as f64 / 1e9),
        p50_ns: waits.p50_ns.unwrap_or_default() as f64,
        p99_ns: waits.p99_ns.map(|ns| ns as f64),
        cpu_ns: used_s * 1e9 / cycles,
    })
}

/// Cycles of the clients of a thread, of which those count that begin between two instants.
async fn cycle(loops: Vec<Box<dyn Bare>>, target: &Target, (begin, end): (u64, u64)) -> Result<Seen, String> {
    let mut tasks = JoinSet::new();
    for mut one in loops {
        let clock = target.clock;
        tasks.spawn_local(async move {
            let mut seen = Seen::default();
            loop {
                let called = clock.now();
                if called >= end {
                    return Ok::<Seen, String>(seen);
                }
                let granted = one.cycle().await?;
                if called >= begin {
                    seen.cycles += 1;
                    seen.waits.record(granted.saturating_sub(called));
                }
            }
        });
    }
    let mut all = Seen::default();
    while let Some(done) = tasks.join_next().await {
        let seen = done.map_err(|error| error.to_string())??;
        all.cycles += seen.cycles;
        all.waits.merge(&seen.waits);
    }
    Ok(all)
}

//! What the tool itself costs: the same number of clients against `memory`, each
//! on a key of its own, no hold, with recorder and oracle on. No backend can show
//! more cycles a second than this, and a system that comes near measures us.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::measure::own_cpu_s;
use crate::backend::{Entry, Target};
use crate::load::{Armed, Phase, Spec, Steering, Tick};
use crate::lock::Key;
use crate::oracle::Oracle;
use crate::record::figures::Figures;
use crate::stop::Stop;
use crate::workload::plan::{Keys, Plan, Span};

const WARMUP_NS: u64 = 100_000_000;
const DURATION_NS: u64 = 300_000_000;

/// The calibration's result.
pub struct Overhead {
    /// CPU nanoseconds a cycle, of all threads.
    pub ns_per_cycle: f64,
    /// Cycles a second.
    pub cycles_per_s: f64,
}

/// Calibrates; `None` if the load was stopped or nothing could be measured.
pub fn calibrate(
    plan: &Plan,
    memory: &Entry,
    target: Target,
    workers: u32,
    stop: &Stop,
    runtime: &tokio::runtime::Runtime,
) -> Option<Overhead> {
    let plan = Plan {
        keys: Keys::PerClient,
        hold: Span::ZERO,
        think: Span::ZERO,
        warmup_ns: WARMUP_NS,
        duration_ns: DURATION_NS,
        ..plan.clone()
    };
    let clients = plan.clients;
    let clock = target.clock;
    let system = (memory.connect)(target).ok()?;
    let keys: Arc<[Key]> =
        (0..clients).map(|index| Key { index, name: format!("calibration-{index}").into() }).collect();
    runtime.block_on(system.prepare(&keys)).ok()?;
    let ttl_ns = plan.ttl_ns;
    let (plan, stop) = (Arc::new(plan), stop.child());
    // Nobody steers a calibration: a pause would only say something of the person.
    let steering = Steering::default();
    let spec = Spec { system, plan, ttl_ns, trial: 0, keys, clock, workers, stop, steering, grid: None };
    let armed = Armed::new(spec).ok()?;
    let schedule = armed.schedule();
    let mut figures = Figures::new(schedule.clone(), clients, clients);
    let mut oracle = Oracle::new(clients, clients, schedule.start);
    let (mut before, mut after) = (0.0, 0.0);
    let mut tick = |tick: Tick| {
        match (tick.entered, tick.phase) {
            (true, Phase::Measure) => before = own_cpu_s(),
            (true, Phase::Drain) => after = own_cpu_s(),
            _ => {}
        }
        ControlFlow::Continue(())
    };
    armed.run(&schedule, &mut [&mut figures, &mut oracle], &mut tick).ok()?;
    let cycles = figures.counts().grants_in_window as f64;
    let seconds = (schedule.end() - schedule.measure()) as f64 / 1e9;
    (cycles > 0.0 && seconds > 0.0)
        .then(|| Overhead { ns_per_cycle: (after - before) * 1e9 / cycles, cycles_per_s: cycles / seconds })
}

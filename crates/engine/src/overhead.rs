//! What the tool itself costs: the same number of clients against `memory`, each
//! on a key of its own, no hold, with recorder and oracle on. No backend can show
//! more cycles per second than this, and a system that comes near measures us. What
//! other processes used meanwhile is missing from it, and is told beside it.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::meter::own_cpu_s;
use super::steering::Steering;
use super::trial::{Armed, Spec, Tick};
use lockbench_core::lock::Key;
use lockbench_core::oracle::Oracle;
use lockbench_core::record::figures::Figures;
use lockbench_core::record::{Follower, Followers, Phase};
use lockbench_core::stop::Stop;
use lockbench_core::workload::plan::{Access, Arrival, Keys, Plan, Span};
use lockbench_systems::{Entry, Target};

/// A calibration takes a tenth of what a system is measured for, from the shorter to the longer.
const LENGTHS_NS: (u64, u64) = (40_000_000, 400_000_000);
/// Share of all processors in the hands of others from which on the calibration is made once
/// more: servers that were just started calm down meanwhile.
const DISTURBED: f64 = 0.2;
/// Unit of `/proc/stat`: hundredths of a second on every common platform (USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// The calibration's result.
pub struct Overhead {
    /// CPU nanoseconds a cycle, of all threads.
    pub ns_per_cycle: f64,
    /// Cycles per second.
    pub cycles_per_s: f64,
    /// Share of all processors that other processes used meanwhile; `None`: the kernel does
    /// not tell.
    pub others_share: Option<f64>,
}

/// Calibrates, twice on a machine that has other things to do: the better one counts. `None`
/// if the load was stopped or nothing could be measured.
pub fn calibrate(
    plan: &Plan,
    memory: &Entry,
    target: &Target,
    workers: u32,
    stop: &Stop,
    runtime: &tokio::runtime::Runtime,
) -> Option<Overhead> {
    let once = || calibrate_once(plan, memory, target.clone(), workers, stop, runtime);
    let first = once()?;
    if first.others_share.is_none_or(|share| share <= DISTURBED) || stop.draining() {
        return Some(first);
    }
    let second = once();
    Some(second.filter(|second| second.cycles_per_s > first.cycles_per_s).unwrap_or(first))
}

fn calibrate_once(
    plan: &Plan,
    memory: &Entry,
    target: Target,
    workers: u32,
    stop: &Stop,
    runtime: &tokio::runtime::Runtime,
) -> Option<Overhead> {
    let (shortest_ns, longest_ns) = LENGTHS_NS;
    let measured_ns = plan.duration_ns.saturating_mul(plan.trials.into());
    let length_ns = (measured_ns / 10).clamp(shortest_ns, longest_ns);
    let plan = Plan {
        groups: Vec::new(),
        access: Access::Exclusive,
        keys: Keys::PerClient,
        hold: Span::ZERO,
        think: Span::ZERO,
        arrival: Arrival::Closed,
        warmup_ns: length_ns / 4,
        duration_ns: length_ns - length_ns / 4,
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
    let spec = Spec {
        system,
        plan,
        ttl_ns,
        trial: 0,
        keys,
        clock,
        workers,
        stop,
        steering,
        faults: None,
        truth: None,
        grids: Default::default(),
        processes: None,
    };
    let armed = Armed::new(spec).ok()?;
    let schedule = armed.schedule();
    let mut figures = Figures::new(schedule.clone(), clients, clients);
    let mut oracle = Oracle::new(clients, clients, schedule.start);
    let (mut before, mut after) = (Reading::default(), Reading::default());
    let mut tick = |tick: Tick| {
        match (tick.entered, tick.phase) {
            (true, Phase::Measure) => before = Reading::now(),
            (true, Phase::Drain) => after = Reading::now(),
            _ => {}
        }
        ControlFlow::Continue(())
    };
    // As in a trial: one state machine for both.
    let mut followers: [&mut dyn Follower; 2] = [&mut figures, &mut oracle];
    armed.run(&schedule, &mut [&mut Followers::new(&mut followers)], &mut tick).ok()?;
    let cycles = figures.counts().grants_in_window as f64;
    let seconds = (schedule.end() - schedule.measure()) as f64 / 1e9;
    (cycles > 0.0 && seconds > 0.0).then(|| Overhead {
        ns_per_cycle: (after.own_s - before.own_s) * 1e9 / cycles,
        cycles_per_s: cycles / seconds,
        others_share: after.others_since(&before),
    })
}

/// Processor time at one moment, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    own_s: f64,
    /// Of the whole machine: busy, and busy or idle.
    machine: Option<(f64, f64)>,
}

impl Reading {
    fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/stat").ok();
        let machine = stat.and_then(|stat| machine(&stat, TICKS_PER_S));
        Self { own_s: own_cpu_s(), machine }
    }

    /// Share of all processors that other processes had between two readings.
    fn others_since(&self, before: &Self) -> Option<f64> {
        let ((busy, all), (busy_before, all_before)) = (self.machine?, before.machine?);
        let others = busy - busy_before - (self.own_s - before.own_s);
        (all > all_before).then(|| (others / (all - all_before)).clamp(0.0, 1.0))
    }
}

/// Seconds of all processors since the machine started, busy and altogether, of
/// `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal. Time
/// that a hypervisor gave to others is busy too.
fn machine(stat: &str, ticks_per_s: f64) -> Option<(f64, f64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<f64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let all: f64 = ticks.iter().sum();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(((all - idle) / ticks_per_s, all / ticks_per_s))
}

#[cfg(test)]
mod tests {
    use super::{Reading, machine};

    #[test]
    fn what_others_used_is_what_was_busy_and_not_ours() {
        let stat = |user: u32, idle: u32| format!("cpu  {user} 0 100 {idle} 50 0 0 10 7 7\ncpu0 1 2 3\n");
        let at = |user, idle, own_s| Reading { own_s, machine: machine(&stat(user, idle), 100.0) };
        assert_eq!(machine(&stat(1_000, 5_000), 100.0), Some((11.1, 61.6)));
        // 4 s of processor time passed: 3 s busy, 1 s of that ours.
        let share = at(1_300, 5_100, 3.0).others_since(&at(1_000, 5_000, 2.0));
        assert!((share.unwrap() - 0.5).abs() < 1e-9, "{share:?}");
        // Our own clock is finer than the kernel's ticks.
        assert_eq!(at(1_000, 5_100, 3.0).others_since(&at(1_000, 5_000, 2.0)), Some(0.0));
        assert_eq!(at(1_000, 5_000, 3.0).others_since(&at(1_000, 5_000, 2.0)), None);
        assert!(machine("intr 5", 100.0).is_none() && Reading::default().others_since(&Reading::default()).is_none());
    }
}

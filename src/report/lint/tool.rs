//! Lints on lockbench itself and its machine: what looks like a property of a system
//! and is one of the load.

use super::evidence::{Evidence, Sighting};
use crate::units::{MILLISECOND, grouped, human_duration, three_digits};

/// Share of the ceiling from which on half of a cycle's cost may be our own.
const NEAR_CEILING: f64 = 0.5;
/// Share of all processors above which clients wait for one.
const BUSY: f64 = 0.6;
/// A step of the wall clock that is none: reading two clocks takes time.
const STEP_NS: u64 = 10 * MILLISECOND;

pub(super) fn generator_saturated(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (name, trials) in evidence.systems() {
        let throttled: u64 = trials.iter().map(|trial| trial.throttled).sum();
        if throttled > 0 {
            let detail = format!("clients were held back {} times by the recorder", grouped(throttled));
            found.push(Sighting::found(name, detail));
        }
    }
    let Some(ceiling) = evidence.report.tool.ceiling_cycles_per_s.filter(|ceiling| *ceiling > 0.0) else {
        if found.is_empty() {
            found.push(Sighting::of_run("the ceiling of lockbench was not measured".to_owned(), false));
        }
        return found;
    };
    for (name, trials) in evidence.served() {
        let best = trials.iter().filter_map(|trial| trial.throughput_per_s).fold(0.0, f64::max);
        if best >= NEAR_CEILING * ceiling {
            let (best, share) = (three_digits(best), 100.0 * best / ceiling);
            let ceiling = three_digits(ceiling);
            let detail =
                format!("{best} grants/s are {share:.0} % of the {ceiling} cycles/s that lockbench can make here");
            found.push(Sighting::found(name, detail));
        }
    }
    found
}

pub(super) fn client_cpu_bound(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let cores = f64::from(evidence.report.environment.cores.max(1));
    let mut found = Vec::new();
    for (name, trials) in evidence.served() {
        let shares = trials.iter().filter(|trial| trial.measured_s > 0.0);
        let shares = shares.filter_map(|trial| trial.resources.client_cpu_s.map(|cpu| cpu / trial.measured_s / cores));
        match shares.reduce(f64::max) {
            Some(share) if share > BUSY => {
                let detail = format!("lockbench used {:.0} % of {cores} processors", share * 100.0);
                found.push(Sighting::found(name, detail));
            }
            Some(_) => {}
            None => found.push(Sighting::unsure(name, "the processor time of lockbench was not measured".to_owned())),
        }
    }
    found
}

pub(super) fn clock_step(evidence: &Evidence<'_>) -> Vec<Sighting> {
    match evidence.report.environment.clock_step_ns {
        None => vec![Sighting::of_run("the clocks were not compared".to_owned(), false)],
        Some(step) if step.unsigned_abs() >= STEP_NS => {
            let way = if step > 0 { "forward" } else { "back" };
            let by = human_duration(step.unsigned_abs());
            vec![Sighting::of_run(format!("the wall clock moved {way} by {by} against the monotonic clock"), true)]
        }
        Some(_) => Vec::new(),
    }
}

pub(super) fn self_stall(evidence: &Evidence<'_>) -> Vec<Sighting> {
    counted(
        evidence,
        |trial| trial.self_stalls,
        ["stall of lockbench itself while measuring", "stalls of lockbench itself while measuring"],
    )
}

pub(super) fn history_lost_events(evidence: &Evidence<'_>) -> Vec<Sighting> {
    counted(evidence, |trial| trial.events_lost, ["event was lost", "events were lost"])
}

/// Systems of which something that should be zero was counted.
fn counted(evidence: &Evidence<'_>, of: fn(&super::super::TrialResult) -> u64, what: [&str; 2]) -> Vec<Sighting> {
    let sums = evidence.systems().into_iter().map(|(name, trials)| (name, trials.into_iter().map(of).sum::<u64>()));
    sums.filter(|(_, sum)| *sum > 0)
        .map(|(name, sum)| Sighting::found(name, format!("{} {}", grouped(sum), what[usize::from(sum != 1)])))
        .collect()
}

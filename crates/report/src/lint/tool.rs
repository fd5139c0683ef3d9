//! Lints on lockbench itself and its machine: what looks like a property of a system
//! and is one of the load.

use super::super::schema::TrialResult;
use super::evidence::{Evidence, Sighting};
use lockbench_core::units::{MILLISECOND, grouped, human_duration, three_digits};
use lockbench_core::workload::plan::RenewalPolicy;

/// Share of the ceiling from which on half of a cycle's cost may be our own.
const NEAR_CEILING: f64 = 0.5;
/// Share of all processors above which clients wait for one.
const BUSY: f64 = 0.6;
/// Share of the ceiling up to which a system inside lockbench should leave processors idle: it
/// waits, and what makes lockbench busy is not its speed.
const SLOW: f64 = 0.1;
/// A hold that ends so much later than the plan asks is late, if it is also longer by half.
const LATE_NS: u64 = 5 * MILLISECOND;
/// Share of all processors that other processes may use while the ceiling is measured.
const OTHERS: f64 = 0.2;
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
        found.extend(late_holds(evidence, &trials).map(|detail| Sighting::found(name, detail)));
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

/// The lag of lockbench as its own clients show it: they leave a hold when its time is over,
/// and ask no server for that.
fn late_holds(evidence: &Evidence<'_>, trials: &[&TrialResult]) -> Option<String> {
    let longest = evidence.plan.longest_hold_ns();
    if matches!(evidence.plan.renewal, RenewalPolicy::Every { ns } if ns <= longest) {
        // A renewal may keep a client, and is the server's time.
        return None;
    }
    let half = trials.iter().filter_map(|trial| Some(("half", trial.latency.hold.p50_ns?)));
    let all = trials.iter().filter_map(|trial| Some(("all", trial.latency.hold.min_ns?)));
    // Of a few holds there is no median.
    let (share, ns) = half.max_by_key(|held| held.1).or_else(|| all.max_by_key(|held| held.1))?;
    let late = ns.saturating_sub(longest);
    (late >= LATE_NS && late > longest / 2).then(|| {
        format!(
            "{share} of the holds lasted {} or more where the plan asks for {} at most: lockbench was late",
            human_duration(ns),
            human_duration(longest)
        )
    })
}

/// Was the ceiling taken while lockbench had the machine for itself?
pub(super) fn ceiling_on_busy_machine(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let tool = &evidence.report.tool;
    let Some(ceiling) = tool.ceiling_cycles_per_s else { return Vec::new() };
    match tool.ceiling_others_share {
        Some(share) if share > OTHERS => {
            let (share, ceiling) = (share * 100.0, three_digits(ceiling));
            let detail = format!(
                "other processes used {share:.0} % of all processors while the ceiling of {ceiling} cycles/s was measured"
            );
            vec![Sighting::of_run(detail, true)]
        }
        Some(_) => Vec::new(),
        None => {
            vec![Sighting::of_run("what other processes used at the calibration was not measured".to_owned(), false)]
        }
    }
}

/// What a bare loop showed on this machine.
pub(super) fn tool_costs(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let costs = &evidence.report.tool.own_costs;
    let served = evidence.served();
    let of = |(name, _): &(&str, Vec<&TrialResult>)| costs.iter().find(|cost| cost.backend == *name);
    served.iter().filter_map(|system| Some(Sighting::found(system.0, of(system)?.too_much()?))).collect()
}

pub(super) fn client_cpu_bound(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let cores = f64::from(evidence.report.environment.cores.max(1));
    let mut found = Vec::new();
    for (name, trials) in evidence.systems() {
        // Of a system inside lockbench the time is its own too, unless it hardly grants.
        if evidence.embedded.contains(&name) && !slow(evidence, &trials) {
            continue;
        }
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

/// Is the rate of these trials far from what lockbench can make here?
fn slow(evidence: &Evidence<'_>, trials: &[&TrialResult]) -> bool {
    let best = trials.iter().filter_map(|trial| trial.throughput_per_s).fold(0.0, f64::max);
    evidence.report.tool.ceiling_cycles_per_s.is_some_and(|ceiling| best < SLOW * ceiling)
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
fn counted(evidence: &Evidence<'_>, of: fn(&TrialResult) -> u64, what: [&str; 2]) -> Vec<Sighting> {
    let sums = evidence.systems().into_iter().map(|(name, trials)| (name, trials.into_iter().map(of).sum::<u64>()));
    sums.filter(|(_, sum)| *sum > 0)
        .map(|(name, sum)| Sighting::found(name, format!("{} {}", grouped(sum), what[usize::from(sum != 1)])))
        .collect()
}

//! What a run found, as a report with its verdict.

use super::bench::{Done, contended};
use super::options::{Options, workers};
use super::overhead::Overhead;
use super::store::Stored;
use lockbench_core::units::grouped;
use lockbench_core::workload::Plan;
use lockbench_core::workload::to_toml;
use lockbench_report::{
    Aggregate, Environment, Exit, Interruption, Measurements, OwnCost, Report, SCHEMA_VERSION, SkippedBackend, Tool,
    TrialResult, Verdict, aggregate, judge, missed_conditions, notes_on_faults, notes_on_marks,
};
use lockbench_systems::Entry;

/// A run that is over.
#[derive(Debug)]
pub struct Outcome {
    /// What was found, with the verdict on it.
    pub report: Report,
    /// Histograms, series and clients of each trial that was measured.
    pub measured: Vec<Measurements>,
    /// What ended the run early.
    pub interruption: Option<Interruption>,
    /// Its files, if it was to be stored.
    pub stored: Option<Stored>,
}

/// What a run left, before it is judged.
pub(crate) struct Ran {
    /// How far the wall clock moved against the monotonic one meanwhile.
    pub clock_step_ns: i64,
    pub skipped: Vec<SkippedBackend>,
    pub dones: Vec<Done>,
    pub overhead: Option<Overhead>,
    pub interruption: Option<Interruption>,
    /// Why the history is not on disk, where it should be.
    pub unwritten: Option<String>,
}

/// The report of a run. `notes`: what is known to be odd; `(placement, remarks)`: where its
/// servers were, and what a reader must know of them.
pub(crate) fn report(
    options: &Options<'_>,
    systems: &[&'static Entry],
    ran: &Ran,
    mut notes: Vec<String>,
    (placement, remarks): (&str, Vec<String>),
) -> Report {
    let plan = &options.plan;
    let results: Vec<TrialResult> = ran.dones.iter().map(|done| done.result.clone()).collect();
    let planned = (systems.len() - ran.skipped.len()) * plan.trials as usize;
    let whole = results.len() == planned && results.iter().all(|result| result.complete);
    notes.extend(remarks);
    notes.extend(results.iter().flat_map(|result| remarks_on(plan, result)));
    notes.extend(notes_on_marks(&measured(ran)));
    notes.extend(ran.dones.iter().flat_map(|done| notes_on_faults(&done.faults)));
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        run_id: options.id.clone(),
        complete: ran.interruption.is_none() && ran.unwritten.is_none() && whole,
        tool: Tool {
            name: "lockbench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: options.command.clone(),
            workers: workers(plan),
            overhead_ns_per_cycle: ran.overhead.as_ref().map(|overhead| overhead.ns_per_cycle),
            ceiling_cycles_per_s: ran.overhead.as_ref().map(|overhead| overhead.cycles_per_s),
            ceiling_others_share: ran.overhead.as_ref().and_then(|overhead| overhead.others_share),
            own_costs: own_costs(&options.own_costs, systems),
        },
        environment: Environment {
            clock_step_ns: Some(ran.clock_step_ns),
            ..Environment::read(
                humantime::format_rfc3339_seconds(options.started).to_string(),
                "CLOCK_MONOTONIC",
                placement,
            )
        },
        plan: toml::from_str(&to_toml(plan)).unwrap_or_default(),
        aggregates: aggregates(systems, &ran.dones),
        lints: Vec::new(),
        notes,
        results,
        skipped: ran.skipped.iter().cloned().chain(unreached(options, systems, ran)).collect(),
        faults: ran.dones.iter().flat_map(|done| done.faults.iter().cloned()).collect(),
        thresholds: Vec::new(),
        comparison: None,
        verdict: Verdict { exit_code: 0, reasons: Vec::new() },
    };
    report.verdict = verdict(options, systems, ran, &mut report);
    report
}

/// Judges the gates, which fills thresholds, lints and the comparison of the report,
/// and all the rest.
fn verdict(options: &Options<'_>, systems: &[&'static Entry], ran: &Ran, report: &mut Report) -> Verdict {
    let plan = &options.plan;
    let mut gates = options.gates.judge(report, &measured(ran), plan, systems);
    if let Some(gate) = options.gate {
        gates.extend(gate.judge(report));
    }
    gates.extend(report.faults.iter().filter_map(|fault| Some((Exit::Inconclusive, fault.doubt()?))));
    gates.extend(report.results.iter().flat_map(missed_conditions).map(|missing| (Exit::Inconclusive, missing)));
    gates.extend(ran.dones.iter().filter_map(lost_processes).map(|lost| (Exit::Inconclusive, lost)));
    gates.extend(not_injected(plan, ran).map(|missing| (Exit::Inconclusive, missing)));
    let is_control = |name: &str| systems.iter().any(|entry| entry.name == name && entry.unsafe_by_design);
    let mut verdict = judge(&report.results, &ran.skipped, &plan.expect, ran.interruption, &is_control, &gates);
    verdict.reasons.extend(not_reached(plan, systems, ran));
    if let Some(problem) = &ran.unwritten {
        verdict.unstored(problem.clone());
    }
    verdict
}

/// That the load was not what was planned, where worker processes died that no fault had killed.
fn lost_processes(done: &Done) -> Option<String> {
    let (name, trial, lost) = (&done.result.backend, done.result.trial, done.lost_processes);
    let which = if lost == 1 { "a worker process".to_owned() } else { format!("{lost} worker processes") };
    (lost > 0).then(|| format!("{name} trial {trial}: {which} died though no fault had killed it"))
}

/// Faults of the plan that no trial came to.
fn not_injected(plan: &Plan, ran: &Ran) -> impl Iterator<Item = String> {
    let whole = ran.dones.iter().filter(|done| done.result.complete);
    let missing = |done: &Done| {
        let (name, trial) = (&done.result.backend, done.result.trial);
        let hit = |place: usize| done.faults.iter().any(|fault| fault.fault as usize == place);
        let missed = (1..=plan.faults.len()).filter(|place| !hit(*place));
        missed.map(|place| format!("{name} trial {trial}: fault {place} hit no node")).collect::<Vec<_>>()
    };
    whole.flat_map(missing).collect::<Vec<_>>().into_iter()
}

fn measured(ran: &Ran) -> Vec<Measurements> {
    ran.dones.iter().filter_map(|done| done.measured.clone()).collect()
}

/// The trials of each system merged.
fn aggregates(systems: &[&'static Entry], dones: &[Done]) -> Vec<Aggregate> {
    let of = |name: &str| {
        let parts: Vec<_> = dones
            .iter()
            .filter(|done| done.result.backend == name)
            .map(|done| (&done.result, done.measured.as_ref()))
            .collect();
        (!parts.is_empty()).then(|| aggregate(name, &parts))
    };
    systems.iter().filter_map(|entry| of(entry.name)).collect()
}

/// What must be read beside a trial's verdict. What limits its figures is in the lints.
fn remarks_on(plan: &Plan, result: &TrialResult) -> Vec<String> {
    let name = &result.backend;
    let mut remarks = Vec::new();
    let excludes = result.guarantees["exclusion"] != false;
    if contended(plan) && excludes && result.error.is_none() && result.safety.exercised_holds == 0 {
        remarks.push(format!("{name}: no holder was ever challenged: the zero double grants prove nothing"));
    }
    remarks.extend(two_counts(result));
    let hidden = result.open_loop.as_ref().and_then(|load| load.hidden(&result.latency));
    remarks.extend(hidden.map(|hidden| format!("{name}, trial {}: {hidden}", result.trial)));
    // Also where the trial failed in the end.
    let looks = [(&result.nodes.start, "at the start"), (&result.nodes.end, "at the end")];
    for (nodes, when) in looks.into_iter().filter_map(|(nodes, when)| Some((nodes.as_ref()?, when))) {
        if !nodes.away.is_empty() {
            let trial = result.trial;
            remarks.push(format!("{name}, trial {trial}: {nodes} {when}; away: {}", nodes.problems()));
        }
    }
    remarks
}

/// The rate is of the grants that fell into the measured time, the counts and waits are of the
/// attempts that began in it. Where waits are long beside it, these are two different things.
fn two_counts(result: &TrialResult) -> Option<String> {
    let within = (result.throughput_per_s? * result.measured_s).round() as u64;
    let (fewer, more) = (within.min(result.grants), within.max(result.grants));
    (result.error.is_none() && 2 * fewer < more).then(|| {
        format!(
            "{}, trial {}: {} grants fell into the measured time and make its rate; of the attempts that began in it {} were \
             granted, whenever that was, and make its counts and waits: measure for longer than clients wait",
            result.backend,
            result.trial,
            grouped(within),
            grouped(result.grants)
        )
    })
}

/// Systems that a run which was stopped did not come to.
fn unreached(options: &Options<'_>, systems: &[&'static Entry], ran: &Ran) -> Vec<SkippedBackend> {
    let known = |name: &str| {
        ran.dones.iter().any(|done| done.result.backend == name) || ran.skipped.iter().any(|skip| skip.backend == name)
    };
    let missing = systems.iter().filter(|entry| ran.interruption.is_some() && !known(entry.name));
    missing
        .map(|entry| SkippedBackend {
            backend: entry.name.to_owned(),
            reason: "the run was stopped before it began".to_owned(),
            asked_for: options.by_name,
        })
        .collect()
}

/// What a run that was stopped did not come to: a system without a row must not be
/// taken for one that was not asked for.
fn not_reached(plan: &Plan, systems: &[&'static Entry], ran: &Ran) -> Vec<String> {
    if ran.interruption.is_none() {
        return Vec::new();
    }
    let planned = plan.trials as usize;
    let told = |name: &str| {
        let trials: Vec<_> = ran.dones.iter().filter(|done| done.result.backend == name).collect();
        let ended = trials.iter().filter(|done| done.result.complete).count();
        if trials.is_empty() {
            Some(format!("{name} did not run: the run was stopped before"))
        } else {
            (ended < planned).then(|| format!("{name}: trials that came to their end: {ended} of {planned}"))
        }
    };
    let skipped = |name: &str| ran.skipped.iter().any(|skip| skip.backend == name);
    systems.iter().filter(|entry| !skipped(entry.name)).filter_map(|entry| told(entry.name)).collect()
}

/// Those of the systems of a run.
fn own_costs(all: &[OwnCost], systems: &[&'static Entry]) -> Vec<OwnCost> {
    all.iter().filter(|cost| systems.iter().any(|entry| entry.name == cost.backend)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::two_counts;
    use lockbench_report::TrialResult;

    #[test]
    fn a_rate_and_a_count_that_disagree_have_a_sentence() {
        let trial = |grants, rate| TrialResult {
            backend: "redis".to_owned(),
            trial: 1,
            measured_s: 1.0,
            grants,
            throughput_per_s: Some(rate),
            ..TrialResult::default()
        };
        let told = two_counts(&trial(0, 23.0)).unwrap();
        assert!(told.starts_with("redis, trial 1: 23 grants fell into the measured time"), "{told}");
        assert!(told.contains("of the attempts that began in it 0 were granted"), "{told}");
        assert!(two_counts(&trial(7_650, 1.0)).is_some());
        assert_eq!((two_counts(&trial(60, 100.0)), two_counts(&trial(0, 0.0))), (None, None));
    }
}

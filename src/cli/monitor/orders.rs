//! Which systems are monitored, and by which bounds: read at the start, and again at a SIGHUP.

use std::sync::Arc;

use super::round_observer::SILENCE_NS;
use crate::cli::Failure;
use crate::cli::args::{MonitorArgs, overrides};
use crate::cli::endpoints::{Endpoints, all_used};
use crate::cli::gates;
use crate::cli::select::{Selection, select, workload};
use lockbench_core::units::{exact_duration, grouped, three_digits};
use lockbench_core::workload::plan::{AcquireMode, HistoryLimit, Spread};
use lockbench_core::workload::{EffectiveTtl, Plan, Source, warnings};
use lockbench_engine::contended;
use lockbench_report::Threshold;
use lockbench_report::monitor::{Bound, Rolling, defaults};
use lockbench_systems::Registry;

/// The plan of the rounds, the systems and their bounds.
pub struct Orders {
    /// The plan of one round.
    pub plan: Arc<Plan>,
    pub selection: Selection,
    /// The lease length of each system.
    pub ttls: Vec<EffectiveTtl>,
    pub bounds: Vec<Bound>,
    pub warnings: Vec<String>,
}

impl Orders {
    /// Reads the command line and the file that it names.
    pub fn read(args: &MonitorArgs, endpoints: &Endpoints, registry: &Registry) -> Result<Self, Failure> {
        let mut flags = args.load.short.given();
        flags.extend(args.load.seed.map(|seed| ("seed", seed.to_string())));
        let sets = overrides(&args.load.short.sets, &flags)?;
        let (mut plan, source) = workload(&args.own.workload, &sets, registry)?;
        let selection = watched(select(&args.load.backends, &plan, &source, registry)?, endpoints)?;
        if !plan.faults.is_empty() {
            return Err(Failure::usage(format!(
                "{}: a monitor injects no faults: take [[faults]] out",
                source.place_of("faults")
            )));
        }
        if plan.spread != Spread::Threads {
            return Err(Failure::usage(format!(
                "{}: the clients of a monitor are threads: take \"processes\" out",
                source.place_of("processes")
            )));
        }
        if !plan.groups.is_empty() {
            return Err(Failure::usage(format!(
                "{}: the clients of a monitor all do the same: take \"groups\" out",
                source.place_of("groups")
            )));
        }
        if plan.arrival.is_open() {
            return Err(Failure::usage(format!(
                "{}: --rate says when the attempts of a monitor are due: take \"arrival\" out",
                source.place_of("arrival")
            )));
        }
        all_used(endpoints, &selection.entries)?;
        plan.backends = selection.entries.iter().map(|entry| entry.name.to_owned()).collect();
        // A round is a trial that counts from its first attempt on.
        (plan.warmup_ns, plan.duration_ns, plan.trials) = (0, args.own.round.as_nanos() as u64, 1);
        plan.history = HistoryLimit::Full;
        let ttls = selection.ttls(&plan, &source)?;
        let bounds = bounds(args, &plan, &source, &selection, registry)?;
        let window_ns = args.own.window.as_nanos() as u64;
        if window_ns > Rolling::LONGEST_NS {
            let longest = exact_duration(Rolling::LONGEST_NS);
            return Err(Failure::usage(format!("--window: a monitor run looks back {longest} at most")));
        }
        let systems: Vec<_> = selection.entries.iter().map(|entry| (entry.name, &entry.guarantees)).collect();
        let mut odd = warnings(&plan, &systems);
        odd.extend(selection.entries.iter().filter_map(|entry| entry.warning(&plan)));
        odd.extend(doubts(&plan, &bounds, args.own.rate, window_ns));
        Ok(Self { plan: Arc::new(plan), selection, ttls, bounds, warnings: odd })
    }
}

/// Without a name the systems are those of the given endpoints: every system that could be
/// started here is not what a user means.
fn watched(mut selection: Selection, endpoints: &Endpoints) -> Result<Selection, Failure> {
    if !selection.by_name {
        selection.entries.retain(|entry| entry.server.is_some_and(|kind| endpoints.contains_key(&kind)));
    }
    if selection.entries.is_empty() {
        let how = "give --endpoint SYSTEM=URL, or name systems by -b or by `backends` in the workload";
        return Err(Failure::usage(format!("nothing to monitor: {how}")));
    }
    Ok(selection)
}

fn bounds(
    args: &MonitorArgs,
    plan: &Plan,
    source: &Source,
    selection: &Selection,
    registry: &Registry,
) -> Result<Vec<Bound>, Failure> {
    let mut thresholds = gates::read(plan, source, selection, Some(&args.load), registry)?.thresholds;
    if thresholds.is_empty() {
        let parsed: Result<Vec<_>, _> = defaults(&plan.expect).map(|text| Threshold::parse(text, None)).collect();
        thresholds = parsed.map_err(Failure::internal)?;
    }
    let bound = |threshold: Threshold| {
        let text = threshold.text.clone();
        Bound::new(threshold).map_err(|problem| Failure::usage(format!("threshold \"{text}\": {problem}")))
    };
    thresholds.into_iter().map(bound).collect()
}

/// Returns what a monitor run like this cannot find.
fn doubts(plan: &Plan, bounds: &[Bound], rate: f64, window_ns: u64) -> Vec<String> {
    let mut doubts = Vec::new();
    let expected = (rate * window_ns as f64 / 1e9) as u64;
    for bound in bounds.iter().filter(|bound| bound.need() > expected) {
        let (need, have, window) = (grouped(bound.need()), grouped(expected), exact_duration(window_ns));
        doubts.push(format!(
            "the bound \"{}\" needs {need} attempts in its window, and {rate}/s make {have} in {window}: it will never \
             be judged; raise --rate or --window",
            bound.text()
        ));
    }
    if !contended(plan) {
        doubts
            .push("no two clients want the same key: a lock that no other client challenges proves nothing".to_owned());
    }
    let held_ns = plan.hold.longest_ns();
    let at_once = f64::from(plan.keys.count(plan.clients).min(plan.clients));
    let most = at_once * 1e9 / held_ns.max(1) as f64;
    if most < rate {
        let (hold, most) = (exact_duration(held_ns), three_digits(most));
        doubts.push(format!(
            "{} clients that hold for {hold} make {most} attempts/s at most, and {rate}/s are asked for: the rest will \
             be dropped, and counts as not answered; shorten hold or lower --rate",
            plan.clients
        ));
    }
    if let AcquireMode::Wait { timeout_ns, .. } = plan.acquire
        && timeout_ns >= SILENCE_NS
    {
        let (timeout, silence) = (exact_duration(timeout_ns), exact_duration(SILENCE_NS));
        doubts.push(format!(
            "an attempt may wait for {timeout}, and a system that has not answered for {silence} counts as down: a lock \
             that stays taken because its release was lost looks like that; a timeout below {silence} separates the two"
        ));
    }
    if let AcquireMode::Wait { timeout_ns, .. } = plan.acquire
        && timeout_ns > plan.duration_ns
    {
        let timeout = exact_duration(timeout_ns);
        doubts.push(format!("an attempt may wait {timeout}, longer than a round: shorten acquire.timeout"));
    }
    doubts
}

//! From what was folded to what is reported: one entry of `results`.

use std::collections::BTreeMap;

use super::cores;
use super::fault::conditions;
use super::figure;
use super::kinds::Kinds;
use super::measured::Measurements;
use super::recovery::Recovery;
use super::schema::{
    Aggregate, Fairness, GroupResult, HistoryFacts, HoldsAsked, LatencySet, Modes, OpenLoop, Policies, Resources,
    Safety, SafetyVerdict, Sagas, SectionResult, Transactions, TrialResult, Violation, WaitsGrow, Within,
};
use super::story::story;
use super::why::why;
use lockbench_core::figure::{Counter, FIGURES, LATENCIES, NO_TOKEN, Totals};
use lockbench_core::lock::{Facts, Guarantees};
use lockbench_core::oracle::Findings;
use lockbench_core::record::TrialReport;
use lockbench_core::record::figures::{Counts, Figures, Latencies, MarkKind};
use lockbench_core::record::history::Recorded;
use lockbench_core::record::{Latency, LatencyFigures};
use lockbench_core::stats::{jain_index, mean_within, upper_bound_95_per_million};
use lockbench_core::units::grouped;
use lockbench_core::workload::plan::{Access, Section};

/// Added where a history does not tell which holds were challenged.
const SLEEPERS: &str = "holds that only a sleeping poller wanted count as challenged, because an older lockbench did not \
                        record the difference: the bound may be too good";

/// Everything measured in one trial.
pub struct Measured<'a> {
    /// Registry name in full.
    pub backend: &'a str,
    /// Name of the workload.
    pub workload: &'a str,
    /// Trial number.
    pub trial: u32,
    /// Promises of the recipe.
    pub guarantees: &'a Guarantees,
    /// As read back from the server.
    pub facts: &'a Facts,
    /// Start of the warm-up.
    pub origin: u64,
    /// Length of the measure phase as it was, in nanoseconds, pauses included.
    pub measured_ns: u64,
    /// The fold of the figures.
    pub figures: &'a Figures,
    /// The oracle's findings.
    pub findings: &'a Findings,
    /// The engine's own report.
    pub engine: &'a TrialReport,
    /// How much is on disk; `None`: history off.
    pub recorded: Option<Recorded>,
    /// Processor time and memory.
    pub resources: Resources,
    /// Was the ttl raised to the floor?
    pub ttl_raised: bool,
    /// Threads or processes that the clients are on.
    pub workers: u32,
    /// Number of clients.
    pub clients: u32,
    /// What clients do under the lock.
    pub section: Section,
    /// What attempts asked for.
    pub access: Access,
}

/// The entry of a backend that could not be measured at all.
#[must_use]
pub fn failed(backend: &str, workload: &str, trial: u32, error: String) -> TrialResult {
    TrialResult {
        backend: backend.to_owned(),
        workload: workload.to_owned(),
        trial,
        error: Some(error),
        safety: Safety { because: "the trial did not run".to_owned(), conditions: conditions(0), ..Safety::default() },
        ..TrialResult::default()
    }
}

/// The entry of a trial.
#[must_use]
pub fn result(measured: &Measured<'_>) -> TrialResult {
    let counts = measured.figures.counts();
    let mut missing = BTreeMap::new();
    let latency = latency_set(measured.figures.latencies(), &mut missing);
    let paused_ns = measured.figures.paused_ns();
    let seconds = measured.measured_ns.saturating_sub(paused_ns) as f64 / 1e9;
    let ratio = |a: u64, b: u64| (b > 0).then(|| a as f64 / b as f64);
    let throughput_per_s = (seconds > 0.0).then(|| counts.grants_in_window as f64 / seconds);
    let requests_per_grant = ratio(counts.requests, counts.grants);
    let shares = (counts.waited_ratio(), counts.found_held_ratio(), counts.availability());
    let inventory = measured.section == Section::Inventory;
    note(&mut missing, "safety.harm.oversold", !inventory, "not an inventory workload");
    note(&mut missing, "effective_ttl_ms", measured.engine.effective_ttl_ns.is_none(), "no lease");
    note(&mut missing, "resources.server_cpu_s", measured.resources.server_cpu_s.is_none(), "no server of ours to ask");
    note(
        &mut missing,
        "resources.server_rss_bytes",
        measured.resources.server_rss_bytes.is_none(),
        "no server of ours to ask",
    );
    let safety = safety(measured, &mut missing);
    let recovery = Recovery::of(measured.findings, measured.origin);
    let unasked = recovery.as_ref().is_some_and(|recovery| recovery.blind_s.is_none());
    note(&mut missing, "recovery.blind_s", unasked, "the servers were not asked who holds a key");
    let shared_out = (measured.figures.grants_per_client(), measured.figures.held_per_client());
    let fairness = Fairness::of(shared_out, counts);
    let mut result = TrialResult {
        backend: measured.backend.to_owned(),
        workload: measured.workload.to_owned(),
        trial: measured.trial,
        complete: !measured.engine.cut_short,
        measured_s: seconds,
        paused_s: paused_ns as f64 / 1e9,
        withdrawn: counts.withdrawn,
        open_loop: measured.figures.open_loop().map(|folded| {
            OpenLoop::of(folded, seconds, &measured.resources, (measured.workers, cores(), measured.clients))
        }),
        transactions: measured
            .figures
            .transactions()
            .map(|folded| Transactions::of(folded, &measured.findings.deadlocks, seconds)),
        sagas: measured.figures.sagas().map(|folded| Sagas::of(folded, seconds)),
        groups: measured
            .figures
            .groups()
            .map_or_else(Vec::new, |groups| groups.all().iter().map(|group| GroupResult::of(group, seconds)).collect()),
        modes: measured.figures.modes().map(|folded| Modes::of(folded, measured.access, seconds)),
        goodput_per_s: (seconds > 0.0).then(|| counts.confirmed as f64 / seconds),
        section: SectionResult::of(measured.section, measured.figures.section(), measured.figures.schedule()),
        throughput_per_s,
        throughput_within: mean_within(&measured.figures.grants_in_steps()).map(|found| Within {
            low: found.mean.low.max(0.0),
            high: found.mean.high,
            effective_steps: found.effective,
        }),
        latency,
        safety,
        recovery,
        fairness,
        waited_ratio: shares.0,
        found_held_ratio: shares.1,
        availability: shares.2,
        requests_per_grant,
        wakeups_per_grant: ratio(counts.wakeups, counts.grants),
        wasted_wakeups_per_grant: ratio(counts.wasted_wakeups, counts.grants),
        waits_grow: measured.figures.waits_growing().map(|(from, before_ns, after_ns)| WaitsGrow {
            from_s: from as f64 / 1e9,
            before_ns,
            after_ns,
        }),
        leases: measured.figures.leases().map(Latency::figures),
        holds: measured
            .figures
            .holds()
            .map(|folded| HoldsAsked { asked: folded.asked().figures(), longer: folded.longer().figures() }),
        effective_ttl_ms: measured.engine.effective_ttl_ns.map(|ns| ns as f64 / 1e6),
        ttl_raised: measured.ttl_raised,
        guarantees: serde_json::to_value(measured.guarantees).unwrap_or_default(),
        durability: measured.facts.durability.clone(),
        quorum: measured.facts.quorum.clone(),
        server_version: measured.facts.version.clone(),
        server_role: measured.facts.role.clone(),
        caveats: measured.facts.caveats.clone(),
        sometimes: measured.findings.conditions.reached.clone(),
        resources: measured.resources,
        history: measured.recorded.map_or_else(HistoryFacts::default, |recorded| HistoryFacts {
            complete: recorded.complete,
            attempts: recorded.attempts,
        }),
        events: measured.engine.reader.events,
        events_lost: measured.engine.reader.lost,
        self_stalls: counts.self_stalls,
        throttled: measured.engine.throttled,
        failures: measured.engine.reasons.iter().map(|(text, count)| (text.to_owned(), count)).collect(),
        not_available: missing,
        ..TrialResult::default()
    };
    if let Some(HoldsAsked { asked, longer }) = &result.holds {
        for (path, figures) in [("holds.asked", asked), ("holds.longer", longer)] {
            explain(&mut result.not_available, path, figures, "no hold ended");
        }
    }
    if let Some(leases) = &result.leases {
        explain(&mut result.not_available, "leases", leases, "no grants");
    }
    if let Some(sagas) = &result.sagas {
        explain(&mut result.not_available, "sagas.whole", &sagas.whole, "none did all of its steps");
    }
    let mut totals = Totals::of(counts, &measured.findings.judged, measured.guarantees.token.is_some());
    let of_load = measured.figures.open_loop().map(|load| load.dropped() + load.dropped_by_us());
    totals.set(Counter::Dropped, of_load.or(measured.engine.dropped));
    result.take(&totals.with(Counter::GrantsAll, counts.grants_all));
    result.safety.harm.oversold = inventory.then_some(result.safety.harm.harmful_acts);
    for figure in FIGURES.iter().filter(|figure| !figure.absent.is_empty()) {
        let absent = figure::of(figure, &result).is_none();
        note(&mut result.not_available, figure.field, absent, figure.absent);
    }
    result
}

fn note(missing: &mut BTreeMap<String, String>, figure: &str, absent: bool, reason: &str) {
    if absent {
        missing.insert(figure.to_owned(), reason.to_owned());
    }
}

impl Fairness {
    /// Of the grants that each client got, how long it held them, and the counts.
    #[must_use]
    pub fn of((grants, held): (&[u64], &[u64]), counts: &Counts) -> Self {
        Self {
            jain: jain_index(grants),
            jain_held: jain_index(held),
            max_grants: grants.iter().copied().max().unwrap_or(0),
            min_grants: grants.iter().copied().min().unwrap_or(0),
            overtakes: counts.overtakes,
            longest_wait_ns: counts.longest_wait_ns,
        }
    }
}

impl LatencySet {
    /// The figures of all histograms. What was waited for in vain makes unknown what it
    /// could have changed.
    #[must_use]
    pub fn of(latencies: &Latencies) -> Self {
        Self {
            acquire_service: latencies.acquire_service.figures(),
            acquire_response: latencies.acquire_response.figures(),
            hold: latencies.hold.figures(),
            handoff: latencies.handoff.figures(),
            release: latencies.release.figures(),
            renew: latencies.renew.figures(),
        }
    }
}

fn latency_set(latencies: &Latencies, missing: &mut BTreeMap<String, String>) -> LatencySet {
    let set = LatencySet::of(latencies);
    for latency in &LATENCIES {
        explain(missing, &format!("latency.{}", latency.name), set.figures(latency.id), latency.absent);
    }
    set
}

/// Says why figures are `null`.
fn explain(missing: &mut BTreeMap<String, String>, path: &str, figures: &LatencyFigures, none: &str) {
    if figures.count == 0 {
        missing.insert(path.to_owned(), why_empty(figures, none));
        return;
    }
    let percentiles = [
        ("p50_ns", 0.5, figures.p50_ns),
        ("p90_ns", 0.9, figures.p90_ns),
        ("p95_ns", 0.95, figures.p95_ns),
        ("p99_ns", 0.99, figures.p99_ns),
        ("p999_ns", 0.999, figures.p999_ns),
    ];
    for (field, p, _) in percentiles.iter().filter(|(_, _, value)| value.is_none()) {
        missing.insert(format!("{path}.{field}"), why_missing(figures, *p));
    }
    if figures.mean_ns.is_none() {
        missing.insert(format!("{path}.mean_ns"), in_vain(figures));
    }
}

/// Why there is no sample; `none` says that nothing happened.
#[must_use]
pub fn why_empty(figures: &LatencyFigures, none: &str) -> String {
    match figures.in_vain {
        0 => none.to_owned(),
        in_vain => format!("{none}: all {} were waited for in vain", grouped(in_vain)),
    }
}

/// Why the percentile `p` (0..1) is `None`.
#[must_use]
pub fn why_missing(figures: &LatencyFigures, p: f64) -> String {
    if p > 1.0 - figures.in_vain_share() {
        in_vain(figures)
    } else {
        format!("{} samples, needs {:.0}", figures.count + figures.in_vain, 10.0 / (1.0 - p))
    }
}

/// Why what waits in vain could have changed is not known.
#[must_use]
pub fn in_vain(figures: &LatencyFigures) -> String {
    format!(
        "{:.2} % of {} were waited for in vain (not served, no answer, timed out or withdrawn): the longest times are missing",
        figures.in_vain_share() * 100.0,
        grouped(figures.count + figures.in_vain)
    )
}

fn safety(measured: &Measured<'_>, missing: &mut BTreeMap<String, String>) -> Safety {
    let (findings, counts) = (measured.findings, measured.figures.counts());
    let (judged, exclusion) = (&findings.judged, &findings.exclusion);
    let zero = judged.double_grants == 0;
    let lost = measured.engine.reader.lost;
    let bound = upper_bound_95_per_million(counts.exercised_all).filter(|_| zero && lost == 0);
    let reason = match (zero, lost) {
        (false, _) => "double grants were seen: there is no zero to bound",
        (true, 0) => "no holder was ever challenged",
        (true, _) => "events were lost: what was not seen cannot be bounded",
    };
    note(missing, "safety.upper_bound_95_per_million", bound.is_none(), reason);
    if measured.guarantees.token.is_none() {
        for figure in ["token_inversions", "stale_writes_seen"] {
            missing.insert(format!("safety.{figure}"), NO_TOKEN.to_owned());
        }
    }
    let (verdict, because) = verdict(measured);
    Safety {
        verdict,
        because,
        internal_error: (findings.contradiction.is_some() && measured.engine.reader.lost == 0)
            || measured.engine.panicked > 0,
        withdrawn_admitted: exclusion.withdrawn_admitted,
        outside_admitted: exclusion.outside_admitted,
        outside_self_stall: exclusion.outside_stalled,
        exercised_holds: counts.exercised_all,
        upper_bound_95_per_million: bound,
        policies: Policies { naive: judged.double_grants, ..Policies::default() },
        violations: findings
            .double_grants
            .iter()
            .zip(&findings.attributions)
            .map(|(double, attribution)| Violation {
                double_grant: *double,
                attribution: attribution.clone(),
                story: story(double, measured.origin),
                why: why(measured.backend, double, attribution),
            })
            .collect(),
        causes: findings.causes.named(),
        conditions: {
            let injections = measured.figures.marks().iter().filter(|mark| mark.kind == MarkKind::Fault).count();
            let conditions = conditions(injections);
            if measured.figures.sleepers_challenge() { format!("{conditions}; {SLEEPERS}") } else { conditions }
        },
        ..Safety::default()
    }
}

fn verdict(measured: &Measured<'_>) -> (SafetyVerdict, String) {
    let (findings, counts) = (measured.findings, measured.figures.counts());
    let violations = findings.judged.double_grants + findings.judged.token_regressions;
    if measured.engine.reader.lost > 0 {
        // With holes nothing is certain any more: neither a double grant nor a bug of ours.
        (SafetyVerdict::Unknown, format!("{} events were lost", measured.engine.reader.lost))
    } else if let Some(key) = findings.contradiction {
        let because = format!(
            "two clients were inside key {key} at once, but the sweep saw no double grant there: a bug of lockbench"
        );
        (SafetyVerdict::Unknown, because)
    } else if violations > 0 {
        let because = format!(
            "{}, {} token regressions",
            Kinds::from(&findings.judged).told(),
            grouped(findings.judged.token_regressions)
        );
        (SafetyVerdict::Violated, because)
    } else if measured.engine.panicked > 0 {
        (SafetyVerdict::Unknown, format!("{} clients panicked", measured.engine.panicked))
    } else if !measured.guarantees.exclusion {
        let because = "it excludes nobody by design: a write over a change is refused, and counted as a conflict";
        (SafetyVerdict::NotExercised, because.to_owned())
    } else if counts.exercised_all == 0 {
        (SafetyVerdict::NotExercised, "no request for a key ever met a hold of another client".to_owned())
    } else {
        let holds = if counts.exercised_all == 1 { "hold" } else { "holds" };
        (SafetyVerdict::Valid, format!("{} challenged {holds}, no double grant", grouped(counts.exercised_all)))
    }
}

/// Merges the trials of one backend: each trial's result, and what was measured if it ran.
/// The speed of a trial that failed counts only where there is no other; what the oracle
/// saw of it always does.
#[must_use]
pub fn aggregate(backend: &str, parts: &[(&TrialResult, Option<&Measurements>)]) -> Aggregate {
    let mut latencies = Latencies::default();
    let mut counts = Counts::default();
    let mut merged =
        Aggregate { backend: backend.to_owned(), verdict: SafetyVerdict::NotExercised, ..Aggregate::default() };
    let (mut seconds, mut every, mut whole) = (0.0, Totals::default(), Totals::default());
    let any_whole = parts.iter().any(|(result, _)| result.error.is_none());
    for (result, measured) in parts {
        let totals = result.totals(None);
        every.add(&totals);
        merged.verdict = worse(merged.verdict, result.safety.verdict);
        counts.exercised_all += measured.map_or(0, |measured| measured.counts.exercised_all);
        if any_whole && result.error.is_some() {
            continue;
        }
        if let Some(Measurements { counts: part, latencies: histograms, .. }) = measured {
            latencies.merge(histograms);
            counts.grants_in_window += part.grants_in_window;
        }
        seconds += result.measured_s;
        merged.trials += 1;
        whole.add(&totals);
    }
    // What surely happened, happened, also in a trial that failed.
    Counter::ALL.iter().filter(|counter| counter.is_certain()).for_each(|one| whole.set(*one, every.get(*one)));
    merged.take(&whole);
    merged.failed = whole.sum(&[Counter::Unavailable, Counter::Unknown]).unwrap_or(0);
    let served = merged.attempts.saturating_sub(merged.failed);
    merged.availability = (merged.attempts > 0).then(|| served as f64 / merged.attempts as f64);
    merged.exercised_holds = counts.exercised_all;
    merged.throughput_per_s = (seconds > 0.0).then(|| counts.grants_in_window as f64 / seconds);
    merged.latency = LatencySet::of(&latencies);
    let zero = merged.double_grants_certain == 0;
    let lost = parts.iter().any(|(result, _)| result.events_lost > 0);
    merged.upper_bound_95_per_million = upper_bound_95_per_million(counts.exercised_all).filter(|_| zero && !lost);
    merged
}

fn worse(a: SafetyVerdict, b: SafetyVerdict) -> SafetyVerdict {
    let rank = |verdict: SafetyVerdict| match verdict {
        SafetyVerdict::NotExercised => 0,
        SafetyVerdict::Valid => 1,
        SafetyVerdict::Unknown => 2,
        SafetyVerdict::Violated => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

#[cfg(test)]
mod tests;

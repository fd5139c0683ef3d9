//! The tables that the terminal and the markdown show: the same rows, so that
//! they cannot disagree. Every latency column names what it measures.

mod special;

use self::special::{coming_back, cost, groups, holds, leases, modes, optimism, sagas, transactions, within};
use super::mark::of_safety;
use lockbench_core::figure::{FIGURES, Figure, Source};
use lockbench_core::record::LatencyFigures;
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_report::figure::{Unit, Value, find};
use lockbench_report::{
    Aggregate, Report, ThresholdLevel, ThresholdOutcome, ThresholdResult, TrialResult, response_is_service,
};

/// A title, a head, rows, and what a reader must know of the columns.
pub struct Table {
    pub title: &'static str,
    /// Column heads; a line break where a narrow column may break them.
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    pub note: &'static str,
    /// Whether the cells are sentences, which may be broken, instead of figures.
    pub prose: bool,
}

/// A figure that does not exist.
const NONE: &str = "-";

/// A share in percent that is 100 only where it is all of them.
pub fn available(share: f64) -> String {
    if share < 1.0 { format!("{:.2} %", (share * 100.0).min(99.99)) } else { "100 %".to_owned() }
}

/// The longest of them, or that it is longer than what was waited for in vain.
#[must_use]
pub fn longest(figures: &LatencyFigures) -> String {
    figures.max_ns.map_or_else(|| NONE.to_owned(), |ns| format!("{}{}", figures.sign_of_max(), human_duration(ns)))
}

/// A length of time, or that there is none.
#[must_use]
pub fn duration(ns: Option<u64>) -> String {
    ns.map_or_else(|| NONE.to_owned(), human_duration)
}

/// All tables of a report. Each is narrow enough for a terminal of 100 columns.
#[must_use]
pub fn tables(report: &Report) -> Vec<Table> {
    vec![
        speed(report),
        open_loop(report),
        within(report),
        cost(report),
        holds(report),
        leases(report),
        transactions(report),
        sagas(report),
        modes(report),
        groups(report),
        optimism(report),
        handing_over(report),
        safety(report),
        harm(report),
        coming_back(report),
        section(report),
        waiting(report),
        fairness(report),
        systems(report),
        thresholds(report),
    ]
}

/// The trials of a backend.
fn trials<'a>(report: &'a Report, backend: &'a str) -> impl Iterator<Item = &'a TrialResult> {
    report.results.iter().filter(move |result| result.backend == backend)
}

/// A row per backend: its name, then what `cells` makes of it.
fn rows(report: &Report, cells: impl Fn(&Aggregate) -> Vec<String>) -> Vec<Vec<String>> {
    let row = |aggregate: &Aggregate| std::iter::once(aggregate.backend.clone()).chain(cells(aggregate)).collect();
    report.aggregates.iter().map(row).collect()
}

/// The first trial that ran to its end, else the first that was measured before its system
/// failed.
fn first<'a>(report: &'a Report, backend: &'a str) -> Option<&'a TrialResult> {
    let whole = trials(report, backend).find(|result| result.error.is_none());
    whole.or_else(|| trials(report, backend).find(|result| result.attempts > 0))
}

/// As [`rows`], from the first trial that ran; dashes if none did.
fn first_rows(report: &Report, width: usize, cells: impl Fn(&TrialResult) -> Vec<String>) -> Vec<Vec<String>> {
    rows(report, |aggregate| first(report, &aggregate.backend).map_or_else(|| vec![NONE.to_owned(); width], &cells))
}

/// What stands for both waits where they are one.
pub const ONE_WAIT: &str = "response = service (closed loop)";

/// Why they are, a sentence.
pub const WHY_ONE_WAIT: &str = "In a closed loop without think time an attempt is due at its call, so that response time is \
                                service time by construction.";

fn speed(report: &Report) -> Table {
    let mut table = both_waits(report);
    if response_is_service(report) {
        let both = table.head.len() - 1;
        table.head.truncate(both);
        table.rows.iter_mut().for_each(|row| row.truncate(both));
        table.head[2..].copy_from_slice(&["acquire\np50", "acquire\np95", "acquire\np99", "acquire\nmax"]);
        table.note = "acquire: from the call to the grant. In a closed loop without think time an attempt is due at its call, \
                      so that response time is service time by construction. \"-\": the figure does not exist (too few \
                      samples, or too many waits in vain); \">\": attempts that waited in vain would have taken longer; \
                      report.json says why.";
    }
    table
}

fn both_waits(report: &Report) -> Table {
    Table {
        title: "Speed",
        head: vec![
            "system",
            "grants/s",
            "acquire\nservice p50",
            "acquire\nservice p95",
            "acquire\nservice p99",
            "acquire\nservice max",
            "acquire\nresponse p99",
        ],
        rows: rows(report, |aggregate| {
            let (service, response) = (&aggregate.latency.acquire_service, &aggregate.latency.acquire_response);
            vec![
                aggregate.throughput_per_s.map_or_else(|| NONE.to_owned(), three_digits),
                duration(service.p50_ns),
                duration(service.p95_ns),
                duration(service.p99_ns),
                longest(service),
                duration(response.p99_ns),
            ]
        }),
        note: "service: from the call to the grant; response: from the due instant to the grant. \"-\": the figure does not \
               exist (too few samples, or too many waits in vain); \">\": attempts that waited in vain would have taken \
               longer; report.json says why.",
        prose: false,
    }
}

/// How the load generator did; empty for a closed loop.
fn open_loop(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let load = result.open_loop.as_ref()?;
        let mut row = vec![result.backend.clone()];
        row.extend([
            three_digits(load.due_per_s),
            grouped(load.due),
            grouped(load.begun),
            grouped(load.dropped_busy),
            grouped(load.dropped_free),
            duration(load.queued.p99_ns),
            duration(load.lag.p99_ns),
            load.cpu_share.map_or_else(|| NONE.to_owned(), |share| format!("{:.0} %", 100.0 * share)),
        ]);
        Some(row)
    };
    Table {
        title: "The load, by the clock",
        head: vec![
            "system",
            "due/s",
            "due",
            "begun",
            "dropped:\nall busy",
            "dropped:\nown fault",
            "for a client\np99",
            "own lag\np99",
            "own\nCPU",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial. dropped, all busy: no client was free and the queue was full; they count as waits in vain in \
               response time. own fault: lockbench came late or did not run. for a client: from the due instant until a \
               client was free, a part of response time and not of service time. own lag: how late an attempt began \
               though a client was free.",
        prose: false,
    }
}

/// Harm in the unit of the workload; empty where clients only count.
fn section(report: &Report) -> Table {
    let of_trials = |result: &TrialResult| {
        let section = result.section.as_ref()?;
        let harm = &result.safety.harm;
        let counts = section.kind != "leader";
        let acts = matches!(section.kind.as_str(), "append").then_some(harm.lost_updates).unwrap_or(harm.harmful_acts);
        let fenced = if result.guarantees["token"].is_null() {
            "not offered".to_owned()
        } else if section.kind == "append" {
            NONE.to_owned()
        } else {
            grouped(harm.harmful_acts_fenced)
        };
        let seconds = |s: Option<f64>| s.map_or_else(|| NONE.to_owned(), |s| human_duration((s * 1e9) as u64));
        Some(vec![
            result.backend.clone(),
            section.kind.clone(),
            if counts && harm.acts > 0 { grouped(harm.acts) } else { NONE.to_owned() },
            if counts { format!("{} {}", grouped(acts), section.harm) } else { NONE.to_owned() },
            if counts { fenced } else { NONE.to_owned() },
            section.missed.map_or_else(|| NONE.to_owned(), grouped),
            seconds(section.without_leader_s),
            seconds(section.with_several_leaders_s),
        ])
    };
    Table {
        title: "What it did to the work",
        head: vec![
            "system",
            "section",
            "acts",
            "harm without fencing",
            "with\nfencing",
            "periods\nmissed",
            "without\nleader",
            "with\nseveral",
        ],
        rows: report.results.iter().filter_map(of_trials).collect(),
        note: "per trial. acts: critical sections that found something to do and did it. harm: what they should not have done, \
               because another client had done it since they looked. with fencing: the same on a resource that refuses stale \
               tokens.",
        prose: false,
    }
}

fn handing_over(report: &Report) -> Table {
    Table {
        title: "Handing over and releasing",
        head: vec![
            "system",
            "hand-off\np50",
            "hand-off\np95",
            "hand-off\np99",
            "release\np50",
            "release\np95",
            "release\np99",
            "hold p50\nachieved",
        ],
        rows: rows(report, |aggregate| {
            let latency = &aggregate.latency;
            vec![
                duration(latency.handoff.p50_ns),
                duration(latency.handoff.p95_ns),
                duration(latency.handoff.p99_ns),
                duration(latency.release.p50_ns),
                duration(latency.release.p95_ns),
                duration(latency.release.p99_ns),
                duration(latency.hold.p50_ns),
            ]
        }),
        note: "hand-off: from one holder's release to the grant of a client that was already waiting.",
        prose: false,
    }
}

fn safety(report: &Report) -> Table {
    let bound = |aggregate: &Aggregate| match aggregate.upper_bound_95_per_million {
        Some(bound) => format!("< {}", three_digits(bound)),
        None if aggregate.double_grants_certain > 0 => NONE.to_owned(),
        None => "not exercised".to_owned(),
    };
    Table {
        title: "Safety",
        head: vec![
            "system",
            "verdict",
            "double\ngrants",
            "of these\ninside",
            "of these\nwithdrawn",
            "of these\noutside",
            "95 % bound\nper million",
            "possible\noverlaps",
        ],
        rows: rows(report, |aggregate| {
            vec![
                of_safety(aggregate.verdict).word.to_owned(),
                grouped(aggregate.double_grants_certain),
                grouped(aggregate.inside),
                grouped(aggregate.withdrawn),
                grouped(aggregate.outside),
                bound(aggregate),
                grouped(trials(report, &aggregate.backend).map(|result| result.safety.overlaps_possible).sum()),
            ]
        }),
        note: if report.faults.is_empty() { SAFETY_NOTE } else { SAFETY_NOTE_FAULTS },
        prose: false,
    }
}

macro_rules! safety_note {
    ($conditions:literal) => {
        concat!($conditions, ". inside: the earlier holder's lease was still valid, the service broke its \
               promise; withdrawn: it was still valid, and the service took it back early and said so; outside: the lease was \
               lawfully over and the holder overstayed. The bound beside a zero counts holds that another client challenged.")
    };
}

const SAFETY_NOTE: &str = safety_note!("under this plan, no faults injected");
const SAFETY_NOTE_FAULTS: &str = safety_note!("under this plan, with faults injected");

fn harm(report: &Report) -> Table {
    let columns = || FIGURES.iter().filter(|figure| !figure.column.is_empty());
    let sum = |backend: &str, figure: &Figure| {
        let Source::Count(counter) = figure.source else { return NONE.to_owned() };
        let total = trials(report, backend).filter_map(|result| result.count(counter)).reduce(|a, b| a + b);
        total.map_or_else(|| "not offered".to_owned(), grouped)
    };
    Table {
        title: "Tokens and harm",
        head: ["system"].into_iter().chain(columns().map(|figure| figure.column)).collect(),
        rows: rows(report, |aggregate| columns().map(|figure| sum(&aggregate.backend, figure)).collect()),
        note: "what happened to the resource that the lock protects, and what a fencing token would have prevented.",
        prose: false,
    }
}

fn waiting(report: &Report) -> Table {
    let share = |part: u64, all: u64| match (part, all) {
        (0, _) => "0".to_owned(),
        (part, 0) => grouped(part),
        (part, all) => format!("{} ({:.2} %)", grouped(part), 100.0 * part as f64 / all as f64),
    };
    let first = |backend: &str, field: fn(&TrialResult) -> Option<String>| {
        first(report, backend).and_then(field).unwrap_or_else(|| NONE.to_owned())
    };
    let share_of = |backend: &str, figure: &str| {
        let value = find(figure).and_then(|figure| figure.of_backend(report, backend));
        value.map_or_else(|_| NONE.to_owned(), |share| format!("{:.1} %", share * 100.0))
    };
    Table {
        title: "Waiting",
        head: vec![
            "system",
            "waits by",
            "attempts",
            "timed out",
            "failed",
            "available",
            "waited",
            "found\nit held",
            "requests\nper grant",
        ],
        rows: rows(report, |aggregate| {
            vec![
                first(&aggregate.backend, |result| result.guarantees["waiting"].as_str().map(str::to_owned)),
                grouped(aggregate.attempts),
                share(aggregate.timed_out, aggregate.attempts),
                share(aggregate.failed, aggregate.attempts),
                aggregate.availability.map_or_else(|| NONE.to_owned(), available),
                share_of(&aggregate.backend, "waited"),
                share_of(&aggregate.backend, "found_held"),
                first(&aggregate.backend, |result| result.requests_per_grant.map(three_digits)),
            ]
        }),
        note: "systems that wait in different ways are not like for like. available: attempts that were served; waited: \
               attempts that their first request did not grant; found it held: another client was inside at the moment of \
               the call, which a client that calls during a hand-off does not find, and waits all the same.",
        prose: false,
    }
}

fn fairness(report: &Report) -> Table {
    Table {
        title: "Fairness",
        head: vec![
            "system",
            "Jain\nindex",
            "fewest grants\nof a client",
            "most grants\nof a client",
            "overtakes",
            "longest\nwait",
        ],
        rows: rows(report, |aggregate| {
            let backend = aggregate.backend.as_str();
            let of_all = |figure: &str| find(figure).and_then(|figure| figure.of_backend(report, backend));
            let shown = |value: Value, words: fn(f64) -> String| value.map_or_else(|_| NONE.to_owned(), words);
            let ran = || trials(report, backend).filter(|trial| trial.error.is_none()).map(|trial| &trial.fairness);
            let count = |count: Option<u64>| count.map_or_else(|| NONE.to_owned(), grouped);
            vec![
                shown(of_all("jain"), |jain| format!("{jain:.3}")),
                count(ran().map(|fairness| fairness.min_grants).min()),
                count(ran().map(|fairness| fairness.max_grants).max()),
                shown(of_all("overtakes"), |count| grouped(count as u64)),
                shown(of_all("longest_wait"), |ns| human_duration(ns as u64)),
            ]
        }),
        note: "Of all trials. Jain index: 1 is even, of several trials their mean. fewest, most grants: of a client in one \
               trial. overtakes: grants to a later arrival while an earlier one waited.",
        prose: false,
    }
}

fn systems(report: &Report) -> Table {
    let cells = |first: &TrialResult| {
        // Of a run that broke off it is not known.
        let none = || first.not_available.get("effective_ttl_ms").cloned().unwrap_or_else(|| "no lease".to_owned());
        let ttl = first.effective_ttl_ms.map_or_else(none, |ms| human_duration((ms * 1e6) as u64));
        let cpu = first.resources.server_cpu_s.filter(|_| first.measured_s > 0.0);
        vec![
            first.server_version.clone(),
            first.durability.to_string(),
            quorum(first),
            if first.ttl_raised { format!("{ttl} (raised)") } else { ttl },
            cpu.map_or_else(|| NONE.to_owned(), |cpu| format!("{:.0} %", 100.0 * cpu / first.measured_s)),
        ]
    };
    Table {
        title: "Systems as they ran",
        head: vec!["system", "version", "durability (read back)", "quorum", "ttl in force", "server CPU"],
        rows: first_rows(report, 5, cells),
        note: "rows of different durability or quorum are different promises: do not rank them against each other.",
        prose: true,
    }
}

/// The quorum, and how many nodes were left where some were away.
#[must_use]
pub fn quorum(result: &TrialResult) -> String {
    match &result.nodes.end {
        Some(nodes) if !nodes.away.is_empty() => format!("{}; {nodes} at the end", result.quorum),
        _ => result.quorum.to_string(),
    }
}

fn thresholds(report: &Report) -> Table {
    let row = |threshold: &ThresholdResult| {
        vec![
            threshold.text.clone(),
            threshold.backend.clone(),
            of_figure(&threshold.figure, threshold.bound),
            threshold.value.map_or_else(|| NONE.to_owned(), |value| of_figure(&threshold.figure, value)),
            outcome_name(threshold).to_owned(),
        ]
    };
    Table {
        title: "Thresholds",
        head: vec!["threshold", "system", "bound", "measured", "outcome"],
        rows: report.thresholds.iter().map(row).collect(),
        note: "a breach fails the run, where it does not say warning; a figure that was not measured keeps no threshold.",
        prose: false,
    }
}

/// A figure's value in the unit that people read it in.
fn of_figure(figure: &str, value: f64) -> String {
    match find(figure).map(|figure| figure.unit()) {
        Ok(Unit::Duration) => human_duration(value.max(0.0).round() as u64),
        Ok(Unit::PerSecond) => format!("{}/s", three_digits(value)),
        Ok(Unit::Share) => format!("{} %", three_digits(value * 100.0)),
        Ok(Unit::Count) => grouped(value.max(0.0).round() as u64),
        Ok(Unit::Number) => three_digits(value),
        // Of a newer lockbench: as it is.
        Err(_) => value.to_string(),
    }
}

/// How a threshold came out, in words.
fn outcome_name(threshold: &ThresholdResult) -> &'static str {
    match (threshold.outcome, threshold.level) {
        (ThresholdOutcome::Kept, _) => "kept",
        (ThresholdOutcome::Breached, ThresholdLevel::Fail) => "BREACHED",
        (ThresholdOutcome::Breached, ThresholdLevel::Warn) => "breached (warning)",
        (ThresholdOutcome::NotMeasured, ThresholdLevel::Fail) => "NOT MEASURED",
        (ThresholdOutcome::NotMeasured, ThresholdLevel::Warn) => "not measured (warning)",
    }
}

//! Which system fits: the questions that guides on distributed locks ask before a
//! choice, each answered from what this run measured or read back. What it did not
//! measure is never answered by hearsay.

use super::durability::Durability;
use super::figure::{Unit, find};
use super::kinds::Kinds;
use super::scenario::{self, Matrix, Tone};
use super::schema::{Report, SafetyVerdict, TrialResult};
use super::threshold::{Threshold, ThresholdOutcome, judge};
use lockbench_core::lock::{Agreement, Copies, Storage};
use lockbench_core::units::{grouped, human_duration, three_digits};

/// Share of the grants that may go to a later arrival in a lock that serves in order:
/// calls under way at the same moment reach the server in any order. Under contention
/// the locks that keep a queue stayed below 10 % in our runs (zookeeper 2 %, etcd 3 %,
/// postgres:advisory 7 % on a busy machine), those that do not were above 70 %.
pub const OVERTAKES_OF_A_QUEUE: f64 = 0.25;

/// What the run says of one system and one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It fits.
    Yes,
    /// It does not.
    No,
    /// A figure, for the reader to judge.
    Figure,
    /// By its recipe several nodes would; this run had one.
    OneNode,
    /// This run cannot say.
    NotMeasured,
}

/// An answer and the figure that decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The answer.
    pub answer: Answer,
    /// The figure or the reason, in words.
    pub because: String,
}

impl Cell {
    fn yes(because: String) -> Self {
        Self { answer: Answer::Yes, because }
    }

    fn no(because: String) -> Self {
        Self { answer: Answer::No, because }
    }

    fn not_measured(because: String) -> Self {
        Self { answer: Answer::NotMeasured, because }
    }

    /// Yes if it holds, else no.
    fn bounded(holds: bool, because: String) -> Self {
        if holds { Self::yes(because) } else { Self::no(because) }
    }
}

/// Does the run keep a bound, as `--threshold` has it?
pub fn kept(report: &Report, backend: &str, threshold: &Threshold) -> Cell {
    let Some(judged) = judge(std::slice::from_ref(threshold), report, &[backend]).pop() else {
        return Cell::not_measured("it was not judged".to_owned());
    };
    // The reader asked for this figure of this system: neither is named again.
    let plan = if matches!(threshold.figure.unit(), Unit::PerSecond) { " under this plan" } else { "" };
    let told = judged.value.map(|value| format!("{}{plan}", threshold.shown(value)));
    match judged.outcome {
        ThresholdOutcome::Kept => Cell::yes(told.unwrap_or(judged.because)),
        ThresholdOutcome::Breached => Cell::no(told.unwrap_or(judged.because)),
        ThresholdOutcome::NotMeasured => {
            Cell::not_measured(threshold.figure.of_backend(report, backend).err().unwrap_or(judged.because))
        }
    }
}

/// One question of the table.
pub struct Question {
    /// As a person asks it.
    pub asks: &'static str,
    /// The same for `--need`.
    pub need: &'static str,
    /// Answers it for a backend.
    pub answer: fn(&Report, &str) -> Cell,
}

/// Every question, in the order in which they are asked.
pub static QUESTIONS: &[Question] = &[
    Question { asks: "Is mutual exclusion critical?", need: "exclusion", answer: exclusion },
    Question { asks: "Is a fencing token needed?", need: "fencing", answer: fencing },
    Question { asks: "Must it survive the loss of a node?", need: "survive=node", answer: survive_node },
    Question { asks: "Must a grant survive a crash of its server?", need: "durable", answer: durable },
    Question { asks: "Must the lock free itself when its holder dies?", need: "auto-release", answer: auto_release },
    Question { asks: "Must waiters be served in order of arrival?", need: "fifo", answer: fifo },
    Question {
        asks: "How long may an acquire take (p99)?",
        need: "p99<20ms",
        answer: |report, backend| figure(report, backend, "acquire_response.p99"),
    },
    Question {
        asks: "How many grants a second?",
        need: "rate>1000/s",
        answer: |report, backend| figure(report, backend, "throughput"),
    },
    Question {
        asks: "What may it cost a month?",
        need: "cost<200",
        answer: |report, backend| cost(report, backend, None),
    },
];

/// The trials of a backend that ran, or why there are none.
fn ran<'a>(report: &'a Report, backend: &str) -> Result<Vec<&'a TrialResult>, Cell> {
    let all: Vec<&TrialResult> = report.results.iter().filter(|result| result.backend == backend).collect();
    let ran: Vec<&TrialResult> = all.iter().copied().filter(|result| result.error.is_none()).collect();
    if ran.is_empty() {
        let reason = all.first().and_then(|result| result.error.as_deref()).unwrap_or("it took no part");
        return Err(Cell::not_measured(format!("it did not run: {reason}")));
    }
    Ok(ran)
}

/// A question on what a trial tells.
fn of_trials(report: &Report, backend: &str, answer: impl Fn(&[&TrialResult], &TrialResult) -> Cell) -> Cell {
    match ran(report, backend) {
        Ok(trials) => answer(&trials, trials[0]),
        Err(cell) => cell,
    }
}

/// No double grant, and challenged.
#[must_use]
pub fn exclusion(report: &Report, backend: &str) -> Cell {
    of_trials(report, backend, |trials, _| {
        let Some(all) = report.aggregates.iter().find(|aggregate| aggregate.backend == backend) else {
            return Cell::not_measured("it took no part".to_owned());
        };
        let regressions: u64 = trials.iter().filter_map(|trial| trial.safety.token_regressions).sum();
        match all.verdict {
            SafetyVerdict::Violated => {
                Cell::no(format!("{}, {} token regressions", Kinds::from(all).told(), grouped(regressions)))
            }
            SafetyVerdict::Valid => {
                let bound = all
                    .upper_bound_95_per_million
                    .map_or_else(String::new, |bound| format!(": below {} a million at 95 %", three_digits(bound)));
                let holds = if all.exercised_holds == 1 { "hold" } else { "holds" };
                Cell::yes(format!("0 double grants in {} challenged {holds}{bound}", grouped(all.exercised_holds)))
            }
            SafetyVerdict::NotExercised => Cell::not_measured("no holder was ever challenged".to_owned()),
            SafetyVerdict::Unknown => {
                // It may be the one that failed.
                let of = |trial: &&TrialResult| trial.backend == backend;
                let mut unknown =
                    report.results.iter().filter(of).filter(|t| t.safety.verdict == SafetyVerdict::Unknown);
                Cell::not_measured(unknown.next().map_or_else(
                    || "the safety verdict is unknown".to_owned(),
                    |trial| format!("trial {}: {}", trial.trial, trial.error.as_ref().unwrap_or(&trial.safety.because)),
                ))
            }
        }
    })
}

/// A token that grows with each grant.
#[must_use]
pub fn fencing(report: &Report, backend: &str) -> Cell {
    of_trials(report, backend, |trials, first| {
        let regressions: u64 = trials.iter().filter_map(|trial| trial.safety.token_regressions).sum();
        let grants: u64 = trials.iter().map(|trial| trial.safety.grants_all_phases).sum();
        match first.guarantees.get("token") {
            Some(serde_json::Value::String(source)) => Cell::bounded(
                regressions == 0,
                format!("{source}; {} token regressions in {} grants", grouped(regressions), grouped(grants)),
            ),
            Some(serde_json::Value::Null) => Cell::no("this recipe offers none".to_owned()),
            _ => Cell::not_measured("the report does not say what this recipe offers".to_owned()),
        }
    })
}

/// Another node can take over: by the quorum that was read back.
#[must_use]
pub fn survive_node(report: &Report, backend: &str) -> Cell {
    of_trials(report, backend, |_, first| {
        let quorum = &first.quorum;
        match Durability::of(first).copies {
            Copies::Quorum(0) => Cell::not_measured(format!("{quorum}: of how many nodes is not known")),
            Copies::Quorum(nodes) => {
                let agree = if let Agreement::Nodes { needed, .. } = quorum { *needed } else { nodes };
                let may_fail = nodes - agree.min(nodes);
                let host = if first.durability.shares_host() { "; here all share one host" } else { "" };
                let tried =
                    if report.faults.is_empty() { "no fault was injected in this run" } else { "not by its faults" };
                let because = format!("{quorum} nodes must agree, {may_fail} may fail: by its quorum; {tried}{host}");
                Cell::bounded(may_fail > 0, because)
            }
            Copies::One | Copies::Process => {
                match first.guarantees.get("quorum").and_then(serde_json::Value::as_bool) {
                    Some(true) => Cell {
                        answer: Answer::OneNode,
                        because: "this run had one node; of three or more a majority keeps each grant, by its recipe"
                            .to_owned(),
                    },
                    Some(false) => Cell::no(format!("{quorum}: there is no other node, and its recipe uses one only")),
                    None => {
                        Cell::not_measured(format!("{quorum}: the report does not say what several nodes would do"))
                    }
                }
            }
            Copies::Standby => Cell::not_measured(format!("{quorum}: no takeover was tried in this run")),
            Copies::Unknown if *quorum == Agreement::default() => Cell::not_measured("quorum unknown".to_owned()),
            Copies::Unknown => Cell::not_measured(format!("quorum {quorum}")),
        }
    })
}

/// No double grant in a matrix of scenarios, whose faults are injected on purpose.
#[must_use]
pub fn survive_faults(matrix: Option<&Matrix>, backend: &str) -> Cell {
    let Some(matrix) = matrix else {
        return Cell::not_measured(
            "no matrix is stored: `lockbench scenario matrix` makes one, --matrix names it".to_owned(),
        );
    };
    // A column may name a version behind the system.
    let of_it = |cell: &&scenario::Cell| cell.system == backend;
    let ran: Vec<&scenario::Cell> = matrix.cells().filter(of_it).filter(|cell| cell.tone != Tone::Absent).collect();
    let mut broken: Vec<&str> =
        ran.iter().filter(|cell| cell.tone == Tone::Violated).map(|cell| cell.scenario.as_str()).collect();
    broken.dedup();
    if ran.is_empty() {
        return Cell::not_measured("the stored matrix has no scenario of it".to_owned());
    }
    let unsure = ran.iter().filter(|cell| cell.tone == Tone::Inconclusive).count();
    let unsure = if unsure > 0 { format!("; {unsure} show nothing") } else { String::new() };
    if broken.is_empty() {
        return Cell::yes(format!("no violation in {} scenarios{unsure}", ran.len()));
    }
    Cell::no(format!("violated in {} of {} scenarios: {}{unsure}", broken.len(), ran.len(), broken.join(", ")))
}

/// Synchronised to a disk before the answer.
#[must_use]
pub fn durable(report: &Report, backend: &str) -> Cell {
    of_trials(report, backend, |_, first| {
        let class = Durability::of(first);
        let because = format!("{class}, by its settings");
        match class.storage {
            Storage::Synced => Cell::yes(because),
            Storage::Memory | Storage::Unsynced => Cell::no(because),
            Storage::Unknown => Cell::not_measured(format!("not known: {}", first.durability)),
        }
    })
}

/// A lease that lapses.
#[must_use]
pub fn auto_release(report: &Report, backend: &str) -> Cell {
    of_trials(report, backend, |_, first| match first.guarantees.get("lease").and_then(serde_json::Value::as_bool) {
        Some(true) => {
            let length = first
                .effective_ttl_ms
                .map_or_else(String::new, |ms| format!(" of {}", human_duration((ms * 1e6) as u64)));
            Cell::yes(format!("lease{length}, by its recipe; no holder died here"))
        }
        Some(false) => match first.guarantees.get("connection_frees").and_then(serde_json::Value::as_bool) {
            Some(true) => Cell::yes(
                "no lease: the end of a dead holder's connection frees it, by its recipe; no holder died here, and a \
                 host that is lost is noticed by TCP keepalive only"
                    .to_owned(),
            ),
            Some(false) => Cell::no("no lease: nothing frees it when its holder dies".to_owned()),
            None => Cell::not_measured("no lease: the report does not say what else frees it".to_owned()),
        },
        None => Cell::not_measured("the report does not say what this recipe offers".to_owned()),
    })
}

/// Served in order of arrival.
#[must_use]
pub fn fifo(report: &Report, backend: &str) -> Cell {
    of_trials(report, backend, |trials, first| {
        let overtakes: u64 = trials.iter().map(|trial| trial.fairness.overtakes).sum();
        let grants: u64 = trials.iter().map(|trial| trial.grants).sum();
        let figure = format!("{} overtakes in {} grants", grouped(overtakes), grouped(grants));
        let many = overtakes as f64 > grants as f64 * OVERTAKES_OF_A_QUEUE;
        match first.guarantees.get("fifo").and_then(serde_json::Value::as_bool) {
            Some(true) if many => Cell::no(format!("promised, but {figure}")),
            Some(true) => Cell::yes(format!("by its recipe; {figure}")),
            Some(false) => Cell::no(format!("not promised; {figure}")),
            None => Cell::not_measured("the report does not say what this recipe offers".to_owned()),
        }
    })
}

/// A figure, for the reader to judge.
fn figure(report: &Report, backend: &str, name: &str) -> Cell {
    let Ok(figure) = find(name) else { return Cell::not_measured(format!("there is no figure {name}")) };
    match figure.of_backend(report, backend) {
        Ok(value) => {
            let because = match figure.unit() {
                Unit::Duration => human_duration(value.round() as u64),
                Unit::PerSecond => format!("{} a second under this plan", three_digits(value)),
                Unit::Share | Unit::Count | Unit::Number => three_digits(value),
            };
            Cell { answer: Answer::Figure, because }
        }
        Err(reason) => Cell::not_measured(reason),
    }
}

/// The price that the plan gives; with a bound, does it hold?
#[must_use]
pub fn cost(report: &Report, backend: &str, bound: Option<f64>) -> Cell {
    let prices = &report.plan["prices"];
    let bare = backend.split(':').next().unwrap_or(backend);
    let Some(price) = prices[backend].as_f64().or_else(|| prices[bare].as_f64()) else {
        return Cell::not_measured("the plan gives no price for it".to_owned());
    };
    let currency = prices["currency"].as_str().map_or_else(String::new, |currency| format!(" {currency}"));
    let each = match find("throughput").map(|figure| figure.of_backend(report, backend)) {
        Ok(Ok(throughput)) if throughput > 0.0 => {
            format!("; {}{currency} for each 1 000 grants a second measured", three_digits(price / throughput * 1e3))
        }
        _ => String::new(),
    };
    let because = format!("{}{currency} a month{each}", amount(price));
    let holds = bound.map(|bound| price < bound);
    Cell { answer: holds.map_or(Answer::Figure, |holds| if holds { Answer::Yes } else { Answer::No }), because }
}

/// A price as it was typed: cents only where there are some.
fn amount(price: f64) -> String {
    if price.fract() == 0.0 && price < 1e15 { grouped(price as u64) } else { format!("{price:.2}") }
}

#[cfg(test)]
mod tests;

//! What to ask before a lock is chosen: guides on distributed locks end some of their branches without one. Each answer is
//! from what this run measured; what it did not measure is said to be unknown, with the command that measures it.

use super::decision::{Answer, Cell};
use super::live::plan_of;
use super::schema::{Report, TrialResult};
use lockbench_core::units::three_digits;
use lockbench_core::workload::plan::{Access, Keys};

/// Share of the attempts that may wait without anyone noticing.
const HARDLY: f64 = 0.01;
/// Share of the attempts from which on most wait.
const MOSTLY: f64 = 0.5;
/// Share of the attempts that want one key from which on it is what limits.
const HOT: f64 = 0.2;

/// A way to do without a lock, or with a cheaper one.
pub struct Leaf {
    /// In a few words.
    pub way: &'static str,
    /// Does it do here?
    pub cell: Cell,
}

/// Every way, in the order in which they are asked.
#[must_use]
pub fn leaves(report: &Report) -> Vec<Leaf> {
    vec![
        Leaf { way: "no lock", cell: no_lock(report) },
        Leaf { way: "optimistic", cell: optimistic(report) },
        Leaf { way: "more keys", cell: partition(report) },
    ]
}

/// The trials of systems that are locks.
fn locks(report: &Report) -> impl Iterator<Item = &TrialResult> {
    report.results.iter().filter(|result| result.error.is_none() && result.guarantees["exclusion"] != false)
}

/// The largest share of attempts that waited, over the systems.
fn waited(report: &Report) -> Option<f64> {
    locks(report).filter_map(|result| result.waited_ratio).reduce(f64::max)
}

fn percent(share: f64) -> String {
    format!("{} %", three_digits(100.0 * share))
}

fn cell(answer: Answer, because: String) -> Cell {
    Cell { answer, because }
}

/// Is there anything to keep apart at all?
fn no_lock(report: &Report) -> Cell {
    match waited(report) {
        None => cell(Answer::NotMeasured, "no attempt was made".to_owned()),
        Some(0.0) => cell(
            Answer::Yes,
            "no client wanted what another one had: where that is by design (each key has one owner), no lock is needed"
                .to_owned(),
        ),
        Some(share) if share < HARDLY => cell(
            Answer::No,
            format!("{} of the attempts waited: clients do meet, and seldom is not never", percent(share)),
        ),
        Some(share) => cell(Answer::No, format!("{} of the attempts waited for another client", percent(share))),
    }
}

/// Do versions do, where a conflict is found at the write?
fn optimistic(report: &Report) -> Cell {
    let best = |all: &mut dyn Iterator<Item = &TrialResult>| {
        let rates = all.filter_map(|result| Some((result.goodput_per_s?, result.backend.clone())));
        rates.max_by(|one, other| one.0.total_cmp(&other.0))
    };
    let mut without =
        report.results.iter().filter(|result| result.error.is_none() && result.guarantees["exclusion"] == false);
    let (without, with) = (best(&mut without), best(&mut locks(report)));
    match (without, with) {
        (Some((without, name)), Some((with, lock))) => cell(
            if without > with { Answer::Yes } else { Answer::No },
            format!(
                "{name} committed {}/s, {lock} did {}/s under its lock, on the same records; only for work that can be thrown away",
                three_digits(without),
                three_digits(with)
            ),
        ),
        (Some((without, name)), None) => {
            cell(Answer::NotMeasured, format!("{name} committed {}/s; no lock ran beside it", three_digits(without)))
        }
        (None, _) => {
            let share =
                waited(report).map_or_else(String::new, |share| format!("{} of the attempts waited; ", percent(share)));
            cell(
                Answer::NotMeasured,
                format!(
                    "{share}the fewer do, the better it does: `lockbench run optimistic-vs-lock` measures where it ends"
                ),
            )
        }
    }
}

/// Would more keys let more clients work at once?
fn partition(report: &Report) -> Cell {
    let Some(waited) = waited(report) else { return cell(Answer::NotMeasured, "no attempt was made".to_owned()) };
    let Some(plan) = plan_of(report) else {
        return cell(Answer::NotMeasured, "the report has no plan that can be read".to_owned());
    };
    let share = plan.hottest_share();
    let who = match (&plan.keys, plan.access) {
        (_, Access::Permits { count }) => {
            return cell(Answer::NotMeasured, format!("each key is a semaphore of {count} permits"));
        }
        (Keys::Single, _) => "all clients want the one key".to_owned(),
        _ => format!("the hottest key is wanted by {} of the attempts", percent(share)),
    };
    if waited >= MOSTLY && share >= HOT {
        let because = format!(
            "{who}, and {} waited: what can be divided, divide (an account per shard, a counter per bucket): n keys let n clients \
             work at once",
            percent(waited)
        );
        return cell(Answer::Yes, because);
    }
    cell(Answer::No, format!("{who}, and {} waited: more keys would bring little", percent(waited)))
}

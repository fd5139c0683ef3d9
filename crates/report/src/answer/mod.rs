//! The answer of a run, in the order in which a reader asks: which systems ran, which
//! one is best in each class of durability and by how much, what that does not prove,
//! what changes how to read it, the verdict, and what to do next. Facts and figures
//! only: words, widths, colours and signs are of `output`.

mod finding;
mod limit;
mod next;
mod rank;
mod row;
mod turnout;

pub use finding::{Finding, MOST_FINDINGS, Severity};
pub use limit::Limit;
pub use next::Next;
pub use rank::Winner;
pub use row::{Disqualified, Evidence, Row};
pub use turnout::{Absent, Cause, Turnout};

use super::durability::Durability;
use super::schema::{Report, Verdict};

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Which of the systems asked for ran.
    pub turnout: Turnout,
    /// The systems that ran, by class of durability, strongest promise first.
    pub classes: Vec<Class>,
    /// What the run does not prove.
    pub limits: Vec<Limit>,
    /// What changes how to read it, most severe first: [`MOST_FINDINGS`] at most.
    pub findings: Vec<Finding>,
    /// Findings that were left out.
    pub more_findings: usize,
    /// Did everything that was planned run to its end?
    pub complete: bool,
    /// The verdict, with its exit code.
    pub verdict: Verdict,
    /// What to do next.
    pub next: Next,
}

/// Systems that make the same promise about a crash: only these are ranked together.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// The promise, as read back.
    pub durability: Durability,
    /// Ranked systems first, most grants per second first; then those that are not
    /// ranked, in the order of the run.
    pub rows: Vec<Row>,
    /// The best of them.
    pub winner: Winner,
}

/// The answer of a report.
#[must_use]
pub fn answer(report: &Report) -> Answer {
    let turnout = turnout::turnout(report);
    let classes = rank::classes(report, &turnout.ran);
    let (findings, more_findings) = finding::findings(report);
    Answer {
        limits: limit::limits(report, &classes),
        next: next::next(report, &turnout, &classes),
        complete: report.complete,
        verdict: report.verdict.clone(),
        turnout,
        classes,
        findings,
        more_findings,
    }
}

#[cfg(test)]
mod tests;

//! The decision table and the claims as the page shows them.

use super::tight;
use crate::mark::{Mark, of_answer};
use lockbench_report::Report;
use lockbench_report::claim::{Judged, Judgement, claims};
use lockbench_report::decision::QUESTIONS;

/// Requirement by system.
pub struct Decision {
    /// Heads of the columns.
    pub systems: Vec<String>,
    /// A row per question.
    pub rows: Vec<Requirement>,
}

/// One question.
pub struct Requirement {
    /// As a person asks it.
    pub asks: &'static str,
    /// As `--need` takes it.
    pub need: &'static str,
    /// An answer per system.
    pub cells: Vec<AnswerCell>,
}

/// One answer.
pub struct AnswerCell {
    /// Yes, no, not measured; empty for a bare figure.
    pub mark: Mark,
    /// What decides it.
    pub because: String,
}

/// The table of a report.
pub fn decision(report: &Report) -> Decision {
    let systems: Vec<String> = report.aggregates.iter().map(|all| all.backend.clone()).collect();
    let priced = report.plan["prices"].as_object().is_some_and(|prices| !prices.is_empty());
    let asked = QUESTIONS.iter().filter(|question| priced || !question.need.starts_with("cost"));
    let rows = asked.map(|question| Requirement {
        asks: question.asks,
        need: question.need,
        cells: systems
            .iter()
            .map(|system| {
                let mut cell = (question.answer)(report, system);
                if cell.because == "not measured" {
                    cell.because.clear(); // the mark says it
                }
                AnswerCell { mark: of_answer(cell.answer), because: tight(&cell.because) }
            })
            .collect(),
    });
    Decision { rows: rows.collect(), systems }
}

/// The claims that something was measured for, and those without.
pub fn claim_rows(report: &Report) -> (Vec<Judged>, Vec<Judged>) {
    let spaced = |claim: Judged| Judged { measured: tight(&claim.measured), because: tight(&claim.because), ..claim };
    claims(report).into_iter().map(spaced).partition(|claim| claim.judgement != Judgement::NotMeasured)
}

/// How claims are judged, for the reader.
pub const RULE: &str = "A single claimed value counts as confirmed within a factor of three. Speed is compared only where \
                        no client had to wait for another holder; a server that was not busy refutes no claim on throughput; \
                        loopback leaves the network out, so being faster than claimed there refutes nothing; what happens \
                        under faults needs a fault.";

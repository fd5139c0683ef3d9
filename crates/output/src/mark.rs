//! A word that is also a glyph and a colour: no meaning hangs on colour alone.

use lockbench_report::SafetyVerdict;
use lockbench_report::claim::Judgement;
use lockbench_report::compare::ChangeVerdict;
use lockbench_report::decision::Answer;
use lockbench_report::{ThresholdLevel, ThresholdOutcome};

/// How a finding is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Class of the style sheet that colours it.
    pub tone: &'static str,
    /// Stands beside the word.
    pub glyph: &'static str,
    /// Says it.
    pub word: &'static str,
}

const fn mark(tone: &'static str, glyph: &'static str, word: &'static str) -> Mark {
    Mark { tone, glyph, word }
}

/// Of a system's safety.
pub fn of_safety(verdict: SafetyVerdict) -> Mark {
    match verdict {
        SafetyVerdict::Valid => mark("pass", "✓", "valid"),
        SafetyVerdict::Violated => mark("violated", "✗", "VIOLATED"),
        SafetyVerdict::Unknown => mark("inconclusive", "?", "unknown"),
        SafetyVerdict::NotExercised => mark("inconclusive", "○", "not exercised"),
    }
}

/// Of a cell of the decision table; a figure has none.
pub fn of_answer(answer: Answer) -> Mark {
    match answer {
        Answer::Yes => mark("pass", "✓", "yes"),
        Answer::No => mark("violated", "✗", "no"),
        Answer::Figure => mark("plain", "", ""),
        Answer::OneNode => mark("halted", "1", "one node"),
        Answer::NotMeasured => mark("halted", "–", "not measured"),
    }
}

/// Of a claim.
pub fn of_judgement(judgement: Judgement) -> Mark {
    match judgement {
        Judgement::Confirmed => mark("pass", "✓", "confirmed"),
        Judgement::Refuted => mark("violated", "✗", "refuted"),
        Judgement::NotComparable => mark("inconclusive", "≠", "not comparable"),
        Judgement::NotMeasured => mark("halted", "–", "not measured"),
    }
}

/// Of a change against a baseline; `gated`: it decides.
pub fn of_change(verdict: ChangeVerdict, gated: bool) -> Mark {
    match (verdict, gated) {
        (ChangeVerdict::Regression, true) => mark("violated", "▼", "REGRESSION"),
        (ChangeVerdict::Regression, false) => mark("inconclusive", "▼", "worse"),
        (ChangeVerdict::Improvement, _) => mark("pass", "▲", "better"),
        (ChangeVerdict::WithinNoise, _) => mark("pass", "≈", "within noise"),
        (ChangeVerdict::NoEvidence, _) => mark("inconclusive", "?", "no evidence"),
        (ChangeVerdict::NotComparable, _) => mark("inconclusive", "≠", "not comparable"),
    }
}

/// Of a threshold.
pub fn of_threshold(outcome: ThresholdOutcome, level: ThresholdLevel) -> Mark {
    match (outcome, level) {
        (ThresholdOutcome::Kept, _) => mark("pass", "✓", "kept"),
        (ThresholdOutcome::Breached, ThresholdLevel::Fail) => mark("threshold", "!", "breached"),
        (ThresholdOutcome::Breached, ThresholdLevel::Warn) => mark("inconclusive", "!", "breached (warning)"),
        (ThresholdOutcome::NotMeasured, _) => mark("inconclusive", "?", "not measured"),
    }
}

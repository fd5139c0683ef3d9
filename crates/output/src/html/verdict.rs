//! The box that comes first: what came of the run, and why.

use super::tight;
use crate::mark::{Mark, of_safety};
use lockbench_core::units::{grouped, three_digits};
use lockbench_report::{Aggregate, Kinds, Report, SafetyVerdict};

/// Reasons shown before the rest is folded.
const SHOWN: usize = 6;

/// The box.
pub struct VerdictBox {
    /// Class of the style sheet.
    pub tone: &'static str,
    /// In the round.
    pub glyph: &'static str,
    /// The verdict in a word or a few.
    pub word: &'static str,
    /// What that means, one or two sentences.
    pub meaning: String,
    /// The process's exit code.
    pub exit_code: u8,
    /// Most severe first.
    pub reasons: Vec<String>,
    /// Those that are folded.
    pub more_reasons: Vec<String>,
    /// The safety verdict of each system.
    pub systems: Vec<SystemLine>,
}

/// One system in the box.
pub struct SystemLine {
    /// Registry name.
    pub name: String,
    /// Its safety.
    pub mark: Mark,
    /// Why.
    pub because: String,
}

/// The box of a report.
pub fn verdict(report: &Report) -> VerdictBox {
    let (tone, glyph, word, meaning) = class(report);
    let mut meaning = meaning.to_owned();
    if !report.complete && !matches!(report.verdict.exit_code, 130 | 143) {
        meaning.push_str(" The run is incomplete: not everything that was planned ran to its end.");
    }
    let mut reasons = report.verdict.reasons.clone();
    let more_reasons = reasons.split_off(reasons.len().min(SHOWN));
    VerdictBox {
        tone,
        glyph,
        word,
        meaning,
        exit_code: report.verdict.exit_code,
        reasons,
        more_reasons,
        systems: report.aggregates.iter().map(|all| system(report, all)).collect(),
    }
}

/// The documented exit codes in words. Tone, glyph and word differ between any two classes.
fn class(report: &Report) -> (&'static str, &'static str, &'static str, &'static str) {
    match report.verdict.exit_code {
        0 => passed(report),
        100 => (
            "violated",
            "✗",
            "Violated",
            "At least one lock was granted to two clients at once, or a fencing token went back, and the plan did not expect it.",
        ),
        99 => (
            "threshold",
            "!",
            "Threshold breached",
            "A figure is beyond a bound that the run had to keep, or a denied lint was found.",
        ),
        98 => ("regression", "▼", "Regression", "A gated figure is worse than in the baseline, beyond noise."),
        97 => ("inconclusive", "?", "Inconclusive", "Nothing can be concluded: this run neither passes nor fails."),
        3 => (
            "halted",
            "⊘",
            "A system did not run",
            "A system could not be reached or started, or died. What the others did is below.",
        ),
        130 | 143 => {
            ("halted", "■", "Interrupted", "The run was stopped before its end. What was measured until then is below.")
        }
        2 => ("halted", "⊘", "Not a valid plan", "The plan or the command was refused."),
        _ => (
            "halted",
            "⚠",
            "lockbench failed",
            "Something went wrong inside of lockbench or with its files: do not trust the figures before the reason is understood.",
        ),
    }
}

fn passed(report: &Report) -> (&'static str, &'static str, &'static str, &'static str) {
    let any = |verdict| report.aggregates.iter().any(|all| all.verdict == verdict);
    if any(SafetyVerdict::Violated) {
        (
            "pass",
            "✓",
            "Passed, with expected violations",
            "Double grants were found, all of them outside a lease, as the plan expects. No other gate failed.",
        )
    } else if any(SafetyVerdict::Valid) {
        (
            "pass",
            "✓",
            "Valid",
            "Holders were challenged and no lock was granted twice, under this plan and without injected faults. No gate failed.",
        )
    } else {
        (
            "pass",
            "✓",
            "Passed, safety not exercised",
            "No gate failed. But no request ever met a lock that another client held, so this run says nothing on safety.",
        )
    }
}

fn system(report: &Report, all: &Aggregate) -> SystemLine {
    let trials = || report.results.iter().filter(|result| result.backend == all.backend);
    let because = match (all.verdict, all.upper_bound_95_per_million) {
        (SafetyVerdict::Valid, Some(bound)) => format!(
            "0 double grants in {} challenged {}: below {} per million at 95 %",
            grouped(all.exercised_holds),
            if all.exercised_holds == 1 { "hold" } else { "holds" },
            three_digits(bound)
        ),
        (SafetyVerdict::Violated, _) => {
            let regressions: u64 = trials().filter_map(|trial| trial.safety.token_regressions).sum();
            format!(
                "{}, {} token regressions, in {} grants",
                Kinds::from(all).told(),
                grouped(regressions),
                grouped(trials().map(|trial| trial.safety.grants_all_phases).sum::<u64>().max(all.grants)),
            )
        }
        (verdict, _) => {
            let worst = trials().find(|trial| trial.safety.verdict == verdict).or_else(|| trials().next());
            worst.map_or_else(String::new, |trial| trial.error.clone().unwrap_or_else(|| trial.safety.because.clone()))
        }
    };
    SystemLine { name: all.backend.clone(), mark: of_safety(all.verdict), because: tight(&because) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::verdict;
    use crate::sample::{crowd, report, timeouts};

    #[test]
    fn every_class_differs_in_glyph_and_word() {
        let mut seen = BTreeSet::new();
        let mut tones = BTreeSet::new();
        for code in [0, 97, 98, 99, 100] {
            let mut report = crowd(1).report;
            report.verdict.exit_code = code;
            let shown = verdict(&report);
            assert!(seen.insert(shown.glyph) && seen.insert(shown.word) && tones.insert(shown.tone), "{code}");
        }
        for code in [3, 130, 143, 2, 1] {
            let mut report = crowd(1).report;
            report.verdict.exit_code = code;
            assert_eq!(verdict(&report).tone, "halted");
        }
    }

    #[test]
    fn the_box_says_why() {
        let told = |report: &lockbench_report::Report| {
            let shown = verdict(report);
            let systems: Vec<String> = shown
                .systems
                .iter()
                .map(|s| format!("{} {} {}: {}", s.mark.glyph, s.name, s.mark.word, s.because))
                .collect();
            format!(
                "{} {}\n{}\n{}\n{}",
                shown.glyph,
                shown.word,
                shown.meaning,
                shown.reasons.join("\n"),
                systems.join("\n")
            )
        };
        insta::assert_snapshot!(told(&report()), @"
✗ Violated
At least one lock was granted to two clients at once, or a fencing token went back, and the plan did not expect it.
redlock trial 1: 7 double grants
✓ redis valid: 0 double grants in 2 000 challenged holds: below 1 497 per million at 95 %
✗ redlock VIOLATED: 7 double grants (7 inside, 0 withdrawn, 0 outside a lease), 0 token regressions, in 2 000 grants
");
        insta::assert_snapshot!(told(&crowd(1).report), @"
✓ Valid
Holders were challenged and no lock was granted twice, under this plan and without injected faults. No gate failed.

✓ redis valid: 0 double grants in 2 000 challenged holds: below 1 497 per million at 95 %
");
        insta::assert_snapshot!(told(&timeouts().report), @"
? Inconclusive
Nothing can be concluded: this run neither passes nor fails.
redis trial 1: zero grants
○ redis not exercised:
");
    }

    #[test]
    fn expected_violations_are_not_hidden_by_a_pass() {
        let mut report = report();
        report.verdict.exit_code = 0;
        assert_eq!(verdict(&report).word, "Passed, with expected violations");
    }
}

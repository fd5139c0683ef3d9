//! Every figure of a report on a terminal: aligned tables, the verdict last, where the
//! eye is.

use std::fmt::Write as _;

use comfy_table::ContentArrangement;

use super::answer::words::{turnout_words, verdict_words};
use super::comparison::comparison;
use super::grid::grid;
use super::inspection::line::wrapped;
use super::table::tables;
use lockbench_core::units::three_digits;
use lockbench_report::answer::answer;
use lockbench_report::{LintFinding, LintLevel, Report};

/// Examples of violations that are printed.
const EXAMPLES: usize = 3;

/// Columns of a file or a pipe.
const NO_TERMINAL: u16 = 140;

/// The report as text, for a terminal of `width` columns, if it is one.
#[must_use]
pub fn text(report: &Report, width: Option<u16>) -> String {
    let turnout = answer(report).turnout;
    let mut out = format!("{}\n\n", turnout_words(&turnout));
    for table in tables(report).into_iter().filter(|table| !table.rows.is_empty()) {
        let mut grid = grid(table.head, table.rows, if table.prose { 0..0 } else { 1..usize::MAX });
        // A broken figure is worse than a long line; a sentence may be broken.
        if table.prose {
            grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.unwrap_or(NO_TERMINAL));
        }
        let _ = writeln!(out, "{}\n{}", table.title, grid.trim_fmt());
        let columns = usize::from(width.unwrap_or(NO_TERMINAL).clamp(40, 100));
        let _ = writeln!(out, "{}\n", wrapped(table.note, columns).join("\n"));
    }
    for skip in &report.skipped {
        let _ = writeln!(out, "not run: {}: {}", skip.backend, skip.reason);
    }
    for result in &report.results {
        let in_verdict = |story: &str| report.verdict.reasons.iter().any(|reason| reason.contains(story));
        for violation in
            result.safety.violations.iter().take(EXAMPLES).filter(|violation| !in_verdict(&violation.story))
        {
            let _ = writeln!(out, "double grant, {} trial {}: {}", result.backend, result.trial, violation.told());
        }
        for (reason, count) in &result.failures {
            let _ = writeln!(out, "{} trial {}: {count} x {reason}", result.backend, result.trial);
        }
    }
    for lint in report.lints.iter().filter(|lint| lint.level != LintLevel::Allow) {
        let level = if lint.level == LintLevel::Deny { "error" } else { "warning" };
        let _ = writeln!(out, "{level}[{}]: {}\n  = help: {}", lint.name, finding(lint), lint.advice);
    }
    for note in &report.notes {
        let _ = writeln!(out, "note: {note}");
    }
    if let (Some(overhead), Some(ceiling)) = (report.tool.overhead_ns_per_cycle, report.tool.ceiling_cycles_per_s) {
        let _ = writeln!(
            out,
            "lockbench itself: {} ns of CPU per attempt cycle, ceiling {} cycles/s on this machine.",
            three_digits(overhead),
            three_digits(ceiling)
        );
    }
    out.push_str(&report.comparison.as_ref().map_or_else(String::new, comparison));
    let _ = writeln!(out, "{}", verdict_words(report, &turnout));
    for reason in &report.verdict.reasons {
        let _ = writeln!(out, "  {reason}");
    }
    out
}

/// What a lint found, with the backend that it is about.
#[must_use]
pub fn finding(lint: &LintFinding) -> String {
    match &lint.backend {
        Some(backend) if !lint.message.starts_with(backend.as_str()) => format!("{backend}: {}", lint.message),
        _ => lint.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::sample::{gated, report};

    #[test]
    fn a_report_reads_well() {
        insta::assert_snapshot!(text(&report(), Some(150)));
    }

    #[test]
    fn thresholds_and_lints_read_well() {
        let all = text(&gated().report, Some(100));
        insta::assert_snapshot!(&all[all.find("Thresholds").unwrap()..]);
    }
}

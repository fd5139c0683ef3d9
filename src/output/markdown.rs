//! `summary.md`: the same tables for a pull request or a CI step summary.

use std::fmt::Write as _;

use super::Rendered;
use super::table::tables;
use super::text::verdict_line;
use crate::report::{RecordedRun, Report};
use crate::units::three_digits;

/// `summary.md`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    Ok(vec![Rendered::new("summary.md", markdown(&run.report))])
}

/// The report as markdown.
#[must_use]
fn markdown(report: &Report) -> String {
    let mut out = format!("# lockbench run `{}`\n\n", escaped(&report.run_id));
    let _ = writeln!(out, "```text\n{}\n```\n", verdict_line(report).replace("```", "'''"));
    for table in tables(report).into_iter().filter(|table| !table.rows.is_empty()) {
        let _ = writeln!(out, "## {}\n", table.title);
        let _ = writeln!(out, "| {} |", table.head.join(" | ").replace('\n', " "));
        let _ = writeln!(out, "|{}", " --- |".repeat(table.head.len()));
        for row in &table.rows {
            let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        let _ = writeln!(out, "\n{}\n", table.note);
    }
    let violations: Vec<String> = report
        .results
        .iter()
        .flat_map(|result| {
            result
                .safety
                .violations
                .iter()
                .take(3)
                .map(move |violation| format!("- {}: {}", result.backend, violation.story))
        })
        .collect();
    if !violations.is_empty() {
        let _ = writeln!(out, "## Double grants\n\n{}\n", violations.join("\n"));
    }
    for skip in &report.skipped {
        let _ = writeln!(out, "- not run: {}: {}", skip.backend, escaped(&skip.reason));
    }
    for lint in &report.lints {
        let _ = writeln!(out, "- {}: {}", lint.name, escaped(&lint.message));
    }
    for note in &report.notes {
        let _ = writeln!(out, "- note: {}", escaped(note));
    }
    let machine = &report.environment;
    let _ = writeln!(
        out,
        "\n## Machine\n\n{}, kernel {}, {} ({} cores, {} GiB), clock {}, {}. Started {}.",
        machine.os,
        machine.kernel,
        machine.cpu,
        machine.cores,
        three_digits(machine.memory_bytes as f64 / 1_073_741_824.0),
        machine.clock,
        machine.placement,
        machine.started_at,
    );
    let _ = writeln!(out, "\nCommand: `{}`", report.tool.command.join(" ").replace('`', "'"));
    out
}

/// Text of others in a table cell.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::markdown;
    use crate::output::sample::report;

    #[test]
    fn a_report_reads_well() {
        insta::assert_snapshot!(markdown(&report()));
    }
}

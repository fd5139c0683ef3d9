//! Matrix, cells and stories on a terminal.

use std::fmt::Write as _;

use super::{KEY, label};
use crate::grid::grid;
use crate::inspection::line::wrapped;
use lockbench_core::workload::{ExpectedVerdict, Scenario};
use lockbench_report::claim::Judgement;
use lockbench_report::scenario::{Cell, Matrix, expected_words, judged_claims};

/// Columns of a file or a pipe.
const NO_TERMINAL: u16 = 120;

fn columns(width: Option<u16>) -> usize {
    usize::from(width.unwrap_or(NO_TERMINAL).clamp(40, 140))
}

/// The matrix: a row per scenario, a column per system; below it what differs from the expected.
#[must_use]
pub fn text(matrix: &Matrix, width: Option<u16>) -> String {
    let mut head = vec!["scenario".to_owned()];
    head.extend(matrix.systems.iter().cloned());
    let rows = matrix.rows.iter().map(|row| {
        std::iter::once(row.scenario.clone()).chain(row.cells.iter().map(|cell| label(cell.as_ref()))).collect()
    });
    let mut out = format!("{}\n\n", grid(head, rows, 0..0).trim_fmt());
    let columns = columns(width);
    let _ = writeln!(out, "{}", wrapped(KEY, columns).join("\n"));
    let (ran, wrong) = (matrix.cells().count(), matrix.cells().filter(|cell| cell.exit != 0));
    let wrong: Vec<&Cell> = wrong.collect();
    let _ = writeln!(out, "\n{ran} cells, {} of them not as expected.", wrong.len());
    for cell in wrong {
        let line = format!("{} on {}: expected {}; {}", cell.scenario, cell.system, cell.expected, cell.because);
        let _ = writeln!(out, "{}", wrapped(&line, columns).join("\n  "));
    }
    for claim in judged_claims(matrix) {
        let line = format!(
            "{}: \"{}\" ({}) is {} by {}: {}",
            claim.system,
            claim.claim,
            claim.source,
            claim_word(claim.judgement),
            claim.scenario,
            claim.because
        );
        let _ = writeln!(out, "{}", wrapped(&line, columns).join("\n  "));
    }
    if !matrix.complete {
        out.push_str("INCOMPLETE: call `lockbench scenario matrix` again with the same -o; finished cells are kept.\n");
    }
    out
}

/// How a claim came out.
pub fn claim_word(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Confirmed => "confirmed",
        Judgement::Refuted => "refuted",
        Judgement::NotComparable => "not comparable",
        Judgement::NotMeasured => "not measured",
    }
}

/// The cells of one scenario: what was expected of each system, what was seen, whether they match.
#[must_use]
pub fn cells_text(cells: &[Cell], width: Option<u16>) -> String {
    let head = ["system", "expected", "seen", "match", "exit"].map(str::to_owned).to_vec();
    let rows = cells.iter().map(|cell| {
        let matches = match cell.matches {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        let seen = cell.rate().map_or_else(|| cell.seen.clone(), |rate| format!("{}; expected in {rate}", cell.seen));
        let name = cell.version.iter().fold(cell.system.clone(), |name, version| format!("{name} {version}"));
        vec![name, cell.expected.clone(), seen, matches.to_owned(), cell.exit.to_string()]
    });
    let mut out = format!("{}\n", grid(head, rows, 4..5).trim_fmt());
    let columns = columns(width);
    for cell in cells {
        let story = if cell.because.is_empty() { &cell.story } else { &cell.because };
        let place = cell.run.as_ref().map_or_else(String::new, |run| format!(" ({run})"));
        let _ = writeln!(out, "\n{}", wrapped(&format!("{}: {story}{place}", cell.system), columns).join("\n  "));
        let why = format!("expected because {} [{}]", cell.reason, cell.source);
        let _ = writeln!(out, "  {}", wrapped(&why, columns - 2).join("\n  "));
    }
    out
}

/// Every scenario with its story, and what it expects of which systems.
#[must_use]
pub fn stories_text(stories: &[(String, Scenario)], width: Option<u16>) -> String {
    let columns = columns(width) - 2;
    let mut out = String::new();
    for (name, scenario) in stories {
        let _ = writeln!(out, "{name}");
        let _ = writeln!(out, "  {}", wrapped(&scenario.title, columns).join("\n  "));
        for one in scenario.expected.iter().filter(|one| one.verdict != ExpectedVerdict::NotOffered) {
            let line = format!("{}: {}", expected_words(&one.verdict), one.systems.join(", "));
            let _ = writeln!(out, "  {}", wrapped(&line, columns).join("\n    "));
        }
        out.push('\n');
    }
    out.push_str("`lockbench scenario run NAME` runs one, `lockbench scenario matrix` all.\n");
    out
}

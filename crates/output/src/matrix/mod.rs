//! The matrix of scenarios as text, SVG, PNG and a page, and the cells of one scenario as text.

mod drawing;
mod page;
mod words;

pub use words::{cells_text, stories_text, text};

use super::Rendered;
use lockbench_report::scenario::{Cell, MATRIX, Matrix, Tone};

/// The files of a matrix.
///
/// # Errors
/// Says what could not be drawn.
pub fn files(matrix: &Matrix) -> Result<Vec<Rendered>, String> {
    let mut json = serde_json::to_vec_pretty(matrix).map_err(|error| format!("{MATRIX}: {error}"))?;
    json.push(b'\n');
    Ok(vec![
        Rendered::new(MATRIX, json),
        Rendered::new("matrix.txt", text(matrix, None)),
        Rendered::new("matrix.svg", drawing::svg(matrix)?),
        Rendered::new("matrix.png", drawing::png(matrix)?),
        Rendered::new("matrix.html", page::render(matrix)?),
    ])
}

/// The sign of a cell, which says without a colour what it is.
fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Safe => "✓",
        Tone::Violated => "✗",
        Tone::Stuck => "■",
        Tone::Absent => "-",
        Tone::Inconclusive => "?",
    }
}

/// What stands in a cell; an exclamation mark where it differs from what was expected.
fn label(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "not run".to_owned() };
    let mark = if cell.matches == Some(false) { " !" } else { "" };
    format!("{} {}{mark}", sign(cell.tone), cell.label)
}

/// What the signs mean.
const KEY: &str = "✓ safe, with the longest time without a grant   ✗ granted twice: what clients saw, and whose mistake \
                   it was   ■ stuck   - not in this story, or not available here   ? shows nothing   ! differs from what \
                   was expected";

#[cfg(test)]
pub(crate) mod tests {
    use super::files;
    use lockbench_core::workload::{Expected, ExpectedVerdict, Versions};
    use lockbench_report::scenario::{Cell, MATRIX_VERSION, Matrix, Row, Seen};

    fn expected(verdict: ExpectedVerdict) -> Expected {
        Expected {
            systems: vec!["redis".to_owned()],
            versions: Versions::default(),
            verdict,
            reason: "its lease ends while it sleeps".to_owned(),
            source: "https://example.org/x".to_owned(),
        }
    }

    fn double(cause: Option<&'static str>) -> ExpectedVerdict {
        ExpectedVerdict::DoubleGrant { kind: "outside", cause, at_least: 1, also: Vec::new() }
    }

    /// A matrix with a cell of every kind.
    pub(crate) fn sample() -> Matrix {
        let hit = Seen {
            grants: 3,
            double_grants: 1,
            kinds: [("outside".to_owned(), 1)].into(),
            causes: [("V2".to_owned(), 1)].into(),
            lost_updates: 1,
            refused_writes: Some(1),
            story: Some("client 1 was granted the lock while client 0 slept <inside>".to_owned()),
            ..Seen::default()
        };
        let clean = Seen { grants: 9, ..Seen::default() };
        let waited = Seen { stuck_ns: Some(5_300_000_000), ..clean.clone() };
        let doubt = Seen { doubts: vec!["fault 1 did not bite".to_owned()], ..clean.clone() };
        let cell = |system: &str, verdict: ExpectedVerdict, seen: &Seen| {
            let cell = Cell::of("client-pause", system, &expected(verdict), vec![seen.clone()]);
            Some(Cell { run: Some("runs/x".to_owned()), ..cell })
        };
        let first = vec![
            cell("redis", double(Some("V2")), &hit),
            cell("postgres:advisory", ExpectedVerdict::Safe, &clean),
            Some(Cell::absent("client-pause", "memory", &expected(ExpectedVerdict::NotOffered), None)),
        ];
        let second = vec![
            cell("redis", ExpectedVerdict::Safe, &hit),
            cell("postgres:advisory", ExpectedVerdict::Stuck { at_least_ns: 1_000, at_most_ns: None }, &waited),
            cell("memory", ExpectedVerdict::Safe, &doubt),
        ];
        let row = |scenario: &str, title: &str, cells| Row {
            scenario: scenario.to_owned(),
            title: title.to_owned(),
            source: "a paper".to_owned(),
            cells,
        };
        Matrix {
            schema_version: MATRIX_VERSION,
            version: "1.0.0".to_owned(),
            machine: "2 cores, Debian".to_owned(),
            systems: ["redis", "postgres:advisory", "memory"].map(str::to_owned).to_vec(),
            rows: vec![
                row("client-pause", "A holder sleeps for twice its ttl.", first),
                row("half-open", "A connection is open at the server only.", second),
                row("normal", "Nothing fails.", vec![cell("redis", ExpectedVerdict::Safe, &waited), None, None]),
            ],
            complete: false,
        }
    }

    #[test]
    fn every_file_is_drawn() {
        let files = files(&sample()).unwrap();
        let of = |path: &str| &files.iter().find(|file| file.path == path).unwrap().bytes;
        let svg = String::from_utf8(of("matrix.svg").clone()).unwrap();
        // Each cell that ran opens its run, and says its story.
        assert_eq!(svg.matches("<a href=\"runs/x/report.html\"").count(), 6);
        assert!(svg.contains("&lt;inside&gt;") && !svg.contains("<inside>"));
        assert!(of("matrix.png").starts_with(b"\x89PNG"));
        let html = String::from_utf8(of("matrix.html").clone()).unwrap();
        for text in ["Incomplete", "differs", "href=\"runs/x/report.html\"", "A holder sleeps", "&#60;inside&#62;"] {
            assert!(html.contains(text), "{text}");
        }
        assert!(!html.contains("<script"));
    }

    #[test]
    fn the_text_is_read_in_a_terminal() {
        insta::assert_snapshot!(super::text(&sample(), Some(120)));
    }

    #[test]
    fn the_cells_of_one_scenario_are_a_row_each() {
        let matrix = sample();
        let cells: Vec<Cell> = matrix.rows[1].cells.iter().flatten().cloned().collect();
        insta::assert_snapshot!(super::cells_text(&cells, Some(120)));
    }
}

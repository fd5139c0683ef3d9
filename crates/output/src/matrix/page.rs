//! The page of a matrix: the picture as a table, each cell a link to its run, and every story in words.

use askama::Template;

use super::words::claim_word;
use super::{KEY, label};
use lockbench_report::scenario::{Cell, JudgedClaim, Matrix, Tone, judged_claims};

#[derive(Template)]
#[template(path = "matrix.html")]
struct Page<'a> {
    version: &'static str,
    matrix: &'a Matrix,
    tone: &'static str,
    word: &'static str,
    meaning: String,
    key: &'static str,
    rows: Vec<Line<'a>>,
    claims: Vec<(JudgedClaim, &'static str)>,
}

struct Line<'a> {
    scenario: &'a str,
    title: &'a str,
    source: &'a str,
    boxes: Vec<Shown>,
    stories: Vec<&'a Cell>,
}

struct Shown {
    class: &'static str,
    label: String,
    story: String,
    link: Option<String>,
}

/// `matrix.html`.
pub fn render(matrix: &Matrix) -> Result<String, String> {
    let wrong = matrix.cells().filter(|cell| cell.exit != 0).count();
    let (tone, word) = match (matrix.complete, wrong) {
        (false, _) => ("halted", "Incomplete"),
        (true, 0) => ("pass", "As expected"),
        (true, _) => ("violated", "Not as expected"),
    };
    let line = |row: &'_ lockbench_report::scenario::Row| row.cells.iter().map(|cell| shown(cell.as_ref())).collect();
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        matrix,
        tone,
        word,
        meaning: format!("{} cells, {wrong} of them not as expected.", matrix.cells().count()),
        key: KEY,
        claims: judged_claims(matrix).into_iter().map(|one| (one.clone(), claim_word(one.judgement))).collect(),
        rows: matrix
            .rows
            .iter()
            .map(|row| Line {
                scenario: &row.scenario,
                title: &row.title,
                source: &row.source,
                boxes: line(row),
                stories: row.cells.iter().flatten().filter(|cell| cell.run.is_some()).collect(),
            })
            .collect(),
    };
    page.render().map_err(|error| format!("matrix.html: {error}"))
}

fn shown(cell: Option<&Cell>) -> Shown {
    let class = match cell.map(|cell| cell.tone) {
        Some(Tone::Safe) => "pass",
        Some(Tone::Violated) => "violated",
        Some(Tone::Stuck) => "inconclusive",
        Some(Tone::Absent) => "halted",
        Some(Tone::Inconclusive) | None => "plain",
    };
    let differs = cell.is_some_and(|cell| cell.matches == Some(false));
    Shown {
        class,
        label: if differs { format!("{} (differs)", label(cell)) } else { label(cell) },
        story: cell.map_or_else(String::new, |cell| cell.story.clone()),
        link: cell.and_then(|cell| cell.run.as_ref()).map(|run| format!("{run}/report.html")),
    }
}

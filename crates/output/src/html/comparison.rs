//! The page of a comparison: what the gates say, each with its interval drawn, and what
//! else changed beyond noise.

use askama::Template;

use crate::comparison::{human_value, is_shown, reasons, silent};
use crate::mark::{Mark, of_change};
use lockbench_report::compare::{Change, Comparison, ComparisonOutcome, percent};

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    version: &'static str,
    comparison: &'a Comparison,
    tone: &'static str,
    glyph: &'static str,
    word: &'static str,
    meaning: &'static str,
    reasons: Vec<String>,
    limits: Vec<String>,
    groups: Vec<Group>,
}

struct Group {
    id: &'static str,
    title: &'static str,
    none: &'static str,
    /// Per cent at both ends of the drawn intervals.
    most: u32,
    rows: Vec<Row>,
}

struct Row {
    system: String,
    figure: String,
    baseline: String,
    now: String,
    change: String,
    interval: String,
    /// Where the interval begins, and its width, in per cent of the column; width 0: none.
    left: u32,
    width: u32,
    mark: Mark,
    because: String,
}

/// The page.
///
/// # Errors
/// If it cannot be written.
pub fn render(comparison: &Comparison) -> Result<String, String> {
    let (tone, glyph, word, meaning) = match comparison.outcome {
        ComparisonOutcome::NoRegression => {
            ("pass", "✓", "No regression", "No figure that decides is worse beyond noise, and safety is not worse.")
        }
        ComparisonOutcome::Regression => {
            ("regression", "▼", "Regression", "A figure that decides is worse beyond noise, or safety is worse.")
        }
        ComparisonOutcome::Inconclusive => {
            ("inconclusive", "?", "Inconclusive", "Not every figure that decides could be judged: this is no pass.")
        }
    };
    let shown = |gated: bool| -> Vec<&Change> {
        comparison.changes.iter().filter(|change| change.gated == gated && is_shown(comparison, change)).collect()
    };
    let groups = vec![
        group("part-gates", "Figures that decide", "No figure that decides is on both sides.", &shown(true)),
        group("part-others", "What else changed beyond noise", "Nothing else did.", &shown(false)),
    ];
    let html = Page {
        version: env!("CARGO_PKG_VERSION"),
        comparison,
        tone,
        glyph,
        word,
        meaning,
        reasons: reasons(comparison),
        limits: limits(comparison),
        groups,
    };
    html.render().map_err(|error| format!("the page of the comparison: {error}"))
}

fn limits(comparison: &Comparison) -> Vec<String> {
    let mut limits = vec![
        format!("Only {} and safety decide; the other figures help to say why.", comparison.gates.join(", ")),
        "The intervals know nothing of what differs from run to run but not from trial to trial, such as a neighbour on \
         the machine: several runs per side bring that in."
            .to_owned(),
    ];
    limits.extend(comparison.remarks.iter().cloned());
    limits.extend(silent(comparison));
    limits
}

fn group(id: &'static str, title: &'static str, none: &'static str, changes: &[&Change]) -> Group {
    let ends = changes.iter().flat_map(|change| [change.low, change.high]).flatten();
    let most = ends.fold(0.1_f64, |most, end| most.max(end.abs())).min(1.0);
    let rows = changes.iter().map(|change| row(change, most)).collect();
    Group { id, title, none, most: (most * 100.0).ceil() as u32, rows }
}

fn row(change: &Change, most: f64) -> Row {
    let interval = change.low.zip(change.high);
    let place = |end: f64| ((end.clamp(-most, most) / most + 1.0) * 50.0).round() as u32;
    let (left, width) = interval.map_or((0, 0), |(low, high)| (place(low), (place(high) - place(low)).max(1)));
    Row {
        system: change.backend.clone(),
        figure: change.figure.clone(),
        baseline: human_value(change, change.baseline),
        now: human_value(change, change.candidate),
        change: change.change.map_or_else(|| "-".to_owned(), percent),
        interval: interval
            .map_or_else(|| "-".to_owned(), |(low, high)| format!("{} to {}", percent(low), percent(high))),
        left: left.min(99),
        width,
        mark: of_change(change.verdict, change.gated),
        because: if change.verdict.concluded() { String::new() } else { change.because.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::comparison::tests::sample;

    #[test]
    fn the_outcome_comes_first_and_every_gate_has_its_interval() {
        let html = render(&sample()).unwrap();
        let gates = html.find("id=\"part-gates\"").unwrap();
        for text in ["id=\"verdict-word\"", "compared with the baseline", "What this does not prove"] {
            assert!(html.find(text).is_some_and(|at| at < gates), "{text}");
        }
        assert!(html.contains("class=\"whisker ") && html.contains("throughput"));
        assert!(!html.contains("<script") && !html.contains("url("));
    }

    #[test]
    fn names_of_runs_are_escaped() {
        let mut comparison = sample();
        comparison.baseline = "<script>alert(1)</script>".to_owned();
        comparison.remarks.push("<img src=x>".to_owned());
        let html = render(&comparison).unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"));
    }
}

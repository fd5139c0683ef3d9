//! `report.html`: everything that a run found on one page. One file: no script, no
//! network, no font or image of elsewhere. The page is `templates/report.html`; this
//! module and its parts make the values that it shows. askama escapes all of them;
//! only the charts, which are our own drawing, are put in as they are.

mod comparison;
mod decide;
mod first;
mod glossary;
mod mark;
mod method;
mod picture;
mod safety;
mod scorecard;
mod sweep;
mod verdict;

pub use self::comparison::render as comparison_page;
pub use self::sweep::render as sweep_page;

use std::collections::BTreeMap;

use askama::Template;

use super::Rendered;
use super::chart::charts;
use super::table::{Table, tables};
use lockbench_core::plain;
use lockbench_report::answer::answer;
use lockbench_report::{LintLevel, RecordedRun, Report, SafetyVerdict, ThresholdLevel};

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: String,
    question: String,
    run_id: &'a str,
    complete: bool,
    verdict: verdict::VerdictBox,
    first: first::First,
    pictures: picture::Pictures,
    groups: Vec<scorecard::Group>,
    score_heads: Vec<&'static str>,
    score_notes: Vec<&'static str>,
    speed_tables: Vec<Table>,
    violated: bool,
    safety_tables: Vec<Table>,
    stories: Vec<safety::Story>,
    more_stories: Vec<safety::Story>,
    untold: usize,
    violation_classes: &'static [(&'static str, &'static str)],
    decision: decide::Decision,
    claim_rule: &'static str,
    claims: Vec<decide::ClaimRow>,
    untested: Vec<decide::ClaimRow>,
    thresholds: Vec<ThresholdRow<'a>>,
    /// The comparison with a baseline, as on a terminal.
    comparison: Option<String>,
    lints: Vec<LintRow<'a>>,
    notes: &'a [String],
    failures: Vec<FailureRow<'a>>,
    method: method::Method,
    missing: Vec<MissingRow<'a>>,
    glossary: &'static [(&'static str, &'static str)],
}

struct ThresholdRow<'a> {
    text: &'a str,
    backend: &'a str,
    mark: mark::Mark,
    level: &'static str,
    because: &'a str,
}

struct LintRow<'a> {
    name: &'a str,
    level: &'static str,
    about: &'a str,
    message: &'a str,
    advice: &'a str,
}

struct FailureRow<'a> {
    backend: &'a str,
    trial: u32,
    count: u64,
    reason: &'a str,
}

struct MissingRow<'a> {
    figure: &'a str,
    reason: &'a str,
    systems: String,
}

/// `report.html`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let html = page(run)?.render().map_err(|error| format!("report.html: {error}"))?;
    // Escaping leaves what a page cannot hold, or would obey.
    Ok(vec![Rendered::new("report.html", plain::lines(&html).into_owned())])
}

fn page(run: &RecordedRun) -> Result<Page<'_>, String> {
    let report = &run.report;
    let (mut safety_tables, speed_tables): (Vec<Table>, Vec<Table>) =
        tables(report).into_iter().filter(|table| !table.rows.is_empty()).filter(shown).partition(of_safety);
    // The section has that name already.
    safety_tables.iter_mut().filter(|table| table.title == "Safety").for_each(|table| table.title = "Double grants");
    let stories = safety::stories(run);
    let (claims, untested) = decide::claim_rows(report);
    let answer = answer(report);
    Ok(Page {
        title: text_of(report, "name").unwrap_or_else(|| report.run_id.clone()),
        question: text_of(report, "question").unwrap_or_default(),
        run_id: &report.run_id,
        complete: report.complete,
        verdict: verdict::verdict(report),
        first: first::first(report, &answer),
        pictures: picture::pictures(charts(run)?)?,
        groups: scorecard::groups(report, &answer),
        score_heads: scorecard::heads(report),
        score_notes: scorecard::notes(report, &answer),
        speed_tables,
        violated: report.aggregates.iter().any(|all| all.verdict == SafetyVerdict::Violated),
        safety_tables,
        stories: stories.open,
        more_stories: stories.folded,
        untold: stories.untold,
        violation_classes: safety::CLASSES,
        decision: decide::decision(report),
        claim_rule: decide::RULE,
        claims,
        untested,
        thresholds: thresholds(report),
        comparison: report.comparison.as_ref().map(|comparison| super::comparison(comparison, None)),
        lints: lints(report),
        notes: &report.notes,
        failures: failures(report),
        method: method::method(report),
        missing: missing(report),
        glossary: glossary::GLOSSARY,
    })
}

/// The tables of the terminal that the page does not show in another form.
fn shown(table: &Table) -> bool {
    table.title != "Speed" && table.title != "Systems as they ran"
}

fn of_safety(table: &Table) -> bool {
    table.title == "Safety" || table.title == "Tokens and harm"
}

/// A text of the plan.
fn text_of(report: &Report, key: &str) -> Option<String> {
    let planned = report.plan[key].as_str().map(str::to_owned);
    let ran = || report.results.first().filter(|_| key == "name").map(|result| result.workload.clone());
    planned.or_else(ran).filter(|text| !text.trim().is_empty())
}

/// A sentence whose numbers stay in one piece: a space before three digits or a unit
/// does not break.
fn tight(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = ' ';
    for (at, letter) in text.char_indices() {
        let rest = &text[at + letter.len_utf8()..];
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        let word = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '%').next().unwrap_or("");
        let bound = digits == 3 || ["ns", "us", "ms", "s", "%"].contains(&word);
        out.push(if letter == ' ' && last.is_ascii_digit() && bound { '\u{a0}' } else { letter });
        last = letter;
    }
    out
}

fn thresholds(report: &Report) -> Vec<ThresholdRow<'_>> {
    let rows = report.thresholds.iter().map(|threshold| ThresholdRow {
        text: &threshold.text,
        backend: &threshold.backend,
        mark: mark::of_threshold(threshold.outcome, threshold.level),
        level: match threshold.level {
            ThresholdLevel::Warn => "warn",
            ThresholdLevel::Fail => "fail",
        },
        because: &threshold.because,
    });
    rows.collect()
}

fn lints(report: &Report) -> Vec<LintRow<'_>> {
    let rows = report.lints.iter().filter_map(|lint| {
        let level = match lint.level {
            LintLevel::Allow => return None,
            LintLevel::Warn => "warn",
            LintLevel::Deny => "deny",
        };
        let about = lint.backend.as_deref().unwrap_or("the run");
        Some(LintRow { name: &lint.name, level, about, message: &lint.message, advice: &lint.advice })
    });
    rows.collect()
}

fn failures(report: &Report) -> Vec<FailureRow<'_>> {
    let mut rows = Vec::new();
    for result in &report.results {
        for (reason, count) in &result.failures {
            rows.push(FailureRow { backend: &result.backend, trial: result.trial, count: *count, reason });
        }
    }
    rows
}

/// Figures that do not exist, alike ones of several systems in one row.
fn missing(report: &Report) -> Vec<MissingRow<'_>> {
    let mut rows: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for result in &report.results {
        for (figure, reason) in &result.not_available {
            let systems = rows.entry((figure, reason)).or_default();
            if !systems.contains(&result.backend.as_str()) {
                systems.push(&result.backend);
            }
        }
    }
    rows.into_iter()
        .map(|((figure, reason), systems)| MissingRow { figure, reason, systems: systems.join(", ") })
        .collect()
}

#[cfg(test)]
mod tests;

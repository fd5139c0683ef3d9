//! `report.html`: everything that a run found on one page. One file: no script, no
//! network, no font or image of elsewhere. The page is `templates/report.html`; this
//! module and its parts make the values that it shows. askama escapes all of them;
//! only the charts, which are our own drawing, are put in as they are.

mod comparison;
mod decide;
mod first;
mod glossary;
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
use crate::mark::{Mark, of_judgement, of_threshold};
use lockbench_core::plain;
use lockbench_report::answer::answer;
use lockbench_report::claim::Judged;
use lockbench_report::{
    LintFinding, LintLevel, RecordedRun, Report, SafetyVerdict, ThresholdLevel, ThresholdResult, TrialResult,
};

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: String,
    question: String,
    report: &'a Report,
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
    left_out: usize,
    violation_classes: &'static [(&'static str, &'static str)],
    decision: decide::Decision,
    claim_rule: &'static str,
    claims: Vec<Judged>,
    untested: Vec<Judged>,
    /// The comparison with a baseline, as on a terminal.
    comparison: Option<String>,
    lints: Vec<&'a LintFinding>,
    failures: Vec<(&'a TrialResult, &'a str, u64)>,
    method: method::Method,
    missing: BTreeMap<(&'a str, &'a str), Vec<&'a str>>,
    glossary: &'static [(&'static str, &'static str)],
}

impl Page<'_> {
    fn kept(&self, threshold: &ThresholdResult) -> Mark {
        of_threshold(threshold.outcome, threshold.level)
    }

    fn judged(&self, claim: &Judged) -> Mark {
        of_judgement(claim.judgement)
    }
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
        report,
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
        left_out: stories.left_out,
        violation_classes: safety::CLASSES,
        decision: decide::decision(report),
        claim_rule: decide::RULE,
        claims,
        untested,
        comparison: report.comparison.as_ref().map(super::comparison),
        lints: report.lints.iter().filter(|lint| lint.level != LintLevel::Allow).collect(),
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

/// What clients were answered where it was no grant: the trial, the words, how often.
fn failures<'a>(report: &'a Report) -> Vec<(&'a TrialResult, &'a str, u64)> {
    let of =
        |result: &'a TrialResult| result.failures.iter().map(move |(words, count)| (result, words.as_str(), *count));
    report.results.iter().flat_map(of).collect()
}

/// Figures that do not exist, and why, each with the systems that lack it for that reason.
fn missing(report: &Report) -> BTreeMap<(&str, &str), Vec<&str>> {
    let mut rows: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for result in &report.results {
        for (figure, reason) in &result.not_available {
            let systems = rows.entry((figure, reason)).or_default();
            if !systems.contains(&result.backend.as_str()) {
                systems.push(&result.backend);
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests;

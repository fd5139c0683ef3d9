//! `summary.md`: the run for a pull request or the step summary of a CI job. The
//! verdict first, then the tables of the terminal, the course of each trial as a line
//! of characters, findings, and how to run it again.
//!
//! GitHub cuts a step off at 1 MiB, and a person long before: sections are bounded,
//! and what does not fit into [`MOST_BYTES`] is left out and named.

mod escape;
mod sparkline;

use std::fmt::Write as _;

use self::escape::{clipped, fenced, inline, item};
use self::sparkline::{Course, sparkline};
use super::Rendered;
use super::answer::rows::{Columns, cells as cells_of, heads, spread, unserved};
use super::answer::words::{absent_words, disqualified_words, limits_words, turnout_words, winner_words};
use super::command::{PROGRAM, repeat_line, shell_line};
use super::headline::headline;
use super::table::{Table, duration, tables};
use super::text::finding;
use lockbench_core::record::figures::Window;
use lockbench_core::units::three_digits;
use lockbench_report::answer::{Answer, answer};
use lockbench_report::{Aggregate, LintLevel, Measurements, RecordedRun, Report, TrialResult, response_is_service};

/// Size of the file at most.
const MOST_BYTES: usize = 64 * 1024;

/// Rows of a table, entries of a list.
const MOST_ROWS: usize = 40;

/// Stories of double grants per trial, and in all.
const STORIES: (usize, usize) = (3, 12);

/// Characters of a reason, a story, a remark.
const MOST_TEXT: usize = 600;

/// Characters of a table's cell.
const MOST_CELL: usize = 160;

/// Tables that are shown at once; the others are folded.
const UNFOLDED: [&str; 3] = ["Speed", "Safety", "Thresholds"];

/// `summary.md`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    Ok(vec![Rendered::new("summary.md", markdown(run).map_err(|error| format!("summary.md: {error}"))?)])
}

/// A part of the file and how it is called when it is left out.
struct Section {
    title: &'static str,
    text: String,
}

fn markdown(run: &RecordedRun) -> Result<String, String> {
    let report = &run.report;
    let found = answer(report);
    let mut sections = vec![
        Section { title: "Verdict", text: verdict(report, &found) },
        Section { title: "Answer", text: answered(report, &found) },
    ];
    for table in tables(report).iter().filter(|table| !table.rows.is_empty()) {
        sections.push(Section { title: table.title, text: table_section(table) });
    }
    sections.push(Section { title: "Comparison", text: compared(report) });
    sections.push(Section { title: "Over time", text: courses(run)? });
    sections.push(Section { title: "Double grants", text: stories(report) });
    sections.push(Section { title: "Findings", text: findings(report) });
    sections.push(Section { title: "How to run it again", text: again(report) });
    Ok(bounded(sections))
}

/// The comparison with a baseline, as on a terminal.
fn compared(report: &Report) -> String {
    let Some(comparison) = &report.comparison else { return String::new() };
    let text = super::comparison(comparison).replace("```", "'''");
    format!("## Comparison\n\n```text\n{text}```\n\n")
}

/// The sections that fit, in order; the titles of the others.
fn bounded(sections: Vec<Section>) -> String {
    let (mut out, mut left_out) = (String::new(), Vec::new());
    for section in sections.into_iter().filter(|section| !section.text.is_empty()) {
        // Room for the sentence that names what is missing.
        if out.len() + section.text.len() + 1_024 > MOST_BYTES {
            left_out.push(section.title);
        } else {
            out.push_str(&section.text);
        }
    }
    if !left_out.is_empty() {
        let _ = writeln!(out, "Left out for length: {}. All of it is in report.json.", left_out.join(", "));
    }
    out
}

fn verdict(report: &Report, found: &Answer) -> String {
    let (head, code) = (headline(report.verdict.exit_code), report.verdict.exit_code);
    let mut out = format!("# {} lockbench: {} (exit {code})\n\n{}", head.sign, head.word, head.meaning);
    if !report.complete {
        out.push_str(" The run is incomplete.");
    }
    out.push_str("\n\n");
    let reasons = report.verdict.reasons.iter().map(|reason| inline(reason, MOST_TEXT));
    out.push_str(&list(reasons, "reasons"));
    let _ = write!(out, "{}.\n\n", inline(&turnout_words(&found.turnout), MOST_TEXT));
    let absent = found.turnout.absent.iter().map(|one| format!("not run: {}", inline(&absent_words(one), MOST_TEXT)));
    out.push_str(&list(absent, "systems"));
    let workload = report.results.first().map(|result| format!(", workload {}", inline(&result.workload, MOST_CELL)));
    let _ = writeln!(
        out,
        "Run {}{}, started {}, lockbench {}.\n",
        inline(&report.run_id, MOST_CELL),
        workload.unwrap_or_default(),
        inline(&report.environment.started_at, MOST_CELL),
        inline(&report.tool.version, MOST_CELL)
    );
    out
}

/// The best of each class, and what the run does not prove.
fn answered(report: &Report, found: &Answer) -> String {
    let rows = || found.classes.iter().flat_map(|class| &class.rows);
    if found.classes.is_empty() {
        return String::new();
    }
    let columns = Columns { ascii: false, spread: spread(rows()), wide: true, served: unserved(rows()) };
    let heads: Vec<String> = ["class"].into_iter().chain(heads(columns)).map(str::to_owned).collect();
    let mut cells = Vec::new();
    let mut results = Vec::new();
    for class in &found.classes {
        let name = inline(&class.durability.to_string(), MOST_CELL);
        let best = if class.rows.len() > 1 { class.winner.marked() } else { 0 };
        for (at, row) in class.rows.iter().enumerate() {
            let mut row: Vec<String> = cells_of(row, columns).iter().map(|cell| inline(cell, MOST_CELL)).collect();
            if at < best {
                row[0] = format!("**{}**", row[0]);
            }
            cells.push(std::iter::once(name.clone()).chain(row).collect());
        }
        if class.rows.len() > 1 {
            results.push(format!("{name}: {}", inline(&winner_words(class), MOST_TEXT)));
        }
        results.extend(class.rows.iter().filter_map(|row| {
            let why = disqualified_words(row.disqualified.first()?, &row.safety);
            Some(format!("{} is not ranked: {}", inline(&row.system, MOST_CELL), inline(&why, MOST_TEXT)))
        }));
    }
    format!(
        "## Answer\n\n{}\nwait: {}; hand-off: p50. Ranked by grants/s alone. Systems of different \
         classes make different promises about a crash: do not rank them against each other.\n\n{}Not proven: {}.\n\n",
        grid(&heads, cells.into_iter(), "---:"),
        if response_is_service(report) {
            "from the call to the grant (in this closed loop response time is service time)"
        } else {
            "response time, from the due instant to the grant"
        },
        list(results.into_iter(), "results"),
        inline(&limits_words(&found.limits, found), MOST_TEXT)
    )
}

/// A list of at most [`MOST_ROWS`] entries, and an empty line after it.
fn list(entries: impl ExactSizeIterator<Item = String>, what: &str) -> String {
    let all = entries.len();
    let mut out: String = entries.take(MOST_ROWS).map(|entry| item(&entry)).collect();
    if all > MOST_ROWS {
        let _ = writeln!(out, "- {} more {what} are in report.json", all - MOST_ROWS);
    }
    if all > 0 {
        out.push('\n');
    }
    out
}

fn table_section(table: &Table) -> String {
    let heads: Vec<String> = table.head.iter().map(|head| head.replace('\n', " ")).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(|cell| inline(cell, MOST_CELL)).collect());
    let align = if table.prose { "---" } else { "---:" };
    let body = format!("{}\n{}\n\n", grid(&heads, rows, align), table.note);
    if UNFOLDED.contains(&table.title) {
        format!("## {}\n\n{body}", table.title)
    } else {
        // Without the empty line markdown inside of HTML is not read as markdown.
        format!("<details><summary>{}</summary>\n\n{body}</details>\n\n", table.title)
    }
}

/// A table; all columns but the first are aligned by `align`.
fn grid(heads: &[String], rows: impl ExactSizeIterator<Item = Vec<String>>, align: &str) -> String {
    let all = rows.len();
    let mut out = format!("| {} |\n| ---", heads.join(" | "));
    out.push_str(&format!(" | {align}").repeat(heads.len().saturating_sub(1)));
    out.push_str(" |\n");
    for row in rows.take(MOST_ROWS) {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    if all > MOST_ROWS {
        let _ = writeln!(out, "\n{} more rows are in report.json.", all - MOST_ROWS);
    }
    out
}

/// A column over time: its head, whether it is shown, and its cell.
type Column = (&'static str, bool, fn(&Measurements, &Course) -> String);

/// A line per trial; double grants only where the run has any.
fn courses(run: &RecordedRun) -> Result<String, String> {
    let caught = run.measured.iter().any(|measured| measured.double_grants.iter().any(|count| *count > 0));
    // Trials run in a drawn order; here they stand as in the tables.
    let place = |measured: &&Measurements| {
        let of = |aggregate: &Aggregate| aggregate.backend == measured.backend;
        (run.report.aggregates.iter().position(of), measured.trial)
    };
    let mut trials: Vec<&Measurements> = run.measured.iter().collect();
    trials.sort_by_key(place);
    let courses: Result<Vec<(&Measurements, Course)>, String> =
        trials.into_iter().take(MOST_ROWS).map(|measured| Ok((measured, Course::of(measured)?))).collect();
    let courses = courses?;
    if courses.is_empty() {
        return Ok(String::new());
    }
    fn most(values: &[Option<f64>]) -> Option<f64> {
        values.iter().flatten().copied().reduce(f64::max)
    }
    fn line(values: &[Option<f64>]) -> String {
        format!("`{}`", sparkline(values))
    }
    fn signs<T>(points: &[T], sign: impl Fn(&T) -> char) -> String {
        format!("`{}`", points.iter().map(sign).collect::<String>())
    }
    let unserved = run.measured.iter().any(|measured| measured.windows.iter().any(Window::had_unserved));
    let steered = run.measured.iter().any(|measured| !measured.marks.is_empty());
    let columns: [Column; 10] = [
        ("system", true, |measured, _| inline(&measured.backend, MOST_CELL)),
        ("trial", true, |measured, _| measured.trial.to_string()),
        ("grants/s", true, |_, course| line(&course.rates)),
        ("most", true, |_, course| most(&course.rates).map_or_else(|| "-".to_owned(), three_digits)),
        ("p99 wait", true, |_, course| line(&course.p99_ns)),
        ("longest p99", true, |_, course| duration(most(&course.p99_ns).map(|ns| ns as u64))),
        ("s per point", true, |_, course| course.seconds.to_string()),
        ("double grants", caught, |_, course| signs(&course.doubles, |count| if *count > 0 { '×' } else { '·' })),
        ("not served", unserved, |_, course| signs(&course.unserved, |missed| if *missed { '!' } else { '·' })),
        ("by hand", steered, |_, course| signs(&course.by_hand, |sign| *sign)),
    ];
    let shown = || columns.iter().filter(|(_, shown, _)| *shown);
    let heads: Vec<String> = shown().map(|(head, ..)| (*head).to_owned()).collect();
    let rows = courses.iter().map(|(measured, course)| shown().map(|(.., cell)| cell(measured, course)).collect());
    let more = run.measured.len().saturating_sub(courses.len());
    let more = if more > 0 { format!(" {more} more trials are in timeseries.csv.") } else { String::new() };
    let not_served =
        if unserved { " Not served: ! is a moment with attempts that were not served or not answered." } else { "" };
    let by_hand = if steered { " By hand: P is a pause of the load, a number a marker." } else { "" };
    Ok(format!(
        "## Over time\n\n{}\nFrom the start of the warm-up. Each line has its own scale, from 0 to the most beside it; \
         p99 wait: of the grants of that moment, service time; · is a moment without a grant, × one with a double \
         grant.{not_served}{by_hand}{more}\n\n",
        grid(&heads, rows, "---")
    ))
}

/// The first stories of each trial, without those that the verdict has.
fn stories(report: &Report) -> String {
    let in_verdict = |story: &str| report.verdict.reasons.iter().any(|reason| reason.contains(story));
    let of = |result: &TrialResult| -> Vec<String> {
        let name = format!("{} trial {}", inline(&result.backend, MOST_CELL), result.trial);
        let first = result.safety.violations.iter().take(STORIES.0).filter(|one| !in_verdict(&one.story));
        first.map(|one| format!("{name}: {}", inline(&one.told(), MOST_TEXT))).collect()
    };
    let kept: usize = report.results.iter().map(|result| result.safety.violations.len()).sum();
    if kept == 0 {
        return String::new();
    }
    let shown: Vec<String> = report.results.iter().flat_map(of).take(STORIES.1).collect();
    format!(
        "## Double grants\n\n{}All {kept} that were kept in full are in violations.json; `lockbench explain RUN N` draws \
         one.\n\n",
        list(shown.into_iter(), "stories")
    )
}

/// Lints and remarks.
fn findings(report: &Report) -> String {
    let lints = report.lints.iter().filter(|lint| lint.level != LintLevel::Allow).map(|lint| {
        let level = if lint.level == LintLevel::Deny { "error" } else { "warning" };
        let (message, advice) = (inline(&finding(lint), MOST_TEXT), inline(&lint.advice, MOST_TEXT));
        format!("{level} **{}**: {message}; help: {advice}", inline(&lint.name, MOST_CELL))
    });
    let notes = report.notes.iter().map(|note| format!("note: {}", inline(note, MOST_TEXT)));
    let all: Vec<String> = lints.chain(notes).collect();
    if all.is_empty() { String::new() } else { format!("## Findings\n\n{}", list(all.into_iter(), "findings")) }
}

fn again(report: &Report) -> String {
    let machine = &report.environment;
    let text = |text: &str| inline(text, MOST_CELL);
    let seed = report.plan["seed"].as_u64().map(|seed| format!("; seed {seed}")).unwrap_or_default();
    let mut lines = clipped(&repeat_line(PROGRAM, &report.tool.command), 2_000);
    // Of a run that was cut short it is not known here which systems were still to come.
    if report.complete && !report.aggregates.is_empty() {
        let ran: Vec<&str> = report.aggregates.iter().map(|aggregate| aggregate.backend.as_str()).collect();
        let stored = ["lockbench", "run", "plan.toml", "-b", &ran.join(",")].map(str::to_owned);
        lines.push_str("\n# or, with every value that was in force, in the directory of the run:\n");
        lines.push_str(&clipped(&shell_line(&stored), 2_000));
    }
    format!(
        "## How to run it again\n\n{}\nMachine: {}, kernel {}, {} ({} cores, {} GiB), clock {}, {}{seed}.\n",
        fenced("sh", &lines),
        text(&machine.os),
        text(&machine.kernel),
        text(&machine.cpu),
        machine.cores,
        three_digits(machine.memory_bytes as f64 / 1_073_741_824.0),
        text(&machine.clock),
        text(&machine.placement),
    )
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, markdown};
    use crate::sample::{crowd, empty, gated, recorded, steered, timeouts};

    /// Every table has a head, a rule and rows with as many cells as the head.
    fn tables_hold_together(text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        let cells = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("| ---")) {
            assert!(at >= 2 && lines[at - 1].starts_with('|') && lines[at - 2].is_empty(), "{line}");
            let width = cells(line);
            let rows = lines[at - 1..].iter().take_while(|line| !line.is_empty());
            rows.for_each(|row| assert_eq!((cells(row), row.starts_with('|')), (width, true), "{row}"));
        }
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        assert_eq!(lines.iter().filter(|line| line.starts_with("```")).count() % 2, 0);
    }

    #[test]
    fn a_run_reads_well() {
        insta::assert_snapshot!("recorded", markdown(&recorded()).unwrap());
        insta::assert_snapshot!("gated", markdown(&gated()).unwrap());
        insta::assert_snapshot!("timeouts", markdown(&timeouts()).unwrap());
        insta::assert_snapshot!("empty", markdown(&empty()).unwrap());
    }

    #[test]
    fn what_a_person_did_is_beside_the_course_and_in_the_findings() {
        let text = markdown(&steered()).unwrap();
        assert!(text.contains("`··1PP2·`") && text.contains("P is a pause of the load"));
        assert!(text.contains("- note: redis, trial 1: the load was paused by hand for 1.50 s"), "{text}");
        assert!(!markdown(&recorded()).unwrap().contains("by hand"));
    }

    #[test]
    fn every_sample_has_whole_tables() {
        for run in [recorded(), steered(), crowd(10), gated(), timeouts(), empty()] {
            tables_hold_together(&markdown(&run).unwrap());
        }
    }

    #[test]
    fn text_of_others_breaks_no_table_and_is_no_markup() {
        let mut run = gated();
        let evil = "a | b\n| c | <script>alert(1)</script> `d` [e](f)\r\n# g";
        for measured in &mut run.measured {
            measured.backend = evil.to_owned();
        }
        for (result, aggregate) in run.report.results.iter_mut().zip(&mut run.report.aggregates) {
            (result.backend, aggregate.backend) = (evil.to_owned(), evil.to_owned());
            result.durability = evil.into();
        }
        run.report.run_id = evil.to_owned();
        run.report.skipped[0].reason = evil.to_owned();
        run.report.notes.push(evil.to_owned());
        run.report.lints[0].message = evil.to_owned();
        run.report.verdict.reasons.push(evil.to_owned());
        run.report.thresholds[0].text = evil.to_owned();
        let text = markdown(&run).unwrap();
        tables_hold_together(&text);
        // In a block of code it is only text.
        let (prose, _) = text.split_once("## How to run it again").unwrap();
        assert!(!prose.contains("<script>") && !prose.contains("\n# g") && !prose.contains("[e](f)"));
    }

    #[test]
    fn the_file_is_bounded_whatever_is_in_the_run() {
        let mut run = crowd(10);
        let long = "x".repeat(100_000);
        for _ in 0..200 {
            run.report.verdict.reasons.push(long.clone());
            run.report.notes.push(long.clone());
        }
        for result in &mut run.report.results {
            result.server_version = long.clone();
            let violation = &recorded().report.results[1].safety.violations[0];
            result.safety.violations = vec![violation.clone(); 100];
            result.safety.violations[0].story = long.clone();
        }
        run.report.tool.command.push(long);
        let many: Vec<_> = run.report.aggregates.iter().cycle().take(5_000).cloned().collect();
        run.report.aggregates = many;
        let text = markdown(&run).unwrap();
        assert!(text.len() <= MOST_BYTES, "{}", text.len());
        tables_hold_together(&text);
        assert!(text.starts_with("# ✅ lockbench: pass (exit 0)"));
        assert!(text.contains("160 more reasons are in report.json"));
        assert!(text.contains("4960 more rows"));
    }
}

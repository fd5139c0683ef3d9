//! Which systems fit what a reader needs: a block per system for the terminal.

use std::fmt::Write as _;

use super::inspection::line::wrapped;
use super::mark::of_answer;
use lockbench_report::RecordedRun;
use lockbench_report::decision::{Answer, Cell};
use lockbench_report::leaves::leaves;
use lockbench_report::need::{NEEDS, Need};
use lockbench_report::scenario::Matrix;

/// Columns of a terminal that are used at most.
const WIDEST: u16 = 120;

/// Columns of a file or a pipe.
const NO_TERMINAL: u16 = 80;

/// Columns of the word that answers a need.
const WORD: usize = 14;

/// How a system comes out over all needs, and the best of all systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It fits.
    Yes,
    /// Something was not measured, and nothing speaks against it.
    NotKnown,
    /// It does not.
    No,
}

/// Answers needs such as `p99<20ms,fencing,survive=node` from a run, and of faults from a stored matrix, for a terminal of
/// `width` columns, if it is one; and how the best system comes out.
///
/// # Errors
/// Names the need that is wrong and lists the known ones.
pub fn need(
    run: &RecordedRun,
    matrix: Option<&Matrix>,
    text: &str,
    width: Option<u16>,
) -> Result<(String, Fit), String> {
    Ok(answered(run, matrix, &Need::parse_all(text)?, usize::from(width.unwrap_or(NO_TERMINAL).clamp(60, WIDEST))))
}

/// Every need that there is, with what it asks for.
#[must_use]
pub fn need_help() -> String {
    NEEDS.iter().map(|(form, meaning)| format!("{form:<14}{meaning}\n")).collect()
}

fn answered(run: &RecordedRun, matrix: Option<&Matrix>, needs: &[Need], width: usize) -> (String, Fit) {
    let report = &run.report;
    let longest = needs.iter().map(|need| need.text.chars().count()).max().unwrap_or(0);
    let mut fits: [(Fit, &str, Vec<&str>); 3] = [
        (Fit::Yes, "fits", Vec::new()),
        (Fit::NotKnown, "not known, because something was not measured", Vec::new()),
        (Fit::No, "does not fit", Vec::new()),
    ];
    let mut out = String::new();
    for aggregate in &report.aggregates {
        let cells: Vec<Cell> = needs.iter().map(|need| need.ask(report, matrix, &aggregate.backend)).collect();
        let fit = fit(&cells);
        let word = match fit {
            Fit::Yes => "fits",
            Fit::No => "does not fit",
            Fit::NotKnown => "not known",
        };
        let _ = writeln!(out, "{}: {word}", aggregate.backend);
        for (need, cell) in needs.iter().zip(&cells) {
            write_cell(&mut out, (&need.text, longest), cell, width);
        }
        fits.iter_mut().filter(|(kind, ..)| *kind == fit).for_each(|(.., systems)| systems.push(&aggregate.backend));
    }
    if report.aggregates.is_empty() {
        return ("No system ran: nothing is known.\n".to_owned(), Fit::NotKnown);
    }
    out.push_str("\nbefore a lock:\n");
    let leaves = leaves(report);
    let widest = leaves.iter().map(|leaf| leaf.way.chars().count()).max().unwrap_or(0);
    leaves.iter().for_each(|leaf| write_cell(&mut out, (leaf.way, widest), &leaf.cell, width));
    out.push('\n');
    let mut write =
        |sentence: &str| wrapped(sentence, width).iter().for_each(|line| out.push_str(&format!("{line}\n")));
    for (fit, words, systems) in &fits {
        if systems.is_empty() && *fit != Fit::Yes {
            continue;
        }
        let systems = if systems.is_empty() { "none".to_owned() } else { systems.join(", ") };
        write(&format!("{words}: {systems}"));
    }
    for skipped in &report.skipped {
        write(&format!("not run: {}: {}", skipped.backend, skipped.reason));
    }
    if needs.iter().any(|need| need.text.starts_with('p')) {
        write("p50 to p999: acquire response, from the due instant to the grant.");
    }
    let faults = if report.faults.is_empty() { "no faults injected" } else { "with its faults injected" };
    write(&format!("All of it under the plan of run {}, {faults}.", report.run_id));
    let best = fits.iter().find(|(.., systems)| !systems.is_empty()).map_or(Fit::NotKnown, |(fit, ..)| *fit);
    (out, best)
}

/// What a cell says, behind its name.
fn write_cell(out: &mut String, (name, longest): (&str, usize), cell: &Cell, width: usize) {
    let head = format!("  {name:<longest$}  {:<WORD$}", of_answer(cell.answer).word);
    let because = if cell.because == "not measured" { "" } else { &cell.because };
    let lines = wrapped(because, width.saturating_sub(head.chars().count()).max(20));
    for (at, line) in lines.iter().enumerate() {
        let before = if at == 0 { head.clone() } else { " ".repeat(head.chars().count()) };
        let _ = writeln!(out, "{}", format!("{before}{line}").trim_end());
    }
}

/// One no decides; else one gap leaves it open.
fn fit(cells: &[Cell]) -> Fit {
    if cells.iter().any(|cell| cell.answer == Answer::No) {
        Fit::No
    } else if cells.iter().all(|cell| cell.answer == Answer::Yes) {
        Fit::Yes
    } else {
        Fit::NotKnown
    }
}

#[cfg(test)]
mod tests {
    use super::{Fit, need, need_help};
    use crate::sample::{crowd, empty, recorded, timeouts};
    use lockbench_report::RecordedRun;

    fn with_promises() -> RecordedRun {
        let mut run = recorded();
        run.report.plan = serde_json::json!({ "prices": { "redis": 120, "currency": "EUR" } });
        let promises = |token: Option<&str>| serde_json::json!({ "lease": true, "token": token, "fifo": false });
        run.report.results[0].guarantees = promises(Some("INCR in the acquire script"));
        run.report.results[1].guarantees = promises(None);
        run.report.results[1].quorum = "3 of 5".into();
        run.report.results[1].durability = "appendonly yes, appendfsync always; all nodes on one host".into();
        run
    }

    fn told(run: &RecordedRun, needs: &str) -> String {
        let (text, fits) = need(run, None, needs, Some(80)).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        format!("{text}{fits:?}")
    }

    #[test]
    fn needs_are_answered_with_their_figures() {
        insta::assert_snapshot!("needs_wait_fencing_node", told(&with_promises(), "p99<20ms, fencing,survive=node"));
        insta::assert_snapshot!("needs_bounds", told(&with_promises(), "exclusion,durable,cost<200,rate>300/s"));
        insta::assert_snapshot!("needs_order", told(&with_promises(), "fifo,auto-release,p999<1s"));
    }

    #[test]
    fn what_was_not_measured_fits_nothing() {
        insta::assert_snapshot!("needs_unmeasured", told(&timeouts(), "p99<20ms,exclusion"));
        insta::assert_snapshot!("needs_empty", told(&empty(), "exclusion"));
    }

    #[test]
    fn a_need_that_does_not_exist_is_refused() {
        assert!(need(&crowd(1), None, "speed", None).unwrap_err().contains("is not known"));
    }

    #[test]
    fn one_node_is_an_answer_of_its_own_and_decides_nothing() {
        let mut run = with_promises();
        run.report.results[0].guarantees["quorum"] = true.into();
        insta::assert_snapshot!("needs_one_node", told(&run, "survive=node"));
    }

    #[test]
    fn the_best_system_decides_how_it_comes_out() {
        let fits = |needs: &str| need(&with_promises(), None, needs, None).unwrap().1;
        assert_eq!((fits("exclusion"), fits("fifo"), fits("p999<1s")), (Fit::Yes, Fit::No, Fit::NotKnown));
        assert_eq!(need(&empty(), None, "exclusion", None).unwrap().1, Fit::NotKnown);
        assert!(need_help().lines().all(|line| line.chars().count() <= 80));
    }
}

//! Which systems fit what a reader needs: a table for the terminal.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table};

use crate::report::RecordedRun;
use crate::report::decision::{Answer, Cell};
use crate::report::need::Need;

/// Columns of the table: what terminals of today show without breaking lines.
const WIDTH: u16 = 120;

/// Answers needs such as `p99<20ms,fencing,survive=node` from a run.
///
/// # Errors
/// Names the need that is wrong and lists the known ones.
pub fn need(run: &RecordedRun, text: &str) -> Result<String, String> {
    Ok(need_table(run, &Need::parse_all(text)?))
}

/// How a system comes out over all needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    NotKnown,
}

fn need_table(run: &RecordedRun, needs: &[Need]) -> String {
    let report = &run.report;
    let mut table = Table::new();
    table.load_preset("     ──            ").set_width(WIDTH).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["system", "fits"].into_iter().chain(needs.iter().map(|need| need.text.as_str())));
    let mut fits: [(Fit, &str, Vec<&str>); 3] = [
        (Fit::Yes, "fits", Vec::new()),
        (Fit::NotKnown, "not known, because something was not measured", Vec::new()),
        (Fit::No, "does not fit", Vec::new()),
    ];
    for aggregate in &report.aggregates {
        let cells: Vec<Cell> = needs.iter().map(|need| need.ask(report, &aggregate.backend)).collect();
        let fit = fit(&cells);
        let word = match fit {
            Fit::Yes => "yes",
            Fit::No => "no",
            Fit::NotKnown => "not known",
        };
        let texts = cells.iter().map(in_words);
        table.add_row([aggregate.backend.clone(), word.to_owned()].into_iter().chain(texts));
        fits.iter_mut().filter(|(kind, ..)| *kind == fit).for_each(|(.., systems)| systems.push(&aggregate.backend));
    }
    let mut out = String::new();
    if report.aggregates.is_empty() {
        out.push_str("No system ran: nothing is known.\n");
        return out;
    }
    let _ = writeln!(out, "{}\n", table.trim_fmt());
    for (_, words, systems) in &fits {
        let systems = if systems.is_empty() { "none".to_owned() } else { systems.join(", ") };
        let _ = writeln!(out, "{words}: {systems}");
    }
    for skipped in &report.skipped {
        let _ = writeln!(out, "not run: {}: {}", skipped.backend, skipped.reason);
    }
    let _ = writeln!(out, "All of it under the plan of run {}, no faults injected.", report.run_id);
    out
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

fn in_words(cell: &Cell) -> String {
    let word = match cell.answer {
        Answer::Yes => "yes: ",
        Answer::No => "no: ",
        Answer::Figure => "",
        Answer::NotMeasured => "not measured: ",
    };
    format!("{word}{}", cell.because)
}

#[cfg(test)]
mod tests {
    use super::need;
    use crate::output::sample::{crowd, empty, recorded, timeouts};
    use crate::report::RecordedRun;

    fn with_promises() -> RecordedRun {
        let mut run = recorded();
        run.report.plan = serde_json::json!({ "prices": { "redis": 120, "currency": "EUR" } });
        let promises = |token: Option<&str>| serde_json::json!({ "lease": true, "token": token, "fifo": false });
        run.report.results[0].guarantees = promises(Some("INCR in the acquire script"));
        run.report.results[1].guarantees = promises(None);
        "3 of 5".clone_into(&mut run.report.results[1].quorum);
        "appendonly yes, appendfsync always; all nodes on one host".clone_into(&mut run.report.results[1].durability);
        run
    }

    #[test]
    fn needs_are_answered_with_their_figures() {
        insta::assert_snapshot!(need(&with_promises(), "p99<20ms, fencing,survive=node").unwrap(), @"");
        insta::assert_snapshot!(need(&with_promises(), "exclusion,durable,cost<200,rate>300/s").unwrap(), @"");
        insta::assert_snapshot!(need(&with_promises(), "fifo,auto-release,p999<1s").unwrap(), @"");
    }

    #[test]
    fn what_was_not_measured_fits_nothing() {
        insta::assert_snapshot!(need(&timeouts(), "p99<20ms,exclusion").unwrap(), @"");
        insta::assert_snapshot!(need(&empty(), "exclusion").unwrap(), @"No system ran: nothing is known.");
    }

    #[test]
    fn a_need_that_does_not_exist_is_refused() {
        assert!(need(&crowd(1), "speed").unwrap_err().contains("is not known"));
    }
}

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
    for (fit, words, systems) in &fits {
        if systems.is_empty() && *fit != Fit::Yes {
            continue;
        }
        let systems = if systems.is_empty() { "none".to_owned() } else { systems.join(", ") };
        let _ = writeln!(out, "{words}: {systems}");
    }
    for skipped in &report.skipped {
        let _ = writeln!(out, "not run: {}: {}", skipped.backend, skipped.reason);
    }
    if needs.iter().any(|need| need.text.starts_with('p')) {
        out.push_str("p50 to p999: acquire response, from the due instant to the grant.\n");
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
        Answer::NotMeasured if cell.because == "not measured" => "",
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
        insta::assert_snapshot!(need(&with_promises(), "p99<20ms, fencing,survive=node").unwrap(), @"
 system    fits   p99<20ms       fencing                                      survive=node
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 redis     no     yes: 1.05 ms   yes: INCR in the acquire script; 0 token     no: 1 of 1: there is no other node
                                 regressions in 0 grants
 redlock   no     yes: 9.01 ms   no: this recipe offers none                  yes: 3 of 5 nodes must agree, 2 may fail:
                                                                              by its quorum; no fault was injected in
                                                                              this run; here all share one host

fits: none
does not fit: redis, redlock
not run: etcd: no etcd found
p50 to p999: acquire response, from the due instant to the grant.
All of it under the plan of run sample-run, no faults injected.
");
        insta::assert_snapshot!(need(&with_promises(), "exclusion,durable,cost<200,rate>300/s").unwrap(), @"
 system    fits        exclusion                  durable                   cost<200                  rate>300/s
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 redis     not known   yes: 0 double grants in    not measured: not         yes: 120 EUR a month;     yes: 400 a second
                       2 000 challenged holds:    known: appendonly no |    300 EUR for each 1 000    under this plan
                       below 1 497 a million at   stock                     grants a second
                       95 %                                                 measured
 redlock   no          no: 7 double grants (7     yes: quorum of 5, disk,   not measured: the plan    yes: 400 a second
                       inside, 0 withdrawn, 0     synced, by its settings   gives no price for it     under this plan
                       outside a lease), 0
                       token regressions

fits: none
not known, because something was not measured: redis
does not fit: redlock
not run: etcd: no etcd found
All of it under the plan of run sample-run, no faults injected.
");
        insta::assert_snapshot!(need(&with_promises(), "fifo,auto-release,p999<1s").unwrap(), @"
 system    fits   fifo                                         auto-release                                p999<1s
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 redis     no     no: not promised; 12 overtakes in 2 000      yes: lease of 10.0 s, by its recipe; no     not measured
                  grants                                       holder died here
 redlock   no     no: not promised; 12 overtakes in 2 000      yes: lease of 10.0 s, by its recipe; no     not measured
                  grants                                       holder died here

fits: none
does not fit: redis, redlock
not run: etcd: no etcd found
p50 to p999: acquire response, from the due instant to the grant.
All of it under the plan of run sample-run, no faults injected.
");
    }

    #[test]
    fn what_was_not_measured_fits_nothing() {
        insta::assert_snapshot!(need(&timeouts(), "p99<20ms,exclusion").unwrap(), @"
 system   fits        p99<20ms       exclusion
─────────────────────────────────────────────────────────────────────────────────
 redis    not known   not measured   not measured: no holder was ever challenged

fits: none
not known, because something was not measured: redis
not run: etcd: no etcd found
p50 to p999: acquire response, from the due instant to the grant.
All of it under the plan of run sample-run, no faults injected.
");
        insta::assert_snapshot!(need(&empty(), "exclusion").unwrap(), @"No system ran: nothing is known.");
    }

    #[test]
    fn a_need_that_does_not_exist_is_refused() {
        assert!(need(&crowd(1), "speed").unwrap_err().contains("is not known"));
    }
}

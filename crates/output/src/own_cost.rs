//! What lockbench itself costs, as text.

use std::fmt::Write as _;

use super::grid::grid;
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::{Middle, OwnCost};

/// A row per system: what a run has of what a bare loop has, and what a cycle costs.
#[must_use]
pub fn text(costs: &[OwnCost]) -> String {
    let mut out = String::from("a run of lockbench, beside a bare loop over the same client library\n\n");
    let rows = costs.iter().map(|cost| {
        let bare = Middle::of(cost.turns.iter().map(|turn| turn.bare.cycles_per_s));
        let (recorder, clients) = cost.added_cpu_ns().unwrap_or_default();
        let library = cost.library_cpu_ns();
        vec![
            cost.backend.clone(),
            cost.clients.to_string(),
            bare.map_or_else(|| "-".to_owned(), |bare| three_digits(bare.median)),
            ratio(cost.throughput()),
            ratio(cost.p50()),
            ratio(cost.p99()),
            library.map_or_else(|| "-".to_owned(), time),
            time(clients),
            recorder.map_or_else(|| "-".to_owned(), time),
        ]
    });
    let head = ["system", "clients", "bare grants/s", "run", "p50", "p99", "library", "clients", "recorder"];
    let _ = writeln!(out, "{}", grid(head.map(str::to_owned).to_vec(), rows, 1..9).trim_fmt());
    for cost in costs {
        if let Some(told) = cost.too_much() {
            let _ = writeln!(out, "{}: {told}", cost.backend);
        }
    }
    let turns = match costs.iter().map(|cost| cost.turns.len()).max().unwrap_or_default() {
        1 => "one turn".to_owned(),
        turns => format!("{turns} turns"),
    };
    let _ = writeln!(
        out,
        "run, p50, p99: the run's grants/s and waits, as a multiple of the bare loop's: median (lowest to highest) of {turns}. \
         library: processor time of the bare loop per grant, the kernel's part included; clients, recorder: what \
         lockbench adds to that per grant."
    );
    out
}

fn ratio(middle: Option<Middle>) -> String {
    let told = |middle: Middle| format!("{:.2} ({:.2}-{:.2})", middle.median, middle.min, middle.max);
    middle.map_or_else(|| "-".to_owned(), told)
}

fn time(ns: f64) -> String {
    let sign = if ns < 0.0 { "-" } else { "" };
    format!("{sign}{}", human_duration(ns.abs() as u64))
}

#[cfg(test)]
mod tests {
    use lockbench_report::{OwnCost, Pace, Turn};

    #[test]
    fn what_lockbench_costs_reads_well() {
        let bare = Pace { cycles_per_s: 31_000.0, p50_ns: 2.0e6, p99_ns: Some(3.1e6), cpu_ns: 18_200.0 };
        let run = Pace { cycles_per_s: 26_000.0, p50_ns: 2.3e6, p99_ns: Some(5.0e6), cpu_ns: 23_600.0 };
        let turn = Turn { bare, run, recorder_cpu_ns: Some(2_100.0) };
        let faster = Turn { run: Pace { cycles_per_s: 27_500.0, ..run }, ..turn };
        let cost = |backend: &str, turns: Vec<Turn>| OwnCost {
            backend: backend.to_owned(),
            clients: 64,
            turns,
            ..OwnCost::default()
        };
        let even = Turn { run: Pace { cpu_ns: 18_000.0, ..bare }, recorder_cpu_ns: None, ..turn };
        insta::assert_snapshot!(super::text(&[
            cost("redis", vec![turn, faster, turn]),
            cost("postgres:advisory", vec![even]),
        ]));
    }
}

//! A sweep as text, CSV and JSON: what each system made of each value. The curve is
//! in `chart`, the page in `html`.

use std::fmt::Write as _;

use super::Rendered;
use super::chart::{SIZE, sweep_chart};
use super::grid::grid;
use super::histograms::distinct;
use super::html::sweep_page;
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_report::SafetyVerdict;
use lockbench_report::sweep::{Sweep, SweepFigures, SweepPoint};

/// The files of a sweep.
///
/// # Errors
/// If the sweep cannot be written as JSON, or its curve cannot be drawn.
pub fn files(sweep: &Sweep) -> Result<Vec<Rendered>, String> {
    let mut json = serde_json::to_vec_pretty(sweep).map_err(|error| format!("sweep.json: {error}"))?;
    json.push(b'\n');
    let summary = format!("# lockbench sweep of {}\n\n```text\n{}```\n", sweep.workload, text(sweep));
    let chart = sweep_chart(sweep)?;
    let png = chart.picture.png(SIZE).map_err(|error| format!("charts/sweep.png: {error}"))?;
    Ok(vec![
        Rendered::new("charts/sweep.svg", chart.svg),
        Rendered::new("charts/sweep.png", png),
        Rendered::new("sweep.json", json),
        Rendered::new("sweep.csv", csv(sweep)),
        Rendered::new("summary.md", summary),
        sweep_page(sweep)?,
    ])
}

/// Two tables: throughput and p99 wait, a row per system, a column per value.
#[must_use]
pub fn text(sweep: &Sweep) -> String {
    let mut out = format!("{} over {}\n\n", sweep.workload, sweep.key);
    if !sweep.incomplete.is_empty() {
        let _ = writeln!(out, "INCOMPLETE: {}\n", sweep.incomplete.join("; "));
    }
    out.push_str("grants/s (* the knee: more load brings little more from here on)\n");
    out.push_str(&table(sweep, |figures, knee| {
        figures.throughput_per_s.map(|rate| format!("{}{}", three_digits(rate), if knee { " *" } else { "" }))
    }));
    out.push_str("\nacquire service p99 (! double grants; - the figure does not exist)\n");
    out.push_str(&table(sweep, |figures, _| {
        let mark = if figures.verdict == SafetyVerdict::Violated { " !" } else { "" };
        Some(format!("{}{mark}", figures.acquire_service_p99_ns.map_or("-".to_owned(), |ns| human_duration(ns as u64))))
    }));
    let doubles = sweep.points.iter().flat_map(|point| point.backends.iter().map(move |(name, f)| (point, name, f)));
    for (point, name, figures) in doubles.filter(|(_, _, figures)| figures.double_grants > 0) {
        let _ =
            writeln!(out, "{name} at {} = {}: {} double grants", sweep.key, point.text, grouped(figures.double_grants));
    }
    out
}

fn table(sweep: &Sweep, cell: impl Fn(&SweepFigures, bool) -> Option<String>) -> String {
    let mut head = vec![sweep.key.clone()];
    head.extend(sweep.points.iter().map(|point| point.text.clone()));
    let rows = systems(sweep).into_iter().map(|name| {
        let of = |point: &SweepPoint| {
            let figures = point.backends.get(name)?;
            cell(figures, sweep.knees.get(name) == Some(&point.value))
        };
        let mut row = vec![name.to_owned()];
        row.extend(sweep.points.iter().map(|point| of(point).unwrap_or_else(|| "-".to_owned())));
        row
    });
    format!("{}\n", grid(head, rows, 1..usize::MAX).trim_fmt())
}

/// The systems in order of their first appearance.
pub fn systems(sweep: &Sweep) -> Vec<&str> {
    distinct(sweep.points.iter().flat_map(|point| point.backends.keys()).map(String::as_str))
}

fn csv(sweep: &Sweep) -> String {
    let mut out = format!("backend,{},throughput_per_s,acquire_service_p99_ns,double_grants,run_id\n", sweep.key);
    let cell = |figure: Option<f64>| figure.map(|value| format!("{value:.1}")).unwrap_or_default();
    for name in systems(sweep) {
        for point in &sweep.points {
            let Some(figures) = point.backends.get(name) else { continue };
            let _ = writeln!(
                out,
                "{name},{},{},{},{},{}",
                point.text,
                cell(figures.throughput_per_s),
                cell(figures.acquire_service_p99_ns),
                figures.double_grants,
                point.run_id
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::sample::sweep as sample;
    use lockbench_report::sweep::Sweep;

    #[test]
    fn a_sweep_reads_well() {
        insta::assert_snapshot!(super::text(&sample()));
    }

    #[test]
    fn a_sweep_that_was_stopped_says_so() {
        let stopped = Sweep { incomplete: vec!["never run: clients = 256".to_owned()], ..sample() };
        assert!(super::text(&stopped).contains("INCOMPLETE: never run: clients = 256\n"));
    }

    #[test]
    fn every_row_of_the_csv_has_every_column() {
        let csv = super::csv(&sample());
        assert_eq!(csv.lines().count(), 1 + 12);
        assert!(csv.lines().all(|line| line.split(',').count() == 6));
    }
}

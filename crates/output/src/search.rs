//! What a search found, as text, JSON and the curve of response time over rate.

use std::fmt::Write as _;

use super::Rendered;
use super::grid::grid;
use super::sweep::files as curve_files;
use lockbench_core::units::three_digits;
use lockbench_report::search::{Finding, SearchResult, Searched};

/// The files of a search.
///
/// # Errors
/// If it cannot be written as JSON, or its curve cannot be drawn.
pub fn files(searched: &Searched) -> Result<Vec<Rendered>, String> {
    let mut json = serde_json::to_vec_pretty(searched).map_err(|error| format!("search.json: {error}"))?;
    json.push(b'\n');
    let summary = format!("# lockbench search of {}\n\n```text\n{}```\n", searched.workload, text(searched));
    let mut files = vec![Rendered::new("search.json", json), Rendered::new("summary.md", summary)];
    if !searched.curve.points.is_empty() {
        // Its own summary is above.
        files.extend(curve_files(&searched.curve)?.into_iter().filter(|file| file.path != "summary.md"));
    }
    Ok(files)
}

/// A row per system, and why.
#[must_use]
pub fn text(searched: &Searched) -> String {
    let mut out = format!("{}: the highest rate that keeps {}\n\n", searched.workload, searched.slo);
    let rows = searched.results.iter().map(|result| {
        let (kept, breached) = ends(&result.finding);
        let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{}/s", three_digits(rate)));
        vec![result.backend.clone(), rate(kept), rate(breached), result.probes.len().to_string(), kind(result)]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        let head = ["system", "kept at", "breached at", "probes", "how"].map(str::to_owned).to_vec();
        let _ = writeln!(out, "{}", grid(head, rows, 1..4).trim_fmt());
    }
    for result in &searched.results {
        if let Some(why) = why(&result.finding) {
            let _ = writeln!(out, "{}: {why}", result.backend);
        }
    }
    out.push_str(
        "kept at: three fresh runs kept every bound; breached at: at least one of two fresh runs did not. Between the two \
         nothing was measured, and nothing is interpolated.\n",
    );
    out
}

fn ends(finding: &Finding) -> (Option<f64>, Option<f64>) {
    match *finding {
        Finding::Between { kept_per_s, breached_per_s, .. } => (Some(kept_per_s), Some(breached_per_s)),
        Finding::Never { lowest_per_s, .. } => (None, Some(lowest_per_s)),
        Finding::Generator { kept_per_s, .. } => (kept_per_s, None),
        Finding::Open { kept_per_s, breached_per_s } => (kept_per_s, breached_per_s),
    }
}

fn kind(result: &SearchResult) -> String {
    let kind = match &result.finding {
        Finding::Between { cliff: true, .. } => "breaks off",
        Finding::Between { cliff: false, .. } => "slows down",
        Finding::Never { .. } => "not even at the lowest rate",
        Finding::Generator { .. } => "inconclusive: the load generator was the limit",
        Finding::Open { .. } => "inconclusive: no end was found",
    };
    let unsteady = if result.unsteady { ", unsteady: a rate was kept once and breached another time" } else { "" };
    format!("{kind}{unsteady}")
}

fn why(finding: &Finding) -> Option<&str> {
    match finding {
        Finding::Between { because, .. } | Finding::Never { because, .. } | Finding::Generator { because, .. } => {
            Some(because)
        }
        Finding::Open { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use lockbench_report::search::{Finding, Probe, Ruling, SearchResult, Searched};

    fn result(backend: &str, finding: Finding, unsteady: bool) -> SearchResult {
        let probe = Probe { rate_per_s: 100.0, ruling: Ruling::Kept { room: Some(2.0) }, figure: Some(2.5e7) };
        SearchResult { backend: backend.to_owned(), finding, unsteady, probes: vec![("run-1".to_owned(), probe)] }
    }

    #[test]
    fn what_was_found_reads_well() {
        let between = |cliff| Finding::Between {
            kept_per_s: 4_120.0,
            breached_per_s: 4_310.0,
            because: "acquire_response.p99 of redis is 61.0 ms (8 000 attempts, 1 trial): not < 50ms".to_owned(),
            cliff,
        };
        let late = "the load generator was late".to_owned();
        let searched = Searched {
            workload: "hot-key".to_owned(),
            slo: "acquire_response.p99 < 50ms and double_grants == 0".to_owned(),
            results: vec![
                result("redis", between(false), false),
                result("etcd", between(true), true),
                result(
                    "memory",
                    Finding::Generator { kept_per_s: Some(9_000.0), at_per_s: 1.8e4, because: late },
                    false,
                ),
                result("zookeeper", Finding::Open { kept_per_s: Some(10.0), breached_per_s: None }, false),
            ],
            ..Searched::default()
        };
        insta::assert_snapshot!(super::text(&searched));
    }
}

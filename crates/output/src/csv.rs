//! `timeseries.csv`: one row per backend, trial and second since the start of the
//! warm-up. RFC 4180 quoting, a line feed after each row.
//!
//! | column | meaning |
//! |---|---|
//! | `backend` | registry name in full |
//! | `trial` | from 1 |
//! | `second` | since the start of the warm-up |
//! | `phase` | `warmup`, `measure` or `drain`: where the second starts |
//! | `grants` | grants of that second |
//! | `acquire_service_p50_ns`, `acquire_service_p99_ns`, `acquire_service_max_ns` | waits that ended in that second, from the call, however few; a percentile is empty if there was no grant, or if too many ended in vain |
//! | `timed_out` | attempts that timed out in that second |
//! | `failed` | attempts that were not served, or whose answer was lost |
//! | `double_grants` | certain double grants that began in that second |
//! | `marks` | what a person did in that second: `pause` where the load was paused in a part of it, `marker 1`; several with a `;` between |
//! | `acquire_service_p95_ns` | as the other percentiles |
//! | `acquire_service_max_is_lower_bound` | `true` if waits ended in vain in that second: the longest is not known then, and at least `acquire_service_max_ns` |
//! | `unserved` | attempts under way in that second that were not served in the end, or whose answer was lost |

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Rendered;
use lockbench_core::plain;
use lockbench_core::record::Phase;
use lockbench_core::record::figures::Mark;
use lockbench_report::{Measurements, RecordedRun};

/// `timeseries.csv`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let rows: String = std::iter::once(SERIES_HEADER.to_owned()).chain(run.measured.iter().map(series_rows)).collect();
    Ok(vec![Rendered::new("timeseries.csv", rows)])
}

/// First line of the file.
const SERIES_HEADER: &str = "backend,trial,second,phase,grants,acquire_service_p50_ns,acquire_service_p99_ns,acquire_service_max_ns,timed_out,failed,double_grants,marks,acquire_service_p95_ns,acquire_service_max_is_lower_bound,unserved\n";

/// The rows of one trial.
fn series_rows(measured: &Measurements) -> String {
    let (backend, trial) = (field(&measured.backend), measured.trial);
    let mut rows = String::new();
    let cell = |figure: Option<u64>| figure.map(|ns| ns.to_string()).unwrap_or_default();
    for window in &measured.windows {
        let phase = match measured.phase_of(window.second) {
            Phase::Warmup => "warmup",
            Phase::Measure => "measure",
            Phase::Drain => "drain",
        };
        let doubles = measured.double_grants.get(window.second as usize).copied().unwrap_or(0);
        let _ = writeln!(
            rows,
            "{backend},{trial},{},{phase},{},{},{},{},{},{},{doubles},{},{},{},{}",
            window.second,
            window.grants,
            cell(window.p50_ns),
            cell(window.p99_ns),
            cell(window.max_ns),
            window.timed_out,
            window.failed,
            marks(measured, window.second),
            cell(window.p95_ns),
            window.max_is_lower_bound,
            window.unserved,
        );
    }
    rows
}

/// What a person did in a second.
fn marks(measured: &Measurements, second: u64) -> String {
    let (from, to) = (second as f64, second as f64 + 1.0);
    let touches = |mark: &&Mark| {
        let (begin, end) = measured.seconds_of(mark);
        begin < to && (end > from || begin >= from)
    };
    let mut names: Vec<String> = measured.marks.iter().filter(touches).map(Mark::name).collect();
    names.dedup();
    names.join(";")
}

/// A name as a field: quoted where it must be, and never a formula, which spreadsheets
/// carry out.
fn field(text: &str) -> Cow<'_, str> {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    if formula || text.contains([',', '"', '\n', '\r']) {
        let text = plain::line(text);
        Cow::Owned(format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\"")))
    } else {
        plain::line(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{SERIES_HEADER, field, render, series_rows};
    use crate::sample::{empty, recorded};
    use lockbench_core::record::figures::{Mark, MarkKind, Window};
    use lockbench_report::{Measurements, RecordedRun};

    fn mark(kind: MarkKind, from_ms: u64, to_ms: u64) -> Mark {
        Mark { from_ns: from_ms * 1_000_000, to_ns: to_ms * 1_000_000, kind, number: 1 }
    }

    #[test]
    fn every_row_has_every_column() {
        let windows = [
            Window {
                second: 0,
                grants: 2,
                p50_ns: Some(5),
                p95_ns: Some(6),
                p99_ns: Some(7),
                max_ns: Some(7),
                ..Window::default()
            },
            Window {
                second: 1,
                timed_out: 1,
                max_ns: Some(9),
                max_is_lower_bound: true,
                unserved: 2,
                ..Window::default()
            },
            Window { second: 2, ..Window::default() },
        ];
        let rows = series_rows(&Measurements {
            backend: "redis".to_owned(),
            trial: 1,
            warmup_ns: 1_000_000_000,
            measured_ns: 1_000_000_000,
            windows: windows.to_vec(),
            double_grants: vec![0, 3],
            marks: vec![
                mark(MarkKind::Pause, 500, 1_000),
                mark(MarkKind::Pause, 1_100, 1_200),
                mark(MarkKind::Pause, 1_300, 1_400),
                mark(MarkKind::Marker, 2_000, 2_000),
            ],
            ..Measurements::default()
        });
        insta::assert_snapshot!(rows, @r"
        redis,1,0,warmup,2,5,7,7,0,0,0,pause,6,false,0
        redis,1,1,measure,0,,,9,1,0,3,pause,,true,2
        redis,1,2,drain,0,,,,0,0,0,marker 1,,false,0
        ");
        let columns = SERIES_HEADER.trim_end().split(',').count();
        assert!(rows.lines().all(|row| row.split(',').count() == columns));
    }

    #[test]
    fn every_column_is_explained_above() {
        let told = include_str!("csv.rs");
        let docs: String = told.lines().take_while(|line| line.starts_with("//!")).collect();
        for column in SERIES_HEADER.trim_end().split(',') {
            assert!(docs.contains(&format!("`{column}`")), "{column}");
        }
    }

    #[test]
    fn names_with_commas_or_quotes_stay_one_field() {
        assert_eq!(field("postgres:advisory"), "postgres:advisory");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn no_field_is_a_formula_or_commands_a_terminal() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"] {
            assert!(field(text).starts_with("\"'"), "{text:?}: {}", field(text));
        }
        assert_eq!(field("a\u{1b}[2J\u{202e}"), "a\u{fffd}[2J\u{fffd}");
    }

    #[test]
    fn a_run_gives_all_its_seconds_and_an_empty_one_the_header() {
        let text = |run: &RecordedRun| String::from_utf8(render(run).unwrap().remove(0).bytes).unwrap();
        assert_eq!(text(&empty()), SERIES_HEADER);
        insta::assert_snapshot!(text(&recorded()));
    }
}

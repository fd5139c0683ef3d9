//! `timeseries.csv`: one row a backend, trial and second since the start of the
//! warm-up. Waits are service times; empty cells are figures that do not exist.

use std::fmt::Write as _;

use crate::record::figures::Window;

/// First line of the file.
pub const SERIES_HEADER: &str = "backend,trial,second,phase,grants,acquire_service_p50_ns,acquire_service_p99_ns,acquire_service_max_ns,timed_out,failed,double_grants\n";

/// The rows of one trial. `warmup_s`: seconds of warm-up; `end_s`: seconds to the
/// end of measuring; `double_grants`: by second.
#[must_use]
pub fn series_rows(
    backend: &str,
    trial: u32,
    windows: &[Window],
    double_grants: &[u64],
    warmup_s: f64,
    end_s: f64,
) -> String {
    let mut rows = String::new();
    let cell = |figure: Option<u64>| figure.map(|ns| ns.to_string()).unwrap_or_default();
    for window in windows {
        let second = window.second as f64;
        // A second belongs to the phase that it starts in.
        let phase = if second < warmup_s {
            "warmup"
        } else if second < end_s {
            "measure"
        } else {
            "drain"
        };
        let doubles = double_grants.get(window.second as usize).copied().unwrap_or(0);
        let _ = writeln!(
            rows,
            "{backend},{trial},{},{phase},{},{},{},{},{},{},{doubles}",
            window.second,
            window.grants,
            cell(window.p50_ns),
            cell(window.p99_ns),
            cell(window.max_ns),
            window.timed_out,
            window.failed,
        );
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{SERIES_HEADER, series_rows};
    use crate::record::figures::Window;

    #[test]
    fn every_row_has_every_column() {
        let windows = [
            Window { second: 0, grants: 2, p50_ns: Some(5), p99_ns: Some(7), max_ns: Some(7), ..Window::default() },
            Window { second: 1, timed_out: 1, ..Window::default() },
            Window { second: 2, ..Window::default() },
        ];
        let rows = series_rows("redis", 1, &windows, &[0, 3], 1.0, 2.0);
        insta::assert_snapshot!(rows, @r"
        redis,1,0,warmup,2,5,7,7,0,0,0
        redis,1,1,measure,0,,,,1,0,3
        redis,1,2,drain,0,,,,0,0,0
        ");
        let columns = SERIES_HEADER.trim_end().split(',').count();
        assert!(rows.lines().all(|row| row.split(',').count() == columns));
    }
}

//! Chart 3: what happened when. Grants a second and the waits of each second, one
//! panel a figure on one time axis, one line a system; double grants marked, faults
//! and the phases that do not count shaded.

use crate::record::Latency;
use crate::record::figures::Window;
use crate::report::{Measurements, RecordedRun};

/// A stretch of time to shade, with what it was: a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Its begin, in seconds since the start of the warm-up.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// What it was.
    pub label: String,
}

/// Most points of a line: more cannot be told apart in a picture.
const MOST_POINTS: usize = 240;

/// One system's first trial that was measured.
struct Line<'a> {
    of: &'a Measurements,
    points: Vec<Point>,
}

/// One second, or a few.
#[derive(Clone, Debug, Default, PartialEq)]
struct Point {
    /// Its middle, in seconds since the start of the warm-up.
    at_s: f64,
    grants_per_s: f64,
    p50: Option<u64>,
    p99: Option<u64>,
    max: Option<u64>,
    double_grants: u64,
}

/// The line of a trial, thinned to [`MOST_POINTS`].
fn points(of: &Measurements) -> Result<Vec<Point>, String> {
    let together = of.windows.len().div_ceil(MOST_POINTS).max(1);
    let mut points = Vec::new();
    for (i, windows) in of.windows.chunks(together).enumerate() {
        let doubles = of.double_grants.iter().skip(i * together).take(windows.len()).sum();
        points.push(point(windows, doubles)?);
    }
    Ok(points)
}

/// Several seconds as one: histograms are merged, percentiles never averaged.
fn point(windows: &[Window], double_grants: u64) -> Result<Point, String> {
    let at_s = windows.first().map_or(0.0, |first| first.second as f64) + windows.len() as f64 / 2.0;
    let grants: u64 = windows.iter().map(|window| window.grants).sum();
    let max = windows.iter().filter_map(|window| window.max_ns).max();
    let (p50, p99) = match windows {
        [one] => (one.p50_ns, one.p99_ns),
        several => {
            let mut waits = Latency::default();
            for window in several {
                waits.merge(&Latency::decoded(&window.waits)?);
            }
            (waits.raw_percentile(0.5), waits.raw_percentile(0.99))
        }
    };
    Ok(Point { at_s, grants_per_s: grants as f64 / windows.len() as f64, p50, p99, max, double_grants })
}

/// The first measured trial of every system.
fn lines(run: &RecordedRun) -> Result<Vec<Line<'_>>, String> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for measured in &run.measured {
        if lines.iter().all(|line| line.of.backend != measured.backend) {
            lines.push(Line { of: measured, points: points(measured)? });
        }
    }
    Ok(lines)
}

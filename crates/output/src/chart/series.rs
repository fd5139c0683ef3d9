//! The time series of a trial in as many points as a picture can show.

use lockbench_core::record::Latency;
use lockbench_core::record::figures::Window;
use lockbench_core::units::SECOND;
use lockbench_report::Measurements;

/// Most points of a line: more cannot be distinguished in a drawing of one system among
/// several, and make the file large.
const MOST_POINTS: usize = 78;

/// One second, or a few.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Its begin, in seconds since the start of the warm-up.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// Whether all of it lies in the measure phase, and in no pause.
    pub counts: bool,
    /// Grants per second, of its seconds under full load: after the end of the measure
    /// phase no client asks any more.
    pub grants_per_s: Option<f64>,
    /// Median wait of the grants of these seconds, in nanoseconds: in the drain only
    /// those still waiting are served, whose median says nothing of a second of load.
    pub p50: Option<u64>,
    /// 99th percentile, however few.
    pub p99: Option<u64>,
    /// Longest of all its seconds.
    pub max: Option<u64>,
    /// Double grants in it.
    pub double_grants: u64,
}

impl Point {
    /// Its middle.
    #[must_use]
    pub fn at_s(&self) -> f64 {
        f64::midpoint(self.from_s, self.to_s)
    }
}

/// The points of a trial.
///
/// # Errors
/// If a stored histogram cannot be read.
pub fn points(of: &Measurements) -> Result<Vec<Point>, String> {
    let together = of.windows.len().div_ceil(MOST_POINTS).max(1);
    let seconds = |ns: u64| ns as f64 / SECOND as f64;
    let (warmup_s, end_s) = (seconds(of.warmup_ns), seconds(of.warmup_ns + of.measured_ns));
    let mut points = Vec::new();
    for (i, windows) in of.windows.chunks(together).enumerate() {
        let mut point = merged(windows, end_s)?;
        point.double_grants = of.double_grants.iter().skip(i * together).take(windows.len()).sum();
        let paused = of.paused_within(point.from_s as u64, point.to_s as u64);
        point.counts = point.from_s >= warmup_s && point.to_s <= end_s && !paused;
        points.push(point);
    }
    // A trial of less than a second or so has no other.
    if let Some(first) = points.first_mut().filter(|first| first.grants_per_s.is_none() && end_s > 0.0) {
        let window = of.windows.first();
        first.grants_per_s = window.map(|window| window.grants as f64 / end_s.min(1.0));
        (first.p50, first.p99) = (window.and_then(|window| window.p50_ns), window.and_then(|window| window.p99_ns));
    }
    Ok(points)
}

/// Several seconds as one: histograms are merged, percentiles never averaged.
fn merged(windows: &[Window], end_s: f64) -> Result<Point, String> {
    let from_s = windows.first().map_or(0.0, |first| first.second as f64);
    let loaded: Vec<&Window> = windows.iter().filter(|window| window.second as f64 + 1.0 <= end_s).collect();
    let grants: u64 = loaded.iter().map(|window| window.grants).sum();
    let (p50, p99) = match loaded[..] {
        [] => (None, None),
        [one] => (one.p50_ns, one.p99_ns),
        ref several => {
            let mut waits = Latency::default();
            for window in several {
                waits.merge(&window.all_waits()?);
            }
            (waits.raw_percentile(0.5), waits.raw_percentile(0.99))
        }
    };
    Ok(Point {
        from_s,
        to_s: from_s + windows.len() as f64,
        grants_per_s: (!loaded.is_empty()).then(|| grants as f64 / loaded.len() as f64),
        p50,
        p99,
        max: windows.iter().filter_map(|window| window.max_ns).max(),
        ..Point::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{MOST_POINTS, points};
    use lockbench_core::record::Latency;
    use lockbench_core::record::figures::Window;
    use lockbench_report::Measurements;

    fn long(seconds: u64) -> Measurements {
        let window = |second: u64| {
            let mut waits = Latency::default();
            waits.record(1_000 * (second + 1));
            let max_ns = waits.max();
            let (p50_ns, p99_ns) = (waits.raw_percentile(0.5), waits.raw_percentile(0.99));
            Window { second, grants: 1, p50_ns, p99_ns, max_ns, waits: waits.encoded(), ..Window::default() }
        };
        Measurements {
            warmup_ns: 10_000_000_000,
            measured_ns: (seconds - 11) * 1_000_000_000,
            windows: (0..seconds).map(window).collect(),
            double_grants: vec![0, 0, 3, 4],
            ..Measurements::default()
        }
    }

    #[test]
    fn a_short_trial_keeps_its_seconds() {
        let points = points(&long(20)).unwrap();
        assert_eq!(points.len(), 20);
        assert_eq!((points[2].double_grants, points[3].double_grants, points[4].double_grants), (3, 4, 0));
        assert_eq!(points.iter().filter(|point| point.counts).count(), 9);
    }

    #[test]
    fn seconds_after_the_load_have_no_rate_and_no_median_but_their_longest_wait() {
        let last = points(&long(20)).unwrap().remove(19);
        assert_eq!((last.grants_per_s, last.p50, last.p99, last.counts), (None, None, None, false));
        assert!(last.max.is_some());
        let mut short = long(12);
        (short.warmup_ns, short.measured_ns) = (100_000_000, 400_000_000);
        short.windows.truncate(1);
        let only = points(&short).unwrap().remove(0);
        assert!(only.grants_per_s == Some(2.0) && only.p50.is_some());
    }

    #[test]
    fn a_long_trial_is_thinned_without_losing_grants_double_grants_or_the_longest_wait() {
        let trial = long(1_000);
        let points = points(&trial).unwrap();
        assert!(points.len() <= MOST_POINTS, "{}", points.len());
        assert_eq!(points.iter().map(|point| point.double_grants).sum::<u64>(), 7);
        assert_eq!(points.iter().filter_map(|point| point.max).max(), trial.windows[999].max_ns);
        assert_eq!(points[0].grants_per_s, Some(1.0));
        // Of the waits 1 to 13 us, merged.
        assert_eq!((points[0].to_s, points[0].p50.map(|ns| ns / 100)), (13.0, Some(70)));
    }

    #[test]
    fn a_damaged_histogram_is_an_error() {
        let mut trial = long(1_000);
        trial.windows[5].waits = "?".to_owned();
        assert!(points(&trial).is_err());
    }
}

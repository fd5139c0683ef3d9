//! The figures of a window, as `monitor.json` holds them.

use serde::{Deserialize, Serialize};

use super::rolling::WINDOWS;
use super::window_counts::WindowCounts;
use crate::counts::places;
use lockbench_core::figure::Counter;
use lockbench_core::units::{MILLISECOND, SECOND, human_duration, span};

/// The figures of a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowFigures {
    /// Its name; empty for everything.
    pub window: String,
    /// Seconds of it that were watched: less while the watch is younger.
    pub seen_s: f64,
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Acquired.
    pub grants: u64,
    /// Refused.
    pub refused: u64,
    /// Timed out.
    pub timed_out: u64,
    /// Not served.
    pub unavailable: u64,
    /// The answer was lost.
    pub unknown: u64,
    /// Due, and no client could take it: all were busy.
    pub dropped: u64,
    /// Due while the system did not answer.
    pub missed: u64,
    /// Due while lockbench itself did not run; in no share.
    pub stalled: u64,
    /// Share of what was due (attempts, dropped, missed) that was answered, 0 to 1.
    pub availability: Option<f64>,
    /// Share of the attempts that were not granted by their first request.
    pub contention: Option<f64>,
    /// Share of the attempts that timed out.
    pub timeouts: Option<f64>,
    /// Attempts a second.
    pub rate_per_s: f64,
    /// Median of the service time.
    pub service_p50_ns: Option<u64>,
    /// 95th percentile of the service time.
    pub service_p95_ns: Option<u64>,
    /// 99th percentile of the service time.
    pub service_p99_ns: Option<u64>,
    /// Longest service time, in vain or not.
    pub service_max_ns: Option<u64>,
    /// Was any waited for in vain? Then the longest is not known, and at least that.
    pub service_max_is_lower_bound: bool,
    /// Median of the response time of what was due; `null` with its lower bound below where too
    /// many attempts got no grant for it to be known.
    pub response_p50_ns: Option<u64>,
    /// Its lower bound.
    pub response_p50_at_least_ns: Option<u64>,
    /// 95th percentile of the response time.
    pub response_p95_ns: Option<u64>,
    /// Its lower bound, where it is not known.
    pub response_p95_at_least_ns: Option<u64>,
    /// 99th percentile of the response time.
    pub response_p99_ns: Option<u64>,
    /// Its lower bound, where it is not known.
    pub response_p99_at_least_ns: Option<u64>,
    /// Longest response time, granted or not.
    pub response_max_ns: Option<u64>,
    /// Did anything that was due get no grant? Then the longest is not known, and at least that.
    pub response_max_is_lower_bound: bool,
    /// Share of the time in which attempts were due: the rest went into changing rounds.
    pub covered: Option<f64>,
}

places!(WindowFigures {
    Attempts: attempts,
    Grants: grants,
    Refused: refused,
    TimedOut: timed_out,
    Unavailable: unavailable,
    Unknown: unknown,
    Dropped: dropped,
    Missed: missed,
    Stalled: stalled,
});

impl WindowFigures {
    /// Of a tally over so many nanoseconds.
    #[must_use]
    pub fn of(window: &str, tally: &WindowCounts, length_ns: u64) -> Self {
        let in_vain = tally.in_vain_share();
        let length = length_ns.max(1) as f64;
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|p| tally.response_tail(p));
        let mut figures = Self {
            window: window.to_owned(),
            seen_s: length_ns as f64 / SECOND as f64,
            availability: tally.availability(),
            contention: tally.share_of(&[Counter::Waited]),
            timeouts: tally.share_of(&[Counter::TimedOut]),
            rate_per_s: tally.attempts() as f64 * SECOND as f64 / length,
            service_p50_ns: tally.service.percentile(0.5, in_vain),
            service_p95_ns: tally.service.percentile(0.95, in_vain),
            service_p99_ns: tally.service.percentile(0.99, in_vain),
            service_max_ns: tally.longest_ns(),
            service_max_is_lower_bound: in_vain > 0.0,
            response_p50_ns: p50.known(),
            response_p50_at_least_ns: p50.at_least(),
            response_p95_ns: p95.known(),
            response_p95_at_least_ns: p95.at_least(),
            response_p99_ns: p99.known(),
            response_p99_at_least_ns: p99.at_least(),
            response_max_ns: tally.longest_response_ns(),
            response_max_is_lower_bound: tally.ungranted_share() > 0.0,
            covered: (tally.due() > 0).then(|| (1.0 - tally.gap_ns as f64 / length).max(0.0)),
            ..Self::default()
        };
        figures.take(&tally.counts.with(Counter::Attempts, tally.attempts()));
        figures
    }
}

/// A latency for people: where only a lower bound is known, `> 2.83 s`.
#[must_use]
pub fn shown(known: Option<u64>, at_least: Option<u64>, none: &str) -> String {
    match (known, at_least) {
        (Some(ns), _) => human_duration(ns),
        (None, Some(ns)) => format!("> {}", human_duration(ns)),
        (None, None) => none.to_owned(),
    }
}

impl WindowFigures {
    /// Response time: median, 95th and 99th percentile, and the longest.
    #[must_use]
    pub fn responses(&self, none: &str) -> [String; 4] {
        let longest = match self.response_max_is_lower_bound {
            true => (None, self.response_max_ns),
            false => (self.response_max_ns, None),
        };
        [
            (self.response_p50_ns, self.response_p50_at_least_ns),
            (self.response_p95_ns, self.response_p95_at_least_ns),
            (self.response_p99_ns, self.response_p99_at_least_ns),
            longest,
        ]
        .map(|(known, at_least)| shown(known, at_least, none))
    }

    /// Service time: the same.
    #[must_use]
    pub fn services(&self, none: &str) -> [String; 4] {
        let longest = match self.service_max_is_lower_bound {
            true => (None, self.service_max_ns),
            false => (self.service_max_ns, None),
        };
        [(self.service_p50_ns, None), (self.service_p95_ns, None), (self.service_p99_ns, None), longest]
            .map(|(known, at_least)| shown(known, at_least, none))
    }

    /// What was due: attempts, and what was not attempted.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.attempts + self.dropped + self.missed
    }

    /// Its name, or how long the watch is where that is less: `5m`, `1m 12s so far`.
    #[must_use]
    pub fn called(&self) -> String {
        let length = WINDOWS.iter().find(|(name, _)| *name == self.window).map_or(0, |(_, length_ns)| *length_ns);
        let seen_ms = (self.seen_s * 1e3) as u64;
        // The slot under way is not over.
        if seen_ms < length / MILLISECOND / 10 * 9 { format!("{} so far", span(seen_ms)) } else { self.window.clone() }
    }
}

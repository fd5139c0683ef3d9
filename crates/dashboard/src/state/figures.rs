//! The figures of a system's last trial: the report's own once there is one, those of
//! the latest snapshot before. The same formulas make both.

use super::SystemState;
use lockbench_core::record::figures::{Counts, Mark};
use lockbench_core::units::SECOND;
use lockbench_report::live::{Bins, RunFacts};
use lockbench_report::{Fairness, LatencySet, Measurements};

/// What is kept of a trial that is over, beside its entry in the report.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// Length of the warm-up.
    pub warmup_ns: u64,
    /// Length of the measure phase as it was.
    pub measured_ns: u64,
    /// The counts behind every ratio.
    pub counts: Counts,
    /// Service times of the measure phase.
    pub service: Bins,
    /// Response times of the measure phase.
    pub response: Bins,
    /// Grants of each client in the measure phase.
    pub grants_of: Vec<u64>,
    /// Longest wait of each client in the measure phase, granted or not.
    pub longest_wait_of: Vec<u64>,
    /// Start of the warm-up, clock nanoseconds.
    pub start_ns: u64,
    /// Pauses and markers.
    pub marks: Vec<Mark>,
}

impl From<&Measurements> for Folded {
    fn from(measured: &Measurements) -> Self {
        Self {
            warmup_ns: measured.warmup_ns,
            measured_ns: measured.measured_ns,
            counts: measured.counts,
            service: Bins::of(&measured.latencies.acquire_service),
            response: Bins::of(&measured.latencies.acquire_response),
            grants_of: measured.grants_of.clone(),
            longest_wait_of: measured.longest_wait_of.clone(),
            start_ns: measured.start_ns,
            marks: measured.marks.clone(),
        }
    }
}

/// Instants of a trial in nanoseconds since the start of its warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// End of the warm-up.
    pub measure_ns: u64,
    /// End of measuring, as planned or as it was.
    pub end_ns: u64,
    /// How far the trial is known.
    pub now_ns: u64,
}

impl SystemState {
    /// Returns whether the trial is over, so that no figure changes any more.
    #[must_use]
    pub fn over(&self) -> bool {
        self.result.is_some()
    }

    /// Returns whether the trial's history was bounded, so that most figures stand still.
    #[must_use]
    pub fn bounded(&self) -> bool {
        self.result.is_none() && self.snapshot.as_ref().is_some_and(|snapshot| snapshot.detail_until_ns.is_some())
    }

    /// Up to when its figures go, after the name of their phase; nothing once it is over.
    #[must_use]
    pub fn so_far(&self) -> &'static str {
        match (self.over(), self.bounded()) {
            (true, _) => "",
            (false, true) => " until its history was bounded",
            (false, false) => " so far",
        }
    }

    /// All latencies.
    #[must_use]
    pub fn latency(&self) -> Option<&LatencySet> {
        let result = self.result.as_ref().map(|result| &result.latency);
        result.or_else(|| self.snapshot.as_ref().map(|snapshot| &snapshot.latency))
    }

    /// The counts of the measure phase.
    #[must_use]
    pub fn counts(&self) -> Option<&Counts> {
        let folded = self.folded.as_ref().map(|folded| &folded.counts);
        folded.or_else(|| self.snapshot.as_ref().map(|snapshot| &snapshot.counts))
    }

    /// Histograms of the service and of the response time.
    #[must_use]
    pub fn waits(&self) -> Option<(&Bins, &Bins)> {
        let folded = self.folded.as_ref().map(|folded| (&folded.service, &folded.response));
        folded.or_else(|| self.snapshot.as_ref().map(|snapshot| (&snapshot.service, &snapshot.response)))
    }

    /// Grants of each client in the measure phase.
    #[must_use]
    pub fn grants_of(&self) -> &[u64] {
        let folded = self.folded.as_ref().map(|folded| folded.grants_of.as_slice());
        folded.or_else(|| self.snapshot.as_ref().map(|snapshot| snapshot.grants_of.as_slice())).unwrap_or_default()
    }

    /// Longest wait of each client in the measure phase, granted or not.
    #[must_use]
    pub fn longest_wait_of(&self) -> &[u64] {
        let folded = self.folded.as_ref().map(|folded| folded.longest_wait_of.as_slice());
        let snapshot = || self.snapshot.as_ref().map(|snapshot| snapshot.longest_wait_of.as_slice());
        folded.or_else(snapshot).unwrap_or_default()
    }

    /// Fairness among the clients.
    #[must_use]
    pub fn fairness(&self) -> Option<Fairness> {
        match &self.result {
            Some(result) => Some(result.fairness),
            None => Some(Fairness::of(self.grants_of(), self.counts()?)),
        }
    }

    /// Share of attempts that were not granted by their first request.
    #[must_use]
    pub fn waited_ratio(&self) -> Option<f64> {
        match &self.result {
            Some(result) => result.waited_ratio,
            None => self.counts().and_then(Counts::waited_ratio),
        }
    }

    /// Share of attempts at whose call another client held the key.
    #[must_use]
    pub fn found_held_ratio(&self) -> Option<f64> {
        match &self.result {
            Some(result) => result.found_held_ratio,
            None => self.counts().and_then(Counts::found_held_ratio),
        }
    }

    /// Requests of a session for acquire, polls and release, per grant.
    #[must_use]
    pub fn requests_per_grant(&self) -> Option<f64> {
        match &self.result {
            Some(result) => result.requests_per_grant,
            None => self.counts().and_then(|counts| ratio(counts.requests, counts.grants)),
        }
    }

    /// Pauses and markers: begin and end in nanoseconds since the start of the warm-up, and
    /// what they are called.
    pub fn marks(&self) -> impl Iterator<Item = (u64, u64, String)> {
        let folded = self.folded.as_ref().map(|folded| (folded.start_ns, folded.marks.as_slice()));
        let snapshot = self.snapshot.as_ref().map(|snapshot| (snapshot.origin_ns, snapshot.marks.as_slice()));
        let (origin, marks) = folded.or(snapshot).unwrap_or_default();
        let since = move |ns: u64| ns.saturating_sub(origin);
        marks.iter().map(move |mark| (since(mark.from_ns), since(mark.to_ns), mark.name()))
    }

    /// The phases of the trial.
    #[must_use]
    pub fn phases(&self, run: Option<&RunFacts>) -> Phases {
        let planned = run.map_or((0, 0), |run| (run.warmup_ns, run.duration_ns));
        let seconds = self.seconds.last().map_or(0, |last| (last.second + 1) * SECOND);
        let snapshot = self.snapshot.as_ref();
        let (elapsed, left) = snapshot.map_or((0, 0), |snapshot| (snapshot.elapsed_ns, snapshot.left_ns));
        match &self.folded {
            Some(folded) => {
                let end = folded.warmup_ns + folded.measured_ns;
                Phases { measure_ns: folded.warmup_ns, end_ns: end, now_ns: end.max(elapsed) }
            }
            None => Phases {
                measure_ns: snapshot.map_or(planned.0, |snapshot| snapshot.warmup_ns),
                end_ns: if left > 0 { elapsed + left } else { (planned.0 + planned.1).min(elapsed) },
                now_ns: if elapsed > 0 { elapsed } else { seconds },
            },
        }
    }
}

fn ratio(a: u64, b: u64) -> Option<f64> {
    (b > 0).then(|| a as f64 / b as f64)
}

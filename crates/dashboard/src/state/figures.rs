//! The figures of a system's last trial: the report's own once there is one, those of
//! the latest snapshot before. The same formulas make both.

use super::SystemState;
use lockbench_core::record::figures::Counts;
use lockbench_core::units::SECOND;
use lockbench_report::live::{Bins, RunFacts};
use lockbench_report::{Fairness, LatencySet, Measurements, TrialResult};

/// What is kept of a trial that is over, beside its entry in the report.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// What was measured, without histograms.
    pub measured: Measurements,
    /// Service times of the measure phase.
    pub service: Bins,
    /// Response times of the measure phase.
    pub response: Bins,
}

impl From<&Measurements> for Folded {
    fn from(measured: &Measurements) -> Self {
        Self {
            service: Bins::of(&measured.latencies.acquire_service),
            response: Bins::of(&measured.latencies.acquire_response),
            measured: measured.clone().without_histograms(),
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
        let folded = self.folded.as_ref().map(|folded| &folded.measured.counts);
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
        let folded = self.folded.as_ref().map(|folded| folded.measured.grants_of.as_slice());
        folded.or_else(|| self.snapshot.as_ref().map(|snapshot| snapshot.grants_of.as_slice())).unwrap_or_default()
    }

    /// Longest wait of each client in the measure phase, granted or not.
    #[must_use]
    pub fn longest_wait_of(&self) -> &[u64] {
        let folded = self.folded.as_ref().map(|folded| folded.measured.longest_wait_of.as_slice());
        let snapshot = || self.snapshot.as_ref().map(|snapshot| snapshot.longest_wait_of.as_slice());
        folded.or_else(snapshot).unwrap_or_default()
    }

    /// Fairness among the clients.
    #[must_use]
    pub fn fairness(&self) -> Option<Fairness> {
        match &self.result {
            Some(result) => Some(result.fairness),
            None => Some(Fairness::of((self.grants_of(), &[]), self.counts()?)),
        }
    }

    /// Share of attempts that were not granted by their first request.
    #[must_use]
    pub fn waited_ratio(&self) -> Option<f64> {
        self.ratio(|result| result.waited_ratio, Counts::waited_ratio)
    }

    /// Share of attempts at whose call another client held the key.
    #[must_use]
    pub fn found_held_ratio(&self) -> Option<f64> {
        self.ratio(|result| result.found_held_ratio, Counts::found_held_ratio)
    }

    /// Requests of a session for acquire, polls and release, per grant.
    #[must_use]
    pub fn requests_per_grant(&self) -> Option<f64> {
        let now = |counts: &Counts| (counts.grants > 0).then(|| counts.requests as f64 / counts.grants as f64);
        self.ratio(|result| result.requests_per_grant, now)
    }

    /// The report's own ratio, or what the counts make of it so far.
    fn ratio(&self, of: fn(&TrialResult) -> Option<f64>, now: fn(&Counts) -> Option<f64>) -> Option<f64> {
        self.result.as_ref().map_or_else(|| self.counts().and_then(now), of)
    }

    /// Holds that another client challenged, in all phases of the trial, and the bound that a zero of double grants
    /// among them has, per million at 95 %.
    #[must_use]
    pub fn exercised(&self) -> (u64, Option<f64>) {
        match (&self.result, &self.snapshot) {
            (Some(result), _) => (result.safety.exercised_holds, result.safety.upper_bound_95_per_million),
            (None, Some(snapshot)) => (snapshot.counts.exercised_all, snapshot.upper_bound_per_million),
            (None, None) => (0, None),
        }
    }

    /// Pauses and markers: begin and end in nanoseconds since the start of the warm-up, and
    /// what they are called.
    pub fn marks(&self) -> impl Iterator<Item = (u64, u64, String)> {
        let folded = self.folded.as_ref().map(|folded| (folded.measured.start_ns, folded.measured.marks.as_slice()));
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
                let end = folded.measured.warmup_ns + folded.measured.measured_ns;
                Phases { measure_ns: folded.measured.warmup_ns, end_ns: end, now_ns: end.max(elapsed) }
            }
            None => Phases {
                measure_ns: snapshot.map_or(planned.0, |snapshot| snapshot.warmup_ns),
                end_ns: if left > 0 { elapsed + left } else { (planned.0 + planned.1).min(elapsed) },
                now_ns: if elapsed > 0 { elapsed } else { seconds },
            },
        }
    }
}

//! What one trial adds to the figures of a system: the counts and histograms that its
//! entry in `report.json` is made of, so that endpoint and report cannot differ. Which counts
//! there are, the table of figures says.

use super::buckets::Buckets;
use lockbench_core::figure::Totals;
use lockbench_core::record::Denial;
use lockbench_core::record::figures::{Figures, Lengths};

/// How an attempt ended, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Granted.
    Granted,
    /// Denied, but not withdrawn: that is no outcome of the system.
    Denied(Denial),
}

impl Outcome {
    /// Every one that a system can bring about.
    pub const ALL: [Self; 5] = [
        Self::Granted,
        Self::Denied(Denial::Refused),
        Self::Denied(Denial::TimedOut),
        Self::Denied(Denial::Unavailable),
        Self::Denied(Denial::Unknown),
    ];

    /// The label's value.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied(denial) => denial.name(),
        }
    }
}

/// Lengths of attempts that had one outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquire {
    /// From the call.
    pub service: Buckets,
    /// From the due instant.
    pub response: Buckets,
}

/// Every histogram, of the attempts of the measure phase. They add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// In the order of [`Outcome::ALL`].
    pub acquire: [Acquire; Outcome::ALL.len()],
    /// As achieved.
    pub hold: Buckets,
    /// To the answer.
    pub release: Buckets,
    /// To a client that was already waiting.
    pub handoff: Buckets,
    /// To the confirmation.
    pub renew: Buckets,
    /// How late attempts began.
    pub lag: Buckets,
}

/// What was due at fixed instants and not attempted. A closed loop has none of it. Absolute,
/// and only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Those that were dropped, missed and stalled.
    pub counts: Totals,
    /// How late those that were dropped were at least.
    pub dropped_late: Buckets,
    /// How late those that were missed were at least; known when the outage is over.
    pub missed_late: Buckets,
}

/// Both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contribution {
    /// Counts.
    pub counters: Totals,
    /// Histograms.
    pub durations: Durations,
}

impl Durations {
    /// So far.
    #[must_use]
    pub fn of(figures: &Figures) -> Self {
        let (latencies, detail) = (figures.latencies(), figures.detail());
        let denied = |denial| detail.and_then(|detail| detail.denied(denial));
        let acquire = Outcome::ALL.map(|outcome| match outcome {
            Outcome::Granted => Acquire {
                service: Buckets::of(&latencies.acquire_service),
                response: Buckets::of(&latencies.acquire_response),
            },
            Outcome::Denied(denial) => denied(denial).map(Acquire::of).unwrap_or_default(),
        });
        Self {
            acquire,
            hold: Buckets::of(&latencies.hold),
            release: Buckets::of(&latencies.release),
            handoff: Buckets::of(&latencies.handoff),
            renew: Buckets::of(&latencies.renew),
            lag: detail.map(|detail| Buckets::of(detail.lag())).unwrap_or_default(),
        }
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.acquire.iter_mut().zip(&other.acquire) {
            mine.service.add(&theirs.service);
            mine.response.add(&theirs.response);
        }
        self.hold.add(&other.hold);
        self.release.add(&other.release);
        self.handoff.add(&other.handoff);
        self.renew.add(&other.renew);
        self.lag.add(&other.lag);
    }
}

impl Acquire {
    fn of(lengths: &Lengths) -> Self {
        Self { service: Buckets::of(&lengths.service), response: Buckets::of(&lengths.response) }
    }
}

impl Contribution {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.counters.add(&other.counters);
        self.durations.add(&other.durations);
    }
}

//! What one trial adds to the figures of a system: the counts and histograms that its
//! entry in `report.json` is made of, so that endpoint and report cannot differ.

use super::buckets::Buckets;
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::record::Denial;
use lockbench_core::record::figures::{Counts, Figures, Lengths};
use lockbench_core::record::history::Judged;
use lockbench_report::{Kinds, TrialResult};

/// Counts; `None` where the figure does not exist for that system. They add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Attempts of the measure phase with an outcome.
    pub attempts: u64,
    /// Granted.
    pub grants: u64,
    /// Refused.
    pub refusals: u64,
    /// Timed out.
    pub timeouts: u64,
    /// Unavailable or unknown.
    pub failures: u64,
    /// Not granted by their first request.
    pub waited: u64,
    /// Found the key held by another client.
    pub found_held: u64,
    /// Certain double grants, of all phases.
    pub double_grants: u64,
    /// Of these, by kind, in the order of [`DoubleGrantKind::ALL`].
    pub by_kind: [u64; DoubleGrantKind::ALL.len()],
    /// Of all phases; `None`: the system has no fencing token.
    pub token_regressions: Option<u64>,
    /// Of all phases; `None`: the system has no fencing token.
    pub fencing_rejections: Option<u64>,
    /// Of all phases.
    pub lost_updates: u64,
    /// Grants of the measure phase.
    pub lost_leases: u64,
}

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
            Self::Denied(Denial::Refused) => "refused",
            Self::Denied(Denial::TimedOut) => "timed_out",
            Self::Denied(Denial::Unavailable) => "unavailable",
            Self::Denied(Denial::Unknown) => "unknown",
            Self::Denied(Denial::Withdrawn) => "withdrawn",
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
    /// No client could take them: all were busy.
    pub dropped: u64,
    /// Due in an outage.
    pub missed: u64,
    /// Due while lockbench itself did not run.
    pub stalled: u64,
    /// How late those that were dropped were at least.
    pub dropped_late: Buckets,
    /// How late those that were missed were at least; known when the outage is over.
    pub missed_late: Buckets,
}

/// Both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contribution {
    /// Counts.
    pub counters: Counters,
    /// Histograms.
    pub durations: Durations,
}

impl Counters {
    /// Of a trial under way: of attempts that have an outcome already. `tokens`: does the
    /// system have fencing tokens?
    #[must_use]
    pub fn so_far(settled: &Counts, judged: &Judged, tokens: bool) -> Self {
        Self {
            attempts: settled.attempts,
            grants: settled.grants,
            refusals: settled.refused,
            timeouts: settled.timed_out,
            failures: settled.unavailable + settled.unknown,
            waited: settled.waited,
            found_held: settled.found_held,
            double_grants: judged.double_grants,
            by_kind: DoubleGrantKind::ALL.map(|kind| Kinds::from(judged).of(kind)),
            token_regressions: tokens.then_some(judged.token_regressions),
            fencing_rejections: tokens.then_some(judged.stale_writes_refused),
            lost_updates: judged.lost_updates,
            lost_leases: settled.lost_leases,
        }
    }

    /// Of a trial that is over, as its report says; how many waited is in its counts.
    #[must_use]
    pub fn reported(result: &TrialResult, counts: &Counts) -> Self {
        Self {
            attempts: result.attempts,
            grants: result.grants,
            refusals: result.refused,
            timeouts: result.timed_out,
            failures: result.unavailable + result.unknown,
            waited: counts.waited,
            found_held: counts.found_held,
            double_grants: result.safety.double_grants_certain,
            by_kind: DoubleGrantKind::ALL.map(|kind| Kinds::from(&result.safety).of(kind)),
            token_regressions: result.safety.token_regressions,
            fencing_rejections: result.safety.stale_writes_refused,
            lost_updates: result.safety.harm.lost_updates,
            lost_leases: result.safety.lost_leases,
        }
    }

    /// Zeros; the figures that not every system has exist where they are told to.
    #[must_use]
    pub fn zero(tokens: bool) -> Self {
        Self::so_far(&Counts::default(), &Judged::default(), tokens)
    }

    fn add(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.grants += other.grants;
        self.refusals += other.refusals;
        self.timeouts += other.timeouts;
        self.failures += other.failures;
        self.waited += other.waited;
        self.found_held += other.found_held;
        self.double_grants += other.double_grants;
        for (mine, theirs) in self.by_kind.iter_mut().zip(other.by_kind) {
            *mine += theirs;
        }
        self.token_regressions = sum(self.token_regressions, other.token_regressions);
        self.fencing_rejections = sum(self.fencing_rejections, other.fencing_rejections);
        self.lost_updates += other.lost_updates;
        self.lost_leases += other.lost_leases;
    }
}

/// What is there; `None` if neither is.
fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.map_or(b, |a| Some(a + b.unwrap_or(0)))
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

//! The validated meaning of a workload: what the engine runs. Built only by
//! `file.rs`, by naming every field, so that a new field cannot be forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

pub use super::access::Access;
pub use super::arrival::Arrival;
use super::arrival::Trace;
pub use super::dynamic_ttl::DynamicTtl;
use super::fault::PlannedFault;
use super::groups::Group;
pub use super::locks::{DeadlockPolicy, Locks, MOST_LOCKS};
use super::options::SystemOptions;
use super::scenario::{Condition, Scenario};
pub use super::spread::Spread;
use crate::lock::Retry;
pub use crate::section::Section;

/// What to run and how. All durations in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the workload: its file's stem unless the file gives one.
    pub name: String,
    /// The question that it answers, one sentence.
    pub question: String,
    /// Number of clients, each with an identity of its own.
    pub clients: u32,
    /// What the clients run on.
    pub spread: Spread,
    /// Clients that behave otherwise than the plan says for all.
    pub groups: Vec<Group>,
    /// Which keys are locked.
    pub keys: Keys,
    /// How many locks an attempt takes, and in which order.
    pub locks: Locks,
    /// What attempts ask for.
    pub access: Access,
    /// What clients do under the lock.
    pub section: Section,
    /// How long a grant is held.
    pub hold: Span,
    /// When attempts are due.
    pub arrival: Arrival,
    /// Pause between an attempt's end and the next due instant; none in an open loop.
    pub think: Span,
    /// Lease length asked for; where it follows the holds, the one at the start.
    pub ttl_ns: u64,
    /// How it follows the holds; `None`: it stays.
    pub dynamic_ttl: Option<DynamicTtl>,
    /// What to do with a ttl below a system's floor.
    pub ttl_below_floor: BelowFloor,
    /// How leases are kept alive during a hold.
    pub renewal: RenewalPolicy,
    /// Try once, or wait.
    pub acquire: AcquireMode,
    /// Delay between tries of recipes that poll.
    pub retry: Retry,
    /// When a client stops asking for a while; `None`: never. Only of a closed loop.
    pub breaker: Option<Breaker>,
    /// Longest wait for the answer to one request, the same for every system.
    pub request_timeout_ns: u64,
    /// Registry names, in full; empty: quick's set.
    pub backends: Vec<String>,
    /// Time before measuring starts.
    pub warmup_ns: u64,
    /// Measured time.
    pub duration_ns: u64,
    /// Repetitions a backend.
    pub trials: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// Violations that the plan expects.
    pub expect: Vec<Expectation>,
    /// Bounds on figures. Kept as text: who knows the figures reads it.
    pub thresholds: Vec<PlannedThreshold>,
    /// Levels of lints, in order of their names, which who knows the lints resolves.
    pub lints: Vec<PlannedLint>,
    /// How much of the history goes to disk.
    pub history: HistoryLimit,
    /// What single lock systems declare for themselves.
    pub options: SystemOptions,
    /// What must happen in each trial at least once.
    pub sometimes: Vec<Condition>,
    /// Whether the servers are asked, beside the load, who holds which key.
    pub truth: Truth,
    /// Faults that are injected, in the order of the file.
    pub faults: Vec<PlannedFault>,
    /// The story, and what it expects of each system.
    pub scenario: Option<Scenario>,
    /// What the systems cost, for the report's decision table.
    pub prices: Prices,
}

impl Plan {
    /// The longest wait of an attempt: its timeout, or that of the one request of a try.
    #[must_use]
    pub fn patience_ns(&self) -> u64 {
        let longest = |acquire: AcquireMode| match acquire {
            AcquireMode::Try => self.request_timeout_ns,
            AcquireMode::Wait { timeout_ns, .. } => timeout_ns,
        };
        self.parts().iter().map(|part| longest(part.acquire)).max().unwrap_or(self.request_timeout_ns)
    }

    /// Share of all attempts that want the most wanted key, 0 where no two clients want the same: by the trace where there is one.
    #[must_use]
    pub fn hottest_share(&self) -> f64 {
        self.arrival.trace().map_or_else(|| self.keys.hottest_share(), Trace::hottest_share)
    }

    /// The shortest lease that a client may ask for, in nanoseconds.
    #[must_use]
    pub fn shortest_ttl_ns(&self) -> u64 {
        self.dynamic_ttl.map_or(self.ttl_ns, |dynamic| dynamic.min_ns.min(self.ttl_ns))
    }

    /// Nanoseconds from one look at who holds which key to the next; `None`: the servers are not asked. Where several may
    /// hold a key at once there is no one to tell of.
    #[must_use]
    pub fn truth_every_ns(&self) -> Option<u64> {
        self.truth.every_ns(&self.faults).filter(|_| self.access == Access::Exclusive)
    }
}

/// Which keys the clients lock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keys {
    /// All clients one key.
    Single,
    /// Every client a key of its own: nobody ever waits.
    PerClient,
    /// `count` keys, each as likely.
    Uniform {
        /// Number of keys.
        count: u32,
    },
    /// `count` keys, key k with weight 1/k^exponent.
    Zipf {
        /// Number of keys.
        count: u32,
        /// Exponent, > 0.
        exponent: f64,
    },
    /// `count` keys, of which the first `hot` share a part of all attempts, and the others the rest.
    HotSet {
        /// Number of keys.
        count: u32,
        /// Of these: hot, 1 or more and fewer than all.
        hot: u32,
        /// Share of the attempts that want a hot one, 0 to 1.
        share: f64,
    },
}

impl Keys {
    /// Number of different keys for so many clients.
    #[must_use]
    pub fn count(&self, clients: u32) -> u32 {
        match *self {
            Self::Single => 1,
            Self::PerClient => clients,
            Self::Uniform { count } | Self::Zipf { count, .. } | Self::HotSet { count, .. } => count,
        }
    }

    /// Share of all attempts that want the most wanted key, 0 where no two clients want the same.
    #[must_use]
    pub fn hottest_share(&self) -> f64 {
        match *self {
            Self::Single => 1.0,
            Self::PerClient => 0.0,
            Self::Uniform { count } => 1.0 / f64::from(count),
            Self::Zipf { count, exponent } => 1.0 / harmonic(count, exponent),
            Self::HotSet { count, hot, share } => {
                (share / f64::from(hot)).max((1.0 - share) / f64::from(count.saturating_sub(hot).max(1)))
            }
        }
    }
}

/// The sum of `1 / k^exponent` for k from 1: of the first ten thousand one by one, of the others as the integral around them.
fn harmonic(count: u32, exponent: f64) -> f64 {
    const ONE_BY_ONE: u32 = 10_000;
    let head: f64 = (1..=count.min(ONE_BY_ONE)).map(|k| f64::from(k).powf(-exponent)).sum();
    if count <= ONE_BY_ONE {
        return head;
    }
    let (from, to) = (f64::from(ONE_BY_ONE) + 0.5, f64::from(count) + 0.5);
    let one_less = 1.0 - exponent;
    let tail =
        if one_less.abs() < 1e-9 { (to / from).ln() } else { (to.powf(one_less) - from.powf(one_less)) / one_less };
    head + tail
}

/// A distribution of durations in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Span {
    /// Always the same.
    Constant {
        /// Length.
        ns: u64,
    },
    /// Uniform between both ends.
    Uniform {
        /// Shortest.
        min_ns: u64,
        /// Longest.
        max_ns: u64,
    },
    /// Exponential (memoryless).
    Exponential {
        /// Mean.
        mean_ns: u64,
        /// Longest drawn value; longer draws are cut. `u64::MAX`: none.
        max_ns: u64,
    },
    /// Log-normal: many short, few very long.
    LogNormal {
        /// Median.
        median_ns: u64,
        /// Standard deviation of the logarithm, > 0.
        sigma: f64,
        /// Longest drawn value; longer draws are cut. `u64::MAX`: none.
        max_ns: u64,
    },
    /// Pareto: a heavy tail, where the longest take a large part of all the time.
    Pareto {
        /// Shortest.
        min_ns: u64,
        /// Index of the tail, > 0: the share of draws above x is `(min / x)^alpha`. At 1 or below there is no mean.
        alpha: f64,
        /// Longest drawn value; longer draws are cut. `u64::MAX`: none.
        max_ns: u64,
    },
    /// One of two lengths.
    Bimodal {
        /// The usual one.
        short_ns: u64,
        /// The other.
        long_ns: u64,
        /// Share of the other, 0 to 1.
        share: f64,
    },
    /// One of those that were recorded, each as likely.
    Recorded {
        /// At least one.
        lengths_ns: Arc<[u64]>,
    },
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self::Constant { ns: 0 };

    /// Longest value that it can give; `u64::MAX` if it has no bound.
    #[must_use]
    pub fn longest_ns(&self) -> u64 {
        match *self {
            Self::Constant { ns } => ns,
            Self::Uniform { max_ns, .. }
            | Self::Exponential { max_ns, .. }
            | Self::LogNormal { max_ns, .. }
            | Self::Pareto { max_ns, .. } => max_ns,
            Self::Bimodal { short_ns, long_ns, .. } => short_ns.max(long_ns),
            Self::Recorded { ref lengths_ns } => lengths_ns.iter().copied().max().unwrap_or(0),
        }
    }
}

/// What to do with a ttl below a system's floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BelowFloor {
    /// Refuse the plan (exit 2).
    Refuse,
    /// Raise it for that system and mark its row.
    Raise,
}

/// How leases are kept alive during a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalPolicy {
    /// Not at all; not offered on systems that keep a session by heartbeat.
    Off,
    /// Every so often.
    Every {
        /// Interval; the file's default is a third of the ttl.
        ns: u64,
    },
}

/// How patiently to acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireMode {
    /// One try.
    Try,
    /// Wait, at most so long.
    Wait {
        /// Longest wait.
        timeout_ns: u64,
        /// Tries after which a client that polls takes no for an answer; `None`: only the timeout ends them.
        tries: Option<u32>,
    },
}

/// A circuit breaker of one client (Nygard, "Release It!", 2007): after some attempts in a row without a lock it does not
/// ask for a while, then tries once, and goes on if that is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Attempts in a row without a grant, above 0.
    pub after: u32,
    /// How long it does not ask, in nanoseconds, above 0.
    pub pause_ns: u64,
}

/// A violation that the plan expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// Double grants after a lawfully lapsed lease.
    Outside,
    /// Double grants under a promise that the service took back early and said so.
    Withdrawn,
}

impl Expectation {
    /// All of them, with their words.
    pub const ALL: [(&str, Self); 2] = [("outside", Self::Outside), ("withdrawn", Self::Withdrawn)];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A bound on a figure, as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedThreshold {
    /// For example `acquire_service.p99 < 20ms`.
    pub text: String,
    /// What a breach means, if it is said beside the text.
    pub level: Option<BreachLevel>,
}

/// What a breached threshold means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreachLevel {
    /// It is told.
    Warn,
    /// The run does not pass.
    Fail,
}

/// The level of a lint, as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLint {
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: FindingLevel,
}

/// What becomes of a lint's finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingLevel {
    /// Not shown.
    Allow,
    /// Shown.
    Warn,
    /// The run does not pass.
    Deny,
}

/// Whether the servers are asked, beside the load, who holds which key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truth {
    /// Where the plan has faults.
    #[default]
    WithFaults,
    /// Never.
    Off,
    /// Every so often.
    Every {
        /// Nanoseconds from one look to the next, above 0.
        ns: u64,
    },
}

impl Truth {
    /// From one look to the next where no interval is given, in nanoseconds: a small part of any lease.
    pub const EVERY_NS: u64 = 20_000_000;

    /// Nanoseconds from one look to the next, in a plan with these faults; `None`: nobody is asked.
    #[must_use]
    pub fn every_ns(self, faults: &[PlannedFault]) -> Option<u64> {
        match self {
            Self::WithFaults => (!faults.is_empty()).then_some(Self::EVERY_NS),
            Self::Off => None,
            Self::Every { ns } => Some(ns),
        }
    }
}

/// How much of the history goes to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryLimit {
    /// Everything.
    Full,
    /// The first so many attempts of a result, and what surrounds violations.
    Window(u64),
    /// Nothing.
    Off,
}

/// What systems cost, as the user says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    /// The currency in the user's words; empty: none was given.
    pub currency: String,
    /// Price a month of a system, by registry name or by its part before the colon; 0 or more.
    pub monthly: BTreeMap<String, f64>,
}

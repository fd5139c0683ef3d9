//! The figures of a lock system: one table of what each is called, measured in, merged by and means.
//! Reports, thresholds, comparisons, the monitor's bounds and both metrics texts read it, so a name
//! means the same everywhere and a new figure is an entry here.
//!
//! A figure that is a count, or a share of attempts, is made of [`Counter`]s; their values travel as
//! [`Totals`], from the folds that count them to everything that shows them. What else a figure is
//! measured by ([`Measure`]) the report knows.

mod counter;
mod latency;
mod table;
mod totals;

pub use counter::Counter;
pub use latency::{LATENCIES, Latency, LatencyId};
pub use table::{FIGURES, NO_TOKEN, figure, metrics};
pub use totals::Totals;

/// What a figure is measured in: its base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds; texts write `20ms`.
    Duration,
    /// Events per second.
    PerSecond,
    /// Share of 1; texts may write `20%`.
    Share,
    /// A count.
    Count,
    /// A number without a unit.
    Number,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The lower, the better.
    Lower,
    /// The higher, the better.
    Higher,
}

/// How the figure of several trials of a system is made of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// The sum.
    Sum,
    /// As `Sum`, also over what was seen of a trial that failed: what surely happened,
    /// happened. Nothing else of such a trial counts.
    Certain,
    /// The greatest.
    Max,
    /// The mean, weighted by what the figure is a share of.
    Weighted(Weight),
}

/// What a trial weighs in a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Every trial the same.
    Trial,
    /// Its attempts.
    Attempts,
    /// Its grants.
    Grants,
    /// Its grants within the measure phase: what its processor time was spent on.
    GrantsInWindow,
    /// Its measured seconds.
    Seconds,
}

/// Where the value of a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A count.
    Count(Counter),
    /// The share of the attempts that these counts are.
    Share(&'static [Counter]),
    /// What is measured otherwise.
    Measured(Measure),
}

/// A figure that is no count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Grants per second of the measure phase.
    Throughput,
    /// Confirmed releases per second of the measure phase.
    Goodput,
    /// Share of attempts that waited.
    Waited,
    /// Share of attempts that found the key held.
    FoundHeld,
    /// Share of attempts that were served.
    Availability,
    /// Jain's index of the grants per client.
    Jain,
    /// The longest wait.
    LongestWait,
    /// Requests per grant.
    RequestsPerGrant,
    /// Wake-ups of waiting clients per grant.
    WakeupsPerGrant,
    /// Of these: after which the client went on waiting or gave up.
    WastedWakeupsPerGrant,
    /// Bytes to and from the servers per grant.
    BytesPerGrant,
    /// Processor time of the servers per grant.
    ServerCpuPerGrant,
    /// Processor time of lockbench per grant.
    ClientCpuPerGrant,
}

/// A figure as a family of metrics: a count that only grows, or a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name, with its unit and without the suffix of a sample.
    pub name: &'static str,
    /// One sentence without the final stop.
    pub help: &'static str,
    /// The same as the endpoint says it, which has more to tell; empty where it does not.
    pub live: &'static str,
    /// The counts that it is the sum of.
    pub of: &'static [Counter],
    /// Its place in the endpoint's text.
    pub place: u16,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Its name in thresholds, comparisons and exports; empty for a count that only the metrics have.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// What it means, a phrase.
    pub meaning: &'static str,
    /// Where it stands in an entry of `results` in `report.json`, which is its key in `not_available`.
    pub field: &'static str,
    /// Where its value comes from.
    pub source: Source,
    /// How trials merge.
    pub merge: Merge,
    /// Why it does not exist, where it is `null` by the nature of the system or the run.
    pub absent: &'static str,
    /// Head of its column in the table of tokens and harm; empty for a figure that is not in it.
    pub column: &'static str,
    /// As a metric.
    pub metric: Option<Metric>,
}

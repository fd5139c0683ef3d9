//! `report.json`. Fields are only ever added within a schema version. A figure
//! that does not exist is `null`, with its reason in `not_available`; 0 always
//! means a measured zero.

mod groups;
mod modes;
mod open_loop;
mod safety;
mod sagas;
mod section;
mod transactions;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compare::Comparison;
use super::counts::places;
use super::environment::Environment;
use super::fault::InjectedFault;
use super::lint::LintFinding;
use super::own_cost::OwnCost;
use super::recovery::Recovery;
use super::threshold::ThresholdResult;
use lockbench_core::figure::{Counter, LatencyId, Totals};
use lockbench_core::lock::{Agreement, Caveats, NodesOfTrial, Persistence};
use lockbench_core::oracle::Reached;
use lockbench_core::record::LatencyFigures;
use lockbench_core::record::figures::Counts;
use lockbench_core::units::human_duration;

pub use groups::GroupResult;
pub use modes::{ModeFigures, Modes};
pub use open_loop::OpenLoop;
pub use safety::{Harm, Policies, Safety, SafetyVerdict, Violation};
pub use sagas::Sagas;
pub use section::SectionResult;
pub use transactions::Transactions;

/// Version of this schema. Older ones can still be read: version 1 had no `notes`, and
/// `lints` were sentences; versions 1 and 2 left what was waited for in vain out of the
/// latencies, and their `contention_ratio` is `found_held_ratio` here.
pub const SCHEMA_VERSION: u32 = 3;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Identity of the run; its directory's name.
    pub run_id: String,
    /// Did everything planned run to its end?
    pub complete: bool,
    /// The program.
    pub tool: Tool,
    /// The machine.
    pub environment: Environment,
    /// The resolved plan.
    pub plan: serde_json::Value,
    /// One entry a backend and trial, in the order in which they ran.
    pub results: Vec<TrialResult>,
    /// One entry a backend: its trials merged.
    pub aggregates: Vec<Aggregate>,
    /// Backends that were asked for or are default, and did not run.
    pub skipped: Vec<SkippedBackend>,
    /// The faults that were injected: one entry per node and injection.
    pub faults: Vec<InjectedFault>,
    /// Thresholds judged, one entry a backend.
    pub thresholds: Vec<ThresholdResult>,
    /// What limits how far the figures can be trusted, by name.
    pub lints: Vec<LintFinding>,
    /// Remarks on the plan and the servers.
    pub notes: Vec<String>,
    /// How the run compares with the baseline that was asked for.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The program that ran.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `lockbench`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The command line, secrets redacted.
    pub command: Vec<String>,
    /// Worker threads.
    pub workers: u32,
    /// CPU nanoseconds that the tool itself spends on one attempt cycle: the same
    /// number of clients against `memory`, each on a key of its own, recorder and
    /// oracle on, before the run.
    pub overhead_ns_per_cycle: Option<f64>,
    /// Cycles a second in that calibration: no backend can show more.
    pub ceiling_cycles_per_s: Option<f64>,
    /// Share of all processors that other processes used during that calibration: what they
    /// used is missing from the ceiling. `null`: not measured.
    #[serde(default)]
    pub ceiling_others_share: Option<f64>,
    /// What lockbench costs on this machine beside bare loops over the client libraries, of the systems of this run for
    /// which `lockbench overhead` measured it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_costs: Vec<OwnCost>,
}

/// A backend that did not run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkippedBackend {
    /// Registry name.
    pub backend: String,
    /// Why, and what to do.
    pub reason: String,
    /// Was it asked for by name? Then it decides the exit code.
    pub asked_for: bool,
}

/// The verdict on a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The documented exit code.
    pub exit_code: u8,
    /// Why, most severe first; empty for a pass.
    pub reasons: Vec<String>,
}

/// All latencies of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencySet {
    /// `acquire_invoke` to `acquire_ok`: service time.
    pub acquire_service: LatencyFigures,
    /// Due instant to `acquire_ok`: response time. In a closed loop without think time an attempt
    /// is due at its call, so that this is `acquire_service` by construction.
    pub acquire_response: LatencyFigures,
    /// `acquire_ok` to `release_invoke`, as achieved.
    pub hold: LatencyFigures,
    /// Previous `release_invoke` to the next `acquire_ok` of a waiting client.
    pub handoff: LatencyFigures,
    /// `release_invoke` to the answer.
    pub release: LatencyFigures,
    /// Asking for a renewal to its confirmation.
    pub renew: LatencyFigures,
}

/// One trial of one backend.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TrialResult {
    /// Registry name in full.
    pub backend: String,
    /// Name of the workload.
    pub workload: String,
    /// Trial number, from 1.
    pub trial: u32,
    /// Did it run to its planned end?
    pub complete: bool,
    /// Why not, if the backend failed.
    pub error: Option<String>,
    /// Seconds that were measured: the measure phase as it was, without the time in which
    /// the load was paused by hand.
    pub measured_s: f64,
    /// Seconds of the measure phase in which the load was paused by hand: they are in no
    /// figure, and not in `measured_s`. Left out if there are none.
    #[serde(default, skip_serializing_if = "none")]
    pub paused_s: f64,
    /// Attempts with an outcome whose `acquire_invoke` lies in the measure phase.
    pub attempts: u64,
    /// Of these: acquired.
    pub grants: u64,
    /// Of these: refused.
    pub refused: u64,
    /// Of these: timed out.
    pub timed_out: u64,
    /// Of these: unavailable.
    pub unavailable: u64,
    /// Of these: unknown.
    pub unknown: u64,
    /// Of these: given up to break a deadlock, by the workload's policy or by the server. Left out if there are none.
    #[serde(default, skip_serializing_if = "zero")]
    pub deadlocked: u64,
    /// Attempts still waiting when the load was stopped: no outcome of the system.
    pub withdrawn: u64,
    /// Attempts due that no client could take (open loop only).
    pub dropped: Option<u64>,
    /// How the load generator did, where attempts were due by the clock; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_loop: Option<OpenLoop>,
    /// Grants whose release the server confirmed: work that was done under the lock, or committed. `null` in runs that
    /// were stored before it was counted.
    #[serde(default)]
    pub confirmed: Option<u64>,
    /// The same per second of `measured_s`.
    #[serde(default)]
    pub goodput_per_s: Option<f64>,
    /// What critical sections came to that are of a kind of their own; left out where clients only count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<SectionResult>,
    /// Deadlocks among the clients, of all phases; left out if there are none.
    #[serde(default, skip_serializing_if = "zero")]
    pub deadlocks: u64,
    /// What became of attempts that take several locks each; left out where each takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<Transactions>,
    /// What became of sagas, which take several locks one after another; left out where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sagas: Option<Sagas>,
    /// What came of each group of clients; left out where all clients do the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupResult>,
    /// Grants by what attempts asked for; left out where all locks are exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<Modes>,
    /// Grants a second of `measured_s`.
    pub throughput_per_s: Option<f64>,
    /// How far the throughput of a longer trial may be from this one; left out where the trial was too short or paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_within: Option<Within>,
    /// What leases had left at their grant, where their length follows the holds; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leases: Option<LatencyFigures>,
    /// Where response times were still growing at the end of the measure phase; left out where they had settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_grow: Option<WaitsGrow>,
    /// Holds as the plan asked for them beside what they were; left out in runs that were stored before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<HoldsAsked>,
    /// Latencies.
    pub latency: LatencySet,
    /// Safety.
    pub safety: Safety,
    /// How the service came back from faults and from clients that left a key behind; left out where there was
    /// neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// Fairness.
    pub fairness: Fairness,
    /// Share of attempts that were not granted by their first request: the contention. Where
    /// the server answers the only request when it grants it, the attempt waited if another
    /// client held the key at any time of it. `null` before schema version 3.
    #[serde(default)]
    pub waited_ratio: Option<f64>,
    /// Share of attempts at whose `acquire_invoke` another client's hold on the key was open:
    /// small where waiting clients are served in order. Before schema version 3 it was called
    /// `contention_ratio`.
    #[serde(default, alias = "contention_ratio")]
    pub found_held_ratio: Option<f64>,
    /// Share of attempts that the system served: granted, refused, or timed out in order.
    /// `null` before schema version 3.
    #[serde(default)]
    pub availability: Option<f64>,
    /// Requests of the recipe for acquire, polls and release, a grant.
    pub requests_per_grant: Option<f64>,
    /// Wake-ups of clients that waited, per grant: the server told of a change, or a delay was over, and the client looked
    /// again. 0 where the server answers only when it grants. Left out in runs that were stored before it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wakeups_per_grant: Option<f64>,
    /// Of these: after which the client went on waiting, or gave up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted_wakeups_per_grant: Option<f64>,
    /// Lease length in force, as read back.
    pub effective_ttl_ms: Option<f64>,
    /// Was the plan's ttl raised to the system's floor?
    pub ttl_raised: bool,
    /// What the recipe promises.
    pub guarantees: serde_json::Value,
    /// What survives a crash, as read back.
    #[schemars(with = "String")]
    pub durability: Persistence,
    /// How many nodes must agree of how many.
    #[schemars(with = "String")]
    pub quorum: Agreement,
    /// As the server says.
    pub server_version: String,
    /// What the server says that it is among its like, in its own words; empty in runs that
    /// were stored before it was kept.
    #[serde(default)]
    pub server_role: String,
    /// What changes what a verdict on these servers means.
    #[serde(default)]
    pub caveats: Caveats,
    /// How many nodes served before the load and after it.
    #[serde(default)]
    pub nodes: NodesOfTrial,
    /// Whether the story of the plan's faults happened: every condition, and how often it was reached. Empty
    /// without faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sometimes: Vec<Reached>,
    /// Processor time and memory.
    pub resources: Resources,
    /// How much of the history is on disk.
    pub history: HistoryFacts,
    /// Events seen by the oracle, all phases.
    pub events: u64,
    /// Events lost; any loss makes the verdict unknown.
    pub events_lost: u64,
    /// How often lockbench itself was kept from running for longer than a quarter of the
    /// ttl while it measured.
    #[serde(default)]
    pub self_stalls: u64,
    /// How often clients were held back between attempts because the recorder was behind.
    pub throttled: u64,
    /// Failures in the words of clients and servers, and how often.
    pub failures: BTreeMap<String, u64>,
    /// Figures that are `null`, and why.
    pub not_available: BTreeMap<String, String>,
}

// How many waited and found the key held a report has as shares alone; only a monitor outlives what
// is missed or stalled.
places!(TrialResult {
    Attempts: attempts,
    Grants: grants,
    Refused: refused,
    TimedOut: timed_out,
    Unavailable: unavailable,
    Unknown: unknown,
    Deadlocked: deadlocked,
    Confirmed: confirmed,
    Deadlocks: deadlocks,
    Dropped: dropped,
    Overtakes: fairness.overtakes,
} then safety);

impl TrialResult {
    /// All its counts. How many waited and found the key held, of which a report has the shares
    /// alone, is in those of its fold.
    #[must_use]
    pub fn totals(&self, counts: Option<&Counts>) -> Totals {
        let mut totals = Totals::default();
        for &counter in Counter::ALL {
            totals.set(counter, self.count(counter));
        }
        totals.set(Counter::Waited, counts.map(|counts| counts.waited));
        totals.set(Counter::FoundHeld, counts.map(|counts| counts.found_held));
        totals
    }
}

impl LatencySet {
    /// The figures of a latency.
    #[must_use]
    pub fn figures(&self, latency: LatencyId) -> &LatencyFigures {
        match latency {
            LatencyId::AcquireService => &self.acquire_service,
            LatencyId::AcquireResponse => &self.acquire_response,
            LatencyId::Hold => &self.hold,
            LatencyId::Handoff => &self.handoff,
            LatencyId::Release => &self.release,
            LatencyId::Renew => &self.renew,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
pub(crate) fn zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn none(seconds: &f64) -> bool {
    *seconds <= 0.0
}

/// Fairness among the clients of a trial, over the measure phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fairness {
    /// Jain's index of the grants a client: 1 is even, 1/n is one client takes all.
    pub jain: Option<f64>,
    /// Jain's index of how long each client held locks; left out where nothing was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jain_held: Option<f64>,
    /// Grants of the client that got most.
    pub max_grants: u64,
    /// Grants of the client that got fewest.
    pub min_grants: u64,
    /// Grants to a later arrival while an earlier one waited.
    pub overtakes: u64,
    /// Longest wait, granted or not.
    pub longest_wait_ns: u64,
}

/// A mean with its 95 % interval, from one trial: neighbours in time resemble each other, so that its steps are worth fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Within {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Independent steps that the trial is worth.
    pub effective_steps: f64,
}

/// Processor time of the measure phase and memory at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// Of lockbench itself.
    pub client_cpu_s: Option<f64>,
    /// Of that, the recorder's: it merges what clients do, folds figures, judges, and writes the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorder_cpu_s: Option<f64>,
    /// Of the servers that we started.
    pub server_cpu_s: Option<f64>,
    /// Resident memory of these.
    pub server_rss_bytes: Option<u64>,
    /// Bytes over TCP that lockbench sent to the servers, and they confirmed; left out where there is no such connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_bytes: Option<u64>,
    /// Bytes over TCP that it got from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_bytes: Option<u64>,
}

/// Response times that had not settled (MSER-5 cuts more than half of the measure phase, and they are longer after that).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitsGrow {
    /// Seconds of the measure phase before the cut.
    pub from_s: f64,
    /// Mean response time until then, in nanoseconds.
    pub before_ns: f64,
    /// And from then on.
    pub after_ns: f64,
}

impl WaitsGrow {
    /// As a sentence.
    #[must_use]
    pub fn told(&self) -> String {
        format!(
            "waits had not settled: {} on average in the first {}, {} after that",
            human_duration(self.before_ns as u64),
            human_duration((self.from_s * 1e9) as u64),
            human_duration(self.after_ns as u64)
        )
    }
}

/// Holds that ran to their end: how long the plan asked them to be, and how much longer they were. The difference is the
/// load generator's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldsAsked {
    /// As asked for.
    pub asked: LatencyFigures,
    /// How much longer each was.
    pub longer: LatencyFigures,
}

/// How much of the history is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryFacts {
    /// Every attempt?
    pub complete: bool,
    /// Attempts written in full.
    pub attempts: u64,
}

/// The trials of a backend merged: histograms added, counts summed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Aggregate {
    /// Registry name in full.
    pub backend: String,
    /// Number of trials merged.
    pub trials: u32,
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Grants.
    pub grants: u64,
    /// Timed-out attempts.
    pub timed_out: u64,
    /// Attempts not served or with an unknown outcome.
    pub failed: u64,
    /// Share of attempts that the system served: granted, refused, or timed out in order.
    #[serde(default)]
    pub availability: Option<f64>,
    /// Grants of the measure phases by their length.
    pub throughput_per_s: Option<f64>,
    /// Latencies of all trials.
    pub latency: LatencySet,
    /// Double grants of all trials.
    pub double_grants_certain: u64,
    /// Of these: inside.
    pub inside: u64,
    /// Of these: withdrawn.
    #[serde(default)]
    pub withdrawn: u64,
    /// Of these: outside.
    pub outside: u64,
    /// Of these: the server itself admitted both holds.
    #[serde(default)]
    pub admitted: u64,
    /// Worst verdict of the trials.
    pub verdict: SafetyVerdict,
    /// Upper bound over the holds of all trials.
    pub upper_bound_95_per_million: Option<f64>,
    /// Holds that a request of another client challenged.
    pub exercised_holds: u64,
}

places!(Aggregate {
    Attempts: attempts,
    Grants: grants,
    TimedOut: timed_out,
    DoubleGrants: double_grants_certain,
    Inside: inside,
    TakenBack: withdrawn,
    Outside: outside,
    Admitted: admitted,
});

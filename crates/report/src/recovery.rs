//! What a report says of how a lock service came back from what was done to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use lockbench_core::oracle::{self, Findings, Gap};

/// How the service of a trial came back. Seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recovery {
    /// Of each injection of a fault, in order of time: the longest time without a grant.
    pub gaps: Vec<FaultGap>,
    /// How often a key was left behind, while no other held it, by a client that died, or whose release got no answer, or
    /// got one although the servers went on to say that somebody has it who is no client.
    pub left_behind: u64,
    /// The longest time that a key was stuck, if it was left behind or a fault had been injected; null: none was.
    pub stuck: Option<Stuck>,
    /// The longest time, at least, in which a holder did not know that the servers had lost its lock: until its
    /// session was told, or it left. 0: no holder of those that were looked at; null: the servers were not asked who
    /// holds a key.
    pub blind_s: Option<f64>,
    /// The same of a client that ignores every signal: until it left. Left out where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_ignoring_s: Option<f64>,
    /// The same of a careful client, which stops where its lease is over by its own clock, or its session is told before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_careful_s: Option<f64>,
}

/// The longest time without a grant of any key, from the last grant before a fault to the first after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultGap {
    /// Place of the fault in the plan, from 1.
    pub fault: u32,
    /// Place of the node among the servers of the system, from 0; of a fault of clients, the client's number.
    pub node: u32,
    /// When it was injected, since the start of the warm-up.
    pub injected_s: f64,
    /// So long.
    pub gap_s: f64,
    /// No grant came any more: it is longer.
    pub at_least: bool,
}

/// A time in which a client asked for a key that no living client held, and none was granted it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stuck {
    /// Key index.
    pub key: u32,
    /// The client that had left it behind; null: nobody had.
    pub client: Option<u32>,
    /// From when it was asked for and held by nobody, until the next grant of it.
    pub stuck_s: f64,
    /// No grant of it came any more: it is longer.
    pub at_least: bool,
    /// Of that: until a server said that the client holds it no more; null: none said so, or none was asked, or nobody
    /// had left it behind.
    pub detect_s: Option<f64>,
    /// And from then to the grant; null likewise.
    pub wake_s: Option<f64>,
}

impl Recovery {
    /// What was found in a trial that began at `origin`; `None`: nothing was done to the service, and no key was
    /// stuck.
    #[must_use]
    pub fn of(findings: &Findings, origin: u64) -> Option<Self> {
        let (recovered, blind) = (&findings.recovered, &findings.blind);
        let quiet = recovered.gaps.is_empty() && recovered.stuck.is_none() && blind.ignoring_ns == 0;
        let of = |longest_ns: u64| (blind.looked_at > 0).then(|| seconds(longest_ns));
        (!quiet).then(|| Self {
            gaps: recovered.gaps.iter().map(|gap| FaultGap::of(gap, origin)).collect(),
            left_behind: recovered.left_behind,
            stuck: recovered.stuck.as_ref().map(Stuck::of),
            blind_s: of(blind.longest_ns),
            blind_ignoring_s: of(blind.ignoring_ns),
            blind_careful_s: of(blind.careful_ns),
        })
    }
}

impl FaultGap {
    fn of(gap: &Gap, origin: u64) -> Self {
        Self {
            fault: u32::from(gap.fault) + 1,
            node: u32::from(gap.node),
            injected_s: seconds(gap.from_ns.saturating_sub(origin)),
            gap_s: seconds(gap.gap_ns),
            at_least: gap.at_least,
        }
    }
}

impl Stuck {
    fn of(one: &oracle::Stuck) -> Self {
        let between = |from: u64, to: u64| seconds(to.saturating_sub(from));
        // It may have been free before anybody asked.
        let free = one.free_ns.map(|free| free.max(one.from_ns));
        Self {
            key: one.key,
            client: one.client,
            stuck_s: between(one.from_ns, one.to_ns),
            at_least: one.at_least,
            detect_s: free.map(|free| between(one.from_ns, free)),
            wake_s: free.filter(|_| !one.at_least).map(|free| between(free, one.to_ns)),
        }
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use lockbench_core::oracle::{Findings, Gap, Stuck};

    use super::Recovery;

    #[test]
    fn a_stuck_key_is_split_where_a_server_told_when_it_noticed() {
        let mut findings = Findings::default();
        assert_eq!(Recovery::of(&findings, 0), None);
        let second = 1_000_000_000;
        findings.recovered.gaps.push(Gap { fault: 0, node: 2, from_ns: 3 * second, gap_ns: second, at_least: false });
        let mut stuck =
            Stuck { key: 0, client: Some(4), from_ns: 3 * second, free_ns: None, to_ns: 9 * second, at_least: false };
        findings.recovered.stuck = Some(stuck);
        let told = Recovery::of(&findings, second).unwrap();
        assert_eq!((told.gaps[0].fault, told.gaps[0].injected_s, told.blind_s), (1, 2.0, None));
        assert_eq!(told.stuck.map(|stuck| (stuck.stuck_s, stuck.detect_s, stuck.wake_s)), Some((6.0, None, None)));
        stuck.free_ns = Some(7 * second);
        findings.recovered.stuck = Some(stuck);
        let told = Recovery::of(&findings, second).unwrap();
        assert_eq!(told.stuck.map(|stuck| (stuck.detect_s, stuck.wake_s)), Some((Some(4.0), Some(2.0))));
    }
}

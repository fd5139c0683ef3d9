//! What guides claim of lock systems under faults, beside what the matrix showed. Claims that contradict one another
//! stand side by side, each judged by the same cell.

use super::{Cell, Matrix, Tone};
use crate::claim::Judgement;
use lockbench_core::units::human_duration;

/// A claim judged by a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedClaim {
    /// Registry name of the system.
    pub system: &'static str,
    /// What the claim is about.
    pub property: &'static str,
    /// The claim.
    pub claim: &'static str,
    /// Who makes it: a title.
    pub source: &'static str,
    /// The scenario that judges it.
    pub scenario: &'static str,
    /// How it came out.
    pub judgement: Judgement,
    /// What was seen; "-" if nothing.
    pub measured: String,
    /// Why it came out so.
    pub because: String,
}

/// What a claim says of a cell.
#[derive(Clone, Copy)]
enum Says {
    /// Nothing is granted twice.
    Safe,
    /// A lock may be granted twice.
    Unsafe,
    /// Another client is granted the lock of a holder that died, after this.
    Frees,
    /// Locks are granted while the fault lasts.
    Serves,
    /// No lock is granted while the fault lasts.
    Stops,
}

struct Claim {
    system: &'static str,
    property: &'static str,
    text: &'static str,
    source: &'static str,
    scenario: &'static str,
    says: Says,
}

/// A wait that is no outage: elections and retries are shorter.
const SERVES_WITHIN_NS: u64 = 1_500_000_000;

const TUTORIAL: &str = "Distributed Locks (tutorial)";
const PATTERN: &str = "Distributed Lock Pattern";
const PRODUCTION: &str = "Distributed Locking Pattern: Redlock vs Zookeeper in Production";
const VERSUS: &str = "Distributed Locking (Redis vs Zookeeper)";

/// Where several say it and none alone.
const GUIDES: &str = "guides on distributed locks";

const fn claim(
    (system, property): (&'static str, &'static str),
    text: &'static str,
    source: &'static str,
    (scenario, says): (&'static str, Says),
) -> Claim {
    Claim { system, property, text, source, scenario, says }
}

static CLAIMS: &[Claim] = &[
    claim(("redis", "auto release"), "TTL", VERSUS, ("holder-crash", Says::Frees)),
    claim(("redlock", "auto release"), "TTL", TUTORIAL, ("holder-crash", Says::Frees)),
    claim(("zookeeper", "auto release"), "end of the session", VERSUS, ("holder-crash", Says::Frees)),
    claim(("etcd", "auto release"), "lease", PATTERN, ("holder-crash", Says::Frees)),
    claim(("postgres:lease", "auto release"), "lease row", TUTORIAL, ("holder-crash", Says::Frees)),
    claim(("postgres:advisory", "auto release"), "end of the connection", TUTORIAL, ("holder-crash", Says::Frees)),
    claim(("zookeeper", "auto release"), "ephemeral nodes (perfect)", VERSUS, ("client-pause", Says::Safe)),
    claim(("redis", "network partition"), "split brain possible", VERSUS, ("partition", Says::Unsafe)),
    claim(("redlock", "network partition"), "ensures correctness during partitions", VERSUS, ("partition", Says::Safe)),
    claim(("redlock", "network partition"), "not safe under network partitions", TUTORIAL, ("partition", Says::Unsafe)),
    claim(("redlock", "network partition"), "split brain possible", PRODUCTION, ("minority-partition", Says::Unsafe)),
    claim(("zookeeper", "network partition"), "safe", PRODUCTION, ("partition", Says::Safe)),
    claim(("etcd", "network partition"), "safe", PATTERN, ("partition", Says::Safe)),
    claim(("redlock", "fault tolerance"), "a minority of the nodes", TUTORIAL, ("two-nodes-down", Says::Serves)),
    claim(("redlock", "fault tolerance"), "N/2+1 Redis failures", PRODUCTION, ("three-nodes-down", Says::Serves)),
    claim(("redis", "fault tolerance"), "a crash loses the lock", VERSUS, ("restart-empty", Says::Unsafe)),
    claim(("redis", "clock jump"), "unsafe", VERSUS, ("clock-forward", Says::Unsafe)),
    claim(("redlock", "clock jump"), "unsafe", PRODUCTION, ("clock-forward-majority", Says::Unsafe)),
    claim(("redlock", "clock jump"), "unsafe (one node)", PRODUCTION, ("clock-forward-one", Says::Unsafe)),
    claim(("redlock", "clock jump"), "unsafe (one node, two cut off)", PRODUCTION, ("clock-forward-cut", Says::Unsafe)),
    claim(("zookeeper", "clock jump"), "no effect", PRODUCTION, ("clock-forward", Says::Safe)),
    claim(("etcd", "clock jump"), "no effect", GUIDES, ("clock-forward", Says::Safe)),
    claim(("postgres:lease", "clock jump"), "follows the host's clock", GUIDES, ("clock-forward", Says::Unsafe)),
    claim(("postgres:advisory", "fault tolerance"), "single point of failure", PATTERN, ("server-pause", Says::Stops)),
];

/// Every claim on a system and a scenario of the matrix, judged.
#[must_use]
pub fn judged_claims(matrix: &Matrix) -> Vec<JudgedClaim> {
    let of = |claim: &Claim| matrix.cells().find(|c| c.system == claim.system && c.scenario == claim.scenario);
    let one = |claim: &'static Claim| {
        let cell = of(claim)?;
        let (judgement, because) = judge(claim.says, cell);
        Some(JudgedClaim {
            system: claim.system,
            property: claim.property,
            claim: claim.text,
            source: claim.source,
            scenario: claim.scenario,
            judgement,
            measured: if judgement == Judgement::NotMeasured { "-".to_owned() } else { cell.seen.clone() },
            because,
        })
    };
    CLAIMS.iter().filter_map(one).collect()
}

fn judge(says: Says, cell: &Cell) -> (Judgement, String) {
    let (violated, shows) = (cell.tone == Tone::Violated, !matches!(cell.tone, Tone::Absent | Tone::Inconclusive));
    if !shows {
        return (
            Judgement::NotMeasured,
            if cell.because.is_empty() { cell.label.clone() } else { cell.because.clone() },
        );
    }
    let gap = cell.all.iter().filter_map(|seen| seen.stuck_ns).max().unwrap_or(0);
    let told = human_duration(gap);
    let out = |agrees: bool, yes: String, no: String| {
        if agrees { (Judgement::Confirmed, yes) } else { (Judgement::Refuted, no) }
    };
    let twice = "a lock was granted twice".to_owned();
    let once = "no lock was granted twice, and the condition for it was reached".to_owned();
    match says {
        Says::Safe => out(!violated, once, twice),
        Says::Unsafe => out(violated, twice, once),
        Says::Frees => out(!violated, format!("another client was granted the lock of the dead after {told}"), twice),
        Says::Serves => out(
            gap < SERVES_WITHIN_NS && !violated,
            format!("the longest time without a grant was {told}"),
            format!("no lock was granted for {told}"),
        ),
        Says::Stops => out(
            gap >= SERVES_WITHIN_NS,
            format!("no lock was granted for {told}"),
            format!("the longest time without a grant was {told}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{CLAIMS, Judgement, judged_claims};
    use crate::scenario::{Cell, Matrix, Row, Seen, Tone};
    use lockbench_core::workload::scenarios;

    fn matrix(scenario: &str, system: &str, tone: Tone, gap: u64) -> Matrix {
        let cell = Cell {
            scenario: scenario.to_owned(),
            system: system.to_owned(),
            tone,
            all: vec![Seen { stuck_ns: Some(gap), ..Seen::default() }],
            ..Cell::default()
        };
        let row = Row { scenario: scenario.to_owned(), cells: vec![Some(cell)], ..Row::default() };
        Matrix { systems: vec![system.to_owned()], rows: vec![row], ..Matrix::default() }
    }

    #[test]
    fn every_claim_is_judged_by_a_scenario_that_there_is() {
        for claim in CLAIMS {
            assert!(scenarios().any(|(name, _)| name == claim.scenario), "{}", claim.scenario);
        }
    }

    #[test]
    fn claims_that_contradict_each_other_come_out_differently() {
        let judged = |tone| -> Vec<Judgement> {
            let judged = judged_claims(&matrix("partition", "redlock", tone, 0));
            judged.iter().map(|one| one.judgement).collect()
        };
        assert_eq!(judged(Tone::Safe), [Judgement::Confirmed, Judgement::Refuted]);
        assert_eq!(judged(Tone::Violated), [Judgement::Refuted, Judgement::Confirmed]);
        assert_eq!(judged(Tone::Inconclusive), [Judgement::NotMeasured, Judgement::NotMeasured]);
    }

    #[test]
    fn a_majority_that_is_gone_serves_nobody() {
        let judged = |scenario, gap| judged_claims(&matrix(scenario, "redlock", Tone::Stuck, gap))[0].judgement;
        assert_eq!(judged("three-nodes-down", 3_000_000_000), Judgement::Refuted);
        assert_eq!(judged("two-nodes-down", 40_000_000), Judgement::Confirmed);
        // A run without the scenario judges nothing.
        assert!(judged_claims(&matrix("normal", "redlock", Tone::Safe, 0)).is_empty());
    }
}

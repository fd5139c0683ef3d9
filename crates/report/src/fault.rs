//! What became of the faults of a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use lockbench_core::record::{ClockSeen, FaultRecord, LeaderAfter};
use lockbench_core::workload::{FaultKind, PlannedFault, Target};

/// One planned fault at one node, in one trial. Seconds count from the begin of measuring.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InjectedFault {
    /// Registry name.
    pub backend: String,
    /// Trial number.
    pub trial: u32,
    /// Its place in the plan, from 1.
    pub fault: u32,
    /// What was done.
    pub kind: String,
    /// At which nodes it was aimed, as the plan has it.
    pub target: String,
    /// The node that was hit.
    pub node: String,
    /// When it was injected.
    pub injected_s: f64,
    /// When the node was whole again; null if it did not come back.
    pub healed_s: Option<f64>,
    /// Whether it was seen to have done what it is for.
    pub bit: bool,
    /// Why it could not be injected or healed; null if it was.
    pub problem: Option<String>,
    /// Of a fault that hit the leader: the node that led afterwards; null if none did, or another node was hit.
    #[serde(default)]
    pub leader_after: Option<String>,
    /// Seconds from the injection until another node was first seen to lead; null if the leader stayed.
    #[serde(default)]
    pub elected_after_s: Option<f64>,
    /// Of a fault that moves a clock: by how many seconds the node's own time was ahead of ours before, during and
    /// after it, as the node told; null if it was not asked, or another fault.
    #[serde(default)]
    pub clock_off_s: Option<ClockOff>,
    /// Of a power cut: bytes that were written and not synced, and that the disk forgot; null for other faults.
    #[serde(default)]
    pub forgotten_bytes: Option<u64>,
    /// Of a power cut: names that were made, renamed or removed, whose directory was not synced; null for other faults.
    #[serde(default)]
    pub forgotten_names: Option<u64>,
    /// Of a slow disk: calls of fsync that took longer; null for other faults.
    #[serde(default)]
    pub fsyncs_delayed: Option<u64>,
}

/// By how many seconds the wall clock of a node was ahead of ours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockOff {
    /// Before the fault.
    pub before: f64,
    /// When last asked while it was in force.
    pub during: Option<f64>,
    /// When it was put right.
    pub after: Option<f64>,
}

impl ClockOff {
    fn of(seen: ClockSeen) -> Self {
        // Asking takes a millisecond or more: what lies below is noise.
        // A little behind is 0, and not -0.
        let seconds = |ns: i64| (ns as f64 / 1e6).round() / 1e3 + 0.0;
        Self { before: seconds(seen.before_ns), during: seen.during_ns.map(seconds), after: seen.after_ns.map(seconds) }
    }

    fn told(self) -> String {
        let one = |off: Option<f64>| off.map_or_else(|| "unknown".to_owned(), |off| format!("{off:+.3} s"));
        format!(
            "; its own time was {} from ours before, {} during and {} after",
            one(Some(self.before)),
            one(self.during),
            one(self.after)
        )
    }
}

impl InjectedFault {
    /// Of a record of the engine. `origin`: when measuring began, in clock nanoseconds.
    #[must_use]
    pub fn of(record: &FaultRecord, planned: &[PlannedFault], (backend, trial): (&str, u32), origin: u64) -> Self {
        let seconds = |t: u64| (i128::from(t) - i128::from(origin)) as f64 / 1e9;
        let (leader_after, elected_after_s) = match &record.leader {
            None | Some(LeaderAfter::Nobody) => (None, None),
            Some(LeaderAfter::Same) => (Some(record.name.clone()), None),
            Some(LeaderAfter::Changed { name, after_ns }) => (Some(name.clone()), Some(*after_ns as f64 / 1e9)),
        };
        let plan = planned.get(usize::from(record.of.fault));
        let of = |kind: fn(FaultKind) -> bool| record.disk.filter(|_| plan.is_some_and(|fault| kind(fault.kind)));
        let cut = of(|kind| kind == FaultKind::ServerPowerCut);
        let slow = of(|kind| matches!(kind, FaultKind::DiskSlow { .. }));
        Self {
            backend: backend.to_owned(),
            trial,
            fault: u32::from(record.of.fault) + 1,
            kind: plan.map_or("", |fault| fault.kind.name()).to_owned(),
            target: plan.map_or("", |fault| fault.target.word()).to_owned(),
            node: record.name.clone(),
            injected_s: seconds(record.from),
            healed_s: record.healed.map(seconds),
            bit: record.bit,
            problem: record.problem.clone(),
            leader_after,
            elected_after_s,
            clock_off_s: record.clock.map(ClockOff::of),
            forgotten_bytes: cut.map(|disk| disk.forgotten_bytes),
            forgotten_names: cut.map(|disk| disk.forgotten_names),
            fsyncs_delayed: slow.map(|disk| disk.fsyncs_delayed),
        }
    }

    /// Returns why a run with it is inconclusive; `None`: the fault did what it is for.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        let Self { backend, trial, fault, kind, node, .. } = self;
        let which = format!("{backend} trial {trial}: fault {fault} ({kind} of {node})");
        match &self.problem {
            Some(problem) => Some(format!("{which} went wrong: {problem}")),
            None => (!self.bit).then(|| format!("{which} did not bite: what it is for was not seen")),
        }
    }
}

/// What the faults of a run were, a line for each injection: the nodes that one injection hit
/// are named together.
#[must_use]
pub fn notes_on_faults(faults: &[InjectedFault]) -> Vec<String> {
    let together = |a: &InjectedFault, b: &InjectedFault| {
        // The nodes of one injection are hit one after the other, within the time that this takes.
        (&a.backend, a.trial, a.fault) == (&b.backend, b.trial, b.fault)
            && a.healed_s.is_none_or(|healed| b.injected_s < healed)
    };
    faults.chunk_by(together).map(line).collect()
}

fn line(hit: &[InjectedFault]) -> String {
    let [InjectedFault { backend, trial, fault, kind, injected_s, .. }, ..] = hit else { return String::new() };
    let nodes: Vec<&str> = hit.iter().map(|one| one.node.as_str()).collect();
    let healed = hit.iter().map(|one| one.healed_s).try_fold(0.0_f64, |last, healed| Some(last.max(healed?)));
    let end = match healed {
        Some(healed) => format!("healed at {healed:.2} s"),
        None if hit.iter().all(|one| one.problem.is_none()) => "which nothing undoes".to_owned(),
        None => "NOT healed".to_owned(),
    };
    let bit = match hit.iter().filter(|one| one.bit).count() {
        0 => "did NOT bite".to_owned(),
        all if all == hit.len() => "bit".to_owned(),
        some => format!("bit on {some} of {}", hit.len()),
    };
    let leads = hit.iter().find_map(|one| match (&one.leader_after, one.elected_after_s) {
        (Some(node), Some(after)) => Some(format!("; {node} was elected within {after:.2} s")),
        (Some(node), None) => Some(format!("; {node} led, and still does")),
        (None, _) => (one.target == Target::Leader.word()).then(|| "; no node leads afterwards".to_owned()),
    });
    let clock = hit.iter().find_map(|one| one.clock_off_s).map(ClockOff::told);
    format!(
        "{backend}, trial {trial}: fault {fault}, {kind} of {}, at {injected_s:.2} s of measuring, {end}: it {bit}{}{}",
        nodes.join(", "),
        leads.unwrap_or_default(),
        clock.or_else(|| of_the_disks(hit)).unwrap_or_default()
    )
}

/// What the disks of the nodes did, together.
fn of_the_disks(hit: &[InjectedFault]) -> Option<String> {
    let sum = |of: fn(&InjectedFault) -> Option<u64>| hit.iter().filter_map(of).reduce(|sum, one| sum + one);
    if let Some(delayed) = sum(|one| one.fsyncs_delayed) {
        return Some(format!("; fsyncs that took longer: {delayed}"));
    }
    let (bytes, names) = (sum(|one| one.forgotten_bytes)?, sum(|one| one.forgotten_names)?);
    Some(match (bytes, names) {
        (0, 0) => "; the disk had nothing to forget: all was synced".to_owned(),
        _ => format!("; the disk forgot {bytes} bytes and {names} changes of names that were not synced"),
    })
}

/// The condition that a verdict stands under, with so many injections of faults.
#[must_use]
pub fn conditions(injections: usize) -> String {
    match injections {
        0 => "under this plan, no faults injected".to_owned(),
        1 => "under this plan, with 1 injection of a fault".to_owned(),
        several => format!("under this plan, with {several} injections of faults"),
    }
}

#[cfg(test)]
mod tests {
    use super::{InjectedFault, notes_on_faults};
    use lockbench_core::record::{DiskFacts, Disturbance, FaultRecord, LeaderAfter};
    use lockbench_core::workload::parse;

    fn injected(record: &FaultRecord) -> InjectedFault {
        let text = "clients = 1\n[[faults]]\nkind = \"server-pause\"\ntarget = \"one\"\nat = \"1s\"\nfor = \"2s\"\n";
        let (plan, _) = parse("w.toml", text, &[]).unwrap();
        InjectedFault::of(record, &plan.faults, ("redis", 2), 1_000_000_000)
    }

    fn record() -> FaultRecord {
        let of = Disturbance { fault: 0, node: 0 };
        let name = "redis-0".to_owned();
        FaultRecord {
            of,
            name,
            from: 2_000_000_000,
            healed: Some(4_500_000_000),
            bit: true,
            problem: None,
            leader: None,
            clock: None,
            disk: None,
        }
    }

    #[test]
    fn a_fault_that_bit_is_a_line_and_no_doubt() {
        let one = injected(&record());
        assert_eq!(one.doubt(), None);
        let line = "redis, trial 2: fault 1, server-pause of redis-0, at 1.00 s of measuring, healed at 3.50 s: it bit";
        assert_eq!(notes_on_faults(&[one]), [line]);
    }

    #[test]
    fn a_fault_of_the_leader_says_who_leads_afterwards() {
        let after = |leader: LeaderAfter| {
            let one = injected(&FaultRecord { leader: Some(leader), ..record() });
            notes_on_faults(&[InjectedFault { target: "leader".to_owned(), ..one }]).remove(0)
        };
        let changed = LeaderAfter::Changed { name: "redis-1".to_owned(), after_ns: 1_200_000_000 };
        assert!(after(changed).ends_with("it bit; redis-1 was elected within 1.20 s"));
        assert!(after(LeaderAfter::Same).ends_with("it bit; redis-0 led, and still does"));
        assert!(after(LeaderAfter::Nobody).ends_with("it bit; no node leads afterwards"));
    }

    #[test]
    fn a_power_cut_says_what_the_disk_forgot_and_a_slow_disk_what_waited() {
        let of = |kind: &str, disk: DiskFacts| {
            let text = format!("clients = 1\n[[faults]]\nkind = {kind}\nat = \"1s\"\nfor = \"2s\"\n");
            let (plan, _) = parse("w.toml", &text, &[]).unwrap();
            let record = FaultRecord { disk: Some(disk), ..record() };
            notes_on_faults(&[InjectedFault::of(&record, &plan.faults, ("redis", 1), 0)]).remove(0)
        };
        let disk = DiskFacts { forgotten_bytes: 95, forgotten_names: 1, fsyncs_delayed: 3, ..DiskFacts::default() };
        let line = of("\"server-power-cut\"", disk);
        assert!(
            line.ends_with("it bit; the disk forgot 95 bytes and 1 changes of names that were not synced"),
            "{line}"
        );
        let line = of("\"server-power-cut\"", DiskFacts::default());
        assert!(line.ends_with("the disk had nothing to forget: all was synced"), "{line}");
        let line = of("\"disk-slow\"\nby = \"1s\"", disk);
        assert!(line.ends_with("it bit; fsyncs that took longer: 3"), "{line}");
    }

    #[test]
    fn the_nodes_of_one_injection_are_named_together() {
        let one = injected(&record());
        let other = InjectedFault { node: "redis-1".to_owned(), injected_s: 1.001, bit: false, ..one.clone() };
        let problem = Some("it does not start".to_owned());
        let later = InjectedFault { injected_s: 9.0, healed_s: None, problem, ..one.clone() };
        let killed = InjectedFault { injected_s: 12.0, healed_s: None, fault: 2, ..one.clone() };
        let notes = notes_on_faults(&[one, other, later, killed]);
        assert_eq!(notes.len(), 3);
        assert!(notes[2].contains("which nothing undoes"), "{notes:?}");
        assert!(
            notes[0].contains("of redis-0, redis-1, at 1.00 s") && notes[0].ends_with("it bit on 1 of 2"),
            "{notes:?}"
        );
        assert!(notes[1].contains("NOT healed"), "{notes:?}");
    }

    #[test]
    fn a_fault_that_did_not_bite_or_went_wrong_is_doubted() {
        let doubt = injected(&FaultRecord { bit: false, ..record() }).doubt().unwrap();
        assert_eq!(doubt, "redis trial 2: fault 1 (server-pause of redis-0) did not bite: what it is for was not seen");
        let problem = Some("cannot restart redis-0: no".to_owned());
        let doubt = injected(&FaultRecord { healed: None, problem, ..record() }).doubt().unwrap();
        assert!(doubt.ends_with("went wrong: cannot restart redis-0: no"), "{doubt}");
    }
}

//! Lints on how servers, machine and plan are set up: true before the run began, read
//! back from what was there.

use super::super::durability::Durability;
use super::super::schema::TrialResult;
use super::evidence::{Evidence, Sighting};
use lockbench_core::lock::{Copies, NodesOfTrial, Storage};
use lockbench_core::units::human_duration;
use lockbench_core::workload::plan::{Expectation, Keys, RenewalPolicy};

pub(super) fn fsync_off(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let systems = evidence.systems().into_iter().filter(|(_, trials)| trials[0].guarantees["waiting"] != "in-process");
    systems
        .filter_map(|(name, trials)| match Durability::of(trials[0]).storage {
            Storage::Synced => None,
            Storage::Memory if trials[0].durability.has_files_in_memory() => Some(Sighting::found(
                name,
                "the files lie in memory: TMPDIR (of sqlite the results) is no directory of a disk".to_owned(),
            )),
            unsynced @ (Storage::Memory | Storage::Unsynced) => Some(Sighting::found(name, place(unsynced).to_owned())),
            Storage::Unknown => Some(Sighting::unsure(name, format!("its durability is \"{}\"", trials[0].durability))),
        })
        .collect()
}

fn place(storage: Storage) -> &'static str {
    match storage {
        Storage::Memory => "grants are kept in memory only",
        Storage::Unsynced | Storage::Synced | Storage::Unknown => "answered before the disk was synchronised",
    }
}

pub(super) fn single_node(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let systems = evidence.served().into_iter();
    systems
        .filter_map(|(name, trials)| match Durability::of(trials[0]).copies {
            Copies::One | Copies::Process => Some(Sighting::found(name, "one node".to_owned())),
            Copies::Unknown => Some(Sighting::unsure(name, format!("its quorum is \"{}\"", trials[0].quorum))),
            Copies::Standby | Copies::Quorum(_) => None,
        })
        .collect()
}

pub(super) fn loopback(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let placement = &evidence.report.environment.placement;
    let here = placement.contains("loopback") && !evidence.served().is_empty();
    here.then(|| Sighting::of_run(placement.clone(), true)).into_iter().collect()
}

pub(super) fn nagle_on(evidence: &Evidence<'_>) -> Vec<Sighting> {
    // "Some here, some there" does not say which: then it may matter.
    if evidence.report.environment.placement.starts_with("servers on the same machine") {
        return Vec::new();
    }
    let systems = evidence.served().into_iter().filter(|(name, _)| evidence.nagle.contains(name));
    let detail = "its client library sets no TCP_NODELAY and offers no way to";
    systems.map(|(name, _)| Sighting::found(name, detail.to_owned())).collect()
}

pub(super) fn ttl_below_hold(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let plan = evidence.plan;
    let contended = plan.clients > 1 && plan.keys != Keys::PerClient;
    if contended && plan.expect.contains(&Expectation::Outside) {
        return Vec::new();
    }
    evidence.systems().into_iter().filter_map(|(name, trials)| overstays(evidence, name, &trials)).collect()
}

/// Longest hold against the shortest lease in force.
fn overstays(evidence: &Evidence<'_>, name: &str, trials: &[&TrialResult]) -> Option<Sighting> {
    let guarantees = &trials[0].guarantees;
    if guarantees["lease"] != true || guarantees["renewal"] != "explicit" {
        return None;
    }
    let leases = trials.iter().filter_map(|trial| trial.effective_ttl_ms).map(|ms| (ms * 1e6) as u64);
    let Some(ttl_ns) = leases.min() else {
        return Some(Sighting::unsure(name, "no lease was granted, so none could be read back".to_owned()));
    };
    if matches!(evidence.plan.renewal, RenewalPolicy::Every { ns } if ns < ttl_ns) {
        return None;
    }
    let planned = Some(evidence.plan.longest_hold_ns()).filter(|ns| *ns != u64::MAX && *ns >= ttl_ns);
    let held = trials.iter().filter_map(|trial| trial.latency.hold.max_ns).max().filter(|ns| *ns >= ttl_ns);
    let longest = match (planned, held) {
        (_, Some(ns)) => format!("a hold lasted {}", human_duration(ns)),
        (Some(ns), None) => format!("a hold may last {}", human_duration(ns)),
        (None, None) => return None,
    };
    Some(Sighting::found(name, format!("{longest} on a lease of {} without renewal", human_duration(ttl_ns))))
}

/// Before a load or after it, whichever shows more nodes away.
pub(super) fn nodes_lost(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let systems = evidence.systems().into_iter();
    systems.filter_map(|(name, trials)| Some(Sighting::found(name, away(&trials)?))).collect()
}

/// `3 of 5 nodes at the end (a:1, b:1 away)`.
fn away(trials: &[&TrialResult]) -> Option<String> {
    let looks = trials.iter().flat_map(|trial| {
        let NodesOfTrial { start, end } = &trial.nodes;
        [(start, "at the start"), (end, "at the end")]
    });
    let looks = looks.filter_map(|(nodes, when)| Some((nodes.as_ref()?, when)));
    // The later look where both show as many.
    let (nodes, when) = looks.max_by_key(|(nodes, _)| nodes.away.len())?;
    Some(format!("{nodes} {when} ({} away)", nodes.away_names()?))
}

pub(super) fn standby(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let systems = evidence.served().into_iter().filter(|(_, trials)| trials[0].caveats.standby);
    systems
        .map(|(name, trials)| {
            let role = &trials[0].server_role;
            Sighting::found(name, format!("its server is a copy of another one ({role}): a lock granted there excludes no client of the primary"))
        })
        .collect()
}

pub(super) fn pooled_connection(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let pooled = |(name, trials): (&str, Vec<&TrialResult>)| {
        let pooler = trials[0].caveats.pooler.as_ref()?;
        Some(Sighting::found(name, format!("a pooler stands between: {pooler}")))
    };
    evidence.served().into_iter().filter_map(pooled).collect()
}

pub(super) fn same_server_twice(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let twice = |(name, trials): (&str, Vec<&TrialResult>)| {
        let same: Vec<String> = trials[0].caveats.same_server.iter().map(|group| group.join(" and ")).collect();
        (!same.is_empty()).then(|| Sighting::found(name, format!("{} are one server", same.join("; "))))
    };
    evidence.served().into_iter().filter_map(twice).collect()
}

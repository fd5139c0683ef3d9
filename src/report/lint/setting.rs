//! Lints on how servers, machine and plan are set up: true before the run began, read
//! back from what was there.

use super::super::durability::{Copies, Durability, Storage};
use super::super::schema::TrialResult;
use super::evidence::{Evidence, Sighting};
use crate::units::human_duration;
use crate::workload::plan::{Expectation, Keys, RenewalPolicy};

pub(super) fn fsync_off(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let systems = evidence.systems().into_iter().filter(|(_, trials)| trials[0].guarantees["waiting"] != "in-process");
    systems
        .filter_map(|(name, trials)| match Durability::of(trials[0]).storage {
            Storage::Synced => None,
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
            Copies::One => Some(Sighting::found(name, "one node".to_owned())),
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
    let planned = Some(evidence.plan.hold.longest_ns()).filter(|ns| *ns != u64::MAX && *ns >= ttl_ns);
    let held = trials.iter().filter_map(|trial| trial.latency.hold.max_ns).max().filter(|ns| *ns >= ttl_ns);
    let longest = match (planned, held) {
        (_, Some(ns)) => format!("a hold lasted {}", human_duration(ns)),
        (Some(ns), None) => format!("a hold may last {}", human_duration(ns)),
        (None, None) => return None,
    };
    Some(Sighting::found(name, format!("{longest} on a lease of {} without renewal", human_duration(ttl_ns))))
}

//! Which nodes a fault hits.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand::seq::index::sample;

use super::leader::leader;
use crate::crew::Hands;
use crate::tripwires::Tripped;
use lockbench_core::clock::Clock;
use lockbench_core::lock::RenewalKind;
use lockbench_core::workload::plan::{Plan, RenewalPolicy};
use lockbench_core::workload::{DataAfter, FaultKind, PlannedFault, Target};
use lockbench_systems::levers::{Leads, Lever};
use lockbench_systems::stack::{Probe, Server, no_clocks, no_disk, probe};
use lockbench_systems::{Entry, Nodes, ServerKind};

/// A fault that these servers cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The system has no servers.
    #[error("the plan injects faults into servers, and it has none")]
    NoServers,
    /// Its servers run already, and may be of use to others.
    #[error(
        "the plan injects faults, and only into servers that lockbench starts for the run: give no --endpoint for \
         it, and stop what `lockbench up` left running"
    )]
    NotOurs,
    /// They are not ours to be set.
    #[error(
        "the plan sets {settings} of it, and only of servers that lockbench starts for the run: give no --endpoint \
         for it, or take the settings out of the plan"
    )]
    Settings {
        /// As the server reads them.
        settings: String,
    },
    /// What the plan wants before them is not on this machine.
    #[error("the plan sets {settings}, and {lacks}")]
    Lacks {
        /// As the plan sets it.
        settings: String,
        /// What is missing, and what to do.
        lacks: String,
    },
    /// There is no node of that name.
    #[error("fault {place} is aimed at \"{name}\", and the nodes are {}", nodes.join(", "))]
    NoNode {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// As given.
        name: String,
        /// Those that there are.
        nodes: Vec<String>,
    },
    /// The data of a container cannot be taken from it.
    #[error("fault {place} takes the data from its node, which cannot be done to a container: use --stack local")]
    KeepsData {
        /// Place of the fault in the plan, from 1.
        place: usize,
    },
    /// There is no client of that name.
    #[error("fault {place} is aimed at \"{name}\", and the clients are client-0 to client-{}", clients - 1)]
    NoClient {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// As given.
        name: String,
        /// Number of clients.
        clients: u32,
    },
    /// A client that renews nothing cannot stop to.
    #[error(
        "fault {place} stalls renewals, and clients make none there{}",
        if *heartbeat { ": the library keeps the session by a heartbeat of its own" } else { ": set renewal = \"on\"" }
    )]
    RenewsNothing {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// Is that because a session is kept by heartbeats?
        heartbeat: bool,
    },
    /// Nobody said how worker processes are started.
    #[error("the plan runs clients in processes of their own, and the caller gave no program for them")]
    NoProgram,
    /// Nobody said how disks are served.
    #[error("the plan has a fault of the disk, and the caller gave no program that serves one")]
    NoDiskProgram,
    /// No node of the system leads.
    #[error("fault {place} is aimed at a leader or a follower, which {name} does not have: {why}")]
    NoLeader {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// The kind of server.
        name: &'static str,
        /// Reason.
        why: &'static str,
    },
    /// The system cannot be made to do it.
    #[error("fault {place}, {what}, is not offered by {name}: {why}")]
    NotOffered {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// The kind of fault.
        what: &'static str,
        /// The kind of server.
        name: &'static str,
        /// Reason.
        why: &'static str,
    },
    /// This machine lacks what moves clocks.
    #[error("fault {place} moves a clock, and {why}")]
    NoClocks {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// What is missing, and what to do.
        why: String,
    },
    /// A container has the clock of its machine.
    #[error(
        "fault {place} moves the clock of a server, which cannot be done to a container: use --stack local{}",
        install.map_or_else(String::new, |install| format!(", after {install}"))
    )]
    ClockOfContainer {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// What installs the program of the server, where this machine lacks it.
        install: Option<&'static str>,
    },
    /// No disk that forgets can be had on this machine.
    #[error("fault {place}, {what}, needs a disk that knows what was synced: {why}")]
    NoDisk {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// The kind of fault.
        what: &'static str,
        /// What is missing, and what to do.
        why: String,
    },
    /// Containers have the disk of the host.
    #[error("fault {place}, {what}, is of a disk that lies under programs of this machine: use --stack local")]
    DiskOfContainers {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// The kind of fault.
        what: &'static str,
    },
    /// A node has no peers.
    #[error("fault {place} cuts a node off from its peers, and {name} has none: {why}")]
    NoPeers {
        /// Place of the fault in the plan, from 1.
        place: usize,
        /// The kind of server.
        name: &'static str,
        /// Reason.
        why: &'static str,
    },
    /// There is one node.
    #[error(
        "fault {place} is aimed at a follower, and there is one node, which leads: start more, such as with \
         --set etcd.members=3"
    )]
    NoFollower {
        /// Place of the fault in the plan, from 1.
        place: usize,
    },
}

/// Returns why the faults of a plan cannot be injected for a system, as far as it is known before servers run;
/// `given`: its servers are given, and so not started here.
#[must_use]
pub fn refusal(plan: &Plan, entry: &Entry, given: bool) -> Option<Unfit> {
    if let Err(unfit) = clients_fit(plan, entry) {
        return Some(unfit);
    }
    let settings = entry.server.map(|kind| kind.settings(&plan.options)).unwrap_or_default().join(", ");
    if given && !settings.is_empty() {
        return Some(Unfit::Settings { settings });
    }
    if let Some(lacks) = entry.server.and_then(|kind| kind.lacks(&plan.options)) {
        return Some(Unfit::Lacks { settings, lacks });
    }
    let of_servers = plan.faults.iter().any(|fault| !fault.kind.is_of_a_client());
    match (entry.server, given) {
        _ if !of_servers => None,
        (None, _) => Some(Unfit::NoServers),
        (Some(_), true) => Some(Unfit::NotOurs),
        (Some(kind), false) => {
            let count = kind.started_here(&plan.options);
            let of_servers = plan.faults.iter().zip(1_usize..).filter(|(fault, _)| !fault.kind.is_of_a_client());
            of_servers.into_iter().find_map(|(fault, place)| {
                offered(fault, place, kind, count).or_else(|| on_a_disk(fault, place, kind, plan))
            })
        }
    }
}

/// Why a fault of the disk cannot be had here, or is none to these servers.
fn on_a_disk(fault: &PlannedFault, place: usize, kind: ServerKind, plan: &Plan) -> Option<Unfit> {
    if !fault.kind.needs_a_disk() {
        return None;
    }
    let what = fault.kind.name();
    if let Some(why) = (kind.servers().levers.unsynced)(&plan.options) {
        return Some(Unfit::NotOffered { place, what, name: kind.name(), why });
    }
    no_disk().map(|why| Unfit::NoDisk { place, what, why })
}

const NOT_BESIDE_ITS_STANDBY: &str = "of a server and its standby none can come back empty, as it would be another \
                                      database: leave the standby out, or promote it (kind = \"standby-promote\")";

/// Why so many nodes of a kind cannot have a fault, wherever they run.
fn offered(fault: &PlannedFault, place: usize, kind: ServerKind, count: usize) -> Option<Unfit> {
    let elected = matches!(fault.target, Target::Leader | Target::Follower);
    let servers = kind.servers();
    match servers.levers.leads {
        Leads::None(why) if elected => return Some(Unfit::NoLeader { place, name: kind.name(), why }),
        _ => {}
    }
    if fault.target == Target::Follower && count < 2 {
        return Some(Unfit::NoFollower { place });
    }
    let lever = match fault.kind {
        FaultKind::SessionKill => servers.levers.end_sessions.refused(),
        FaultKind::ServerSqueeze => servers.levers.squeeze.refused(),
        FaultKind::ServerClock { .. } => servers.levers.clock.refused(),
        FaultKind::StandbyPromote => servers.levers.standby.refused().or_else(|| of_a_standby(fault, kind, count)),
        FaultKind::ServerCut if servers.levers.standby.refused().is_none() => of_a_standby(fault, kind, count),
        FaultKind::ServerKill { data: DataAfter::Lost } if count > 1 && servers.levers.standby.refused().is_none() => {
            Some(NOT_BESIDE_ITS_STANDBY)
        }
        _ => None,
    };
    if let Some(why) = lever {
        return Some(Unfit::NotOffered { place, what: fault.kind.name(), name: kind.name(), why });
    }
    if matches!(fault.kind, FaultKind::ServerClock { .. }) {
        if let Some(why) = no_clocks() {
            return Some(Unfit::NoClocks { place, why });
        }
        if let Probe::Missing { install, .. } = probe(kind) {
            return Some(Unfit::ClockOfContainer { place, install: Some(install) });
        }
    }
    let no_peers = match (fault.kind, servers.nodes) {
        (FaultKind::ServerCut, Nodes::One) if count < 2 => "it is one server",
        (FaultKind::ServerCut, Nodes::Independent { .. }) => {
            "its nodes are independent, and know nothing of each other"
        }
        (FaultKind::ServerCut, Nodes::Ensemble) if count < 2 => {
            "there is one member; start more, such as with --set etcd.members=3"
        }
        _ => return None,
    };
    Some(Unfit::NoPeers { place, name: kind.name(), why: no_peers })
}

/// Why so many nodes, of which one leads and the other follows, cannot have a fault of the two.
fn of_a_standby(fault: &PlannedFault, kind: ServerKind, count: usize) -> Option<&'static str> {
    let Lever::Offered(standby) = kind.servers().levers.standby else { return None };
    let wanted = if fault.kind == FaultKind::StandbyPromote { Target::Leader } else { Target::Follower };
    match count {
        0 | 1 => Some(standby.planned),
        _ if fault.target == wanted => None,
        _ if wanted == Target::Leader => Some("it is for the node that leads: write target = \"leader\""),
        _ => Some("it is for the standby: write target = \"follower\""),
    }
}

/// Checks the faults of clients of a plan against a system.
///
/// # Errors
/// The first that cannot be injected there.
fn clients_fit(plan: &Plan, entry: &Entry) -> Result<(), Unfit> {
    for (fault, place) in plan.faults.iter().zip(1_usize..).filter(|(fault, _)| fault.kind.is_of_a_client()) {
        if let Target::Named(name) = &fault.target
            && fault.target.client().is_none_or(|client| client >= plan.clients)
        {
            return Err(Unfit::NoClient { place, name: name.clone(), clients: plan.clients });
        }
        if let Some(why) = fault.kind.moves_a_client_clock().then(no_clocks).flatten() {
            return Err(Unfit::NoClocks { place, why });
        }
        let renews = entry.guarantees.renewal == RenewalKind::Explicit && plan.renewal != RenewalPolicy::Off;
        if fault.kind == FaultKind::ClientStall && !renews {
            return Err(Unfit::RenewsNothing { place, heartbeat: entry.guarantees.renewal == RenewalKind::Heartbeat });
        }
    }
    Ok(())
}

/// The clients that are meant, with all of their processes; `None`: there is no such client now. `drawn`: one of them.
pub(super) fn clients(target: &Target, hands: &Hands, tripped: Option<Tripped>, drawn: u32) -> Option<Vec<u32>> {
    let mut all = 0..hands.clients;
    let wires = hands.common.tripwires.as_ref()?;
    let inside = tripped.map(|tripped| (tripped.client, tripped.key));
    let inside = inside.or_else(|| all.clone().find_map(|client| Some((client, wires.holds(client)?))));
    let meant: Vec<u32> = match target {
        Target::Holder => vec![inside?.0],
        Target::Contender => {
            let (holder, key) = inside?;
            vec![all.find(|client| *client != holder && wires.wants(*client) == Some(key))?]
        }
        Target::All => all.collect(),
        Target::Named(_) => vec![target.client()?],
        _ => vec![drawn],
    };
    let Some(processes) = &hands.processes else { return Some(meant) };
    let with = |client: &u32| meant.iter().any(|meant| processes.of(*meant) == processes.of(*client));
    Some((0..hands.clients).filter(with).collect())
}

/// One of so many, drawn.
pub(super) fn drawn(count: u32, rng: &mut impl Rng) -> u32 {
    sample(rng, count as usize, 1).index(0) as u32
}

/// Checks faults against the servers that they are for.
///
/// # Errors
/// The first that cannot be injected there.
pub fn fits(planned: &[PlannedFault], servers: &Server) -> Result<(), Unfit> {
    for (fault, place) in planned.iter().zip(1_usize..).filter(|(fault, _)| !fault.kind.is_of_a_client()) {
        if let Some(unfit) = offered(fault, place, servers.kind(), servers.nodes().count()) {
            return Err(unfit);
        }
        if let Target::Named(name) = &fault.target
            && !servers.nodes().any(|node| node.name() == name)
        {
            let nodes = servers.nodes().map(|node| node.name().to_owned()).collect();
            return Err(Unfit::NoNode { place, name: name.clone(), nodes });
        }
        if fault.kind == (FaultKind::ServerKill { data: DataAfter::Lost }) && servers.in_containers() {
            return Err(Unfit::KeepsData { place });
        }
        if matches!(fault.kind, FaultKind::ServerClock { .. }) && servers.in_containers() {
            return Err(Unfit::ClockOfContainer { place, install: None });
        }
        if fault.kind.needs_a_disk() && servers.in_containers() {
            return Err(Unfit::DiskOfContainers { place, what: fault.kind.name() });
        }
    }
    Ok(())
}

/// The places of the nodes that are meant, in their order. The error says why there is none now.
pub(super) fn chosen(target: &Target, servers: &Server, clock: Clock, rng: &mut impl Rng) -> Result<Vec<u16>, String> {
    let count = servers.nodes().count();
    let wanted = match target {
        Target::One | Target::Holder | Target::Contender => 1,
        Target::Minority => count.saturating_sub(1) / 2,
        Target::Majority => count / 2 + 1,
        Target::All => count,
        Target::Leader => return Ok(vec![leader(servers, clock)?]),
        Target::Follower => {
            let leader = leader(servers, clock)?;
            let others: Vec<u16> = (0..count as u16).filter(|at| *at != leader).collect();
            return Ok(others.choose(rng).copied().into_iter().collect());
        }
        Target::Named(name) => {
            let found = servers.nodes().position(|node| node.name() == name);
            return Ok(found.map(|place| place as u16).into_iter().collect());
        }
    };
    let mut places: Vec<u16> = sample(rng, count, wanted.min(count)).iter().map(|place| place as u16).collect();
    places.sort_unstable();
    Ok(places)
}

//! Which nodes a fault hits.

use rand::Rng;
use rand::seq::index::sample;

use lockbench_core::workload::{DataAfter, FaultKind, Moment, PlannedFault, Target};
use lockbench_systems::Entry;
use lockbench_systems::stack::{Node, Server};

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
    /// It waits for what is not there yet.
    #[error("fault {place} cannot be injected by this version of lockbench yet")]
    NotYet {
        /// Place of the fault in the plan, from 1.
        place: usize,
    },
}

/// Returns why no fault can be injected for a system, as far as it is known before servers run;
/// `given`: its servers are given, and so not started here.
#[must_use]
pub fn refusal(entry: &Entry, given: bool) -> Option<Unfit> {
    match (entry.server, given) {
        (None, _) => Some(Unfit::NoServers),
        (Some(_), true) => Some(Unfit::NotOurs),
        (Some(_), false) => None,
    }
}

/// Checks faults against the servers that they are for.
///
/// # Errors
/// The first that cannot be injected there.
pub fn fits(planned: &[PlannedFault], servers: &Server) -> Result<(), Unfit> {
    for (fault, place) in planned.iter().zip(1_usize..) {
        let elected = matches!(fault.target, Target::Leader | Target::Follower);
        if fault.kind.is_of_a_client() || elected || matches!(fault.moment, Moment::When { .. }) {
            return Err(Unfit::NotYet { place });
        }
        if let Target::Named(name) = &fault.target
            && !fault.kind.is_of_a_client()
            && !servers.nodes().any(|node| node.name() == name)
        {
            let nodes = servers.nodes().map(|node| node.name().to_owned()).collect();
            return Err(Unfit::NoNode { place, name: name.clone(), nodes });
        }
        if fault.kind == (FaultKind::ServerKill { data: DataAfter::Lost }) && servers.in_containers() {
            return Err(Unfit::KeepsData { place });
        }
    }
    Ok(())
}

/// The places of the nodes that are meant, in their order.
pub(super) fn chosen(target: &Target, nodes: &[&dyn Node], rng: &mut impl Rng) -> Vec<u16> {
    let count = nodes.len();
    let wanted = match target {
        Target::One | Target::Leader | Target::Follower | Target::Holder | Target::Contender => 1,
        Target::Minority => count.saturating_sub(1) / 2,
        Target::Majority => count / 2 + 1,
        Target::All => count,
        Target::Named(name) => {
            let found = nodes.iter().position(|node| node.name() == name);
            return found.map(|place| place as u16).into_iter().collect();
        }
    };
    let mut places: Vec<u16> = sample(rng, count, wanted.min(count)).iter().map(|place| place as u16).collect();
    places.sort_unstable();
    places
}

//! Faults: what the plan does to servers and clients while the load runs. A [`Timeline`] has a thread per
//! planned fault, which waits for its moment, injects it into the nodes or clients that it is aimed at, looks
//! whether it bites, heals it, and stamps all of that with the clock of the run. Whatever ends
//! the load ends every fault: [`Timeline::finish`] heals what is in force, and waits for it.
//!
//! An injection is stamped before it is made and a healing after it is done, so that no effect of
//! a fault lies outside of its stamps.
//!
//! A new kind is a file beside `server_pause`, a line of [`what`], and an entry of the
//! workload's `[[faults]]`.

mod client_clock;
mod client_kill;
mod client_late_write;
mod client_pause;
mod client_stall;
mod disk_slow;
mod in_force;
mod leader;
mod peers;
mod server_clock;
mod server_cut;
mod server_kill;
mod server_pause;
mod server_power_cut;
mod server_squeeze;
mod session_kill;
mod standby_promote;
mod target;
mod timeline;
mod wire;
mod wire_break;
mod wire_rule;

use std::sync::Arc;

use lockbench_core::clock::Clock;
use lockbench_core::record::{ClockSeen, DiskFacts};
use lockbench_core::workload::FaultKind;
use lockbench_systems::ServerKind;
use lockbench_systems::stack::{DiskTold, Node, NodeError, Server};

use super::crew::Hands;
use super::process::ProcessError;

use wire::{Nth, Rule, Wire};

pub use peers::Peers;
pub use target::{Unfit, fits, refusal};
pub use timeline::{Faults, Timeline};
pub use wire::Wires;

/// What a kind of fault does to one node: a value of its own per node. Returns when it is done.
trait Fault {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError>;
    /// Returns whether it was seen to do what it is for, since it was injected.
    fn bites(&self, site: &Site<'_>) -> bool;
    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError>;
    /// What the node said of its wall clock, of a fault that moves it.
    fn clock(&self) -> Option<ClockSeen> {
        None
    }
    /// What the disk of the node did for it, if it is of the disk.
    fn disk(&self, _site: &Site<'_>) -> Option<DiskFacts> {
        None
    }
}

/// The same of one client.
trait ClientFault {
    fn inject(&self, hands: &Hands, client: u32, clock: Clock) -> Result<(), FaultError>;
    /// Returns whether it was seen to do what it is for, since it was injected.
    fn bites(&self, hands: &Hands, client: u32) -> bool;
    fn heal(&self, hands: &Hands, client: u32) -> Result<(), FaultError>;
    /// Returns whether the client comes back.
    fn ends(&self) -> bool {
        true
    }
    /// What the client's process said of its wall clock, of a fault that moves it.
    fn clock(&self) -> Option<ClockSeen> {
        None
    }
}

/// A node, and what is between it and the clients.
struct Site<'a> {
    node: &'a dyn Node,
    /// The same, for a thread of a fault.
    handle: Handle,
    kind: ServerKind,
    wire: Option<&'a Wire>,
    /// What stands between the members of its cluster, and which member it is.
    peers: Option<(&'a Peers, ServerKind, usize)>,
}

/// A node that may be kept.
#[derive(Clone)]
struct Handle {
    servers: Arc<Server>,
    place: usize,
}

impl Handle {
    fn node(&self) -> Option<&dyn Node> {
        self.servers.nodes().nth(self.place)
    }
}

impl Site<'_> {
    fn peers(&self) -> Result<(&Peers, ServerKind, usize), FaultError> {
        self.peers.ok_or_else(|| FaultError::NoPeers(self.node.name().to_owned()))
    }

    fn name(&self) -> String {
        self.node.name().to_owned()
    }

    fn wire(&self) -> Result<&Wire, FaultError> {
        self.wire.ok_or_else(|| FaultError::NoWire(self.node.name().to_owned()))
    }
}

/// A fault could not be injected or healed.
#[derive(Debug, thiserror::Error)]
enum FaultError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("there is no proxy before {0}: lockbench did not expect a fault of the wire")]
    NoWire(String),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error("client {0} does not run in a process of its own")]
    NoProcess(u32),
    #[error("cannot {action} {node}: {problem}")]
    Refused { action: &'static str, node: String, problem: String },
    #[error(
        "{0} half-open connections went on to answer the server's keepalive probes: the kernel took no filter for them \
         (SO_ATTACH_FILTER)"
    )]
    Answers(u64),
    #[error("there is no proxy between {0} and its peers: lockbench did not expect that it is cut off")]
    NoPeers(String),
    #[error(
        "{0} connections between members passed through the cut, because /proc does not tell whose they are: run as \
         root, or as the user of the servers"
    )]
    Strangers(u64),
}

/// What the disk of a node has done since it told something.
fn since(site: &Site<'_>, before: DiskTold) -> Option<DiskFacts> {
    let told = site.node.disk()?.since(before);
    Some(DiskFacts {
        forgotten_bytes: told.bytes,
        forgotten_files: told.files,
        forgotten_names: told.names,
        fsyncs_delayed: told.delayed,
    })
}

/// The file that does it to a client; `place`: of the fault in the plan.
fn to_a_client(kind: FaultKind, place: u16) -> Option<Box<dyn ClientFault>> {
    match kind {
        FaultKind::ClientPause => Some(Box::new(client_pause::ClientPause)),
        FaultKind::ClientKill => Some(Box::new(client_kill::ClientKill)),
        FaultKind::ClientStall => Some(Box::<client_stall::ClientStall>::default()),
        FaultKind::ClientLateWrite => Some(Box::new(client_late_write::ClientLateWrite::new(place))),
        FaultKind::ClientClock { by_ns } => Some(Box::new(client_clock::ClientClock::new(by_ns))),
        _ => None,
    }
}

/// The file that does it to a node.
fn what(kind: FaultKind) -> Option<Box<dyn Fault>> {
    Some(match kind {
        FaultKind::ClientPause | FaultKind::ClientKill | FaultKind::ClientStall => return None,
        FaultKind::ClientLateWrite | FaultKind::ClientClock { .. } => return None,
        FaultKind::ServerPause => Box::new(server_pause::ServerPause),
        FaultKind::ServerKill { data } => Box::new(server_kill::ServerKill { data }),
        FaultKind::ServerPowerCut => Box::new(server_power_cut::ServerPowerCut::default()),
        FaultKind::DiskSlow { by_ns } => Box::new(disk_slow::DiskSlow::new(by_ns)),
        FaultKind::ServerCut => Box::new(server_cut::ServerCut::default()),
        FaultKind::ServerSqueeze => Box::new(server_squeeze::ServerSqueeze::default()),
        FaultKind::ServerClock { change } => Box::new(server_clock::ServerClock::new(change)),
        FaultKind::StandbyPromote => Box::new(standby_promote::StandbyPromote::default()),
        FaultKind::SessionKill => Box::new(session_kill::SessionKill::default()),
        FaultKind::WireCut { direction } => {
            Box::new(wire_rule::WireRule::new(direction, Rule { cut: true, ..Rule::default() }))
        }
        FaultKind::WireDelay { direction, delay_ns, jitter_ns, nth: Some(nth) } => {
            let nth = Some(Nth::new(nth, delay_ns, jitter_ns));
            Box::new(wire_rule::WireRule::new(direction, Rule { nth, ..Rule::PASS }))
        }
        FaultKind::WireDelay { direction, delay_ns, jitter_ns, nth: None } => {
            Box::new(wire_rule::WireRule::new(direction, Rule { delay_ns, jitter_ns, ..Rule::default() }))
        }
        FaultKind::WireNarrow { direction, bytes_per_s } => {
            Box::new(wire_rule::WireRule::new(direction, Rule { bytes_per_s, ..Rule::default() }))
        }
        FaultKind::WireSlice { direction, piece, gap_ns } => {
            let piece = usize::try_from(piece).unwrap_or(usize::MAX);
            Box::new(wire_rule::WireRule::new(direction, Rule { piece, gap_ns, ..Rule::PASS }))
        }
        FaultKind::WireSlowClose { direction, close_ns } => {
            Box::new(wire_rule::WireRule::new(direction, Rule { close_ns, ..Rule::PASS }))
        }
        FaultKind::WireReset => Box::new(wire_break::WireBreak::new(wire_break::Break::Reset)),
        FaultKind::WireHalfOpen => Box::new(wire_break::WireBreak::new(wire_break::Break::HalfOpen)),
    })
}

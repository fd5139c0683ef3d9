//! What stands between the members of a cluster: a proxy before each port by which its peers reach a
//! member. Members advertise the proxies, so that there is one way between two of them, and a member can
//! be cut off from its peers without a right of the operating system.
//!
//! One proxy per member is enough: it tells its senders apart by the process that owns the other end of
//! a connection. A view of the cluster per pair of members is not possible: etcd derives the identity of
//! a cluster from the addresses that its members advertise.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use lockbench_core::clock::Clock;
use lockbench_core::lock::Endpoint;
use lockbench_core::workload::Direction;
use lockbench_systems::ServerKind;
use lockbench_systems::stack::{PeerLinks, PeerPort, Server, is_held};

use super::wire::{Between, Rule, Told, Wire};

/// The proxies between members, of all clusters of a run.
pub struct Peers {
    clock: Clock,
    seed: u64,
    known: Arc<Known>,
    links: Mutex<Vec<Link>>,
}

/// What proxies ask while they run.
#[derive(Default)]
struct Known {
    servers: Mutex<Vec<Weak<Server>>>,
    /// A port of a member, and that of the proxy before it.
    ports: Mutex<Vec<(u16, u16)>>,
    /// What was read last, of which kind, and when.
    seen: Mutex<Option<Seen>>,
}

/// Connections with their owners.
type Seen = (ServerKind, Instant, HashMap<(u16, u16), usize>);

/// For so long a connection is that of whom it was: a port is not used again as soon.
const FRESH: Duration = Duration::from_millis(100);

impl Known {
    /// Which member of a cluster holds the other end of a connection from this port to that one.
    fn sender(&self, kind: ServerKind, (from, to): (u16, u16)) -> Told {
        let servers: Vec<_> = unpoisoned(&self.servers).iter().filter_map(Weak::upgrade).collect();
        let server = servers.iter().find(|server| server.kind() == kind);
        match server.and_then(|server| self.owner(server, (from, to))) {
            Some(member) => Told::Member(member as u16),
            None if is_held(from, to) => Told::Hidden,
            None => Told::Gone,
        }
    }

    /// The member that has a connection. A cut asks about all of them at once, and members must not miss one another
    /// meanwhile: what was read is of use for a moment.
    fn owner(&self, server: &Server, ports: (u16, u16)) -> Option<usize> {
        let mut seen = unpoisoned(&self.seen);
        if let Some((kind, at, connections)) = &*seen
            && (*kind, at.elapsed() < FRESH) == (server.kind(), true)
            && let Some(owner) = connections.get(&ports)
        {
            return Some(*owner);
        }
        let connections = server.connections();
        let owner = connections.get(&ports).copied();
        *seen = Some((server.kind(), Instant::now(), connections));
        owner
    }

    fn proxy_of(&self, port: u16) -> Option<u16> {
        unpoisoned(&self.ports).iter().find(|(of, _)| *of == port).map(|(_, proxy)| *proxy)
    }
}

struct Link {
    kind: ServerKind,
    member: usize,
    wire: Wire,
}

/// A member that is cut off, until it is joined again.
pub(super) struct Cut(Vec<(usize, u64)>);

impl Peers {
    /// None yet; `seed` is that of the run.
    #[must_use]
    pub fn new(clock: Clock, seed: u64) -> Self {
        Self { clock, seed, known: Arc::default(), links: Mutex::default() }
    }

    /// Takes note of servers that are started: their processes tell senders apart.
    pub fn know(&self, server: &Arc<Server>) {
        unpoisoned(&self.known.servers).push(Arc::downgrade(server));
    }

    /// Holds back everything between a member and its peers, both ways.
    pub(super) fn cut(&self, kind: ServerKind, member: usize) -> Cut {
        let rule = Rule { cut: true, ..Rule::default() };
        let links = unpoisoned(&self.links);
        let of_kind = links.iter().enumerate().filter(|(_, link)| link.kind == kind);
        Cut(of_kind
            .map(|(place, link)| {
                // To it from anyone; to others from it.
                let sender = (link.member != member).then_some(member as u16);
                (place, link.wire.begin_of(sender, Direction::Both, rule))
            })
            .collect())
    }

    /// Lets pass again what a cut held back.
    pub(super) fn join(&self, cut: Cut) {
        let links = unpoisoned(&self.links);
        for (place, number) in cut.0 {
            if let Some(link) = links.get(place) {
                link.wire.end(number);
            }
        }
    }

    /// Bytes held back between members of a kind so far.
    pub(super) fn held(&self, kind: ServerKind) -> u64 {
        unpoisoned(&self.links).iter().filter(|link| link.kind == kind).map(|link| link.wire.effect().0).sum()
    }

    /// Connections whose sender could not be told, so far.
    pub(super) fn strangers(&self, kind: ServerKind) -> u64 {
        unpoisoned(&self.links).iter().filter(|link| link.kind == kind).map(|link| link.wire.strangers()).sum()
    }
}

impl PeerLinks for Peers {
    fn before(&self, port: PeerPort) -> io::Result<u16> {
        let node = Endpoint::new(format!("tcp://127.0.0.1:{}", port.port));
        let (sender, rewriter) = (Arc::clone(&self.known), Arc::clone(&self.known));
        let between = Between {
            sender: Some(Box::new(move |from, to| sender.sender(port.kind, (from, to)))),
            first: port.introduces.map(|introduces| -> super::wire::First {
                Box::new(move |bytes| introduces(bytes, &|port| rewriter.proxy_of(port)))
            }),
        };
        let wire = Wire::start_between(&node, self.clock, self.seed, between)?;
        let proxy = wire.endpoint().host_port().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let proxy = proxy.ok_or_else(|| io::Error::other("the proxy has no port"))?;
        unpoisoned(&self.known.ports).push((port.port, proxy));
        unpoisoned(&self.links).push(Link { kind: port.kind, member: port.member, wire });
        Ok(proxy)
    }
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers").finish_non_exhaustive()
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The wire between clients and one node of the servers: a TCP proxy on loopback that passes bytes
//! on, and can cut, delay, narrow, reset and half-close what passes, in each direction by itself.
//!
//! A cut keeps what it holds back and delivers it when it ends, as TCP does when a partition heals
//! and segments are sent again (RFC 9293, 3.8). What it cannot do is refuse the handshake: the
//! kernel takes a new connection while the wire is cut, and the server learns of it afterwards.
//! A server that is gone shows as a reset instead of a refusal.
//!
//! The vocabulary is Toxiproxy's (<https://github.com/Shopify/toxiproxy>, `toxics/`), with
//! directions as clients see them.

mod pump;

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::LocalSet;

use self::pump::pump;
use lockbench_core::clock::{Clock, Timer};
use lockbench_core::lock::Endpoint;
use lockbench_core::workload::Direction;

/// What is done to bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Nothing passes.
    pub cut: bool,
    /// Every chunk comes so much later.
    pub delay_ns: u64,
    /// And up to so much more, evenly drawn; the order stays.
    pub jitter_ns: u64,
    /// Bytes per second; 0: as many as there are.
    pub bytes_per_s: u64,
}

impl Rule {
    /// Both at once.
    fn with(self, other: Self) -> Self {
        let narrowest = [self.bytes_per_s, other.bytes_per_s].into_iter().filter(|rate| *rate > 0).min();
        Self {
            cut: self.cut || other.cut,
            delay_ns: self.delay_ns.saturating_add(other.delay_ns),
            jitter_ns: self.jitter_ns.saturating_add(other.jitter_ns),
            bytes_per_s: narrowest.unwrap_or(0),
        }
    }
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Requests,
    Replies,
}

impl Lane {
    fn is_of(self, direction: Direction) -> bool {
        match direction {
            Direction::Both => true,
            Direction::Requests => self == Self::Requests,
            Direction::Replies => self == Self::Replies,
        }
    }
}

/// What is in force, and how often connections were broken.
#[derive(Clone, Debug, Default)]
struct Rules {
    active: Vec<(u64, Direction, Rule)>,
    next: u64,
    resets: u64,
    abandoned: u64,
    /// How often abandoned connections were let go.
    let_go: u64,
}

impl Rules {
    fn of(&self, lane: Lane) -> Rule {
        let active = self.active.iter().filter(|(_, direction, _)| lane.is_of(*direction));
        active.fold(Rule::default(), |sum, (.., rule)| sum.with(*rule))
    }

    fn cut(&self) -> bool {
        self.of(Lane::Requests).cut || self.of(Lane::Replies).cut
    }
}

/// What the wire did to what passed.
#[derive(Debug, Default)]
struct Counts {
    /// Bytes that came later than they could have.
    held: AtomicU64,
    /// Connections that were reset, or abandoned on the side of the server.
    broken: AtomicU64,
}

/// A running proxy in front of one node. Dropping it ends its connections.
pub struct Wire {
    endpoint: Endpoint,
    rules: watch::Sender<Rules>,
    counts: Arc<Counts>,
    /// Dropped: the proxy ends.
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    /// Starts one in front of a node; `seed` draws its jitter.
    ///
    /// # Errors
    /// There is no port or no thread for it.
    pub fn start(node: &Endpoint, clock: Clock, seed: u64) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.to_string();
        let server = node.host_port().to_owned();
        let endpoint = Endpoint::new(node.secret_url().replacen(&server, &address, 1));
        let rules = watch::Sender::new(Rules::default());
        let counts = Arc::new(Counts::default());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (changes, counted) = (rules.subscribe(), Arc::clone(&counts));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("wire".to_owned()).spawn(move || {
            let of = Rc::new(Of {
                server,
                rules: changes,
                counts: counted,
                timer: Timer::new(clock),
                rng: RefCell::new(Pcg64Mcg::seed_from_u64(seed)),
            });
            let accepting = async {
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, of) => {}
                }
            };
            LocalSet::new().block_on(&runtime, accepting);
        })?;
        Ok(Self { endpoint, rules, counts, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that clients use instead of the node's.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Puts a rule in force; returns the number to end it by.
    #[must_use]
    pub fn begin(&self, direction: Direction, rule: Rule) -> u64 {
        let mut number = 0;
        self.rules.send_modify(|rules| {
            number = rules.next;
            rules.next += 1;
            rules.active.push((number, direction, rule));
        });
        number
    }

    /// Ends a rule; what it held back is delivered.
    pub fn end(&self, number: u64) {
        self.rules.send_modify(|rules| rules.active.retain(|(active, ..)| *active != number));
    }

    /// Resets every connection, on both sides.
    pub fn reset(&self) {
        self.rules.send_modify(|rules| rules.resets += 1);
    }

    /// Ends every connection towards the clients and leaves it open towards the server: to that
    /// its client is gone without a word.
    pub fn abandon(&self) {
        self.rules.send_modify(|rules| rules.abandoned += 1);
    }

    /// Lets the server see the end of what was abandoned.
    pub fn let_go(&self) {
        self.rules.send_modify(|rules| rules.let_go += 1);
    }

    /// Bytes held back, and connections broken, since it was started.
    #[must_use]
    pub fn effect(&self) -> (u64, u64) {
        (self.counts.held.load(Ordering::Relaxed), self.counts.broken.load(Ordering::Relaxed))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it has been printed.
            let _ = thread.join();
        }
    }
}

/// The proxies before the nodes of a system, in the order of the nodes.
pub struct Wires(Vec<Wire>);

impl Wires {
    /// Starts one before each.
    ///
    /// # Errors
    /// There is no port or no thread for one.
    pub fn start(nodes: &[Endpoint], clock: Clock, seed: u64) -> io::Result<Self> {
        nodes.iter().map(|node| Wire::start(node, clock, seed)).collect::<io::Result<_>>().map(Self)
    }

    /// The addresses that clients use instead of those of the nodes.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.0.iter().map(|wire| wire.endpoint().clone()).collect()
    }

    /// The one before a node.
    pub(super) fn of(&self, node: usize) -> Option<&Wire> {
        self.0.get(node)
    }
}

/// What the connections of a wire share.
struct Of {
    server: String,
    rules: watch::Receiver<Rules>,
    counts: Arc<Counts>,
    timer: Timer,
    rng: RefCell<Pcg64Mcg>,
}

async fn accept(listener: StdListener, of: Rc<Of>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::task::spawn_local(connection(client, Rc::clone(&of)))),
            // Out of descriptors: the clients wait in the queue of the kernel.
            Err(_) => of.timer.sleep(10_000_000).await,
        }
    }
}

/// How a connection was broken.
enum Broken {
    Reset,
    Abandoned,
}

async fn connection(client: TcpStream, of: Rc<Of>) {
    let mut rules = of.rules.clone();
    // A cut lets no handshake pass: the server learns of the connection when it is over.
    while rules.borrow_and_update().cut() {
        if rules.changed().await.is_err() {
            return;
        }
    }
    let Ok(mut server) = TcpStream::connect(&of.server).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let mut client = client;
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let broken = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            biased;
            broken = broken(rules) => broken,
            _ = async {
                tokio::try_join!(
                    pump(Lane::Requests, from_client, to_server, &of),
                    pump(Lane::Replies, from_server, to_client, &of),
                )
            } => None,
        }
    };
    match broken {
        None => {}
        Some(Broken::Reset) => {
            of.counts.broken.fetch_add(1, Ordering::Relaxed);
            let _ = (client.set_zero_linger(), server.set_zero_linger());
        }
        Some(Broken::Abandoned) => {
            of.counts.broken.fetch_add(1, Ordering::Relaxed);
            drop(client);
            let mut rules = of.rules.clone();
            let before = rules.borrow_and_update().let_go;
            let _ = rules.wait_for(|rules| rules.let_go != before).await;
            let _ = server.set_zero_linger();
        }
    }
}

/// Completes when connections are broken from now on; `None`: the wire ends.
async fn broken(mut rules: watch::Receiver<Rules>) -> Option<Broken> {
    let (resets, abandoned) = {
        let rules = rules.borrow_and_update();
        (rules.resets, rules.abandoned)
    };
    let changed = rules.wait_for(|rules| rules.resets != resets || rules.abandoned != abandoned).await.ok()?;
    Some(if changed.resets != resets { Broken::Reset } else { Broken::Abandoned })
}

#[cfg(test)]
mod tests;

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

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use socket2::{SockFilter, SockRef};
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
    /// One reply of each connection comes later.
    pub nth: Option<Nth>,
    /// So many bytes arrive at a time; 0: as they come.
    pub piece: usize,
    /// From one piece of a chunk to the next.
    pub gap_ns: u64,
    /// The end of a connection comes so much later.
    pub close_ns: u64,
}

/// One reply of each connection. A reply is what the server sends from a request to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth {
    /// Which, from 1, counted from the begin of the rule.
    pub nth: u64,
    /// It comes so much later.
    pub delay_ns: u64,
    /// And up to so much more.
    pub jitter_ns: u64,
    /// The number of the rule, which the wire gives it.
    rule: u64,
}

impl Nth {
    /// Of a rule that is not in force yet.
    #[must_use]
    pub fn new(nth: u64, delay_ns: u64, jitter_ns: u64) -> Self {
        Self { nth, delay_ns, jitter_ns, rule: u64::MAX }
    }
}

impl Rule {
    /// Everything passes as it comes.
    pub const PASS: Self =
        Self { cut: false, delay_ns: 0, jitter_ns: 0, bytes_per_s: 0, nth: None, piece: 0, gap_ns: 0, close_ns: 0 };

    /// Both at once.
    fn with(self, other: Self) -> Self {
        let narrowest = [self.bytes_per_s, other.bytes_per_s].into_iter().filter(|rate| *rate > 0).min();
        Self {
            cut: self.cut || other.cut,
            delay_ns: self.delay_ns.saturating_add(other.delay_ns),
            jitter_ns: self.jitter_ns.saturating_add(other.jitter_ns),
            bytes_per_s: narrowest.unwrap_or(0),
            nth: self.nth.or(other.nth),
            piece: [self.piece, other.piece].into_iter().filter(|piece| *piece > 0).min().unwrap_or(0),
            gap_ns: self.gap_ns.max(other.gap_ns),
            close_ns: self.close_ns.max(other.close_ns),
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

/// A rule in force.
#[derive(Clone, Debug)]
struct Active {
    number: u64,
    /// Of what this member sends alone, and of what it is answered.
    sender: Option<u16>,
    direction: Direction,
    rule: Rule,
}

/// What is in force, and how often connections were broken.
#[derive(Clone, Debug, Default)]
struct Rules {
    active: Vec<Active>,
    next: u64,
    resets: u64,
    abandoned: u64,
    /// How often abandoned connections were let go.
    let_go: u64,
}

impl Rules {
    fn of(&self, lane: Lane, sender: Option<u16>) -> Rule {
        let is_of =
            |active: &&Active| lane.is_of(active.direction) && (active.sender.is_none() || active.sender == sender);
        self.active.iter().filter(is_of).fold(Rule::default(), |sum, active| sum.with(active.rule))
    }

    fn cut(&self, sender: Option<u16>) -> bool {
        self.of(Lane::Requests, sender).cut || self.of(Lane::Replies, sender).cut
    }

    /// Returns whether it matters who sends.
    fn tell_apart(&self) -> bool {
        self.active.iter().any(|active| active.sender.is_some())
    }
}

/// What the wire did to what passed.
#[derive(Debug, Default)]
struct Counts {
    /// Bytes that came later than they could have.
    held: AtomicU64,
    /// Connections that were reset, or abandoned on the side of the server.
    broken: AtomicU64,
    /// Ends of connections that came later.
    closed_late: AtomicU64,
    /// Abandoned connections whose kernel goes on to answer for them.
    answering: AtomicU64,
    /// Connections whose sender could not be told when it mattered.
    strangers: AtomicU64,
}

/// Whose a connection is.
pub(super) enum Told {
    /// A member's.
    Member(u16),
    /// Nobody's: its process has closed it.
    Gone,
    /// It has an owner, which is not shown.
    Hidden,
}

/// Tells which member has the end of a connection at the first port, whose other end is at the second.
pub(super) type Sender = Box<dyn Fn(u16, u16) -> Told + Send>;
/// Rewrites the first bytes that a connection sends; `None`: they pass as they are.
pub(super) type First = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send>;

/// What a wire between members of a cluster knows beside its node.
#[derive(Default)]
pub(super) struct Between {
    pub(super) sender: Option<Sender>,
    pub(super) first: Option<First>,
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
        Self::start_between(node, clock, seed, Between::default())
    }

    /// The same between members of a cluster.
    pub(super) fn start_between(node: &Endpoint, clock: Clock, seed: u64, between: Between) -> io::Result<Self> {
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
                between,
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
        self.begin_of(None, direction, rule)
    }

    /// The same for what one member of a cluster sends, and is answered.
    #[must_use]
    pub(super) fn begin_of(&self, sender: Option<u16>, direction: Direction, rule: Rule) -> u64 {
        let mut number = 0;
        self.rules.send_modify(|rules| {
            number = rules.next;
            rules.next += 1;
            let nth = rule.nth.map(|nth| Nth { rule: number, ..nth });
            let rule = Rule { nth, ..rule };
            rules.active.push(Active { number, sender, direction, rule });
        });
        number
    }

    /// Ends a rule; what it held back is delivered.
    pub fn end(&self, number: u64) {
        self.rules.send_modify(|rules| rules.active.retain(|active| active.number != number));
    }

    /// Resets every connection, on both sides.
    pub fn reset(&self) {
        self.rules.send_modify(|rules| rules.resets += 1);
    }

    /// Ends every connection towards the clients and leaves it open towards the server: to that
    /// its client is gone without a word, and answers nothing more, no keepalive probe either.
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

impl Wire {
    /// Ends of connections that came later, since it was started.
    #[must_use]
    pub fn closed_late(&self) -> u64 {
        self.counts.closed_late.load(Ordering::Relaxed)
    }

    /// Abandoned connections that are not silent: the kernel did not take the filter.
    pub(super) fn answering(&self) -> u64 {
        self.counts.answering.load(Ordering::Relaxed)
    }

    /// Connections whose sender could not be told when it mattered.
    pub(super) fn strangers(&self) -> u64 {
        self.counts.strangers.load(Ordering::Relaxed)
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
    between: Between,
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

/// Who is at the other end of a connection.
struct Peer {
    /// Its port, and ours.
    ports: Option<(u16, u16)>,
    /// As far as it was asked.
    told: Cell<Option<u16>>,
    /// It was asked in vain.
    is_stranger: Cell<bool>,
    /// It has asked since it was last answered.
    asked: Cell<bool>,
    /// Replies since the begin of the rule of this number.
    replies: Cell<(u64, u64)>,
}

impl Peer {
    fn of(stream: &TcpStream) -> Self {
        let ports = stream.peer_addr().ok().zip(stream.local_addr().ok());
        let ports = ports.map(|(theirs, ours)| (theirs.port(), ours.port()));
        let (told, is_stranger, asked) = (Cell::new(None), Cell::new(false), Cell::new(false));
        Self { ports, told, is_stranger, asked, replies: Cell::new((u64::MAX, 0)) }
    }

    /// How much later, and up to how much more, the bytes come that just came from one side.
    fn late(&self, lane: Lane, rule: &Rule) -> (u64, u64) {
        let (delay_ns, jitter_ns) = (rule.delay_ns, rule.jitter_ns);
        if lane == Lane::Requests {
            self.asked.set(true);
            return (delay_ns, jitter_ns);
        }
        let begins = self.asked.take();
        let Some(nth) = rule.nth else { return (delay_ns, jitter_ns) };
        let (of, before) = self.replies.get();
        let before = if of == nth.rule { before } else { 0 };
        let count = before + u64::from(begins);
        self.replies.set((nth.rule, count));
        let is_late = count == nth.nth;
        if is_late { (delay_ns + nth.delay_ns, jitter_ns + nth.jitter_ns) } else { (delay_ns, jitter_ns) }
    }

    /// Which member it is, asked only where that matters.
    fn sender(&self, of: &Of) -> Option<u16> {
        let sender = of.between.sender.as_ref().filter(|_| of.rules.borrow().tell_apart())?;
        if self.told.get().is_none()
            && !self.is_stranger.get()
            && let Some((from, to)) = self.ports
        {
            match sender(from, to) {
                Told::Member(member) => self.told.set(Some(member)),
                Told::Gone => self.is_stranger.set(true),
                Told::Hidden => {
                    self.is_stranger.set(true);
                    of.counts.strangers.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        self.told.get()
    }
}

/// How a connection was broken.
enum Broken {
    Reset,
    Abandoned,
}

async fn connection(client: TcpStream, of: Rc<Of>) {
    let mut rules = of.rules.clone();
    let peer = Peer::of(&client);
    // A cut lets no handshake pass: the server learns of the connection when it is over.
    while {
        let sender = peer.sender(&of);
        rules.borrow_and_update().cut(sender)
    } {
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
                    pump((Lane::Requests, &peer), from_client, to_server, &of),
                    pump((Lane::Replies, &peer), from_server, to_client, &of),
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
            if deaf(&server).is_err() {
                of.counts.answering.fetch_add(1, Ordering::Relaxed);
            }
            let mut rules = of.rules.clone();
            let before = rules.borrow_and_update().let_go;
            let _ = rules.wait_for(|rules| rules.let_go != before).await;
            let _ = server.set_zero_linger();
        }
    }
}

/// From now on the kernel takes no packet for a socket: it confirms nothing and answers no keepalive probe, which it
/// would do for every open socket, as if its host were there. Sending still works, and the filter goes with the socket.
fn deaf(stream: &TcpStream) -> io::Result<()> {
    // `ret #0`: keep no byte of any packet.
    const KEEP_NOTHING: SockFilter = SockFilter::new(0x06, 0, 0, 0);
    SockRef::from(stream).attach_filter(&[KEEP_NOTHING])
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

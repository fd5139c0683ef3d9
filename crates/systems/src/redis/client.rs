//! What one client of the single-node lock has and asks, one request at a time: a try, a renewal, a release. It knows no
//! socket: see [`Wire`].

use std::sync::Arc;

use super::super::Target;
use super::super::planted::{Flaw, Planted};
use super::super::poll::{Tried, answered_too_late};
use super::flawed::Scripts;
use super::link::Link;
use super::naming::{Identities, Ticket};
use super::server::{Limits, Server};
use super::wire::{Reply, Verb, Wire};
use lockbench_core::lock::{Acquire, Grant, Key, Mode, Opening, Release, Renewal};
use lockbench_core::units::MILLISECOND;

/// What a client has and asks, one request at a time; when it asks, its session decides.
pub struct Client<W = Link> {
    wire: W,
    namespace: String,
    identities: Identities,
    opening: Opening,
    ttl_ms: u64,
    /// Names of the attempt in progress.
    trying: Ticket,
    /// Names of what we hold, as a grant knows only its key's number.
    held: Vec<Ticket>,
    /// Tickets whose buffers are free.
    spare: Vec<Ticket>,
    /// Requests that were renewals.
    renewals: u64,
    /// How long the lease of the holder ran when it was asked last, if the wire asks for that.
    left_ms: u64,
    planted: Planted,
}

impl Client<Link> {
    /// Connects.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn open(
        server: Arc<Server>,
        target: &Target,
        opening: Opening,
        scripts: Scripts,
        planted: Planted,
    ) -> Result<Self, String> {
        let link = Link::open(server, Limits::within(opening.request_timeout_ns), scripts, planted).await?;
        Ok(Self::over(link, target, opening, planted))
    }

    /// From now on another server is asked.
    pub fn turn_to(&mut self, server: Arc<Server>) {
        self.wire.turn_to(server);
    }

    /// How many replicas have what this client wrote last, asked for at most so long.
    ///
    /// # Errors
    /// The server did not say; the reason is without credentials.
    pub async fn acknowledged(&mut self, replicas: u64, within_ms: u64) -> Result<u64, String> {
        match self.wire.acknowledged(replicas, within_ms).await {
            Reply::Number(count) => Ok(count.max(0).unsigned_abs()),
            Reply::Refused(reason) | Reply::Unknown(reason) => Err(reason),
        }
    }
}

impl<W: Wire> Client<W> {
    /// Of this run, over that wire.
    pub fn over(wire: W, target: &Target, opening: Opening, planted: Planted) -> Self {
        Self {
            wire,
            namespace: target.namespace.clone(),
            identities: Identities::new(target, opening.client, opening.timer.now()),
            ttl_ms: (opening.ttl_ns / MILLISECOND).max(1),
            opening,
            trying: Ticket::default(),
            held: Vec::new(),
            spare: Vec::new(),
            renewals: 0,
            left_ms: 0,
            planted,
        }
    }

    /// The next tries are for this key.
    pub fn address(&mut self, key: &Key) {
        self.trying.address(&self.namespace, key);
    }

    /// The next tries are for this key of a lock that has modes.
    pub fn address_as(&mut self, key: &Key, mode: Mode) {
        self.trying.address_as(&self.namespace, key, mode);
    }

    /// What the lock that it addressed last is called on the server.
    pub fn lock_name(&self) -> &str {
        &self.trying.lock
    }

    /// How long the lease of the holder ran when it last said no, in nanoseconds; 0 where that is not asked.
    pub fn left_ns(&self) -> u64 {
        self.left_ms.saturating_mul(MILLISECOND)
    }

    /// What its client is to the server.
    pub fn identity(&self) -> &str {
        self.identities.client()
    }

    /// Requests sent so far, without renewals.
    pub fn requests(&self) -> u64 {
        self.wire.sent() - self.renewals
    }

    /// The lease that it asks for, in nanoseconds.
    pub fn ttl_ns(&self) -> u64 {
        self.ttl_ms * MILLISECOND
    }

    /// From now on it asks for leases of this length, in nanoseconds.
    pub fn set_ttl(&mut self, ttl_ns: u64) {
        self.ttl_ms = (ttl_ns / MILLISECOND).max(1);
    }

    /// When a hold that we cannot disprove is surely over. A request that was sent takes effect when the
    /// server reads it, at most a request timeout after we gave up: later than that it is lost with its
    /// connection (`Server::connect` gives sockets that limit for what is not acknowledged), or a stalled
    /// server reads it together with the withdrawal behind it. Then the ttl, which the server counts by its
    /// own *wall* clock: a clock set back there makes it longer, and nobody here can see that.
    fn surely_ended(&self) -> u64 {
        self.opening.timer.now().saturating_add(self.opening.request_timeout_ns).saturating_add(self.ttl_ns())
    }

    /// Asks once for the key that it addressed last.
    pub async fn try_once(&mut self) -> Tried {
        self.trying.identify(&mut self.identities);
        let invoke = self.opening.timer.now();
        match self.wire.ask(Verb::Acquire { ttl_ms: self.ttl_ms }, &self.trying).await {
            Reply::Number(token) if token > 0 => self.granted(token.unsigned_abs(), invoke).await,
            Reply::Number(_) if self.planted == Some(Flaw::FailureIsAGrant) => self.granted(0, invoke).await,
            Reply::Number(left) => {
                self.left_ms = left.unsigned_abs();
                Tried::Held
            }
            Reply::Refused(reason) => Tried::Ended(Acquire::Unavailable(reason)),
            Reply::Unknown(reason) => {
                // On a connection that lives, undo what may yet happen.
                self.wire.withdraw(&self.trying).await;
                Tried::Ended(Acquire::Unknown { surely_ended_ns: self.surely_ended(), reason })
            }
        }
    }

    /// The lease runs from when we asked: the server began to count later. No allowance for drift, as the
    /// source has none for a single instance.
    async fn granted(&mut self, token: u64, invoke: u64) -> Tried {
        let validity = invoke.saturating_add(self.ttl_ns());
        let ticket = std::mem::replace(&mut self.trying, self.spare.pop().unwrap_or_default());
        let grant = Grant::new(ticket.key, Some(Flaw::token(self.planted, token)), validity);
        self.held.push(ticket);
        if self.opening.timer.now() < validity {
            return Tried::Granted(grant);
        }
        answered_too_late(self.release(&grant).await)
    }

    /// Asks for the whole lease again.
    pub async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let Some(ticket) = self.held.iter().find(|ticket| ticket.key == grant.key()) else { return Renewal::Refused };
        let (before, invoke) = (self.wire.sent(), self.opening.timer.now());
        let reply = self.wire.ask(Verb::Renew { ttl_ms: self.ttl_ms }, ticket).await;
        self.renewals += self.wire.sent() - before;
        match reply {
            Reply::Number(0) => Renewal::Refused,
            Reply::Number(_) => {
                grant.extend(invoke.saturating_add(self.ttl_ns()));
                Renewal::Confirmed
            }
            Reply::Refused(reason) => Renewal::Unavailable(reason),
            Reply::Unknown(reason) => Renewal::Unknown(reason),
        }
    }

    /// Gives back.
    pub async fn release(&mut self, grant: &Grant) -> Release {
        let Some(place) = self.held.iter().position(|ticket| ticket.key == grant.key()) else {
            return Release::NotOwner;
        };
        let ticket = self.held.swap_remove(place);
        let reply = self.wire.ask(Verb::Release, &ticket).await;
        self.spare.push(ticket);
        match reply {
            Reply::Number(0) => Release::NotOwner,
            Reply::Number(_) => Release::Confirmed,
            Reply::Refused(reason) => Release::Unavailable { surely_ended_ns: self.surely_ended(), reason },
            Reply::Unknown(reason) => Release::Unknown { surely_ended_ns: self.surely_ended(), reason },
        }
    }
}

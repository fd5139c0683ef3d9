//! What one client of the single-node lock has and asks, one request at a time: a try, a renewal, a release.

use std::sync::Arc;

use redis::Value;

use super::super::Target;
use super::super::planted::{Flaw, Planted};
use super::super::poll::{Tried, answered_too_late};
use super::answer::Answer;
use super::flawed::Scripts;
use super::link::Link;
use super::naming::{Identities, Ticket};
use super::script::{ACQUIRING_ALONE, ACQUIRING_AMONG, RELEASING_AMONG, RENEWING_AMONG};
use super::server::{Limits, Server};
use lockbench_core::lock::{Acquire, Grant, Key, Mode, Opening, Release, Renewal};
use lockbench_core::units::MILLISECOND;

/// What a client has and asks, one request at a time; when it asks, its session decides.
pub struct Client {
    link: Link,
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
    scripts: Scripts,
    planted: Planted,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn open(
        server: Arc<Server>,
        target: &Target,
        opening: Opening,
        planted: Planted,
    ) -> Result<Self, String> {
        let link = Link::open(server, Limits::within(opening.request_timeout_ns)).await?;
        Ok(Self {
            link,
            namespace: target.namespace.clone(),
            identities: Identities::new(target, opening.client, opening.timer.now()),
            ttl_ms: (opening.ttl_ns / MILLISECOND).max(1),
            opening,
            trying: Ticket::default(),
            held: Vec::new(),
            spare: Vec::new(),
            renewals: 0,
            scripts: Scripts::of(planted),
            planted,
        })
    }

    /// From now on another server is asked.
    pub fn turn_to(&mut self, server: Arc<Server>) {
        self.link.turn_to(server);
    }

    /// The next tries are for this key.
    pub fn address(&mut self, key: &Key) {
        self.trying.address(&self.namespace, key);
    }

    /// The next tries are for this key of a lock that has modes.
    pub fn address_as(&mut self, key: &Key, mode: Mode) {
        self.trying.address_as(&self.namespace, key, mode);
    }

    /// How many replicas have what this client wrote last, asked for at most so long.
    ///
    /// # Errors
    /// The server did not say; the reason is without credentials.
    pub async fn acknowledged(&mut self, replicas: u64, within_ms: u64) -> Result<u64, String> {
        match self.link.acknowledged(replicas, within_ms).await {
            Answer::Value(Value::Int(count)) => Ok(count.max(0).unsigned_abs()),
            other => Err(self.reason(other)),
        }
    }

    /// What its client is to the server.
    pub fn identity(&self) -> &str {
        self.identities.client()
    }

    /// Requests sent so far, without renewals.
    pub fn requests(&self) -> u64 {
        self.link.sent() - self.renewals
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
        let (trying, ttl_ms) = (&self.trying, self.ttl_ms);
        let invoke = self.opening.timer.now();
        let most = match trying.mode {
            Mode::Permits { of } => Flaw::permits(self.planted, of),
            _ => 0,
        };
        let (script, keys) = match (trying.inside.is_empty(), trying.is_among()) {
            (true, _) => (self.scripts.acquiring, 2),
            (false, true) => (&*ACQUIRING_AMONG, 3),
            // What does not look at the readers has the set for nothing.
            (false, false) if self.planted == Some(Flaw::OverlooksReaders) => (self.scripts.acquiring, 3),
            (false, false) => (&*ACQUIRING_ALONE, 3),
        };
        let answer = self
            .link
            .call(script, keys, |command| {
                command.arg(trying.lock.as_str()).arg(trying.fence.as_str());
                if keys == 3 {
                    command.arg(trying.inside.as_str());
                }
                command.arg(trying.identity.as_str()).arg(ttl_ms);
                if trying.is_among() {
                    command.arg(most);
                }
            })
            .await;
        match answer {
            Answer::Value(Value::Int(0)) if self.planted == Some(Flaw::FailureIsAGrant) => {
                self.granted(0, invoke).await
            }
            Answer::Value(Value::Int(0)) => Tried::Held,
            Answer::Value(Value::Int(token)) if token > 0 => self.granted(token.unsigned_abs(), invoke).await,
            Answer::Refused(reason) | Answer::NotSent(reason) => Tried::Ended(Acquire::Unavailable(reason)),
            Answer::NoScript => Tried::Ended(Acquire::Unavailable("the server keeps no scripts".to_owned())),
            other => {
                // On a connection that lives, undo what may yet happen.
                self.link.withdraw(&self.trying).await;
                let reason = self.reason(other);
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
        let (ttl_ms, before, invoke) = (self.ttl_ms, self.link.sent(), self.opening.timer.now());
        let answer = self
            .link
            .call(if ticket.is_among() { &RENEWING_AMONG } else { self.scripts.renewing }, 1, |command| {
                command.arg(place_of(ticket)).arg(ticket.identity.as_str()).arg(ttl_ms);
            })
            .await;
        self.renewals += self.link.sent() - before;
        match answer {
            Answer::Value(Value::Int(1)) => {
                grant.extend(invoke.saturating_add(self.ttl_ns()));
                Renewal::Confirmed
            }
            Answer::Value(Value::Int(0)) => Renewal::Refused,
            Answer::Refused(reason) | Answer::NotSent(reason) => Renewal::Unavailable(reason),
            Answer::NoScript => Renewal::Unavailable("the server keeps no scripts".to_owned()),
            other => Renewal::Unknown(self.reason(other)),
        }
    }

    /// Gives back.
    pub async fn release(&mut self, grant: &Grant) -> Release {
        let Some(place) = self.held.iter().position(|ticket| ticket.key == grant.key()) else {
            return Release::NotOwner;
        };
        let ticket = self.held.swap_remove(place);
        let answer = self
            .link
            .call(if ticket.is_among() { &RELEASING_AMONG } else { self.scripts.releasing }, 1, |command| {
                command.arg(place_of(&ticket)).arg(ticket.identity.as_str());
            })
            .await;
        self.spare.push(ticket);
        match answer {
            Answer::Value(Value::Int(1)) => Release::Confirmed,
            Answer::Value(Value::Int(0)) => Release::NotOwner,
            Answer::Refused(reason) | Answer::NotSent(reason) => {
                Release::Unavailable { surely_ended_ns: self.surely_ended(), reason }
            }
            Answer::NoScript => Release::Unavailable {
                surely_ended_ns: self.surely_ended(),
                reason: "the server keeps no scripts".to_owned(),
            },
            other => Release::Unknown { surely_ended_ns: self.surely_ended(), reason: self.reason(other) },
        }
    }

    fn reason(&self, answer: Answer) -> String {
        match answer {
            Answer::Late => format!("no answer within {} ms", self.opening.request_timeout_ns / MILLISECOND),
            Answer::Lost(error) => self.link.explain(&error),
            Answer::Strange(text) | Answer::Refused(text) | Answer::NotSent(text) => text,
            Answer::Value(value) => format!("unexpected reply {value:?}"),
            Answer::NoScript => "the server keeps no scripts".to_owned(),
        }
    }
}

/// Where a grant stands on the server: as the value of the lock, or in the set of those inside.
fn place_of(ticket: &Ticket) -> &str {
    if ticket.is_among() { &ticket.inside } else { &ticket.lock }
}

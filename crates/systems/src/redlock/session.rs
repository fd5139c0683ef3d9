//! One client of Redlock: try all nodes, count, give back what a failed try got.

use std::sync::Arc;

use super::super::Target;
use super::super::planted::{Flaw, Planted};
use super::super::poll::{Polling, Tried};
use super::super::redis::{Identities, Limits, Server, Ticket};
use super::electorate::Electorate;
use super::node::ServerNode;
use super::options::Parameters;
use super::votes::{Ballot, Votes, quorum, unsettled};
use super::wire::{Node, Verb};
use lockbench_core::lock::{Acquire, Grant, Key, Local, Opening, Patience, Release, Renewal, Session};
use lockbench_core::units::MILLISECOND;

/// A client of N nodes.
pub(super) struct RedlockSession<N: Node = ServerNode> {
    polling: Polling,
    client: Client<N>,
}

impl RedlockSession<ServerNode> {
    /// Connects one client.
    ///
    /// # Errors
    /// No quorum of nodes can be reached.
    pub async fn open(
        servers: &[Arc<Server>],
        target: &Target,
        opening: Opening,
        planted: Planted,
    ) -> Result<Self, String> {
        // Rounds have their own timeout; an answer that is late for one is still awaited.
        let limits = Limits { answer: None, ..Limits::within(opening.request_timeout_ns) };
        let nodes = servers.iter().map(|server| ServerNode::new(Arc::clone(server), limits)).collect();
        Self::over(nodes, target, opening, planted).await
    }
}

impl<N: Node> RedlockSession<N> {
    /// Of this run, with these nodes.
    ///
    /// # Errors
    /// No quorum of them can be reached.
    pub async fn over(nodes: Vec<N>, target: &Target, opening: Opening, planted: Planted) -> Result<Self, String> {
        let (timer, parameters) = (opening.timer.clone(), Parameters::of(&target.options));
        let node_timeout_ns = parameters.node_timeout_ns.min(opening.request_timeout_ns).max(MILLISECOND);
        let nodes = Electorate::open(nodes, timer, node_timeout_ns, opening.request_timeout_ns).await?;
        Ok(Self {
            polling: Polling::new(opening.retry, opening.seed),
            client: Client {
                nodes,
                namespace: target.namespace.clone(),
                identities: Identities::new(target, opening.client, opening.timer.now()),
                ttl_ms: (opening.ttl_ns / MILLISECOND).max(1),
                parameters,
                opening,
                trying: Ticket::default(),
                held: Vec::new(),
                renewals: 0,
                planted,
            },
        })
    }
}

struct Client<N: Node> {
    nodes: Electorate<N>,
    namespace: String,
    identities: Identities,
    opening: Opening,
    ttl_ms: u64,
    parameters: Parameters,
    /// Names of the attempt in progress.
    trying: Ticket,
    held: Vec<Held>,
    /// Requests that were renewals.
    renewals: u64,
    planted: Planted,
}

/// A key that we hold, and the nodes that were asked for it, as bits: the others
/// have nothing of ours, and a stalled one is not burdened with more requests.
struct Held {
    ticket: Ticket,
    asked: u64,
}

impl<N: Node> Client<N> {
    fn ttl_ns(&self) -> u64 {
        self.ttl_ms * MILLISECOND
    }

    /// How long a grant is valid from the moment of asking: the ttl less the drift
    /// of the clocks. The time that the round took is inherent, as it counts from
    /// before the first request ("validity time" in the source).
    fn validity_ns(&self) -> u64 {
        if self.planted == Some(Flaw::IgnoresValidity) {
            return u64::MAX / 2;
        }
        let drift = self.ttl_ns() as f64 * self.parameters.drift_ratio;
        self.ttl_ns().saturating_sub(drift.ceil() as u64).saturating_sub(self.parameters.drift_fixed_ns)
    }

    /// When a hold that we cannot disprove is surely over. A request reaches its node at most a request
    /// timeout after we gave up, or is followed there by its release; then the ttl, by the *wall* clock of
    /// each node.
    fn surely_ended(&self) -> u64 {
        self.opening.timer.now().saturating_add(self.opening.request_timeout_ns).saturating_add(self.ttl_ns())
    }

    /// How many nodes must agree to a grant.
    fn needed(&self) -> usize {
        let half = self.planted == Some(Flaw::HalfIsAQuorum);
        if half { self.nodes.len() / 2 } else { quorum(self.nodes.len()) }
    }

    async fn try_once(&mut self) -> Tried {
        self.trying.identify(&mut self.identities);
        let fit = self.nodes.fit().await;
        if (fit.count_ones() as usize) < quorum(self.nodes.len()) {
            let reason =
                format!("{} of {} nodes can be asked: {}", fit.count_ones(), self.nodes.len(), self.nodes.problems());
            return Tried::Unserved(reason);
        }
        let request = N::request(Verb::Acquire { ttl_ms: self.ttl_ms }, &self.trying, self.planted);
        let invoke = self.opening.timer.now();
        let needed = self.needed();
        let decided = |tally: &Votes| tally.count(Ballot::Yes) >= needed || tally.defeated();
        let tried = self.nodes.vote(&request, |node| fit >> node & 1 == 1, decided).await;
        let validity = invoke.saturating_add(self.validity_ns());
        let ours = tried.count(Ballot::Yes) >= needed || self.planted == Some(Flaw::FailureIsAGrant);
        if ours && self.opening.timer.now() < validity {
            let asked = (0..self.nodes.len()).map(|node| u64::from(tried.asked(node)) << node).sum();
            let ticket = std::mem::take(&mut self.trying);
            let grant = Grant::new(ticket.key, None, validity);
            // A later poll of this very call is impossible, the next call writes new names.
            self.held.push(Held { ticket, asked });
            return Tried::Granted(grant);
        }
        self.give_back(&tried).await
    }

    /// Releases on all nodes that were asked, whatever they answered: a yes may be on
    /// its way, and a minority's keys kept until the next try would keep every
    /// contender from a quorum until the ttl.
    async fn give_back(&mut self, tried: &Votes) -> Tried {
        let majority = quorum(self.nodes.len());
        let request = N::request(Verb::Release, &self.trying, self.planted);
        let enough = |tally: &Votes| tally.answered() >= majority;
        let withdrawn = self.nodes.vote(&request, |node| tried.asked(node), enough).await;
        if unsettled(tried, &withdrawn) >= majority {
            let reason = format!("no quorum of answers, nor to the withdrawal: {}", self.nodes.problems());
            return Tried::Ended(Acquire::Unknown { surely_ended_ns: self.surely_ended(), reason });
        }
        if tried.carried() {
            return Tried::Unserved("a quorum agreed only after the lease was over".to_owned());
        }
        if tried.answered() < majority {
            let reason =
                format!("{} of {} nodes answered: {}", tried.answered(), self.nodes.len(), self.nodes.problems());
            return Tried::Unserved(reason);
        }
        Tried::Held
    }

    async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let before = self.nodes.sent();
        let fit = self.nodes.fit().await;
        let Some(held) = self.held.iter().find(|held| held.ticket.key == grant.key()) else {
            return Renewal::Refused;
        };
        let renew = Verb::Renew { ttl_ms: self.ttl_ms };
        let (request, asked) = (N::request(renew, &held.ticket, self.planted), held.asked & fit);
        let invoke = self.opening.timer.now();
        let decided = |tally: &Votes| tally.carried() || tally.denied();
        let tally = self.nodes.vote(&request, |node| asked >> node & 1 == 1, decided).await;
        self.renewals += self.nodes.sent() - before;
        let validity = invoke.saturating_add(self.validity_ns());
        if tally.carried() && self.opening.timer.now() < validity {
            grant.extend(validity);
            Renewal::Confirmed
        } else if tally.denied() {
            Renewal::Refused
        } else if asked == 0 {
            Renewal::Unavailable(self.nodes.problems())
        } else {
            Renewal::Unknown(self.without_quorum(&tally))
        }
    }

    async fn release(&mut self, grant: &Grant) -> Release {
        let Some(place) = self.held.iter().position(|held| held.ticket.key == grant.key()) else {
            return Release::NotOwner;
        };
        let Held { ticket, asked } = self.held.swap_remove(place);
        // A stalled node is asked too, if it was asked for the lock: its yes may have come before, or may
        // still come, and this request stays behind it.
        self.nodes.fit().await;
        let decided = |tally: &Votes| tally.carried() || tally.denied();
        let request = N::request(Verb::Release, &ticket, self.planted);
        let tally = self.nodes.vote(&request, |node| asked >> node & 1 == 1, decided).await;
        if tally.carried() {
            return Release::Confirmed;
        }
        if tally.denied() {
            return Release::NotOwner;
        }
        let reason = self.without_quorum(&tally);
        if (0..self.nodes.len()).all(|node| !tally.asked(node)) {
            return Release::Unavailable { surely_ended_ns: self.surely_ended(), reason };
        }
        // Where enough nodes surely have nothing of ours, nobody confirmed us, but the hold is over.
        let nothing = |node: &usize| asked >> node & 1 == 0 || matches!(tally.of(*node), Ballot::Yes | Ballot::No);
        let over = self.nodes.len() - (0..self.nodes.len()).filter(nothing).count() < quorum(self.nodes.len());
        let surely_ended_ns = if over { self.opening.timer.now() } else { self.surely_ended() };
        Release::Unknown { surely_ended_ns, reason }
    }

    fn without_quorum(&self, tally: &Votes) -> String {
        format!(
            "{} of {} nodes confirmed, {} denied: {}",
            tally.count(Ballot::Yes),
            self.nodes.len(),
            tally.count(Ballot::No),
            self.nodes.problems()
        )
    }
}

impl<N: Node + 'static> Session for RedlockSession<N> {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { polling, client } = self;
        client.trying.address(&client.namespace, key);
        Box::pin(polling.acquire(patience, async || client.try_once().await))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(self.client.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.client.release(&grant).await })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.client.nodes.close())
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        self.client.ttl_ms = (ttl_ns / MILLISECOND).max(1);
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.client.ttl_ns())
    }

    fn identity(&self) -> Option<String> {
        Some(self.client.identities.client().to_owned())
    }

    /// Never: locks outlive connections, and no node tells when a lease ends.
    fn lost_at(&self) -> Option<u64> {
        None
    }

    fn requests(&self) -> u64 {
        self.client.nodes.sent() - self.client.renewals
    }
}

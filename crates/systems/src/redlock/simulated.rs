//! Redlock on models of its nodes.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::super::redis::{Ticket, names};
use super::session::RedlockSession;
use super::votes::{Ballot, quorum};
use super::wire::{Node, Said, Verb};
use crate::Target;
use crate::planted::{Flaw, Planted};
use crate::simulated::{Lost, MS, Model, Network, Road, play};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{Key, Opening, Session};

/// Nodes.
const NODES: usize = 5;

/// Keys of one node: identity and end of the lease.
#[derive(Default)]
struct Keys(HashMap<String, (String, u64)>);

impl Keys {
    fn holder(&self, lock: &str, now: u64) -> Option<&str> {
        self.0.get(lock).filter(|(_, ends)| *ends > now).map(|(identity, _)| identity.as_str())
    }

    fn execute(&mut self, asked: &Asked, now: u64) -> bool {
        let is = |flaw| asked.planted == Some(flaw);
        let held = self.holder(&asked.lock, now);
        let ours = held == Some(asked.identity.as_str());
        let held = held.is_some();
        let keep = |ttl_ms: u64| (asked.identity.clone(), now + ttl_ms * MS);
        match asked.verb {
            Verb::Acquire { ttl_ms } if !held || is(Flaw::TakesWhatIsHeld) => {
                self.0.insert(asked.lock.clone(), keep(ttl_ms));
                true
            }
            Verb::Renew { ttl_ms } if ours => {
                self.0.insert(asked.lock.clone(), keep(ttl_ms));
                true
            }
            Verb::Release if ours || (held && is(Flaw::FreesWhatIsNotItsOwn)) => self.0.remove(&asked.lock).is_some(),
            _ => false,
        }
    }
}

struct Asked {
    verb: Verb,
    lock: String,
    identity: String,
    planted: Planted,
}

struct Modelled {
    road: Road,
    keys: Rc<RefCell<Keys>>,
    connection: u32,
    unanswered: VecDeque<u64>,
}

impl Node for Modelled {
    type Request = Asked;
    type Answer = Result<bool, Lost>;

    fn request(verb: Verb, ticket: &Ticket, planted: Planted) -> Rc<Asked> {
        Rc::new(Asked { verb, lock: ticket.lock.clone(), identity: ticket.identity.clone(), planted })
    }

    fn refresh(&mut self) -> bool {
        true
    }

    fn stalled(&self, then: u64) -> bool {
        self.unanswered.front().is_some_and(|sent| *sent < then)
    }

    fn send(
        &mut self,
        now: u64,
        request: &Rc<Asked>,
    ) -> Option<(impl Future<Output = (Self::Answer, u64)> + 'static, u32)> {
        self.unanswered.push_back(now);
        let (keys, request) = (Rc::clone(&self.keys), Rc::clone(request));
        let answer = self.road.send(move |now| keys.borrow_mut().execute(&request, now), None);
        Some((async move { (answer.await, 1) }, self.connection))
    }

    fn read(&self, answer: &Self::Answer) -> (Ballot, Said) {
        match answer {
            Ok(true) => (Ballot::Yes, Said::Nothing),
            Ok(false) => (Ballot::No, Said::Nothing),
            Err(lost) => (Ballot::Lost, Said::Gone(format!("{lost:?}"))),
        }
    }

    fn answered(&mut self, connection: u32) {
        if connection == self.connection {
            self.unanswered.pop_front();
        }
    }

    fn lost(&mut self, connection: u32, _problem: String) {
        if connection == self.connection {
            self.road.give_up();
            self.connection += 1;
            self.unanswered.clear();
        }
    }

    fn problem(&self) -> Option<String> {
        None
    }
}

struct Redlock {
    nodes: Vec<Rc<RefCell<Keys>>>,
    planted: Planted,
    target: Target,
}

impl Redlock {
    fn new(planted: Planted, timer: &Timer) -> Self {
        let mut target = Target::new(Vec::new(), "run");
        target.clock = timer.clock();
        Self { nodes: (0..NODES).map(|_| Rc::default()).collect(), planted, target }
    }
}

impl Model for Redlock {
    async fn open(&self, opening: Opening, network: &Network) -> Box<dyn Session> {
        let network = network.within_the_limit();
        let node = |keys: &Rc<RefCell<Keys>>| Modelled {
            road: Road::new(&network),
            keys: Rc::clone(keys),
            connection: 0,
            unanswered: VecDeque::new(),
        };
        let nodes = self.nodes.iter().map(node).collect();
        Box::new(RedlockSession::over(nodes, &self.target, opening, self.planted).await.expect("all nodes are there"))
    }

    /// A majority of nodes, for one identity of the client.
    fn has_of(&self, client: u32, key: &Key, now: u64) -> bool {
        let (lock, prefix) = (names("run", key).lock, format!("run/{client}/"));
        let nodes: Vec<_> = self.nodes.iter().map(|keys| keys.borrow()).collect();
        let holders: Vec<&str> = nodes.iter().filter_map(|keys| keys.holder(&lock, now)).collect();
        let of = |one: &&str| holders.iter().filter(|holder| *holder == one).count() >= quorum(NODES);
        holders.iter().any(|holder| holder.starts_with(&prefix) && of(holder))
    }
}

fn played(seed: u64, planted: Planted) -> Result<usize, String> {
    play(seed, |timer| Redlock::new(planted, &timer))
}

#[test]
fn no_seed_breaks_a_rule() {
    let holds: usize = (0..60).map(|seed| played(seed, None).unwrap_or_else(|e| panic!("{seed}: {e}"))).sum();
    assert!(holds > 60 * 30, "{holds} holds");
}

#[test]
fn some_seed_shows_each_flaw() {
    for flaw in [
        Flaw::TakesWhatIsHeld,
        Flaw::FreesWhatIsNotItsOwn,
        Flaw::HalfIsAQuorum,
        Flaw::IgnoresValidity,
        Flaw::FailureIsAGrant,
    ] {
        assert!((0..60).any(|seed| played(seed, Some(flaw)).is_err()), "{flaw:?}");
    }
}

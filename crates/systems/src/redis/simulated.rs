//! The recipes of one Redis on a model of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::client::Client;
use super::naming::{Ticket, names};
use super::pubsub::PubSubSession;
use super::session::RedisSession;
use super::wire::{Reply, Verb, Wire};
use crate::Target;
use crate::listening::Listening;
use crate::notices::Notices;
use crate::planted::{Flaw, Planted};
use crate::poll::Polling;
use crate::simulated::{MS, Model, Network, Road, play};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{Key, Opening, Session};

/// What the scripts do, on a clock that is right.
#[derive(Default)]
struct Server {
    /// Identity and end of the lease.
    locks: HashMap<String, (String, u64)>,
    fences: HashMap<String, i64>,
}

impl Server {
    fn holder(&mut self, lock: &str, now: u64) -> Option<&mut (String, u64)> {
        self.locks.get_mut(lock).filter(|(_, ends)| *ends > now)
    }

    fn execute(&mut self, verb: Verb, asked: &Names, planted: Planted, now: u64) -> i64 {
        let is = |flaw| planted == Some(flaw);
        let held = self.holder(&asked.lock, now);
        let ours = held.as_ref().is_some_and(|(holder, _)| *holder == asked.identity);
        match (verb, held) {
            (Verb::Acquire { .. }, Some((_, ends))) if !is(Flaw::TakesWhatIsHeld) => {
                -((*ends - now).div_ceil(MS).cast_signed())
            }
            (Verb::Acquire { ttl_ms }, _) => {
                self.locks.insert(asked.lock.clone(), (asked.identity.clone(), now + ttl_ms * MS));
                let fence = self.fences.entry(asked.lock.clone()).or_default();
                *fence += 1;
                *fence
            }
            (Verb::Renew { ttl_ms }, Some((_, ends))) if ours || is(Flaw::RenewsWhatIsNotItsOwn) => {
                *ends = now + ttl_ms * MS;
                1
            }
            (Verb::Release, Some(_)) if ours || is(Flaw::FreesWhatIsNotItsOwn) => {
                self.locks.remove(&asked.lock);
                1
            }
            (Verb::Renew { .. } | Verb::Release, _) => 0,
        }
    }
}

/// What is on a ticket.
#[derive(Clone)]
struct Names {
    lock: String,
    identity: String,
}

impl From<&Ticket> for Names {
    fn from(ticket: &Ticket) -> Self {
        Self { lock: ticket.lock.clone(), identity: ticket.identity.clone() }
    }
}

/// A wire to the model.
struct Modelled {
    road: Road,
    server: Rc<RefCell<Server>>,
    planted: Planted,
    /// Who is told of releases.
    told: Option<(Arc<Notices>, Network)>,
}

impl Modelled {
    fn effect(&self, verb: Verb, ticket: &Ticket) -> impl FnOnce(u64) -> i64 + use<> {
        let (server, asked, planted) = (Rc::clone(&self.server), Names::from(ticket), self.planted);
        let told = self.told.clone();
        move |now| {
            let answer = server.borrow_mut().execute(verb, &asked, planted, now);
            match told {
                Some((notices, network)) => {
                    if verb == Verb::Release && answer == 1 {
                        publish(notices, network, asked.lock);
                    }
                    answer
                }
                None => answer.max(0),
            }
        }
    }
}

/// Some messages are lost.
fn publish(notices: Arc<Notices>, network: Network, lock: String) {
    if network.within(0, 10) == 0 {
        return;
    }
    let delay = std::time::Duration::from_nanos(network.within(0, 5 * MS));
    tokio::task::spawn_local(async move {
        tokio::time::sleep(delay).await;
        notices.tell(&lock);
    });
}

impl Wire for Modelled {
    async fn ask(&mut self, verb: Verb, ticket: &Ticket) -> Reply {
        let effect = self.effect(verb, ticket);
        match self.road.carry(effect).await {
            Ok(number) => Reply::Number(number),
            Err(lost) => Reply::Unknown(format!("{lost:?}")),
        }
    }

    async fn withdraw(&mut self, ticket: &Ticket) {
        let effect = self.effect(Verb::Release, ticket);
        self.road.follow_with(effect);
    }

    fn sent(&self) -> u64 {
        self.road.sent()
    }
}

struct Redis {
    server: Rc<RefCell<Server>>,
    planted: Planted,
    notices: Option<Arc<Notices>>,
    target: Target,
}

impl Redis {
    fn new(planted: Planted, messages: bool, timer: &Timer) -> Self {
        let notices = messages.then(|| {
            let (notices, mut wished) = Notices::new();
            let hearing = Arc::clone(&notices);
            tokio::task::spawn_local(async move {
                while let Some(wish) = wished.recv().await {
                    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                    hearing.hears(wish);
                }
            });
            notices
        });
        let mut target = Target::new(Vec::new(), "run");
        target.clock = timer.clock();
        Self { server: Rc::default(), planted, notices, target }
    }
}

impl Model for Redis {
    async fn open(&self, opening: Opening, network: &Network) -> Box<dyn Session> {
        let told = self.notices.clone().map(|notices| (notices, network.clone()));
        let wire = Modelled { road: Road::new(network), server: Rc::clone(&self.server), planted: self.planted, told };
        match &self.notices {
            None => {
                let polling = Polling::new(opening.retry, opening.seed);
                Box::new(RedisSession { polling, client: Client::over(wire, &self.target, opening, self.planted) })
            }
            Some(notices) => {
                let listening = Listening::new(Arc::clone(notices), &opening);
                Box::new(PubSubSession { client: Client::over(wire, &self.target, opening, self.planted), listening })
            }
        }
    }

    fn has_of(&self, client: u32, key: &Key, now: u64) -> bool {
        let lock = names("run", key).lock;
        let holder = self.server.borrow_mut().holder(&lock, now).map(|(identity, _)| identity.clone());
        holder.is_some_and(|identity| identity.starts_with(&format!("run/{client}/")))
    }
}

fn played(seed: u64, planted: Planted, messages: bool) -> Result<usize, String> {
    play(seed, |timer| Redis::new(planted, messages, &timer))
}

#[test]
fn no_seed_breaks_a_rule_of_either_recipe() {
    for messages in [false, true] {
        let holds: usize =
            (0..60).map(|seed| played(seed, None, messages).unwrap_or_else(|e| panic!("{seed}: {e}"))).sum();
        assert!(holds > 60 * 30, "{holds} holds");
    }
}

#[test]
fn the_same_seed_makes_the_same_run() {
    assert_eq!(played(7, None, false), played(7, None, false));
    assert_eq!(played(7, Some(Flaw::TakesWhatIsHeld), false), played(7, Some(Flaw::TakesWhatIsHeld), false));
}

#[test]
fn some_seed_shows_each_flaw() {
    for flaw in [
        Flaw::TakesWhatIsHeld,
        Flaw::FreesWhatIsNotItsOwn,
        Flaw::RenewsWhatIsNotItsOwn,
        Flaw::TokensFall,
        Flaw::FailureIsAGrant,
    ] {
        assert!((0..40).any(|seed| played(seed, Some(flaw), false).is_err()), "{flaw:?}");
    }
}

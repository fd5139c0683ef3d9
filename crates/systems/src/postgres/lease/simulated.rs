//! The recipe of the lease row on a model of its table.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::session::{LeaseSession, Row, Waiting};
use super::wire::{Reply, Verb, Wire};
use crate::planted::{Flaw, Planted};
use crate::simulated::{LIMIT_NS, MS, Model, Network, Road, play};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{Key, Opening, Session};

#[derive(Default)]
struct Lease {
    owner: Option<String>,
    fence: u64,
    ends: u64,
}

#[derive(Default)]
struct Rows(HashMap<String, Lease>);

impl Rows {
    /// The new fence, or how long the lease runs.
    fn execute(&mut self, verb: Verb, key: &str, owner: &str, planted: Planted, now: u64) -> Result<u64, u64> {
        let is = |flaw| planted == Some(flaw);
        let row = self.0.entry(key.to_owned()).or_default();
        let held = row.owner.is_some() && row.ends > now;
        let ours = |fence| held && row.owner.as_deref() == Some(owner) && row.fence == fence;
        match verb {
            Verb::Acquire { ttl_us } if !held || is(Flaw::TakesWhatIsHeld) => {
                *row = Lease { owner: Some(owner.to_owned()), fence: row.fence + 1, ends: now + ttl_us * 1_000 };
                Ok(row.fence)
            }
            Verb::Renew { fence, ttl_us } if ours(fence) || is(Flaw::RenewsWhatIsNotItsOwn) => {
                row.ends = now + ttl_us * 1_000;
                Ok(row.fence)
            }
            Verb::Release { fence } if ours(fence) || is(Flaw::FreesWhatIsNotItsOwn) => {
                (row.owner, row.ends) = (None, 0);
                Ok(row.fence)
            }
            _ => Err(row.ends.saturating_sub(now) / 1_000),
        }
    }
}

struct Modelled {
    road: Road,
    rows: Rc<RefCell<Rows>>,
    owner: String,
    planted: Planted,
    timer: Timer,
    /// When the last statement of unknown effect was sent.
    unknown_at: u64,
}

impl Wire for Modelled {
    async fn ask(&mut self, verb: Verb, key: &str) -> Reply {
        let (rows, owner, key, planted) = (Rc::clone(&self.rows), self.owner.clone(), key.to_owned(), self.planted);
        let effect = move |now| rows.borrow_mut().execute(verb, &key, &owner, planted, now);
        self.unknown_at = self.timer.now();
        match self.road.carry(effect).await {
            Ok(Ok(fence)) => Reply::Done { fence },
            Ok(Err(left_us)) => Reply::Not { left_us },
            Err(lost) => {
                // As the link does it: the connection is closed, whatever the server still has of it.
                self.road.give_up();
                Reply::Unknown(format!("{lost:?}"))
            }
        }
    }

    async fn is_over(&mut self) -> bool {
        // The server ends the session with the last that it had of it. Sometimes it does not say so in time.
        self.timer.sleep_until(self.unknown_at + 3 * LIMIT_NS).await;
        !(self.unknown_at / MS).is_multiple_of(3)
    }

    fn owner(&self) -> &str {
        &self.owner
    }

    fn requests(&self) -> u64 {
        self.road.sent()
    }

    async fn close(self) {}
}

struct Table {
    rows: Rc<RefCell<Rows>>,
    planted: Planted,
}

impl Model for Table {
    async fn open(&self, opening: Opening, network: &Network) -> Box<dyn Session> {
        let wire = Modelled {
            road: Road::new(network),
            rows: Rc::clone(&self.rows),
            owner: format!("client {}", opening.client),
            planted: self.planted,
            timer: opening.timer.clone(),
            unknown_at: 0,
        };
        let waiting = Waiting::polls(&opening);
        Box::new(LeaseSession::new(Row::new(wire, &opening, self.planted), waiting, "run"))
    }

    fn has_of(&self, client: u32, key: &Key, now: u64) -> bool {
        let owner = format!("client {client}");
        self.rows.borrow().0.get(&*key.name).is_some_and(|row| row.owner == Some(owner) && row.ends > now)
    }
}

fn played(seed: u64, planted: Planted) -> Result<usize, String> {
    play(seed, |_| Table { rows: Rc::default(), planted })
}

#[test]
fn no_seed_breaks_a_rule() {
    let holds: usize = (0..60).map(|seed| played(seed, None).unwrap_or_else(|e| panic!("{seed}: {e}"))).sum();
    assert!(holds > 60 * 30, "{holds} holds");
}

#[test]
fn some_seed_shows_each_flaw() {
    for flaw in [Flaw::TakesWhatIsHeld, Flaw::FreesWhatIsNotItsOwn, Flaw::RenewsWhatIsNotItsOwn, Flaw::FailureIsAGrant]
    {
        assert!((0..40).any(|seed| played(seed, Some(flaw)).is_err()), "{flaw:?}");
    }
}

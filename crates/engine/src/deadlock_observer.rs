//! Finds deadlocks while the load runs: tells of the first of them, and tells the attempt that the plan chooses to give up.

use std::sync::Arc;

use lockbench_core::lock::Victims;
use lockbench_core::oracle::{Deadlock, DeadlockFold};
use lockbench_core::record::{Attempts, Event, Observer};

/// Deadlocks of a trial that are told; all are counted.
const TOLD: u32 = 3;

/// Follows the attempts of a trial whose clients can wait for each other.
pub struct DeadlockObserver<'a> {
    attempts: Attempts,
    fold: DeadlockFold,
    victims: Option<Arc<Victims>>,
    tell: &'a dyn Fn(&str),
    told: u32,
}

impl<'a> DeadlockObserver<'a> {
    /// Chooses among these, where the plan breaks deadlocks, and tells.
    pub fn new(victims: Option<Arc<Victims>>, tell: &'a dyn Fn(&str)) -> Self {
        Self { attempts: Attempts::default(), fold: DeadlockFold::default(), victims, tell, told: 0 }
    }
}

impl Observer for DeadlockObserver<'_> {
    fn observe(&mut self, event: &Event) {
        let Some(found) = self.fold.follow(&self.attempts.observe(event)) else { return };
        if let (Some(victims), Some(youngest)) = (&self.victims, found.youngest()) {
            victims.choose(youngest.client, youngest.number);
        }
        if self.told < TOLD {
            self.told += 1;
            let more = if self.told == TOLD { "; later ones are counted and not told" } else { "" };
            (self.tell)(&format!("deadlock: {}{more}", Deadlock::in_words(found)));
        }
    }
}

//! Who waits for and who holds one key, as its events tell: gives contention,
//! overtakes, hand-offs and exercised holds.

use std::collections::VecDeque;

/// The state of one key.
#[derive(Default)]
pub struct KeyQueue {
    /// Clients that asked and have no answer yet, in order of asking.
    waiting: VecDeque<u32>,
    /// Clients inside, and whether another wanted in meanwhile.
    inside: Vec<(u32, bool)>,
    /// The last `release_invoke` that no grant followed yet.
    released_at: Option<u64>,
    /// Attempts, those that found it held, grants.
    counts: (u64, u64, u64),
}

/// What happened at one key so far, in all phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyTally {
    /// Attempts.
    pub attempts: u64,
    /// Of these: found the key held by another client.
    pub contended: u64,
    /// Grants.
    pub grants: u64,
    /// Clients that wait for it now.
    pub waiting: u32,
}

/// What a grant tells about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Did an earlier arrival still wait?
    pub overtook: bool,
    /// The previous holder's `release_invoke`, if this grant was a hand-off: its
    /// client was already waiting then, and nobody else is inside.
    pub released_at: Option<u64>,
}

impl KeyQueue {
    /// A client asks. Is the key held by another?
    pub fn arrive(&mut self, client: u32) -> bool {
        self.waiting.push_back(client);
        let mut held = false;
        for (holder, wanted) in &mut self.inside {
            if *holder != client {
                *wanted = true;
                held = true;
            }
        }
        self.counts.0 += 1;
        self.counts.1 += u64::from(held);
        held
    }

    /// A client gives up.
    pub fn leave(&mut self, client: u32) {
        self.take_place(client);
    }

    /// A client that asked at `invoke` is granted the key.
    pub fn granted(&mut self, client: u32, invoke: u64) -> Taken {
        self.counts.2 += 1;
        let overtook = self.take_place(client) > 0;
        let released_at = self.released_at.take().filter(|released| invoke < *released);
        self.inside.push((client, !self.waiting.is_empty()));
        Taken { overtook, released_at }
    }

    /// A holder is about to release at `t`. Did another client want the key
    /// during its hold?
    pub fn released(&mut self, client: u32, t: u64) -> bool {
        let place = self.inside.iter().position(|(holder, _)| *holder == client);
        let wanted = place.map(|place| self.inside.swap_remove(place).1);
        // A hold that another one overlaps hands nothing over.
        self.released_at = self.inside.is_empty().then_some(t);
        wanted.unwrap_or(false)
    }

    /// A holder died. Did another client want the key during its hold? There was
    /// no release, so nothing is handed over: the next grant waits for a lease.
    pub fn died(&mut self, client: u32) -> bool {
        let wanted = self.released(client, 0);
        self.released_at = None;
        wanted
    }

    /// The counts so far.
    pub fn tally(&self) -> KeyTally {
        let (attempts, contended, grants) = self.counts;
        KeyTally { attempts, contended, grants, waiting: self.waiting.len() as u32 }
    }

    /// Removes a client from the queue; returns how many were before it.
    fn take_place(&mut self, client: u32) -> usize {
        let place = self.waiting.iter().position(|waiting| *waiting == client);
        if let Some(place) = place {
            self.waiting.remove(place);
        }
        place.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyQueue, Taken};

    #[test]
    fn a_hand_off_needs_a_client_that_was_already_waiting() {
        let mut key = KeyQueue::default();
        assert!(!key.arrive(1));
        assert_eq!(key.granted(1, 10), Taken { overtook: false, released_at: None });
        assert!(key.arrive(2));
        assert!(key.released(1, 30));
        assert_eq!(key.granted(2, 20), Taken { overtook: false, released_at: Some(30) });
        assert!(!key.released(2, 50));
        assert!(!key.arrive(1));
        assert_eq!(key.granted(1, 60).released_at, None);
    }

    #[test]
    fn a_later_arrival_granted_first_is_an_overtake() {
        let mut key = KeyQueue::default();
        key.arrive(1);
        key.arrive(2);
        assert!(key.granted(2, 5).overtook);
        key.leave(1);
        assert!(key.released(2, 9));
    }

    #[test]
    fn double_granted_pairs_hand_nothing_over() {
        let mut key = KeyQueue::default();
        for client in 1..=3 {
            key.arrive(client);
        }
        key.granted(1, 1);
        key.granted(2, 2);
        key.released(1, 10);
        assert_eq!(key.granted(3, 3).released_at, None);
    }

    #[test]
    fn one_who_asks_in_the_very_instant_of_the_release_was_not_waiting() {
        let mut key = KeyQueue::default();
        key.arrive(1);
        key.granted(1, 5);
        key.released(1, 30);
        key.arrive(2);
        assert_eq!(key.granted(2, 30).released_at, None);
    }

    #[test]
    fn nobody_contends_with_himself() {
        let mut key = KeyQueue::default();
        key.arrive(1);
        key.granted(1, 5);
        assert!(!key.arrive(1));
        assert!(!key.released(1, 9));
    }
}

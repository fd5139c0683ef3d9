//! Who waits for and who holds one key, as its events tell: gives contention,
//! overtakes, hand-offs and exercised holds.

use std::collections::VecDeque;

/// The state of one key.
#[derive(Default)]
pub struct KeyQueue {
    /// Clients that asked and have no answer yet, in order of asking.
    waiting: VecDeque<Waiter>,
    /// Clients inside, and whether another wanted in meanwhile.
    inside: Vec<(u32, bool)>,
    /// The last `release_invoke` that no grant followed yet.
    released_at: Option<u64>,
    /// Attempts, those that found it held, grants.
    counts: (u64, u64, u64),
}

/// A client that asked and has no answer yet.
struct Waiter {
    client: u32,
    /// When it asked.
    invoke: u64,
    /// Grants of the key until then.
    grants: u64,
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
    /// Was the key granted to another client since this one asked?
    pub others_first: bool,
}

impl KeyQueue {
    /// A client asks at `invoke`. Is the key held by another?
    pub fn arrive(&mut self, client: u32, invoke: u64) -> bool {
        self.waiting.push_back(Waiter { client, invoke, grants: self.counts.2 });
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

    /// A client that asked at `invoke` gives up. Was it the last of those that waited at a
    /// release which no grant followed? Then that hand-off was waited for in vain, from the
    /// release on.
    pub fn leave(&mut self, client: u32, invoke: u64) -> Option<u64> {
        self.take_place(client)?;
        let released = self.released_at.filter(|released| invoke < *released)?;
        let others_wait = self.waiting.front().is_some_and(|waiter| waiter.invoke < released);
        if others_wait { None } else { self.released_at.take() }
    }

    /// A client that asked at `invoke` is granted the key.
    pub fn granted(&mut self, client: u32, invoke: u64) -> Taken {
        let (before, others_first) = match self.take_place(client) {
            Some((place, waiter)) => (place, self.counts.2 > waiter.grants),
            None => (0, false),
        };
        self.counts.2 += 1;
        let released_at = self.released_at.take().filter(|released| invoke < *released);
        self.inside.push((client, !self.waiting.is_empty()));
        Taken { overtook: before > 0, released_at, others_first }
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

    /// Removes a client from the queue, if it is there; says too how many were before it.
    fn take_place(&mut self, client: u32) -> Option<(usize, Waiter)> {
        let place = self.waiting.iter().position(|waiter| waiter.client == client)?;
        self.waiting.remove(place).map(|waiter| (place, waiter))
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyQueue, Taken};

    #[test]
    fn a_hand_off_needs_a_client_that_was_already_waiting() {
        let mut key = KeyQueue::default();
        assert!(!key.arrive(1, 10));
        assert_eq!(key.granted(1, 10), Taken { overtook: false, released_at: None, others_first: false });
        assert!(key.arrive(2, 20));
        assert!(key.released(1, 30));
        assert_eq!(key.granted(2, 20), Taken { overtook: false, released_at: Some(30), others_first: false });
        assert!(!key.released(2, 50));
        assert!(!key.arrive(1, 60));
        assert_eq!(key.granted(1, 60).released_at, None);
    }

    #[test]
    fn a_later_arrival_granted_first_is_an_overtake() {
        let mut key = KeyQueue::default();
        key.arrive(1, 1);
        key.arrive(2, 2);
        assert!(key.granted(2, 5).overtook);
        key.leave(1, 1);
        assert!(key.released(2, 9));
    }

    #[test]
    fn a_release_that_no_waiting_client_is_granted_after_is_a_hand_off_in_vain() {
        let mut key = KeyQueue::default();
        key.arrive(1, 1);
        key.granted(1, 1);
        key.arrive(2, 5);
        key.arrive(3, 6);
        key.released(1, 10);
        key.arrive(4, 20);
        assert_eq!(key.leave(2, 5), None, "another one waits still");
        assert_eq!(key.leave(3, 6), Some(10));
        assert_eq!(key.granted(4, 20).released_at, None, "it came later");
        assert_eq!(key.leave(4, 20), None);
    }

    #[test]
    fn double_granted_pairs_hand_nothing_over() {
        let mut key = KeyQueue::default();
        for client in 1..=3 {
            key.arrive(client, u64::from(client));
        }
        key.granted(1, 1);
        key.granted(2, 2);
        key.released(1, 10);
        assert_eq!(key.granted(3, 3).released_at, None);
    }

    #[test]
    fn one_who_asks_in_the_very_instant_of_the_release_was_not_waiting() {
        let mut key = KeyQueue::default();
        key.arrive(1, 5);
        key.granted(1, 5);
        key.released(1, 30);
        key.arrive(2, 30);
        assert_eq!(key.granted(2, 30).released_at, None);
    }

    #[test]
    fn nobody_contends_with_himself() {
        let mut key = KeyQueue::default();
        key.arrive(1, 5);
        key.granted(1, 5);
        assert!(!key.arrive(1, 6));
        assert!(!key.released(1, 9));
    }
}

//! Which requests for a key are in flight or queued at the server, over all clients:
//! what makes a hold a challenged one. A client of a polling recipe that is asleep
//! between two polls has none there and challenges nobody. Only atomics: it is on the
//! path of every attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Bits of the number of open requests; above them is the number of those that began.
const OPEN_BITS: u32 = 24;
const OPEN: u64 = (1 << OPEN_BITS) - 1;
const BEGAN: u64 = 1 << OPEN_BITS;

/// The requests for one key, on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Asked(AtomicU64);

/// The requests for all keys of a trial.
pub struct Asks {
    keys: Vec<Asked>,
}

/// The requests for a key at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(u64);

impl Asks {
    /// None yet.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { keys: (0..keys).map(|_| Asked::default()).collect() }
    }

    /// What is under way for a key now.
    #[must_use]
    pub fn now(&self, key: u32) -> Moment {
        Moment(self.keys[key as usize].0.load(Ordering::Acquire))
    }
}

impl Moment {
    /// Was a request under way at some instant from this moment to a later one?
    #[must_use]
    pub fn asked_until(self, later: Self) -> bool {
        self.0 & OPEN > 0 || self.0 >> OPEN_BITS != later.0 >> OPEN_BITS
    }
}

/// The requests of one client, which has at most one under way.
pub struct Asking {
    asks: Arc<Asks>,
    key: AtomicU32,
    open: AtomicBool,
}

impl Asking {
    /// Of a client that asks for nothing yet.
    #[must_use]
    pub fn new(asks: Arc<Asks>) -> Self {
        Self { asks, key: AtomicU32::new(0), open: AtomicBool::new(false) }
    }

    /// Its acquire of this key begins.
    pub fn begin(&self, key: u32) {
        self.end();
        self.key.store(key, Ordering::Relaxed);
        self.again();
    }

    /// Its next request goes out.
    pub fn again(&self) {
        if !self.open.swap(true, Ordering::Relaxed) {
            self.asked().fetch_add(BEGAN + 1, Ordering::AcqRel);
        }
    }

    /// Nothing of it is under way any more: it was answered, or it sleeps before it asks again.
    pub fn end(&self) {
        if self.open.swap(false, Ordering::Relaxed) {
            self.asked().fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn asked(&self) -> &AtomicU64 {
        &self.asks.keys[self.key.load(Ordering::Relaxed) as usize].0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Asking, Asks};

    #[test]
    fn a_hold_is_challenged_by_what_is_under_way_at_its_start_or_begins_in_it() {
        let asks = Arc::new(Asks::new(2));
        let other = Asking::new(Arc::clone(&asks));
        let start = asks.now(0);
        assert!(!start.asked_until(asks.now(0)));
        // For another key.
        other.begin(1);
        assert!(!start.asked_until(asks.now(0)));
        // Begun and answered within the hold.
        other.begin(0);
        other.end();
        assert!(start.asked_until(asks.now(0)));
        // Asleep from before the start of the hold to after its end.
        let start = asks.now(0);
        assert!(!start.asked_until(asks.now(0)));
        // Under way when the hold begins.
        other.again();
        other.again();
        let start = asks.now(0);
        assert!(start.asked_until(asks.now(0)));
        other.end();
        other.end();
        assert!(start.asked_until(asks.now(0)) && !asks.now(0).asked_until(asks.now(0)));
    }
}

//! Which requests for a key are in flight or queued at the server, over all clients:
//! what makes a hold a challenged one. A client of a polling recipe that is asleep
//! between two polls has none there and challenges nobody. Only atomics: it is on the
//! path of every attempt.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::shared::{BlockName, Place, Words};

/// Bits of the number of open requests; above them is the number of those that began.
const OPEN_BITS: u32 = 24;
const OPEN: u64 = (1 << OPEN_BITS) - 1;
const BEGAN: u64 = 1 << OPEN_BITS;

/// The requests for all keys of a trial: a number per key and process, so that those of a process that died can
/// be taken out.
pub struct Asks {
    words: Words,
    /// The process that asks by this value.
    process: u32,
}

/// The requests for a key at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(u64);

impl Asks {
    /// None yet, by clients of this process.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { words: Words::own(keys as usize, 1), process: 0 }
    }

    /// None yet, by clients of so many worker processes.
    ///
    /// # Errors
    /// There is no more shared memory to be had.
    pub fn shared(keys: u32, processes: u32) -> io::Result<Self> {
        Ok(Self { words: Words::new(keys as usize, processes as usize, Place::Shared)?, process: 0 })
    }

    /// Those that another process made, for the clients of worker process number `process` of so many.
    ///
    /// # Errors
    /// They are gone.
    pub fn open(name: &BlockName, (process, processes): (u32, u32)) -> io::Result<Self> {
        Ok(Self { words: Words::open(name, processes as usize)?, process })
    }

    /// How another process finds them; `None`: it cannot.
    #[must_use]
    pub fn name(&self) -> Option<BlockName> {
        self.words.name()
    }

    /// What is under way for a key now.
    #[must_use]
    #[inline]
    pub fn now(&self, key: u32) -> Moment {
        // Both parts of the sum are the sums of the parts.
        Moment(self.words.of(key as usize).map(|asked| asked.load(Ordering::Acquire)).sum())
    }

    /// A worker process is gone, and with it whatever it had under way.
    pub fn withdraw(&self, process: u32) {
        for key in 0..self.words.count() {
            self.words.word(key, process as usize).fetch_and(!OPEN, Ordering::AcqRel);
        }
    }

    #[inline]
    fn own(&self, key: u32) -> &AtomicU64 {
        self.words.word(key as usize, self.process as usize)
    }
}

impl Moment {
    /// Is a request under way?
    #[must_use]
    pub fn asks(self) -> bool {
        self.0 & OPEN > 0
    }

    /// Was a request under way at some instant from this moment to a later one?
    #[must_use]
    #[inline]
    pub fn asked_until(self, later: Self) -> bool {
        self.asks() || self.0 >> OPEN_BITS != later.0 >> OPEN_BITS
    }
}

/// The requests of one client, which has at most one under way.
pub struct Asking {
    asks: Arc<Asks>,
    key: AtomicU32,
    open: AtomicBool,
    /// How often it was woken while it waited, since that was last asked.
    wakeups: AtomicU32,
}

impl Asking {
    /// Of a client that asks for nothing yet.
    #[must_use]
    pub fn new(asks: Arc<Asks>) -> Self {
        Self { asks, key: AtomicU32::new(0), open: AtomicBool::new(false), wakeups: AtomicU32::new(0) }
    }

    /// Its acquire of this key begins.
    #[inline]
    pub fn begin(&self, key: u32) {
        self.end();
        self.key.store(key, Ordering::Relaxed);
        self.again();
    }

    /// Its next request goes out.
    #[inline]
    pub fn again(&self) {
        if !self.open.swap(true, Ordering::Relaxed) {
            self.asked().fetch_add(BEGAN + 1, Ordering::AcqRel);
        }
    }

    /// Nothing of it is under way any more: it was answered, or it sleeps before it asks again.
    #[inline]
    pub fn end(&self) {
        if self.open.swap(false, Ordering::Relaxed) {
            self.asked().fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// It is woken while it waits, to look again.
    #[inline]
    pub fn wake(&self) {
        self.wakeups.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was woken since this was last asked.
    #[inline]
    pub fn take_wakeups(&self) -> u32 {
        self.wakeups.swap(0, Ordering::Relaxed)
    }

    #[inline]
    fn asked(&self) -> &AtomicU64 {
        self.asks.own(self.key.load(Ordering::Relaxed))
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

    #[test]
    fn what_a_process_that_died_had_under_way_is_taken_out_alone() {
        let all = Asks::shared(2, 20).unwrap();
        let of = |process| {
            let asks = Arc::new(Asks::open(&all.name().unwrap(), (process, 20)).unwrap());
            let asking = Asking::new(asks);
            asking.begin(1);
            asking
        };
        let (dead, alive) = (of(3), of(19));
        assert!(all.now(1).asks() && !all.now(0).asks());
        all.withdraw(3);
        assert!(all.now(1).asks());
        alive.end();
        assert!(!all.now(1).asks());
        drop(dead);
    }
}

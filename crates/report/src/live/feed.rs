//! The way from the thread that measures to the one that draws. Publishing never
//! waits: what cannot be left out (a trial begins, a note) is queued, and is few; a
//! snapshot is made only where the reader has taken the ones before it, and then holds
//! all that happened meanwhile. So a slow reader sees fewer snapshots and loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use super::Update;

/// Snapshots that may wait for the reader.
const WAITING: u32 = 4;

/// The end that tells. Clones tell into the same feed.
#[derive(Clone)]
pub struct Publisher {
    updates: Sender<Update>,
    shared: Arc<Shared>,
}

/// The end that is told.
pub struct Subscriber {
    updates: Receiver<Update>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Snapshots that were not taken yet.
    waiting: AtomicU32,
    /// Nothing more will be told, though publishers are left.
    closed: AtomicBool,
}

/// Makes both ends.
#[must_use]
pub fn feed() -> (Publisher, Subscriber) {
    let (sender, receiver) = channel();
    let shared = Arc::<Shared>::default();
    (Publisher { updates: sender, shared: Arc::clone(&shared) }, Subscriber { updates: receiver, shared })
}

impl Publisher {
    /// Tells. Where nobody listens any more it does nothing.
    pub fn publish(&self, update: Update) {
        if matches!(update, Update::Live(_)) {
            self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        }
        let _ = self.updates.send(update);
    }

    /// Nothing more will be told, by no clone: the reader sees the end of the feed once it
    /// has taken everything.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
    }

    /// Is the reader ready for another snapshot? Ask before making one.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        self.shared.waiting.load(Ordering::Relaxed) < WAITING
    }
}

impl Subscriber {
    /// The next update, if there is one. `Err`: nobody tells any more.
    ///
    /// # Errors
    /// All publishers are gone and everything was taken.
    pub fn take(&self) -> Result<Option<Update>, Closed> {
        // Asked before the queue is looked at: what was told before the end is in it.
        let closed = self.shared.closed.load(Ordering::SeqCst);
        match self.updates.try_recv() {
            Ok(update) => Ok(Some(self.taken(update))),
            Err(TryRecvError::Empty) => {
                if closed {
                    Err(Closed)
                } else {
                    Ok(None)
                }
            }
            Err(TryRecvError::Disconnected) => Err(Closed),
        }
    }

    /// As [`Subscriber::take`], waiting so long at most.
    ///
    /// # Errors
    /// All publishers are gone and everything was taken.
    pub fn wait(&self, longest: Duration) -> Result<Option<Update>, Closed> {
        let closed = self.shared.closed.load(Ordering::SeqCst);
        let longest = if closed { Duration::ZERO } else { longest };
        match self.updates.recv_timeout(longest) {
            Ok(update) => Ok(Some(self.taken(update))),
            Err(RecvTimeoutError::Timeout) => {
                if closed {
                    Err(Closed)
                } else {
                    Ok(None)
                }
            }
            Err(RecvTimeoutError::Disconnected) => Err(Closed),
        }
    }

    fn taken(&self, update: Update) -> Update {
        if matches!(update, Update::Live(_)) {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        update
    }
}

/// Nobody tells any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

#[cfg(test)]
mod tests {
    use super::{Closed, WAITING, feed};
    use crate::live::{Snapshot, Update};

    #[test]
    fn a_slow_reader_gets_every_note_and_few_snapshots() {
        let (publisher, subscriber) = feed();
        let mut made = 0;
        for i in 0..50 {
            publisher.publish(Update::Note(i.to_string()));
            if publisher.wants_snapshot() {
                made += 1;
                publisher.publish(Update::Live(Box::default()));
            }
        }
        assert_eq!(made, WAITING);
        let mut notes = 0;
        while let Ok(Some(update)) = subscriber.take() {
            notes += u32::from(matches!(update, Update::Note(_)));
        }
        assert_eq!(notes, 50);
        assert!(publisher.wants_snapshot());
        publisher.publish(Update::Live(Box::<Snapshot>::default()));
        publisher.close();
        assert!(matches!(subscriber.take(), Ok(Some(Update::Live(_)))));
        assert_eq!(subscriber.take().err(), Some(Closed));
    }
}

//! How a person steers a running load: pauses it, and drops markers. Whoever shows the
//! load asks, the phase schedule of the engine reads what was asked for and answers with events.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Markers asked for between two looks of the engine, which come within milliseconds.
const MOST_MARKERS: usize = 64;

/// A handle that any number of threads share. Trials of a run follow one another on
/// it: a pause asked for between two of them holds the next.
#[derive(Clone, Debug, Default)]
pub struct Steering(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Is a pause asked for?
    wanted: AtomicBool,
    /// Is it in force? Only the engine says so, so that the phases are moved before a
    /// client looks at them again.
    held: AtomicBool,
    let_go: Notify,
    marked: AtomicBool,
    /// Instants of markers; `None` while no load runs that could take them.
    markers: Mutex<Option<VecDeque<u64>>>,
}

impl Steering {
    /// A steering that nobody has touched.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a pause: no client begins another attempt. Asking twice is harmless.
    pub fn pause(&self) {
        self.0.wanted.store(true, Ordering::Relaxed);
    }

    /// Asks to go on. Asking twice is harmless.
    pub fn resume(&self) {
        self.0.wanted.store(false, Ordering::Relaxed);
    }

    /// Asks for the opposite of what was asked for last.
    pub fn toggle(&self) {
        self.0.wanted.fetch_not(Ordering::Relaxed);
    }

    /// Is a pause asked for? [`super::Tick`] tells whether it is in force: in the drain
    /// there is nothing left to pause.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.0.wanted.load(Ordering::Relaxed)
    }

    /// Asks for a marker at the clock instant `at`, the present one. `false`: refused,
    /// because no load is running, or too many are waiting to be taken.
    #[must_use]
    pub fn mark(&self, at: u64) -> bool {
        let mut markers = self.markers();
        let Some(waiting) = markers.as_mut().filter(|waiting| waiting.len() < MOST_MARKERS) else { return false };
        waiting.push_back(at);
        self.0.marked.store(true, Ordering::Relaxed);
        true
    }

    fn markers(&self) -> MutexGuard<'_, Option<VecDeque<u64>>> {
        // Nothing can go wrong in between that would leave half a queue.
        self.0.markers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A load begins: it takes markers.
    pub(super) fn open(&self) {
        *self.markers() = Some(VecDeque::new());
    }

    /// The load is over: no client is held, no further marker taken. Gives the last ones.
    pub(super) fn close(&self) -> VecDeque<u64> {
        self.release();
        self.0.marked.store(false, Ordering::Relaxed);
        self.markers().take().unwrap_or_default()
    }

    /// Takes the markers that were asked for.
    pub(super) fn take_markers(&self) -> VecDeque<u64> {
        if !self.0.marked.swap(false, Ordering::Relaxed) {
            return VecDeque::new();
        }
        self.markers().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Puts a pause in force.
    pub(super) fn hold(&self) {
        self.0.held.store(true, Ordering::Relaxed);
    }

    /// Ends it. What was moved before is seen by every client that goes on.
    pub(super) fn release(&self) {
        self.0.held.store(false, Ordering::Release);
        self.0.let_go.notify_waiters();
    }

    /// Is a pause in force? All that a client asks before each attempt.
    #[must_use]
    pub fn held(&self) -> bool {
        self.0.held.load(Ordering::Acquire)
    }

    /// Completes when no pause is in force.
    pub(super) async fn released(&self) {
        loop {
            let let_go = self.0.let_go.notified();
            tokio::pin!(let_go);
            // From here on no call is missed, so that the look below is the last needed.
            let_go.as_mut().enable();
            if !self.held() {
                return;
            }
            let_go.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_MARKERS, Steering};

    #[test]
    fn all_copies_ask_for_the_same() {
        let steering = Steering::new();
        let copy = steering.clone();
        copy.pause();
        copy.pause();
        assert!(steering.paused() && !steering.held());
        steering.toggle();
        assert!(!copy.paused());
        copy.toggle();
        copy.resume();
        assert!(!steering.paused());
    }

    #[test]
    fn every_marker_is_kept_until_the_queue_is_full_and_none_without_a_load() {
        let steering = Steering::new();
        assert!(!steering.mark(1));
        steering.open();
        let taken = (0..100).filter(|at| steering.mark(*at)).count();
        assert_eq!(taken, MOST_MARKERS);
        assert_eq!(steering.take_markers(), (0..taken as u64).collect::<Vec<_>>());
        assert!(steering.take_markers().is_empty() && steering.mark(7));
        assert_eq!(steering.close(), [7]);
        assert!(!steering.mark(8) && steering.take_markers().is_empty());
    }

    #[tokio::test]
    async fn whoever_waits_is_let_go_at_once_and_at_the_end_of_the_load() {
        let steering = Steering::new();
        steering.released().await;
        let close = |steering: &Steering| assert!(steering.close().is_empty());
        for end in [Steering::release, close] {
            steering.hold();
            let waiting = tokio::spawn({
                let steering = steering.clone();
                async move { steering.released().await }
            });
            tokio::task::yield_now().await;
            assert!(steering.held() && !waiting.is_finished());
            end(&steering);
            waiting.await.unwrap();
        }
    }
}

//! Graceful stop, then hard stop. The first asks everybody to finish (deadlines
//! are brought forward, locks released); the second abandons what is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// A two-stage stop that any number of tasks and threads share. Each attempt clones it, and looks at it several times:
/// a look is a read of a word, where that at a token would take a lock which all clients share.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Stages>);

#[derive(Debug, Default)]
struct Stages {
    drain: Stage,
    abort: Stage,
    /// The one that it follows.
    parent: Option<Stop>,
}

/// Whether it was asked for, and whom that wakes.
#[derive(Debug, Default)]
struct Stage {
    asked: AtomicBool,
    token: CancellationToken,
}

impl Stage {
    fn ask(&self) {
        // Whoever is woken finds it asked for.
        self.asked.store(true, Ordering::SeqCst);
        self.token.cancel();
    }

    fn child(&self) -> Self {
        Self { asked: AtomicBool::default(), token: self.token.child_token() }
    }

    #[inline]
    fn asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }
}

impl Stop {
    /// A stop that nobody has asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a graceful end. Asking twice is harmless.
    pub fn drain(&self) {
        self.0.drain.ask();
    }

    /// Asks for an immediate end (and a graceful one, for those who look at that).
    pub fn abort(&self) {
        self.0.drain.ask();
        self.0.abort.ask();
    }

    /// Has a graceful end been asked for?
    #[must_use]
    #[inline]
    pub fn draining(&self) -> bool {
        self.0.drain.asked() || self.0.parent.as_ref().is_some_and(Self::draining)
    }

    /// Has an immediate end been asked for?
    #[must_use]
    pub fn aborting(&self) -> bool {
        self.0.abort.asked() || self.0.parent.as_ref().is_some_and(Self::aborting)
    }

    /// Completes when a graceful end is asked for.
    pub async fn drained(&self) {
        self.0.drain.token.cancelled().await;
    }

    /// Completes when an immediate end is asked for.
    pub async fn aborted(&self) {
        self.0.abort.token.cancelled().await;
    }

    /// A stop that follows this one, and can be asked to stop alone: the end of
    /// one trial is not the end of the run.
    #[must_use]
    pub fn child(&self) -> Self {
        let Stages { drain, abort, .. } = &*self.0;
        Self(Arc::new(Stages { drain: drain.child(), abort: abort.child(), parent: Some(self.clone()) }))
    }
}

#[cfg(test)]
mod tests {
    use super::Stop;

    #[tokio::test]
    async fn a_child_stops_with_its_parent_and_alone_and_whoever_waits_is_woken() {
        let run = Stop::new();
        let (first, second) = (run.child(), run.child());
        first.drain();
        first.drained().await;
        assert_eq!(
            (first.draining(), first.aborting(), run.draining(), second.draining()),
            (true, false, false, false)
        );
        let of_second = second.child();
        run.abort();
        of_second.aborted().await;
        of_second.drained().await;
        assert!(of_second.draining() && of_second.aborting() && first.aborting() && run.child().draining());
        run.child().drained().await;
    }
}

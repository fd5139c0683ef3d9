//! Graceful stop, then hard stop. The first asks everybody to finish (deadlines
//! are brought forward, locks released); the second abandons what is left.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// A two-stage stop that any number of tasks and threads share. Each attempt clones it: it is counted
/// once, because a clone of a token takes a lock.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Stages>);

#[derive(Debug, Default)]
struct Stages {
    drain: CancellationToken,
    abort: CancellationToken,
}

impl Stop {
    /// A stop that nobody has asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a graceful end. Asking twice is harmless.
    pub fn drain(&self) {
        self.0.drain.cancel();
    }

    /// Asks for an immediate end (and a graceful one, for those who look at that).
    pub fn abort(&self) {
        self.0.drain.cancel();
        self.0.abort.cancel();
    }

    /// Has a graceful end been asked for?
    #[must_use]
    #[inline]
    pub fn draining(&self) -> bool {
        self.0.drain.is_cancelled()
    }

    /// Has an immediate end been asked for?
    #[must_use]
    pub fn aborting(&self) -> bool {
        self.0.abort.is_cancelled()
    }

    /// Completes when a graceful end is asked for.
    pub async fn drained(&self) {
        self.0.drain.cancelled().await;
    }

    /// Completes when an immediate end is asked for.
    pub async fn aborted(&self) {
        self.0.abort.cancelled().await;
    }

    /// A stop that follows this one, and can be asked to stop alone: the end of
    /// one trial is not the end of the run.
    #[must_use]
    pub fn child(&self) -> Self {
        let Stages { drain, abort } = &*self.0;
        Self(Arc::new(Stages { drain: drain.child_token(), abort: abort.child_token() }))
    }
}

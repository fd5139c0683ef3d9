//! Until when an acquire may wait. The deadline is a handle: the engine brings
//! it forward when the load ends, and the recipe withdraws in order instead of
//! being dropped half-way.

use std::sync::Arc;

use super::asking::Asking;
use super::victims::{Chance, Victims};
use crate::clock::Timer;
use crate::stop::Stop;

/// The instant at which to give up, or earlier if the load is stopped.
#[derive(Clone)]
pub struct Deadline {
    at_ns: u64,
    timer: Timer,
    stop: Stop,
    asking: Option<Arc<Asking>>,
    chance: Option<Chance>,
    tries: u32,
}

impl Deadline {
    /// A deadline at `at_ns` that `stop` brings forward.
    #[must_use]
    #[inline]
    pub fn new(at_ns: u64, timer: Timer, stop: Stop) -> Self {
        Self { at_ns, timer, stop, asking: None, chance: None, tries: u32::MAX }
    }

    /// The same for an attempt whose requests are watched.
    #[must_use]
    #[inline]
    pub fn watched(self, asking: Arc<Asking>) -> Self {
        Self { asking: Some(asking), ..self }
    }

    /// The same for a client that gives up after so many tries, if it polls.
    #[must_use]
    #[inline]
    pub fn within_tries(self, tries: Option<u32>) -> Self {
        Self { tries: tries.unwrap_or(u32::MAX), ..self }
    }

    /// Tries after which a client that polls gives up.
    #[must_use]
    #[inline]
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// The same for an attempt that may be chosen to break a deadlock, which brings the deadline forward too.
    #[must_use]
    pub fn abortable(self, chance: Chance) -> Self {
        Self { chance: Some(chance), ..self }
    }

    /// The same, not later than `at_ns`.
    #[must_use]
    pub fn at_latest(self, at_ns: u64) -> Self {
        Self { at_ns: self.at_ns.min(at_ns), ..self }
    }

    /// Was the attempt chosen to break a deadlock?
    #[must_use]
    #[inline]
    pub fn aborted(&self) -> bool {
        self.chance.as_ref().is_some_and(Chance::chosen)
    }

    /// Client and number of the attempt, if it may be chosen.
    #[must_use]
    pub fn attempt(&self) -> Option<(u32, u32)> {
        self.chance.as_ref().map(Chance::attempt)
    }

    #[inline]
    fn called(&self) -> bool {
        self.stop.draining() || self.aborted()
    }

    /// Is it time to give up?
    #[must_use]
    pub fn passed(&self) -> bool {
        self.called() || self.timer.now() >= self.at_ns
    }

    /// Was it brought forward, so that giving up says nothing about the system?
    #[must_use]
    pub fn brought_forward(&self) -> bool {
        self.called() && self.timer.now() < self.at_ns
    }

    /// Nanoseconds left; 0 once passed or brought forward.
    #[must_use]
    pub fn remaining_ns(&self) -> u64 {
        if self.called() { 0 } else { self.at_ns.saturating_sub(self.timer.now()) }
    }

    /// The instant as planned.
    #[must_use]
    pub fn at_ns(&self) -> u64 {
        self.at_ns
    }

    /// Completes when it is time to give up.
    pub async fn reached(&self) {
        self.wait_until(self.at_ns).await;
    }

    /// Waits until then, or until it is brought forward.
    async fn wait_until(&self, wake: u64) {
        loop {
            // Nothing wakes the one that is chosen: it may be in another process.
            let look = if self.chance.is_some() { self.timer.now().saturating_add(Victims::LOOK_NS) } else { wake };
            tokio::select! {
                () = self.timer.sleep_until(wake.min(look)) => {}
                () = self.stop.drained() => return,
            }
            if self.timer.now() >= wake || self.aborted() {
                return;
            }
        }
    }

    /// Sleeps `ns`, or less if the deadline comes first. Says whether there is
    /// still time.
    pub async fn sleep(&self, ns: u64) -> bool {
        let wake = self.timer.now().saturating_add(ns).min(self.at_ns);
        self.wait_until(wake).await;
        !self.passed()
    }

    /// The server has told a client that waits of a change, so that it looks again.
    pub fn woken(&self) {
        if let Some(asking) = &self.asking {
            asking.wake();
        }
    }

    /// As [`Deadline::sleep`], where nothing of the attempt is in flight or queued at the
    /// server meanwhile: between two polls.
    pub async fn sleep_unasked(&self, ns: u64) -> bool {
        self.sleep_unasked_or(ns, std::future::pending()).await
    }

    /// The same, or until `told` completes.
    pub async fn sleep_unasked_or(&self, ns: u64, told: impl Future<Output = ()>) -> bool {
        if let Some(asking) = &self.asking {
            asking.end();
        }
        let more = tokio::select! {
            biased;
            more = self.sleep(ns) => more,
            () = told => !self.passed(),
        };
        if let Some(asking) = self.asking.as_ref().filter(|_| more) {
            asking.wake();
            asking.again();
        }
        more
    }
}

/// How patiently to acquire.
#[derive(Clone)]
pub enum Patience {
    /// One try; a held key is `Refused`.
    Try,
    /// Wait until the deadline; then `TimedOut`.
    Until(Deadline),
}

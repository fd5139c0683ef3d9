//! `etcd:shared-watch`: the queue of `etcd`, with one watch for all clients of the process in place of one per waiter. It
//! follows every deletion below the run's prefix, is at the server's last revision in most moments, and wakes whoever waits for
//! the key that is gone. That spares a request per wait, and the tick of about 100 ms on which etcd serves a watch that starts
//! in the past (etcd#16839).
//!
//! A waiter has seen its predecessor at a revision of the store. What was deleted since then is known here, or is too long ago,
//! and then the waiter asks the store again: no deletion is missed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use etcd_client::{EventType, GetOptions, ResponseHeader, WatchFilterType, WatchOptions};
use tokio::sync::oneshot;

use super::config::{Config, Trouble};
use super::members::Members;

/// Deletions that are remembered.
const REMEMBERED: usize = 65_536;
/// Pause before the watch is made again.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for an answer.
const LIMIT_NS: u64 = 5_000_000_000;

/// What the watch has seen, and who waits for what.
#[derive(Default)]
pub struct Deletions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Is there a watch?
    live: bool,
    /// Whoever saw its predecessor before this revision has to ask again.
    since: i64,
    /// The latest deletion of each key that is remembered.
    gone: HashMap<Arc<str>, i64>,
    order: VecDeque<(i64, Arc<str>)>,
    waiting: HashMap<Box<str>, Vec<oneshot::Sender<()>>>,
}

impl State {
    fn deleted(&mut self, key: &str, revision: i64) {
        let name: Arc<str> = key.into();
        self.gone.insert(Arc::clone(&name), revision);
        self.order.push_back((revision, name));
        if self.order.len() > REMEMBERED
            && let Some((oldest, name)) = self.order.pop_front()
        {
            self.since = self.since.max(oldest);
            if self.gone.get(&name) == Some(&oldest) {
                self.gone.remove(&name);
            }
        }
        for waiter in self.waiting.remove(key).unwrap_or_default() {
            // It may have given up.
            let _ = waiter.send(());
        }
    }
}

/// What a waiter learns at once.
pub(super) enum Word {
    /// The key is gone, or may be: ask the store.
    AskAgain,
    /// Word comes.
    Later(oneshot::Receiver<()>),
    /// There is no watch now: it takes one of its own.
    NoWatch,
}

impl Deletions {
    /// Starts a watch of its own thread, which ends when nobody has this any more.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn watched(config: Arc<Config>) -> std::io::Result<Arc<Self>> {
        let deletions = Arc::new(Self::default());
        let watch = Watch { config, deletions: Arc::downgrade(&deletions) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("etcd:watch".to_owned()).spawn(move || runtime.block_on(watch.run()))?;
        Ok(deletions)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For who has seen `key` at that revision of the store, and waits until it is gone.
    pub(super) fn wait_for(&self, key: &str, revision: i64) -> Word {
        let mut state = self.state();
        if !state.live {
            return Word::NoWatch;
        }
        if revision < state.since || state.gone.get(key).is_some_and(|gone| *gone > revision) {
            return Word::AskAgain;
        }
        let (tell, told) = oneshot::channel();
        let waiting = state.waiting.entry(key.into()).or_default();
        waiting.retain(|waiter| !waiter.is_closed());
        waiting.push(tell);
        Word::Later(told)
    }

    /// From this revision on all deletions are seen.
    fn begins(&self, revision: i64) {
        let mut state = self.state();
        (state.live, state.since) = (true, revision);
        state.gone.clear();
        state.order.clear();
    }

    /// No deletion is seen any more: whoever waits asks the store.
    fn ends(&self) {
        let mut state = self.state();
        state.live = false;
        state.waiting.clear();
    }
}

struct Watch {
    config: Arc<Config>,
    deletions: Weak<Deletions>,
}

/// Nobody is left.
struct Alone;

impl Watch {
    async fn run(self) {
        loop {
            let followed = self.follow().await;
            let Some(deletions) = self.deletions.upgrade() else { return };
            deletions.ends();
            drop(deletions);
            if let Ok(Err(Alone)) = followed {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One watch, to its end.
    async fn follow(&self) -> Result<Result<(), Alone>, Trouble> {
        /// How often it is looked whether somebody is left.
        const LOOK: Duration = Duration::from_millis(500);
        let (mut client, _members) = Members::connect(&self.config, LIMIT_NS).await?;
        let prefix = self.config.namespace();
        let count = GetOptions::new().with_prefix().with_count_only();
        let answer = self.config.bounded(LIMIT_NS, client.get(prefix, Some(count))).await?;
        let revision = answer.header().map_or(0, ResponseHeader::revision);
        let options = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
        let options = options.with_filters([WatchFilterType::NoPut]);
        let mut watch = self.config.bounded(LIMIT_NS, client.watch(prefix, Some(options))).await?;
        match self.deletions.upgrade() {
            Some(deletions) => deletions.begins(revision),
            None => return Ok(Err(Alone)),
        }
        loop {
            let message = match tokio::time::timeout(LOOK, watch.message()).await {
                Err(_) if self.deletions.strong_count() == 0 => return Ok(Err(Alone)),
                Err(_) => continue,
                Ok(Ok(Some(message))) => message,
                Ok(_) => return Ok(Ok(())),
            };
            if message.canceled() || message.compact_revision() != 0 {
                return Ok(Ok(()));
            }
            let Some(deletions) = self.deletions.upgrade() else { return Ok(Err(Alone)) };
            let mut state = deletions.state();
            for event in message.events().iter().filter(|event| event.event_type() == EventType::Delete) {
                if let Some(kv) = event.kv()
                    && let Ok(key) = kv.key_str()
                {
                    state.deleted(key, kv.mod_revision());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::{Deletions, REMEMBERED, Word};

    fn is_told(word: &mut Word) -> bool {
        let Word::Later(told) = word else { return false };
        told.try_recv().is_ok()
    }

    #[test]
    fn no_deletion_is_missed_between_the_look_and_the_wait() {
        let deletions = Deletions::default();
        assert!(matches!(deletions.wait_for("a", 5), Word::NoWatch));
        deletions.begins(10);
        assert!(matches!(deletions.wait_for("a", 9), Word::AskAgain), "it may be gone since");
        deletions.state().deleted("a", 12);
        assert!(matches!(deletions.wait_for("a", 11), Word::AskAgain));
        // It was made again.
        let (mut first, mut second) = (deletions.wait_for("a", 13), deletions.wait_for("a", 14));
        let mut other = deletions.wait_for("b", 13);
        assert!(!is_told(&mut first));
        deletions.state().deleted("a", 15);
        assert!(is_told(&mut first) && is_told(&mut second) && !is_told(&mut other));
        deletions.ends();
        let Word::Later(told) = &mut other else { panic!("it waits") };
        assert_eq!(told.try_recv(), Err(TryRecvError::Closed), "it asks again");
    }

    #[test]
    fn what_is_not_remembered_any_more_is_asked_again() {
        let deletions = Deletions::default();
        deletions.begins(0);
        for revision in 1..=REMEMBERED as i64 + 3 {
            deletions.state().deleted(&format!("k{revision}"), revision);
        }
        assert!(matches!(deletions.wait_for("k2", 2), Word::AskAgain));
        assert!(matches!(deletions.wait_for("other", 3), Word::Later(_)));
        assert_eq!(deletions.state().gone.len(), REMEMBERED);
    }
}

//! What the servers say of who holds which key, asked beside a load and told as events. It has a thread, a runtime
//! and connections of its own, straight to the servers where the clients go through a proxy; each server is asked by
//! itself, so that one which hangs hides nothing of the others.
//!
//! What is told is no stronger than what was asked: an answer is stamped when it is there, and says until when the
//! one before it surely held. A server that does not answer in time, or was not asked in time, is away.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::server_poll::{Asked, known};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Key, LockSystem, Owner, Truth};
use lockbench_core::record::{Event, Seen, SeenHolder, Shard, ShardSeed, What};

/// Most keys that are asked about: one look takes a request for each.
const KEYS: usize = 16;
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_millis(500);
/// From one look to the next at most, for both to be of one stretch; beside the interval asked for.
const LATE: Duration = Duration::from_millis(200);
/// How often it is told that all is as before.
const STILL_NS: u64 = 500_000_000;
/// Events that wait for their reader.
const ROOM: usize = 1 << 15;

/// How the servers of a trial are asked.
pub struct TruthPlan {
    asked: Asked,
    every: Duration,
}

impl TruthPlan {
    /// A system that lives in this process, or may be asked by the trial's own instance of it, every so many
    /// nanoseconds.
    #[must_use]
    pub fn own(system: Arc<dyn LockSystem>, every_ns: u64) -> Self {
        Self::new(Asked::Own(system), every_ns)
    }

    pub(crate) fn new(asked: Asked, every_ns: u64) -> Self {
        Self { asked, every: Duration::from_nanos(every_ns) }
    }

    /// Events that wait for their reader at most.
    pub(crate) const ROOM: usize = ROOM;
}

/// The questions of a trial under way. Dropping it ends them, and waits for the last.
pub(crate) struct TruthPoll {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TruthPoll {
    /// Asks from now on; `seed` is that of its events.
    ///
    /// # Errors
    /// No thread or runtime can be had.
    pub fn start(plan: &Arc<TruthPlan>, keys: &Arc<[Key]>, clock: Clock, seed: ShardSeed) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (plan, keys, ends) = (Arc::clone(plan), Arc::clone(keys), Arc::clone(&over));
        let ask = move || {
            let shard = seed.bind();
            LocalSet::new().block_on(&runtime, all(&plan, &keys, clock, &shard, &ends));
            // A question that was given up may still wait for its connection.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("truth".to_owned()).spawn(ask)?;
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for TruthPoll {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Without it causes stay undetermined, and say so.
            let _ = thread.join();
        }
    }
}

/// Asks every server until it is over.
async fn all(plan: &TruthPlan, keys: &Arc<[Key]>, clock: Clock, shard: &Shard, over: &Arc<AtomicBool>) {
    let mut system = None;
    let Ok(system) = known(&plan.asked, &mut system) else { return };
    let tasks: Vec<_> = (0_u16..)
        .zip(system.truths())
        .map(|(node, truth)| {
            let (keys, shard, over, every) = (Arc::clone(keys), shard.clone(), Arc::clone(over), plan.every);
            let seen = keys.iter().take(KEYS).map(|_| Told::default()).collect();
            let asker = Asker { node, truth, keys, clock, shard, seen };
            tokio::task::spawn_local(asker.until(over, every))
        })
        .collect();
    for task in tasks {
        // A panic of one costs its node's answers.
        let _ = task.await;
    }
}

/// What was told of a key last.
#[derive(Clone, Copy)]
struct Told {
    /// Nothing was told yet.
    first: bool,
    holder: SeenHolder,
    token: u64,
    /// When the question was asked whose answer was so last.
    asked: u64,
    /// When the lease is over at the earliest, by the latest word.
    over: Option<u64>,
    /// When it was told.
    at: u64,
}

impl Default for Told {
    fn default() -> Self {
        Self { first: true, holder: SeenHolder::Away, token: Seen::NO_TOKEN, asked: 0, over: None, at: 0 }
    }
}

/// One server.
struct Asker {
    node: u16,
    truth: Box<dyn Truth>,
    keys: Arc<[Key]>,
    clock: Clock,
    shard: Shard,
    seen: Vec<Told>,
}

impl Asker {
    async fn until(mut self, over: Arc<AtomicBool>, every: Duration) {
        let mut before: Option<u64> = None;
        loop {
            let (next, last) = (Instant::now() + every, over.load(Ordering::Relaxed));
            let keys = Arc::clone(&self.keys);
            let asked = self.clock.now();
            let answer = timeout(PATIENCE, self.truth.ask(&keys[..self.seen.len()])).await;
            let late = (every + LATE).as_nanos() as u64;
            if before.is_some_and(|before| self.clock.now().saturating_sub(before) > late) {
                // Anything may have been since the look before.
                (0..self.seen.len()).for_each(|place| self.tell(place, None, asked, false));
            }
            before = Some(asked);
            match answer {
                Ok(Ok(owners)) => {
                    for (place, owner) in owners.into_iter().enumerate().take(self.seen.len()) {
                        self.tell(place, Some(owner), asked, last);
                    }
                }
                Ok(Err(_)) | Err(_) => (0..self.seen.len()).for_each(|place| self.tell(place, None, asked, last)),
            }
            if last {
                return;
            }
            sleep_until(next).await;
        }
    }

    /// Tells an answer, if it is another than before, if it is time to, or if it is the last; `None`: there was none.
    fn tell(&mut self, place: usize, owner: Option<Option<Owner>>, asked: u64, last: bool) {
        let Some(told) = self.seen.get_mut(place) else { return };
        let known = owner.is_some();
        let owner = owner.flatten();
        let holder = match &owner {
            Some(Owner { client: Some(client), .. }) => SeenHolder::Client(*client),
            Some(_) => SeenHolder::Stranger,
            None if known => SeenHolder::Free,
            None => SeenHolder::Away,
        };
        let token = owner.as_ref().and_then(|owner| owner.token).unwrap_or(Seen::NO_TOKEN);
        let over = owner.and_then(|owner| owner.left_ms).map(|ms| asked.saturating_add(ms.saturating_mul(1_000_000)));
        let same = !told.first && (told.holder, told.token) == (holder, token);
        if same {
            // A lease is over no earlier than any answer says, until it is renewed: then it is over later anyway.
            told.over = told.over.max(over);
            told.asked = asked;
        }
        let still = same && asked.saturating_sub(told.at) < STILL_NS && !last;
        if still || !self.shard.has_room() {
            return;
        }
        let before = if told.first { asked } else { told.asked };
        let left = told.over.map(|over| over.saturating_sub(before) / 1_000_000);
        let left_ms = left.map_or(Seen::NO_LEASE, |ms| u32::try_from(ms).unwrap_or(Seen::NO_LEASE - 1));
        let seen = Seen { node: self.node, left_ms, holder, token, before };
        let at = self.shard.stamp(Event::NOBODY, self.keys[place].index, What::Seen(seen));
        *told = Told { first: false, holder, token, asked, over: if same { told.over } else { over }, at };
    }
}

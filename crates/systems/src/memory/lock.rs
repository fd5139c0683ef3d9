//! The in-process lease lock: a FIFO queue a key, tokens that grow with every
//! grant, a lease that lapses by the run's clock. [`Flaws`] break it on purpose:
//! the negative controls that prove the oracle are this lock with one flaw.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::Notify;

use lockbench_core::clock::Clock;
use lockbench_core::lock::{
    Acquire, Facts, Grant, Guarantees, Holder, Key, Local, LockSystem, Mode, NO_LEASE, Opening, Owner, Patience,
    Release, Renewal, Session, Survey, SystemError, Truth,
};

/// Mistakes that this lock makes on purpose. All `false`: a correct lock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flaws {
    /// Grants everything at once.
    pub no_lock: bool,
    /// Confirms renewals that it never made.
    pub no_renew: bool,
    /// Releases whoever holds the key, without looking whose it is (`DEL` without a check).
    pub wrong_release: bool,
    /// Reports a refused try as acquired.
    pub swallow_error: bool,
    /// All clients are one to the lock, which lets its holder in again, as sessions that share a lease or a connection.
    pub shared_identity: bool,
    /// A writer does not look whether anybody reads.
    pub overlooks_readers: bool,
    /// A semaphore gives one permit more than it has.
    pub one_too_many: bool,
}

/// All keys of a trial, by index.
type Slots = Arc<[Mutex<Slot>]>;

/// The lock system `memory`, or a control made of it.
pub struct MemorySystem {
    name: &'static str,
    guarantees: Guarantees,
    clock: Clock,
    flaws: Flaws,
    slots: RwLock<Slots>,
}

#[derive(Default)]
struct Slot {
    /// One, but of a lock that readers share and of a semaphore.
    holders: Vec<Held>,
    last_token: u64,
    queue: VecDeque<Waiter>,
}

#[derive(Clone, Copy)]
struct Held {
    client: u32,
    mode: Mode,
    token: u64,
    expires_ns: u64,
}

struct Waiter {
    client: u32,
    mode: Mode,
    ttl_ns: u64,
    wake: Arc<Notify>,
}

impl Slot {
    /// Forgets lapsed holders and hands the key to those who wait, in their order, as far as there is room.
    fn settle(&mut self, now: u64, flaws: Flaws) {
        self.holders.retain(|held| held.expires_ns > now);
        let mut moved = false;
        while self.queue.front().is_some_and(|first| self.has_room(first.mode, flaws))
            && let Some(next) = self.queue.pop_front()
        {
            self.grant(next.client, next.mode, next.ttl_ns, now);
            next.wake.notify_one();
            moved = true;
        }
        if moved {
            self.wake_first();
        }
    }

    /// Would a lock of this mode exclude nobody who holds the key?
    fn has_room(&self, mode: Mode, flaws: Flaws) -> bool {
        match mode {
            Mode::Shared => self.holders.iter().all(|held| held.mode == Mode::Shared),
            Mode::Permits { of } => self.holders.len() < of as usize + usize::from(flaws.one_too_many),
            Mode::Exclusive | Mode::Optimistic if flaws.overlooks_readers => {
                self.holders.iter().all(|held| held.mode == Mode::Shared)
            }
            Mode::Exclusive | Mode::Optimistic => self.holders.is_empty(),
        }
    }

    /// Whoever is first in the queue watches over the holders' leases: tells a new first so.
    fn wake_first(&self) {
        if let Some(first) = self.queue.front() {
            first.wake.notify_one();
        }
    }

    fn grant(&mut self, client: u32, mode: Mode, ttl_ns: u64, now: u64) -> Held {
        self.last_token += 1;
        let held = Held { client, mode, token: self.last_token, expires_ns: now.saturating_add(ttl_ns) };
        self.holders.push(held);
        held
    }

    fn held_by(&self, client: u32) -> Option<Held> {
        self.holders.iter().find(|held| held.client == client).copied()
    }
}

impl MemorySystem {
    /// A lock system of that name, flawed as told.
    #[must_use]
    pub fn new(name: &'static str, guarantees: Guarantees, clock: Clock, flaws: Flaws) -> Self {
        Self { name, guarantees, clock, flaws, slots: RwLock::new(Arc::new([])) }
    }

    fn slots(&self) -> Slots {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, count: usize) {
        let fresh = (0..count).map(|_| Mutex::default()).collect();
        *self.slots.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

impl LockSystem for MemorySystem {
    fn name(&self) -> &'static str {
        self.name
    }

    fn guarantees(&self) -> &Guarantees {
        &self.guarantees
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        let facts = Facts { version: env!("CARGO_PKG_VERSION").to_owned(), ..Facts::in_this_process() };
        Box::pin(async move { Ok(facts) })
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        let count = keys.iter().map(|key| key.index as usize + 1).max().unwrap_or(0);
        self.replace(count);
        Box::pin(async { Ok(()) })
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        let session = MemorySession { slots: self.slots(), clock: self.clock, flaws: self.flaws, opening, requests: 0 };
        Box::pin(async move { Ok(Box::new(session) as Box<dyn Session>) })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        let (slots, now) = (self.slots(), self.clock.now());
        let survey = Survey { round_trip_ns: None, holders: keys.iter().map(|key| holder(&slots, key, now)).collect() };
        Box::pin(async move { Ok(survey) })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        vec![Box::new(Holders { slots: self.slots(), clock: self.clock })]
    }

    fn clean<'a>(&'a self, _keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.replace(0);
        Box::pin(async { Ok(()) })
    }
}

/// Says who holds keys now.
struct Holders {
    slots: Slots,
    clock: Clock,
}

impl Truth for Holders {
    fn ask<'a>(&'a mut self, keys: &'a [Key]) -> Local<'a, Result<Vec<Option<Owner>>, SystemError>> {
        let now = self.clock.now();
        let owners = keys.iter().map(|key| holder(&self.slots, key, now).map(Owner::named)).collect();
        Box::pin(async move { Ok(owners) })
    }
}

fn holder(slots: &Slots, key: &Key, now: u64) -> Option<Holder> {
    let holders = slots.get(key.index as usize).map(|slot| locked(slot).holders.clone()).unwrap_or_default();
    holders.into_iter().rev().find(|held| held.expires_ns > now).map(|held| Holder {
        identity: format!("client {}", held.client),
        token: Some(held.token),
        ttl_ms: Some((held.expires_ns - now) / 1_000_000),
    })
}

/// A panic elsewhere while the mutex was held leaves a slot that is still whole.
fn locked(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

struct MemorySession {
    slots: Slots,
    clock: Clock,
    flaws: Flaws,
    opening: Opening,
    requests: u64,
}

impl MemorySession {
    fn slot(&self, key: u32) -> Option<MutexGuard<'_, Slot>> {
        self.slots.get(key as usize).map(locked)
    }

    /// Who the client is to the lock.
    fn me(&self) -> u32 {
        if self.flaws.shared_identity { 0 } else { self.opening.client }
    }

    fn granted(&self, key: u32, held: Held) -> Acquire {
        // Same clock on both sides: the server's expiry is the local validity.
        Acquire::Acquired(Grant::new(key, Some(held.token), held.expires_ns))
    }

    async fn acquire(&mut self, key: &Key, mode: Mode, patience: &Patience) -> Acquire {
        self.requests += 1;
        let (client, ttl_ns, flaws) = (self.me(), self.opening.ttl_ns, self.flaws);
        let wake = {
            let Some(mut slot) = self.slot(key.index) else {
                return Acquire::Unavailable(format!("key {} was not prepared", key.name));
            };
            let now = self.clock.now();
            if flaws.no_lock {
                // The last one is the holder that is told of.
                slot.holders.clear();
                let held = slot.grant(client, mode, ttl_ns, now);
                return self.granted(key.index, held).after_waiting(false);
            }
            slot.settle(now, flaws);
            let again = flaws.shared_identity && slot.held_by(client).is_some();
            if again {
                slot.holders.clear();
            }
            // Nobody passes those who wait.
            if again || (slot.queue.is_empty() && slot.has_room(mode, flaws)) {
                let held = slot.grant(client, mode, ttl_ns, now);
                return self.granted(key.index, held).after_waiting(false);
            }
            if matches!(patience, Patience::Try) {
                return if flaws.swallow_error {
                    Acquire::Acquired(Grant::new(key.index, None, NO_LEASE).after_waiting(false))
                } else {
                    Acquire::Refused
                };
            }
            let wake = Arc::new(Notify::new());
            slot.queue.push_back(Waiter { client, mode, ttl_ns, wake: Arc::clone(&wake) });
            wake
        };
        self.wait(key.index, mode, patience, &wake).await.after_waiting(true)
    }

    /// Waits in the queue. Only the first in it wakes up for the expiry of a holder.
    async fn wait(&self, key: u32, mode: Mode, patience: &Patience, wake: &Arc<Notify>) -> Acquire {
        let Patience::Until(deadline) = patience else { return Acquire::Refused };
        let (client, ttl_ns) = (self.opening.client, self.opening.ttl_ns);
        loop {
            let expires = {
                let Some(mut slot) = self.slot(key) else { return Acquire::TimedOut };
                let queued = |slot: &Slot| slot.queue.iter().position(|waiter| Arc::ptr_eq(&waiter.wake, wake));
                slot.settle(self.clock.now(), self.flaws);
                match (queued(&slot), slot.held_by(client)) {
                    (None, Some(held)) => return self.granted(key, held),
                    // Granted and lapsed again before we looked: nothing is held.
                    (None, None) if deadline.passed() => return Acquire::TimedOut,
                    // There is time left: the end of the queue, since ours is somebody else's by now.
                    (None, None) => {
                        slot.queue.push_back(Waiter { client, mode, ttl_ns, wake: Arc::clone(wake) });
                        continue;
                    }
                    (Some(place), _) if deadline.passed() => {
                        slot.queue.remove(place);
                        // Those behind may have waited for this one only.
                        slot.settle(self.clock.now(), self.flaws);
                        slot.wake_first();
                        return Acquire::TimedOut;
                    }
                    (Some(0), _) => slot.holders.iter().map(|held| held.expires_ns).min().unwrap_or(u64::MAX),
                    (Some(_), _) => u64::MAX,
                }
            };
            tokio::select! {
                () = wake.notified() => deadline.woken(),
                () = self.opening.timer.sleep_until(expires) => {}
                () = deadline.reached() => {}
            }
        }
    }

    fn renew_now(&mut self, grant: &mut Grant) -> Renewal {
        let now = self.clock.now();
        let ttl_ns = self.opening.ttl_ns;
        let fresh = now.saturating_add(ttl_ns);
        if self.flaws.no_renew || self.flaws.no_lock {
            grant.extend(fresh);
            return Renewal::Confirmed;
        }
        let client = self.me();
        let Some(mut slot) = self.slot(grant.key()) else { return Renewal::Refused };
        slot.settle(now, self.flaws);
        match slot.holders.iter_mut().find(|held| held.client == client && Some(held.token) == grant.token()) {
            Some(held) => {
                held.expires_ns = fresh;
                grant.extend(fresh);
                Renewal::Confirmed
            }
            None => Renewal::Refused,
        }
    }

    fn release_now(&mut self, grant: &Grant) -> Release {
        self.requests += 1;
        let client = self.me();
        let (flaws, now) = (self.flaws, self.clock.now());
        let Some(mut slot) = self.slot(grant.key()) else { return Release::NotOwner };
        slot.settle(now, flaws);
        let mine = |held: &Held| held.client == client && (flaws.shared_identity || Some(held.token) == grant.token());
        match slot.holders.iter().position(mine) {
            Some(place) => {
                slot.holders.swap_remove(place);
            }
            None if flaws.wrong_release => slot.holders.clear(),
            None => return if flaws.no_lock { Release::Confirmed } else { Release::NotOwner },
        }
        slot.settle(now, flaws);
        Release::Confirmed
    }
}

impl Session for MemorySession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(MemorySession::acquire(self, key, Mode::Exclusive, patience))
    }

    fn acquire_as<'a>(&'a mut self, key: &'a Key, mode: Mode, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(MemorySession::acquire(self, key, mode, patience))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        let renewal = self.renew_now(grant);
        Box::pin(std::future::ready(renewal))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        let release = self.release_now(&grant);
        Box::pin(std::future::ready(release))
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        self.opening.ttl_ns = ttl_ns;
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.opening.ttl_ns)
    }

    fn identity(&self) -> Option<String> {
        Some(format!("client {}", self.me()))
    }

    fn lost_at(&self) -> Option<u64> {
        None
    }

    fn requests(&self) -> u64 {
        self.requests
    }
}

#[cfg(test)]
mod tests;

//! One client of the recipe: its place in the queue, its grants.

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{Config, Trouble};
use super::queue::{Entered, Place, Queue, Stand};
use super::shared::{Deletions, Word};
use super::tenant::Tenant;
use crate::planted::Flaw;
use lockbench_core::lock::{
    Acquire, Deadline, Grant, Key, Local, Mode, Opening, Patience, Release, Renewal, Session, SystemError,
};

/// Pause before a read is asked again on a connection that broke.
const ASK_AGAIN_NS: u64 = 10_000_000;

/// What one look at the queue found.
enum Turn {
    /// Nobody is before us.
    Ours,
    /// Somebody was, and is gone.
    AskAgain,
    /// Our own key is gone with its lease.
    Gone,
}

/// A grant that we hold.
struct Held {
    place: Place,
    lease: i64,
}

/// Why waiting ended without our turn.
enum Ended {
    /// The deadline came.
    Deadline,
    /// The lease was lost.
    LeaseLost,
    /// Our place in the queue went with its lease.
    PlaceGone,
    /// The server did not serve us.
    Trouble(Trouble),
}

/// A session of the etcd recipe.
pub struct EtcdSession {
    tenant: Tenant,
    held: HashMap<u32, Held>,
    /// Have the locks modes?
    modes: bool,
    /// The watch of all clients of this process, where they share one.
    shared: Option<Arc<Deletions>>,
}

impl EtcdSession {
    /// Connects and asks for a lease.
    pub async fn open(
        config: Arc<Config>,
        opening: Opening,
        shared: Option<Arc<Deletions>>,
    ) -> Result<Self, SystemError> {
        Ok(Self { tenant: Tenant::open(config, opening).await?, held: HashMap::new(), modes: false, shared })
    }

    fn planted(&self) -> Option<Flaw> {
        self.tenant.config.planted
    }

    /// The queue, for one more request.
    fn queue(&mut self) -> Queue<'_> {
        let (modes, limit_ns) = (self.modes, self.tenant.limit_ns());
        self.tenant.requests += 1;
        Queue { config: &self.tenant.config, client: &mut self.tenant.client, modes, limit_ns }
    }

    async fn acquire(&mut self, key: &Key, mode: Mode, patience: &Patience) -> Acquire {
        let prefix = self.tenant.config.prefix(key);
        let (place, first) = match self.enter(&prefix, mode).await {
            Ok(entered) => entered,
            Err(trouble) if trouble.certain => return Acquire::Unavailable(trouble.text),
            Err(trouble) => {
                return self.tenant.give_up(Acquire::Unavailable(trouble.text.clone()), &trouble.text).await;
            }
        };
        if first {
            return self.believe(key, place).await.after_waiting(false);
        }
        let Patience::Until(deadline) = patience else { return self.withdraw(&place, Acquire::Refused).await };
        match self.wait(&prefix, &place, deadline).await {
            Ok(()) => self.believe(key, place).await.after_waiting(true),
            Err(Ended::Deadline) if self.planted() == Some(Flaw::FailureIsAGrant) => self.believe(key, place).await,
            Err(Ended::Deadline) => self.withdraw(&place, Acquire::TimedOut).await,
            Err(Ended::LeaseLost) => {
                self.withdraw(&place, Acquire::Unavailable("the lease was lost while waiting".to_owned())).await
            }
            Err(Ended::PlaceGone) => Acquire::Unavailable("the lease ended while waiting".to_owned()),
            Err(Ended::Trouble(trouble)) => self.withdraw(&place, Acquire::Unavailable(trouble.text)).await,
        }
    }

    /// Takes a place in the queue. Says whether it is the first.
    async fn enter(&mut self, prefix: &str, mode: Mode) -> Result<(Place, bool), Trouble> {
        let value = format!("client {}", self.tenant.opening.client);
        let mut leases_lost = 0;
        loop {
            let lease = self.tenant.ready().await?;
            match self.queue().enter(prefix, mode, lease, &value).await {
                Ok(Entered::First(place)) => return Ok((place, true)),
                Ok(Entered::Behind(place)) => return Ok((place, false)),
                Ok(Entered::Leftover(place)) if self.planted() == Some(Flaw::SharesTheLease) => {
                    return Ok((place, true));
                }
                // Its revision may have been a token already, and no token is given twice.
                Ok(Entered::Leftover(place)) => {
                    self.queue().leave(&place).await?;
                }
                // The lease was over before its keeper noticed.
                Err(trouble) if trouble.not_found && leases_lost == 0 => {
                    leases_lost += 1;
                    self.tenant.abandon().await;
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// Waits until nobody is before us, watching one key at a time. A broken
    /// connection takes our place in the queue only with the lease: what merely
    /// reads is asked again, as the official client does, for a request timeout.
    async fn wait(&mut self, prefix: &str, place: &Place, deadline: &Deadline) -> Result<(), Ended> {
        let mut troubled_since = None;
        loop {
            match self.watch_predecessor(prefix, place, deadline).await {
                Ok(Turn::Ours) => return Ok(()),
                Ok(Turn::AskAgain) => troubled_since = None,
                Ok(Turn::Gone) => return Err(Ended::PlaceGone),
                Err(Ended::Trouble(trouble)) => {
                    let since = *troubled_since.get_or_insert(self.tenant.now());
                    if self.tenant.now().saturating_sub(since) >= self.tenant.opening.request_timeout_ns {
                        return Err(Ended::Trouble(trouble));
                    }
                    if !deadline.sleep(ASK_AGAIN_NS).await {
                        return Err(Ended::Deadline);
                    }
                }
                Err(ended) => return Err(ended),
            }
        }
    }

    /// Finds the key before ours and waits until it is gone. Whoever finds nobody before it has asked in the same request whether it
    /// is there itself.
    async fn watch_predecessor(&mut self, prefix: &str, place: &Place, deadline: &Deadline) -> Result<Turn, Ended> {
        let mode = match (self.planted(), place.mode) {
            // Waits for writers only, as if it read.
            (Some(Flaw::OverlooksReaders), Mode::Exclusive) => Mode::Shared,
            (planted, Mode::Permits { of }) => Mode::Permits { of: Flaw::permits(planted, of) },
            (_, mode) => mode,
        };
        let (key, revision) = match self.queue().look(prefix, place, mode).await.map_err(Ended::Trouble)? {
            Stand::First => return Ok(Turn::Ours),
            Stand::Gone => return Ok(Turn::Gone),
            Stand::Behind { key, revision } => (key, revision),
        };
        if deadline.passed() {
            return Err(Ended::Deadline);
        }
        let Some(lease) = &self.tenant.lease else { return Err(Ended::LeaseLost) };
        let lost = lease.lost();
        let looks_again = self.planted() != Some(Flaw::DoesNotLookAgain);
        let anybody = matches!(place.mode, Mode::Permits { .. });
        let watched = if anybody { prefix.to_owned() } else { key };
        let gone = |()| {
            deadline.woken();
            if looks_again { Turn::AskAgain } else { Turn::Ours }
        };
        let word = self.shared.as_ref().filter(|_| !anybody).map(|shared| shared.wait_for(&watched, revision));
        match word {
            Some(Word::AskAgain) => return Ok(Turn::AskAgain),
            Some(Word::Later(told)) => {
                return tokio::select! {
                    // Without a watch any more: it asks again, and takes one of its own.
                    _ = told => Ok(gone(())),
                    () = deadline.reached() => Err(Ended::Deadline),
                    () = lost => Err(Ended::LeaseLost),
                };
            }
            Some(Word::NoWatch) | None => {}
        }
        let mut queue = self.queue();
        tokio::select! {
            deleted = queue.deleted(&watched, revision, anybody) => deleted.map(gone).map_err(Ended::Trouble),
            () = deadline.reached() => Err(Ended::Deadline),
            () = lost => Err(Ended::LeaseLost),
        }
    }

    /// Our turn: makes the grant, if the lease is still valid by our own clock.
    async fn believe(&mut self, key: &Key, place: Place) -> Acquire {
        let Some((validity_ns, lease)) = self.tenant.validity().await else {
            let outcome = Acquire::Unavailable("the lease was not kept alive in time".to_owned());
            return self.withdraw(&place, outcome).await;
        };
        let token = u64::try_from(place.revision).ok().map(|token| Flaw::token(self.planted(), token));
        self.held.insert(key.index, Held { place, lease });
        Acquire::Acquired(Grant::new(key.index, token, validity_ns))
    }

    /// Leaves the queue and confirms it; `outcome` says why.
    async fn withdraw(&mut self, place: &Place, outcome: Acquire) -> Acquire {
        match self.queue().leave(place).await {
            Ok(_) => outcome,
            Err(trouble) => self.tenant.give_up(outcome, &trouble.text).await,
        }
    }

    async fn release(&mut self, grant: Grant) -> Release {
        let Some(held) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        let first = match self.queue().leave(&held.place).await {
            Ok(true) => return Release::Confirmed,
            Ok(false) => return Release::NotOwner,
            Err(trouble) => trouble,
        };
        match self.queue().leave(&held.place).await {
            Ok(true) => Release::Confirmed,
            Ok(false) if self.tenant.lives(held.lease).await => Release::Confirmed,
            // Gone by our first request or with the lease: over in any case.
            Ok(false) => Release::Unknown { surely_ended_ns: self.tenant.now(), reason: first.text },
            Err(_) if self.tenant.abandon().await => {
                Release::Unknown { surely_ended_ns: self.tenant.now(), reason: first.text }
            }
            Err(second) if first.certain && second.certain => {
                Release::Unavailable { surely_ended_ns: self.tenant.surely_ended(), reason: first.text }
            }
            Err(_) => Release::Unknown { surely_ended_ns: self.tenant.surely_ended(), reason: first.text },
        }
    }
}

impl Session for EtcdSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(EtcdSession::acquire(self, key, Mode::Exclusive, patience))
    }

    fn acquire_as<'a>(&'a mut self, key: &'a Key, mode: Mode, patience: &'a Patience) -> Local<'a, Acquire> {
        self.modes = true;
        Box::pin(EtcdSession::acquire(self, key, mode, patience))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        let held_by = self.held.get(&grant.key()).map(|held| held.lease);
        Box::pin(self.tenant.renew(grant, held_by))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(EtcdSession::release(self, grant))
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.tenant.close())
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.tenant.ttl_ns)
    }

    fn identity(&self) -> Option<String> {
        self.tenant.identity()
    }

    fn lost_at(&self) -> Option<u64> {
        self.tenant.lost_at()
    }

    fn requests(&self) -> u64 {
        self.tenant.requests
    }
}

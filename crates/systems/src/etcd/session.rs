//! One client of the recipe: its connection, its lease, its grants.
//!
//! When the fate of a request is unknown, the lease is given up: once it is
//! revoked, no key of it exists and a late create is refused by the server, so
//! the withdrawal is certain. Where the revocation is not confirmed either, the
//! outcome is unknown until the lease has surely ended; see [`EtcdSession::surely_ended`].
//! The next acquire asks for a new lease.

use std::collections::HashMap;
use std::sync::Arc;

use etcd_client::Client;

use super::config::{Config, Trouble, advice};
use super::lease::{KeepAliveOutcome, Lease};
use super::members::Members;
use super::queue::{Entered, Place, Queue, Stand};
use crate::planted::Flaw;
use lockbench_core::lock::{
    Acquire, Deadline, Grant, Key, Local, Mode, Opening, Patience, Release, Renewal, Session, SystemError,
};

/// Time that etcd may take to notice and apply the end of a lease: it looks for
/// lapsed leases every 500 ms (`lease/lessor.go`) and revokes through consensus.
const EXPIRY_SLACK_NS: u64 = 1_000_000_000;

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
    config: Arc<Config>,
    opening: Opening,
    client: Client,
    /// Keeps members that are away out of `client`.
    _members: Members,
    lease: Option<Lease>,
    ttl_ns: u64,
    held: HashMap<u32, Held>,
    requests: u64,
    /// When the last lease was given up; `None` once there is a new one.
    given_up_ns: Option<u64>,
    /// Have the locks modes?
    modes: bool,
}

impl EtcdSession {
    /// Connects and asks for a lease.
    pub async fn open(config: Arc<Config>, opening: Opening) -> Result<Self, SystemError> {
        let limit_ns = opening.request_timeout_ns;
        let failed = |trouble: Trouble| {
            let advice = advice(&trouble.text).map_or_else(String::new, |advice| format!("; {advice}"));
            config.error(&format!("cannot open a session: {}{advice}", trouble.text))
        };
        let (client, members) = Members::connect(&config, limit_ns).await.map_err(failed)?;
        let lease = Lease::grant(&config, &client, opening.ttl_ns, limit_ns).await.map_err(failed)?;
        let ttl_ns = lease.ttl_ns;
        Ok(Self {
            config,
            opening,
            client,
            _members: members,
            lease: Some(lease),
            ttl_ns,
            held: HashMap::new(),
            requests: 0,
            given_up_ns: None,
            modes: false,
        })
    }

    fn now(&self) -> u64 {
        self.config.clock.now()
    }

    /// The queue, for one more request.
    fn queue(&mut self) -> Queue<'_> {
        self.requests += 1;
        let (config, client, modes) = (&self.config, &mut self.client, self.modes);
        Queue { config, client, modes, limit_ns: self.opening.request_timeout_ns }
    }

    /// A lease that lives as far as we know: the present one, or a new one.
    async fn ready(&mut self) -> Result<i64, Trouble> {
        if let Some(lease) = self.lease.as_ref().filter(|lease| lease.health().lost_ns.is_none()) {
            return Ok(lease.id);
        }
        if let Some(over) = self.lease.take() {
            // Ours may be the clock that is wrong: leave no key of the old lease behind us in the queue.
            self.requests += 1;
            over.retire(&self.config, &self.client, self.opening.request_timeout_ns).await;
        }
        self.requests += 1;
        let limit_ns = self.opening.request_timeout_ns;
        let lease = Lease::grant(&self.config, &self.client, self.opening.ttl_ns, limit_ns).await?;
        self.ttl_ns = lease.ttl_ns;
        self.given_up_ns = None;
        let id = lease.id;
        self.lease = Some(lease);
        Ok(id)
    }

    async fn acquire(&mut self, key: &Key, mode: Mode, patience: &Patience) -> Acquire {
        let prefix = self.config.prefix(key);
        let (place, first) = match self.enter(&prefix, mode).await {
            Ok(entered) => entered,
            Err(trouble) if trouble.certain => return Acquire::Unavailable(trouble.text),
            Err(trouble) => return self.give_up(Acquire::Unavailable(trouble.text.clone()), &trouble.text).await,
        };
        if first {
            return self.believe(key, place).await.after_waiting(false);
        }
        let Patience::Until(deadline) = patience else { return self.withdraw(&place, Acquire::Refused).await };
        match self.wait(&prefix, &place, deadline).await {
            Ok(()) => self.believe(key, place).await.after_waiting(true),
            Err(Ended::Deadline) if self.config.planted == Some(Flaw::FailureIsAGrant) => {
                self.believe(key, place).await
            }
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
        let value = format!("client {}", self.opening.client);
        let mut leases_lost = 0;
        loop {
            let lease = self.ready().await?;
            match self.queue().enter(prefix, mode, lease, &value).await {
                Ok(Entered::First(place)) => return Ok((place, true)),
                Ok(Entered::Behind(place)) => return Ok((place, false)),
                Ok(Entered::Leftover(place)) if self.config.planted == Some(Flaw::SharesTheLease) => {
                    return Ok((place, true));
                }
                // Its revision may have been a token already, and no token is given twice.
                Ok(Entered::Leftover(place)) => {
                    self.queue().leave(&place).await?;
                }
                // The lease was over before its keeper noticed.
                Err(trouble) if trouble.not_found && leases_lost == 0 => {
                    leases_lost += 1;
                    self.abandon().await;
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
                    let since = *troubled_since.get_or_insert(self.now());
                    if self.now().saturating_sub(since) >= self.opening.request_timeout_ns {
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
        let mode = match (self.config.planted, place.mode) {
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
        let Some(lease) = &self.lease else { return Err(Ended::LeaseLost) };
        let lost = lease.lost();
        let looks_again = self.config.planted != Some(Flaw::DoesNotLookAgain);
        let anybody = matches!(place.mode, Mode::Permits { .. });
        let watched = if anybody { prefix.to_owned() } else { key };
        let mut queue = self.queue();
        let gone = |()| {
            deadline.woken();
            if looks_again { Turn::AskAgain } else { Turn::Ours }
        };
        tokio::select! {
            deleted = queue.deleted(&watched, revision, anybody) => deleted.map(gone).map_err(Ended::Trouble),
            () = deadline.reached() => Err(Ended::Deadline),
            () = lost => Err(Ended::LeaseLost),
        }
    }

    /// Our turn: makes the grant, if the lease is still valid by our own clock.
    async fn believe(&mut self, key: &Key, place: Place) -> Acquire {
        let Some(lease) = &self.lease else { return Acquire::Unavailable("the lease was lost".to_owned()) };
        if lease.validity_ns() <= self.now() {
            lease.keep().await;
        }
        let (validity_ns, lost, id) = (lease.validity_ns(), lease.health().lost_ns.is_some(), lease.id);
        if lost || validity_ns <= self.now() {
            return self
                .withdraw(&place, Acquire::Unavailable("the lease was not kept alive in time".to_owned()))
                .await;
        }
        let token = u64::try_from(place.revision).ok().map(|token| Flaw::token(self.config.planted, token));
        self.held.insert(key.index, Held { place, lease: id });
        Acquire::Acquired(Grant::new(key.index, token, validity_ns))
    }

    /// Leaves the queue and confirms it; `outcome` says why.
    async fn withdraw(&mut self, place: &Place, outcome: Acquire) -> Acquire {
        match self.queue().leave(place).await {
            Ok(_) => outcome,
            Err(trouble) => self.give_up(outcome, &trouble.text).await,
        }
    }

    /// Gives up the lease after a request of unknown effect: `outcome` if that is
    /// confirmed, else unknown.
    async fn give_up(&mut self, outcome: Acquire, reason: &str) -> Acquire {
        if self.abandon().await {
            return outcome;
        }
        Acquire::Unknown { surely_ended_ns: self.surely_ended(), reason: reason.to_owned() }
    }

    /// Gives up the lease. Is it surely over?
    async fn abandon(&mut self) -> bool {
        self.given_up_ns = Some(self.now());
        let Some(lease) = self.lease.take() else { return false };
        self.requests += 1;
        lease.retire(&self.config, &self.client, self.opening.request_timeout_ns).await
    }

    /// When a lease that we stop keeping now has surely ended: a keep-alive under
    /// way may still arrive within the request timeout; then the ttl runs, and
    /// once more if a new leader is elected, which renews every lease
    /// (`lessor.Promote`, `lease/lessor.go`); then the server has to notice. More
    /// than one election in that time, or a server that stands still, makes it longer.
    fn surely_ended(&self) -> u64 {
        let bound = self.opening.request_timeout_ns + 2 * self.ttl_ns + EXPIRY_SLACK_NS;
        self.now().saturating_add(bound)
    }

    async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let held_by = self.held.get(&grant.key()).map(|held| held.lease);
        let Some(lease) = self.lease.as_ref().filter(|lease| Some(lease.id) == held_by) else {
            return Renewal::Refused;
        };
        match lease.keep().await {
            KeepAliveOutcome::Confirmed => {
                grant.extend(lease.validity_ns());
                Renewal::Confirmed
            }
            KeepAliveOutcome::Gone => Renewal::Refused,
            KeepAliveOutcome::Unanswered(text) => Renewal::Unknown(text),
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
            Ok(false) if self.lives(held.lease).await => Release::Confirmed,
            // Gone by our first request or with the lease: over in any case.
            Ok(false) => Release::Unknown { surely_ended_ns: self.now(), reason: first.text },
            Err(_) if self.abandon().await => Release::Unknown { surely_ended_ns: self.now(), reason: first.text },
            Err(second) if first.certain && second.certain => {
                Release::Unavailable { surely_ended_ns: self.surely_ended(), reason: first.text }
            }
            Err(_) => Release::Unknown { surely_ended_ns: self.surely_ended(), reason: first.text },
        }
    }

    /// Does the server confirm that this lease lives? Then only a delete of our
    /// own can have removed a key of it.
    async fn lives(&self, lease: i64) -> bool {
        match self.lease.as_ref().filter(|current| current.id == lease) {
            Some(current) => matches!(current.keep().await, KeepAliveOutcome::Confirmed),
            None => false,
        }
    }

    async fn close(mut self) {
        if let Some(lease) = self.lease.take() {
            lease.retire(&self.config, &self.client, self.opening.request_timeout_ns).await;
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
        Box::pin(EtcdSession::renew(self, grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(EtcdSession::release(self, grant))
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(EtcdSession::close(*self))
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.ttl_ns)
    }

    fn identity(&self) -> Option<String> {
        self.lease.as_ref().map(|lease| format!("lease {:x}", lease.id))
    }

    fn lost_at(&self) -> Option<u64> {
        self.given_up_ns.or_else(|| self.lease.as_ref().and_then(|lease| lease.health().lost_ns))
    }

    fn requests(&self) -> u64 {
        self.requests
    }
}

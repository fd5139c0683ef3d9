//! What every session on etcd has: a connection, and a lease under which its keys live.
//!
//! When the fate of a request is unknown, the lease is given up: once it is
//! revoked, no key of it exists and a late create is refused by the server, so
//! the withdrawal is certain. Where the revocation is not confirmed either, the
//! outcome is unknown until the lease has surely ended; see [`Tenant::surely_ended`].
//! The next acquire asks for a new lease.

use std::sync::Arc;

use etcd_client::Client;

use super::config::{Config, Trouble, advice};
use super::lease::{KeepAliveOutcome, Lease};
use super::members::Members;
use lockbench_core::lock::{Acquire, Grant, Opening, Renewal, SystemError};

/// Time that etcd may take to notice and apply the end of a lease: it looks for
/// lapsed leases every 500 ms (`lease/lessor.go`) and revokes through consensus.
const EXPIRY_SLACK_NS: u64 = 1_000_000_000;

/// A client with its lease.
pub(super) struct Tenant {
    pub config: Arc<Config>,
    pub opening: Opening,
    pub client: Client,
    /// Keeps members that are away out of `client`.
    _members: Members,
    pub lease: Option<Lease>,
    pub ttl_ns: u64,
    pub requests: u64,
    /// When the last lease was given up; `None` once there is a new one.
    given_up_ns: Option<u64>,
}

impl Tenant {
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
        let (lease, _members) = (Some(lease), members);
        Ok(Self { config, opening, client, _members, lease, ttl_ns, requests: 0, given_up_ns: None })
    }

    pub fn now(&self) -> u64 {
        self.config.clock.now()
    }

    /// Longest wait for an answer.
    pub fn limit_ns(&self) -> u64 {
        self.opening.request_timeout_ns
    }

    /// A lease that lives as far as we know: the present one, or a new one.
    pub async fn ready(&mut self) -> Result<i64, Trouble> {
        if let Some(lease) = self.lease.as_ref().filter(|lease| lease.health().lost_ns.is_none()) {
            return Ok(lease.id);
        }
        if let Some(over) = self.lease.take() {
            // Ours may be the clock that is wrong: leave no key of the old lease behind us in the queue.
            self.requests += 1;
            over.retire(&self.config, &self.client, self.limit_ns()).await;
        }
        self.requests += 1;
        let lease = Lease::grant(&self.config, &self.client, self.opening.ttl_ns, self.limit_ns()).await?;
        self.ttl_ns = lease.ttl_ns;
        self.given_up_ns = None;
        let id = lease.id;
        self.lease = Some(lease);
        Ok(id)
    }

    /// Until when to believe in the lease and its number, if it still is worth anything; kept alive once more if it was not
    /// for too long.
    pub async fn validity(&self) -> Option<(u64, i64)> {
        let lease = self.lease.as_ref()?;
        if lease.validity_ns() <= self.now() {
            lease.keep().await;
        }
        let valid = lease.health().lost_ns.is_none() && lease.validity_ns() > self.now();
        valid.then(|| (lease.validity_ns(), lease.id))
    }

    /// Gives up the lease after a request of unknown effect: `outcome` if that is
    /// confirmed, else unknown.
    pub async fn give_up(&mut self, outcome: Acquire, reason: &str) -> Acquire {
        if self.abandon().await {
            return outcome;
        }
        Acquire::Unknown { surely_ended_ns: self.surely_ended(), reason: reason.to_owned() }
    }

    /// Gives up the lease. Is it surely over?
    pub async fn abandon(&mut self) -> bool {
        self.given_up_ns = Some(self.now());
        let Some(lease) = self.lease.take() else { return false };
        self.requests += 1;
        lease.retire(&self.config, &self.client, self.limit_ns()).await
    }

    /// When a lease that we stop keeping now has surely ended: a keep-alive under
    /// way may still arrive within the request timeout; then the ttl runs, and
    /// once more if a new leader is elected, which renews every lease
    /// (`lessor.Promote`, `lease/lessor.go`); then the server has to notice. More
    /// than one election in that time, or a server that stands still, makes it longer.
    pub fn surely_ended(&self) -> u64 {
        let bound = self.limit_ns() + 2 * self.ttl_ns + EXPIRY_SLACK_NS;
        self.now().saturating_add(bound)
    }

    /// Confirms by a keep-alive that the lease lives under which a grant is ours.
    pub async fn renew(&self, grant: &mut Grant, held_by: Option<i64>) -> Renewal {
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

    /// Does the server confirm that this lease lives? Then only a delete of our
    /// own can have removed a key of it.
    pub async fn lives(&self, lease: i64) -> bool {
        match self.lease.as_ref().filter(|current| current.id == lease) {
            Some(current) => matches!(current.keep().await, KeepAliveOutcome::Confirmed),
            None => false,
        }
    }

    /// Revokes the lease.
    pub async fn close(mut self) {
        if let Some(lease) = self.lease.take() {
            lease.retire(&self.config, &self.client, self.opening.request_timeout_ns).await;
        }
    }

    /// What the client is to the servers.
    pub fn identity(&self) -> Option<String> {
        self.lease.as_ref().map(|lease| format!("lease {:x}", lease.id))
    }

    /// When it learned that its grants are lost.
    pub fn lost_at(&self) -> Option<u64> {
        self.given_up_ns.or_else(|| self.lease.as_ref().and_then(|lease| lease.health().lost_ns))
    }
}

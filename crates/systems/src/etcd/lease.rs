//! One client's lease and the task that keeps it alive at a third of its ttl,
//! as etcd's own client does (`clientv3/lease.go`). The lease is believed in
//! until the last *confirmed* keep-alive was sent, plus the granted ttl: etcd
//! promises at least that.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, Error, LeaseGrantOptions, LeaseKeepAliveStream, LeaseKeeper};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::config::{Config, Trouble};
use crate::planted::Flaw;

/// Pause after a failed keep-alive (`retryConnWait` in `clientv3/lease.go`).
const RETRY_NS: u64 = 500_000_000;

/// What is known of a lease.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// When the last confirmed request that set the lease's clock was sent.
    pub confirmed_ns: u64,
    /// When we learned, or had to assume, that the lease is over.
    pub lost_ns: Option<u64>,
}

/// How a keep-alive went.
#[derive(Clone, Debug)]
pub enum KeepAliveOutcome {
    /// The lease lives.
    Confirmed,
    /// The server does not know it any more, or our own clock says that it lapsed.
    Gone,
    /// No answer.
    Unanswered(String),
}

/// A lease with its keeper.
pub struct Lease {
    /// Its number on the server.
    pub id: i64,
    /// The ttl that the server granted.
    pub ttl_ns: u64,
    health: watch::Receiver<Health>,
    ask: mpsc::Sender<oneshot::Sender<KeepAliveOutcome>>,
    keeper: JoinHandle<()>,
}

impl Lease {
    /// Asks for a lease of at least `ttl_ns`, in whole seconds as the API has it.
    pub async fn grant(config: &Arc<Config>, client: &Client, ttl_ns: u64, limit_ns: u64) -> Result<Self, Trouble> {
        let mut client = client.clone();
        let seconds = i64::try_from(ttl_ns.div_ceil(1_000_000_000)).unwrap_or(i64::MAX);
        let confirmed_ns = config.clock.now();
        let shared = config.planted == Some(Flaw::SharesTheLease);
        let wanted = shared.then(|| config.shared_lease());
        let options = wanted.map(|id| LeaseGrantOptions::new().with_id(id));
        let (id, seconds) = match (config.bounded(limit_ns, client.lease_grant(seconds, options)).await, wanted) {
            (Ok(answer), _) => (answer.id(), answer.ttl()),
            // Another client has it already.
            (Err(trouble), Some(id)) if trouble.text.contains("already exists") => (id, seconds),
            (Err(trouble), _) => return Err(trouble),
        };
        let ttl_ns = u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000);
        let (send_health, health) = watch::channel(Health { confirmed_ns, lost_ns: None });
        let (ask, asked) = mpsc::channel(1);
        let config = Arc::clone(config);
        let keeper = Keeper { config, client, id, ttl_ns, limit_ns, health: send_health, stream: None };
        let keeper = tokio::spawn(keeper.run(asked));
        Ok(Self { id, ttl_ns, health, ask, keeper })
    }

    /// What is known of it now.
    pub fn health(&self) -> Health {
        *self.health.borrow()
    }

    /// Until when to believe in it.
    pub fn validity_ns(&self) -> u64 {
        self.health().confirmed_ns.saturating_add(self.ttl_ns)
    }

    /// Completes when the lease is lost.
    pub fn lost(&self) -> impl Future<Output = ()> + 'static {
        let mut health = self.health.clone();
        async move {
            // The keeper is gone only after it said so, or after us.
            let _ = health.wait_for(|health| health.lost_ns.is_some()).await;
        }
    }

    /// One keep-alive round trip through the keeper.
    pub async fn keep(&self) -> KeepAliveOutcome {
        let (answer, answered) = oneshot::channel();
        if self.ask.send(answer).await.is_err() {
            return KeepAliveOutcome::Gone;
        }
        answered.await.unwrap_or(KeepAliveOutcome::Gone)
    }

    /// Stops keeping the lease and revokes it. Is it surely over?
    pub async fn retire(self, config: &Config, client: &Client, limit_ns: u64) -> bool {
        self.keeper.abort();
        let _ = self.keeper.await;
        match config.bounded(limit_ns, client.clone().lease_revoke(self.id)).await {
            Ok(_) => true,
            Err(trouble) => trouble.not_found,
        }
    }
}

struct Keeper {
    config: Arc<Config>,
    client: Client,
    id: i64,
    ttl_ns: u64,
    limit_ns: u64,
    health: watch::Sender<Health>,
    stream: Option<(LeaseKeeper, LeaseKeepAliveStream)>,
}

impl Keeper {
    async fn run(mut self, mut asked: mpsc::Receiver<oneshot::Sender<KeepAliveOutcome>>) {
        let mut pause_ns = self.ttl_ns / 3;
        loop {
            let due = Instant::now() + Duration::from_nanos(pause_ns.min(self.left_ns()));
            let answer = tokio::select! {
                answer = asked.recv() => match answer {
                    Some(answer) => Some(answer),
                    None => return,
                },
                () = tokio::time::sleep_until(due) => None,
            };
            let kept = self.keep().await;
            pause_ns = if matches!(kept, KeepAliveOutcome::Confirmed) {
                self.ttl_ns / 3
            } else {
                RETRY_NS.min(self.ttl_ns / 3)
            };
            let over = matches!(kept, KeepAliveOutcome::Gone);
            if let Some(answer) = answer {
                // Nobody waits for it if the session gave up meanwhile.
                let _ = answer.send(kept);
            }
            if over {
                return;
            }
        }
    }

    /// Time until the lease lapses by our own clock.
    fn left_ns(&self) -> u64 {
        let lapses = self.health.borrow().confirmed_ns.saturating_add(self.ttl_ns);
        lapses.saturating_sub(self.config.clock.now())
    }

    async fn keep(&mut self) -> KeepAliveOutcome {
        let sent = self.config.clock.now();
        if self.config.planted == Some(Flaw::KeepsNoLeaseAlive) {
            self.health.send_modify(|health| health.confirmed_ns = sent);
            return KeepAliveOutcome::Confirmed;
        }
        let limit_ns = self.limit_ns.min(self.ttl_ns / 3).min(self.left_ns());
        let config = Arc::clone(&self.config);
        let failure = match config.bounded(limit_ns, self.round_trip()).await {
            Ok(true) => {
                self.health.send_modify(|health| health.confirmed_ns = sent);
                return KeepAliveOutcome::Confirmed;
            }
            Ok(false) => None,
            Err(trouble) => Some(trouble.text),
        };
        // A late answer must never be taken for the answer to a later request.
        self.stream = None;
        match failure {
            Some(text) if self.left_ns() > 0 => KeepAliveOutcome::Unanswered(text),
            _ => {
                let now = self.config.clock.now();
                self.health.send_modify(|health| health.lost_ns = Some(now));
                KeepAliveOutcome::Gone
            }
        }
    }

    /// Does the server still know the lease?
    async fn round_trip(&mut self) -> Result<bool, Error> {
        if let Some((keeper, stream)) = &mut self.stream {
            keeper.keep_alive().await?;
            let Some(answer) = stream.message().await? else {
                return Err(Error::LeaseKeepAliveError("the server ended the keep-alive stream".to_owned()));
            };
            return Ok(answer.ttl() > 0);
        }
        match self.client.lease_keep_alive(self.id).await {
            Ok(stream) => {
                self.stream = Some(stream);
                Ok(true)
            }
            Err(Error::LeaseKeepAliveError(text)) if text == "lease not found" => Ok(false),
            Err(error) => Err(error),
        }
    }
}

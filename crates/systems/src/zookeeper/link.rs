//! One client's ZooKeeper session, and the task that watches its state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use zookeeper_client::{Client, Error, SessionState, StateWatcher};

use super::config::Config;
use lockbench_core::clock::Clock;

/// Stands for "the session is well".
const WELL: u64 = 0;

/// An open session.
pub struct Link {
    client: Client,
    /// The session timeout that the server granted.
    pub ttl_ns: u64,
    down_since: Arc<AtomicU64>,
    watch: JoinHandle<()>,
}

impl Link {
    /// Opens a session whose timeout is `ttl_ns`, or what the server makes of that.
    pub async fn open(config: &Config, ttl_ns: u64, limit_ns: u64) -> Result<Self, Error> {
        Self::open_at(&config.cluster(), config, ttl_ns, limit_ns).await
    }

    /// The same with the servers of this connect string only.
    pub async fn open_at(cluster: &str, config: &Config, ttl_ns: u64, limit_ns: u64) -> Result<Self, Error> {
        let client = bounded(limit_ns, config.connector(ttl_ns).connect(cluster)).await?;
        let ttl_ns = u64::try_from(client.session_timeout().as_nanos()).unwrap_or(u64::MAX);
        let down_since = Arc::new(AtomicU64::new(WELL));
        let watch = tokio::spawn(watch(client.state_watcher(), Arc::clone(&down_since), config.clock));
        Ok(Self { client, ttl_ns, down_since, watch })
    }

    /// The crate's client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The session's number on the server.
    pub fn id(&self) -> i64 {
        self.client.session_id().0
    }

    /// When the connection was lost, if it has not come back; or when the session
    /// was. Disconnected is not yet lost, but the other side of a partition may
    /// grant the lock from then on ([Curator's tech note 14] on SUSPENDED): a careful
    /// client stops there. When the same session is connected again, its locks are
    /// still its own.
    ///
    /// [Curator's tech note 14]: https://cwiki.apache.org/confluence/display/CURATOR/TN14
    pub fn lost_at(&self) -> Option<u64> {
        // The watching task may not have run yet since the connection came back.
        match self.down_since.load(Ordering::Relaxed) {
            WELL => None,
            _ if self.client.state() == SessionState::SyncConnected => None,
            instant => Some(instant),
        }
    }

    /// Is the session over for good?
    pub fn over(&self) -> bool {
        self.client.state().is_terminated()
    }

    /// Closes the session. Is it surely over on the server? Then its nodes are gone.
    pub async fn close(self, limit_ns: u64) -> bool {
        let mut states = self.client.state_watcher();
        let mut state = self.client.state();
        drop(self.client);
        let closed = async {
            while !state.is_terminated() {
                state = states.changed().await;
            }
            // Expired may be the crate's own conclusion from silence.
            state == SessionState::Closed
        };
        let closed = tokio::time::timeout(Duration::from_nanos(limit_ns), closed).await.unwrap_or(false);
        self.watch.abort();
        let _ = self.watch.await;
        closed
    }
}

/// Stamps the changes of state. Ends with the session.
async fn watch(mut states: StateWatcher, down_since: Arc<AtomicU64>, clock: Clock) {
    let mut state = states.state();
    loop {
        match state {
            SessionState::SyncConnected | SessionState::ConnectedReadOnly => down_since.store(WELL, Ordering::Relaxed),
            _ => {
                // The first sign counts.
                let _ = down_since.compare_exchange(WELL, clock.now(), Ordering::Relaxed, Ordering::Relaxed);
            }
        }
        if state.is_terminated() {
            return;
        }
        state = states.changed().await;
    }
}

/// Awaits an answer for at most `limit_ns`; then [`Error::Timeout`]. The request
/// itself is not withdrawn by that.
pub async fn bounded<T>(limit_ns: u64, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(Duration::from_nanos(limit_ns), request).await.unwrap_or(Err(Error::Timeout))
}

/// Did a request that ended so surely have no effect? The crate's
/// `SessionExpired` and `ClientClosed` are given to requests that were never
/// sent, or that the server refused for that reason; a connection that broke
/// says nothing about those under way.
pub fn certain(error: &Error) -> bool {
    matches!(
        error,
        Error::NoNode
            | Error::NoAuth
            | Error::BadVersion
            | Error::BadArguments(_)
            | Error::NoChildrenForEphemerals
            | Error::NodeExists
            | Error::NotEmpty
            | Error::NoHosts
            | Error::SessionExpired
            | Error::InvalidAcl
            | Error::AuthFailed
            | Error::NotReadOnly
            | Error::QuotaExceeded
            | Error::Throttled
            | Error::MarshallingError
            | Error::Unimplemented
            | Error::ClientClosed
    )
}

/// Did the connection break, so that the crate connects again by itself and the
/// request is worth a second try?
pub fn broken(error: &Error) -> bool {
    matches!(error, Error::ConnectionLoss | Error::Custom(_))
}

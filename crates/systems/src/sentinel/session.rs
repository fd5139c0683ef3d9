//! One client: that of `redis`, turned to the primary of the moment, whose grants wait for replicas.

use std::sync::Arc;

use super::directory::Directory;
use super::options;
use crate::Target;
use crate::poll::{Polling, Tried};
use crate::redis::{Client, Scripts};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{Acquire, Grant, Key, Local, Opening, Patience, Release, Renewal, Session};

/// A client of the primary.
pub(super) struct SentinelSession {
    polling: Polling,
    asker: Asker,
}

struct Asker {
    client: Client,
    directory: Arc<Directory>,
    /// The address of the primary that the client is turned to, as the Sentinels have it.
    at: String,
    timer: Timer,
    /// Replicas that must have a grant, and for how long they are waited for.
    wait: (u64, u64),
}

impl SentinelSession {
    /// Asks who the primary is, and connects to it.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn open(directory: Arc<Directory>, target: &Target, opening: Opening) -> Result<Self, String> {
        let timer = opening.timer.clone();
        let primary = directory.primary(timer.now()).await?;
        let (polling, wait) = (Polling::new(opening.retry, opening.seed), options::wait(&target.options));
        let client = Client::open(primary.server, target, opening, Scripts::of(None), None).await?;
        Ok(Self { polling, asker: Asker { client, directory, at: primary.announced, timer, wait } })
    }
}

impl Asker {
    /// Turns to the primary that was named last.
    fn follow(&mut self) {
        if let Some(primary) = self.directory.known().filter(|primary| primary.announced != self.at) {
            self.client.turn_to(primary.server);
            self.at = primary.announced;
        }
    }

    async fn try_once(&mut self) -> Tried {
        if let Err(problem) = self.directory.primary(self.timer.now()).await {
            return Tried::Unserved(problem);
        }
        self.follow();
        match self.client.try_once().await {
            Tried::Granted(grant) if self.wait.0 > 0 => self.replicated(grant).await,
            Tried::Ended(Acquire::Unavailable(problem)) => {
                // A primary that is gone, or is none any more, has a successor soon.
                self.directory.doubt();
                Tried::Unserved(problem)
            }
            Tried::Ended(unknown @ Acquire::Unknown { .. }) => {
                self.directory.doubt();
                Tried::Ended(unknown)
            }
            tried => tried,
        }
    }

    /// A grant counts if enough replicas have it while its lease runs. Else it is given back, and has been none.
    async fn replicated(&mut self, grant: Grant) -> Tried {
        let (needed, within_ms) = self.wait;
        let problem = match self.client.acknowledged(needed, within_ms).await {
            Ok(count) if count >= needed && self.timer.now() < grant.validity_ns() => return Tried::Granted(grant),
            Ok(count) if count >= needed => "the replicas had it only after the lease was over".to_owned(),
            Ok(count) => format!("{count} of {needed} replicas had it within {within_ms} ms"),
            Err(problem) => format!("how many replicas have it is not known: {problem}"),
        };
        match self.client.release(&grant).await {
            Release::Confirmed | Release::NotOwner => Tried::Unserved(problem),
            Release::Unavailable { surely_ended_ns, reason } | Release::Unknown { surely_ended_ns, reason } => {
                self.directory.doubt();
                let reason = format!("{problem}; it was not given back: {reason}");
                Tried::Ended(Acquire::Unknown { surely_ended_ns, reason })
            }
        }
    }
}

impl Session for SentinelSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { polling, asker } = self;
        asker.client.address(key);
        Box::pin(polling.acquire(patience, async || asker.try_once().await))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        self.asker.follow();
        Box::pin(self.asker.client.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        self.asker.follow();
        Box::pin(async move { self.asker.client.release(&grant).await })
    }

    /// Nothing on the server belongs to the session: locks end by release or lease.
    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        self.asker.client.set_ttl(ttl_ns);
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.asker.client.ttl_ns())
    }

    fn identity(&self) -> Option<String> {
        Some(self.asker.client.identity().to_owned())
    }

    /// Without the questions to Sentinels, one per process and second.
    fn requests(&self) -> u64 {
        self.asker.client.requests()
    }
}

//! The lock system `redis:sentinel`, set up for one run.

use std::sync::Arc;

use super::config::Config;
use super::directory::{Directory, Primary};
use super::options;
use super::session::SentinelSession;
use super::truth::Newest;
use super::{ENTRY, GUARANTEES};
use crate::Target;
use crate::redis::{admin, door};
use crate::truth::Asker;
use lockbench_core::lock::{
    Agreement, Capacity, Caveats, Facts, Guarantees, Key, Local, LockSystem, Opening, Session, Survey, SystemError,
    Truth,
};

/// A primary with its replicas and Sentinels as a lock service.
pub(super) struct SentinelSystem {
    directory: Arc<Directory>,
    target: Target,
}

impl SentinelSystem {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// No address is a Sentinel's, or one cannot be used.
    pub fn new(target: Target) -> Result<Self, SystemError> {
        let directory = Arc::new(Directory::new(Config::new(ENTRY.name, &target)?));
        Ok(Self { directory, target })
    }

    async fn read_facts(&self) -> Result<Facts, SystemError> {
        let Primary { server, .. } = self.directory.ask().await?;
        let said = admin::said(&server).await?;
        let caveats = Caveats { standby: said.copies(), ..Caveats::default() };
        let admin::Said { version, durability, role, .. } = said;
        let (wait, _) = options::wait(&self.target.options);
        let quorum = match u32::try_from(wait).unwrap_or(u32::MAX) {
            0 => Agreement::ONE,
            replicas => Agreement::Acknowledged(replicas),
        };
        let role = format!("{role}, named by {} Sentinels", self.directory.config.sentinels.len());
        Ok(Facts { version, durability, quorum, role, caveats })
    }

    async fn remove(&self, keys: &[Key]) -> Result<(), SystemError> {
        let Primary { server, .. } = self.directory.ask().await?;
        admin::remove(&server, &self.target.namespace, keys).await
    }
}

impl LockSystem for SentinelSystem {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn guarantees(&self) -> &Guarantees {
        &GUARANTEES
    }

    fn addresses(&self) -> Vec<String> {
        self.directory.config.addresses.clone()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(self.read_facts())
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.remove(keys))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let session = SentinelSession::open(Arc::clone(&self.directory), &self.target, opening).await;
            let session = session.map_err(|problem| self.directory.error(problem))?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(async {
            let Primary { server, .. } = self.directory.ask().await?;
            admin::survey(&server, &self.target.namespace, keys, self.target.clock).await
        })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        vec![Asker::boxed(Newest::new(&self.directory, &self.target.namespace))]
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(async {
            let Primary { server, .. } = self.directory.ask().await?;
            Ok(door::of_all(&[door::capacity(&server).await?]))
        })
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.remove(keys))
    }
}

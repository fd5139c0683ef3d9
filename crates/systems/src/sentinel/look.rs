//! What is held on the primary, and what runs left there: as on one Redis, once the Sentinels have named it.

use super::config::Config;
use super::directory::{Directory, Primary};
use crate::Target;
use crate::redis::{inspect, sweep};
use lockbench_core::lock::inspection::{Inspector, Observation, Scope};
use lockbench_core::lock::{Found, Local, Sweeper, SystemError};

/// Everything: what a sweep looks for has a name of its own.
pub(super) const ALL: Scope = Scope { prefix: None, limit: 0 };

/// Looks at the primary.
pub(super) struct Looker {
    system: &'static str,
    directory: Directory,
    target: Target,
    scope: Scope,
}

impl Looker {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// No address is a Sentinel's, or one cannot be used.
    pub fn new(system: &'static str, target: &Target, scope: Scope) -> Result<Self, SystemError> {
        let directory = Directory::new(Config::new(system, target)?);
        Ok(Self { system, directory, target: target.clone(), scope })
    }

    /// The same addresses, but for the primary alone.
    async fn at_the_primary(&self) -> Result<Target, SystemError> {
        let Primary { server, .. } = self.directory.ask().await?;
        Ok(Target { endpoints: vec![server.endpoint().clone()], ..self.target.clone() })
    }

    async fn sweeper(&self) -> Result<sweep::Nodes, SystemError> {
        sweep::Nodes::new(self.system, &self.at_the_primary().await?)
    }
}

impl Inspector for Looker {
    fn observe(&mut self) -> Local<'_, Result<Observation, SystemError>> {
        Box::pin(async {
            let target = self.at_the_primary().await?;
            inspect::Nodes::new(self.system, &target, self.scope.clone())?.observe().await
        })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

impl Sweeper for Looker {
    fn find(&self) -> Local<'_, Result<Found, SystemError>> {
        Box::pin(async { self.sweeper().await?.find().await })
    }

    fn remove<'a>(&'a self, run: &'a str) -> Local<'a, Result<u64, SystemError>> {
        Box::pin(async move { self.sweeper().await?.remove(run).await })
    }
}

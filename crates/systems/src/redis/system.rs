//! The lock system `redis`: one server, set up for one run.

use std::sync::Arc;

use super::super::Target;
use super::super::planted::Planted;
use super::super::truth::Asker;
use super::server::Server;
use super::session::RedisSession;
use super::{ENTRY, GUARANTEES};
use super::{admin, door};
use lockbench_core::lock::{
    Agreement, Capacity, Caveats, Facts, Guarantees, Key, Local, LockSystem, Opening, Session, Survey, SystemError,
    Truth,
};

/// One Redis server as a lock service.
pub(super) struct RedisSystem {
    server: Arc<Server>,
    target: Target,
    planted: Planted,
}

impl RedisSystem {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// There is not exactly one endpoint, or its URL cannot be used.
    pub fn new(target: Target, planted: Planted) -> Result<Self, SystemError> {
        let [endpoint] = target.endpoints.as_slice() else {
            let addresses: Vec<String> = target.endpoints.iter().map(ToString::to_string).collect();
            let address = if addresses.is_empty() { "(no address)".to_owned() } else { addresses.join(",") };
            let problem = "needs exactly one endpoint: --endpoint redis=redis://host:port";
            return Err(SystemError::new(ENTRY.name, address, problem));
        };
        let server = Arc::new(Server::new(ENTRY.name, endpoint)?.of_run(&target.namespace));
        Ok(Self { server, target, planted })
    }
}

impl RedisSystem {
    /// Its server.
    pub fn server(&self) -> Arc<Server> {
        Arc::clone(&self.server)
    }
}

impl LockSystem for RedisSystem {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn guarantees(&self) -> &Guarantees {
        &GUARANTEES
    }

    fn addresses(&self) -> Vec<String> {
        vec![self.server.address()]
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(async {
            let said = admin::said(&self.server).await?;
            let caveats = Caveats { standby: said.copies(), ..Caveats::default() };
            let admin::Said { version, durability, role, .. } = said;
            Ok(Facts { version, durability, quorum: Agreement::ONE, role, caveats })
        })
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(admin::remove(&self.server, &self.target.namespace, keys))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let session = RedisSession::open(Arc::clone(&self.server), &self.target, opening, self.planted).await;
            let session = session.map_err(|problem| self.server.error(problem))?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(admin::survey(&self.server, &self.target.namespace, keys, self.target.clock))
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        vec![Asker::boxed(admin::Holders::of(&self.server, &self.target.namespace))]
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(async { Ok(door::of_all(&[door::capacity(&self.server).await?])) })
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(admin::remove(&self.server, &self.target.namespace, keys))
    }
}

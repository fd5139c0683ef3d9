//! The lock system `redis`: one server, set up for one run.

use std::sync::{Arc, OnceLock};

use super::super::Target;
use super::super::planted::Planted;
use super::super::truth::Asker;
use super::client::Client;
use super::flawed::Scripts;
use super::server::Server;
use super::session::RedisSession;
use super::{admin, door, pubsub};
use crate::Entry;
use crate::listening::Listening;
use crate::notices::Notices;
use crate::poll::Polling;
use lockbench_core::lock::{
    Agreement, Capacity, Caveats, Facts, Guarantees, Key, Local, LockSystem, Opening, Session, Survey, SystemError,
    Truth,
};

/// One Redis server as a lock service.
pub(super) struct RedisSystem {
    entry: &'static Entry,
    server: Arc<Server>,
    /// Those who wait for messages, where clients do.
    notices: Option<OnceLock<Arc<Notices>>>,
    target: Target,
    planted: Planted,
}

impl RedisSystem {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// There is not exactly one endpoint, or its URL cannot be used.
    pub fn new(entry: &'static Entry, target: Target, planted: Planted) -> Result<Self, SystemError> {
        let [endpoint] = target.endpoints.as_slice() else {
            let addresses: Vec<String> = target.endpoints.iter().map(ToString::to_string).collect();
            let address = if addresses.is_empty() { "(no address)".to_owned() } else { addresses.join(",") };
            let problem = "needs exactly one endpoint: --endpoint redis=redis://host:port";
            return Err(SystemError::new(entry.name, address, problem));
        };
        let server = Arc::new(Server::new(entry.name, endpoint)?.of_run(&target.namespace));
        Ok(Self { entry, server, notices: None, target, planted })
    }

    /// The same for clients that wait for messages.
    #[must_use]
    pub fn with_messages(self) -> Self {
        Self { notices: Some(OnceLock::new()), ..self }
    }

    async fn session(&self, opening: Opening) -> Result<Box<dyn Session>, String> {
        let server = || Arc::clone(&self.server);
        let Some(notices) = &self.notices else {
            let polling = Polling::new(opening.retry, opening.seed);
            let scripts = Scripts::of(self.planted);
            let client = Client::open(server(), &self.target, opening, scripts, self.planted).await?;
            return Ok(Box::new(RedisSession { polling, client }));
        };
        let notices = Notices::shared(notices, || pubsub::listen(server())).map_err(|error| error.to_string())?;
        let listening = Listening::new(notices, &opening);
        let client = Client::open(server(), &self.target, opening, Scripts::telling(), None).await?;
        Ok(Box::new(pubsub::PubSubSession { client, listening }))
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
        self.entry.name
    }

    fn guarantees(&self) -> &Guarantees {
        &self.entry.guarantees
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
        Box::pin(async move { self.session(opening).await.map_err(|problem| self.server.error(problem)) })
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

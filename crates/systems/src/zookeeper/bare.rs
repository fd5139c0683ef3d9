//! The three requests of the recipe for a queue of one, in a bare loop over the client library.

use zookeeper_client::{Client, CreateMode, CreateOptions, Error};

use super::config::Config;
use super::link::bounded;
use crate::Target;
use crate::bare::{Bare, LEASE_NS, LIMIT_NS};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Key, Local, SystemError};

struct Loop {
    client: Client,
    parent: String,
    prefix: String,
    value: String,
    creating: CreateOptions<'static>,
    clock: Clock,
}

pub(super) fn open(target: Target, key: Key, client: u32) -> Local<'static, Result<Box<dyn Bare>, SystemError>> {
    Box::pin(async move {
        let config = Config::new(&target)?;
        let (connector, cluster) = (config.connector(LEASE_NS), config.cluster());
        let connected = bounded(LIMIT_NS, connector.connect(&cluster)).await;
        let connection = connected.map_err(|error| config.error(&error.to_string()))?;
        let parent = config.parent(&key);
        Ok(Box::new(Loop {
            prefix: format!("{parent}/{:016x}-", connection.session_id().0),
            client: connection,
            parent,
            value: super::node::owner(client),
            creating: config.creating(CreateMode::EphemeralSequential),
            clock: target.clock,
        }) as Box<dyn Bare>)
    })
}

impl Bare for Loop {
    fn cycle(&mut self) -> Local<'_, Result<u64, String>> {
        Box::pin(async {
            let said = |error: Error| error.to_string();
            let created =
                self.client.create(&self.prefix, self.value.as_bytes(), &self.creating).await.map_err(said)?;
            let queue = self.client.list_children(&self.parent).await.map_err(said)?;
            let granted = self.clock.now();
            self.client.delete(&format!("{}{}", self.prefix, created.1), None).await.map_err(said)?;
            if queue.len() == 1 { Ok(granted) } else { Err("the key is not for itself".to_owned()) }
        })
    }
}

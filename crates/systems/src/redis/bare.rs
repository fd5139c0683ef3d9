//! The two scripts of the recipe in a bare loop over the client library.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError};

use super::super::Target;
use super::NAME;
use super::naming::{Identities, Ticket};
use super::script::{ACQUIRING, RELEASING};
use super::server::{Limits, Server};
use crate::bare::{Bare, LEASE_NS, LIMIT_NS};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Key, Local, SystemError};
use lockbench_core::units::MILLISECOND;

struct Loop {
    connection: MultiplexedConnection,
    acquire: Cmd,
    release: Cmd,
    clock: Clock,
}

pub(super) fn open(target: Target, key: Key, client: u32) -> Local<'static, Result<Box<dyn Bare>, SystemError>> {
    Box::pin(async move {
        let [endpoint] = target.endpoints.as_slice() else {
            return Err(SystemError::new(NAME, "-", "needs one address"));
        };
        let server = Server::new(NAME, endpoint)?.of_run(&target.namespace);
        let connected = server.connect(Limits::within(LIMIT_NS)).await;
        let connection = connected.map_err(|problem| SystemError::new(NAME, server.address(), problem))?;
        let mut ticket = Ticket::default();
        ticket.address(&target.namespace, &key);
        ticket.identify(&mut Identities::new(&target, client, target.clock.now()));
        let (mut acquire, mut release) = (Cmd::new(), Cmd::new());
        ACQUIRING.by_digest(&mut acquire, 2);
        acquire.arg(&ticket.lock).arg(&ticket.fence).arg(&ticket.identity).arg(LEASE_NS / MILLISECOND);
        RELEASING.by_digest(&mut release, 1);
        release.arg(&ticket.lock).arg(&ticket.identity);
        Ok(Box::new(Loop { connection, acquire, release, clock: target.clock }) as Box<dyn Bare>)
    })
}

impl Bare for Loop {
    fn cycle(&mut self) -> Local<'_, Result<u64, String>> {
        Box::pin(async {
            let said = |error: RedisError| error.to_string();
            let token: i64 = self.acquire.query_async(&mut self.connection).await.map_err(said)?;
            let granted = self.clock.now();
            let released: i64 = self.release.query_async(&mut self.connection).await.map_err(said)?;
            if token > 0 && released == 1 { Ok(granted) } else { Err("the key is not for itself".to_owned()) }
        })
    }
}

//! What the recipe of the lease row asks of its server, and what is certain about it afterwards. The recipe has no connection
//! and no clock of its own: see `redis/wire.rs`, which is cut alike.

use std::collections::HashMap;

use tokio_postgres::error::SqlState;

use super::super::advisory_key::number;
use super::super::connect::{Backend, Server};
use super::super::link::{Failure, Link, Request};
use lockbench_core::lock::{Opening, SystemError};

/// What is asked of the row of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// The lease, for so many microseconds: if the row is free, or its lease is over by the server's clock.
    Acquire { ttl_us: u64 },
    /// The whole lease again, if it is ours and runs.
    Renew { fence: u64, ttl_us: u64 },
    /// The lease back, if it is ours and runs.
    Release { fence: u64 },
}

/// What came of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It was done; the row has this fence.
    Done { fence: u64 },
    /// The row is not so. For how many microseconds the lease of its holder runs, where the wire asks for that.
    Not { left_us: u64 },
    /// Surely no effect: it was not sent, or the server refused it and rolled it back.
    Refused(String),
    /// It may have had an effect, or may still have it.
    Unknown(String),
}

/// The way to the row, and back.
pub(super) trait Wire {
    /// Asks once. A statement that may have had an effect is not sent twice.
    fn ask(&mut self, verb: Verb, key: &str) -> impl Future<Output = Reply>;
    /// After [`Reply::Unknown`]: does the server confirm that the session of that statement has ended, so that nothing of it
    /// will run any more?
    fn is_over(&mut self) -> impl Future<Output = bool>;
    /// The name by which rows are ours.
    fn owner(&self) -> &str;
    /// Statements sent so far.
    fn requests(&self) -> u64;
    /// Ends the session in order.
    fn close(self) -> impl Future<Output = ()>;
}

/// A connection to a server.
pub(super) struct RowLink {
    link: Link,
    /// The server process of the last statement of unknown effect.
    former: Option<Backend>,
    /// What messages of a key are sent under, where releases send some; the namespace that they are made of.
    channels: Option<(String, HashMap<Box<str>, String>)>,
}

const ACQUIRE: usize = 0;
const RENEW: usize = 1;
const RELEASE: usize = 2;

impl RowLink {
    /// Connects and prepares.
    ///
    /// # Errors
    /// As [`Server::connect`].
    pub(super) async fn open(
        server: &Server,
        opening: &Opening,
        requests: Vec<Request>,
        namespace: Option<String>,
    ) -> Result<Self, SystemError> {
        let link = Link::open(server, opening, requests).await?;
        Ok(Self { link, former: None, channels: namespace.map(|namespace| (namespace, HashMap::new())) })
    }
}

/// What messages about a key are sent under: an identifier has no room for its name
/// (<https://www.postgresql.org/docs/15/sql-notify.html>). Two keys of one name wake each other in vain.
pub(super) fn channel(namespace: &str, key: &str) -> String {
    format!("lockbench_{:016x}", number(namespace, key, None))
}

impl Wire for RowLink {
    async fn ask(&mut self, verb: Verb, key: &str) -> Reply {
        let owner = self.link.owner().to_owned();
        let tells = self.channels.is_some();
        let asked = match verb {
            Verb::Acquire { ttl_us } => self.link.ask(ACQUIRE, &[&key, &owner, &(ttl_us as f64)]).await,
            Verb::Renew { fence, ttl_us } => {
                self.link.ask(RENEW, &[&key, &owner, &fence.cast_signed(), &(ttl_us as f64)]).await
            }
            Verb::Release { fence } => match &mut self.channels {
                None => self.link.ask(RELEASE, &[&key, &owner, &fence.cast_signed()]).await,
                Some((namespace, known)) => {
                    if !known.contains_key(key) {
                        known.insert(key.into(), channel(namespace, key));
                    }
                    self.link.ask(RELEASE, &[&key, &owner, &fence.cast_signed(), &known.get(key)]).await
                }
            },
        };
        match asked {
            Ok(rows) => match rows.first() {
                None => Reply::Not { left_us: 0 },
                Some(row) => match (row.try_get::<_, Option<i64>>(0), tells) {
                    (Ok(Some(fence)), _) => Reply::Done { fence: fence.cast_unsigned() },
                    (_, false) => Reply::Not { left_us: 0 },
                    (_, true) => {
                        let left: Option<i64> = row.try_get(1).unwrap_or_default();
                        Reply::Not { left_us: left.unwrap_or_default().max(0).cast_unsigned() }
                    }
                },
            },
            // Two updates of one row at once, where the role's default isolation is
            // stricter than READ COMMITTED: the other one won.
            Err(Failure::Refused { code: Some(code), .. })
                if matches!(verb, Verb::Acquire { .. }) && code == SqlState::T_R_SERIALIZATION_FAILURE =>
            {
                Reply::Not { left_us: 0 }
            }
            Err(Failure::Refused { reason, .. }) => Reply::Refused(reason),
            Err(Failure::Lost { backend, reason }) => {
                self.former = Some(backend);
                Reply::Unknown(reason)
            }
        }
    }

    async fn is_over(&mut self) -> bool {
        match self.former.take() {
            Some(backend) => self.link.session_ended(backend).await,
            None => true,
        }
    }

    fn owner(&self) -> &str {
        self.link.owner()
    }

    fn requests(&self) -> u64 {
        self.link.requests()
    }

    async fn close(self) {
        self.link.close().await;
    }
}

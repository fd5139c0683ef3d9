//! `postgres:optimistic`: a version column, read by one statement and raised by an UPDATE that names it. Under READ
//! COMMITTED the UPDATE waits for another one of the same row that is under way, and evaluates its WHERE again
//! (<https://www.postgresql.org/docs/15/transaction-iso.html#XACT-READ-COMMITTED>).

use tokio_postgres::error::SqlState;

use super::lease::Lease;
use super::link::{Failure, Link};
use super::table::Table;
use super::{GUARANTEES_OPTIMISTIC, NAME_OPTIMISTIC};
use crate::Target;
use crate::optimistic::{Failed, OptimisticSession, Versions};
use lockbench_core::lock::{
    Capacity, Facts, Guarantees, Key, Local, LockSystem, Opening, Session, Survey, SystemError,
};

const READ: usize = 0;
const WRITE: usize = 1;

/// A table of versions: that of the lease recipe, whose fence column is the version.
pub(super) struct Optimistic {
    lease: Lease,
    table: Table,
}

impl Optimistic {
    /// Configures it. Contacts nobody.
    ///
    /// # Errors
    /// As those of the lease recipe.
    pub(super) fn new(target: &Target) -> Result<Self, SystemError> {
        let lease = Lease::new(&super::OPTIMISTIC, target, None)?;
        let table = lease.table();
        Ok(Self { lease, table })
    }
}

impl LockSystem for Optimistic {
    fn name(&self) -> &'static str {
        NAME_OPTIMISTIC
    }

    fn guarantees(&self) -> &Guarantees {
        &GUARANTEES_OPTIMISTIC
    }

    fn addresses(&self) -> Vec<String> {
        self.lease.addresses()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        self.lease.facts()
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.lease.prepare(keys)
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let link = Link::open(self.lease.server(), &opening, self.table.versions()).await?;
            Ok(Box::new(OptimisticSession::new(Rows { link })) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        self.lease.survey(keys)
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        self.lease.capacity()
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.lease.clean(keys)
    }
}

/// One client.
struct Rows {
    link: Link,
}

fn failed(failure: Failure) -> Failed {
    match failure {
        Failure::Refused { reason, .. } => Failed::Unserved(reason),
        Failure::Lost { reason, .. } => Failed::Lost(reason),
    }
}

impl Versions for Rows {
    async fn read(&mut self, key: &Key) -> Result<u64, Failed> {
        let rows = self.link.ask(READ, &[&&*key.name]).await.map_err(failed)?;
        let version: Option<i64> = rows.first().and_then(|row| row.try_get(0).ok());
        version.map(i64::cast_unsigned).ok_or_else(|| Failed::Unserved(format!("there is no row of {}", key.name)))
    }

    async fn write(&mut self, key: &Key, version: u64) -> Result<bool, Failed> {
        match self.link.ask(WRITE, &[&&*key.name, &version.cast_signed()]).await {
            Ok(rows) => Ok(!rows.is_empty()),
            // Where the role's default isolation is stricter than READ COMMITTED: another write was first.
            Err(Failure::Refused { code: Some(code), .. }) if code == SqlState::T_R_SERIALIZATION_FAILURE => Ok(false),
            Err(failure) => Err(failed(failure)),
        }
    }

    fn requests(&self) -> u64 {
        self.link.requests()
    }

    async fn close(self) {
        self.link.close().await;
    }
}

//! The file: one row a key with owner, fencing token and expiry. Everything here
//! blocks; `worker` gives it a thread.
//!
//! Expiry is an instant of `CLOCK_MONOTONIC`, which all processes of a host share
//! and no wall-clock jump moves. It starts again at boot, so each row also names
//! the boot that it was written in (`/proc/sys/kernel/random/boot_id`,
//! random(4)): a lease of another boot is over, its holder died with it.
//!
//! The instant is read after the write lock was obtained: waiting for that lock
//! neither shortens a lease nor lets a lapsed one be renewed.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{
    Connection, Error, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params, params_from_iter,
};

use super::super::planted::{Flaw, Planted};
use lockbench_core::clock::Clock;
use lockbench_core::lock::Persistence;

/// Where Linux tells which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum StoreError {
    /// Another connection kept the write lock for too long: no effect.
    Busy,
    /// The statement failed and was rolled back: no effect.
    Failed(String),
    /// The commit failed: on disk or not, nobody knows.
    Unclear(String),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Who holds a key.
pub(super) struct Row {
    pub(super) owner: String,
    pub(super) fence: u64,
    pub(super) expires_ns: u64,
}

/// What one client does to one key.
pub(super) struct Claim {
    pub(super) key: String,
    pub(super) owner: String,
    /// Token of the grant; not used by acquire.
    pub(super) fence: u64,
    pub(super) ttl_ns: u64,
    /// How long to wait for the write lock.
    pub(super) busy: Duration,
}

impl Claim {
    /// Parameters ?1 to ?5 of the statements that change a grant of ours.
    fn parameters(&self, boot: &str, now: i64) -> Vec<Value> {
        vec![
            self.key.clone().into(),
            self.owner.clone().into(),
            self.fence.cast_signed().into(),
            boot.to_owned().into(),
            now.into(),
        ]
    }
}

/// An open file.
pub(super) struct Store {
    connection: Connection,
    clock: Clock,
    boot: String,
    planted: Planted,
}

impl Store {
    /// Opens or makes the file. `synchronous` stays as SQLite has it; the journal
    /// is the write-ahead log, in which readers do not wait for the writer
    /// (<https://www.sqlite.org/wal.html>).
    pub(super) fn open(path: &Path, clock: Clock, planted: Planted) -> Result<Self, String> {
        let boot = std::fs::read_to_string(BOOT_ID).map_err(|error| format!("{BOOT_ID}: {error}"))?;
        let connection = Connection::open(path).map_err(|error| error.to_string())?;
        let prepared = || -> Result<(), Error> {
            connection.busy_timeout(Duration::from_secs(10))?;
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            if mode != "wal" {
                connection.pragma_update(None, "journal_mode", "wal")?;
            }
            connection.execute_batch(
                "create table if not exists leases (
                     key text primary key,
                     boot text,
                     owner text,
                     fence integer not null,
                     expires_ns integer not null
                 ) strict, without rowid",
            )
        };
        prepared().map_err(|error| error.to_string())?;
        Ok(Self { connection, clock, boot: boot.trim().to_owned(), planted })
    }

    /// Version, journal mode and `synchronous`, read back.
    pub(super) fn settings(&self) -> Result<(String, Persistence), StoreError> {
        let mode: String = self.connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let level: i64 = self.connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        // Numbers as in https://www.sqlite.org/pragma.html#pragma_synchronous
        let level = match level {
            0 => "off".to_owned(),
            1 => "normal".to_owned(),
            2 => "full".to_owned(),
            3 => "extra".to_owned(),
            other => other.to_string(),
        };
        let durability = Persistence::settings(&[("journal_mode", &mode), ("synchronous", &level)], false);
        let directory = self.connection.path().and_then(|path| Path::new(path).parent());
        let durability = directory.map_or(durability.clone(), |directory| durability.kept_in(directory));
        Ok((rusqlite::version().to_owned(), durability))
    }

    /// Makes each key free, with no token given yet.
    pub(super) fn reset(&mut self, keys: &[String]) -> Result<(), StoreError> {
        let sql = "insert into leases (key, fence, expires_ns) values (?1, 0, 0)
                   on conflict (key) do update set owner = null, boot = null, fence = 0, expires_ns = 0";
        self.each(sql, keys)
    }

    /// Forgets the keys.
    pub(super) fn forget(&mut self, keys: &[String]) -> Result<(), StoreError> {
        self.each("delete from leases where key = ?1", keys)
    }

    fn each(&mut self, sql: &str, keys: &[String]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut statement = transaction.prepare(sql)?;
            for key in keys {
                statement.execute([key])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Who holds the key now?
    pub(super) fn holder(&self, key: &str) -> Result<Option<Row>, StoreError> {
        let sql = "select owner, fence, expires_ns from leases
                   where key = ?1 and owner is not null and boot = ?2 and expires_ns > ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = statement.query_row(params![key, self.boot, self.now()], |row| {
            let (fence, expires): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(Row { owner: row.get(0)?, fence: fence.cast_unsigned(), expires_ns: expires.cast_unsigned() })
        });
        Ok(row.optional()?)
    }

    /// Takes the key if it is free; gives the token. A held key is seen by a read,
    /// which waits for nobody: only those who may get it queue for the write lock.
    pub(super) fn acquire(&self, claim: &Claim) -> Result<Option<u64>, StoreError> {
        let takes_all = self.planted == Some(Flaw::TakesWhatIsHeld);
        if !takes_all && self.holder(&claim.key)?.is_some() {
            return Ok(None);
        }
        let fence: Option<i64> = self.write(claim.busy, |transaction, now| {
            let sql = "update leases set owner = ?2, boot = ?3, fence = fence + 1, expires_ns = ?4
                       where key = ?1 and (owner is null or boot is not ?3 or expires_ns <= ?5 or ?6) returning fence";
            let expires = now.saturating_add_unsigned(claim.ttl_ns);
            let parameters = params![claim.key, claim.owner, self.boot, expires, now, takes_all];
            transaction.prepare_cached(sql)?.query_row(parameters, |row| row.get(0)).optional()
        })?;
        Ok(fence.map(i64::cast_unsigned))
    }

    /// Extends a lease that is ours and not over. `false`: it is not.
    pub(super) fn renew(&self, claim: &Claim) -> Result<bool, StoreError> {
        let sql = "update leases set expires_ns = ?5 + ?6
                   where key = ?1 and owner = ?2 and fence = ?3 and boot = ?4 and expires_ns > ?5";
        self.change(claim, &self.guarded(sql, Flaw::RenewsWhatIsNotItsOwn), Some(claim.ttl_ns.cast_signed().into()))
    }

    /// Gives back a lease that is ours and not over. `false`: it is not.
    pub(super) fn release(&self, claim: &Claim) -> Result<bool, StoreError> {
        let sql = "update leases set owner = null, boot = null, expires_ns = 0
                   where key = ?1 and owner = ?2 and fence = ?3 and boot = ?4 and expires_ns > ?5";
        self.change(claim, &self.guarded(sql, Flaw::FreesWhatIsNotItsOwn), None)
    }

    /// The statement, without what guards it where that is the planted bug.
    fn guarded<'a>(&self, sql: &'a str, flaw: Flaw) -> Cow<'a, str> {
        if self.planted != Some(flaw) {
            return Cow::Borrowed(sql);
        }
        // Its parameters keep their numbers.
        Cow::Owned(
            sql.replace("owner = ?2 and fence = ?3 and boot = ?4 and expires_ns > ?5", "?2 || ?3 || ?4 || ?5 <> ''"),
        )
    }

    fn change(&self, claim: &Claim, sql: &str, sixth: Option<Value>) -> Result<bool, StoreError> {
        let changed = self.write(claim.busy, |transaction, now| {
            let parameters = claim.parameters(&self.boot, now).into_iter().chain(sixth);
            let changed = transaction.prepare_cached(sql)?.execute(params_from_iter(parameters))?;
            Ok((changed == 1).then_some(()))
        })?;
        Ok(changed.is_some())
    }

    /// One write transaction, whose instant is read under the write lock. `None`
    /// from `work`: nothing was written.
    fn write<T>(
        &self,
        busy: Duration,
        work: impl FnOnce(&Transaction<'_>, i64) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, StoreError> {
        self.connection.busy_timeout(busy)?;
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let done = work(&transaction, self.now())?;
        if done.is_none() {
            transaction.rollback()?;
            return Ok(None);
        }
        transaction.commit().map_err(|error| StoreError::Unclear(error.to_string()))?;
        Ok(done)
    }

    /// SQLite's integers are signed; the clock reaches their end after 292 years.
    fn now(&self) -> i64 {
        self.clock.now().cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Claim, Store, StoreError};
    use lockbench_core::clock::Clock;

    fn claim(owner: &str, fence: u64) -> Claim {
        let (key, owner) = ("k".to_owned(), owner.to_owned());
        Claim { key, owner, fence, ttl_ns: 60_000_000_000, busy: Duration::from_millis(50) }
    }

    #[test]
    fn a_lease_of_an_earlier_boot_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("x.sqlite"), Clock::monotonic(), None).unwrap();
        store.reset(&["k".to_owned()]).unwrap();
        assert_eq!(store.acquire(&claim("a", 0)).unwrap(), Some(1));
        assert_eq!(store.acquire(&claim("b", 0)).unwrap(), None);
        store.boot = "the next boot".to_owned();
        assert!(store.holder("k").unwrap().is_none());
        assert!(!store.renew(&claim("a", 1)).unwrap());
        assert_eq!(store.acquire(&claim("b", 0)).unwrap(), Some(2));
        assert!(!store.release(&claim("a", 1)).unwrap());
        assert!(store.release(&claim("b", 2)).unwrap());
    }

    #[test]
    fn a_writer_that_keeps_the_file_makes_others_busy_without_effect() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sqlite");
        let mut store = Store::open(&path, Clock::monotonic(), None).unwrap();
        store.reset(&["k".to_owned()]).unwrap();
        let other = Store::open(&path, Clock::monotonic(), None).unwrap();
        other.connection.execute_batch("begin immediate").unwrap();
        assert!(matches!(store.acquire(&claim("a", 0)), Err(StoreError::Busy)));
        other.connection.execute_batch("rollback").unwrap();
        assert_eq!(store.acquire(&claim("a", 0)).unwrap(), Some(1));
    }
}

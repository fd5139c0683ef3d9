//! Recipes on PostgreSQL. `postgres:advisory` locks a number in the server's
//! shared memory for as long as the connection lives, `postgres:xact` for as long as a transaction does, and `postgres:row` a
//! row likewise, which `postgres:skip-locked` only claims if nobody has it; `postgres:lease` keeps a
//! row with an expiry and a fencing token in a table of its own, and `postgres:lease-notify` tells those who wait for it.
//!
//! * `url`, `tls`: the address, and what is verified;
//! * `connect`: connections, facts, errors; `link`: a client's connection;
//! * `advisory`, `advisory_key`; `transaction`; `lease`, `table`: the recipes;
//! * `start`: the server; `pooler`, `standby`: what may stand before and beside it.

mod advisory;
mod advisory_key;
mod bare;
mod capacity;
mod connect;
mod facts;
pub(super) mod inspect;
mod lease;
mod levers;
mod link;
mod near_miss;
mod optimistic;
mod options;
mod pooler;
mod standby;
mod start;
pub(super) mod sweep;
mod table;
mod tls;
mod transaction;
mod url;

use std::sync::Arc;

use super::levers::{Leads, Lever, Levers};
use super::optimistic::ThenLock;
use super::{Entry, Nodes, ServerKind, Servers, System};
use lockbench_core::lock::{Guarantees, RenewalKind, WaitKind, Ways};
use transaction::{Transactions, What};

/// The system.
pub static SYSTEM: System = System {
    name: "postgres",
    recipes: &[&ADVISORY, &XACT, &ROW, &SKIP_LOCKED, &LEASE, &LEASE_NOTIFY, &OPTIMISTIC, &THEN_LOCK],
    servers: Some(KIND),
};

/// The key of its servers.
pub const KIND: ServerKind = ServerKind::of(&SERVERS);

static SERVERS: Servers = Servers {
    name: "postgres",
    summary: "One PostgreSQL server",
    schemes: &["postgres", "postgresql"],
    aliases: &[],
    nodes: Nodes::One,
    hosts_are_one_address: true,
    no_host: ", or ?host=/PATH for the directory of a socket",
    waits_are_certain: true,
    swept_one_by_one: true,
    inspect: |_, target, scope| Ok(Box::new(inspect::Database::new(target, scope)?)),
    sweep: |_, target| Ok(Box::new(sweep::Database::new(target)?)),
    levers: Levers {
        leads: Leads::Asked(standby::leads),
        end_sessions: Lever::Offered(levers::end_sessions),
        squeeze: Lever::None("it throws nothing away when memory is short"),
        clock: Lever::Offered(levers::CLOCK),
        standby: Lever::Offered(standby::STANDBY),
        unsynced: |_| None,
    },
    start: &start::RECIPE,
};

static ADVISORY: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    quick: true,
    options: Some(&options::OPTIONS),
    bare: Some(bare::advisory),
    flawed: Some(|target, flaw| Ok(Arc::new(advisory::Advisory::new(ADVISORY.name, &target, Some(flaw))?))),
    ..Entry::new(
        "postgres:advisory",
        "session advisory lock: lives and dies with the connection, the server queues",
        ADVISORY_GUARANTEES,
        |target| Ok(Arc::new(advisory::Advisory::new(ADVISORY.name, &target, None)?)),
    )
};

static XACT: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        "postgres:xact",
        "transaction advisory lock: lives and dies with its transaction, the server queues",
        XACT_GUARANTEES,
        |target| Ok(Arc::new(Transactions::new(&XACT, What::Number, &target)?)),
    )
};

static ROW: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        "postgres:row",
        "SELECT ... FOR UPDATE of a row, in a transaction that is left open, the server queues",
        ROW_GUARANTEES,
        |target| Ok(Arc::new(Transactions::new(&ROW, What::Row, &target)?)),
    )
};

static SKIP_LOCKED: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        "postgres:skip-locked",
        "FOR UPDATE SKIP LOCKED: claims a row that nobody has, and does not wait for one that somebody has",
        SKIP_LOCKED_GUARANTEES,
        |target| Ok(Arc::new(Transactions::new(&SKIP_LOCKED, What::FreeRow, &target)?)),
    )
};

/// As a session's advisory lock, but it ends with its transaction.
const XACT_GUARANTEES: Guarantees = Guarantees { shared: false, permits: false, ..ADVISORY_GUARANTEES };

/// Who waits for a row first takes a lock on its place, one at a time, and then waits for the transaction that has the row
/// (src/backend/access/heap/README.tuplock): the order of those behind it is that of its lock, and no manual promises it.
const ROW_GUARANTEES: Guarantees = Guarantees {
    fifo: false,
    source: "https://www.postgresql.org/docs/15/explicit-locking.html#LOCKING-ROWS",
    ..XACT_GUARANTEES
};

const SKIP_LOCKED_GUARANTEES: Guarantees = Guarantees {
    waiting: WaitKind::Poll,
    ways: Ways::Once,
    source: "https://www.postgresql.org/docs/15/sql-select.html#SQL-FOR-UPDATE-SHARE",
    ..ROW_GUARANTEES
};

static OPTIMISTIC: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        NAME_OPTIMISTIC,
        "no lock: a version column, then an UPDATE that finds no row if another client has written",
        GUARANTEES_OPTIMISTIC,
        |target| Ok(Arc::new(optimistic::Optimistic::new(&target)?)),
    )
};

static THEN_LOCK: Entry = Entry {
    server: Some(KIND),
    files: |_| 2,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        NAME_THEN_LOCK,
        "postgres:optimistic, and after three conflicts in a row under an advisory lock",
        GUARANTEES_OPTIMISTIC,
        |target| {
            let (name, guarantees) = (NAME_THEN_LOCK, &GUARANTEES_OPTIMISTIC);
            let optimistic = (OPTIMISTIC.connect)(target.clone())?;
            Ok(Arc::new(ThenLock { name, guarantees, optimistic, lock: (ADVISORY.connect)(target)? }))
        },
    )
};

const NAME_OPTIMISTIC: &str = "postgres:optimistic";
const NAME_THEN_LOCK: &str = "postgres:optimistic-then-lock";
const GUARANTEES_OPTIMISTIC: Guarantees =
    super::optimistic::guarantees("https://www.postgresql.org/docs/15/transaction-iso.html#XACT-READ-COMMITTED", false);

static LEASE: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    quick: true,
    options: Some(&options::OPTIONS),
    bare: Some(bare::lease),
    flawed: Some(|target, flaw| Ok(Arc::new(lease::Lease::new(&LEASE, &target, Some(flaw))?))),
    ..Entry::new(
        "postgres:lease",
        "a row with an expiry by the server's clock and a fencing token",
        LEASE_GUARANTEES,
        |target| Ok(Arc::new(lease::Lease::new(&LEASE, &target, None)?)),
    )
};

static LEASE_NOTIFY: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        "postgres:lease-notify",
        "the row of postgres:lease, whose release notifies: who waits listens, or sleeps until the lease would be over",
        LEASE_NOTIFY_GUARANTEES,
        |target| Ok(Arc::new(lease::Lease::new(&LEASE_NOTIFY, &target, None)?.with_messages())),
    )
};

const LEASE_NOTIFY_GUARANTEES: Guarantees = Guarantees {
    waiting: WaitKind::Message,
    source: "https://www.postgresql.org/docs/15/sql-notify.html",
    ..LEASE_GUARANTEES
};

/// Promises of a session advisory lock.
///
/// "Held until explicitly released or the session ends", so no lease: a client
/// that is gone behind a dead network keeps the lock until TCP keepalive ends
/// its session. Waiters of one key are served in order of arrival:
/// src/backend/storage/lmgr/README, section on lock acquisition, says that
/// conflicting requests are granted in that order and that only deadlock
/// resolution reorders a queue; clients here wait for one key at a time and
/// never ask for one that they hold, the one other exception named there.
const ADVISORY_GUARANTEES: Guarantees = Guarantees {
    lease: false,
    token: None,
    fifo: true,
    waiting: WaitKind::ServerQueue,
    ways: Ways::Both,
    renewal: RenewalKind::None,
    ttl_floor_ms: 0,
    ttl_step_ms: 0,
    connection_frees: true,
    quorum: false,
    exclusion: true,
    shared: true,
    permits: true,
    source: "https://www.postgresql.org/docs/15/explicit-locking.html#ADVISORY-LOCKS",
};

/// Promises of the lease row. One UPDATE sees and changes a row atomically
/// (the `source`: READ COMMITTED waits for a concurrent update of the row and
/// evaluates its WHERE again on the new version); `clock_timestamp()` is the time of
/// evaluation, not of the transaction's start
/// (<https://www.postgresql.org/docs/15/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT>).
/// It is the wall clock of the database host: a jump of that clock breaks the
/// promise. Its resolution is a microsecond; the floor of 1 ms is ours.
const LEASE_GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: Some("fence column of the lease row"),
    fifo: false,
    waiting: WaitKind::Poll,
    ways: Ways::Both,
    renewal: RenewalKind::Explicit,
    ttl_floor_ms: 1,
    ttl_step_ms: 0,
    connection_frees: false,
    quorum: false,
    exclusion: true,
    shared: false,
    permits: false,
    source: "https://www.postgresql.org/docs/15/transaction-iso.html#XACT-READ-COMMITTED",
};

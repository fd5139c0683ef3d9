//! One PostgreSQL server and connections to it. A connection is two halves: the
//! client that sends statements and a driver task that moves bytes; when the
//! driver ends by itself the server (or the network) ended the session, and it
//! stamps when that was noticed.
//!
//! The client library sets TCP_NODELAY; TCP keepalive stays at its stock two
//! hours, so a holder behind a dead network keeps its session, as in production.

use std::error::Error as _;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::Config;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Connection as Driver, Error, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::Target;
use super::{near_miss, tls, url};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Endpoint, SystemError, mark};

/// Longest wait for a connection or an answer outside of any measurement.
const CONTROL_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for an orderly goodbye.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// How long a full server is asked again for a place.
const SLOT_LIMIT: Duration = Duration::from_secs(1);
/// Pause between two such tries.
const SLOT_PAUSE: Duration = Duration::from_millis(50);

/// A server of one registry entry. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server {
    system: &'static str,
    endpoint: Endpoint,
    pub(super) config: Config,
    tls: Option<MakeRustlsConnect>,
    clock: Clock,
    /// Mark of the run.
    mark: String,
    /// A pooler gives its sessions to one client after the other, transaction by transaction.
    pub(super) shares_sessions: bool,
}

/// Bytes of a name that is no run's which stand for its mark.
const MARK_BYTES: usize = 16;

/// Name of a client.
pub(super) fn client_name(client: u32) -> String {
    format!("lockbench client {client}")
}

/// Whether an application's name is that of a client, and then the mark of its run, which earlier versions left
/// out.
pub(super) fn application_of(name: &str) -> Option<Option<&str>> {
    let client = name.strip_prefix("lockbench client ")?;
    let (number, mark) = match client.split_once(" of ") {
        Some((number, mark)) => (number, Some(mark)),
        None => (client, None),
    };
    number.parse::<u32>().ok().map(|_| mark)
}

impl Server {
    /// Understands the address. Contacts nobody.
    ///
    /// # Errors
    /// An address that cannot be used, or a certificate file that cannot be read.
    pub(super) fn new(system: &'static str, target: &Target) -> Result<Self, SystemError> {
        let refused =
            |address: String, problem: String| SystemError::new(system, address, problem).hinted(near_miss::hint);
        let (endpoint, others) = match target.endpoints.as_slice() {
            [endpoint] => (endpoint, &[][..]),
            [endpoint, others @ ..] if super::options::has_standby(&target.options) => (endpoint, others),
            _ => {
                let problem = format!("needs one address, got {}", target.endpoints.len());
                return Err(refused(
                    target.endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
                    problem,
                ));
            }
        };
        let told = |problem: String| refused(endpoint.to_string(), endpoint.redact(&problem));
        let mark =
            mark(&target.namespace).unwrap_or_else(|| target.namespace.get(..MARK_BYTES).unwrap_or(&target.namespace));
        let mark = mark.to_owned();
        let mut parsed = url::parse(endpoint).map_err(told)?;
        for other in others {
            url::add(&mut parsed.config, other).map_err(told)?;
        }
        let tls = parsed.tls.as_ref().map(tls::connector).transpose().map_err(told)?;
        let (endpoint, clock) = (endpoint.clone(), target.clock);
        let shares_sessions = super::options::shares_sessions(&target.options);
        Ok(Self { system, endpoint, config: parsed.config, tls, clock, mark, shares_sessions })
    }

    /// The address without credentials, `host:port`.
    pub(super) fn address(&self) -> String {
        self.endpoint.host_port().to_owned()
    }

    /// An error of this system at this address, without secrets.
    pub(super) fn error(&self, problem: &str) -> SystemError {
        SystemError::new(self.system, self.address(), self.redact(problem)).hinted(near_miss::hint)
    }

    /// What the server lists a connection of that client by: a run lives while one of them is there.
    pub(super) fn application(&self, client: &str) -> String {
        format!("{client} of {}", self.mark)
    }

    /// The run's clock.
    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Takes the secrets out of a text.
    pub(super) fn redact(&self, text: &str) -> String {
        self.endpoint.redact(text)
    }

    /// Opens a connection that the server lists as `application`.
    ///
    /// # Errors
    /// One sentence without secrets, with what to do where we know it.
    pub(super) async fn connect(&self, application: &str, limit: Duration) -> Result<Connection, String> {
        let mut config = self.config.clone();
        config.application_name(application);
        let mut connection = self.connect_when_free(&config, limit).await?;
        let identified = timeout(limit, connection.identify()).await;
        let identified = identified.map_err(|_| format!("no answer within {} s", limit.as_secs_f64()))?;
        identified.map_err(|error| self.redact(&text_of(&error)))?;
        Ok(connection)
    }

    /// A session that was just closed keeps its slot until its process has ended:
    /// at the change of trials "too many clients" is asked again for a while.
    pub(super) async fn connect_when_free(&self, config: &Config, limit: Duration) -> Result<Connection, String> {
        let until = tokio::time::Instant::now() + SLOT_LIMIT.min(limit);
        loop {
            let connecting = async {
                match &self.tls {
                    None => config.connect(NoTls).await.map(|(client, driver)| self.drive(client, driver)),
                    Some(tls) => config.connect(tls.clone()).await.map(|(client, driver)| self.drive(client, driver)),
                }
            };
            let connected = timeout(limit, connecting).await;
            let connected = connected.map_err(|_| format!("no connection within {} s", limit.as_secs_f64()))?;
            let full = connected.as_ref().is_err_and(|error| error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS));
            if !full || tokio::time::Instant::now() >= until {
                return connected.map_err(|error| self.redact(&advice(&error)));
            }
            tokio::time::sleep(SLOT_PAUSE).await;
        }
    }

    /// A session that listens: what it is told comes out of the other end, until the connection ends.
    ///
    /// # Errors
    /// One sentence without secrets.
    pub(super) async fn listener(&self, limit: Duration) -> Result<(Client, UnboundedReceiver<String>), String> {
        let mut config = self.config.clone();
        config.application_name(self.application("lockbench listener"));
        let connecting = async {
            match &self.tls {
                None => config.connect(NoTls).await.map(|(client, driver)| (client, told_by(driver))),
                Some(tls) => config.connect(tls.clone()).await.map(|(client, driver)| (client, told_by(driver))),
            }
        };
        match timeout(limit, connecting).await {
            Ok(connected) => connected.map_err(|error| self.redact(&advice(&error))),
            Err(_) => Err(format!("no connection within {} s", limit.as_secs_f64())),
        }
    }

    fn drive<S, T>(&self, client: Client, driver: Driver<S, T>) -> Connection
    where
        Driver<S, T>: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let lost = Arc::new(AtomicU64::new(ALIVE));
        let (stamp, clock) = (Arc::clone(&lost), self.clock);
        let driver = tokio::spawn(async move {
            // Why it ended is told to the statement under way, if there is one.
            drop(driver.await);
            stamp.store(clock.now(), Ordering::Release);
        });
        Connection { client, driver, lost, backend: Backend { pid: 0, started_us: 0 } }
    }

    /// Asks the server to end the statement that runs on that connection. It does
    /// not say whether it did, and the request may arrive after the statement's end
    /// (<https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.10>).
    pub(super) async fn cancel(&self, token: &CancelToken, limit: Duration) {
        let sent = match &self.tls {
            None => timeout(limit, token.cancel_query(NoTls)).await,
            Some(tls) => timeout(limit, token.cancel_query(tls.clone())).await,
        };
        // Failed or not: the statement's end, or the backstop, decides.
        drop(sent);
    }

    /// Runs `work` on a connection of its own, for everything that is not measured.
    ///
    /// # Errors
    /// No connection, no answer, or the server's refusal.
    pub(super) async fn control<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, SystemError> {
        let connection = self.connect("lockbench control", CONTROL_LIMIT).await.map_err(|text| self.error(&text))?;
        let worked = timeout(CONTROL_LIMIT, work(&connection.client)).await;
        connection.close().await;
        match worked {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.error(&advice(&error))),
            Err(_) => Err(self.error("no answer within 10 s")),
        }
    }

    /// A connection for who looks at locks from outside, again and again.
    ///
    /// # Errors
    /// As [`Server::connect`].
    pub(super) async fn to_look(&self) -> Result<Connection, SystemError> {
        self.connect("lockbench control", CONTROL_LIMIT).await.map_err(|text| self.error(&text))
    }

    /// Nanoseconds of the smallest query.
    pub(super) async fn round_trip_ns(&self, client: &Client) -> Result<u64, Error> {
        let asked = self.now();
        client.simple_query("select 1").await?;
        Ok(self.now().saturating_sub(asked))
    }
}

/// Drives a connection, and passes on the channel of each notification.
fn told_by<S, T>(mut driver: Driver<S, T>) -> UnboundedReceiver<String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| driver.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && tell.send(notification.channel().to_owned()).is_err()
            {
                return;
            }
        }
    });
    told
}

/// A server process that serves one connection. Process ids are used again, so
/// its start belongs to its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pid: i32,
    started_us: i64,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} since {}", self.pid, self.started_us)
    }
}

impl Backend {
    /// Does the server behind `client` still run that process? When it does not,
    /// its session has ended: its advisory locks are free and no statement of
    /// it will run any more
    /// (<https://www.postgresql.org/docs/15/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW>).
    pub(super) async fn ended(self, client: &Client) -> Result<bool, Error> {
        let sql = "select 1 from pg_stat_activity where pid = $1 \
                   and (extract(epoch from backend_start) * 1000000)::bigint = $2";
        let asked = client.query_typed_opt(sql, &[(&self.pid, Type::INT4), (&self.started_us, Type::INT8)]).await;
        asked.map(|row| row.is_none())
    }
}

/// "Not lost" in the stamp of a connection: no instant that a clock shows.
const ALIVE: u64 = u64::MAX;

/// A live, or lately lost, connection.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: JoinHandle<()>,
    /// When the driver ended, or [`ALIVE`].
    lost: Arc<AtomicU64>,
    backend: Backend,
}

impl Connection {
    async fn identify(&mut self) -> Result<(), Error> {
        let sql = "select pid, (extract(epoch from backend_start) * 1000000)::bigint \
                   from pg_stat_activity where pid = pg_backend_pid()";
        // Without a name, as all statements of the control connection: behind a pooler the names of others are taken.
        let row: Row = self.client.query_typed_one(sql, &[]).await?;
        self.backend = Backend { pid: row.try_get(0)?, started_us: row.try_get(1)? };
        Ok(())
    }

    /// The server process at the other end.
    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    /// When it was lost, if it was.
    pub(super) fn lost_at(&self) -> Option<u64> {
        Some(self.lost.load(Ordering::Acquire)).filter(|at| *at != ALIVE)
    }

    /// Says goodbye and waits until the socket is closed, at most a second.
    pub(super) async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        if timeout(GOODBYE_LIMIT, &mut driver).await.is_err() {
            driver.abort();
        }
    }

    /// Closes the socket at once, whatever the server still does with it.
    pub(super) fn abandon(self) {
        self.driver.abort();
    }
}

/// The error with its causes: the library's own text alone is "db error".
pub(super) fn text_of(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The error, and what to do about it where we know.
fn advice(error: &Error) -> String {
    let text = text_of(error);
    match error.code() {
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS && text.contains("for role") => format!(
            "{text}: every client needs a connection of its own; run fewer clients, or raise the role's limit \
             (alter role ... connection limit N; -1: none)"
        ),
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS && text.contains("for database") => format!(
            "{text}: every client needs a connection of its own; run fewer clients, or raise the database's limit \
             (alter database ... connection limit N; -1: none)"
        ),
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => format!(
            "{text}: every client needs a connection of its own; run fewer clients, or raise max_connections \
             (stock: 100, three of them reserved) and restart the server"
        ),
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            format!(
                "{text}: the role must be allowed to create a schema of its own: grant create on database ... to ..."
            )
        }
        _ => text,
    }
}

//! Locks that live in the memory of the conductor, for clients in worker processes: the conductor serves them over a
//! Unix socket, a connection per session, one line of JSON per call and answer, as a lock server would. A session
//! whose process died is dropped, and what it held ends as its system says (`memory`: with its lease).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use lockbench_core::clock::{Clock, Timer};
use lockbench_core::lock::{
    Acquire, Chance, Deadline, Facts, Grant, Guarantees, Key, Local, LockSystem, Mode, NEVER, Opening, Patience,
    Release, Renewal, Retry, Session, SystemError, Victims,
};
use lockbench_core::stop::Stop;
use lockbench_systems::Entry;

/// To the server.
#[derive(Debug, Serialize, Deserialize)]
enum Call {
    Open {
        client: u32,
        ttl_ns: u64,
        seed: u64,
        request_timeout_ns: u64,
    },
    /// `mode`: of a lock that has modes; `None`: it has none. `until`: the instant to give up at; `None`: one try.
    /// `attempt`: its client and number, where it may be chosen to break a deadlock.
    Acquire {
        key: u32,
        mode: Option<Mode>,
        until: Option<u64>,
        attempt: Option<(u32, u32)>,
    },
    Renew {
        key: u32,
    },
    Release {
        key: u32,
    },
    Close,
}

/// From it.
#[derive(Debug, Serialize, Deserialize)]
struct Reply {
    said: Said,
    ttl_ns: Option<u64>,
    lost_at: Option<u64>,
    requests: u64,
    identity: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Opened,
    Refused(String),
    Acquired {
        token: Option<u64>,
        validity_ns: u64,
        waited: Option<bool>,
    },
    Held,
    TimedOut,
    Deadlock,
    Unavailable {
        surely_ended_ns: u64,
        reason: String,
    },
    Unknown {
        surely_ended_ns: u64,
        reason: String,
    },
    /// A renewal or a release; the validity is that of a renewal.
    Confirmed {
        validity_ns: u64,
    },
    NotOwner,
}

/// Serves the locks of a system from a thread of this process until it is dropped.
pub struct LockServer {
    address: String,
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What every connection of a server knows.
struct Serving {
    system: Arc<dyn LockSystem>,
    keys: Arc<[Key]>,
    retry: Retry,
    victims: Option<Arc<Victims>>,
    timer: Timer,
    stop: Stop,
}

impl LockServer {
    /// Serves these keys of a system.
    ///
    /// # Errors
    /// There is no socket or thread to be had.
    pub fn start(
        system: Arc<dyn LockSystem>,
        keys: Arc<[Key]>,
        (retry, victims): (Retry, Option<Arc<Victims>>),
        clock: Clock,
        stop: Stop,
    ) -> io::Result<Self> {
        // An abstract name (unix(7)) ends with the process; the number makes it this server's own.
        let address = format!("lockbench-{}-{:x}", std::process::id(), clock.now());
        let listener = StdListener::bind_addr(&SocketAddr::from_abstract_name(&address)?)?;
        listener.set_nonblocking(true)?;
        let (over, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("lock-server".to_owned()).spawn(move || {
            let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
            let local = LocalSet::new();
            let served = Serving { system, keys, retry, victims, timer: Timer::new(clock), stop };
            local.block_on(&runtime, async move {
                tokio::select! {
                    () = accept(listener, Rc::new(served)) => {}
                    _ = ended => {}
                }
            });
        })?;
        Ok(Self { address, over: Some(over), thread: Some(thread) })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for LockServer {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: StdListener, served: Rc<Serving>) {
    let Ok(listener) = UnixListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        // Abstract names have no owner: only processes of this user are served.
        let own = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw());
        if own {
            tokio::task::spawn_local(connection(stream, Rc::clone(&served)));
        }
    }
}

async fn connection(stream: UnixStream, served: Rc<Serving>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut session: Option<Box<dyn Session>> = None;
    let mut grants: Vec<Grant> = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(call) = serde_json::from_str::<Call>(&line) else { return };
        let closes = matches!(call, Call::Close);
        let said = match (call, &mut session) {
            (Call::Open { client, ttl_ns, seed, request_timeout_ns }, session) => {
                let (timer, retry) = (served.timer.clone(), served.retry);
                let opening = Opening { client, ttl_ns, timer, retry, seed, request_timeout_ns };
                match served.system.open(opening).await {
                    Ok(opened) => {
                        *session = Some(opened);
                        Said::Opened
                    }
                    Err(error) => Said::Refused(error.problem),
                }
            }
            (Call::Close, session) => {
                if let Some(session) = session.take() {
                    session.close().await;
                }
                Said::Opened
            }
            (_, None) => return,
            (Call::Acquire { key, mode, until, attempt }, Some(session)) => {
                acquire(&served, &mut **session, (key, mode), (until, attempt), &mut grants).await
            }
            (Call::Renew { key }, Some(session)) => match grants.iter_mut().find(|grant| grant.key() == key) {
                Some(grant) => match session.renew(grant).await {
                    Renewal::Confirmed => Said::Confirmed { validity_ns: grant.validity_ns() },
                    Renewal::Refused => Said::NotOwner,
                    Renewal::Unavailable(reason) => Said::Unavailable { surely_ended_ns: 0, reason },
                    Renewal::Unknown(reason) => Said::Unknown { surely_ended_ns: 0, reason },
                },
                None => Said::NotOwner,
            },
            (Call::Release { key }, Some(session)) => match grants.iter().position(|grant| grant.key() == key) {
                Some(at) => match session.release(grants.swap_remove(at)).await {
                    Release::Confirmed => Said::Confirmed { validity_ns: 0 },
                    Release::NotOwner => Said::NotOwner,
                    Release::Unavailable { surely_ended_ns, reason } => Said::Unavailable { surely_ended_ns, reason },
                    Release::Unknown { surely_ended_ns, reason } => Said::Unknown { surely_ended_ns, reason },
                },
                None => Said::NotOwner,
            },
        };
        let reply = Reply {
            said,
            ttl_ns: session.as_ref().and_then(|session| session.effective_ttl_ns()),
            lost_at: session.as_ref().and_then(|session| session.lost_at()),
            requests: session.as_ref().map_or(0, |session| session.requests()),
            identity: session.as_ref().and_then(|session| session.identity()),
        };
        if send(&mut write, &reply).await.is_err() || closes {
            return;
        }
    }
}

async fn acquire(
    served: &Serving,
    session: &mut dyn Session,
    (key, mode): (u32, Option<Mode>),
    (until, attempt): (Option<u64>, Option<(u32, u32)>),
    grants: &mut Vec<Grant>,
) -> Said {
    let Some(key) = served.keys.get(key as usize) else {
        return Said::Unavailable { surely_ended_ns: 0, reason: format!("there is no key {key}") };
    };
    let patience = until.map_or(Patience::Try, |until| {
        let deadline = Deadline::new(until, served.timer.clone(), served.stop.clone());
        Patience::Until(match (&served.victims, attempt) {
            (Some(victims), Some((client, number))) => {
                deadline.abortable(Chance::new(Arc::clone(victims), client, number))
            }
            _ => deadline,
        })
    });
    let answer = match mode {
        None => session.acquire(key, &patience).await,
        Some(mode) => session.acquire_as(key, mode, &patience).await,
    };
    match answer {
        Acquire::Acquired(grant) => {
            let (token, validity_ns, waited) = (grant.token(), grant.validity_ns(), grant.waited());
            grants.push(grant);
            Said::Acquired { token, validity_ns, waited }
        }
        Acquire::Refused => Said::Held,
        Acquire::TimedOut => Said::TimedOut,
        Acquire::Deadlock => Said::Deadlock,
        Acquire::Unavailable(reason) => Said::Unavailable { surely_ended_ns: 0, reason },
        Acquire::Unknown { surely_ended_ns, reason } => Said::Unknown { surely_ended_ns, reason },
    }
}

async fn send<T: Serialize>(write: &mut OwnedWriteHalf, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_string(message)?;
    line.push('\n');
    write.write_all(line.as_bytes()).await
}

/// A lock system that the conductor serves.
pub struct Served {
    entry: &'static Entry,
    address: String,
}

impl Served {
    /// That of a registry entry, at this address.
    #[must_use]
    pub fn new(entry: &'static Entry, address: String) -> Self {
        Self { entry, address }
    }

    fn error(&self, problem: impl std::fmt::Display) -> SystemError {
        SystemError::new(self.entry.name, "the conductor", problem.to_string())
    }
}

impl LockSystem for Served {
    fn name(&self) -> &'static str {
        self.entry.name
    }

    fn guarantees(&self) -> &Guarantees {
        &self.entry.guarantees
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(async { Ok(Facts::in_this_process()) })
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let address = SocketAddr::from_abstract_name(&self.address).map_err(|error| self.error(error))?;
            let stream = StdStream::connect_addr(&address).map_err(|error| self.error(error))?;
            stream.set_nonblocking(true).map_err(|error| self.error(error))?;
            let (read, write) = UnixStream::from_std(stream).map_err(|error| self.error(error))?.into_split();
            let replies = BufReader::new(read);
            let Opening { client, ttl_ns, timer, seed, request_timeout_ns, .. } = opening;
            let mut session = ServedSession {
                replies,
                calls: write,
                timer,
                ttl_ns: None,
                lost_at: None,
                requests: 0,
                identity: None,
            };
            match session.call(&Call::Open { client, ttl_ns, seed, request_timeout_ns }).await {
                Ok(Said::Opened) => Ok(Box::new(session) as Box<dyn Session>),
                Ok(Said::Refused(problem)) => Err(self.error(problem)),
                Ok(other) => Err(self.error(format!("unexpected answer {other:?}"))),
                Err(error) => Err(self.error(error)),
            }
        })
    }
}

struct ServedSession {
    replies: BufReader<OwnedReadHalf>,
    calls: OwnedWriteHalf,
    timer: Timer,
    ttl_ns: Option<u64>,
    lost_at: Option<u64>,
    requests: u64,
    identity: Option<String>,
}

impl ServedSession {
    async fn call(&mut self, call: &Call) -> io::Result<Said> {
        send(&mut self.calls, call).await?;
        let mut line = String::new();
        if self.replies.read_line(&mut line).await? == 0 {
            return Err(io::Error::other("the conductor is gone"));
        }
        let Reply { said, ttl_ns, lost_at, requests, identity } = serde_json::from_str(&line)?;
        (self.ttl_ns, self.lost_at, self.requests, self.identity) = (ttl_ns, lost_at, requests, identity);
        Ok(said)
    }

    async fn ask(&mut self, key: &Key, mode: Option<Mode>, patience: &Patience) -> Acquire {
        let (until, attempt) = match patience {
            Patience::Try => (None, None),
            Patience::Until(deadline) => (Some(deadline.at_ns()), deadline.attempt()),
        };
        match self.call(&Call::Acquire { key: key.index, mode, until, attempt }).await {
            Ok(Said::Acquired { token, validity_ns, waited }) => {
                let grant = Grant::new(key.index, token, validity_ns);
                if validity_ns <= self.timer.now() {
                    return self.came_too_late(grant).await;
                }
                Acquire::Acquired(match waited {
                    Some(waited) => grant.after_waiting(waited),
                    None => grant,
                })
            }
            Ok(Said::Held) => Acquire::Refused,
            Ok(Said::TimedOut) => Acquire::TimedOut,
            Ok(Said::Deadlock) => Acquire::Deadlock,
            Ok(Said::Unavailable { reason, .. }) => Acquire::Unavailable(reason),
            Ok(Said::Unknown { surely_ended_ns, reason }) => Acquire::Unknown { surely_ended_ns, reason },
            Ok(other) => unknown(format!("unexpected answer {other:?}")),
            Err(error) => unknown(error.to_string()),
        }
    }

    /// A grant whose answer waited for this process, which stood still, until the lease was over.
    async fn came_too_late(&mut self, grant: Grant) -> Acquire {
        match self.release(grant).await {
            Release::Confirmed | Release::NotOwner => {
                Acquire::Unavailable("the lease was over when the answer came".to_owned())
            }
            Release::Unavailable { surely_ended_ns, reason } | Release::Unknown { surely_ended_ns, reason } => {
                Acquire::Unknown { surely_ended_ns, reason }
            }
        }
    }
}

impl Session for ServedSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(self.ask(key, None, patience))
    }

    fn acquire_as<'a>(&'a mut self, key: &'a Key, mode: Mode, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(self.ask(key, Some(mode), patience))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(async move {
            match self.call(&Call::Renew { key: grant.key() }).await {
                Ok(Said::Confirmed { validity_ns }) => {
                    grant.extend(validity_ns);
                    Renewal::Confirmed
                }
                Ok(Said::NotOwner) => Renewal::Refused,
                Ok(Said::Unavailable { reason, .. }) => Renewal::Unavailable(reason),
                Ok(Said::Unknown { reason, .. }) => Renewal::Unknown(reason),
                Ok(other) => Renewal::Unknown(format!("unexpected answer {other:?}")),
                Err(error) => Renewal::Unknown(error.to_string()),
            }
        })
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move {
            match self.call(&Call::Release { key: grant.key() }).await {
                Ok(Said::Confirmed { .. }) => Release::Confirmed,
                Ok(Said::NotOwner) => Release::NotOwner,
                Ok(Said::Unavailable { surely_ended_ns, reason }) => Release::Unavailable { surely_ended_ns, reason },
                Ok(Said::Unknown { surely_ended_ns, reason }) => Release::Unknown { surely_ended_ns, reason },
                Ok(other) => {
                    Release::Unknown { surely_ended_ns: NEVER, reason: format!("unexpected answer {other:?}") }
                }
                Err(error) => Release::Unknown { surely_ended_ns: NEVER, reason: error.to_string() },
            }
        })
    }

    fn close(mut self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move {
            // What cannot be said any more ends with the connection.
            let _ = self.call(&Call::Close).await;
        })
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        self.ttl_ns
    }

    fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    fn lost_at(&self) -> Option<u64> {
        self.lost_at
    }

    fn requests(&self) -> u64 {
        self.requests
    }
}

fn unknown(reason: String) -> Acquire {
    Acquire::Unknown { surely_ended_ns: NEVER, reason }
}

//! Who the primary is, by the word of the Sentinels: what all clients of a process know of it.
//!
//! As the guidelines for clients want it (<https://redis.io/docs/latest/develop/reference/sentinel-clients/>), the
//! Sentinels are asked in turn until one answers, and the server that it names is asked for its role before it is
//! believed. The guidelines have clients ask when they connect; a client whose connection to a former primary lives
//! would then stay there. So they are asked again every second, as Redisson does (its `scanInterval`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, Value, cmd};

use super::config::Config;
use crate::redis::{Limits, Server};
use lockbench_core::lock::SystemError;
use lockbench_core::units::MILLISECOND;

/// From one question to the next.
const EVERY_NS: u64 = 1_000 * MILLISECOND;
/// The same where the primary is not known, or has failed a client.
const IN_DOUBT_NS: u64 = 100 * MILLISECOND;
/// "A few hundreds of milliseconds", by the guidelines.
const PATIENCE: Limits = Limits { connect: Duration::from_millis(300), answer: Some(Duration::from_millis(300)) };

/// What is known.
pub(super) struct Directory {
    pub config: Config,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    primary: Option<Primary>,
    asked: Option<u64>,
    in_doubt: bool,
    /// Why the last question had no answer.
    problem: Option<String>,
}

/// A primary, as it was named last.
#[derive(Clone)]
pub(super) struct Primary {
    /// By which the Sentinels know it.
    pub announced: String,
    pub server: Arc<Server>,
}

impl Directory {
    /// Knows nothing yet.
    pub fn new(config: Config) -> Self {
        Self { config, state: Mutex::default() }
    }

    /// The primary that was named last.
    pub fn known(&self) -> Option<Primary> {
        self.state().primary.clone()
    }

    /// A request to the primary has failed: it may be another by now.
    pub fn doubt(&self) {
        self.state().in_doubt = true;
    }

    /// The primary, asked for if it is time to, by one client for all.
    ///
    /// # Errors
    /// Nobody has named one yet, and why.
    pub async fn primary(&self, now: u64) -> Result<Primary, String> {
        if self.due(now) {
            // Without an answer the one that is known stays: it may serve.
            let _ = self.ask().await;
        }
        let state = self.state();
        state
            .primary
            .clone()
            .ok_or_else(|| state.problem.clone().unwrap_or_else(|| "no Sentinel was asked yet".to_owned()))
    }

    fn due(&self, now: u64) -> bool {
        let mut state = self.state();
        let pause = if state.in_doubt || state.primary.is_none() { IN_DOUBT_NS } else { EVERY_NS };
        let due = state.asked.is_none_or(|asked| now.saturating_sub(asked) >= pause);
        if due {
            state.asked = Some(now);
        }
        due
    }

    /// Asks now.
    ///
    /// # Errors
    /// What each Sentinel said instead of naming a primary.
    pub async fn ask(&self) -> Result<Primary, SystemError> {
        let mut problems = Vec::new();
        for sentinel in &self.config.sentinels {
            match self.named_by(sentinel).await {
                Ok(primary) => {
                    let mut state = self.state();
                    state.primary = Some(primary.clone());
                    (state.in_doubt, state.problem) = (false, None);
                    return Ok(primary);
                }
                Err(problem) => problems.push(format!("{}: {problem}", sentinel.address())),
            }
        }
        let problem = problems.join("; ");
        self.state().problem = Some(problem.clone());
        Err(self.error(problem))
    }

    async fn named_by(&self, sentinel: &Server) -> Result<Primary, String> {
        let mut line = sentinel.connect_to_read(PATIENCE).await?;
        let announced = self.address(&mut line).await.map_err(|error| sentinel.explain(&error))?;
        let announced =
            announced.ok_or_else(|| format!("it watches no primary of the name {}", self.config.primary))?;
        let server = match self.known() {
            // It was asked when it was met.
            Some(known) if known.announced == announced && !self.state().in_doubt => return Ok(known),
            Some(known) if known.announced == announced => known.server,
            _ => self.config.server(&announced)?,
        };
        match role(&server).await {
            Ok(role) if role == "master" => Ok(Primary { announced, server }),
            Ok(role) => Err(format!("it names {announced}, which says that it is a {role}")),
            Err(problem) => Err(format!("it names {announced}, and that does not answer: {problem}")),
        }
    }

    /// The address of the primary, by the word of one Sentinel.
    pub async fn address(&self, line: &mut MultiplexedConnection) -> Result<Option<String>, RedisError> {
        let named: Option<(String, u16)> =
            cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&self.config.primary).query_async(line).await?;
        Ok(named
            .map(|(host, port)| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }))
    }

    /// A problem of the whole.
    pub fn error(&self, problem: impl Into<String>) -> SystemError {
        SystemError::new(self.config.system, self.config.addresses.join(","), problem)
            .hinted(crate::redis::near_miss::hint)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server says that it is: the first word of its answer to `ROLE` (<https://redis.io/docs/latest/commands/role/>).
async fn role(server: &Server) -> Result<String, String> {
    let mut line = server.connect_to_read(PATIENCE).await?;
    let told: Value = cmd("ROLE").query_async(&mut line).await.map_err(|error| server.explain(&error))?;
    match told {
        Value::Array(told) => match told.first() {
            Some(Value::BulkString(role)) => Ok(String::from_utf8_lossy(role).into_owned()),
            other => Err(format!("it answers ROLE with {other:?}")),
        },
        other => Err(format!("it answers ROLE with {other:?}")),
    }
}

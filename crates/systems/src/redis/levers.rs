//! What a fault does to a Redis server through its own protocol: it ends connections of our clients, or
//! fills the memory until keys are evicted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use redis::{Client, Connection, ErrorKind, RedisError, cmd, pipe};

use super::naming::PREFIX;
use crate::levers::{Asking, Pressure, TimeTold, WallClock};
use lockbench_core::lock::Endpoint;

/// Longest wait for a connection or an answer.
const LIMIT: Duration = Duration::from_secs(5);

fn connect(node: &Endpoint) -> Result<Connection, RedisError> {
    let connection = Client::open(node.secret_url())?.get_connection_with_timeout(LIMIT)?;
    connection.set_read_timeout(Some(LIMIT))?;
    connection.set_write_timeout(Some(LIMIT))?;
    Ok(connection)
}

/// Its main thread and those that work in the background read it.
pub(crate) const CLOCK: WallClock = WallClock { read: time, threaded: true };

/// `TIME` (<https://redis.io/docs/latest/commands/time/>): seconds and microseconds.
fn time(node: &Endpoint) -> Result<TimeTold, String> {
    let ask = || -> Result<TimeTold, RedisError> {
        let mut connection = connect(node)?;
        let asking = Asking::begin();
        let (seconds, micros): (i64, i64) = cmd("TIME").query(&mut connection)?;
        Ok(asking.told(seconds * 1_000_000_000 + micros * 1_000))
    };
    ask().map_err(|error| node.redact(&error.to_string()))
}

/// Ends the connections that bear the name of a run; returns how many. `CLIENT KILL`
/// (<https://redis.io/docs/latest/commands/client-kill/>) knows no pattern of names.
pub(crate) fn end_sessions(node: &Endpoint) -> Result<u64, String> {
    let ending = || -> Result<u64, RedisError> {
        let mut connection = connect(node)?;
        let list: String = cmd("CLIENT").arg("LIST").query(&mut connection)?;
        let mut ended = 0;
        for id in list.lines().filter_map(client_of_a_run) {
            ended += cmd("CLIENT").arg("KILL").arg("ID").arg(id).query::<u64>(&mut connection)?;
        }
        Ok(ended)
    };
    ending().map_err(|error| node.redact(&error.to_string()))
}

/// The number of a connection in a line of `CLIENT LIST`, if its name is that of a run.
fn client_of_a_run(line: &str) -> Option<&str> {
    let field = |name: &str| line.split(' ').find_map(|field| field.strip_prefix(name));
    field("name=").filter(|name| name.starts_with(PREFIX)).and_then(|_| field("id="))
}

/// Keys of the filler: below our prefix, and no lock's.
const FILLER: &str = "lockbench:filler:";
const FILLER_BYTES: usize = 20_000;
/// So many are there at a time: few, so that each lives shorter than a lock is held.
const FILLER_KEYS: u64 = 100;
/// So many are written at once, and then not for a while: 800 per second, 16 MB.
const BATCH: u64 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// What is changed, and put back afterwards. Evicted keys are told by keyspace notifications
/// (<https://redis.io/docs/latest/develop/use/keyspace-notifications/>).
const SETTINGS: [&str; 3] = ["maxmemory", "maxmemory-policy", "notify-keyspace-events"];

/// Memory is full, and a filler goes on writing.
struct Full {
    node: Endpoint,
    before: Vec<String>,
    over: Arc<AtomicBool>,
    taken: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Result<(), RedisError>>>,
}

/// Limits the memory to what is in use, with a filler in it, so that for every key that comes another one goes: the
/// one that was used least lately, of a few that are drawn
/// (<https://redis.io/docs/latest/develop/reference/eviction/>).
pub(crate) fn squeeze(node: &Endpoint) -> Result<Box<dyn Pressure>, String> {
    begin(node).map(|full| Box::new(full) as Box<dyn Pressure>).map_err(|error| node.redact(&error.to_string()))
}

fn begin(node: &Endpoint) -> Result<Full, RedisError> {
    let mut connection = connect(node)?;
    let before: Vec<String> = SETTINGS
        .iter()
        .map(|name| -> Result<String, RedisError> {
            let pair: Vec<String> = cmd("CONFIG").arg("GET").arg(name).query(&mut connection)?;
            pair.into_iter().nth(1).ok_or_else(|| (ErrorKind::Client, "a setting has no value").into())
        })
        .collect::<Result<_, RedisError>>()?;
    let (over, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut full = Full { node: node.clone(), before, over, taken, threads: Vec::new() };
    set(&mut connection, "notify-keyspace-events", "Ee")?;
    full.listen()?;
    fill(&mut connection, 0, FILLER_KEYS)?;
    let used: String = cmd("INFO").arg("memory").query(&mut connection)?;
    let used = used.lines().find_map(|line| line.trim_end().strip_prefix("used_memory:"));
    let used = used.ok_or_else(|| RedisError::from((ErrorKind::Client, "INFO tells no used_memory")))?;
    set(&mut connection, "maxmemory-policy", "allkeys-lru")?;
    set(&mut connection, "maxmemory", used)?;
    let over = Arc::clone(&full.over);
    full.threads.push(thread::spawn(move || {
        let mut next = FILLER_KEYS;
        while !over.load(Ordering::Relaxed) {
            fill(&mut connection, next, BATCH)?;
            next += BATCH;
            thread::sleep(PAUSE);
        }
        Ok(())
    }));
    Ok(full)
}

fn set(connection: &mut Connection, name: &str, value: &str) -> Result<(), RedisError> {
    cmd("CONFIG").arg("SET").arg(name).arg(value).query(connection)
}

fn fill(connection: &mut Connection, from: u64, count: u64) -> Result<(), RedisError> {
    let value = vec![b'.'; FILLER_BYTES];
    let mut keys = pipe();
    for number in from..from + count {
        keys.cmd("SET").arg(format!("{FILLER}{number}")).arg(&value).ignore();
    }
    keys.query(connection)
}

impl Full {
    /// Counts the keys of clients that the server says it evicts.
    fn listen(&mut self) -> Result<(), RedisError> {
        let mut connection = connect(&self.node)?;
        connection.set_read_timeout(Some(Duration::from_millis(100)))?;
        let (over, taken) = (Arc::clone(&self.over), Arc::clone(&self.taken));
        // Subscribed on return: an eviction before that would not be seen.
        let (subscribed, is_subscribed) = std::sync::mpsc::channel();
        self.threads.push(thread::spawn(move || {
            let mut events = connection.as_pubsub();
            let done = events.psubscribe("__keyevent@*__:evicted");
            let _ = subscribed.send(());
            done?;
            while !over.load(Ordering::Relaxed) {
                match events.get_message() {
                    Ok(event) => {
                        let key: String = event.get_payload()?;
                        let ours = key.starts_with(PREFIX) && !key.starts_with(FILLER);
                        taken.fetch_add(u64::from(ours), Ordering::Relaxed);
                    }
                    Err(error) if error.is_timeout() => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }));
        let _ = is_subscribed.recv();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RedisError> {
        self.over.store(true, Ordering::Relaxed);
        let ended: Vec<_> = self.threads.drain(..).map(|thread| thread.join().unwrap_or(Ok(()))).collect();
        let mut connection = connect(&self.node)?;
        for (name, value) in SETTINGS.iter().zip(&self.before) {
            set(&mut connection, name, value)?;
        }
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<String>) = cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{FILLER}*"))
                .arg("COUNT")
                .arg(1_000)
                .query(&mut connection)?;
            if !keys.is_empty() {
                cmd("UNLINK").arg(keys).query::<()>(&mut connection)?;
            }
            if next == 0 {
                return ended.into_iter().collect();
            }
            cursor = next;
        }
    }
}

impl Pressure for Full {
    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn end(mut self: Box<Self>) -> Result<(), String> {
        self.finish().map_err(|error| self.node.redact(&error.to_string()))
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        if !self.over.load(Ordering::Relaxed) {
            // Only a start that failed half-way, or a panic, comes here.
            let _ = self.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::client_of_a_run;

    #[test]
    fn connections_of_runs_are_told_by_their_name() {
        assert_eq!(client_of_a_run("id=7 addr=127.0.0.1:1 laddr=x fd=8 name=lockbench:run-1 age=3"), Some("7"));
        assert_eq!(client_of_a_run("id=7 addr=127.0.0.1:1 laddr=x fd=8 name= age=3"), None);
    }
}

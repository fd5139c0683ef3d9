//! The three scripts of the single-node lock, and how they are called: by
//! digest, so that a request stays small; the text is loaded when a connection
//! opens and sent again if the server has forgotten it.
//!
//! Source: "Correct implementation with a single instance" in
//! <https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>;
//! the counter in the acquire script is the fencing token that the page leaves
//! to the reader. A script runs alone on the server
//! (<https://redis.io/docs/latest/develop/programmability/eval-intro/>).

use std::sync::LazyLock;

use redis::Cmd;

/// KEYS: lock, fence. ARGV: identity, ttl in ms. The new token, or 0 if held.
pub const ACQUIRE: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return 0";

/// KEYS: lock. ARGV: identity. 1 if we were the holder and now are not, else 0.
pub const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0";

/// KEYS: lock. ARGV: identity, ttl in ms. 1 if we are the holder, else 0.
pub const RENEW: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0";

/// As [`ACQUIRE`], but a held lock is answered by how long its lease runs, in milliseconds, as a negative number.
const ACQUIRE_OR_LEFT: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return -math.max(redis.call('PTTL', KEYS[1]), 1)";

/// As [`RELEASE`], and tells those who wait on the channel that has the name of the lock.
const RELEASE_TELLING: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', KEYS[1], '')
  return 1
end
return 0";

/// The time of the server in milliseconds, as `now`. A script may ask for it and write all the same where its effects are
/// replicated: always since Redis 5
/// (<https://redis.io/docs/latest/develop/programmability/eval-intro/#script-replication>).
macro_rules! with_now {
    ($rest:literal) => {
        concat!("local time = redis.call('TIME')\n", "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n", $rest)
    };
}

/// A lock that readers share, alone. KEYS: lock, fence, inside. ARGV: identity, ttl in ms. The new token, or 0 if held.
/// Who is inside is a sorted set of identities by the end of their leases: a key of a set has no end of its own.
const ACQUIRE_ALONE: &str = with_now!(
    "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if redis.call('ZCARD', KEYS[3]) > 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])"
);

/// The same lock shared, or a permit. KEYS: lock, fence, inside. ARGV: identity, ttl in ms, permits (0: no bound). The new
/// token, or 0 if held. Redis has the pattern without a lease per holder, as "fair semaphore"
/// (Carlson, "Redis in Action", 2013, 6.3); here the time is the server's.
const ACQUIRE_AMONG: &str = with_now!(
    "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local most = tonumber(ARGV[3])
if most > 0 and redis.call('ZCARD', KEYS[3]) >= most then return 0 end
redis.call('ZADD', KEYS[3], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[3], ARGV[2]) end
return redis.call('INCR', KEYS[2])"
);

/// KEYS: inside. ARGV: identity. 1 if we were inside and now are not, else 0.
const RELEASE_AMONG: &str = with_now!(
    "local over = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
if over and tonumber(over) > now then return 1 end
return 0"
);

/// KEYS: inside. ARGV: identity, ttl in ms. 1 if we are inside, else 0.
const RENEW_AMONG: &str = with_now!(
    "local over = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not over or tonumber(over) <= now then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1"
);

/// A script and its digest.
pub struct Script {
    source: &'static str,
    sha: String,
}

/// Acquire.
pub static ACQUIRING: LazyLock<Script> = LazyLock::new(|| Script::new(ACQUIRE));
/// Release.
pub static RELEASING: LazyLock<Script> = LazyLock::new(|| Script::new(RELEASE));
/// Renewal.
pub static RENEWING: LazyLock<Script> = LazyLock::new(|| Script::new(RENEW));

/// Acquire, or hear how long the lease of the holder runs.
pub static ACQUIRING_OR_LEFT: LazyLock<Script> = LazyLock::new(|| Script::new(ACQUIRE_OR_LEFT));
/// Release, and tell those who wait.
pub static RELEASING_TELLING: LazyLock<Script> = LazyLock::new(|| Script::new(RELEASE_TELLING));

/// Acquire alone a lock that readers share.
pub static ACQUIRING_ALONE: LazyLock<Script> = LazyLock::new(|| Script::new(ACQUIRE_ALONE));
/// Acquire it shared, or a permit.
pub static ACQUIRING_AMONG: LazyLock<Script> = LazyLock::new(|| Script::new(ACQUIRE_AMONG));
/// Release either.
pub static RELEASING_AMONG: LazyLock<Script> = LazyLock::new(|| Script::new(RELEASE_AMONG));
/// Renew either.
pub static RENEWING_AMONG: LazyLock<Script> = LazyLock::new(|| Script::new(RENEW_AMONG));

impl Script {
    /// Of its text.
    #[must_use]
    pub fn new(source: &'static str) -> Self {
        Self { source, sha: redis::Script::new(source).get_hash().to_owned() }
    }

    /// The SHA1 digest by which the server knows it.
    #[must_use]
    pub fn sha(&self) -> &str {
        &self.sha
    }

    /// Begins a call by digest in `command`, keeping its buffers; keys and
    /// arguments follow.
    pub fn by_digest(&self, command: &mut Cmd, keys: usize) {
        command.clear();
        command.arg("EVALSHA").arg(self.sha.as_str()).arg(keys);
    }

    /// The same with the text, which also makes the server remember it.
    pub fn in_full(&self, command: &mut Cmd, keys: usize) {
        command.clear();
        command.arg("EVAL").arg(self.source).arg(keys);
    }

    /// The commands that load those of a lock without modes, which is asked for in each of the ways to wait.
    #[must_use]
    pub fn load_all() -> redis::Pipeline {
        let mut pipeline = redis::pipe();
        for script in [&*ACQUIRING, &*RELEASING, &*RENEWING, &*ACQUIRING_OR_LEFT, &*RELEASING_TELLING] {
            pipeline.cmd("SCRIPT").arg("LOAD").arg(script.source).ignore();
        }
        pipeline
    }
}

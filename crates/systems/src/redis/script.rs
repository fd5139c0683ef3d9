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

    /// The commands that load all three.
    #[must_use]
    pub fn load_all() -> redis::Pipeline {
        let mut pipeline = redis::pipe();
        for script in [&*ACQUIRING, &*RELEASING, &*RENEWING] {
            pipeline.cmd("SCRIPT").arg("LOAD").arg(script.source).ignore();
        }
        pipeline
    }
}

//! What runs left on servers that are not ours, and whether they live.
//!
//! A run that ends removes what it made. One that was killed cannot; everything of it is named by its namespace,
//! so that it is found again. A run is taken for dead when none of its clients has a session on the server any
//! more: each recipe puts the namespace on its sessions (the name of a connection, the application's name, an
//! ephemeral node), and the server takes it away with them.

use super::{Local, SystemError};

/// Digits at the end of a namespace.
const MARK: usize = 8;

/// The end of a namespace of a run, which no two runs share; `None` if it is no such name.
#[must_use]
pub fn mark(namespace: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let (id, mark) = namespace.rsplit_once('-')?;
    let hex = mark.len() == MARK && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (hex && !id.is_empty() && id.bytes().all(plain)).then_some(mark)
}

/// What one run has on the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remains {
    /// Its namespace: the start of its run id, and a mark of its own.
    pub run: String,
    /// What there is, in words.
    pub what: String,
    /// Number of keys, nodes or tables.
    pub count: u64,
    /// Why it is not taken for dead; `None`: no session of it is there.
    pub lives: Option<String>,
}

/// What was found on the servers of one system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Runs by name.
    pub runs: Vec<Remains>,
    /// What a reader must know, in words.
    pub notes: Vec<String>,
}

/// Looks for what runs left on the servers of one system, and removes it.
pub trait Sweeper {
    /// Lists it. Reads only.
    fn find(&self) -> Local<'_, Result<Found, SystemError>>;
    /// Removes everything of one run, and nothing else. Returns how much it was.
    fn remove<'a>(&'a self, run: &'a str) -> Local<'a, Result<u64, SystemError>>;
}

#[cfg(test)]
mod tests {
    use super::mark;

    #[test]
    fn only_names_of_runs_have_a_mark() {
        assert_eq!(mark("hot-key-20261128t100000-0a1b2c3d"), Some("0a1b2c3d"));
        for other in ["", "0a1b2c3d", "-0a1b2c3d", "r1", "hot-0A1B2C3D", "hot-0a1b2c3", "a*b-0a1b2c3d", "a:b-0a1b2c3d"]
        {
            assert_eq!(mark(other), None, "{other}");
        }
    }
}

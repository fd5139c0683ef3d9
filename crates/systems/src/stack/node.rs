//! One node of a server, wherever it runs: what a fault can do to it, and what
//! can be seen of it from outside of its protocol.

use super::usage::Usage;
use lockbench_core::lock::Endpoint;
use lockbench_forgetful::Told;

/// A node could not be disturbed, or not be mended.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {action} {node}: {problem}")]
pub struct NodeError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// Name of the node.
    pub node: String,
    /// Cause.
    pub problem: String,
}

/// A process of this machine or a container. All methods may be called from any
/// thread. What a node is told to do it has done on return.
pub trait Node: Send + Sync {
    /// Its name, e.g. `etcd-1`.
    fn name(&self) -> &str;

    /// Its own address. Postgres' contains a password.
    fn endpoint(&self) -> &Endpoint;

    /// Where clients reach it: its own address, or that of what stands before it, such as a pooler of connections.
    fn entrance(&self) -> &Endpoint {
        self.endpoint()
    }

    /// Live processes; of a container only its first.
    fn pids(&self) -> Vec<u32>;

    /// Did it end without being told to? Then how, with its last log lines. Cheap
    /// while it lives; `None` while it is being stopped or restarted.
    fn died(&self) -> Option<String>;

    /// CPU time since it was first started and memory now; `None` when it has ended.
    fn usage(&self) -> Option<Usage>;

    /// Its last log lines, each after a line break and indented.
    fn log_tail(&self) -> String;

    /// Freezes every process of it.
    ///
    /// # Errors
    /// If it has ended, or the engine refuses.
    fn pause(&self) -> Result<(), NodeError>;

    /// Ends a pause; harmless where there is none.
    ///
    /// # Errors
    /// As [`Self::pause`].
    fn resume(&self) -> Result<(), NodeError>;

    /// Ends it at once (SIGKILL), as a crash does; its data stays. It does not
    /// count as dead then: it was told to.
    ///
    /// # Errors
    /// As [`Self::pause`].
    fn kill(&self) -> Result<(), NodeError>;

    /// Starts it again with its data and on its address, after an orderly stop if
    /// it still runs, and waits until it answers or is told to be healthy.
    ///
    /// # Errors
    /// If it does not come back.
    fn restart(&self) -> Result<(), NodeError>;

    /// Starts it again as [`Self::restart`] does, with none of the data that it had.
    ///
    /// # Errors
    /// If it does not come back, or its data cannot be taken from it.
    fn restart_empty(&self) -> Result<(), NodeError>;

    /// Ends it at once as [`Self::kill`] does, and has its disk forget what was not synced.
    ///
    /// # Errors
    /// As [`Self::kill`], or if it has no disk that could.
    fn cut_power(&self) -> Result<(), NodeError>;

    /// Makes each fsync on its disk take so many nanoseconds longer; 0 ends that.
    ///
    /// # Errors
    /// If it has no disk that could.
    fn slow_disk(&self, by_ns: u64) -> Result<(), NodeError>;

    /// What its disk has done so far, if it has one that tells.
    fn disk(&self) -> Option<Told>;

    /// Returns whether every process of it is stopped, as the host sees it.
    fn is_paused(&self) -> bool;

    /// Cuts it off from its peers; clients still reach it.
    ///
    /// # Errors
    /// If it has no network of its peers.
    fn disconnect(&self) -> Result<(), NodeError>;

    /// Ends a cut, under the names that its peers know it by; harmless where there
    /// is none.
    ///
    /// # Errors
    /// As [`Self::disconnect`].
    fn connect(&self) -> Result<(), NodeError>;

    /// Moves its wall clock by so many nanoseconds from the true time; 0 puts it right.
    ///
    /// # Errors
    /// It was not started so that this can be done.
    fn set_clock(&self, offset_ns: i64) -> Result<(), NodeError>;

    /// Begins to stop it for good, without waiting. A node that is not ours is only
    /// mended: resumed and connected.
    fn ask_to_stop(&self);

    /// Waits until it has ended, kills it after a while. Twice is harmless.
    fn finish(&self);
}

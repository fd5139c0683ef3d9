//! What a lock system promises. Declared beside each recipe with the page of
//! its documentation that says so; a checker asks here whether a property is
//! offered at all, so that a missing feature never counts as a failure.

use serde::Serialize;

/// How a client waits for a held lock. Different kinds are never compared in one
/// column without this label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitKind {
    /// Asks again after a delay of the plan's retry policy.
    Poll,
    /// The server keeps the queue.
    ServerQueue,
    /// Sleeps until the server reports a change.
    Watch,
    /// Sleeps until a message says that the lock was given back, or until a timer of its own: messages can be lost.
    Message,
    /// Waits in this process.
    InProcess,
}

/// In which ways a client may ask for a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ways {
    /// Once, or with patience.
    #[default]
    Both,
    /// Once: whoever finds the lock held is told so, and goes on to something else. A claim, and no wait.
    Once,
    /// With patience: whoever has asked stays in the queue until its turn.
    Waiting,
}

impl Ways {
    /// Returns whether both are offered.
    #[must_use]
    pub fn are_both(&self) -> bool {
        *self == Self::Both
    }
}

/// How a lease is kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenewalKind {
    /// The client extends each grant by a request.
    Explicit,
    /// The session's heartbeat keeps all of its grants; it cannot be turned off.
    Heartbeat,
    /// Nothing to renew.
    None,
}

/// The promises of one recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Guarantees {
    /// Does a grant end by itself when its client is gone?
    pub lease: bool,
    /// Where the fencing token comes from; `None`: not offered.
    pub token: Option<&'static str>,
    /// Are waiters served in order of arrival?
    pub fifo: bool,
    /// How clients wait.
    pub waiting: WaitKind,
    /// In which ways clients may ask.
    #[serde(skip_serializing_if = "Ways::are_both")]
    pub ways: Ways,
    /// How leases are kept.
    pub renewal: RenewalKind,
    /// Shortest ttl that the system honours, in milliseconds; 0 if it has no lease.
    pub ttl_floor_ms: u64,
    /// Lease resolution in milliseconds (etcd: whole seconds).
    pub ttl_step_ms: u64,
    /// Without a lease: does the end of a holder's connection free its locks?
    pub connection_frees: bool,
    /// May it run on several nodes, so that a majority of them keeps each grant?
    pub quorum: bool,
    /// Does it exclude anybody? Not where a grant is only the read of a version, and the release a write that is refused if
    /// another client has written since.
    pub exclusion: bool,
    /// Does it offer locks that readers share, and writers have alone?
    pub shared: bool,
    /// Does it offer semaphores?
    pub permits: bool,
    /// The documentation that says all this.
    pub source: &'static str,
}

impl Guarantees {
    /// The least that a lock may promise: one holder at a time. For a lock in this process that is
    /// tried again until it is free, has no lease, no token and no order.
    pub const EXCLUSION_ONLY: Self = Self {
        lease: false,
        token: None,
        fifo: false,
        waiting: WaitKind::InProcess,
        ways: Ways::Both,
        renewal: RenewalKind::None,
        ttl_floor_ms: 0,
        ttl_step_ms: 0,
        connection_frees: false,
        quorum: false,
        exclusion: true,
        shared: false,
        permits: false,
        source: "its author",
    };
}

//! What may come of acquire, renew and release. Never a plain "error": each
//! variant says what is certain about the lock afterwards (after Jepsen's
//! ok / fail / info).

/// Validity of a grant that no lease limits.
pub const NO_LEASE: u64 = u64::MAX;
/// "Surely ended" instant of a hold that nothing ends by itself.
pub const NEVER: u64 = u64::MAX;

/// The right to a key. Not `Clone`: releasing consumes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    key: u32,
    token: Option<u64>,
    validity_ns: u64,
    waited: Option<bool>,
}

impl Grant {
    /// A grant of key number `key`. `validity_ns` is the instant until which a
    /// careful client may believe in it, counted from the time of *asking*, less
    /// drift; [`NO_LEASE`] where nothing limits it.
    #[must_use]
    pub fn new(key: u32, token: Option<u64>, validity_ns: u64) -> Self {
        Self { key, token, validity_ns, waited: None }
    }

    /// The same grant, of which the recipe knows: was it granted by a later request than
    /// the first of its acquire?
    #[must_use]
    #[inline]
    pub fn after_waiting(mut self, waited: bool) -> Self {
        self.waited = Some(waited);
        self
    }

    /// Was it granted by a later request than the first of its acquire? `None`: the server
    /// answers the only request when it grants it, and the recipe cannot tell.
    #[must_use]
    pub fn waited(&self) -> Option<bool> {
        self.waited
    }

    /// Number of the key.
    #[must_use]
    pub fn key(&self) -> u32 {
        self.key
    }

    /// Fencing token, if the system has one.
    #[must_use]
    pub fn token(&self) -> Option<u64> {
        self.token
    }

    /// Local validity: an instant of the clock.
    #[must_use]
    pub fn validity_ns(&self) -> u64 {
        self.validity_ns
    }

    /// Moves the validity after a confirmed renewal.
    pub fn extend(&mut self, validity_ns: u64) {
        self.validity_ns = validity_ns;
    }
}

/// Outcome of an acquire.
#[derive(Debug, PartialEq, Eq)]
pub enum Acquire {
    /// The lock is ours.
    Acquired(Grant),
    /// Surely no effect: the key is held by another (only in try mode).
    Refused,
    /// Surely no effect: the deadline came, and the withdrawal is confirmed.
    TimedOut,
    /// Surely no effect: the server found that clients wait for each other in a circle, and refused this one.
    Deadlock,
    /// Surely no effect: the system did not serve us.
    Unavailable(String),
    /// The answer is lost. We may hold the lock until `surely_ended_ns`.
    Unknown {
        /// Instant after which the possible hold is surely over, or [`NEVER`].
        surely_ended_ns: u64,
        /// What was seen.
        reason: String,
    },
}

impl Acquire {
    /// The same outcome; a grant knows whether a later request than the first got it.
    #[must_use]
    #[inline]
    pub fn after_waiting(self, waited: bool) -> Self {
        match self {
            Self::Acquired(grant) => Self::Acquired(grant.after_waiting(waited)),
            other => other,
        }
    }
}

/// Outcome of a renewal.
#[derive(Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The server confirmed us as holder; the grant's validity has moved.
    Confirmed,
    /// The server says that we are not the holder any more.
    Refused,
    /// Surely no effect: the system did not serve us.
    Unavailable(String),
    /// The answer is lost.
    Unknown(String),
}

/// Outcome of a release.
#[derive(Debug, PartialEq, Eq)]
pub enum Release {
    /// The server confirmed that we were the holder and now are not.
    Confirmed,
    /// The server says that we were not the holder.
    NotOwner,
    /// Surely no effect: the lock stays ours on the server until the lease ends.
    Unavailable {
        /// Instant after which the hold is surely over, or [`NEVER`].
        surely_ended_ns: u64,
        /// What was seen.
        reason: String,
    },
    /// The answer is lost.
    Unknown {
        /// Instant after which the hold is surely over, or [`NEVER`].
        surely_ended_ns: u64,
        /// What was seen.
        reason: String,
    },
}

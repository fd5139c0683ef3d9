//! What clients do under the lock, so that the harm of a lock that does not exclude can be counted in its own unit.
//!
//! All of them check and then act: a client reads on entering, and acts on what it has read as it leaves. Two that are
//! inside at once read the same, and both act.

/// What clients do under the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// They count: read a number, write the next one.
    #[default]
    Counter,
    /// They append an element to a list that they have read.
    Append,
    /// They sell the next unit of a stock.
    Inventory,
    /// They charge the next unpaid order.
    Payment,
    /// They run a job once in each period.
    RunOnce {
        /// Length of a period in nanoseconds, above 0.
        every_ns: u64,
    },
    /// They admit a request where fewer than so many were admitted in the same window of time.
    TokenBucket {
        /// Most requests per window, above 0.
        limit: u32,
        /// Length of a window in nanoseconds, above 0.
        per_ns: u64,
    },
    /// They lead: what counts is the time without a leader, and with two.
    Leader,
}

impl Section {
    /// Returns whether clients act on what they have read, in a way that an event tells.
    #[must_use]
    pub fn acts(self) -> bool {
        matches!(self, Self::Inventory | Self::Payment | Self::RunOnce { .. } | Self::TokenBucket { .. })
    }

    /// Its word in a workload.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Append => "append",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::RunOnce { .. } => "run-once",
            Self::TokenBucket { .. } => "token-bucket",
            Self::Leader => "leader",
        }
    }

    /// What harm done to it is, in the plural.
    #[must_use]
    pub fn harm(self) -> &'static str {
        match self {
            Self::Counter | Self::Leader => "updates lost",
            Self::Append => "elements lost",
            Self::Inventory => "units oversold",
            Self::Payment => "orders charged twice",
            Self::RunOnce { .. } => "runs too many",
            Self::TokenBucket { .. } => "requests over the limit",
        }
    }
}

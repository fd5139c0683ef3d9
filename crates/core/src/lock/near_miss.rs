//! What a failure to reach a server usually means, in words that say what to write instead:
//! TLS to a plain port and the reverse, a password that is wanted, another system's port.
//! Client libraries tell these only as "connection reset" or "broken pipe". Each system has
//! hints of its own.

/// A failure to reach a server, for the hints of its system.
pub struct NearMiss<'a> {
    /// The address of the message: for Redis it begins with the scheme.
    pub address: &'a str,
    problem: &'a str,
}

/// What to write instead, where the failure shows it.
pub type Hint = fn(&NearMiss<'_>) -> Option<&'static str>;

impl NearMiss<'_> {
    /// Returns whether the message has any of these parts.
    #[must_use]
    pub fn says(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.problem.contains(part))
    }

    /// Returns whether the server cut the connection off.
    #[must_use]
    pub fn cut_off(&self) -> bool {
        self.says(&["reset by peer", "connection reset", "broken pipe", "unexpected end of file"])
    }
}

/// The hint, unless the message has advice of its own.
pub(super) fn hint(of: Hint, address: &str, problem: &str) -> Option<&'static str> {
    let miss = NearMiss { address, problem };
    if miss.says(&["maxclients", "max_connections", "?ca="]) { None } else { of(&miss) }
}

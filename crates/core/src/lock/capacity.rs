//! What a server takes of connections and of data, as it says itself: read before a run, so that a plan
//! can be compared with it, and after a client could not open its session.

/// The limits of the servers of one system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Limits on connections that were read.
    pub limits: Vec<Limit>,
    /// What keeps the system from serving anybody now, in words.
    pub troubles: Vec<String>,
    /// What could not be read or is not asked, in words.
    pub not_asked: Vec<String>,
}

/// A limit on connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Where it is set, without credentials.
    pub server: String,
    /// The setting: `maxclients`.
    pub setting: String,
    /// Most connections.
    pub most: u64,
    /// Connections of these that are taken or reserved now; 0 where that cannot be read.
    pub taken: u64,
}

impl Limit {
    /// Connections that are left for us.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.most.saturating_sub(self.taken)
    }

    /// The limit in words: `127.0.0.1:6379: maxclients 20, 3 of them taken`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let taken = if self.taken == 0 { String::new() } else { format!(", {} of them taken", self.taken) };
        format!("{}: {} {}{taken}", self.server, self.setting, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn what_is_taken_is_not_left() {
        let limit = Limit { server: "a:1".to_owned(), setting: "maxclients".to_owned(), most: 20, taken: 3 };
        assert_eq!((limit.left(), limit.in_words().as_str()), (17, "a:1: maxclients 20, 3 of them taken"));
        let over = Limit { most: 2, ..limit };
        assert_eq!(over.left(), 0);
    }
}

//! What a crash leaves of a lock, in few classes: figures of systems are alike only
//! within one.

use std::fmt;

use super::schema::TrialResult;
use lockbench_core::lock::{Agreement, Copies, Facts, Persistence, Storage};

/// A class of durability: do not rank across two different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Durability {
    /// On what.
    pub storage: Storage,
    /// On how many.
    pub copies: Copies,
}

impl Durability {
    /// Of a trial, from what was read back before it.
    #[must_use]
    pub fn of(result: &TrialResult) -> Self {
        Self::new(&result.durability, &result.quorum)
    }

    /// Of a system, from what it says of itself.
    #[must_use]
    pub fn of_facts(facts: &Facts) -> Self {
        Self::new(&facts.durability, &facts.quorum)
    }

    fn new(durability: &Persistence, quorum: &Agreement) -> Self {
        let storage = durability.storage();
        let copies = match quorum.copies() {
            // Standbys copy what reaches the disk; they know nothing of memory.
            Copies::Standby if storage == Storage::Memory => Copies::One,
            copies => copies,
        };
        Self { storage, copies }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = self.storage.name();
        match self.copies {
            Copies::Quorum(0) => write!(f, "quorum, {storage}"),
            Copies::Quorum(nodes) => write!(f, "quorum of {nodes}, {storage}"),
            Copies::Standby => write!(f, "{storage}, with standby"),
            Copies::Unknown if self.storage != Storage::Unknown => write!(f, "{storage}, nodes unknown"),
            Copies::Process => f.write_str("in this process"),
            Copies::One | Copies::Unknown => f.write_str(storage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Copies, Durability};

    fn class(durability: &str, quorum: &str) -> String {
        Durability::new(&durability.into(), &quorum.into()).to_string()
    }

    #[test]
    fn what_every_backend_says_has_its_class() {
        let stock = "appendonly no, save 3600 1 300 100 60 10000 (stock)";
        let one_host = format!("{stock}; all nodes on one host: one clock and one disk, not independent");
        let zookeeper =
            "transaction log fsync before answer (ZooKeeper's default forceSync=yes; the setting cannot be read back)";
        let etcd = "write-ahead log fsync before answer (etcd's documentation; --unsafe-no-fsync cannot be read back)";
        let advisory =
            "locks in shared memory, gone with a restart; fsync on, synchronous_commit on, full_page_writes on";
        let lease = "fsync on, synchronous_commit on, full_page_writes on";
        assert_eq!(class("none: lives and dies with the process", "in process"), "in this process");
        assert_eq!(class(stock, "1 of 1"), "disk, not synced");
        assert_eq!(class(&one_host, "3 of 5"), "quorum of 5, disk, not synced");
        assert_eq!(class(zookeeper, "1 of 1"), "disk, synced");
        assert_eq!(class(zookeeper, "2 of 3"), "quorum of 3, disk, synced");
        assert_eq!(class(zookeeper, "majority of the ensemble"), "quorum, disk, synced");
        assert_eq!(class(etcd, "1 of 1"), "disk, synced");
        assert_eq!(class(advisory, "1 of 1"), "in memory");
        assert_eq!(class(advisory, "1 of 1, synchronous_standby_names s1"), "in memory");
        assert_eq!(class(lease, "1 of 1"), "disk, synced");
        assert_eq!(class(lease, "1 of 1, synchronous_standby_names s1"), "disk, synced, with standby");
        assert_eq!(class("journal_mode wal, synchronous full", "one file"), "disk, synced");
    }

    #[test]
    fn unknown_words_are_unknown() {
        for words in ["", "not readable (CONFIG refused)", "appendonly unknown, save unknown", "fsync maybe", "wax"] {
            assert_eq!(class(words, "1 of 1"), "unknown", "{words}");
        }
        let unreadable = "cannot be read: srvr is not in the server's 4lw.commands.whitelist";
        assert_eq!(Durability::new(&"none: x".into(), &unreadable.into()).copies, Copies::Unknown);
        assert_eq!(class("none: x", unreadable), "in memory, nodes unknown");
        assert_eq!(class("", "2 of 3"), "quorum of 3, unknown");
    }
}

//! What a crash leaves of a lock, in few classes: figures of systems are alike only
//! within one. Backends say in words what they read back; this reads those words.
//! What it does not know is "unknown", never the nearest class.

use std::fmt;

use super::schema::TrialResult;

/// Where an answer "you hold it" is kept when it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Storage {
    /// The backend's words are not known, or could not be read back.
    Unknown,
    /// In memory: gone with the process.
    Memory,
    /// On its way to a disk: a crash of the machine takes the last moments, or minutes.
    Unsynced,
    /// Synchronised to a disk before the answer.
    Synced,
}

/// How many nodes have it when the answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Copies {
    /// The backend's words are not known, or could not be read back.
    Unknown,
    /// None: the lock lives in this process, and no other program can take it. It is the floor that every service
    /// is measured against, and is ranked beside none.
    Process,
    /// One.
    One,
    /// One, and the standbys that it waits for.
    Standby,
    /// A majority of several; 0 if it is not known of how many.
    Quorum(u32),
}

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
        Self::read(&result.durability, &result.quorum)
    }

    /// From the words of `durability` and `quorum` in `report.json`.
    #[must_use]
    pub fn read(durability: &str, quorum: &str) -> Self {
        let storage = storage(durability);
        let copies = match copies(quorum) {
            // Standbys copy what reaches the disk; they know nothing of memory.
            Copies::Standby if storage == Storage::Memory => Copies::One,
            copies => copies,
        };
        Self { storage, copies }
    }
}

impl Storage {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Memory => "in memory",
            Self::Unsynced => "disk, not synced",
            Self::Synced => "disk, synced",
        }
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

fn storage(words: &str) -> Storage {
    // Of nodes that differ, the weakest: the ones that answer first may be those.
    if let Some(nodes) = words.strip_prefix("differs: ") {
        return nodes.split(" | ").map(storage).min().unwrap_or(Storage::Unknown);
    }
    if words.starts_with("none:") || words.starts_with("locks in shared memory") {
        return Storage::Memory;
    }
    // Said by the label of a container whose server cannot be asked.
    if words.starts_with("made for durability fast") {
        return Storage::Unsynced;
    }
    if words.contains("fsync before answer") {
        return Storage::Synced;
    }
    let setting = |name: &str| settings(words).find_map(|(key, value)| (key == name).then_some(value));
    if let Some(append) = setting("appendonly") {
        redis(append, setting("appendfsync"), setting("save"))
    } else if let Some(fsync) = setting("fsync") {
        postgres(fsync, setting("synchronous_commit"))
    } else if let Some(synchronous) = setting("synchronous") {
        sqlite(synchronous)
    } else {
        Storage::Unknown
    }
}

/// The pairs of `name value, name value; remark`.
fn settings(words: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = words.split([',', ';']).map(str::trim);
    pairs.filter_map(|pair| pair.split_once(' ')).map(|(name, value)| (name, value.trim_end_matches(" (stock)").trim()))
}

/// The append-only file is synchronised before the answer with `always` only
/// (<https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>).
fn redis(append: &str, fsync: Option<&str>, save: Option<&str>) -> Storage {
    match (append, fsync, save) {
        ("yes", Some("always"), _) => Storage::Synced,
        ("yes", Some("everysec" | "no"), _) => Storage::Unsynced,
        ("no", _, Some("\"\"")) => Storage::Memory,
        ("no", _, Some(points)) if points != "unknown" => Storage::Unsynced,
        _ => Storage::Unknown,
    }
}

/// <https://www.postgresql.org/docs/15/runtime-config-wal.html>: every value of
/// `synchronous_commit` but `off` waits for the local disk.
fn postgres(fsync: &str, commit: Option<&str>) -> Storage {
    match (fsync, commit) {
        ("off", _) | ("on", Some("off")) => Storage::Unsynced,
        ("on", Some("on" | "local" | "remote_write" | "remote_apply")) => Storage::Synced,
        _ => Storage::Unknown,
    }
}

/// <https://www.sqlite.org/pragma.html#pragma_synchronous>: `normal` does not wait
/// at each commit in WAL mode, the mode of our files.
fn sqlite(synchronous: &str) -> Storage {
    match synchronous {
        "off" | "normal" => Storage::Unsynced,
        "full" | "extra" => Storage::Synced,
        _ => Storage::Unknown,
    }
}

fn copies(words: &str) -> Copies {
    match words {
        "in process" => return Copies::Process,
        "one file" | "1 of 1" => return Copies::One,
        "majority of the ensemble" => return Copies::Quorum(0),
        _ => {}
    }
    if words.starts_with("1 of 1, synchronous_standby_names ") {
        return Copies::Standby;
    }
    match words.split_once(" of ").map(|(need, of)| (need.parse::<u32>(), of.parse::<u32>())) {
        Some((Ok(need), Ok(of))) if need <= of && of > 1 => Copies::Quorum(of),
        _ => Copies::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Copies, Durability, Storage};

    fn class(durability: &str, quorum: &str) -> String {
        Durability::read(durability, quorum).to_string()
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
    fn settings_that_do_not_wait_for_the_disk_are_not_synced() {
        let storage = |words| Durability::read(words, "1 of 1").storage;
        assert_eq!(storage("appendonly yes, appendfsync always, save \"\""), Storage::Synced);
        assert_eq!(storage("appendonly yes, appendfsync everysec, save \"\""), Storage::Unsynced);
        assert_eq!(storage("appendonly yes, appendfsync no, save 60 1"), Storage::Unsynced);
        assert_eq!(storage("appendonly no, save \"\""), Storage::Memory);
        assert_eq!(storage("appendonly no, save \"\"; all nodes on one host: one clock and one disk"), Storage::Memory);
        assert_eq!(storage("fsync on, synchronous_commit off, full_page_writes on"), Storage::Unsynced);
        assert_eq!(storage("fsync off, synchronous_commit on, full_page_writes on"), Storage::Unsynced);
        assert_eq!(storage("journal_mode wal, synchronous normal"), Storage::Unsynced);
    }

    #[test]
    fn of_nodes_that_differ_the_weakest_counts() {
        let storage = |words: String| Durability::read(&words, "2 of 3").storage;
        let always = "appendonly yes, appendfsync always, save \"\"";
        let none = "appendonly no, save \"\"";
        assert_eq!(storage(format!("differs: {always} | {none} | {always}; all nodes on one host")), Storage::Memory);
        assert_eq!(storage(format!("differs: {always} | not readable (CONFIG refused)")), Storage::Unknown);
    }

    #[test]
    fn unknown_words_are_unknown() {
        for words in ["", "not readable (CONFIG refused)", "appendonly unknown, save unknown", "fsync maybe", "wax"] {
            assert_eq!(class(words, "1 of 1"), "unknown", "{words}");
        }
        let unreadable = "cannot be read: srvr is not in the server's 4lw.commands.whitelist";
        assert_eq!(Durability::read("none: x", unreadable).copies, Copies::Unknown);
        assert_eq!(class("none: x", unreadable), "in memory, nodes unknown");
        assert_eq!(class("", "2 of 3"), "quorum of 3, unknown");
    }
}

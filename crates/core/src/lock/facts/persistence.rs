//! What a crash of a server leaves of a grant.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where an answer "you hold it" is kept when it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Storage {
    /// The settings are not known, or could not be read back.
    #[default]
    Unknown,
    /// In memory: gone with the process.
    Memory,
    /// On its way to a disk: a crash of the machine takes the last moments, or minutes.
    Unsynced,
    /// Synchronised to a disk before the answer.
    Synced,
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

    /// Of settings as the server names them. What it does not know is unknown, never the nearest class.
    fn of(settings: &[(&str, &str)]) -> Self {
        let setting = |name: &str| settings.iter().find_map(|(key, value)| (*key == name).then_some(*value));
        if let Some(append) = setting("appendonly") {
            // The append-only file is synchronised before the answer with `always` only
            // (<https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>).
            match (append, setting("appendfsync"), setting("save")) {
                ("yes", Some("always"), _) => Self::Synced,
                ("yes", Some("everysec" | "no"), _) => Self::Unsynced,
                ("no", _, Some("\"\"")) => Self::Memory,
                ("no", _, Some(points)) if points != "unknown" => Self::Unsynced,
                _ => Self::Unknown,
            }
        } else if let Some(fsync) = setting("fsync") {
            // <https://www.postgresql.org/docs/15/runtime-config-wal.html>: every value of
            // `synchronous_commit` but `off` waits for the local disk.
            match (fsync, setting("synchronous_commit")) {
                ("off", _) | ("on", Some("off")) => Self::Unsynced,
                ("on", Some("on" | "local" | "remote_write" | "remote_apply")) => Self::Synced,
                _ => Self::Unknown,
            }
        } else {
            // <https://www.sqlite.org/pragma.html#pragma_synchronous>: `normal` does not wait
            // at each commit in WAL mode, the mode of our files.
            match setting("synchronous") {
                Some("off" | "normal") => Self::Unsynced,
                Some("full" | "extra") => Self::Synced,
                _ => Self::Unknown,
            }
        }
    }
}

const NONE: &str = "none: ";
const SHARED_MEMORY: &str = "locks in shared memory";
const SYNCED_LOG: &str = " fsync before answer (";
const MADE_FAST: &str = "made for durability fast";
const DIFFERS: &str = "differs: ";
const STOCK: &str = " (stock)";
const ONE_HOST: &str = "all nodes on one host";
const NOT_READABLE: &str = "cannot be read back";
const FILES_IN_MEMORY: &str = "its files lie in memory (tmpfs)";
/// The file system of memory, by its number in statfs(2).
const TMPFS: rustix::fs::FsWord = 0x0102_1994;

/// What a crash of the server leaves of a grant: the settings as they were read back, and
/// what they mean. Its text is that of `durability` in `report.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Persistence {
    storage: Storage,
    words: String,
}

impl Persistence {
    /// Nothing is kept; `why` ends the sentence "none: ...".
    #[must_use]
    pub fn none(why: &str) -> Self {
        Self { storage: Storage::Memory, words: format!("{NONE}{why}") }
    }

    /// What the server does not let anybody read, or what has no class, in words.
    #[must_use]
    pub fn unknown(words: &str) -> Self {
        Self { storage: Storage::Unknown, words: words.to_owned() }
    }

    /// The server synchronises this log before it answers; `source` says how that is known.
    #[must_use]
    pub fn synced_log(log: &str, source: &str) -> Self {
        Self { storage: Storage::Synced, words: format!("{log}{SYNCED_LOG}{source})") }
    }

    /// Settings with their values, as the server names them. `stock`: they are what ships.
    #[must_use]
    pub fn settings(settings: &[(&str, &str)], stock: bool) -> Self {
        let words = settings.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ");
        Self { storage: Storage::of(settings), words: if stock { words + STOCK } else { words } }
    }

    /// The locks are in the memory of a server with these settings, whatever it writes of other data.
    #[must_use]
    pub fn in_shared_memory(self) -> Self {
        Self { storage: Storage::Memory, words: format!("{SHARED_MEMORY}, gone with a restart; {}", self.words) }
    }

    /// Of several nodes. Of ones that differ the weakest counts: those may answer first.
    #[must_use]
    pub fn of_nodes(nodes: &[Self]) -> Self {
        match nodes {
            [first, rest @ ..] if rest.iter().all(|node| node == first) => first.clone(),
            _ => Self {
                storage: nodes.iter().map(|node| node.storage).min().unwrap_or_default(),
                words: DIFFERS.to_owned()
                    + &nodes.iter().map(|node| node.words.as_str()).collect::<Vec<_>>().join(" | "),
            },
        }
    }

    /// Independent nodes that share a host.
    #[must_use]
    pub fn on_one_host(self) -> Self {
        let words = format!("{}; {ONE_HOST}: one clock and one disk, not independent", self.words);
        Self { words, ..self }
    }

    /// With its files in this directory: on tmpfs, which is what /tmp is on many systems, a sync costs nothing and keeps
    /// nothing, whatever the settings say. Where the directory cannot be asked the settings stand.
    #[must_use]
    pub fn kept_in(self, directory: &Path) -> Self {
        let in_memory = rustix::fs::statfs(directory).is_ok_and(|found| found.f_type == TMPFS);
        if in_memory && self.storage != Storage::Memory { self.in_memory() } else { self }
    }

    pub(super) fn in_memory(self) -> Self {
        Self { storage: Storage::Memory, words: format!("{}; {FILES_IN_MEMORY}", self.words) }
    }

    /// Returns whether it would be safer on a disk: the files are in memory, and not by a setting.
    #[must_use]
    pub fn has_files_in_memory(&self) -> bool {
        self.words.contains(FILES_IN_MEMORY)
    }

    /// What the servers were made for, as `said_by` says. Of a server that cannot be asked the label is all that
    /// is known.
    #[must_use]
    pub fn made_for(self, label: &str, said_by: &str) -> Self {
        if label == "fast" && self.words.contains(NOT_READABLE) {
            let words = format!(
                "{MADE_FAST}: an answer does not wait for the disk ({said_by} says so; the server cannot be asked)"
            );
            return Self { storage: Storage::Unsynced, words };
        }
        Self { words: format!("{}; made for durability {label}", self.words), ..self }
    }

    /// Where a grant is kept when it is confirmed.
    #[must_use]
    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// Returns whether independent nodes share a host.
    #[must_use]
    pub fn shares_host(&self) -> bool {
        self.words.contains(ONE_HOST)
    }

    /// As `report.json` has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.words
    }
}

/// Reads the text of a stored report.
impl From<String> for Persistence {
    fn from(words: String) -> Self {
        Self { storage: stored(&words), words }
    }
}

impl From<&str> for Persistence {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<Persistence> for String {
    fn from(persistence: Persistence) -> Self {
        persistence.words
    }
}

impl fmt::Display for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

fn stored(words: &str) -> Storage {
    if let Some(nodes) = words.strip_prefix(DIFFERS) {
        return nodes.split(" | ").map(stored).min().unwrap_or_default();
    }
    let in_memory = words.starts_with(NONE.trim_end()) || words.starts_with(SHARED_MEMORY);
    if in_memory || words.contains(FILES_IN_MEMORY) {
        return Storage::Memory;
    }
    if words.starts_with(MADE_FAST) {
        return Storage::Unsynced;
    }
    if words.contains(SYNCED_LOG.trim_matches([' ', '('])) {
        return Storage::Synced;
    }
    let pairs = words.split([',', ';']).filter_map(|pair| pair.trim().split_once(' '));
    let settings: Vec<_> = pairs.map(|(name, value)| (name, value.trim_end_matches(STOCK).trim())).collect();
    Storage::of(&settings)
}

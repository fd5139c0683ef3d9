//! Shared memory that outlives a server that is killed: PostgreSQL's segments, of System V and of POSIX
//! (<https://www.postgresql.org/docs/15/kernel-resources.html#SYSVIPC>). A server that ends in order gives them back, and
//! one that starts again with the data that it had looks for those of before. One that comes back with other data, or
//! never, knows nothing of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the names of its POSIX segments begin.
const POSIX: &str = "/dev/shm/PostgreSQL.";

/// What processes had mapped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SharedMemory {
    /// Keys and ids of System V.
    segments: Vec<(u32, u64)>,
    files: Vec<PathBuf>,
}

impl SharedMemory {
    /// Adds that of these processes, as long as they live.
    pub(super) fn note(&mut self, pids: &[u32]) {
        for maps in pids.iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/maps")).ok()) {
            self.read(&maps);
        }
    }

    /// Lines of proc(5), `/proc/PID/maps`: a segment of System V has its key for a name, and its id for an inode.
    fn read(&mut self, maps: &str) {
        for line in maps.lines() {
            let mut fields = line.split_ascii_whitespace();
            let (Some(id), Some(name)) = (fields.nth(4), fields.next()) else { continue };
            if let Some(key) = name.strip_prefix("/SYSV").and_then(|key| u32::from_str_radix(key, 16).ok())
                && let Ok(id) = id.parse()
                && !self.segments.contains(&(key, id))
            {
                self.segments.push((key, id));
            } else if name.starts_with(POSIX) && !self.files.iter().any(|file| file == Path::new(name)) {
                self.files.push(name.into());
            }
        }
    }

    /// Gives back what is there still. The processes have ended.
    pub(super) fn free(self) {
        for file in self.files {
            let _ = fs::remove_file(file);
        }
        if self.segments.is_empty() {
            return;
        }
        let there = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        for (key, id) in self.segments.into_iter().filter(|segment| listed(&there, *segment)) {
            let mut remove = Command::new("ipcrm");
            remove.args(["-m", &id.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Err(error) = remove.status() {
                tracing::debug!(key, id, %error, "a shared memory segment was not removed");
            }
        }
    }
}

/// Is it there, under its key? Ids are used again. The key is written with its sign.
fn listed(there: &str, (key, id): (u32, u64)) -> bool {
    there.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (listed, number) = (fields.next().and_then(|key| key.parse::<i64>().ok()), fields.next());
        listed.is_some_and(|listed| listed as u32 == key) && number.and_then(|id| id.parse().ok()) == Some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::{SharedMemory, listed};

    const MAPS: &str = "\
55d0c0000000-55d0c0001000 r--p 00000000 fe:00 131090                     /usr/lib/postgresql/15/bin/postgres
7f0a00000000-7f0a00100000 rw-s 00000000 00:1a 7                          /dev/shm/PostgreSQL.1740049008
7f0a10000000-7f0a10001000 rw-s 00000000 00:01 426026                     /SYSV009c0c06 (deleted)
7f0a20000000-7f0a20001000 rw-s 00000000 00:1a 9                          /dev/shm/faketime_shm_12
7f0a30000000-7f0a30001000 rw-p 00000000 00:00 0
";

    #[test]
    fn what_a_process_has_mapped_is_read_once_each() {
        let mut found = SharedMemory::default();
        found.read(MAPS);
        found.read(MAPS);
        assert_eq!(found.segments, [(0x009c_0c06, 426_026)]);
        assert_eq!(found.files, [std::path::PathBuf::from("/dev/shm/PostgreSQL.1740049008")]);
    }

    #[test]
    fn a_segment_is_known_by_its_key_and_its_id() {
        let there = "       key      shmid perms       size  cpid  lpid nattch\n  10226694     426026   600         56 1 1 0\n\
                      -1         7   600  56 1 1 0\n";
        assert!(listed(there, (0x009c_0c06, 426_026)) && listed(there, (u32::MAX, 7)));
        assert!(!listed(there, (0x009c_0c06, 7)) && !listed(there, (1, 426_026)));
    }
}

//! `flock`: an exclusive lock on a file that the client opened for itself.
//! <https://man7.org/linux/man-pages/man2/flock.2.html>
//!
//! The calls are made on the client's own thread: none of them blocks, and each takes about a
//! microsecond. The file of a lock is never removed while clients run: who locks a removed file
//! excludes no client that opens the name anew.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::super::Target;
use super::super::poll::{Polling, Tried};
use super::directory::{Directory, file};
use lockbench_core::lock::{
    Acquire, Facts, Grant, Guarantees, Holder, Key, Local, LockSystem, NEVER, NO_LEASE, Opening, Patience, Persistence,
    Release, Renewal, Session, Survey, SystemError,
};

/// The lock system `flock`.
pub(super) struct Flock {
    directory: Directory,
}

impl Flock {
    /// Configures it. Touches no file.
    pub(super) fn new(target: &Target) -> Self {
        Self { directory: Directory::new("flock", target) }
    }

    /// Who holds a key, as the kernel's list of locks has it.
    fn holder(&self, key: &Key, locks: &str) -> Result<Option<Holder>, SystemError> {
        match fs::metadata(self.directory.file(key)) {
            Ok(data) => Ok(holder_of(locks, data.dev(), data.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.directory.error(&error)),
        }
    }
}

/// The holder of the file with that number on that device, from the lines of `/proc/locks`:
/// `12: FLOCK  ADVISORY  WRITE 4711 08:02:1234 0 EOF` (proc_locks(5)); a waiter has `->`.
fn holder_of(locks: &str, device: u64, number: u64) -> Option<Holder> {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let place = format!("{major:02x}:{minor:02x}:{number}");
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            [_, "FLOCK", _, _, pid, at, ..] if *at == place => {
                Some(Holder { identity: format!("pid {pid}"), token: None, ttl_ms: None })
            }
            _ => None,
        }
    })
}

impl LockSystem for Flock {
    fn name(&self) -> &'static str {
        "flock"
    }

    fn guarantees(&self) -> &Guarantees {
        &super::ADVISORY
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        let durability = Persistence::none("a lock lives in the kernel, as long as the open file");
        Box::pin(std::future::ready(Ok(Directory::facts(durability))))
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        let made = self.directory.create().and_then(|()| {
            keys.iter().try_for_each(|key| {
                File::create(self.directory.file(key)).map(drop).map_err(|error| self.directory.error(&error))
            })
        });
        Box::pin(std::future::ready(made))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        let files = Files { directory: self.directory.path().to_owned(), held: HashMap::new(), idle: None, asked: 0 };
        let session = FlockSession { files, polling: Polling::new(opening.retry, opening.seed) };
        Box::pin(std::future::ready(Ok(Box::new(session) as Box<dyn Session>)))
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        let read = || {
            let locks = fs::read_to_string("/proc/locks").map_err(|error| self.directory.error(&error))?;
            let holders = keys.iter().map(|key| self.holder(key, &locks)).collect::<Result<_, _>>()?;
            Ok(Survey { round_trip_ns: None, holders })
        };
        Box::pin(std::future::ready(read()))
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(std::future::ready(self.directory.remove(keys)))
    }
}

struct FlockSession {
    files: Files,
    polling: Polling,
}

/// The open files of one client.
struct Files {
    directory: PathBuf,
    held: HashMap<u32, File>,
    /// The file that was unlocked last: most clients come back to their key.
    idle: Option<(u32, File)>,
    asked: u64,
}

impl Files {
    /// The open file of a key, for this client alone.
    fn opened(&mut self, key: &Key) -> io::Result<File> {
        match self.idle.take() {
            Some((index, open)) if index == key.index => Ok(open),
            _ => File::options().create(true).append(true).open(file(&self.directory, key)),
        }
    }

    fn try_once(&mut self, key: &Key) -> Tried {
        let open = match self.opened(key) {
            Ok(open) => open,
            Err(error) => return Tried::Ended(Acquire::Unavailable(named(&self.directory, &error))),
        };
        self.asked += 1;
        match flock(&open, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                self.held.insert(key.index, open);
                Tried::Granted(Grant::new(key.index, None, NO_LEASE))
            }
            Err(Errno::WOULDBLOCK) => {
                self.idle = Some((key.index, open));
                Tried::Held
            }
            Err(error) => Tried::Ended(Acquire::Unavailable(named(&self.directory, &error.into()))),
        }
    }

    fn release(&mut self, grant: &Grant) -> Release {
        let Some(open) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        self.asked += 1;
        match flock(&open, FlockOperation::NonBlockingUnlock) {
            Ok(()) => {
                self.idle = Some((grant.key(), open));
                Release::Confirmed
            }
            Err(error) => {
                let reason = named(&self.directory, &error.into());
                self.held.insert(grant.key(), open);
                Release::Unavailable { surely_ended_ns: NEVER, reason }
            }
        }
    }
}

/// An error with the directory that it is about.
fn named(directory: &Path, error: &io::Error) -> String {
    format!("{}: {error}", directory.display())
}

impl Session for FlockSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { files, polling } = self;
        Box::pin(polling.acquire(patience, async || files.try_once(key)))
    }

    fn renew<'a>(&'a mut self, _grant: &'a mut Grant) -> Local<'a, Renewal> {
        // There is no lease; the plan checker does not ask for renewal here.
        Box::pin(std::future::ready(Renewal::Unavailable("flock has no lease".to_owned())))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(std::future::ready(self.files.release(&grant)))
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        // Closing the files frees what is held.
        Box::pin(async move { drop(self) })
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        None
    }

    fn lost_at(&self) -> Option<u64> {
        None
    }

    fn requests(&self) -> u64 {
        self.files.asked
    }
}

#[cfg(test)]
mod tests {
    use super::holder_of;

    #[test]
    fn the_holder_is_read_from_the_kernels_list() {
        let locks = "1: POSIX  ADVISORY  WRITE 1 08:02:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 08:02:77 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 4712 08:02:77 0 EOF\n";
        let device = rustix::fs::makedev(8, 2);
        assert_eq!(holder_of(locks, device, 77).unwrap().identity, "pid 4711");
        assert!(holder_of(locks, device, 7).is_none());
        assert!(holder_of(locks, rustix::fs::makedev(8, 3), 77).is_none());
    }
}

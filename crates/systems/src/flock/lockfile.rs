//! `flock:lockfile`: the holder is who creates the file. A file whose time is over is stale:
//! who finds one removes it and tries to create its own.
//!
//! The mistake is in [`Files::remove_stale`]: the look and the removal are two steps. Each step
//! is a point where other clients run, as it is with files in any asynchronous program.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::super::Target;
use super::super::poll::{Polling, Tried};
use super::directory::{Directory, file};
use lockbench_core::clock::{Clock, Timer};
use lockbench_core::lock::{
    Acquire, Facts, Grant, Guarantees, Holder, Key, Local, LockSystem, Opening, Patience, Persistence, Release,
    Renewal, Session, Survey, SystemError,
};

/// Digits of the instant at the start of a file, so that a renewal overwrites it in place.
const DIGITS: usize = 20;

/// The lock system `flock:lockfile`.
pub(super) struct LockFile {
    directory: Directory,
    clock: Clock,
}

impl LockFile {
    /// Configures it. Touches no file.
    pub(super) fn new(target: &Target) -> Self {
        Self { directory: Directory::new("flock:lockfile", target), clock: target.clock }
    }
}

/// What a lock file says.
struct Said {
    /// When it is stale.
    ends_ns: u64,
    owner: String,
}

impl Said {
    /// Reads a file; `None` where there is none.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut text = String::new();
        match File::open(path).and_then(|mut file| file.read_to_string(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let (ends, owner) = text.split_once(' ').unwrap_or_default();
        // Its creator has not written to it yet: not stale.
        Ok(Some(Self { ends_ns: ends.parse().unwrap_or(u64::MAX), owner: owner.to_owned() }))
    }
}

impl LockSystem for LockFile {
    fn name(&self) -> &'static str {
        "flock:lockfile"
    }

    fn guarantees(&self) -> &Guarantees {
        &super::STALE_RULE
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(std::future::ready(Ok(Directory::facts(Persistence::unknown("a file, not synced")))))
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        let made = self.directory.remove(keys).and_then(|()| self.directory.create());
        Box::pin(std::future::ready(made))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        let files = Files {
            directory: self.directory.path().to_owned(),
            owner: format!("client {} (pid {})", opening.client, std::process::id()),
            ttl_ns: opening.ttl_ns,
            timer: opening.timer,
            held: HashMap::new(),
            asked: 0,
        };
        let session = LockFileSession { files, polling: Polling::new(opening.retry, opening.seed) };
        Box::pin(std::future::ready(Ok(Box::new(session) as Box<dyn Session>)))
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        let now = self.clock.now();
        let holder = |key: &Key| -> io::Result<Option<Holder>> {
            let said = Said::read(&self.directory.file(key))?.filter(|said| said.ends_ns > now);
            Ok(said.map(|said| Holder {
                identity: said.owner,
                token: None,
                ttl_ms: Some(said.ends_ns.saturating_sub(now) / 1_000_000),
            }))
        };
        let holders = keys.iter().map(holder).collect::<io::Result<_>>();
        let holders = holders.map_err(|error| self.directory.error(&error));
        Box::pin(std::future::ready(holders.map(|holders| Survey { round_trip_ns: None, holders })))
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(std::future::ready(self.directory.remove(keys)))
    }
}

struct LockFileSession {
    files: Files,
    polling: Polling,
}

/// A lock file that this client made.
struct Held {
    path: PathBuf,
    open: File,
    ends_ns: u64,
}

/// The lock files of one client.
struct Files {
    directory: PathBuf,
    owner: String,
    ttl_ns: u64,
    timer: Timer,
    held: HashMap<u32, Held>,
    asked: u64,
}

impl Files {
    async fn try_once(&mut self, key: &Key) -> Tried {
        let path = file(&self.directory, key);
        match self.attempt(key, path).await {
            Ok(Some(grant)) => Tried::Granted(grant),
            Ok(None) => Tried::Held,
            Err(error) => Tried::Ended(Acquire::Unavailable(format!("{}: {error}", self.directory.display()))),
        }
    }

    async fn attempt(&mut self, key: &Key, path: PathBuf) -> io::Result<Option<Grant>> {
        if !self.remove_stale(&path).await? {
            return Ok(None);
        }
        self.asked += 1;
        let asked = self.timer.now();
        let open = match File::options().write(true).create_new(true).open(&path) {
            Ok(open) => open,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        };
        let ends_ns = self.timer.now().saturating_add(self.ttl_ns);
        if let Err(error) = open.write_all_at(self.line(ends_ns).as_bytes(), 0) {
            // Without an end it would never be stale.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        self.held.insert(key.index, Held { path, open, ends_ns });
        Ok(Some(Grant::new(key.index, None, asked.saturating_add(self.ttl_ns))))
    }

    fn line(&self, ends_ns: u64) -> String {
        format!("{ends_ns:0DIGITS$} {}", self.owner)
    }

    /// Removes a file that is stale. Returns whether there is none now, as far as it knows:
    /// the one that it removes may be another one than it looked at.
    async fn remove_stale(&mut self, path: &Path) -> io::Result<bool> {
        self.asked += 1;
        let Some(said) = Said::read(path)? else { return Ok(true) };
        if said.ends_ns > self.timer.now() {
            return Ok(false);
        }
        tokio::task::yield_now().await;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(true),
        }
    }

    /// Whether the file of that name is still the one that we made.
    fn is_ours(held: &Held) -> io::Result<bool> {
        match fs::metadata(&held.path) {
            Ok(there) => {
                let made = held.open.metadata()?;
                Ok((there.dev(), there.ino()) == (made.dev(), made.ino()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let (asked, ttl_ns) = (self.timer.now(), self.ttl_ns);
        let line = self.line(asked.saturating_add(ttl_ns));
        let Some(held) = self.held.get_mut(&grant.key()) else { return Renewal::Refused };
        match Self::is_ours(held) {
            Ok(true) if held.ends_ns > asked => {}
            Ok(_) => return Renewal::Refused,
            Err(error) => return Renewal::Unavailable(error.to_string()),
        }
        match held.open.write_all_at(line.as_bytes(), 0) {
            Ok(()) => {
                held.ends_ns = asked.saturating_add(ttl_ns);
                grant.extend(held.ends_ns);
                Renewal::Confirmed
            }
            Err(error) => Renewal::Unknown(error.to_string()),
        }
    }

    fn release(&mut self, grant: &Grant) -> Release {
        let Some(held) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        self.asked += 1;
        let surely_ended_ns = held.ends_ns;
        match Self::is_ours(&held) {
            Ok(true) => {}
            Ok(false) => return Release::NotOwner,
            Err(error) => return Release::Unavailable { surely_ended_ns, reason: error.to_string() },
        }
        match fs::remove_file(&held.path) {
            Ok(()) => Release::Confirmed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Release::NotOwner,
            Err(error) => Release::Unavailable { surely_ended_ns, reason: error.to_string() },
        }
    }
}

impl Session for LockFileSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { files, polling } = self;
        Box::pin(polling.acquire(patience, async || files.try_once(key).await))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(std::future::ready(self.files.renew(grant)))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(std::future::ready(self.files.release(&grant)))
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        self.files.ttl_ns = ttl_ns;
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.files.ttl_ns)
    }

    fn lost_at(&self) -> Option<u64> {
        None
    }

    fn requests(&self) -> u64 {
        self.files.asked
    }
}

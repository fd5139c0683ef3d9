//! Which local servers `lockbench up` left running: one file a kind in a directory
//! of the user, written by the keeper that holds the servers.
//!
//! A keeper is known by its pid *and* by when it began, in this boot of the machine:
//! a file of one that was killed never makes us signal or use somebody else's
//! process. Files are for their owner only, since an endpoint may hold a password.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::server::Server;
use super::usage::born;
use crate::ServerKind;
use lockbench_core::lock::Endpoint;

/// Names the directory, instead of the user's own.
const VARIABLE: &str = "LOCKBENCH_STATE_DIR";
/// Longest wait for a keeper that was asked to end; its servers have 3 s and are then killed.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// The directory cannot be had, read or written; or a keeper does not obey.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Nobody says where.
    #[error("neither {VARIABLE} nor XDG_STATE_HOME nor HOME is set to an absolute path: set one of them")]
    NoDirectory,
    /// A file or directory of it.
    #[error("cannot {action} {path}: {source}; {VARIABLE} can name another directory")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// It was asked to end and did not.
    #[error("{kind}: process {pid}, which keeps it, has not ended within {} s; look at it with `ps -fp {pid}`", ENDS_WITHIN.as_secs())]
    Stubborn {
        /// Kind that it keeps.
        kind: String,
        /// The keeper.
        pid: u32,
    },
    /// It could not be asked.
    #[error("{kind}: cannot ask process {pid}, which keeps it, to end: {source}")]
    NotAsked {
        /// Kind that it keeps.
        kind: String,
        /// The keeper.
        pid: u32,
        /// Cause.
        source: io::Error,
    },
}

/// The directory.
#[derive(Clone, Debug)]
pub struct Register {
    dir: PathBuf,
}

/// Local servers of one kind that run without a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    kind: String,
    /// The process that keeps them.
    keeper: u32,
    /// When it began, in ticks since the machine did.
    began: u64,
    /// Which boot of the machine that was.
    boot: String,
    endpoints: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Data and logs.
    pub directory: PathBuf,
    /// How one of them ended by itself, if it did.
    pub died: Option<String>,
}

/// A kind that this process keeps; the file goes with it.
#[derive(Debug)]
pub struct Registration {
    register: Register,
    kind: ServerKind,
    /// Held as long as we are: nobody else keeps this kind.
    _lock: File,
}

impl Register {
    /// The user's.
    ///
    /// # Errors
    /// Nobody says where it is.
    pub fn from_env() -> Result<Self, RegisterError> {
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let dir = path(VARIABLE)
            .or_else(|| Some(path("XDG_STATE_HOME")?.join("lockbench")))
            .or_else(|| Some(path("HOME")?.join(".local/state/lockbench")));
        Ok(Self { dir: dir.ok_or(RegisterError::NoDirectory)? })
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.dir
    }

    /// The file of a kind.
    #[must_use]
    pub fn file(&self, kind: ServerKind) -> PathBuf {
        self.dir.join(format!("local-{kind}.json"))
    }

    /// What runs now. Files whose keeper is gone are removed, unless another user's.
    #[must_use]
    pub fn left(&self) -> Vec<Registered> {
        ServerKind::all().iter().copied().filter_map(|kind| self.of(kind)).collect()
    }

    /// What runs of this kind now.
    #[must_use]
    pub fn of(&self, kind: ServerKind) -> Option<Registered> {
        let path = self.file(kind);
        let text = fs::read_to_string(&path).ok()?;
        let left =
            serde_json::from_str::<Registered>(&text).ok().filter(|left| left.kind() == Some(kind) && left.alive());
        if left.is_none() {
            // It says nothing that is true any more, unless somebody is about to write it anew.
            drop(self.keep(kind));
        }
        left
    }

    /// Begins to keep a kind; `None` if another process does.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn keep(&self, kind: ServerKind) -> Result<Option<Registration>, RegisterError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(|source| RegisterError::File {
            action: "create",
            path: self.dir.clone(),
            source,
        })?;
        Ok(self.lock(kind)?.map(|lock| Registration { register: self.clone(), kind, _lock: lock }))
    }

    /// The lock of a kind, which its keeper holds; `None` if somebody has it.
    fn lock(&self, kind: ServerKind) -> Result<Option<File>, RegisterError> {
        let path = self.lock_file(kind);
        let failed = |source| RegisterError::File { action: "lock", path: path.clone(), source };
        loop {
            let file = File::options().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Ok(None),
                Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
            }
            // The one before us removes the file as it leaves: then ours has no name any more.
            let named = fs::metadata(&path).map(|data| data.ino()).ok();
            if named == Some(file.metadata().map_err(failed)?.ino()) {
                return Ok(Some(file));
            }
        }
    }

    fn lock_file(&self, kind: ServerKind) -> PathBuf {
        self.dir.join(format!("local-{kind}.lock"))
    }
}

impl Registration {
    /// Tells what runs now.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tell(&self, server: &Server) -> Result<(), RegisterError> {
        let me = std::process::id();
        let left = Registered {
            kind: self.kind.name().to_owned(),
            keeper: me,
            began: born(me).unwrap_or_default(),
            boot: boot(),
            endpoints: server.endpoints().iter().map(|endpoint| endpoint.secret_url().to_owned()).collect(),
            version: server.version().to_owned(),
            directory: server.directory().unwrap_or(Path::new("")).to_owned(),
            died: server.died(),
        };
        let (path, next) = (self.register.file(self.kind), self.register.file(self.kind).with_extension("next"));
        let write = || -> io::Result<()> {
            let _ = fs::remove_file(&next);
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&next)?;
            file.write_all(&serde_json::to_vec_pretty(&left)?)?;
            fs::rename(&next, &path)
        };
        write().map_err(|source| RegisterError::File { action: "write", path: path.clone(), source })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.register.file(self.kind));
        let _ = fs::remove_file(self.register.lock_file(self.kind));
    }
}

impl Registered {
    /// Which kind.
    #[must_use]
    pub fn kind(&self) -> Option<ServerKind> {
        ServerKind::from_name(&self.kind)
    }

    /// The process that keeps it.
    #[must_use]
    pub fn keeper(&self) -> u32 {
        self.keeper
    }

    /// Addresses for clients.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.iter().map(Endpoint::new).collect()
    }

    /// Does the keeper live? Another process may have its pid by now.
    fn alive(&self) -> bool {
        self.boot == boot() && born(self.keeper) == Some(self.began)
    }

    /// Has the keeper stop its servers, and waits until it has ended.
    ///
    /// # Errors
    /// It could not be asked, or did not end.
    pub fn stop(&self) -> Result<(), RegisterError> {
        let (kind, pid) = (self.kind.clone(), self.keeper);
        let not_asked = |source| RegisterError::NotAsked { kind: kind.clone(), pid, source };
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let number = number.ok_or_else(|| not_asked(io::ErrorKind::InvalidData.into()))?;
        // By a descriptor that stays with this very process, whoever gets its pid next.
        let process = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(process) => process,
            Err(Errno::SRCH) => return Ok(()),
            Err(error) => return Err(not_asked(error.into())),
        };
        if !self.alive() {
            return Ok(());
        }
        pidfd_send_signal(&process, Signal::TERM).map_err(|error| not_asked(error.into()))?;
        let limit = Instant::now() + ENDS_WITHIN;
        while self.alive() {
            if Instant::now() >= limit {
                return Err(RegisterError::Stubborn { kind, pid });
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// Identity of this boot of the machine (random(4)); empty where the kernel hides it.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
#[cfg(all(feature = "redis", feature = "etcd", feature = "zookeeper"))]
mod tests {
    use std::fs;

    use super::{Register, Registered, boot};
    use crate::stack::usage::born;

    fn left(keeper: u32, began: u64) -> Registered {
        Registered {
            kind: "etcd".to_owned(),
            keeper,
            began,
            boot: boot(),
            endpoints: vec!["etcd://127.0.0.1:1".to_owned()],
            version: "3".to_owned(),
            directory: "/x".into(),
            died: None,
        }
    }

    #[test]
    fn a_file_of_a_keeper_that_is_gone_is_removed_and_nobody_is_signalled() {
        let dir = tempfile::tempdir().unwrap();
        let register = Register { dir: dir.path().to_owned() };
        let me = std::process::id();
        let mine = left(me, born(me).unwrap());
        let path = register.file(crate::etcd::KIND);
        fs::write(&path, serde_json::to_vec(&mine).unwrap()).unwrap();
        assert_eq!(register.of(crate::etcd::KIND), Some(mine.clone()));
        // The same pid, but another process: one of this boot, one of the boot before.
        for stale in [Registered { began: 1, ..mine.clone() }, Registered { boot: "x".to_owned(), ..mine }] {
            fs::write(&path, serde_json::to_vec(&stale).unwrap()).unwrap();
            assert!(stale.stop().is_ok(), "we would have ended ourselves");
            assert_eq!(register.of(crate::etcd::KIND), None);
            assert!(!path.exists());
        }
        fs::write(&path, "no json").unwrap();
        assert!(register.left().is_empty() && !path.exists());
    }

    #[test]
    fn only_one_process_keeps_a_kind() {
        let dir = tempfile::tempdir().unwrap();
        let register = Register { dir: dir.path().join("deep/er") };
        let kept = register.keep(crate::redis::KIND).unwrap();
        assert!(kept.is_some());
        assert!(register.keep(crate::redis::KIND).unwrap().is_none());
        assert!(register.keep(crate::etcd::KIND).unwrap().is_some());
        drop(kept);
        assert!(register.keep(crate::redis::KIND).unwrap().is_some());
        assert_eq!(fs::read_dir(&register.dir).unwrap().count(), 0);
    }
}

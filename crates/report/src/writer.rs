//! Who writes a run directory. The writer keeps an advisory lock on the directory itself
//! (flock(2)): it leaves no file behind, follows the directory through its rename, and
//! ends with the process, however that ends. So whoever looks at a partial run knows
//! whether it is under way or broke off.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;

/// Whoever just looks holds the lock for microseconds; so often it is tried again.
const TRIES: u32 = 20;
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// Marks a directory as being written. Ends when it is dropped.
#[derive(Debug)]
pub struct WriterMark {
    /// `None` where the file system has no locks: then nobody can tell.
    _lock: Option<File>,
}

impl WriterMark {
    /// Marks it, if the file system can.
    #[must_use]
    pub fn set(directory: &Path) -> Self {
        let lock = open(directory).ok().filter(|file| {
            (0..TRIES).any(|_| match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(PAUSE);
                    false
                }
                Err(TryLockError::Error(_)) => false,
            })
        });
        Self { _lock: lock }
    }
}

/// The directory itself; a pipe of its name makes nobody wait.
fn open(directory: &Path) -> io::Result<File> {
    let flags = (OFlags::DIRECTORY | OFlags::NONBLOCK).bits();
    OpenOptions::new().read(true).custom_flags(flags as i32).open(directory)
}

/// Is somebody writing a run directory?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A process is writing it now.
    Alive,
    /// Nobody is, any more.
    Gone,
    /// The file system does not tell.
    Unknown,
}

/// Looks who writes a directory; changes nothing in it.
#[must_use]
pub fn writer(directory: &Path) -> Writer {
    let Ok(file) = open(directory) else { return Writer::Unknown };
    match file.try_lock_shared() {
        Ok(()) => Writer::Gone,
        Err(TryLockError::WouldBlock) => Writer::Alive,
        Err(TryLockError::Error(_)) => Writer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Writer, WriterMark, writer};

    #[test]
    fn a_directory_is_being_written_as_long_as_its_mark_lives_also_under_another_name() {
        let root = tempfile::tempdir().unwrap();
        let (partial, complete) = (root.path().join(".a.partial"), root.path().join("a"));
        std::fs::create_dir(&partial).unwrap();
        assert_eq!(writer(&partial), Writer::Gone);
        let mark = WriterMark::set(&partial);
        assert_eq!(writer(&partial), Writer::Alive);
        std::fs::rename(&partial, &complete).unwrap();
        assert_eq!(writer(&complete), Writer::Alive);
        assert_eq!(writer(&partial), Writer::Unknown);
        drop(mark);
        assert_eq!(writer(&complete), Writer::Gone);
    }
}

//! The run directory. A run writes into `.<id>.partial` and renames it when it
//! is complete; nothing is ever overwritten, and after a crash the partial one
//! stays as evidence.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::writer::WriterMark;

/// Why a run directory could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The id is taken.
    #[error("the run id \"{id}\" exists already in {root}: give another --run-id, or remove {path}")]
    Exists {
        /// The id.
        id: String,
        /// The results directory.
        root: String,
        /// What is in the way.
        path: String,
    },
    /// The id is no file name.
    #[error(
        "the run id \"{0}\" is not usable: use letters, digits, '-', '_' and '.', at most 100, not starting with '.' or '-', and not \"baselines\""
    )]
    BadId(String),
    /// The file system refused.
    #[error("cannot write {path}: {cause}; is the directory writable and is there space left? -o gives another one")]
    Io {
        /// The file or directory.
        path: String,
        /// The cause.
        cause: io::Error,
    },
}

/// Is it a name for a run, or for a baseline? `baselines` itself is where these are.
#[must_use]
pub fn usable_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !id.is_empty() && id.len() <= 100 && !id.starts_with(['.', '-']) && id.chars().all(fits) && id != "baselines"
}

/// An open run directory.
#[derive(Debug)]
pub struct RunDirectory {
    partial: PathBuf,
    complete: PathBuf,
    /// Tells whoever follows the run that it is under way.
    _mark: WriterMark,
}

impl RunDirectory {
    /// Makes the partial directory of a new run under `root`.
    ///
    /// # Errors
    /// If the id exists, in either form, or the directory cannot be written.
    pub fn create(root: &Path, id: &str) -> Result<Self, StoreError> {
        if !usable_id(id) {
            return Err(StoreError::BadId(id.to_owned()));
        }
        let partial = root.join(format!(".{id}.partial"));
        let complete = root.join(id);
        fs::create_dir_all(root).map_err(|cause| failed(root, cause))?;
        for path in [&partial, &complete] {
            if path.symlink_metadata().is_ok() {
                return Err(StoreError::Exists {
                    id: id.to_owned(),
                    root: root.display().to_string(),
                    path: path.display().to_string(),
                });
            }
        }
        fs::create_dir(&partial).map_err(|cause| failed(&partial, cause))?;
        let directory = Self { _mark: WriterMark::set(&partial), partial, complete };
        // A full disk is better noticed before the load than after it.
        directory.write("plan.toml", b"")?;
        Ok(directory)
    }

    /// Path of a file of the run while it is being written.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// Where the run will be once complete.
    #[must_use]
    pub fn final_path(&self) -> &Path {
        &self.complete
    }

    /// Writes a file whole: to a temporary name, synced, renamed. `name` may be a path
    /// below the run directory.
    ///
    /// # Errors
    /// If the file system refuses; names the file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if !self.partial.is_dir() {
            // Made anew it would be a run without its history.
            let gone = io::Error::new(io::ErrorKind::NotFound, "the directory of the run was removed while it ran");
            return Err(failed(&self.partial, gone));
        }
        write_file(&self.partial, name, bytes)
    }

    /// Gives the run its final name.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn complete(self) -> Result<PathBuf, StoreError> {
        fs::rename(&self.partial, &self.complete).map_err(|cause| failed(&self.complete, cause))?;
        Ok(self.complete)
    }

    /// Removes a run that never began: nothing was measured yet.
    pub fn discard(self) {
        // What cannot be removed stays visible as a partial run.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

/// Writes a file whole: to a temporary name, synced, renamed; a reader sees the old
/// file or the new one, and a failure leaves no part of it. Others that write the same
/// file meanwhile do so under temporary names of their own. `name` may be a path below
/// `directory`, `/` between its parts; names of systems go into it, and those come from
/// files that others may have written, so it must not lead out; nor do links that
/// somebody has put there.
///
/// # Errors
/// If the file system refuses, or the name leads elsewhere; names the file.
pub fn write_file(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let path = directory.join(name);
    let mut parts = Vec::new();
    for part in Path::new(name).components() {
        let Component::Normal(part) = part else {
            return Err(failed(
                &path,
                io::Error::new(io::ErrorKind::InvalidInput, "it leads out of the run directory"),
            ));
        };
        parts.push(part);
    }
    let Some((file, folders)) = parts.split_last() else {
        return Err(failed(&path, io::Error::new(io::ErrorKind::InvalidInput, "it leads out of the run directory")));
    };
    write_below(directory, folders, file, bytes).map_err(|cause| failed(&path, cause))
}

fn write_below(directory: &Path, folders: &[&OsStr], file: &OsStr, bytes: &[u8]) -> io::Result<()> {
    let place = folder(directory, folders)?;
    sweep_up(&place, file);
    let temporary = temporary(file, std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    let write = || {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut out = File::from(openat(&place, &temporary, flags, Mode::from_raw_mode(0o666))?);
        out.write_all(bytes)?;
        out.sync_all()?;
        // A link in its place is replaced, not followed.
        renameat(&place, &temporary, &place, file)?;
        Ok(())
    };
    write().inspect_err(|_: &io::Error| {
        // Half a file is of no use to anybody.
        let _ = unlinkat(&place, &temporary, AtFlags::empty());
    })
}

/// The folder below a directory, made if it is not there. No link is followed on the way.
fn folder(directory: &Path, folders: &[&OsStr]) -> io::Result<OwnedFd> {
    // No name at all is where the process is.
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    fs::create_dir_all(directory)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut place = openat(CWD, directory, flags, Mode::empty())?;
    for name in folders {
        match mkdirat(&place, *name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        place = openat(&place, *name, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => io::Error::new(
                io::ErrorKind::NotADirectory,
                format!("{} in it is a link or a file, and no directory: remove it", name.display()),
            ),
            other => other.into(),
        })?;
    }
    Ok(place)
}

/// Counts the writes of this process.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Name of a file while it is written, by which process.
fn temporary(file: &OsStr, process: u32, number: u64) -> OsString {
    OsString::from(format!(".{}.{process}.{number}.tmp", file.display()))
}

/// Removes what processes that are gone left of this file.
fn sweep_up(place: &OwnedFd, file: &OsStr) {
    let begin = format!(".{}.", file.display());
    let left = |name: &str| {
        let (process, number) = name.strip_prefix(&begin)?.strip_suffix(".tmp")?.split_once('.')?;
        number.parse::<u64>().ok()?;
        let process = Pid::from_raw(process.parse().ok()?)?;
        (test_kill_process(process) == Err(Errno::SRCH)).then_some(())
    };
    for entry in Dir::read_from(place).into_iter().flatten().flatten() {
        if entry.file_name().to_str().ok().and_then(left).is_some() {
            // Another one may have done it.
            let _ = unlinkat(place, entry.file_name(), AtFlags::empty());
        }
    }
}

fn failed(path: &Path, cause: io::Error) -> StoreError {
    StoreError::Io { path: path.display().to_string(), cause }
}

#[cfg(test)]
mod tests;

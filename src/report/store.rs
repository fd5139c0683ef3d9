//! The run directory. A run writes into `.<id>.partial` and renames it when it
//! is complete; nothing is ever overwritten, and after a crash the partial one
//! stays as evidence.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

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
/// file or the new one, and a failure leaves no part of it. `name` may be a path below
/// `directory`, `/` between its parts; names of systems go into it, and those come
/// from files that others may have written, so it must not lead out.
///
/// # Errors
/// If the file system refuses, or the name leads elsewhere; names the file.
pub fn write_file(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let path = directory.join(name);
    let below = |part: Component<'_>| matches!(part, Component::Normal(_));
    let (true, Some(file)) = (Path::new(name).components().all(below), Path::new(name).file_name()) else {
        return Err(failed(&path, io::Error::new(io::ErrorKind::InvalidInput, "it leads out of the run directory")));
    };
    let temporary = path.with_file_name(format!(".{}.tmp", file.to_string_lossy()));
    let write = || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    };
    write().map_err(|cause| {
        // Half a file is of no use to anybody.
        let _ = fs::remove_file(&temporary);
        failed(&path, cause)
    })
}

fn failed(path: &Path, cause: io::Error) -> StoreError {
    StoreError::Io { path: path.display().to_string(), cause }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{RunDirectory, StoreError, write_file};

    #[test]
    fn a_run_gets_its_name_only_when_complete_and_never_twice() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "a").unwrap();
        run.write("report.json", b"{}").unwrap();
        assert!(!root.path().join("a").exists());
        assert!(matches!(RunDirectory::create(root.path(), "a"), Err(StoreError::Exists { .. })));
        run.complete().unwrap();
        assert_eq!(fs::read(root.path().join("a/report.json")).unwrap(), b"{}");
        assert!(matches!(RunDirectory::create(root.path(), "a"), Err(StoreError::Exists { .. })));
    }

    #[test]
    fn ids_that_are_no_names_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for id in ["", "..", ".x", "a/b", "a b"] {
            assert!(matches!(RunDirectory::create(root.path(), id), Err(StoreError::BadId(_))), "{id}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_may_lie_deeper() {
        let root = tempfile::tempdir().unwrap();
        for text in ["long before", "after"] {
            write_file(root.path(), "a/b.txt", text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(root.path().join("a/b.txt")).unwrap(), text);
        }
        assert_eq!(fs::read_dir(root.path().join("a")).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_name_never_leads_out_of_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("run");
        fs::create_dir(&inner).unwrap();
        for name in ["../x", "a/../../x", "/lockbench-x", "", "."] {
            let message = write_file(&inner, name, b"x").unwrap_err().to_string();
            assert!(message.contains("leads out of the run directory"), "{name}: {message}");
        }
        assert!(!root.path().join("x").exists());
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_no_part() {
        let root = tempfile::tempdir().unwrap();
        // A directory is in the way of the rename.
        fs::create_dir_all(root.path().join("taken/below")).unwrap();
        assert!(matches!(write_file(root.path(), "taken", b"x"), Err(StoreError::Io { .. })));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}

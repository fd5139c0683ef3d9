//! One start at a time in a compose project: of two at once each would fail by the
//! other's half-made containers, and take them away.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::DockerError;
use lockbench_core::stop::Stop;

/// Between two tries.
const POLL: Duration = Duration::from_millis(200);

/// A turn; it ends, and its file goes, when this is dropped.
pub(super) struct Turn {
    path: PathBuf,
    /// Locked as long as we are.
    _file: File,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Waits for the turn in this project. `told` hears once that there is a wait.
pub(super) fn turn(
    dir: &Path,
    project: &str,
    limit: Instant,
    stop: &Stop,
    told: &dyn Fn(&str),
) -> Result<Turn, DockerError> {
    let path = dir.join(format!("docker-{project}.lock"));
    let failed = |problem: String| DockerError::Call { call: format!("waiting by {}", path.display()), problem };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| failed(error.to_string()))?;
    let mut waits = false;
    loop {
        let file = File::options().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(|error| failed(error.to_string()))?;
        match file.try_lock() {
            // The one before us removes the file as it leaves: then ours has no name any more.
            Ok(()) if is_at(&file, &path) => return Ok(Turn { path, _file: file }),
            Ok(()) => continue,
            Err(TryLockError::Error(error)) => return Err(failed(error.to_string())),
            Err(TryLockError::WouldBlock) if stop.draining() => return Err(DockerError::Interrupted),
            Err(TryLockError::WouldBlock) if Instant::now() >= limit => {
                return Err(failed(format!(
                    "another lockbench has been starting containers of {project} all this time"
                )));
            }
            Err(TryLockError::WouldBlock) => {}
        }
        if !waits {
            waits = true;
            told(&format!("waiting: another lockbench starts containers of the project {project}"));
        }
        sleep(POLL);
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let inode = |data: std::io::Result<fs::Metadata>| data.map(|data| data.ino()).ok();
    inode(file.metadata()) == inode(fs::metadata(path))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::turn;
    use lockbench_core::stop::Stop;

    #[test]
    fn a_second_start_waits_for_the_first_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let told = Cell::new(0);
        let take = |project: &str, wait: Duration| {
            turn(dir.path(), project, Instant::now() + wait, &Stop::default(), &|_| told.set(told.get() + 1))
        };
        let first = take("one", Duration::ZERO).unwrap();
        take("two", Duration::ZERO).unwrap();
        assert_eq!(told.get(), 0);
        let late = take("one", Duration::from_millis(1)).err().unwrap().to_string();
        assert!(late.contains("another lockbench"), "{late}");
        assert_eq!(told.get(), 1);
        drop(first);
        take("one", Duration::ZERO).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

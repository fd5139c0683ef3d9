//! The temporary directory of a stack: one sub-directory a server node, its
//! log beside it. Removed with the last server unless it is to be kept.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::{self, Disk, DiskProgram};
use super::error::StartError;
use super::guard::{Guard, WORK};
use super::user::{self, User};

/// The directory and its guard.
pub(super) struct Home {
    path: PathBuf,
    keep: bool,
    pub(super) guard: Guard,
    /// They go after the guard has looked for what killed servers left on them.
    disks: Mutex<Vec<Arc<Disk>>>,
}

impl Home {
    /// Makes a directory inside of `parent`. Others may pass through it but
    /// not list it: a server's user must reach its own directory.
    pub(super) fn create(parent: &Path, keep: bool) -> Result<Self, StartError> {
        disk::clear_dead();
        let name = format!("lockbench-{}-{}", std::process::id(), random_hex(4).map_err(no_random)?);
        let path = parent.join(name);
        let failed = |source| directory("create", &path, "lockbench", source);
        DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let guard = Guard::start(Some(&path), keep, &[])
            .map_err(|source| StartError::system("start /bin/sh, which guards the servers", source))?;
        let home = Self { path, keep, guard, disks: Mutex::default() };
        if user::is_root() {
            fs::set_permissions(&home.path, Permissions::from_mode(0o711)).map_err(failed)?;
        }
        Ok(home)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a disk over the directory of a node.
    pub(super) fn disk(&self, directory: &Path, program: &DiskProgram) -> Result<Arc<Disk>, StartError> {
        let log = directory.with_extension("disk.log");
        let mounted = Disk::over(directory, program, &log).map(Arc::new).map_err(|source| {
            StartError::system(format!("mount a disk that forgets over {}", directory.display()), source)
        })?;
        self.disks.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&mounted));
        Ok(mounted)
    }

    /// A fresh directory for one node, owned by the node's user.
    pub(super) fn node(&self, name: &str, owner: Option<&User>) -> Result<PathBuf, StartError> {
        let path = self.path.join(name);
        let who = owner.map_or("lockbench", |user| &user.name);
        if owner.is_some()
            && let Some(closed) = self.path.ancestors().find(|dir| !searchable(dir))
        {
            return Err(directory("search", closed, who, io::ErrorKind::PermissionDenied.into()));
        }
        let failed = |source| directory("create", &path, who, source);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(failed)?;
        }
        DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        if let Some(user) = owner {
            chown(&path, Some(user.uid), Some(user.gid)).map_err(failed)?;
        }
        Ok(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // It takes back what killed servers left, which the files tell; then it removes them.
        self.guard.finish(WORK);
        self.disks.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if !self.keep && self.path.exists() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Makes a directory that only its owner can enter.
pub(crate) fn own_dir(path: &Path, owner: Option<&User>) -> Result<(), StartError> {
    let who = owner.map_or("lockbench", |user| &user.name);
    let failed = |source| directory("create", path, who, source);
    DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
    match owner {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)).map_err(failed),
        None => Ok(()),
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str, owner: Option<&User>) -> Result<(), StartError> {
    let who = owner.map_or("lockbench", |user| &user.name);
    let failed = |source| directory("write", path, who, source);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if let Some(user) = owner {
        chown(path, Some(user.uid), Some(user.gid)).map_err(failed)?;
    }
    Ok(())
}

/// `bytes` random bytes of the kernel as hexadecimal digits.
pub(super) fn random_hex(bytes: usize) -> io::Result<String> {
    let mut buffer = vec![0_u8; bytes];
    File::open("/dev/urandom")?.read_exact(&mut buffer)?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(super) fn no_random(source: io::Error) -> StartError {
    StartError::system("read /dev/urandom", source)
}

pub(super) fn directory(action: &'static str, path: &Path, who: &str, source: io::Error) -> StartError {
    StartError::Directory { action, path: path.to_owned(), who: who.to_owned(), source: Arc::new(source) }
}

fn searchable(dir: &Path) -> bool {
    fs::metadata(dir).is_ok_and(|data| data.permissions().mode() & 0o001 != 0)
}

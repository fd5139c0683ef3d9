//! The disk that lies under the data directory of a node where a plan cuts its power or slows its disk: a process of
//! its own, which mounts `lockbench_forgetful` there and takes orders on a pipe. When we are gone, the pipe ends; the
//! guard unmounts, and without a guard the process does.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::mount::{UnmountFlags, unmount};

use lockbench_forgetful::{FILE_SYSTEM, Order, READY, Told};

/// How long its process may take to end once nothing is mounted any more.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// A program that serves a disk: it calls [`lockbench_forgetful::serve`] on its last argument.
#[derive(Clone, Debug)]
pub struct DiskProgram {
    /// Its file.
    pub file: PathBuf,
    /// Its arguments, but for the last.
    pub arguments: Vec<OsString>,
}

/// A mounted disk. Dropping it unmounts it.
pub(super) struct Disk {
    directory: PathBuf,
    child: Mutex<Child>,
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Disk {
    /// Mounts an empty disk over a directory; what its process complains of goes to a log.
    pub(super) fn over(directory: &Path, program: &DiskProgram, log: &Path) -> io::Result<Self> {
        let mut child = Command::new(&program.file)
            .args(&program.arguments)
            .arg(directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(log)?)
            // A Ctrl-C of the terminal is not for it: servers have files open.
            .process_group(0)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        let disk = Self { directory: directory.to_owned(), child: Mutex::new(child), pipes: Mutex::new(pipes) };
        match disk.line(None)?.as_str() {
            READY => Ok(disk),
            why => Err(io::Error::other(why.to_owned())),
        }
    }

    /// Gives an order, and waits until it is carried out.
    pub(super) fn order(&self, order: Order) -> io::Result<Told> {
        self.line(Some(order))?.parse().map_err(io::Error::other)
    }

    fn line(&self, order: Option<Order>) -> io::Result<String> {
        let gone = || io::Error::other("the process of the disk has ended");
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = pipes.as_mut().ok_or_else(gone)?;
        if let Some(order) = order {
            writeln!(input, "{order}").map_err(|_| gone())?;
        }
        let mut line = String::new();
        match output.read_line(&mut line)? {
            0 => Err(gone()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.pipes.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // The guard may have done it.
        let _ = unmount(&self.directory, UnmountFlags::DETACH);
        let limit = Instant::now() + ENDS_WITHIN;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < limit {
            sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Unmounts disks whose process is gone: somebody killed it, us and the guard. Only root can.
pub(super) fn clear_dead() {
    for (directory, pid) in fs::read_to_string("/proc/self/mounts").unwrap_or_default().lines().filter_map(mounted) {
        if !Path::new("/proc").join(pid.to_string()).exists() {
            let _ = unmount(&directory, UnmountFlags::DETACH);
        }
    }
}

/// Where a disk of ours is mounted, and the process that serves it, of a line of /proc/self/mounts (proc_mounts(5)).
fn mounted(line: &str) -> Option<(PathBuf, u32)> {
    let mut fields = line.split(' ');
    let (source, directory, kind) = (fields.next()?, fields.next()?, fields.next()?);
    let pid = source.rsplit_once(':')?.1.parse().ok()?;
    // Spaces in names are written in octal.
    (kind == FILE_SYSTEM).then(|| (PathBuf::from(directory.replace("\\040", " ")), pid))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::mounted;

    #[test]
    fn a_disk_of_ours_is_known_among_what_is_mounted() {
        let line = "lockbench-disk:4321 /tmp/lockbench-1-a/redis\\0400 fuse.lockbench-disk rw,nosuid 0 0";
        assert_eq!(mounted(line), Some((PathBuf::from("/tmp/lockbench-1-a/redis 0"), 4_321)));
        assert_eq!(mounted("host:/x /mnt nfs4 rw 0 0"), None);
        assert_eq!(mounted("a:1 /mnt fuse.other rw 0 0"), None);
    }
}

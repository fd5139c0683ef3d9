//! A disk that forgets: a FUSE file system in memory that knows what was synced. On a power cut it forgets of each
//! file what was written since its last fsync(2) or fdatasync(2), and of each directory the names that were made,
//! renamed and removed since the fsync of that directory. It can make fsync slow, too.
//!
//! ```text
//! serve    the process: mounts, takes orders on its standard input, says what was forgotten
//! order    the lines between that process and the one that started it
//! mount    what the kernel asks, answered from a Disk
//! disk     inodes and names, as they are now and as they are synced
//! content  the bytes of one file, likewise
//! ```
//!
//! **What is modelled.** fsync of a file makes its bytes and its length durable, fsync of a directory its names
//! (<https://man7.org/linux/man-pages/man2/fsync.2.html>). The first fsync of a new file keeps its name, too, with the
//! directories above. The manual does not promise that; it is assumed, as ZooKeeper did not sync the directory of its log.
//! A rename and a removal wait for the directory. `O_SYNC`, `O_DSYNC` and `msync` come as an
//! fsync from the kernel. The worst case always happens: nothing that was not synced survives, also what a real kernel
//! would have written back after its 30 s (`dirty_expire_centisecs`); [`Order::Settle`] stands for such time. Owner,
//! mode and times of a file are not forgotten.
//!
//! **Whom it serves.** All users of the machine (`allow_other`), with the kernel's own check of permissions. Only root
//! may mount so, and `/dev/fuse` must be there: [`unavailable`] says what is missing.

mod content;
mod disk;
mod mount;
mod order;
mod serve;

use std::fs::File;

pub use mount::{FILE_SYSTEM, Mounted};
pub use order::{Order, Told};
pub use serve::{READY, serve};

/// Where the kernel offers file systems in user space.
pub const DEVICE: &str = "/dev/fuse";

/// Returns why no such disk can be had on this machine, and what to do; `None`: it can.
#[must_use]
pub fn unavailable() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may mount a disk for the users of servers: run as root".to_owned());
    }
    let opened = File::options().read(true).write(true).open(DEVICE);
    opened.err().map(|error| {
        format!("{DEVICE} cannot be opened ({error}): `modprobe fuse`, or give the container --device {DEVICE} and SYS_ADMIN")
    })
}

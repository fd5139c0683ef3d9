//! What the kernel asks, answered from a [`Disk`].

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, SessionACL, TimeOrNow, WriteFlags,
};
use rustix::mount::{UnmountFlags, unmount};

use super::content::Content;
use super::disk::{Body, Disk, Names, Owner};
use super::order::{Order, Told};

/// Its type in /proc/self/mounts; the source there begins with the part after the dot, too, and a colon, then
/// the pid of the process that serves it.
pub const FILE_SYSTEM: &str = "fuse.lockbench-disk";

/// The kernel keeps no name and no attribute: it would not learn that they were forgotten.
const NEVER: Duration = Duration::ZERO;
/// Inode numbers are not used twice.
const GENERATION: Generation = Generation(0);
/// What statfs(2) says is free, in blocks of 4096 bytes: 16 GiB.
const BLOCKS: u64 = 1 << 22;
/// `FALLOC_FL_KEEP_SIZE` of fallocate(2).
const KEEP_SIZE: i32 = 1;

/// What the threads of a disk share.
struct Shared {
    state: Mutex<State>,
    /// Told when a delay changes, and by a power cut.
    news: Condvar,
}

struct State {
    disk: Disk,
    delay: Duration,
    /// Handles are numbered; those below were open before a power cut, and are good for nothing.
    next: u64,
    oldest: u64,
    /// What a directory had when it was opened.
    listed: HashMap<u64, Vec<(u64, FileType, OsString)>>,
}

impl State {
    fn opened(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn good(&self, handle: FileHandle) -> Result<(), Errno> {
        if handle.0 < self.oldest { Err(Errno::EIO) } else { Ok(()) }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it durable when the delay is over, and not where the power was cut meanwhile.
    fn slowly(&self, ino: u64, delay: Duration) -> Result<(), Errno> {
        let mut state = self.state();
        let (cut, end) = (state.oldest, Instant::now() + delay);
        while state.oldest == cut && !state.delay.is_zero() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.oldest != cut {
            return Err(Errno::EIO);
        }
        state.disk.sync(ino)
    }
}

/// A disk that is mounted.
pub struct Mounted {
    shared: Arc<Shared>,
    session: BackgroundSession,
    directory: std::path::PathBuf,
}

impl Mounted {
    /// Mounts an empty disk over a directory, whose owner and mode its root has.
    ///
    /// # Errors
    /// Nothing can be mounted here: see [`unavailable`](super::unavailable).
    pub fn over(directory: &Path) -> io::Result<Self> {
        let below = directory.metadata()?;
        let owner = Owner { mode: (below.permissions().mode() & 0o7777) as u16, uid: below.uid(), gid: below.gid() };
        let state = State { disk: Disk::new(owner), delay: NEVER, next: 0, oldest: 0, listed: HashMap::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), news: Condvar::new() });
        let mut config = Config::default();
        let name = FILE_SYSTEM.trim_start_matches("fuse.");
        config.mount_options = vec![
            MountOption::FSName(format!("{name}:{}", std::process::id())),
            MountOption::Subtype(name.to_owned()),
            MountOption::DefaultPermissions,
            MountOption::NoSuid,
            MountOption::NoDev,
        ];
        config.acl = SessionACL::All;
        let session = fuser::spawn_mount(Files(Arc::clone(&shared)), directory, &config)?;
        Ok(Self { shared, session, directory: directory.to_owned() })
    }

    /// Carries out an order. Returns what was done so far.
    pub fn obey(&self, order: Order) -> Told {
        let mut state = self.shared.state();
        match order {
            Order::Settle => state.disk.settle(),
            Order::Cut => {
                state.oldest = state.next + 1;
                state.disk.forget();
                self.shared.news.notify_all();
            }
            Order::Delay(ns) => {
                state.delay = Duration::from_nanos(ns);
                self.shared.news.notify_all();
            }
            Order::Tell => {}
        }
        state.disk.told()
    }

    /// Returns whether the kernel has let go of it.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.session.guard.is_finished()
    }

    /// Takes it out of sight; it serves those who have files of it open until they close them.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn detach(&self) -> io::Result<()> {
        Ok(unmount(&self.directory, UnmountFlags::DETACH)?)
    }

    /// Waits until the kernel has let go of it.
    ///
    /// # Errors
    /// The session broke.
    pub fn wait(self) -> io::Result<()> {
        self.session.join()
    }
}

/// What the kernel asks. Answers are given under one lock, but for a slow fsync.
struct Files(Arc<Shared>);

impl Files {
    fn owner(request: &Request, mode: u32) -> Owner {
        Owner { mode: (mode & 0o7777) as u16, uid: request.uid(), gid: request.gid() }
    }

    fn sync(&self, ino: INodeNo, handle: FileHandle, reply: ReplyEmpty) {
        let mut state = self.0.state();
        if let Err(error) = state.good(handle) {
            return reply.error(error);
        }
        if state.delay.is_zero() {
            return answer(reply, state.disk.sync(ino.0));
        }
        state.disk.delayed();
        let (shared, delay) = (Arc::clone(&self.0), state.delay);
        drop(state);
        // The thread of the session must go on reading: others write meanwhile.
        thread::spawn(move || answer(reply, shared.slowly(ino.0, delay)));
    }

    fn entry(reply: ReplyEntry, attributes: Result<FileAttr, Errno>) {
        match attributes {
            Ok(attributes) => reply.entry(&NEVER, &attributes, GENERATION),
            Err(error) => reply.error(error),
        }
    }

    fn make(&self, request: &Request, parent: INodeNo, name: &OsStr, body: Body, mode: u32) -> Result<FileAttr, Errno> {
        let mut state = self.0.state();
        let ino = state.disk.create(parent.0, name, body, Self::owner(request, mode), 0)?;
        state.disk.known(ino)
    }
}

fn answer(reply: ReplyEmpty, done: Result<(), Errno>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn time(time: Option<TimeOrNow>) -> Option<SystemTime> {
    time.map(|time| match time {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => SystemTime::now(),
    })
}

impl Filesystem for Files {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut state = self.0.state();
        let found = state.disk.look_up(parent.0, name);
        Self::entry(reply, found.and_then(|ino| state.disk.known(ino)));
    }

    fn forget(&self, _: &Request, ino: INodeNo, times: u64) {
        self.0.state().disk.unknown(ino.0, times);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.state().disk.attributes(ino.0) {
            Ok(attributes) => reply.attr(&NEVER, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        handle: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.0.state();
        let mut change = || {
            handle.map_or(Ok(()), |handle| state.good(handle))?;
            if let Some(size) = size {
                state.disk.content_mut(ino.0)?.resize(size);
            }
            state.disk.change(ino.0, (mode, uid, gid), (time(accessed), time(modified)))?;
            state.disk.attributes(ino.0)
        };
        match change() {
            Ok(attributes) => reply.attr(&NEVER, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.0.state().disk.link_target(ino.0) {
            Ok(target) => reply.data(target.as_os_str().as_encoded_bytes()),
            Err(error) => reply.error(error),
        }
    }

    fn mknod(&self, request: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, _: u32, reply: ReplyEntry) {
        // The type of a file in its mode: inode(7).
        let body = match mode & 0o170_000 {
            0 | 0o100_000 => Body::File(Content::default()),
            0o010_000 => Body::Special(FileType::NamedPipe),
            0o140_000 => Body::Special(FileType::Socket),
            _ => return reply.error(Errno::EPERM),
        };
        Self::entry(reply, self.make(request, parent, name, body, mode));
    }

    fn mkdir(&self, request: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        Self::entry(reply, self.make(request, parent, name, Body::Directory(Names::default()), mode));
    }

    fn symlink(&self, request: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        Self::entry(reply, self.make(request, parent, name, Body::Link(target.to_owned()), 0o777));
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut state = self.0.state();
        let linked = state.disk.link(ino.0, parent.0, name);
        Self::entry(reply, linked.and_then(|()| state.disk.known(ino.0)));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.state().disk.remove(parent.0, name, false));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.state().disk.remove(parent.0, name, true));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        to: INodeNo,
        new: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let replace = !flags.contains(RenameFlags::RENAME_NOREPLACE);
        answer(reply, self.0.state().disk.rename((parent.0, name), (to.0, new), replace));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // Without KEEP_CACHE the kernel reads anew what it may have from before a power cut.
        reply.opened(FileHandle(self.0.state().opened()), FopenFlags::empty());
    }

    fn create(&self, request: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, _: i32, reply: ReplyCreate) {
        match self.make(request, parent, name, Body::File(Content::default()), mode) {
            Ok(attributes) => {
                let handle = FileHandle(self.0.state().opened());
                reply.created(&NEVER, &attributes, GENERATION, handle, FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let state = self.0.state();
        match state.good(handle).and_then(|()| state.disk.content(ino.0)) {
            Ok(content) => reply.data(&content.read(offset, u64::from(size))),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut state = self.0.state();
        match state.good(handle).and_then(|()| state.disk.content_mut(ino.0)) {
            Ok(content) => {
                content.write(offset, data);
                reply.written(data.len() as u32);
            }
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // close(2) makes nothing durable.
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(ino, handle, reply);
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let mut state = self.0.state();
        let done = state.good(handle).and_then(|()| match mode {
            0 => {
                let content = state.disk.content_mut(ino.0)?;
                let end = offset.saturating_add(length).max(content.size());
                content.resize(end);
                Ok(())
            }
            KEEP_SIZE => Ok(()),
            _ => Err(Errno::EOPNOTSUPP),
        });
        answer(reply, done);
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let mut state = self.0.state();
        match state.disk.list(ino.0) {
            Ok(list) => {
                let handle = state.opened();
                state.listed.insert(handle, list);
                reply.opened(FileHandle(handle), FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn readdir(&self, _: &Request, ino: INodeNo, handle: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let mut state = self.0.state();
        if offset == 0
            && let Ok(list) = state.disk.list(ino.0)
        {
            // rewinddir(3) must see what is there now.
            state.listed.insert(handle.0, list);
        }
        let list = state.listed.get(&handle.0).map_or(&[][..], Vec::as_slice);
        for (place, (ino, kind, name)) in (1..).zip(list).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            if reply.add(INodeNo(*ino), place, *kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.0.state().listed.remove(&handle.0);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(ino, handle, reply);
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, 4096, 255, 4096);
    }
}

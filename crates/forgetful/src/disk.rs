//! Inodes and names, as they are now and as they are synced.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::SystemTime;

use fuser::{Errno, FileAttr, FileType, INodeNo};

use super::content::Content;
use super::order::Told;

/// Number of the root, as the kernel has it.
pub(crate) const ROOT: u64 = 1;

/// What an inode is.
pub(crate) enum Body {
    File(Content),
    Directory(Names),
    Link(PathBuf),
    /// A pipe or a socket: the kernel does what it is for.
    Special(FileType),
}

/// The names in a directory.
#[derive(Default)]
pub(crate) struct Names {
    now: BTreeMap<OsString, u64>,
    synced: BTreeMap<OsString, u64>,
    changed: BTreeSet<OsString>,
    /// Names made and removed since the last sync.
    unsynced: u64,
}

/// What is kept of an inode as it is, whatever was synced.
pub(crate) struct Owner {
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

struct Inode {
    body: Body,
    owner: Owner,
    accessed: SystemTime,
    modified: SystemTime,
    changed: SystemTime,
    device: u32,
    /// Names that it has now, and in what is synced; and how often the kernel has looked it up.
    names: u32,
    synced_names: u32,
    known: u64,
}

/// A file system in memory. All errors are those that the kernel tells the caller.
pub(crate) struct Disk {
    inodes: HashMap<u64, Inode>,
    next: u64,
    told: Told,
}

impl Disk {
    /// With an empty root of this owner.
    pub(crate) fn new(owner: Owner) -> Self {
        let mut disk = Self { inodes: HashMap::new(), next: ROOT, told: Told::default() };
        let root = disk.make(Body::Directory(Names::default()), owner, 0);
        if let Some(root) = disk.inodes.get_mut(&root) {
            root.known = 1;
        }
        disk
    }

    fn make(&mut self, body: Body, owner: Owner, device: u32) -> u64 {
        let (ino, now) = (self.next, SystemTime::now());
        self.next += 1;
        let times = (now, now, now);
        let inode = Inode {
            body,
            owner,
            accessed: times.0,
            modified: times.1,
            changed: times.2,
            device,
            names: 0,
            synced_names: 0,
            known: 0,
        };
        self.inodes.insert(ino, inode);
        ino
    }

    fn inode(&self, ino: u64) -> Result<&Inode, Errno> {
        self.inodes.get(&ino).ok_or(Errno::ESTALE)
    }

    fn inode_mut(&mut self, ino: u64) -> Result<&mut Inode, Errno> {
        self.inodes.get_mut(&ino).ok_or(Errno::ESTALE)
    }

    fn names(&self, ino: u64) -> Result<&Names, Errno> {
        match &self.inode(ino)?.body {
            Body::Directory(names) => Ok(names),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn names_mut(&mut self, ino: u64) -> Result<&mut Names, Errno> {
        let inode = self.inode_mut(ino)?;
        (inode.modified, inode.changed) = (SystemTime::now(), SystemTime::now());
        match &mut inode.body {
            Body::Directory(names) => Ok(names),
            _ => Err(Errno::ENOTDIR),
        }
    }

    pub(crate) fn content(&self, ino: u64) -> Result<&Content, Errno> {
        match &self.inode(ino)?.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The content of a file that is about to be changed.
    pub(crate) fn content_mut(&mut self, ino: u64) -> Result<&mut Content, Errno> {
        let inode = self.inode_mut(ino)?;
        (inode.modified, inode.changed) = (SystemTime::now(), SystemTime::now());
        match &mut inode.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn link_target(&self, ino: u64) -> Result<&PathBuf, Errno> {
        match &self.inode(ino)?.body {
            Body::Link(target) => Ok(target),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn attributes(&self, ino: u64) -> Result<FileAttr, Errno> {
        let inode = self.inode(ino)?;
        let (kind, size, allocated) = match &inode.body {
            Body::File(content) => (FileType::RegularFile, content.size(), content.allocated()),
            Body::Directory(_) => (FileType::Directory, 4096, 4096),
            Body::Link(target) => (FileType::Symlink, target.as_os_str().len() as u64, 0),
            Body::Special(kind) => (*kind, 0, 0),
        };
        Ok(FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: allocated / 512,
            atime: inode.accessed,
            mtime: inode.modified,
            ctime: inode.changed,
            crtime: inode.changed,
            kind,
            perm: inode.owner.mode,
            nlink: if kind == FileType::Directory { 2 } else { inode.names },
            uid: inode.owner.uid,
            gid: inode.owner.gid,
            rdev: inode.device,
            blksize: 4096,
            flags: 0,
        })
    }

    /// Changes owner and times.
    pub(crate) fn change(
        &mut self,
        ino: u64,
        (mode, uid, gid): (Option<u32>, Option<u32>, Option<u32>),
        (accessed, modified): (Option<SystemTime>, Option<SystemTime>),
    ) -> Result<(), Errno> {
        let inode = self.inode_mut(ino)?;
        inode.owner.mode = mode.map_or(inode.owner.mode, |mode| (mode & 0o7777) as u16);
        inode.owner.uid = uid.unwrap_or(inode.owner.uid);
        inode.owner.gid = gid.unwrap_or(inode.owner.gid);
        inode.accessed = accessed.unwrap_or(inode.accessed);
        inode.modified = modified.unwrap_or(inode.modified);
        inode.changed = SystemTime::now();
        Ok(())
    }

    pub(crate) fn look_up(&self, parent: u64, name: &OsStr) -> Result<u64, Errno> {
        self.names(parent)?.now.get(name).copied().ok_or(Errno::ENOENT)
    }

    /// The kernel knows it once more.
    pub(crate) fn known(&mut self, ino: u64) -> Result<FileAttr, Errno> {
        self.inode_mut(ino)?.known += 1;
        self.attributes(ino)
    }

    /// The kernel knows it so many times less.
    pub(crate) fn unknown(&mut self, ino: u64, times: u64) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.known = inode.known.saturating_sub(times);
            self.collect(ino);
        }
    }

    /// What is in a directory, with what it is.
    pub(crate) fn list(&self, ino: u64) -> Result<Vec<(u64, FileType, OsString)>, Errno> {
        let names = self.names(ino)?;
        let dots = [".", ".."].map(|name| (ino, FileType::Directory, OsString::from(name)));
        let others =
            names.now.iter().filter_map(|(name, ino)| Some((*ino, self.attributes(*ino).ok()?.kind, name.clone())));
        Ok(dots.into_iter().chain(others).collect())
    }

    /// Makes something new under a name that is free.
    pub(crate) fn create(
        &mut self,
        parent: u64,
        name: &OsStr,
        body: Body,
        owner: Owner,
        device: u32,
    ) -> Result<u64, Errno> {
        if self.names(parent)?.now.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let ino = self.make(body, owner, device);
        self.add_name(parent, name, ino)?;
        Ok(ino)
    }

    pub(crate) fn link(&mut self, ino: u64, parent: u64, name: &OsStr) -> Result<(), Errno> {
        if self.names(parent)?.now.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        self.add_name(parent, name, ino)
    }

    /// Removes the name of a file, or that of an empty directory.
    pub(crate) fn remove(&mut self, parent: u64, name: &OsStr, directory: bool) -> Result<(), Errno> {
        let ino = self.look_up(parent, name)?;
        match (&self.inode(ino)?.body, directory) {
            (Body::Directory(names), true) if !names.now.is_empty() => return Err(Errno::ENOTEMPTY),
            (Body::Directory(_), false) => return Err(Errno::EISDIR),
            (Body::Directory(_), true) => {}
            (_, true) => return Err(Errno::ENOTDIR),
            (_, false) => {}
        }
        self.take_name(parent, name)
    }

    /// Renames, in place of what has the new name, if that may be.
    pub(crate) fn rename(
        &mut self,
        (from, name): (u64, &OsStr),
        (to, new): (u64, &OsStr),
        replace: bool,
    ) -> Result<(), Errno> {
        let ino = self.look_up(from, name)?;
        let directory = matches!(self.inode(ino)?.body, Body::Directory(_));
        match self.look_up(to, new) {
            Ok(_) if !replace => return Err(Errno::EEXIST),
            Ok(there) if there == ino => return Ok(()),
            Ok(_) => self.remove(to, new, directory)?,
            Err(_) => {}
        }
        self.add_name(to, new, ino)?;
        self.take_name(from, name)
    }

    fn add_name(&mut self, parent: u64, name: &OsStr, ino: u64) -> Result<(), Errno> {
        self.inode_mut(ino)?.names += 1;
        let names = self.names_mut(parent)?;
        names.now.insert(name.to_owned(), ino);
        names.changed.insert(name.to_owned());
        names.unsynced += 1;
        Ok(())
    }

    fn take_name(&mut self, parent: u64, name: &OsStr) -> Result<(), Errno> {
        let names = self.names_mut(parent)?;
        let ino = names.now.remove(name).ok_or(Errno::ENOENT)?;
        names.changed.insert(name.to_owned());
        names.unsynced += 1;
        let inode = self.inode_mut(ino)?;
        inode.names = inode.names.saturating_sub(1);
        inode.changed = SystemTime::now();
        self.collect(ino);
        Ok(())
    }

    /// Makes what is there now durable: the bytes of a file, or the names in a directory.
    pub(crate) fn sync(&mut self, ino: u64) -> Result<(), Errno> {
        self.told.fsyncs += 1;
        self.make_durable(ino)?;
        self.keep_name(ino);
        Ok(())
    }

    /// Makes the names durable of something that has none yet that are, and those of the directories above.
    fn keep_name(&mut self, ino: u64) {
        let new = |inode: &Inode| inode.synced_names == 0 && inode.names > 0;
        if !self.inodes.get(&ino).is_some_and(new) {
            return;
        }
        let mut above = Vec::new();
        let mut replaced = Vec::new();
        for (parent, inode) in &mut self.inodes {
            let Body::Directory(Names { now, synced, changed, unsynced }) = &mut inode.body else { continue };
            for (name, _) in now.iter().filter(|(_, named)| **named == ino) {
                above.push(*parent);
                replaced.extend(synced.insert(name.clone(), ino));
                changed.remove(name);
                *unsynced = unsynced.saturating_sub(1);
            }
        }
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.synced_names += above.len() as u32;
        }
        for old in replaced {
            if let Some(inode) = self.inodes.get_mut(&old) {
                inode.synced_names = inode.synced_names.saturating_sub(1);
            }
            self.collect(old);
        }
        above.into_iter().for_each(|parent| self.keep_name(parent));
    }

    /// A call of fsync was made slow.
    pub(crate) fn delayed(&mut self) {
        self.told.delayed += 1;
    }

    fn make_durable(&mut self, ino: u64) -> Result<(), Errno> {
        let names = match &mut self.inode_mut(ino)?.body {
            Body::File(content) => {
                content.sync();
                return Ok(());
            }
            Body::Directory(names) => names,
            Body::Link(_) | Body::Special(_) => return Ok(()),
        };
        names.unsynced = 0;
        let (mut added, mut taken) = (Vec::new(), Vec::new());
        for name in std::mem::take(&mut names.changed) {
            let now = names.now.get(&name).copied();
            added.extend(now);
            taken.extend(match now {
                Some(ino) => names.synced.insert(name, ino),
                None => names.synced.remove(&name),
            });
        }
        for ino in added {
            self.inode_mut(ino)?.synced_names += 1;
        }
        for ino in taken {
            if let Some(inode) = self.inodes.get_mut(&ino) {
                inode.synced_names = inode.synced_names.saturating_sub(1);
            }
            self.collect(ino);
        }
        Ok(())
    }

    /// Takes all that is there as synced.
    pub(crate) fn settle(&mut self) {
        let all: Vec<u64> = self.inodes.keys().copied().collect();
        for ino in all {
            // One that is gone by now was a name that another settled.
            let _ = self.make_durable(ino);
        }
    }

    /// Goes back to what is durable.
    pub(crate) fn forget(&mut self) {
        for inode in self.inodes.values_mut() {
            inode.names = 0;
            match &mut inode.body {
                Body::File(content) => {
                    if let Some(bytes) = content.forget() {
                        self.told.bytes += bytes;
                        self.told.files += 1;
                    }
                }
                Body::Directory(names) => {
                    self.told.names += std::mem::take(&mut names.unsynced);
                    names.changed.clear();
                    names.now.clone_from(&names.synced);
                }
                Body::Link(_) | Body::Special(_) => {}
            }
        }
        let mut named: HashMap<u64, u32> = HashMap::new();
        for inode in self.inodes.values() {
            if let Body::Directory(names) = &inode.body {
                names.now.values().for_each(|ino| *named.entry(*ino).or_default() += 1);
            }
        }
        for (ino, count) in named {
            if let Some(inode) = self.inodes.get_mut(&ino) {
                inode.names = count;
            }
        }
        let all: Vec<u64> = self.inodes.keys().copied().collect();
        all.into_iter().for_each(|ino| self.collect(ino));
    }

    /// What was done so far.
    pub(crate) fn told(&self) -> Told {
        self.told
    }

    /// Frees an inode that nothing leads to, and what only it led to.
    fn collect(&mut self, ino: u64) {
        let Some(inode) = self.inodes.get(&ino) else { return };
        if inode.names > 0 || inode.synced_names > 0 || inode.known > 0 {
            return;
        }
        let Some(Inode { body: Body::Directory(names), .. }) = self.inodes.remove(&ino) else { return };
        for inner in names.now.into_values() {
            if let Some(inode) = self.inodes.get_mut(&inner) {
                inode.names = inode.names.saturating_sub(1);
            }
            self.collect(inner);
        }
        for inner in names.synced.into_values() {
            if let Some(inode) = self.inodes.get_mut(&inner) {
                inode.synced_names = inode.synced_names.saturating_sub(1);
            }
            self.collect(inner);
        }
    }
}

#[cfg(test)]
mod tests;

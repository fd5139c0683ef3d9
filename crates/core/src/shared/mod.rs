//! Memory that the worker threads of this process, or its worker processes too, share: the lines of
//! atomics behind the witness and the requests under way, and the rings of events.
//!
//! This module has all of the unsafe code of lockbench, but for the line by which an event says that it is plain, for
//! two reasons. A mapping that another process writes
//! to cannot be a Rust value with an owner, so that somebody has to say what it may be read as; and a ring whose
//! places are written by one process and read by another cannot be borrowed.
//!
//! What makes it sound: a block starts as zeros and is reached only as [`Line`]s of atomics, for which every bit
//! pattern is a value, or through a [`ring`], which reads a place only after its writer has published it. The
//! processes that map a block run the same program file (a worker is started from `/proc/self/exe`), so that
//! they agree on what an event looks like. A process that is killed in the middle of a write never publishes it.
//! A block never moves and is unmapped when the last that uses it is gone.
//!
//! A shared block is a `memfd`: it has no name in the file system, so that nothing is left of it whatever ends the
//! processes. Another process opens it by `/proc/PID/fd/N` of the one that made it.
#![allow(unsafe_code)]

pub mod ring;

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rustix::fs::{MemfdFlags, fstat, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use serde::{Deserialize, Serialize};

/// Bytes that two threads of one core pair fetch together: what is written by different ones lies that far apart.
const ALIGN: usize = 128;

/// A cache line of its own, for the numbers that change together.
#[derive(Default)]
#[repr(align(128))]
pub struct Line(pub [AtomicU64; Line::WORDS]);

impl Line {
    /// Numbers of a line.
    pub const WORDS: usize = 16;
}

/// Where a block is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this process.
    Own,
    /// In memory that other processes can map.
    Shared,
}

/// The name by which another process of this host finds a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockName {
    path: String,
    bytes: usize,
}

/// Zeroed memory. Clones are the same memory.
#[derive(Clone)]
pub(crate) struct Block(Arc<Mapping>);

struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
    /// `None`: memory of this process.
    shared: Option<OwnedFd>,
}

// SAFETY: the memory is not tied to a thread, and is reached only by atomics and by the rings, which see to it that
// one thread writes a place while no other looks at it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Block {
    /// A new one of so many bytes, above 0.
    ///
    /// # Errors
    /// There is no more shared memory to be had.
    pub(crate) fn new(bytes: usize, place: Place) -> io::Result<Self> {
        match place {
            Place::Own => Ok(Self::own(bytes)),
            Place::Shared => {
                let fd = memfd_create("lockbench", MemfdFlags::CLOEXEC)?;
                ftruncate(&fd, bytes as u64)?;
                Self::map(fd, bytes)
            }
        }
    }

    pub(crate) fn own(bytes: usize) -> Self {
        let layout = layout(bytes);
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        Self(Arc::new(Mapping { start, bytes, shared: None }))
    }

    /// The one of that name, which another process made.
    ///
    /// # Errors
    /// It is gone, or its length is another one.
    pub(crate) fn open(name: &BlockName) -> io::Result<Self> {
        let fd = OwnedFd::from(OpenOptions::new().read(true).write(true).open(&name.path)?);
        if fstat(&fd)?.st_size as usize != name.bytes {
            return Err(io::Error::other(format!("{} is no memory of lockbench", name.path)));
        }
        Self::map(fd, name.bytes)
    }

    fn map(fd: OwnedFd, bytes: usize) -> io::Result<Self> {
        // SAFETY: the kernel picks the place, so that nothing of this process lies there, and the file is as long as
        // the mapping and is never shortened.
        let start =
            unsafe { mmap(std::ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &fd, 0)? };
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at null"))?;
        Ok(Self(Arc::new(Mapping { start, bytes, shared: Some(fd) })))
    }

    /// How another process finds it; `None`: it cannot.
    pub(crate) fn name(&self) -> Option<BlockName> {
        let fd = self.0.shared.as_ref()?;
        Some(BlockName { path: format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd()), bytes: self.0.bytes })
    }

    /// The lines from one on, as many as told.
    #[inline]
    fn lines(&self, first: usize, count: usize) -> &[Line] {
        assert!((first + count) * size_of::<Line>() <= self.0.bytes, "lines beyond the end of a block");
        // SAFETY: the lines lie within the block (just checked), are aligned as its start is, and consist of atomics,
        // for which zeros are values and which others may change meanwhile.
        unsafe { std::slice::from_raw_parts(self.0.start.as_ptr().cast::<Line>().add(first), count) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.shared.is_some() {
            // SAFETY: this is what was mapped, and nobody has a reference into it any more. It cannot fail on these.
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.bytes) };
        } else {
            // SAFETY: it was allocated by this layout.
            unsafe { dealloc(self.start.as_ptr(), layout(self.bytes)) }
        }
    }
}

fn layout(bytes: usize) -> Layout {
    // Only a length near the whole address space has no layout.
    Layout::from_size_align(bytes.max(1), ALIGN).unwrap_or_else(|_| Layout::new::<Line>())
}

/// Lines of atomics. Clones are the same lines.
#[derive(Clone)]
pub struct Lines {
    block: Block,
    count: usize,
}

impl Lines {
    /// So many, all zero.
    ///
    /// # Errors
    /// There is no more shared memory to be had.
    pub fn new(count: usize, place: Place) -> io::Result<Self> {
        Ok(Self { block: Block::new(count.max(1) * size_of::<Line>(), place)?, count })
    }

    /// So many in this process, all zero.
    #[must_use]
    pub fn own(count: usize) -> Self {
        Self { block: Block::own(count.max(1) * size_of::<Line>()), count }
    }

    /// Those that another process made.
    ///
    /// # Errors
    /// They are gone.
    pub fn open(name: &BlockName) -> io::Result<Self> {
        Ok(Self { block: Block::open(name)?, count: name.bytes / size_of::<Line>() })
    }

    /// How another process finds them; `None`: it cannot.
    #[must_use]
    pub fn name(&self) -> Option<BlockName> {
        self.block.name()
    }
}

impl std::ops::Deref for Lines {
    type Target = [Line];

    #[inline]
    fn deref(&self) -> &[Line] {
        self.block.lines(0, self.count)
    }
}

/// So many numbers for each of so many things, those of a thing on cache lines of its own.
#[derive(Clone)]
pub struct Words {
    lines: Lines,
    /// Numbers of a thing.
    each: usize,
    /// Lines of a thing.
    stride: usize,
}

impl Words {
    /// `each` for every one of `count` things, all zero.
    ///
    /// # Errors
    /// There is no more shared memory to be had.
    pub fn new(count: usize, each: usize, place: Place) -> io::Result<Self> {
        let stride = each.div_ceil(Line::WORDS);
        Ok(Self { lines: Lines::new(count * stride, place)?, each, stride })
    }

    /// The same in this process.
    #[must_use]
    pub fn own(count: usize, each: usize) -> Self {
        let stride = each.div_ceil(Line::WORDS);
        Self { lines: Lines::own(count * stride), each, stride }
    }

    /// Those that another process made, `each` for every thing.
    ///
    /// # Errors
    /// They are gone.
    pub fn open(name: &BlockName, each: usize) -> io::Result<Self> {
        Ok(Self { lines: Lines::open(name)?, each, stride: each.div_ceil(Line::WORDS) })
    }

    /// How another process finds them; `None`: it cannot.
    #[must_use]
    pub fn name(&self) -> Option<BlockName> {
        self.lines.name()
    }

    /// Number of things.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lines.len() / self.stride
    }

    /// One number of a thing.
    #[must_use]
    #[inline]
    pub fn word(&self, thing: usize, number: usize) -> &AtomicU64 {
        debug_assert!(number < self.each, "a number of another thing");
        &self.lines[thing * self.stride + number / Line::WORDS].0[number % Line::WORDS]
    }

    /// All numbers of a thing.
    #[inline]
    pub fn of(&self, thing: usize) -> impl Iterator<Item = &AtomicU64> {
        let lines = &self.lines[thing * self.stride..(thing + 1) * self.stride];
        lines.iter().flat_map(|line| &line.0).take(self.each)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::{Lines, Place};

    #[test]
    fn lines_start_as_zeros_and_are_the_same_under_their_name() {
        let lines = Lines::new(3, Place::Shared).unwrap();
        assert!(lines.len() == 3 && lines.iter().all(|line| line.0.iter().all(|word| word.load(Relaxed) == 0)));
        let same = Lines::open(&lines.name().unwrap()).unwrap();
        same[2].0[15].store(7, Relaxed);
        assert_eq!((same.len(), lines[2].0[15].load(Relaxed)), (3, 7));
        let own = Lines::own(2);
        assert!(own.len() == 2 && own.name().is_none());
    }

    #[test]
    fn what_is_gone_is_said_so() {
        let name = Lines::new(1, Place::Shared).unwrap().name().unwrap();
        assert!(Lines::open(&name).is_err());
    }
}

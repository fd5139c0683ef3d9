//! A bounded ring from one writer to one reader, in the memory of one process or of two. Never blocks, never
//! allocates after its making.

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::{Block, BlockName, Line, Place};

/// What may pass through a ring that two processes share.
///
/// # Safety
/// It has no pointers and no owner: a copy of its bytes means the same in another process of the same program.
pub unsafe trait Plain: Copy + Send + 'static {}

/// Lines before the places: the numbers of what was written and of what was read, and one for whoever uses the ring.
const HEAD_LINES: usize = 3;

/// Where the places are, and who is how far.
struct Ring<T> {
    block: Block,
    capacity: usize,
    of: PhantomData<T>,
}

impl<T> Clone for Ring<T> {
    fn clone(&self) -> Self {
        Self { block: self.block.clone(), capacity: self.capacity, of: PhantomData }
    }
}

/// The writing end.
pub struct Writer<T> {
    ring: Ring<T>,
    /// Number of what was written.
    written: u64,
    /// Number of what was read, as seen last.
    read: u64,
}

/// The reading end.
pub struct Reader<T> {
    ring: Ring<T>,
    read: u64,
}

/// A ring with room for at least so many, rounded up to a power of two.
///
/// # Errors
/// There is no more shared memory to be had.
pub fn ring<T: Plain>(room: usize, place: Place) -> io::Result<(Writer<T>, Reader<T>)> {
    let capacity = room.max(2).next_power_of_two();
    let bytes = HEAD_LINES * size_of::<Line>() + capacity * size_of::<T>();
    let ring = Ring { block: Block::new(bytes, place)?, capacity, of: PhantomData };
    Ok((Writer { ring: ring.clone(), written: 0, read: 0 }, Reader { ring, read: 0 }))
}

impl<T: Plain> Ring<T> {
    const FITS: () = assert!(align_of::<T>() <= align_of::<Line>(), "the places are aligned as lines are");

    fn place(&self, number: u64) -> *mut MaybeUninit<T> {
        const { Self::FITS };
        let at = number as usize & (self.capacity - 1);
        // SAFETY: the block has room for `capacity` places after the head lines.
        unsafe { self.block.0.start.as_ptr().add(HEAD_LINES * size_of::<Line>()).cast::<MaybeUninit<T>>().add(at) }
    }

    fn written(&self) -> &std::sync::atomic::AtomicU64 {
        &self.block.lines(0, HEAD_LINES)[0].0[0]
    }

    fn read(&self) -> &std::sync::atomic::AtomicU64 {
        &self.block.lines(0, HEAD_LINES)[1].0[0]
    }

    fn line(&self) -> &Line {
        &self.block.lines(0, HEAD_LINES)[2]
    }
}

impl<T: Plain> Writer<T> {
    /// Writes one, if there is room. Returns whether there was.
    #[inline]
    pub fn push(&mut self, value: T) -> bool {
        if self.free_as_seen() == 0 {
            self.read = self.ring.read().load(Acquire);
            if self.free_as_seen() == 0 {
                return false;
            }
        }
        // SAFETY: the reader has read this place (or it was never written), and looks at it again only after the
        // store below. No other writer exists: the ends are not `Clone`, and a process opens a ring once.
        unsafe { (*self.ring.place(self.written)).write(value) };
        self.written += 1;
        self.ring.written().store(self.written, Release);
        true
    }

    /// Places that are free now.
    #[inline]
    pub fn free(&mut self) -> usize {
        self.read = self.ring.read().load(Acquire);
        self.free_as_seen()
    }

    /// Returns whether at least so many places are free; looks at the reader only where that may have changed it.
    #[inline]
    pub fn has_free(&mut self, wanted: usize) -> bool {
        self.free_as_seen() >= wanted || self.free() >= wanted
    }

    fn free_as_seen(&self) -> usize {
        self.ring.capacity - (self.written - self.read) as usize
    }

    /// Places in all.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity
    }

    /// A line beside the ring, for both ends.
    #[inline]
    #[must_use]
    pub fn line(&self) -> &Line {
        self.ring.line()
    }

    /// The writing end of a ring that another process made and has not written to; it must not be opened twice.
    ///
    /// # Errors
    /// It is gone.
    pub fn open(name: &BlockName) -> io::Result<Self> {
        let block = Block::open(name)?;
        let places = name.bytes.saturating_sub(HEAD_LINES * size_of::<Line>()) / size_of::<T>();
        if !places.is_power_of_two() {
            return Err(io::Error::other(format!("{} is no ring of this version of lockbench", name.path)));
        }
        Ok(Self { ring: Ring { block, capacity: places, of: PhantomData }, written: 0, read: 0 })
    }
}

impl<T: Plain> Reader<T> {
    /// Hands over what is there now.
    pub fn drain(&mut self, mut take: impl FnMut(T)) {
        let written = self.ring.written().load(Acquire);
        // A writer in another process is trusted with its events, not with our memory.
        let written = written.min(self.read + self.ring.capacity as u64);
        while self.read < written {
            // SAFETY: the writer published everything below `written`, and writes this place again only after the
            // store below.
            let value = unsafe { (*self.ring.place(self.read)).assume_init_read() };
            self.read += 1;
            take(value);
            // Room is made as it is read: the writer of a busy ring need not wait for the end of this.
            if self.read & 63 == 0 {
                self.ring.read().store(self.read, Release);
            }
        }
        self.ring.read().store(self.read, Release);
    }

    /// A line beside the ring, for both ends.
    #[must_use]
    pub fn line(&self) -> &Line {
        self.ring.line()
    }

    /// How another process finds it; `None`: it cannot.
    #[must_use]
    pub fn name(&self) -> Option<BlockName> {
        self.ring.block.name()
    }
}

#[cfg(test)]
mod tests {
    use super::{Plain, Reader, Writer, ring};
    use crate::shared::Place;

    // SAFETY: a number.
    unsafe impl Plain for u64 {}

    fn all(reader: &mut Reader<u64>) -> Vec<u64> {
        let mut seen = Vec::new();
        reader.drain(|value| seen.push(value));
        seen
    }

    #[test]
    fn a_full_ring_takes_no_more_until_it_is_read() {
        for place in [Place::Own, Place::Shared] {
            let (mut writer, mut reader) = ring::<u64>(4, place).unwrap();
            assert!((0..4).all(|value| writer.push(value)) && !writer.push(4) && writer.free() == 0);
            assert_eq!(all(&mut reader), [0, 1, 2, 3]);
            assert!(writer.has_free(4) && writer.push(5));
            assert_eq!(all(&mut reader), [5]);
        }
    }

    #[test]
    fn the_end_that_is_opened_by_name_writes_to_the_same_ring() {
        let (_, mut reader) = ring::<u64>(8, Place::Shared).unwrap();
        let mut writer = Writer::<u64>::open(&reader.name().unwrap()).unwrap();
        assert!(writer.capacity() == 8 && writer.push(7));
        assert_eq!(all(&mut reader), [7]);
    }

    #[test]
    fn everything_arrives_once_and_in_order_while_both_run() {
        let (mut writer, mut reader) = ring::<u64>(64, Place::Shared).unwrap();
        const COUNT: u64 = 300_000;
        let mut next = 0;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                (0..COUNT).for_each(|value| {
                    while !writer.push(value) {
                        std::thread::yield_now()
                    }
                })
            });
            while next < COUNT {
                reader.drain(|value| {
                    assert_eq!(value, next);
                    next += 1;
                });
            }
        });
    }
}

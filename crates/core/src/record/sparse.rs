//! State by number (of a key) that takes memory only for the numbers that were used: a
//! history names a million keys in a hundred bytes, and has events of three.

use std::ops::{Index, IndexMut};

/// As many values as were announced, each as it is by default until it is asked for in
/// order to change it.
#[derive(Debug, Default)]
pub struct Sparse<T> {
    length: usize,
    used: Vec<Option<Box<T>>>,
    unused: T,
}

impl<T: Default> Sparse<T> {
    /// So many.
    #[must_use]
    pub fn new(length: u32) -> Self {
        Self { length: length as usize, used: Vec::new(), unused: T::default() }
    }

    /// The value of a number; `None` beyond the last one.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&T> {
        let used = self.used.get(at).and_then(|value| value.as_deref());
        (at < self.length).then(|| used.unwrap_or(&self.unused))
    }

    /// Makes the value of a number that is not used yet; apart, so that what passes with every event is inlined.
    #[cold]
    #[inline(never)]
    fn make(&mut self, at: usize) {
        assert!(at < self.length, "number {at} of {}", self.length);
        if self.used.len() <= at {
            self.used.resize_with(at + 1, || None);
        }
        self.used[at] = Some(Box::default());
    }

    /// All, in order of number.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.length).filter_map(|at| self.get(at))
    }
}

impl<T: Default> Index<usize> for Sparse<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        assert!(at < self.length, "number {at} of {}", self.length);
        self.used.get(at).and_then(|value| value.as_deref()).unwrap_or(&self.unused)
    }
}

impl<T: Default> IndexMut<usize> for Sparse<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        if !matches!(self.used.get(at), Some(Some(_))) {
            self.make(at);
        }
        let Some(value) = &mut self.used[at] else { unreachable!("it was just made") };
        value
    }
}

#[cfg(test)]
mod tests {
    use super::Sparse;

    #[test]
    fn what_was_never_used_is_there_and_takes_no_memory() {
        let mut numbers: Sparse<u64> = Sparse::new(1_000_000);
        numbers[3] += 7;
        assert_eq!((numbers[3], numbers[2], numbers[999_999]), (7, 0, 0));
        assert_eq!((numbers.get(999_999), numbers.get(1_000_000)), (Some(&0), None));
        assert_eq!((numbers.iter().count(), numbers.iter().sum::<u64>()), (1_000_000, 7));
        assert_eq!(numbers.used.len(), 4);
    }
}

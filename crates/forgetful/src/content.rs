//! The bytes of one file, as they are now and as they are synced. Pages are shared between the two, so that a sync
//! costs what was changed and not what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes of a page.
const PAGE: u64 = 4096;

type Page = Arc<[u8; PAGE as usize]>;

/// Pages that are there; others are zero.
#[derive(Default)]
struct State {
    pages: BTreeMap<u64, Page>,
    size: u64,
}

#[derive(Default)]
pub(crate) struct Content {
    now: State,
    synced: State,
    /// Pages that may differ between the two.
    changed: BTreeSet<u64>,
    /// Bytes written since the last sync, counted as often as they were written.
    unsynced: u64,
}

impl Content {
    pub(crate) fn size(&self) -> u64 {
        self.now.size
    }

    /// Bytes that it takes.
    pub(crate) fn allocated(&self) -> u64 {
        self.now.pages.len() as u64 * PAGE
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let end = offset.saturating_add(length).min(self.now.size);
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(offset)).unwrap_or(0)];
        for (page, from, to) in pieces(offset, end) {
            if let Some(there) = self.now.pages.get(&page) {
                let start = page * PAGE;
                let at = (start + from - offset) as usize;
                bytes[at..at + (to - from) as usize].copy_from_slice(&there[from as usize..to as usize]);
            }
        }
        bytes
    }

    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset.saturating_add(bytes.len() as u64);
        for (page, from, to) in pieces(offset, end) {
            let there = self.now.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE as usize]));
            let at = (page * PAGE + from - offset) as usize;
            Arc::make_mut(there)[from as usize..to as usize].copy_from_slice(&bytes[at..at + (to - from) as usize]);
            self.changed.insert(page);
        }
        self.now.size = self.now.size.max(end);
        self.unsynced += bytes.len() as u64;
    }

    /// Cuts it, or lengthens it by zeros.
    pub(crate) fn resize(&mut self, size: u64) {
        if size < self.now.size {
            let cut = self.now.pages.split_off(&size.div_ceil(PAGE));
            self.changed.extend(cut.into_keys());
            let (last, rest) = (size / PAGE, (size % PAGE) as usize);
            if rest > 0
                && let Some(page) = self.now.pages.get_mut(&last)
            {
                Arc::make_mut(page)[rest..].fill(0);
                self.changed.insert(last);
            }
        }
        self.now.size = size;
    }

    /// Makes what is there now durable.
    pub(crate) fn sync(&mut self) {
        for page in std::mem::take(&mut self.changed) {
            match self.now.pages.get(&page) {
                Some(there) => drop(self.synced.pages.insert(page, Arc::clone(there))),
                None => drop(self.synced.pages.remove(&page)),
            }
        }
        self.synced.size = self.now.size;
        self.unsynced = 0;
    }

    /// Goes back to what is durable. Returns how many bytes had been written since; `None`: nothing had changed.
    pub(crate) fn forget(&mut self) -> Option<u64> {
        if self.changed.is_empty() && self.now.size == self.synced.size {
            return None;
        }
        for page in std::mem::take(&mut self.changed) {
            match self.synced.pages.get(&page) {
                Some(there) => drop(self.now.pages.insert(page, Arc::clone(there))),
                None => drop(self.now.pages.remove(&page)),
            }
        }
        self.now.size = self.synced.size;
        Some(std::mem::take(&mut self.unsynced))
    }
}

/// What of which pages is between two offsets.
fn pieces(offset: u64, end: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let pages = if offset < end { offset / PAGE..(end - 1) / PAGE + 1 } else { 0..0 };
    pages.map(move |page| {
        let start = page * PAGE;
        (page, offset.saturating_sub(start), (end - start).min(PAGE))
    })
}

#[cfg(test)]
mod tests {
    use super::Content;

    #[test]
    fn bytes_cross_pages_and_holes_are_zero() {
        let mut content = Content::default();
        content.write(4_090, b"across the border");
        assert_eq!((content.size(), content.read(4_090, 100)), (4_107, b"across the border".to_vec()));
        content.write(20_000, b"x");
        assert_eq!(content.read(4_107, 4), [0; 4]);
        assert_eq!(content.read(19_999, 9), [0, b'x']);
        assert!(content.read(30_000, 9).is_empty());
    }

    #[test]
    fn what_was_not_synced_is_forgotten_and_what_was_stays() {
        let mut content = Content::default();
        content.write(0, b"first");
        content.sync();
        assert_eq!(content.forget(), None);
        content.write(3, b"ever and ever");
        content.write(9_000, b"far");
        assert_eq!(content.forget(), Some(16));
        assert_eq!((content.size(), content.read(0, 99)), (5, b"first".to_vec()));
    }

    #[test]
    fn a_cut_and_a_lengthening_are_forgotten_and_synced_like_bytes() {
        let mut content = Content::default();
        content.write(0, &[7; 10_000]);
        content.sync();
        content.resize(10);
        content.resize(20);
        assert_eq!(content.read(0, 99), [[7; 10], [0; 10]].concat());
        assert_eq!(content.forget(), Some(0));
        assert_eq!(content.read(9_990, 99), [7; 10]);
        content.resize(10);
        content.sync();
        content.resize(10_000);
        content.forget();
        assert_eq!((content.size(), content.read(0, 99)), (10, vec![7; 10]));
    }
}

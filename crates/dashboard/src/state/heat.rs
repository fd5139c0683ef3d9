//! How contended keys were, over a whole trial in little memory: what is older stands in
//! wider columns. Half of a trial has at most as many columns as there may be of one
//! width, so the part of each that is on a screen is about as fine everywhere.

use std::collections::VecDeque;

/// Columns of one width that are kept.
const ALIKE: usize = 128;

/// Heat of all keys in a stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatColumn {
    /// Its end, nanoseconds since the start of the warm-up.
    pub at_ns: u64,
    /// Its length.
    pub length_ns: u64,
    /// The times between two snapshots that it is of: a power of two.
    pub beats: u32,
    /// The keys of which something is known, in order of key.
    pub keys: Vec<HeatKey>,
}

/// A key in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeatKey {
    /// Key index.
    pub key: u32,
    /// Attempts that found it held.
    pub contended: u64,
    /// Of how much of the column that is known, in nanoseconds.
    pub known_ns: u64,
}

impl HeatColumn {
    /// Takes in the one that follows it.
    fn absorb(&mut self, next: Self) {
        self.at_ns = next.at_ns;
        self.length_ns += next.length_ns;
        self.beats += next.beats;
        let before = std::mem::take(&mut self.keys);
        let (mut before, mut next) = (before.into_iter().peekable(), next.keys.into_iter().peekable());
        loop {
            let key = match (before.peek(), next.peek()) {
                (Some(a), Some(b)) => a.key.min(b.key),
                (Some(one), None) | (None, Some(one)) => one.key,
                (None, None) => return,
            };
            let parts = [before.next_if(|one| one.key == key), next.next_if(|one| one.key == key)];
            let none = HeatKey { key, contended: 0, known_ns: 0 };
            self.keys.push(parts.into_iter().flatten().fold(none, |sum, part| HeatKey {
                key,
                contended: sum.contended + part.contended,
                known_ns: sum.known_ns + part.known_ns,
            }));
        }
    }
}

/// Adds the newest column; of what is older two become one here and there.
pub fn remember(heat: &mut VecDeque<HeatColumn>, newest: HeatColumn) {
    let (mut beats, mut end) = (newest.beats, heat.len() + 1);
    heat.push_back(newest);
    loop {
        // The older, the wider: those of one width lie together.
        let first = heat.partition_point(|column| column.beats > beats);
        if end - first <= ALIKE {
            return;
        }
        if let Some(next) = heat.remove(first + 1) {
            heat[first].absorb(next);
        }
        (beats, end) = (beats * 2, first + 1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{ALIKE, HeatColumn, HeatKey, remember};

    fn key(key: u32, contended: u64, known_ns: u64) -> HeatKey {
        HeatKey { key, contended, known_ns }
    }

    #[test]
    fn nothing_is_lost_however_long_a_trial_is_and_little_is_kept() {
        let mut heat = VecDeque::new();
        let beats = 300_000;
        for beat in 0..beats {
            let keys = (0..3).map(|number| key(number, u64::from(number) + beat % 2, 10)).collect();
            remember(&mut heat, HeatColumn { at_ns: 10 * (beat + 1), length_ns: 10, beats: 1, keys });
        }
        let log = (beats as usize / ALIKE).ilog2() as usize + 1;
        assert!(heat.len() <= ALIKE * log, "{}", heat.len());
        let mut at = 0;
        for column in &heat {
            assert_eq!(column.at_ns - column.length_ns, at, "without gaps, in order");
            assert_eq!((column.length_ns, column.keys.len()), (10 * u64::from(column.beats), 3));
            at = column.at_ns;
        }
        assert_eq!(at, 10 * beats);
        let sum = |number: usize| heat.iter().map(|column| column.keys[number].contended).sum::<u64>();
        assert_eq!([sum(0), sum(1), sum(2)], [beats / 2, beats * 3 / 2, beats * 5 / 2]);
        // The newest are as they came; a column is narrow against its age.
        assert!(heat.iter().rev().take(ALIKE / 2).all(|column| column.beats == 1));
        for column in &heat {
            let age = (at - column.at_ns) / column.length_ns;
            assert!(column.beats == 1 || age + 1 >= ALIKE as u64 / 2, "{} of {}", column.beats, column.at_ns);
        }
    }

    #[test]
    fn of_a_key_that_is_known_in_a_part_the_part_is_told() {
        let column = |at_ns, keys| HeatColumn { at_ns, length_ns: 10, beats: 1, keys };
        let mut first = column(10, vec![key(1, 5, 10), key(4, 7, 10)]);
        first.absorb(column(20, vec![key(0, 1, 10), key(4, 2, 10)]));
        assert_eq!((first.at_ns, first.length_ns, first.beats), (20, 20, 2));
        assert_eq!(first.keys, [key(0, 1, 10), key(1, 5, 10), key(4, 9, 20)]);
    }
}

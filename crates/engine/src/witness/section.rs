//! What critical sections do that act on what they have read, and whether they should have: in the world where the
//! resource takes every write, and in the one where it refuses stale tokens, at once.
//!
//! Each world has a register that clients read on entering and write over as they leave, as a program without a
//! transaction would, and a note of what was really done, which no write takes back.

use std::sync::atomic::{AtomicU64, Ordering};

use lockbench_core::record::Act;
use lockbench_core::workload::plan::Section;

/// Bits of a count within a window of time; the window's number is above.
const COUNT_BITS: u32 = 24;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// The two numbers of one world.
pub struct World<'a> {
    /// What clients read and write over.
    pub register: &'a AtomicU64,
    /// What was really done.
    pub done: &'a AtomicU64,
}

/// What a client read on entering.
#[derive(Clone, Copy, Debug, Default)]
pub struct Read {
    /// Number of the period or window.
    slot: u64,
    unfenced: u64,
    fenced: u64,
}

impl Read {
    /// Reads both worlds at `now`.
    pub fn of(section: Section, now: u64, (unfenced, fenced): (&World<'_>, &World<'_>)) -> Self {
        let slot = match section {
            Section::RunOnce { every_ns } => now / every_ns.max(1),
            Section::TokenBucket { per_ns, .. } => now / per_ns.max(1),
            _ => 0,
        };
        let read = |world: &World<'_>| world.register.load(Ordering::Acquire);
        Self { slot, unfenced: read(unfenced), fenced: read(fenced) }
    }

    /// Acts on it; `refused`: the resource that fences refuses the client.
    pub fn act(self, section: Section, (unfenced, fenced): (&World<'_>, &World<'_>), refused: bool) -> Act {
        let (done, harm) = done(section, self.slot, self.unfenced, unfenced);
        let harm_fenced = !refused && self::done(section, self.slot, self.fenced, fenced).1;
        Act { done, harm, harm_fenced }
    }
}

/// Was anything done, and should it not have been?
fn done(section: Section, slot: u64, read: u64, world: &World<'_>) -> (bool, bool) {
    match section {
        // The number that was read is that of the next unit or order.
        Section::Inventory | Section::Payment => once(read, world),
        Section::RunOnce { .. } if read > slot => (false, false),
        Section::RunOnce { .. } => once(slot, world),
        Section::TokenBucket { limit, .. } => {
            let count = if read >> COUNT_BITS == slot { read & COUNT } else { 0 };
            if count >= u64::from(limit) {
                return (false, false);
            }
            world.register.store(slot << COUNT_BITS | (count + 1), Ordering::Release);
            let admit = |done: u64| match (done >> COUNT_BITS).cmp(&slot) {
                std::cmp::Ordering::Equal => Some(done + 1),
                std::cmp::Ordering::Less => Some(slot << COUNT_BITS | 1),
                // Its window is over, and nobody counts in it any more.
                std::cmp::Ordering::Greater => None,
            };
            let before = world.done.fetch_update(Ordering::AcqRel, Ordering::Acquire, admit);
            (true, before.ok().and_then(admit).is_some_and(|done| done & COUNT > u64::from(limit)))
        }
        Section::Counter | Section::Append | Section::Leader => (false, false),
    }
}

/// Does what has this number, which is to be done once, and writes down that the next one follows.
fn once(number: u64, world: &World<'_>) -> (bool, bool) {
    let before = world.done.fetch_max(number + 1, Ordering::AcqRel);
    world.register.store(number + 1, Ordering::Release);
    (true, before > number)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::{Read, World};
    use lockbench_core::record::Act;
    use lockbench_core::workload::plan::Section;

    /// The registers of one key.
    #[derive(Default)]
    struct Key([AtomicU64; 4]);

    impl Key {
        fn worlds(&self) -> (World<'_>, World<'_>) {
            let [a, b, c, d] = &self.0;
            (World { register: a, done: b }, World { register: c, done: d })
        }

        fn read(&self, section: Section, now: u64) -> Read {
            let (unfenced, fenced) = self.worlds();
            Read::of(section, now, (&unfenced, &fenced))
        }

        fn act(&self, section: Section, read: Read, refused: bool) -> Act {
            let (unfenced, fenced) = self.worlds();
            read.act(section, (&unfenced, &fenced), refused)
        }
    }

    const DONE: Act = Act { done: true, harm: false, harm_fenced: false };

    #[test]
    fn one_at_a_time_sells_each_unit_once_and_two_at_once_sell_one_twice() {
        for section in [Section::Inventory, Section::Payment] {
            let key = Key::default();
            for _ in 0..3 {
                assert_eq!(key.act(section, key.read(section, 0), false), DONE);
            }
            let (stale, fresh) = (key.read(section, 0), key.read(section, 0));
            assert_eq!(key.act(section, fresh, false), DONE);
            assert_eq!(key.act(section, stale, true), Act { done: true, harm: true, harm_fenced: false });
            // Without fencing the register has gone back for nobody: it is where the fresh one had put it.
            assert_eq!(key.act(section, key.read(section, 0), false), DONE);
            let (stale, fresh) = (key.read(section, 0), key.read(section, 0));
            key.act(section, fresh, false);
            assert!(key.act(section, stale, false).harm_fenced, "a lock without tokens");
        }
    }

    #[test]
    fn a_stale_holder_that_comes_much_later_has_all_in_between_sold_again() {
        let (section, key) = (Section::Inventory, Key::default());
        let stale = key.read(section, 0);
        for _ in 0..3 {
            key.act(section, key.read(section, 0), false);
        }
        assert!(key.act(section, stale, true).harm);
        let again = (0..3).filter(|_| key.act(section, key.read(section, 0), false).harm).count();
        assert_eq!(again, 2, "units 1 and 2; 3 is new");
    }

    #[test]
    fn a_job_runs_once_per_period_unless_two_check_at_once() {
        let (section, key) = (Section::RunOnce { every_ns: 100 }, Key::default());
        assert_eq!(key.act(section, key.read(section, 105), false), DONE);
        assert_eq!(key.act(section, key.read(section, 110), false), Act::NONE, "it has run in this period");
        let (one, other) = (key.read(section, 205), key.read(section, 207));
        assert_eq!(key.act(section, one, false), DONE);
        assert_eq!(key.act(section, other, true), Act { done: true, harm: true, harm_fenced: false });
    }

    #[test]
    fn a_bucket_admits_so_many_per_window() {
        let (section, key) = (Section::TokenBucket { limit: 2, per_ns: 100 }, Key::default());
        let admitted = (0..5).filter(|_| key.act(section, key.read(section, 5), false).done).count();
        assert_eq!(admitted, 2);
        assert_eq!(key.act(section, key.read(section, 100), false), DONE, "the next window");
        let (one, other) = (key.read(section, 101), key.read(section, 102));
        assert_eq!(key.act(section, one, false), DONE);
        assert_eq!(key.act(section, other, true), Act { done: true, harm: true, harm_fenced: false });
    }
}

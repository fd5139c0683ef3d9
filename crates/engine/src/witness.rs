//! The witness: the thing that a lock protects. Every critical section enters
//! and leaves it, reads its register on entering and writes on leaving, and
//! presents its fencing token both times. It also sees whether another client asked for
//! the key meanwhile. One run so yields the harm done without
//! fencing and the harm that fencing would have prevented. Only atomics: the
//! witness must never make clients wait for one another.

mod section;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use self::section::{Read, World};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Asks, Mode, Moment};
use lockbench_core::record::WitnessReading;
use lockbench_core::shared::{BlockName, Place, Words};
use lockbench_core::workload::plan::Section;

/// Numbers of a key: the unfenced register (the number of the last write), the highest token that was presented, and
/// the highest that was written.
const VALUE: usize = 0;
const PRESENTED: usize = 1;
const WRITTEN: usize = 2;
/// The register of critical sections that act, and what was really done, without and with fencing.
const REGISTER: usize = 3;
const FENCED: usize = 5;
/// From here on, two for each process: how many of its clients are inside alone or with a permit, and how many share it. A
/// process that dies is so taken out at once.
const INSIDE: usize = 7;

/// The resources of all keys of a trial.
pub struct Witness {
    resources: Words,
    /// The process that enters by this value.
    process: usize,
    asks: Arc<Asks>,
    /// What clients do under the lock, and the clock by which they do it.
    section: Section,
    clock: Option<Clock>,
}

/// How a worker process finds the witness of its trial.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WitnessName {
    resources: BlockName,
    asks: BlockName,
    processes: u32,
}

/// A critical section that is under way.
pub struct Visit {
    key: u32,
    token: Option<u64>,
    read: u64,
    occupancy: u32,
    mode: Mode,
    asked: Moment,
    /// What it read in a critical section that acts.
    act: Option<Read>,
}

impl Witness {
    /// One resource a key, for clients of this process.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        let resources = Words::own(keys as usize, INSIDE + 2);
        Self::over(resources, 0, Arc::new(Asks::new(keys)))
    }

    /// One resource a key, for clients of so many worker processes.
    ///
    /// # Errors
    /// There is no more shared memory to be had.
    pub fn shared(keys: u32, processes: u32) -> io::Result<Self> {
        let resources = Words::new(keys as usize, INSIDE + 2 * processes as usize, Place::Shared)?;
        Ok(Self::over(resources, 0, Arc::new(Asks::shared(keys, processes)?)))
    }

    /// That of another process, for the clients of worker process number `process`.
    ///
    /// # Errors
    /// It is gone.
    pub fn open(name: &WitnessName, process: u32) -> io::Result<Self> {
        let resources = Words::open(&name.resources, INSIDE + 2 * name.processes as usize)?;
        let asks = Arc::new(Asks::open(&name.asks, (process, name.processes))?);
        Ok(Self::over(resources, process as usize, asks))
    }

    fn over(resources: Words, process: usize, asks: Arc<Asks>) -> Self {
        Self { resources, process, asks, section: Section::Counter, clock: None }
    }

    /// The same for clients that do this under the lock.
    #[must_use]
    pub fn doing(self, section: Section, clock: Clock) -> Self {
        Self { section, clock: Some(clock), ..self }
    }

    /// The world without fencing and the one with it.
    fn worlds(&self, key: u32) -> (World<'_>, World<'_>) {
        let world = |at| World { register: self.number(key, at), done: self.number(key, at + 1) };
        (world(REGISTER), world(FENCED))
    }

    /// How so many worker processes find it; `None`: they cannot.
    #[must_use]
    pub fn name(&self, processes: u32) -> Option<WitnessName> {
        Some(WitnessName { resources: self.resources.name()?, asks: self.asks.name()?, processes })
    }

    /// The requests for its keys that are under way.
    #[must_use]
    pub fn asks(&self) -> Arc<Asks> {
        Arc::clone(&self.asks)
    }

    #[inline]
    fn number(&self, key: u32, number: usize) -> &AtomicU64 {
        self.resources.word(key as usize, number)
    }

    #[inline]
    fn inside(&self, key: u32, mode: Mode) -> &AtomicU64 {
        self.number(key, INSIDE + 2 * self.process + usize::from(mode == Mode::Shared))
    }

    /// Enters the critical section of a key: presents the token and reads. Who only reads, or has one of several permits,
    /// presents none.
    #[must_use]
    pub fn enter(&self, key: u32, token: Option<u64>, mode: Mode) -> Visit {
        let token = token.filter(|_| mode == Mode::Exclusive);
        // Of two that enter at once at least one sees the other: all of them agree on the order of these.
        self.inside(key, mode).fetch_add(1, Ordering::SeqCst);
        let occupancy = self.occupancy(key, mode);
        if let Some(token) = token {
            self.number(key, PRESENTED).fetch_max(token, Ordering::AcqRel);
        }
        let read = self.number(key, VALUE).load(Ordering::Acquire);
        let act = self.section.acts().then(|| {
            let (unfenced, fenced) = self.worlds(key);
            Read::of(self.section, self.clock.map_or(0, |clock| clock.now()), (&unfenced, &fenced))
        });
        Visit { key, token, read, occupancy, mode, asked: self.asks.now(key), act }
    }

    /// Leaves it: presents the token again and writes.
    #[must_use]
    pub fn leave(&self, visit: &Visit) -> WitnessReading {
        let key = visit.key;
        let challenged = Some(visit.asked.asked_until(self.asks.now(key)));
        let seen = WitnessReading { occupancy: visit.occupancy, challenged, ..self.write(visit) };
        self.inside(key, visit.mode).fetch_sub(1, Ordering::AcqRel);
        seen
    }

    /// Leaves it while the write is on its way: what is seen of it is seen when it [arrives](Self::arrive).
    #[must_use]
    pub fn leave_before_write(&self, visit: &Visit) -> WitnessReading {
        let key = visit.key;
        let challenged = Some(visit.asked.asked_until(self.asks.now(key)));
        self.inside(key, visit.mode).fetch_sub(1, Ordering::AcqRel);
        WitnessReading { occupancy: visit.occupancy, challenged, ..WitnessReading::default() }
    }

    /// The write of a critical section that was left before arrives: presents the token and writes. How many are inside
    /// is as it is now.
    #[must_use]
    pub fn arrive(&self, visit: &Visit) -> WitnessReading {
        let mut seen = self.write(visit);
        seen.occupancy = self.occupancy(visit.key, visit.mode);
        seen
    }

    fn write(&self, visit: &Visit) -> WitnessReading {
        let (key, mut seen) = (visit.key, WitnessReading::default());
        if visit.mode != Mode::Exclusive {
            return seen;
        }
        if let Some(token) = visit.token {
            seen.refused_write = token < self.number(key, PRESENTED).fetch_max(token, Ordering::AcqRel);
            seen.stale_write = token < self.number(key, WRITTEN).fetch_max(token, Ordering::AcqRel);
        }
        // The number of the write stands for its value: each write changes it.
        seen.lost_update = self.number(key, VALUE).fetch_add(1, Ordering::AcqRel) != visit.read;
        if let Some(read) = visit.act {
            let (unfenced, fenced) = self.worlds(key);
            seen.act = read.act(self.section, (&unfenced, &fenced), seen.refused_write);
        }
        seen
    }

    /// Clients inside that are not to be there together with one of this mode, and one.
    fn occupancy(&self, key: u32, mode: Mode) -> u32 {
        let count = |from: usize| {
            let inside = self.resources.of(key as usize).skip(INSIDE + from).step_by(2);
            inside.map(|inside| inside.load(Ordering::SeqCst)).sum::<u64>() as u32
        };
        match mode {
            Mode::Shared => count(0) + 1,
            Mode::Permits { of } => count(0).saturating_sub(of - 1).max(1),
            Mode::Exclusive | Mode::Optimistic => count(0) + count(1),
        }
    }

    /// A client that died inside leaves without writing. Returns whether a request of another
    /// client challenged its hold until now.
    pub fn abandon(&self, visit: &Visit) -> bool {
        self.inside(visit.key, visit.mode).fetch_sub(1, Ordering::AcqRel);
        visit.asked.asked_until(self.asks.now(visit.key))
    }

    /// A worker process does not run any more: takes its clients out, and what they had asked for.
    pub fn bury(&self, process: u32) {
        for key in 0..self.resources.count() {
            for mode in 0..2 {
                self.resources.word(key, INSIDE + 2 * process as usize + mode).store(0, Ordering::SeqCst);
            }
        }
        self.asks.withdraw(process);
    }
}

#[cfg(test)]
mod tests {
    use super::Witness;
    use lockbench_core::lock::Mode;

    #[test]
    fn one_at_a_time_does_no_harm() {
        let witness = Witness::new(1);
        for token in 1..5 {
            let visit = witness.enter(0, Some(token), Mode::Exclusive);
            let seen = witness.leave(&visit);
            assert!(!seen.lost_update && !seen.stale_write && !seen.refused_write);
            assert_eq!(seen.occupancy, 1);
        }
    }

    #[test]
    fn a_stale_holder_loses_an_update_and_fencing_refuses_it() {
        let witness = Witness::new(1);
        let stale = witness.enter(0, Some(1), Mode::Exclusive);
        let fresh = witness.enter(0, Some(2), Mode::Exclusive);
        let seen = witness.leave(&fresh);
        assert_eq!((seen.occupancy, seen.lost_update, seen.refused_write), (2, false, false));
        let seen = witness.leave(&stale);
        assert!(seen.lost_update && seen.stale_write && seen.refused_write);
    }

    #[test]
    fn a_write_that_arrives_after_the_next_grant_harms_as_that_of_a_stale_holder() {
        let witness = Witness::new(1);
        let first = witness.enter(0, Some(1), Mode::Exclusive);
        let seen = witness.leave_before_write(&first);
        assert!(seen.occupancy == 1 && !seen.lost_update && !seen.refused_write);
        let next = witness.enter(0, Some(2), Mode::Exclusive);
        assert_eq!(next.occupancy, 1);
        let seen = witness.arrive(&first);
        assert_eq!((seen.occupancy, seen.lost_update, seen.stale_write, seen.refused_write), (1, false, false, true));
        // Without fencing it was written, and the next holder writes over it unread.
        assert!(witness.leave(&next).lost_update);
        let seen = witness.arrive(&first);
        assert!(seen.occupancy == 0 && seen.lost_update && seen.stale_write && seen.refused_write);
    }

    #[test]
    fn refused_on_presenting_though_nothing_newer_was_written() {
        let witness = Witness::new(1);
        let stale = witness.enter(0, Some(1), Mode::Exclusive);
        let fresh = witness.enter(0, Some(2), Mode::Exclusive);
        let seen = witness.leave(&stale);
        assert!(seen.refused_write && !seen.stale_write);
        assert!(!witness.abandon(&fresh));
        assert_eq!(witness.enter(0, None, Mode::Exclusive).occupancy, 1);
    }

    #[test]
    fn processes_meet_inside_and_one_that_dies_is_taken_out() {
        let witness = Witness::shared(2, 3).unwrap();
        let name = witness.name(3).unwrap();
        let [a, b] = [0, 2].map(|process| Witness::open(&name, process).unwrap());
        let first = a.enter(1, Some(1), Mode::Exclusive);
        assert_eq!(b.enter(1, Some(2), Mode::Exclusive).occupancy, 2);
        witness.bury(2);
        assert_eq!(a.leave(&first).occupancy, 1);
        assert_eq!(b.enter(1, None, Mode::Exclusive).occupancy, 1);
    }

    #[test]
    fn who_may_be_inside_together_is_not_counted_and_who_only_reads_writes_nothing() {
        let witness = Witness::new(2);
        let [one, other] = [0, 1].map(|_| witness.enter(0, Some(1), Mode::Shared));
        assert_eq!((one.occupancy, other.occupancy), (1, 1));
        let writer = witness.enter(0, Some(2), Mode::Exclusive);
        assert_eq!((writer.occupancy, witness.enter(0, None, Mode::Shared).occupancy), (3, 2));
        let seen = witness.leave(&one);
        assert!(!seen.lost_update && !seen.refused_write);
        assert!(!witness.leave(&writer).lost_update);
        let permits = Mode::Permits { of: 2 };
        let inside = [0, 1, 2, 3].map(|_| witness.enter(1, Some(1), permits).occupancy);
        assert_eq!(inside, [1, 1, 2, 3]);
    }

    #[test]
    fn an_equal_token_is_not_below() {
        let witness = Witness::new(1);
        for _ in 0..2 {
            let visit = witness.enter(0, Some(3), Mode::Exclusive);
            let seen = witness.leave(&visit);
            assert!(!seen.stale_write && !seen.refused_write);
        }
    }
}

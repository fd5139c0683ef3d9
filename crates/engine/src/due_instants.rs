//! When attempts are due, where the clock says so: the clients of a trial share the instants out among themselves. A free
//! client takes the next instant ahead and waits for it. What is due while no client is free waits for one, as far as
//! the queue has room, and is dropped beyond that; it is never made up for in silence.
//!
//! There is no thread that hands them out: every client sleeps until its own absolute instant on the thread that it runs
//! on, and no wake-up has to cross threads. The order is that of a single queue all the same.
//!
//! What came while this process itself did not run, or while a client that was free came late, is counted apart: no
//! server is to blame for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stalls::Stalls;
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{Event, Shard, What};
use lockbench_core::units::{MILLISECOND, SECOND};
use lockbench_core::workload::plan::Arrival;
use lockbench_core::workload::{Due, DueTimes, Plan};

/// Attempts from one pair of a watch that is due together to the next.
const GROUP: u64 = 10;

/// A client of a watch that begins its turn later than this is late by our own doing: that is far
/// more than a timer needs.
const LATE_NS: u64 = 10 * MILLISECOND;

/// The same of a load: there what is late by less is measured, and only what is dropped meanwhile needs an owner.
const LATE_IN_A_LOAD_NS: u64 = MILLISECOND;

/// The due instants of one trial.
#[derive(Debug)]
pub struct DueInstants {
    load: bool,
    /// Most that are due within a second, and waiting besides.
    per_s: u64,
    dropped: AtomicU64,
    stalled: AtomicU64,
    opened: AtomicU64,
    book: Mutex<Book>,
}

/// An instant of the measure phase that no client took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untaken {
    /// When an attempt was due.
    pub due: u64,
    /// When a client was free again: the attempt would have begun then at the earliest.
    pub free_at: u64,
    /// Did this process not run at that instant? Then nobody can tell whether the system
    /// would have served it.
    pub own: bool,
}

/// An instant that a client took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its place in the whole load.
    pub index: u64,
    /// When the attempt is due.
    pub due: u64,
}

#[derive(Debug)]
struct Book {
    times: Times,
    /// The first instant that no client has taken and that is not in the queue.
    next: Option<Due>,
    /// Due, and no client was free.
    waiting: VecDeque<Due>,
    /// So many may wait.
    room: usize,
    /// Not judged yet: when they were due, and when a client was free again.
    passed: Vec<(u64, u64)>,
    /// Judged, and not fetched yet.
    settled: Vec<Untaken>,
    stalls: Stalls,
}

#[derive(Debug)]
enum Times {
    /// Every so often; of each ten the last two are due together, at the instant of the first of them. At a low rate
    /// attempts would never meet otherwise, and a lock that nobody challenges proves nothing. The rate is kept: the
    /// tenth instant is left out. The first is one interval after the start.
    Watch { every_ns: u64, index: u64 },
    /// Those of a plan.
    Load(DueTimes),
}

impl Times {
    fn next(&mut self) -> Option<Due> {
        match self {
            Self::Watch { every_ns, index } => {
                let n = *index;
                *index += 1;
                let place = n / GROUP * GROUP + (n % GROUP).min(GROUP - 2);
                Some(Due { index: n, after_ns: every_ns.saturating_mul(place + 1) })
            }
            Self::Load(times) => times.next(),
        }
    }
}

impl DueInstants {
    /// For a watch: one attempt every `every_ns` nanoseconds on average, of all clients together. What no client can
    /// take is dropped at once: nobody hurries after it, so that a slow server is not met by a burst.
    #[must_use]
    pub fn new(every_ns: u64) -> Self {
        let every_ns = every_ns.max(1);
        Self::with(Times::Watch { every_ns, index: 0 }, 0, false, SECOND / every_ns)
    }

    /// Those of a trial of a plan without groups; `None` in a closed loop. `share`: the number of this process, and how many
    /// there are.
    #[must_use]
    pub fn of_plan(plan: &Plan, trial: u32, share: (u32, u32)) -> Option<Self> {
        Self::of_part(plan, 0, trial, share)
    }

    /// Those of one part of its clients, of which this process has that share.
    pub(super) fn of_part(plan: &Plan, place: usize, trial: u32, share: (u32, u32)) -> Option<Self> {
        /// Sets the instants of a group apart from those of another.
        const GROUP: u64 = 0x6772_6f75_7073;
        let parts = plan.parts();
        let part = parts.get(place).filter(|part| part.arrival.is_open())?;
        let arrival = part.arrival;
        let (own, of) = (share.0, share.1.max(1));
        let load_ns = plan.warmup_ns.saturating_add(plan.duration_ns);
        let seed = plan.seed ^ (place as u64).wrapping_mul(GROUP);
        let times = DueTimes::new(arrival, seed, trial, load_ns, (own, of));
        // The places of the queue are shared out as the instants are.
        let queue = arrival.queue(part.clients.end - part.clients.start, plan.patience_ns());
        let room = queue / of + u32::from(own < queue % of);
        let most = match arrival {
            Arrival::Bursts { size, every_ns, .. } => {
                u64::from(*size).saturating_mul(SECOND.div_ceil((*every_ns).max(1)))
            }
            other => other.peak_per_s().unwrap_or(0.0).ceil() as u64,
        };
        Some(Self::with(Times::Load(times), room as usize, true, most))
    }

    fn with(mut times: Times, room: usize, load: bool, per_s: u64) -> Self {
        let zero = AtomicU64::default;
        let next = times.next();
        let (waiting, passed, settled, stalls) = Default::default();
        let book = Mutex::new(Book { times, next, waiting, room, passed, settled, stalls });
        Self { load, per_s, dropped: zero(), stalled: zero(), opened: zero(), book }
    }

    /// Returns whether these are the instants of a load: those that no client took are events of its trial.
    #[must_use]
    pub fn is_of_a_load(&self) -> bool {
        self.load
    }

    /// Room for events that a worker may need before they are read: those of a second,
    /// and of every client at once.
    pub(super) fn events_ahead(&self, clients: u32) -> usize {
        /// Most events of one attempt, a renewal or two included.
        const EVENTS: u64 = 8;
        let attempts = self.per_s.saturating_add(clients.into());
        usize::try_from(attempts.saturating_mul(EVENTS)).unwrap_or(usize::MAX)
    }

    /// Instants of the measure phase so far that no client could take, because all were
    /// busy. An instant is counted when it was settled.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Instants of the measure phase so far that no client took because this process did
    /// not run.
    #[must_use]
    pub fn stalled(&self) -> u64 {
        self.stalled.load(Ordering::Relaxed)
    }

    /// What was settled since this was last asked, in order.
    #[must_use]
    pub fn fetch(&self) -> Vec<Untaken> {
        std::mem::take(&mut self.book().settled)
    }

    /// When the last session so far was opened, 0 if none was: the system answers while its
    /// clients are made ready.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Notes that a session was opened at the clock instant `now`.
    pub fn opens(&self, now: u64) {
        self.opened.fetch_max(now, Ordering::Relaxed);
    }

    /// A client that had taken the instant `due` ahead begins its turn `now`. Returns when its attempt
    /// is due: in a watch one that waited ready for the instant and comes late is due now, as whatever made it late is
    /// no server's doing; in a load its lateness is measured.
    pub(super) fn begins(&self, due: u64, now: u64) -> u64 {
        let late = if self.load { LATE_IN_A_LOAD_NS } else { LATE_NS };
        if now.saturating_sub(due) <= late {
            return due;
        }
        self.stall(due, now);
        if self.load { due } else { now }
    }

    /// This process, or the part of it that takes turns, did not run from `from` to `to`.
    pub(super) fn stall(&self, from: u64, to: u64) {
        self.book().stalls.add(from, to);
    }

    /// Judges what was passed over before `before`: by then every client that was late
    /// has said so.
    pub(super) fn settle(&self, schedule: &Schedule, before: u64) {
        let mut book = self.book();
        let book = &mut *book;
        if self.load {
            // Clients that are all busy for long say nothing meanwhile.
            book.advance(schedule.start, before.min(schedule.end()), before);
        }
        let mut earliest = u64::MAX;
        book.passed.retain(|(due, free_at)| {
            if *free_at >= before {
                earliest = earliest.min(*due);
                return true;
            }
            if schedule.measures(*due) {
                let own = book.stalls.covers(*due);
                let counted = if own { &self.stalled } else { &self.dropped };
                counted.fetch_add(1, Ordering::Relaxed);
                book.settled.push(Untaken { due: *due, free_at: (*free_at).max(*due), own });
            }
            false
        });
        // No instant from here on can have been in an earlier stall.
        let first = book.waiting.front().or(book.next.as_ref()).map_or(u64::MAX, |due| schedule.start + due.after_ns);
        // One that is about to be told may be earlier than what others have taken meanwhile.
        book.stalls.forget(earliest.min(first).min(before));
    }

    /// Says what was settled of a load as events: one for what was due one after the other within a second.
    pub(super) fn tell(&self, schedule: &Schedule, shard: &Shard) {
        if !self.load {
            return;
        }
        let untaken = self.fetch();
        let alike = |a: &Untaken, b: &Untaken| {
            let second = |due: u64| due.saturating_sub(schedule.start) / SECOND;
            a.own == b.own && second(a.due) == second(b.due)
        };
        for run in untaken.chunk_by(alike) {
            let Some(first) = run.first() else { continue };
            let Untaken { due, free_at, own } = *first;
            let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
            shard.stamp(Event::NOBODY, 0, What::Dropped { due, until: free_at, count, own });
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first instant that waits for a client, or else the next ahead. `None`: there are no more.
    pub(super) fn take(&self, schedule: &Schedule, now: u64) -> Option<Turn> {
        let mut book = self.book();
        book.advance(schedule.start, now, now);
        let due = match book.waiting.pop_front() {
            Some(due) => due,
            None => book.following()?,
        };
        Some(Turn { index: due.index, due: schedule.start.saturating_add(due.after_ns) })
    }

    /// A client that had taken the instant `due` found `now` that the load is over.
    pub(super) fn give_up(&self, due: u64, now: u64) {
        if self.load {
            self.book().passed.push((due, now));
        }
    }

    /// Instants before `now` that nobody took were in a pause of the load: nobody's fault.
    pub(super) fn forgive(&self, schedule: &Schedule, now: u64) {
        let mut book = self.book();
        book.waiting.clear();
        while book.next.is_some_and(|due| schedule.start.saturating_add(due.after_ns) < now) {
            book.following();
        }
    }

    /// The load is over: what was due before its end and not taken is passed over, and
    /// everything is settled.
    pub(super) fn close(&self, schedule: &Schedule) {
        let end = schedule.end();
        let mut book = self.book();
        book.advance(schedule.start, end, end);
        let waiting: Vec<_> = book.waiting.drain(..).map(|due| (schedule.start + due.after_ns, end)).collect();
        book.passed.extend(waiting);
        drop(book);
        self.settle(schedule, u64::MAX);
    }
}

impl Book {
    /// What is due before `now` waits for a client, where there is room; a client is free again at `free_at`.
    fn advance(&mut self, start: u64, now: u64, free_at: u64) {
        while let Some(next) = self.next {
            let due = start.saturating_add(next.after_ns);
            if due >= now {
                return;
            }
            if self.waiting.len() < self.room {
                self.waiting.push_back(next);
            } else {
                self.passed.push((due, free_at));
            }
            self.next = self.times.next();
        }
    }

    fn following(&mut self) -> Option<Due> {
        let following = self.next?;
        self.next = self.times.next();
        Some(following)
    }
}

#[cfg(test)]
mod tests;

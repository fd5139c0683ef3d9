//! One shard a worker thread: a bounded lock-free ring and a gate that lets the
//! reader know up to which instant it has seen everything.
//!
//! The gate: a worker raises `stamping`, reads the clock, pushes the event, and
//! lowers the gate. The reader reads the clock (call it T), then looks at the
//! gate. If it is down, every event stamped before T has been pushed, because a
//! stamp below T means that its gate was raised before the reader looked, and it
//! is down again only after the push. So after draining the ring the shard is
//! complete up to T, without any lock and also when the worker is idle, stopped by a
//! signal, or in another process.
//!
//! Memory order says nothing of clock reads: a processor may look at the gate
//! before it has read the counter (x86 orders `RDTSC` only against what comes
//! before it), read the counter while the raised gate still sits in its store
//! buffer (Arm), and counters of two cores may differ by some nanoseconds. Each
//! is far less than a microsecond, so the watermark is T less [`MARGIN_NS`].
//!
//! A ring of a fixed size is enough for what the reader has not read yet, because no
//! attempt begins while it is nearly full. The attempts that are open then still end,
//! and there can be as many as there are clients: the ring has a reserve for the rest of
//! all of them. Nothing is lost short of that, and the loss is counted beyond it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

use super::event::{AttemptId, Event, What};
use super::merge::Source;
use crate::clock::Clock;
use crate::shared::ring::{Reader, Writer, ring};
use crate::shared::{BlockName, Place};

/// Most events that a ring holds beside its reserve: about 14 ms of the fastest worker seen (1.2 M cycles
/// of four events a second; results/reference/uncontended).
const CAPACITY: usize = 1 << 16;
/// Fewest. A ring is written round and round, so in time all of it is resident: a watch
/// for weeks should not keep megabytes for a few events a second.
const QUIET: usize = 1 << 10;
/// Most events that one attempt still records after it began, a few renewals included:
/// the grant, the loss, the begin and the end of the release, and what is renewed before
/// the reader comes around.
const EVENTS_OF_AN_ATTEMPT: usize = 8;
/// More than a clock read and the memory access beside it can change places.
const MARGIN_NS: u64 = 10_000;

/// Words of the line beside a ring: is the gate up, and how many events were lost?
const STAMPING: usize = 0;
const LOST: usize = 1;

/// The worker's end. Clones share the ring; not `Send`: one thread writes.
#[derive(Clone)]
pub struct Shard {
    ring: Rc<RefCell<Writer<Event>>>,
    reserve: usize,
    clock: Clock,
    throttled: Rc<Cell<u64>>,
}

/// The not yet bound worker's end: `Send`, so that it can move to its thread.
pub struct ShardSeed {
    ring: Writer<Event>,
    reserve: usize,
    clock: Clock,
}

/// The reader's end.
pub struct ShardReader {
    ring: Reader<Event>,
    clock: Clock,
    watermark: u64,
    over: bool,
}

/// Makes both ends of a shard, for a worker of so many clients that does as many
/// attempts as it can.
#[must_use]
pub fn shard(clients: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    own(CAPACITY, clients, clock)
}

/// The same for a worker that has few events to tell: at least room for `events`.
#[must_use]
pub fn quiet_shard(events: usize, clients: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    own(events.clamp(QUIET, CAPACITY), clients, clock)
}

/// The reader's end of a shard whose worker is another process, with the name by which that opens its end.
///
/// # Errors
/// There is no more shared memory to be had.
pub fn shared_shard(clients: usize, clock: Clock) -> io::Result<(ShardName, ShardReader)> {
    let reserve = reserve(clients);
    let (_, ring) = ring(CAPACITY + reserve, Place::Shared)?;
    let name = ring.name().ok_or_else(|| io::Error::other("shared memory without a name"))?;
    Ok((ShardName { ring: name, reserve }, ShardReader { ring, clock, watermark: 0, over: false }))
}

/// How a worker process finds its end of a shard.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShardName {
    ring: BlockName,
    reserve: usize,
}

impl ShardName {
    /// Its writing end; to be opened once.
    ///
    /// # Errors
    /// It is gone.
    pub fn open(&self, clock: Clock) -> io::Result<ShardSeed> {
        Ok(ShardSeed { ring: Writer::open(&self.ring)?, reserve: self.reserve, clock })
    }
}

fn reserve(clients: usize) -> usize {
    clients.saturating_mul(EVENTS_OF_AN_ATTEMPT)
}

fn own(capacity: usize, clients: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    let reserve = reserve(clients);
    let Ok((writer, reader)) = ring(capacity + reserve, Place::Own) else {
        unreachable!("memory of this process is there, or the process ends");
    };
    (ShardSeed { ring: writer, reserve, clock }, ShardReader { ring: reader, clock, watermark: 0, over: false })
}

impl ShardSeed {
    /// Binds the shard to the current thread.
    #[must_use]
    pub fn bind(self) -> Shard {
        let Self { ring, reserve, clock } = self;
        Shard { ring: Rc::new(RefCell::new(ring)), reserve, clock, throttled: Rc::default() }
    }
}

impl Shard {
    /// Stamps and records an event; returns the stamp.
    pub fn stamp(&self, client: u32, key: u32, what: What) -> u64 {
        self.stamp_with(client, key, |_| what)
    }

    /// As [`Shard::stamp`], for events that contain their own stamp.
    pub fn stamp_with(&self, client: u32, key: u32, what: impl FnOnce(u64) -> What) -> u64 {
        self.stamp_of(AttemptId { client, number: 0 }, key, what)
    }

    /// The same of a numbered attempt.
    #[inline]
    pub fn stamp_of(&self, attempt: AttemptId, key: u32, what: impl FnOnce(u64) -> What) -> u64 {
        let mut ring = self.ring.borrow_mut();
        ring.line().0[STAMPING].store(1, SeqCst);
        let t = self.clock.now();
        let AttemptId { client, number } = attempt;
        let pushed = ring.push(Event { t, client, attempt: number, key, what: what(t) });
        if !pushed {
            ring.line().0[LOST].fetch_add(1, Relaxed);
        }
        ring.line().0[STAMPING].store(0, Release);
        t
    }

    /// Is there room for another attempt, beside the reserve? If not, the client
    /// waits *between* attempts, where nothing is being measured, and the wait is counted.
    #[must_use]
    #[inline]
    pub fn has_room(&self) -> bool {
        let mut ring = self.ring.borrow_mut();
        let room = ring.has_free(self.reserve + QUIET / 4 + 1);
        if !room {
            self.throttled.set(self.throttled.get() + 1);
        }
        room
    }

    /// How often clients were held back because the reader was behind.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.throttled.get()
    }
}

impl ShardReader {
    /// The worker is gone: whatever it stamped is in the ring.
    pub fn close(&mut self) {
        self.over = true;
    }
}

impl Source for ShardReader {
    fn drain(&mut self, mut take: impl FnMut(Event)) -> u64 {
        let now = self.clock.now();
        let open = self.ring.line().0[STAMPING].load(SeqCst) != 0;
        let watermark = &mut self.watermark;
        self.ring.drain(|event| {
            *watermark = (*watermark).max(event.t);
            take(event);
        });
        if !open || self.over {
            self.watermark = self.watermark.max(now.saturating_sub(MARGIN_NS));
        }
        self.watermark
    }

    fn lost(&self) -> u64 {
        self.ring.line().0[LOST].load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::{CAPACITY, EVENTS_OF_AN_ATTEMPT, MARGIN_NS, QUIET, STAMPING, quiet_shard, shard, shared_shard};
    use crate::clock::Clock;
    use crate::record::{Source, What};

    #[test]
    fn an_idle_shard_is_complete_up_to_just_before_now() {
        let clock = Clock::monotonic();
        let (_seed, mut reader) = shard(1, clock);
        let before = clock.now();
        let watermark = reader.drain(|_| {});
        assert!(watermark >= before - MARGIN_NS && watermark <= clock.now() - MARGIN_NS);
    }

    #[test]
    fn a_worker_that_is_just_stamping_holds_the_watermark_at_its_last_event() {
        let clock = Clock::monotonic();
        let (seed, mut reader) = shard(1, clock);
        let shard = seed.bind();
        let first = shard.stamp(0, 0, What::Invoke { due: 0 });
        let mut seen = (0, 0);
        shard.stamp_with(0, 0, |t| {
            // The gate is up, the clock read, the event not yet in the ring: for longer than the margin.
            while clock.now() < t + 3 * MARGIN_NS {}
            seen = (reader.drain(|event| assert_eq!(event.t, first)), t);
            What::Invoke { due: 0 }
        });
        assert_eq!(seen.0, first);
        assert!(seen.1 >= seen.0);
    }

    #[test]
    fn a_quiet_one_is_small_and_holds_clients_back_before_it_loses_an_event() {
        let clock = Clock::monotonic();
        let size = |events| quiet_shard(events, 0, clock).0.ring.capacity();
        assert_eq!([0, 100, 3_000, usize::MAX].map(size), [QUIET, QUIET, 4_096, CAPACITY]);
        let (seed, mut reader) = quiet_shard(0, 0, clock);
        let shard = seed.bind();
        let mut stamped = 0;
        while shard.has_room() {
            shard.stamp(0, 0, What::Invoke { due: 0 });
            stamped += 1;
        }
        assert_eq!((stamped, shard.throttled()), (QUIET * 3 / 4, 1));
        let mut seen = 0;
        reader.drain(|_| seen += 1);
        assert_eq!((seen, reader.lost(), shard.has_room()), (stamped, 0, true));
    }

    #[test]
    fn attempts_that_are_open_when_the_ring_is_full_lose_no_event_and_keep_their_order() {
        let clock = Clock::monotonic();
        let clients = QUIET;
        let (seed, mut reader) = quiet_shard(0, clients, clock);
        let shard = seed.bind();
        // All of them saw room at once, and none of the events has been read yet.
        assert!(shard.has_room());
        let all = clients * EVENTS_OF_AN_ATTEMPT;
        for number in 0..all {
            shard.stamp(number as u32, 0, What::Invoke { due: 0 });
        }
        assert!(!shard.has_room(), "nobody begins while only the reserve is left");
        let mut seen = Vec::new();
        reader.drain(|event| seen.push(event.client as usize));
        assert!(seen.len() == all && seen.is_sorted() && reader.lost() == 0, "{} of {all}", seen.len());
        assert!(shard.has_room());
        // What the reserve cannot take is counted.
        let capacity = shard.ring.borrow().capacity();
        for _ in 0..=capacity {
            shard.stamp(7, 0, What::Invoke { due: 0 });
        }
        assert_eq!(reader.lost(), 1);
    }

    #[test]
    fn a_worker_that_is_gone_holds_nothing_back_and_what_it_stamped_is_there() {
        let clock = Clock::monotonic();
        let (name, mut reader) = shared_shard(1, clock).unwrap();
        let shard = name.open(clock).unwrap().bind();
        let t = shard.stamp(3, 0, What::Invoke { due: 0 });
        // As one that is killed while it stamps.
        shard.ring.borrow().line().0[STAMPING].store(1, SeqCst);
        drop(shard);
        std::thread::sleep(std::time::Duration::from_millis(1));
        let mut seen = Vec::new();
        assert_eq!(reader.drain(|event| seen.push((event.client, event.t))), t);
        assert_eq!(seen, [(3, t)]);
        reader.close();
        assert!(reader.drain(|_| {}) > t);
    }

    #[test]
    fn a_busy_reader_sees_every_event_in_order_behind_its_watermark() {
        const EVENTS: u32 = 200_000;
        let clock = Clock::monotonic();
        let (seed, mut reader) = quiet_shard(0, EVENTS as usize / EVENTS_OF_AN_ATTEMPT, clock);
        let mut seen = Vec::new();
        std::thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let shard = seed.bind();
                for number in 0..EVENTS {
                    shard.stamp(number, 0, What::Invoke { due: 0 });
                }
            });
            while !worker.is_finished() {
                let before = seen.len();
                let watermark = reader.drain(|event| seen.push(event));
                assert!(seen[before..].iter().all(|event| event.t <= watermark));
            }
        });
        reader.drain(|event| seen.push(event));
        assert!(seen.iter().map(|event| event.client).eq(0..EVENTS) && reader.lost() == 0);
    }
}

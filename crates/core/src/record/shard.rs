//! One shard a worker thread: a bounded lock-free ring and a gate that lets the
//! reader know up to which instant it has seen everything.
//!
//! The gate: a worker raises `stamping`, reads the clock, pushes the event, and
//! lowers the gate. The reader reads the clock (call it T), then looks at the
//! gate. If it is down, every event stamped before T has been pushed, because a
//! stamp below T means that its gate was raised before the reader looked, and it
//! is down again only after the push. So after draining the ring the shard is
//! complete up to T, without any lock and also when the worker is idle.
//!
//! Memory order says nothing of clock reads: a processor may look at the gate
//! before it has read the counter (x86 orders `RDTSC` only against what comes
//! before it), read the counter while the raised gate still sits in its store
//! buffer (Arm), and counters of two cores may differ by some nanoseconds. Each
//! is far less than a microsecond, so the watermark is T less [`MARGIN_NS`].
//!
//! A ring of a fixed size is enough for what the reader has not read yet, because no
//! attempt begins while it is nearly full. The attempts that are open then still end,
//! and there can be as many as there are clients: what the ring cannot take goes into
//! an overflow behind a lock, with room for the rest of all of them. While anything is
//! in there every event goes there, so the order stays; the reader empties the ring
//! first. Nothing is lost short of that room, and the loss is counted beyond it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtrb::{Consumer, Producer, RingBuffer};

use super::event::{AttemptId, Event, What};
use super::merge::Source;
use crate::clock::Clock;

/// Most events that a ring holds: about 14 ms of the fastest worker seen (1.2 M cycles
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

#[derive(Default)]
struct Gate {
    stamping: AtomicBool,
    lost: AtomicU64,
    /// Is anything in the overflow? Changes only under its lock.
    overflowing: AtomicBool,
    overflow: Mutex<Vec<Event>>,
    /// Events that the overflow may hold.
    room: usize,
}

impl Gate {
    fn overflow(&self) -> MutexGuard<'_, Vec<Event>> {
        self.overflow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The worker's end. Clones share the ring; not `Send`: one thread writes.
#[derive(Clone)]
pub struct Shard {
    ring: Rc<RefCell<Producer<Event>>>,
    gate: Arc<Gate>,
    clock: Clock,
    throttled: Rc<Cell<u64>>,
}

/// The not yet bound worker's end: `Send`, so that it can move to its thread.
pub struct ShardSeed {
    ring: Producer<Event>,
    gate: Arc<Gate>,
    clock: Clock,
}

/// The reader's end.
pub struct ShardReader {
    ring: Consumer<Event>,
    gate: Arc<Gate>,
    clock: Clock,
    watermark: u64,
}

/// Makes both ends of a shard, for a worker of so many clients that does as many
/// attempts as it can.
#[must_use]
pub fn shard(clients: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    of_size(CAPACITY, clients, clock)
}

/// The same for a worker that has few events to tell: at least room for `events`.
#[must_use]
pub fn quiet_shard(events: usize, clients: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    of_size(events.clamp(QUIET, CAPACITY).next_power_of_two(), clients, clock)
}

fn of_size(capacity: usize, clients: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    let (producer, consumer) = RingBuffer::new(capacity);
    let gate = Arc::new(Gate { room: clients.saturating_mul(EVENTS_OF_AN_ATTEMPT), ..Gate::default() });
    (
        ShardSeed { ring: producer, gate: Arc::clone(&gate), clock },
        ShardReader { ring: consumer, gate, clock, watermark: 0 },
    )
}

impl ShardSeed {
    /// Binds the shard to the current thread.
    #[must_use]
    pub fn bind(self) -> Shard {
        Shard { ring: Rc::new(RefCell::new(self.ring)), gate: self.gate, clock: self.clock, throttled: Rc::default() }
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
    pub fn stamp_of(&self, attempt: AttemptId, key: u32, what: impl FnOnce(u64) -> What) -> u64 {
        self.gate.stamping.store(true, Ordering::SeqCst);
        let t = self.clock.now();
        let AttemptId { client, number } = attempt;
        self.push(Event { t, client, attempt: number, key, what: what(t) });
        self.gate.stamping.store(false, Ordering::Release);
        t
    }

    fn push(&self, event: Event) {
        // Only this thread sets the flag, so that a lowered one is the truth.
        if !self.gate.overflowing.load(Ordering::Acquire) && self.ring.borrow_mut().push(event).is_ok() {
            return;
        }
        let mut overflow = self.gate.overflow();
        let empty = !self.gate.overflowing.load(Ordering::Acquire);
        if empty && self.ring.borrow_mut().push(event).is_ok() {
            return;
        }
        if overflow.len() < self.gate.room {
            overflow.push(event);
            self.gate.overflowing.store(true, Ordering::Release);
        } else {
            self.gate.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Is there room for another attempt, a quarter of the ring? If not, the client
    /// waits *between* attempts, where nothing is being measured, and the wait is counted.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let ring = self.ring.borrow();
        let overflowing = self.gate.overflowing.load(Ordering::Acquire);
        let room = !overflowing && ring.slots() > ring.buffer().capacity() / 4;
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

impl Source for ShardReader {
    fn drain(&mut self, mut take: impl FnMut(Event)) -> u64 {
        let now = self.clock.now();
        let open = self.gate.stamping.load(Ordering::SeqCst);
        read(&mut self.ring, &mut self.watermark, &mut take);
        if self.gate.overflowing.load(Ordering::Acquire) {
            let mut overflow = self.gate.overflow();
            // What is in the ring by now came before the overflow began.
            read(&mut self.ring, &mut self.watermark, &mut take);
            let rest = std::mem::take(&mut *overflow);
            self.gate.overflowing.store(false, Ordering::Release);
            drop(overflow);
            for event in rest {
                self.watermark = self.watermark.max(event.t);
                take(event);
            }
        }
        if !open {
            self.watermark = self.watermark.max(now.saturating_sub(MARGIN_NS));
        }
        self.watermark
    }

    fn lost(&self) -> u64 {
        self.gate.lost.load(Ordering::Relaxed)
    }
}

/// Hands over what is in the ring now.
fn read(ring: &mut Consumer<Event>, watermark: &mut u64, take: &mut impl FnMut(Event)) {
    let available = ring.slots();
    if let Ok(chunk) = ring.read_chunk(available) {
        for event in chunk {
            *watermark = (*watermark).max(event.t);
            take(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, EVENTS_OF_AN_ATTEMPT, MARGIN_NS, QUIET, quiet_shard, shard};
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
        let size = |events| quiet_shard(events, 1, clock).0.ring.buffer().capacity();
        assert_eq!([0, 100, 3_000, usize::MAX].map(size), [QUIET, QUIET, 4_096, CAPACITY]);
        let (seed, mut reader) = quiet_shard(0, 1, clock);
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
        assert!(!shard.has_room(), "nobody begins while there is an overflow");
        let mut seen = Vec::new();
        reader.drain(|event| seen.push(event.client as usize));
        assert!(seen.len() == all && seen.is_sorted() && reader.lost() == 0, "{} of {all}", seen.len());
        assert!(shard.has_room());
        // And from here on the ring serves again.
        shard.stamp(7, 0, What::Invoke { due: 0 });
        assert!(reader.gate.overflow().is_empty());
        reader.drain(|event| seen.push(event.client as usize));
        assert_eq!(seen.last(), Some(&7));
    }

    #[test]
    fn an_overflow_beside_a_busy_reader_keeps_every_event_in_order() {
        const EVENTS: u32 = 200_000;
        let clock = Clock::monotonic();
        let (seed, mut reader) = quiet_shard(0, EVENTS as usize, clock);
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

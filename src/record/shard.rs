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

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::event::{Event, What};
use super::merge::Source;
use crate::clock::Clock;

/// Most events that a ring holds: about 14 ms of the fastest worker seen (1.2 M cycles
/// of four events a second; results/reference/uncontended).
const CAPACITY: usize = 1 << 16;
/// Fewest. A ring is written round and round, so in time all of it is resident: a watch
/// for weeks should not keep megabytes for a few events a second.
const QUIET: usize = 1 << 10;
/// More than a clock read and the memory access beside it can change places.
const MARGIN_NS: u64 = 10_000;

#[derive(Default)]
struct Gate {
    stamping: AtomicBool,
    lost: AtomicU64,
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

/// Makes both ends of a shard, for a worker that does as many attempts as it can.
#[must_use]
pub fn shard(clock: Clock) -> (ShardSeed, ShardReader) {
    of_size(CAPACITY, clock)
}

/// The same for whoever has few events to tell: at least room for this many.
#[must_use]
pub fn quiet_shard(events: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    of_size(events.clamp(QUIET, CAPACITY).next_power_of_two(), clock)
}

fn of_size(capacity: usize, clock: Clock) -> (ShardSeed, ShardReader) {
    let (producer, consumer) = RingBuffer::new(capacity);
    let gate = Arc::new(Gate::default());
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
        self.gate.stamping.store(true, Ordering::SeqCst);
        let t = self.clock.now();
        if self.ring.borrow_mut().push(Event { t, client, key, what: what(t) }).is_err() {
            self.gate.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.gate.stamping.store(false, Ordering::Release);
        t
    }

    /// Is there room for another attempt, a quarter of the ring? If not, the client
    /// waits *between* attempts, where nothing is being measured, and the wait is counted.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let ring = self.ring.borrow();
        let room = ring.slots() > ring.buffer().capacity() / 4;
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
        let available = self.ring.slots();
        if let Ok(chunk) = self.ring.read_chunk(available) {
            for event in chunk {
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

#[cfg(test)]
mod tests {
    use super::{CAPACITY, MARGIN_NS, QUIET, quiet_shard, shard};
    use crate::clock::Clock;
    use crate::record::{Source, What};

    #[test]
    fn an_idle_shard_is_complete_up_to_just_before_now() {
        let clock = Clock::monotonic();
        let (_seed, mut reader) = shard(clock);
        let before = clock.now();
        let watermark = reader.drain(|_| {});
        assert!(watermark >= before - MARGIN_NS && watermark <= clock.now() - MARGIN_NS);
    }

    #[test]
    fn a_worker_that_is_just_stamping_holds_the_watermark_at_its_last_event() {
        let clock = Clock::monotonic();
        let (seed, mut reader) = shard(clock);
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
        let size = |events| quiet_shard(events, clock).0.ring.buffer().capacity();
        assert_eq!([0, 100, 3_000, usize::MAX].map(size), [QUIET, QUIET, 4_096, CAPACITY]);
        let (seed, mut reader) = quiet_shard(0, clock);
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
}

//! Where the clients of a trial with faults are, and where one of them waits for a fault: what the injector and
//! the clients, in worker processes too, tell one another without waiting for one another.
//!
//! A fault that waits for a point is armed; the first client that comes to the point trips it, stops there, and
//! goes on when it is let go. All of it is numbers in memory that worker processes share.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use lockbench_core::clock::Timer;
use lockbench_core::shared::{BlockName, Line, Lines, Place};
use lockbench_core::stop::Stop;
use lockbench_core::workload::{MOST_FAULTS, Point};

/// Nanoseconds between two looks of a client that waits to be let go.
const LOOK_NS: u64 = 100_000;

/// Numbers of a fault's line: the point that it is armed for plus one, the client that tripped it plus one, the key,
/// when, and whether the client may go on.
const ARMED: usize = 0;
const TRIPPED: usize = 1;
const KEY: usize = 2;
const AT: usize = 3;
const LET_GO: usize = 4;

/// Lines before those of the clients: which points are armed at all, then one per fault.
const HEAD: usize = 1 + MOST_FAULTS;

/// What a client does, in the lowest bits of its number; the key is above.
const ASKING: u64 = 1;
const INSIDE: u64 = 2;
const WHERE_BITS: u32 = 2;

/// Numbers of a client: where it is, whether it may renew, renewals that it left out, what becomes of its next write to
/// the resource, how many such writes have arrived, and how many of these when the key had been entered again.
const WHERE: usize = 0;
const STALLED: usize = 1;
const LEFT_OUT: usize = 2;
const HELD: usize = 3;
const ARRIVED: usize = 4;
const ARRIVED_LATE: usize = 5;
const OF_A_CLIENT: usize = 8;

/// The next write is held back for the fault whose place is above these bits; it is on its way.
const NEXT: u64 = 1;
const ON_ITS_WAY: u64 = 2;
const HELD_BITS: u32 = 2;

/// The tripwires of a trial.
#[derive(Clone)]
pub struct Tripwires {
    lines: Lines,
}

/// How a worker process finds them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TripwiresName(BlockName);

/// A client that came to the point of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tripped {
    /// Its number.
    pub client: u32,
    /// The key that it holds.
    pub key: u32,
    /// When it came there.
    pub at: u64,
}

impl Tripwires {
    /// Those for so many clients; nothing is armed.
    ///
    /// # Errors
    /// There is no more shared memory to be had.
    pub fn new(clients: u32, place: Place) -> io::Result<Self> {
        let lines = (clients as usize * OF_A_CLIENT).div_ceil(Line::WORDS);
        Ok(Self { lines: Lines::new(HEAD + lines, place)? })
    }

    /// Those that another process made.
    ///
    /// # Errors
    /// They are gone.
    pub fn open(name: &TripwiresName) -> io::Result<Self> {
        Ok(Self { lines: Lines::open(&name.0)? })
    }

    /// How another process finds them; `None`: it cannot.
    #[must_use]
    pub fn name(&self) -> Option<TripwiresName> {
        self.lines.name().map(TripwiresName)
    }

    fn of_fault(&self, fault: u16, number: usize) -> &AtomicU64 {
        &self.lines[1 + usize::from(fault)].0[number]
    }

    fn of_client(&self, client: u32, number: usize) -> &AtomicU64 {
        let at = client as usize * OF_A_CLIENT + number;
        &self.lines[HEAD + at / Line::WORDS].0[at % Line::WORDS]
    }

    /// Which points are armed, a bit each.
    fn points(&self) -> &AtomicU64 {
        &self.lines[0].0[0]
    }

    /// From now on the first client that comes to the point trips it for this fault.
    pub fn arm(&self, fault: u16, point: Point) {
        self.of_fault(fault, TRIPPED).store(0, Ordering::SeqCst);
        self.of_fault(fault, LET_GO).store(0, Ordering::SeqCst);
        self.of_fault(fault, ARMED).store(point as u64 + 1, Ordering::SeqCst);
        self.points().fetch_or(1 << point as u64, Ordering::SeqCst);
    }

    /// Who tripped it, if anybody did.
    #[must_use]
    pub fn tripped(&self, fault: u16) -> Option<Tripped> {
        let client = self.of_fault(fault, TRIPPED).load(Ordering::SeqCst).checked_sub(1)? as u32;
        // The instant is written last: before that the rest is not there yet.
        let at = Some(self.of_fault(fault, AT).load(Ordering::SeqCst)).filter(|at| *at > 0)?;
        Some(Tripped { client, key: self.of_fault(fault, KEY).load(Ordering::SeqCst) as u32, at })
    }

    /// The fault is in force, or nobody waits for it any more: whoever tripped it goes on, and nobody trips it.
    pub fn let_go(&self, fault: u16) {
        self.of_fault(fault, ARMED).store(0, Ordering::SeqCst);
        self.of_fault(fault, LET_GO).store(1, Ordering::SeqCst);
    }

    /// Is any fault armed for this point? All that a client asks where it comes by.
    #[must_use]
    pub fn armed(&self, point: Point) -> bool {
        self.points().load(Ordering::Relaxed) & (1 << point as u64) != 0
    }

    /// A client comes to a point: returns the fault that it trips.
    #[must_use]
    pub fn trip(&self, point: Point, client: u32, key: u32, now: u64) -> Option<u16> {
        if !self.armed(point) {
            return None;
        }
        let trips = |fault: &u16| {
            let armed = self.of_fault(*fault, ARMED).load(Ordering::SeqCst) == point as u64 + 1;
            let first = |tripped: &AtomicU64| {
                let (before, after) = (0, u64::from(client) + 1);
                tripped.compare_exchange(before, after, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            };
            armed && first(self.of_fault(*fault, TRIPPED))
        };
        let fault = (0..MOST_FAULTS as u16).find(trips)?;
        self.of_fault(fault, KEY).store(u64::from(key), Ordering::SeqCst);
        self.of_fault(fault, AT).store(now.max(1), Ordering::SeqCst);
        Some(fault)
    }

    /// The client that tripped a fault waits to be let go, or for the end of the load.
    pub async fn wait(&self, fault: u16, timer: &Timer, stop: &Stop) {
        while self.of_fault(fault, LET_GO).load(Ordering::SeqCst) == 0 && !stop.draining() {
            timer.sleep(LOOK_NS).await;
        }
    }

    /// The client asks for a key.
    pub fn asks(&self, client: u32, key: u32) {
        self.is(client, key, ASKING);
    }

    /// The client is in the critical section of a key.
    pub fn inside(&self, client: u32, key: u32) {
        self.is(client, key, INSIDE);
    }

    /// The client neither asks nor is inside.
    pub fn idle(&self, client: u32) {
        self.of_client(client, WHERE).store(0, Ordering::SeqCst);
    }

    fn is(&self, client: u32, key: u32, what: u64) {
        self.of_client(client, WHERE).store(u64::from(key) << WHERE_BITS | what, Ordering::SeqCst);
    }

    /// The key in whose critical section a client is.
    #[must_use]
    pub fn holds(&self, client: u32) -> Option<u32> {
        self.where_is(client, INSIDE)
    }

    /// The key that a client asks for.
    #[must_use]
    pub fn wants(&self, client: u32) -> Option<u32> {
        self.where_is(client, ASKING)
    }

    fn where_is(&self, client: u32, what: u64) -> Option<u32> {
        let place = self.of_client(client, WHERE).load(Ordering::SeqCst);
        (place & ((1 << WHERE_BITS) - 1) == what).then_some((place >> WHERE_BITS) as u32)
    }

    /// From now on the client renews nothing, or does so again.
    pub fn stall(&self, client: u32, stalled: bool) {
        self.of_client(client, STALLED).store(u64::from(stalled), Ordering::SeqCst);
    }

    /// Returns whether a renewal that is due is to be left out; counts it.
    #[must_use]
    pub fn leaves_out(&self, client: u32) -> bool {
        let stalled = self.of_client(client, STALLED).load(Ordering::SeqCst) != 0;
        if stalled {
            self.of_client(client, LEFT_OUT).fetch_add(1, Ordering::SeqCst);
        }
        stalled
    }

    /// From now on the next write of the client to the resource is held back, for this fault.
    pub fn hold_back(&self, fault: u16, client: u32) {
        self.of_client(client, HELD).store(u64::from(fault) << HELD_BITS | NEXT, Ordering::SeqCst);
    }

    /// What is held back of the client may arrive. Returns whether there is something.
    pub fn deliver(&self, client: u32) -> bool {
        self.of_client(client, HELD).swap(0, Ordering::SeqCst) & ON_ITS_WAY != 0
    }

    /// The client writes to the resource: returns the fault that holds this write back, if one does.
    #[must_use]
    pub fn holds_back(&self, client: u32) -> Option<u16> {
        let held = self.of_client(client, HELD);
        let before = held.load(Ordering::Relaxed);
        let on_its_way = before & !NEXT | ON_ITS_WAY;
        let taken =
            before & NEXT != 0 && held.compare_exchange(before, on_its_way, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        taken.then_some((before >> HELD_BITS) as u16)
    }

    /// Waits until a write that is held back may arrive, or for the end of the load.
    pub async fn on_its_way(&self, client: u32, timer: &Timer, stop: &Stop) {
        while self.of_client(client, HELD).load(Ordering::SeqCst) & ON_ITS_WAY != 0 && !stop.draining() {
            timer.sleep(LOOK_NS).await;
        }
    }

    /// A write that was held back has arrived; `late`: when the key had been entered again.
    pub fn arrived(&self, client: u32, late: bool) {
        self.of_client(client, ARRIVED_LATE).fetch_add(u64::from(late), Ordering::SeqCst);
        self.of_client(client, ARRIVED).fetch_add(1, Ordering::SeqCst);
    }

    /// Writes of the client that have arrived after they were held back, and how many of them late.
    #[must_use]
    pub fn arrivals(&self, client: u32) -> (u64, u64) {
        let number = |number| self.of_client(client, number).load(Ordering::SeqCst);
        (number(ARRIVED), number(ARRIVED_LATE))
    }

    /// Renewals that the client left out so far.
    #[must_use]
    pub fn left_out(&self, client: u32) -> u64 {
        self.of_client(client, LEFT_OUT).load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::{Tripped, Tripwires};
    use lockbench_core::shared::Place;
    use lockbench_core::workload::Point;

    #[test]
    fn the_first_client_at_an_armed_point_trips_it_and_no_other() {
        let wires = Tripwires::new(5, Place::Own).unwrap();
        assert_eq!(wires.trip(Point::HolderInside, 1, 7, 9), None);
        wires.arm(3, Point::HolderInside);
        assert_eq!((wires.trip(Point::BeforeRelease, 1, 7, 9), wires.tripped(3)), (None, None));
        assert_eq!(wires.trip(Point::HolderInside, 4, 7, 9), Some(3));
        assert_eq!(wires.trip(Point::HolderInside, 1, 7, 9), None);
        assert_eq!(wires.tripped(3), Some(Tripped { client: 4, key: 7, at: 9 }));
        wires.let_go(3);
        wires.arm(2, Point::HolderInside);
        wires.let_go(2);
        assert_eq!((wires.trip(Point::HolderInside, 1, 7, 9), wires.tripped(2)), (None, None));
    }

    #[test]
    fn one_write_is_held_back_until_it_is_delivered() {
        let wires = Tripwires::new(5, Place::Own).unwrap();
        assert_eq!((wires.holds_back(3), wires.deliver(3)), (None, false));
        wires.hold_back(7, 3);
        assert_eq!((wires.holds_back(2), wires.holds_back(3), wires.holds_back(3)), (None, Some(7), None));
        assert!(wires.deliver(3) && !wires.deliver(3));
        wires.arrived(3, true);
        assert_eq!((wires.arrivals(3), wires.arrivals(2)), ((1, 1), (0, 0)));
        wires.hold_back(0, 3);
        assert!(!wires.deliver(3), "nothing was written meanwhile");
        assert_eq!(wires.holds_back(3), None);
    }

    #[test]
    fn another_process_sees_where_a_client_is() {
        let wires = Tripwires::new(40, Place::Shared).unwrap();
        let same = Tripwires::open(&wires.name().unwrap()).unwrap();
        same.asks(39, 6);
        assert_eq!((wires.wants(39), wires.holds(39), wires.wants(38)), (Some(6), None, None));
        same.inside(39, 6);
        assert_eq!((wires.wants(39), wires.holds(39)), (None, Some(6)));
        same.idle(39);
        assert_eq!(wires.holds(39), None);
        wires.stall(39, true);
        assert!(same.leaves_out(39) && !same.leaves_out(38));
        assert_eq!(wires.left_out(39), 1);
    }
}

//! One client: the state machine of an attempt; that of a transaction, which takes several locks, is in [`transaction`]. It
//! is *naive*: a hold runs to
//! its end whatever the lease does, because that is what programs do and what
//! the oracle must see.

mod transaction;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::due_instants::{DueInstants, Turn};
use super::late_write::Writes;
use super::lease_length::LeaseLength;
use super::steering::Steering;
use super::tripwires::Tripwires;
use super::witness::{Visit, Witness};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{
    Acquire, Asking, Chance, Deadline, Grant, Key, NEVER, Patience, Release, Renewal, Session, Victims,
};
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{
    AttemptId, Denial, Mode, Reasons, ReleaseKind, RenewalOutcome, Shard, What, WitnessReading,
};
use lockbench_core::stop::Stop;
use lockbench_core::workload::plan::{Access, AcquireMode, Plan};
use lockbench_core::workload::{Point, Wish, Wishes};

/// Pause after an attempt that the system did not serve, so that a dead server
/// is not hammered: doubles from the first to the last. Between attempts, so it
/// is in no figure.
const UNSERVED_PAUSE_NS: (u64, u64) = (1_000_000, 100_000_000);
/// Pause between attempts while the recorder is behind.
const THROTTLE_NS: u64 = 200_000;

/// How often a client in its critical section looks whether it is to stop because another asks, or whether it may
/// renew again.
const LOOK_NS: u64 = 1_000_000;

/// Everything one client needs.
pub struct Client {
    pub index: u32,
    /// Attempts begun so far.
    pub attempts: u32,
    /// Attempts in a row without a grant.
    pub misses: u32,
    pub session: Box<dyn Session>,
    pub shard: Shard,
    pub keys: Arc<[Key]>,
    pub wishes: Wishes,
    pub plan: Arc<Plan>,
    /// Interval of renewals, if any are made.
    pub renew_every_ns: Option<u64>,
    pub witness: Arc<Witness>,
    /// Does it renew the locks of a transaction while it polls for the next one? A poll may be broken off and begun again.
    pub polls: bool,
    /// What the holds say of the lease to ask for, where it follows them.
    pub lease_length: Option<LeaseLength>,
    /// Which attempts are to give up, where the plan wants that.
    pub victims: Option<Arc<Victims>>,
    /// How patiently it asks.
    pub acquire: AcquireMode,
    /// Does the system exclude anybody?
    pub excludes: bool,
    /// Where it may stop for a fault.
    pub tripwires: Option<Tripwires>,
    /// What it writes to the resource.
    pub writes: Writes,
    /// What of its acquires is in flight or queued at the server.
    pub asking: Arc<Asking>,
    pub timer: Timer,
    pub stop: Stop,
    pub steering: Steering,
    pub grid: Option<Arc<DueInstants>>,
    pub reasons: Rc<RefCell<Reasons>>,
}

/// What the acquire of an attempt took.
#[derive(Clone, Copy)]
struct Cost {
    /// Requests sent.
    requests: u32,
    /// How often the client was woken while it waited.
    wakeups: u32,
}

/// A grant whose critical section has been entered.
struct Granted {
    grant: Grant,
    /// When it was granted.
    start: u64,
    /// When its client went on, where it stopped for a fault.
    started: u64,
}

/// Records the death of a client that is dropped in the middle of an attempt.
struct OpenAttempt {
    shard: Shard,
    id: AttemptId,
    key: u32,
    mode: Mode,
    ttl_ns: Option<u64>,
    timer: Timer,
    visit: Option<(Arc<Witness>, Visit)>,
    asking: Arc<Asking>,
    /// When it entered the critical section.
    enter: u64,
    /// How long the workload asks it to be inside; 0: not told, or cut short.
    asked: u64,
    /// Has it left it, and said so?
    left: bool,
    over: bool,
}

impl OpenAttempt {
    /// The critical section is over, and the release is to follow.
    fn leave(&mut self, exit: u64, seen: WitnessReading) {
        let (enter, asked) = (self.enter, self.asked);
        self.shard.stamp_of(self.id, self.key, |_| What::ReleaseInvoke { enter, exit, seen, asked });
        self.left = true;
    }

    /// What the witness saw of the critical section, which ends here.
    fn exit(&mut self, writes: &mut Writes) -> (u64, WitnessReading) {
        let exit = self.timer.now();
        let alone = WitnessReading { occupancy: 1, challenged: Some(false), ..WitnessReading::default() };
        (exit, self.visit.take().map_or(alone, |visit| writes.leave(visit, self.key)))
    }
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        self.asking.end();
        let challenged = self.visit.take().map(|(witness, visit)| witness.abandon(&visit));
        if !self.over {
            let surely_ended = self.ttl_ns.map_or(NEVER, |ttl| self.timer.now().saturating_add(ttl));
            self.shard.stamp_of(self.id, self.key, |_| What::Died { surely_ended, challenged });
        }
    }
}

impl Client {
    /// Runs attempts until the schedule or a stop ends the load; gives the
    /// session back for an orderly close.
    pub async fn run(mut self, schedule: Schedule) -> Box<dyn Session> {
        self.timer.sleep_until(schedule.start).await;
        let mut free_since = schedule.start;
        let mut unserved = 0_u32;
        let mut think_ns = 0;
        loop {
            let (index, mut due) = match &self.grid {
                Some(grid) => match self.turn(grid, &schedule).await {
                    Some(turn) => (Some(turn.index), Some(turn.due)),
                    None => break,
                },
                None => (None, self.think(free_since, think_ns).await),
            };
            while !self.shard.has_room() {
                self.timer.sleep(THROTTLE_NS).await;
            }
            if self.steering.held() {
                self.sit_out().await;
                due = None;
                if let Some(grid) = &self.grid {
                    grid.forgive(&schedule, self.timer.now());
                }
            }
            let now = self.timer.now();
            if self.stop.draining() || now >= schedule.end() {
                if let (Some(grid), Some(due)) = (&self.grid, due) {
                    grid.give_up(due, now);
                }
                break;
            }
            let wish = match index.filter(|_| self.indexed()) {
                Some(index) => Some(self.wishes.of(index)),
                None => self.wishes.next(),
            };
            let Some(wish) = wish else { break };
            let served = self.attempt(&wish, due).await;
            self.cut_out().await;
            think_ns = wish.think_ns;
            unserved = if served { 0 } else { unserved + 1 };
            // On a grid nobody is hammered.
            if unserved > 0 && self.grid.is_none() {
                let (first, last) = UNSERVED_PAUSE_NS;
                self.pause((first << (unserved - 1).min(16)).min(last)).await;
            }
            free_since = self.timer.now();
        }
        self.writes.arrive().await;
        self.session
    }

    /// Do the due instants say what an attempt wants, whichever client takes it?
    fn indexed(&self) -> bool {
        self.grid.as_ref().is_some_and(|grid| grid.is_of_a_load())
    }

    /// Waits out the think time; returns the due instant, or `None` where the
    /// attempt is due as soon as the client gets its turn.
    async fn think(&self, free_since: u64, think_ns: u64) -> Option<u64> {
        match think_ns {
            0 => {
                // Lets the other clients of this worker run: recipes that never wait never yield.
                tokio::task::yield_now().await;
                None
            }
            think => {
                let due = free_since.saturating_add(think);
                tokio::select! {
                    () = self.timer.sleep_until(due) => {}
                    () = self.stop.drained() => {}
                }
                Some(due)
            }
        }
    }

    /// Waits for the next instant that is nobody else's, or for the end. `None`: there is none any more.
    async fn turn(&self, grid: &DueInstants, schedule: &Schedule) -> Option<Turn> {
        // Lets the other clients of this worker run, also where instants have queued up.
        tokio::task::yield_now().await;
        let now = self.timer.now();
        let Some(turn) = grid.take(schedule, now) else {
            // The load goes on until its end.
            return self.rest(schedule).await;
        };
        if turn.due < now {
            return Some(turn);
        }
        loop {
            let until = turn.due.min(schedule.end());
            let now = self.timer.now();
            if self.stop.draining() || now >= until {
                return Some(Turn { due: grid.begins(turn.due, now), ..turn });
            }
            tokio::select! {
                () = self.timer.sleep_until(until) => {}
                () = self.stop.drained() => {}
            }
        }
    }

    /// Waits for the end of a load in which nothing is due any more.
    async fn rest(&self, schedule: &Schedule) -> Option<Turn> {
        while !self.stop.draining() && self.timer.now() < schedule.end() {
            tokio::select! {
                () = self.timer.sleep_until(schedule.end()) => {}
                () = self.stop.drained() => {}
            }
        }
        None
    }

    /// Waits until the load goes on. Whatever would have been due meanwhile is due when
    /// the client gets its turn: no wait is charged to the system for a pause.
    async fn sit_out(&self) {
        tokio::select! {
            () = self.steering.released() => {}
            () = self.stop.drained() => {}
        }
    }

    /// After enough attempts in a row without a lock: does not ask for as long as the plan's breaker says.
    async fn cut_out(&mut self) {
        let Some(breaker) = self.plan.breaker.filter(|breaker| self.misses >= breaker.after) else { return };
        // One more miss is enough to open it again.
        self.misses = breaker.after - 1;
        self.reasons.borrow_mut().add("circuit breaker", &format!("opened after {} misses in a row", breaker.after));
        self.pause(breaker.pause_ns).await;
    }

    async fn pause(&self, ns: u64) {
        tokio::select! {
            () = self.timer.sleep(ns) => {}
            () = self.stop.drained() => {}
        }
    }

    /// One attempt, from invoke to its last event. Was it served?
    async fn attempt(&mut self, wish: &Wish, due: Option<u64>) -> bool {
        let mode = if self.excludes { wish.mode } else { Mode::Optimistic };
        self.choose_lease();
        let (mut open, invoke) = self.ask(wish.key, mode, |t| match (due.unwrap_or(t), mode) {
            (due, Mode::Exclusive) => What::Invoke { due },
            (due, mode) => What::InvokeAs { due, first: 0, mode },
        });
        let patience = self.patience(&open, invoke);
        let served = match self.acquire_lock(&mut open, &patience).await {
            Ok(granted) if wish.further.keys().is_empty() => {
                self.hold(granted, wish.hold_ns, &mut open).await;
                true
            }
            Ok(granted) if !self.plan.locks.are_held_together() => self.saga(granted, wish, &mut open).await,
            Ok(granted) => self.transaction(granted, wish, &mut open).await,
            Err(served) => served,
        };
        open.over = true;
        if let Some(tripwires) = &self.tripwires {
            tripwires.idle(self.index);
        }
        served
    }

    /// Where leases follow the holds: asks for one that is as long as these say, and renews it as often as before in it.
    fn choose_lease(&mut self) {
        let Some(ns) = self.lease_length.as_ref().and_then(LeaseLength::next_ns) else { return };
        let before = self.session.effective_ttl_ns();
        if self.session.set_lease(ns)
            && let (Some(every), Some(before)) = (self.renew_every_ns, before)
        {
            let share = every as f64 / before.max(1) as f64;
            self.renew_every_ns = Some(((share * ns as f64) as u64).max(1));
        }
    }

    /// The call of an attempt. Returns its instant.
    fn ask(&mut self, key: u32, mode: Mode, what: impl FnOnce(u64) -> What) -> (OpenAttempt, u64) {
        self.attempts += 1;
        let id = AttemptId { client: self.index, number: self.attempts };
        let open = OpenAttempt {
            shard: self.shard.clone(),
            id,
            key,
            mode,
            ttl_ns: self.session.effective_ttl_ns(),
            timer: self.timer.clone(),
            visit: None,
            asking: Arc::clone(&self.asking),
            enter: 0,
            asked: 0,
            left: false,
            over: false,
        };
        let invoke = self.shard.stamp_of(id, key, what);
        self.asking.begin(key);
        if let Some(tripwires) = &self.tripwires {
            tripwires.asks(self.index, key);
        }
        (open, invoke)
    }

    /// How patiently the plan asks, in an attempt that was called at `invoke`.
    fn patience(&self, open: &OpenAttempt, invoke: u64) -> Patience {
        let AcquireMode::Wait { timeout_ns, tries } = self.acquire else { return Patience::Try };
        let at = invoke.saturating_add(timeout_ns);
        let deadline = Deadline::new(at, self.timer.clone(), self.stop.clone()).watched(Arc::clone(&self.asking));
        let deadline = deadline.within_tries(tries);
        Patience::Until(match &self.victims {
            Some(victims) => deadline.abortable(Chance::new(Arc::clone(victims), open.id.client, open.id.number)),
            None => deadline,
        })
    }

    /// The answer to a call. `Err`: it is none of a grant; was it served all the same?
    async fn acquire_lock(&mut self, open: &mut OpenAttempt, patience: &Patience) -> Result<Granted, bool> {
        let keys = Arc::clone(&self.keys);
        let sent = self.session.requests();
        let key = &keys[open.key as usize];
        let outcome = match self.plan.access {
            Access::Exclusive => self.session.acquire(key, patience).await,
            _ => self.session.acquire_as(key, open.mode, patience).await,
        };
        self.asking.end();
        let cost = Cost { requests: (self.session.requests() - sent) as u32, wakeups: self.asking.take_wakeups() };
        match outcome {
            Acquire::Acquired(grant) => {
                self.misses = 0;
                Ok(self.granted(grant, cost, open).await)
            }
            denied => {
                self.misses = self.misses.saturating_add(1);
                Err(self.denied(open, denied, patience, cost))
            }
        }
    }

    fn denied(&self, open: &OpenAttempt, outcome: Acquire, patience: &Patience, cost: Cost) -> bool {
        let (aborted, brought_forward) = match patience {
            Patience::Until(deadline) => (deadline.aborted(), deadline.brought_forward()),
            Patience::Try => (false, false),
        };
        let (denial, surely_ended) = match outcome {
            Acquire::TimedOut if aborted => (Denial::Aborted, 0),
            Acquire::TimedOut if brought_forward => (Denial::Withdrawn, 0),
            Acquire::TimedOut => (Denial::TimedOut, 0),
            Acquire::Deadlock => (Denial::Deadlock, 0),
            Acquire::Unavailable(reason) => {
                self.reasons.borrow_mut().add("acquire unavailable", &reason);
                (Denial::Unavailable, 0)
            }
            Acquire::Unknown { surely_ended_ns, reason } => {
                self.reasons.borrow_mut().add("acquire unknown", &reason);
                (Denial::Unknown, surely_ended_ns)
            }
            // A grant never comes here: it has been held already.
            Acquire::Refused | Acquire::Acquired(_) => (Denial::Refused, 0),
        };
        let Cost { requests, wakeups } = cost;
        self.shard.stamp_of(open.id, open.key, |_| What::Denied { denial, surely_ended, requests, wakeups });
        !matches!(denial, Denial::Unavailable | Denial::Unknown)
    }

    /// The grant is here: enters the critical section.
    async fn granted(&self, grant: Grant, cost: Cost, open: &mut OpenAttempt) -> Granted {
        let key = open.key;
        let (token, validity, waited) = (grant.token(), grant.validity_ns(), grant.waited());
        let Cost { requests, wakeups } = cost;
        let acquired = What::Acquired { token, validity, requests, waited, wakeups };
        let start = self.shard.stamp_of(open.id, key, |_| acquired);
        let mut started = start;
        if let Some(tripwires) = &self.tripwires {
            tripwires.inside(self.index, key);
            started = started.saturating_add(self.come_to(Point::HolderAcquired, open).await);
        }
        // Where nobody is excluded the commit is the only write, and what it is over the server says.
        open.visit = (open.mode != Mode::Optimistic)
            .then(|| (Arc::clone(&self.witness), self.witness.enter(key, grant.token(), open.mode)));
        open.enter = self.timer.now();
        Granted { grant, start, started }
    }

    /// The critical section and the release.
    async fn hold(&mut self, mut granted: Granted, hold_ns: u64, open: &mut OpenAttempt) {
        if hold_ns > 0 {
            self.stay(&mut granted.grant, granted.started, hold_ns, open).await;
        } else if self.tripwires.is_some() {
            self.come_to(Point::HolderInside, open).await;
        }
        self.give_back(granted, open).await;
    }

    /// The end of the critical section, and the release.
    async fn give_back(&mut self, Granted { grant, start, .. }: Granted, open: &mut OpenAttempt) {
        let (id, key) = (open.id, open.key);
        if !open.left {
            let (exit, seen) = open.exit(&mut self.writes);
            if let Some(length) = self.lease_length.as_ref().filter(|_| !self.stop.draining()) {
                length.held(exit.saturating_sub(start));
            }
            if self.tripwires.is_some() {
                self.come_to(Point::BeforeRelease, open).await;
            }
            if let Some(at) = self.session.lost_at().filter(|at| *at >= start) {
                self.shard.stamp_of(id, key, |_| What::Lost { at });
            }
            open.leave(exit, seen);
        }
        let sent = self.session.requests();
        let (release, surely_ended) = match self.session.release(grant).await {
            Release::Confirmed => (ReleaseKind::Confirmed, 0),
            Release::NotOwner => (ReleaseKind::NotOwner, 0),
            Release::Unavailable { surely_ended_ns, reason } => {
                self.reasons.borrow_mut().add("release unavailable", &reason);
                (ReleaseKind::Unavailable, surely_ended_ns)
            }
            Release::Unknown { surely_ended_ns, reason } => {
                self.reasons.borrow_mut().add("release unknown", &reason);
                (ReleaseKind::Unknown, surely_ended_ns)
            }
        };
        let requests = (self.session.requests() - sent) as u32;
        self.shard.stamp_of(id, key, |_| What::Released { release, surely_ended, requests });
    }

    /// Comes to a point that a fault may wait for: then it stops there until it is let go. Returns for how long.
    async fn come_to(&self, point: Point, open: &OpenAttempt) -> u64 {
        let Some(tripwires) = &self.tripwires else { return 0 };
        let from = self.timer.now();
        let Some(fault) = tripwires.trip(point, self.index, open.key, from) else { return 0 };
        tripwires.wait(fault, &self.timer, &self.stop).await;
        self.shard.stamp_of(open.id, open.key, |_| What::Stopped { fault, from }) - from
    }

    /// Holds for `hold_ns` from `start`, renewing on the way. A stop ends it early. Where it stops for a fault the
    /// rest of its work is still to do afterwards.
    async fn stay(&mut self, grant: &mut Grant, start: u64, hold_ns: u64, open: &mut OpenAttempt) {
        let mut end = start.saturating_add(hold_ns);
        open.asked = hold_ns;
        let mut every = self.renew_every_ns;
        let mut next_renewal = every.map_or(u64::MAX, |every| start.saturating_add(every));
        let mut look = Look::begin(self.tripwires.as_ref(), start, hold_ns);
        loop {
            tokio::select! {
                () = self.timer.sleep_until(end.min(next_renewal).min(look.at)) => {}
                () = self.stop.drained() => {
                    open.asked = 0;
                    return;
                }
            }
            let now = self.timer.now();
            if now >= look.at && look.at < end {
                let point = look.point(now);
                let comes = point != Point::ContenderWaiting || self.witness.asks().now(grant.key()).asks();
                let stopped = if comes { self.come_to(point, open).await } else { 0 };
                end = end.saturating_add(stopped);
                look.again(self.timer.now());
                continue;
            }
            if next_renewal >= end {
                return;
            }
            if self.tripwires.as_ref().is_some_and(|tripwires| tripwires.leaves_out(self.index)) {
                next_renewal = now.saturating_add(LOOK_NS);
                continue;
            }
            if !self.renew(grant, end, open).await {
                every = None;
            }
            if open.left {
                return;
            }
            next_renewal = every.map_or(u64::MAX, |every| next_renewal.saturating_add(every).max(self.timer.now()));
        }
    }

    /// Renews once. Is it worth going on? The work goes on meanwhile: where there is no answer at its end, the critical
    /// section is left without it, and only the release waits.
    async fn renew(&mut self, grant: &mut Grant, end: u64, open: &mut OpenAttempt) -> bool {
        let (invoke, key, before) = (self.timer.now(), grant.key(), grant.validity_ns());
        let mut renewing = self.session.renew(grant);
        let answered = tokio::select! {
            biased;
            renewal = &mut renewing => Some(renewal),
            () = self.timer.sleep_until(end) => None,
        };
        let in_time = answered.is_some();
        let renewal = match answered {
            Some(renewal) => renewal,
            None => {
                let outcome = RenewalOutcome::Unanswered;
                open.shard.stamp_of(open.id, key, |_| What::Renewed { invoke, outcome, validity: before });
                let (exit, seen) = open.exit(&mut self.writes);
                open.leave(exit, seen);
                (&mut renewing).await
            }
        };
        drop(renewing);
        let (outcome, go_on) = match renewal {
            Renewal::Confirmed => (RenewalOutcome::Confirmed, true),
            Renewal::Refused => (RenewalOutcome::Refused, false),
            Renewal::Unavailable(reason) | Renewal::Unknown(reason) => {
                self.reasons.borrow_mut().add("renew", &reason);
                (RenewalOutcome::Unanswered, true)
            }
        };
        if in_time {
            let renewed = What::Renewed { invoke, outcome, validity: grant.validity_ns() };
            self.shard.stamp_of(open.id, key, |_| renewed);
        }
        go_on
    }
}

/// When a client that stays in its critical section looks whether a fault waits for it there; never without tripwires.
struct Look {
    at: u64,
    half: u64,
    half_over: bool,
}

impl Look {
    fn begin(tripwires: Option<&Tripwires>, start: u64, hold_ns: u64) -> Self {
        let half = start.saturating_add(hold_ns / 2);
        let at = tripwires.map_or(u64::MAX, |_| half.min(start.saturating_add(LOOK_NS)));
        Self { at, half, half_over: false }
    }

    /// The point that it is at now.
    fn point(&mut self, now: u64) -> Point {
        if now < self.half || self.half_over {
            return Point::ContenderWaiting;
        }
        self.half_over = true;
        Point::HolderInside
    }

    fn again(&mut self, now: u64) {
        let next = now.saturating_add(LOOK_NS);
        self.at = if self.half_over { next } else { next.min(self.half.max(now)) };
    }
}

//! A transaction: a client takes several locks, one while it holds the others, works under all of them, and gives them
//! back in the opposite order. Where it does not get one, it gives back what it has. A saga takes them one after another.
//!
//! The locks that it holds are renewed while it waits, where that can be: a client that polls breaks its poll off to
//! renew, one that stands in a queue of the server would lose its place there. Heartbeats go on by themselves.

use super::{Client, Cost, Granted, OpenAttempt};
use lockbench_core::lock::{Acquire, Patience};
use lockbench_core::record::{Mode, What};
use lockbench_core::workload::plan::Locks;
use lockbench_core::workload::{Point, Wish};

/// A lock of the transaction, and its attempt.
struct Held {
    granted: Granted,
    open: OpenAttempt,
}

impl Client {
    /// The rest of a saga whose first lock was granted: each step under its own lock, and where one is not had, the undoing of
    /// those before it. Returns whether the system served all of it.
    pub(super) async fn saga(&mut self, first: Granted, wish: &Wish, open: &mut OpenAttempt) -> bool {
        self.hold(first, wish.hold_ns, open).await;
        open.over = true;
        let mut done = vec![wish.key];
        let mut all_served = true;
        for key in wish.further.keys() {
            let Some(served) = self.step(*key, wish.hold_ns).await else {
                done.push(*key);
                continue;
            };
            all_served &= served;
            while let Some(key) = done.pop() {
                all_served &= self.step(key, wish.hold_ns).await.unwrap_or(true);
            }
            break;
        }
        all_served
    }

    /// One step of a saga: takes its lock, works, gives it back. `None`: it is done; else whether it was served all the same.
    async fn step(&mut self, key: u32, hold_ns: u64) -> Option<bool> {
        let (mut open, invoke) = self.ask(key, Mode::Exclusive, |due| What::Invoke { due });
        let patience = self.patience(&open, invoke);
        let denied = match self.acquire_lock(&mut open, &patience).await {
            Ok(granted) => {
                self.hold(granted, hold_ns, &mut open).await;
                None
            }
            Err(served) => Some(served),
        };
        open.over = true;
        denied
    }

    /// The rest of a transaction whose first lock was granted; returns whether the system served all of it.
    pub(super) async fn transaction(&mut self, first: Granted, wish: &Wish, open: &mut OpenAttempt) -> bool {
        let mut next_renewal = self.next_renewal(first.started);
        let (mut first, mut further) = (first, Vec::with_capacity(wish.further.keys().len()));
        let mut served = None;
        for key in wish.further.keys() {
            let number = open.id.number;
            let (mut asked, invoke) =
                self.ask(*key, Mode::Exclusive, |due| What::InvokeAs { due, first: number, mode: Mode::Exclusive });
            let patience = match self.plan.locks {
                Locks::AllOrRelease { .. } => Patience::Try,
                _ => self.patience(&asked, invoke),
            };
            let mut all = All { first: (&mut first, open), further: &mut further, next_renewal: &mut next_renewal };
            match self.acquire_beside(&mut asked, &patience, &mut all).await {
                Ok(granted) => further.push(Held { granted, open: asked }),
                Err(answered) => {
                    asked.over = true;
                    served = Some(answered);
                    break;
                }
            }
        }
        if served.is_none() {
            let start = further.last().map_or(first.started, |held| held.granted.started);
            let mut all = All { first: (&mut first, open), further: &mut further, next_renewal: &mut next_renewal };
            self.work(start, wish.hold_ns, &mut all).await;
        }
        while let Some(Held { granted, open: mut last }) = further.pop() {
            self.give_back(granted, &mut last).await;
            last.over = true;
        }
        self.give_back(first, open).await;
        served.unwrap_or(true)
    }

    fn next_renewal(&self, from: u64) -> u64 {
        self.renew_every_ns.map_or(u64::MAX, |every| from.saturating_add(every))
    }

    /// The answer to the call of a further lock. Meanwhile the others are renewed, where a wait may be broken off.
    async fn acquire_beside(
        &mut self,
        asked: &mut OpenAttempt,
        patience: &Patience,
        all: &mut All<'_>,
    ) -> Result<Granted, bool> {
        let deadline = match patience {
            Patience::Until(deadline) if self.polls => deadline,
            _ => return self.acquire_lock(asked, patience).await,
        };
        let keys = std::sync::Arc::clone(&self.keys);
        let sent = self.session.requests();
        loop {
            let slice = Patience::Until(deadline.clone().at_latest(*all.next_renewal));
            let outcome = self.session.acquire(&keys[asked.key as usize], &slice).await;
            if outcome == Acquire::TimedOut && !deadline.passed() {
                self.renew_all(deadline.at_ns(), all).await;
                // The next slice asks at once.
                self.asking.again();
                continue;
            }
            self.asking.end();
            let cost = Cost { requests: (self.session.requests() - sent) as u32, wakeups: self.asking.take_wakeups() };
            return match outcome {
                Acquire::Acquired(grant) => Ok(self.granted(grant, cost, asked).await),
                denied => Err(self.denied(asked, denied, patience, cost)),
            };
        }
    }

    /// The work under all locks, `hold_ns` from `start`.
    async fn work(&mut self, start: u64, hold_ns: u64, all: &mut All<'_>) {
        let end = start.saturating_add(hold_ns);
        if self.tripwires.is_some() {
            self.come_to(Point::HolderInside, all.first.1).await;
        }
        loop {
            tokio::select! {
                () = self.timer.sleep_until(end.min(*all.next_renewal)) => {}
                () = self.stop.drained() => return,
            }
            if self.timer.now() >= end {
                // The others were held while their client waited for this one.
                let last = all.further.last_mut().map_or(&mut *all.first.1, |held| &mut held.open);
                last.asked = hold_ns;
                return;
            }
            self.renew_all(end, all).await;
        }
    }

    /// Renews every lock once; one that is gone is not asked for again.
    async fn renew_all(&mut self, end: u64, all: &mut All<'_>) {
        let (granted, open) = (&mut *all.first.0, &mut *all.first.1);
        if !open.left {
            self.renew(&mut granted.grant, end, open).await;
        }
        for held in all.further.iter_mut().filter(|held| !held.open.left) {
            self.renew(&mut held.granted.grant, end, &mut held.open).await;
        }
        *all.next_renewal = self.next_renewal(self.timer.now());
    }
}

/// What a transaction holds so far.
struct All<'a> {
    first: (&'a mut Granted, &'a mut OpenAttempt),
    further: &'a mut Vec<Held>,
    next_renewal: &'a mut u64,
}

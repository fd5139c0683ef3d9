//! The most recent holds of a trial, for the picture of who is inside when.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{HoldEnd, SceneHold};
use lockbench_core::record::attempt::{Attempt, Change, PerAttempt};
use lockbench_core::record::{Follower, Transition};

/// Holds remembered: more than a screen can tell apart, and little enough to stay in
/// a processor's cache.
const RECENT: usize = 1_024;

/// A hold and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyHold {
    /// Key index.
    pub key: u32,
    /// Is the holder still inside? Then `end_ns` is the instant of the snapshot.
    pub open: bool,
    /// The hold.
    #[serde(flatten)]
    pub hold: SceneHold,
}

/// A fold over the events.
pub struct Lanes {
    open: PerAttempt<Option<KeyHold>>,
    recent: VecDeque<KeyHold>,
    /// Holds that ended so far.
    ended: u64,
}

impl Lanes {
    pub fn new(clients: u32) -> Self {
        Self { open: PerAttempt::new(clients), recent: VecDeque::with_capacity(RECENT), ended: 0 }
    }

    fn end(&mut self, attempt: &Attempt, t: u64, ended: HoldEnd) {
        let Some(mut done) = self.open.take(attempt) else { return };
        if done.open {
            done.hold.end_ns = t;
        }
        (done.open, done.hold.ended) = (false, ended);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(done);
        self.ended += 1;
    }

    /// Holds that ended so far.
    pub fn ended(&self) -> u64 {
        self.ended
    }

    /// The holds that ended after the first `taken`, as far as they are remembered, and
    /// those that are open at `now`.
    pub fn since(&self, taken: u64, now: u64) -> Vec<KeyHold> {
        let new = ((self.ended - taken) as usize).min(self.recent.len());
        let ended = self.recent.iter().skip(self.recent.len() - new).copied();
        let open = self.open.all().flatten().map(|open| {
            let mut open = *open;
            if open.open {
                open.hold.end_ns = now.max(open.hold.start_ns);
            }
            open
        });
        ended.chain(open).collect()
    }

    /// Clients that are inside now.
    pub fn inside(&self) -> u32 {
        self.open.all().flatten().filter(|open| open.open).count() as u32
    }
}

impl Follower for Lanes {
    fn follow(&mut self, transition: &Transition<'_>) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        transition.unfinished.iter().for_each(|unfinished| self.end(unfinished, t, HoldEnd::Open));
        match transition.change {
            Change::Granted | Change::Renewed { .. } | Change::Left(_) => {
                let key = attempt.key;
                *self.open.of(attempt) =
                    SceneHold::of(attempt).map(|hold| KeyHold { key, open: attempt.inside(), hold });
            }
            Change::Ended(end) => self.end(attempt, t, HoldEnd::of(end)),
            Change::Begun | Change::Stopped | Change::Lost | Change::Tool => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lanes, RECENT};
    use lockbench_core::record::{Attempts, Event, Follower, ReleaseKind, What, WitnessReading};

    fn hold((attempts, lanes): (&mut Attempts, &mut Lanes), client: u32, start: u64, end: u64) {
        let mut at = |t, what| lanes.follow(&attempts.observe(&Event { t, client, attempt: 0, key: 0, what }));
        at(start - 1, What::Invoke { due: start - 1 });
        at(start, What::Acquired { token: Some(start), validity: u64::MAX, requests: 1, waited: None, wakeups: 0 });
        at(end, What::ReleaseInvoke { enter: start, exit: end, seen: WitnessReading::default(), asked: 0 });
        at(end + 1, What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 });
    }

    #[test]
    fn each_taking_has_the_new_holds_and_the_open_ones() {
        let (mut attempts, mut lanes) = (Attempts::default(), Lanes::new(2));
        hold((&mut attempts, &mut lanes), 0, 10, 20);
        let acquired = What::Acquired { token: None, validity: 90, requests: 1, waited: None, wakeups: 0 };
        for (t, what) in [(30, What::Invoke { due: 30 }), (31, acquired)] {
            lanes.follow(&attempts.observe(&Event { t, client: 1, attempt: 0, key: 0, what }));
        }
        let first = lanes.since(0, 50);
        assert_eq!(
            first.iter().map(|h| (h.hold.client, h.open, h.hold.end_ns)).collect::<Vec<_>>(),
            [(0, false, 20), (1, true, 50)]
        );
        assert_eq!(lanes.inside(), 1);
        assert_eq!(lanes.since(lanes.ended(), 60).len(), 1);
        for i in 0..2 * RECENT as u64 {
            hold((&mut attempts, &mut lanes), 0, 100 + 10 * i, 105 + 10 * i);
        }
        assert_eq!(lanes.since(1, 0).len(), RECENT + 1);
    }
}

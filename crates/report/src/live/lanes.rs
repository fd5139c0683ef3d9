//! The most recent holds of a trial, for the picture of who is inside when.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{HoldEnd, SceneHold};
use lockbench_core::record::{Event, ReleaseKind, RenewalOutcome, What};

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
    invoked: Vec<u64>,
    open: Vec<Option<KeyHold>>,
    recent: VecDeque<KeyHold>,
    /// Holds that ended so far.
    ended: u64,
}

impl Lanes {
    pub fn new(clients: u32) -> Self {
        let clients = clients as usize;
        Self { invoked: vec![0; clients], open: vec![None; clients], recent: VecDeque::with_capacity(RECENT), ended: 0 }
    }

    pub fn observe(&mut self, event: &Event) {
        let client = event.client as usize;
        match event.what {
            What::Invoke { .. } => {
                self.end(client, event.t, HoldEnd::Open);
                self.invoked[client] = event.t;
            }
            What::Acquired { token, validity, .. } => {
                let hold = SceneHold {
                    client: event.client,
                    token,
                    invoke_ns: self.invoked[client],
                    start_ns: event.t,
                    end_ns: event.t,
                    validity_ns: (validity != u64::MAX).then_some(validity),
                    ended: HoldEnd::Open,
                };
                self.open[client] = Some(KeyHold { key: event.key, open: true, hold });
            }
            What::Renewed { outcome: RenewalOutcome::Confirmed, validity, .. } => {
                if let Some(open) = &mut self.open[client] {
                    open.hold.validity_ns = (validity != u64::MAX).then_some(validity);
                }
            }
            What::ReleaseInvoke { .. } => {
                if let Some(open) = &mut self.open[client] {
                    (open.open, open.hold.end_ns) = (false, event.t);
                }
            }
            What::Released { release, .. } => {
                let ended = match release {
                    ReleaseKind::Confirmed => HoldEnd::Confirmed,
                    ReleaseKind::NotOwner => HoldEnd::NotOwner,
                    ReleaseKind::Unavailable | ReleaseKind::Unknown => HoldEnd::Unanswered,
                };
                self.end(client, event.t, ended);
            }
            What::Died { .. } => self.end(client, event.t, HoldEnd::Open),
            _ => {}
        }
    }

    fn end(&mut self, client: usize, t: u64, ended: HoldEnd) {
        let Some(mut done) = self.open[client].take() else { return };
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
        let open = self.open.iter().flatten().map(|open| {
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
        self.open.iter().flatten().filter(|open| open.open).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::{Lanes, RECENT};
    use lockbench_core::record::{Event, ReleaseKind, Seen, What};

    fn hold(lanes: &mut Lanes, client: u32, start: u64, end: u64) {
        let mut at = |t, what| lanes.observe(&Event { t, client, key: 0, what });
        at(start - 1, What::Invoke { due: start - 1 });
        at(start, What::Acquired { token: Some(start), validity: u64::MAX, requests: 1, waited: None });
        at(end, What::ReleaseInvoke { enter: start, exit: end, seen: Seen::default() });
        at(end + 1, What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 });
    }

    #[test]
    fn each_taking_has_the_new_holds_and_the_open_ones() {
        let mut lanes = Lanes::new(2);
        hold(&mut lanes, 0, 10, 20);
        lanes.observe(&Event { t: 30, client: 1, key: 0, what: What::Invoke { due: 30 } });
        let acquired = What::Acquired { token: None, validity: 90, requests: 1, waited: None };
        lanes.observe(&Event { t: 31, client: 1, key: 0, what: acquired });
        let first = lanes.since(0, 50);
        assert_eq!(
            first.iter().map(|h| (h.hold.client, h.open, h.hold.end_ns)).collect::<Vec<_>>(),
            [(0, false, 20), (1, true, 50)]
        );
        assert_eq!(lanes.inside(), 1);
        assert_eq!(lanes.since(lanes.ended(), 60).len(), 1);
        for i in 0..2 * RECENT as u64 {
            hold(&mut lanes, 0, 100 + 10 * i, 105 + 10 * i);
        }
        assert_eq!(lanes.since(1, 0).len(), RECENT + 1);
    }
}

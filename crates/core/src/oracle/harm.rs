//! What the witness saw: harm done without fencing, harm that fencing prevented,
//! and whether the witness agrees with the sweep. More than one client inside at
//! once on a key none of whose holds touched means that lockbench itself is wrong.

use super::checker::Checker;
use super::open::OpenAttempts;
use crate::record::attempt::{Change, Transition};
use crate::record::history::Judged;
use crate::record::{Mode, What};

/// The checker.
pub struct Harm {
    crowded: Vec<bool>,
}

impl Harm {
    /// A checker for so many keys.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { crowded: vec![false; keys as usize] }
    }

    /// The first key on which two clients were inside at once though no two of its
    /// holds even touched.
    #[must_use]
    pub fn contradiction(&self, touched: impl Fn(u32) -> bool) -> Option<u32> {
        (0_u32..).zip(&self.crowded).find(|(key, crowded)| **crowded && !touched(*key)).map(|(key, _)| key)
    }
}

impl Checker for Harm {
    fn check(&mut self, transition: &Transition<'_>, _open: &OpenAttempts, judged: &mut Judged) {
        let (seen, left) = match (transition.change, transition.event.what) {
            (Change::Left(seen), _) => (seen, true),
            // Nobody is inside for its sake.
            (Change::Tool, What::LateWrite { seen, .. }) => (seen, false),
            _ => return,
        };
        judged.lost_updates += u64::from(seen.lost_update);
        judged.stale_writes_seen += u64::from(seen.stale_write);
        judged.stale_writes_refused += u64::from(seen.refused_write);
        judged.acts += u64::from(seen.act.done);
        judged.harmful_acts += u64::from(seen.act.harm);
        judged.harmful_acts_fenced += u64::from(seen.act.harm_fenced);
        if left && transition.attempt.mode != Mode::Optimistic && seen.occupancy > 1 {
            self.crowded[transition.attempt.key as usize] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::oracle::Oracle;
    use crate::record::{Event, Observer, ReleaseKind, What, WitnessReading};

    #[test]
    fn a_late_write_harms_and_is_no_double_grant() {
        let mut oracle = Oracle::new(2, 1, 0);
        let one = WitnessReading { occupancy: 1, ..WitnessReading::default() };
        let late = WitnessReading { occupancy: 2, lost_update: true, stale_write: true, refused_write: true, ..one };
        let hold = |client, t| {
            [
                (t, client, What::Invoke { due: t }),
                (
                    t + 1,
                    client,
                    What::Acquired { token: Some(t), validity: 900, requests: 1, waited: None, wakeups: 0 },
                ),
                (t + 2, client, What::ReleaseInvoke { enter: t + 1, exit: t + 2, seen: one, asked: 0 }),
                (t + 3, client, What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 }),
            ]
        };
        let arrives = (30, Event::NOBODY, What::LateWrite { of: 0, fault: 0, from: 12, seen: late });
        for (t, client, what) in hold(0, 10).into_iter().chain(hold(1, 20)).chain([arrives]) {
            oracle.observe(&Event { t, client, attempt: 0, key: 0, what });
        }
        let found = oracle.finish();
        assert_eq!((found.judged.double_grants, found.contradiction), (0, None));
        let judged = found.judged;
        assert_eq!((judged.lost_updates, judged.stale_writes_seen, judged.stale_writes_refused), (1, 1, 1));
    }
}

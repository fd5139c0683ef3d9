//! The events of a round, counted into the rolling windows as they come. The figures of
//! a whole round are those of a trial; here is only what must be known meanwhile.

use super::rolling::Rolling;
use lockbench_core::figure::Counter;
use lockbench_core::record::attempt::{Attempt, Change, End};
use lockbench_core::record::{Attempts, Denial, Event, ReleaseKind, Transition};

/// What one event was to the watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceSign {
    /// An answer of the system: it works.
    Served,
    /// An attempt or a release that was not served, or whose answer is lost.
    Unserved,
    /// An attempt began: its client asks.
    Asked,
    /// None of them.
    Nothing,
}

/// The key of an attempt as it was when the attempt began.
#[derive(Clone, Copy, Default)]
struct Before {
    found_held: bool,
    /// Grants of the key until then.
    granted: u64,
}

/// The fold of one round.
pub struct Tap {
    attempts: Attempts,
    /// Of each client's attempt.
    before: Vec<Before>,
    /// Holders of each key.
    inside: Vec<u32>,
    /// Grants of each key.
    granted: Vec<u64>,
}

impl Tap {
    /// For so many clients and keys.
    #[must_use]
    pub fn new(clients: u32, keys: u32) -> Self {
        Self {
            attempts: Attempts::new(clients),
            before: vec![Before::default(); clients as usize],
            inside: vec![0; keys as usize],
            granted: vec![0; keys as usize],
        }
    }

    /// Is a client inside a hold? Then those who wait, wait for it and not for the system.
    #[must_use]
    pub fn held(&self) -> bool {
        self.inside.iter().any(|holders| *holders > 0)
    }

    /// The next event.
    pub fn observe(&mut self, event: &Event, rolling: &mut Rolling) -> ServiceSign {
        let mut attempts = std::mem::take(&mut self.attempts);
        let seen = self.follow(&attempts.observe(event), rolling);
        self.attempts = attempts;
        seen
    }

    fn follow(&mut self, transition: &Transition<'_>, rolling: &mut Rolling) -> ServiceSign {
        let (attempt, t) = (transition.attempt, transition.event.t);
        for unfinished in transition.unfinished.iter().filter(|attempt| attempt.inside()) {
            self.leave(unfinished.key);
        }
        match transition.change {
            Change::Begun => {
                let key = attempt.key as usize;
                self.before[attempt.client as usize] =
                    Before { found_held: self.inside[key] > 0, granted: self.granted[key] };
                ServiceSign::Asked
            }
            Change::Granted => {
                self.grant(attempt, t, rolling);
                ServiceSign::Served
            }
            Change::Left(_) => {
                if attempt.hold.is_some() {
                    self.leave(attempt.key);
                }
                ServiceSign::Nothing
            }
            Change::Ended(End::Denied { denial, .. }) => denied(attempt, t, denial, rolling),
            Change::Ended(End::Released { release, .. }) => {
                if attempt.inside() {
                    self.leave(attempt.key);
                }
                match release {
                    ReleaseKind::Confirmed | ReleaseKind::NotOwner => ServiceSign::Served,
                    ReleaseKind::Unavailable | ReleaseKind::Unknown => ServiceSign::Unserved,
                }
            }
            Change::Ended(End::Died { .. }) => {
                if attempt.inside() {
                    self.leave(attempt.key);
                } else {
                    rolling.count(t, |tally| {
                        tally.count(Counter::Unknown);
                        tally.count(Counter::Waited);
                        tally.late.record(t.saturating_sub(attempt.due));
                        tally.in_vain_ns = tally.in_vain_ns.max(Some(t.saturating_sub(attempt.invoke)));
                    });
                }
                ServiceSign::Unserved
            }
            Change::Renewed { .. } | Change::Stopped | Change::Lost | Change::Tool => ServiceSign::Nothing,
        }
    }

    fn grant(&mut self, attempt: &Attempt, t: u64, rolling: &mut Rolling) {
        let key = attempt.key as usize;
        let Before { found_held, granted } = self.before[attempt.client as usize];
        let told = attempt.hold.and_then(|hold| hold.waited);
        let waited = told.unwrap_or(found_held || self.granted[key] > granted);
        self.inside[key] += 1;
        self.granted[key] += 1;
        rolling.count(t, |tally| {
            tally.count(Counter::Grants);
            tally.counts.plus(Counter::Waited, u64::from(waited));
            tally.service.record(t.saturating_sub(attempt.invoke));
            tally.response.record(t.saturating_sub(attempt.due));
        });
    }

    fn leave(&mut self, key: u32) {
        let inside = &mut self.inside[key as usize];
        *inside = inside.saturating_sub(1);
    }
}

/// An attempt ended without a grant.
fn denied(attempt: &Attempt, t: u64, denial: Denial, rolling: &mut Rolling) -> ServiceSign {
    let Attempt { invoke, due, .. } = *attempt;
    let (service, response) = (t.saturating_sub(invoke), t.saturating_sub(due));
    let (counter, seen) = match denial {
        Denial::Refused => (Counter::Refused, ServiceSign::Served),
        Denial::TimedOut => (Counter::TimedOut, ServiceSign::Served),
        Denial::Unavailable => (Counter::Unavailable, ServiceSign::Unserved),
        Denial::Unknown => (Counter::Unknown, ServiceSign::Unserved),
        Denial::Aborted | Denial::Deadlock => (Counter::Deadlocked, ServiceSign::Served),
        // Our own doing: no outcome of the system.
        Denial::Withdrawn => return ServiceSign::Nothing,
    };
    rolling.count(t, |tally| {
        match denial {
            Denial::TimedOut => tally.times_out(service, response),
            _ => tally.count(counter),
        }
        tally.count(Counter::Waited);
        if denial != Denial::Refused {
            tally.in_vain_ns = tally.in_vain_ns.max(Some(service));
            if denial != Denial::TimedOut {
                tally.late.record(response);
            }
        }
    });
    seen
}

#[cfg(test)]
mod tests {
    use super::{ServiceSign, Tap};
    use crate::monitor::Rolling;
    use lockbench_core::figure::Counter;
    use lockbench_core::record::figures::{Figures, Schedule};
    use lockbench_core::record::history::Judged;
    use lockbench_core::record::{Denial, Event, Observer, ReleaseKind, What, WitnessReading};

    fn event(t: u64, client: u32, what: What) -> Event {
        Event { t, client, attempt: 0, key: 0, what }
    }

    /// Client 0 holds, client 1 waits and is granted, client 2 times out, 0 is not served.
    fn story() -> Vec<Event> {
        let granted = What::Acquired { token: None, validity: 9, requests: 1, waited: None, wakeups: 0 };
        let denied = |denial| What::Denied { denial, surely_ended: 0, requests: 1, wakeups: 0 };
        let release = What::ReleaseInvoke { enter: 0, exit: 0, seen: WitnessReading::default(), asked: 0 };
        let released = What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 };
        vec![
            event(10, 0, What::Invoke { due: 5 }),
            event(20, 0, granted),
            event(30, 1, What::Invoke { due: 30 }),
            event(35, 2, What::Invoke { due: 35 }),
            event(40, 0, release),
            event(45, 0, released),
            event(50, 1, granted),
            event(60, 2, denied(Denial::TimedOut)),
            event(70, 1, release),
            event(75, 1, released),
            event(80, 0, What::Invoke { due: 80 }),
            event(90, 0, denied(Denial::Unavailable)),
            event(95, 1, What::Invoke { due: 95 }),
            event(99, 1, What::Died { surely_ended: 200, challenged: None }),
        ]
    }

    #[test]
    fn it_counts_as_the_figures_of_a_trial_do() {
        let schedule = Schedule::new(0, 0, 1_000);
        let (mut tap, mut rolling, mut figures) = (Tap::new(3, 1), Rolling::new(0), Figures::new(schedule, 3, 1));
        for event in story() {
            tap.observe(&event, &mut rolling);
            figures.observe(&event);
        }
        let (mine, theirs) = (rolling.total(), figures.counts());
        assert_eq!(mine.attempts(), theirs.attempts);
        let counters = [Counter::Grants, Counter::TimedOut, Counter::Unavailable, Counter::Unknown, Counter::Waited];
        let counted = counters.map(|counter| mine.of(counter));
        assert_eq!(counted.map(Some), counters.map(|counter| counter.counted(theirs, &Judged::default())));
        assert_eq!(counted, [2, 1, 1, 1, 4], "all but the first grant waited");
        let response = figures.latencies().acquire_response.max();
        assert_eq!((mine.response.max_ns(), mine.service.count()), (Some(20), 2));
        assert_eq!((response, mine.longest_ns()), (Some(25), Some(25)), "the one that timed out waited longest");
        assert_eq!(mine.gave_up_ns, Some((25, 25)), "client 2, from 35 to 60");
        assert_eq!((mine.late.count(), mine.longest_response_ns()), (3, Some(25)), "timed out, not served, died");
        assert!(!tap.held());
    }

    #[test]
    fn an_answer_is_told_from_silence() {
        let (mut tap, mut rolling) = (Tap::new(3, 1), Rolling::new(0));
        let seen: Vec<ServiceSign> = story().iter().map(|event| tap.observe(event, &mut rolling)).collect();
        use ServiceSign::{Asked as A, Nothing as N, Served as S, Unserved as U};
        assert_eq!(seen, [A, S, A, A, N, S, S, S, N, S, A, U, A, U]);
    }
}

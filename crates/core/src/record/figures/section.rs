//! What events tell of critical sections of their own kinds: which periods had a run, and how long there was no leader or
//! more than one. Kept only where the plan has such a section.

use std::collections::{BTreeMap, BTreeSet};

use super::Schedule;
use crate::record::attempt::{Change, End, Transition};
use crate::record::event::What;
use crate::section::Section;

/// The account of them.
#[derive(Clone, Debug)]
pub struct SectionFold {
    section: Section,
    /// By key: periods in which the job ran.
    ran: BTreeMap<u32, BTreeSet<u64>>,
    /// By key: who leads.
    led: BTreeMap<u32, Led>,
}

/// The leaders of one key.
#[derive(Clone, Copy, Debug)]
struct Led {
    inside: u32,
    /// Since when it is so many.
    since: u64,
    without_ns: u64,
    with_several_ns: u64,
}

impl SectionFold {
    pub(super) fn new(section: Section) -> Self {
        Self { section, ran: BTreeMap::new(), led: BTreeMap::new() }
    }

    pub(super) fn follow(&mut self, transition: &Transition<'_>, schedule: &Schedule) {
        match self.section {
            Section::RunOnce { every_ns } => {
                let What::ReleaseInvoke { enter, seen, .. } = transition.event.what else { return };
                let ran = self.ran.entry(transition.attempt.key).or_default();
                if seen.act.done {
                    ran.insert(enter / every_ns.max(1));
                }
            }
            Section::Leader => {
                let attempt = transition.attempt;
                let ended_inside = matches!(transition.change, Change::Ended(End::Died { .. })) && attempt.inside();
                match transition.change {
                    Change::Granted => self.changes(attempt.key, transition.event.t, 1, schedule),
                    Change::Left(_) => self.changes(attempt.key, transition.event.t, -1, schedule),
                    Change::Ended(_) if ended_inside => self.changes(attempt.key, attempt.last, -1, schedule),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn changes(&mut self, key: u32, t: u64, by: i32, schedule: &Schedule) {
        let none = Led { inside: 0, since: schedule.start, without_ns: 0, with_several_ns: 0 };
        let led = self.led.entry(key).or_insert(none);
        led.reach(t, schedule);
        led.inside = led.inside.saturating_add_signed(by);
    }

    /// Of the periods that lie in the measure phase, those without a run; `None`: it is no job.
    #[must_use]
    pub fn missed(&self, schedule: &Schedule) -> Option<u64> {
        let Section::RunOnce { every_ns } = self.section else { return None };
        let every = every_ns.max(1);
        let (first, end) = (schedule.measure().div_ceil(every), schedule.end() / every);
        let missed = |ran: &BTreeSet<u64>| (first..end).filter(|period| !ran.contains(period)).count() as u64;
        Some(self.ran.values().map(missed).sum())
    }

    /// Nanoseconds of the measure phase without a leader and with more than one, of all keys; `None`: nobody leads.
    #[must_use]
    pub fn leaders(&self, schedule: &Schedule) -> Option<(u64, u64)> {
        if self.section != Section::Leader {
            return None;
        }
        let all = self.led.values().map(|led| {
            let mut led = *led;
            led.reach(schedule.end(), schedule);
            (led.without_ns, led.with_several_ns)
        });
        Some(all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)))
    }
}

impl Led {
    /// Counts what was so until `t`, as far as it lies in the measure phase.
    fn reach(&mut self, t: u64, schedule: &Schedule) {
        let (from, to) = (self.since.max(schedule.measure()), t.min(schedule.end()));
        let ns = to.saturating_sub(from);
        match self.inside {
            0 => self.without_ns += ns,
            1 => {}
            _ => self.with_several_ns += ns,
        }
        self.since = self.since.max(t);
    }
}

//! What was seen in an interval: outcomes by kind and waits.

use super::waits::Waits;
use lockbench_core::figure::{Counter, Totals};

/// The counts of an interval. An attempt is counted when its outcome is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowCounts {
    /// Attempts by outcome, and what was due and not attempted: dropped, missed and stalled,
    /// which is in no share, for it says nothing of the system.
    pub counts: Totals,
    /// Time between rounds in which nothing was due because we were preparing.
    pub gap_ns: u64,
    /// Shortest service and response time of those that timed out, until they gave up.
    pub gave_up_ns: Option<(u64, u64)>,
    /// Longest service time of those that were waited for in vain.
    pub in_vain_ns: Option<u64>,
    /// From the call to the grant.
    pub service: Waits,
    /// From the due instant to the grant.
    pub response: Waits,
    /// From the due instant, what was not granted: as late as it was at least. Not of
    /// refusals; of what was missed it comes when the outage is over.
    pub late: Waits,
}

/// What is known of a percentile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// It is this.
    Known(u64),
    /// It is this at least: what was waited for in vain is in it.
    AtLeast(u64),
    /// There were too few.
    #[default]
    Unknown,
}

impl Tail {
    /// The percentile, where it is known.
    #[must_use]
    pub fn known(self) -> Option<u64> {
        if let Self::Known(ns) = self { Some(ns) } else { None }
    }

    /// Its lower bound, where no more is known.
    #[must_use]
    pub fn at_least(self) -> Option<u64> {
        if let Self::AtLeast(ns) = self { Some(ns) } else { None }
    }
}

/// How an attempt can end.
const OUTCOMES: [Counter; 5] =
    [Counter::Grants, Counter::Refused, Counter::TimedOut, Counter::Unavailable, Counter::Unknown];

impl WindowCounts {
    /// A count.
    #[must_use]
    pub fn of(&self, counter: Counter) -> u64 {
        self.counts.get(counter).unwrap_or(0)
    }

    /// The sum of some counts.
    fn sum(&self, counters: &[Counter]) -> u64 {
        counters.iter().map(|counter| self.of(*counter)).sum()
    }

    /// Counts one more.
    pub fn count(&mut self, counter: Counter) {
        self.counts.plus(counter, 1);
    }

    /// Attempts with an outcome.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.sum(&OUTCOMES)
    }

    /// What the system was to answer: attempts, what no client was free for, and what was
    /// due while it was down.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.attempts() + self.sum(&[Counter::Dropped, Counter::Missed])
    }

    /// Share of what was due that the system answered, in 0..1: granted, refused or
    /// timed out in order. A stall and an outage count whole: what was due in them was not
    /// answered.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        share(self.sum(&OUTCOMES[..3]), self.due())
    }

    /// Share of what was due that was not answered, or could not be asked.
    #[must_use]
    pub fn failures(&self) -> Option<f64> {
        share(self.sum(&[Counter::Unavailable, Counter::Unknown, Counter::Dropped, Counter::Missed]), self.due())
    }

    /// Share of the attempts that these counts are.
    #[must_use]
    pub fn share_of(&self, counters: &[Counter]) -> Option<f64> {
        share(self.sum(counters), self.attempts())
    }

    /// Share of the attempts that waited in vain.
    #[must_use]
    pub fn in_vain_share(&self) -> f64 {
        let lost = self.sum(&OUTCOMES[2..]);
        share(lost, lost + self.of(Counter::Grants)).unwrap_or(0.0)
    }

    /// Share of what was due and not refused that got no grant.
    #[must_use]
    pub fn ungranted_share(&self) -> f64 {
        let due = self.due() - self.of(Counter::Refused);
        share(due - self.of(Counter::Grants), due).unwrap_or(0.0)
    }

    /// A percentile of the response time of all that was due. What got no grant ranks above
    /// all others; a percentile among it has a lower bound.
    #[must_use]
    pub fn response_tail(&self, p: f64) -> Tail {
        let (due, ungranted) = (self.due() - self.of(Counter::Refused), self.ungranted_share());
        if let Some(ns) = self.response.percentile(p, ungranted) {
            return Tail::Known(ns);
        }
        // As many as a percentile needs.
        if p <= 1.0 - ungranted || due as f64 * (1.0 - p) < 10.0 - 1e-9 {
            return Tail::Unknown;
        }
        let mut all = self.response.clone();
        all.merge(&self.late);
        all.at_least(p, due).map_or(Tail::Unknown, Tail::AtLeast)
    }

    /// The longest response time; a lower bound where anything got no grant.
    #[must_use]
    pub fn longest_response_ns(&self) -> Option<u64> {
        self.response.max_ns().max(self.late.max_ns())
    }

    /// The longest wait: granted or in vain; then it is a lower bound of the true one.
    #[must_use]
    pub fn longest_ns(&self) -> Option<u64> {
        self.service.max_ns().max(self.in_vain_ns)
    }

    /// Counts one that timed out after so long, as service and as response time.
    pub fn times_out(&mut self, service_ns: u64, response_ns: u64) {
        self.count(Counter::TimedOut);
        self.late.record(response_ns);
        self.gave_up_ns = shortest(self.gave_up_ns, Some((service_ns, response_ns)));
    }

    /// Counts one that no client could take, so late at least.
    pub fn drops(&mut self, late_ns: u64) {
        self.count(Counter::Dropped);
        self.late.record(late_ns);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.gap_ns += other.gap_ns;
        self.gave_up_ns = shortest(self.gave_up_ns, other.gave_up_ns);
        self.in_vain_ns = self.in_vain_ns.max(other.in_vain_ns);
        self.service.merge(&other.service);
        self.response.merge(&other.response);
        self.late.merge(&other.late);
    }
}

fn shortest(a: Option<(u64, u64)>, b: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.min(b.1))),
        (one, other) => one.or(other),
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::{Tail, WindowCounts};
    use lockbench_core::figure::{Counter, Totals};
    use lockbench_core::units::{MILLISECOND, SECOND};

    fn counted(counts: Totals) -> WindowCounts {
        WindowCounts { counts, ..WindowCounts::default() }
    }

    #[test]
    fn an_outage_lowers_the_availability_by_all_that_was_due_in_it() {
        let tally = counted(
            Totals::default()
                .with(Counter::Grants, 90)
                .with(Counter::TimedOut, 5)
                .with(Counter::Unavailable, 2)
                .with(Counter::Missed, 103),
        );
        assert_eq!((tally.attempts(), tally.due()), (97, 200));
        assert_eq!((tally.availability(), tally.failures()), (Some(0.475), Some(0.525)));
        assert_eq!(WindowCounts::default().availability(), None);
    }

    /// 22 s at 60 a second; the server is stopped for 3 s of them: four clients wait for it
    /// to the end, and 176 instants come while none is free.
    fn frozen() -> WindowCounts {
        let mut tally = counted(Totals::default().with(Counter::Grants, 1_144));
        (0..1_140).for_each(|_| tally.response.record(2 * MILLISECOND));
        (0..4).for_each(|n| tally.response.record(3 * SECOND - n * SECOND / 60));
        (0..176).for_each(|n| tally.drops(n * 3 * SECOND / 180));
        tally
    }

    #[test]
    fn what_no_client_could_take_is_in_availability_and_response_time() {
        let tally = frozen();
        assert_eq!(tally.due(), 1_320);
        let (availability, failures) = (tally.availability().unwrap(), tally.failures().unwrap());
        assert!((availability - 1_144.0 / 1_320.0).abs() < 1e-9 && (availability + failures - 1.0).abs() < 1e-9);
        let p50 = tally.response_tail(0.5).known().unwrap();
        assert!((2 * MILLISECOND..3 * MILLISECOND).contains(&p50), "{p50}");
        let Tail::AtLeast(p95) = tally.response_tail(0.95) else { panic!("{:?}", tally.response_tail(0.95)) };
        assert!((SECOND..2 * SECOND).contains(&p95), "{p95}");
        let Tail::AtLeast(p99) = tally.response_tail(0.99) else { panic!("{:?}", tally.response_tail(0.99)) };
        assert!((2_500 * MILLISECOND..3 * SECOND).contains(&p99), "{p99}");
        assert_eq!(tally.longest_response_ns(), Some(3 * SECOND));
        // The service time knows only of what began.
        assert!(tally.in_vain_share() == 0.0 && tally.ungranted_share() > 0.13);
    }

    #[test]
    fn what_this_process_slept_through_blames_nobody() {
        let tally = WindowCounts { counts: frozen().counts.with(Counter::Stalled, 500), ..frozen() };
        assert_eq!((tally.due(), tally.availability()), (1_320, frozen().availability()));
        assert_eq!(tally.response_tail(0.99), frozen().response_tail(0.99));
    }

    #[test]
    fn a_tail_needs_enough_and_is_never_made_up() {
        let few = counted(Totals::default().with(Counter::Grants, 50).with(Counter::Dropped, 5));
        assert_eq!(few.response_tail(0.99), Tail::Unknown);
        // An outage under way: how late these will be is not known yet, and nothing is claimed.
        let down = counted(Totals::default().with(Counter::Missed, 3_000));
        assert_eq!((down.response_tail(0.99), down.longest_response_ns()), (Tail::Unknown, None));
        assert_eq!(Tail::AtLeast(7).known().or(Tail::Known(7).at_least()), None);
    }
}

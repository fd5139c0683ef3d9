//! What was seen in an interval: outcomes by kind and waits.

use super::waits::Waits;

/// The counts of an interval. An attempt is counted when its outcome is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Acquired.
    pub grants: u64,
    /// Refused: held by another, in try mode.
    pub refused: u64,
    /// Timed out.
    pub timed_out: u64,
    /// Not served.
    pub unavailable: u64,
    /// The answer was lost, or the client was dropped in the middle.
    pub unknown: u64,
    /// Attempts that were not granted by their first request.
    pub waited: u64,
    /// Due while a round ran, and no client could take it: all were busy, or this process
    /// came late. Nobody can tell which, so it is in no share.
    pub dropped: u64,
    /// Due while the system did not answer, so that no round could run.
    pub missed: u64,
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
}

impl Tally {
    /// Attempts with an outcome.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.grants + self.refused + self.timed_out + self.unavailable + self.unknown
    }

    /// What the system was to answer: attempts, and what was due while it was down.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.attempts() + self.missed
    }

    /// Share of what was due that the system answered, in 0..1: granted, refused or
    /// timed out in order. An outage counts whole: what was due in it was not answered.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        share(self.grants + self.refused + self.timed_out, self.due())
    }

    /// Share of what was due that was not answered, or could not be asked.
    #[must_use]
    pub fn failures(&self) -> Option<f64> {
        share(self.unavailable + self.unknown + self.missed, self.due())
    }

    /// Share of the attempts that were not granted by their first request.
    #[must_use]
    pub fn contention(&self) -> Option<f64> {
        share(self.waited, self.attempts())
    }

    /// Share of the attempts that timed out.
    #[must_use]
    pub fn timeouts(&self) -> Option<f64> {
        share(self.timed_out, self.attempts())
    }

    /// Share of the attempts that were refused.
    #[must_use]
    pub fn refusals(&self) -> Option<f64> {
        share(self.refused, self.attempts())
    }

    /// Share of the attempts that waited in vain.
    #[must_use]
    pub fn in_vain_share(&self) -> f64 {
        let lost = self.timed_out + self.unavailable + self.unknown;
        share(lost, lost + self.grants).unwrap_or(0.0)
    }

    /// The longest wait: granted or in vain; then it is a lower bound of the true one.
    #[must_use]
    pub fn longest_ns(&self) -> Option<u64> {
        self.service.max_ns().max(self.in_vain_ns)
    }

    /// Counts one that timed out after so long, as service and as response time.
    pub fn times_out(&mut self, service_ns: u64, response_ns: u64) {
        self.timed_out += 1;
        self.gave_up_ns = shortest(self.gave_up_ns, Some((service_ns, response_ns)));
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.grants += other.grants;
        self.refused += other.refused;
        self.timed_out += other.timed_out;
        self.unavailable += other.unavailable;
        self.unknown += other.unknown;
        self.waited += other.waited;
        self.dropped += other.dropped;
        self.missed += other.missed;
        self.gap_ns += other.gap_ns;
        self.gave_up_ns = shortest(self.gave_up_ns, other.gave_up_ns);
        self.in_vain_ns = self.in_vain_ns.max(other.in_vain_ns);
        self.service.merge(&other.service);
        self.response.merge(&other.response);
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
    use super::Tally;

    #[test]
    fn an_outage_lowers_the_availability_by_all_that_was_due_in_it() {
        let tally = Tally { grants: 90, timed_out: 5, unavailable: 2, missed: 103, dropped: 9, ..Tally::default() };
        assert_eq!((tally.attempts(), tally.due()), (97, 200));
        assert_eq!((tally.availability(), tally.failures()), (Some(0.475), Some(0.525)));
        assert_eq!(Tally::default().availability(), None);
    }
}

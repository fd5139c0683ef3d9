//! The state machine.

use super::outcome::{Finding, Probe, Ruling};

/// The ends of the bracket are no farther apart than this.
const PRECISION: f64 = 1.05;
/// Fresh probes that the lower end must pass.
const LOW_TRIALS: u32 = 3;
/// Fresh probes of which the upper end must fail one.
const HIGH_TRIALS: u32 = 2;
/// Where there is so much room the rate grows faster.
const AMPLE_ROOM: f64 = 8.0;
/// How a rate grows.
const FAST: f64 = 4.0;
const SLOW: f64 = 2.0;
/// Most probes.
const MOST: usize = 64;
/// A figure that is so many times as high is a cliff.
const CLIFF: f64 = 4.0;

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Probe this rate, in attempts per second.
    Probe(f64),
    /// It is over.
    Done(Finding),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// No bracket yet.
    Seek,
    /// Between its ends.
    Bisect,
    /// So many fresh probes of the lower end are left.
    ConfirmLow(u32),
    /// Of the upper end.
    ConfirmHigh(u32),
}

/// A search.
#[derive(Clone, Debug)]
pub struct Search {
    phase: Phase,
    rate: f64,
    lowest: f64,
    highest: f64,
    /// Rates that were kept when last probed, rising; those above the lowest breached one are struck out.
    kept: Vec<f64>,
    /// Rates that were breached, in any order; those that were refuted are struck out.
    breached: Vec<f64>,
    probes: Vec<Probe>,
    unsteady: bool,
    done: Option<Finding>,
}

impl Search {
    /// Begins at a rate; none below `lowest` or above `highest` is tried. All in attempts per second.
    #[must_use]
    pub fn new(start: f64, lowest: f64, highest: f64) -> Self {
        let lowest = lowest.min(highest);
        let rate = start.clamp(lowest, highest);
        let (phase, kept, breached) = (Phase::Seek, Vec::new(), Vec::new());
        Self { phase, rate, lowest, highest, kept, breached, probes: Vec::new(), unsteady: false, done: None }
    }

    /// What to do next.
    #[must_use]
    pub fn step(&self) -> Step {
        self.done.clone().map_or(Step::Probe(self.rate), Step::Done)
    }

    /// Was a rate kept once and breached another time?
    #[must_use]
    pub fn unsteady(&self) -> bool {
        self.unsteady
    }

    /// Every probe so far.
    #[must_use]
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// Takes in what the probe of the last step showed.
    pub fn observe(&mut self, ruling: Ruling, figure: Option<f64>) {
        if self.done.is_some() {
            return;
        }
        let again = self
            .probes
            .last()
            .is_some_and(|last| last.rate_per_s == self.rate && matches!(last.ruling, Ruling::Generator { .. }));
        self.probes.push(Probe { rate_per_s: self.rate, ruling: ruling.clone(), figure });
        match ruling {
            Ruling::Kept { room } => self.kept(room),
            Ruling::Breached { .. } => self.breached(),
            // A moment's noise of the machine is tried once more.
            Ruling::Generator { because } if again => self.limited(because),
            Ruling::Generator { .. } => {}
        }
        if self.done.is_none() && self.probes.len() >= MOST {
            self.done = Some(Finding::Open { kept_per_s: self.low(), breached_per_s: self.high() });
        }
    }

    /// The highest rate that is kept.
    fn low(&self) -> Option<f64> {
        self.kept.last().copied()
    }

    /// The lowest rate above it that is breached.
    fn high(&self) -> Option<f64> {
        let low = self.low().unwrap_or(0.0);
        self.breached.iter().copied().filter(|rate| *rate > low).min_by(f64::total_cmp)
    }

    fn kept(&mut self, room: Option<f64>) {
        match self.phase {
            Phase::ConfirmLow(left) if left > 1 => self.phase = Phase::ConfirmLow(left - 1),
            Phase::ConfirmLow(_) => match self.high() {
                Some(high) => (self.phase, self.rate) = (Phase::ConfirmHigh(HIGH_TRIALS), high),
                None => self.grow(SLOW),
            },
            Phase::ConfirmHigh(left) if left > 1 => self.phase = Phase::ConfirmHigh(left - 1),
            Phase::ConfirmHigh(_) => {
                // It is kept after all: its breach was chance.
                self.unsteady = true;
                let rate = self.rate;
                self.breached.retain(|breached| *breached > rate);
                self.keep(rate);
                self.narrow();
            }
            Phase::Seek | Phase::Bisect => {
                self.keep(self.rate);
                if self.high().is_some() {
                    self.narrow();
                } else if room.is_some_and(|room| room >= AMPLE_ROOM) {
                    self.grow(FAST);
                } else {
                    self.grow(SLOW);
                }
            }
        }
    }

    fn breached(&mut self) {
        let rate = self.rate;
        match self.phase {
            Phase::ConfirmHigh(_) => self.conclude(),
            Phase::ConfirmLow(_) => {
                self.unsteady = true;
                self.breach(rate);
                self.narrow();
            }
            Phase::Seek | Phase::Bisect => {
                self.breach(rate);
                self.narrow();
            }
        }
    }

    /// The generator was the limit at a rate twice. Where an end above is known, the bracket stays as wide as it is.
    fn limited(&mut self, because: String) {
        let rate = self.rate;
        match (self.phase, self.low()) {
            (Phase::Bisect, Some(low)) => (self.phase, self.rate) = (Phase::ConfirmLow(LOW_TRIALS), low),
            (Phase::ConfirmLow(_), _) => {
                self.unsteady = true;
                self.kept.retain(|kept| *kept < rate);
                match self.low() {
                    Some(low) => (self.phase, self.rate) = (Phase::ConfirmLow(LOW_TRIALS), low),
                    None => self.done = Some(Finding::Generator { kept_per_s: None, at_per_s: rate, because }),
                }
            }
            (Phase::ConfirmHigh(_), _) => {
                // It was breached once, without lockbench being late.
                self.unsteady = true;
                self.conclude();
            }
            (Phase::Seek | Phase::Bisect, kept_per_s) => {
                self.done = Some(Finding::Generator { kept_per_s, at_per_s: rate, because });
            }
        }
    }

    fn keep(&mut self, rate: f64) {
        self.kept.retain(|kept| *kept != rate);
        self.kept.push(rate);
        self.kept.sort_by(f64::total_cmp);
    }

    /// A rate that is breached strikes out what was kept there and above.
    fn breach(&mut self, rate: f64) {
        self.kept.retain(|kept| *kept < rate);
        if !self.breached.contains(&rate) {
            self.breached.push(rate);
        }
    }

    fn grow(&mut self, factor: f64) {
        self.phase = Phase::Seek;
        if self.rate >= self.highest {
            self.done = Some(Finding::Open { kept_per_s: self.low(), breached_per_s: None });
        }
        self.rate = (self.rate * factor).min(self.highest);
    }

    /// The next rate between the ends, or below them, or the confirmation of the lower one.
    fn narrow(&mut self) {
        let (low, high) = (self.low(), self.high());
        match (low, high) {
            (Some(low), Some(high)) if high / low <= PRECISION => {
                (self.phase, self.rate) = (Phase::ConfirmLow(LOW_TRIALS), low);
            }
            (Some(low), Some(high)) => (self.phase, self.rate) = (Phase::Bisect, (low * high).sqrt()),
            (Some(_), None) => self.grow(SLOW),
            (None, Some(high)) if high <= self.lowest => {
                let because = self.why(high);
                self.done = Some(Finding::Never { lowest_per_s: high, because });
            }
            (None, Some(high)) => (self.phase, self.rate) = (Phase::Seek, (high / FAST).max(self.lowest)),
            (None, None) => {}
        }
    }

    fn conclude(&mut self) {
        let (Some(kept_per_s), Some(breached_per_s)) = (self.low(), self.high()) else { return };
        let at = |rate: f64| self.probes.iter().filter(move |probe| probe.rate_per_s == rate);
        let highest = |figures: &mut dyn Iterator<Item = f64>| figures.reduce(f64::max);
        let kept = highest(&mut at(kept_per_s).filter_map(|probe| probe.figure));
        let breached = at(breached_per_s).filter(|probe| matches!(probe.ruling, Ruling::Breached { .. }));
        let breached: Vec<Option<f64>> = breached.map(|probe| probe.figure).collect();
        let cliff =
            kept.is_some_and(|kept| breached.iter().all(|figure| figure.is_none_or(|figure| figure > CLIFF * kept)));
        let because = self.why(breached_per_s);
        self.done = Some(Finding::Between { kept_per_s, breached_per_s, because, cliff });
    }

    /// What was breached at a rate, by the last probe of it.
    fn why(&self, rate: f64) -> String {
        let of_rate = self.probes.iter().rev().filter(|probe| probe.rate_per_s == rate);
        let told = of_rate.filter_map(|probe| match &probe.ruling {
            Ruling::Breached { because } => Some(because.clone()),
            Ruling::Kept { .. } | Ruling::Generator { .. } => None,
        });
        told.into_iter().next().unwrap_or_default()
    }
}

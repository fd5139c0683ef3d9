//! When attempts are due. In a closed loop a client asks again when it is free; in an open loop the clock says when, and
//! a system that is slow is not spared by clients that wait for it.
//!
//! The due instants of an open loop are a function of the plan, the seed and an index ([`DueTimes`]): nothing that the
//! system does moves one of them. So instants of a load that is divided between processes are those of the whole, taken
//! by turns (process k of n takes the indices i with i mod n = k), as k6 divides an arrival rate between instances
//! (<https://github.com/grafana/k6/blob/master/lib/executor/constant_arrival_rate.go>).

mod kinds;
#[cfg(test)]
mod tests;
mod trace;

use rand::SeedableRng;
use rand::distr::Distribution;
use rand_distr::Exp1;
use rand_pcg::Pcg64Mcg;

pub(super) use self::kinds::{ARRIVAL, arrival};
pub(super) use self::trace::unfit;
pub use self::trace::{Row, Trace};
use super::draw::client_seed;
use crate::units::SECOND;

/// Longest queue.
const MOST_QUEUED: u32 = 1_000_000;

/// When attempts are due. Rates are attempts per second of all clients together.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Arrival {
    /// When a client is free, after its think time.
    #[default]
    Closed,
    /// At equal distances.
    Constant {
        /// Attempts per second, above 0.
        per_s: f64,
        /// Callers that may wait for a free client; `None`: see [`Arrival::queue`].
        queue: Option<u32>,
    },
    /// Independently of one another: with exponential gaps.
    Poisson {
        /// Attempts per second, above 0.
        per_s: f64,
        /// As of [`Arrival::Constant`].
        queue: Option<u32>,
    },
    /// Many at once, again and again.
    Bursts {
        /// Attempts that are due together, 1 or more.
        size: u32,
        /// Nanoseconds from one burst to the next, above 0.
        every_ns: u64,
        /// As of [`Arrival::Constant`].
        queue: Option<u32>,
    },
    /// At a rate that changes steadily, and stays at its last value.
    Ramp {
        /// Attempts per second at the start, 0 or more.
        from_per_s: f64,
        /// Attempts per second at the end, above 0.
        to_per_s: f64,
        /// How long the change takes; `None`: the whole load, warm-up included.
        over_ns: Option<u64>,
        /// As of [`Arrival::Constant`].
        queue: Option<u32>,
    },
    /// At one rate after another; the last stays.
    Steps {
        /// Attempts per second of each step, 0 or more; at least one is above 0.
        rates_per_s: Vec<f64>,
        /// Length of a step, above 0.
        every_ns: u64,
        /// As of [`Arrival::Constant`].
        queue: Option<u32>,
    },
    /// As it was recorded, or made up by a model.
    Trace {
        /// What is due.
        trace: Trace,
        /// As of [`Arrival::Constant`].
        queue: Option<u32>,
    },
}

impl Arrival {
    /// Returns whether the clock says when attempts are due.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self != Self::Closed
    }

    /// How many callers may wait for one of so many clients. Where the plan does not say, it is as many as are due while
    /// one is as patient as it may be: who waits longer would have given up. At least one per client, at most a million.
    #[must_use]
    pub fn queue(&self, clients: u32, patience_ns: u64) -> u32 {
        let patience = patience_ns as f64 / SECOND as f64;
        let due = match self {
            Self::Bursts { size, every_ns, .. } => f64::from(*size) * (patience_ns / every_ns + 1) as f64,
            other => other.peak_per_s().unwrap_or(0.0) * patience,
        };
        let ample = (due.ceil() as u32).clamp(clients, MOST_QUEUED.max(clients));
        match *self {
            Self::Closed => 0,
            Self::Constant { queue, .. }
            | Self::Poisson { queue, .. }
            | Self::Bursts { queue, .. }
            | Self::Ramp { queue, .. }
            | Self::Steps { queue, .. }
            | Self::Trace { queue, .. } => queue.unwrap_or(ample),
        }
    }

    /// How many attempts are due up to `ns` after the start, as a mean; 0 in a closed loop.
    #[must_use]
    pub fn expected(&self, ns: u64, load_ns: u64) -> f64 {
        let t = ns as f64 / SECOND as f64;
        match self {
            Self::Closed => 0.0,
            Self::Constant { per_s, .. } | Self::Poisson { per_s, .. } => per_s * t,
            Self::Bursts { size, every_ns, .. } => f64::from(*size) * (ns.div_ceil(*every_ns)) as f64,
            Self::Ramp { from_per_s, to_per_s, over_ns, .. } => {
                let over = over_ns.unwrap_or(load_ns).max(1) as f64 / SECOND as f64;
                let rising = t.min(over);
                let slope = (to_per_s - from_per_s) / over;
                from_per_s * rising + slope * rising * rising / 2.0 + to_per_s * (t - rising)
            }
            Self::Steps { rates_per_s, every_ns, .. } => {
                let step = *every_ns as f64 / SECOND as f64;
                let last = rates_per_s.len().saturating_sub(1);
                let of = |(place, rate): (usize, &f64)| {
                    let begin = place as f64 * step;
                    let end = if place == last { f64::INFINITY } else { begin + step };
                    rate * (t.min(end) - begin).max(0.0)
                };
                rates_per_s.iter().enumerate().map(of).sum()
            }
            Self::Trace { trace, .. } => trace.due_before(ns) as f64,
        }
    }

    /// What its attempts want, where that is recorded.
    #[must_use]
    pub fn trace(&self) -> Option<&Trace> {
        if let Self::Trace { trace, .. } = self { Some(trace) } else { None }
    }

    /// The highest rate that it asks for within a load of that length, in attempts per second; `None` in a closed loop,
    /// and for bursts, which have none.
    #[must_use]
    pub fn peak_per_s(&self) -> Option<f64> {
        match self {
            Self::Closed | Self::Bursts { .. } => None,
            Self::Constant { per_s, .. } | Self::Poisson { per_s, .. } => Some(*per_s),
            Self::Ramp { from_per_s, to_per_s, .. } => Some(from_per_s.max(*to_per_s)),
            Self::Steps { rates_per_s, .. } => Some(rates_per_s.iter().copied().fold(0.0, f64::max)),
            Self::Trace { trace, .. } => Some(trace.peak_per_s()),
        }
    }
}

/// One due instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its place in the whole load, from 0: with the seed it says what the attempt wants.
    pub index: u64,
    /// Nanoseconds after the start of the load.
    pub after_ns: u64,
}

/// The due instants of one trial, in order, without an end but where the last rate is 0. Never decreasing.
#[derive(Clone, Debug)]
pub struct DueTimes {
    arrival: Arrival,
    load_ns: u64,
    index: u64,
    share: (u32, u32),
    /// Of a Poisson process: the last instant, in nanoseconds.
    at_ns: f64,
    rng: Pcg64Mcg,
}

impl DueTimes {
    /// Those of trial number `trial` of a plan with this seed, whose load (warm-up and measured time) takes `load_ns`; of
    /// them the share of process `share.0` of `share.1`.
    #[must_use]
    pub fn new(arrival: &Arrival, seed: u64, trial: u32, load_ns: u64, share: (u32, u32)) -> Self {
        /// Sets the instants apart from what is drawn for clients.
        const ARRIVALS: u64 = 0x6172_7269_7661_6c73;
        let rng = Pcg64Mcg::seed_from_u64(client_seed(seed ^ ARRIVALS, trial, 0));
        Self { arrival: arrival.clone(), load_ns, index: 0, share, at_ns: 0.0, rng }
    }

    /// The instant of the next index of the whole load.
    fn following(&mut self) -> Option<Due> {
        let after_ns = match &self.arrival {
            Arrival::Closed => return None,
            Arrival::Constant { per_s, .. } => evenly(self.index, *per_s),
            Arrival::Poisson { per_s, .. } => {
                let gap: f64 = Exp1.sample(&mut self.rng);
                self.at_ns += gap * SECOND as f64 / per_s;
                self.at_ns as u64
            }
            Arrival::Bursts { size, every_ns, .. } => {
                (self.index / u64::from((*size).max(1))).saturating_mul(*every_ns)
            }
            Arrival::Ramp { from_per_s, to_per_s, over_ns, .. } => {
                let over_ns = over_ns.unwrap_or(self.load_ns).max(1);
                ramp(self.index, (*from_per_s, *to_per_s), over_ns)
            }
            Arrival::Steps { rates_per_s, every_ns, .. } => steps(self.index, rates_per_s, *every_ns)?,
            Arrival::Trace { trace, .. } => trace.rows().get(usize::try_from(self.index).ok()?)?.due_ns,
        };
        let due = Due { index: self.index, after_ns };
        self.index += 1;
        Some(due)
    }
}

impl Iterator for DueTimes {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        let (own, of) = (u64::from(self.share.0), u64::from(self.share.1.max(1)));
        loop {
            let due = self.following()?;
            if due.index % of == own {
                return Some(due);
            }
        }
    }
}

/// `index` intervals of a rate, in integers: it does not drift, however long the load.
fn evenly(index: u64, per_s: f64) -> u64 {
    /// Rates are kept to a millionth of an attempt per second.
    const MILLIONTHS: u128 = 1_000_000;
    let rate = ((per_s * MILLIONTHS as f64).round() as u128).max(1);
    let after = u128::from(index) * u128::from(SECOND) * MILLIONTHS / rate;
    u64::try_from(after).unwrap_or(u64::MAX)
}

/// The instant at which the integral of a rate that changes steadily reaches `index`.
fn ramp(index: u64, (from, to): (f64, f64), over_ns: u64) -> u64 {
    let (over, i) = (over_ns as f64 / SECOND as f64, index as f64);
    let rising = (from + to) / 2.0 * over;
    let after = if i >= rising {
        over + (i - rising) / to
    } else {
        // The root of from * t + slope * t * t / 2 = i in the form that stays exact where the slope is small.
        let slope = (to - from) / over;
        2.0 * i / (from + (from * from + 2.0 * slope * i).max(0.0).sqrt()).max(f64::MIN_POSITIVE)
    };
    (after * SECOND as f64) as u64
}

/// The instant of `index` at one rate after another; `None` after the last that there is.
fn steps(index: u64, rates: &[f64], every_ns: u64) -> Option<u64> {
    let step = every_ns as f64 / SECOND as f64;
    let (mut before, i) = (0.0, index as f64);
    for (place, rate) in rates.iter().enumerate() {
        let within = rate * step;
        let last = place + 1 == rates.len();
        if *rate > 0.0 && (last || i < before + within) {
            return Some(((place as f64 * step + (i - before).max(0.0) / rate) * SECOND as f64) as u64);
        }
        before += within;
    }
    None
}

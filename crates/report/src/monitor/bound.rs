//! Bounds on the figures of a window: the thresholds of a run, held against what was
//! seen lately. With too few attempts a bound is neither kept nor broken.

use super::certain::Certain;
use super::waits::Waits;
use super::window_counts::WindowCounts;
use super::window_figures::WindowFigures;
use crate::figure::Unit;
use crate::threshold::{DEFAULT_ALERTS, Operator};
use crate::{Threshold, ThresholdLevel};
use lockbench_core::figure::{Counter, Measure, Merge, Source};
use lockbench_core::units::{SECOND, grouped, human_duration, three_digits};
use lockbench_core::workload::plan::Expectation;

/// The latency that what was due and not attempted is in.
const RESPONSE: &str = "acquire_response";

/// The figures that can be bounded, for a message.
pub const OFFERED: &str = "acquire_service and acquire_response with .p50 .p90 .p95 .p99 .p999 .max .mean, waited or contention, \
                           availability, timeouts, failures, refusals, throughput, grants, dropped, double_grants, \
                           double_grants_inside, double_grants_withdrawn, double_grants_outside, double_grants_admitted \
                           and token_regressions";

/// Told, but no failure of the watch: an outage that is over is told by itself.
const AVAILABLE: &str = "warn: availability >= 99%";

/// A share needs so many attempts at least, and as many that one of them is within the bound.
const FEWEST: u64 = 100;

/// The time that a window is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Nanoseconds of the whole window.
    pub length_ns: u64,
    /// Of these, how many were watched: less while the watch is young.
    pub seen_ns: u64,
}

/// How a bound stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is kept, with the figure in its base unit.
    Kept(f64),
    /// It is broken.
    Broken(f64),
    /// It is broken: nobody knows the figure, but it is this at least.
    Beyond(f64),
    /// Nobody can tell, and why.
    Unknown(String),
}

/// A bound on a figure of one system.
#[derive(Clone, Debug)]
pub struct Bound {
    /// What must hold.
    pub threshold: Threshold,
}

/// The bounds where none are given: any double grant, the usual alerts, and as a warning the
/// availability, which outages and stalls lower. The latency is the service time, which knows
/// nothing of how late this process itself was.
/// Where the plan expects kinds of double grants, the other kinds count, and what the
/// server itself admits.
pub fn defaults(expect: &[Expectation]) -> impl Iterator<Item = &'static str> {
    let expects = |expectation| expect.contains(&expectation);
    let unless = |excused: bool, text| (!excused).then_some(text);
    let safety = if expect.is_empty() {
        [Some("double_grants == 0"), None, None, None]
    } else {
        [
            Some("double_grants_inside == 0"),
            Some("double_grants_admitted == 0"),
            unless(expects(Expectation::Withdrawn), "double_grants_withdrawn == 0"),
            unless(expects(Expectation::Outside), "double_grants_outside == 0"),
        ]
    };
    safety.into_iter().flatten().chain(DEFAULT_ALERTS).chain([AVAILABLE])
}

impl Bound {
    /// Of a threshold.
    ///
    /// # Errors
    /// If a monitor does not know the figure.
    pub fn new(threshold: Threshold) -> Result<Self, String> {
        match figure(&threshold, &WindowCounts::default(), Certain::default(), SECOND) {
            Some(_) => Ok(Self { threshold }),
            None => Err(format!("a monitor does not keep {}; it keeps {OFFERED}", threshold.figure.name())),
        }
    }

    /// Its text, as messages and metrics have it.
    #[must_use]
    pub fn text(&self) -> String {
        self.threshold.condition()
    }

    /// Does it concern this system?
    #[must_use]
    pub fn is_for(&self, backend: &str) -> bool {
        let systems = &self.threshold.backends;
        systems.is_empty() || systems.iter().any(|name| name == backend)
    }

    /// Does breaking it fail the watch?
    #[must_use]
    pub fn fails(&self) -> bool {
        self.threshold.level == ThresholdLevel::Fail
    }

    /// Is it on something that, once seen, stays true?
    #[must_use]
    pub fn certain(&self) -> bool {
        self.threshold.figure.scalar().is_some_and(|scalar| scalar.merge == Merge::Certain)
    }

    /// Attempts that a window must have before the bound can be kept.
    #[must_use]
    pub fn need(&self) -> u64 {
        let (name, bound) = (self.threshold.figure.name(), self.threshold.bound);
        match self.threshold.figure.unit() {
            Unit::Share if bound > 0.0 => FEWEST.max((1.0 / bound).ceil() as u64),
            Unit::Share => FEWEST,
            Unit::Duration => percentile(&name).map_or(1, |p| (10.0 / (1.0 - p)).round() as u64),
            Unit::PerSecond | Unit::Count | Unit::Number => u64::from(!self.certain()),
        }
    }

    /// How it stands against a window.
    #[must_use]
    pub fn judge(&self, window: &WindowCounts, certain: Certain, span: Span) -> Outcome {
        let name = self.threshold.figure.name();
        let have = match name.as_str() {
            // What was due and not attempted tells of these as well.
            "availability" | "failures" | "throughput" | "grants" | "dropped" => window.due(),
            name if name.starts_with(RESPONSE) => window.due(),
            _ => window.attempts(),
        };
        if !self.certain() && have < self.need() {
            let (have, need) = (grouped(have), grouped(self.need()));
            return Outcome::Unknown(format!("{have} attempts in the window, needs {need}"));
        }
        match figure(&self.threshold, window, certain, span.seen_ns).flatten() {
            None if name.starts_with(RESPONSE) => self.late_at_least(&name, window),
            None => self.at_least(&name, window),
            Some(value) if self.threshold.operator.holds(value, self.threshold.bound) => Outcome::Kept(value),
            Some(_) if name == "grants" && !self.is_upper() && span.seen_ns < span.length_ns / 10 * 9 => {
                Outcome::Unknown("the watch is younger than its window: there may be more grants to come".to_owned())
            }
            Some(value) => Outcome::Broken(value),
        }
    }

    /// Is it broken by too much, and never by too little?
    fn is_upper(&self) -> bool {
        matches!(self.threshold.operator, Operator::Below | Operator::AtMost)
    }

    /// A percentile that nobody knows, because those who waited longest got no grant, is
    /// at least as long as the shortest of them waited, if they are more than lie above it.
    fn at_least(&self, name: &str, window: &WindowCounts) -> Outcome {
        let unknown = || Outcome::Unknown(format!("{name} does not exist: too few grants"));
        if window.in_vain_share() > 0.0 && (name.ends_with(".max") || name.ends_with(".mean")) {
            let least = window.longest_ns().unwrap_or(0) as f64;
            let broken = name.ends_with(".max") && self.is_upper() && least > self.threshold.bound;
            let why = || format!("{name} is not known: attempts were waited for in vain");
            return if broken { Outcome::Beyond(least) } else { Outcome::Unknown(why()) };
        }
        let (Some(p), Some((service, _))) = (percentile(name), window.gave_up_ns) else { return unknown() };
        let waited = service as f64;
        let all = (window.attempts() - window.of(Counter::Refused)) as f64;
        let beyond = window.of(Counter::TimedOut) as f64 > all * (1.0 - p);
        let broken = self.is_upper() && !self.threshold.operator.holds(waited, self.threshold.bound);
        if beyond && broken { Outcome::Beyond(waited) } else { unknown() }
    }

    /// A response time that is not known is at least so long as what got no grant was late.
    fn late_at_least(&self, name: &str, window: &WindowCounts) -> Outcome {
        let least = match percentile(name) {
            Some(p) => window.response_tail(p).at_least(),
            None => window.longest_response_ns().filter(|_| name.ends_with(".max")),
        };
        match least.map(|ns| ns as f64) {
            Some(least) if self.is_upper() && self.threshold.operator.decides_from(least, self.threshold.bound) => {
                Outcome::Beyond(least)
            }
            _ if window.of(Counter::Grants) == 0 => Outcome::Unknown(format!("{name} does not exist: too few grants")),
            _ => Outcome::Unknown(format!("{name} is not known: not everything that was due was granted")),
        }
    }

    /// What is demanded of the figure: `at most 50.0 ms`.
    #[must_use]
    pub fn demand(&self) -> String {
        let words = match self.threshold.operator {
            Operator::Below => "below ",
            Operator::AtMost => "at most ",
            Operator::Above => "above ",
            Operator::AtLeast => "at least ",
            Operator::Equal => "",
            Operator::Different => "other than ",
        };
        format!("{words}{}", self.shown(self.threshold.bound))
    }

    /// A value of its figure for people.
    #[must_use]
    pub fn shown(&self, value: f64) -> String {
        match self.threshold.figure.unit() {
            Unit::Duration => human_duration(value.round() as u64),
            Unit::PerSecond => format!("{}/s", three_digits(value)),
            Unit::Share => format!("{} %", three_digits(value * 100.0)),
            Unit::Count => grouped(value.round() as u64),
            Unit::Number => three_digits(value),
        }
    }
}

fn percentile(name: &str) -> Option<f64> {
    match name.rsplit_once('.')?.1 {
        "p50" => Some(0.5),
        "p90" => Some(0.9),
        "p95" => Some(0.95),
        "p99" => Some(0.99),
        "p999" => Some(0.999),
        _ => None,
    }
}

/// The figure of a bound; `None` if a monitor does not keep it, `Some(None)` if it does not
/// exist here.
fn figure(threshold: &Threshold, window: &WindowCounts, certain: Certain, seen_ns: u64) -> Option<Option<f64>> {
    let Some(scalar) = threshold.figure.scalar() else { return latency(&threshold.figure.name(), window) };
    match scalar.source {
        Source::Count(counter) => {
            let count = certain.count(counter);
            let kept = count.or_else(|| WindowFigures::default().count(counter).map(|_| window.of(counter)));
            kept.map(|count| Some(count as f64))
        }
        // What was due and not attempted got no answer either.
        Source::Share(&[Counter::Unavailable, Counter::Unknown]) => Some(window.failures()),
        Source::Share(counters) => Some(window.share_of(counters)),
        Source::Measured(Measure::Waited) => Some(window.share_of(&[Counter::Waited])),
        Source::Measured(Measure::Availability) => Some(window.availability()),
        Source::Measured(Measure::Throughput) => {
            Some(Some(window.of(Counter::Grants) as f64 * SECOND as f64 / seen_ns.max(1) as f64))
        }
        Source::Measured(_) => None,
    }
}

/// A wait, likewise.
fn latency(name: &str, window: &WindowCounts) -> Option<Option<f64>> {
    let (of, stat) = name.rsplit_once('.')?;
    let (waits, ungranted): (&Waits, f64) = match of {
        "acquire_service" => (&window.service, window.in_vain_share()),
        RESPONSE => (&window.response, window.ungranted_share()),
        _ => return None,
    };
    match stat {
        // What was waited for in vain would have taken longer, and nobody knows how long.
        "max" => Some(waits.max_ns().filter(|_| ungranted == 0.0).map(|ns| ns as f64)),
        "mean" => Some(waits.mean_ns().filter(|_| ungranted == 0.0)),
        _ => Some(waits.percentile(percentile(name)?, ungranted).map(|ns| ns as f64)),
    }
}

#[cfg(test)]
mod tests;

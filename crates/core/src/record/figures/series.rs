//! The time series: one window a second from the start of the warm-up.

use serde::{Deserialize, Serialize};

use crate::record::event::Denial;
use crate::record::histogram::Latency;

const WIDTH_NS: u64 = 1_000_000_000;

/// One second of a trial; waits are of the grants whose `acquire_ok` lies in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Seconds since the start of the warm-up.
    pub second: u64,
    /// Grants.
    pub grants: u64,
    /// Attempts that timed out.
    pub timed_out: u64,
    /// Attempts that were not served, or whose answer was lost.
    pub failed: u64,
    /// Attempts under way in it that were not served in the end, or whose answer was lost:
    /// those that ended in it, and those that waited through it.
    #[serde(default)]
    pub unserved: u64,
    /// Attempts that were due in it by the clock and that no client took.
    #[serde(default, skip_serializing_if = "is_none")]
    pub dropped: u64,
    /// Median wait (service time) of the attempts that ended in it; `None` without a grant,
    /// and where too many ended in vain.
    pub p50_ns: Option<u64>,
    /// As `p50_ns`, the 95th percentile, however few.
    #[serde(default)]
    pub p95_ns: Option<u64>,
    /// As `p50_ns`, the 99th percentile, however few.
    pub p99_ns: Option<u64>,
    /// Longest wait, in vain or not.
    pub max_ns: Option<u64>,
    /// Did any end in vain? Then the longest is not known, and at least `max_ns`.
    #[serde(default)]
    pub max_is_lower_bound: bool,
    /// Histogram of the waits of the grants, as [`Latency::encoded`]: some KiB a second at most.
    pub waits: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Window {
    /// All waits that ended in it, those in vain too.
    ///
    /// # Errors
    /// Says what is wrong with the stored histogram.
    pub fn all_waits(&self) -> Result<Latency, String> {
        let mut waits = Latency::decoded(&self.waits)?;
        waits.add_in_vain(self.timed_out + self.failed, self.max_ns.unwrap_or(0));
        Ok(waits)
    }

    /// Was an attempt under way in it that was not served in the end?
    #[must_use]
    pub fn had_unserved(&self) -> bool {
        // Windows of before schema version 3 know only those that ended in them.
        self.unserved > 0 || self.failed > 0
    }

    /// Takes the figures of these waits.
    pub fn tell(&mut self, waits: &Latency) {
        self.p50_ns = waits.raw_percentile(0.5);
        self.p95_ns = waits.raw_percentile(0.95);
        self.p99_ns = waits.raw_percentile(0.99);
        self.max_ns = waits.max();
        self.max_is_lower_bound = waits.in_vain() > 0;
    }
}

/// Collects windows.
pub struct Series {
    start: u64,
    current: Window,
    waits: Latency,
    done: Vec<Window>,
}

impl Series {
    /// A series whose first window starts at `start`.
    pub fn new(start: u64) -> Self {
        Self { start, current: Window::default(), waits: Latency::default(), done: Vec::new() }
    }

    /// A grant at `t` after a wait.
    pub fn granted(&mut self, t: u64, wait_ns: u64) {
        self.advance(t);
        self.current.grants += 1;
        self.waits.record(wait_ns);
    }

    /// An attempt that was invoked at `invoke` ended at `t` without a grant.
    pub fn denied(&mut self, invoke: u64, t: u64, denial: Denial) {
        self.advance(t);
        match denial {
            Denial::TimedOut => self.current.timed_out += 1,
            Denial::Unavailable | Denial::Unknown => {
                self.current.failed += 1;
                self.unserved(invoke);
            }
            Denial::Refused | Denial::Withdrawn | Denial::Aborted | Denial::Deadlock => return,
        }
        self.waits.record_in_vain(t.saturating_sub(invoke));
    }

    /// So many that were due from `due` on, within a second, were dropped.
    pub fn dropped(&mut self, due: u64, count: u32) {
        let second = due.saturating_sub(self.start) / WIDTH_NS;
        let window = match self.done.get_mut(second as usize) {
            Some(window) => window,
            None => &mut self.current,
        };
        window.dropped += u64::from(count);
    }

    /// Every window from `invoke` to now had an attempt that was not served.
    fn unserved(&mut self, invoke: u64) {
        let first = (invoke.saturating_sub(self.start) / WIDTH_NS) as usize;
        self.done.iter_mut().skip(first).for_each(|window| window.unserved += 1);
        self.current.unserved += 1;
    }

    /// Windows that are over.
    pub fn ended(&self) -> &[Window] {
        &self.done
    }

    /// The window under way, as far as it goes; without its histogram.
    pub fn under_way(&self) -> Window {
        let mut window = self.current.clone();
        window.tell(&self.waits);
        window
    }

    /// Closes the last window and returns all.
    pub fn take(&mut self) -> Vec<Window> {
        self.close();
        std::mem::take(&mut self.done)
    }

    fn advance(&mut self, t: u64) {
        let second = t.saturating_sub(self.start) / WIDTH_NS;
        while self.current.second < second {
            let next = self.current.second + 1;
            self.close();
            self.current = Window { second: next, ..Window::default() };
        }
    }

    fn close(&mut self) {
        self.current.tell(&self.waits);
        self.current.waits = self.waits.encoded();
        self.done.push(std::mem::take(&mut self.current));
        if self.waits.max().is_some() {
            self.waits.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Series;
    use crate::record::event::Denial;

    #[test]
    fn empty_seconds_are_windows_too() {
        let mut series = Series::new(1_000);
        series.granted(1_500, 10);
        series.granted(2_000_002_000, 30);
        let windows = series.take();
        assert_eq!(windows.iter().map(|w| (w.second, w.grants)).collect::<Vec<_>>(), [(0, 1), (1, 0), (2, 1)]);
        assert_eq!((windows[1].p50_ns, windows[2].max_ns), (None, Some(30)));
    }

    #[test]
    fn a_second_whose_waits_ended_in_vain_has_no_flattering_figure() {
        let mut series = Series::new(0);
        series.granted(100, 10);
        series.denied(200, 3_000_000_000, Denial::Unavailable);
        series.denied(2_999_999_000, 3_000_000_010, Denial::TimedOut);
        series.granted(3_000_000_020, 20);
        let windows = series.take();
        assert_eq!(windows.iter().map(|w| w.unserved).collect::<Vec<_>>(), [1, 1, 1, 1]);
        assert_eq!(windows.iter().map(|w| w.failed).collect::<Vec<_>>(), [0, 0, 0, 1]);
        let last = &windows[3];
        assert_eq!((last.p50_ns, last.max_ns, last.max_is_lower_bound), (None, Some(2_999_999_800), true));
        assert_eq!((windows[0].p50_ns, windows[0].max_is_lower_bound), (Some(10), false));
        let waits = last.all_waits().unwrap();
        assert_eq!((waits.count(), waits.in_vain(), waits.max()), (1, 2, last.max_ns));
    }
}

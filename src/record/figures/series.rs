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
    /// Median wait (service time), if there was a grant.
    pub p50_ns: Option<u64>,
    /// 99th percentile of the wait among this window's grants, however few.
    pub p99_ns: Option<u64>,
    /// Longest wait of a grant.
    pub max_ns: Option<u64>,
    /// Histogram of the waits, as [`Latency::encoded`]: some KiB a second at most.
    pub waits: String,
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

    /// An attempt that ended at `t` without a grant.
    pub fn denied(&mut self, t: u64, denial: Denial) {
        self.advance(t);
        match denial {
            Denial::TimedOut => self.current.timed_out += 1,
            Denial::Unavailable | Denial::Unknown => self.current.failed += 1,
            Denial::Refused | Denial::Withdrawn => {}
        }
    }

    /// Windows that are over.
    pub fn ended(&self) -> &[Window] {
        &self.done
    }

    /// The window under way, as far as it goes; without its histogram.
    pub fn under_way(&self) -> Window {
        Window {
            p50_ns: self.waits.raw_percentile(0.5),
            p99_ns: self.waits.raw_percentile(0.99),
            max_ns: self.waits.max(),
            ..self.current.clone()
        }
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
        self.current.p50_ns = self.waits.raw_percentile(0.5);
        self.current.p99_ns = self.waits.raw_percentile(0.99);
        self.current.max_ns = self.waits.max();
        self.current.waits = self.waits.encoded();
        self.done.push(std::mem::take(&mut self.current));
        if self.waits.count() > 0 {
            self.waits.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Series;

    #[test]
    fn empty_seconds_are_windows_too() {
        let mut series = Series::new(1_000);
        series.granted(1_500, 10);
        series.granted(2_000_002_000, 30);
        let windows = series.take();
        assert_eq!(windows.iter().map(|w| (w.second, w.grants)).collect::<Vec<_>>(), [(0, 1), (1, 0), (2, 1)]);
        assert_eq!((windows[1].p50_ns, windows[2].max_ns), (None, Some(30)));
    }
}

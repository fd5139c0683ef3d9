//! The rest of a trial where its history tells nothing any more: after the cut of a
//! bounded history, or from its start if none was kept. Its seconds were measured and
//! are told, each when it is over. Who was inside when, keys, and counts by phase were
//! not kept: they stand still, and every snapshot says since when.

use crate::Measurements;
use crate::live::{Lag, SLICE_NS, Second, Slice, Snapshot};
use lockbench_core::record::Phase;
use lockbench_core::units::SECOND;

/// What is left of a trial.
pub struct Rest<'a> {
    measured: &'a Measurements,
    /// How it stood where the detail ends.
    base: Snapshot,
    /// Seconds told.
    told: usize,
    /// Up to here slices were told.
    sliced_ns: u64,
}

impl<'a> Rest<'a> {
    /// After a last snapshot in detail.
    pub fn after(measured: &'a Measurements, mut last: Snapshot) -> Self {
        last.detail_until_ns.get_or_insert(last.elapsed_ns);
        last.double_grants.clear();
        last.holds.retain(|hold| hold.open);
        last.own.lag = Lag::default();
        last.slices.clear();
        let sliced_ns = last.elapsed_ns / SLICE_NS * SLICE_NS;
        Self { measured, told: (last.elapsed_ns / SECOND) as usize, base: last, sliced_ns }
    }

    /// A trial of which nothing but its seconds is known.
    pub fn whole(measured: &'a Measurements) -> Self {
        let base = Snapshot {
            backend: measured.backend.clone(),
            trial: measured.trial,
            origin_ns: measured.start_ns,
            ..Snapshot::default()
        };
        Self::after(measured, base)
    }

    /// Nanoseconds since the start of the trial where its seconds begin.
    pub fn begins_ns(&self) -> u64 {
        self.base.elapsed_ns
    }

    /// Nanoseconds since the start of the trial where its last second ends.
    pub fn ends_ns(&self) -> u64 {
        self.measured.windows.len() as u64 * SECOND
    }

    /// Is a second over by then that was not told?
    pub fn has(&self, at_ns: u64) -> bool {
        self.ended(at_ns) > self.told
    }

    /// The seconds that are over by then.
    pub fn snapshot(&mut self, at_ns: u64) -> Snapshot {
        let ended = self.ended(at_ns);
        let doubles = |second: usize| self.measured.double_grants.get(second).copied().unwrap_or(0);
        let mut snapshot = self.base.clone();
        let windows = &self.measured.windows[..ended.min(self.measured.windows.len())];
        let new = (0..).zip(windows).skip(self.told);
        snapshot.seconds =
            new.map(|(i, window)| Second { double_grants: doubles(i), ..Second::from(window) }).collect();
        snapshot.slices =
            windows.iter().zip(0..).skip(self.told).map(|(window, i)| self.slice(window.grants, i)).collect();
        self.told = ended;
        let grants = windows.iter().map(|window| window.grants).sum();
        snapshot.judged.grants = snapshot.judged.grants.max(grants);
        snapshot.judged.double_grants = snapshot.judged.double_grants.max((0..ended).map(doubles).sum());
        if snapshot.judged.double_grants > 0 {
            snapshot.upper_bound_per_million = None;
        }
        snapshot.elapsed_ns = ended as u64 * SECOND;
        let end = self.measured.warmup_ns + self.measured.measured_ns;
        snapshot.left_ns = end.saturating_sub(snapshot.elapsed_ns);
        snapshot.phase = match snapshot.elapsed_ns {
            at if at >= end => Phase::Drain,
            at if at >= self.measured.warmup_ns => Phase::Measure,
            _ => Phase::Warmup,
        };
        snapshot
    }

    /// A second as one slice; of the first one what is left of it.
    fn slice(&self, grants: u64, second: u64) -> Slice {
        let at_ns = (second + 1) * SECOND;
        let length_ns = at_ns - self.sliced_ns.clamp(second * SECOND, at_ns - 1);
        let (waiting, inside) = (self.base.waiting, self.base.inside);
        Slice { at_ns, length_ns, grants: grants * length_ns / SECOND, waiting, inside, ..Slice::default() }
    }

    fn ended(&self, at_ns: u64) -> usize {
        ((at_ns / SECOND) as usize).min(self.measured.windows.len()).max(self.told)
    }
}

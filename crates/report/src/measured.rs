//! What `report.json` has no room for and no history can give back once it is cut:
//! the histograms, the time series with a histogram a second, the grants of each
//! client. Stored as `measured.json.gz` beside it; with the report and the history
//! it is the raw data from which every other file of a run is drawn.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::intake::{Trials, sane_trial};
use lockbench_core::record::Latency;
use lockbench_core::record::Phase;
use lockbench_core::record::figures::{Counts, Latencies, Mark, MarkKind, Window, paused_ns};
use lockbench_core::record::unpacked;
use lockbench_core::units::SECOND;

/// Name of the file.
pub const MEASURED: &str = "measured.json.gz";

/// One trial of one backend, folded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measurements {
    /// Registry name in full.
    pub backend: String,
    /// Trial number, from 1.
    pub trial: u32,
    /// Start of the warm-up, clock nanoseconds: the zero of every chart.
    pub start_ns: u64,
    /// Length of the warm-up as it was, in nanoseconds, pauses included.
    pub warmup_ns: u64,
    /// Length of the measure phase as it was, in nanoseconds, pauses included: for a time
    /// axis. Rates are over [`Measurements::loaded_ns`].
    pub measured_ns: u64,
    /// Number of clients.
    pub clients: u32,
    /// Number of keys.
    pub keys: u32,
    /// The counts behind every ratio.
    pub counts: Counts,
    /// Histograms of the measure phase.
    pub latencies: Latencies,
    /// One window a second since the start of the warm-up.
    pub windows: Vec<Window>,
    /// Double grants a second since the start of the warm-up; may be shorter than `windows`.
    pub double_grants: Vec<u64>,
    /// Grants of each client in the measure phase.
    pub grants_of: Vec<u64>,
    /// Longest wait of each client in the measure phase, granted or not, in nanoseconds.
    pub longest_wait_of: Vec<u64>,
    /// Pauses of the load and markers, in the order in which they ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

impl Measurements {
    /// Nanoseconds of the measure phase in which the load was not paused.
    #[must_use]
    pub fn loaded_ns(&self) -> u64 {
        let measure = self.start_ns + self.warmup_ns;
        self.measured_ns.saturating_sub(self.paused_ns(measure, measure + self.measured_ns))
    }

    /// Nanoseconds between two instants in which the load was paused.
    #[must_use]
    pub fn paused_ns(&self, from_ns: u64, to_ns: u64) -> u64 {
        paused_ns(&self.marks, from_ns, to_ns)
    }

    /// Was the load paused in a part of these seconds since the start of the warm-up?
    #[must_use]
    pub fn paused_within(&self, from_s: u64, to_s: u64) -> bool {
        let at = |second: u64| self.start_ns.saturating_add(second.saturating_mul(SECOND));
        self.paused_ns(at(from_s), at(to_s)) > 0
    }

    /// A mark's begin and end in seconds since the start of the warm-up.
    #[must_use]
    pub fn seconds_of(&self, mark: &Mark) -> (f64, f64) {
        let since = |ns: u64| ns.saturating_sub(self.start_ns) as f64 / SECOND as f64;
        (since(mark.from_ns), since(mark.to_ns))
    }

    /// The phase that a second since the start of the warm-up belongs to: the one that it
    /// starts in.
    #[must_use]
    pub fn phase_of(&self, second: u64) -> Phase {
        let starts = second.saturating_mul(SECOND);
        if starts < self.warmup_ns {
            Phase::Warmup
        } else if starts < self.warmup_ns.saturating_add(self.measured_ns) {
            Phase::Measure
        } else {
            Phase::Drain
        }
    }

    /// The pauses, without the markers.
    pub fn pauses(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(|mark| mark.kind == MarkKind::Pause)
    }

    /// As a run of before schema version 3 would have stored it: what was waited for in vain
    /// was in no figure.
    #[must_use]
    pub fn as_before_version_3(mut self) -> Self {
        for latency in self.latencies.each_mut() {
            *latency = std::mem::take(latency).answered();
        }
        self.counts.waited = 0;
        for window in &mut self.windows {
            let waits = Latency::decoded(&window.waits).unwrap_or_default();
            *window = Window {
                unserved: 0,
                p50_ns: waits.raw_percentile(0.5),
                p95_ns: None,
                p99_ns: waits.raw_percentile(0.99),
                max_ns: waits.max(),
                max_is_lower_bound: false,
                ..std::mem::take(window)
            };
        }
        self
    }

    /// Counts waits in vain into the latencies of a run of before schema version 3, as far
    /// as it told of them: of releases and renewals it told nothing.
    fn count_waits_in_vain(&mut self) {
        let in_vain = self.counts.in_vain();
        if in_vain == 0 || self.latencies.acquire_service.in_vain() > 0 {
            return;
        }
        self.latencies.acquire_service.add_in_vain(in_vain, self.counts.longest_wait_ns);
        self.latencies.acquire_response.add_in_vain(in_vain, self.counts.longest_wait_ns);
        for window in &mut self.windows {
            if let Ok(waits) = window.all_waits() {
                window.tell(&waits);
            }
        }
    }

    /// Counts and series without any histogram: small enough to be kept of every trial
    /// while a run goes on.
    #[must_use]
    pub fn without_histograms(mut self) -> Self {
        self.latencies = Latencies::absent();
        self.windows.iter_mut().for_each(|window| window.waits = String::new());
        self
    }
}

/// The file's bytes.
///
/// # Errors
/// Never for what a run measured; the libraries cannot promise it.
pub fn write_measured(measured: &[Measurements]) -> std::io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut out, measured)?;
    out.write_all(b"\n")?;
    out.finish()
}

/// Reads the file's bytes back.
///
/// # Errors
/// Says what is wrong with them; the caller adds the file's name.
pub fn read_measured(bytes: &[u8]) -> Result<Vec<Measurements>, String> {
    let text = unpacked(bytes).map_err(|error| error.to_string())?;
    let Trials(mut trials) = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    trials.iter().try_for_each(sane_trial)?;
    trials.iter_mut().for_each(Measurements::count_waits_in_vain);
    Ok(trials)
}

#[cfg(test)]
mod tests {
    use super::{Measurements, read_measured, write_measured};
    use lockbench_core::record::figures::{Mark, MarkKind};

    #[test]
    fn what_was_measured_reads_back_the_same() {
        let mut one = Measurements { backend: "redis".to_owned(), trial: 3, ..Measurements::default() };
        one.marks.push(Mark { from_ns: 3, to_ns: 9, kind: MarkKind::Pause, number: 1 });
        (1..=5_000).for_each(|ns| one.latencies.acquire_service.record(ns));
        let bytes = write_measured(std::slice::from_ref(&one)).unwrap();
        let back = read_measured(&bytes).unwrap();
        assert_eq!(back[0].latencies.acquire_service.encoded(), one.latencies.acquire_service.encoded());
        assert_eq!(back[0].marks, one.marks);
        assert_eq!(write_measured(&back).unwrap(), bytes);
        assert!(read_measured(&bytes[..bytes.len() / 2]).is_err());
    }

    #[test]
    fn a_trial_without_marks_is_stored_as_before_there_were_any() {
        let one = Measurements::default();
        let text = serde_json::to_string(&one).unwrap();
        assert!(!text.contains("marks"), "{text}");
        let back: Measurements = serde_json::from_str(&text).unwrap();
        assert!(back.marks.is_empty());
    }

    #[test]
    fn what_lies_in_a_pause_is_not_loaded() {
        let pause = |from_ns, to_ns| Mark { from_ns, to_ns, kind: MarkKind::Pause, number: 1 };
        let marks = vec![pause(1_500, 2_500), pause(3_000, 3_100)];
        let one = Measurements { start_ns: 1_000, warmup_ns: 1_000, measured_ns: 4_000, marks, ..Default::default() };
        assert_eq!(one.loaded_ns(), 3_400);
        assert!(one.paused_within(0, 1) && !one.paused_within(1, 9));
    }
}

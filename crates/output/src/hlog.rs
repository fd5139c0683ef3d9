//! `intervals.hlog`: HdrHistogram's interval log, version 1.3. One interval per
//! backend, trial and second since the start of its warm-up, tagged
//! `<backend>/<trial>`: the waits of the grants of that second (service time, in
//! nanoseconds; the `Interval_Max` column in milliseconds). A second that starts in the
//! warm-up or after the measure phase is tagged `<backend>/<trial>/warmup` or `.../drain`:
//! figures are of those without. A second without a grant is an interval with an empty
//! histogram.
//!
//! `StartTime` and `BaseTime` are the start of the run; the clock that stamps events
//! is not the wall clock, so the first warm-up is put there, and every other interval
//! at its true distance from it.

use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::Rendered;
use lockbench_core::plain;
use lockbench_core::record::Latency;
use lockbench_core::record::Phase;
use lockbench_core::record::figures::Window;
use lockbench_core::units::SECOND;
use lockbench_report::{Measurements, RecordedRun};

/// Names of the columns; a line that readers skip.
const LEGEND: &str = "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

/// Nanoseconds in the unit of the third column: as the Java implementation's default.
const MAX_UNIT_NS: f64 = 1e6;

struct Interval<'a> {
    at_ns: u64,
    measured: &'a Measurements,
    window: &'a Window,
}

/// `intervals.hlog`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let bytes = log(run).map_err(|problem| format!("intervals.hlog: {problem}"))?;
    Ok(vec![Rendered::new("intervals.hlog", bytes)])
}

fn log(run: &RecordedRun) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut head = IntervalLogWriterBuilder::new();
    head.add_comment("[Histogram log format version 1.3]");
    head.add_comment(&format!("[lockbench run {}: acquire_service, nanoseconds]", run.report.run_id));
    if let Ok(start) = humantime::parse_rfc3339(&run.report.environment.started_at) {
        head.with_start_time(start).with_base_time(start);
    }
    head.begin_log_with(&mut bytes, &mut serializer).map_err(|error| error.to_string())?;
    bytes.extend_from_slice(LEGEND.as_bytes());

    let nothing = Histogram::new_with_bounds(1, 2, 3).map_err(|error| error.to_string())?;
    let mut body = IntervalLogWriterBuilder::new();
    body.with_max_value_divisor(MAX_UNIT_NS);
    let mut writer = body.begin_log_with(&mut bytes, &mut serializer).map_err(|error| error.to_string())?;
    for Interval { at_ns, measured, window } in intervals(run) {
        let name = tag(measured, window.second);
        let waits =
            Latency::decoded(&window.waits).map_err(|error| format!("{name} second {}: {error}", window.second))?;
        let histogram = waits.histogram().unwrap_or(&nothing);
        writer
            .write_histogram(histogram, Duration::from_nanos(at_ns), Duration::from_secs(1), Tag::new(&name))
            .map_err(|error| format!("{name} second {}: {error}", window.second))?;
    }
    Ok(bytes)
}

/// All intervals in order of time: readers expect them sorted.
fn intervals(run: &RecordedRun) -> Vec<Interval<'_>> {
    let zero = run.measured.iter().map(|measured| measured.start_ns).min().unwrap_or(0);
    let mut intervals = Vec::new();
    for measured in &run.measured {
        intervals.extend(measured.windows.iter().map(|window| {
            let at_ns = (measured.start_ns - zero).saturating_add(window.second.saturating_mul(SECOND));
            Interval { at_ns, measured, window }
        }));
    }
    intervals.sort_by_key(|interval| interval.at_ns);
    intervals
}

/// A tag may hold neither commas nor spaces.
fn tag(measured: &Measurements, second: u64) -> String {
    let phase = match measured.phase_of(second) {
        Phase::Warmup => "/warmup",
        Phase::Measure => "",
        Phase::Drain => "/drain",
    };
    let name = format!("{}/{}{phase}", measured.backend, measured.trial);
    plain::line(&name).replace([',', ' '], "-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::render;
    use crate::sample::{crowd, empty, timeouts};
    use lockbench_core::record::Latency;
    use lockbench_core::record::Phase;
    use lockbench_report::RecordedRun;

    fn bytes(run: &RecordedRun) -> Vec<u8> {
        let mut files = render(run).unwrap();
        assert_eq!((files.len(), files[0].path.as_str()), (1, "intervals.hlog"));
        files.remove(0).bytes
    }

    #[test]
    fn the_library_reads_the_same_totals_back() {
        let run = crowd(10);
        let bytes = bytes(&run);
        let mut read: BTreeMap<String, Latency> = BTreeMap::new();
        let mut starts = Vec::new();
        for entry in IntervalLogIterator::new(&bytes) {
            match entry.unwrap() {
                LogEntry::Interval(interval) => {
                    let waits = Latency::decoded(interval.encoded_histogram()).unwrap();
                    read.entry(interval.tag().unwrap().as_str().to_owned()).or_default().merge(&waits);
                    starts.push(interval.start_timestamp());
                    assert_eq!(interval.duration(), Duration::from_secs(1));
                }
                LogEntry::StartTime(time) | LogEntry::BaseTime(time) => assert_eq!(time.as_secs(), 1_767_323_045),
            }
        }
        assert!(starts.is_sorted());
        let starts_of: Vec<String> = read.keys().cloned().collect();
        assert!(starts_of.iter().any(|tag| tag.ends_with("/warmup")), "{starts_of:?}");
        for measured in &run.measured {
            for (phase, suffix) in [(Phase::Warmup, "/warmup"), (Phase::Measure, ""), (Phase::Drain, "/drain")] {
                let of: Vec<_> = measured.windows.iter().filter(|w| measured.phase_of(w.second) == phase).collect();
                let tag = format!("{}/{}{suffix}", measured.backend, measured.trial);
                let mut stored = Latency::default();
                of.iter().for_each(|window| stored.merge(&Latency::decoded(&window.waits).unwrap()));
                let back = read.remove(&tag).unwrap_or_default();
                assert_eq!((back.histogram(), of.is_empty()), (stored.histogram(), !starts_of.contains(&tag)), "{tag}");
                assert_eq!(back.count(), of.iter().map(|window| window.grants).sum::<u64>());
            }
        }
    }

    #[test]
    fn seconds_without_a_grant_are_empty_intervals() {
        let bytes = bytes(&timeouts());
        insta::assert_snapshot!(std::str::from_utf8(&bytes).unwrap());
        let intervals = IntervalLogIterator::new(&bytes).filter(|e| matches!(e, Ok(LogEntry::Interval(_)))).count();
        assert_eq!(intervals, 7);
    }

    #[test]
    fn a_run_without_trials_is_a_log_without_intervals() {
        let bytes = bytes(&empty());
        assert!(IntervalLogIterator::new(&bytes).all(|entry| !matches!(entry, Ok(LogEntry::Interval(_)))));
    }

    #[test]
    fn a_damaged_window_is_told_with_its_place() {
        let mut run = crowd(1);
        run.measured[1].windows[3].waits = "?".to_owned();
        let error = render(&run).err().unwrap();
        assert!(error.starts_with("intervals.hlog: redis/2 second 3: a histogram is not base64"), "{error}");
    }
}

//! The seconds of a heat map: few enough columns to be distinguished, and its table.

use crate::table::{duration, longest};
use lockbench_core::record::Latency;
use lockbench_core::units::{SECOND, grouped};
use lockbench_report::Measurements;

/// Most columns; longer runs have several seconds per column.
const COLUMNS: u64 = 75;
/// Most rows of the table beside the chart.
const TABLE: usize = 12;

/// Some seconds of a trial.
pub(super) struct Column {
    pub(super) trial: u32,
    /// First second within its trial, and how many it has.
    pub(super) second: u64,
    pub(super) seconds: u64,
    /// Whether all of it passed before the measure phase began.
    pub(super) warmup: bool,
    pub(super) waits: Latency,
    pub(super) grants: u64,
    pub(super) timed_out: u64,
}

/// Merges the windows of all trials into few enough columns. What came after the end
/// of measuring is left out: only the last attempts are in there.
pub(super) fn columns(trials: &[&Measurements]) -> Result<Vec<Column>, String> {
    let seconds = |trial: &Measurements| (trial.warmup_ns + trial.measured_ns).div_ceil(SECOND);
    let each = trials.iter().map(|trial| seconds(trial)).sum::<u64>().div_ceil(COLUMNS).max(1);
    let mut columns: Vec<Column> = Vec::new();
    for trial in trials {
        let end = seconds(trial);
        for window in trial.windows.iter().filter(|window| window.second < end) {
            let second = window.second / each * each;
            let waits = window.all_waits().map_err(|error| format!("{}: {error}", trial.backend))?;
            let same = |last: &&mut Column| last.trial == trial.trial && last.second == second;
            if let Some(last) = columns.last_mut().filter(same) {
                last.waits.merge(&waits);
                last.grants += window.grants;
                last.timed_out += window.timed_out;
                continue;
            }
            let seconds = each.min(end - second);
            columns.push(Column {
                trial: trial.trial,
                second,
                seconds,
                warmup: (second + seconds) * SECOND <= trial.warmup_ns,
                waits,
                grants: window.grants,
                timed_out: window.timed_out,
            });
        }
    }
    Ok(columns)
}

/// The table: columns merged further, never across phases or trials.
pub(super) fn rows(name: &str, columns: &[Column]) -> Vec<Vec<String>> {
    let each = columns.len().div_ceil(TABLE).max(1);
    let alike = |a: &Column, b: &Column| a.trial == b.trial && a.warmup == b.warmup;
    let slices = columns.chunk_by(alike).flat_map(|phase| phase.chunks(each));
    let row = |slice: &[Column]| {
        let mut waits = Latency::default();
        slice.iter().for_each(|column| waits.merge(&column.waits));
        let (first, last) = (&slice[0], &slice[slice.len() - 1]);
        vec![
            name.to_owned(),
            first.trial.to_string(),
            format!("{} to {}", first.second, last.second + last.seconds),
            if first.warmup { "warm-up" } else { "measure" }.to_owned(),
            grouped(slice.iter().map(|column| column.grants).sum()),
            duration(waits.figures().p50_ns),
            duration(waits.figures().p95_ns),
            duration(waits.figures().p99_ns),
            longest(&waits.figures()),
            grouped(slice.iter().map(|column| column.timed_out).sum()),
        ]
    };
    slices.map(row).collect()
}

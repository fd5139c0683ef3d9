//! What stands beside the drawings over time: titles, caption, legend, table.

use super::Scale;
use crate::chart::legend::{Entry, Key};
use crate::chart::overlay::Overlay;
use crate::chart::palette::{ALARM, Mark, SHADE, SOFT, mixed};
use crate::chart::series::Point;
use crate::chart::sheet::Stroke;
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_report::RecordedRun;

pub(super) fn title(name: &str, trial: u32, double_grants: u64) -> String {
    let plural = if double_grants == 1 { "" } else { "s" };
    match (double_grants, trial) {
        (0, _) => name.to_owned(),
        (count, 1) => format!("{name}: {} double grant{plural}", grouped(count)),
        (count, trial) => format!("{name}, trial {trial}: {} double grant{plural}", grouped(count)),
    }
}

pub(super) fn caption(run: &RecordedRun, doubled: bool, all: &Overlay, scale: Scale) -> String {
    let rates = if scale.logarithmic { " (log scale)" } else { "" };
    let mut text = format!(
        "Look for steps, drifts and gaps: a steady system gives level lines. All systems have the same axes. Above: \
         grants per second{rates}. Below: service times of the grants of each second (log scale). Grey: warm-up and \
         drain, which do not count."
    );
    let trials = run.report.results.iter().map(|result| result.trial).max().unwrap_or(1);
    if trials > 1 {
        text += &format!(" The first of {trials} trials is shown, or the first with a double grant.");
    }
    if doubled {
        text += " Red: double grants in that second, and how many.";
    }
    text + &all.caption()
}

pub(super) fn legend(doubled: bool, all: &Overlay) -> Vec<Entry> {
    let line = |width| Key::Line(Stroke::solid(SOFT, width), None);
    let mut entries = vec![
        Entry::new(line(3), "grants/s, p50 wait"),
        Entry::new(line(1), "thin: p99 wait"),
        Entry::new(Key::Mark(Mark::Square, SOFT), "longest wait"),
        Entry::new(Key::Patch(mixed(SHADE, SOFT, 0.15)), "warm-up, drain"),
    ];
    if doubled {
        entries.push(Entry::new(Key::Patch(ALARM), "double grants"));
    }
    entries.extend(all.legend());
    entries
}

pub(super) fn row(name: &str, points: &[Point], double_grants: u64) -> Vec<String> {
    let measured = points.iter().filter(|point| point.counts);
    let rates: Vec<f64> = measured.clone().filter_map(|point| point.grants_per_s).collect();
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), three_digits);
    let longest = |of: fn(&Point) -> Option<u64>| {
        measured.clone().filter_map(of).max().map_or_else(|| "-".to_owned(), human_duration)
    };
    vec![
        name.to_owned(),
        number(rates.iter().copied().reduce(f64::min)),
        number(rates.iter().copied().reduce(f64::max)),
        longest(|point| point.p99),
        longest(|point| point.max),
        grouped(double_grants),
    ]
}

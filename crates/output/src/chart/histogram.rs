//! How the acquire waits and the hold times of each system spread, on axes that all
//! systems share.

use std::sync::Arc;

use plotters_backend::DrawingBackend;

use super::axis::{Axis, tick_number};
use super::lettering::Lettering;
use super::multiples::{Multiples, Panel};
use super::palette::{INK, PAPER, SeriesStyle, backends, looks, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::{Chart, Words, absence};
use crate::histograms::merged;
use crate::table::{duration, longest};
use lockbench_core::record::{Latency, LatencyFigures};
use lockbench_core::units::{grouped, human_duration};
use lockbench_report::RecordedRun;

/// Bars per decade.
const BARS: f64 = 20.0;

/// One histogram.
struct Half {
    label: &'static str,
    /// Lower and upper bound in nanoseconds, and the share of the samples in per cent.
    bars: Vec<(f64, f64, f64)>,
    figures: LatencyFigures,
}

/// Both of a system.
struct Spread {
    look: SeriesStyle,
    halves: [Half; 2],
    reason: String,
    /// Shortest and longest time of all systems.
    times: (f64, f64),
    /// Highest share of all systems, of waits and of holds.
    tops: [f64; 2],
}

/// The chart.
pub fn histogram(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let names = backends(run);
    if run.measured.is_empty() {
        return Ok(Vec::new());
    }
    let mut systems: Vec<(&str, Spread)> =
        names.iter().zip(looks(&names)).map(|(name, look)| (*name, of_system(run, name, look))).collect();
    share_axes(&mut systems);
    let row = |(name, spread): &(&str, Spread)| spread.halves.iter().map(|half| row(name, half)).collect::<Vec<_>>();
    let words = Words {
        name: "histogram".to_owned(),
        title: "Acquire wait and hold time".to_owned(),
        caption: format!(
            "All systems have the same axes. Two humps in the wait mean two kinds of attempts, such as first try and \
             retry. The hold time should follow what the workload asks for; where it is longer, clients were kept \
             from releasing.{}",
            absence::left_out(&run.measured.iter().collect::<Vec<_>>())
        ),
        head: &["backend", "time", "samples", "min", "p50", "p90", "p95", "p99", "max", "most frequent"],
        rows: systems.iter().flat_map(row).collect(),
    };
    let panel = |(name, spread): (&str, Spread)| Panel {
        system: name.to_owned(),
        title: name.to_owned(),
        body: Arc::new(spread),
    };
    Multiples::new(systems.into_iter().map(panel).collect(), Vec::new()).chart(words)
}

/// Gives all systems the same axes.
fn share_axes(systems: &mut [(&str, Spread)]) {
    let bars = |of: usize| systems.iter().flat_map(move |(_, spread)| &spread.halves[of].bars);
    let all = || bars(0).chain(bars(1));
    let times = (all().map(|bar| bar.0).fold(f64::INFINITY, f64::min), all().map(|bar| bar.1).fold(0.0, f64::max));
    let tops = [0, 1].map(|of| bars(of).map(|bar| bar.2).fold(0.0, f64::max));
    systems.iter_mut().for_each(|(_, spread)| (spread.times, spread.tops) = (times, tops));
}

fn of_system(run: &RecordedRun, name: &str, look: SeriesStyle) -> Spread {
    let all = merged(run, name);
    let halves = [
        Half {
            label: "acquire wait (log scale)",
            bars: bars(&all.acquire_service),
            figures: all.acquire_service.figures(),
        },
        Half { label: "hold time, as achieved (log scale)", bars: bars(&all.hold), figures: all.hold.figures() },
    ];
    Spread { look, halves, reason: absence::of_backend(run, name), times: (0.0, 0.0), tops: [0.0; 2] }
}

/// Shares by equal steps of the logarithm.
fn bars(latency: &Latency) -> Vec<(f64, f64, f64)> {
    let Some(histogram) = latency.histogram() else { return Vec::new() };
    let mut shares: Vec<(i32, u64)> = Vec::new();
    for value in histogram.iter_recorded() {
        let step = ((value.value_iterated_to().max(1) as f64).log10() * BARS).floor() as i32;
        match shares.last_mut().filter(|last| last.0 == step) {
            Some(last) => last.1 += value.count_at_value(),
            None => shares.push((step, value.count_at_value())),
        }
    }
    let bound = |step: i32| 10_f64.powf(f64::from(step) / BARS);
    let percent = |count: u64| count as f64 * 100.0 / histogram.len() as f64;
    shares.into_iter().map(|(step, count)| (bound(step), bound(step + 1), percent(count))).collect()
}

fn row(name: &str, panel: &Half) -> Vec<String> {
    let figures = &panel.figures;
    let mode = panel.bars.iter().max_by(|a, b| a.2.total_cmp(&b.2));
    let mode = mode.map_or_else(
        || "-".to_owned(),
        |(from, to, share)| format!("{} to {}: {share:.1} %", human_duration(*from as u64), human_duration(*to as u64)),
    );
    let mut row = vec![name.to_owned(), panel.label.replace(" (log scale)", ""), grouped(figures.count)];
    let times = [figures.min_ns, figures.p50_ns, figures.p90_ns, figures.p95_ns, figures.p99_ns];
    row.extend(times.into_iter().map(duration));
    row.push(longest(figures));
    row.push(mode);
    row
}

impl Half {
    /// What the axis says: what is counted, how many, and why a percentile is missing.
    fn name(&self) -> String {
        let (count, p99) = (self.figures.count, self.figures.p99_ns);
        let missing = match p99 {
            Some(_) => "",
            None if count + self.figures.in_vain < 1_000 => ", too few for a p99",
            None => ", p99 cut off by waits in vain",
        };
        format!("{}, {} grants{missing}", self.label, grouped(count))
    }
}

impl Draw for Spread {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let (low, high) = self.times;
        if self.halves.iter().all(|half| half.bars.is_empty()) {
            return sheet.nothing(&self.reason);
        }
        let rows: Vec<Sheet<DB>> = sheet.rows(2, sheet.ems(0.6)).iter().map(below_names).collect();
        let plot = |((sheet, half), top): ((_, &Half), f64)| {
            let y = Axis::linear("grants", 0.0, top * 1.08, |share| format!("{} %", tick_number(share)));
            Plot::new(sheet, Axis::log_ns(&half.name(), low as u64, high as u64), y)
        };
        let mut plots: Vec<Plot<'_, DB>> = rows.iter().zip(&self.halves).zip(self.tops).map(plot).collect();
        Plot::align(&mut plots);
        plots.iter().zip(&self.halves).try_for_each(|(plot, half)| draw_half(plot, half, self.look))
    }
}

/// Room above a plot: the names of the percentiles stand there, not over the bars.
fn below_names<DB: DrawingBackend>(sheet: &Sheet<DB>) -> Sheet<DB> {
    sheet.part((0, sheet.ems(0.7)), sheet.size())
}

fn draw_half<DB: DrawingBackend>(plot: &Plot<'_, DB>, panel: &Half, look: SeriesStyle) -> Drawn<DB> {
    if panel.bars.is_empty() {
        return plot.sheet.nothing(&format!("{}: no samples", panel.label));
    }
    plot.axes()?;
    for (from, to, share) in &panel.bars {
        // A sample alone must still be seen.
        let (x0, x1, y) = (plot.across(*from), plot.across(*to), plot.up(*share).min(plot.to.1 - 1));
        plot.sheet.fill((x0, y), ((x1 - 1).max(x0 + 1), plot.to.1), mixed(look.color, PAPER, 0.4))?;
    }
    percentiles(plot, &panel.figures)
}

/// Lines at the median and the 99th percentile with their names above: the median's to
/// the left of its line, the other to the right, both moved as far as they must.
fn percentiles<DB: DrawingBackend>(plot: &Plot<'_, DB>, figures: &LatencyFigures) -> Drawn<DB> {
    let sheet = plot.sheet;
    let lettering = Lettering { scale: 0.88, bold: true, ..Lettering::PLAIN };
    let (gap, y, right) = (sheet.ems(0.3), plot.from.1 - sheet.ems(0.7), sheet.size().0);
    let mark = |name: &str, ns: Option<u64>| {
        let text = format!("{name} {}", human_duration(ns?));
        Some((plot.across(ns? as f64), sheet.width(&text, lettering), text))
    };
    let (median, high) = (mark("p50", figures.p50_ns), mark("p99", figures.p99_ns));
    let mut limit = right;
    if let Some((x, width, text)) = &high {
        let reserved = median.as_ref().map_or(0, |(_, width, _)| width + 3 * gap);
        let left = (x + gap).min(right - width).max(reserved);
        sheet.text((left, y), text, lettering)?;
        limit = left - 3 * gap;
    }
    if let Some((x, width, text)) = &median {
        sheet.text(((x - gap - width).min(limit - width).max(0), y), text, lettering)?;
    }
    let stroke = Stroke { color: INK, width: 1, dash: &[4, 3] };
    [median, high]
        .iter()
        .flatten()
        .try_for_each(|(x, ..)| sheet.line(&[(*x, plot.from.1 - sheet.ems(0.15)), (*x, plot.to.1)], stroke))
}

#[cfg(test)]
mod tests {
    use super::{bars, histogram};
    use crate::sample;
    use lockbench_core::record::Latency;

    #[test]
    fn shares_add_up_and_bars_take_equal_room() {
        let mut latency = Latency::default();
        (1..=5_000_u64).for_each(|n| latency.record(n * n));
        let bars = bars(&latency);
        assert!((bars.iter().map(|bar| bar.2).sum::<f64>() - 100.0).abs() < 1e-9);
        assert!(bars.iter().all(|(from, to, _)| ((to / from).log10() - 0.05).abs() < 1e-9));
        assert!(bars.windows(2).all(|pair| pair[0].1 <= pair[1].0 * 1.000_001));
    }

    #[test]
    fn every_system_has_both_times_on_the_same_axes() {
        let chart = histogram(&sample::crowd(10)).unwrap().remove(0);
        assert_eq!((chart.views.len(), chart.rows.len()), (10, 20));
        let ticks = |svg: &str| {
            let names = svg.split("</text>").filter_map(|text| text.rsplit('>').next());
            names.filter(|name| name.ends_with(" ms") && !name.starts_with('p')).map(str::to_owned).collect::<Vec<_>>()
        };
        for view in &chart.views {
            for text in ["acquire wait (log scale)", "hold time, as achieved", ">grants</text>", ">p50 ", ">p99 "] {
                assert!(view.svg.contains(text), "{text}");
            }
            assert_eq!(ticks(&view.svg), ticks(&chart.views[0].svg));
        }
        assert!(chart.caption.contains("90 of 60 090 attempts got no grant"), "{}", chart.caption);
    }

    #[test]
    fn without_grants_the_picture_says_why() {
        let chart = histogram(&sample::timeouts()).unwrap().remove(0);
        assert!(chart.svg.contains("no data: nothing was granted, 2 003 of 2 003 attempts timed out"));
        assert_eq!(chart.rows[0][3..], ["-", "-", "-", "-", "-", "-", "-"]);
        assert!(histogram(&sample::empty()).unwrap().is_empty());
    }
}

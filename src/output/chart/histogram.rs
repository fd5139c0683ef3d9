//! Of one system: how the acquire waits and the hold times spread, on one scale.

use plotters_backend::DrawingBackend;

use super::axis::{Axis, tick_number};
use super::lettering::Lettering;
use super::palette::{INK, Look, PAPER, backends, looks, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::{Chart, Words, absence, finish, slug};
use crate::output::table::longest;
use crate::record::figures::Latencies;
use crate::record::{Latency, LatencyFigures};
use crate::report::{Measurements, RecordedRun};
use crate::units::{grouped, human_duration};

/// Bars a decade.
const BARS: f64 = 20.0;

/// One histogram.
struct Panel {
    label: &'static str,
    /// Lower and upper bound in nanoseconds, and the share of the samples in per cent.
    bars: Vec<(f64, f64, f64)>,
    figures: LatencyFigures,
}

struct Spread {
    look: Look,
    panels: [Panel; 2],
    reason: String,
}

/// The charts, one a system.
pub fn histograms(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let names = backends(run);
    names.iter().zip(looks(&names)).map(|(name, look)| histogram(run, name, look)).collect()
}

fn histogram(run: &RecordedRun, name: &str, look: Look) -> Result<Chart, String> {
    let trials: Vec<&Measurements> = run.of(name).collect();
    let mut all = Latencies::default();
    trials.iter().for_each(|trial| all.merge(&trial.latencies));
    let panels = [
        Panel {
            label: "acquire wait (log scale)",
            bars: bars(&all.acquire_service),
            figures: all.acquire_service.figures(),
        },
        Panel { label: "hold time, as achieved (log scale)", bars: bars(&all.hold), figures: all.hold.figures() },
    ];
    let words = Words {
        name: format!("histogram-{}", slug(name)),
        title: format!("Acquire wait and hold time: {name}"),
        caption: format!(
            "Two humps in the wait mean two kinds of attempts, such as first try and retry. The hold time should \
             follow what the workload asks for; where it is longer, clients were kept from releasing.{}",
            absence::left_out(&trials)
        ),
        head: &["time", "samples", "min", "p50", "p90", "p95", "p99", "max", "most frequent"],
        rows: panels.iter().map(row).collect(),
    };
    finish(words, Spread { look, panels, reason: absence::of_backend(run, name) })
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

fn row(panel: &Panel) -> Vec<String> {
    let time = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), human_duration);
    let figures = &panel.figures;
    let mode = panel.bars.iter().max_by(|a, b| a.2.total_cmp(&b.2));
    let mode = mode.map_or_else(
        || "-".to_owned(),
        |(from, to, share)| format!("{} to {}: {share:.1} %", human_duration(*from as u64), human_duration(*to as u64)),
    );
    let mut row = vec![panel.label.replace(" (log scale)", ""), grouped(figures.count)];
    let times = [figures.min_ns, figures.p50_ns, figures.p90_ns, figures.p95_ns, figures.p99_ns];
    row.extend(times.into_iter().map(time));
    row.push(longest(figures));
    row.push(mode);
    row
}

impl Panel {
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
        let bounds = self.panels.iter().flat_map(|panel| &panel.bars);
        let low = bounds.clone().map(|bar| bar.0).fold(f64::INFINITY, f64::min);
        let high = bounds.map(|bar| bar.1).fold(0.0, f64::max);
        if high == 0.0 {
            return sheet.nothing(&self.reason);
        }
        let rows: Vec<Sheet<DB>> = sheet.rows(2, sheet.ems(0.6)).iter().map(below_names).collect();
        let plot = |(sheet, panel): (_, &Panel)| {
            let top = panel.bars.iter().map(|bar| bar.2).fold(0.0, f64::max);
            let y = Axis::linear("share of grants", 0.0, top * 1.08, |share| format!("{} %", tick_number(share)));
            Plot::new(sheet, Axis::log_ns(&panel.name(), low as u64, high as u64), y)
        };
        let mut plots: Vec<Plot<'_, DB>> = rows.iter().zip(&self.panels).map(plot).collect();
        Plot::align(&mut plots);
        plots.iter().zip(&self.panels).try_for_each(|(plot, panel)| draw_panel(plot, panel, self.look))
    }
}

/// Room above a plot: the names of the percentiles stand there, not over the bars.
fn below_names<DB: DrawingBackend>(sheet: &Sheet<DB>) -> Sheet<DB> {
    sheet.part((0, sheet.ems(0.7)), sheet.size())
}

fn draw_panel<DB: DrawingBackend>(plot: &Plot<'_, DB>, panel: &Panel, look: Look) -> Drawn<DB> {
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
    use super::{bars, histograms};
    use crate::output::sample;
    use crate::record::Latency;

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
    fn there_is_one_a_system_with_both_times() {
        let charts = histograms(&sample::crowd(10)).unwrap();
        assert_eq!(charts.len(), 10);
        assert_eq!(charts[4].name, "histogram-postgres-advisory");
        for chart in &charts {
            assert!(chart.svg.contains("acquire wait (log scale)") && chart.svg.contains("hold time, as achieved"));
            assert!(
                chart.svg.contains("share of grants") && chart.svg.contains(">p50 ") && chart.svg.contains(">p99 ")
            );
        }
        assert!(charts[0].caption.contains("9 of 6 009 attempts got no grant"), "{}", charts[0].caption);
    }

    #[test]
    fn without_grants_the_picture_says_why() {
        let charts = histograms(&sample::timeouts()).unwrap();
        assert!(charts[0].svg.contains("no data: nothing was granted, 2 003 of 2 003 attempts timed out"));
        assert_eq!(charts[0].rows[0][2..], ["-", "-", "-", "-", "-", "-", "-"]);
        assert!(histograms(&sample::empty()).unwrap().is_empty());
    }
}

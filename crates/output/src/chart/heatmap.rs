//! How the waits of each system spread from second to second, on axes and colours that
//! all systems share. Two bands are two kinds of attempts; a slope is a queue that grows.

mod columns;

use std::sync::Arc;

use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

use self::columns::{Column, columns, rows};
use super::axis::{Axis, tick_number};
use super::legend::{Entry, Key};
use super::lettering::{Align, Lettering};
use super::multiples::{Multiples, Panel};
use super::overlay::Overlay;
use super::palette::{ALARM, Mark, SOFT, backends, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::{Chart, Words, absence};
use lockbench_report::{Measurements, RecordedRun};

/// Most rows.
const ROWS: f64 = 36.0;

/// A column as it is drawn.
struct Strip {
    /// Where it begins and ends on the time axis, in seconds.
    from: u64,
    to: u64,
    /// Bands of the wait, and the grants per second in each.
    rates: Vec<(i32, f64)>,
}

/// A trial on the time axis, in seconds.
#[derive(Debug, PartialEq, Eq)]
struct Phases {
    trial: u32,
    start: u64,
    measure: u64,
    end: u64,
}

/// Axes and colours of all systems.
#[derive(Clone, Debug, Default)]
struct Scale {
    /// Shortest and longest wait in nanoseconds.
    low: u64,
    high: u64,
    /// Bands per decade.
    bands: f64,
    /// Lower bounds of the colours, in grants per second.
    levels: Vec<f64>,
    /// Seconds of the longest.
    end: u64,
}

struct HeatMap {
    strips: Vec<Strip>,
    trials: Vec<Phases>,
    /// Seconds in which attempts timed out.
    timed_out: Vec<f64>,
    scale: Scale,
    overlay: Overlay,
    reason: String,
}

/// The chart.
pub fn heatmap(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let names = backends(run);
    if run.measured.is_empty() {
        return Ok(Vec::new());
    }
    let mut systems = Vec::new();
    for name in names {
        let trials: Vec<&Measurements> = run.of(name).collect();
        systems.push((name, columns(&trials)?, trials));
    }
    let mut scale = Scale::of(systems.iter().flat_map(|(_, columns, _)| columns));
    let rows = systems.iter().flat_map(|(name, columns, _)| rows(name, columns)).collect();
    let maps = systems.into_iter().map(|(name, columns, trials)| {
        let mut map = HeatMap::new(&columns, &scale, absence::of_backend(run, name));
        map.steered(&trials);
        (name, map)
    });
    let mut maps: Vec<(&str, HeatMap)> = maps.collect();
    scale.levels = levels(
        maps.iter().flat_map(|(_, map)| map.strips.iter()).flat_map(|strip| strip.rates.iter().map(|rate| rate.1)),
    );
    scale.end = maps.iter().filter_map(|(_, map)| map.trials.last()).map(|last| last.end).max().unwrap_or(1);
    let mut overlay = Overlay::default();
    for (_, map) in &mut maps {
        map.scale = scale.clone();
        overlay.join(&map.overlay);
    }
    let several = maps.iter().any(|(_, map)| map.trials.len() > 1);
    let more = if several { " Trials stand one after another, pauses left out." } else { "" };
    let words = Words {
        name: "heatmap".to_owned(),
        title: "Spread of the acquire wait over time".to_owned(),
        caption: format!(
            "The darker (in dark mode: the lighter), the more grants had that wait in that second (log scale); all \
             systems have the same axes and colours. Two bands mean two kinds of attempts, a slope means a queue that \
             grows.{more}{}{}",
            absence::left_out(&run.measured.iter().collect::<Vec<_>>()),
            overlay.caption()
        ),
        head: &["backend", "trial", "seconds", "phase", "grants", "p50", "p95", "p99", "max", "timed out"],
        rows,
    };
    let legend = legend(&scale, maps.iter().map(|(_, map)| map), &overlay);
    let panel =
        |(name, map): (&str, HeatMap)| Panel { system: name.to_owned(), title: name.to_owned(), body: Arc::new(map) };
    Multiples::new(maps.into_iter().map(panel).collect(), legend).chart(words)
}

fn legend<'a>(scale: &Scale, maps: impl Iterator<Item = &'a HeatMap> + Clone, overlay: &Overlay) -> Vec<Entry> {
    let levels = &scale.levels;
    let mut entries = Vec::new();
    if !levels.is_empty() {
        entries.push(Entry::new(Key::Heading, "grants per second with that wait"));
    }
    for (number, from) in levels.iter().enumerate().rev() {
        let label = match levels.get(number + 1) {
            Some(to) => format!("{} to {}", tick_number(*from), tick_number(*to)),
            None => format!("{} and more", tick_number(*from)),
        };
        entries.push(Entry::new(Key::Patch(shade(number, levels.len())), label));
    }
    if maps.clone().any(|map| map.trials.iter().any(|trial| trial.measure > trial.start)) {
        entries.push(Entry::new(Key::Line(Stroke::solid(SOFT, 5), None), "warm-up, not measured"));
    }
    if maps.clone().any(|map| !map.timed_out.is_empty()) {
        entries.push(Entry::new(Key::Mark(Mark::Cross, ALARM), "attempts timed out"));
    }
    entries.extend(overlay.legend());
    entries
}

impl Scale {
    /// The range of the waits, in bands few enough to be distinguished.
    fn of<'a>(columns: impl Iterator<Item = &'a Column> + Clone) -> Self {
        let histograms = columns.filter_map(|column| column.waits.histogram());
        let low = histograms.clone().map(|histogram| histogram.min()).min().unwrap_or(0).max(1);
        let high = histograms.map(|histogram| histogram.max()).max().unwrap_or(0);
        let decades = (high.max(low) as f64 / low as f64).log10();
        let fits = |bands: &f64| (decades * bands).ceil() < ROWS;
        let bands = [20.0, 15.0, 12.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0].into_iter().find(fits).unwrap_or(2.0);
        Self { low, high, bands, ..Self::default() }
    }
}

impl HeatMap {
    fn new(columns: &[Column], scale: &Scale, reason: String) -> Self {
        let mut map = Self {
            strips: Vec::new(),
            trials: Vec::new(),
            timed_out: Vec::new(),
            scale: scale.clone(),
            overlay: Overlay::default(),
            reason,
        };
        let mut offset = 0;
        for trial in columns.chunk_by(|a, b| a.trial == b.trial) {
            let end = trial.last().map_or(0, |last| last.second + last.seconds);
            let warmup: u64 = trial.iter().filter(|column| column.warmup).map(|column| column.seconds).sum();
            map.trials.push(Phases {
                trial: trial[0].trial,
                start: offset,
                measure: offset + warmup,
                end: offset + end,
            });
            for column in trial {
                let from = offset + column.second;
                map.strips.push(Strip { from, to: from + column.seconds, rates: map.rates(column) });
                if column.timed_out > 0 {
                    map.timed_out.push(from as f64 + column.seconds as f64 / 2.0);
                }
            }
            offset += end;
        }
        map
    }

    /// What a person did in the time that is shown of each trial.
    fn steered(&mut self, trials: &[&Measurements]) {
        for phases in &self.trials {
            let Some(trial) = trials.iter().find(|trial| trial.trial == phases.trial) else { continue };
            let whose = format!("trial {}", phases.trial);
            let whose = (self.trials.len() > 1).then_some(whose.as_str());
            // Its drain is not shown: there the next trial stands.
            let mut own = Overlay::default();
            own.add(trial, whose, phases.start as f64);
            self.overlay.join(&own.within(phases.start as f64, phases.end as f64));
        }
    }

    /// Grants per second in each band of the wait.
    fn rates(&self, column: &Column) -> Vec<(i32, f64)> {
        let mut rates: Vec<(i32, f64)> = Vec::new();
        let Some(histogram) = column.waits.histogram() else { return rates };
        for value in histogram.iter_recorded() {
            let band = ((value.value_iterated_to().max(1) as f64).log10() * self.scale.bands).floor() as i32;
            let rate = value.count_at_value() as f64 / column.seconds.max(1) as f64;
            match rates.last_mut().filter(|last| last.0 == band) {
                Some(last) => last.1 += rate,
                None => rates.push((band, rate)),
            }
        }
        rates
    }

    fn plot<'a, DB: DrawingBackend>(&self, sheet: &'a Sheet<DB>) -> Plot<'a, DB> {
        let end = self.scale.end.max(1) as f64;
        let label =
            if self.trials.len() > 1 { "seconds, trial after trial" } else { "seconds since the start of the warm-up" };
        let x = Axis::linear(label, 0.0, end, tick_number).without_grid();
        Plot::new(sheet, x, Axis::log_ns("wait (log scale)", self.scale.low, self.scale.high))
    }

    /// Neighbours in time of one colour as one: colour, band, and the strips from and to.
    fn runs(&self, levels: &[f64]) -> Vec<(usize, i32, usize, usize)> {
        let mut cells: Vec<(i32, usize, usize)> = Vec::new();
        for (number, strip) in self.strips.iter().enumerate() {
            let level = |rate: f64| levels.partition_point(|bound| *bound <= rate).saturating_sub(1);
            cells.extend(strip.rates.iter().map(|(band, rate)| (*band, number, level(*rate))));
        }
        cells.sort_unstable();
        let next = |a: &(i32, usize, usize), b: &(i32, usize, usize)| (b.0, b.1, b.2) == (a.0, a.1 + 1, a.2);
        let run = |run: &[(i32, usize, usize)]| (run[0].2, run[0].0, run[0].1, run[run.len() - 1].1);
        let mut runs: Vec<(usize, i32, usize, usize)> = cells.chunk_by(next).map(run).collect();
        // One colour after another, so that the SVG has one path each.
        runs.sort_unstable();
        runs
    }

    fn cells<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, levels: &[f64]) -> Drawn<DB> {
        let bound = |band: i32| plot.up(10_f64.powf(f64::from(band) / self.scale.bands));
        self.runs(levels).into_iter().try_for_each(|(level, band, first, last)| {
            let from = plot.across(self.strips[first].from as f64);
            let to = plot.across(self.strips[last].to as f64).max(from + 1);
            plot.sheet.fill((from, bound(band + 1)), (to, bound(band)), shade(level, levels.len()))
        })
    }

    /// Above the plot: where trials begin, and which part was warm-up.
    fn phases<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>) -> Drawn<DB> {
        let sheet = plot.sheet;
        let y = plot.from.1 - sheet.ems(0.7);
        let small = Lettering { scale: 0.85, color: SOFT, ..Lettering::PLAIN }.aligned(Align::Center);
        let write = |from: i32, to: i32, texts: &[&str]| {
            let fitting = texts.iter().find(|text| sheet.width(text, small) + 4 < to - from);
            fitting.map_or(Ok(()), |text| sheet.text(((from + to) / 2, y), text, small))
        };
        for Phases { trial, start, measure, end } in &self.trials {
            let at = |second: u64| plot.across(second as f64);
            let (from, measure, to) = (at(*start), at(*measure), at(*end));
            if measure > from {
                sheet.fill((from, y + sheet.ems(0.45)), (measure, plot.from.1), SOFT)?;
                let border = Stroke { color: SOFT, width: 1, dash: &[4, 3] };
                sheet.line(&[(measure, plot.from.1), (measure, plot.to.1)], border)?;
                write(from, measure, &["warm-up"])?;
            }
            if *start > 0 {
                sheet.line(&[(from, plot.from.1 - sheet.ems(1.0)), (from, plot.to.1)], Stroke::solid(SOFT, 1))?;
            }
            let label = if self.trials.len() > 1 { format!("trial {trial}") } else { "measured".to_owned() };
            write(measure, to, &[&label, &trial.to_string()])?;
        }
        let size = sheet.ems(0.3).max(3);
        let mut places: Vec<i32> = self.timed_out.iter().map(|second| plot.across(*second)).collect();
        places.dedup_by(|a, b| *a - *b < size);
        places.into_iter().try_for_each(|x| sheet.mark((x, plot.from.1 + size + 3), Mark::Cross, size, ALARM))
    }
}

impl Draw for HeatMap {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        if self.strips.iter().all(|strip| strip.rates.is_empty()) {
            return sheet.nothing(&self.reason);
        }
        let (w, h) = sheet.size();
        let rest = sheet.part((0, sheet.ems(0.8)), (w, h));
        let plot = self.plot(&rest);
        self.overlay.behind(&plot, |second| plot.across(second))?;
        plot.axes()?;
        self.cells(&plot, &self.scale.levels)?;
        self.phases(&plot)?;
        self.overlay.over_cells(&plot, |second| plot.across(second))?;
        // Below the crosses of timeouts.
        self.overlay.names(&plot, plot.from.1 + plot.sheet.ems(1.8), |second| plot.across(second))
    }
}

/// Lower bounds of the colours: 1, 2, 5, 10 ... or coarser, so that there are at most eight.
fn levels(rates: impl Iterator<Item = f64>) -> Vec<f64> {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for rate in rates.filter(|rate| *rate > 0.0) {
        (low, high) = (low.min(rate), high.max(rate));
    }
    if high == 0.0 {
        return Vec::new();
    }
    let steps: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    let decades = low.log10().floor() as i32..=high.log10().floor() as i32;
    let bounds = |steps: &[f64]| {
        let all = decades.clone().flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
        let mut bounds: Vec<f64> = all.filter(|bound| *bound <= high).collect();
        // The one that the lowest rate is in comes first.
        let first = bounds.iter().rposition(|bound| *bound <= low).unwrap_or(0);
        bounds.drain(..first);
        bounds
    };
    steps.into_iter().map(bounds).find(|bounds| bounds.len() <= 8).unwrap_or_else(|| vec![low])
}

/// From light to dark in one hue, so that it reads in grey too.
fn shade(number: usize, of: usize) -> RGBColor {
    let (light, dark) = (RGBColor(0xc9, 0xdf, 0xf2), RGBColor(0x06, 0x2a, 0x5a));
    mixed(light, dark, if of < 2 { 0.6 } else { number as f64 / (of - 1) as f64 })
}

#[cfg(test)]
mod tests;

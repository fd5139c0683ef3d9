//! Chart 3: what happened when. A drawing per system on axes that all share: grants per
//! second above, the waits of each second below; double grants marked, faults, pauses
//! and the phases that do not count shaded, each where that system had them.

mod words;

use std::sync::Arc;

use plotters_backend::DrawingBackend;

use self::words::{caption, legend, row, title};
use super::absence;
use super::axis::{Axis, tick_number};
use super::lettering::{Align, Lettering};
use super::multiples::{Multiples, Panel};
use super::overlay::{Band, Overlay};
use super::palette::{ALARM, Mark, SHADE, SOFT, SeriesStyle, backends, looks, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::series::{Point, points};
use super::sheet::{Drawn, Sheet, Stroke};
use super::{Chart, Words};
use lockbench_core::units::{SECOND, grouped};
use lockbench_report::{Measurements, RecordedRun};

/// From this ratio of the fastest system to the slowest on, rates are on a logarithmic axis.
const WIDE: f64 = 8.0;

/// The axes of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Scale {
    /// End of the longest.
    end_s: f64,
    /// Lowest and highest rate, and whether their axis is logarithmic.
    rate: (f64, f64),
    logarithmic: bool,
    /// Shortest and longest wait in nanoseconds.
    wait: (u64, u64),
    /// Whether there is room above the rates for the names of what else there was.
    named: bool,
}

/// One trial of a system.
struct System {
    look: SeriesStyle,
    points: Vec<Point>,
    overlay: Overlay,
    warmup_s: f64,
    /// End of the measure phase and of everything.
    measured_s: f64,
    end_s: f64,
    /// Why there is nothing to draw, or no wait, should that be so.
    reason: String,
    scale: Scale,
}

/// The chart.
pub fn timeline(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    // The fault engine will say when faults were in force.
    with_bands(run, &[])
}

fn with_bands(run: &RecordedRun, bands: &[Band]) -> Result<Vec<Chart>, String> {
    let names = backends(run);
    let (mut systems, mut rows) = (Vec::new(), Vec::new());
    let (mut red, mut overlay) = (false, Overlay::default());
    for (name, look) in names.iter().zip(looks(&names)) {
        // A double grant in a later trial must not be hidden by a clean first one.
        let doubled = run.of(name).find(|trial| trial.double_grants.iter().any(|count| *count > 0));
        let Some(trial) = doubled.or_else(|| run.of(name).next()) else { continue };
        let system = System::of(trial, look, bands, absence::of_backend(run, name))?;
        red |= system.points.iter().any(|point| point.double_grants > 0);
        overlay.join(&system.overlay);
        let double_grants: u64 = trial.double_grants.iter().sum();
        rows.push(row(name, &system.points, double_grants));
        systems.push(((*name).to_owned(), title(name, trial.trial, double_grants), system));
    }
    if systems.is_empty() {
        return Ok(Vec::new());
    }
    let scale = Scale::of(systems.iter().map(|(_, _, system)| system));
    systems.iter_mut().for_each(|(_, _, system)| system.scale = scale);
    let words = Words {
        name: "timeline".to_owned(),
        title: "Grants and waits over time".to_owned(),
        caption: caption(run, red, &overlay, scale),
        head: &["backend", "fewest grants/s", "most grants/s", "worst p99 wait", "longest wait", "double grants"],
        rows,
    };
    let legend = legend(red, &overlay);
    let panel = |(system, title, body)| Panel { system, title, body: Arc::new(body) };
    Multiples::new(systems.into_iter().map(panel).collect(), legend).chart(words)
}

impl Scale {
    fn of<'a>(systems: impl Iterator<Item = &'a System> + Clone) -> Self {
        let points = || systems.clone().flat_map(|system| &system.points);
        let highest =
            |system: &'a System| system.points.iter().filter_map(|point| point.grants_per_s).fold(0.0, f64::max);
        let tops: Vec<f64> = systems.clone().map(highest).filter(|top| *top > 0.0).collect();
        let (low, high) = tops.iter().fold((f64::MAX, 1.0_f64), |(low, high), top| (low.min(*top), high.max(*top)));
        Self {
            end_s: systems.clone().map(|system| system.end_s).fold(0.0, f64::max),
            // Of the slowest a second with a tenth of its grants is still above the axis.
            rate: (low.min(high) / 10.0, high),
            logarithmic: high / low.min(high) > WIDE,
            wait: (
                points().filter_map(|point| point.p50).min().unwrap_or(1),
                points().filter_map(|point| point.max).max().unwrap_or(1),
            ),
            named: systems.clone().any(|system| !system.overlay.is_empty()),
        }
    }

    fn rates(&self) -> Axis {
        // Room above the lines for the names of the phases, and of what else there was.
        let room = if self.named { 1.6 } else { 1.25 };
        if self.logarithmic {
            let (low, high) = self.rate;
            return Axis::log("grants/s", low, high * (high / low).powf(room - 1.0), tick_number);
        }
        Axis::upto("grants/s", self.rate.1 * room)
    }
}

impl System {
    fn of(trial: &Measurements, look: SeriesStyle, bands: &[Band], reason: String) -> Result<Self, String> {
        let mut overlay = Overlay::new(bands);
        overlay.add(trial, None, 0.0);
        let warmup_s = trial.warmup_ns as f64 / SECOND as f64;
        let measured_s = warmup_s + trial.measured_ns as f64 / SECOND as f64;
        let last_s = trial.windows.last().map_or(0.0, |last| last.second as f64 + 1.0);
        Ok(Self {
            look,
            points: points(trial)?,
            overlay,
            warmup_s,
            measured_s,
            end_s: measured_s.max(last_s),
            reason,
            scale: Scale::default(),
        })
    }

    /// A plot of the panel, time without names but in the last one.
    fn plot<'a, DB: DrawingBackend>(&self, sheet: &'a Sheet<DB>, y: Axis, last: bool) -> Plot<'a, DB> {
        let label = if last { "seconds since the start of the warm-up" } else { "" };
        let x = Axis::linear(label, 0.0, self.scale.end_s, |s| if last { tick_number(s) } else { String::new() });
        let mut plot = Plot::new(sheet, x, y);
        let (w, h) = sheet.size();
        plot.from = (sheet.ems(6.0), sheet.ems(0.35));
        plot.to.0 = w - sheet.ems(1.0);
        if !last {
            plot.to.1 = h - sheet.ems(0.15);
        }
        plot
    }

    /// What lies behind the data: shades, and a red edge below seconds with a double grant.
    fn shades<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>) -> Drawn<DB> {
        if self.warmup_s > 0.0 {
            plot.shade(0.0, self.warmup_s, SHADE)?;
        }
        if self.end_s > self.measured_s {
            plot.shade(self.measured_s, self.end_s, SHADE)?;
        }
        self.overlay.behind(plot, |second| plot.across(second))?;
        for point in self.points.iter().filter(|point| point.double_grants > 0) {
            let (from, to) = (plot.across(point.from_s), plot.across(point.to_s));
            plot.sheet.fill((from, plot.to.1 - plot.sheet.ems(0.3)), (to, plot.to.1), ALARM)?;
        }
        Ok(())
    }

    /// Lines at the phases' ends and at markers, and in the first plot their names where
    /// there is room.
    fn phases<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, names: bool) -> Drawn<DB> {
        let dashed = Stroke { color: SOFT, width: 1, dash: &[4, 4] };
        for at in [self.warmup_s, self.measured_s].into_iter().filter(|at| *at > 0.0 && *at < self.end_s) {
            plot.sheet.line(&[(plot.across(at), plot.from.1), (plot.across(at), plot.to.1)], dashed)?;
        }
        let phases = [
            (0.0, self.warmup_s, "warm-up"),
            (self.warmup_s, self.measured_s, "measured"),
            (self.measured_s, self.end_s, "drain"),
        ];
        self.overlay.over(plot, |second| plot.across(second))?;
        if !names {
            return Ok(());
        }
        let lettering = Lettering { scale: 0.8, color: SOFT, ..Lettering::PLAIN }.aligned(Align::Center);
        for (from, to, name) in phases {
            let (from, to) = (plot.across(from), plot.across(to));
            let y = plot.from.1 + plot.sheet.ems(0.6);
            if to - from > plot.sheet.width(name, lettering) + 4 {
                plot.sheet.text(((from + to) / 2, y), name, lettering)?;
            }
        }
        self.overlay.names(plot, plot.from.1 + plot.sheet.ems(1.7), |second| plot.across(second))
    }

    fn rates<DB: DrawingBackend>(&self, sheet: &Sheet<DB>, last: bool) -> Drawn<DB> {
        let plot = self.plot(sheet, self.scale.rates(), last);
        self.shades(&plot)?;
        plot.axes()?;
        self.curve(&plot, 2, |point| point.grants_per_s)?;
        self.doubles(&plot)?;
        self.phases(&plot, true)
    }

    fn waits<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let (low, high) = self.scale.wait;
        let plot = self.plot(sheet, Axis::log_ns("wait", low / 2, high), true);
        self.shades(&plot)?;
        plot.axes()?;
        let size = sheet.ems(0.2).max(2);
        for point in &self.points {
            if let Some(ns) = point.max {
                sheet.mark(plot.at(point.at_s(), ns as f64), Mark::Square, size, mixed(self.look.color, SOFT, 0.3))?;
            }
        }
        self.curve(&plot, 1, |point| point.p99.map(|ns| ns as f64))?;
        self.curve(&plot, 2, |point| point.p50.map(|ns| ns as f64))?;
        self.phases(&plot, false)
    }

    /// A line with gaps where there is no value; a value between two gaps is a mark.
    fn curve<DB: DrawingBackend>(
        &self,
        plot: &Plot<'_, DB>,
        width: u32,
        of: impl Fn(&Point) -> Option<f64>,
    ) -> Drawn<DB> {
        for run in self.points.split(|point| of(point).is_none()) {
            let run: Vec<(f64, f64)> = run.iter().filter_map(|point| Some((point.at_s(), of(point)?))).collect();
            plot.line(&run, Stroke::solid(self.look.color, width))?;
            if let [one] = run[..] {
                plot.sheet.mark(plot.at(one.0, one.1), Mark::Disc, plot.sheet.ems(0.2).max(2), self.look.color)?;
            }
        }
        Ok(())
    }

    /// How many double grants each second had, where there is room.
    fn doubles<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>) -> Drawn<DB> {
        let sheet = plot.sheet;
        let lettering = Lettering { scale: 0.8, color: ALARM, bold: true, ..Lettering::PLAIN }.aligned(Align::Center);
        let mut taken = i32::MIN;
        for point in self.points.iter().filter(|point| point.double_grants > 0) {
            let text = grouped(point.double_grants);
            let (x, half) = (plot.across(point.at_s()), sheet.width(&text, lettering) / 2 + 2);
            if x - half > taken {
                taken = x + half;
                sheet.text((x, plot.to.1 - sheet.ems(0.9)), &text, lettering)?;
            }
        }
        Ok(())
    }
}

impl Draw for System {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        if self.points.is_empty() {
            return sheet.nothing(&self.reason);
        }
        let (w, h) = sheet.size();
        let axis = sheet.ems(2.9);
        let middle = (h - axis) * 2 / 5;
        if self.points.iter().all(|point| point.max.is_none()) {
            self.rates(&sheet.part((0, 0), (w, middle + axis)), true)?;
            return sheet.part((sheet.ems(6.0), middle + axis), (w - sheet.ems(1.0), h)).nothing(&self.reason);
        }
        self.rates(&sheet.part((0, 0), (w, middle)), false)?;
        self.waits(&sheet.part((0, middle), (w, h)))
    }
}

#[cfg(test)]
mod tests;

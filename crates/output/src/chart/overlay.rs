//! What lies over or behind the data of every chart with a time axis: stretches of
//! time such as faults, outages and pauses of the load, and markers that a person dropped.
//! Each has its words, a pause a pattern too, so that colour is never alone.

use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

use super::legend::{Entry, Key};
use super::lettering::{Align, Lettering};
use super::palette::{ALARM, INK, PAPER, SOFT};
use super::plot::Plot;
use super::sheet::{Drawn, Stroke};
use lockbench_core::record::figures::MarkKind;
use lockbench_report::{Measurements, unserved_stretches};

/// Shade of a fault.
const FAULT: RGBColor = RGBColor(0xfd, 0xf0, 0xd5);
/// Shade of a pause, and the lines over it.
const PAUSE: (RGBColor, RGBColor) = (RGBColor(0xf4, 0xf1, 0xf8), RGBColor(0xb9, 0xad, 0xcc));
/// Shade of seconds with attempts that were not served, and the edge along their top.
const UNSERVED: (RGBColor, RGBColor) = (RGBColor(0xfb, 0xe2, 0xdf), ALARM);
/// Its words.
const NOT_SERVED: &str = "not served";
/// The line of a marker.
const MARKER: Stroke = Stroke { color: INK, width: 1, dash: &[7, 4] };

/// A stretch of time to shade, with what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Its begin, in seconds since the start of the warm-up.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// What it was.
    pub label: String,
    /// Its kind.
    pub kind: BandKind,
}

/// Kinds of bands, each with a look of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BandKind {
    /// A fault was in force.
    Fault,
    /// Attempts were under way that the service did not serve, or did not answer.
    Unserved,
    /// The load was paused by hand.
    Pause,
}

/// A moment that a person marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// When, in seconds since the start of the warm-up.
    pub at_s: f64,
    /// Its number, and its trial where several share the axis.
    pub label: String,
}

/// All of them on one time axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    bands: Vec<Band>,
    flags: Vec<Flag>,
}

impl Overlay {
    /// Bands of others.
    #[must_use]
    pub fn new(bands: &[Band]) -> Self {
        Self { bands: bands.to_vec(), flags: Vec::new() }
    }

    /// Adds what a person did in a trial, and when attempts went unserved; `whose` where
    /// several trials share the axis, which this one enters `offset_s` after its begin.
    pub fn add(&mut self, trial: &Measurements, whose: Option<&str>, offset_s: f64) {
        self.unserved(&unserved_stretches(trial), whose, offset_s);
        let named = |what: String| named(&what, whose);
        for mark in &trial.marks {
            let (from_s, to_s) = trial.seconds_of(mark);
            let (from_s, to_s) = (from_s + offset_s, to_s + offset_s);
            match mark.kind {
                MarkKind::Pause => {
                    self.bands.push(Band { from_s, to_s, label: named(mark.name()), kind: BandKind::Pause });
                }
                MarkKind::Fault => {
                    self.bands.push(Band { from_s, to_s, label: named(mark.name()), kind: BandKind::Fault });
                }
                MarkKind::Marker => self.flags.push(Flag { at_s: from_s, label: named(mark.number.to_string()) }),
            }
        }
    }

    /// Adds stretches of seconds in which attempts went unserved, as [`Overlay::add`] does.
    pub fn unserved(&mut self, stretches: &[(u64, u64)], whose: Option<&str>, offset_s: f64) {
        let band = |(from, to): &(u64, u64)| Band {
            from_s: *from as f64 + offset_s,
            to_s: *to as f64 + offset_s,
            label: named(NOT_SERVED, whose),
            kind: BandKind::Unserved,
        };
        self.bands.extend(stretches.iter().map(band));
    }

    /// Adds what another one has, for a legend or a caption of both.
    pub fn join(&mut self, other: &Self) {
        self.bands.extend(other.bands.iter().cloned());
        self.flags.extend(other.flags.iter().cloned());
    }

    /// Only what touches this stretch of the axis, cut to it.
    #[must_use]
    pub fn within(mut self, from_s: f64, to_s: f64) -> Self {
        self.bands.retain(|band| band.from_s < to_s && band.to_s > from_s);
        for band in &mut self.bands {
            (band.from_s, band.to_s) = (band.from_s.max(from_s), band.to_s.min(to_s));
        }
        self.flags.retain(|flag| (from_s..=to_s).contains(&flag.at_s));
        self
    }

    /// A sentence on what there is; empty if there is nothing.
    #[must_use]
    pub fn caption(&self) -> String {
        let mut text = String::new();
        if self.any(BandKind::Unserved) {
            text += " Red shade: seconds in which attempts were under way that were not served or not answered.";
        }
        if self.any(BandKind::Pause) {
            text += " Hatched: the load was paused by hand, and that time is in no figure.";
        }
        if !self.flags.is_empty() {
            text += " Dashed with a number: a marker that the user dropped.";
        }
        text
    }

    /// Its entries in the legend.
    #[must_use]
    pub fn legend(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.any(BandKind::Fault) {
            entries.push(Entry::new(Key::Patch(FAULT), "fault"));
        }
        if self.any(BandKind::Unserved) {
            entries.push(Entry::new(Key::Topped(UNSERVED.0, UNSERVED.1), "attempts not served"));
        }
        if self.any(BandKind::Pause) {
            entries.push(Entry::new(Key::Hatched(PAUSE.0, PAUSE.1), "load paused"));
        }
        if !self.flags.is_empty() {
            entries.push(Entry::new(Key::Line(MARKER, None), "marker, with its number"));
        }
        entries
    }

    fn any(&self, kind: BandKind) -> bool {
        self.bands.iter().any(|band| band.kind == kind)
    }

    /// Behind the data: the bands. `across` finds the pixel of a second.
    pub fn behind<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, across: impl Fn(f64) -> i32) -> Drawn<DB> {
        let (top, bottom) = (plot.from.1, plot.to.1);
        for band in &self.bands {
            let from = across(band.from_s);
            let to = across(band.to_s).max(from + 1);
            match band.kind {
                BandKind::Fault => plot.sheet.fill((from, top), (to, bottom), FAULT)?,
                BandKind::Unserved => {
                    plot.sheet.fill((from, top), (to, bottom), UNSERVED.0)?;
                    plot.sheet.line(&[(from, top), (to, top)], Stroke::solid(UNSERVED.1, 3))?;
                }
                BandKind::Pause => {
                    plot.sheet.fill((from, top), (to, bottom), PAUSE.0)?;
                    plot.sheet.hatch((from, top), (to, bottom), Stroke::solid(PAUSE.1, 1))?;
                }
            }
        }
        Ok(())
    }

    /// Over the data: the markers' lines.
    pub fn over<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, across: impl Fn(f64) -> i32) -> Drawn<DB> {
        self.flags.iter().try_for_each(|flag| plumb(plot, across(flag.at_s), MARKER))
    }

    /// As [`Overlay::over`], where the data is dark and leaves nothing of what is behind
    /// it: also the edges of pauses, and a strip of their pattern at the bottom.
    pub fn over_cells<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, across: impl Fn(f64) -> i32) -> Drawn<DB> {
        let (strip, bottom) = (plot.to.1 - plot.sheet.ems(0.7), plot.to.1);
        let light = Stroke::solid(PAPER, 3);
        for band in &self.bands {
            let from = across(band.from_s);
            let to = across(band.to_s).max(from + 1);
            match band.kind {
                BandKind::Fault => continue,
                BandKind::Unserved => {
                    let top = plot.from.1;
                    plot.sheet.line(&[(from, top), (to, top)], Stroke::solid(UNSERVED.1, 3))?;
                    continue;
                }
                BandKind::Pause => {}
            }
            plot.sheet.fill((from, strip), (to, bottom), PAUSE.0)?;
            plot.sheet.hatch((from, strip), (to, bottom), Stroke::solid(SOFT, 1))?;
            for x in [from, to] {
                plumb(plot, x, light)?;
                plumb(plot, x, Stroke { color: SOFT, width: 1, dash: &[2, 3] })?;
            }
        }
        self.flags.iter().try_for_each(|flag| plumb(plot, across(flag.at_s), light))?;
        self.over(plot, across)
    }

    /// Returns whether there is nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bands.is_empty() && self.flags.is_empty()
    }

    /// The words, on the height `y` or, where that is taken, one line below: names of
    /// bands that have room for them, and the number of every marker.
    pub fn names<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, y: i32, across: impl Fn(f64) -> i32) -> Drawn<DB> {
        let sheet = plot.sheet;
        let soft = Lettering { scale: 0.8, color: SOFT, ..Lettering::PLAIN }.aligned(Align::Center);
        let line = sheet.ems(1.1);
        let half = sheet.ems(0.5);
        let mut taken: Vec<(i32, i32, i32)> = Vec::new();
        let mut place = |x: i32, wide: i32| {
            let free = |y: i32| taken.iter().all(|(at, from, to)| *at != y || x + wide < *from || x - wide > *to);
            let y = if free(y) { y } else { y + line };
            taken.push((y, x - wide, x + wide));
            y
        };
        for flag in &self.flags {
            let x = across(flag.at_s);
            let number = Lettering { color: INK, bold: true, ..soft };
            let wide = sheet.width(&flag.label, number) / 2 + 3;
            let x = x.min(plot.to.0 - wide).max(plot.from.0 + wide);
            let y = place(x, wide);
            sheet.fill((x - wide, y - half), (x + wide, y + half), PAPER)?;
            sheet.outline((x - wide, y - half), (x + wide, y + half), Stroke::solid(INK, 1))?;
            sheet.text((x, y), &flag.label, number)?;
        }
        for band in &self.bands {
            let (from, to) = (across(band.from_s), across(band.to_s));
            let wide = sheet.width(&band.label, soft) / 2 + 2;
            if to - from > 2 * wide {
                let x = i32::midpoint(from, to);
                let y = place(x, wide);
                if band.kind == BandKind::Pause {
                    sheet.fill((x - wide, y - half), (x + wide, y + half), PAUSE.0)?;
                }
                sheet.text((x, y), &band.label, soft)?;
            }
        }
        Ok(())
    }
}

/// What it was, and of which trial.
fn named(what: &str, whose: Option<&str>) -> String {
    whose.map_or_else(|| what.to_owned(), |whose| format!("{what} ({whose})"))
}

/// A line from top to bottom.
fn plumb<DB: DrawingBackend>(plot: &Plot<'_, DB>, x: i32, stroke: Stroke) -> Drawn<DB> {
    plot.sheet.line(&[(x, plot.from.1), (x, plot.to.1)], stroke)
}

#[cfg(test)]
mod tests {
    use super::super::heatmap::heatmap;
    use super::super::timeline::timeline;
    use super::super::violation::violations;
    use super::{Band, BandKind, Overlay};
    use crate::chart::Chart;
    use crate::sample;

    #[test]
    fn what_a_person_did_is_named_and_cut_to_the_axis() {
        let run = sample::steered();
        let mut overlay = Overlay::default();
        overlay.add(&run.measured[0], Some("redis"), 0.0);
        assert_eq!(overlay.legend().len(), 2);
        let pause = |from_s, to_s| Band { from_s, to_s, label: "pause (redis)".to_owned(), kind: BandKind::Pause };
        assert_eq!(overlay.bands, [pause(3.25, 4.75)]);
        assert_eq!(
            overlay.flags.iter().map(|flag| flag.label.as_str()).collect::<Vec<_>>(),
            ["1 (redis)", "2 (redis)"]
        );
        let within = overlay.clone().within(4.0, 6.0);
        assert_eq!((within.bands, within.flags.len()), (vec![pause(4.0, 4.75)], 1));
        assert_eq!(overlay.within(20.0, 30.0), Overlay::default());
        assert_eq!(Overlay::default().caption(), "");
    }

    #[test]
    fn seconds_with_unserved_attempts_are_a_band_with_a_name_and_a_place_in_the_legend() {
        let mut run = sample::recorded();
        for second in [3, 4, 6] {
            run.measured[0].windows[second].unserved = 5;
        }
        let mut overlay = Overlay::default();
        overlay.add(&run.measured[0], None, 10.0);
        let band = |from_s, to_s| Band { from_s, to_s, label: "not served".to_owned(), kind: BandKind::Unserved };
        assert_eq!(overlay.bands, [band(13.0, 15.0), band(16.0, 17.0)]);
        assert_eq!(overlay.legend().len(), 1);
        assert!(overlay.caption().contains("Red shade"), "{}", overlay.caption());
        let mut none = Overlay::default();
        none.add(&run.measured[1], None, 0.0);
        assert!(none.is_empty());
    }

    #[test]
    fn every_chart_over_time_shows_when_attempts_went_unserved() {
        let mut run = sample::recorded();
        for trial in &mut run.measured {
            trial.windows.iter_mut().for_each(|window| window.unserved = 1);
        }
        for scene in &mut run.scenes {
            scene.unserved = vec![(0, 7)];
        }
        let over_time = [timeline(&run), heatmap(&run), violations(&run)];
        let drawn: Vec<Chart> = over_time.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(drawn.len(), 3);
        for chart in drawn {
            assert!(chart.svg.contains("attempts not served") && chart.svg.contains("#fbe2df"), "{}", chart.name);
            assert!(chart.caption.contains("Red shade"), "{}", chart.caption);
        }
    }
}

//! A plot: two axes with their ticks, labels and grid around a place for data.

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::lettering::{Align, Lettering, shortened, wrap};
use super::palette::{GRID, Mark, SOFT};
use super::sheet::{Drawn, Pixel, Sheet, Stroke};
use plotters::style::RGBColor;

/// Tick labels.
const TICK: Lettering = Lettering { scale: 0.88, color: SOFT, ..Lettering::PLAIN };

/// Two axes on a sheet.
pub struct Plot<'a, DB: DrawingBackend> {
    /// What it is drawn on.
    pub sheet: &'a Sheet<DB>,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Upper left corner of the place for data.
    pub from: Pixel,
    /// Its lower right corner.
    pub to: Pixel,
}

impl<'a, DB: DrawingBackend> Plot<'a, DB> {
    /// Lays out the axes; nothing is drawn yet, so that shades can go below the grid.
    #[must_use]
    pub fn new(sheet: &'a Sheet<DB>, x: Axis, y: Axis) -> Self {
        let (w, h) = sheet.size();
        let widest = |axis: &Axis| axis.ticks().iter().map(|(_, name)| sheet.width(name, TICK)).max().unwrap_or(0);
        let last = x.ticks().last().map_or(0, |(_, name)| sheet.width(name, TICK) / 2);
        let left = sheet.ems(2.2) + widest(&y).min(w / 3);
        let from = (left, sheet.ems(0.7));
        let to = ((w - last.min(w / 8) - sheet.ems(0.4)).max(left + 10), (h - sheet.ems(3.2)).max(from.1 + 10));
        Self { sheet, x, y, from, to }
    }

    /// Moves the left edges of plots that stand below each other to the same place.
    pub fn align(plots: &mut [Self]) {
        let left = plots.iter().map(|plot| plot.from.0).max().unwrap_or(0);
        plots.iter_mut().for_each(|plot| plot.from.0 = left);
    }

    /// Place of a value on the horizontal axis.
    #[must_use]
    pub fn across(&self, value: f64) -> i32 {
        self.from.0 + (f64::from(self.to.0 - self.from.0) * self.x.share(value)).round() as i32
    }

    /// Place of a value on the vertical axis.
    #[must_use]
    pub fn up(&self, value: f64) -> i32 {
        self.to.1 - (f64::from(self.to.1 - self.from.1) * self.y.share(value)).round() as i32
    }

    /// Place of a point.
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> Pixel {
        (self.across(x), self.up(y))
    }

    /// Draws grid, ticks and labels.
    pub fn axes(&self) -> Drawn<DB> {
        let ((x0, y0), (x1, y1)) = (self.from, self.to);
        self.ticks_across()?;
        self.ticks_up()?;
        self.sheet.outline((x0, y0), (x1, y1), Stroke::solid(SOFT, 1))?;
        let label = Lettering::PLAIN.aligned(Align::Center);
        let (em, (w, h)) = (self.sheet.em(), self.sheet.size());
        let text = shortened(self.x.label(), em, false, w);
        let half = self.sheet.width(&text, label) / 2;
        let middle = ((x0 + x1) / 2).min(w - half).max(half);
        self.sheet.text((middle, y1 + self.sheet.ems(2.6)), &text, label)?;
        let text = shortened(self.y.label(), em, false, h);
        let half = self.sheet.width(&text, label) / 2;
        let middle = ((y0 + y1) / 2).max(half).min(h - half);
        self.sheet.text((self.sheet.ems(0.6), middle), &text, Lettering { upward: true, ..label })
    }

    fn ticks_across(&self) -> Drawn<DB> {
        let lettering = TICK.aligned(Align::Center);
        let mut taken = i32::MIN;
        for (value, name) in self.x.ticks() {
            let x = self.across(*value);
            if self.x.grid() {
                self.sheet.line(&[(x, self.from.1), (x, self.to.1)], Stroke::solid(GRID, 1))?;
            }
            if self.x.banded() {
                self.band_name(x, name)?;
                continue;
            }
            self.sheet.line(&[(x, self.to.1), (x, self.to.1 + 4)], Stroke::solid(SOFT, 1))?;
            let half = self.sheet.width(name, lettering) / 2;
            if x - half > taken {
                taken = x + half + self.sheet.ems(0.6);
                self.sheet.text((x, self.to.1 + self.sheet.ems(1.1)), name, lettering)?;
            }
        }
        Ok(())
    }

    /// Names of bands may be long: they get two lines of their band's width.
    fn band_name(&self, x: i32, name: &str) -> Drawn<DB> {
        let room = (self.to.0 - self.from.0) / self.x.ticks().len().max(1) as i32;
        let lines = wrap(&name.replace(':', ": "), self.sheet.em() * TICK.scale, false, room - 4);
        (0..).zip(lines.iter().take(2)).try_for_each(|(i, line)| {
            let y = self.to.1 + self.sheet.ems(0.9) + i * self.sheet.ems(0.95);
            self.sheet.text((x, y), line, TICK.aligned(Align::Center))
        })
    }

    fn ticks_up(&self) -> Drawn<DB> {
        let lettering = TICK.aligned(Align::Right);
        let mut taken = i32::MAX;
        let mut ticks: Vec<(i32, &str)> =
            self.y.ticks().iter().map(|(value, name)| (self.up(*value), name.as_str())).collect();
        ticks.sort_by_key(|(y, _)| -y);
        for (y, name) in ticks {
            if self.y.grid() {
                self.sheet.line(&[(self.from.0, y), (self.to.0, y)], Stroke::solid(GRID, 1))?;
                self.sheet.line(&[(self.from.0 - 4, y), (self.from.0, y)], Stroke::solid(SOFT, 1))?;
            }
            if y + self.sheet.ems(0.5) > taken {
                continue;
            }
            taken = y - self.sheet.ems(0.5);
            let name = shortened(name, self.sheet.em() * TICK.scale, false, self.from.0 - self.sheet.ems(1.8));
            self.sheet.text((self.from.0 - self.sheet.ems(0.6), y), &name, lettering)?;
        }
        Ok(())
    }

    /// A line through points of data.
    pub fn line(&self, points: &[(f64, f64)], stroke: Stroke) -> Drawn<DB> {
        let mut places: Vec<Pixel> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        places.dedup();
        // Of a level stretch both ends say all.
        let mut kept: Vec<Pixel> = Vec::with_capacity(places.len());
        for at in places {
            if let [.., before, last] = kept[..]
                && before.1 == last.1
                && last.1 == at.1
                && (before.0 < last.0) == (last.0 < at.0)
            {
                kept.pop();
            }
            kept.push(at);
        }
        self.sheet.line(&kept, stroke)
    }

    /// A mark at a point of data.
    pub fn mark(&self, (x, y): (f64, f64), mark: Mark, color: RGBColor) -> Drawn<DB> {
        self.sheet.mark(self.at(x, y), mark, self.sheet.ems(0.32).max(4), color)
    }

    /// A shade over the whole height from one value to another.
    pub fn shade(&self, from: f64, to: f64, color: RGBColor) -> Drawn<DB> {
        let (from, to) = (self.across(from), self.across(to).max(self.across(from) + 1));
        self.sheet.fill((from, self.from.1), (to, self.to.1), color)
    }
}

//! One client's holds of the key on a line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::View;
use super::super::prose::put;
use super::axis::Axis;
use super::stretch::Stretch;
use crate::theme::Ink;
use lockbench_report::SceneHold;

/// One client's lane.
pub struct Lane<'a> {
    /// Theme and signs.
    pub view: &'a View<'a>,
    /// The holds.
    pub stretch: &'a Stretch,
    /// Where an instant is.
    pub axis: &'a Axis,
    /// Parts of holds in which another client is inside too: number of the hold, start, end.
    pub overlaps: &'a [(usize, u64, u64)],
    /// The area of all lanes.
    pub area: Rect,
    /// The row of this one.
    pub y: u16,
    /// Height of a bar.
    pub rows: u16,
}

impl Lane<'_> {
    /// Draws the holds of a client, its waits and the ends of its leases.
    pub fn draw(&self, client: u32, buffer: &mut Buffer) {
        let mine = || self.stretch.holds.iter().enumerate().filter(|(_, hold)| hold.client == client);
        let glyphs = self.view.glyphs();
        for (_, hold) in mine() {
            self.fill((hold.invoke_ns, hold.start_ns), glyphs.wait, self.view.ink(Ink::Soft), buffer);
        }
        for (number, hold) in mine() {
            self.fill((hold.start_ns, hold.end_ns), glyphs.hold, self.view.ink(Ink::Good), buffer);
            let both = self.overlaps.iter().filter(|(of, ..)| *of == number);
            for (_, start, end) in both {
                self.fill((*start, *end), glyphs.overlap, self.view.ink(Ink::Alarm), buffer);
            }
        }
        for (_, hold) in mine() {
            self.lease(hold, buffer);
            self.token(hold, buffer);
        }
    }

    fn fill(&self, (start, end): (u64, u64), glyph: &str, style: Style, buffer: &mut Buffer) {
        if start >= end || end < self.axis.from_ns || start > self.axis.to_ns {
            return;
        }
        // A wait is a line of dots, however thick the bars are.
        let rows = if glyph == self.view.glyphs().wait { 1 } else { self.rows };
        let columns = || self.axis.nearest(start)..=self.axis.nearest(end);
        for (x, y) in (self.y..self.y + rows).flat_map(|y| columns().map(move |x| (x, y))) {
            if let Some(cell) = buffer.cell_mut((self.area.x + x, self.area.y + y)) {
                cell.set_symbol(glyph).set_style(Style::reset().patch(style));
            }
        }
    }

    /// The end of a lease is news where it comes before the end of the hold, and at the
    /// violation.
    fn lease(&self, hold: &SceneHold, buffer: &mut Buffer) {
        let news = hold.validity_ns.filter(|end| *end < hold.end_ns || self.stretch.own_hold(hold));
        if let Some(x) = news.and_then(|end| self.axis.column(end)) {
            for y in self.y..self.y + self.rows {
                put(buffer, self.area, (x, y), self.view.glyphs().lease, self.view.ink(Ink::Second));
            }
        }
    }

    /// The fencing token, in the bar if it has room there; of the violation's own holds
    /// beside it else.
    fn token(&self, hold: &SceneHold, buffer: &mut Buffer) {
        let Some(token) = hold.token.map(|token| token.to_string()) else { return };
        if hold.end_ns < self.axis.from_ns || hold.start_ns > self.axis.to_ns {
            return;
        }
        let (first, last) = (self.axis.nearest(hold.start_ns), self.axis.nearest(hold.end_ns));
        let width = token.len() as u16;
        if width < last - first {
            let at = (self.area.x + first + 1, self.area.y + self.y);
            let style = buffer.cell(at).map_or_else(Style::new, |cell| cell.style());
            put(buffer, self.area, (first + 1, self.y), &token, style.add_modifier(Modifier::REVERSED));
        } else if self.stretch.own_hold(hold) && last + 1 + width < self.area.width {
            put(buffer, self.area, (last + 1, self.y), &token, self.view.ink(Ink::Alarm));
        }
    }
}

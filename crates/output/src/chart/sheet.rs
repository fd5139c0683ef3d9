//! A sheet to draw on: part of a picture with a size of letters, and the few shapes
//! that the charts are made of. Generic over plotters' backend, so that what is
//! drawn once comes out as SVG and as PNG. Places are pixels from its upper left.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;

use super::lettering::{Align, Lettering, width, wrap};
use super::palette::{Dash, GRID, Mark, SOFT, SeriesStyle};

/// A place or a size in pixels.
pub type Pixel = (i32, i32);

/// What drawing gives.
pub type Drawn<DB, T = ()> = Result<T, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A line's look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub color: RGBColor,
    /// Width in pixels of a picture 1 200 wide; less in a smaller one.
    pub width: u32,
    /// Pattern; empty for a solid line.
    pub dash: Dash,
}

impl Stroke {
    /// A solid line.
    #[must_use]
    pub const fn solid(color: RGBColor, width: u32) -> Self {
        Self { color, width, dash: &[] }
    }

    /// The line of a series: its colour and dash pattern.
    #[must_use]
    pub const fn of(look: SeriesStyle) -> Self {
        Self { color: look.color, width: 2, dash: look.dash }
    }
}

/// Part of a picture.
pub struct Sheet<DB: DrawingBackend> {
    area: DrawingArea<DB, Shift>,
    em: f64,
    bare: bool,
}

/// Size of a plain letter of a drawing that a page shows at its own size.
const BARE_EM: f64 = 11.5;

impl<DB: DrawingBackend> Sheet<DB> {
    /// The whole picture; its width decides the size of letters.
    pub fn new(area: DrawingArea<DB, Shift>) -> Self {
        let (width, height) = area.dim_in_pixel();
        let em = (f64::from(width) / 80.0).min(f64::from(height) / 36.0).clamp(9.5, 40.0);
        Self { area, em, bare: false }
    }

    /// A drawing that stands on a page, which has the legend in its own letters.
    pub fn bare(area: DrawingArea<DB, Shift>) -> Self {
        Self { area, em: BARE_EM, bare: true }
    }

    /// Returns whether the legend is elsewhere.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    /// The same place with letters of that size times the present one.
    #[must_use]
    pub fn scaled(self, times: f64) -> Self {
        Self { em: (self.em * times).max(6.0), ..self }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Pixel {
        let (width, height) = self.area.dim_in_pixel();
        (width as i32, height as i32)
    }

    /// Size of a plain letter; `ems(1.5)` is one and a half of it in whole pixels.
    #[must_use]
    pub fn ems(&self, times: f64) -> i32 {
        (self.em * times).round() as i32
    }

    /// Size of a plain letter.
    #[must_use]
    pub fn em(&self) -> f64 {
        self.em
    }

    /// The part between two corners.
    #[must_use]
    pub fn part(&self, from: Pixel, to: Pixel) -> Self {
        let (w, h) = self.size();
        let area = self.area.margin(from.1, (h - to.1).max(0), from.0, (w - to.0).max(0));
        Self { area, em: self.em, bare: self.bare }
    }

    /// `count` parts side by side, with a gap between them.
    #[must_use]
    pub fn columns(&self, count: i32, gap: i32) -> Vec<Self> {
        let (w, h) = self.size();
        let each = (w - gap * (count - 1)) / count.max(1);
        (0..count).map(|i| self.part((i * (each + gap), 0), (i * (each + gap) + each, h))).collect()
    }

    /// A grid of `columns`, row by row, for so many parts, with a gap between them.
    #[must_use]
    pub fn grid(&self, columns: i32, count: usize, gap: i32) -> Vec<Self> {
        let rows = (count as i32 + columns - 1) / columns.max(1);
        let parts = self.rows(rows.max(1), gap).into_iter().flat_map(|row| row.columns(columns, gap));
        parts.take(count).collect()
    }

    /// `count` parts below each other, with a gap between them.
    #[must_use]
    pub fn rows(&self, count: i32, gap: i32) -> Vec<Self> {
        let (w, h) = self.size();
        let each = (h - gap * (count - 1)) / count.max(1);
        (0..count).map(|i| self.part((0, i * (each + gap)), (w, i * (each + gap) + each))).collect()
    }

    /// Width of a text in a lettering.
    #[must_use]
    pub fn width(&self, text: &str, lettering: Lettering) -> i32 {
        width(text, self.em * lettering.scale, lettering.bold)
    }

    /// Writes one line; its capitals are centred on the height of `at`.
    pub fn text(&self, (x, y): Pixel, text: &str, lettering: Lettering) -> Drawn<DB> {
        let (style, up) = lettering.style(self.em);
        let at = if lettering.upward { (x - up, y) } else { (x, y - up) };
        self.area.draw_text(text, &style, at)
    }

    /// A filled rectangle.
    pub fn fill(&self, from: Pixel, to: Pixel, color: RGBColor) -> Drawn<DB> {
        self.area.draw(&Rectangle::new([from, to], color.filled()))
    }

    /// The outline of a rectangle.
    pub fn outline(&self, from: Pixel, to: Pixel, stroke: Stroke) -> Drawn<DB> {
        self.line(&[from, (to.0, from.1), to, (from.0, to.1), from], stroke)
    }

    /// Lines over a rectangle that rise to the right at 45 degrees, cut to it.
    pub fn hatch(&self, from: Pixel, to: Pixel, stroke: Stroke) -> Drawn<DB> {
        let height = to.1 - from.1;
        for foot in (from.0 - height..to.0).step_by(self.ems(0.75).max(7) as usize) {
            let (left, right) = (foot.max(from.0), (foot + height).min(to.0));
            if left < right {
                self.line(&[(left, to.1 - (left - foot)), (right, to.1 - (right - foot))], stroke)?;
            }
        }
        Ok(())
    }

    /// A filled polygon.
    pub fn polygon(&self, corners: &[Pixel], color: RGBColor) -> Drawn<DB> {
        self.area.draw(&Polygon::new(corners.to_vec(), color.filled()))
    }

    /// A line through these points.
    pub fn line(&self, points: &[Pixel], stroke: Stroke) -> Drawn<DB> {
        if points.len() < 2 {
            return Ok(());
        }
        // Widths are meant for letters of 15 pixels.
        let scale = self.em / 15.0;
        let style = stroke.color.stroke_width((f64::from(stroke.width) * scale + 0.4).round().max(1.0) as u32);
        for piece in dashed(points, stroke.dash, scale) {
            self.area.draw(&PathElement::new(piece, style))?;
        }
        Ok(())
    }

    /// The mark of a series; `r` is half its size.
    pub fn mark(&self, (x, y): Pixel, mark: Mark, r: i32, color: RGBColor) -> Drawn<DB> {
        let thick = Stroke::solid(color, 2);
        let d = (f64::from(r) * 0.8).round() as i32;
        match mark {
            Mark::Disc => self.area.draw(&Circle::new((x, y), r, color.filled())),
            Mark::Ring => self.area.draw(&Circle::new((x, y), r, color.stroke_width(2))),
            Mark::Square => self.fill((x - d, y - d), (x + d, y + d), color),
            Mark::Box => self.outline((x - d, y - d), (x + d, y + d), thick),
            Mark::Triangle => self.polygon(&[(x, y - r), (x + r, y + d), (x - r, y + d)], color),
            Mark::Wedge => self.polygon(&[(x, y + r), (x + r, y - d), (x - r, y - d)], color),
            Mark::Diamond => self.polygon(&[(x, y - r - 1), (x + r + 1, y), (x, y + r + 1), (x - r - 1, y)], color),
            Mark::Plus => {
                self.line(&[(x - r, y), (x + r, y)], thick)?;
                self.line(&[(x, y - r), (x, y + r)], thick)
            }
            Mark::Cross => {
                self.line(&[(x - d, y - d), (x + d, y + d)], thick)?;
                self.line(&[(x - d, y + d), (x + d, y - d)], thick)
            }
            Mark::Star => {
                self.mark((x, y), Mark::Plus, r, color)?;
                self.mark((x, y), Mark::Cross, r, color)
            }
        }
    }

    /// In place of a plot that has nothing to draw: says why.
    pub fn nothing(&self, reason: &str) -> Drawn<DB> {
        let (w, h) = self.size();
        self.outline((1, 1), (w - 2, h - 2), Stroke { color: GRID, width: 2, dash: &[8, 6] })?;
        let lines = wrap(&format!("no data: {reason}"), self.em * 1.1, false, w - self.ems(4.0));
        let lettering = Lettering { scale: 1.1, color: SOFT, ..Lettering::PLAIN }.aligned(Align::Center);
        let step = self.ems(1.6);
        let top = h / 2 - step * (lines.len() as i32 - 1) / 2;
        (0..).zip(&lines).try_for_each(|(i, line)| self.text((w / 2, top + i * step), line, lettering))
    }
}

/// Cuts a line into the pieces that its pattern draws.
fn dashed(points: &[Pixel], dash: Dash, scale: f64) -> Vec<Vec<Pixel>> {
    if dash.is_empty() {
        return vec![points.to_vec()];
    }
    let length_of = |turn: usize| (f64::from(dash[turn % dash.len()]) * scale).max(1.0);
    let mut pieces = Vec::new();
    let mut piece = vec![points[0]];
    // `turn` counts patterns gone through, `left` the pixels that the present one still has.
    let (mut turn, mut left) = (0, length_of(0));
    for pair in points.windows(2) {
        let (from, to) = ((f64::from(pair[0].0), f64::from(pair[0].1)), (f64::from(pair[1].0), f64::from(pair[1].1)));
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let share = done / length;
            let at = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            let at = (at.0.round() as i32, at.1.round() as i32);
            if turn % 2 == 0 {
                piece.push(at);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![at];
            }
            turn += 1;
            left = length_of(turn);
        }
        left -= length - done;
        if turn % 2 == 0 {
            piece.push(pair[1]);
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::dashed;

    #[test]
    fn dashes_run_on_around_a_corner() {
        let pieces = dashed(&[(0, 0), (6, 0), (6, 10)], &[4, 1], 1.0);
        assert_eq!(pieces[0], [(0, 0), (4, 0)]);
        assert_eq!(pieces[1], [(5, 0), (6, 0), (6, 3)]);
        assert_eq!(pieces.len(), 4);
    }

    #[test]
    fn a_solid_line_is_one_piece_and_a_point_is_no_trouble() {
        assert_eq!(dashed(&[(0, 0), (6, 0)], &[], 1.0).len(), 1);
        assert!(dashed(&[(3, 3), (3, 3)], &[4, 1], 1.0).len() <= 1);
    }
}

//! plotters' bitmap backend with letters placed to a fraction of a pixel and lines of
//! even width: its own text steps by whole pixels, and its lines wider than one pixel
//! are polygons with hard edges. Small print and flat curves come out ragged there.

use ab_glyph::{Font, PxScale, ScaleFont, point};
use plotters::backend::BitMapBackend;
use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
};

use super::lettering::{baseline, face};

type Failure<'a> = <BitMapBackend<'a> as DrawingBackend>::ErrorType;
type Done<'a> = Result<(), DrawingErrorKind<Failure<'a>>>;

/// Draws into rows of 8-bit RGB pixels.
pub struct Bitmap<'a>(BitMapBackend<'a>);

impl<'a> Bitmap<'a> {
    /// A picture in a buffer of three bytes per pixel.
    pub fn new(pixels: &'a mut [u8], size: (u32, u32)) -> Self {
        Self(BitMapBackend::with_buffer(pixels, size))
    }
}

/// How much of each pixel a line covers. Its pieces overlap at the corners: the larger
/// share counts, or corners would come out darker.
struct Ink {
    left: i32,
    top: i32,
    width: i32,
    share: Vec<u8>,
}

impl Ink {
    fn of(points: &[BackendCoord], width: f64) -> Option<Self> {
        let reach = width.ceil() as i32 + 1;
        let (left, right) = (points.iter().map(|at| at.0).min()? - reach, points.iter().map(|at| at.0).max()? + reach);
        let (top, bottom) = (points.iter().map(|at| at.1).min()? - reach, points.iter().map(|at| at.1).max()? + reach);
        let (columns, rows) = (right - left + 1, bottom - top + 1);
        let mut ink = Self { left, top, width: columns, share: vec![0; (columns * rows).max(0) as usize] };
        for pair in points.windows(2) {
            ink.piece(pair[0], pair[1], width, reach);
        }
        Some(ink)
    }

    fn piece(&mut self, from: BackendCoord, to: BackendCoord, width: f64, reach: i32) {
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = dx.hypot(dy).max(1e-9);
        let (ux, uy) = (dx / length, dy / length);
        for y in from.1.min(to.1) - reach..=from.1.max(to.1) + reach {
            // Only the pixels near the line: its middle at this height, and its slope's reach.
            let (low, high) = (from.0.min(to.0), from.0.max(to.0));
            let (low, high) = if dy == 0.0 {
                (low, high)
            } else {
                let near = |y: i32| f64::from(from.0) + f64::from(y - from.1) * dx / dy;
                let (a, b) = (near(y - reach), near(y + reach));
                (low.max(a.min(b).floor() as i32), high.min(a.max(b).ceil() as i32))
            };
            for x in low - reach..=high + reach {
                let (px, py) = (f64::from(x - from.0), f64::from(y - from.1));
                let along = (px * ux + py * uy).clamp(0.0, length);
                let distance = (px - along * ux).hypot(py - along * uy);
                let share = ((width / 2.0 + 0.5 - distance).clamp(0.0, 1.0) * 255.0) as u8;
                let at = (y - self.top) * self.width + x - self.left;
                if let Some(pixel) = self.share.get_mut(at.max(0) as usize) {
                    *pixel = share.max(*pixel);
                }
            }
        }
    }
}

impl<'a> DrawingBackend for Bitmap<'a> {
    type ErrorType = Failure<'a>;

    fn get_size(&self) -> (u32, u32) {
        self.0.get_size()
    }

    fn ensure_prepared(&mut self) -> Done<'a> {
        self.0.ensure_prepared()
    }

    fn present(&mut self) -> Done<'a> {
        self.0.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Done<'a> {
        self.0.draw_pixel(point, color)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done<'a> {
        self.0.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Done<'a> {
        self.0.draw_rect(from, to, style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done<'a> {
        let points: Vec<BackendCoord> = path.into_iter().collect();
        let straight = |pair: &[BackendCoord]| pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1;
        if style.stroke_width() == 1 && points.windows(2).all(straight) {
            return self.0.draw_path(points, style);
        }
        let color = style.color();
        let Some(ink) = Ink::of(&points, f64::from(style.stroke_width())) else { return Ok(()) };
        for (i, share) in (0_i32..).zip(&ink.share).filter(|(_, share)| **share > 0) {
            let at = (ink.left + i % ink.width, ink.top + i / ink.width);
            self.0.draw_pixel(at, color.mix(f64::from(*share) / 255.0))?;
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, r: u32, style: &S, fill: bool) -> Done<'a> {
        self.0.draw_circle(center, r, style, fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done<'a> {
        self.0.fill_polygon(path, style)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Done<'a> {
        let Some(face) = face(matches!(style.style(), FontStyle::Bold)) else { return Ok(()) };
        let scale = PxScale::from(style.size() as f32);
        let mut glyphs = Vec::new();
        let mut x = 0.0;
        let mut previous = None;
        for c in text.chars() {
            let id = face.glyph_id(c);
            let sized = face.as_scaled(scale);
            x += previous.map_or(0.0, |previous| sized.kern(previous, id));
            glyphs.push(id.with_scale_and_position(scale, point(x, 0.0)));
            x += sized.h_advance(id);
            previous = Some(id);
        }
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -x / 2.0,
            HPos::Right => -x,
        };
        let (turn, color) = (style.transform(), style.color());
        let baseline = baseline(style.size(), style.anchor().v_pos).round() as i32;
        for mut glyph in glyphs {
            glyph.position.x += left;
            let Some(outline) = face.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            let mut covered = Vec::new();
            outline.draw(|x, y, share| covered.push((x as i32, y as i32, share)));
            for (x, y, share) in covered {
                let (x, y) = turn.transform(x + corner.x as i32, y + corner.y as i32 + baseline);
                self.0.draw_pixel((at.0 + x, at.1 + y), color.mix(f64::from(share)))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Ink;

    #[test]
    fn a_line_has_the_same_width_in_every_direction() {
        let ink =
            |to| Ink::of(&[(0, 0), to], 2.0).unwrap().share.iter().map(|share| f64::from(*share) / 255.0).sum::<f64>();
        for to in [(100, 0), (0, 100), (60, 80), (-80, 60), (96, -28)] {
            assert!((ink(to) - 203.0).abs() < 4.0, "{to:?}: {}", ink(to));
        }
    }

    #[test]
    fn a_line_that_turns_back_is_not_darker() {
        let once = Ink::of(&[(0, 0), (30, 7)], 2.0).unwrap();
        let twice = Ink::of(&[(0, 0), (30, 7), (0, 0)], 2.0).unwrap();
        assert_eq!(once.share, twice.share);
    }
}

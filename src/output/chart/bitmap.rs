//! plotters' bitmap backend with letters placed to a fraction of a pixel: its own
//! text steps by whole pixels, and small print comes out ragged.

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
    /// A picture in a buffer of three bytes a pixel.
    pub fn new(pixels: &'a mut [u8], size: (u32, u32)) -> Self {
        Self(BitMapBackend::with_buffer(pixels, size))
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
        self.0.draw_path(path, style)
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

//! A whole picture: title above, what is drawn, caption below; as SVG or as PNG.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters_backend::DrawingBackend;

use super::bitmap::Bitmap;
use super::lettering::{Lettering, shortened, wrap};
use super::palette::{PAPER, SOFT};
use super::png::encode;
use super::sheet::{Drawn, Sheet};
use super::svg::{Svg, alone};

/// Size of a picture unless another one is asked for.
pub const SIZE: (u32, u32) = (1_200, 720);

/// Something that can be drawn, whatever the backend.
pub trait Draw: Send + Sync + 'static {
    /// Draws it, over the whole sheet.
    ///
    /// # Errors
    /// Those of the backend.
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB>;
}

/// A drawing with its title and caption, to be had in either format and any size.
#[derive(Clone)]
pub struct Picture(Arc<dyn Paint>);

impl Picture {
    /// A picture of that drawing.
    pub fn new(title: &str, caption: &str, body: impl Draw) -> Self {
        Self(Arc::new(Framed { title: title.to_owned(), caption: caption.to_owned(), body }))
    }

    /// As one `<svg>` element that stands alone.
    ///
    /// # Errors
    /// Says what could not be drawn.
    pub fn svg(&self, size: (u32, u32)) -> Result<String, String> {
        self.0.svg(size).map(|drawing| alone(&drawing))
    }

    /// The drawing alone as one `<svg>` element, for a page that has title, caption,
    /// legend and dark colours of its own.
    ///
    /// # Errors
    /// Says what could not be drawn.
    pub fn bare(&self, size: (u32, u32)) -> Result<String, String> {
        self.0.bare(size)
    }

    /// As a PNG file.
    ///
    /// # Errors
    /// Says what could not be drawn.
    pub fn png(&self, size: (u32, u32)) -> Result<Vec<u8>, String> {
        self.0.png(size)
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Picture")
    }
}

/// [`Draw`] with the backends filled in, so that drawings of all kinds fit in one list.
trait Paint: Send + Sync {
    fn svg(&self, size: (u32, u32)) -> Result<String, String>;
    fn bare(&self, size: (u32, u32)) -> Result<String, String>;
    fn png(&self, size: (u32, u32)) -> Result<Vec<u8>, String>;
}

struct Framed<D> {
    title: String,
    caption: String,
    body: D,
}

impl<D: Draw> Framed<D> {
    fn frame<DB: DrawingBackend>(&self, area: DrawingArea<DB, Shift>) -> Drawn<DB> {
        area.fill(&PAPER)?;
        let sheet = Sheet::new(area);
        let (w, h) = sheet.size();
        let margin = sheet.ems(1.0);
        let title = Lettering { scale: 1.3, bold: true, ..Lettering::PLAIN };
        let text = shortened(&self.title, sheet.em() * title.scale, true, w - 2 * margin);
        sheet.text((margin, sheet.ems(1.6)), &text, title)?;
        let caption = Lettering { scale: 0.92, color: SOFT, ..Lettering::PLAIN };
        let lines = wrap(&self.caption, sheet.em() * caption.scale, false, w - 2 * margin);
        let step = sheet.ems(1.35);
        let top = h - sheet.ems(0.5) - step * lines.len() as i32;
        for (i, line) in (0..).zip(&lines) {
            sheet.text((margin, top + i * step + step / 2), line, caption)?;
        }
        self.body.draw(&sheet.part((margin, sheet.ems(2.9)), (w - margin, top - sheet.ems(0.7))))
    }
}

impl<D: Draw> Paint for Framed<D> {
    fn svg(&self, size: (u32, u32)) -> Result<String, String> {
        drawn(size, &self.title, |area| self.frame(area))
    }

    fn bare(&self, size: (u32, u32)) -> Result<String, String> {
        drawn(size, &self.title, |area| {
            let sheet = Sheet::bare(area);
            let (w, h) = sheet.size();
            let margin = sheet.ems(0.3);
            self.body.draw(&sheet.part((margin, margin), (w - margin, h - margin)))
        })
    }

    fn png(&self, size: (u32, u32)) -> Result<Vec<u8>, String> {
        let mut pixels = vec![0; size.0 as usize * size.1 as usize * 3];
        let area = Bitmap::new(&mut pixels, size).into_drawing_area();
        self.frame(area.clone()).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
        drop(area);
        encode(&pixels, size).map_err(|error| error.to_string())
    }
}

/// Draws one `<svg>` element, whose colours are the light ones.
pub fn drawn(
    size: (u32, u32),
    label: &str,
    body: impl for<'a> FnOnce(DrawingArea<Svg<'a>, Shift>) -> Result<(), DrawingAreaErrorKind<Infallible>>,
) -> Result<String, String> {
    let mut out = String::new();
    let area = Svg::new(&mut out, size, label).into_drawing_area();
    body(area.clone()).map_err(|error| error.to_string())?;
    area.present().map_err(|error| error.to_string())?;
    drop(area);
    Ok(out)
}

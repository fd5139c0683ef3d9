//! Letters: the bundled font, the width of a text in it, and breaking lines.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, TextStyle};

use super::palette::INK;

/// DejaVu Sans from ascent to descent is so many em: plotters takes a size as that
/// height, CSS as the em.
pub const LINE: f64 = 2384.0 / 2048.0;

/// Height of its capitals in em.
const CAPITALS: f64 = 1493.0 / 2048.0;

static REGULAR: &[u8] = include_bytes!("font/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("font/DejaVuSans-Bold.subset.ttf");

/// Which side of the text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// The text begins there.
    Left,
    /// It is centred there.
    Center,
    /// It ends there.
    Right,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub struct Lettering {
    /// Size relative to the sheet's.
    pub scale: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// Colour.
    pub color: RGBColor,
    /// Which side of it its place is.
    pub align: Align,
    /// Whether it runs upwards, as the label of a vertical axis.
    pub upward: bool,
}

impl Lettering {
    /// Plain text that begins at its place.
    pub const PLAIN: Self = Self { scale: 1.0, bold: false, color: INK, align: Align::Left, upward: false };

    /// The same, another way round its place.
    #[must_use]
    pub const fn aligned(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// The style for plotters, and by how much a place must move upwards (in the
    /// text's own direction) for the capitals to be centred on it.
    pub fn style(self, em: f64) -> (TextStyle<'static>, i32) {
        let em = em * self.scale;
        let weight = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::SansSerif, em * LINE, weight);
        let font = if self.upward { font.transform(FontTransform::Rotate270) } else { font };
        let side = match self.align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = font.color(&self.color).pos(Pos::new(side, VPos::Top));
        // The baseline is at half the size, the capitals stand on it.
        (style, (em * (LINE - CAPITALS) / 2.0).round() as i32)
    }
}

/// The bundled font; `None` only if it were damaged, which the tests would see.
pub fn face(bold: bool) -> Option<&'static FontRef<'static>> {
    static FACES: OnceLock<[Option<FontRef<'static>>; 2]> = OnceLock::new();
    let faces = FACES.get_or_init(|| [REGULAR, BOLD].map(|bytes| FontRef::try_from_slice(bytes).ok()));
    faces[usize::from(bold)].as_ref()
}

/// How far below its place a text of this size (as plotters counts it) stands.
pub fn baseline(size: f64, side: VPos) -> f64 {
    size * match side {
        VPos::Top => 0.5,
        VPos::Center => 0.5 - 0.5 / LINE,
        VPos::Bottom => 0.5 - 1.0 / LINE,
    }
}

/// Width of a text in pixels.
#[must_use]
pub fn width(text: &str, em: f64, bold: bool) -> i32 {
    let Some(face) = face(bold) else { return 0 };
    let face = face.as_scaled(PxScale::from((em * LINE) as f32));
    let mut width = 0.0;
    let mut previous = None;
    for id in text.chars().map(|c| face.glyph_id(c)) {
        width += face.h_advance(id) + previous.map_or(0.0, |previous| face.kern(previous, id));
        previous = Some(id);
    }
    width.ceil() as i32
}

/// Breaks a text into lines of at most so many pixels; a word longer than that is cut.
#[must_use]
pub fn wrap(text: &str, em: f64, bold: bool, most: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = shortened(word, em, bold, most);
        if let Some(last) = lines.last_mut() {
            let longer = format!("{last} {word}");
            if width(&longer, em, bold) <= most {
                *last = longer;
                continue;
            }
        }
        lines.push(word);
    }
    lines
}

/// The text, or as much of its beginning as fits and "…".
#[must_use]
pub fn shortened(text: &str, em: f64, bold: bool, most: i32) -> String {
    if width(text, em, bold) <= most {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shorter = kept.iter().collect::<String>() + "…";
        if width(&shorter, em, bold) <= most {
            return shorter;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::{shortened, width, wrap};

    #[test]
    fn lines_are_broken_at_words_and_fit() {
        let text = "the wait of nine in ten attempts, and of a verylongwordthatfitsnowhereatall";
        let lines = wrap(text, 15.0, false, 200);
        assert!(lines.len() >= 3, "{lines:?}");
        assert!(lines.iter().all(|line| width(line, 15.0, false) <= 200), "{lines:?}");
        assert!(lines.join(" ").starts_with("the wait of nine in ten attempts, and of a very"));
        assert!(wrap("", 15.0, false, 200).is_empty());
    }

    #[test]
    fn a_text_that_fits_is_left_alone() {
        assert_eq!(shortened("redis", 15.0, false, 200), "redis");
        assert!(shortened("postgres:advisory", 15.0, false, 60).ends_with('…'));
        assert!(width("redis", 15.0, true) > width("redis", 15.0, false));
        assert!(width("redis", 15.0, false) > 20);
    }
}

//! An SVG backend for plotters that writes little: neighbours of one style share a
//! `<path>`, defaults are left out, and the root has a `viewBox` and no size, so
//! that it can stand inline in a page. Text sits where the bitmap backend puts it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write as _;

use plotters::style::RGBColor;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform, text_anchor::HPos,
};

use super::lettering::{LINE, baseline};
use super::palette::{dark, hex};
use lockbench_core::plain::is_order;

type Done = Result<(), DrawingErrorKind<Infallible>>;

/// Draws into a string.
pub struct Svg<'a> {
    out: &'a mut String,
    size: (u32, u32),
    /// Attributes of the path under way, and what it draws so far.
    pending: (String, String),
}

impl<'a> Svg<'a> {
    /// A picture of that size in user units; `label` is what a screen reader says.
    pub fn new(out: &'a mut String, size: (u32, u32), label: &str) -> Self {
        let (width, height) = size;
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{}\" font-family=\"sans-serif\">",
            escaped(label)
        );
        Self { out, size, pending: Default::default() }
    }

    /// Adds a shape to the path under way, or begins another.
    fn shape(&mut self, attributes: String, data: &str) {
        if self.pending.0 != attributes {
            self.flush();
            self.pending.0 = attributes;
        }
        self.pending.1.push_str(data);
    }

    fn flush(&mut self) {
        let (attributes, data) = std::mem::take(&mut self.pending);
        if !data.is_empty() {
            let _ = writeln!(self.out, "<path{attributes} d=\"{data}\"/>");
        }
    }
}

/// Text that XML cannot mistake; what it cannot hold at all is left out.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if is_order(c) => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// CSS that gives every colour of these drawings its like on dark paper, where the
/// reader wants it dark; on paper they stay light. Programs that know no style sheet
/// keep the colours of the attributes.
#[must_use]
pub fn dark_rules(drawings: &str) -> String {
    let mut colors = BTreeSet::new();
    for name in ["fill", "stroke"] {
        let opening = format!(" {name}=\"#");
        for (at, _) in drawings.match_indices(&opening) {
            let digits = drawings.get(at + opening.len()..at + opening.len() + 6);
            if let Some(rgb) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
                colors.insert((name, rgb));
            }
        }
    }
    let mut rules = String::from("@media screen and (prefers-color-scheme:dark){");
    for (name, rgb) in colors {
        let [_, r, g, b] = rgb.to_be_bytes();
        let _ = write!(rules, "[{name}=\"#{rgb:06x}\"]{{{name}:{}}}", hex(dark(RGBColor(r, g, b))));
    }
    rules + "}"
}

/// A drawing that stands alone: it brings its own dark colours.
#[must_use]
pub fn alone(drawing: &str) -> String {
    let rules = dark_rules(drawing);
    match drawing.rfind("</svg>") {
        Some(end) => format!("{}<style>{rules}</style>\n</svg>", &drawing[..end]),
        None => drawing.to_owned(),
    }
}

/// Attributes of a line or an outline.
fn stroke(style: &impl BackendStyle) -> String {
    let mut text = format!(" fill=\"none\" stroke=\"{}\"", written(style.color()));
    if style.stroke_width() != 1 {
        let _ = write!(text, " stroke-width=\"{}\"", style.stroke_width());
    }
    text + &opacity(style.color())
}

/// Attributes of an area.
fn fill(color: BackendColor) -> String {
    format!(" fill=\"{}\"", written(color)) + &opacity(color)
}

fn written(color: BackendColor) -> String {
    let (r, g, b) = color.rgb;
    hex(RGBColor(r, g, b))
}

fn opacity(color: BackendColor) -> String {
    if color.alpha >= 1.0 { String::new() } else { format!(" opacity=\"{:.2}\"", color.alpha) }
}

/// Path data through these points; integers, because a pixel of 1 200 is fine enough.
fn through(path: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut data = String::new();
    for (i, (x, y)) in path.into_iter().enumerate() {
        let _ = write!(data, "{}{x} {y}", if i == 0 { 'M' } else { 'L' });
    }
    data
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        self.flush();
        self.out.push_str("</svg>");
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Done {
        self.shape(fill(color), &format!("M{x} {y}h1v1h-1z"));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.shape(stroke(style), &through([from, to]));
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, filled: bool) -> Done {
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let attributes = if filled { fill(style.color()) } else { stroke(style) };
        self.shape(attributes, &format!("M{} {}h{width}v{height}h{}z", from.0, from.1, -width));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done {
        self.shape(stroke(style), &through(path));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done {
        self.shape(fill(style.color()), &(through(path) + "z"));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, filled: bool) -> Done {
        let attributes = if filled { fill(style.color()) } else { stroke(style) };
        let ((x, y), r) = (center, radius as i32);
        self.shape(attributes, &format!("M{} {y}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 {} 0z", x - r, 2 * r, -2 * r));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Done {
        self.flush();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let shift = baseline(style.size(), style.anchor().v_pos);
        let weight = if matches!(style.style(), FontStyle::Bold) { " font-weight=\"bold\"" } else { "" };
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            FontTransform::Rotate90 => format!(" transform=\"rotate(90 {x} {y})\""),
            FontTransform::Rotate180 => format!(" transform=\"rotate(180 {x} {y})\""),
            FontTransform::Rotate270 => format!(" transform=\"rotate(-90 {x} {y})\""),
        };
        let (size, color, baseline) = (style.size() / LINE, style.color(), f64::from(y) + shift);
        let _ = writeln!(
            self.out,
            "<text x=\"{x}\" y=\"{baseline:.1}\" font-size=\"{size:.1}\"{}{anchor}{weight}{turn}>{}</text>",
            fill(color),
            escaped(text)
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plotters::element::{PathElement, Rectangle};
    use plotters::prelude::{IntoDrawingArea, RED};
    use plotters::style::Color;

    use super::{Svg, alone, escaped};

    #[test]
    fn neighbours_of_one_style_share_a_path() {
        let mut out = String::new();
        let area = Svg::new(&mut out, (100, 50), "a < b").into_drawing_area();
        area.draw(&PathElement::new([(0, 0), (5, 6)], RED)).unwrap();
        area.draw(&PathElement::new([(7, 0), (8, 9)], RED)).unwrap();
        area.draw(&Rectangle::new([(1, 2), (4, 6)], RED.filled())).unwrap();
        area.present().unwrap();
        drop(area);
        insta::assert_snapshot!(out, @r##"
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50" role="img" aria-label="a &lt; b" font-family="sans-serif"><path fill="none" stroke="#ff0000" d="M0 0L5 6M7 0L8 9"/>
        <path fill="#ff0000" d="M1 2h3v4h-3z"/>
        </svg>
        "##);
    }

    #[test]
    fn a_drawing_that_stands_alone_has_each_colour_in_the_dark_too() {
        let drawing = alone("<svg><path fill=\"#ffffff\"/><path stroke=\"#22262b\" fill=\"#ffffff\"/></svg>");
        insta::assert_snapshot!(drawing, @r##"
<svg><path fill="#ffffff"/><path stroke="#22262b" fill="#ffffff"/><style>@media screen and (prefers-color-scheme:dark){[fill="#ffffff"]{fill:#1b1f24}[stroke="#22262b"]{stroke:#c1c9d2}}</style>
</svg>
"##);
        assert_eq!(alone("nothing"), "nothing");
    }

    #[test]
    fn names_cannot_break_out_of_their_text() {
        assert_eq!(escaped("<b a='1'>&\"\u{1}"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot; ");
    }
}

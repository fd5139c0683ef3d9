//! A screen as text and as a picture (SVG) in the colours of its theme. Letters are
//! text of whatever monospaced font the viewer has, each run set at its own column and
//! stretched to its width; everything drawn with blocks, lines and dots is drawn as
//! such (`shape`), so that no font can tear it.

mod shape;

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;

use super::palette::{Rgb, rgb};
use super::theme::Theme;
use shape::Shape;

/// Width of a cell.
const WIDE: u32 = 9;
/// Height of a cell.
const HIGH: u32 = 18;
/// Around the screen.
const MARGIN: u32 = 9;
/// Where letters stand, from the top of their cell.
const BASE: u32 = 14;
/// Letters of which 9 units are the width, in most fonts (0.6 of their size).
const SIZE: u32 = 15;

/// A buffer as text, a line per row, without trailing blanks.
#[must_use]
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let row = |y| (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        text.push_str(row(y).trim_end());
        text.push('\n');
    }
    text
}

/// A buffer as a picture.
#[must_use]
pub fn svg(buffer: &Buffer, theme: Theme) -> String {
    let area = buffer.area;
    let own = own(theme);
    let (width, height) = (u32::from(area.width) * WIDE + 2 * MARGIN, u32::from(area.height) * HIGH + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace\" \
         font-size=\"{SIZE}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n<g transform=\"translate({MARGIN} {MARGIN})\">\n",
        hex(own.1)
    );
    for y in area.top()..area.bottom() {
        let runs = runs(buffer, y, own);
        grounds(&runs, u32::from(y - area.top()), own.1, &mut out);
        for run in &runs {
            run.draw(u32::from(y - area.top()) * HIGH, &mut out);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Text and background of the screen where nothing else is said.
fn own(theme: Theme) -> (Rgb, Rgb) {
    let (text, ground) = theme.assumed();
    let paper = theme.paper();
    (paper.fg.and_then(rgb).unwrap_or(text), paper.bg.and_then(rgb).unwrap_or(ground))
}

/// How a cell is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Painted {
    text: Rgb,
    ground: Rgb,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
}

fn seen(cell: &Cell, own: (Rgb, Rgb)) -> Painted {
    let has = |modifier| cell.modifier.contains(modifier);
    let (text, ground) = (rgb(cell.fg).unwrap_or(own.0), rgb(cell.bg).unwrap_or(own.1));
    let (text, ground) = if has(Modifier::REVERSED) { (ground, text) } else { (text, ground) };
    Painted {
        text,
        ground,
        bold: has(Modifier::BOLD),
        dim: has(Modifier::DIM),
        italic: has(Modifier::ITALIC),
        underlined: has(Modifier::UNDERLINED),
    }
}

/// Cells side by side that look alike: letters, or one shape over and over.
struct Run {
    x: u32,
    cells: u32,
    text: String,
    seen: Painted,
    shape: Option<Shape>,
}

fn runs(buffer: &Buffer, y: u16, own: (Rgb, Rgb)) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for x in buffer.area.left()..buffer.area.right() {
        let cell = &buffer[(x, y)];
        let seen = seen(cell, own);
        let shape = shape::of(cell.symbol());
        // A letter beyond ASCII may come from a font of another width: it stands alone.
        let plain = |text: &str| text.is_ascii() && !text.ends_with("  ");
        let joins = |last: &Run| {
            let letters = shape.is_none() && last.shape.is_none() && plain(&last.text) && cell.symbol().is_ascii();
            last.seen == seen && (letters || shape.is_some() && last.text.ends_with(cell.symbol()))
        };
        match runs.last_mut().filter(|last| joins(last)) {
            Some(last) => {
                last.cells += 1;
                last.text.push_str(cell.symbol());
            }
            None => {
                let x = u32::from(x - buffer.area.left());
                runs.push(Run { x, cells: 1, text: cell.symbol().to_owned(), seen, shape });
            }
        }
    }
    runs
}

/// Backgrounds of a row that differ from the screen's.
fn grounds(runs: &[Run], row: u32, own: Rgb, out: &mut String) {
    let mut at = 0;
    while at < runs.len() {
        let ground = runs[at].seen.ground;
        let alike = runs[at..].iter().take_while(|run| run.seen.ground == ground).count();
        let cells: u32 = runs[at..at + alike].iter().map(|run| run.cells).sum();
        if ground != own {
            let (x, y, width) = (runs[at].x * WIDE, row * HIGH, cells * WIDE);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HIGH}\" fill=\"{}\"/>",
                hex(ground)
            );
        }
        at += alike;
    }
}

impl Run {
    fn draw(&self, top: u32, out: &mut String) {
        let left = self.x * WIDE;
        let color = hex(if self.seen.dim { mixed(self.seen.text, self.seen.ground) } else { self.seen.text });
        if self.seen.underlined {
            let (y, width) = (top + BASE + 2, self.cells * WIDE);
            let _ = writeln!(out, "<rect x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"1\" fill=\"{color}\"/>");
        }
        match &self.shape {
            Some(shape) => shape.draw((left, top), self.cells, &color, out),
            None => self.letters(top, &color, out),
        }
    }

    fn letters(&self, top: u32, color: &str, out: &mut String) {
        let letters = self.text.trim();
        if letters.is_empty() {
            return;
        }
        let before = (self.text.len() - self.text.trim_start().len()) as u32;
        let (x, y) = ((self.x + before) * WIDE, top + BASE);
        let length = letters.chars().count() as u32 * WIDE;
        let bold = if self.seen.bold { " font-weight=\"bold\"" } else { "" };
        let italic = if self.seen.italic { " font-style=\"italic\"" } else { "" };
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" fill=\"{color}\"{bold}{italic} textLength=\"{length}\" \
             lengthAdjust=\"spacingAndGlyphs\">{}</text>",
            escaped(letters)
        );
    }
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Two thirds of the way: faint text.
fn mixed(text: Rgb, ground: Rgb) -> Rgb {
    let mut mixed = text;
    for (channel, ground) in mixed.iter_mut().zip(ground) {
        *channel = ((2 * u16::from(*channel) + u16::from(ground)) / 3) as u8;
    }
    mixed
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;

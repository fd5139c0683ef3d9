//! Signs that are drawn rather than written: blocks, shades, frames, braille dots, and
//! the few signs that not every font has.

use std::fmt::Write as _;

use super::{HIGH, WIDE};

/// Cells are drawn on a grid of these many units: eighths of their width and height.
type Box8 = (f64, f64, f64, f64);

/// What a sign looks like, in eighths of its cell.
pub(super) enum Shape {
    /// Rectangles: left, top, width, height.
    Blocks(Vec<Box8>),
    /// The whole cell hatched, with lines of this thickness.
    Shade(u32),
    /// Lines to the left, up, right, down: 0 none, 1 thin, 2 thick.
    Lines([u8; 4]),
    /// Braille dots, by bit.
    Dots(u8),
    /// A closed outline, in units of the cell.
    Outline(&'static str),
    /// A stroke, in units of the cell.
    Stroke(&'static str),
}

/// The shape of a sign; `None`: a letter.
pub(super) fn of(symbol: &str) -> Option<Shape> {
    let mut chars = symbol.chars();
    let (sign, None) = (chars.next()?, chars.next()) else { return None };
    let code = u32::from(sign);
    match code {
        0x2500..=0x257F => lines(sign).map(Shape::Lines),
        0x2581..=0x2588 => {
            let high = f64::from(code - 0x2580);
            Some(Shape::Blocks(vec![(0.0, 8.0 - high, 8.0, high)]))
        }
        0x2589..=0x258F => Some(Shape::Blocks(vec![(0.0, 0.0, f64::from(0x2590 - code), 8.0)])),
        0x2591..=0x2593 => Some(Shape::Shade(code - 0x2590)),
        0x2800..=0x28FF => Some(Shape::Dots((code - 0x2800) as u8)),
        _ => other(sign),
    }
}

fn other(sign: char) -> Option<Shape> {
    let block = |left, top, width, height| Some(Shape::Blocks(vec![(left, top, width, height)]));
    match sign {
        '▀' => block(0.0, 0.0, 8.0, 4.0),
        '▐' => block(4.0, 0.0, 4.0, 8.0),
        '▔' => block(0.0, 0.0, 8.0, 1.0),
        '▕' => block(7.0, 0.0, 1.0, 8.0),
        '▖' => block(0.0, 4.0, 4.0, 4.0),
        '▗' => block(4.0, 4.0, 4.0, 4.0),
        '▘' => block(0.0, 0.0, 4.0, 4.0),
        '▝' => block(4.0, 0.0, 4.0, 4.0),
        '■' => block(1.0, 2.0, 6.0, 3.0),
        '·' => block(3.2, 3.8, 1.6, 0.8),
        '—' | '–' => block(0.5, 3.9, 7.0, 0.6),
        '‖' => Some(Shape::Blocks(vec![(2.0, 1.5, 1.2, 5.0), (4.8, 1.5, 1.2, 5.0)])),
        '…' => Some(Shape::Blocks(vec![(0.6, 5.4, 1.4, 0.7), (3.3, 5.4, 1.4, 0.7), (6.0, 5.4, 1.4, 0.7)])),
        '▶' => Some(Shape::Outline("1 4 8 9 1 14")),
        '▸' => Some(Shape::Outline("2 5.5 7 9 2 12.5")),
        '◆' => Some(Shape::Outline("4.5 4.5 8.5 9 4.5 13.5 .5 9")),
        '●' => Some(Shape::Outline("4.5 5.5 7 6.6 8 9 7 11.4 4.5 12.5 2 11.4 1 9 2 6.6")),
        '✓' => Some(Shape::Stroke("M1.5 9.5l2.2 3 4-7.5")),
        '✗' | '×' => Some(Shape::Stroke("M1.8 6l5.4 6m0-6l-5.4 6")),
        '↓' => Some(Shape::Stroke("M4.5 4.5v9m-2.7-3l2.7 3 2.7-3")),
        '↑' => Some(Shape::Stroke("M4.5 13.5v-9m-2.7 3l2.7-3 2.7 3")),
        '→' => Some(Shape::Stroke("M.5 9h8m-3-2.7l3 2.7-3 2.7")),
        '←' => Some(Shape::Stroke("M8.5 9h-8m3-2.7l-3 2.7 3 2.7")),
        _ => None,
    }
}

/// Lines of a frame sign to the left, up, right and down.
fn lines(sign: char) -> Option<[u8; 4]> {
    Some(match sign {
        '─' | '╌' | '┄' | '┈' => [1, 0, 1, 0],
        '━' | '╍' | '┅' | '┉' => [2, 0, 2, 0],
        '│' | '╎' | '┆' | '┊' => [0, 1, 0, 1],
        '┃' | '╏' | '┇' | '┋' => [0, 2, 0, 2],
        '┌' | '╭' => [0, 0, 1, 1],
        '┐' | '╮' => [1, 0, 0, 1],
        '└' | '╰' => [0, 1, 1, 0],
        '┘' | '╯' => [1, 1, 0, 0],
        '├' => [0, 1, 1, 1],
        '┤' => [1, 1, 0, 1],
        '┬' => [1, 0, 1, 1],
        '┴' => [1, 1, 1, 0],
        '┼' => [1, 1, 1, 1],
        '┏' => [0, 0, 2, 2],
        '┓' => [2, 0, 0, 2],
        '┗' => [0, 2, 2, 0],
        '┛' => [2, 2, 0, 0],
        '┣' => [0, 2, 2, 2],
        '┫' => [2, 2, 0, 2],
        '┳' => [2, 0, 2, 2],
        '┻' => [2, 2, 2, 0],
        '╋' => [2, 2, 2, 2],
        '╴' => [1, 0, 0, 0],
        '╵' => [0, 1, 0, 0],
        '╶' => [0, 0, 1, 0],
        '╷' => [0, 0, 0, 1],
        _ => return None,
    })
}

impl Shape {
    /// Draws so many of them side by side.
    pub(super) fn draw(&self, (left, top): (u32, u32), cells: u32, color: &str, out: &mut String) {
        match self {
            Self::Blocks(blocks) => blocks.iter().for_each(|block| rectangles((left, top), cells, *block, color, out)),
            Self::Shade(thickness) => hatch((left, top), cells, *thickness, color, out),
            Self::Lines(lines) => path((left, top), cells, lines, color, out),
            Self::Dots(bits) => dots((left, top), cells, *bits, color, out),
            Self::Outline(points) => {
                each((left, top), cells, "polygon", &format!("points=\"{points}\" fill=\"{color}\""), out)
            }
            Self::Stroke(path) => {
                let look = format!("d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.6\"");
                each((left, top), cells, "path", &look, out);
            }
        }
    }
}

/// The same element in every cell.
fn each((left, top): (u32, u32), cells: u32, element: &str, look: &str, out: &mut String) {
    for x in (0..cells).map(|cell| left + cell * WIDE) {
        let _ = writeln!(out, "<{element} transform=\"translate({x} {top})\" {look}/>");
    }
}

/// A block as one rectangle where its cells touch.
fn rectangles((left, top): (u32, u32), cells: u32, block: Box8, color: &str, out: &mut String) {
    let (wide, high) = (f64::from(WIDE) / 8.0, f64::from(HIGH) / 8.0);
    let (y, height) = (f64::from(top) + block.1 * high, block.3 * high);
    let whole = block.2 >= 8.0;
    for cell in 0..if whole { 1 } else { cells } {
        let x = f64::from(left + cell * WIDE) + block.0 * wide;
        let width = if whole { f64::from(cells * WIDE) } else { block.2 * wide };
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>");
    }
}

/// Slanted lines, four units apart: they go on from cell to cell.
fn hatch((left, top): (u32, u32), cells: u32, thickness: u32, color: &str, out: &mut String) {
    let (middle, bottom) = (top + HIGH / 2, top + HIGH);
    let mut drawn = String::new();
    for x in (0..cells).map(|cell| left + cell * WIDE) {
        let half = f64::from(x) + f64::from(WIDE) / 2.0;
        let right = x + WIDE;
        let _ = write!(drawn, "M{x} {bottom}L{right} {top}M{x} {middle}L{half} {top}M{half} {bottom}L{right} {middle}");
    }
    let _ = writeln!(out, "<path d=\"{drawn}\" stroke=\"{color}\" stroke-width=\"{thickness}\"/>");
}

/// Frame lines; a row of the same horizontal ones is one line.
fn path((left, top): (u32, u32), cells: u32, lines: &[u8; 4], color: &str, out: &mut String) {
    // Half a unit off, so that a thin line fills whole pixels.
    let (x, y) = (f64::from(left) + f64::from(WIDE) / 2.0, f64::from(top) + f64::from(HIGH) / 2.0 + 0.5);
    let [to_left, up, right, down] = *lines;
    let thick = lines.contains(&2);
    let mut drawn = String::new();
    if (to_left, right) == (1, 1) || (to_left, right) == (2, 2) {
        let _ = write!(drawn, "M{left} {y}h{}", cells * WIDE);
    }
    for cell in 0..cells {
        let x = x + f64::from(cell * WIDE);
        if to_left > 0 && right == 0 {
            let _ = write!(drawn, "M{} {y}H{x}", left + cell * WIDE);
        }
        if right > 0 && to_left == 0 {
            let _ = write!(drawn, "M{x} {y}H{}", left + (cell + 1) * WIDE);
        }
        let ends = (if up > 0 { f64::from(top) } else { y }, if down > 0 { f64::from(top + HIGH) } else { y });
        if up + down > 0 {
            let _ = write!(drawn, "M{x} {}V{}", ends.0, ends.1);
        }
    }
    let width = if thick { "2.4" } else { "1" };
    let _ = writeln!(
        out,
        "<path d=\"{drawn}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linecap=\"square\"/>"
    );
}

/// Dots of a braille sign: two columns of four.
fn dots((left, top): (u32, u32), cells: u32, bits: u8, color: &str, out: &mut String) {
    const PLACES: [(f64, f64); 8] = [
        (0.25, 0.125),
        (0.25, 0.375),
        (0.25, 0.625),
        (0.75, 0.125),
        (0.75, 0.375),
        (0.75, 0.625),
        (0.25, 0.875),
        (0.75, 0.875),
    ];
    let mut drawn = String::new();
    for cell in 0..cells {
        for (_, (x, y)) in PLACES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1) {
            let x = f64::from(left + cell * WIDE) + x * f64::from(WIDE) - 1.2;
            let y = f64::from(top) + y * f64::from(HIGH) - 1.2;
            let _ = write!(drawn, "M{x:.1} {y:.1}h2.4v2.4h-2.4z");
        }
    }
    if !drawn.is_empty() {
        let _ = writeln!(out, "<path d=\"{drawn}\" fill=\"{color}\"/>");
    }
}

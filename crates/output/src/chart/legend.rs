//! The legend, beside the plot and never over it.

use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

use super::emblem::{self, emblem};
use super::lettering::{Lettering, width, wrap};
use super::palette::{Mark, SOFT};
use super::picture::drawn;
use super::sheet::{Drawn, Sheet, Stroke};
use lockbench_report::{Durability, SafetyVerdict};

/// What stands before the words.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// A line, and the mark on it.
    Line(Stroke, Option<Mark>),
    /// A patch of colour.
    Patch(RGBColor),
    /// A patch of a colour with lines of another.
    Hatched(RGBColor, RGBColor),
    /// A patch of a colour with an edge of another along its top.
    Topped(RGBColor, RGBColor),
    /// Nothing: the words head the entries below.
    Heading,
    /// A mark alone.
    Mark(Mark, RGBColor),
    /// The mark of a system's durability and safety.
    Emblem(Durability, SafetyVerdict),
    /// The colour of a verdict; not exercised has an outline only.
    Verdict(SafetyVerdict),
}

/// One line of the legend.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What stands before the words.
    pub key: Key,
    /// The words.
    pub label: String,
}

impl Entry {
    /// An entry.
    #[must_use]
    pub fn new(key: Key, label: impl Into<String>) -> Self {
        Self { key, label: label.into() }
    }
}

const WORDS: Lettering = Lettering { scale: 0.92, ..Lettering::PLAIN };

/// Draws the legend at the right edge and gives the rest of the sheet.
pub fn with_legend<DB: DrawingBackend>(sheet: &Sheet<DB>, entries: &[Entry]) -> Drawn<DB, Sheet<DB>> {
    let (w, h) = sheet.size();
    if sheet.is_bare() {
        return Ok(sheet.part((0, 0), (w, h)));
    }
    let (em, key) = (sheet.em() * WORDS.scale, sheet.ems(2.6));
    let most = sheet.ems(12.0).min(w / 4);
    let blocks: Vec<Vec<String>> = entries.iter().map(|entry| wrap(&entry.label, em, false, most)).collect();
    let widest = blocks.iter().flatten().map(|line| width(line, em, false)).max().unwrap_or(0);
    let left = w - key - widest;
    let lines: i32 = blocks.iter().map(|block| block.len() as i32).sum();
    // Twenty lines still fit, if tightly.
    let step = (h / (lines + 1).max(1)).min(sheet.ems(1.45));
    let mut y = sheet.ems(0.7) + step / 2;
    for (entry, block) in entries.iter().zip(&blocks) {
        draw_key(sheet, entry.key, (left, y), key - sheet.ems(0.6))?;
        let at = if matches!(entry.key, Key::Heading) { left } else { left + key };
        for line in block {
            sheet.text((at, y), line, WORDS)?;
            y += step;
        }
    }
    Ok(sheet.part((0, 0), (left - sheet.ems(1.0), h)))
}

fn draw_key<DB: DrawingBackend>(sheet: &Sheet<DB>, key: Key, (x, y): (i32, i32), length: i32) -> Drawn<DB> {
    let size = sheet.ems(0.32).max(4);
    let (from, to) = ((x, y - sheet.ems(0.4)), (x + length, y + sheet.ems(0.4)));
    match key {
        Key::Heading => Ok(()),
        Key::Line(stroke, mark) => {
            sheet.line(&[(x, y), (x + length, y)], stroke)?;
            mark.map_or(Ok(()), |mark| sheet.mark((x + length / 2, y), mark, size, stroke.color))
        }
        Key::Patch(color) => sheet.fill(from, to, color),
        Key::Hatched(color, lines) => {
            sheet.fill(from, to, color)?;
            sheet.hatch(from, to, Stroke::solid(lines, 1))
        }
        Key::Topped(color, edge) => {
            sheet.fill(from, to, color)?;
            sheet.line(&[from, (to.0, from.1)], Stroke::solid(edge, 3))
        }
        Key::Mark(mark, color) => sheet.mark((x + length / 2, y), mark, size, color),
        Key::Emblem(durability, verdict) => {
            emblem(sheet, (x + length / 2, y), sheet.ems(0.42).max(4), durability, verdict)
        }
        Key::Verdict(SafetyVerdict::NotExercised) => sheet.outline(from, to, Stroke::solid(SOFT, 2)),
        Key::Verdict(verdict) => sheet.fill(from, to, emblem::color(verdict)),
    }
}

/// The key alone as one `<svg>` element, for a page that writes the words itself.
///
/// # Errors
/// Says what could not be drawn.
pub fn key_svg(key: Key) -> Result<String, String> {
    drawn((28, 18), "", |area| draw_key(&Sheet::bare(area), key, (1, 9), 26))
}

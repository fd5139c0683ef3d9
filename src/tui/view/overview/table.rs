//! Which columns of the table there is room for, and where they are. A column is as wide
//! as what is in it; what has no room is shown below the table.

use ratatui::layout::Rect;

use super::figure::{Cell, FIGURES, PRIORITY, RATE};
use super::row::Row;

/// So many columns of [`PRIORITY`] are always there.
const ALWAYS: usize = 6;
/// Below this width texts are short, so that more figures have room.
const SHORT: u16 = 130;
/// Below this width names are cut.
const NARROW: u16 = 100;
/// Narrowest and widest line of bars.
const BARS: (u16, u16) = (10, 60);
/// Columns of a name, where texts are cut and where not.
const NAMES: (usize, usize) = (17, 22);

/// A line of the table.
pub struct Line {
    /// Place of the system.
    pub at: usize,
    /// Its figures, in the order of [`FIGURES`].
    pub cells: Vec<Cell>,
    /// What is said instead of its figures.
    pub reason: Option<String>,
}

/// Where everything is.
pub struct Table {
    /// Are texts short?
    pub short: bool,
    /// The lines, in their order.
    pub lines: Vec<Line>,
    /// Columns of a name.
    pub name: u16,
    /// Figure, left edge, width.
    pub columns: Vec<(usize, u16, u16)>,
    /// Left edge and width of the bars.
    pub bars: Option<(u16, u16)>,
    /// First line that is shown.
    pub first: usize,
    /// Area of the lines that are shown.
    pub body: Rect,
}

impl Table {
    /// A table in the upper part of `area`, with line `selected` in sight. At least one
    /// row below it is left free.
    pub fn new(lines: Vec<Line>, selected: usize, area: Rect) -> Self {
        let short = is_short(area);
        let gap = if short { 1 } else { 2 };
        let height = (lines.len() as u16).min(area.height.saturating_sub(2));
        let body = Rect { y: area.y + 1, height, ..area };
        let first = (selected + 1).saturating_sub(usize::from(height));
        let name = if area.width < NARROW { NAMES.0 } else { NAMES.1 } as u16 + 1;
        let mut table = Self { short, lines, name, columns: Vec::new(), bars: None, first, body };
        table.choose(area, gap);
        table
    }

    fn choose(&mut self, area: Rect, gap: u16) {
        let widths: Vec<u16> = (0..FIGURES.len()).map(|figure| self.width(figure)).collect();
        let mut left = i32::from(area.width) - i32::from(self.name);
        let mut chosen = Vec::new();
        for (i, figure) in PRIORITY.into_iter().enumerate() {
            // The bars come after what decides.
            if i == ALWAYS && left >= i32::from(BARS.0 + gap) {
                self.bars = Some((0, BARS.0));
                left -= i32::from(BARS.0 + gap);
            }
            let need = i32::from(widths[figure] + gap);
            if need > left {
                break;
            }
            left -= need;
            chosen.push(figure);
        }
        chosen.sort_unstable();
        let spare = left.clamp(0, i32::from(BARS.1 - BARS.0)) as u16;
        let mut x = area.x + self.name + gap;
        for figure in chosen {
            self.columns.push((figure, x, widths[figure]));
            x += widths[figure] + gap;
            if figure == RATE
                && let Some((_, width)) = self.bars
            {
                self.bars = Some((x, width + spare));
                x += width + spare + gap;
            }
        }
    }

    fn width(&self, figure: usize) -> u16 {
        let heading = self.heading(figure).chars().count();
        let shown = self.lines.iter().filter(|line| line.reason.is_none());
        let values = shown.map(|line| line.cells[figure].text.chars().count()).max().unwrap_or(0);
        heading.max(values).max(FIGURES[figure].width) as u16
    }

    /// Heading of a figure's column.
    pub fn heading(&self, figure: usize) -> &'static str {
        let (long, short) = FIGURES[figure].heading;
        if self.short { short } else { long }
    }

    /// Is a figure in the table?
    pub fn has(&self, figure: usize) -> bool {
        self.columns.iter().any(|(column, ..)| *column == figure)
    }

    /// The line and figure at a place of the screen.
    pub fn at(&self, x: u16, y: u16) -> Option<(usize, Option<usize>)> {
        if y < self.body.top() || y >= self.body.bottom() {
            return None;
        }
        let line = self.first + usize::from(y - self.body.top());
        let column = self.columns.iter().find(|(_, left, width)| (*left..left + width).contains(&x));
        (line < self.lines.len()).then_some((line, column.map(|(figure, ..)| *figure)))
    }
}

/// The line of a system.
pub fn line(row: &Row<'_>, at: usize, short: bool) -> Line {
    Line { at, cells: FIGURES.iter().map(|figure| (figure.cell)(row, short)).collect(), reason: row.reason() }
}

/// Are texts short in this area?
pub fn is_short(area: Rect) -> bool {
    area.width < SHORT
}

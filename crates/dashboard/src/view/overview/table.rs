//! Which columns of the table there is room for, and where they are. A column is as wide
//! as what is in it; what has no room is shown below the table.

use ratatui::layout::Rect;

use super::axis::Axis;
use super::figure::{Cell, FIGURES, PRIORITY, RATE};
use super::row::Row;

/// So many columns of [`PRIORITY`] are always there; bars and shapes come after them.
const ALWAYS: usize = 4;
/// Below this width texts are short, so that more figures have room.
const SHORT: u16 = 130;
/// Most columns of a bar, and of a shape over time.
const BAR: u16 = 40;
const SHAPE: u16 = 60;
/// Columns of a name, where texts are short and where not.
const NAMES: (usize, usize) = (17, 22);

/// A line of the table.
pub struct Line {
    /// Place of the system.
    pub at: usize,
    /// Its figures, in the order of [`FIGURES`].
    pub cells: Vec<Cell>,
    /// What is said instead of its figures.
    pub reason: Option<String>,
    /// Its rate, for its bar.
    pub rate: Option<f64>,
}

/// Where everything is.
pub struct Table {
    /// Whether texts are short.
    pub short: bool,
    /// The lines, in their order.
    pub lines: Vec<Line>,
    /// Columns of a name.
    pub name: u16,
    /// Figure, left edge, width.
    pub columns: Vec<(usize, u16, u16)>,
    /// Left edge and width of the bars.
    pub bars: Option<(u16, u16)>,
    /// Left edge and width of the shapes over time.
    pub shapes: Option<(u16, u16)>,
    /// What the bars are drawn on.
    pub axis: Option<Axis>,
    /// First line that is shown.
    pub first: usize,
    /// Area of the lines that are shown.
    pub body: Rect,
}

impl Table {
    /// A table in the upper part of `area`, with line `selected` in sight. At least two
    /// rows below it are left free: that of the axis, and one more.
    pub fn new(lines: Vec<Line>, selected: usize, area: Rect) -> Self {
        let short = is_short(area);
        let gap = if short { 1 } else { 2 };
        let height = (lines.len() as u16).min(area.height.saturating_sub(3));
        let body = Rect { y: area.y + 1, height, ..area };
        let first = (selected + 1).saturating_sub(usize::from(height));
        // Before it: the sign of its state, and of the selection.
        let name = 2 + if short { NAMES.0 } else { NAMES.1 } as u16;
        let axis = Axis::of(lines.iter().filter_map(|line| line.rate));
        let (columns, bars, shapes) = (Vec::new(), None, None);
        let mut table = Self { short, lines, name, columns, bars, shapes, axis, first, body };
        table.choose(area, gap);
        table
    }

    fn choose(&mut self, area: Rect, gap: u16) {
        let widths: Vec<u16> = (0..FIGURES.len()).map(|figure| self.width(figure)).collect();
        let mut left = i32::from(area.width) - i32::from(self.name);
        let mut chosen = Vec::new();
        for (i, figure) in PRIORITY.into_iter().enumerate() {
            // The pictures come after what decides.
            if i == ALWAYS {
                let (bar, shape) = pictures(area);
                for (place, width) in [(&mut self.bars, bar), (&mut self.shapes, shape)] {
                    if left >= i32::from(width + gap) {
                        *place = Some((0, width));
                        left -= i32::from(width + gap);
                    }
                }
            }
            let need = i32::from(widths[figure] + gap);
            if need <= left {
                left -= need;
                chosen.push(figure);
            }
        }
        chosen.sort_unstable();
        let mut spare = left.max(0) as u16;
        let mut grow = |place: Option<(u16, u16)>, most: u16, of: u16| {
            place.map(|(_, width)| {
                let more = (spare / of).min(most - width);
                spare -= more;
                width + more
            })
        };
        let (bar, shape) = (grow(self.bars, BAR, 2), grow(self.shapes, SHAPE, 1));
        let mut x = area.x + self.name + gap;
        let mut put = |width: u16| {
            let at = (x, width);
            x += width + gap;
            at
        };
        for figure in chosen {
            let (left, width) = put(widths[figure]);
            self.columns.push((figure, left, width));
            if figure == RATE {
                self.bars = bar.map(&mut put);
                self.shapes = shape.map(&mut put);
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

    /// Returns whether a figure is in the table.
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

/// Fewest columns of a bar, and of a shape over time: they come before what is seldom read.
fn pictures(area: Rect) -> (u16, u16) {
    match area.width {
        160.. => (30, 20),
        110.. => (14, 12),
        _ => (8, 6),
    }
}

/// The line of a system.
pub fn line(row: &Row<'_>, at: usize, short: bool) -> Line {
    let cells = FIGURES.iter().map(|figure| (figure.cell)(row, short)).collect();
    Line { at, cells, reason: row.reason(), rate: row.grants_per_s() }
}

/// Returns whether texts are short in this area.
pub fn is_short(area: Rect) -> bool {
    area.width < SHORT
}

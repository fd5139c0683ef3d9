//! Dots on cells: eight braille dots per cell, or with ASCII alone one sign per cell. Signs
//! and texts lie above the dots.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::theme::Ink;
use crate::view::View;

/// What a cell shows.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// Braille dots, as in Unicode: 2 columns of 4.
    dots: u8,
    /// What stands for a dot with ASCII alone.
    plain: &'static str,
    /// A sign above the dots.
    sign: Option<&'static str>,
    ink: Option<Ink>,
}

/// A drawing.
pub struct Canvas {
    cells: Vec<Cell>,
    width: u16,
    height: u16,
    ascii: bool,
}

/// Bit of each dot of a cell, by its column and row.
const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

impl Canvas {
    /// An empty one of so many cells.
    #[must_use]
    pub fn new(width: u16, height: u16, ascii: bool) -> Self {
        let cells = vec![Cell::default(); usize::from(width) * usize::from(height)];
        Self { cells, width, height, ascii }
    }

    /// Dots side by side, and one above the other.
    #[must_use]
    pub fn dots(&self) -> (u16, u16) {
        if self.ascii { (self.width, self.height) } else { (self.width * 2, self.height * 4) }
    }

    /// Cells side by side.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    fn cell(&mut self, x: u16, y: u16) -> Option<&mut Cell> {
        let at = usize::from(y) * usize::from(self.width) + usize::from(x);
        if x < self.width { self.cells.get_mut(at) } else { None }
    }

    /// A dot; from the upper left corner. `plain` stands for it with ASCII alone.
    pub fn dot(&mut self, (x, y): (u16, u16), plain: &'static str, ink: Ink) {
        let (across, down) = if self.ascii { (1, 1) } else { (2, 4) };
        let bit = BITS[usize::from(x % across)][usize::from(y % down)];
        if let Some(cell) = self.cell(x / across, y / down) {
            (cell.dots, cell.plain, cell.ink) = (cell.dots | bit, plain, Some(ink));
        }
    }

    /// A sign in a cell, above the dots.
    pub fn sign(&mut self, (x, y): (u16, u16), sign: &'static str, ink: Ink) {
        if let Some(cell) = self.cell(x, y) {
            (cell.sign, cell.ink) = (Some(sign), Some(ink));
        }
    }

    /// A sign in a cell that is still empty.
    pub fn behind(&mut self, at: (u16, u16), sign: &'static str, ink: Ink) {
        if self.cell(at.0, at.1).is_some_and(|cell| cell.ink.is_none()) {
            self.sign(at, sign, ink);
        }
    }

    /// Puts it on the screen.
    pub fn render(&self, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
        let mut braille = [0; 4];
        for (row, y) in self.cells.chunks(usize::from(self.width.max(1))).zip(area.top()..area.bottom()) {
            for (cell, x) in row.iter().zip(area.left()..area.right()) {
                let Some(ink) = cell.ink else { continue };
                let symbol = match cell.sign {
                    Some(sign) => sign,
                    None if self.ascii => cell.plain,
                    None => char::from_u32(0x2800 + u32::from(cell.dots)).unwrap_or(' ').encode_utf8(&mut braille),
                };
                buffer[(x, y)].set_symbol(symbol).set_style(view.ink(ink));
            }
        }
    }
}

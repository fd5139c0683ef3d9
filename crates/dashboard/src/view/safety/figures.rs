//! A list of figures in a panel, in as many columns as it takes, one of them selected.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::View;
use super::super::prose::{first_shown, put, put_right, row_at};
use crate::text::{fit, wrap};
use crate::theme::Ink;

/// Narrowest column that holds a label and a figure.
const NARROWEST: u16 = 21;
/// Widest room of a label and a figure.
const FIGURE: u16 = 34;

/// A figure.
pub struct Figure {
    /// What it is, where there is room.
    pub label: &'static str,
    /// What it is in a word.
    pub short: &'static str,
    /// Its value.
    pub value: String,
    /// Its colour.
    pub ink: Ink,
    /// What it means, a sentence without the final stop.
    pub meaning: &'static str,
}

/// Figures from top to bottom, then in the next column.
struct FigureColumns {
    area: Rect,
    columns: u16,
    rows: usize,
    first: usize,
}

impl FigureColumns {
    fn new(area: Rect, count: usize, selected: usize) -> Self {
        let height = usize::from(area.height.max(1));
        let needed = count.div_ceil(height).max(1);
        let columns = (area.width / NARROWEST).clamp(1, needed.min(8) as u16);
        let rows = count.div_ceil(usize::from(columns)).max(1);
        Self { area, columns, rows, first: first_shown(selected % rows, rows, height) }
    }

    fn width(&self) -> u16 {
        self.area.width / self.columns
    }

    /// The part of the area that a figure has.
    fn cell(&self, number: usize) -> Option<Rect> {
        let (column, row) = (number / self.rows, number % self.rows);
        let row = row.checked_sub(self.first).filter(|row| *row < usize::from(self.area.height))?;
        let gap = u16::from(self.columns > 1);
        Some(Rect {
            x: self.area.x + column as u16 * self.width(),
            y: self.area.y + row as u16,
            width: self.width().saturating_sub(gap),
            height: 1,
        })
    }
}

/// Draws them.
pub fn draw(view: &View<'_>, figures: &[Figure], area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let selected = view.row(figures.len());
    let grid = FigureColumns::new(area, figures.len(), selected);
    for (number, figure) in figures.iter().enumerate() {
        let Some(cell) = grid.cell(number) else { continue };
        let chosen = view.focused() && number == selected;
        let ink = |ink| if chosen { view.ink(Ink::Selected) } else { view.ink(ink) };
        let end = cell.width.min(FIGURE);
        if chosen {
            buffer.set_style(Rect { width: end, ..cell }, ink(Ink::Selected));
        }
        let more = view.glyphs().more;
        let room = usize::from(end).saturating_sub(figure.value.chars().count() + 3);
        let label = if figure.label.chars().count() > room { figure.short } else { figure.label };
        let pointer = if number == selected { view.glyphs().pointer } else { " " };
        put(buffer, cell, (0, 0), pointer, ink(Ink::Soft));
        put(buffer, cell, (2, 0), &fit(label, room, more), ink(Ink::Soft));
        put_right(buffer, cell, (end, 0), &figure.value, ink(figure.ink));
    }
    meaning(view, figures.get(selected), &grid, buffer);
}

/// What the selected figure means, below all of them if there is room.
fn meaning(view: &View<'_>, figure: Option<&Figure>, grid: &FigureColumns, buffer: &mut Buffer) {
    let below = grid.rows as u16 + 1;
    let Some(figure) = figure.filter(|_| below + 2 <= grid.area.height) else { return };
    let text = format!("{}: {}.", figure.label, figure.meaning);
    let lines = wrap(&text, usize::from(grid.area.width));
    let room = usize::from(grid.area.height - below);
    let more = view.glyphs().more;
    for (y, (i, line)) in (below..).zip(lines.iter().enumerate().take(room)) {
        let cut = i + 1 == room && lines.len() > room;
        let line = if cut { fit(&format!("{line} {more}"), usize::from(grid.area.width), more) } else { line.clone() };
        put(buffer, grid.area, (0, y), &line, view.ink(Ink::Soft));
    }
}

/// The figure at a place of the screen.
pub fn hit(area: Rect, count: usize, selected: usize, at: Position) -> Option<(usize, usize)> {
    row_at(area, at)?;
    let grid = FigureColumns::new(area, count, selected);
    (0..count).find(|number| grid.cell(*number).is_some_and(|cell| cell.contains(at))).map(|number| (number, 0))
}

/// The selected figure in a sentence.
pub fn explain(view: &View<'_>, figures: &[Figure]) -> String {
    let Some((system, figure)) = view.system().zip(figures.get(view.row(figures.len()))) else {
        return "No system has been measured yet.".to_owned();
    };
    let when = if system.result.is_some() { "" } else { system.so_far() };
    format!("{}, trial {}, {}{when}: {}. {}.", system.name, system.trial, figure.label, figure.value, figure.meaning)
}

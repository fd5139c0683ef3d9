//! Aligned columns for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table};

/// A table of figures: the first column left, all others right.
pub struct FigureTable {
    table: Table,
}

impl FigureTable {
    /// With these column heads.
    pub fn figures(head: &[String]) -> Self {
        let mut table = Table::new();
        table.load_preset("     ──            ").set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(head);
        Self { table }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) {
        self.table.add_row(cells);
    }

    /// The text, with a final newline.
    pub fn text(mut self) -> String {
        for column in self.table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{}\n", self.table.trim_fmt())
    }
}

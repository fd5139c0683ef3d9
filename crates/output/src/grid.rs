//! Aligned columns for a terminal.

use std::ops::Range;

use comfy_table::{CellAlignment, ContentArrangement, Row, Table};

/// A table whose rows are as wide as their cells; the columns `right` are aligned to the right.
pub fn grid(head: impl Into<Row>, rows: impl IntoIterator<Item = Vec<String>>, right: Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_preset("     ──            ").set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head).add_rows(rows);
    for column in table.column_iter_mut().skip(right.start).take(right.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

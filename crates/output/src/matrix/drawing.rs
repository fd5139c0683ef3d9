//! The matrix as a picture. One drawing for SVG and PNG; in the SVG each cell opens its run and says its story.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

use super::label;
use crate::chart::board::{
    Align, Bitmap, Drawn, INK, Lettering, PAPER, SOFT, Sheet, Stroke, alone, drawn, encode, escaped, shortened,
};
use lockbench_report::scenario::{Cell, Matrix, Tone};

const TITLE: &str = "Lock systems under faults";
/// Pixels of the parts.
const EDGE: i32 = 24;
const TOP: i32 = 104;
const BOTTOM: i32 = 66;
/// As wide as the longest name of a scenario.
const NAMES: i32 = 236;
const COLUMN: i32 = 142;
const LINE: i32 = 40;
/// Size of a letter.
const EM: f64 = 13.0;

/// Fill and edge of a cell.
fn colors(tone: Option<Tone>) -> (RGBColor, RGBColor) {
    match tone {
        Some(Tone::Safe) => (RGBColor(0xd3, 0xee, 0xdf), RGBColor(0x2c, 0x9c, 0x63)),
        Some(Tone::Violated) => (RGBColor(0xf8, 0xcf, 0xcb), RGBColor(0xc9, 0x30, 0x2c)),
        Some(Tone::Stuck) => (RGBColor(0xfb, 0xe3, 0xae), RGBColor(0xcf, 0x8a, 0x00)),
        Some(Tone::Absent) => (RGBColor(0xee, 0xf0, 0xf2), RGBColor(0xdd, 0xe2, 0xe7)),
        Some(Tone::Inconclusive) | None => (PAPER, RGBColor(0x8a, 0x8f, 0x98)),
    }
}

fn size(matrix: &Matrix) -> (u32, u32) {
    // What explains the colours needs that width.
    let (columns, rows) = (matrix.systems.len().max(8) as i32, matrix.rows.len().max(1) as i32);
    ((2 * EDGE + NAMES + columns * COLUMN) as u32, (TOP + rows * LINE + BOTTOM) as u32)
}

/// Upper left of a cell.
fn place(row: usize, column: usize) -> (i32, i32) {
    (EDGE + NAMES + column as i32 * COLUMN, TOP + row as i32 * LINE)
}

fn draw<DB: DrawingBackend>(matrix: &Matrix, area: DrawingArea<DB, Shift>) -> Drawn<DB> {
    area.fill(&PAPER)?;
    let sheet = Sheet::new(area);
    let times = EM / sheet.em();
    let sheet = sheet.scaled(times);
    let (width, height) = sheet.size();
    sheet.text((EDGE, 32), TITLE, Lettering { scale: 1.6, bold: true, ..Lettering::PLAIN })?;
    let soft = Lettering { color: SOFT, scale: 0.92, ..Lettering::PLAIN };
    let incomplete = if matrix.complete { "" } else { " INCOMPLETE." };
    let about = format!(
        "What each scenario showed on real servers, beside what was expected of it. lockbench {}, {}.{incomplete}",
        matrix.version, matrix.machine
    );
    sheet.text((EDGE, 58), &shortened(&about, EM * 0.92, false, width - 2 * EDGE), soft)?;
    for (column, system) in matrix.systems.iter().enumerate() {
        let (x, _) = place(0, column);
        let lettering = Lettering { bold: true, ..Lettering::PLAIN }.aligned(Align::Center);
        sheet.text((x + COLUMN / 2, TOP - 16), &shortened(system, EM, true, COLUMN - 6), lettering)?;
    }
    for (row, of) in matrix.rows.iter().enumerate() {
        let (_, y) = place(row, 0);
        sheet.text((EDGE, y + LINE / 2), &shortened(&of.scenario, EM, false, NAMES - 8), Lettering::PLAIN)?;
        for (column, cell) in of.cells.iter().enumerate() {
            one(&sheet, place(row, column), cell.as_ref())?;
        }
    }
    key(&sheet, height)
}

fn one<DB: DrawingBackend>(sheet: &Sheet<DB>, (x, y): (i32, i32), cell: Option<&Cell>) -> Drawn<DB> {
    let (from, to) = ((x + 2, y + 2), (x + COLUMN - 2, y + LINE - 2));
    let (fill, edge) = colors(cell.map(|cell| cell.tone));
    let differs = cell.is_some_and(|cell| cell.matches == Some(false));
    sheet.fill(from, to, fill)?;
    sheet.outline(from, to, if differs { Stroke::solid(INK, 3) } else { Stroke::solid(edge, 1) })?;
    let absent = cell.is_none_or(|cell| cell.tone == Tone::Absent);
    let lettering = Lettering { color: if absent { SOFT } else { INK }, bold: differs, scale: 0.9, ..Lettering::PLAIN };
    let text = shortened(&label(cell), EM * 0.9, differs, COLUMN - 12);
    sheet.text((x + COLUMN / 2, y + LINE / 2), &text, lettering.aligned(Align::Center))
}

fn key<DB: DrawingBackend>(sheet: &Sheet<DB>, height: i32) -> Drawn<DB> {
    let entries = [
        (Some(Tone::Safe), "✓ safe; gap: longest time without a grant"),
        (Some(Tone::Violated), "✗ granted twice: what clients saw, whose mistake"),
        (Some(Tone::Stuck), "■ stuck for so long"),
        (Some(Tone::Absent), "- not in this story or not available"),
        (None, "? shows nothing"),
    ];
    let soft = Lettering { color: SOFT, scale: 0.88, ..Lettering::PLAIN };
    let mut x = EDGE;
    let y = height - 44;
    for (tone, words) in entries {
        let (fill, edge) = colors(tone);
        sheet.fill((x, y - 7), (x + 14, y + 7), fill)?;
        sheet.outline((x, y - 7), (x + 14, y + 7), Stroke::solid(edge, 1))?;
        sheet.text((x + 20, y), words, soft)?;
        x += 20 + sheet.width(words, soft) + 22;
    }
    let causes = "V1: the server lost or duplicated the grant.  V2: the lease was over, and the client still believed in \
                  it.  ! and a thick frame: differs from what was expected.";
    sheet.text((EDGE, height - 20), causes, soft)
}

/// As one `<svg>` element that stands alone.
pub fn svg(matrix: &Matrix) -> Result<String, String> {
    let drawing =
        drawn(size(matrix), TITLE, |area| draw(matrix, area)).map_err(|error| format!("matrix.svg: {error}"))?;
    let drawing = alone(&drawing);
    let end = drawing.rfind("</svg>").unwrap_or(drawing.len());
    Ok(format!("{}{}</svg>\n", &drawing[..end], links(matrix)))
}

/// What lies over the cells: each opens its run, and says its story where a pointer rests.
fn links(matrix: &Matrix) -> String {
    let mut out = String::new();
    for (row, of) in matrix.rows.iter().enumerate() {
        for (column, cell) in of.cells.iter().enumerate() {
            let Some(cell) = cell else { continue };
            let (x, y) = place(row, column);
            let story = escaped(&format!("{} on {}: {}", cell.scenario, cell.system, cell.story));
            let over = format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{COLUMN}\" height=\"{LINE}\" fill-opacity=\"0\"><title>{story}</title></rect>"
            );
            let _ = match &cell.run {
                Some(run) => writeln!(out, "<a href=\"{}/report.html\">{over}</a>", escaped(run)),
                None => writeln!(out, "{over}"),
            };
        }
    }
    out
}

/// As a PNG file.
pub fn png(matrix: &Matrix) -> Result<Vec<u8>, String> {
    let size = size(matrix);
    let mut pixels = vec![0; size.0 as usize * size.1 as usize * 3];
    let area = Bitmap::new(&mut pixels, size).into_drawing_area();
    draw(matrix, area.clone()).map_err(|error| format!("matrix.png: {error}"))?;
    area.present().map_err(|error| format!("matrix.png: {error}"))?;
    drop(area);
    encode(&pixels, size).map_err(|error| format!("matrix.png: {error}"))
}

#[cfg(test)]
mod tests {
    #[test]
    #[ignore = "writes target/charts/matrix.png for the eye"]
    fn proof_of_the_matrix() {
        let matrix = crate::matrix::tests::sample();
        let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/charts");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("matrix.png"), super::png(&matrix).unwrap()).unwrap();
    }
}

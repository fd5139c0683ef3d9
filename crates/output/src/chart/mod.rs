//! Charts: one drawing function per chart, generic over the backend, gives SVG and PNG.
//!
//! A chart is one file: it takes what it shows out of the run, implements
//! `picture::Draw` on it, and ends in `finish`. The layers below: `picture`
//! (title, caption, formats), `legend`, `plot` and `axis`, `sheet` (shapes),
//! `lettering` (the bundled font), `palette` (colours, dashes, marks), the two backends
//! `svg` and `bitmap`, and `png`.

mod absence;
mod axis;
mod bitmap;
mod cost;
mod emblem;
mod fairness;
mod heatmap;
mod histogram;
mod lanes;
mod legend;
mod lettering;
mod multiples;
mod overlay;
mod palette;
mod percentiles;
mod picture;
mod place;
mod plot;
mod png;
mod safety;
mod series;
mod sheet;
mod spread;
mod svg;
mod sweep;
mod timeline;
mod tradeoff;
mod view;
mod violation;

pub(crate) use self::axis::tick_ns;
pub use self::overlay::{Band, BandKind};
pub use self::palette::{hex, pick_colors};
pub use self::picture::SIZE;
pub use self::svg::dark_rules;
pub use self::sweep::sweep_chart;
pub use self::view::{LegendKey, View, system_keys};
pub use self::violation::scene_chart;

/// What a picture that is no chart is drawn with.
pub(crate) mod board {
    pub use super::bitmap::Bitmap;
    pub use super::lettering::{Align, Lettering, shortened};
    pub use super::palette::{INK, PAPER, SOFT};
    pub use super::picture::drawn;
    pub use super::png::encode;
    pub use super::sheet::{Drawn, Sheet, Stroke};
    pub use super::svg::{alone, escaped};
}

use self::palette::backends;
use self::picture::{Draw, Picture};
use super::Rendered;
use lockbench_report::RecordedRun;

/// One chart, drawn, with what it shows as a table beside it.
#[derive(Clone, Debug)]
pub struct Chart {
    /// File name without its ending; also its anchor in the HTML report.
    pub name: String,
    /// Title.
    pub title: String,
    /// What to see in it, one or two sentences.
    pub caption: String,
    /// Heads of the table of its data.
    pub head: Vec<String>,
    /// The data.
    pub rows: Vec<Vec<String>>,
    /// The drawing: one `<svg>` element with a `viewBox`, no fixed size.
    pub svg: String,
    /// The same, to be drawn in other formats and sizes.
    pub picture: Picture,
    /// Its parts as a page shows them, each as wide as a telephone; empty where the
    /// page shows the whole drawing.
    pub views: Vec<View>,
    /// What the marks in the views mean; systems left out, whose keys are the same in
    /// every chart.
    pub legend: Vec<LegendKey>,
}

/// A chart of a run; several where each double grant has its own.
type ChartsOf = fn(&RecordedRun) -> Result<Vec<Chart>, String>;

/// Every kind of chart, in the order in which they are read.
static CHARTS: &[ChartsOf] = &[
    percentiles::percentiles,
    histogram::histogram,
    timeline::timeline,
    heatmap::heatmap,
    safety::safety,
    violation::violations,
    fairness::fairness,
    tradeoff::tradeoff,
    cost::cost,
];

/// Every chart of a run, in the order in which they are read; none where nothing ran.
///
/// # Errors
/// Says which one could not be drawn.
pub fn charts(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let mut all = Vec::new();
    if backends(run).is_empty() {
        return Ok(all);
    }
    for chartist in CHARTS {
        all.extend(chartist(run)?);
    }
    Ok(all)
}

/// The charts as files: SVG to embed, PNG for wherever SVG is not shown.
///
/// # Errors
/// Says which one could not be drawn.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let mut files = Vec::new();
    for chart in charts(run)? {
        let png = chart.picture.png(SIZE).map_err(|error| format!("chart {}: {error}", chart.name))?;
        files.push(Rendered::new(format!("charts/{}.svg", chart.name), chart.svg));
        files.push(Rendered::new(format!("charts/{}.png", chart.name), png));
    }
    Ok(files)
}

/// What stands beside a drawing.
struct Words<'a> {
    /// File name without its ending.
    name: String,
    title: String,
    caption: String,
    head: &'a [&'a str],
    rows: Vec<Vec<String>>,
}

/// Draws a chart.
fn finish(words: Words<'_>, body: impl Draw) -> Result<Chart, String> {
    let Words { name, title, caption, head, rows } = words;
    let picture = Picture::new(&title, &caption, body);
    let svg = picture.svg(SIZE).map_err(|error| format!("chart {name}: {error}"))?;
    let head = head.iter().map(|head| (*head).to_owned()).collect();
    Ok(Chart { name, title, caption, head, rows, svg, picture, views: Vec::new(), legend: Vec::new() })
}

#[cfg(test)]
mod tests;

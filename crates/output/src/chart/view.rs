//! What a page shows of a chart: its parts, each of which can be hidden, and the keys
//! of its legend. The page writes the words, so that they are as large as its others.

use super::Chart;
use super::legend::{Entry, Key, key_svg};
use super::palette::{SeriesStyle, looks};
use super::picture::{Draw, Picture};
use super::sheet::Stroke;

/// One part of a chart.
#[derive(Clone, Debug)]
pub struct View {
    /// The system that it is of, where it is of one.
    pub system: Option<String>,
    /// What stands above it.
    pub title: String,
    /// One `<svg>` element without colours for the dark.
    pub svg: String,
}

/// One entry of a legend.
#[derive(Clone, Debug)]
pub struct LegendKey {
    /// One `<svg>` element; empty before words that head the entries behind them.
    pub svg: String,
    /// The words.
    pub label: String,
}

/// A part of a chart, drawn in that size.
pub fn view(system: Option<&str>, title: impl Into<String>, size: (u32, u32), body: impl Draw) -> Result<View, String> {
    let title = title.into();
    let label = match system {
        Some(system) if system != title => format!("{system}: {title}"),
        _ => title.clone(),
    };
    let svg = Picture::new(&label, "", body).bare(size)?;
    Ok(View { system: system.map(str::to_owned), title, svg })
}

/// The keys of a legend.
pub fn keys(entries: &[Entry]) -> Result<Vec<LegendKey>, String> {
    let key = |entry: &Entry| {
        let svg = if matches!(entry.key, Key::Heading) { String::new() } else { key_svg(entry.key)? };
        Ok(LegendKey { svg, label: entry.label.clone() })
    };
    entries.iter().map(key).collect()
}

/// The keys of these systems, by which every chart can be read.
///
/// # Errors
/// Says what could not be drawn.
pub fn system_keys(names: &[&str]) -> Result<Vec<LegendKey>, String> {
    let entry = |(name, look): (&&str, SeriesStyle)| Entry::new(line(look), *name);
    keys(&names.iter().zip(looks(names)).map(entry).collect::<Vec<_>>())
}

/// The line of a system with its mark.
pub fn line(look: SeriesStyle) -> Key {
    Key::Line(Stroke::solid(look.color, 2), Some(look.mark))
}

impl Chart {
    /// With its parts and legend for a page.
    pub(super) fn on_page(self, views: Vec<View>, legend: &[Entry]) -> Result<Self, String> {
        Ok(Self { views, legend: keys(legend)?, ..self })
    }
}

//! The charts of a page: which stands where, the legend by which systems are chosen
//! without a script, and the colours for the dark.

use std::fmt::Write as _;

use crate::chart::{Chart, LegendKey, dark_rules, hex, pick_colors, system_keys};
use crate::histograms::distinct;

/// Everything drawn.
#[derive(Default)]
pub struct Pictures {
    /// The trade-off, beside the answer.
    pub beside: Option<Chart>,
    /// What the charts show of each system and over time.
    pub charts: Vec<Shown>,
    /// Of safety: the bounds, or each double grant.
    pub safety: Vec<Chart>,
    /// The systems to choose from; none where there is no choice.
    pub picks: Vec<LegendKey>,
    /// Style rules: what is hidden when a system is not chosen, and the dark colours.
    pub style: String,
}

/// A chart and the numbers of the systems of its views.
pub struct Shown {
    /// The chart.
    pub chart: Chart,
    /// Number of the system of each view; empty for a view of all.
    pub picks: Vec<String>,
    /// Whether it is of lines, each of which can be hidden by its colours.
    pub lines: bool,
}

/// Sorts the charts of a run.
pub fn pictures(charts: Vec<Chart>) -> Result<Pictures, String> {
    let systems = charts.iter().flat_map(|chart| &chart.views).filter_map(|view| view.system.clone());
    let names = distinct(systems);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut pictures = Pictures::default();
    let mut drawn = String::new();
    for chart in charts {
        chart.views.iter().for_each(|view| drawn.push_str(&view.svg));
        chart.legend.iter().for_each(|key| drawn.push_str(&key.svg));
        if chart.name == "tradeoff" {
            pictures.beside = Some(chart);
        } else if chart.name.starts_with("safety") || chart.name.starts_with("violation") {
            pictures.safety.push(chart);
        } else {
            pictures.charts.push(shown(chart, &names));
        }
    }
    if names.len() > 1 {
        pictures.picks = system_keys(&names)?;
        pictures.picks.iter().for_each(|key| drawn.push_str(&key.svg));
        pictures.style = picking(&names);
    }
    pictures.style += &dark_rules(&drawn);
    Ok(pictures)
}

/// A chart with the numbers of its systems.
pub fn shown(chart: Chart, names: &[&str]) -> Shown {
    let number = |system: &Option<String>| names.iter().position(|name| Some(*name) == system.as_deref());
    let picks = chart.views.iter().map(|view| number(&view.system).map(|n| n.to_string()).unwrap_or_default());
    let lines = ["percentiles", "fairness", "sweep"].contains(&chart.name.as_str());
    Shown { picks: picks.collect(), lines, chart }
}

/// Hides what is of a system that is not chosen: its views, and its lines, which alone
/// have its colours.
pub fn picking(names: &[&str]) -> String {
    let mut style = String::new();
    for (number, colors) in pick_colors(names).into_iter().enumerate() {
        let off = format!(".charts:has(#pick-{number}:not(:checked))");
        let _ = write!(style, "{off} [data-pick=\"{number}\"]");
        let colors: Vec<String> = colors.into_iter().map(hex).collect();
        if !colors.is_empty() {
            let any = colors.iter().map(|color| format!("[stroke=\"{color}\"],[fill=\"{color}\"]"));
            let _ = write!(style, ",{off} .lines svg :is({})", any.collect::<Vec<_>>().join(","));
        }
        style.push_str("{display:none}\n");
    }
    style
}

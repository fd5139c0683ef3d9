//! Chart 9: what a grant costs. Requests sent and processor time of the servers per
//! grant, one bar per system; where a bare loop was measured on the machine, also the time of lockbench and what the
//! client library alone would have taken of it.

use std::sync::Arc;

use plotters_backend::DrawingBackend;

use super::axis::{Axis, tick_ns, tick_number};
use super::legend::{Entry, Key, with_legend};
use super::lettering::{Lettering, shortened};
use super::palette::{INK, PAPER, SOFT, SeriesStyle, backends, looks, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::spread::{Spread, spread};
use super::view::view;
use super::{Chart, Words, finish};
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::figure::{Unit, find};
use lockbench_report::{OwnCost, RecordedRun};

/// From this ratio of the largest to the smallest bar on, the axis is logarithmic.
const WIDE: f64 = 50.0;

/// One figure of every system.
struct Panel {
    title: &'static str,
    unit: Unit,
    bars: Vec<Spread>,
    /// What each bar has in it of something else, where that is known.
    within: Vec<Option<f64>>,
}

struct Cost {
    names: Vec<String>,
    looks: Vec<SeriesStyle>,
    panels: Vec<Panel>,
}

/// The chart.
pub fn cost(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let names = backends(run);
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut panels = Vec::new();
    for (name, title) in
        [("requests_per_grant", "requests sent per grant"), ("server_cpu_per_grant", "server CPU time per grant")]
    {
        let figure = find(name)?;
        let bars = names.iter().map(|backend| spread(run, &figure, backend)).collect();
        panels.push(Panel { title, unit: figure.unit(), bars, within: vec![None; names.len()] });
    }
    panels.extend(of_lockbench(run, &names)?);
    let row = |(i, name): (usize, &&str)| {
        let mut row = vec![(*name).to_owned()];
        for panel in &panels {
            row.extend(panel.bars[i].cells(|value| written(value, panel.unit)));
        }
        row.extend(
            panels.get(2).map(|panel| panel.within[i].map_or_else(|| "-".to_owned(), |ns| written(ns, panel.unit))),
        );
        row
    };
    let rows = names.iter().enumerate().map(row).collect();
    let words = Words {
        name: "cost".to_owned(),
        title: "What a grant costs".to_owned(),
        caption: caption(&panels),
        head: if panels.len() > 2 { &HEAD } else { &HEAD[..5] },
        rows,
    };
    let body =
        Arc::new(Cost { names: names.iter().map(|name| (*name).to_owned()).collect(), looks: looks(&names), panels });
    let size = (400, 80 + 30 * names.len() as u32);
    let part = |number: usize| {
        let title = body.panels[number].title;
        view(None, title, size, Part { of: Arc::clone(&body), number })
    };
    let views = (0..body.panels.len()).map(part).collect::<Result<Vec<_>, _>>()?;
    let legend = body.legend();
    Ok(vec![finish(words, body)?.on_page(views, &legend)?])
}

/// Head of the table beside it; the last three columns are of runs with bare loops.
const HEAD: [&str; 8] = [
    "backend",
    "requests per grant",
    "range of trials",
    "server CPU per grant",
    "range of trials",
    "lockbench CPU per grant",
    "range of trials",
    "of that the client library",
];

/// The processor time of lockbench, where a bare loop says what the client library would have taken without it.
fn of_lockbench(run: &RecordedRun, names: &[&str]) -> Result<Option<Panel>, String> {
    let library = |name: &&str| {
        let mut costs = run.report.tool.own_costs.iter();
        costs.find(|cost| cost.backend == **name).and_then(OwnCost::library_cpu_ns)
    };
    let within: Vec<Option<f64>> = names.iter().map(library).collect();
    if within.iter().all(Option::is_none) {
        return Ok(None);
    }
    let figure = find("client_cpu_per_grant")?;
    let bars = names.iter().map(|backend| spread(run, &figure, backend)).collect();
    Ok(Some(Panel { title: "lockbench CPU time per grant", unit: figure.unit(), bars, within }))
}

/// One of its panels.
struct Part {
    of: Arc<Cost>,
    number: usize,
}

impl Draw for Part {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        self.of.panel(sheet, &self.of.panels[self.number], true)
    }
}

fn caption(panels: &[Panel]) -> String {
    let mut text =
        "Shorter is cheaper. Requests are those of acquire, polls and release; a system that polls sends more \
                    of them, the longer its clients wait. CPU time is that of all its servers in the measure phase."
            .to_owned();
    if panels.len() > 2 {
        text += " CPU time of lockbench has that of the client library and the kernel below it in it: the darker part is what \
                 a bare loop over the same library takes on this machine (lockbench overhead), which waits for nobody.";
    }
    if panels.iter().any(|panel| panel.bars.iter().any(|bar| bar.range.is_some())) {
        text += " Thin line: lowest to highest trial.";
    }
    if panels.iter().any(|panel| logarithmic(&panel.bars)) {
        text += " Where the axis is logarithmic, read the numbers: lengths of bars do not compare.";
    }
    text
}

fn written(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Duration => human_duration(value as u64),
        _ => three_digits(value),
    }
}

/// Every value drawn: bars and the ends of ranges.
fn values(bars: &[Spread]) -> impl Iterator<Item = f64> {
    let of = |bar: &Spread| {
        let (low, high) = bar.range.unzip();
        [bar.value.as_ref().ok().copied(), low, high]
    };
    bars.iter().flat_map(of).flatten()
}

fn logarithmic(bars: &[Spread]) -> bool {
    let positive = || values(bars).filter(|value| *value > 0.0);
    positive().fold(0.0, f64::max) / positive().fold(f64::MAX, f64::min) > WIDE
}

impl Panel {
    /// The axis, with room behind the longest bar for its value.
    fn axis(&self) -> Axis {
        let high = values(&self.bars).fold(0.0, f64::max);
        let low = values(&self.bars).filter(|value| *value > 0.0).fold(high, f64::min);
        let nanoseconds = self.unit == Unit::Duration;
        let name = |value: f64| if nanoseconds && value > 0.0 { tick_ns(value as u64) } else { tick_number(value) };
        if logarithmic(&self.bars) {
            return Axis::log(
                &format!("{} (log scale)", self.title),
                low / 3.0,
                high * (high / low).powf(0.45) * 2.0,
                name,
            );
        }
        Axis::linear(self.title, 0.0, if high > 0.0 { high * 1.5 } else { 1.0 }, name)
    }
}

impl Cost {
    fn legend(&self) -> Vec<Entry> {
        let ranges = self.panels.iter().any(|panel| panel.bars.iter().any(|bar| bar.range.is_some()));
        let bar = if ranges { "all trials" } else { "one trial, so no range" };
        let mut entries = vec![Entry::new(Key::Patch(mixed(SOFT, PAPER, 0.5)), bar)];
        if self.panels.len() > 2 {
            entries.push(Entry::new(Key::Patch(SOFT), "of that the client library"));
        }
        if ranges {
            entries.push(Entry::new(Key::Line(Stroke::solid(INK, 2), None), "lowest to highest trial"));
        }
        entries
    }

    fn panel<DB: DrawingBackend>(&self, sheet: &Sheet<DB>, panel: &Panel, named: bool) -> Drawn<DB> {
        if panel.bars.iter().all(|bar| bar.value.is_err()) {
            let why = panel.bars.iter().find_map(|bar| bar.value.as_ref().err());
            let why = why.map_or("no backend ran", String::as_str);
            return sheet.nothing(&format!("{} was not measured: {why}", panel.title));
        }
        let names = if named { self.names.clone() } else { vec![String::new(); self.names.len()] };
        let plot = Plot::new(sheet, panel.axis(), Axis::bands("", &names).reversed());
        plot.axes()?;
        let thick = (f64::from(plot.to.1 - plot.from.1) / self.names.len().max(1) as f64 * 0.28) as i32;
        let thick = thick.clamp(2, sheet.ems(1.6));
        for (i, bar) in panel.bars.iter().enumerate() {
            let y = plot.up(i as f64 + 0.5);
            let text = Lettering { scale: 0.9, ..Lettering::PLAIN };
            let Ok(value) = &bar.value else {
                let why = bar.value.as_ref().err().map_or("", String::as_str);
                let room = plot.to.0 - plot.from.0 - sheet.ems(1.0);
                let why = shortened(&format!("not measured: {why}"), sheet.em() * text.scale, false, room);
                sheet.text((plot.from.0 + sheet.ems(0.5), y), &why, Lettering { color: SOFT, ..text })?;
                continue;
            };
            let (look, end) = (self.looks[i], plot.across(*value));
            sheet.fill((plot.from.0, y - thick), (end, y + thick), mixed(look.color, PAPER, 0.5))?;
            sheet.outline((plot.from.0, y - thick), (end, y + thick), Stroke::solid(look.color, 1))?;
            if let Some(within) = panel.within[i] {
                let until = plot.across(within.min(*value));
                sheet.fill((plot.from.0, y - thick), (until, y + thick), look.color)?;
            }
            let mut after = end;
            if let Some((low, high)) = bar.range {
                let (low, high) = (plot.across(low), plot.across(high));
                sheet.line(&[(low, y), (high, y)], Stroke::solid(INK, 2))?;
                for at in [low, high] {
                    sheet.line(&[(at, y - thick / 2), (at, y + thick / 2)], Stroke::solid(INK, 2))?;
                }
                after = after.max(high);
            }
            sheet.text((after + sheet.ems(0.5), y), &written(*value, panel.unit), text)?;
        }
        Ok(())
    }
}

impl Draw for Cost {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let rest = with_legend(sheet, &self.legend())?;
        let (w, h) = rest.size();
        // The left panel has the names, the others the same rows.
        let ends: &[i32] = if self.panels.len() > 2 { &[8, 14, 20] } else { &[11, 20] };
        let mut from = 0;
        for (panel, end) in self.panels.iter().zip(ends) {
            let to = w * *end / 20;
            self.panel(&rest.part((from, 0), (to, h)), panel, from == 0)?;
            from = to;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{cost, logarithmic};
    use crate::chart::spread::Spread;
    use crate::sample;
    use lockbench_report::{OwnCost, Pace, Turn};

    #[test]
    fn values_stand_at_the_bars_and_reasons_where_there_is_none() {
        let mut run = sample::recorded();
        run.report.results[0].resources.server_cpu_s = None;
        let why = "no server of ours to ask".to_owned();
        run.report.results[0].not_available.insert("resources.server_cpu_s".to_owned(), why);
        let chart = cost(&run).unwrap().remove(0);
        assert_eq!(chart.rows[0], ["redis", "3.50", "-", "- (no server of ours to ask)", "-"]);
        assert_eq!(chart.rows[1], ["redlock", "3.50", "-", "250 us", "-"]);
        assert!(chart.svg.contains(">3.50</text>") && chart.svg.contains(">250 us</text>"));
        assert!(chart.svg.contains("not measured: no server"));
        assert!(!chart.caption.contains("Thin line"));
    }

    #[test]
    fn a_bare_loop_shows_what_of_it_is_the_client_librarys() {
        let mut run = sample::recorded();
        let bare = Pace { cycles_per_s: 900.0, p50_ns: 1e6, p99_ns: Some(2e6), cpu_ns: 40_000.0 };
        let turns = vec![Turn { bare, run: Pace { cpu_ns: 50_000.0, ..bare }, recorder_cpu_ns: None }];
        run.report.tool.own_costs = vec![OwnCost { backend: "redis".to_owned(), turns, ..OwnCost::default() }];
        let chart = cost(&run).unwrap().remove(0);
        assert_eq!((chart.rows[0].len(), chart.rows[0][7].as_str(), chart.rows[1][7].as_str()), (8, "40.0 us", "-"));
        assert!(chart.svg.contains("lockbench CPU time per grant") && chart.caption.contains("the darker part"));
        assert_eq!(cost(&sample::recorded()).unwrap().remove(0).rows[0].len(), 5);
    }

    #[test]
    fn trials_give_a_range() {
        let chart = cost(&sample::crowd(10)).unwrap().remove(0);
        assert_eq!(chart.rows.len(), 10);
        assert!(chart.rows[9][4].contains(" to ") && chart.caption.contains("Thin line"));
    }

    #[test]
    fn only_a_wide_spread_makes_the_axis_logarithmic() {
        let bar = |value| Spread { value: Ok(value), range: None, trials: 1 };
        assert!(logarithmic(&[bar(2.0), bar(180.0)]));
        assert!(!logarithmic(&[bar(2.0), bar(90.0)]) && !logarithmic(&[]) && !logarithmic(&[bar(0.0)]));
    }

    #[test]
    fn without_a_grant_the_reason_is_told() {
        let svg = cost(&sample::timeouts()).unwrap().remove(0).svg;
        assert!(svg.contains("requests sent per grant was not measured"), "{svg}");
        assert!(cost(&sample::empty()).unwrap().is_empty());
    }
}

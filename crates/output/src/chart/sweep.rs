//! Chart 8: a sweep. Throughput and p99 wait against the number that was varied, one
//! line per system, the knee of each marked.

use std::sync::Arc;

use plotters::backend::DrawingBackend;

use super::axis::{Axis, tick_number};
use super::legend::{Entry, Key, with_legend};
use super::palette::{ALARM, Mark, SOFT, SeriesStyle, looks};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::view::view;
use super::{Chart, Words, finish};
use crate::sweep::systems;
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::SafetyVerdict;
use lockbench_report::sweep::{Sweep, SweepFigures};

struct Line {
    name: String,
    look: SeriesStyle,
    /// Value and figures.
    points: Vec<(f64, SweepFigures)>,
    knee: Option<f64>,
}

struct Curves {
    key: String,
    /// The values and how they were written.
    values: Vec<(f64, String)>,
    lines: Vec<Line>,
}

/// The chart of a sweep.
///
/// # Errors
/// If it cannot be drawn.
pub fn sweep_chart(sweep: &Sweep) -> Result<Chart, String> {
    let names = systems(sweep);
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for (name, look) in names.iter().zip(looks(&names)) {
        let of = |point: &lockbench_report::sweep::SweepPoint| Some((point.value, point.backends.get(*name)?.clone()));
        let points: Vec<(f64, SweepFigures)> = sweep.points.iter().filter_map(of).collect();
        let knee = sweep.knees.get(*name).copied();
        rows.extend(sweep.points.iter().filter_map(|point| row(name, point, knee)));
        lines.push(Line { name: (*name).to_owned(), look, points, knee });
    }
    let words = Words {
        name: "sweep".to_owned(),
        title: format!("{}: throughput and wait over {}", sweep.workload, sweep.key),
        caption: "Above: a line that bends has reached what the lock can hand out; the ringed knee is where more load \
                  begins to bring little. Below: what that load costs the clients that wait. A red cross is a run with double \
                  grants. Bars span the trials, where there are several."
            .to_owned(),
        head: &["backend", "value", "grants/s", "trials from", "trials to", "acquire p99", "knee", "double grants"],
        rows,
    };
    let values = sweep.points.iter().map(|point| (point.value, point.text.clone())).collect();
    let body = Arc::new(Curves { key: sweep.key.clone(), values, lines });
    let size = (480, 340);
    let views = vec![
        view(None, "throughput", size, Half::Rates(Arc::clone(&body)))?,
        view(None, "p99 of the acquire wait", size, Half::Waits(Arc::clone(&body)))?,
    ];
    let marks = body.marks();
    finish(words, body)?.on_page(views, &marks)
}

fn row(name: &str, point: &lockbench_report::sweep::SweepPoint, knee: Option<f64>) -> Option<Vec<String>> {
    let figures = point.backends.get(name)?;
    let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), three_digits);
    let range = figures.throughput_range_per_s;
    Some(vec![
        name.to_owned(),
        point.text.clone(),
        rate(figures.throughput_per_s),
        rate(range.map(|range| range.0)),
        rate(range.map(|range| range.1)),
        figures
            .acquire_response_p99_ns
            .or(figures.acquire_service_p99_ns)
            .map_or_else(|| "-".to_owned(), |ns| human_duration(ns as u64)),
        if knee == Some(point.value) { "knee".to_owned() } else { String::new() },
        figures.double_grants.to_string(),
    ])
}

impl Curves {
    /// The axis of the values, each of which has its own tick.
    fn across(&self) -> Axis {
        let (low, high) = (self.values.first().map_or(1.0, |v| v.0), self.values.last().map_or(1.0, |v| v.0));
        let name = |value: f64| {
            let written = self.values.iter().find(|(at, _)| (at - value).abs() <= value.abs() * 1e-9);
            written.map_or_else(String::new, |(_, text)| text.clone())
        };
        let at: Vec<f64> = self.values.iter().map(|(value, _)| *value).collect();
        if low > 0.0 && high > 10.0 * low {
            Axis::log(&self.key, low / 1.15, high * 1.15, |_| String::new()).with_ticks(&at, name)
        } else {
            let room = (high - low) * 0.04;
            Axis::linear(&self.key, low - room, high + room, |_| String::new()).with_ticks(&at, name)
        }
    }

    fn legend(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .lines
            .iter()
            .map(|line| Entry::new(Key::Line(Stroke::of(line.look), Some(line.look.mark)), line.name.clone()))
            .collect();
        entries.extend(self.marks());
        entries
    }

    /// Marks, whatever the system.
    fn marks(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.lines.iter().any(|line| line.knee.is_some()) {
            entries.push(Entry::new(Key::Mark(Mark::Ring, SOFT), "knee"));
        }
        let violated = |line: &Line| line.points.iter().any(|(_, f)| f.verdict == SafetyVerdict::Violated);
        if self.lines.iter().any(violated) {
            entries.push(Entry::new(Key::Mark(Mark::Cross, ALARM), "double grants"));
        }
        entries
    }

    /// One panel: the figure of each point, and its range if it has one.
    fn panel<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, of: Figure) -> Drawn<DB> {
        plot.axes()?;
        for line in &self.lines {
            let points: Vec<(f64, f64)> =
                line.points.iter().filter_map(|(value, figures)| Some((*value, (of.value)(figures)?))).collect();
            plot.line(&points, Stroke::of(line.look))?;
            for (value, figures) in &line.points {
                let Some(at) = (of.value)(figures) else { continue };
                if let Some((low, high)) = (of.range)(figures) {
                    plot.line(&[(*value, low), (*value, high)], Stroke::solid(line.look.color, 2))?;
                }
                plot.mark((*value, at), line.look.mark, line.look.color)?;
                if of.knees && line.knee == Some(*value) {
                    let r = plot.sheet.ems(0.75);
                    plot.sheet.mark(plot.at(*value, at), Mark::Ring, r, SOFT)?;
                }
                if figures.verdict == SafetyVerdict::Violated {
                    plot.sheet.mark(plot.at(*value, at), Mark::Cross, plot.sheet.ems(0.55), ALARM)?;
                }
            }
        }
        Ok(())
    }
}

/// A figure of a panel.
#[derive(Clone, Copy)]
struct Figure {
    value: fn(&SweepFigures) -> Option<f64>,
    range: fn(&SweepFigures) -> Option<(f64, f64)>,
    knees: bool,
}

const THROUGHPUT: Figure = Figure {
    value: |figures| figures.throughput_per_s.filter(|rate| *rate > 0.0),
    range: |figures| figures.throughput_range_per_s.filter(|range| range.0 > 0.0),
    knees: true,
};

const P99: Figure = Figure { value: |figures| figures.acquire_service_p99_ns, range: |_| None, knees: false };

/// Where attempts are due by the clock.
const RESPONSE_P99: Figure = Figure { value: |figures| figures.acquire_response_p99_ns, range: |_| None, knees: false };

/// One of its two plots.
enum Half {
    Rates(Arc<Curves>),
    Waits(Arc<Curves>),
}

impl Curves {
    fn values(&self, of: Figure) -> Vec<f64> {
        self.lines.iter().flat_map(|line| &line.points).filter_map(|(_, figures)| (of.value)(figures)).collect()
    }

    fn rates<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let Some((low, high)) = ends(&self.values(THROUGHPUT)) else {
            return sheet.nothing("nothing was granted at any value");
        };
        let up = Axis::log("grants per second (log scale)", low / 1.5, high * 1.5, tick_number);
        self.panel(&Plot::new(sheet, self.across(), up), THROUGHPUT)
    }

    fn waits<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let (figure, name) = match self.values(RESPONSE_P99).is_empty() {
            true => (P99, "acquire service p99 (log scale)"),
            false => (RESPONSE_P99, "acquire response p99 (log scale)"),
        };
        let Some((low, high)) = ends(&self.values(figure)) else {
            return sheet.nothing("p99 needs a thousand grants, and timeouts below 1 %");
        };
        let up = Axis::log_ns(name, low as u64, high as u64);
        self.panel(&Plot::new(sheet, self.across(), up), figure)
    }
}

fn ends(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?;
    Some((low, values.iter().copied().fold(low, f64::max)))
}

impl Draw for Curves {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        if self.values(THROUGHPUT).is_empty() {
            return self.rates(sheet);
        }
        let rest = with_legend(sheet, &self.legend())?;
        let panels = rest.rows(2, sheet.ems(0.4));
        self.rates(&panels[0])?;
        self.waits(&panels[1])
    }
}

impl Draw for Half {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        match self {
            Self::Rates(of) => of.rates(sheet),
            Self::Waits(of) => of.waits(sheet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sweep_chart;
    use crate::sample::sweep as sample;

    #[test]
    fn every_value_and_system_is_in_the_picture() {
        let chart = sweep_chart(&sample()).unwrap();
        for text in ["redis", "redlock", "zookeeper", "knee", "double grants", ">64<", ">16<", "clients"] {
            assert!(chart.svg.contains(text), "{text}");
        }
        assert_eq!(chart.rows.len(), 12);
        assert_eq!(chart.rows.iter().filter(|row| row[6] == "knee").count(), 1);
    }

    #[test]
    #[ignore = "writes a picture to look at"]
    fn sweep_to_look_at() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/charts");
        std::fs::create_dir_all(&root).unwrap();
        for size in [(1_200, 720), (640, 400)] {
            let png = sweep_chart(&sample()).unwrap().picture.png(size).unwrap();
            std::fs::write(root.join(format!("sweep-{}.png", size.0)), png).unwrap();
        }
    }
}

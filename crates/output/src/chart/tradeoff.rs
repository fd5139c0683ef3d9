//! Chart 7: the trade-off. Throughput against the 99th percentile of the acquire
//! wait, one point per system with its range over the trials; the mark says what a
//! crash leaves of its locks and what the oracle saw.

use std::sync::Arc;

use plotters_backend::DrawingBackend;

use super::axis::{Axis, tick_number};
use super::emblem::{around, emblem, ringed};
use super::legend::{Entry, Key, with_legend};
use super::lettering::{Align, Lettering, wrap};
use super::palette::{ALARM, INK, SOFT, backends};
use super::picture::Draw;
use super::place::{Frame, Places};
use super::plot::Plot;
use super::sheet::{Drawn, Pixel, Sheet, Stroke};
use super::spread::{Spread, spread};
use super::view::view;
use super::{Chart, Words, finish};
use crate::mark::of_safety;
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::figure::find;
use lockbench_report::{Copies, Durability, RecordedRun, SafetyVerdict, Storage, TrialResult};

/// One system.
struct Point {
    name: String,
    /// Grants per second.
    rate: Spread,
    /// 99th percentile of the acquire wait (service time) in nanoseconds.
    wait: Spread,
    durability: Durability,
    verdict: SafetyVerdict,
}

/// Size on a page, where it stands beside the answer.
const VIEW: (u32, u32) = (560, 360);

struct Tradeoff {
    points: Vec<Point>,
    /// Systems without a place, and why.
    unplaced: Vec<String>,
}

/// The chart.
pub fn tradeoff(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let (throughput, p99) = (find("throughput")?, find("acquire_service.p99")?);
    let mut all = Vec::new();
    for backend in backends(run) {
        let mut trials = run.report.results.iter().filter(|result| result.backend == backend);
        let ran = trials.clone().find(|result| result.error.is_none()).or_else(|| trials.next());
        let aggregate = run.report.aggregates.iter().find(|aggregate| aggregate.backend == backend);
        all.push(Point {
            name: backend.to_owned(),
            rate: spread(run, &throughput, backend),
            wait: spread(run, &p99, backend),
            durability: Durability::of(ran.unwrap_or(&TrialResult::default())),
            verdict: aggregate.map_or(SafetyVerdict::Unknown, |aggregate| aggregate.verdict),
        });
    }
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let all_rows = rows.len();
    let caption = caption(&all);
    let unplaced = all.iter().filter_map(|point| Some(format!("{}: {}", point.name, why_unplaced(point)?))).collect();
    let points = all.into_iter().filter(|point| why_unplaced(point).is_none()).collect();
    let words = Words {
        name: "tradeoff".to_owned(),
        title: "Throughput against wait".to_owned(),
        caption,
        head: &["backend", "grants/s", "range of trials", "p99 wait", "range of trials", "durability", "safety"],
        rows,
    };
    if all_rows == 0 {
        return Ok(Vec::new());
    }
    let body = Arc::new(Tradeoff { points, unplaced });
    let views = vec![view(None, "throughput against wait", VIEW, Arc::clone(&body))?];
    let legend = body.legend();
    Ok(vec![finish(words, body)?.on_page(views, &legend)?])
}

fn why_unplaced(point: &Point) -> Option<String> {
    match (&point.rate.value, &point.wait.value) {
        (Ok(rate), _) if *rate <= 0.0 => Some("no grants".to_owned()),
        (Ok(_), Ok(_)) => None,
        (Ok(_), Err(why)) => Some(format!("no p99 ({why})")),
        (Err(why), _) => Some(why.clone()),
    }
}

fn row(point: &Point) -> Vec<String> {
    let mut row = vec![point.name.clone()];
    row.extend(point.rate.cells(three_digits));
    row.extend(point.wait.cells(|ns| human_duration(ns as u64)));
    row.extend([point.durability.to_string(), of_safety(point.verdict).word.to_owned()]);
    row
}

fn caption(points: &[Point]) -> String {
    let most = points.iter().map(|point| point.rate.trials.max(point.wait.trials)).max().unwrap_or(0);
    let range = match most {
        0 | 1 => "One trial per system: no interval can be given.".to_owned(),
        trials if points.iter().any(|point| point.wait.trials < trials) => {
            format!("Bars: lowest to highest of {trials} trials, where a trial has a p99 of its own.")
        }
        trials => format!("Bars: lowest to highest of {trials} trials."),
    };
    format!(
        "Better is down and to the right: shorter waits, more grants. Shape and ring say what a crash leaves of the \
         locks: systems with different ones make different promises, do not rank them against each other. {range}"
    )
}

impl Tradeoff {
    /// Marks to explain, and their words: only those that are in the picture.
    fn legend(&self) -> Vec<Entry> {
        // Shapes in the colour of no verdict.
        let shape = |durability| Key::Emblem(durability, SafetyVerdict::NotExercised);
        let mut entries = vec![Entry::new(Key::Heading, "after a crash")];
        for storage in [Storage::Memory, Storage::Unsynced, Storage::Synced, Storage::Unknown] {
            if self.points.iter().any(|point| point.durability.storage == storage) {
                entries.push(Entry::new(shape(Durability { storage, copies: Copies::One }), storage.name()));
            }
        }
        if let Some(point) = self.points.iter().find(|point| ringed(point.durability.copies)) {
            entries.push(Entry::new(shape(point.durability), "ring: several nodes"));
        }
        entries.push(Entry::new(Key::Heading, "safety"));
        for verdict in
            [SafetyVerdict::Valid, SafetyVerdict::Violated, SafetyVerdict::NotExercised, SafetyVerdict::Unknown]
        {
            if self.points.iter().any(|point| point.verdict == verdict) {
                entries.push(Entry::new(Key::Verdict(verdict), of_safety(verdict).word));
            }
        }
        entries
    }

    /// Writes below which systems have no place, and gives the rest of the sheet.
    fn with_unplaced<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB, Sheet<DB>> {
        if self.unplaced.is_empty() {
            return Ok(sheet.part((0, 0), sheet.size()));
        }
        let (w, h) = sheet.size();
        let words = Lettering { scale: 0.88, color: SOFT, ..Lettering::PLAIN };
        let text = format!("no place in the plot: {}", self.unplaced.join("; "));
        let lines = wrap(&text, sheet.em() * words.scale, false, w - sheet.ems(1.0));
        let step = sheet.ems(1.25);
        let top = h - step * lines.len() as i32;
        for (i, line) in (0..).zip(&lines) {
            sheet.text((sheet.ems(0.5), top + i * step + step / 2), line, words)?;
        }
        Ok(sheet.part((0, 0), (w, top - sheet.ems(0.3))))
    }

    fn plot<'a, DB: DrawingBackend>(&self, sheet: &'a Sheet<DB>) -> Plot<'a, DB> {
        let ends = |of: fn(&Point) -> &Spread| {
            let mut ends = (f64::MAX, f64::MIN);
            for spread in self.points.iter().map(of) {
                let range = spread.range.unwrap_or((f64::MAX, f64::MIN));
                let value = spread.value.as_ref().copied().unwrap_or(1.0);
                ends = (ends.0.min(range.0).min(value), ends.1.max(range.1).max(value));
            }
            (ends.0.max(1e-3), ends.1)
        };
        let (low, high) = ends(|point| &point.rate);
        let (low, high) = if high < low * 10.0 { (low / 3.0, high * 3.0) } else { (low * 0.6, high * 1.8) };
        let x = Axis::log("throughput, grants per second (log scale)", low, high, tick_number);
        let (low, high) = ends(|point| &point.wait);
        let y = Axis::log_ns("p99 of the acquire wait, service time (log scale)", low as u64, high as u64);
        Plot::new(sheet, x, y)
    }

    /// The range of a point: a bar along each axis, with ends.
    fn bars<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, point: &Point, places: &mut Places) -> Drawn<DB> {
        let (x, y) = place(plot, point);
        let (stroke, end) = (Stroke::solid(SOFT, 2), plot.sheet.ems(0.3));
        if let Some((low, high)) = point.rate.range {
            let (low, high) = (plot.across(low), plot.across(high));
            plot.sheet.line(&[(low, y), (high, y)], stroke)?;
            for at in [low, high] {
                plot.sheet.line(&[(at, y - end), (at, y + end)], stroke)?;
            }
            places.spare(Frame((low, y - end), (high, y + end)));
        }
        if let Some((low, high)) = point.wait.range {
            let (low, high) = (plot.up(low), plot.up(high));
            plot.sheet.line(&[(x, low), (x, high)], stroke)?;
            for at in [low, high] {
                plot.sheet.line(&[(x - end, at), (x + end, at)], stroke)?;
            }
            places.spare(Frame((x - end, high), (x + end, low)));
        }
        Ok(())
    }

    fn label<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, point: &Point, places: &mut Places) -> Drawn<DB> {
        let sheet = plot.sheet;
        // Not by colour alone: what is not valid says so.
        let (text, bold) = match point.verdict {
            SafetyVerdict::Valid => (point.name.clone(), false),
            verdict => (format!("{} ({})", point.name, of_safety(verdict).word), verdict == SafetyVerdict::Violated),
        };
        let color = if bold { ALARM } else { INK };
        let lettering = Lettering { bold, color, ..Lettering::PLAIN }.aligned(Align::Center);
        let (at, r) = (place(plot, point), sheet.ems(0.6).max(6));
        let half = (sheet.width(&text, lettering) / 2 + sheet.ems(0.4), sheet.ems(0.6));
        let found = places.label(at, half, r + sheet.ems(0.2));
        // A label that found no room beside its mark is led to it.
        let (dx, dy) = ((found.0 - at.0).abs() - half.0, (found.1 - at.1).abs() - half.1);
        if dx.max(dy) > r + sheet.ems(1.2) {
            let near =
                (found.0 + (at.0 - found.0).clamp(-half.0, half.0), found.1 + (at.1 - found.1).clamp(-half.1, half.1));
            sheet.line(&[at, near], Stroke::solid(SOFT, 1))?;
        }
        sheet.text(found, &text, lettering)
    }
}

fn place<DB: DrawingBackend>(plot: &Plot<'_, DB>, point: &Point) -> Pixel {
    let of = |spread: &Spread| spread.value.as_ref().copied().unwrap_or(1.0);
    plot.at(of(&point.rate), of(&point.wait))
}

impl Draw for Tradeoff {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        if self.points.is_empty() {
            let why = self.unplaced.join("; ");
            return sheet.nothing(if why.is_empty() { "no backend ran" } else { &why });
        }
        let rest = with_legend(sheet, &self.legend())?;
        let rest = self.with_unplaced(&rest)?;
        let plot = self.plot(&rest);
        plot.axes()?;
        let mut places = Places::new(Frame(plot.from, plot.to));
        let hint = Lettering { scale: 0.88, color: SOFT, ..Lettering::PLAIN }.aligned(Align::Right);
        let corner = (plot.to.0 - rest.ems(0.6), plot.to.1 - rest.ems(0.9));
        rest.text(corner, "better ↘", hint)?;
        places.take(Frame((corner.0 - rest.width("better ↘", hint), corner.1 - rest.ems(0.7)), plot.to));
        let r = rest.ems(0.6).max(6);
        for point in &self.points {
            places.take(Frame::around(place(&plot, point), (around(r), around(r))));
            self.bars(&plot, point, &mut places)?;
        }
        for point in &self.points {
            self.label(&plot, point, &mut places)?;
        }
        let emblem = |point: &Point| emblem(&rest, place(&plot, point), r, point.durability, point.verdict);
        self.points.iter().try_for_each(emblem)
    }
}

#[cfg(test)]
mod tests {
    use super::tradeoff;
    use crate::sample;

    #[test]
    fn every_system_is_labelled_and_the_range_of_its_trials_told() {
        let chart = tradeoff(&sample::crowd(10)).unwrap().remove(0);
        for name in ["redis", "zookeeper", "postgres:advisory", "control:no-renew"] {
            assert!(chart.svg.contains(&format!(">{name}</text>")), "{name}");
        }
        assert!(chart.caption.contains("of 3 trials") && chart.caption.contains("do not rank"));
        assert_eq!(chart.rows[0][2], "420 to 460");
    }

    #[test]
    fn durability_and_verdict_are_in_the_legend_and_the_table() {
        let mut run = sample::recorded();
        run.report.results[0].durability = "fsync on, synchronous_commit on, full_page_writes on".into();
        run.report.results[1].quorum = "3 of 5".into();
        let chart = tradeoff(&run).unwrap().remove(0);
        assert!(chart.svg.contains(">disk, synced<") && chart.svg.contains(">ring: several nodes<"));
        assert!(chart.svg.contains(">redlock (VIOLATED)</text>") && chart.svg.contains(">redis</text>"));
        assert!(chart.svg.contains(">VIOLATED<") && chart.svg.contains(">valid<"));
        assert_eq!(chart.rows[1][5..], ["quorum of 5, unknown", "VIOLATED"]);
        assert!(chart.caption.contains("no interval"));
    }

    #[test]
    fn a_system_without_a_p99_has_no_place_and_is_told_so() {
        let mut run = sample::recorded();
        run.report.aggregates[1].latency.acquire_service.p99_ns = None;
        let chart = tradeoff(&run).unwrap().remove(0);
        assert!(chart.svg.contains("no place in the plot: redlock: no p99 (not measured)"));
        assert!(tradeoff(&sample::timeouts()).unwrap()[0].svg.contains("no data: redis: no grants"));
        assert!(tradeoff(&sample::empty()).unwrap().is_empty());
    }
}

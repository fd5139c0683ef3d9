//! Chart 3: what happened when. Grants a second and the waits of each second, one
//! panel a figure on one time axis, one line a system; double grants marked, faults
//! and the phases that do not count shaded.

use plotters_backend::DrawingBackend;

use super::absence;
use super::axis::{Axis, tick_number};
use super::legend::{Entry, Key, with_legend};
use super::lettering::{Align, Lettering};
use super::overlay::{Band, Overlay};
use super::palette::{ALARM, Look, SHADE, SOFT, backends, looks, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::series::{Point, points};
use super::sheet::{Drawn, Sheet, Stroke};
use super::{Chart, Words, finish};
use crate::report::RecordedRun;
use crate::units::{SECOND, grouped, human_duration, three_digits};

/// Marks on one line.
const MARKS: usize = 8;

/// One system's first measured trial.
struct Line {
    label: String,
    look: Look,
    points: Vec<Point>,
}

struct Timeline {
    lines: Vec<Line>,
    overlay: Overlay,
    warmup_s: f64,
    /// End of the measure phase and of everything.
    measured_s: f64,
    end_s: f64,
    /// Why there is nothing to draw, or no wait, should that be so.
    reason: String,
}

/// The chart.
pub fn timeline(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    // The fault engine will say when faults were in force.
    Ok(vec![with_bands(run, &[])?])
}

fn with_bands(run: &RecordedRun, bands: &[Band]) -> Result<Chart, String> {
    let names = backends(run);
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    let mut body = Timeline {
        lines: Vec::new(),
        overlay: Overlay::new(bands),
        warmup_s: 0.0,
        measured_s: 0.0,
        end_s: 0.0,

        reason: absence::of_run(run),
    };
    let alone = names.len() < 2;
    for (name, look) in names.iter().zip(looks(&names)) {
        // A double grant in a later trial must not be hidden by a clean first one.
        let doubled = run.of(name).find(|trial| trial.double_grants.iter().any(|count| *count > 0));
        let Some(first) = doubled.or_else(|| run.of(name).next()) else { continue };
        let points = points(first)?;
        let double_grants: u64 = first.double_grants.iter().sum();
        let label = match (double_grants, first.trial) {
            (0, _) => (*name).to_owned(),
            (1, 1) => format!("{name} (1 double grant)"),
            (count, 1) => format!("{name} ({} double grants)", grouped(count)),
            (count, trial) => format!("{name}, trial {trial} ({} double)", grouped(count)),
        };
        let warmup_s = first.warmup_ns as f64 / SECOND as f64;
        let measured_s = warmup_s + first.measured_ns as f64 / SECOND as f64;
        let end_s = first.windows.last().map_or(0.0, |last| last.second as f64 + 1.0);
        body.warmup_s = body.warmup_s.max(warmup_s);
        body.measured_s = body.measured_s.max(measured_s);
        body.end_s = body.end_s.max(measured_s).max(end_s);
        body.overlay.add(first, (!alone).then_some(*name), 0.0);
        rows.push(row(name, &points, double_grants));
        lines.push(Line { label, look, points });
    }
    body.lines = lines;
    let words = Words {
        name: "timeline".to_owned(),
        title: "Grants and waits over time".to_owned(),
        caption: caption(run, &body),
        head: &["backend", "fewest grants/s", "most grants/s", "worst p99 wait", "longest wait", "double grants"],
        rows,
    };
    finish(words, body)
}

fn caption(run: &RecordedRun, body: &Timeline) -> String {
    let mut text =
        "Look for steps, drifts and gaps: a steady system gives level lines. Waits are service times of the \
                    grants of each second, on one logarithmic scale; p99 of few grants is close to their longest wait. \
                    Grey: warm-up and drain, which do not count; in the drain only those still waiting are served."
            .to_owned();
    let trials = run.report.results.iter().map(|result| result.trial).max().unwrap_or(1);
    if trials > 1 {
        text += &format!(" The first of {trials} trials is shown, or the first with a double grant.");
    }
    if body.double_grants() {
        text += " Red edge: in this second there were double grants, counted in the lowest panel.";
    }
    text + &body.overlay.caption()
}

fn row(name: &str, points: &[Point], double_grants: u64) -> Vec<String> {
    let measured = points.iter().filter(|point| point.counts);
    let rates: Vec<f64> = measured.clone().filter_map(|point| point.grants_per_s).collect();
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), three_digits);
    let longest = |of: fn(&Point) -> Option<u64>| {
        measured.clone().filter_map(of).max().map_or_else(|| "-".to_owned(), human_duration)
    };
    vec![
        name.to_owned(),
        number(rates.iter().copied().reduce(f64::min)),
        number(rates.iter().copied().reduce(f64::max)),
        longest(|point| point.p99),
        longest(|point| point.max),
        grouped(double_grants),
    ]
}

type Wait = fn(&Point) -> Option<u64>;

const WAITS: [(&str, Wait); 3] =
    [("p50 wait", |point| point.p50), ("p99 wait", |point| point.p99), ("max wait", |point| point.max)];

impl Timeline {
    fn double_grants(&self) -> bool {
        self.lines.iter().any(|line| line.points.iter().any(|point| point.double_grants > 0))
    }

    fn legend(&self) -> Vec<Entry> {
        let solid = |look: Look| Key::Line(Stroke::solid(look.color, 2), Some(look.mark));
        let mut entries: Vec<Entry> =
            self.lines.iter().map(|line| Entry::new(solid(line.look), line.label.as_str())).collect();
        entries.push(Entry::new(Key::Patch(mixed(SHADE, SOFT, 0.15)), "warm-up, drain"));
        if self.double_grants() {
            entries.push(Entry::new(Key::Patch(ALARM), "seconds with double grants"));
        }
        entries.extend(self.overlay.legend());
        entries
    }

    /// All panels of one height, the last with room for the time axis.
    fn panels<DB: DrawingBackend>(&self, sheet: &Sheet<DB>, count: i32) -> Vec<Sheet<DB>> {
        let (w, h) = sheet.size();
        let axis = sheet.ems(2.9);
        let each = (h - axis) / count;
        (0..count)
            .map(|i| sheet.part((0, i * each), (w, (i + 1) * each + if i + 1 == count { axis } else { 0 })))
            .collect()
    }

    /// A panel's axes, time without names but in the last one.
    fn plot<'a, DB: DrawingBackend>(&self, sheet: &'a Sheet<DB>, y: Axis, last: bool) -> Plot<'a, DB> {
        let label = if last { "seconds since the start of the warm-up" } else { "" };
        let x = Axis::linear(label, 0.0, self.end_s, |s| if last { tick_number(s) } else { String::new() });
        let mut plot = Plot::new(sheet, x, y);
        let (w, h) = sheet.size();
        plot.from = (sheet.ems(6.0), sheet.ems(0.35));
        plot.to.0 = w - sheet.ems(1.0);
        if !last {
            plot.to.1 = h - sheet.ems(0.15);
        }
        plot
    }

    /// What lies behind the data: shades, and a red edge below seconds with a double grant.
    fn shades<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>) -> Drawn<DB> {
        if self.warmup_s > 0.0 {
            plot.shade(0.0, self.warmup_s, SHADE)?;
        }
        if self.end_s > self.measured_s {
            plot.shade(self.measured_s, self.end_s, SHADE)?;
        }
        self.overlay.behind(plot, |second| plot.across(second))?;
        for point in self.lines.iter().flat_map(|line| &line.points).filter(|point| point.double_grants > 0) {
            let (from, to) = (plot.across(point.from_s), plot.across(point.to_s));
            plot.sheet.fill((from, plot.to.1 - plot.sheet.ems(0.3)), (to, plot.to.1), ALARM)?;
        }
        Ok(())
    }

    /// Lines at the phases' ends and at markers, and in the first panel their names where
    /// there is room.
    fn phases<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, names: bool) -> Drawn<DB> {
        let dashed = Stroke { color: SOFT, width: 1, dash: &[4, 4] };
        for at in [self.warmup_s, self.measured_s].into_iter().filter(|at| *at > 0.0 && *at < self.end_s) {
            plot.sheet.line(&[(plot.across(at), plot.from.1), (plot.across(at), plot.to.1)], dashed)?;
        }
        let phases = [
            (0.0, self.warmup_s, "warm-up"),
            (self.warmup_s, self.measured_s, "measured"),
            (self.measured_s, self.end_s, "drain"),
        ];
        self.overlay.over(plot, |second| plot.across(second))?;
        if !names {
            return Ok(());
        }
        let lettering = Lettering { scale: 0.8, color: SOFT, ..Lettering::PLAIN }.aligned(Align::Center);
        for (from, to, name) in phases {
            let (from, to) = (plot.across(from), plot.across(to));
            let y = plot.from.1 + plot.sheet.ems(0.6);
            if to - from > plot.sheet.width(name, lettering) + 4 {
                plot.sheet.text(((from + to) / 2, y), name, lettering)?;
            }
        }
        self.overlay.names(plot, plot.from.1 + plot.sheet.ems(1.7), |second| plot.across(second))
    }

    fn rates<DB: DrawingBackend>(&self, sheet: &Sheet<DB>, last: bool) -> Drawn<DB> {
        let high =
            self.lines.iter().flat_map(|line| &line.points).filter_map(|point| point.grants_per_s).fold(1.0, f64::max);
        // Room above the lines for the names of the phases, and of what else there was.
        let room = if self.overlay.is_empty() { 1.25 } else { 1.6 };
        let plot = self.plot(sheet, Axis::upto("grants/s", high * room), last);
        self.shades(&plot)?;
        plot.axes()?;
        self.curves(&plot, |point| point.grants_per_s)?;
        self.phases(&plot, true)
    }

    fn waits<DB: DrawingBackend>(&self, sheet: &Sheet<DB>, (name, of): (&str, Wait), last: bool) -> Drawn<DB> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let lowest = points().filter_map(|point| point.p50).min().unwrap_or(1);
        let highest = points().filter_map(|point| point.max).max().unwrap_or(1);
        let plot = self.plot(sheet, Axis::log_ns(name, lowest / 2, highest), last);
        self.shades(&plot)?;
        plot.axes()?;
        self.curves(&plot, |point| of(point).map(|ns| ns as f64))?;
        self.phases(&plot, false)
    }

    /// A line a system with gaps where there is no value, and a few marks on it,
    /// shifted from system to system so that none hides another.
    fn curves<DB: DrawingBackend>(&self, plot: &Plot<'_, DB>, of: impl Fn(&Point) -> Option<f64>) -> Drawn<DB> {
        for (i, Line { look, points, .. }) in self.lines.iter().enumerate() {
            for run in points.split(|point| of(point).is_none()) {
                let run: Vec<(f64, f64)> = run.iter().filter_map(|point| Some((point.at_s(), of(point)?))).collect();
                plot.line(&run, Stroke::solid(look.color, 2))?;
            }
            let step = points.len().div_ceil(MARKS).max(1);
            for point in points.iter().skip(i % step).step_by(step) {
                if let Some(y) = of(point) {
                    plot.mark((point.at_s(), y), look.mark, look.color)?;
                }
            }
        }
        Ok(())
    }

    /// How many double grants each second had: a stem with the system's mark on top,
    /// and the count where there is room.
    fn doubles<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let found = || self.lines.iter().flat_map(|line| line.points.iter().map(move |point| (line, point)));
        let most = found().map(|(_, point)| point.double_grants).max().unwrap_or(0) as f64;
        let axis = Axis::log("double gr.", 0.6, (most * 40.0).max(20.0), tick_number);
        let plot = self.plot(sheet, axis, true);
        self.shades(&plot)?;
        plot.axes()?;
        let lettering = Lettering { scale: 0.8, color: ALARM, bold: true, ..Lettering::PLAIN }.aligned(Align::Center);
        let mut taken: Vec<(i32, i32)> = Vec::new();
        for (line, point) in found().filter(|(_, point)| point.double_grants > 0) {
            let (x, y) = plot.at(point.at_s(), point.double_grants as f64);
            sheet.line(&[(x, plot.to.1), (x, y)], Stroke::solid(ALARM, 2))?;
            sheet.mark((x, y), line.look.mark, sheet.ems(0.32).max(3), ALARM)?;
            let text = grouped(point.double_grants);
            let half = sheet.width(&text, lettering) / 2 + 2;
            if taken.iter().all(|(from, to)| x + half < *from || x - half > *to) {
                taken.push((x - half, x + half));
                sheet.text((x, y - sheet.ems(0.9)), &text, lettering)?;
            }
        }
        self.phases(&plot, false)
    }
}

impl Draw for Timeline {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        if self.lines.iter().all(|line| line.points.is_empty()) {
            return sheet.nothing(&self.reason);
        }
        let rest = with_legend(sheet, &self.legend())?;
        if self.lines.iter().all(|line| line.points.iter().all(|point| point.max.is_none())) {
            let (w, h) = rest.size();
            self.rates(&rest.part((0, 0), (w, h / 2)), true)?;
            return rest.part((rest.ems(6.0), h / 2 + rest.ems(1.0)), (w - rest.ems(1.0), h)).nothing(&self.reason);
        }
        let doubles = self.double_grants();
        let panels = self.panels(&rest, 4 + i32::from(doubles));
        self.rates(&panels[0], false)?;
        for (i, wait) in WAITS.into_iter().enumerate() {
            self.waits(&panels[i + 1], wait, i + 1 == panels.len() - 1)?;
        }
        if doubles { self.doubles(&panels[4]) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Band, timeline, with_bands};
    use crate::output::chart::BandKind;
    use crate::output::sample;
    use crate::record::figures::Window;
    use crate::units::SECOND;

    #[test]
    fn every_system_has_its_line_and_the_first_trial_is_named() {
        let chart = timeline(&sample::crowd(10)).unwrap().remove(0);
        assert_eq!(chart.rows.len(), 10);
        assert!(chart.caption.contains("The first of 3 trials is shown"));
        assert!(chart.svg.contains(">zookeeper</text>") && chart.svg.contains(">warm-up</text>"));
        assert!(!chart.svg.contains("double gr."));
        assert!(!timeline(&sample::recorded()).unwrap()[0].caption.contains("trials"));
    }

    #[test]
    fn double_grants_are_marked_counted_and_in_the_table() {
        let chart = timeline(&sample::recorded()).unwrap().remove(0);
        assert!(chart.svg.contains(">7</text>") && chart.svg.contains("(7 double"));
        assert_eq!(chart.rows.iter().map(|row| row[5].as_str()).collect::<Vec<_>>(), ["0", "7"]);
    }

    #[test]
    fn without_a_grant_the_rate_is_zero_and_waits_are_dashes() {
        let chart = timeline(&sample::timeouts()).unwrap().remove(0);
        assert_eq!(chart.rows[0], ["redis", "0.00", "0.00", "-", "-", "0"]);
        assert!(chart.svg.contains("nothing was granted, 2 003 of 2 003 attempts timed out"));
        assert!(timeline(&sample::empty()).unwrap()[0].svg.contains("no data: no backend ran"));
        let mut old = sample::recorded();
        old.measured.clear();
        assert!(timeline(&old).unwrap()[0].svg.contains("stored without its histograms"));
    }

    #[test]
    fn a_double_grant_in_a_later_trial_is_not_hidden() {
        let mut run = sample::crowd(2);
        run.measured[4].double_grants = vec![0, 0, 0, 5];
        let chart = timeline(&run).unwrap().remove(0);
        assert!(chart.svg.contains("redlock, trial 2") && chart.svg.contains(">5</text>"));
        assert_eq!(chart.rows[1][5], "5");
    }

    #[test]
    fn a_long_run_of_many_systems_stays_small() {
        let mut run = sample::crowd(10);
        for one in &mut run.measured {
            one.windows =
                (0..480).map(|second| Window { second, ..one.windows[second as usize % 7].clone() }).collect();
            one.measured_ns = 478 * SECOND;
        }
        let svg = timeline(&run).unwrap().remove(0).svg;
        assert!(svg.len() < 80_000, "{} bytes", svg.len());
    }

    #[test]
    fn pauses_and_markers_are_drawn_named_and_in_no_rate() {
        let chart = timeline(&sample::steered()).unwrap().remove(0);
        for text in [">pause (redis)</text>", ">1 (redis)</text>", ">load paused</text>", "marker, with its"] {
            assert!(chart.svg.contains(text), "{text}");
        }
        assert!(
            chart.caption.contains("Hatched: the load was paused") && chart.caption.contains("Dashed with a number")
        );
        let plain = timeline(&sample::recorded()).unwrap().remove(0);
        assert!(!plain.svg.contains("load paused") && !plain.caption.contains("Hatched"));
        // The seconds of the pause grant next to nothing, and that is not the system's fewest.
        assert_ne!(chart.rows[0][1], "0.00");
    }

    #[test]
    fn faults_are_shaded_and_named() {
        let band = Band { from_s: 2.5, to_s: 4.0, label: "a <pause>".to_owned(), kind: BandKind::Fault };
        let chart = with_bands(&sample::recorded(), &[band]).unwrap();
        assert!(chart.svg.contains("a &lt;pause&gt;") && chart.svg.contains("#fdf0d5"));
        assert!(!with_bands(&sample::recorded(), &[]).unwrap().svg.contains("#fdf0d5"));
    }
}

//! How long attempts waited, percentile by percentile, on HdrHistogram's axis.

use std::sync::Arc;

use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::legend::{Entry, Key, with_legend};
use super::palette::{Dash, SOFT, SeriesStyle, backends, looks, pale};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::view::view;
use super::{Chart, Words, absence, finish};
use crate::histograms::merged;
use crate::table::{ONE_WAIT, WHY_ONE_WAIT, duration, longest};
use lockbench_core::record::{Latency, LatencyFigures};
use lockbench_core::units::grouped;
use lockbench_report::{RecordedRun, response_is_service};

const RESPONSE: Dash = &[6, 4];

/// What a pale line is.
const PALE: &str = "pale: too few samples, or cut by timeouts";

/// What the lines are.
const BOTH_WAITS: &str = "Solid: service time, from the actual start of an attempt to its grant. Dashed: response time, \
                          from the instant it was due.";

/// Points of a curve per decade of `1/(1-p)`: steps of it are hardly a pixel wide.
const POINTS: f64 = 48.0;

/// One curve.
struct Curve {
    /// `1/(1-p)` and the wait in nanoseconds.
    points: Vec<(f64, f64)>,
    /// Up to here there are samples enough, and none cut off.
    sound: f64,
}

struct System {
    name: String,
    look: SeriesStyle,
    service: Curve,
    /// `None` where it is the same: clients that never fall behind, as in a closed loop.
    response: Option<Curve>,
}

struct Percentiles {
    systems: Vec<System>,
    /// Whether response time is service time by construction.
    one_wait: bool,
    reason: String,
}

/// The chart.
pub fn percentiles(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    let names = backends(run);
    if run.measured.is_empty() {
        return Ok(Vec::new());
    }
    let one_wait = response_is_service(&run.report);
    let mut systems = Vec::new();
    let mut rows = Vec::new();
    for (name, look) in names.iter().zip(looks(&names)) {
        let waits = merged(run, name);
        if one_wait {
            rows.push(row(name, ONE_WAIT, &waits.acquire_service.figures()));
        } else {
            rows.push(row(name, "service", &waits.acquire_service.figures()));
            rows.push(row(name, "response", &waits.acquire_response.figures()));
        }
        let service = curve(&waits.acquire_service);
        let response = Some(curve(&waits.acquire_response)).filter(|response| !one_wait && !alike(&service, response));
        systems.push(System { name: (*name).to_owned(), look, service, response });
    }
    let words = Words {
        name: "percentiles".to_owned(),
        title: "Acquire wait by percentile".to_owned(),
        caption: format!(
            "Lower is better; a curve that climbs late is even for most and slow for few. {} Pale: fewer than 10 samples lie beyond it, or waits in vain cut it off; do not rely on it.{}",
            if one_wait { WHY_ONE_WAIT } else { BOTH_WAITS },
            absence::left_out(&run.measured.iter().collect::<Vec<_>>())
        ),
        head: &["backend", "time", "samples", "p50", "p90", "p95", "p99", "p99.9", "max"],
        rows,
    };
    let body = Arc::new(Percentiles { systems, one_wait, reason: absence::of_run(run) });
    let views = vec![view(None, "acquire wait by percentile", (620, 420), Arc::clone(&body))?];
    let legend = body.kinds();
    Ok(vec![finish(words, body)?.on_page(views, &legend)?])
}

/// The curve over all that were waited for, those in vain at its far end: they are longer
/// than any other, and there the curve is no more than the lower bound of all of them.
fn curve(latency: &Latency) -> Curve {
    let Some(histogram) = latency.histogram() else {
        return Curve { points: Vec::new(), sound: 1.0 };
    };
    let count = (histogram.len() + latency.in_vain()) as f64;
    let known = if latency.in_vain() > 0 { 1.0 / latency.in_vain_share() } else { count };
    let sound = (count / 10.0).min(known).max(1.0);
    let mut at: Vec<f64> = (0..).map(|i| 10_f64.powf(f64::from(i) / POINTS)).take_while(|x| *x < count).collect();
    at.extend([sound, count].into_iter().filter(|x| *x <= count));
    at.sort_by(f64::total_cmp);
    let highest = latency.max().unwrap_or(0).max(histogram.max());
    let at_quantile = |x: f64| latency.raw_percentile(1.0 - 1.0 / x).unwrap_or(highest).min(highest);
    let value = |x: f64| if x >= count { highest } else { at_quantile(x) };
    let points = at.into_iter().map(|x| (x, value(x) as f64));
    Curve { points: points.collect(), sound }
}

/// Returns whether one curve would hide the other.
fn alike(one: &Curve, other: &Curve) -> bool {
    one.points.len() == other.points.len()
        && one.points.iter().zip(&other.points).all(|(a, b)| (a.1 - b.1).abs() <= 0.03 * a.1.max(b.1))
}

fn row(name: &str, kind: &str, figures: &LatencyFigures) -> Vec<String> {
    let times = [figures.p50_ns, figures.p90_ns, figures.p95_ns, figures.p99_ns, figures.p999_ns];
    let mut row = vec![name.to_owned(), kind.to_owned(), grouped(figures.count)];
    row.extend(times.into_iter().map(duration));
    row.push(longest(figures));
    row
}

impl Percentiles {
    fn plot<'a, DB: DrawingBackend>(&self, sheet: &'a Sheet<DB>) -> Option<Plot<'a, DB>> {
        let curves = self.systems.iter().flat_map(|system| [Some(&system.service), system.response.as_ref()]);
        let points: Vec<(f64, f64)> = curves.flatten().flat_map(|curve| curve.points.iter().copied()).collect();
        let most = points.iter().map(|point| point.0).fold(0.0, f64::max);
        let low = points.iter().map(|point| point.1 as u64).min()?;
        let high = points.iter().map(|point| point.1 as u64).max()?;
        let x = Axis::percentiles("percentile of the attempts (each further nine takes the same room)", most);
        Some(Plot::new(sheet, x, Axis::log_ns("acquire wait (log scale)", low, high)))
    }

    fn legend(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for System { name, look, service, .. } in &self.systems {
            let none = service.points.is_empty();
            let label = if none { format!("{name} (no grants)") } else { name.clone() };
            entries.push(Entry::new(Key::Line(Stroke::solid(look.color, 2), Some(look.mark)), label));
        }
        entries.extend(self.kinds());
        entries
    }

    /// Kinds of lines, whatever the system.
    fn kinds(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let line = |color: RGBColor, dash: Dash| Key::Line(Stroke { color, width: 2, dash }, None);
        if self.one_wait {
            entries.push(Entry::new(line(SOFT, &[]), ONE_WAIT));
            entries.push(Entry::new(line(pale(SOFT), &[]), PALE));
            return entries;
        }
        entries.push(Entry::new(line(SOFT, &[]), "service time"));
        let with = self.systems.iter().filter(|system| system.response.is_some()).count();
        let granted = self.systems.iter().filter(|system| !system.service.points.is_empty()).count();
        let response = match with {
            0 => "response time: the same",
            with if with < granted => "response time, where it differs",
            _ => "response time",
        };
        entries.push(Entry::new(line(SOFT, RESPONSE), response));
        entries.push(Entry::new(line(pale(SOFT), &[]), PALE));
        entries
    }
}

impl Draw for Percentiles {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        if self.plot(sheet).is_none() {
            return sheet.nothing(&self.reason);
        }
        let rest = with_legend(sheet, &self.legend())?;
        let Some(plot) = self.plot(&rest) else { return Ok(()) };
        plot.axes()?;
        // In a crowd the dashed ones step back, or they hide the others.
        let thin = if self.systems.len() > 4 { 1 } else { 2 };
        for System { look, service, response, .. } in &self.systems {
            if let Some(response) = response {
                draw_curve(&plot, response, Stroke { color: look.color, width: thin, dash: RESPONSE })?;
            }
            draw_curve(&plot, service, Stroke::solid(look.color, 2))?;
        }
        // Marks last, at the named percentiles, so that no line hides them.
        for (number, System { look, service, .. }) in self.systems.iter().enumerate() {
            let mut marks: Vec<(f64, f64)> =
                service.points.iter().copied().filter(|(x, _)| marked(*x, number)).collect();
            if marks.is_empty() {
                // A curve so short must be seen too, and distinguished from the others.
                marks.extend(service.points.last());
            }
            for (x, y) in marks {
                let color = if x <= service.sound { look.color } else { pale(look.color) };
                plot.mark((x, y), look.mark, color)?;
            }
        }
        Ok(())
    }
}

/// Returns whether a mark stands at this `1/(1-p)`: four per decade, each system shifted a little, so
/// that the marks of curves that run together stand beside each other.
fn marked(x: f64, number: usize) -> bool {
    let steps = x.log10() * POINTS;
    (steps - steps.round()).abs() < 1e-6 && (steps.round() as usize + 24 - 2 * (number % 10)).is_multiple_of(24)
}

fn draw_curve<DB: DrawingBackend>(plot: &Plot<'_, DB>, curve: &Curve, stroke: Stroke) -> Drawn<DB> {
    let first_beyond = curve.points.partition_point(|(x, _)| *x <= curve.sound);
    let (sound, beyond) = (&curve.points[..first_beyond], &curve.points[first_beyond.saturating_sub(1)..]);
    plot.line(beyond, Stroke { color: pale(stroke.color), ..stroke })?;
    plot.line(sound, stroke)
}

#[cfg(test)]
mod tests {
    use super::{curve, percentiles};
    use crate::sample;
    use lockbench_core::record::Latency;

    #[test]
    fn the_sound_part_ends_where_samples_or_attempts_run_out() {
        let mut latency = Latency::default();
        (1..=10_000).for_each(|ns| latency.record(ns));
        assert!((curve(&latency).sound - 1_000.0).abs() < 1e-9);
        let points = curve(&latency).points;
        // A histogram keeps three digits: 10 000 is reported as 10 007.
        assert_eq!((points[0].1, points[points.len() - 1].1), (1.0, 10_007.0));
        assert!(points.len() < 250 && points.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        // One of twenty was waited for in vain: the curve ends at their share.
        latency.add_in_vain(526, 1);
        latency.record(1);
        let cut = curve(&latency);
        assert!((cut.sound - 20.01).abs() < 0.02, "{}", cut.sound);
        assert!(cut.points.last().is_some_and(|(x, ns)| *x == 10_527.0 && *ns == 10_007.0));
    }

    #[test]
    fn every_system_is_in_the_picture_and_in_the_table() {
        let run = sample::crowd(10);
        let chart = percentiles(&run).unwrap().remove(0);
        for result in &run.report.results {
            assert!(chart.svg.contains(&format!(">{}</text>", result.backend)), "{}", result.backend);
        }
        assert_eq!(chart.rows.len(), 20);
        assert!(chart.svg.contains("acquire wait (log scale)") && chart.svg.contains(">99.9 %<"));
    }

    #[test]
    fn in_a_closed_loop_without_think_time_there_is_one_curve_that_says_so() {
        let mut run = sample::crowd(2);
        run.report.plan = serde_json::json!({ "think": { "kind": "constant", "value": "0s" } });
        let both = percentiles(&run).unwrap().remove(0);
        assert!(both.svg.contains(">response time<") && both.rows.len() == 4);
        for latency in run.report.results.iter_mut().map(|result| &mut result.latency) {
            latency.acquire_response = latency.acquire_service;
        }
        for latency in run.report.aggregates.iter_mut().map(|merged| &mut merged.latency) {
            latency.acquire_response = latency.acquire_service;
        }
        let one = percentiles(&run).unwrap().remove(0);
        assert!(!one.svg.contains(">response time<") && one.svg.contains("(closed loop)"), "{}", one.svg);
        assert_eq!(
            one.rows.iter().map(|row| row[1].as_str()).collect::<Vec<_>>(),
            ["response = service (closed loop)"; 2]
        );
        assert!(one.caption.contains("by construction") && !one.caption.contains("Dashed"));
    }

    #[test]
    fn without_grants_the_picture_says_why() {
        let svg = percentiles(&sample::timeouts()).unwrap().remove(0).svg;
        assert!(svg.contains("no data: nothing was granted, 2 003 of 2 003 attempts timed out"), "{svg}");
        assert!(percentiles(&sample::empty()).unwrap().is_empty());
    }
}

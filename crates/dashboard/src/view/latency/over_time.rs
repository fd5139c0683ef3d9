//! Wait of each second's grants over time: median, 99th percentile and longest, on a log
//! axis. A second without a grant is a gap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{HISTOGRAM, histogram};
use crate::state::SystemState;
use crate::view::plot::scale::{Scale, duration_tick};
use crate::view::plot::time::{Time, marks};
use crate::view::plot::{Chart, Missed, Series, Step};
use crate::view::subject::{drawn_subject, explained, heading, hinted, without_grants};
use crate::view::{Panel, Room, View};
use lockbench_core::units::{SECOND, grouped};
use lockbench_report::live::Second;

pub static PANEL: Panel = Panel {
    name: "Wait over time",
    about: "Median, 99th percentile and longest wait of each second's grants (service time), on a log axis",
    draw,
    explain: |view| explained(view, explain),
    ..Panel::PLAIN
};

/// Name of a figure of a second, and the figure.
type Figure = (&'static str, fn(&Second) -> Option<u64>);

/// The figures of a second, in the order of the pens.
const FIGURES: [Figure; 3] =
    [("p50", |second| second.p50_ns), ("p99", |second| second.p99_ns), ("max", |second| second.max_ns)];

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let instead = view.room == Room::Compact && !view.look.expanded && view.look.focused() == HISTOGRAM;
    if instead {
        (histogram::PANEL.draw)(&View { panel: HISTOGRAM, ..*view }, area, buffer);
        return;
    }
    let Some(system) = drawn_subject(view, PANEL.name, area, buffer) else { return };
    let what = match (without_grants(system), view.room) {
        (Some(why), _) => why,
        (None, _) if view.state.due_at_start() && area.width < 80 => "wait by second, response = service".to_owned(),
        (None, _) if view.state.due_at_start() => "wait by second (closed loop: response = service time)".to_owned(),
        (None, Room::Compact) => "wait by second (service time)".to_owned(),
        (None, _) => "wait of each second's grants (service time: from asking), log axis".to_owned(),
    };
    let title = hinted(view, heading(system, &what), "histogram", area);
    let inside = view.frame(&title, area, buffer);
    let time = Time::of(view, system);
    let series = series(view, system, time);
    // Two systems beside each other share the axis.
    let other = view.pair().flat_map(|other| self::series(view, other, Time::of(view, other)));
    let others: Vec<Series> = other.collect();
    let values = || series.iter().chain(&others).flat_map(|series| series.steps.iter().map(|step| step.value));
    let (marks, missed) = (marks(system), missed(system, time));
    let (units, scale) = (view.look.units, Scale::log(values()));
    let label = |ns: f64| duration_tick(units, ns);
    let when = latest(view, system).map_or_else(String::new, |second| format!("second {}:  ", second.second));
    Chart { time, scale, label: &label, when: &when, series: &series, marks: &marks, missed: &missed }
        .render(view, inside, buffer);
}

/// Seconds in which attempts ended without a grant, and their number in words.
fn missed(system: &SystemState, time: Time) -> Missed {
    let (mut missed, mut timed_out, mut failed) = (Missed::default(), 0, 0);
    for second in shown(system, time) {
        if second.timed_out + second.failed > 0 {
            missed.seconds.push(second.second as f64);
        }
        timed_out += second.timed_out;
        failed += second.failed;
    }
    let count = |count: u64, what: &str| (count > 0).then(|| format!("{} {what}", grouped(count)));
    let parts: Vec<String> = [count(timed_out, "timed out"), count(failed, "failed")].into_iter().flatten().collect();
    if !parts.is_empty() {
        missed.words = format!("{} in this window", parts.join(", "));
    }
    missed
}

/// The seconds that the axis shows.
fn shown(system: &SystemState, time: Time) -> &[Second] {
    let end = |second: &Second| second.second as f64 + 1.0;
    let first = system.seconds.partition_point(|second| end(second) <= time.from);
    &system.seconds[first..]
}

fn series(view: &View<'_>, system: &SystemState, time: Time) -> Vec<Series> {
    let latest = latest(view, system);
    let one = |(name, figure): Figure| {
        let steps = shown(system, time).iter().filter_map(|second| {
            let from = second.second as f64;
            let value = figure(second)? as f64;
            Some(Step { number: second.second as usize, from, to: (from + 1.0).min(time.to), value })
        });
        let steps = steps.collect();
        Series { name: format!("{name} {}", view.figure(latest.and_then(figure))), steps }
    };
    FIGURES.into_iter().map(one).collect()
}

/// The last whole second before the end of measuring; the one under way where there is none.
fn latest<'a>(view: &View<'_>, system: &'a SystemState) -> Option<&'a Second> {
    let phases = system.phases(view.state.run.as_ref());
    let end = phases.now_ns.min(phases.end_ns.max(SECOND)) / SECOND;
    let whole = system.seconds.partition_point(|second| second.second < end);
    system.seconds.get(whole.saturating_sub(1))
}

fn explain(view: &View<'_>, system: &SystemState) -> String {
    let name = &system.name;
    let Some(second) = latest(view, system) else {
        return format!("{name}: no second of this trial is over.");
    };
    if second.grants == 0 {
        return format!(
            "{name}, second {} since the start of the warm-up: no grant, so there is no wait to draw; {} attempts timed \
             out and {} failed in it.",
            second.second,
            grouped(second.timed_out),
            grouped(second.failed)
        );
    }
    let [p50, p99, max] = FIGURES.map(|(_, figure)| view.figure(figure(second)));
    format!(
        "{name}, second {} since the start of the warm-up: of its {} grants half waited no longer than {p50}, 99 of 100 \
         no longer than {p99}, and the longest wait was {max}; each counted from asking until the grant (service time), \
         however few grants a second has. Seconds without a grant are gaps. {} attempts timed out in it.",
        second.second,
        grouped(second.grants),
        grouped(second.timed_out)
    )
}

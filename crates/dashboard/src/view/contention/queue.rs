//! How many clients wait and how many are inside, over time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::state::{Beat, SystemState};
use crate::view::plot::scale::Scale;
use crate::view::plot::time::{Time, marks};
use crate::view::plot::{Chart, Missed, Series, Step};
use crate::view::subject::{drawn_subject, explained, heading, sentence};
use crate::view::{Panel, Room, View};
use lockbench_core::units::grouped;

pub static PANEL: Panel = Panel {
    name: "Queue depth",
    about: "Clients that wait for a grant, and clients that are inside, five times per second",
    draw,
    explain: |view| explained(view, explain),
    ..Panel::PLAIN
};

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(system) = drawn_subject(view, PANEL.name, area, buffer) else { return };
    let what = if view.room == Room::Compact { "queue depth" } else { "queue depth over time, in clients" };
    let inside = view.frame(&heading(system, what), area, buffer);
    if system.beats.is_empty() {
        return sentence(view, "No count was taken while it ran.", inside, buffer);
    }
    let time = Time::of(view, system);
    let series = [
        series(view, system, time, "waiting", |beat| beat.waiting),
        series(view, system, time, "inside", |beat| beat.inside),
    ];
    // Two systems beside each other share the axis.
    let other = view.pair().flat_map(|other| other.beats.iter().map(|beat| f64::from(beat.waiting.max(beat.inside))));
    let values = series.iter().flat_map(|series| series.steps.iter().map(|step| step.value)).chain(other);
    let (scale, marks) = (Scale::linear(values), marks(system));
    let label = |value: f64| grouped(value as u64);
    Chart { time, scale, label: &label, when: "", series: &series, marks: &marks, missed: &Missed::default() }
        .render(view, inside, buffer);
}

fn series(view: &View<'_>, system: &SystemState, time: Time, name: &str, of: fn(&Beat) -> u32) -> Series {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let first = system.beats.partition_point(|beat| seconds(beat.at_ns) <= time.from);
    let steps = system.beats.iter().enumerate().skip(first).map(|(number, beat)| Step {
        number,
        from: seconds(beat.at_ns.saturating_sub(beat.length_ns)),
        to: seconds(beat.at_ns),
        value: f64::from(of(beat)),
    });
    let steps = steps.collect();
    let last = system.beats.back().map_or_else(|| view.glyphs().none.to_owned(), |beat| of(beat).to_string());
    let when = if system.over() { "at the end" } else { "now" };
    let when = if view.room == Room::Compact { "" } else { when };
    Series { name: format!("{name} {last} {when}").trim_end().to_owned(), steps }
}

fn explain(view: &View<'_>, system: &SystemState) -> String {
    let Some(last) = system.beats.back() else { return format!("{}: no count was taken while it ran.", system.name) };
    let clients = view.state.run.as_ref().map_or_else(String::new, |run| format!(" of the run's {}", run.clients));
    let when = if system.over() { "at the last look" } else { "now" };
    format!(
        "{}: {} clients wait for a grant {when}, {} are inside; the others{clients} are between two attempts or about to \
         be released. Each step of the lines is the count at the end of a fifth of a second.",
        system.name, last.waiting, last.inside
    )
}

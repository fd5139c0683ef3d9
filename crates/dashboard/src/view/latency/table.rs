//! All lengths of time of a trial: what was measured, and why a figure is missing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::state::SystemState;
use crate::text::fit;
use crate::theme::Ink;
use crate::view::plot::bar::{length, longest};
use crate::view::subject::{drawn_subject, heading, subject, without_grants};
use crate::view::{Panel, Room, View};
use lockbench_core::record::LatencyFigures;
use lockbench_core::units::grouped;
use lockbench_report::{LatencySet, in_vain, why_empty, why_missing};

pub static PANEL: Panel = Panel {
    name: "All latencies",
    about: "Wait, hold, hand-off, release and renewal; a figure that too few samples support is missing",
    draw,
    rows: |view| kinds(view).len(),
    columns: |_| COLUMNS.len(),
    explain,
    hit,
    ..Panel::PLAIN
};

/// Rows that it needs: a heading and a row per kind.
pub const ROWS: u16 = KINDS.len() as u16 + 1;

/// A kind of latency.
struct Kind {
    /// Its name in the report.
    field: &'static str,
    name: &'static str,
    /// What one sample is.
    sample: [&'static str; 2],
    /// From what to what.
    span: &'static str,
    /// Why there may be no sample.
    none: &'static str,
    /// Whether it is a wait for a grant.
    wait: bool,
    of: fn(&LatencySet) -> &LatencyFigures,
}

const KINDS: [Kind; 6] = [
    Kind {
        field: "acquire_service",
        name: "wait, service",
        sample: ["attempt", "attempts"],
        span: "from asking until the grant (service time)",
        none: "no grants",
        wait: true,
        of: |set| &set.acquire_service,
    },
    Kind {
        field: "acquire_response",
        name: "wait, response",
        sample: ["attempt", "attempts"],
        span: "from the due instant until the grant (response time)",
        none: "no grants",
        wait: true,
        of: |set| &set.acquire_response,
    },
    Kind {
        field: "hold",
        name: "hold",
        sample: ["hold", "holds"],
        span: "from the grant until release is asked for",
        none: "no hold ended",
        wait: false,
        of: |set| &set.hold,
    },
    Kind {
        field: "handoff",
        name: "hand-off",
        sample: ["hand-off", "hand-offs"],
        span: "from a release until the grant to a client that waited",
        none: "no grant went to a client that was already waiting at the release",
        wait: false,
        of: |set| &set.handoff,
    },
    Kind {
        field: "release",
        name: "release",
        sample: ["release", "releases"],
        span: "from asking to release until the answer",
        none: "no release was answered",
        wait: false,
        of: |set| &set.release,
    },
    Kind {
        field: "renew",
        name: "renewal",
        sample: ["renewal", "renewals"],
        span: "from asking to renew until it is confirmed",
        none: "no renewal was made",
        wait: false,
        of: |set| &set.renew,
    },
];

/// Place of the response time.
const RESPONSE: usize = 1;

/// The kinds that are listed: in a closed loop response time is service time.
fn kinds(view: &View<'_>) -> Vec<&'static Kind> {
    let closed = view.state.due_at_start();
    let all = KINDS.iter().enumerate();
    all.filter(|(place, _)| !closed || *place != RESPONSE).map(|(_, kind)| kind).collect()
}

impl Kind {
    /// Its name in this run.
    fn name(&self, view: &View<'_>) -> &'static str {
        if self.wait && view.state.due_at_start() { "wait" } else { self.name }
    }

    /// From what to what, in this run.
    fn span(&self, view: &View<'_>) -> &'static str {
        if self.wait && view.state.due_at_start() {
            "from asking until the grant (closed loop: response = service time)"
        } else {
            self.span
        }
    }
}

/// A figure of a kind; percentiles have their share and their name in the report.
struct Column {
    name: &'static str,
    percentile: Option<(f64, &'static str, &'static str)>,
    of: fn(&LatencyFigures) -> Option<u64>,
}

const COLUMNS: [Column; 8] = [
    Column { name: "min", percentile: None, of: |figures| figures.min_ns },
    Column { name: "p50", percentile: Some((0.5, "p50_ns", "half of the")), of: |figures| figures.p50_ns },
    Column { name: "p90", percentile: Some((0.9, "p90_ns", "90 of 100")), of: |figures| figures.p90_ns },
    Column { name: "p95", percentile: Some((0.95, "p95_ns", "95 of 100")), of: |figures| figures.p95_ns },
    Column { name: "p99", percentile: Some((0.99, "p99_ns", "99 of 100")), of: |figures| figures.p99_ns },
    Column { name: "p99.9", percentile: Some((0.999, "p999_ns", "999 of 1 000")), of: |figures| figures.p999_ns },
    Column { name: "max", percentile: None, of: |figures| figures.max_ns },
    Column { name: "mean", percentile: None, of: |figures| figures.mean_ns.map(|mean| mean.round() as u64) },
];

/// The columns that there is room for: the mean is left out first, then what is read least.
fn shown(inside: Rect) -> Vec<&'static Column> {
    let left_out: &[&str] = match inside.width {
        82.. => &[],
        70.. => &["mean"],
        _ => &["mean", "min", "p90", "p99.9"],
    };
    COLUMNS.iter().filter(|column| !left_out.contains(&column.name)).collect()
}

/// Place among all columns of one that is shown.
fn place_of(column: &Column) -> usize {
    COLUMNS.iter().position(|other| other.name == column.name).unwrap_or(0)
}

/// Columns of the screen: of the names, of a figure, of the count.
struct Widths {
    name: u16,
    figure: u16,
    count: u16,
}

/// A blank column at either side, where there is room for it.
fn padded(inside: Rect) -> Rect {
    if inside.width < 86 { inside } else { Rect { x: inside.x + 1, width: inside.width - 2, ..inside } }
}

fn widths(inside: Rect) -> Widths {
    let name = 15;
    let count = if inside.width >= 84 { 12 } else { 7 };
    let figure = (inside.width.saturating_sub(name + count) / shown(inside).len() as u16).min(11);
    Widths { name, figure, count }
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(system) = drawn_subject(view, PANEL.name, area, buffer) else { return };
    let Some(set) = system.latency() else { return };
    let what = match without_grants(system) {
        Some(why) => why,
        None => format!("all latencies of the measure phase{}", system.so_far()),
    };
    let inside = padded(view.frame(&heading(system, &what), area, buffer));
    let widths = widths(inside);
    let right = |x: u16, width: u16, text: &str, y: u16, ink: Ink, buffer: &mut Buffer| {
        let from = x + width.saturating_sub(text.chars().count() as u16);
        buffer.set_stringn(from, y, text, usize::from(width), view.ink(ink));
    };
    let columns = || (0..).map(|i| inside.x + widths.name + i * widths.figure).zip(shown(inside));
    for (x, column) in columns() {
        right(x, widths.figure, column.name, inside.y, Ink::Soft, buffer);
    }
    let after = inside.x + widths.name + widths.figure * shown(inside).len() as u16;
    let rest = inside.right().saturating_sub(after + widths.count);
    right(after, widths.count, if widths.count > 8 { "samples" } else { "count" }, inside.y, Ink::Soft, buffer);
    let selected = (view.row(kinds(view).len()), view.selection().column);
    for (row, (kind, y)) in kinds(view).into_iter().zip(inside.y + 1..inside.bottom()).enumerate() {
        let figures = (kind.of)(set);
        buffer.set_stringn(inside.x, y, kind.name(view), usize::from(widths.name), view.ink(Ink::Text));
        for (x, column) in columns() {
            let place = place_of(column);
            let ns = (column.of)(figures);
            let picked = view.focused() && selected == (row, place);
            let ink = if picked {
                Ink::Selected
            } else if ns.is_some() {
                Ink::Text
            } else {
                Ink::Soft
            };
            let width = usize::from(widths.figure);
            let text = if column.name == "max" { longest(view, figures, width) } else { length(view, ns, width) };
            right(x, widths.figure, &text, y, ink, buffer);
        }
        right(after, widths.count, &count(figures.count, widths.count), y, Ink::Text, buffer);
        if rest > 20 && view.room > Room::Compact {
            let text = fit(kind.span(view), usize::from(rest) - 3, view.glyphs().more);
            buffer.set_string(after + widths.count + 3, y, text, view.ink(Ink::Soft));
        }
    }
}

/// A count; in thousands or millions where it is too long.
fn count(count: u64, width: u16) -> String {
    let text = grouped(count);
    match count {
        _ if text.len() < usize::from(width) => text,
        10_000_000.. => format!("{}M", grouped(count / 1_000_000)),
        _ => format!("{}k", grouped(count / 1_000)),
    }
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let inside = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height };
    let inside = padded(inside);
    let widths = widths(inside);
    let row = usize::from(at.y.checked_sub(inside.y + 1)?);
    let column = at.x.saturating_sub(inside.x + widths.name) / widths.figure.max(1);
    let shown = shown(inside);
    (row < kinds(view).len()).then_some((row, place_of(shown[usize::from(column).min(shown.len() - 1)])))
}

fn explain(view: &View<'_>) -> String {
    let (system, set) = match subject(view).map(|system| (system, system.latency())) {
        Ok((system, Some(set))) => (system, set),
        Ok((system, None)) => return format!("{}: nothing is measured yet.", system.name),
        Err(text) => return text,
    };
    let all = kinds(view);
    let kind = all[view.row(all.len())];
    let column = &COLUMNS[view.selection().column.min(COLUMNS.len() - 1)];
    let figures = (kind.of)(set);
    let subject = format!("{}, {} {}", system.name, kind.name(view), column.name);
    let Some(ns) = (column.of)(figures) else {
        return format!("{subject} is not known: {}.", missing(system, kind, column, figures));
    };
    let (value, span) = (view.duration(ns), kind.span(view));
    let plural = kind.sample[1];
    let what = match (column.percentile, column.name) {
        (Some((_, _, share)), _) => format!("{share} {plural} took no longer"),
        (None, "min") => format!("the shortest of the {plural}"),
        (None, "max") if figures.max_is_lower_bound => {
            format!(
                "{} of {plural} were waited for in vain, so the longest took longer than this",
                grouped(figures.in_vain)
            )
        }
        (None, "max") => format!("the longest of the {plural}"),
        (None, _) => format!("the arithmetic mean of the {plural}"),
    };
    let phase = format!("in the measure phase{}", system.so_far());
    let number = grouped(figures.count + figures.in_vain);
    let noun = kind.sample[usize::from(figures.count + figures.in_vain != 1)];
    format!("{subject} {value}: {what}, {span}, {phase} ({number} {noun}).")
}

/// Why a figure is missing: as the report says once there is one.
fn missing(system: &SystemState, kind: &Kind, column: &Column, figures: &LatencyFigures) -> String {
    let all = format!("latency.{}", kind.field);
    let not_available = system.result.as_ref().map(|result| &result.not_available);
    if let Some(not_available) = not_available {
        let field = column.percentile.map_or("mean_ns", |(_, field, _)| field);
        let one = not_available.get(&format!("{all}.{field}"));
        if let Some(reason) = one.or_else(|| not_available.get(&all)) {
            return reason.clone();
        }
    }
    match column.percentile {
        _ if figures.count == 0 => {
            let none = if system.over() { kind.none.to_owned() } else { format!("{} so far", kind.none) };
            let none = why_empty(figures, &none);
            match without_grants(system).filter(|_| kind.wait) {
                Some(why) => why,
                None => none,
            }
        }
        Some((p, _, _)) => why_missing(figures, p),
        None if figures.in_vain > 0 => in_vain(figures),
        None => "it was not measured".to_owned(),
    }
}

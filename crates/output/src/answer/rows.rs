//! A row per system with a bar, aligned over all classes, so that rates are compared by
//! the eye.

use super::words::{disqualified_words, meaning_words, safety_words, winner_words};
use super::{Line, Tone};
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::SafetyVerdict;
use lockbench_report::answer::{Class, Disqualified, Row, Winner};
use lockbench_report::figure::Value;

/// A figure that does not exist.
const NONE: &str = "-";

/// Columns from which there is room for intervals and bounds.
const WIDE: usize = 100;

/// Columns of a bar at most.
const LONGEST_BAR: usize = 32;

/// Columns of a bar at least.
const SHORTEST_BAR: usize = 4;

/// Availability from which a system is said to have served all the time.
const ALL_THE_TIME: f64 = 0.9995;

/// Which columns there are.
#[derive(Clone, Copy)]
pub struct Columns {
    /// Whether signs are ASCII alone.
    pub ascii: bool,
    /// Whether the interval of the rate is shown.
    pub spread: bool,
    /// Whether the bound beside a zero is shown.
    pub wide: bool,
    /// Whether the share that was served is shown.
    pub served: bool,
}

/// Returns whether a system of these has an interval of its rate.
pub fn spread<'a>(mut rows: impl Iterator<Item = &'a Row>) -> bool {
    rows.any(|row| row.rate_interval.is_some())
}

/// Returns whether a system of these was not served all the time.
pub fn unserved<'a>(mut rows: impl Iterator<Item = &'a Row>) -> bool {
    rows.any(|row| matches!(row.availability, Some(Ok(share)) if share < ALL_THE_TIME))
}

/// The heads of the columns.
pub fn heads(columns: Columns) -> Vec<&'static str> {
    let mut heads = vec!["system", "grants/s"];
    if columns.spread {
        heads.push("(95 %)");
    }
    heads.extend(["wait p50", "wait p99", "hand-off", "fair"]);
    if columns.served {
        heads.push("served");
    }
    heads.push("safety");
    heads
}

/// The cells of a row, as [`heads`] names them.
pub fn cells(row: &Row, columns: Columns) -> Vec<String> {
    let mut cells = vec![row.system.clone(), shown(&row.rate, three_digits)];
    if columns.spread {
        cells.push(row.rate_interval.map_or_else(
            || NONE.to_owned(),
            |interval| {
                let half = (interval.high - interval.estimate).max(interval.estimate - interval.low);
                let sign = if columns.ascii { "+-" } else { "±" };
                format!("{sign}{} %", whole(half / interval.estimate * 100.0))
            },
        ));
    }
    let duration = |value: &Value| shown(value, |ns| human_duration(ns as u64));
    cells.extend([duration(&row.wait_p50), duration(&row.wait_p99), duration(&row.handoff_p50)]);
    cells.push(shown(&row.jain, |jain| format!("{jain:.2}")));
    if columns.served {
        let share = row.availability.as_ref().map_or_else(|| NONE.to_owned(), |share| shown(share, percent));
        cells.push(share);
    }
    cells.push(safety_words(&row.safety, columns.wide));
    cells
}

/// Widths that all rows share.
pub struct Shape {
    /// Columns of the terminal.
    columns: usize,
    shown: Columns,
    /// Name, grants/s, then the other figures.
    widths: Vec<usize>,
    heads: Vec<&'static str>,
    bar: usize,
    most: f64,
}

impl Shape {
    /// Of these rows, for so many columns.
    pub fn of(rows: &[&Row], columns: usize, ascii: bool) -> Self {
        let shape = Self::with(rows, columns, ascii, columns >= WIDE);
        // Long counts leave no room for what only a wide terminal shows.
        if shape.shown.wide && shape.taken() + SHORTEST_BAR > columns {
            Self::with(rows, columns, ascii, false)
        } else {
            shape
        }
    }

    fn with(rows: &[&Row], columns: usize, ascii: bool, wide: bool) -> Self {
        let served = unserved(rows.iter().copied());
        let spread = wide && spread(rows.iter().copied());
        let shown = Columns { ascii, spread, wide, served };
        let mut shape = Self { columns, shown, widths: Vec::new(), heads: heads(shown), bar: 0, most: 0.0 };
        let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(row, shown)).collect();
        shape.widths = (0..shape.heads.len())
            .map(|at| {
                let longest = cells.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
                longest.max(shape.heads[at].chars().count())
            })
            .collect();
        shape.bar = columns.saturating_sub(shape.taken()).clamp(SHORTEST_BAR, LONGEST_BAR);
        shape.most = rows.iter().filter_map(|row| row.rate.as_ref().ok()).copied().fold(0.0, f64::max);
        shape
    }

    /// Columns without the bar: a sign and a space before the name, a space behind each.
    fn taken(&self) -> usize {
        2 + self.widths.iter().map(|width| width + 1).sum::<usize>()
    }

    /// Cells in their columns, the bar behind the rate.
    fn line(&self, sign: (Tone, &str), cells: &[String], bar: &str, tones: impl Fn(usize) -> Tone) -> Line {
        let mut line = Line::of(sign.0, format!("{:<2}", sign.1));
        let last = cells.len() - 1;
        for (at, cell) in cells.iter().enumerate() {
            let width = self.widths[at];
            let text = if at == 0 || at == last { format!("{cell:<width$} ") } else { format!("{cell:>width$} ") };
            line = line.with(tones(at), text);
            if at == 1 {
                line = line.with(Tone::Plain, format!("{bar:<width$} ", width = self.bar));
            }
        }
        line.trimmed()
    }

    fn bar(&self, rate: f64) -> String {
        let eighths = (rate / self.most * self.bar as f64 * 8.0).round() as usize;
        if self.shown.ascii {
            return "#".repeat((eighths / 8).max(usize::from(rate > 0.0)));
        }
        let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
        let bar = format!("{}{rest}", "█".repeat(eighths / 8));
        if bar.is_empty() && rate > 0.0 { "▏".to_owned() } else { bar }
    }
}

fn shown(value: &Value, words: impl Fn(f64) -> String) -> String {
    value.as_ref().map_or_else(|_| NONE.to_owned(), |value| words(*value))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", (share * 1_000.0).floor() / 10.0)
}

fn whole(percent: f64) -> String {
    if percent < 9.95 { format!("{percent:.1}") } else { format!("{percent:.0}") }
}

/// The heads of the columns.
pub fn head_line(shape: &Shape) -> Line {
    let heads: Vec<String> = shape.heads.iter().map(|head| (*head).to_owned()).collect();
    shape.line((Tone::Plain, ""), &heads, "", |_| Tone::Faint)
}

/// What the columns mean.
pub fn legend(rows: &[&Row]) -> String {
    let mut legend = "rank: grants/s; wait: for the lock; hand-off: to the next; 1: fair".to_owned();
    if unserved(rows.iter().copied()) {
        legend.push_str("; served: share of what was due that was served in time");
    }
    let figures = |row: &&&Row| [&row.wait_p50, &row.wait_p99, &row.handoff_p50, &row.jain].iter().any(|v| v.is_err());
    if rows.iter().any(|row| figures(&row)) {
        legend.push_str("; -: unknown");
    }
    legend
}

/// A class: its promise, its rows, which system is best by how much.
pub fn class_lines(class: &Class, most: usize, shape: &Shape) -> Vec<Line> {
    let name = class.durability.to_string();
    let meaning = format!(": {}", meaning_words(class.durability));
    let head = if name.chars().count() + meaning.chars().count() <= shape.columns { meaning } else { String::new() };
    let mut lines = vec![Line::of(Tone::Strong, name).with(Tone::Faint, head)];
    // One that is alone in its class is best of nothing.
    let marked = if class.rows.len() > 1 { class.winner.marked() } else { 0 };
    for (at, row) in class.rows.iter().take(most).enumerate() {
        lines.push(row_line(row, at < marked, &class.winner, shape));
        if let Some(nodes) = &row.nodes_left {
            let text = format!("    quorum {}; {nodes} at the end", row.quorum);
            lines.push(Line::of(Tone::Warning, cut(&text, shape)));
        }
        if let Some(why) = row.disqualified.first() {
            let text = format!("    not ranked: {}", disqualified_words(why, &row.safety));
            let tone = if *why == Disqualified::Violated { Tone::Bad } else { Tone::Warning };
            lines.push(Line::of(tone, cut(&text, shape)));
        }
    }
    let words = winner_words(class);
    if class.rows.len() > 1 {
        let sign = if shape.shown.ascii { "-> " } else { "→ " };
        let tone = if matches!(class.winner, Winner::Clear { .. }) { Tone::Good } else { Tone::Warning };
        let text = format!("  {sign}{words}");
        lines.extend(broken(&text, shape).into_iter().map(|line| Line::of(tone, line)));
    }
    lines
}

fn row_line(row: &Row, marked: bool, winner: &Winner, shape: &Shape) -> Line {
    let (best, tie, violated) = if shape.shown.ascii { ("*", "~", "x") } else { ("★", "≈", "✗") };
    let sign = match winner {
        _ if row.disqualified.contains(&Disqualified::Violated) => (Tone::Bad, violated),
        _ if !row.ranked() => (Tone::Warning, "!"),
        Winner::Tie { .. } if marked => (Tone::Warning, tie),
        Winner::Unproven { .. } if marked => (Tone::Warning, best),
        Winner::Clear { .. } | Winner::Alone if marked => (Tone::Good, best),
        _ => (Tone::Plain, ""),
    };
    let cells = cells(row, shape.shown);
    let last = cells.len() - 1;
    let bar = row.rate.as_ref().map_or_else(|_| String::new(), |rate| shape.bar(*rate));
    shape.line(sign, &cells, &bar, |column| match (column, row.safety.verdict) {
        (0, _) if marked => Tone::Strong,
        (column, SafetyVerdict::Violated) if column == last => Tone::Bad,
        (column, SafetyVerdict::Valid) if column == last => Tone::Good,
        (column, _) if column == last => Tone::Warning,
        _ => Tone::Plain,
    })
}

/// A line cut to the columns that there are.
fn cut(text: &str, shape: &Shape) -> String {
    super::super::inspection::line::cut(text, shape.columns, shape.shown.ascii)
}

/// A sentence broken to the columns that there are, indented.
fn broken(text: &str, shape: &Shape) -> Vec<String> {
    let lines = super::wrapped(text, shape.columns - 4);
    lines.into_iter().enumerate().map(|(at, line)| format!("{}{line}", if at == 0 { "  " } else { "    " })).collect()
}

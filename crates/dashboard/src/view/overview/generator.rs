//! The panel of the load generator: whether it is itself in the way. Below it the plan, and the
//! notes on the run.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};

use crate::state::Standing;
use crate::text::fit;
use crate::theme::Ink;
use crate::view::{Panel, View};
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_report::live::{Origin, Own};

/// Share of the ceiling from which on a system's figures are half our own.
const NEAR_CEILING: f64 = 0.5;
/// Columns of a label.
const LABEL: u16 = 9;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Load generator",
    about: "Whether lockbench itself is in the way: lateness, processors, ceiling; the plan; the notes",
    draw,
    rows: |view| lines(view).len() + view.state.notes.len(),
    explain,
    hit,
    ..Panel::PLAIN
};

/// A line: label, value, ink, and what it means.
struct Line {
    label: &'static str,
    text: String,
    ink: Ink,
    sentence: String,
}

fn lines(view: &View<'_>) -> Vec<Line> {
    vec![lag(view), own(view), ceiling(view), plan(view)]
}

/// The time since the last look, if a trial is under way.
fn own_now<'a>(view: &View<'a>) -> Option<&'a Own> {
    let running = view.state.running().filter(|system| system.standing == Standing::Running)?;
    running.snapshot.as_ref().map(|snapshot| &snapshot.own)
}

fn lag(view: &View<'_>) -> Line {
    let none = view.glyphs().none;
    let (text, sentence) = match own_now(view) {
        Some(own) if own.lag.attempts > 0 => {
            let (longest, attempts) = (view.duration(own.lag.longest_ns), grouped(own.lag.attempts));
            (
                format!("{longest} at most, of {attempts} attempts that began since the last look"),
                format!(
                    "Lag {longest}: of {attempts} attempts that began since the last look none began later than that \
                     after its due instant; waits in response time count from there."
                ),
            )
        }
        Some(_) => (
            format!("{none} no attempt began since the last look"),
            "Lag: no attempt began since the last look, so no client was late.".to_owned(),
        ),
        None => (none.to_owned(), "Lag: no trial is under way.".to_owned()),
    };
    Line { label: "lag", text, ink: Ink::Text, sentence }
}

fn own(view: &View<'_>) -> Line {
    let none = view.glyphs().none;
    let cores = view.state.run.as_ref().map_or(1, |run| run.cores);
    let now = own_now(view).and_then(|own| own.cpu).map(|cpu| (cpu, "since the last look".to_owned()));
    let ended = view.state.running().and_then(|system| {
        let result = system.result.as_ref()?;
        let cpu = result.resources.client_cpu_s.filter(|_| result.measured_s > 0.0)? / result.measured_s;
        Some((cpu, format!("in the measure phase of {}, trial {}", system.name, result.trial)))
    });
    let (text, sentence) = match now.or(ended) {
        Some((cpu, when)) => {
            let cpu = three_digits(cpu);
            (
                format!("{cpu} of {cores} processors, {when}"),
                format!(
                    "Own CPU {cpu} of {cores} processors: what lockbench itself, this screen included, kept busy {when}; \
                     servers on this machine need processors too."
                ),
            )
        }
        None => {
            let why = match view.state.origin() {
                Origin::Live => "no trial is under way",
                Origin::Followed => "known only to the process that runs it, and stated in its report",
                Origin::Replayed { .. } => "a replay does not know it",
            };
            (format!("{none} {why}"), format!("Own CPU: {why}."))
        }
    };
    Line { label: "own CPU", text, ink: Ink::Text, sentence }
}

fn ceiling(view: &View<'_>) -> Line {
    let none = view.glyphs().none;
    let Some(ceiling) = view.state.run.as_ref().and_then(|run| run.ceiling_cycles_per_s).filter(|most| *most > 0.0)
    else {
        let sentence = "Ceiling: it was not measured how many cycles per second lockbench itself can make.".to_owned();
        return Line { label: "ceiling", text: format!("{none} not measured"), ink: Ink::Text, sentence };
    };
    let most = three_digits(ceiling);
    let mut text = format!("{most} cycles/s, lockbench's own limit");
    let mut ink = Ink::Text;
    let running = view.state.running();
    if let Some((system, rate)) =
        running.and_then(|system| Some((system, super::row::Row { view, system }.grants_per_s()?)))
    {
        let share = rate / ceiling;
        text = format!("{} {} {most} cycles/s, lockbench's own limit", system.name, percent(share));
        if share >= NEAR_CEILING {
            text = format!("NEAR, half of it may be lockbench: {text}");
            ink = Ink::Warn;
        }
    }
    let sentence = format!(
        "Ceiling {most} cycles/s: so many acquire-release cycles per second lockbench itself makes here with a lock that \
         costs nothing; no system can show more, and one that comes near shows lockbench."
    );
    Line { label: "ceiling", text, ink, sentence }
}

fn percent(share: f64) -> String {
    if share < 0.001 { "below 0.1 % of".to_owned() } else { format!("at {:.1} % of", 100.0 * share) }
}

fn plan(view: &View<'_>) -> Line {
    let Some(run) = &view.state.run else {
        let none = view.glyphs().none.to_owned();
        return Line { label: "plan", text: none, ink: Ink::Text, sentence: "Plan: no run has begun.".to_owned() };
    };
    let patience = run.acquire_timeout_ns.map_or_else(|| "once".to_owned(), |ns| format!("for {}", human_duration(ns)));
    let text = format!("{} clients, {}", grouped(u64::from(run.clients)), run.load);
    let question = if run.question.is_empty() { String::new() } else { format!(" It asks: {}", run.question) };
    let sentence = format!(
        "Plan {}: {text}; an attempt tries {patience}; warm-up {}, measure phase {}, {} of each system.{question}",
        run.workload,
        human_duration(run.warmup_ns),
        human_duration(run.duration_ns),
        if run.trials == 1 { "1 trial".to_owned() } else { format!("{} trials", run.trials) }
    );
    Line { label: "plan", text, ink: Ink::Text, sentence }
}

/// First note that is shown, and how many: the newest ones, unless one is selected.
fn notes(view: &View<'_>, room: usize) -> (usize, usize) {
    let (fixed, count) = (lines(view).len(), view.state.notes.len());
    let shown = room.saturating_sub(fixed).min(count);
    let newest = count - shown;
    let selected = view.row(fixed + count).checked_sub(fixed).filter(|_| view.focused());
    (selected.map_or(newest, |selected| selected.min(newest)), shown)
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let inside = view.frame("Load generator", area, buffer);
    if inside.is_empty() {
        return;
    }
    let lines = lines(view);
    let selected = view.row(lines.len() + view.state.notes.len());
    let (first, shown) = notes(view, inside.height.into());
    let more = view.glyphs().more;
    let room = usize::from(inside.width.saturating_sub(LABEL + 2));
    let fixed = lines.len();
    let said = (first..first + shown).map(|at| (fixed + at, "note", view.state.notes[at].as_str(), Ink::Soft));
    let fixed_lines = lines.iter().enumerate().map(|(at, line)| (at, line.label, line.text.as_str(), line.ink));
    for ((row, label, text, ink), y) in fixed_lines.chain(said).zip(inside.top()..inside.bottom()) {
        let marked = row == selected && view.focused();
        if marked {
            buffer.set_string(inside.x, y, view.glyphs().pointer, view.ink(Ink::Focus));
        }
        buffer.set_string(inside.x + 1, y, label, view.ink(if marked { Ink::Focus } else { Ink::Soft }));
        let style = if marked { view.ink(ink).patch(view.ink(Ink::Selected)) } else { view.ink(ink) };
        // Notes often say themselves what they are.
        let text = text.strip_prefix("note: ").unwrap_or(text);
        buffer.set_string(inside.x + 1 + LABEL, y, fit(text, room, more), style);
    }
}

fn explain(view: &View<'_>) -> String {
    let mut lines = lines(view);
    let row = view.row(lines.len() + view.state.notes.len());
    match row.checked_sub(lines.len()) {
        Some(note) => view.state.notes.get(note).cloned().unwrap_or_default(),
        None => lines.swap_remove(row).sentence,
    }
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let inside = area.inner(Margin::new(1, 1));
    if !inside.contains(at) {
        return None;
    }
    let row = usize::from(at.y - inside.y);
    let fixed = lines(view).len();
    let (first, shown) = notes(view, inside.height.into());
    (row < fixed + shown).then(|| (if row < fixed { row } else { row + first }, 0))
}

//! The figures of a system: heading, value, and what it means in a sentence. During a
//! trial they come from its snapshot, after it from its entry in the report.

use super::mark::Mark;
use super::rate::Rate;
use crate::load::Phase;
use crate::record::LatencyFigures;
use crate::report::LatencySet;
use crate::report::live::{Origin, Snapshot};
use crate::tui::state::{Standing, SystemState};
use crate::tui::text::{clock, rate};
use crate::tui::theme::Ink;
use crate::tui::view::View;
use crate::units::{grouped, human_duration};

/// A figure.
pub struct Figure {
    /// Heading of its column, where there is room and where there is little.
    pub heading: (&'static str, &'static str),
    /// Least columns, so that values may grow without moving their neighbours.
    pub width: usize,
    /// Is it text, and so begins at the left?
    pub text: bool,
    /// Its value, cut to what fits under the short heading if so told.
    pub cell: fn(&Row<'_>, bool) -> Cell,
    /// What it means, with its value.
    pub sentence: fn(&Row<'_>) -> String,
}

/// A value.
pub struct Cell {
    /// As text.
    pub text: String,
    /// Its ink.
    pub ink: Ink,
}

/// A system as one sees it.
pub struct Row<'a> {
    /// The look.
    pub view: &'a View<'a>,
    /// The system.
    pub system: &'a SystemState,
}

/// Every figure, from left to right.
pub static FIGURES: &[Figure] = &[
    Figure {
        heading: ("grants/s", "grants/s"),
        width: 8,
        text: false,
        cell: |row, _| row.rate(),
        sentence: |row| row.told_rate(),
    },
    latency(("wait p50", "wait p50"), |row, _| row.wait(|wait| wait.p50_ns), |row| row.told_wait("p50")),
    latency(("wait p99", "wait p99"), |row, _| row.wait(|wait| wait.p99_ns), |row| row.told_wait("p99")),
    latency(("wait max", "wait max"), |row, _| row.wait(|wait| wait.max_ns), |row| row.told_wait("max")),
    latency(("hold p99", "hold p99"), |row, _| row.length(|set| set.hold.p99_ns), |row| row.told_hold()),
    latency(("hand-off p99", "hand-off p99"), |row, _| row.length(|set| set.handoff.p99_ns), |row| row.told_handoff()),
    Figure {
        heading: ("timeouts", "timeouts"),
        width: 8,
        text: false,
        cell: |row, short| row.timeouts(short),
        sentence: |row| row.told_timeouts(),
    },
    Figure {
        heading: ("lost leases", "lost leases"),
        width: 11,
        text: false,
        cell: |row, _| row.lost(),
        sentence: |row| row.told_lost(),
    },
    Figure {
        heading: ("safety", "double grants"),
        width: 13,
        text: true,
        cell: |row, short| row.safety(short),
        sentence: |row| row.told_safety(),
    },
    Figure {
        heading: ("trial", "trial"),
        width: 8,
        text: false,
        cell: |row, _| row.trial(),
        sentence: |row| row.told_trial(),
    },
    Figure {
        heading: ("left", "left"),
        width: 5,
        text: false,
        cell: |row, _| row.left(),
        sentence: |row| row.told_left(),
    },
    Figure {
        heading: ("state", "state"),
        width: 9,
        text: true,
        cell: |row, _| row.state(),
        sentence: |row| row.told_state(),
    },
];

/// Place of the rate in [`FIGURES`].
pub const RATE: usize = 0;
/// Place of the state.
pub const STATE: usize = 11;

/// In this order columns come into the table, as far as there is room: first what decides.
pub const PRIORITY: [usize; 12] = [RATE, 1, 2, 6, 8, STATE, 3, 5, 4, 9, 10, 7];

const fn latency(
    heading: (&'static str, &'static str),
    cell: fn(&Row<'_>, bool) -> Cell,
    sentence: fn(&Row<'_>) -> String,
) -> Figure {
    Figure { heading, width: 8, text: false, cell, sentence }
}

/// What was counted in the measure phase.
#[derive(Clone, Copy)]
struct Tally {
    attempts: u64,
    grants: u64,
    timed_out: u64,
    lost_leases: u64,
}

impl<'a> Row<'a> {
    fn name(&self) -> &'a str {
        &self.system.name
    }

    /// The trial under way, as far as told.
    fn snapshot(&self) -> Option<&'a Snapshot> {
        self.system.snapshot.as_ref()
    }

    /// Is its load paused, or about to be? Of a stored or followed run the user holds the
    /// picture only; and what drains cannot be paused.
    fn paused(&self, snapshot: &Snapshot) -> bool {
        let asked = self.view.paused && self.view.state.origin() == Origin::Live;
        snapshot.paused || asked && snapshot.phase != Phase::Drain
    }

    fn set(&self) -> Option<&'a LatencySet> {
        let ended = self.system.result.as_ref().map(|result| &result.latency);
        ended.or(self.snapshot().map(|snapshot| &snapshot.latency))
    }

    /// Has its trial come to its measure phase?
    fn measuring(&self) -> bool {
        self.system.result.is_some() || self.snapshot().is_some_and(|snapshot| snapshot.phase != Phase::Warmup)
    }

    fn tally(&self) -> Option<Tally> {
        if let Some(result) = &self.system.result {
            let (attempts, grants) = (result.attempts, result.grants);
            let lost_leases = result.safety.lost_leases;
            return Some(Tally { attempts, grants, timed_out: result.timed_out, lost_leases });
        }
        let counts = self.snapshot().filter(|_| self.measuring())?.counts;
        let (attempts, grants) = (counts.attempts, counts.grants);
        Some(Tally { attempts, grants, timed_out: counts.timed_out, lost_leases: counts.lost_leases })
    }

    /// Grants of the measure phase, and its length so far.
    fn measured(&self) -> Option<(u64, u64)> {
        let snapshot = self.snapshot().filter(|_| self.measuring())?;
        let ns = snapshot.loaded_ns;
        (ns > 0).then_some((snapshot.counts.grants_in_window, ns))
    }

    /// Grants a second of the measure phase.
    pub fn grants_per_s(&self) -> Option<f64> {
        match &self.system.result {
            Some(result) => result.throughput_per_s,
            None => self.measured().map(|(grants, ns)| grants as f64 * 1e9 / ns as f64),
        }
    }

    /// 99th percentile of the wait.
    pub fn p99_ns(&self) -> Option<u64> {
        self.set().and_then(|set| set.acquire_service.p99_ns)
    }

    /// `so far`, while the trial is under way.
    fn when(&self) -> String {
        match &self.system.result {
            Some(result) => format!("in the measure phase of trial {}", result.trial),
            None => format!("in the measure phase{}", self.system.so_far()),
        }
    }

    fn none(&self) -> Cell {
        Cell { text: self.view.glyphs().none.to_owned(), ink: Ink::Soft }
    }

    fn state(&self) -> Cell {
        let glyphs = self.view.glyphs();
        let (glyph, word, ink) = match self.system.standing {
            Standing::Waiting => (glyphs.waiting, "waiting", Ink::Soft),
            Standing::Skipped => (glyphs.skipped, "skipped", Ink::Soft),
            Standing::Failed => (glyphs.failed, "failed", Ink::Warn),
            Standing::Ended => (glyphs.done, "done", Ink::Text),
            Standing::Running => match self.snapshot() {
                Some(snapshot) if self.paused(snapshot) => (glyphs.paused, "paused", Ink::Held),
                Some(snapshot) => (glyphs.running, phase(snapshot.phase), Ink::Focus),
                None => (glyphs.running, "starts", Ink::Focus),
            },
        };
        Cell { text: format!("{glyph} {word}"), ink }
    }

    fn rate(&self) -> Cell {
        self.grants_per_s().map_or_else(|| self.none(), |value| Cell { text: rate(value), ink: Ink::Text })
    }

    fn length(&self, of: impl Fn(&LatencySet) -> Option<u64>) -> Cell {
        match self.set().and_then(of) {
            Some(ns) => Cell { text: self.view.duration(ns), ink: Ink::Text },
            None => self.none(),
        }
    }

    fn wait(&self, of: impl Fn(&LatencyFigures) -> Option<u64>) -> Cell {
        self.length(|set| of(&set.acquire_service))
    }

    fn timeouts(&self, short: bool) -> Cell {
        let Some(tally) = self.tally().filter(|tally| tally.attempts > 0) else { return self.none() };
        let ink = if tally.timed_out > 0 { Ink::Warn } else { Ink::Text };
        let share = share(tally.timed_out, tally.attempts);
        let text = match (tally.timed_out, short) {
            (0, _) => "0".to_owned(),
            (_, true) => share,
            (count, false) => format!("{} ({share})", grouped(count)),
        };
        Cell { text, ink }
    }

    fn lost(&self) -> Cell {
        let Some(tally) = self.tally() else { return self.none() };
        let ink = if tally.lost_leases > 0 { Ink::Warn } else { Ink::Text };
        Cell { text: grouped(tally.lost_leases), ink }
    }

    fn safety(&self, short: bool) -> Cell {
        let mark = Mark::of(self.system);
        Cell { text: mark.text(self.view.glyphs(), short), ink: mark.ink() }
    }

    fn trial(&self) -> Cell {
        let trials = self.view.state.run.as_ref().map_or(1, |run| run.trials);
        let done = if self.system.standing == Standing::Ended { " done" } else { "" };
        Cell { text: format!("{}/{trials}{done}", self.system.trial), ink: Ink::Text }
    }

    fn left(&self) -> Cell {
        match self.snapshot().filter(|_| self.system.standing == Standing::Running) {
            Some(snapshot) => Cell { text: clock(snapshot.left_ns), ink: Ink::Text },
            None => self.none(),
        }
    }

    /// What is said instead of figures, if there are none: its state, and why.
    pub fn reason(&self) -> Option<String> {
        let state = self.state().text;
        let why = self.system.problem.as_deref().unwrap_or("no reason was told");
        match self.system.standing {
            Standing::Waiting => Some(state),
            Standing::Skipped => Some(format!("{state}: {why}")),
            Standing::Failed => {
                let mark = Mark::of(self.system);
                let broken = matches!(mark, Mark::Broken { .. });
                let seen = if broken { format!("{}; ", mark.text(self.view.glyphs(), false)) } else { String::new() };
                Some(format!("{seen}{state}: {why}"))
            }
            Standing::Running | Standing::Ended => None,
        }
    }

    fn told_state(&self) -> String {
        let (name, system) = (self.name(), self.system);
        let why = system.problem.as_deref().unwrap_or("no reason was told");
        match (system.standing, self.snapshot()) {
            (Standing::Waiting, _) => {
                format!(
                    "{name} waits: its first trial has not begun; systems take turns, in an order drawn by the seed."
                )
            }
            (Standing::Skipped, _) => format!("{name} does not take part: {why}."),
            (Standing::Failed, _) => format!("{name}, trial {}, failed: {why}.", system.trial),
            (Standing::Ended, _) => format!(
                "{name}, trial {}, is over: it measured for {:.1} s.",
                system.trial,
                system.result.as_ref().map_or(0.0, |result| result.measured_s)
            ),
            (Standing::Running, Some(snapshot)) if self.paused(snapshot) => {
                format!("{name}, trial {}, is paused: no attempt begins until p is pressed again.", system.trial)
            }
            (Standing::Running, Some(snapshot)) => {
                let meaning = match snapshot.phase {
                    Phase::Warmup => "load without counting",
                    Phase::Measure => "attempts that begin in it count",
                    Phase::Drain => "no attempt begins, those under way end",
                };
                format!("{name}, trial {}, is in phase {}: {meaning}.", system.trial, phase(snapshot.phase))
            }
            (Standing::Running, None) => format!("{name}, trial {}: its clients connect.", system.trial),
        }
    }

    fn told_rate(&self) -> String {
        let name = self.name();
        let Some(value) = self.grants_per_s() else {
            return format!("{name}, grants/s: not known, {}.", self.not_yet());
        };
        let line = if Rate::of(self.view, self.system, 60).most > 0.0 {
            "; the bars show the rate over time, warm-up included"
        } else {
            ""
        };
        match (&self.system.result, self.measured()) {
            (None, Some((grants, ns))) => format!(
                "{name}, {} grants/s: {} grants within the {} of the measure phase{}{line}.",
                rate(value),
                grouped(grants),
                human_duration(ns),
                self.system.so_far()
            ),
            _ => format!("{name}, {} grants/s: the mean {}{line}.", rate(value), self.when()),
        }
    }

    fn told_wait(&self, which: &str) -> String {
        let Some(wait) = self.set().map(|set| &set.acquire_service) else {
            return self.untold(&format!("wait {which}"));
        };
        let (value, meaning) = match which {
            "p50" => (wait.p50_ns, "half of the granted attempts waited no longer"),
            "p99" => (wait.p99_ns, "99 of 100 granted attempts waited no longer"),
            _ => (wait.max_ns, "no granted attempt waited longer"),
        };
        let what = format!("wait {which}");
        let meaning = format!("{meaning}, from asking until the grant (service time)");
        self.told_length(&what, ("acquire_service", which), value, wait.count, &meaning)
    }

    fn told_hold(&self) -> String {
        let hold = self.set().map(|set| set.hold).unwrap_or_default();
        let meaning = "99 of 100 grants were held no longer, from the grant until asking for the release";
        self.told_length("hold p99", ("hold", "p99"), hold.p99_ns, hold.count, meaning)
    }

    fn told_handoff(&self) -> String {
        let handoff = self.set().map(|set| set.handoff).unwrap_or_default();
        let meaning = "99 of 100 took no longer, from one client's asking for its release until the grant of a client \
                       that was waiting already";
        self.told_length("hand-off p99", ("handoff", "p99"), handoff.p99_ns, handoff.count, meaning)
    }

    fn told_length(&self, what: &str, field: (&str, &str), value: Option<u64>, count: u64, meaning: &str) -> String {
        let name = self.name();
        if let Some(ns) = value {
            let of = grouped(count);
            return format!("{name}, {what} {}: {meaning}, {} ({of} samples).", self.view.duration(ns), self.when());
        }
        let missing = self.system.result.as_ref().and_then(|result| {
            let (set, figure) = (format!("latency.{}", field.0), format!("latency.{}.{}_ns", field.0, field.1));
            result.not_available.get(&figure).or_else(|| result.not_available.get(&set))
        });
        match missing {
            Some(reason) => format!("{name}, {what}: does not exist, {reason}."),
            None if count == 0 => self.untold(what),
            None => format!(
                "{name}, {what}: does not exist yet, {} samples are too few, or attempts without a grant hide the \
                 longest waits.",
                grouped(count)
            ),
        }
    }

    fn untold(&self, what: &str) -> String {
        format!("{}, {what}: does not exist, {}.", self.name(), self.not_yet())
    }

    /// Why there is no figure.
    fn not_yet(&self) -> String {
        match (self.system.standing, self.tally()) {
            (Standing::Waiting, _) => "its first trial has not begun".to_owned(),
            (Standing::Running, None) => "the measure phase has not begun".to_owned(),
            (_, Some(tally)) if tally.timed_out > 0 => {
                format!("no grant yet: {} attempts timed out", grouped(tally.timed_out))
            }
            _ => "nothing was measured".to_owned(),
        }
    }

    fn told_timeouts(&self) -> String {
        let Some(tally) = self.tally().filter(|tally| tally.attempts > 0) else { return self.untold("timeouts") };
        let patience = self.view.state.run.as_ref().and_then(|run| run.acquire_timeout_ns);
        let patience = patience.map_or_else(String::new, |ns| format!(" of {}", human_duration(ns)));
        format!(
            "{}, {} timeouts ({}): so many of {} attempts with an outcome, {}, got no grant before their \
             deadline{patience}.",
            self.name(),
            grouped(tally.timed_out),
            share(tally.timed_out, tally.attempts),
            grouped(tally.attempts),
            self.when()
        )
    }

    fn told_lost(&self) -> String {
        let Some(tally) = self.tally() else { return self.untold("lost leases") };
        format!(
            "{}, {} lost leases: so many of {} grants, {}, were lost while they were held, and the client learned of \
             it.",
            self.name(),
            grouped(tally.lost_leases),
            grouped(tally.grants),
            self.when()
        )
    }

    fn told_safety(&self) -> String {
        Mark::of(self.system).sentence(self.system)
    }

    fn told_trial(&self) -> String {
        let trials = self.view.state.run.as_ref().map_or(1, |run| run.trials);
        match self.system.trial {
            0 => format!("{}: no trial of {trials} has begun.", self.name()),
            trial => format!("{}: the figures are of trial {trial} of {trials}, no mean of several.", self.name()),
        }
    }

    fn told_left(&self) -> String {
        match self.snapshot().filter(|_| self.system.standing == Standing::Running) {
            Some(snapshot) => format!(
                "{}, {} left until the planned end of the measure phase; attempts under way may take longer.",
                self.name(),
                clock(snapshot.left_ns)
            ),
            None => format!("{}: no trial is under way.", self.name()),
        }
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Warmup => "warm-up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
    }
}

/// A share as per cent, that of a few among many never as 0.
fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match percent {
        0.0 => "0 %".to_owned(),
        ..0.1 => "<0.1 %".to_owned(),
        ..9.95 => format!("{percent:.1} %"),
        _ if part < whole => format!("{:.0} %", percent.min(99.0)),
        _ => "100 %".to_owned(),
    }
}

//! The figures of a system as values of a table.

use super::figure::Cell;
use super::mark::Mark;
use super::row::{Row, phase, share};
use crate::state::Standing;
use crate::text::{clock, in_about, rate};
use crate::theme::Ink;
use lockbench_core::record::LatencyFigures;
use lockbench_core::units::grouped;
use lockbench_report::Durability;
use lockbench_report::LatencySet;

impl Row<'_> {
    pub(super) fn none(&self) -> Cell {
        Cell { text: self.view.glyphs().none.to_owned(), ink: Ink::Soft }
    }

    /// A plain value, if there is one.
    fn plain(&self, text: Option<String>) -> Cell {
        text.map_or_else(|| self.none(), |text| Cell { text, ink: Ink::Text })
    }

    /// Where it stands, in a sign.
    pub(super) fn sign(&self) -> Cell {
        let state = self.state();
        Cell { text: state.text.chars().take(1).collect(), ink: state.ink }
    }

    pub(super) fn state(&self) -> Cell {
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

    pub(super) fn rate(&self) -> Cell {
        self.plain(self.grants_per_s().map(rate))
    }

    pub(super) fn length(&self, of: impl Fn(&LatencySet) -> Option<u64>) -> Cell {
        self.plain(self.set().and_then(of).map(|ns| self.view.duration(ns)))
    }

    pub(super) fn wait(&self, of: impl Fn(&LatencyFigures) -> Option<u64>) -> Cell {
        self.length(|set| of(&set.acquire_service))
    }

    /// The longest wait, or that it is longer than what was waited for in vain.
    pub(super) fn longest_wait(&self) -> Cell {
        let sign = self.set().map_or("", |set| set.acquire_service.sign_of_max());
        let cell = self.wait(|wait| wait.max_ns);
        if sign.is_empty() { cell } else { Cell { text: format!(">{}", cell.text), ink: Ink::Warn } }
    }

    pub(super) fn fairness(&self) -> Cell {
        self.plain(self.system.fairness().and_then(|fairness| fairness.jain).map(|jain| format!("{jain:.2}")))
    }

    /// Its class of durability, once it answered.
    pub(super) fn class(&self) -> Option<Durability> {
        Some(Durability::of_facts(&self.system.facts.as_ref()?.facts))
    }

    pub(super) fn durability(&self) -> Cell {
        self.plain(self.class().map(|class| class.to_string()))
    }

    /// When its first trial begins.
    pub(super) fn turn(&self) -> String {
        let state = self.view.state;
        match state.turn_ns(self.system) {
            _ if state.over.is_some() => "the run ended before its turn".to_owned(),
            Some(ns) if state.place.0 == 0 => format!("{} once the load begins", in_about(ns)),
            Some(ns) => in_about(ns),
            None if state.place.0 == 0 => "servers are being made ready".to_owned(),
            None => "its turn comes".to_owned(),
        }
    }

    pub(super) fn timeouts(&self, short: bool) -> Cell {
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

    pub(super) fn lost(&self) -> Cell {
        let Some(tally) = self.tally() else { return self.none() };
        let ink = if tally.lost_leases > 0 { Ink::Warn } else { Ink::Text };
        Cell { text: grouped(tally.lost_leases), ink }
    }

    pub(super) fn safety(&self, short: bool) -> Cell {
        let mark = Mark::of(self.system);
        Cell { text: mark.text(self.view.glyphs(), short), ink: mark.ink() }
    }

    pub(super) fn trial(&self) -> Cell {
        let trials = self.view.state.run.as_ref().map_or(1, |run| run.trials);
        let done = if self.system.standing == Standing::Ended { " done" } else { "" };
        Cell { text: format!("{}/{trials}{done}", self.system.trial), ink: Ink::Text }
    }

    pub(super) fn left(&self) -> Cell {
        let running = self.snapshot().filter(|_| self.system.standing == Standing::Running);
        self.plain(running.map(|snapshot| clock(snapshot.left_ns)))
    }

    /// What is said instead of figures, if there are none: its state, and why.
    pub fn reason(&self) -> Option<String> {
        let state = self.state().text;
        let why = self.system.problem.as_deref().unwrap_or("no reason was given");
        match self.system.standing {
            Standing::Waiting => Some(format!("{state}: {}", self.turn())),
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
}

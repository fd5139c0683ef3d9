//! Trial by trial through a stored run: its history as far as it goes, else its seconds,
//! each at the pace that is asked for.

use std::path::Path;

use super::Listener;
use super::fold::Fold;
use super::pace::{Break, Pace};
use super::rest::Rest;
use crate::live::{TrialEnd, TrialStart, Update};
use crate::{Measurements, RecordedRun, TrialResult};
use lockbench_core::record::Event;
use lockbench_core::record::history::{Cut, Header, HistoryError, HistoryReader, Line};

/// Events between two looks at the clock.
const LOOK: u32 = 1_024;

/// Why the history is not read on.
pub enum Halt {
    /// Nobody wants any more of it, or something before it.
    Broken(Break),
    /// It cannot be read.
    Failed(HistoryError),
}

impl From<Break> for Halt {
    fn from(why: Break) -> Self {
        Self::Broken(why)
    }
}

impl From<HistoryError> for Halt {
    fn from(error: HistoryError) -> Self {
        Self::Failed(error)
    }
}

/// A run that is being played.
pub struct Playing<'a> {
    run: &'a RecordedRun,
    /// The first result that was not told.
    next: usize,
    /// Its trial, if its history is under way.
    trial: Option<Trial>,
    pace: Pace<'a>,
    to: &'a mut dyn Listener,
}

/// A trial under way.
struct Trial {
    fold: Fold,
    /// Up to here it may be played, nanoseconds since its start.
    allowed_ns: u64,
    /// Up to here it was shown.
    shown_ns: Option<u64>,
    /// Events since the last look at the clock.
    unseen: u32,
}

impl<'a> Playing<'a> {
    /// Nothing of it was told yet.
    pub fn new(run: &'a RecordedRun, pace: Pace<'a>, to: &'a mut dyn Listener) -> Self {
        Self { run, next: 0, trial: None, pace, to }
    }

    /// Says something.
    pub fn note(&mut self, text: String) {
        self.to.tell(Update::Note(text));
    }

    /// Plays the trials that have a history, and those between them.
    pub fn history(&mut self, path: &Path) -> Result<(), Halt> {
        if !path.exists() {
            return Ok(());
        }
        let mut lines = HistoryReader::open(path)?;
        for line in lines.by_ref() {
            match line? {
                Line::Result(header) => self.begin(header)?,
                Line::Event(event) => self.event(&event)?,
                Line::Cut(cut) => self.cut(cut),
                Line::Unjudged(_) => {}
            }
        }
        self.end()?;
        if lines.broken_off() && self.run.report.complete {
            self.note(format!("{} breaks off in the middle: copy the run again", path.display()));
        }
        Ok(())
    }

    fn result(&self, at: usize) -> Option<&'a TrialResult> {
        self.run.report.results.get(at)
    }

    fn measured(&self, result: &TrialResult) -> Option<&'a Measurements> {
        self.run.measured.iter().find(|one| one.backend == result.backend && one.trial == result.trial)
    }

    /// The events of a result follow; of those before it there are none.
    fn begin(&mut self, header: Header) -> Result<(), Break> {
        self.end()?;
        let of = |result: &TrialResult| result.backend == header.backend && result.trial == header.trial;
        let Some(ahead) = self.run.report.results.iter().skip(self.next).position(of) else {
            let name = format!("{}, trial {}", header.backend, header.trial);
            self.note(format!("{name} is in the history and not in the report: it is left out"));
            return Ok(());
        };
        for _ in 0..ahead {
            self.without_history()?;
        }
        let Some(result) = self.result(self.next) else { return Ok(()) };
        if self.run.report.schema_version < 2 && !result.history.complete {
            // Version 1 did not mark where the holes begin.
            return Ok(());
        }
        self.start(result);
        self.pace.begin(0);
        let fold = Fold::new(header, self.measured(result));
        self.trial = Some(Trial { fold, allowed_ns: 0, shown_ns: None, unseen: 0 });
        Ok(())
    }

    fn start(&mut self, result: &TrialResult) {
        let (place, places) = (self.next as u32 + 1, self.run.report.results.len() as u32);
        let (backend, trial) = (result.backend.clone(), result.trial);
        self.to.tell(Update::Trial(TrialStart { backend, trial, place, places }));
    }

    fn event(&mut self, event: &Event) -> Result<(), Break> {
        let Some(trial) = self.trial.as_mut().filter(|trial| !trial.fold.is_cut()) else { return Ok(()) };
        let at_ns = trial.fold.since_start(event);
        while at_ns > trial.allowed_ns {
            trial.show(trial.allowed_ns, self.pace.arriving(), self.to);
            trial.allowed_ns = self.pace.beat()?;
        }
        trial.fold.observe(event);
        trial.unseen += 1;
        if trial.unseen == LOOK {
            trial.unseen = 0;
            if self.pace.late() {
                trial.show(at_ns, false, self.to);
                trial.allowed_ns = self.pace.lag(at_ns, trial.allowed_ns);
            }
        }
        Ok(())
    }

    fn cut(&mut self, cut: Cut) {
        if let Some(trial) = &mut self.trial {
            trial.fold.cut(cut);
            let text = "its history was bounded: from here on only its seconds are told";
            let header = trial.fold.header();
            self.to.tell(Update::Note(format!("{}, trial {}: {text}", header.backend, header.trial)));
        }
    }

    /// The trial under way is over: its rest, and its entry in the report.
    fn end(&mut self) -> Result<(), Break> {
        let Some(mut trial) = self.trial.take() else { return Ok(()) };
        let at_ns = trial.fold.reached_ns();
        while at_ns > trial.allowed_ns {
            trial.show(trial.allowed_ns, self.pace.arriving(), self.to);
            trial.allowed_ns = self.pace.beat()?;
        }
        let Some(result) = self.result(self.next) else { return Ok(()) };
        let snapshot = trial.fold.snapshot(at_ns);
        let measured = self.measured(result).filter(|_| trial.fold.is_cut());
        // However busy the reader is: the last seconds are in no other one.
        self.to.tell(Update::Live(Box::new(snapshot.clone())));
        let mut length_ns = at_ns;
        if let Some(measured) = measured {
            length_ns = self.seconds(Rest::after(measured, snapshot))?.max(at_ns);
        }
        self.ended(result, length_ns);
        Ok(())
    }

    /// The next result has no history.
    fn without_history(&mut self) -> Result<(), Break> {
        let Some(result) = self.result(self.next) else { return Ok(()) };
        self.start(result);
        let mut length_ns = 0;
        if let Some(measured) = self.measured(result) {
            let name = format!("{}, trial {}", result.backend, result.trial);
            self.note(format!("{name}: no history was kept: only its seconds are told"));
            length_ns = self.seconds(Rest::whole(measured))?;
        }
        self.ended(result, length_ns);
        Ok(())
    }

    /// Returns where they end.
    fn seconds(&mut self, mut rest: Rest<'_>) -> Result<u64, Break> {
        self.pace.begin(rest.begins_ns());
        let mut at_ns = rest.begins_ns();
        while at_ns < rest.ends_ns() {
            at_ns = self.pace.beat()?;
            // The last seconds are in no other snapshot.
            let must = at_ns >= rest.ends_ns() || self.pace.arriving();
            if rest.has(at_ns) && (must || self.to.wants_snapshot()) {
                self.to.tell(Update::Live(Box::new(rest.snapshot(at_ns))));
            }
        }
        Ok(rest.ends_ns())
    }

    fn ended(&mut self, result: &TrialResult, length_ns: u64) {
        self.pace.over(length_ns);
        let measured = self.measured(result).cloned();
        self.to.tell(Update::Ended(Box::new(TrialEnd { result: result.clone(), measured })));
        self.next += 1;
    }

    /// Length of the trials that were played.
    pub fn length_ns(&self) -> u64 {
        self.pace.base()
    }

    /// What the history did not have.
    pub fn finish(&mut self) -> Result<(), Break> {
        self.end()?;
        while self.next < self.run.report.results.len() {
            self.without_history()?;
        }
        Ok(())
    }
}

impl Trial {
    /// Shows it, where the listener is ready for it; in any case if it `must` be seen.
    fn show(&mut self, at_ns: u64, must: bool, to: &mut dyn Listener) {
        if self.shown_ns.is_none_or(|shown| at_ns > shown) && (must || to.wants_snapshot()) {
            self.shown_ns = Some(at_ns);
            to.tell(Update::Live(Box::new(self.fold.snapshot(at_ns))));
        }
    }
}

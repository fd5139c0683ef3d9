//! The history of a run under way, folded as it grows, and its report at the end.

use std::path::Path;

use super::place::Place;
use super::{Followed, Pacing};
use crate::Promises;
use crate::broken_off::of_result;
use crate::live::player::{BEAT_NS, Fold, Listener, plan_of, systems};
use crate::live::{SystemFacts, TrialEnd, TrialStart, Update};
use crate::{OpenError, REPORT, RecordedRun, UNPROMISED, Writer, history_failure, history_path, open_broken_off};
use lockbench_core::lock::Facts;
use lockbench_core::record::history::{Cut, Ending, Header, HistoryReader, Line, Next};
use lockbench_core::units::SECOND;
use lockbench_core::workload::Plan;

/// What stands where only the report will tell.
const UNTOLD: &str = "not known before the report";
/// A run of which nothing was heard for so long may be dead.
const QUIET_NS: u64 = 10 * SECOND;
/// Lines between two looks at the clock.
const LINES: usize = 1_024;

/// The folds of a run under way.
pub struct Following<'a> {
    watch: Pacing<'a>,
    place: &'a Place,
    plan: Plan,
    promises: Promises<'a>,
    to: &'a mut dyn Listener,
    /// The trial under way.
    trial: Option<Fold>,
    /// Systems whose first trial has begun.
    begun: Vec<String>,
    /// Trials that have begun.
    trials: u32,
    /// When the next snapshot is due.
    next: u64,
    /// When the file grew last.
    heard: u64,
    /// Was it said that it does not?
    quiet: bool,
}

impl<'a> Following<'a> {
    /// Nothing of it was read yet.
    pub fn new(
        watch: Pacing<'a>,
        place: &'a Place,
        plan: Plan,
        promises: Promises<'a>,
        to: &'a mut dyn Listener,
    ) -> Self {
        let heard = watch.wall.now();
        Self {
            watch,
            place,
            plan,
            promises,
            to,
            trial: None,
            begun: Vec::new(),
            trials: 0,
            next: 0,
            heard,
            quiet: false,
        }
    }

    /// Reads the history as it grows, to its end.
    pub fn history(&mut self) -> Result<(), OpenError> {
        let mut file: Option<(HistoryReader, Ending)> = None;
        while !self.watch.tempo.stopped() {
            // Asked before the file is looked at: then what is in it now is all of it.
            let over = self.place.over();
            if file.is_none() {
                file = self.open()?;
            }
            match &mut file {
                Some((lines, ending)) => {
                    if over {
                        ending.declare();
                    }
                    if self.read(lines)? {
                        return Ok(());
                    }
                }
                None if over => return Ok(()),
                None => {}
            }
            if !over || self.watch.tempo.paused() {
                self.listen();
                self.watch.rest();
            }
        }
        Ok(())
    }

    fn open(&self) -> Result<Option<(HistoryReader, Ending)>, OpenError> {
        let paths = [history_path(&self.place.partial), history_path(&self.place.complete)];
        let found = paths.iter().find(|path| path.is_file());
        found.map(|path| HistoryReader::follow(path).map_err(history_failure)).transpose()
    }

    /// Reads what is there. Is it the end?
    fn read(&mut self, lines: &mut HistoryReader) -> Result<bool, OpenError> {
        let mut read = 0;
        let over = loop {
            match lines.step().map_err(history_failure)? {
                Next::Line(line) => self.line(line),
                Next::Wait => break false,
                Next::End => break true,
            }
            read += 1;
            if read % LINES == 0 {
                if self.watch.wall.now() >= self.next {
                    self.show();
                }
                let moment = self.watch.tempo.now();
                if moment.stopped || moment.paused {
                    break false;
                }
            }
        };
        if read > 0 {
            (self.heard, self.quiet) = (self.watch.wall.now(), false);
            self.show();
        }
        Ok(over)
    }

    fn line(&mut self, line: Line) {
        match line {
            Line::Result(header) => self.begin(header),
            Line::Event(event) => {
                if let Some(trial) = &mut self.trial {
                    trial.observe(&event);
                }
            }
            Line::Cut(cut) => self.cut(cut),
            Line::Unjudged(_) => {}
        }
    }

    fn begin(&mut self, header: Header) {
        self.show();
        if let Some(trial) = self.trial.take().filter(|trial| !trial.is_cut()) {
            self.interim(trial);
        }
        let backend = &header.backend;
        if !self.begun.contains(backend) {
            self.begun.push(backend.clone());
            self.to.tell(Update::System(Box::new(self.system(backend))));
        }
        self.trials += 1;
        let places = (self.plan.backends.len() as u32 * self.plan.trials).max(self.trials);
        let start = TrialStart { backend: backend.clone(), trial: header.trial, place: self.trials, places };
        self.to.tell(Update::Trial(start));
        self.trial = Some(Fold::new(header, None));
    }

    fn system(&self, backend: &str) -> SystemFacts {
        let guarantees = (self.promises)(backend).map_or(UNPROMISED, |promise| promise.guarantees);
        SystemFacts::of(backend, &guarantees, Facts::untold(UNTOLD), self.plan.ttl_ns)
    }

    /// A trial is over: what its history tells of it.
    fn interim(&mut self, trial: Fold) {
        let mut replayed = trial.finish();
        let result = of_result(&replayed, &self.plan.name, self.promises, UNTOLD);
        let measured = Some(replayed.measurements());
        self.to.tell(Update::Ended(Box::new(TrialEnd { result, measured })));
    }

    fn cut(&mut self, cut: Cut) {
        let Some(trial) = &mut self.trial else { return };
        trial.cut(cut);
        let header = trial.header();
        self.to.tell(Update::Note(format!(
            "{}, trial {}: its history is bounded: there is nothing more to follow of this trial, and what is shown of \
             it stands still until the report is there",
            header.backend, header.trial
        )));
        self.show();
    }

    fn show(&mut self) {
        let Some(trial) = &mut self.trial else { return };
        if self.to.wants_snapshot() {
            self.next = self.watch.wall.now() + BEAT_NS;
            let at_ns = trial.reached_ns();
            self.to.tell(Update::Live(Box::new(trial.snapshot(at_ns))));
        }
    }

    /// Says once that nothing was heard for long, where nobody can tell why.
    fn listen(&mut self) {
        let silent_ns = self.watch.wall.now().saturating_sub(self.heard);
        if self.quiet || silent_ns < QUIET_NS || self.place.writer() != Writer::Unknown {
            return;
        }
        self.quiet = true;
        let text = format!("no new events for {} s: the run may have been killed; q leaves", silent_ns / SECOND);
        self.to.tell(Update::Note(text));
    }

    /// Waits for the report, and tells it.
    pub fn report(&mut self) -> Result<Followed, OpenError> {
        self.heard = self.watch.wall.now();
        while !self.watch.tempo.stopped() {
            let writer = self.place.writer();
            if self.place.complete.join(REPORT).is_file() {
                return self.tell(&self.place.complete);
            }
            if !self.place.partial.exists() {
                // It may have got its name between the two looks.
                if !self.place.complete.exists() {
                    return Ok(Followed::GivenUp);
                }
            } else if writer == Writer::Gone || writer == Writer::Unknown && self.silent() {
                if self.place.report().is_some() {
                    return self.tell(&self.place.partial);
                }
                if writer == Writer::Gone && self.place.partial.exists() {
                    return self.broken_off();
                }
            }
            self.listen();
            self.watch.rest();
        }
        Ok(Followed::Left)
    }

    fn silent(&self) -> bool {
        self.watch.wall.now().saturating_sub(self.heard) >= QUIET_NS
    }

    fn tell(&mut self, directory: &Path) -> Result<Followed, OpenError> {
        let run = RecordedRun::open(directory)?;
        self.over(&run);
        Ok(Followed::Reported(directory.to_owned()))
    }

    fn broken_off(&mut self) -> Result<Followed, OpenError> {
        let directory = &self.place.partial;
        let run = open_broken_off(directory, self.promises)?;
        self.to.tell(Update::Note("the process that wrote this run is gone, and left no report".to_owned()));
        self.over(&run);
        Ok(Followed::BrokenOff(directory.clone()))
    }

    /// The run is over: everything as the report has it.
    fn over(&mut self, run: &RecordedRun) {
        systems(&run.report, plan_of(&run.report).as_ref(), self.to);
        for result in &run.report.results {
            let measured = run.measured.iter().find(|m| m.backend == result.backend && m.trial == result.trial);
            let end = TrialEnd { result: result.clone(), measured: measured.cloned() };
            self.to.tell(Update::Ended(Box::new(end)));
        }
        self.to.tell(Update::Over(Box::new(run.report.clone())));
    }
}

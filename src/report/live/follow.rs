//! A run that another process is writing, as updates: its history is read as it grows,
//! and its report when it comes. Nothing is ever written into its directory.
//!
//! Of a trial that is over the report is not there yet: until then its entry is what its
//! history tells, as of a run that broke off.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::feed::Publisher;
use super::player::{BEAT_NS, Fold, Listener, Tempo, Wall, plan_of, systems};
use super::{Origin, RunFacts, SystemFacts, TrialEnd, TrialStart, Update};
use crate::clock::Clock;
use crate::lock::Facts;
use crate::record::history::{Cut, Ending, Header, HistoryReader, Line, Next};
use crate::report::broken_off::{of_result, stored_plan};
use crate::report::{
    OpenError, PLAN, Promise, REPORT, RecordedRun, UNPROMISED, Writer, history_failure, history_path, open_broken_off,
    writer,
};
use crate::units::SECOND;
use crate::workload::Plan;
use crate::workload::plan::HistoryLimit;

/// What stands where only the report will tell.
const UNTOLD: &str = "not known before the report";
/// Time between two looks at a file that does not grow.
const LOOK_NS: u64 = BEAT_NS / 2;
/// A run of which nothing was heard for so long may be dead.
const QUIET_NS: u64 = 10 * SECOND;
/// Lines between two looks at the clock.
const LINES: usize = 1_024;

/// Finds what the registry says of a recipe.
pub type PromiseOf = fn(&str) -> Option<Promise>;

/// What became of a run that was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// Its report was told; it is in this directory.
    Reported(PathBuf),
    /// Its process is gone and left no report: what the history tells was told instead.
    BrokenOff(PathBuf),
    /// It was given up before it had anything to report: its directory is gone.
    GivenUp,
    /// Nobody wanted any more of it.
    Left,
}

/// A run that is being followed by a thread of its own.
pub struct Follower {
    thread: Option<JoinHandle<Result<Followed, OpenError>>>,
    tempo: Tempo,
}

impl Follower {
    /// Starts to follow the run in a partial directory.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(partial: PathBuf, promises: PromiseOf, tempo: Tempo, mut to: Publisher) -> io::Result<Self> {
        let own = tempo.clone();
        let thread = std::thread::Builder::new()
            .name("follower".to_owned())
            .spawn(move || follow(&partial, promises, &own, &Clock::monotonic(), &mut to))?;
        Ok(Self { thread: Some(thread), tempo })
    }

    /// Waits for the end of the run, or until it was stopped.
    ///
    /// # Errors
    /// If plan, history or report cannot be read.
    pub fn finish(mut self) -> Result<Followed, OpenError> {
        self.thread.take().map_or(Ok(Followed::Left), |thread| thread.join().unwrap_or(Ok(Followed::Left)))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.tempo.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Follows the run in a partial directory to its end, or until it is stopped.
///
/// # Errors
/// If plan, history or report cannot be read.
pub fn follow(
    partial: &Path,
    promises: PromiseOf,
    tempo: &Tempo,
    wall: &dyn Wall,
    to: &mut dyn Listener,
) -> Result<Followed, OpenError> {
    let place = Place::of(partial);
    let watch = Watch { tempo, wall };
    let Some(plan) = plan(&place, &watch)? else { return Ok(Followed::Left) };
    let facts = RunFacts::of(Origin::Followed, &place.id, &plan, plan.backends.clone());
    to.tell(Update::Run(Box::new(facts)));
    if plan.history == HistoryLimit::Off {
        to.tell(Update::Note("the run keeps no history: nothing can be followed before its report".to_owned()));
    }
    let mut following = Following {
        watch,
        place: &place,
        plan,
        promises,
        to,
        trial: None,
        begun: Vec::new(),
        trials: 0,
        next: 0,
        heard: wall.now(),
        quiet: false,
    };
    following.history()?;
    following.report()
}

/// Both names of a run directory.
struct Place {
    id: String,
    partial: PathBuf,
    complete: PathBuf,
}

impl Place {
    fn of(partial: &Path) -> Self {
        let name = partial.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let id = name.trim_start_matches('.').trim_end_matches(".partial").to_owned();
        Self { complete: partial.with_file_name(&id), partial: partial.to_owned(), id }
    }

    /// Where the report is, once it is.
    fn report(&self) -> Option<&Path> {
        [&self.complete, &self.partial].into_iter().map(PathBuf::as_path).find(|path| path.join(REPORT).is_file())
    }

    /// Will the history not grow any more?
    fn over(&self) -> bool {
        self.report().is_some() || !self.partial.exists() || writer(&self.partial) == Writer::Gone
    }
}

/// Time, and whoever may end it.
struct Watch<'a> {
    tempo: &'a Tempo,
    wall: &'a dyn Wall,
}

impl Watch<'_> {
    /// Waits a little, or as long as it is held. `false`: nobody wants any more.
    fn rest(&self) -> bool {
        let moment = self.tempo.now();
        if !moment.stopped {
            self.wall.wait(self.tempo, &moment, (!moment.paused).then_some(LOOK_NS));
        }
        !self.tempo.stopped()
    }
}

/// The plan, as soon as it is written. `None`: nobody wants any more.
fn plan(place: &Place, watch: &Watch<'_>) -> Result<Option<Plan>, OpenError> {
    loop {
        for path in [place.partial.join(PLAN), place.complete.join(PLAN)] {
            // The directory is made with an empty one.
            if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
                return stored_plan(&path).map(Some);
            }
        }
        if place.over() && !place.complete.exists() {
            return Err(OpenError::Unfinished { path: place.partial.display().to_string() });
        }
        if !watch.rest() {
            return Ok(None);
        }
    }
}

struct Following<'a> {
    watch: Watch<'a>,
    place: &'a Place,
    plan: Plan,
    promises: PromiseOf,
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

impl Following<'_> {
    /// Reads the history as it grows, to its end.
    fn history(&mut self) -> Result<(), OpenError> {
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
        let unknown = || UNTOLD.to_owned();
        let facts = Facts { version: unknown(), durability: unknown(), quorum: unknown(), role: unknown() };
        SystemFacts::of(backend, &guarantees, facts, self.plan.ttl_ns)
    }

    /// A trial is over: what its history tells of it.
    fn interim(&mut self, trial: Fold) {
        let mut replayed = trial.finish();
        let result = of_result(&replayed, &self.plan, &self.promises, UNTOLD);
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
        if self.quiet || silent_ns < QUIET_NS || writer(&self.place.partial) != Writer::Unknown {
            return;
        }
        self.quiet = true;
        let text = format!("no new events for {} s: the run may have been killed; q leaves", silent_ns / SECOND);
        self.to.tell(Update::Note(text));
    }

    /// Waits for the report, and tells it.
    fn report(&mut self) -> Result<Followed, OpenError> {
        self.heard = self.watch.wall.now();
        while !self.watch.tempo.stopped() {
            let alive = writer(&self.place.partial);
            if self.place.complete.join(REPORT).is_file() {
                return self.tell(&self.place.complete);
            }
            if !self.place.partial.exists() {
                // It may have got its name between the two looks.
                if !self.place.complete.exists() {
                    return Ok(Followed::GivenUp);
                }
            } else if alive == Writer::Gone || alive == Writer::Unknown && self.silent() {
                if self.place.report().is_some() {
                    return self.tell(&self.place.partial);
                }
                if alive == Writer::Gone && self.place.partial.exists() {
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
        let run = open_broken_off(directory, &self.promises)?;
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

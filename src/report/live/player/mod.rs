//! A stored run as the updates that a watcher of it was told: its events go through the
//! same folds, so a snapshot is the one that was shown then. The history is streamed,
//! never held whole. Where it tells nothing (bounded, or not kept) the seconds that were
//! measured are told instead, and the snapshots say so.
//!
//! The run's own time passes at the pace of a [`Tempo`]; the time between trials is left
//! out. Where the folds cannot keep up with it, the run is played as fast as they can.

mod fold;
mod log;
mod opening;
mod pace;
mod rest;
#[cfg(test)]
mod scripted;
mod tempo;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

pub use pace::Wall;
pub use tempo::{Moment, Tempo};

pub(super) use fold::Fold;
pub(super) use opening::{plan_of, systems};
pub(super) use pace::BEAT_NS;

use self::pace::{Pace, Stopped};
use self::rest::Rest;
use super::feed::Publisher;
use super::{Origin, TrialEnd, TrialStart, Update};
use crate::clock::Clock;
use crate::record::Event;
use crate::record::history::{Cut, Header, HistoryError, HistoryReader, Line};
use crate::report::{Measurements, OpenError, RecordedRun, TrialResult, history_failure, history_path};

/// Events between two looks at the clock.
const LOOK: u32 = 1_024;

/// Whoever is told.
pub trait Listener {
    /// Is told.
    fn tell(&mut self, update: Update);
    /// Is ready for another snapshot?
    fn wants_snapshot(&self) -> bool;
}

impl Listener for Publisher {
    fn tell(&mut self, update: Update) {
        self.publish(update);
    }

    fn wants_snapshot(&self) -> bool {
        Self::wants_snapshot(self)
    }
}

/// A stored run that is being played by a thread of its own.
pub struct Player {
    thread: Option<JoinHandle<Result<(), OpenError>>>,
    tempo: Tempo,
}

impl Player {
    /// Starts to play.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(run: RecordedRun, directory: PathBuf, tempo: Tempo, mut to: Publisher) -> io::Result<Self> {
        let own = tempo.clone();
        let thread = std::thread::Builder::new()
            .name("player".to_owned())
            .spawn(move || replay(&run, &directory, &own, &Clock::monotonic(), &mut to))?;
        Ok(Self { thread: Some(thread), tempo })
    }

    /// Waits until it came to its end, or was stopped.
    ///
    /// # Errors
    /// If the history could not be read to its end. The rest was told without it.
    pub fn finish(mut self) -> Result<(), OpenError> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Ok(())))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.tempo.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Plays a run, at the given tempo on the given clock, from what is known before its
/// first trial to its report, or until it is stopped.
///
/// # Errors
/// If the history could not be read to its end. The rest was told without it.
pub fn replay(
    run: &RecordedRun,
    directory: &Path,
    tempo: &Tempo,
    wall: &dyn Wall,
    to: &mut dyn Listener,
) -> Result<(), OpenError> {
    opening::open(&run.report, directory, Origin::Replayed { speed: tempo.now().speed }, to);
    to.tell(Update::Note("a stored run is played again; the time between its trials is left out".to_owned()));
    let mut player = Playing { run, next: 0, trial: None, pace: Pace::new(wall, tempo.clone()), to };
    let read = player.history(&history_path(directory));
    let failure = match read {
        Err(Halt::Stopped) => return Ok(()),
        Err(Halt::Failed(error)) => Some(history_failure(error)),
        Ok(()) => None,
    };
    if let Some(failure) = &failure {
        player.to.tell(Update::Note(format!("{failure}; from here on only what was measured is told")));
    }
    if player.finish().is_ok() {
        to.tell(Update::Over(Box::new(run.report.clone())));
    }
    failure.map_or(Ok(()), Err)
}

/// Why the history is not read on.
enum Halt {
    Stopped,
    Failed(HistoryError),
}

impl From<Stopped> for Halt {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<HistoryError> for Halt {
    fn from(error: HistoryError) -> Self {
        Self::Failed(error)
    }
}

struct Playing<'a> {
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
    fn history(&mut self, path: &Path) -> Result<(), Halt> {
        if !path.exists() {
            return Ok(());
        }
        let mut lines = HistoryReader::open(path)?;
        for line in lines.by_ref() {
            match line? {
                Line::Result(header) => self.begin(header)?,
                Line::Event(event) => self.event(&event)?,
                Line::Cut(cut) => self.cut(cut),
            }
        }
        self.end()?;
        if lines.broken_off() && self.run.report.complete {
            self.to.tell(Update::Note(format!("{} breaks off in the middle: copy the run again", path.display())));
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
    fn begin(&mut self, header: Header) -> Result<(), Stopped> {
        self.end()?;
        let of = |result: &TrialResult| result.backend == header.backend && result.trial == header.trial;
        let Some(ahead) = self.run.report.results.iter().skip(self.next).position(of) else {
            let name = format!("{}, trial {}", header.backend, header.trial);
            self.to.tell(Update::Note(format!("{name} is in the history and not in the report: it is left out")));
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

    fn event(&mut self, event: &Event) -> Result<(), Stopped> {
        let Some(trial) = self.trial.as_mut().filter(|trial| !trial.fold.is_cut()) else { return Ok(()) };
        let at_ns = trial.fold.since_start(event);
        while at_ns > trial.allowed_ns {
            trial.show(trial.allowed_ns, self.to);
            trial.allowed_ns = self.pace.beat()?;
        }
        trial.fold.observe(event);
        trial.unseen += 1;
        if trial.unseen == LOOK {
            trial.unseen = 0;
            if self.pace.late() {
                trial.show(at_ns, self.to);
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
    fn end(&mut self) -> Result<(), Stopped> {
        let Some(mut trial) = self.trial.take() else { return Ok(()) };
        let at_ns = trial.fold.reached_ns();
        while at_ns > trial.allowed_ns {
            trial.show(trial.allowed_ns, self.to);
            trial.allowed_ns = self.pace.beat()?;
        }
        let Some(result) = self.result(self.next) else { return Ok(()) };
        let snapshot = trial.fold.snapshot(at_ns);
        let measured = self.measured(result).filter(|_| trial.fold.is_cut());
        if self.to.wants_snapshot() {
            self.to.tell(Update::Live(Box::new(snapshot.clone())));
        }
        if let Some(measured) = measured {
            self.seconds(Rest::after(measured, snapshot))?;
        }
        self.ended(result);
        Ok(())
    }

    /// The next result has no history.
    fn without_history(&mut self) -> Result<(), Stopped> {
        let Some(result) = self.result(self.next) else { return Ok(()) };
        self.start(result);
        if let Some(measured) = self.measured(result) {
            let name = format!("{}, trial {}", result.backend, result.trial);
            self.to.tell(Update::Note(format!("{name}: no history was kept: only its seconds are told")));
            self.seconds(Rest::whole(measured))?;
        }
        self.ended(result);
        Ok(())
    }

    fn seconds(&mut self, mut rest: Rest<'_>) -> Result<(), Stopped> {
        self.pace.begin(rest.begins_ns());
        let mut at_ns = rest.begins_ns();
        while at_ns < rest.ends_ns() {
            at_ns = self.pace.beat()?;
            if rest.has(at_ns) && self.to.wants_snapshot() {
                self.to.tell(Update::Live(Box::new(rest.snapshot(at_ns))));
            }
        }
        Ok(())
    }

    fn ended(&mut self, result: &TrialResult) {
        let measured = self.measured(result).cloned();
        self.to.tell(Update::Ended(Box::new(TrialEnd { result: result.clone(), measured })));
        self.next += 1;
    }

    /// What the history did not have.
    fn finish(&mut self) -> Result<(), Stopped> {
        self.end()?;
        while self.next < self.run.report.results.len() {
            self.without_history()?;
        }
        Ok(())
    }
}

impl Trial {
    fn show(&mut self, at_ns: u64, to: &mut dyn Listener) {
        if self.shown_ns.is_none_or(|shown| at_ns > shown) && to.wants_snapshot() {
            self.shown_ns = Some(at_ns);
            to.tell(Update::Live(Box::new(self.fold.snapshot(at_ns))));
        }
    }
}

/// Plays the history at `path` of a run without waiting, with a snapshot every `step_ns`
/// of the run's own time.
///
/// # Errors
/// If the history cannot be read.
pub fn play(run: &RecordedRun, path: &Path, step_ns: u64, tell: &mut dyn FnMut(Update)) -> Result<(), HistoryError> {
    let (mut place, places) = (0, run.report.results.len() as u32);
    let of =
        |header: &Header| run.measured.iter().find(|one| one.backend == header.backend && one.trial == header.trial);
    let mut playing: Option<(Fold, u64)> = None;
    for line in HistoryReader::open(path)? {
        match line? {
            Line::Result(header) => {
                playing.take().into_iter().for_each(|(fold, _)| told(run, fold.header(), tell));
                place += 1;
                let (backend, trial) = (header.backend.clone(), header.trial);
                tell(Update::Trial(TrialStart { backend, trial, place, places }));
                let measured = of(&header);
                playing = Some((Fold::new(header, measured), step_ns));
            }
            Line::Event(event) => {
                if let Some((fold, next)) = &mut playing {
                    while *next <= fold.since_start(&event) {
                        tell(Update::Live(Box::new(fold.snapshot(*next))));
                        *next += step_ns;
                    }
                    fold.observe(&event);
                }
            }
            Line::Cut(_) => {}
        }
    }
    playing.into_iter().for_each(|(fold, _)| told(run, fold.header(), tell));
    Ok(())
}

/// Tells the entry of a trial in the report.
fn told(run: &RecordedRun, of: &Header, tell: &mut dyn FnMut(Update)) {
    let result = run.report.results.iter().find(|result| result.backend == of.backend && result.trial == of.trial);
    if let Some(result) = result {
        let measured = run.measured.iter().find(|one| one.backend == of.backend && one.trial == of.trial).cloned();
        tell(Update::Ended(Box::new(TrialEnd { result: result.clone(), measured })));
    }
}

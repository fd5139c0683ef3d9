//! A stored run as the updates that a watcher of it was told: its events go through the
//! same folds, so a snapshot is the one that was shown then. The history is streamed,
//! never held whole. Where it tells nothing (bounded, or not kept) the seconds that were
//! measured are told instead, and the snapshots say so.
//!
//! The run's own time passes at the pace of a [`Tempo`]; the time between trials is left
//! out. Where the folds cannot keep up with it, the run is played as fast as they can.

#[cfg(any(test, feature = "testing"))]
pub mod by_hand;
mod fold;
mod log;
mod opening;
mod pace;
mod playing;
mod rest;
#[cfg(any(test, feature = "testing"))]
pub(super) mod scripted;
mod steps;
mod tempo;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

pub use pace::Wall;
pub use steps::play;
pub use tempo::{Moment, Tempo};

pub(super) use fold::Fold;
pub(crate) use opening::plan_of;
pub(super) use opening::systems;
pub(super) use pace::BEAT_NS;

use self::pace::{Break, Pace};
use self::playing::{Halt, Playing};
use super::feed::Publisher;
use super::{Origin, Update};
use crate::{OpenError, RecordedRun, history_failure, history_path};
use lockbench_core::clock::Clock;

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
    directory: PathBuf,
}

impl Player {
    /// Starts to play.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(run: RecordedRun, directory: PathBuf, tempo: Tempo, mut to: Publisher) -> io::Result<Self> {
        let (own, place) = (tempo.clone(), directory.clone());
        let thread = std::thread::Builder::new()
            .name("player".to_owned())
            .spawn(move || replay(&run, &place, &own, &Clock::monotonic(), &mut to))?;
        Ok(Self { thread: Some(thread), tempo, directory })
    }

    /// Waits until it came to its end, or was stopped.
    ///
    /// # Errors
    /// If the history could not be read to its end. The rest was told without it.
    pub fn finish(mut self) -> Result<(), OpenError> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| Err(failed(&self.directory))))
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

/// The folds panicked: that has told its story on stderr.
pub(super) fn failed(directory: &Path) -> OpenError {
    let problem = "its history cannot be played".to_owned();
    OpenError::Damaged { path: directory.display().to_string(), problem }
}

/// Plays a run, at the given tempo on the given clock, from what is known before its
/// first trial to its report, or until it is stopped. Who goes back is told so, and then
/// everything from the start on up to where he wants to be.
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
    loop {
        match once(run, directory, tempo, wall, to) {
            Ok(failure) => return failure.map_or(Ok(()), Err),
            Err(Break::Stopped) => return Ok(()),
            Err(Break::Back) => to.tell(Update::Rewound),
        }
    }
}

/// From the start to the end; returns why its history could not be read to its end.
fn once(
    run: &RecordedRun,
    directory: &Path,
    tempo: &Tempo,
    wall: &dyn Wall,
    to: &mut dyn Listener,
) -> Result<Option<OpenError>, Break> {
    opening::open(&run.report, directory, Origin::Replayed { speed: tempo.now().speed }, to);
    to.tell(Update::Note("a stored run is played again; the time between its trials is left out".to_owned()));
    let mut playing = Playing::new(run, Pace::new(wall, tempo.clone()), to);
    let failure = match playing.history(&history_path(directory)) {
        Err(Halt::Broken(why)) => return Err(why),
        Err(Halt::Failed(error)) => Some(history_failure(error)),
        Ok(()) => None,
    };
    if let Some(failure) = &failure {
        playing.note(format!("{failure}; from here on only what was measured is told"));
    }
    playing.finish()?;
    let length_ns = playing.length_ns();
    to.tell(Update::Over(Box::new(run.report.clone())));
    at_the_end(tempo, wall, length_ns)?;
    Ok(failure)
}

/// Waits at the end of a run so long, if it stays there at all, until it is stopped or
/// the user goes back.
fn at_the_end(tempo: &Tempo, wall: &dyn Wall, length_ns: u64) -> Result<(), Break> {
    tempo.at(length_ns);
    loop {
        let moment = tempo.now();
        match moment.goal {
            _ if moment.stopped || !moment.stays => return Ok(()),
            Some(goal) if goal < length_ns => return Err(Break::Back),
            Some(goal) => tempo.arrived(goal),
            None => wall.wait(tempo, &moment, None),
        }
    }
}

//! A run that another process is writing, as updates: its history is read as it grows,
//! and its report when it comes. Nothing is ever written into its directory.
//!
//! Of a trial that is over the report is not there yet: until then its entry is what its
//! history tells, as of a run that broke off.

mod following;
mod place;

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use self::following::Following;
use self::place::Place;
use super::feed::Publisher;
use super::player::{BEAT_NS, Listener, Tempo, Wall, failed};
use super::{Origin, RunFacts, Update};
use crate::broken_off::stored_plan;
use crate::{OpenError, PLAN, Promise, Promises, writer};
use lockbench_core::clock::Clock;
use lockbench_core::workload::Plan;
use lockbench_core::workload::plan::HistoryLimit;

/// Time between two looks at a file that does not grow.
const LOOK_NS: u64 = BEAT_NS / 2;

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
    directory: PathBuf,
}

impl Follower {
    /// Starts to follow the run in a partial directory.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(
        partial: PathBuf,
        promises: impl Fn(&str) -> Option<Promise> + Send + 'static,
        tempo: Tempo,
        mut to: Publisher,
    ) -> io::Result<Self> {
        let (own, place) = (tempo.clone(), partial.clone());
        let thread = std::thread::Builder::new()
            .name("follower".to_owned())
            .spawn(move || follow(&place, &promises, &own, &Clock::monotonic(), &mut to))?;
        Ok(Self { thread: Some(thread), tempo, directory: partial })
    }

    /// Waits for the end of the run, or until it was stopped.
    ///
    /// # Errors
    /// If plan, history or report cannot be read.
    pub fn finish(mut self) -> Result<Followed, OpenError> {
        self.thread
            .take()
            .map_or(Ok(Followed::Left), |thread| thread.join().unwrap_or_else(|_| Err(failed(&self.directory))))
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
    promises: Promises<'_>,
    tempo: &Tempo,
    wall: &dyn Wall,
    to: &mut dyn Listener,
) -> Result<Followed, OpenError> {
    follow_in(&Place::of(partial, writer), promises, tempo, wall, to)
}

fn follow_in(
    place: &Place,
    promises: Promises<'_>,
    tempo: &Tempo,
    wall: &dyn Wall,
    to: &mut dyn Listener,
) -> Result<Followed, OpenError> {
    let watch = Pacing { tempo, wall };
    let Some(plan) = plan(place, &watch)? else { return Ok(Followed::Left) };
    let facts = RunFacts::of(Origin::Followed, &place.id, &plan, plan.backends.clone());
    to.tell(Update::Run(Box::new(facts)));
    if plan.history == HistoryLimit::Off {
        to.tell(Update::Note("the run keeps no history: nothing can be followed before its report".to_owned()));
    }
    let mut following = Following::new(watch, place, plan, promises, to);
    following.history()?;
    following.report()
}

/// Time, and whoever may end it.
struct Pacing<'a> {
    tempo: &'a Tempo,
    wall: &'a dyn Wall,
}

impl Pacing<'_> {
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
fn plan(place: &Place, watch: &Pacing<'_>) -> Result<Option<Plan>, OpenError> {
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

#[cfg(test)]
mod tests;

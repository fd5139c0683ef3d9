//! How fast a stored run is played, and whether it is held or left: shared between the
//! one who plays and the one who steers. A change wakes the player at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The steering wheel of a player. Clones steer the same one.
#[derive(Clone, Debug)]
pub struct Tempo(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    moment: Mutex<Moment>,
    changed: Condvar,
    /// How far it was played: nanoseconds of its trials, one after the other.
    position_ns: AtomicU64,
}

/// How the tempo is at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// So many times as fast as the run was; above 0.
    pub speed: f64,
    /// Is the player held?
    pub paused: bool,
    /// Does nobody want any more of it?
    pub stopped: bool,
    /// Where the user wants to be, in nanoseconds of the run's trials, one after the other;
    /// `None`: where it is.
    pub goal: Option<u64>,
    /// Does it wait at the end of the run, for the user may go back?
    pub stays: bool,
    /// How often it was changed.
    changes: u64,
}

impl Tempo {
    /// One that plays so many times as fast as the run was.
    #[must_use]
    pub fn new(speed: f64) -> Self {
        let moment = Moment { speed: 1.0, paused: false, stopped: false, goal: None, stays: false, changes: 0 };
        let (moment, changed) = (Mutex::new(moment), Condvar::new());
        let tempo = Self(Arc::new(Shared { moment, changed, position_ns: AtomicU64::new(0) }));
        tempo.set_speed(speed);
        tempo
    }

    /// How it is now.
    #[must_use]
    pub fn now(&self) -> Moment {
        *self.lock()
    }

    /// Plays so many times as fast as the run was. What is no speed is not taken.
    pub fn set_speed(&self, speed: f64) {
        if speed.is_finite() && speed > 0.0 {
            self.change(|moment| moment.speed = speed);
        }
    }

    /// Holds the player, or lets it go on.
    pub fn pause(&self, paused: bool) {
        self.change(|moment| moment.paused = paused);
    }

    /// Is it held?
    #[must_use]
    pub fn paused(&self) -> bool {
        self.now().paused
    }

    /// Goes to that instant, forward or back: nanoseconds of the run's trials, one after the
    /// other.
    pub fn seek(&self, to_ns: u64) {
        self.change(|moment| moment.goal = Some(to_ns));
    }

    /// Goes so many nanoseconds on, or back, from where it is or is about to be; returns where
    /// that is.
    pub fn seek_by(&self, by_ns: i64) -> u64 {
        let mut to = 0;
        self.change(|moment| {
            let from = moment.goal.unwrap_or_else(|| self.position_ns());
            to = from.saturating_add_signed(by_ns);
            moment.goal = Some(to);
        });
        to
    }

    /// Waits at the end of the run until it is stopped, for the user may go back.
    pub fn stay(&self) {
        self.change(|moment| moment.stays = true);
    }

    /// How far it was played.
    #[must_use]
    pub fn position_ns(&self) -> u64 {
        self.0.position_ns.load(Ordering::Relaxed)
    }

    /// It was played up to here.
    pub(super) fn at(&self, position_ns: u64) {
        self.0.position_ns.store(position_ns, Ordering::Relaxed);
    }

    /// That goal is reached, unless there is another one by now.
    pub(super) fn arrived(&self, goal: u64) {
        let mut moment = self.lock();
        if moment.goal == Some(goal) {
            moment.goal = None;
        }
    }

    /// Ends the player.
    pub fn stop(&self) {
        self.change(|moment| moment.stopped = true);
    }

    /// Was it ended?
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.now().stopped
    }

    /// Waits until it is not any more as it was seen, so long at most (`None`: for ever).
    pub fn wait(&self, seen: &Moment, longest: Option<Duration>) {
        let same = |moment: &mut Moment| moment.changes == seen.changes;
        match longest {
            Some(longest) => drop(self.0.changed.wait_timeout_while(self.lock(), longest, same)),
            None => drop(self.0.changed.wait_while(self.lock(), same)),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Moment)) {
        let mut moment = self.lock();
        change(&mut moment);
        moment.changes += 1;
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Moment> {
        self.0.moment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! From the time of the one who watches to the run's own: how far a player may go now.

use std::cmp::Ordering;
use std::time::Duration;

use super::tempo::{Moment, Tempo};
use lockbench_core::clock::Clock;
use lockbench_core::units::{MILLISECOND, SECOND};

/// Time between two looks at the run, and so between its snapshots.
pub const BEAT_NS: u64 = 100 * MILLISECOND;
/// Far ahead of any trial: what a player that nobody slows down may show.
const LONGEST_NS: f64 = 1e6 * SECOND as f64;

/// The time of the one who watches. Tests let it pass as they like.
pub trait Wall {
    /// Nanoseconds since any point.
    fn now(&self) -> u64;
    /// Waits until the tempo changes, so long at most; `None`: for as long as it takes.
    fn wait(&self, tempo: &Tempo, seen: &Moment, longest_ns: Option<u64>);
}

impl Wall for Clock {
    fn now(&self) -> u64 {
        Self::now(self)
    }

    fn wait(&self, tempo: &Tempo, seen: &Moment, longest_ns: Option<u64>) {
        tempo.wait(seen, longest_ns.map(Duration::from_nanos));
    }
}

/// Why it is not played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Nobody wants any more of it.
    Stopped,
    /// What is wanted lies before: the run must be played from its start again.
    Back,
}

/// How far the run has been played.
pub struct Pace<'a> {
    wall: &'a dyn Wall,
    tempo: Tempo,
    /// The tempo since `since`.
    moment: Moment,
    since: u64,
    /// When the next beat is due.
    due: u64,
    /// Length of the trials before this one.
    base: u64,
    /// Nanoseconds since the start of the trial, in the run's time.
    at: f64,
    /// Did playing up to here take longer than a beat? Then there is nothing to wait for.
    behind: bool,
}

impl<'a> Pace<'a> {
    /// At the start of a trial.
    pub fn new(wall: &'a dyn Wall, tempo: Tempo) -> Self {
        let (now, moment) = (wall.now(), tempo.now());
        Self { wall, tempo, moment, since: now, due: now, base: 0, at: 0.0, behind: false }
    }

    /// A trial begins, or goes on, at this instant of it.
    pub fn begin(&mut self, at_ns: u64) {
        self.at = at_ns as f64;
        self.since = self.wall.now();
        self.due = self.since;
        self.behind = false;
    }

    /// The trial is over, and was so long.
    pub fn over(&mut self, length_ns: u64) {
        self.base += length_ns;
        self.at = 0.0;
        self.tempo.at(self.base);
    }

    /// Length of the trials that are over.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Is the run played up to where the user wants to be? Then that must be seen.
    pub fn arriving(&self) -> bool {
        self.moment.goal == Some(self.here())
    }

    fn here(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Waits for the next beat; returns how far the run may be played until the one
    /// after it: as many nanoseconds since the start of its trial.
    pub fn beat(&mut self) -> Result<u64, Break> {
        loop {
            self.pass();
            if self.moment.stopped {
                return Err(Break::Stopped);
            }
            if let Some(goal) = self.moment.goal {
                match goal.cmp(&self.here()) {
                    Ordering::Less => return Err(Break::Back),
                    Ordering::Greater => {
                        // Up to there at once, however long it takes.
                        self.at = (goal - self.base) as f64;
                        (self.due, self.behind) = (self.since + BEAT_NS, false);
                        return Ok(goal - self.base);
                    }
                    Ordering::Equal => self.arrive(goal),
                }
            }
            let left = self.due.saturating_sub(self.since);
            if self.moment.paused {
                self.wall.wait(&self.tempo, &self.moment, None);
            } else if left > 0 && !self.behind {
                self.wall.wait(&self.tempo, &self.moment, Some(left));
            } else {
                self.behind = false;
                self.due = self.since + if left > 0 { left } else { BEAT_NS };
                return Ok(self.at as u64);
            }
        }
    }

    fn arrive(&mut self, goal: u64) {
        self.tempo.arrived(goal);
        self.moment.goal = None;
        (self.due, self.behind) = (self.since + BEAT_NS, false);
    }

    /// Is a beat over while the run is still being played up to the last one?
    pub fn late(&self) -> bool {
        self.wall.now() >= self.due
    }

    /// It is, at this instant of the trial: the time that it took is not to be caught up
    /// with. Returns how far it may be played now: no further than to here, if the tempo
    /// was changed meanwhile, and else as far as before.
    pub fn lag(&mut self, at_ns: u64, allowed_ns: u64) -> u64 {
        let before = self.moment;
        self.pass();
        let allowed = if self.moment == before { allowed_ns } else { at_ns };
        (self.at, self.due, self.behind) = (allowed as f64, self.since + BEAT_NS, true);
        allowed
    }

    /// Time has passed, at the tempo that it had.
    fn pass(&mut self) {
        let (now, tempo) = (self.wall.now(), self.tempo.now());
        // On the way to a goal no time of the one who watches passes in the run.
        if !self.moment.paused && self.moment.goal.is_none() {
            self.at += self.moment.speed * now.saturating_sub(self.since) as f64;
            self.at = self.at.min(LONGEST_NS);
        }
        (self.since, self.moment) = (now, tempo);
        self.tempo.at(self.here());
    }
}

#[cfg(test)]
mod tests {
    use super::{BEAT_NS, Break, Pace};
    use crate::live::player::scripted::Scripted;
    use crate::live::player::tempo::Tempo;
    use lockbench_core::units::{MILLISECOND, SECOND};

    #[test]
    fn the_run_goes_on_at_its_speed_a_beat_at_a_time() {
        for (speed, a_beat) in [(1.0, 100), (10.0, 1_000), (0.5, 50)] {
            let wall = Scripted::default();
            let mut pace = Pace::new(&wall, Tempo::new(speed));
            pace.begin(0);
            let beats: Vec<u64> = (0..4).map(|_| pace.beat().unwrap() / MILLISECOND).collect();
            assert_eq!(beats, [0, a_beat, 2 * a_beat, 3 * a_beat]);
            assert_eq!(wall.passed(), 3 * BEAT_NS);
        }
    }

    #[test]
    fn a_change_of_speed_counts_from_the_moment_it_is_made() {
        let wall = Scripted::default();
        wall.then(50 * MILLISECOND, |tempo| tempo.set_speed(10.0));
        let mut pace = Pace::new(&wall, Tempo::new(1.0));
        pace.begin(0);
        assert_eq!(pace.beat(), Ok(0));
        assert_eq!(pace.beat(), Ok(550 * MILLISECOND));
        assert_eq!(pace.beat(), Ok(1_550 * MILLISECOND));
    }

    #[test]
    fn a_pause_holds_the_run_where_it_is_for_as_long_as_it_lasts() {
        let wall = Scripted::default();
        wall.then(30 * MILLISECOND, |tempo| tempo.pause(true));
        wall.then(3_600 * SECOND, |tempo| tempo.pause(false));
        let mut pace = Pace::new(&wall, Tempo::new(1.0));
        pace.begin(0);
        assert_eq!((pace.beat(), pace.beat()), (Ok(0), Ok(30 * MILLISECOND)));
        assert_eq!(wall.passed(), 3_600 * SECOND);
        assert_eq!(pace.beat(), Ok(130 * MILLISECOND));
    }

    #[test]
    fn a_stop_ends_a_wait_and_a_pause() {
        for paused in [false, true] {
            let (wall, tempo) = (Scripted::default(), Tempo::new(1.0));
            tempo.pause(paused);
            wall.then(20 * MILLISECOND, Tempo::stop);
            let mut pace = Pace::new(&wall, tempo);
            pace.begin(0);
            assert_eq!((0..9).find_map(|_| pace.beat().err()), Some(Break::Stopped));
            assert_eq!(wall.passed(), 20 * MILLISECOND);
        }
    }

    #[test]
    fn what_lies_ahead_is_played_at_once_also_while_it_is_paused_and_what_lies_before_from_the_start() {
        let (wall, tempo) = (Scripted::default(), Tempo::new(1.0));
        let mut pace = Pace::new(&wall, tempo.clone());
        pace.begin(0);
        assert_eq!(pace.beat(), Ok(0));
        tempo.pause(true);
        tempo.seek(7 * SECOND);
        assert_eq!((pace.beat(), pace.arriving(), wall.passed()), (Ok(7 * SECOND), true, 0));
        // A trial of three seconds is over before; the rest of the way is in the next one.
        pace.over(3 * SECOND);
        pace.begin(0);
        assert!(!pace.arriving());
        assert_eq!((pace.beat(), pace.arriving()), (Ok(4 * SECOND), true));
        wall.then(SECOND, |tempo| tempo.pause(false));
        assert_eq!((pace.beat(), tempo.now().goal), (Ok(4 * SECOND), None));
        assert_eq!(pace.beat(), Ok(4 * SECOND + 100 * MILLISECOND));
        assert_eq!(tempo.seek_by(-2 * SECOND as i64), 5 * SECOND + 100 * MILLISECOND);
        assert_eq!(pace.beat(), Err(Break::Back));
        assert_eq!(tempo.seek_by(-3_600 * SECOND as i64), 0);
    }

    #[test]
    fn a_player_that_cannot_keep_up_does_not_leap() {
        let wall = Scripted::default();
        let mut pace = Pace::new(&wall, Tempo::new(1_000.0));
        pace.begin(0);
        assert_eq!((pace.beat(), pace.beat()), (Ok(0), Ok(100 * SECOND)));
        // To play these takes seven seconds.
        wall.pass(7 * SECOND);
        assert!(pace.late());
        assert_eq!(pace.lag(60 * SECOND, 100 * SECOND), 100 * SECOND);
        assert!(!pace.late());
        // The rest of them takes another 20 ms: it goes on at once.
        wall.pass(20 * MILLISECOND);
        assert_eq!((pace.beat(), wall.passed()), (Ok(120 * SECOND), 7_120 * MILLISECOND));
        assert_eq!((pace.beat(), wall.passed()), (Ok(200 * SECOND), 7_200 * MILLISECOND));
    }
}

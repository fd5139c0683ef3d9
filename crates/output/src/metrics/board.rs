//! The board: what the endpoint shows now. Whoever measures writes it, about once a
//! second; the endpoint reads it when it is asked. Handles are cheap, and reading holds
//! it only for as long as it takes to copy some pointers and labels.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::contribution::{Arrivals, Contribution, Durations};
use lockbench_core::figure::Totals;
use lockbench_core::plain;
use lockbench_core::record::figures::Counts;
use lockbench_core::record::history::Judged;

/// A system under a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Registry name.
    pub backend: String,
    /// Name of the workload.
    pub workload: String,
}

/// A handle; clones write and read the same.
#[derive(Clone, Default)]
pub struct Board {
    inner: Arc<Mutex<State>>,
}

/// What is on the board.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Labels of `lockbench_run_info`.
    pub run: Vec<(&'static str, String)>,
    /// The figures.
    pub figures: BTreeMap<Subject, Standing>,
    /// What was due and not attempted, where attempts are due at fixed instants.
    pub arrivals: BTreeMap<Subject, Arc<Arrivals>>,
    /// Does the system answer?
    pub up: BTreeMap<Subject, bool>,
    /// Is the fault of that name active?
    pub faults: BTreeMap<(Subject, String), bool>,
    /// Is the bound of that text kept?
    pub thresholds: BTreeMap<(Subject, String), bool>,
    /// Times that figures were written.
    pub writes: u64,
    /// Processor time that it took in all.
    pub writing: Duration,
}

/// The figures of a subject over all trials so far.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    ended: Arc<Contribution>,
    under_way: Option<Arc<Contribution>>,
}

impl Subject {
    /// Of these names.
    #[must_use]
    pub fn new(backend: &str, workload: &str) -> Self {
        Self { backend: plain::lines(backend).into_owned(), workload: plain::lines(workload).into_owned() }
    }
}

impl Standing {
    /// All trials added up.
    #[must_use]
    pub fn total(&self) -> Contribution {
        let mut total = Contribution::clone(&self.ended);
        if let Some(under_way) = &self.under_way {
            total.add(under_way);
        }
        total
    }

    fn end(&mut self, last: &Contribution) {
        self.under_way = None;
        let mut ended = Contribution::clone(&self.ended);
        ended.add(last);
        self.ended = Arc::new(ended);
    }
}

impl Board {
    /// What is measured from now on.
    pub fn run(&self, run_id: &str, workload: &str, mode: &str) {
        let version = env!("CARGO_PKG_VERSION");
        let facts = [("run_id", run_id), ("version", version), ("workload", workload), ("mode", mode)];
        self.state().run = facts.map(|(name, value)| (name, plain::lines(value).into_owned())).to_vec();
    }

    /// Figures of this subject are to come: they begin at zero. `tokens`: does the system
    /// have fencing tokens?
    pub fn expect(&self, subject: &Subject, tokens: bool) {
        let counters = Totals::of(&Counts::default(), &Judged::default(), tokens);
        let zero = || Arc::new(Contribution { counters, durations: Durations::default() });
        let standing = || Standing { ended: zero(), under_way: None };
        self.state().figures.entry(subject.clone()).or_insert_with(standing);
    }

    /// How the trial under way stands, in place of what was told of it before. `false`:
    /// somebody else is at the board, and it was not written.
    pub fn offer(&self, subject: &Subject, contribution: Contribution) -> bool {
        let mut state = match self.inner.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        state.figures.entry(subject.clone()).or_default().under_way = Some(Arc::new(contribution));
        true
    }

    /// The trial under way is over: its last figures.
    pub fn settle(&self, subject: &Subject, last: &Contribution) {
        self.state().figures.entry(subject.clone()).or_default().end(last);
    }

    /// The trial under way broke off: what was told of it counts.
    pub fn keep(&self, subject: &Subject) {
        if let Some(standing) = self.state().figures.get_mut(subject)
            && let Some(last) = standing.under_way.take()
        {
            standing.end(&last);
        }
    }

    /// What was due so far and not attempted.
    pub fn arrive(&self, subject: &Subject, arrivals: &Arrivals) {
        self.state().arrivals.insert(subject.clone(), Arc::new(arrivals.clone()));
    }

    /// Processor time that writing figures took, so many times.
    pub fn spent(&self, writes: u64, time: Duration) {
        let mut state = self.state();
        state.writes += writes;
        state.writing += time;
    }

    /// Whether the system answers.
    pub fn up(&self, subject: &Subject, up: bool) {
        self.state().up.insert(subject.clone(), up);
    }

    /// Whether a fault is active.
    pub fn fault(&self, subject: &Subject, name: &str, active: bool) {
        self.state().faults.insert((subject.clone(), name.to_owned()), active);
    }

    /// Whether a bound is kept; `None`: nothing can be said.
    pub fn threshold(&self, subject: &Subject, text: &str, ok: impl Into<Option<bool>>) {
        let (mut state, bound) = (self.state(), (subject.clone(), text.to_owned()));
        match ok.into() {
            Some(ok) => drop(state.thresholds.insert(bound, ok)),
            None => drop(state.thresholds.remove(&bound)),
        }
    }

    /// The run is over: nobody asks the systems any more. Figures stay.
    pub fn rest(&self) {
        let mut state = self.state();
        state.up.clear();
        state.faults.clear();
    }

    /// Another plan is measured from now on: its bounds are other ones.
    pub fn forget_bounds(&self) {
        self.state().thresholds.clear();
    }

    /// What is on it now.
    #[must_use]
    pub fn read(&self) -> State {
        self.state().clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Board, Subject};
    use crate::metrics::contribution::{Arrivals, Contribution, Durations};
    use lockbench_core::figure::{Counter, Totals};

    fn granted(grants: u64) -> Contribution {
        Contribution { counters: Totals::default().with(Counter::Grants, grants), durations: Durations::default() }
    }

    fn grants(board: &Board) -> u64 {
        board.read().figures.values().filter_map(|standing| standing.total().counters.get(Counter::Grants)).sum()
    }

    #[test]
    fn counters_never_decrease_over_trials() {
        let (board, subject) = (Board::default(), Subject::new("redis", "hot-key"));
        board.expect(&subject, true);
        let mut seen = vec![grants(&board)];
        for trial in 0..3 {
            for so_far in [3, 5, 9] {
                assert!(board.offer(&subject, granted(so_far)));
                seen.push(grants(&board));
            }
            // The last trial breaks off.
            if trial < 2 {
                board.settle(&subject, &granted(10))
            } else {
                board.keep(&subject)
            }
            seen.push(grants(&board));
        }
        assert_eq!(seen, [0, 3, 5, 9, 10, 13, 15, 19, 20, 23, 25, 29, 29]);
        board.keep(&subject);
        board.expect(&subject, true);
        assert_eq!(grants(&board), 29);
    }

    #[test]
    fn whoever_measures_does_not_wait_for_a_reader() {
        let (board, subject) = (Board::default(), Subject::new("redis", "hot-key"));
        let reader = board.state();
        assert!(!board.offer(&subject, granted(1)));
        drop(reader);
        assert!(board.offer(&subject, granted(1)));
    }

    #[test]
    fn what_does_not_exist_is_no_zero() {
        let (board, subject) = (Board::default(), Subject::new("redis", "hot-key"));
        board.expect(&subject, false);
        let regressions = || board.read().figures[&subject].total().counters.get(Counter::TokenRegressions);
        let dropped = || board.read().arrivals.get(&subject).and_then(|arrivals| arrivals.counts.get(Counter::Dropped));
        assert_eq!((regressions(), dropped()), (None, None));
        board
            .arrive(&subject, &Arrivals { counts: Totals::default().with(Counter::Dropped, 4), ..Arrivals::default() });
        assert_eq!((regressions(), dropped()), (None, Some(4)));
    }

    #[test]
    fn a_bound_that_cannot_be_judged_is_taken_off() {
        let (board, subject) = (Board::default(), Subject::new("redis", "hot-key"));
        board.threshold(&subject, "grants > 0", true);
        board.up(&subject, true);
        assert_eq!(board.read().thresholds.len(), 1);
        board.threshold(&subject, "grants > 0", None);
        board.rest();
        assert!(board.read().thresholds.is_empty() && board.read().up.is_empty());
        board.threshold(&subject, "grants > 0", false);
        board.forget_bounds();
        assert!(board.read().thresholds.is_empty());
    }
}

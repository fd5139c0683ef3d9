//! How the figures of a trial come to the board: about once a second while it runs, and a
//! last time when its report is made. A scrape never makes the trial wait.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::board::{Board, Subject};
use super::contribution::{Contribution, Durations};
use lockbench_core::figure::Totals;
use lockbench_core::record::figures::{Figures, MarkKind};
use lockbench_report::TrialResult;
use lockbench_report::live::LiveTrial;

/// Time between contributions of a trial under way.
const PACE: Duration = Duration::from_secs(1);

/// The writer of one trial.
pub struct BoardWriter {
    /// `None`: nobody asked for metrics.
    board: Option<Board>,
    subject: Subject,
    tokens: bool,
    next: Instant,
    /// How often it wrote, and the processor time that it took in all.
    cost: (u64, Duration),
}

impl BoardWriter {
    /// Of a trial of `subject`. `tokens`: does the system have fencing tokens?
    #[must_use]
    pub fn new(board: Option<&Board>, subject: Subject, tokens: bool) -> Self {
        Self { board: board.cloned(), subject, tokens, next: Instant::now(), cost: (0, Duration::ZERO) }
    }

    /// Returns whether it needs the detail of figures.
    #[must_use]
    pub fn wants_detail(&self) -> bool {
        self.board.is_some()
    }

    /// A good moment to write, if it is time.
    pub fn pause(&mut self, trial: &LiveTrial<'_>) {
        let Some(board) = &self.board else { return };
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let begin = busy();
        let figures = trial.figures();
        let counters = Totals::of(&figures.settled(), &trial.judged(), self.tokens);
        let contribution = Contribution { counters, durations: Durations::of(figures) };
        // Whoever reads the board now holds it for a moment: then the next pause will do.
        for (number, active) in faults(figures) {
            board.fault(&self.subject, &format!("fault {number}"), active);
        }
        if board.offer(&self.subject, contribution) {
            self.next = now + PACE;
            self.cost = (self.cost.0 + 1, self.cost.1 + busy().saturating_sub(begin));
        }
    }

    /// The trial is over and reported.
    pub fn settle(mut self, result: &TrialResult, figures: &Figures) {
        let Some(board) = &self.board else { return };
        let begin = busy();
        let counters = result.totals(Some(figures.counts()));
        board.settle(&self.subject, &Contribution { counters, durations: Durations::of(figures) });
        self.cost = (self.cost.0 + 1, self.cost.1 + busy().saturating_sub(begin));
    }
}

/// The planned faults that were injected so far, by number, and whether each is in force.
fn faults(figures: &Figures) -> BTreeMap<u32, bool> {
    let over = figures.marks().iter().filter(|mark| mark.kind == MarkKind::Fault).map(|mark| (mark.number, false));
    over.chain(figures.faults_in_force().into_iter().map(|number| (number, true))).collect()
}

/// Processor time of this thread so far.
fn busy() -> Duration {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

impl Drop for BoardWriter {
    /// A trial that broke off: what was told of it stays.
    fn drop(&mut self) {
        if let Some(board) = &self.board {
            board.keep(&self.subject);
            board.spent(self.cost.0, self.cost.1);
        }
    }
}

//! What is known of the run: a fold over its updates, and nothing of the screen.
//! Memory is bounded: of each system the trial under way or the last one, and the
//! first violations.

mod figures;
mod heat;
mod system;
mod turn;

use std::collections::VecDeque;

pub use figures::{Folded, Phases};
pub use heat::{HeatColumn, HeatKey};
pub use system::{Beat, Caught, Standing, SystemState};

use lockbench_core::record::LogLine;
use lockbench_report::lint::interim;
use lockbench_report::live::{Origin, RunFacts, Snapshot, TrialEnd, TrialStart, Update};
use lockbench_report::{LintFinding, Measurements, Report, TrialResult};

/// Notes kept.
const NOTES: usize = 200;
/// Lines of the log kept.
const LOG: usize = 2_000;

/// The fold.
#[derive(Clone, Default)]
pub struct State {
    /// The run; `None` before it begins.
    pub run: Option<RunFacts>,
    /// Its systems, in the order of its tables.
    pub systems: Vec<SystemState>,
    /// The system whose trial is under way, or was the last one.
    pub current: Option<usize>,
    /// Which of how many trials that is, from 1.
    pub place: (u32, u32),
    /// What was said, oldest first.
    pub notes: VecDeque<String>,
    /// The log, oldest first.
    pub log: VecDeque<LogLine>,
    /// Lines of the log that were dropped.
    pub log_dropped: u64,
    /// The trials that ended, in the order in which they ran.
    pub trials: Vec<TrialResult>,
    /// What was measured in them, without histograms.
    measured: Vec<Measurements>,
    /// What lints say of these trials, and at the end of the run; `None`: nothing yet.
    pub lints: Option<Vec<LintFinding>>,
    /// The report, once the run is over.
    pub over: Option<Box<Report>>,
}

impl State {
    /// The next update.
    pub fn update(&mut self, update: Update) {
        match update {
            Update::Run(facts) => self.begin(*facts),
            Update::Note(text) => {
                push(&mut self.notes, text, NOTES);
            }
            Update::Log(line) => {
                self.log_dropped += push(&mut self.log, line, LOG);
            }
            Update::System(facts) => {
                let system = self.system(&facts.backend.clone());
                system.facts = Some(*facts);
            }
            Update::Skipped(skipped) => {
                let system = self.system(&skipped.backend);
                (system.standing, system.problem) = (Standing::Skipped, Some(skipped.reason));
            }
            Update::Trial(start) => self.trial(&start),
            Update::Live(snapshot) => self.live(*snapshot),
            Update::Ended(end) => self.ended(*end),
            Update::Servers(look) => {
                let system = self.system(&look.backend.clone());
                system.look_at(*look);
            }
            Update::Rewound => *self = Self::default(),
            Update::Over(report) => {
                // Of a run that was followed a trial may have been known in part only.
                self.systems.iter_mut().for_each(|system| system.judged_before(&report.results));
                self.lints = Some(report.lints.clone());
                self.over = Some(report);
            }
        }
    }

    /// A run begins; what was known of one before (of a sweep) is forgotten, but not what was said.
    fn begin(&mut self, facts: RunFacts) {
        if self.run.as_ref().is_some_and(|known| known.run_id == facts.run_id) {
            // The same run, of which more is known now.
            self.run = Some(facts);
            return;
        }
        let systems = facts.backends.iter().map(|name| SystemState::new(name)).collect();
        *self = Self {
            run: Some(facts),
            systems,
            notes: std::mem::take(&mut self.notes),
            log: std::mem::take(&mut self.log),
            log_dropped: self.log_dropped,
            ..Self::default()
        };
    }

    fn trial(&mut self, start: &TrialStart) {
        self.place = (start.place, start.places);
        let at = self.place_of(&start.backend);
        self.current = Some(at);
        self.systems[at].begin(start.trial);
    }

    fn live(&mut self, snapshot: Snapshot) {
        let at = self.place_of(&snapshot.backend);
        self.current = Some(at);
        self.systems[at].live(snapshot);
    }

    fn ended(&mut self, end: TrialEnd) {
        self.system(&end.result.backend.clone()).ended(&end);
        // The end of a trial may come twice, from its history and from the report.
        let (backend, trial) = (end.result.backend.clone(), end.result.trial);
        self.trials.retain(|known| known.backend != backend || known.trial != trial);
        self.measured.retain(|known| known.backend != backend || known.trial != trial);
        self.trials.push(end.result);
        self.measured.extend(end.measured.map(Measurements::without_histograms));
        let ground = self.run.as_ref().and_then(|run| run.lints.as_ref());
        self.lints = ground.map(|ground| interim(ground, &self.trials, &self.measured));
    }

    /// The number that the report gives a violation, which `lockbench explain` takes: they
    /// are numbered in the order of the trials. `at`: its place in `caught` of its system.
    #[must_use]
    pub fn violation_number(&self, system: &SystemState, at: usize) -> Option<usize> {
        let caught = system.caught.get(at)?;
        let within = system.caught[..at].iter().filter(|one| one.trial == caught.trial).count();
        let its = |trial: &&TrialResult| trial.backend == system.name && trial.trial == caught.trial;
        let before = self.trials.iter().take_while(|trial| !its(trial));
        Some(before.map(|trial| trial.safety.violations.len()).sum::<usize>() + within + 1)
    }

    fn place_of(&mut self, backend: &str) -> usize {
        match self.systems.iter().position(|system| system.name == backend) {
            Some(at) => at,
            None => {
                self.systems.push(SystemState::new(backend));
                self.systems.len() - 1
            }
        }
    }

    fn system(&mut self, backend: &str) -> &mut SystemState {
        let at = self.place_of(backend);
        &mut self.systems[at]
    }

    /// The system whose trial is under way, or was the last one.
    #[must_use]
    pub fn running(&self) -> Option<&SystemState> {
        self.current.and_then(|at| self.systems.get(at))
    }

    /// Where the updates come from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.run.as_ref().map_or(Origin::Live, |run| run.origin)
    }

    /// Returns whether response time is service time, as in a closed loop without think time.
    #[must_use]
    pub fn due_at_start(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.due_at_start)
    }

    /// Clients that hold a lock now.
    #[must_use]
    pub fn inside(&self) -> u32 {
        let running = self.running().filter(|system| system.standing == Standing::Running);
        running.and_then(|system| system.snapshot.as_ref()).map_or(0, |snapshot| snapshot.inside)
    }

    /// Double grants of all systems.
    #[must_use]
    pub fn double_grants(&self) -> u64 {
        self.systems.iter().map(SystemState::double_grants).sum()
    }
}

/// Adds to a bounded list; returns how many went.
fn push<T>(list: &mut VecDeque<T>, item: T, most: usize) -> u64 {
    list.push_back(item);
    let mut gone = 0;
    while list.len() > most {
        list.pop_front();
        gone += 1;
    }
    gone
}

#[cfg(test)]
mod tests;

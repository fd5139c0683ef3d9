//! A stored history as the updates that a watcher of the run would have seen: each
//! result's events through the same fold, with a snapshot every so many nanoseconds
//! of the run's own time.

use std::path::Path;

use super::trial::LiveTrial;
use super::{TrialEnd, TrialStart, Update};
use crate::oracle::{JudgedHistory, Oracle};
use crate::record::Observer;
use crate::record::figures::{Figures, Schedule};
use crate::record::history::{Header, HistoryError, HistoryReader, Line};
use crate::report::RecordedRun;

/// Plays the history at `path` of a run. `step_ns`: time between snapshots.
///
/// # Errors
/// If the history cannot be read.
pub fn play(run: &RecordedRun, path: &Path, step_ns: u64, tell: &mut dyn FnMut(Update)) -> Result<(), HistoryError> {
    let (mut place, places) = (0, run.report.results.len() as u32);
    let mut playing: Option<Playing> = None;
    let mut lines = HistoryReader::open(path)?;
    for line in lines.by_ref() {
        match line? {
            Line::Result(header) => {
                if let Some(playing) = playing.take() {
                    playing.end(run, tell);
                }
                place += 1;
                let (backend, trial) = (header.backend.clone(), header.trial);
                tell(Update::Trial(TrialStart { backend, trial, place, places }));
                playing = Some(Playing::new(header, step_ns));
            }
            Line::Event(event) => {
                if let Some(playing) = &mut playing {
                    playing.until(event.t, tell);
                    playing.trial.observe(&event);
                }
            }
            Line::Cut(_) => {}
        }
    }
    if let Some(playing) = playing.take() {
        playing.end(run, tell);
    }
    Ok(())
}

struct Playing {
    header: Header,
    trial: LiveTrial<'static>,
    step_ns: u64,
    next: u64,
}

impl Playing {
    fn new(header: Header, step_ns: u64) -> Self {
        let schedule =
            Schedule::new(header.start, header.measure - header.start, header.end.saturating_sub(header.measure));
        let figures = Figures::new(schedule.clone(), header.clients, header.keys);
        let judged = JudgedHistory::new(Oracle::new(header.clients, header.keys, header.start), None);
        let trial = LiveTrial::new((&header.backend, header.trial), schedule, figures, judged, true);
        Self { next: header.start + step_ns, trial, header, step_ns }
    }

    /// Snapshots up to an instant.
    fn until(&mut self, t: u64, tell: &mut dyn FnMut(Update)) {
        while self.next <= t {
            tell(Update::Live(Box::new(self.trial.snapshot(self.next, false, None))));
            self.next += self.step_ns;
        }
    }

    fn end(self, run: &RecordedRun, tell: &mut dyn FnMut(Update)) {
        let (backend, trial) = (&self.header.backend, self.header.trial);
        let result = run.report.results.iter().find(|result| result.backend == *backend && result.trial == trial);
        if let Some(result) = result {
            let measured = run.measured.iter().find(|one| one.backend == *backend && one.trial == trial).cloned();
            tell(Update::Ended(Box::new(TrialEnd { result: result.clone(), measured })));
        }
    }
}

//! A stored history without any pace: a snapshot every so many nanoseconds of the run's
//! own time.

use std::path::Path;

use super::fold::Fold;
use crate::RecordedRun;
use crate::live::{TrialEnd, TrialStart, Update};
use lockbench_core::record::history::{Header, HistoryError, HistoryReader, Line};

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
            Line::Cut(_) | Line::Unjudged(_) => {}
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

//! What a reader does next.

use super::super::schema::Report;
use super::turnout::{Cause, Turnout};
use super::{Class, Disqualified, Winner};

/// Trials that make an interval worth reading.
const TRIALS: u32 = 5;

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// See how a double grant came about.
    Explain {
        /// The run.
        run: String,
        /// Which of them, from 1.
        number: usize,
    },
    /// Find out why systems did not run.
    Doctor,
    /// Run the same again with more trials: too few say whether a difference is noise.
    Repeat {
        /// The words of the command line that made this run, secrets redacted.
        command: Vec<String>,
        /// Trials to run of each system.
        trials: u32,
    },
    /// Ask which system fits what is needed.
    Need {
        /// The run.
        run: String,
    },
    /// Read everything that was left out of the answer.
    Show {
        /// The run.
        run: String,
    },
}

pub(super) fn next(report: &Report, turnout: &Turnout, classes: &[Class]) -> Next {
    let run = report.run_id.clone();
    if report.results.iter().any(|result| !result.safety.violations.is_empty()) {
        return Next::Explain { run, number: 1 };
    }
    let failed = |why: &Disqualified| matches!(why, Disqualified::Failed { .. } | Disqualified::NoGrants);
    let mut rows = classes.iter().flat_map(|class| &class.rows);
    let absent = turnout.absent.iter().any(|absent| absent.cause == Cause::Failed);
    if absent || rows.any(|row| row.disqualified.iter().any(failed)) {
        return Next::Show { run };
    }
    if turnout.ran.is_empty() {
        return Next::Doctor;
    }
    let unproven = classes.iter().any(|class| matches!(class.winner, Winner::Unproven { .. }));
    if unproven && !report.tool.command.is_empty() {
        return Next::Repeat { command: report.tool.command.clone(), trials: TRIALS };
    }
    if turnout.ran.len() > 1 { Next::Need { run } } else { Next::Show { run } }
}

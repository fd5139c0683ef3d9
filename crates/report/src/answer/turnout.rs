//! Which of the systems that were asked for ran, and why the others did not.

use super::super::schema::Report;

/// Who came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turnout {
    /// Systems that granted something, or have a trial that did not fail, in the order in
    /// which they were asked for.
    pub ran: Vec<String>,
    /// The others.
    pub absent: Vec<Absent>,
}

/// A system without a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// Registry name.
    pub system: String,
    /// What kept it.
    pub cause: Cause,
    /// Why, in the words of the run.
    pub reason: String,
}

/// What keeps a system from having figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It never started: no server, or the run was stopped before.
    NotRun,
    /// Each of its trials failed before it granted anything.
    Failed,
}

impl Turnout {
    /// Number of systems that were asked for, or are default.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.ran.len() + self.absent.len()
    }

    /// Did each of them run?
    #[must_use]
    pub fn whole(&self) -> bool {
        self.absent.is_empty()
    }
}

pub(super) fn turnout(report: &Report) -> Turnout {
    let mut turnout = Turnout { ran: Vec::new(), absent: Vec::new() };
    let mut seen: Vec<&str> = Vec::new();
    // Trials run in a drawn order; the merged ones stand as they were asked for.
    let merged = report.aggregates.iter().map(|merged| merged.backend.as_str());
    for name in merged.chain(report.results.iter().map(|result| result.backend.as_str())) {
        let trials = || report.results.iter().filter(|result| result.backend == name);
        if seen.contains(&name) || trials().next().is_none() {
            continue;
        }
        seen.push(name);
        if trials().any(|trial| trial.error.is_none() || (trial.grants > 0 && trial.measured_s > 0.0)) {
            turnout.ran.push(name.to_owned());
        } else {
            let reason = trials().find_map(|trial| trial.error.clone()).unwrap_or_default();
            turnout.absent.push(Absent { system: name.to_owned(), cause: Cause::Failed, reason });
        }
    }
    for skipped in report.skipped.iter().filter(|skipped| !seen.contains(&skipped.backend.as_str())) {
        let (system, reason) = (skipped.backend.clone(), skipped.reason.clone());
        turnout.absent.push(Absent { system, cause: Cause::NotRun, reason });
    }
    turnout
}

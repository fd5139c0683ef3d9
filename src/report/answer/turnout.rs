//! Which of the systems that were asked for ran, and why the others did not.

use super::super::schema::Report;

/// Who came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turnout {
    /// Systems with at least one trial that did not fail, in the order of the run.
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
    /// Each of its trials failed.
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
    for result in &report.results {
        let name = result.backend.as_str();
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let mut errors = report.results.iter().filter(|other| other.backend == name).map(|other| &other.error);
        if errors.clone().any(Option::is_none) {
            turnout.ran.push(name.to_owned());
        } else {
            let reason = errors.find_map(Option::as_ref).cloned().unwrap_or_default();
            turnout.absent.push(Absent { system: name.to_owned(), cause: Cause::Failed, reason });
        }
    }
    for skipped in report.skipped.iter().filter(|skipped| !seen.contains(&skipped.backend.as_str())) {
        let (system, reason) = (skipped.backend.clone(), skipped.reason.clone());
        turnout.absent.push(Absent { system, cause: Cause::NotRun, reason });
    }
    turnout
}

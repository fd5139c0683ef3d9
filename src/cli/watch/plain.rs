//! A run in lines: each trial as it begins and as it ended, with its double grants, and
//! the answer of the report at the end. What it shows goes to stdout, remarks go to stderr.

use std::path::Path;

use crate::cli::config::UiOptions;
use crate::cli::ending::closing_answer;
use crate::cli::{Failure, print, print_painted, tell};
use lockbench_core::units::grouped;
use lockbench_output::trial_line;
use lockbench_report::live::{RunFacts, Update};
use lockbench_report::{Report, TrialResult};

/// Stories of double grants of a trial that are printed.
const STORIES: usize = 3;

/// A fold over the updates that prints.
#[derive(Default)]
pub struct Lines {
    /// What was said of each trial's end.
    ends: Vec<(String, u32, String)>,
    report: Option<Box<Report>>,
}

impl Lines {
    /// The next update.
    pub fn update(&mut self, update: &Update) -> Result<(), Failure> {
        match update {
            Update::Run(facts) => print(&run(facts)),
            Update::Note(text) => {
                tell(&format!("note: {text}"));
                Ok(())
            }
            Update::Trial(start) => {
                print(&format!("[{}/{}] {}, trial {}\n", start.place, start.places, start.backend, start.trial))
            }
            Update::Ended(end) => self.ended(&end.result),
            Update::Over(report) => {
                self.report = Some(report.clone());
                Ok(())
            }
            Update::Log(_)
            | Update::System(_)
            | Update::Skipped(_)
            | Update::Live(_)
            | Update::Servers(_)
            | Update::Rewound => Ok(()),
        }
    }

    /// A trial is over. Of a run that is followed the report has each trial once more: a line
    /// says so where it differs.
    fn ended(&mut self, result: &TrialResult) -> Result<(), Failure> {
        let line = trial_line(result);
        let before = self.ends.iter_mut().find(|(name, trial, _)| *name == result.backend && *trial == result.trial);
        let by = match before {
            Some((_, _, said)) if *said == line => return Ok(()),
            Some((_, _, said)) => {
                said.clone_from(&line);
                ", by the report"
            }
            None => {
                self.ends.push((result.backend.clone(), result.trial, line.clone()));
                ""
            }
        };
        print(&format!("      {}, trial {}{by}: {line}\n", result.backend, result.trial))?;
        let violations = &result.safety.violations;
        for violation in violations.iter().take(STORIES) {
            print(&format!("      double grant: {}\n", violation.told()))?;
        }
        let more = result.safety.double_grants_certain.saturating_sub(violations.len().min(STORIES) as u64);
        if more > 0 {
            print(&format!("      and {} more\n", grouped(more)))?;
        }
        Ok(())
    }

    /// The end: the answer as `show` prints it, and where its files are.
    pub fn finish(self, directory: Option<&Path>, ui: &UiOptions) -> Result<(), Failure> {
        let Some(report) = self.report else { return Ok(()) };
        print_painted(&format!("\n{}", closing_answer(&report, directory, ui))).map(|_| ())
    }
}

fn run(facts: &RunFacts) -> String {
    format!("{}: {} ({})\n", facts.run_id, facts.workload, facts.load)
}

//! A run in lines: each trial as it begins and as it ended, with its double grants, and
//! the report's text at the end. What it shows goes to stdout, remarks go to stderr.

use std::path::Path;

use crate::cli::conclude::terminal_width;
use crate::cli::{Failure, print, tell};
use crate::output::text;
use crate::report::live::{RunFacts, Update};
use crate::report::{Report, SafetyVerdict, TrialResult};
use crate::units::{grouped, human_duration, three_digits};

/// Stories of double grants of a trial that are printed.
const STORIES: usize = 3;

/// A fold over the updates that prints.
#[derive(Default)]
pub struct Lines {
    /// Notes that the report's text has.
    notes: Vec<String>,
    /// What was said of each trial's end.
    ends: Vec<(String, u32, String)>,
    report: Option<Box<Report>>,
}

impl Lines {
    /// These notes are in the report's text, and need not be said before.
    pub fn told_by_report(&mut self, notes: &[String]) {
        self.notes.extend_from_slice(notes);
    }

    /// The next update.
    pub fn update(&mut self, update: &Update) -> Result<(), Failure> {
        match update {
            Update::Run(facts) => print(&run(facts)),
            Update::Note(text) => {
                if !self.notes.contains(text) {
                    tell(&format!("note: {text}"));
                }
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
            Update::Log(_) | Update::System(_) | Update::Skipped(_) | Update::Live(_) | Update::Servers(_) => Ok(()),
        }
    }

    /// A trial is over. Of a run that is followed the report tells it once more: that is
    /// said where it differs.
    fn ended(&mut self, result: &TrialResult) -> Result<(), Failure> {
        let line = end(result);
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
            print(&format!("      double grant: {}\n", violation.story))?;
        }
        let more = result.safety.double_grants_certain.saturating_sub(violations.len().min(STORIES) as u64);
        if more > 0 {
            print(&format!("      and {} more\n", grouped(more)))?;
        }
        Ok(())
    }

    /// The end: the report as `show` prints it, and where its files are.
    pub fn finish(self, directory: Option<&Path>) -> Result<(), Failure> {
        let Some(report) = self.report else { return Ok(()) };
        let files = directory.map(|directory| format!("files: {}\n", directory.display())).unwrap_or_default();
        print(&format!("\n{}{files}", text(&report, terminal_width())))
    }
}

fn run(facts: &RunFacts) -> String {
    format!("{}: {} ({})\n", facts.run_id, facts.workload, facts.load)
}

/// The main figures of a trial.
fn end(result: &TrialResult) -> String {
    if let Some(error) = &result.error {
        return format!("failed: {error}");
    }
    let length = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), human_duration);
    let wait = &result.latency.acquire_service;
    let rate = result.throughput_per_s.map_or_else(|| "-".to_owned(), three_digits);
    format!(
        "{rate} grants/s, wait p50 {} p95 {} p99 {} max {}{} (service time), {} timeouts, {}",
        length(wait.p50_ns),
        length(wait.p95_ns),
        length(wait.p99_ns),
        wait.sign_of_max(),
        length(wait.max_ns),
        grouped(result.timed_out),
        safety(result)
    )
}

fn safety(result: &TrialResult) -> String {
    let safety = &result.safety;
    match (safety.double_grants_certain, safety.verdict) {
        (1.., _) => format!("VIOLATED: {} double grants", grouped(safety.double_grants_certain)),
        (0, SafetyVerdict::Violated) => "VIOLATED: token regressions".to_owned(),
        (0, SafetyVerdict::Unknown) => format!("safety unknown: {}", safety.because),
        (0, SafetyVerdict::NotExercised) => "safety not exercised".to_owned(),
        (0, SafetyVerdict::Valid) => {
            format!("no double grant in {} challenged holds", grouped(safety.exercised_holds))
        }
    }
}

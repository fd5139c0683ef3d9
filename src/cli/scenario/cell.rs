//! One scenario on one system.

use std::path::Path;
use std::time::{Instant, SystemTime};

use super::Told;
use super::child::{Ended, run_child};
use crate::cli::Failure;
use crate::cli::signal::Interrupt;
use lockbench_core::workload::{Expected, ExpectedVerdict, to_toml};
use lockbench_engine::run_id;
use lockbench_report::scenario::{Cell, expected_words, seen};
use lockbench_report::{Exit, read_report};

/// What is to be run.
pub struct Job {
    pub scenario: String,
    pub system: String,
    path: String,
    expected: Expected,
    trials: Option<u32>,
    /// What the cell is made of: one that was made of something else is run again.
    pub fingerprint: String,
}

impl Job {
    /// A scenario on a system of which it expects something.
    pub fn new(told: &Told, system: &str, trials: Option<u32>) -> Result<Self, Failure> {
        let Some(expected) = told.scenario.of(system) else {
            let known: Vec<&str> =
                told.scenario.expected.iter().flat_map(|one| &one.systems).map(String::as_str).collect();
            return Err(Failure::usage(format!(
                "{} expects nothing of {system}: add a [[scenario.expected]] for it (it has: {})",
                told.name,
                known.join(", ")
            )));
        };
        Ok(Self {
            scenario: told.name.clone(),
            system: system.to_owned(),
            path: told.path.clone(),
            expected: expected.clone(),
            trials,
            fingerprint: fingerprint(&format!("{}{trials:?}", to_toml(&told.plan))),
        })
    }

    /// What is expected, in words.
    pub fn expected_words(&self) -> String {
        expected_words(&self.expected.verdict)
    }

    /// Runs it, its run directory below `root`; `None`: it was interrupted.
    pub fn run(&self, root: &Path, interrupt: &Interrupt) -> Result<Option<Cell>, Failure> {
        let fingerprint = self.fingerprint.clone();
        if self.expected.verdict == ExpectedVerdict::NotOffered {
            let cell = Cell::absent(&self.scenario, &self.system, &self.expected, None);
            return Ok(Some(Cell { fingerprint, ..cell }));
        }
        let id = run_id(&format!("{}-{}", self.scenario, self.system), SystemTime::now());
        let mut arguments: Vec<String> =
            ["run", &self.path, "-b", &self.system, "--stack", "local", "--ui", "none", "--run-id", &id]
                .map(str::to_owned)
                .to_vec();
        arguments.extend(["-o".to_owned(), root.display().to_string(), "--format".to_owned(), "text".to_owned()]);
        if let Some(trials) = self.trials {
            arguments.extend(["--trials".to_owned(), trials.to_string()]);
        }
        let began = Instant::now();
        let Some(ended) = run_child(&arguments, interrupt)? else { return Ok(None) };
        let cell = self.judged(root, &id, &ended);
        Ok(Some(Cell { fingerprint, seconds: began.elapsed().as_secs_f64(), verdict: ended.code, ..cell }))
    }

    fn judged(&self, root: &Path, id: &str, ended: &Ended) -> Cell {
        let directory = root.join(id);
        let absent = |why: String| Cell::absent(&self.scenario, &self.system, &self.expected, Some(why));
        let report = match read_report(&directory) {
            Ok(report) => report,
            Err(_) => {
                let why = ended.last_words();
                let code = ended.code.unwrap_or(Exit::Internal.code());
                return Cell { exit: code, ..absent(format!("the run left no report (exit {code}): {why}")) };
            }
        };
        let trials = seen(&report);
        let run = Some(directory.display().to_string());
        if trials.is_empty() {
            let skipped = report.skipped.first().map(|skipped| skipped.reason.clone());
            let why = skipped.or_else(|| report.verdict.reasons.first().cloned());
            return Cell { run, ..absent(why.unwrap_or_else(|| "it did not run".to_owned())) };
        }
        Cell { run, ..Cell::of(&self.scenario, &self.system, &self.expected, trials) }
    }
}

/// A text in 16 digits (FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>): tells texts apart, protects nothing.
fn fingerprint(text: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes().chain(env!("CARGO_PKG_VERSION").bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn another_text_has_another_fingerprint() {
        assert_ne!(fingerprint("a"), fingerprint("b"));
        assert_eq!(fingerprint("a").len(), 16);
    }
}

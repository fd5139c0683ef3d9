//! One scenario on one system.

use std::path::Path;
use std::time::{Instant, SystemTime};

use super::Told;
use super::child::{Ended, run_child};
use super::column::Column;
use crate::cli::Failure;
use crate::cli::signal::Interrupt;
use lockbench_core::workload::{Expected, ExpectedVerdict, ServerVersion, Versions, to_toml};
use lockbench_engine::run_id;
use lockbench_report::scenario::{Cell, expected_words, seen};
use lockbench_report::{Exit, read_report};
use lockbench_systems::stack::GivenServer;

/// What is to be run.
pub struct Job {
    pub scenario: String,
    /// Head of its column.
    pub column: String,
    system: String,
    version: Option<ServerVersion>,
    given: Option<GivenServer>,
    path: String,
    expected: Expected,
    trials: Option<u32>,
    /// What the cell is made of: one that was made of something else is run again.
    pub fingerprint: String,
}

impl Job {
    /// A scenario on a system of which it expects something.
    pub fn new(told: &Told, column: &Column, trials: Option<u32>) -> Result<Self, Failure> {
        let Some(expected) = column.expected(&told.scenario) else {
            let known: Vec<&str> =
                told.scenario.expected.iter().flat_map(|one| &one.systems).map(String::as_str).collect();
            return Err(Failure::usage(format!(
                "{} expects nothing of {}: add a [[scenario.expected]] for it (it has: {})",
                told.name,
                column.name(),
                known.join(", ")
            )));
        };
        Ok(Self::expecting(expected.clone(), told, column, trials))
    }

    /// The same for a matrix, where a scenario that expects nothing of a system is not told of it.
    pub fn of_matrix(told: &Told, column: &Column) -> Self {
        let nothing = || Expected {
            systems: vec![column.system.clone()],
            versions: Versions::default(),
            verdict: ExpectedVerdict::NotOffered,
            reason: "this story is told of other systems".to_owned(),
            source: told.path.clone(),
        };
        let expected = column.expected(&told.scenario).cloned().unwrap_or_else(nothing);
        Self::expecting(expected, told, column, None)
    }

    fn expecting(expected: Expected, told: &Told, column: &Column, trials: Option<u32>) -> Self {
        let Column { system, version, given, .. } = column;
        Self {
            scenario: told.name.clone(),
            column: column.name(),
            system: system.clone(),
            version: version.clone(),
            given: given.clone(),
            path: told.path.clone(),
            expected,
            trials,
            fingerprint: fingerprint(&format!("{}{trials:?}{version:?}{given:?}", to_toml(&told.plan))),
        }
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
            return Ok(Some(Cell { fingerprint, version: self.version(), ..cell }));
        }
        let id = run_id(&format!("{}-{}", self.scenario, self.column), SystemTime::now());
        let mut arguments: Vec<String> =
            ["run", &self.path, "-b", &self.system, "--stack", "local", "--ui", "none", "--run-id", &id]
                .map(str::to_owned)
                .to_vec();
        arguments.extend(["-o".to_owned(), root.display().to_string(), "--format".to_owned(), "text".to_owned()]);
        if let Some(trials) = self.trials {
            arguments.extend(["--trials".to_owned(), trials.to_string()]);
        }
        let began = Instant::now();
        let server = self.given.as_ref().map(|given| (given.variable, given.value.as_path()));
        let Some(ended) = run_child(&arguments, server, interrupt)? else { return Ok(None) };
        let cell = self.judged(root, &id, &ended);
        Ok(Some(Cell {
            fingerprint,
            version: self.version(),
            seconds: began.elapsed().as_secs_f64(),
            verdict: ended.code,
            ..cell
        }))
    }

    fn version(&self) -> Option<String> {
        self.version.as_ref().map(ToString::to_string)
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

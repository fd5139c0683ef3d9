//! `--baseline` and `--save-baseline` of a run: checked before anything starts,
//! carried out at its end.

use std::path::Path;

use super::Failure;
use super::frontend::Frontend;
use super::job::Job;
use super::sides::{Runs, baselines};
use lockbench_core::workload::{Plan, to_toml};
use lockbench_engine::Gate;
use lockbench_report::compare::{FEWEST_TRIALS, Rules, Side, Unlike, compare};
use lockbench_report::compare::{machine_differences, plan_differences};
use lockbench_report::{Environment, Exit, Report, RunDirectory, StoreError, usable_id};

/// What a run is compared to, and what it is saved as.
pub struct Baselines {
    against: Option<Runs>,
    save: Option<String>,
    force: bool,
    /// Warnings to print before the run.
    pub warnings: Vec<String>,
}

impl Baselines {
    /// Opens and checks what the flags name, as far as it is known before the run `id`.
    pub fn check(job: &Job<'_>, id: &str) -> Result<Self, Failure> {
        let args = job.args;
        let mut checked = Self { against: None, save: None, force: args.force, warnings: Vec::new() };
        if let Some(name) = &args.save_baseline {
            let place = baselines(&args.output).join(name);
            if !usable_id(name) {
                let rules = "use letters, digits, '-', '_' and '.', at most 100, not starting with '.' or '-'";
                return Err(Failure::usage(format!("the baseline name \"{name}\" is not usable: {rules}")));
            }
            if place.join(id).exists() {
                let path = place.join(id);
                return Err(Failure::usage(format!("{} exists already: give another --run-id", path.display())));
            }
            checked.few("--save-baseline", job.plan.trials);
            checked.save = Some(name.clone());
        }
        if let Some(name) = &args.baseline {
            let against = Runs::open(name, &args.output)?;
            checked.like(job, &against)?;
            if args.save_baseline.is_none() {
                checked.few("--baseline", job.plan.trials);
            }
            checked.against = Some(against);
        }
        Ok(checked)
    }

    /// The load and the machine, which are known already.
    fn like(&mut self, job: &Job<'_>, against: &Runs) -> Result<(), Failure> {
        let plan: serde_json::Value = toml::from_str(&to_toml(&job.plan)).map_err(Failure::internal)?;
        let machine = Environment::read(String::new(), "CLOCK_MONOTONIC", "");
        let mut differences = Vec::new();
        for report in &against.reports {
            differences.extend(plan_differences(&report.plan, &plan));
            differences.extend(machine_differences(&report.environment, &machine));
        }
        match differences.is_empty() || self.force {
            true => Ok(()),
            false => Err(Failure::usage(format!("--baseline {}: {}", against.name, Unlike { differences }))),
        }
    }

    fn few(&mut self, flag: &str, trials: u32) {
        if (trials as usize) < FEWEST_TRIALS {
            self.warnings.push(format!(
                "{flag} with {trials} trials per system: a comparison concludes nothing from fewer than \
                 {FEWEST_TRIALS}; --trials {FEWEST_TRIALS}"
            ));
        }
    }

    /// Saves a run that passed; with `--force` any complete one: a baseline that is
    /// broken itself would hide what it should show.
    pub fn save(
        &self,
        root: &Path,
        plan: &Plan,
        frontend: &Frontend,
        report: &Report,
        report_json: &[u8],
    ) -> Result<(), Failure> {
        let Some(name) = &self.save else { return Ok(()) };
        if !report.complete || (report.verdict.exit_code != 0 && !self.force) {
            let why = if report.complete {
                format!("the run does not pass (exit {}); --force saves it all the same", report.verdict.exit_code)
            } else {
                "the run is incomplete".to_owned()
            };
            frontend.display.insist(&format!("lockbench: not saved as the baseline \"{name}\": {why}"));
            return Ok(());
        }
        let store = || -> Result<std::path::PathBuf, StoreError> {
            let directory = RunDirectory::create(&baselines(root).join(name), &report.run_id)?;
            directory.write("plan.toml", to_toml(plan).as_bytes())?;
            directory.write("report.json", report_json)?;
            directory.complete()
        };
        let place = store().map_err(Failure::internal)?;
        frontend.display.insist(&format!("lockbench: saved as the baseline \"{name}\": {}", place.display()));
        Ok(())
    }
}

impl Gate for Baselines {
    /// Compares the run with the baseline; also what the run has to answer for.
    fn judge(&self, report: &mut Report) -> Vec<(Exit, String)> {
        let Some(against) = &self.against else { return Vec::new() };
        let rules = Rules { force: self.force, ..Rules::default() };
        let candidate = Side { name: &report.run_id, runs: &[&*report] };
        match against.as_side(|baseline| compare(baseline, candidate, &rules)) {
            Ok(comparison) => {
                let exits = comparison.exits();
                report.comparison = Some(comparison);
                exits
            }
            Err(unlike) => {
                let differences = unlike.differences.join("; ");
                let reason = format!("not compared with the baseline {}, it is unlike: {differences}", against.name);
                vec![(Exit::Inconclusive, reason)]
            }
        }
    }
}

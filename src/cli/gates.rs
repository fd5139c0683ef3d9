//! What a run must keep beyond a safe lock: thresholds and denied lints. Read and
//! checked before anything starts, judged when all is measured.

use super::Failure;
use super::args::LoadArgs;
use super::select::Selection;
use lockbench_core::workload::plan::{BreachLevel, FindingLevel};
use lockbench_core::workload::{Plan, Source};
use lockbench_engine::Overhead;
use lockbench_report::lint::{Evidence, Ground, lint};
use lockbench_report::threshold::{judge, listed};
use lockbench_report::{
    Environment, Exit, LintLevel, LintLevels, Measurements, Report, Threshold, ThresholdLevel, ThresholdOutcome,
};

/// The gates of a run.
pub struct Gates {
    /// Bounds, their systems in full names.
    pub thresholds: Vec<Threshold>,
    /// Levels of lints: defaults, changed by the plan, changed by flags.
    pub levels: LintLevels,
    /// Every system that is to run.
    systems: Vec<&'static str>,
    /// Those of them without a server.
    embedded: Vec<&'static str>,
    /// Those of them whose client library sets no `TCP_NODELAY`.
    nagle: Vec<&'static str>,
}

impl Gates {
    /// Of a plan and of the flags, where there are any.
    pub fn read(plan: &Plan, source: &Source, selection: &Selection, args: Option<&LoadArgs>) -> Result<Self, Failure> {
        let systems: Vec<&str> = selection.entries.iter().map(|entry| entry.name).collect();
        let embedded = selection.entries.iter().filter(|entry| entry.server.is_none()).map(|entry| entry.name);
        let nagle = selection.entries.iter().filter(|entry| entry.nagle_on).map(|entry| entry.name).collect();
        let mut gates = Self {
            thresholds: Vec::new(),
            levels: LintLevels::default(),
            embedded: embedded.collect(),
            nagle,
            systems,
        };
        for (i, planned) in plan.thresholds.iter().enumerate() {
            let level = planned.level.map(|level| match level {
                BreachLevel::Warn => ThresholdLevel::Warn,
                BreachLevel::Fail => ThresholdLevel::Fail,
            });
            gates.bound(&planned.text, level, &source.place_of_threshold(i))?;
        }
        for planned in &plan.lints {
            let level = match planned.level {
                FindingLevel::Allow => LintLevel::Allow,
                FindingLevel::Warn => LintLevel::Warn,
                FindingLevel::Deny => LintLevel::Deny,
            };
            let place = source.place_of(&format!("lints.{}", planned.name));
            gates.levels.set(&planned.name, level).map_err(|problem| Failure::usage(format!("{place}: {problem}")))?;
        }
        if let Some(args) = args {
            for text in args.thresholds.iter().flat_map(|text| listed(text)) {
                gates.bound(text, None, "--threshold")?;
            }
            gates.flags(args)?;
        }
        Ok(gates)
    }

    /// Adds a threshold; the same one again adds nothing.
    fn bound(&mut self, text: &str, level: Option<ThresholdLevel>, place: &str) -> Result<(), Failure> {
        let refuse = |problem: String| Failure::usage(format!("{place}: threshold \"{}\": {problem}", text.trim()));
        let mut threshold = Threshold::parse(text, level).map_err(refuse)?;
        for name in &mut threshold.backends {
            let entry = lockbench_systems::Registry::builtin().find(name).map_err(|error| refuse(error.to_string()))?;
            if !self.systems.contains(&entry.name) {
                let systems = self.systems.join(", ");
                return Err(refuse(format!(
                    "{name} takes no part in this run of {systems}; add it by -b, or take it out of the threshold"
                )));
            }
            *name = entry.name.to_owned();
        }
        if !self.thresholds.iter().any(|known| known.to_string() == threshold.to_string()) {
            self.thresholds.push(threshold);
        }
        Ok(())
    }

    /// Flags come last, so they count; but not against one another.
    fn flags(&mut self, args: &LoadArgs) -> Result<(), Failure> {
        let flags = [
            ("--allow", LintLevel::Allow, &args.allow),
            ("--warn", LintLevel::Warn, &args.warn),
            ("--deny", LintLevel::Deny, &args.deny),
        ];
        let mut given: Vec<(&str, &str)> = Vec::new();
        for (flag, level, names) in flags {
            for name in names.iter().map(|name| name.trim()) {
                if let Some((other, _)) = given.iter().find(|(other, known)| *known == name && *other != flag) {
                    let problem = format!("the lint \"{name}\" is given to {other} and to {flag}; keep one of them");
                    return Err(Failure::usage(problem));
                }
                given.push((flag, name));
                self.levels.set(name, level).map_err(|problem| Failure::usage(format!("{flag}: {problem}")))?;
            }
        }
        Ok(())
    }

    /// What lints need besides the trials.
    pub fn ground(&self, plan: &Plan, environment: Environment, overhead: Option<&Overhead>) -> Ground {
        Ground {
            plan: plan.clone(),
            levels: self.levels.clone(),
            embedded: self.embedded.clone(),
            nagle: self.nagle.clone(),
            environment,
            ceiling_cycles_per_s: overhead.map(|overhead| overhead.cycles_per_s),
            ceiling_others_share: overhead.and_then(|overhead| overhead.others_share),
        }
    }

    /// Fills thresholds and lints of a report, and says what keeps the run from passing.
    pub fn judge(&self, report: &mut Report, measured: &[Measurements], plan: &Plan) -> Vec<(Exit, String)> {
        let mut kept_from = Vec::new();
        report.thresholds = judge(&self.thresholds, report, &self.systems);
        for result in report.thresholds.iter().filter(|result| result.level == ThresholdLevel::Fail) {
            let (exit, is) = match result.outcome {
                ThresholdOutcome::Kept => continue,
                ThresholdOutcome::Breached => (Exit::Threshold, "is breached"),
                ThresholdOutcome::NotMeasured => (Exit::Inconclusive, "cannot be judged"),
            };
            kept_from.push((exit, format!("threshold \"{}\" {is}: {}", result.text, result.because)));
        }
        let evidence = Evidence { report, measured, plan, embedded: &self.embedded, nagle: &self.nagle };
        let linted = lint(&evidence, &self.levels);
        for finding in linted.findings.iter().filter(|finding| finding.level == LintLevel::Deny) {
            kept_from.push((Exit::Threshold, format!("denied lint {}: {}", finding.name, finding.message)));
        }
        for (name, why) in linted.undecided {
            kept_from.push((Exit::Inconclusive, format!("denied lint {name} cannot be judged: {why}")));
        }
        report.lints = linted.findings;
        kept_from
    }
}

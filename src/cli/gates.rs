//! What a run must keep beyond a safe lock: thresholds and denied lints. Read and
//! checked before anything starts.

use super::Failure;
use super::args::LoadArgs;
use super::select::Selection;
use lockbench_core::workload::plan::{BreachLevel, FindingLevel};
use lockbench_core::workload::{Plan, Source};
use lockbench_engine::Gates;
use lockbench_report::threshold::listed;
use lockbench_report::{LintLevel, Threshold, ThresholdLevel};
use lockbench_systems::Registry;

/// Reads the gates of a plan and of the flags, where there are any.
pub fn read(
    plan: &Plan,
    source: &Source,
    selection: &Selection,
    args: Option<&LoadArgs>,
    registry: &Registry,
) -> Result<Gates, Failure> {
    let mut reading = Reading { gates: Gates::default(), selection, registry };
    reading.plan(plan, source)?;
    if let Some(args) = args {
        for text in args.thresholds.iter().flat_map(|text| listed(text)) {
            reading.bound(text, None, "--threshold")?;
        }
        reading.flags(args)?;
    }
    Ok(reading.gates)
}

/// Gates as far as they were read.
struct Reading<'a> {
    gates: Gates,
    /// Every system that is to run.
    selection: &'a Selection,
    registry: &'a Registry,
}

impl Reading<'_> {
    fn plan(&mut self, plan: &Plan, source: &Source) -> Result<(), Failure> {
        for (i, planned) in plan.thresholds.iter().enumerate() {
            let level = planned.level.map(|level| match level {
                BreachLevel::Warn => ThresholdLevel::Warn,
                BreachLevel::Fail => ThresholdLevel::Fail,
            });
            self.bound(&planned.text, level, &source.place_of_threshold(i))?;
        }
        for planned in &plan.lints {
            let level = match planned.level {
                FindingLevel::Allow => LintLevel::Allow,
                FindingLevel::Warn => LintLevel::Warn,
                FindingLevel::Deny => LintLevel::Deny,
            };
            let place = source.place_of(&format!("lints.{}", planned.name));
            self.gates
                .levels
                .set(&planned.name, level)
                .map_err(|problem| Failure::usage(format!("{place}: {problem}")))?;
        }
        Ok(())
    }

    /// Adds a threshold; the same one again adds nothing.
    fn bound(&mut self, text: &str, level: Option<ThresholdLevel>, place: &str) -> Result<(), Failure> {
        let refuse = |problem: String| Failure::usage(format!("{place}: threshold \"{}\": {problem}", text.trim()));
        let mut threshold = Threshold::parse(text, level).map_err(refuse)?;
        for name in &mut threshold.backends {
            let entry = self.registry.find(name).map_err(|error| refuse(error.to_string()))?;
            if !self.selection.entries.iter().any(|running| running.name == entry.name) {
                let systems = self.selection.names().join(", ");
                return Err(refuse(format!(
                    "{name} takes no part in this run of {systems}; add it by -b, or take it out of the threshold"
                )));
            }
            *name = entry.name.to_owned();
        }
        if !self.gates.thresholds.iter().any(|known| known.to_string() == threshold.to_string()) {
            self.gates.thresholds.push(threshold);
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
                self.gates.levels.set(name, level).map_err(|problem| Failure::usage(format!("{flag}: {problem}")))?;
            }
        }
        Ok(())
    }
}

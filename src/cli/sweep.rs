//! `--sweep KEY=V1,V2,...` on `run` and `quick`, and `lockbench report RUN RUN ...`:
//! one run per value, each complete in a directory of its own, and a directory with
//! the curve over all of them.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::args::{FormatChoice, LoadArgs};
use super::execute::execute;
use super::frontend::Frontend;
use super::job::Job;
use super::stored::open;
use super::{Failure, print, print_json, tell};
use lockbench_core::workload::to_toml;
use lockbench_engine::run_id;
use lockbench_output::sweep::{files, text};
use lockbench_report::sweep::{Sweep, sweep, sweepable};
use lockbench_report::{Exit, PLAN, Report, RunDirectory, worst};
use lockbench_systems::Registry;

/// A sweep as asked for.
pub struct Asked {
    key: String,
    values: Vec<String>,
}

/// Reads `KEY=V1,V2,...`.
pub fn asked(text: &str) -> Result<Asked, Failure> {
    let usage = |problem: &str| {
        Failure::usage(format!("--sweep {text}: {problem}; write KEY=VALUE,VALUE,... as in clients=1,4,16,64"))
    };
    let (key, values) = text.split_once('=').ok_or_else(|| usage("there is no '='"))?;
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    if key.trim().is_empty() || values.iter().any(String::is_empty) {
        return Err(usage("a key or a value is empty"));
    }
    if (1..values.len()).any(|i| values[..i].contains(&values[i])) {
        return Err(usage("a value is given twice"));
    }
    if values.len() < 2 {
        return Err(usage("one value is no sweep"));
    }
    Ok(Asked { key: key.trim().to_owned(), values })
}

/// Runs a sweep: `job` makes the job of one point from its override.
pub fn run<'a>(
    asked: &Asked,
    args: &LoadArgs,
    frontend: &Frontend,
    job: impl Fn(&str) -> Result<Job<'a>, Failure>,
) -> Result<u8, Failure> {
    // Every value is checked before the first one runs.
    let sets = asked.values.iter().map(|value| format!("{}={value}", asked.key));
    let jobs = sets.map(|set| job(&set)).collect::<Result<Vec<_>, _>>()?;
    for job in &jobs {
        job.selection.ttls(&job.plan, &job.source)?;
    }
    let plans = jobs.iter().map(|job| toml::from_str(&to_toml(&job.plan)).map_err(Failure::internal));
    let plans = plans.collect::<Result<Vec<serde_json::Value>, _>>()?;
    sweepable(&plans).map_err(|problem| Failure::usage(format!("--sweep {}: {problem}", asked.key)))?;
    let name = jobs.first().map(|job| job.plan.name.clone()).unwrap_or_default();
    let id = args.run_id.clone().unwrap_or_else(|| run_id(&format!("{name}-{}", asked.key), SystemTime::now()));
    let directory = RunDirectory::create(&args.output, &id)?;
    frontend.show(args.ui);
    let mut reports: Vec<Report> = Vec::new();
    let mut failure = None;
    for (i, (mut job, value)) in jobs.into_iter().zip(&asked.values).enumerate() {
        if frontend.steer.interrupt.came() {
            break;
        }
        frontend.display.say(&format!("sweep {}/{}: {} = {value}", i + 1, asked.values.len(), asked.key));
        job.run_id = Some(format!("{id}-{}", slug(&format!("{}-{value}", asked.key))));
        match execute(job) {
            Ok(concluded) => reports.push(concluded.report),
            Err(failed) => {
                failure = Some(failed);
                break;
            }
        }
    }
    if failure.is_some() {
        frontend.steer.interrupt.leave_screen();
    }
    frontend.close();
    let mut codes: Vec<u8> = reports.iter().map(|report| report.verdict.exit_code).collect();
    // A signal between two points is in no report.
    codes.extend(frontend.steer.interrupt.exit().filter(|_| reports.len() < asked.values.len()).map(Exit::code));
    for report in reports.iter().filter(|report| report.verdict.exit_code != 0) {
        let reasons = report.verdict.reasons.join("; ");
        tell(&format!("{}: exit {}: {reasons}", report.run_id, report.verdict.exit_code));
    }
    if reports.len() < 2 {
        directory.discard();
    } else if let Err(failed) = draw(asked, &reports, directory, args.format.choice) {
        tell(&format!("lockbench: {}", failed.message));
        codes.push(failed.exit.code());
    }
    // What one point found outlives the failure of a later one.
    if let Some(failed) = failure {
        tell(&format!("lockbench: {}", failed.message));
        codes.push(failed.exit.code());
    }
    Ok(worst(codes.into_iter()))
}

/// The curve over what was run, which says what it lacks.
fn draw(asked: &Asked, reports: &[Report], directory: RunDirectory, format: FormatChoice) -> Result<(), Failure> {
    let mut drawn = sweep(reports).map_err(Failure::internal)?;
    let never_run = asked.values.get(reports.len()..).unwrap_or_default();
    if !never_run.is_empty() {
        drawn.incomplete.push(format!("never run: {} = {}", asked.key, never_run.join(", ")));
    }
    conclude(&drawn, directory, format)
}

/// `lockbench report RUN RUN ...`: the curve over runs that are there already.
pub fn report(runs: &[String], root: &Path, to: Option<&Path>, registry: &Registry) -> Result<u8, Failure> {
    let reports =
        runs.iter().map(|run| Ok(open(run, root, registry)?.1.report)).collect::<Result<Vec<Report>, Failure>>()?;
    let drawn = sweep(&reports).map_err(Failure::usage)?;
    let id = slug(&format!("sweep-{}-{}", drawn.key, drawn.points[0].run_id));
    let (root, id) = match to {
        None => (root.to_owned(), id),
        Some(to) => {
            let name = to.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = name.ok_or_else(|| Failure::usage(format!("--to {} names no directory", to.display())))?;
            (to.parent().unwrap_or(Path::new("")).to_owned(), name)
        }
    };
    let directory = RunDirectory::create(&root, &id)?;
    conclude(&drawn, directory, FormatChoice::Text)?;
    Ok(0)
}

/// Writes the files of a sweep and prints its tables.
fn conclude(drawn: &Sweep, directory: RunDirectory, format: FormatChoice) -> Result<(), Failure> {
    let files = files(drawn).map_err(Failure::internal)?;
    for file in &files {
        directory.write(&file.path, &file.bytes).map_err(Failure::internal)?;
    }
    // The runs have their plans; what a run directory begins with stays empty here.
    fs::remove_file(directory.path(PLAN)).map_err(Failure::internal)?;
    let place = directory.complete().map_err(Failure::internal)?;
    match format {
        FormatChoice::Text => print(&format!("{}\nfiles: {}\n", text(drawn), place.display())),
        FormatChoice::Json => {
            let json = files.iter().find(|file| file.path == "sweep.json").map(|file| file.bytes.as_slice());
            print_json(&String::from_utf8_lossy(json.unwrap_or_default())).map(|_| ())
        }
    }
}

/// A text as part of a run id.
fn slug(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' }).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::asked;

    #[test]
    fn a_sweep_is_a_key_and_several_values() {
        let sweep = asked("clients=1, 4,16").unwrap();
        assert_eq!((sweep.key.as_str(), sweep.values.len()), ("clients", 3));
        for wrong in ["clients", "clients=", "clients=4", "=1,2", "clients=1,,2", "clients=2,2"] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }
}

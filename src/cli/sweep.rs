//! `--sweep KEY=V1,V2,...` on `run` and `quick`, and `lockbench report RUN RUN ...`:
//! one run a value, each complete in a directory of its own, and a directory with
//! the curve over all of them.

use std::path::Path;
use std::time::SystemTime;

use super::args::{FormatChoice, LoadArgs};
use super::execute::{Interrupt, Job, execute, run_id, store_failure};
use super::stored::open;
use super::{Failure, print, tell};
use crate::output::sweep::{files, text};
use crate::report::sweep::{Sweep, sweep};
use crate::report::{Report, RunDirectory, worst};

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
    interrupt: &Interrupt,
    job: impl Fn(&str) -> Result<Job<'a>, Failure>,
) -> Result<u8, Failure> {
    // Every value is checked before the first one runs.
    let sets = asked.values.iter().map(|value| format!("{}={value}", asked.key));
    let jobs = sets.map(|set| job(&set)).collect::<Result<Vec<_>, _>>()?;
    let name = jobs.first().map(|job| job.plan.name.clone()).unwrap_or_default();
    let id = args.run_id.clone().unwrap_or_else(|| run_id(&format!("{name}-{}", asked.key), SystemTime::now()));
    let directory = RunDirectory::create(&args.output, &id).map_err(|error| store_failure(&error))?;
    let mut reports: Vec<Report> = Vec::new();
    for (i, (mut job, value)) in jobs.into_iter().zip(&asked.values).enumerate() {
        if interrupt.came() {
            break;
        }
        tell(&format!("sweep {}/{}: {} = {value}", i + 1, asked.values.len(), asked.key));
        job.run_id = Some(format!("{id}-{}", slug(&format!("{}-{value}", asked.key))));
        reports.push(execute(job)?.report);
    }
    let exit_code = worst(reports.iter().map(|report| report.verdict.exit_code));
    for report in reports.iter().filter(|report| report.verdict.exit_code != 0) {
        let reasons = report.verdict.reasons.join("; ");
        tell(&format!("{}: exit {}: {reasons}", report.run_id, report.verdict.exit_code));
    }
    if reports.len() < 2 {
        directory.discard();
        return Ok(exit_code);
    }
    // What could not be stored is worse than anything but a violation; it is told by then.
    let drawn = sweep(&reports).map_err(Failure::usage)?;
    conclude(&drawn, directory, args.format)?;
    Ok(exit_code)
}

/// `lockbench report RUN RUN ...`: the curve over runs that are there already.
pub fn report(runs: &[String], root: &Path, to: Option<&Path>) -> Result<u8, Failure> {
    let reports = runs.iter().map(|run| Ok(open(run, root)?.1.report)).collect::<Result<Vec<Report>, Failure>>()?;
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
    let directory = RunDirectory::create(&root, &id).map_err(|error| store_failure(&error))?;
    conclude(&drawn, directory, FormatChoice::Text)?;
    Ok(0)
}

/// Writes the files of a sweep and prints its tables.
fn conclude(drawn: &Sweep, directory: RunDirectory, format: FormatChoice) -> Result<(), Failure> {
    let files = files(drawn).map_err(Failure::internal)?;
    for file in &files {
        directory.write(&file.path, &file.bytes).map_err(Failure::internal)?;
    }
    let place = directory.complete().map_err(Failure::internal)?;
    match format {
        FormatChoice::Text => print(&format!("{}\nfiles: {}\n", text(drawn), place.display())),
        FormatChoice::Json => {
            let json = files.iter().find(|file| file.path == "sweep.json").map(|file| file.bytes.as_slice());
            print(&String::from_utf8_lossy(json.unwrap_or_default()))
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

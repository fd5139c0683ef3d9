//! A run as the command line asks for it: arguments become the engine's options, the frontend
//! watches, and what comes of it is printed.

use std::path::PathBuf;
use std::time::SystemTime;

use tracing::info;

use super::args::FormatChoice;
use super::baseline::Baselines;
use super::config::UiOptions;
use super::ending::closing_answer;
use super::endpoints::redacted;
use super::job::Job;
use super::log::FILES;
use super::{Failure, print_json, print_painted, tell};
use super::{narrate, worker};
use lockbench_engine::{Options, Outcome, RunError, Store, Stored, Write, run};
use lockbench_output::OUTPUTS;
use lockbench_report::live::Update;
use lockbench_report::{Interruption, RecordedRun, Report, RunDirectory};

/// A run that is over, its files written.
pub struct Concluded {
    /// The report.
    pub report: Report,
    /// The report as it was stored.
    report_json: Vec<u8>,
    /// The run directory, a partial one if something could not be written.
    place: PathBuf,
    /// Whether the end of its terminal ended the run: then there is no place to print to.
    hung_up: bool,
}

/// Runs it, and writes its files.
pub fn execute(job: Job<'_>) -> Result<Concluded, Failure> {
    let started = SystemTime::now();
    let frontend = job.frontend;
    job.selection.ttls(&job.plan, &job.source)?;
    let id = job.id(started);
    let baselines = Baselines::check(&job, &id)?;
    let directory = RunDirectory::create(&job.args.output, &id)?;
    frontend.log.write_to(&directory.path(""), u64::MAX).map_err(Failure::internal)?;
    frontend.save_in(Some(directory.path("")));
    narrate::begins(&job, &id);
    frontend.scoreboard.begins(&id, &job.plan.name, &job.gates.thresholds, &job.selection.entries);
    let Job { plan, selection, endpoints, gates, args, .. } = job;
    let stop = frontend.steer.interrupt.stop.clone();
    let options = Options {
        servers: args.servers(endpoints, &stop),
        plan: plan.clone(),
        id,
        started,
        by_name: selection.by_name,
        gates,
        gate: Some(&baselines),
        advice: baselines.warnings.clone(),
        notes: frontend.log.warning().map(str::to_owned).into_iter().collect(),
        own_costs: super::kept_costs::kept(),
        command: redacted(std::env::args()),
        stop,
        steering: frontend.steer.steering.clone(),
        worker: Some(worker::program()),
        disk: Some(worker::disk_program()),
        store: Some(Store { directory, draw: &draw, sync: &|| frontend.log.sync().map_err(|error| error.to_string()) }),
    };
    let outcome = run(options, &selection.entries, frontend).map_err(|error| {
        frontend.log.close();
        frontend.save_in(None);
        failure(error)
    })?;
    let Outcome { mut report, stored, interruption, .. } = outcome;
    let Stored { place, report_json } = stored.ok_or_else(|| Failure::internal("the run was not stored"))?;
    if let Err(failure) = baselines.save(&args.output, &plan, frontend, &report, &report_json) {
        frontend.display.insist(&format!("lockbench: {}", failure.message));
        report.verdict.unstored(failure.message);
    }
    info!(target: FILES, "the run is in {}", place.display());
    frontend.log.close();
    frontend.save_in(Some(place.clone()));
    frontend.display.update(Update::Over(Box::new(report.clone())));
    let hung_up = interruption == Some(Interruption::HangUp);
    Ok(Concluded { report, report_json, place, hung_up })
}

/// Every format that a run directory has.
fn draw(run: &RecordedRun, write: &mut Write<'_>) {
    for output in OUTPUTS {
        match (output.render)(run) {
            Ok(files) => files.into_iter().for_each(|file| write(&file.path, Ok(file.bytes))),
            Err(error) => write(output.name, Err(format!("{}: {error}", output.name))),
        }
    }
}

fn failure(error: RunError) -> Failure {
    match error {
        RunError::Store(error) => error.into(),
        RunError::Ttl(_) => Failure::usage(error),
        RunError::Runtime(_) | RunError::Scratch { .. } | RunError::History { .. } | RunError::Json(_) => {
            Failure::internal(error)
        }
    }
}

impl Concluded {
    /// Prints the result; returns the exit code.
    pub fn print(mut self, format: FormatChoice, ui: &UiOptions) -> u8 {
        let shown = match format {
            FormatChoice::Json => print_json(&String::from_utf8_lossy(&self.report_json)),
            FormatChoice::Text => print_painted(&closing_answer(&self.report, Some(&self.place), ui)),
        };
        if let (Err(failure), false) = (shown, self.hung_up) {
            tell(&format!("lockbench: {}; the files are in {}", failure.message, self.place.display()));
            self.report.verdict.unshown(failure.exit, failure.message);
        }
        self.report.verdict.exit_code
    }
}

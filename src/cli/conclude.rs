//! The end of a run: report, verdict, files, stdout. The result is printed even
//! where a file cannot be written: a full disk must not cost the measurements.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use tracing::{debug, info, warn};

use super::args::FormatChoice;
use super::baseline::Baselines;
use super::config::UiOptions;
use super::ending::told_end;
use super::endpoints::redacted;
use super::job::{Job, workers};
use super::narrate::{FILES, drawn, served};
use super::scoreboard;
use super::{Failure, print_json, print_painted, tell};
use lockbench_core::units::grouped;
use lockbench_core::workload::plan::HistoryLimit;
use lockbench_core::workload::to_toml;
use lockbench_engine::narrate::judged;
use lockbench_engine::{Done, Overhead, Servers, contended, own_cpu_s};
use lockbench_output::{OUTPUTS, json};
use lockbench_report::live::Update;
use lockbench_report::{
    Aggregate, Environment, HISTORY, Interruption, MEASURED, Measurements, REPORT, RecordedRun, Report, RunDirectory,
    SCHEMA_VERSION, SkippedBackend, Tool, TrialResult, Verdict, aggregate, judge, notes_on_marks, write_file,
    write_measured,
};

/// What a run left.
pub struct Ran {
    pub id: String,
    pub started: SystemTime,
    /// How far the wall clock moved against the monotonic one meanwhile.
    pub clock_step_ns: i64,
    pub skipped: Vec<SkippedBackend>,
    pub dones: Vec<Done>,
    pub overhead: Option<Overhead>,
    pub interruption: Option<Interruption>,
    /// Why the history is not on disk, where it should be.
    pub unwritten: Option<String>,
    pub baselines: Baselines,
}

/// A run that is over, its files written.
pub struct Concluded {
    /// The report.
    pub report: Report,
    /// The report as it was stored.
    report_json: Vec<u8>,
    /// The run directory, a partial one if something could not be written.
    place: PathBuf,
    /// Was it the end of its terminal that ended the run? Then nobody is there to print to.
    hung_up: bool,
}

/// Stops the servers and writes every file.
pub fn conclude(job: &Job<'_>, ran: Ran, servers: Servers, directory: RunDirectory) -> Result<Concluded, Failure> {
    let (placement, remarks) = (servers.placement(), servers.remarks());
    // Servers first: whatever happens to the files, no process is left.
    servers.stop(job.session);
    scoreboard::over(job);
    let mut report = report(job, &ran, placement, remarks);
    let mut report_json = json(&report).map_err(Failure::internal)?;
    judged(job.session, &report.verdict);
    if let Some(cost) = job.session.display.cost() {
        drawn(cost, own_cpu_s());
    }
    if let (Some(board), Some(scraped)) = (&job.session.board, &job.session.scraped) {
        served(&board.read(), scraped.cost(), own_cpu_s());
    }
    let partial = directory.path("");
    let place = match store(job, &ran, &report_json, directory) {
        Ok(place) => place,
        Err(problem) => {
            let place = partial.display();
            job.session.display.insist(&format!("lockbench: {problem}; what could be written is in {place}"));
            if ran.unwritten.as_ref() != Some(&problem) {
                report.complete = false;
                report.verdict.unstored(problem);
                report_json = json(&report).map_err(Failure::internal)?;
                // Whoever reads it later must not take it for a run that passed.
                if write_file(&partial, REPORT, &report_json).is_err() {
                    // On a full disk the former one makes room for itself; better none than one that says else.
                    let _ = fs::remove_file(partial.join(REPORT));
                    let _ = write_file(&partial, REPORT, &report_json);
                }
            }
            partial
        }
    };
    if let Err(failure) = ran.baselines.save(job, &report, &report_json) {
        job.session.display.insist(&format!("lockbench: {}", failure.message));
        report.verdict.unstored(failure.message);
    }
    info!(target: FILES, "the run is in {}", place.display());
    job.session.log.close();
    job.session.save_in(Some(place.clone()));
    job.session.display.update(Update::Over(Box::new(report.clone())));
    let hung_up = ran.interruption == Some(Interruption::HangUp);
    Ok(Concluded { report, report_json, place, hung_up })
}

impl Concluded {
    /// Prints the result; returns the exit code.
    pub fn print(mut self, format: FormatChoice, ui: &UiOptions) -> u8 {
        let shown = match format {
            FormatChoice::Json => print_json(&String::from_utf8_lossy(&self.report_json)),
            FormatChoice::Text => print_painted(&told_end(&self.report, Some(&self.place), ui)),
        };
        if let (Err(failure), false) = (shown, self.hung_up) {
            tell(&format!("lockbench: {}; the files are in {}", failure.message, self.place.display()));
            self.report.verdict.unshown(failure.exit, failure.message);
        }
        self.report.verdict.exit_code
    }
}

fn report(job: &Job<'_>, ran: &Ran, placement: &str, remarks: Vec<String>) -> Report {
    let results: Vec<TrialResult> = ran.dones.iter().map(|done| done.result.clone()).collect();
    let planned = (job.selection.entries.len() - ran.skipped.len()) * job.plan.trials as usize;
    let whole = results.len() == planned && results.iter().all(|result| result.complete);
    let mut notes = job.warnings();
    notes.extend(remarks);
    notes.extend(results.iter().flat_map(|result| remarks_on(job, result)));
    notes.extend(notes_on_marks(&measured(ran)));
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        run_id: ran.id.clone(),
        complete: ran.interruption.is_none() && ran.unwritten.is_none() && whole,
        tool: Tool {
            name: "lockbench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: redacted(std::env::args()),
            workers: workers(&job.plan),
            overhead_ns_per_cycle: ran.overhead.as_ref().map(|overhead| overhead.ns_per_cycle),
            ceiling_cycles_per_s: ran.overhead.as_ref().map(|overhead| overhead.cycles_per_s),
            ceiling_others_share: ran.overhead.as_ref().and_then(|overhead| overhead.others_share),
        },
        environment: Environment {
            clock_step_ns: Some(ran.clock_step_ns),
            ..Environment::read(
                humantime::format_rfc3339_seconds(ran.started).to_string(),
                "CLOCK_MONOTONIC",
                placement,
            )
        },
        plan: toml::from_str(&to_toml(&job.plan)).unwrap_or_default(),
        aggregates: aggregates(job, &ran.dones),
        lints: Vec::new(),
        notes,
        results,
        skipped: ran.skipped.iter().cloned().chain(unreached(job, ran)).collect(),
        faults: Vec::new(),
        thresholds: Vec::new(),
        comparison: None,
        verdict: Verdict { exit_code: 0, reasons: Vec::new() },
    };
    report.verdict = verdict(job, ran, &mut report);
    report
}

/// Judges the gates, which fills thresholds, lints and the comparison of the report,
/// and all the rest.
fn verdict(job: &Job<'_>, ran: &Ran, report: &mut Report) -> Verdict {
    let mut gates = job.gates.judge(report, &measured(ran), &job.plan);
    let (comparison, regressions) = ran.baselines.compare(report);
    report.comparison = comparison;
    gates.extend(regressions);
    let is_control =
        |name: &str| lockbench_systems::Registry::builtin().find(name).is_ok_and(|entry| entry.unsafe_by_design);
    let mut verdict = judge(&report.results, &ran.skipped, &job.plan.expect, ran.interruption, &is_control, &gates);
    verdict.reasons.extend(not_reached(job, ran));
    if let Some(problem) = &ran.unwritten {
        verdict.unstored(problem.clone());
    }
    verdict
}

fn measured(ran: &Ran) -> Vec<Measurements> {
    ran.dones.iter().filter_map(|done| done.measured.clone()).collect()
}

/// The trials of each system merged.
pub fn aggregates(job: &Job<'_>, dones: &[Done]) -> Vec<Aggregate> {
    let of = |name: &str| {
        let parts: Vec<_> = dones
            .iter()
            .filter(|done| done.result.backend == name)
            .map(|done| (&done.result, done.measured.as_ref()))
            .collect();
        (!parts.is_empty()).then(|| aggregate(name, &parts))
    };
    job.selection.entries.iter().filter_map(|entry| of(entry.name)).collect()
}

/// What must be read beside a trial's verdict. What limits its figures is in the lints.
fn remarks_on(job: &Job<'_>, result: &TrialResult) -> Vec<String> {
    let name = &result.backend;
    let mut remarks = Vec::new();
    if contended(&job.plan) && result.error.is_none() && result.safety.exercised_holds == 0 {
        remarks.push(format!("{name}: no holder was ever challenged: the zero double grants prove nothing"));
    }
    remarks.extend(two_counts(result));
    // Also where the trial failed in the end.
    let looks = [(&result.nodes.start, "at the start"), (&result.nodes.end, "at the end")];
    for (nodes, when) in looks.into_iter().filter_map(|(nodes, when)| Some((nodes.as_ref()?, when))) {
        if !nodes.away.is_empty() {
            let trial = result.trial;
            remarks.push(format!("{name}, trial {trial}: {nodes} {when}; away: {}", nodes.problems()));
        }
    }
    remarks
}

/// The rate is of the grants that fell into the measured time, the counts and waits are of the
/// attempts that began in it. Where waits are long beside it, these are two different things.
fn two_counts(result: &TrialResult) -> Option<String> {
    let within = (result.throughput_per_s? * result.measured_s).round() as u64;
    let (fewer, more) = (within.min(result.grants), within.max(result.grants));
    (result.error.is_none() && 2 * fewer < more).then(|| {
        format!(
            "{}, trial {}: {} grants fell into the measured time and make its rate; of the attempts that began in it {} were \
             granted, whenever that was, and make its counts and waits: measure for longer than clients wait",
            result.backend,
            result.trial,
            grouped(within),
            grouped(result.grants)
        )
    })
}

/// Systems that a run which was stopped did not come to.
fn unreached(job: &Job<'_>, ran: &Ran) -> Vec<SkippedBackend> {
    let known = |name: &str| {
        ran.dones.iter().any(|done| done.result.backend == name) || ran.skipped.iter().any(|skip| skip.backend == name)
    };
    let missing = job.selection.entries.iter().filter(|entry| ran.interruption.is_some() && !known(entry.name));
    missing
        .map(|entry| SkippedBackend {
            backend: entry.name.to_owned(),
            reason: "the run was stopped before it began".to_owned(),
            asked_for: job.selection.by_name,
        })
        .collect()
}

/// What a run that was stopped did not come to: a system without a row must not be
/// taken for one that nobody asked for.
fn not_reached(job: &Job<'_>, ran: &Ran) -> Vec<String> {
    if ran.interruption.is_none() {
        return Vec::new();
    }
    let planned = job.plan.trials as usize;
    let told = |name: &str| {
        let trials: Vec<_> = ran.dones.iter().filter(|done| done.result.backend == name).collect();
        let ended = trials.iter().filter(|done| done.result.complete).count();
        if trials.is_empty() {
            Some(format!("{name} did not run: the run was stopped before"))
        } else {
            (ended < planned).then(|| format!("{name}: trials that came to their end: {ended} of {planned}"))
        }
    };
    let skipped = |name: &str| ran.skipped.iter().any(|skip| skip.backend == name);
    job.selection.entries.iter().filter(|entry| !skipped(entry.name)).filter_map(|entry| told(entry.name)).collect()
}

/// Writes the files and gives the run its name. A run that lacks any of them keeps
/// the name of a partial one; the first problem is told. First what was measured,
/// then what is drawn from it, read back from the disk: so `lockbench report` gives
/// the same bytes later.
fn store(job: &Job<'_>, ran: &Ran, report_json: &[u8], directory: RunDirectory) -> Result<PathBuf, String> {
    let mut problem = ran.unwritten.clone();
    let mut write = |name: &str, bytes: Result<Vec<u8>, String>| {
        let written = bytes.and_then(|bytes| directory.write(name, &bytes).map_err(|error| error.to_string()));
        match written {
            Ok(()) => debug!(target: FILES, "written: {name}"),
            Err(error) => {
                warn!(target: FILES, "not written: {name}: {error}");
                problem.get_or_insert(error);
            }
        }
    };
    write("plan.toml", Ok(to_toml(&job.plan).into_bytes()));
    write(MEASURED, write_measured(&measured(ran)).map_err(|error| format!("{MEASURED}: {error}")));
    write("report.json", Ok(report_json.to_vec()));
    match RecordedRun::open(&directory.path("")) {
        Ok(run) => {
            for output in OUTPUTS {
                match (output.render)(&run) {
                    Ok(files) => files.into_iter().for_each(|file| write(&file.path, Ok(file.bytes))),
                    Err(error) => write(output.name, Err(format!("{}: {error}", output.name))),
                }
            }
        }
        Err(error) => write("report.json", Err(error.to_string())),
    }
    let kept = !matches!(job.plan.history, HistoryLimit::Off);
    if kept && problem.is_none() && !directory.path(HISTORY).is_file() {
        problem = Some(format!("{} was there and is gone: who removed it?", directory.path(HISTORY).display()));
    }
    // Last, so that it tells of every other file.
    if let Err(error) = job.session.log.sync() {
        problem.get_or_insert(error);
    }
    match problem {
        None => directory.complete().map_err(|error| error.to_string()),
        Some(problem) => Err(problem),
    }
}

/// Columns of the terminal on stdout; `None` for a file or pipe.
pub fn terminal_width() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::two_counts;
    use lockbench_report::TrialResult;

    #[test]
    fn a_rate_and_a_count_that_disagree_have_a_sentence() {
        let trial = |grants, rate| TrialResult {
            backend: "redis".to_owned(),
            trial: 1,
            measured_s: 1.0,
            grants,
            throughput_per_s: Some(rate),
            ..TrialResult::default()
        };
        let told = two_counts(&trial(0, 23.0)).unwrap();
        assert!(told.starts_with("redis, trial 1: 23 grants fell into the measured time"), "{told}");
        assert!(told.contains("of the attempts that began in it 0 were granted"), "{told}");
        assert!(two_counts(&trial(7_650, 1.0)).is_some());
        assert_eq!((two_counts(&trial(60, 100.0)), two_counts(&trial(0, 0.0))), (None, None));
    }
}

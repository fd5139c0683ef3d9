//! A run that broke off: the tool was killed, or the machine went down. Its partial
//! directory has the plan and a history, and no report. What the history tells is
//! assembled into one, and what only the run knew is said to be unknown. The same is
//! found of a run that is still under way.

use std::path::Path;

use super::assemble::aggregate;
use super::environment::Environment;
use super::marks::notes_on_marks;
use super::measured::Measurements;
use super::replay::{Replayed, Untold, replay};
use super::schema::{Aggregate, Report, SCHEMA_VERSION, Tool, TrialResult};
use super::stored::{OpenError, RecordedRun, history_failure, history_path, scenes};
use super::verdict::{Exit, judge};
use lockbench_core::lock::{Facts, Guarantees, RenewalKind, WaitKind, Ways};
use lockbench_core::record::read_regular_text;
use lockbench_core::workload::plan::Section;
use lockbench_core::workload::{Plan, parse_stored, to_toml};

/// What stands where nobody knows.
pub const UNKNOWN: &str = "unknown (the run broke off)";
const PLAN: &str = "plan.toml";
/// Largest plan: a person wrote it.
const MOST_PLAN_BYTES: u64 = 1 << 20;

/// What the registry says of a recipe.
pub struct Promise {
    /// What it promises.
    pub guarantees: Guarantees,
    /// Is it a negative control?
    pub control: bool,
}

/// Finds a recipe by its full name.
pub type Promises<'a> = &'a dyn Fn(&str) -> Option<Promise>;

/// Promises nothing: a recipe that this version does not know.
pub const UNPROMISED: Guarantees = Guarantees {
    lease: false,
    token: None,
    fifo: false,
    waiting: WaitKind::Poll,
    ways: Ways::Both,
    renewal: RenewalKind::None,
    ttl_floor_ms: 0,
    ttl_step_ms: 0,
    connection_frees: false,
    quorum: false,
    exclusion: true,
    shared: false,
    permits: false,
    source: "",
};

/// Has a run broken off in this directory, with a history to tell of it?
#[must_use]
pub fn broke_off(directory: &Path) -> bool {
    let has = |name: &Path| name.is_file();
    !has(&directory.join("report.json")) && has(&directory.join(PLAN)) && has(&history_path(directory))
}

/// The run as its history tells it.
///
/// # Errors
/// If plan or history cannot be read or make no sense.
pub fn open_broken_off(directory: &Path, promises: Promises<'_>) -> Result<RecordedRun, OpenError> {
    let plan = plan(directory)?;
    let mut results: Vec<TrialResult> = Vec::new();
    let mut measured = Vec::new();
    let mut add = |mut replayed: Replayed| {
        results.push(of_result(&replayed, &plan.name, promises, UNKNOWN));
        measured.push(replayed.measurements());
    };
    replay(&history_path(directory), &|_| None, &mut add).map_err(history_failure)?;
    // Nothing came after the last one: it did not reach its end, or nobody can tell.
    if let Some(last) = results.last_mut() {
        last.complete = false;
    }
    let report = report(directory, &plan, results, &measured, promises);
    let scenes = scenes(directory, true, &report.results, &measured)?;
    Ok(RecordedRun { report, measured, scenes })
}

fn plan(directory: &Path) -> Result<Plan, OpenError> {
    stored_plan(&directory.join(PLAN))
}

/// The plan of a run, as the run itself stored it.
pub(super) fn stored_plan(path: &Path) -> Result<Plan, OpenError> {
    let named = path.display().to_string();
    let text =
        read_regular_text(path, MOST_PLAN_BYTES).map_err(|cause| OpenError::Io { path: named.clone(), cause })?;
    parse_stored(&named, &text).map_err(|error| OpenError::Damaged { path: named, problem: error.to_string() })
}

/// The entry of a trial of `workload` as its history alone tells it. `why`: what stands
/// where it tells nothing.
pub(super) fn of_result(replayed: &Replayed, workload: &str, promises: Promises<'_>, why: &str) -> TrialResult {
    let guarantees = promises(&replayed.header.backend).map_or(UNPROMISED, |promise| promise.guarantees);
    let facts = Facts::untold(why);
    let mut result = replayed.result(&Untold {
        workload,
        guarantees: &guarantees,
        facts: &facts,
        // Nobody counted them; but where one is missing between two others, it was lost.
        lost: replayed.gaps,
        panicked: 0,
        cut_short: replayed.broken_off,
        section: Section::Counter,
    });
    let untold = [
        "effective_ttl_ms",
        "resources.client_cpu_s",
        "resources.server_cpu_s",
        "resources.server_rss_bytes",
        "resources.sent_bytes",
    ];
    for figure in untold {
        result.not_available.insert(figure.to_owned(), why.to_owned());
    }
    if let Some(cut) = replayed.cut {
        let until = lockbench_core::units::human_duration(cut.t.saturating_sub(replayed.header.start));
        result.safety.conditions =
            format!("{}, in the first {until}: there the history was cut", result.safety.conditions);
    }
    result
}

fn report(
    directory: &Path,
    plan: &Plan,
    results: Vec<TrialResult>,
    measured: &[Measurements],
    promises: Promises<'_>,
) -> Report {
    let unknown = || UNKNOWN.to_owned();
    let why = "the run broke off, or is still under way: what is here was judged again from its history".to_owned();
    let is_control = |name: &str| promises(name).is_some_and(|promise| promise.control);
    let gates = [(Exit::Inconclusive, why)];
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Report {
        schema_version: SCHEMA_VERSION,
        run_id: name.trim_start_matches('.').trim_end_matches(".partial").to_owned(),
        complete: false,
        tool: Tool { name: "lockbench".to_owned(), version: unknown(), ..Tool::default() },
        environment: Environment {
            started_at: unknown(),
            os: unknown(),
            kernel: unknown(),
            cpu: unknown(),
            clock: unknown(),
            placement: unknown(),
            ..Environment::default()
        },
        plan: toml::from_str(&to_toml(plan)).unwrap_or_default(),
        aggregates: aggregates(&results, measured),
        skipped: Vec::new(),
        faults: Vec::new(),
        thresholds: Vec::new(),
        lints: Vec::new(),
        notes: notes(plan, &results).into_iter().chain(notes_on_marks(measured)).collect(),
        comparison: None,
        verdict: judge(&results, &[], &plan.expect, None, &is_control, &gates),
        results,
    }
}

fn aggregates(results: &[TrialResult], measured: &[Measurements]) -> Vec<Aggregate> {
    let mut names: Vec<&str> = Vec::new();
    for result in results {
        if !names.contains(&result.backend.as_str()) {
            names.push(&result.backend);
        }
    }
    let of = |name: &&str| {
        let both = results.iter().zip(measured.iter().map(Some));
        let parts: Vec<_> = both.filter(|(result, _)| result.backend == *name).collect();
        aggregate(name, &parts)
    };
    names.iter().map(of).collect()
}

/// What was planned and is not there.
fn notes(plan: &Plan, results: &[TrialResult]) -> Vec<String> {
    let mut notes = vec![
        "the run broke off: the machine, the servers' facts and settings, processor time and failures in words were \
         not written yet"
            .to_owned(),
    ];
    let ran = |name: &String| results.iter().any(|result| &result.backend == name);
    let missing: Vec<&str> = plan.backends.iter().filter(|name| !ran(name)).map(String::as_str).collect();
    if !missing.is_empty() {
        notes.push(format!("planned and not in the history: {}", missing.join(", ")));
    }
    notes
}

//! `lockbench verify`: judges a stored history again, with the same figures and
//! checkers that saw it live, and compares. So a reader who has the
//! history need not believe the report.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::args::VerifyArgs;
use super::stored::{locate, promise};
use super::{Failure, kept_rounds, print};
use lockbench_core::figure::{Counter, Totals};
use lockbench_core::lock::Facts;
use lockbench_core::oracle::{ConditionFold, DoubleGrantKind};
use lockbench_core::record::figures::{Counts, Schedule};
use lockbench_core::record::history::Header;
use lockbench_core::units::grouped;
use lockbench_core::workload::parse_stored;
use lockbench_core::workload::plan::{Expectation, Section};
use lockbench_report::{
    Aggregate, Difference, Exit, MEASURED, Measurements, PLAN, Phases, Replayed, Report, SafetyVerdict, TrialResult,
    UNPROMISED, Untold, aggregate, broke_off, differences, differences_at_cut, differences_in, had_other_rules,
    history_failure, history_path, judge, measurements, open_broken_off, read_report, replay, replay_with, worst,
};
use lockbench_systems::Registry;

/// Differences of one result that are printed.
const SHOWN: usize = 8;

/// How the replay of one result compares with its entry in the report.
enum Agreement {
    /// They agree; the text says on how much.
    Agrees(String),
    /// They differ.
    Disagrees(String),
    /// There was nothing to replay.
    Nothing(String),
}

/// Prints what each result's replay says; exits as the run did, or 1 if they disagree.
pub fn verify(args: &VerifyArgs, registry: &Registry) -> Result<u8, Failure> {
    if let Some((place, rounds)) = kept_rounds::find(&args.run, &args.stored.output, registry)? {
        return kept_rounds::verify(&place, &rounds);
    }
    let directory = locate(&args.run, &args.stored.output)?;
    if broke_off(&directory) {
        return broken_off(&directory, registry);
    }
    let report = read_report(&directory)?;
    let agreements = compare(&directory, &report, registry)?;
    let mut text = String::new();
    for (name, agreement) in &agreements {
        text += &match agreement {
            Agreement::Agrees(on) => format!("{name}: agrees{on}\n"),
            Agreement::Disagrees(problem) => format!("{name}: DISAGREES: {problem}\n"),
            Agreement::Nothing(reason) => format!("{name}: nothing to verify: {reason}\n"),
        };
    }
    let (code, why) = conclude(&report, registry, agreements.iter().map(|(_, agreement)| agreement));
    text += &format!("verify: exit {code}: {why}\n");
    print(&text)?;
    Ok(code)
}

/// Replays the history and compares it with every entry of the report, in its order.
fn compare(directory: &Path, report: &Report, registry: &Registry) -> Result<Vec<(String, Agreement)>, Failure> {
    let of = |backend: &str, trial: u32| {
        report.results.iter().find(|result| result.backend == backend && result.trial == trial)
    };
    let measured = stored_measurements(directory, report)?;
    let mut found = BTreeMap::new();
    let mut foreign = Vec::new();
    let mut damage = None;
    let path = history_path(directory);
    if path.exists() {
        let phases = |header: &Header| {
            // A trial that ran to its end measured as long as was planned: its word is not needed.
            let stored = of(&header.backend, header.trial).filter(|stored| !stored.complete)?;
            Some(match measured.iter().find(|one| one.backend == stored.backend && one.trial == stored.trial) {
                Some(one) => {
                    let measure = header.start.saturating_add(one.warmup_ns);
                    let end = measure.saturating_add(one.measured_ns);
                    Phases::Final(Schedule::between(header.start, measure, end))
                }
                None => {
                    let end = header.measure.saturating_add((stored.measured_s * 1e9).round() as u64);
                    Phases::Planned(Schedule::between(header.start, header.measure, end))
                }
            })
        };
        let mut done = |mut replayed: Replayed| {
            let key = (replayed.header.backend.clone(), replayed.header.trial);
            match of(&key.0, key.1) {
                // Version 1 did not mark where the holes of a bounded history begin.
                Some(stored) if report.schema_version < 2 && !stored.history.complete => {
                    let reason = "its history has holes that are not marked: an older lockbench wrote it";
                    found.insert(key, Agreement::Nothing(reason.to_owned()));
                }
                Some(stored) if stored.events_lost == 0 && replayed.gaps > 0 && stored.events > 0 => {
                    damage = damage.take().or(replayed.first_gap.take());
                }
                Some(stored) => {
                    let agreement = agreement(registry, (report.schema_version, stored), &mut replayed, &measured);
                    found.insert(key, agreement);
                }
                None if replayed.attempts > 0 => foreign.push(key),
                None => {}
            }
        };
        let plan = fs::read_to_string(directory.join(PLAN)).ok().and_then(|text| parse_stored(PLAN, &text).ok());
        // What an older version did not look at cannot differ.
        let conditions = |header: &Header| {
            let looked = of(&header.backend, header.trial).is_some_and(|stored| !stored.sometimes.is_empty());
            plan.as_ref()
                .filter(|_| looked)
                .map_or_else(|| ConditionFold::new(Vec::new(), Vec::new()), ConditionFold::of)
        };
        replay_with(&path, &conditions, &phases, &mut done).map_err(history_failure)?;
    }
    if let Some(damage) = damage {
        return Err(history_failure(damage).into());
    }
    let mut all: Vec<(String, Agreement)> = report
        .results
        .iter()
        .map(|stored| {
            let key = (stored.backend.clone(), stored.trial);
            (name(&key), found.remove(&key).unwrap_or_else(|| unrecorded(stored, path.exists())))
        })
        .collect();
    let unreported = |key| (name(&key), Agreement::Disagrees("it is in the history, and not in the report".to_owned()));
    all.extend(foreign.into_iter().map(unreported));
    all.extend(merged(report, &measured));
    Ok(all)
}

/// What charts and merged figures are drawn from; version 1 had none. A copy of the
/// report and its history alone can still be verified.
fn stored_measurements(directory: &Path, report: &Report) -> Result<Vec<Measurements>, Failure> {
    if report.schema_version < 2 {
        return Ok(Vec::new());
    }
    Ok(measurements(directory)?.unwrap_or_default())
}

/// The figures of all trials together, which people read and thresholds are held
/// against: whether they follow from the trials. Listed only where they do not.
fn merged(report: &Report, measured: &[Measurements]) -> Vec<(String, Agreement)> {
    let of = |stored: &Aggregate| {
        let trials = report.results.iter().filter(|result| result.backend == stored.backend);
        let parts: Vec<_> = trials
            .map(|trial| (trial, measured.iter().find(|m| m.backend == trial.backend && m.trial == trial.trial)))
            .collect();
        let again = aggregate(&stored.backend, &parts);
        let mut found = differences_in("aggregates", stored, &again, report.schema_version);
        found.retain(|difference| report.schema_version >= 3 || !had_other_rules(difference));
        (!found.is_empty())
            .then(|| (format!("{}, trials merged", stored.backend), Agreement::Disagrees(listed(&found))))
    };
    if measured.is_empty() { Vec::new() } else { report.aggregates.iter().filter_map(of).collect() }
}

fn name((backend, trial): &(String, u32)) -> String {
    format!("{backend} trial {trial}")
}

/// The agreement of a result that the history does not have.
fn unrecorded(stored: &TrialResult, any: bool) -> Agreement {
    match &stored.error {
        Some(error) if stored.events == 0 => Agreement::Nothing(format!("the trial failed: {error}")),
        _ if any && stored.history.attempts > 0 => {
            Agreement::Disagrees("the report says that it is in the history, and it is not".to_owned())
        }
        _ => Agreement::Nothing("there is no history of it (history = \"off\", or the file was removed)".to_owned()),
    }
}

/// `stored`: the version that wrote it, and its entry.
fn agreement(
    registry: &Registry,
    (version, stored): (u32, &TrialResult),
    replayed: &mut Replayed,
    measured: &[Measurements],
) -> Agreement {
    if let Some(error) = stored.error.as_ref().filter(|_| stored.events == 0) {
        return Agreement::Nothing(format!("the trial failed: {error}"));
    }
    if replayed.broken_off {
        return Agreement::Disagrees("the history breaks off in the middle of it".to_owned());
    }
    let found = if replayed.cut.is_some() {
        up_to_the_cut((version, stored), replayed)
    } else {
        let mut found = differences(stored, &again(registry, stored, replayed), version);
        found.retain(|difference| version >= 3 || !had_other_rules(difference));
        let of = |measured: &&Measurements| measured.backend == stored.backend && measured.trial == stored.trial;
        if let Some(measured) = measured.iter().find(of) {
            let again = replayed.measurements();
            found.extend(if version < 3 {
                let (stored, again) = (measured.clone().as_before_version_3(), again.as_before_version_3());
                differences_in(MEASURED, &stored, &again, version)
            } else {
                differences_in(MEASURED, measured, &again, version)
            });
        }
        found
    };
    if found.is_empty() { Agreement::Agrees(on(stored, replayed)) } else { Agreement::Disagrees(listed(&found)) }
}

/// The entry that the replay gives, with what only the run knew taken from it.
fn again(registry: &Registry, stored: &TrialResult, replayed: &Replayed) -> TrialResult {
    let mut guarantees = promise(registry, &stored.backend).map_or(UNPROMISED, |promise| promise.guarantees);
    if promise(registry, &stored.backend).is_none() && stored.safety.token_regressions.is_some() {
        guarantees.token = Some("named by the report");
    }
    // A panic is in no event; a contradiction is found again.
    let panicked = stored.safety.internal_error && replayed.findings.contradiction.is_none();
    replayed.result(&Untold {
        workload: &stored.workload,
        guarantees: &guarantees,
        facts: &Facts::default(),
        lost: stored.events_lost,
        panicked: u64::from(panicked),
        cut_short: !stored.complete,
        // Of the kinds only this one has a figure of its own among those of safety.
        section: stored
            .section
            .as_ref()
            .filter(|section| section.kind == "inventory")
            .map_or_else(Section::default, |_| Section::Inventory),
    })
}

/// At the cut of a bounded history: the counts that the run noted there, and that its
/// totals are no smaller.
fn up_to_the_cut((version, stored): (u32, &TrialResult), replayed: &Replayed) -> Vec<Difference> {
    let Some(cut) = replayed.cut else { return Vec::new() };
    let mut found: Vec<Difference> = differences_at_cut(&cut.judged, &replayed.judged)
        .into_iter()
        .map(|(figure, stored, replayed)| Difference { figure: format!("{figure} at the cut"), stored, replayed })
        .collect();
    let before = Totals::of(&Counts::default(), &replayed.judged, true);
    // Older versions knew other kinds of double grants.
    let kinds = DoubleGrantKind::ALL.map(Counter::of_kind);
    let totals = Counter::AT_THE_CUT.into_iter().filter(|(counter, _)| version >= 3 || !kinds.contains(counter)).map(
        |(counter, figure)| {
            (figure, stored.count(counter).unwrap_or(u64::MAX), before.get(counter).unwrap_or_default())
        },
    );
    for (figure, stored, before_the_cut) in totals.filter(|(_, total, cut)| total < cut) {
        let replayed = format!("already {before_the_cut} before the cut");
        found.push(Difference { figure: figure.to_owned(), stored: stored.to_string(), replayed });
    }
    if stored.history.complete || stored.history.attempts != replayed.attempts {
        found.push(Difference {
            figure: "history.attempts".to_owned(),
            stored: stored.history.attempts.to_string(),
            replayed: replayed.attempts.to_string(),
        });
    }
    found
}

/// The extent on which they agree.
fn on(stored: &TrialResult, replayed: &Replayed) -> String {
    let all = stored.safety.grants_all_phases;
    let (extent, doubles) = if replayed.cut.is_some() {
        let holds = grouped(replayed.judged.grants);
        let extent = format!(
            " on {holds} of {} holds, up to where the history was cut{}",
            grouped(all),
            unchecked(replayed.after_the_cut)
        );
        (extent, replayed.judged.double_grants)
    } else {
        (format!(" on all {} holds and every figure", grouped(all)), replayed.findings.judged.double_grants)
    };
    let verdict = match stored.safety.verdict {
        SafetyVerdict::Valid => "valid",
        SafetyVerdict::Violated => "VIOLATED",
        SafetyVerdict::Unknown => "unknown",
        SafetyVerdict::NotExercised => "not exercised",
    };
    format!(
        "{extent}; {} double grants in them; the run's verdict: {verdict}{}",
        grouped(doubles),
        unjudged(&replayed.unjudged)
    )
}

/// What of the file this version does not know.
fn unjudged(kinds: &BTreeMap<String, u64>) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{} {kind}", grouped(*count))).collect();
    format!("; not judged, because this version does not know them: {}", kinds.join(", "))
}

/// What of the file was read and not judged.
fn unchecked(after_the_cut: u64) -> String {
    match after_the_cut {
        0 => String::new(),
        events => format!("; not checked: {} events after the cut, where the file has holes", grouped(events)),
    }
}

fn listed(found: &[Difference]) -> String {
    let one = |difference: &Difference| {
        format!("{}: the run says {}, the replay {}", difference.figure, difference.stored, difference.replayed)
    };
    let mut parts: Vec<String> = found.iter().take(SHOWN).map(one).collect();
    if found.len() > SHOWN {
        parts.push(format!("and {} more", found.len() - SHOWN));
    }
    parts.join("; ")
}

/// The exit code and why.
fn conclude<'a>(report: &Report, registry: &Registry, agreements: impl Iterator<Item = &'a Agreement>) -> (u8, String) {
    let (mut all, mut disagree, mut nothing) = (0, 0, 0);
    for agreement in agreements {
        all += 1;
        disagree += u64::from(matches!(agreement, Agreement::Disagrees(_)));
        nothing += u64::from(matches!(agreement, Agreement::Nothing(_)));
    }
    let run = report.verdict.exit_code;
    if disagree > 0 {
        let why = format!(
            "{disagree} of {all} results disagree: report and history are not of the same run, or one was changed"
        );
        return (Exit::Internal.code(), why);
    }
    let found =
        judge(&report.results, &report.skipped, &expected(report), None, &|name: &str| is_control(registry, name), &[])
            .exit_code;
    let violation = Exit::Violation.code();
    // Gates, signals and full disks come on top: they can only make it worse.
    if (found == violation) != (run == violation) || worst([found, run].into_iter()) != run {
        let why = format!("the results mean exit {found}, but the report says {run}: it was changed");
        return (Exit::Internal.code(), why);
    }
    let verdict = match report.verdict.reasons.first() {
        Some(reason) => format!("as the run did: {reason}"),
        None => "as the run did".to_owned(),
    };
    match (run, nothing) {
        (0, 0) if all > 0 => (0, verdict),
        (0, _) => (Exit::Inconclusive.code(), format!("{nothing} of {all} results have nothing to verify")),
        _ => (run, verdict),
    }
}

fn is_control(registry: &Registry, name: &str) -> bool {
    promise(registry, name).is_some_and(|promise| promise.control)
}

fn expected(report: &Report) -> Vec<Expectation> {
    let named = |word: &str| report.plan["expect"].as_array().is_some_and(|list| list.iter().any(|kind| kind == word));
    Expectation::ALL.iter().filter(|(word, _)| named(word)).map(|(_, expectation)| *expectation).collect()
}

/// A run without a report has no verdict to agree with: the replay is the verdict.
fn broken_off(directory: &Path, registry: &Registry) -> Result<u8, Failure> {
    let mut text = String::new();
    let mut wrong = 0;
    let mut done = |replayed: Replayed| {
        let name = name(&(replayed.header.backend.clone(), replayed.header.trial));
        let summary = format!(
            "{} holds, {} double grants",
            grouped(replayed.judged.grants),
            grouped(replayed.findings.judged.double_grants)
        );
        let found = replayed.cut.map(|cut| differences_at_cut(&cut.judged, &replayed.judged)).unwrap_or_default();
        let end = match replayed.cut {
            Some(_) => format!(" up to where the history was cut{}", unchecked(replayed.after_the_cut)),
            None => String::new(),
        };
        if let Some(gap) = &replayed.first_gap {
            text += &format!("{name}: events are missing, the first time before {gap}\n");
        }
        if found.is_empty() {
            text += &format!("{name}: {summary}{end}\n");
        } else {
            wrong += 1;
            let found: Vec<Difference> =
                found.into_iter().map(|(figure, stored, replayed)| Difference { figure, stored, replayed }).collect();
            text += &format!("{name}: DISAGREES at the cut: {}\n", listed(&found));
        }
    };
    replay(&history_path(directory), &|_| None, &mut done).map_err(history_failure)?;
    let verdict = open_broken_off(directory, &|name| promise(registry, name))?.report.verdict;
    let code = if wrong > 0 { Exit::Internal.code() } else { verdict.exit_code };
    text += &format!("verify: exit {code}: {}\n", verdict.reasons.join("; "));
    print(&text)?;
    Ok(code)
}

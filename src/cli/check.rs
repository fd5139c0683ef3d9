//! `lockbench check`: what a workload means, and what is odd about it. Runs nothing;
//! given servers are asked for their limits.

mod open_loop;
mod several_locks;

use super::args::{CheckArgs, overrides};
use super::endpoints::{Endpoints, all_used, named};
use super::fits::{Fit, fit_of, on_this_machine};
use super::gates;
use super::select::{Selection, select, workload};
use super::{Failure, print, runtime};
use lockbench_core::limits;
use lockbench_core::lock::RenewalKind;
use lockbench_core::units::human_duration;
use lockbench_core::workload::plan::RenewalPolicy;
use lockbench_core::workload::{Plan, to_toml, warnings};
use lockbench_engine::{Gates, fault_refusal};
use lockbench_report::live::groups_in_words;
use lockbench_report::threshold::DEFAULT_ALERTS;
use lockbench_report::{Exit, ThresholdLevel};
use lockbench_systems::stack::Register;
use lockbench_systems::{Entry, Registry, ServerKind};

/// Start of the servers, opening and closing of sessions, an ordinary drain: what
/// a trial takes beside its warm-up and its measured time, as a rough guess.
const BESIDES_NS: u64 = 1_000_000_000;

/// Prints the resolved plan, ttls, estimated time and warnings.
pub fn check(args: &CheckArgs, registry: &Registry) -> Result<u8, Failure> {
    let flags: Vec<_> = args.short.given().into_iter().chain(args.arrival.given()).collect();
    let sets = overrides(&args.short.sets, &flags)?;
    let (plan, source) = workload(&args.workload, &sets, registry)?;
    let selection = select(&args.backends, &plan, &source, registry)?;
    let endpoints = named(&args.endpoint)?;
    all_used(&endpoints, &selection.entries)?;
    let mut text = format!("{}: valid\n\n", source.path());
    if !plan.question.is_empty() {
        text.push_str(&format!("question: {}\n", plan.question));
    }
    let trial_ns = plan.warmup_ns + plan.duration_ns + BESIDES_NS;
    let trials = u64::from(plan.trials) * selection.entries.len() as u64;
    text.push_str(&format!(
        "estimated time: {} ({}, {} each, {} warm-up + {} measured)\n",
        human_duration(trial_ns.saturating_mul(trials)),
        counted(selection.entries.len() as u64, "system"),
        counted(u64::from(plan.trials), "trial"),
        human_duration(plan.warmup_ns),
        human_duration(plan.duration_ns),
    ));
    text.push_str(&open_loop::text(&plan));
    text.push_str(&several_locks::text(&plan));
    if !plan.groups.is_empty() {
        text.push_str("\ngroups of clients:\n");
        groups_in_words(&plan).iter().for_each(|group| text.push_str(&format!("  {group}\n")));
    }
    text.push_str("\nsystem: effective ttl (documented), renewal\n");
    for (entry, ttl) in selection.entries.iter().zip(selection.ttls(&plan, &source)?) {
        let lease = match (entry.guarantees.lease, ttl.raised) {
            (false, _) => "no lease".to_owned(),
            (true, false) => human_duration(ttl.ttl_ns),
            (true, true) => format!("{} (raised)", human_duration(ttl.ttl_ns)),
        };
        let renewal = match (entry.guarantees.renewal, plan.renewal) {
            (RenewalKind::None, _) => "nothing to renew".to_owned(),
            (RenewalKind::Heartbeat, RenewalPolicy::Off) => {
                "off is not offered: the session's heartbeat keeps it".to_owned()
            }
            (RenewalKind::Explicit, RenewalPolicy::Off) => "off".to_owned(),
            (_, RenewalPolicy::Every { ns }) => format!("every {}", human_duration(ns)),
        };
        text.push_str(&format!("  {}: {lease}, {renewal}\n", entry.name));
    }
    let systems: Vec<_> = selection.entries.iter().map(|entry| (entry.name, &entry.guarantees)).collect();
    // Recipes of one system share their table.
    let mut own: Vec<String> = selection.entries.iter().filter_map(|entry| entry.warning(&plan)).collect();
    own.dedup();
    for warning in warnings(&plan, &systems).into_iter().chain(own) {
        text.push_str(&format!("\nwarning: {warning}\n"));
    }
    let (faults, refused) = faults_text(&plan, &selection, &endpoints);
    text.push_str(&faults);
    let (limits, exit) = limits_text(&plan, &selection, endpoints)?;
    let exit = if refused { Exit::Backend } else { exit };
    text.push_str(&limits);
    text.push_str(&gates_text(&gates::read(&plan, &source, &selection, None, registry)?));
    text.push_str(&format!("\nresolved plan:\n{}", shortened(&to_toml(&plan))));
    print(&text)?;
    Ok(exit.code())
}

/// The plan without the middle of a long trace.
fn shortened(toml: &str) -> String {
    /// Lines of a plan that are shown.
    const LINES: usize = 200;
    const LONGEST: usize = 2_000;
    let lines: Vec<&str> = toml.lines().collect();
    let fits = |line: &str| match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...\n", &line[..end]),
        None => format!("{line}\n"),
    };
    if lines.len() <= LINES {
        return lines.into_iter().map(fits).collect();
    }
    let (head, tail) = (&lines[..LINES / 2], &lines[lines.len() - LINES / 2..]);
    let left_out = format!("... {} lines ...\n", lines.len() - LINES);
    head.iter().map(|line| fits(line)).chain([left_out]).chain(tail.iter().map(|line| fits(line))).collect()
}

/// The faults that the plan injects, and whether a system cannot have them, or the settings that the plan asks for:
/// then a run would skip it.
fn faults_text(plan: &Plan, selection: &Selection, endpoints: &Endpoints) -> (String, bool) {
    let mut text = if plan.faults.is_empty() { String::new() } else { "\nfaults:\n".to_owned() };
    for (number, fault) in (1..).zip(&plan.faults) {
        text.push_str(&format!("  {number}: {fault}\n"));
    }
    // What `lockbench up` left running would be used, as given servers are.
    let register = Register::from_env().ok();
    let left = |kind: ServerKind| {
        kind.cluster(&plan.options).is_none() && register.as_ref().is_some_and(|left| left.of(kind).is_some())
    };
    let given = |entry: &Entry| entry.server.is_some_and(|kind| endpoints.contains_key(&kind) || left(kind));
    let refused =
        selection.entries.iter().filter_map(|entry| Some((entry.name, fault_refusal(plan, entry, given(entry))?)));
    let refused: String = refused.map(|(name, why)| format!("  {name} cannot have them: {why}\n")).collect();
    let head = if plan.faults.is_empty() && !refused.is_empty() { "\nsettings of servers:\n" } else { "" };
    (text + head + &refused, !refused.is_empty())
}

/// What the plan needs of connections and files beside what there is. Servers are asked only where they are given;
/// one that does not take so many clients, or does not answer, is what a run would end with.
fn limits_text(plan: &Plan, selection: &Selection, endpoints: Endpoints) -> Result<(String, Exit), Failure> {
    let given =
        |entry: &Entry| entry.server.and_then(|kind| endpoints.get(&kind)).map_or(0, |given| given.len() as u64);
    let Fit { mut lines, .. } = on_this_machine(plan, &selection.entries, given);
    let (mut exit, mut unasked) = (Exit::Pass, Vec::new());
    let runtime = runtime().map_err(Failure::internal)?;
    for entry in &selection.entries {
        let Some(kind) = entry.server else { continue };
        let Some(given) = endpoints.get(&kind) else {
            unasked.push(entry.name);
            continue;
        };
        let fit = fit_of(entry, given.clone(), false, plan.clients, &runtime).unwrap_or_else(|error| Fit {
            misfits: vec![limits::explained(&error.to_string(), None)],
            ..Fit::default()
        });
        if !fit.misfits.is_empty() {
            exit = Exit::Backend;
        }
        let silent = fit.misfits.into_iter().filter(|misfit| !fit.lines.contains(misfit)).collect::<Vec<_>>();
        lines.extend(fit.lines);
        lines.extend(silent);
    }
    if !unasked.is_empty() {
        lines.push(format!("not asked: running servers of {} (--endpoint SYSTEM=URL asks them)", unasked.join(", ")));
    }
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    Ok((format!("\nlimits:\n{lines}"), exit))
}

/// What the plan must keep, as understood; or what it could.
fn gates_text(gates: &Gates) -> String {
    let mut text = String::from("\nthresholds:\n");
    for threshold in &gates.thresholds {
        let systems =
            if threshold.backends.is_empty() { "every system".to_owned() } else { threshold.backends.join(", ") };
        let level = match threshold.level {
            ThresholdLevel::Warn => "a warning",
            ThresholdLevel::Fail => "exit 99",
        };
        let figure = &threshold.figure;
        let meaning = figure.meaning();
        text.push_str(&format!("  {} ({meaning}) on {systems}; breached: {level}\n", threshold.condition()));
    }
    if gates.thresholds.is_empty() {
        text = "\nno thresholds. The usual alerts, to paste (without `warn: ` a breach is exit 99):\n".to_owned();
        text.push_str("thresholds = [\n");
        DEFAULT_ALERTS.iter().for_each(|alert| text.push_str(&format!("  \"warn: {alert}\",\n")));
        text.push_str("]\n");
    }
    let changed: Vec<String> =
        gates.levels.changed().map(|(name, level)| format!("{name} = {}", level.name())).collect();
    if !changed.is_empty() {
        text.push_str(&format!("\nlints: {}\n", changed.join(", ")));
    }
    text
}

/// `1 trial`, `2 trials`.
fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

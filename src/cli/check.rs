//! `lockbench check`: what a workload means, and what is odd about it. Runs nothing.

use super::args::CheckArgs;
use super::select::select;
use super::{Failure, print};
use crate::lock::RenewalKind;
use crate::units::human_duration;
use crate::workload::plan::RenewalPolicy;
use crate::workload::{load, resolve_ttl, to_toml, warnings};

/// Start of the servers, opening and closing of sessions, an ordinary drain: what
/// a trial takes beside its warm-up and its measured time, as a rough guess.
const BESIDES_NS: u64 = 1_000_000_000;

/// Prints the resolved plan, ttls, estimated time and warnings.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let (plan, source) = load(&args.workload, &args.sets).map_err(Failure::usage)?;
    let selection = select(&args.backends, &plan, &source)?;
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
    text.push_str("\nsystem: effective ttl (documented), renewal\n");
    for entry in &selection.entries {
        let ttl = resolve_ttl(&plan, entry.name, &entry.guarantees)
            .map_err(|problem| Failure::usage(format!("{}: {problem}", source.place_of("ttl"))))?;
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
    for warning in warnings(&plan, &systems) {
        text.push_str(&format!("\nwarning: {warning}\n"));
    }
    text.push_str(&format!("\nresolved plan:\n{}", to_toml(&plan)));
    print(&text)?;
    Ok(0)
}

/// `1 trial`, `2 trials`.
fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

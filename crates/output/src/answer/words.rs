//! The answer's types in English, once for terminal, page and summary.

use crate::command::repeat_line;
use crate::mark::of_safety;
use lockbench_core::stats::Interval;
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_report::answer::{
    Absent, Answer, Cause, Class, Disqualified, Evidence, Finding, Limit, Next, Turnout, Winner,
};
use lockbench_report::{Copies, Durability, Report, SafetyVerdict, Storage};

/// `2 of 8 systems ran: redis, memory`; the names only where some are missing.
#[must_use]
pub fn turnout_words(turnout: &Turnout) -> String {
    let asked = turnout.asked();
    let head = format!("{} of {asked} {} ran", turnout.ran.len(), if asked == 1 { "system" } else { "systems" });
    if turnout.whole() || turnout.ran.is_empty() { head } else { format!("{head}: {}", turnout.ran.join(", ")) }
}

/// A system that did not run, and why.
#[must_use]
pub fn absent_words(absent: &Absent) -> String {
    match absent.cause {
        Cause::NotRun => format!("{}: {}", absent.system, absent.reason),
        Cause::Failed => format!("{}: it failed: {}", absent.system, absent.reason),
    }
}

/// The load in short: `; quickstart: 16 clients on 4 keys, hold 1ms, 3 trials of 5.00 s`.
pub fn load_words(report: &Report) -> String {
    let Some(first) = report.results.first() else { return String::new() };
    let mut text = format!("; {}", first.workload);
    let plan = &report.plan;
    if let Some(clients) = plan["clients"].as_u64() {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        text.push_str(&format!(": {clients} client{}", plural(clients)));
        let single = (plan["keys"]["kind"] == "single").then_some(1);
        if let Some(keys) = plan["keys"]["count"].as_u64().or(single) {
            text.push_str(&format!(" on {keys} key{}", plural(keys)));
        } else if plan["keys"]["kind"] == "per-client" {
            text.push_str(", each on a key of its own");
        }
        if let Some(hold) = plan["hold"]["value"].as_str() {
            text.push_str(&format!(", hold {hold}"));
        }
    }

    let trials = report.results.iter().map(|result| result.trial).max().unwrap_or(1);
    let length = human_duration((first.measured_s * 1e9) as u64);
    text.push_str(&format!(", {trials} {} of {length}", if trials == 1 { "trial" } else { "trials" }));
    text
}

/// What a crash leaves of a grant.
#[must_use]
pub fn meaning_words(class: Durability) -> &'static str {
    match class.storage {
        _ if class.copies == Copies::Process => "the floor, and no service: other programs cannot take it",
        Storage::Synced => "a grant is on disk before the client hears of it",
        Storage::Unsynced => "a crash of the machine takes the latest grants",
        Storage::Memory => "a grant is gone with the server's process",
        Storage::Unknown => "what a crash leaves could not be read back",
    }
}

/// Safety of a system; `long`: with the bound or the count.
#[must_use]
pub fn safety_words(safety: &Evidence, long: bool) -> String {
    match (safety.verdict, safety.bound_per_million) {
        (SafetyVerdict::Valid, Some(bound)) if long => format!("valid, < {} per million", three_digits(bound)),
        (SafetyVerdict::Violated, _) if long => violated(safety),
        (verdict, _) => of_safety(verdict).word.to_owned(),
    }
}

fn violated(safety: &Evidence) -> String {
    match (safety.double_grants, safety.token_regressions.unwrap_or(0)) {
        (0, 0) => "VIOLATED".to_owned(),
        (0, tokens) => format!("VIOLATED: {} tokens went back", grouped(tokens)),
        (doubles, _) => format!("VIOLATED: {} double grants", grouped(doubles)),
    }
}

/// Why a system is not ranked.
#[must_use]
pub fn disqualified_words(why: &Disqualified, safety: &Evidence) -> String {
    match why {
        Disqualified::Violated if safety.double_grants > 0 => {
            format!("it granted a held lock to a second client {}", times(safety.double_grants))
        }
        Disqualified::Violated => "a fencing token went back".to_owned(),
        Disqualified::SafetyUnknown { because } if because.is_empty() => "its safety is unknown".to_owned(),
        Disqualified::SafetyUnknown { because } => format!("its safety is unknown: {because}"),
        Disqualified::Failed { trials, of, error } => format!("{trials} of {of} trials failed: {error}"),
        Disqualified::Incomplete { trials, of } => {
            format!("it was stopped before its end: {trials} of {of} trials are complete")
        }
        Disqualified::Unserved { share } => {
            format!("{} % of the attempts got no answer", three_digits(share * 100.0))
        }
        Disqualified::NoGrants => "it granted nothing".to_owned(),
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", grouped(count)) }
}

/// Which system is best in a class, and by how much.
#[must_use]
pub fn winner_words(class: &Class) -> String {
    let name = |at: usize| class.rows.get(at).map_or("", |row| row.system.as_str());
    match &class.winner {
        Winner::None => "no system is ranked".to_owned(),
        Winner::Alone => format!("{} is the only one that is ranked in this class", name(0)),
        Winner::Clear { margin } => format!(
            "{} is best: {}x the grants/s of {} ({})",
            name(0),
            digits(margin.estimate),
            name(1),
            interval(margin)
        ),
        Winner::Tie { rows, margin } => {
            let names: Vec<&str> = (0..*rows).map(name).collect();
            format!(
                "no clear winner: {} are within noise ({}x, {})",
                listed(&names),
                digits(margin.estimate),
                interval(margin)
            )
        }
        Winner::Unproven { ratio, trials } => format!(
            "{} leads: {}x the grants/s of {} ({trials} {}: no interval)",
            name(0),
            digits(*ratio),
            name(1),
            if *trials == 1 { "trial" } else { "trials" }
        ),
    }
}

fn interval(margin: &Interval) -> String {
    format!("95 % interval {}x to {}x", digits(margin.low), digits(margin.high))
}

/// Two digits behind the point while they mean something.
fn digits(value: f64) -> String {
    if value < 9.95 { format!("{value:.2}") } else { three_digits(value) }
}

/// `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// One thing that the run does not prove; `ran`: number of systems that ran.
#[must_use]
pub fn limit_words(limit: &Limit, ran: usize) -> String {
    let some = |systems: &[String]| {
        if systems.len() == ran && ran > 1 {
            "every system".to_owned()
        } else if systems.len() > 3 {
            format!("{} of {ran} systems", systems.len())
        } else {
            listed(&systems.iter().map(String::as_str).collect::<Vec<_>>())
        }
    };
    match limit {
        Limit::Bound { per_million, system, systems } => {
            let whose = if *systems > 1 { format!(" ({system}, the least sure)") } else { String::new() };
            format!(
                "0 double grants means below {} per million challenged holds at 95 %{whose}",
                three_digits(*per_million)
            )
        }
        Limit::NotExercised { systems } => {
            format!("safety of {} was not exercised: no client wanted a held lock", some(systems))
        }
        Limit::NoFault => "under this plan, no faults injected (crash, pause, partition)".to_owned(),
        Limit::OneNode { systems } => format!("{} ran on one node: its loss was not tried", some(systems)),
        Limit::OneMachine { loopback: true } => "one machine, over loopback: no network delay".to_owned(),
        Limit::OneMachine { loopback: false } => "one machine, no network".to_owned(),
        Limit::FewTrials { trials: 1 } => "one trial: small differences may be noise".to_owned(),
        Limit::FewTrials { trials } => format!("{trials} trials: small differences may be noise"),
        Limit::Classes { count } => format!("{count} classes of durability: no ranking across them"),
    }
}

/// All limits in a sentence.
#[must_use]
pub fn limits_words(limits: &[Limit], answer: &Answer) -> String {
    let ran = answer.turnout.ran.len();
    limits.iter().map(|limit| limit_words(limit, ran)).collect::<Vec<_>>().join("; ")
}

/// What was found, with its system and what to do.
pub fn finding_words(finding: &Finding) -> String {
    let head = match &finding.system {
        Some(system) if !finding.message.starts_with(system.as_str()) => format!("{system}: "),
        _ => String::new(),
    };
    let advice = finding.advice.as_ref().map_or_else(String::new, |advice| format!("; help: {advice}"));
    format!("{head}{}{advice}", finding.message)
}

/// The verdict in a line, with how many systems it is about where some are missing.
#[must_use]
pub fn verdict_words(report: &Report, turnout: &Turnout) -> String {
    let verdict = &report.verdict;
    let complete = if report.complete { "" } else { " (incomplete)" };
    let ran = if turnout.whole() { String::new() } else { format!("; {}", turnout_words(turnout)) };
    if verdict.reasons.is_empty() {
        format!("verdict: pass{complete}, exit {}{ran}", verdict.exit_code)
    } else {
        format!("verdict: exit {}{complete}{ran}", verdict.exit_code)
    }
}

/// The next command, and what it is for.
#[must_use]
pub fn next_words(next: &Next, program: &str, run: &str) -> (String, &'static str) {
    let run = crate::shell_line(&[run.to_owned()]);
    match next {
        Next::Explain { number, .. } => {
            (format!("{program} explain {run} {number}"), "how the double grant came about, drawn")
        }
        Next::Doctor => (format!("{program} doctor"), "what this machine lacks, and how to install it"),
        Next::Repeat { command, trials } => (
            format!("{} --trials {trials}", repeat_line(program, &without_trials(command))),
            "more trials separate a difference from noise",
        ),
        Next::Need { .. } => (
            format!("{program} report {run} --need exclusion,fencing"),
            "which systems do what you need; --need help lists all",
        ),
        Next::Show { .. } => (format!("{program} show {run} --full"), "every figure of this run"),
    }
}

fn without_trials(command: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = command.iter();
    while let Some(word) = words.next() {
        if word == "--trials" {
            words.next();
        } else if !word.starts_with("--trials=") {
            kept.push(word.clone());
        }
    }
    kept
}

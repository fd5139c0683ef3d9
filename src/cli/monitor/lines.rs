//! The lines of a monitor run on stderr, where there is no screen.

use super::orders::Orders;
use crate::cli::args::{MonitorArgs, UiChoice};
use crate::cli::tell;
use lockbench_core::units::{exact_duration, grouped, three_digits};
use lockbench_report::monitor::{Change, State, Status, SystemStatus};

/// Prints which systems are monitored, and how.
pub fn begins(ui: UiChoice, orders: &Orders, args: &MonitorArgs) {
    if ui == UiChoice::None {
        return;
    }
    let bounds: Vec<String> = orders.bounds.iter().map(|bound| bound.text()).collect();
    tell(&format!(
        "lockbench: monitoring {}: {}/s each, rounds of {}; bounds over {}: {}",
        orders.selection.names().join(", "),
        args.own.rate,
        exact_duration(args.own.round.as_nanos() as u64),
        exact_duration(args.own.window.as_nanos() as u64),
        bounds.join(", ")
    ));
}

/// A change in one line.
pub fn change(change: &Change) -> String {
    let sign = match (change.firing, change.alert.as_str()) {
        (true, _) => "ALERT",
        (false, "monitor") => "note",
        (false, _) => "ok",
    };
    let who = if change.backend.is_empty() { "monitor" } else { &change.backend };
    format!("{} {who}: {sign}: {}", change.at, change.because)
}

/// The state of every system, a line each, over five minutes or since the start.
pub fn standing(status: &Status) -> Vec<String> {
    status.systems.iter().map(|system| format!("{} {}", status.updated_at, one(system))).collect()
}

fn one(system: &SystemStatus) -> String {
    let state = match system.state {
        State::Starting => "starting",
        State::Up => "up",
        State::Down => "DOWN",
        State::Missing => "missing",
    };
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |s| format!("{} %", three_digits(s * 100.0)));
    // What a 0 is worth is known by the round, a double grant at once.
    let twice = match system.violations.double_grants {
        0 => format!("0 of {} challenged holds", grouped(system.exercised_holds)),
        doubles => grouped(doubles),
    };
    let state = match &system.nodes {
        Some(nodes) => match nodes.away_names() {
            Some(names) => format!("{state}, {nodes} ({names} away)"),
            None => format!("{state}, {nodes}"),
        },
        None => state.to_owned(),
    };
    let Some(window) = system.windows.get(1) else { return format!("{}: {state}", system.backend) };
    let [p50, p95, p99, max] = window.responses("-");
    let [_, _, service_p99, _] = window.services("-");
    let not_attempted = [(window.dropped, "dropped"), (window.missed, "missed"), (window.stalled, "slept through")];
    let not_attempted = not_attempted.into_iter().filter(|(count, _)| *count > 0);
    let not_attempted: String = not_attempted.map(|(count, what)| format!(", {} {what}", grouped(count))).collect();
    format!(
        "{}: {state}; last {}: {}/s, answered {}{not_attempted}, response p50 {p50}, p95 {p95}, p99 {p99}, max {max}, \
         service p99 {service_p99}, waited {}, timeouts {}; double grants {twice}, outages {}",
        system.backend,
        window.called(),
        three_digits(window.rate_per_s),
        share(window.availability),
        share(window.contention),
        share(window.timeouts),
        system.outages,
    )
}

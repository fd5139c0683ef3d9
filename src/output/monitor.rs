//! How a watch ended, as tables for a terminal.

use std::fmt::Write as _;

use crate::report::monitor::{State, Status, SystemStatus};
use crate::units::{grouped, human_duration, three_digits};

/// A figure that does not exist.
const NONE: &str = "-";
const HEAD: [&str; 10] = [
    "system",
    "state",
    "due",
    "answered",
    "service p50",
    "service p99",
    "found held",
    "timeouts",
    "double grants",
    "outages",
];

/// The text.
#[must_use]
pub fn monitor_text(status: &Status) -> String {
    let mut grid = comfy_table::Table::new();
    grid.load_preset("     ──            ").set_header(HEAD);
    grid.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    for system in &status.systems {
        grid.add_row(row(system));
    }
    for column in grid.column_iter_mut().skip(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    let mut out = format!("watched for {} s at {}/s a system\n", grouped(status.watched_s), status.rate_per_s);
    let _ = writeln!(out, "{}", grid.trim_fmt());
    let _ = writeln!(
        out,
        "due: attempts, and what could not be made in an outage; answered: the share that was granted,\n\
         refused or timed out in order; double grants: of the holds that another client challenged"
    );
    for system in status.systems.iter().filter(|system| system.total.dropped > 0) {
        let _ = writeln!(
            out,
            "{}: {} more were due while no client was free, and were dropped",
            system.backend,
            grouped(system.total.dropped)
        );
    }
    for system in &status.systems {
        for story in &system.stories {
            let _ = writeln!(out, "double grant, {}: {story}", system.backend);
        }
    }
    if let Some(sent) = status.webhook.filter(|sent| sent.failed + sent.lost > 0) {
        let _ = writeln!(out, "webhook: {} messages taken, {} refused, {} lost", sent.sent, sent.failed, sent.lost);
    }
    let _ = writeln!(out, "\nexit code {}", status.exit_code);
    for reason in &status.reasons {
        let _ = writeln!(out, "  {reason}");
    }
    out
}

fn row(system: &SystemStatus) -> Vec<String> {
    let total = &system.total;
    let share =
        |share: Option<f64>| share.map_or_else(|| NONE.to_owned(), |s| format!("{} %", three_digits(s * 100.0)));
    let length = |ns: Option<u64>| ns.map_or_else(|| NONE.to_owned(), human_duration);
    let state = match system.state {
        State::Starting => "starting",
        State::Up => "up",
        State::Down => "down",
        State::Missing => "missing",
    };
    let outages = match &system.last_outage {
        Some(outage) => format!("{}, last {}", system.outages, human_duration(outage.lasted_ns)),
        None => "0".to_owned(),
    };
    vec![
        system.backend.clone(),
        state.to_owned(),
        grouped(total.attempts + total.missed),
        share(total.availability),
        length(total.service_p50_ns),
        length(total.service_p99_ns),
        share(total.contention),
        share(total.timeouts),
        format!("{} of {}", grouped(system.violations.double_grants), grouped(system.exercised_holds)),
        outages,
    ]
}

#[cfg(test)]
mod tests {
    use super::monitor_text;
    use crate::report::monitor::{Outage, Sent, State, Status, SystemStatus, WindowFigures};

    #[test]
    fn a_watch_ends_with_a_line_a_system_and_its_reasons() {
        let total = WindowFigures {
            attempts: 11_800,
            grants: 11_790,
            missed: 240,
            dropped: 3,
            availability: Some(0.979),
            contention: Some(0.08),
            timeouts: Some(0.0),
            service_p50_ns: Some(310_000),
            service_p99_ns: Some(1_900_000),
            ..WindowFigures::default()
        };
        let outage = Outage { began_at: String::new(), lasted_ns: 12_000_000_000 };
        let redis = SystemStatus {
            backend: "redis".to_owned(),
            state: State::Up,
            total,
            outages: 1,
            exercised_holds: 1_180,
            last_outage: Some(outage),
            ..SystemStatus::default()
        };
        let etcd = SystemStatus { backend: "etcd".to_owned(), state: State::Down, ..SystemStatus::default() };
        let status = Status {
            watched_s: 602,
            rate_per_s: 20.0,
            systems: vec![redis, etcd],
            webhook: Some(Sent { sent: 3, failed: 1, lost: 0 }),
            exit_code: 3,
            reasons: vec!["etcd never answered: connection refused".to_owned()],
            ..Status::default()
        };
        insta::assert_snapshot!("monitor_end", monitor_text(&status));
    }
}

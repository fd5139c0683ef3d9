//! How the monitor ended, as tables for a terminal.

use std::fmt::Write as _;

use super::grid::grid;
use lockbench_core::units::{MILLISECOND, grouped, span, three_digits};
use lockbench_report::monitor::{State, Status, SystemStatus};

/// A figure that does not exist.
const NONE: &str = "-";
/// Double grants of a system whose stories are printed; the tables must not leave the screen.
const STORIES: usize = 3;
/// What each system did with what was due.
const SERVED: [&str; 7] = ["system", "due", "answered", "dropped", "missed", "waited", "timeouts"];
/// How long it took.
const TOOK: [&str; 7] = ["system", "p50", "p95", "p99", "service p50", "p95", "p99"];
/// Whether it locked, and whether it was there.
const LOCKED: [&str; 6] = ["system", "now", "double grants", "challenged", "outages", "last outage"];

/// The text: tables that fit a terminal of 80 columns.
#[must_use]
pub fn monitor_text(status: &Status) -> String {
    let rate = format!("{}/s per system", status.rate_per_s);
    let mut out = format!("watched for {} at {rate}\n", span(status.watched_s.saturating_mul(1_000)));
    let _ = writeln!(out, "{}", table(SERVED, 1, status.systems.iter().map(served)));
    out += "due: attempts, those dropped (no client was free) and those missed in an outage;\n\
            answered: the share of these that was granted, refused or timed out in order;\n\
            waited: not granted by the first request\n\n";
    let _ = writeln!(out, "{}", table(TOOK, 1, status.systems.iter().map(took)));
    out += "p50 to p99: response time, from the due instant to the grant, of all that was\n\
            due; >: at least so long, for more of it was not granted; service: from the call\n\n";
    let _ = writeln!(out, "{}", table(LOCKED, 2, status.systems.iter().map(locked)));
    out += "challenged: holds met by requests of others; only these can show a double grant\n";
    for system in status.systems.iter().filter(|system| system.total.stalled > 0) {
        let stalled = grouped(system.total.stalled);
        let _ = writeln!(
            out,
            "{}: {stalled} more were due while lockbench itself did not run; not counted",
            system.backend
        );
    }
    for system in &status.systems {
        for story in system.stories.iter().take(STORIES) {
            let _ = writeln!(out, "double grant, {}: {story}", system.backend);
        }
        let more = system.violations.double_grants.saturating_sub(STORIES as u64);
        if more > 0 && !system.stories.is_empty() {
            let _ = writeln!(out, "double grants, {}: {} more", system.backend, grouped(more));
        }
    }
    if let Some(sent) = status.webhook.filter(|sent| sent.failed + sent.lost + sent.waiting > 0) {
        let (taken, given_up, lost, waiting) = (sent.sent, sent.failed, sent.lost, sent.waiting);
        let _ =
            writeln!(out, "webhook: {taken} messages taken, {given_up} given up, {lost} lost, {waiting} still waiting");
    }
    let _ = writeln!(out, "\nexit code {}", status.exit_code);
    for reason in &status.reasons {
        let _ = writeln!(out, "  {reason}");
    }
    out
}

/// A table whose columns from `numbers` on are aligned to the right.
fn table<const N: usize>(head: [&str; N], numbers: usize, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = grid(head, rows, numbers..N);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((1, 0));
    });
    table.trim_fmt()
}

fn served(system: &SystemStatus) -> Vec<String> {
    let total = &system.total;
    let share =
        |share: Option<f64>| share.map_or_else(|| NONE.to_owned(), |s| format!("{} %", three_digits(s * 100.0)));
    vec![
        system.backend.clone(),
        grouped(total.due()),
        share(total.availability),
        grouped(total.dropped),
        grouped(total.missed),
        share(total.contention),
        share(total.timeouts),
    ]
}

fn took(system: &SystemStatus) -> Vec<String> {
    let [p50, p95, p99, _] = system.total.responses(NONE);
    let [service_p50, service_p95, service_p99, _] = system.total.services(NONE);
    vec![system.backend.clone(), p50, p95, p99, service_p50, service_p95, service_p99]
}

fn locked(system: &SystemStatus) -> Vec<String> {
    let state = match system.state {
        State::Starting => "starting",
        State::Up => "up",
        State::Down => "DOWN",
        State::Missing => "missing",
    };
    let last = system.last_outage.as_ref().map_or_else(|| NONE.to_owned(), |last| span(last.lasted_ns / MILLISECOND));
    vec![
        system.backend.clone(),
        state.to_owned(),
        grouped(system.violations.double_grants),
        grouped(system.exercised_holds),
        grouped(system.outages),
        last,
    ]
}

#[cfg(test)]
mod tests {
    use super::monitor_text;
    use lockbench_report::monitor::{Certain, Outage, Sent, State, Status, SystemStatus, WindowFigures};

    #[test]
    fn a_watch_ends_with_a_line_a_system_and_its_reasons() {
        let total = WindowFigures {
            attempts: 11_800,
            grants: 11_790,
            missed: 240,
            dropped: 3,
            stalled: 17,
            availability: Some(0.979),
            contention: Some(0.08),
            timeouts: Some(0.0),
            service_p50_ns: Some(310_000),
            service_p95_ns: Some(800_000),
            service_p99_ns: Some(1_900_000),
            response_p50_ns: Some(320_000),
            response_p95_ns: Some(900_000),
            response_p99_at_least_ns: Some(6_100_000_000),
            response_max_ns: Some(12_000_000_000),
            response_max_is_lower_bound: true,
            ..WindowFigures::default()
        };
        let outage = Outage { lasted_ns: 12_000_000_000, ..Outage::default() };
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
            webhook: Some(Sent { sent: 3, failed: 1, lost: 0, waiting: 2 }),
            exit_code: 3,
            reasons: vec!["etcd never answered: connection refused".to_owned()],
            ..Status::default()
        };
        let text = monitor_text(&status);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!("monitor_end", text);
    }

    #[test]
    fn the_first_double_grants_are_told_and_the_others_counted() {
        let told = |kept: usize, double_grants| {
            let stories = (1..=kept).map(|n| format!("story {n}")).collect();
            let violations = Certain { double_grants, ..Certain::default() };
            let system = SystemStatus { backend: "redis".to_owned(), stories, violations, ..SystemStatus::default() };
            let text = monitor_text(&Status { systems: vec![system], ..Status::default() });
            let lines = text.lines().filter(|line| line.starts_with("double grant"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let three = [1, 2, 3].map(|n| format!("double grant, redis: story {n}"));
        assert_eq!(told(3, 3), three);
        assert_eq!(told(20, 1_234), [&three[..], &["double grants, redis: 1 231 more".to_owned()]].concat());
        assert!(told(0, 0).is_empty());
    }

    #[test]
    fn the_tables_of_a_long_watch_of_every_system_fit_a_terminal() {
        let total = WindowFigures {
            attempts: 12_345_678,
            dropped: 123_456,
            missed: 1_234_567,
            availability: Some(0.999),
            contention: Some(0.083),
            timeouts: Some(0.000_01),
            service_p50_ns: Some(310_000),
            service_p95_ns: Some(1_310_000),
            service_p99_ns: Some(12_300_000),
            response_p50_at_least_ns: Some(310_000),
            response_p95_at_least_ns: Some(12_300_000),
            response_p99_at_least_ns: Some(123_000_000),
            response_max_ns: Some(999_000_000_000),
            response_max_is_lower_bound: true,
            ..WindowFigures::default()
        };
        let system = |backend: &str| SystemStatus {
            backend: backend.to_owned(),
            state: State::Missing,
            total: total.clone(),
            outages: 1_234,
            exercised_holds: 1_234_567,
            last_outage: Some(Outage { lasted_ns: 100_000_000_000_000, ..Outage::default() }),
            ..SystemStatus::default()
        };
        let systems = ["postgres:advisory", "zookeeper:curator"].map(system).to_vec();
        let text = monitor_text(&Status { systems, ..Status::default() });
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 80, "{widest} columns\n{text}");
    }
}

//! How a monitor stands: what `monitor.json` holds, the screen shows and the table at
//! the end says. Figures that do not exist are `null`.

use serde::{Deserialize, Serialize};

use super::alert::Standing;
use super::certain::Certain;
use super::window_figures::WindowFigures;
use crate::Exit;
use lockbench_core::figure::Counter;
use lockbench_core::lock::Nodes;

/// Version of `monitor.json` and of what the webhook is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusVersion;

impl StatusVersion {
    /// The number.
    pub const NUMBER: u32 = 1;
}

impl Serialize for StatusVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for StatusVersion {
    /// Any number: whoever reads a file looks at it before the rest.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|_| Self)
    }
}

/// The whole of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Version of this schema.
    pub schema_version: StatusVersion,
    /// Identity of the watch.
    pub run_id: String,
    /// Name of the workload.
    pub workload: String,
    /// Version of lockbench.
    pub version: String,
    /// When it began, wall time.
    pub started_at: String,
    /// When this was true, wall time.
    pub updated_at: String,
    /// Seconds since the begin.
    pub watched_s: u64,
    /// Attempts a second and system.
    pub rate_per_s: f64,
    /// Seconds of a round.
    pub round_s: f64,
    /// Seconds of the window that bounds are held against.
    pub window_s: f64,
    /// How often the plan was read again.
    pub reloads: u64,
    /// The systems, in the order of tables.
    pub systems: Vec<SystemStatus>,
    /// The last changes, the newest last.
    pub changes: Vec<Change>,
    /// What became of the messages to the webhook; `null`: there is none.
    pub webhook: Option<Sent>,
    /// Bytes of this process in memory.
    pub rss_bytes: Option<u64>,
    /// What the exit code would be if the watch ended now.
    pub exit_code: u8,
    /// Why, and which bounds were never judged, even where that costs nothing.
    pub reasons: Vec<String>,
}

/// Does a system answer?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody knows yet.
    #[default]
    Starting,
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// There are no servers to ask.
    Missing,
}

/// An outage that is over, or under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outage {
    /// When it began, wall time.
    pub began_at: String,
    /// How long it lasted, in nanoseconds; so far, if it goes on.
    pub lasted_ns: u64,
    /// How long after its begin it was told, in nanoseconds.
    pub told_after_ns: Option<u64>,
}

/// One system.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemStatus {
    /// Registry name.
    pub backend: String,
    /// Does it answer?
    pub state: State,
    /// Seconds since it does, or does not.
    pub state_for_s: u64,
    /// Why it does not answer.
    pub problem: Option<String>,
    /// Version of the server.
    pub server_version: String,
    /// Which nodes serve, as last asked; `null`: it has one, or they were not asked yet.
    pub nodes: Option<Nodes>,
    /// Rounds that ended.
    pub rounds: u64,
    /// The last 1m, 5m, 1h, 24h.
    pub windows: Vec<WindowFigures>,
    /// Everything.
    pub total: WindowFigures,
    /// 99th percentile of the service time of each of the last 60 minutes, the newest last.
    pub p99_by_minute_ns: Vec<Option<u64>>,
    /// That of the response time, with what was not granted as late as it was at least.
    pub response_p99_by_minute_ns: Vec<Option<u64>>,
    /// Violations.
    pub violations: Certain,
    /// Holds that a request of another client challenged: what the zero proves.
    pub exercised_holds: u64,
    /// Beside a zero: upper bound of double grants a million exercised holds, at 95 %.
    pub upper_bound_95_per_million: Option<f64>,
    /// Outages that are over.
    pub outages: u64,
    /// The last one, or the one under way.
    pub last_outage: Option<Outage>,
    /// Its bounds.
    pub alerts: Vec<AlertStatus>,
    /// The first double grants in words.
    pub stories: Vec<String>,
}

/// One bound of one system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertStatus {
    /// What must hold.
    pub bound: String,
    /// Does breaking it fail the watch?
    pub fails: bool,
    /// Where it stands.
    pub standing: Standing,
    /// Was there ever enough to judge by?
    pub judged: bool,
    /// Seconds since it is in the plan.
    pub held_s: u64,
    /// The figure in its base unit, if it exists.
    pub value: Option<f64>,
    /// The figure, or why there is none, in words.
    pub because: String,
    /// While it fires: what is wrong, and what must be.
    pub says: String,
    /// How often it fired.
    pub fired: u64,
}

/// Something that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Wall time.
    pub at: String,
    /// Registry name; empty for the monitor itself.
    pub backend: String,
    /// The bound, `up`, or `monitor`.
    pub alert: String,
    /// Is it bad news?
    pub firing: bool,
    /// In words.
    pub because: String,
}

/// What became of the messages to the webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// Taken by the receiver.
    pub sent: u64,
    /// Given up after all tries.
    pub failed: u64,
    /// Never tried: too many were waiting.
    pub lost: u64,
    /// Neither taken nor given up yet; at the end of the watch: nobody knows, or never tried.
    pub waiting: u64,
}

/// The exit code of a watch, and why: 100 if a lock was ever granted twice, else 3 if a
/// system never answered or does not answer at the end, else 99 if a bound was ever
/// broken, else 97 if one was never judged though there was time for it. The order is
/// that of every command.
///
/// `due_s`: seconds after which a bound must have been judged; 0 where the watch came to
/// its planned end. A watch that a signal ends sooner than that is told what was not
/// judged and passes all the same: a signal is the normal end of a watch, a service that
/// is stopped right after its start has not failed, and nothing was claimed of the bound.
/// After that, silence would be taken for success.
#[must_use]
pub fn worst_of(systems: &[SystemStatus], violated: &[String], due_s: u64) -> (Exit, Vec<String>) {
    let mut reasons: Vec<(Exit, String)> = violated.iter().map(|why| (Exit::Violation, why.clone())).collect();
    for system in systems {
        let name = &system.backend;
        let why = || system.problem.as_ref().map_or_else(String::new, |problem| format!(": {problem}"));
        let broken = system.alerts.iter().filter(|alert| alert.fails && alert.fired > 0);
        reasons.extend(broken.map(|alert| {
            (Exit::Threshold, format!("{name}: the bound \"{}\" was broken {}", alert.bound, times(alert.fired)))
        }));
        let served = [Counter::Grants, Counter::Refused, Counter::TimedOut];
        if served.iter().all(|counter| system.total.count(*counter) == Some(0)) {
            // Nothing could be judged then, which goes without saying.
            reasons.push((Exit::Backend, format!("{name} never answered{}", why())));
            continue;
        }
        if system.state == State::Down {
            reasons.push((Exit::Backend, format!("{name} does not answer at the end{}", why())));
        }
        reasons.extend(system.alerts.iter().filter(|alert| !alert.judged).map(|alert| unjudged(name, alert, due_s)));
    }
    let order = [Exit::Violation, Exit::Backend, Exit::Threshold, Exit::Inconclusive];
    let rank = |exit: &Exit| order.iter().position(|of| of == exit).unwrap_or(order.len());
    reasons.sort_by_key(|(exit, _)| rank(exit));
    let exit = reasons.first().map_or(Exit::Pass, |(exit, _)| *exit);
    (exit, reasons.into_iter().map(|(_, reason)| reason).collect())
}

/// What it means that there never was enough to judge a bound by.
fn unjudged(name: &str, alert: &AlertStatus, due_s: u64) -> (Exit, String) {
    let what = format!("{name}: the bound \"{}\" was never judged: {}", alert.bound, alert.because);
    match (alert.fails, alert.held_s >= due_s) {
        (true, true) => (Exit::Inconclusive, what),
        (true, false) => (Exit::Pass, format!("{what}; the watch ended before its window was full")),
        (false, _) => (Exit::Pass, format!("{what}; it only warns")),
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
mod tests {
    use super::{AlertStatus, State, SystemStatus, WindowFigures, worst_of};
    use crate::Exit;
    use crate::monitor::Standing;

    fn system(backend: &str, grants: u64, fired: u64) -> SystemStatus {
        let alert = AlertStatus {
            bound: "timeouts <= 0.1%".to_owned(),
            fails: true,
            standing: Standing::Ok,
            judged: true,
            fired,
            ..AlertStatus::default()
        };
        let total = WindowFigures { grants, ..WindowFigures::default() };
        SystemStatus { backend: backend.to_owned(), total, alerts: vec![alert], ..SystemStatus::default() }
    }

    #[test]
    fn the_worst_that_ever_was_decides() {
        let (well, broken, silent) = (system("a", 9, 0), system("b", 9, 2), system("c", 0, 0));
        let code = |systems: &[SystemStatus], violated: &[String]| worst_of(systems, violated, 300).0;
        assert_eq!(code(std::slice::from_ref(&well), &[]), Exit::Pass);
        assert_eq!(code(&[well.clone(), silent.clone()], &[]), Exit::Backend);
        assert_eq!(code(&[well.clone(), broken.clone()], &[]), Exit::Threshold);
        assert_eq!(code(&[silent.clone(), broken.clone()], &[]), Exit::Backend);
        let down = SystemStatus { state: State::Down, problem: Some("refused".to_owned()), ..well.clone() };
        let (exit, reasons) = worst_of(&[down], &[], 300);
        assert_eq!((exit, reasons), (Exit::Backend, vec!["a does not answer at the end: refused".to_owned()]));
        let (exit, reasons) = worst_of(&[silent, broken, well], &["a: twice".to_owned()], 300);
        assert_eq!(exit, Exit::Violation);
        assert_eq!(reasons, ["a: twice", "c never answered", "b: the bound \"timeouts <= 0.1%\" was broken 2 times"]);
    }

    #[test]
    fn a_bound_that_was_never_judged_is_no_success_once_there_was_time_for_it() {
        let held = |grants, fails, held_s| {
            let mut system = system("a", grants, 0);
            let because = "31 attempts in the window, needs 1 000".to_owned();
            let of = &mut system.alerts[0];
            *of = AlertStatus { fails, held_s, because, standing: Standing::Unknown, judged: false, ..of.clone() };
            system
        };
        let judged = |system: SystemStatus, due_s| {
            let (exit, reasons) = worst_of(&[system], &[], due_s);
            (exit, reasons.join("; "))
        };
        let never = "a: the bound \"timeouts <= 0.1%\" was never judged: 31 attempts in the window, needs 1 000";
        assert_eq!(judged(held(9, true, 300), 300), (Exit::Inconclusive, never.to_owned()));
        let short = format!("{never}; the watch ended before its window was full");
        assert_eq!(judged(held(9, true, 299), 300), (Exit::Pass, short));
        assert_eq!(judged(held(9, true, 4), 0), (Exit::Inconclusive, never.to_owned()), "its end was planned");
        assert_eq!(judged(held(9, false, 300), 300), (Exit::Pass, format!("{never}; it only warns")));
        assert_eq!(judged(held(0, true, 300), 300), (Exit::Backend, "a never answered".to_owned()));
        // What is worse decides, and everything is told.
        let (exit, reasons) = worst_of(&[held(9, true, 300), system("b", 9, 1)], &[], 300);
        assert_eq!(exit, Exit::Threshold);
        assert_eq!(reasons, ["b: the bound \"timeouts <= 0.1%\" was broken once", never]);
    }
}

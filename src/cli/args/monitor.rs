//! Flags of `lockbench monitor`: those of a run that make sense for it, and its own.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use super::heading;
use super::load::LoadArgs;
use lockbench_core::units::parse_duration_ns;

/// How a monitor run ends, what it counts, and what it leaves.
pub(in crate::cli) const MONITOR_HELP: &str = "\
A signal is the normal end: locks are released, keys removed, and the exit code is 100 if a lock was ever granted \
twice or a fencing token went back, else 3 if a system never answered or does not answer at the end, else 99 if a \
bound was ever broken, else 97 if a bound that decides the exit code was never judged, for too few attempts (a \
signal before its window is full does not count), else 0.
A system that answers no client for 1.25 s is down, and lockbench says so within 2 s. Availability and response \
times are of all attempts that were due: those that no client was free to take and those that were due in an outage \
are in them, as late as they were at least; those that lockbench itself slept through are counted apart. The \
histories of rounds with a violation are kept: `lockbench explain` and `verify` read them.
SIGHUP reads the workload again; if it is wrong, lockbench says why and keeps the old one. A SIGHUP that comes \
because the terminal is gone ends the monitor run.
Without any threshold the bounds are: double_grants == 0, acquire_service.p99 <= 50ms, contention <= 20%, \
timeouts <= 0.1%, and as a warning availability >= 99%. warmup, duration, trials and history of the workload are \
not used.";

/// Flags of a run that mean nothing here: no help shows them, and giving one is refused.
const FOREIGN: [&str; 12] = [
    "stay",
    "trials",
    "duration",
    "warmup",
    "allow",
    "warn",
    "deny",
    "baseline",
    "save_baseline",
    "force",
    "sweep",
    "keep_servers_dir",
];

/// Its own flags.
#[derive(Debug, Args)]
pub(in crate::cli) struct Own {
    /// The workload file, for example workloads/monitor.toml
    #[arg(value_name = "WORKLOAD.toml")]
    pub workload: PathBuf,
    /// Attempts per second and system, of all clients together
    #[arg(help_heading = heading::LOAD, long, default_value = "20/s", env = "LOCKBENCH_RATE", value_name = "N/s", value_parser = rate)]
    pub rate: f64,
    /// Length of a round; each has fresh keys, which are removed after it
    #[arg(help_heading = heading::LOAD, long, default_value = "60s", env = "LOCKBENCH_ROUND", value_name = "DURATION", value_parser = length)]
    pub round: Duration,
    /// The window that bounds are compared with, 1s to 24h
    #[arg(help_heading = heading::VERDICT, long, default_value = "5m", env = "LOCKBENCH_WINDOW", value_name = "DURATION", value_parser = window)]
    pub window: Duration,
    /// End after this time; default: at a signal
    #[arg(help_heading = heading::LOAD, long = "for", env = "LOCKBENCH_FOR", value_name = "DURATION", value_parser = length)]
    pub lasts: Option<Duration>,
    /// Time between two lines with the state of every system, without a terminal UI
    #[arg(help_heading = heading::DISPLAY, long, default_value = "5m", env = "LOCKBENCH_EVERY", value_name = "DURATION", value_parser = length)]
    pub every: Duration,
    /// POST every change as JSON to this http or https URL
    #[arg(help_heading = heading::OUTPUT, long, env = "LOCKBENCH_WEBHOOK", value_name = "URL", hide_env_values = true)]
    pub webhook: Option<String>,
}

/// All of them.
#[derive(Debug)]
pub(in crate::cli) struct MonitorArgs {
    pub own: Own,
    pub load: LoadArgs,
    /// The first flag that was given and means nothing here.
    pub foreign: Option<String>,
}

/// Returns whether a flag was given, or its variable set; a switch that was switched off was not.
fn given(matches: &ArgMatches, name: &str) -> bool {
    let source = matches.value_source(name);
    let off = matches!(matches.try_get_one::<bool>(name), Ok(Some(false)));
    matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) && !off
}

impl Args for MonitorArgs {
    fn augment_args(command: Command) -> Command {
        let hide = |command: Command| {
            FOREIGN.iter().fold(command, |command, name| command.mut_arg(*name, |argument| argument.hide(true)))
        };
        hide(LoadArgs::augment_args(Own::augment_args(command))).after_help(MONITOR_HELP)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for MonitorArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let foreign = FOREIGN.iter().find(|name| given(matches, name));
        let foreign = foreign.map(|name| format!("--{}", name.replace('_', "-")));
        Ok(Self { own: Own::from_arg_matches(matches)?, load: LoadArgs::from_arg_matches(matches)?, foreign })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `20/s`, or `0.5/s`.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix("/s").unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(rate) if (0.01..=1_000.0).contains(&rate) => Ok(rate),
        Ok(_) => Err("a monitor makes 0.01/s to 1000/s; `lockbench run` measures more".to_owned()),
        Err(_) => Err("write a number and /s, such as 20/s".to_owned()),
    }
}

/// The finest slots of a window are seconds.
fn window(text: &str) -> Result<Duration, String> {
    let length = length(text)?;
    if length < Duration::from_secs(1) { Err("must be 1s at least".to_owned()) } else { Ok(length) }
}

fn length(text: &str) -> Result<Duration, String> {
    let ns = parse_duration_ns(text)?;
    if ns == 0 { Err("must be longer than nothing".to_owned()) } else { Ok(Duration::from_nanos(ns)) }
}

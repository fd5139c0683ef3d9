//! Flags of the commands on stored runs.

use std::path::PathBuf;

use clap::Args;

use super::appearance::{SignArgs, UiArgs};
use super::format::FormatArgs;
use super::heading;

/// A stored run: a run directory's path, or an id under -o.
#[derive(Debug, Args)]
pub(in crate::cli) struct StoredArgs {
    /// Directory that run directories are in
    #[arg(short, long, default_value = "results", env = "LOCKBENCH_OUTPUT", value_name = "DIR")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LsArgs {
    #[command(flatten)]
    pub stored: StoredArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArgs {
    /// The run or monitor run: a directory, or an id under -o
    pub run: String,
    /// Every table, finding and note, not the answer only
    #[arg(long, help_heading = heading::DISPLAY, env = "LOCKBENCH_FULL")]
    pub full: bool,
    #[command(flatten)]
    pub signs: SignArgs,
    #[command(flatten)]
    pub stored: StoredArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// The run: a directory, or an id under -o; several runs that differ in one number: a sweep
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    #[command(flatten)]
    pub stored: StoredArgs,
    /// Where to write, instead of the run directory itself
    #[arg(long, env = "LOCKBENCH_TO", value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// What a system must offer, e.g. 'p99<50ms,fencing'; `help` lists all. Exit 99 if no system fits, 97 if that is not known
    #[arg(long, env = "LOCKBENCH_NEED", value_name = "NEEDS", conflicts_with = "to")]
    pub need: Option<String>,
    /// A stored matrix of scenarios, for the need survive=faults; default: the one under -o, if there is one
    #[arg(long, env = "LOCKBENCH_MATRIX", value_name = "DIR", requires = "need")]
    pub matrix: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The run: a directory, or an id under -o
    pub run: Option<String>,
    /// The format, or `all`, or `help` to list them; may be repeated
    #[arg(long = "to", required = true, value_delimiter = ',', value_name = "FORMAT,...")]
    pub formats: Vec<String>,
    /// Directory to write to, instead of the run directory itself
    #[arg(long, env = "LOCKBENCH_INTO", value_name = "DIR")]
    pub into: Option<PathBuf>,
    #[command(flatten)]
    pub stored: StoredArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    /// The run or monitor run: a directory (a partial one too), or an id under -o; or a round that a monitor run kept
    pub run: String,
    #[command(flatten)]
    pub stored: StoredArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArgs {
    /// The run or monitor run: a directory, or an id under -o; or a round that a monitor run kept
    pub run: String,
    /// Number of the double grant, from 1
    pub number: u32,
    /// Where to write the picture; default: violation-N.svg in the current directory
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub stored: StoredArgs,
}

/// What watch shows, and its exit code.
pub(super) const WATCH_HELP: &str = "\
On a terminal: the terminal UI, until q. Without one (a pipe, CI, TERM=dumb): lines for each trial
and the report's text, as fast as the run can be read unless --speed is given.
The time between trials is left out. Of a run under way each trial is shown as its history grows.
Exits 0 at the end of the run or when the user leaves: watch does not judge, `lockbench verify` does.";

#[derive(Debug, Args)]
pub(in crate::cli) struct WatchArgs {
    /// The run: a directory, or an id under -o; one that another process is running is followed
    pub run: String,
    #[command(flatten)]
    pub stored: StoredArgs,
    /// How many times as fast as it ran, 0.01x to 1000x; only for a run that is over
    #[arg(long, help_heading = heading::DISPLAY, env = "LOCKBENCH_SPEED", value_name = "FACTOR")]
    pub speed: Option<String>,
    /// Begin at this time of the run's trials, one after the other; `,` and `.` go 5 s back and on
    #[arg(long, env = "LOCKBENCH_AT", value_name = "TIME")]
    pub at: Option<String>,
    #[command(flatten)]
    pub look: UiArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompareArgs {
    /// The baseline: run directories or ids, comma-separated, or a saved baseline's name
    pub a: String,
    /// What is compared to it
    pub b: String,
    /// Compare runs of different plans, durability or machines all the same; it is marked
    #[arg(long, help_heading = heading::VERDICT, env = "LOCKBENCH_FORCE")]
    pub force: bool,
    /// Figures that decide (default: throughput and acquire_service.p99); may be repeated
    #[arg(long = "gate", help_heading = heading::VERDICT, value_delimiter = ',', env = "LOCKBENCH_GATE", value_name = "FIGURE,...")]
    pub gates: Vec<String>,
    /// Smallest relative change that counts, e.g. 15%; default 15 %, 30 % for quorum systems
    #[arg(long, help_heading = heading::VERDICT, env = "LOCKBENCH_NOISE", value_name = "PERCENT")]
    pub noise: Option<String>,
    /// Also write the comparison as an HTML page to this file
    #[arg(long, help_heading = heading::OUTPUT, env = "LOCKBENCH_HTML", value_name = "FILE")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub stored: StoredArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}

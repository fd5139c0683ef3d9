//! The flags. Every one can also be given as `LOCKBENCH_<FLAG>`.

mod advise;
mod appearance;
mod format;
mod heading;
mod inspect;
mod load;
mod metrics;
mod monitor;
mod overhead;
mod scenario;
mod search;
mod short;
mod stack;
mod stored;
mod text;
mod trace;

use clap::{Parser, Subcommand};

pub(super) use advise::{AdviseArgs, AdviseCommand, AdviseTtlArgs};
pub(super) use appearance::{ThemeName, UiArgs, UiChoice};
pub(super) use format::FormatChoice;
pub(super) use inspect::InspectArgs;
pub(super) use load::{CheckArgs, DoctorArgs, LoadArgs, QuickArgs, RunArgs};
pub(super) use metrics::MetricsArgs;
pub(super) use monitor::MonitorArgs;
pub(super) use overhead::OverheadArgs;
pub(super) use scenario::{ScenarioArgs, ScenarioCommand, ScenarioMatrixArgs, ScenarioRunArgs};
pub(super) use search::SearchArgs;
pub(super) use short::{ArrivalArgs, flag, overrides};
pub(super) use stack::{DownArgs, KeeperArgs, StackChoice, StatusArgs, SweepUpArgs, UpArgs};
pub(super) use stored::{CompareArgs, ExplainArgs, ExportArgs, LsArgs, ReportArgs, ShowArgs, VerifyArgs, WatchArgs};
pub(super) use text::{CompletionsArgs, SchemaArgs, SchemaChoice};
pub(super) use trace::{TraceArgs, TraceCommand};

use super::manual::exit_codes;

/// Benchmark distributed lock systems: speed and safety in one run.
#[derive(Debug, Parser)]
#[command(name = "lockbench", version, about, after_help = exit_codes(), max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Compare every default system that can run here, side by side, in about a minute
    Quick(QuickArgs),
    /// Run a workload file
    Run(RunArgs),
    /// Find the highest rate at which each system keeps its bounds
    Search(SearchArgs),
    /// Measure what lockbench itself costs here: a bare loop over a client library beside lockbench, in turns
    Overhead(OverheadArgs),
    /// Monitor live lock services: a low, fixed rate of attempts, rolling windows, alerts
    Monitor(MonitorArgs),
    /// Resolve and validate a workload; runs nothing
    Check(CheckArgs),
    /// Look at this machine: clock, cores, limits, servers, and what to install
    Doctor(DoctorArgs),
    /// Start servers and leave them running; runs find them
    Up(UpArgs),
    /// Stop the servers that `up` left running
    Down(DownArgs),
    /// Show which servers run
    Status(StatusArgs),
    /// List what runs that were killed left on servers that are not lockbench's, and remove it
    SweepUp(SweepUpArgs),
    /// Holds the local servers of one kind for `up`
    #[command(hide = true)]
    Keeper(KeeperArgs),
    /// List every lock recipe and what it promises
    Backends,
    /// List every lint: what it looks for, and what to do about it
    Lints,
    /// List the runs of a results directory
    Ls(LsArgs),
    /// Print the result of a stored run
    Show(ShowArgs),
    /// Draw every file of a stored run again, or answer which system fits a need
    Report(ReportArgs),
    /// Write a stored run in another format
    Export(ExportArgs),
    /// Judge a stored history again: the verdict must be that of the run
    Verify(VerifyArgs),
    /// Print the story of one double grant of a stored run, with a picture
    Explain(ExplainArgs),
    /// Play a stored run again in the terminal UI, or follow one that is under way
    #[command(after_help = stored::WATCH_HELP)]
    Watch(WatchArgs),
    /// Show which locks are held on a live server, by which clients, and which clients wait
    #[command(after_help = inspect::INSPECT_HELP)]
    Inspect(InspectArgs),
    /// Break lock systems on purpose, and say whether exactly the expected happened
    Scenario(ScenarioArgs),
    /// Say what measured figures mean for a setting: how long should a lease be?
    Advise(AdviseArgs),
    /// Make up a trace of lock wishes for a workload, as the transactions of a shop have them
    Trace(TraceArgs),
    /// Compare two sets of runs: is B slower or less safe than A, beyond noise?
    Compare(CompareArgs),
    /// Print the schema of a workload file, of report.json or of what inspect prints
    Schema(SchemaArgs),
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Print the manual page (roff)
    Man,
}

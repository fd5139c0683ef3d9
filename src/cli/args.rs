//! The flags. Every one can also be given as `LOCKBENCH_<FLAG>`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Benchmark distributed lock systems: speed and safety in one run.
#[derive(Debug, Parser)]
#[command(name = "lockbench", version, about, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 pass; 1 internal or I/O error; 2 usage or plan; 3 a backend is not reachable, not \
startable or died; 97 inconclusive; 100 a double grant or token regression that the plan did not expect; 130 or 143 interrupted.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Compare every default system that can run here, side by side, in about a minute
    Quick(QuickArgs),
    /// Run a workload file
    Run(RunArgs),
    /// Resolve and validate a workload; runs nothing
    Check(CheckArgs),
    /// Look at this machine: clock, cores, limits, servers, and what to install
    Doctor(DoctorArgs),
    /// List every lock recipe and what it promises
    Backends,
}

/// Where servers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StackChoice {
    /// A given endpoint, else started here
    Auto,
    /// Started here from installed programs
    Local,
    /// Only given endpoints
    External,
}

/// What is shown while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum UiChoice {
    /// Progress bars on a terminal, else plain lines
    Auto,
    /// Plain lines on stderr
    Plain,
    /// Nothing
    None,
}

/// What goes to stdout at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatChoice {
    /// Tables
    Text,
    /// report.json
    Json,
}

/// Flags of everything that runs load.
#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    /// Systems to run, by name (see `lockbench backends`)
    #[arg(short, long, value_delimiter = ',', env = "LOCKBENCH_BACKENDS", value_name = "NAME,...")]
    pub backends: Vec<String>,
    /// Where servers come from
    #[arg(long, value_enum, default_value = "auto", env = "LOCKBENCH_STACK")]
    pub stack: StackChoice,
    /// A running server to use, e.g. redis=redis://host:6379 or redlock=URL,URL,URL; may be repeated
    #[arg(
        long,
        env = "LOCKBENCH_ENDPOINT",
        value_name = "SYSTEM=URL[,URL...]",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub endpoint: Vec<String>,
    /// What is shown while it runs
    #[arg(long, value_enum, default_value = "auto", env = "LOCKBENCH_UI")]
    pub ui: UiChoice,
    /// Trials of each system (overrides the workload)
    #[arg(long, env = "LOCKBENCH_TRIALS")]
    pub trials: Option<u32>,
    /// Seed of every random choice (overrides the workload)
    #[arg(long, env = "LOCKBENCH_SEED")]
    pub seed: Option<u64>,
    /// Override a key of the workload, e.g. clients=8 or hold.mean=2ms; may be repeated
    #[arg(long = "set", env = "LOCKBENCH_SET", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Directory that run directories are written to
    #[arg(short, long, default_value = "results", env = "LOCKBENCH_OUTPUT", value_name = "DIR")]
    pub output: PathBuf,
    /// Name of the run; default: start time and workload
    #[arg(long, env = "LOCKBENCH_RUN_ID", value_name = "ID")]
    pub run_id: Option<String>,
    /// Format of the result on stdout
    #[arg(long, value_enum, default_value = "text", env = "LOCKBENCH_FORMAT")]
    pub format: FormatChoice,
    /// Leave the data and logs of the servers that were started
    #[arg(long, env = "LOCKBENCH_KEEP_SERVERS_DIR")]
    pub keep_servers_dir: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The workload file (see workloads/)
    #[arg(value_name = "WORKLOAD.toml")]
    pub workload: PathBuf,
    #[command(flatten)]
    pub load: LoadArgs,
}

#[derive(Debug, Args)]
pub(super) struct QuickArgs {
    /// Running servers to use instead of starting our own; the scheme tells the system
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// Every recipe, not only the default ones
    #[arg(long, env = "LOCKBENCH_ALL", conflicts_with = "backends")]
    pub all: bool,
    #[command(flatten)]
    pub load: LoadArgs,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The workload file
    #[arg(value_name = "WORKLOAD.toml")]
    pub workload: PathBuf,
    /// Systems to check it for
    #[arg(short, long, value_delimiter = ',', env = "LOCKBENCH_BACKENDS", value_name = "NAME,...")]
    pub backends: Vec<String>,
    /// Override a key of the workload
    #[arg(long = "set", env = "LOCKBENCH_SET", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Running servers to look at as well
    #[arg(
        long,
        env = "LOCKBENCH_ENDPOINT",
        value_name = "SYSTEM=URL[,URL...]",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub endpoint: Vec<String>,
}

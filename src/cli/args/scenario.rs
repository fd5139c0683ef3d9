//! Flags of the commands on scenarios.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::format::FormatArgs;
use super::heading;

#[derive(Debug, Args)]
pub(in crate::cli) struct ScenarioArgs {
    #[command(subcommand)]
    pub command: ScenarioCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScenarioCommand {
    /// List the scenarios: each story, and the systems that it is for
    Ls(ScenarioLsArgs),
    /// Run one scenario, and say whether exactly the expected was seen
    Run(ScenarioRunArgs),
    /// Run every scenario on every default system, and draw one picture of all
    Matrix(ScenarioMatrixArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScenarioLsArgs {
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScenarioRunArgs {
    /// The scenario: a name that `scenario ls` lists, or a file
    #[arg(value_name = "NAME|FILE")]
    pub scenario: String,
    /// Systems to run, by name; default: those that the scenario is for
    #[arg(help_heading = heading::RUN, short, long, value_delimiter = ',', env = "LOCKBENCH_BACKENDS", value_name = "NAME,...")]
    pub backends: Vec<String>,
    /// A server program to run it on, by system and path (or directory): given twice, both versions stand side by
    /// side. A name alone is looked for in PATH
    #[arg(help_heading = heading::RUN, long, env = "LOCKBENCH_SERVERS", value_delimiter = ',', value_name = "NAME=PATH")]
    pub server: Vec<String>,
    /// Trials per system: where chance decides, the share that showed the expected is printed with its interval
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_TRIALS", value_parser = clap::value_parser!(u32).range(1..))]
    pub trials: Option<u32>,
    /// Directory that run directories are written to
    #[arg(help_heading = heading::OUTPUT, short, long, default_value = "results", env = "LOCKBENCH_OUTPUT", value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScenarioMatrixArgs {
    /// Systems to run, by name; default: those of `quick`, and flock
    #[arg(help_heading = heading::RUN, short, long, value_delimiter = ',', env = "LOCKBENCH_BACKENDS", value_name = "NAME,...")]
    pub backends: Vec<String>,
    /// A server program to run it on, by system and path (or directory): given twice, both versions stand side by
    /// side. A name alone is looked for in PATH
    #[arg(help_heading = heading::RUN, long, env = "LOCKBENCH_SERVERS", value_delimiter = ',', value_name = "NAME=PATH")]
    pub server: Vec<String>,
    /// Scenarios to run, by name; default: all
    #[arg(help_heading = heading::RUN, long, value_delimiter = ',', env = "LOCKBENCH_SCENARIOS", value_name = "NAME,...")]
    pub scenarios: Vec<String>,
    /// Cells that run side by side, each with servers of its own: they mostly wait
    #[arg(help_heading = heading::LOAD, long, default_value_t = 2, env = "LOCKBENCH_JOBS", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: u32,
    /// Directory of the matrix; cells that are finished there are kept
    #[arg(help_heading = heading::OUTPUT, short, long, default_value = "results/matrix", env = "LOCKBENCH_OUTPUT", value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub format: FormatArgs,
}

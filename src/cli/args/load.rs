//! Flags of the commands that run load, or look at a plan.

use std::path::PathBuf;

use clap::Args;

use super::appearance::{UiArgs, UiChoice};
use super::format::FormatArgs;
use super::heading;
use super::metrics::MetricsArgs;
use super::short::{ArrivalArgs, ShortArgs};
use super::stack::{DockerArgs, StackChoice};
use lockbench_core::stop::Stop;
use lockbench_engine::{Endpoints, ServerOptions};

/// Flags of everything that runs load.
#[derive(Debug, Args)]
pub(in crate::cli) struct LoadArgs {
    /// Systems to run, by name (see `lockbench backends`)
    #[arg(help_heading = heading::RUN, short, long, value_delimiter = ',', env = "LOCKBENCH_BACKENDS", value_name = "NAME,...")]
    pub backends: Vec<String>,
    /// Run once per value of a key, e.g. clients=1,4,16,64, and draw the curve
    #[arg(
        help_heading = heading::RUN,
        long,
        env = "LOCKBENCH_SWEEP",
        value_name = "KEY=VALUE,...",
        conflicts_with_all = ["baseline", "save_baseline"]
    )]
    pub sweep: Option<String>,
    /// Trials per system (overrides the workload)
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_TRIALS", allow_negative_numbers = true)]
    pub trials: Option<u32>,
    /// Seed of every random choice (overrides the workload)
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_SEED", allow_negative_numbers = true)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub short: ShortArgs,
    /// A running server to use, e.g. redis=redis://host:6379 or redlock=URL,URL,URL; those of an ensemble as etcd=etcd://a,b,c or zookeeper=zookeeper://a,zookeeper://b; may be repeated; put a URL with a password into the variable, which `ps` does not show
    #[arg(help_heading = heading::SERVERS, long, env = "LOCKBENCH_ENDPOINT", value_name = "SYSTEM=URL[,URL...]", hide_env_values = true)]
    pub endpoint: Vec<String>,
    /// Where servers come from
    #[arg(help_heading = heading::SERVERS, long, value_enum, default_value = "auto", env = "LOCKBENCH_STACK")]
    pub stack: StackChoice,
    #[command(flatten)]
    pub docker: DockerArgs,
    /// Leave the data and logs of the servers that were started
    #[arg(help_heading = heading::SERVERS, long, env = "LOCKBENCH_KEEP_SERVERS_DIR")]
    pub keep_servers_dir: bool,
    /// A bound on a figure, e.g. 'p99<20ms', 'acquire_service.p99 < 20ms', 'double_grants{redis} == 0', or 'warn: timeouts <= 0.1%' for a warning only; may be repeated
    #[arg(help_heading = heading::VERDICT, long = "threshold", env = "LOCKBENCH_THRESHOLD", value_name = "TEXT", value_delimiter = ';')]
    pub thresholds: Vec<String>,
    /// Do not show this lint; may be repeated
    #[arg(help_heading = heading::VERDICT, short = 'A', long = "allow", env = "LOCKBENCH_ALLOW", value_name = "LINT", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// Show this lint; may be repeated
    #[arg(help_heading = heading::VERDICT, short = 'W', long = "warn", env = "LOCKBENCH_WARN", value_name = "LINT", value_delimiter = ',')]
    pub warn: Vec<String>,
    /// Fail (exit 99) if this lint finds something; may be repeated
    #[arg(help_heading = heading::VERDICT, short = 'D', long = "deny", env = "LOCKBENCH_DENY", value_name = "LINT", value_delimiter = ',')]
    pub deny: Vec<String>,
    /// Compare with a saved baseline or a run directory; a regression is exit 98
    #[arg(help_heading = heading::VERDICT, long, env = "LOCKBENCH_BASELINE", value_name = "NAME|DIR")]
    pub baseline: Option<String>,
    /// Save this run, if it passes, as the newest baseline of that name under the results directory
    #[arg(help_heading = heading::VERDICT, long, env = "LOCKBENCH_SAVE_BASELINE", value_name = "NAME")]
    pub save_baseline: Option<String>,
    /// Compare with a baseline of another plan, durability or machine all the same; it is marked
    #[arg(help_heading = heading::VERDICT, long, env = "LOCKBENCH_FORCE")]
    pub force: bool,
    /// Directory that run directories are written to
    #[arg(help_heading = heading::OUTPUT, short, long, default_value = "results", env = "LOCKBENCH_OUTPUT", value_name = "DIR")]
    pub output: PathBuf,
    /// Name of the run; default: start time and workload
    #[arg(help_heading = heading::OUTPUT, long, env = "LOCKBENCH_RUN_ID", value_name = "ID")]
    pub run_id: Option<String>,
    #[command(flatten)]
    pub format: FormatArgs,
    /// What is written to run.log, and with this flag to stderr too: LEVEL or TARGET=LEVEL, e.g. info,redis=debug; default: warn,lockbench=info
    #[arg(help_heading = heading::OUTPUT, long, env = "LOCKBENCH_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    #[command(flatten)]
    pub scrape: MetricsArgs,
    /// What is shown while it runs
    #[arg(help_heading = heading::DISPLAY, long, value_enum, default_value = "auto", env = "LOCKBENCH_UI")]
    pub ui: UiChoice,
    /// Keep the dashboard open after the run, until q
    #[arg(help_heading = heading::DISPLAY, long, env = "LOCKBENCH_STAY")]
    pub stay: bool,
    #[command(flatten)]
    pub look: UiArgs,
}

impl LoadArgs {
    /// Returns how the run gets its servers. `stop` ends their start early.
    pub fn servers(&self, endpoints: Endpoints, stop: &Stop) -> ServerOptions {
        ServerOptions {
            source: self.stack.source(),
            endpoints,
            docker: self.docker.options(stop),
            keep_directory: self.keep_servers_dir,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// The workload file, - for stdin, or the name of one that comes with lockbench: hot-key (see workloads/)
    #[arg(value_name = "WORKLOAD")]
    pub workload: PathBuf,
    #[command(flatten)]
    pub load: LoadArgs,
    #[command(flatten)]
    pub arrival: ArrivalArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct QuickArgs {
    /// Running servers to use instead of starting our own; the scheme names the system; an ensemble as etcd://a,b,c or zookeeper://a,b
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// Every recipe that can run here and claims exclusion, not only the default ones
    #[arg(help_heading = heading::RUN, long, env = "LOCKBENCH_ALL", conflicts_with = "backends")]
    pub all: bool,
    #[command(flatten)]
    pub load: LoadArgs,
    #[command(flatten)]
    pub arrival: ArrivalArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// The workload file, - for stdin, or the name of one that comes with lockbench
    #[arg(value_name = "WORKLOAD")]
    pub workload: PathBuf,
    /// Systems to check it for
    #[arg(help_heading = heading::RUN, short, long, value_delimiter = ',', env = "LOCKBENCH_BACKENDS", value_name = "NAME,...")]
    pub backends: Vec<String>,
    #[command(flatten)]
    pub short: ShortArgs,
    #[command(flatten)]
    pub arrival: ArrivalArgs,
    /// Servers that are asked for their limits, e.g. redis=redis://host:6379; may be repeated; none: no server is asked
    #[arg(help_heading = heading::SERVERS, long, env = "LOCKBENCH_ENDPOINT", value_name = "SYSTEM=URL[,URL...]", hide_env_values = true)]
    pub endpoint: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorArgs {
    /// A workload: compare what it needs with the limits of this machine and of the servers
    #[arg(value_name = "WORKLOAD.toml")]
    pub workload: Option<PathBuf>,
    /// Running servers to look at as well, e.g. redis=redis://host:6379 or etcd=etcd://a,b,c; may be repeated
    #[arg(help_heading = heading::SERVERS, long, env = "LOCKBENCH_ENDPOINT", value_name = "SYSTEM=URL[,URL...]", hide_env_values = true)]
    pub endpoint: Vec<String>,
    /// Where the servers that are examined come from
    #[arg(help_heading = heading::SERVERS, long, value_enum, default_value = "auto", env = "LOCKBENCH_STACK")]
    pub stack: StackChoice,
    #[command(flatten)]
    pub docker: DockerArgs,
}

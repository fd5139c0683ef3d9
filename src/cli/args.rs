//! The flags. Every one can also be given as `LOCKBENCH_<FLAG>`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::manual::exit_codes;
use crate::tui::theme::Theme;

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
    /// Resolve and validate a workload; runs nothing
    Check(CheckArgs),
    /// Look at this machine: clock, cores, limits, servers, and what to install
    Doctor(DoctorArgs),
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
    /// Tell the story of one double grant of a stored run
    Explain(ExplainArgs),
    /// Play a stored run again in the terminal UI, or follow one that is under way
    #[command(after_help = WATCH_HELP)]
    Watch(WatchArgs),
    /// Compare two sets of runs: is B slower or less safe than A, beyond noise?
    Compare(CompareArgs),
    /// Print the schema of a workload file or of report.json
    Schema(SchemaArgs),
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Print the manual page (roff)
    Man,
}

/// A stored run: a run directory's path, or an id under -o.
#[derive(Debug, Args)]
pub(super) struct StoredArgs {
    /// Directory that run directories are in
    #[arg(short, long, default_value = "results", env = "LOCKBENCH_OUTPUT", value_name = "DIR")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct LsArgs {
    #[command(flatten)]
    pub stored: StoredArgs,
    /// Format of the list
    #[arg(long, value_enum, default_value = "text", env = "LOCKBENCH_FORMAT")]
    pub format: FormatChoice,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The run: a directory, or an id under -o
    pub run: String,
    #[command(flatten)]
    pub stored: StoredArgs,
    /// Format on stdout
    #[arg(long, value_enum, default_value = "text", env = "LOCKBENCH_FORMAT")]
    pub format: FormatChoice,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The run: a directory, or an id under -o; several runs that differ in one number: a sweep
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    #[command(flatten)]
    pub stored: StoredArgs,
    /// Where to write, instead of the run directory itself
    #[arg(long, env = "LOCKBENCH_TO", value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// What a system must do, e.g. 'p99<20ms,fencing,survive=node': prints which ones fit
    #[arg(long, env = "LOCKBENCH_NEED", value_name = "NEEDS", conflicts_with = "to")]
    pub need: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
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
pub(super) struct VerifyArgs {
    /// The run: a directory (a partial one too), or an id under -o
    pub run: String,
    #[command(flatten)]
    pub stored: StoredArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The run: a directory, or an id under -o
    pub run: String,
    /// Number of the double grant, from 1
    pub number: u32,
    /// Where to write the picture; default: violation-N.svg in the current directory
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub stored: StoredArgs,
}

/// What watching is, and what it is not.
const WATCH_HELP: &str = "\
On a terminal: the terminal UI, until q. Without one (a pipe, CI, TERM=dumb): lines for each trial
and the report's text, as fast as the run can be read unless --speed is given.
The time between trials is left out. Of a run under way each trial is shown as its history grows.
Exits 0 when it came to its end or was left: watch does not judge, `lockbench verify` does.";

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// The run: a directory, or an id under -o; one that another process is running is followed
    pub run: String,
    #[command(flatten)]
    pub stored: StoredArgs,
    /// How many times as fast as it ran, 0.01x to 1000x; only for a run that is over
    #[arg(long, env = "LOCKBENCH_SPEED", value_name = "FACTOR")]
    pub speed: Option<String>,
    #[command(flatten)]
    pub look: UiArgs,
}

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The baseline: run directories or ids, comma-separated, or a saved baseline's name
    pub a: String,
    /// What is compared to it
    pub b: String,
    /// Compare runs of different plans, durability or machines all the same; it is marked
    #[arg(long, env = "LOCKBENCH_FORCE")]
    pub force: bool,
    /// Figures that decide (default: throughput and acquire_service.p99); may be repeated
    #[arg(long = "gate", value_delimiter = ',', env = "LOCKBENCH_GATE", value_name = "FIGURE,...")]
    pub gates: Vec<String>,
    /// Smallest relative change that counts, e.g. 15%; default 15 %, 30 % for quorum systems
    #[arg(long, env = "LOCKBENCH_NOISE", value_name = "PERCENT")]
    pub noise: Option<String>,
    #[command(flatten)]
    pub stored: StoredArgs,
    /// Format on stdout
    #[arg(long, value_enum, default_value = "text", env = "LOCKBENCH_FORMAT")]
    pub format: FormatChoice,
}

/// What `schema` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaChoice {
    /// Every key of a workload file
    Workload,
    /// JSON Schema of report.json
    Report,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    pub of: SchemaChoice,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
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
    /// The dashboard on a terminal, else plain lines
    Auto,
    /// The dashboard; plain lines, and why, where there is no terminal for it
    Tui,
    /// Plain lines on stderr
    Plain,
    /// Nothing
    None,
}

/// Colours and signs of the dashboard. Every state has a sign and a word as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ThemeName {
    /// For a dark terminal
    Default,
    /// For a light terminal
    Light,
    /// For weak eyes and bad projectors
    HighContrast,
    /// Colours that colour-blind people tell apart (Okabe and Ito)
    OkabeIto,
    /// No colour at all
    Mono,
}

/// How the dashboard looks. What is not given here is in the configuration file, or
/// has its default.
#[derive(Debug, Default, Args)]
pub(super) struct UiArgs {
    /// Colours of the dashboard
    #[arg(long, value_enum, env = "LOCKBENCH_THEME", hide_possible_values = true, value_name = THEMES)]
    pub theme: Option<ThemeName>,
    /// How often a second the dashboard is drawn, 1 to 30
    #[arg(long, env = "LOCKBENCH_FPS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=30))]
    pub fps: Option<u32>,
    /// Draw with ASCII signs only
    #[arg(
        long,
        env = "LOCKBENCH_ASCII",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub ascii: Option<bool>,
    /// Leave the mouse to the terminal
    #[arg(
        long,
        env = "LOCKBENCH_NO_MOUSE",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub no_mouse: Option<bool>,
}

impl ThemeName {
    /// The theme that it names.
    pub fn theme(self) -> Theme {
        match self {
            Self::Default => Theme::Default,
            Self::Light => Theme::Light,
            Self::HighContrast => Theme::HighContrast,
            Self::OkabeIto => Theme::OkabeIto,
            Self::Mono => Theme::Mono,
        }
    }
}

/// The themes, for the help: they explain themselves.
const THEMES: &str = "default|light|high-contrast|okabe-ito|mono";

/// What goes to stdout at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatChoice {
    /// Tables
    Text,
    /// JSON, as in report.json
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
    #[command(flatten)]
    pub look: UiArgs,
    /// Keep the dashboard open after the run, until q
    #[arg(long, env = "LOCKBENCH_STAY")]
    pub stay: bool,
    /// What is written to run.log, and with this flag to stderr too: LEVEL or TARGET=LEVEL, e.g. info,redis=debug; default: warn,lockbench=info
    #[arg(long, env = "LOCKBENCH_LOG", value_name = "FILTER")]
    pub log: Option<String>,
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
    /// A bound on a figure, e.g. 'acquire_service.p99 < 20ms', 'double_grants{redis} == 0', or 'warn: timeouts <= 0.1%' to be told only; may be repeated
    #[arg(long = "threshold", env = "LOCKBENCH_THRESHOLD", value_name = "TEXT", value_delimiter = ';')]
    pub thresholds: Vec<String>,
    /// Do not show this lint; may be repeated
    #[arg(short = 'A', long = "allow", env = "LOCKBENCH_ALLOW", value_name = "LINT", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// Show this lint; may be repeated
    #[arg(short = 'W', long = "warn", env = "LOCKBENCH_WARN", value_name = "LINT", value_delimiter = ',')]
    pub warn: Vec<String>,
    /// Fail (exit 99) if this lint finds something; may be repeated
    #[arg(short = 'D', long = "deny", env = "LOCKBENCH_DENY", value_name = "LINT", value_delimiter = ',')]
    pub deny: Vec<String>,
    /// Compare with a saved baseline or a run directory; a regression is exit 98
    #[arg(long, env = "LOCKBENCH_BASELINE", value_name = "NAME|DIR")]
    pub baseline: Option<String>,
    /// Save this run, if it passes, as the newest baseline of that name under the results directory
    #[arg(long, env = "LOCKBENCH_SAVE_BASELINE", value_name = "NAME")]
    pub save_baseline: Option<String>,
    /// Compare with a baseline of another plan, durability or machine all the same; it is marked
    #[arg(long, env = "LOCKBENCH_FORCE")]
    pub force: bool,
    /// Run once for each value of a key, e.g. clients=1,4,16,64, and draw the curve
    #[arg(
        long,
        env = "LOCKBENCH_SWEEP",
        value_name = "KEY=VALUE,...",
        conflicts_with_all = ["baseline", "save_baseline"]
    )]
    pub sweep: Option<String>,
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

//! Flags of `advise`.

use clap::{Args, Subcommand};

use super::heading;
use super::stored::StoredArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct AdviseArgs {
    #[command(subcommand)]
    pub command: AdviseCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AdviseCommand {
    /// How long should a lease be? Leases that run out under their holder, against the wait after a crash
    Ttl(AdviseTtlArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AdviseTtlArgs {
    /// A stored run whose holds are taken: a directory, or an id under -o
    #[arg(required_unless_present = "hold", conflicts_with = "hold")]
    pub run: Option<String>,
    /// How long locks are held, e.g. p50=2ms,p99=40ms,p99.9=1s
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_HOLD_QUANTILES", value_name = "QUANTILE=DURATION,...")]
    pub hold: Option<String>,
    /// Holds per second of all clients together; default: those of the run, or 1
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_HOLDS_PER_SECOND", value_name = "PER_SECOND")]
    pub rate: Option<f64>,
    /// Lengths to look at
    #[arg(long, env = "LOCKBENCH_TTLS", value_name = "DURATION,...", default_value = "1s,2s,5s,10s,30s,60s")]
    pub ttl: String,
    /// So many per hour are too many
    #[arg(long, env = "LOCKBENCH_AT_MOST", value_name = "PER_HOUR", default_value_t = 1.0)]
    pub at_most: f64,
    /// How long this host is watched for pauses
    #[arg(long, env = "LOCKBENCH_WATCH", value_name = "DURATION", default_value = "5s")]
    pub watch: String,
    #[command(flatten)]
    pub stored: StoredArgs,
}

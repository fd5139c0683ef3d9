//! Flags of `search`.

use std::path::PathBuf;

use clap::Args;

use super::heading;
use super::load::LoadArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct SearchArgs {
    /// The workload file, - for stdin, or the name of one that comes with lockbench: hot-key (see workloads/)
    #[arg(value_name = "WORKLOAD")]
    pub workload: PathBuf,
    /// What must be kept, e.g. 'acquire_response.p99 < 50ms and double_grants == 0'
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_SLO", value_name = "BOUND and BOUND ...", default_value = "acquire_response.p99 < 50ms and double_grants == 0")]
    pub slo: String,
    /// Longest measured phase of a probe; it lasts as long as the workload's, or until there are enough attempts for the percentile
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_LONGEST", value_name = "DURATION", default_value = "30s")]
    pub longest: String,
    /// Highest rate that is tried, in attempts per second
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_HIGHEST", value_name = "PER_SECOND", default_value_t = 200_000.0)]
    pub highest: f64,
    #[command(flatten)]
    pub load: LoadArgs,
}

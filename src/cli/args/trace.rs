//! Flags of `trace`.

use clap::{Args, Subcommand};

use super::heading;

#[derive(Debug, Args)]
pub(in crate::cli) struct TraceArgs {
    #[command(subcommand)]
    pub command: TraceCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TraceCommand {
    /// Locks as the transactions of a shop take them, after TPC-C: some rows are hot, most transactions take several
    Tpcc(TpccArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TpccArgs {
    /// Warehouses of the shop: each has ten districts, and a row that most payments lock
    #[arg(help_heading = heading::LOAD, long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub warehouses: u32,
    /// So many times fewer customers and items than TPC-C has
    #[arg(help_heading = heading::LOAD, long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub scale: u32,
    /// Transactions per second on average, as independent callers come
    #[arg(help_heading = heading::LOAD, long, value_name = "PER_SECOND", default_value_t = 50.0)]
    pub rate: f64,
    /// For how long, the warm-up of the workload included
    #[arg(help_heading = heading::LOAD, long = "for", value_name = "DURATION", default_value = "12s")]
    pub length: String,
    /// Seed of every choice
    #[arg(help_heading = heading::LOAD, long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

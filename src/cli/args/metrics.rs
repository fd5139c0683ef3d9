//! Flags of the metrics endpoint.

use clap::Args;

use super::heading;
use lockbench_core::units::parse_duration_ns;

/// Where the figures are served while something runs.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = heading::OUTPUT)]
pub(in crate::cli) struct MetricsArgs {
    /// Serve the figures for Prometheus while it runs, e.g. at 127.0.0.1:9464 (port 0: any that is free)
    #[arg(long, env = "LOCKBENCH_METRICS", value_name = "ADDRESS:PORT")]
    pub metrics: Option<String>,
    /// Serve them for this long after the end, for a last scrape, e.g. 30s; Ctrl-C ends that
    #[arg(
        long,
        env = "LOCKBENCH_METRICS_LINGER",
        value_name = "DURATION",
        requires = "metrics",
        value_parser = parse_duration_ns
    )]
    pub metrics_linger: Option<u64>,
}

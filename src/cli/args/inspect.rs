//! Flags of `inspect`.

use clap::Args;

use super::appearance::SignArgs;
use super::format::FormatArgs;
use super::heading;
use super::stack::{ProjectArgs, kinds};
use lockbench_systems::ServerKind;

/// What inspecting reads, and its exit codes.
pub(super) const INSPECT_HELP: &str = "\
It only reads: SCAN, TYPE, PTTL, GETRANGE, HSCAN, LRANGE and INFO on Redis;
Range, LeaseTimeToLive and Status on etcd; getChildren and getData on ZooKeeper,
in a session of its own; a transaction that may only read on PostgreSQL.
A value that a server does not give is shown as -, in JSON as null, with the reason.
With --watch, JSON is one object per line.
Exits 0 when a server answered, locks or none; 3 when none did, or when etcd or ZooKeeper
cannot decide: the state of one node of a cluster without a leader may be old.";

#[derive(Debug, Args)]
pub(in crate::cli) struct InspectArgs {
    /// The server, or the servers of one system, as etcd://a,b,c or as URLs of their own; the scheme names the system, several Redis URLs are Redlock's nodes; or the name of a system that `lockbench up` left running
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
    /// The system, where the scheme does not name it
    #[arg(long = "as", value_parser = kinds(), help_heading = heading::SERVERS, env = "LOCKBENCH_AS", value_name = "SYSTEM")]
    pub system: Option<ServerKind>,
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Only locks whose name starts with this text, e.g. lock: or /locks/; default: what is a lock for sure, and a note on what may be one
    #[arg(long, help_heading = heading::CHOICE, env = "LOCKBENCH_PREFIX", value_name = "TEXT")]
    pub prefix: Option<String>,
    /// Most locks that are shown
    #[arg(long, help_heading = heading::CHOICE, default_value = "1000", env = "LOCKBENCH_LIMIT", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
    /// Look again after each interval, 2s if none is given; q or Ctrl-C ends it
    #[arg(long, help_heading = heading::DISPLAY, env = "LOCKBENCH_WATCH", value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "2s")]
    pub watch: Option<String>,
    /// Only locks that a client waits for
    #[arg(long, help_heading = heading::CHOICE, env = "LOCKBENCH_WAITING")]
    pub waiting: bool,
    /// Only locks that a client has held or waited for longer than this, e.g. 30s; where the server gives no time, since it was first seen
    #[arg(long, help_heading = heading::CHOICE, env = "LOCKBENCH_OLDER_THAN", value_name = "DURATION")]
    pub older_than: Option<String>,
    /// Queries and names at their whole length, and why a value is missing
    #[arg(long, help_heading = heading::DISPLAY, env = "LOCKBENCH_FULL")]
    pub full: bool,
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    pub signs: SignArgs,
}

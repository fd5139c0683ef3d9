//! Flags of `overhead`.

use clap::Args;

use super::heading;
use super::load::LoadArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct OverheadArgs {
    /// Turns of a bare loop and a run per system, 1 to 99
    #[arg(help_heading = heading::LOAD, long, env = "LOCKBENCH_ROUNDS", value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    #[command(flatten)]
    pub load: LoadArgs,
}

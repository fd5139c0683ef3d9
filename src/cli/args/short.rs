//! Flags for what is changed most often in a workload: each is a `--set` of its key.

use clap::Args;

use super::heading;
use crate::cli::Failure;

/// Overrides of a workload: `--set`, and the keys that have a flag of their own.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = heading::LOAD)]
pub(in crate::cli) struct ShortArgs {
    /// Override a key of the workload, e.g. clients=8 or hold.mean=2ms; may be repeated
    #[arg(long = "set", env = "LOCKBENCH_SET", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Length of the measured phase of each trial, e.g. 10s (overrides the workload)
    #[arg(long, env = "LOCKBENCH_DURATION", value_name = "DURATION")]
    pub duration: Option<String>,
    /// Length of the load before it, which does not count, e.g. 2s (overrides the workload)
    #[arg(long, env = "LOCKBENCH_WARMUP", value_name = "DURATION")]
    pub warmup: Option<String>,
    /// Number of clients (overrides the workload)
    #[arg(long, env = "LOCKBENCH_CLIENTS", value_name = "N", allow_negative_numbers = true)]
    pub clients: Option<String>,
    /// How long a client holds the lock, e.g. 2ms (overrides the workload)
    #[arg(long, env = "LOCKBENCH_HOLD", value_name = "DURATION")]
    pub hold: Option<String>,
}

impl ShortArgs {
    /// Key and value of each flag that was given, but for `--set`.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let each =
            [("duration", &self.duration), ("warmup", &self.warmup), ("clients", &self.clients), ("hold", &self.hold)];
        each.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

/// The overrides of `--set` and of the flags of their own. One key that both have would lose
/// one of the two.
///
/// # Errors
/// Names both.
pub(in crate::cli) fn overrides(sets: &[String], flags: &[(&str, String)]) -> Result<Vec<String>, Failure> {
    for (key, value) in flags {
        let twice = sets.iter().find(|set| set.split(['=', '.']).next().is_some_and(|first| first.trim() == *key));
        if let Some(set) = twice {
            let problem = format!("--set {set} and --{key} {value} both set {key}: give one of the two");
            return Err(Failure::usage(problem));
        }
    }
    Ok(sets.iter().cloned().chain(flags.iter().map(|(key, value)| format!("{key}={value}"))).collect())
}

#[cfg(test)]
mod tests {
    use super::overrides;

    #[test]
    fn a_key_is_set_in_one_way() {
        let sets = ["hold.mean=2ms".to_owned(), "keys=single".to_owned()];
        let flag = |key: &'static str| [(key, "8".to_owned())];
        assert_eq!(overrides(&sets, &flag("clients")).unwrap(), ["hold.mean=2ms", "keys=single", "clients=8"]);
        assert!(overrides(&sets, &flag("hold")).unwrap_err().message.contains("--set hold.mean=2ms and --hold 8"));
    }
}

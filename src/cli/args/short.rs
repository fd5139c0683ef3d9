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

/// When attempts are due.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = heading::LOAD)]
pub(in crate::cli) struct ArrivalArgs {
    /// Attempts per second of all clients together, due by the clock whether the system keeps up or not (overrides the workload)
    #[arg(long, env = "LOCKBENCH_RATE", value_name = "PER_SECOND", allow_negative_numbers = true)]
    pub rate: Option<String>,
    /// When attempts are due: closed (when a client is free), constant, poisson, or a table as in the workload, e.g. '{ kind = "bursts", size = 100, every = "1s" }' (overrides the workload)
    #[arg(long, env = "LOCKBENCH_ARRIVAL", value_name = "KIND")]
    pub arrival: Option<String>,
}

impl ArrivalArgs {
    /// As [`ShortArgs::given`]. A rate without a kind is one of whatever kind the workload has.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let kind = self.arrival.as_deref().map(|kind| match kind.trim() {
            whole if whole.starts_with('{') || whole == "closed" => ("arrival", whole.to_owned()),
            kind => ("arrival.kind", kind.to_owned()),
        });
        kind.into_iter().chain(self.rate.iter().map(|rate| ("arrival.rate", rate.clone()))).collect()
    }
}

impl ShortArgs {
    /// Key and value of each flag that was given, but for `--set`.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let each =
            [("duration", &self.duration), ("warmup", &self.warmup), ("clients", &self.clients), ("hold", &self.hold)];
        each.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

/// The flag of a key.
pub(in crate::cli) fn flag(key: &str) -> &str {
    match key {
        "arrival.kind" => "arrival",
        "arrival.rate" => "rate",
        key => key,
    }
}

/// The overrides of `--set` and of the flags of their own. One key that both have would lose
/// one of the two.
///
/// # Errors
/// Names both.
pub(in crate::cli) fn overrides(sets: &[String], flags: &[(&str, String)]) -> Result<Vec<String>, Failure> {
    fn first(key: &str) -> &str {
        key.split(['=', '.']).next().unwrap_or_default().trim()
    }
    for (key, value) in flags {
        if let Some(set) = sets.iter().find(|set| first(set) == first(key)) {
            let problem =
                format!("--set {set} and --{} {value} both set {}: give one of the two", flag(key), first(key));
            return Err(Failure::usage(problem));
        }
    }
    Ok(sets.iter().cloned().chain(flags.iter().map(|(key, value)| format!("{key}={value}"))).collect())
}

#[cfg(test)]
mod tests {
    use super::{ArrivalArgs, overrides};

    #[test]
    fn a_kind_and_a_rate_go_together() {
        let given = |arrival: Option<&str>, rate: Option<&str>| {
            let args = ArrivalArgs { arrival: arrival.map(str::to_owned), rate: rate.map(str::to_owned) };
            args.given().iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(given(Some("poisson"), Some("500")), ["arrival.kind=poisson", "arrival.rate=500"]);
        assert_eq!(given(None, Some("500")), ["arrival.rate=500"]);
        assert_eq!(given(Some("closed"), None), ["arrival=closed"]);
        assert_eq!(given(Some("{ rate = 9 }"), None), ["arrival={ rate = 9 }"]);
    }

    #[test]
    fn a_key_is_set_in_one_way() {
        let sets = ["hold.mean=2ms".to_owned(), "keys=single".to_owned()];
        let flag = |key: &'static str| [(key, "8".to_owned())];
        assert_eq!(overrides(&sets, &flag("clients")).unwrap(), ["hold.mean=2ms", "keys=single", "clients=8"]);
        assert!(overrides(&sets, &flag("hold")).unwrap_err().message.contains("--set hold.mean=2ms and --hold 8"));
        let rate = [("arrival.rate", "8".to_owned())];
        let twice = overrides(&["arrival.queue=3".to_owned()], &rate).unwrap_err().message;
        assert!(twice.contains("--set arrival.queue=3 and --rate 8 both set arrival"), "{twice}");
    }
}

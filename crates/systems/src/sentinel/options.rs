//! The table `[sentinel]` of a workload: what a grant waits for, and how the servers that lockbench starts are set.

use lockbench_core::units::MILLISECOND;
use lockbench_core::workload::{OptionTable, Plan, SystemOption, SystemOptions};

use super::start::PRIMARY;
use crate::redis;

pub(super) static OPTIONS: OptionTable = OptionTable {
    name: super::NAME,
    meaning: "`redis:sentinel`: what a grant waits for, and the servers that lockbench starts for it",
    options: &[
        SystemOption::count(WAIT, REPLICAS, "0", "replicas that must have a grant before it counts (`WAIT`)"),
        SystemOption::positive_duration(
            WAIT_TIMEOUT,
            "\"1s\"",
            "longest wait for them; then the grant is given back (Redisson: slavesSyncTimeout, 1 s)",
        ),
        SystemOption::count(
            MIN_REPLICAS,
            REPLICAS,
            "0",
            "replicas without which the primary refuses to write (`min-replicas-to-write`), once they have been silent \
             for more than a second (`min-replicas-max-lag 1`)",
        ),
        SystemOption::count(
            NEVER_PROMOTED,
            1,
            "0",
            "1: the replica sentinel-1 never becomes the primary (`replica-priority 0`), as one that is kept for backups",
        ),
        SystemOption::positive_duration(
            DOWN_AFTER,
            "\"1s\"",
            "silence after which a Sentinel takes a server for dead (`down-after-milliseconds`; shipped: 30 s)",
        ),
    ],
    warning,
};

const WAIT: &str = "wait";
const WAIT_TIMEOUT: &str = "wait_timeout";
const MIN_REPLICAS: &str = "min_replicas";
const NEVER_PROMOTED: &str = "never_promoted";
const DOWN_AFTER: &str = "down_after";

/// Replicas of the primary that lockbench starts.
const REPLICAS: u64 = 2;

/// How many replicas a grant waits for, and for how many milliseconds.
pub(super) fn wait(options: &SystemOptions) -> (u64, u64) {
    (OPTIONS.whole(options, WAIT), (OPTIONS.ns(options, WAIT_TIMEOUT) / MILLISECOND).max(1))
}

/// Settings beyond those that are always made. What begins with [`OF_SENTINELS`] is for them,
/// [`OF_THE_FIRST_REPLICA`] for one, the rest for those that have the data.
pub(super) fn settings(options: &SystemOptions) -> Vec<String> {
    let mut settings = redis::options::settings(options);
    let fewest = OPTIONS.whole(options, MIN_REPLICAS);
    if fewest > 0 {
        settings.extend([format!("min-replicas-to-write {fewest}"), "min-replicas-max-lag 1".to_owned()]);
    }
    if OPTIONS.whole(options, NEVER_PROMOTED) > 0 {
        settings.push(OF_THE_FIRST_REPLICA.to_owned());
    }
    let silence = (OPTIONS.ns(options, DOWN_AFTER) / MILLISECOND).max(1);
    if OPTIONS.changes(options, DOWN_AFTER) {
        settings.push(format!("{OF_SENTINELS}down-after-milliseconds {PRIMARY} {silence}"));
    }
    settings
}

/// What a setting of the Sentinels begins with.
pub(super) const OF_SENTINELS: &str = "sentinel ";
/// A setting of the first replica alone.
pub(super) const OF_THE_FIRST_REPLICA: &str = "replica-priority 0";

/// A client that gives up an answer does not learn how many replicas there were.
fn warning(plan: &Plan) -> Option<String> {
    let (replicas, ms) = wait(&plan.options);
    (replicas > 0 && ms * MILLISECOND >= plan.request_timeout_ns).then(|| {
        format!(
            "sentinel.wait_timeout = {ms} ms is no shorter than request_timeout: where replicas are away, each attempt \
             ends as unknown instead of being given back. Make request_timeout longer."
        )
    })
}

#[cfg(test)]
mod tests {
    use lockbench_core::workload::parse_with;

    use super::{OPTIONS, settings, wait};

    #[test]
    fn what_is_planned_goes_to_the_servers_and_what_is_not_is_as_always() {
        let planned = |sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|set| format!("sentinel.{set}")).collect();
            parse_with("w.toml", "clients = 2", &sets, &[&OPTIONS]).map(|(plan, _)| plan)
        };
        let stock = planned(&[]).unwrap();
        assert_eq!((settings(&stock.options), wait(&stock.options)), (Vec::new(), (0, 1_000)));
        let other = planned(&["wait=2", "min_replicas=1", "never_promoted=1", "down_after=2s"]).unwrap();
        assert_eq!(wait(&other.options).0, 2);
        assert_eq!(
            settings(&other.options),
            [
                "min-replicas-to-write 1",
                "min-replicas-max-lag 1",
                "replica-priority 0",
                "sentinel down-after-milliseconds mymaster 2000"
            ]
        );
        assert!(planned(&["wait=3"]).unwrap_err().to_string().contains("from 0 to 2"));
        let late = planned(&["wait=1", "wait_timeout=1h"]).unwrap();
        assert!((OPTIONS.warning)(&late).unwrap().contains("request_timeout"));
    }
}

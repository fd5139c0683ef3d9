//! The table `[zookeeper]` of a workload: of how many members the ensemble is that lockbench starts, and how long its
//! tick is.

use crate::stack::members;
use lockbench_core::units::MILLISECOND;
use lockbench_core::workload::{OptionTable, Plan, SystemOption, SystemOptions};

pub(super) static OPTIONS: OptionTable = OptionTable {
    name: super::NAME,
    meaning: "the ZooKeeper ensemble that lockbench starts",
    options: &[
        SystemOption::whole(MEMBERS, members::MOST, "1", members::MEANING),
        SystemOption::duration(
            TICK,
            "\"0s\"",
            "the tick, in whole milliseconds: a member misses its leader after 5 of them, and a session may last 2 to \
             20; 0: as in the shipped sample, 2 s",
        ),
    ],
    warning,
};

const MEMBERS: &str = "members";
const TICK: &str = "tick";

/// As planned.
pub(super) fn planned(options: &SystemOptions) -> usize {
    members::planned(&OPTIONS, MEMBERS, options)
}

/// The settings that a plan asks for, as the server reads them.
/// <https://zookeeper.apache.org/doc/r3.8.0/zookeeperAdmin.html>, "tickTime".
pub(super) fn settings(options: &SystemOptions) -> Vec<String> {
    let tick = OPTIONS.ns(options, TICK).div_ceil(MILLISECOND);
    (tick > 0).then(|| format!("tickTime={tick}")).into_iter().collect()
}

fn warning(plan: &Plan) -> Option<String> {
    members::warning(&OPTIONS, MEMBERS, plan)
}

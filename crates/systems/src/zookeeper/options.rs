//! The table `[zookeeper]` of a workload: of how many members the ensemble is that lockbench starts.

use crate::stack::members;
use lockbench_core::workload::{OptionTable, Plan, SystemOption, SystemOptions};

pub(super) static OPTIONS: OptionTable = OptionTable {
    name: super::NAME,
    meaning: "the ZooKeeper ensemble that lockbench starts",
    options: &[SystemOption::whole(MEMBERS, members::MOST, "1", members::MEANING)],
    warning,
};

const MEMBERS: &str = "members";

/// As planned.
pub(super) fn planned(options: &SystemOptions) -> usize {
    members::planned(&OPTIONS, MEMBERS, options)
}

fn warning(plan: &Plan) -> Option<String> {
    members::warning(&OPTIONS, MEMBERS, plan)
}

//! How many members a cluster has that lockbench starts: what `[etcd]` and `[zookeeper]` of a
//! workload say alike.

use lockbench_core::workload::{OptionTable, Plan, SystemOptions};

/// Most of them: more than seven are not advised (<https://etcd.io/docs/v3.4/faq/>,
/// "What is maximum cluster size?").
pub(crate) const MOST: u64 = 7;

pub(crate) const MEANING: &str =
    "members of the cluster where lockbench starts it from programs of this machine; given servers are as they are";

/// As planned.
pub(crate) fn planned(table: &OptionTable, key: &str, options: &SystemOptions) -> usize {
    table.whole(options, key).max(1) as usize
}

/// An even number is no safer than the odd one below it.
pub(crate) fn warning(table: &OptionTable, key: &str, plan: &Plan) -> Option<String> {
    let members = planned(table, key, &plan.options);
    members.is_multiple_of(2).then(|| {
        let (name, fewer, fail) = (table.name, members - 1, (members - 1) / 2);
        format!(
            "{name}.{key} = {members}: {members} members bear {fail} that fail, as {fewer} do, and more must agree. \
             Take an odd number."
        )
    })
}

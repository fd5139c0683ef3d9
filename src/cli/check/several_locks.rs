//! What a plan whose attempts take several locks asks, before it runs.

use lockbench_core::units::human_duration;
use lockbench_core::workload::Plan;
use lockbench_core::workload::plan::{AcquireMode, DeadlockPolicy, Locks};

/// A paragraph; empty where each attempt takes one lock.
pub fn text(plan: &Plan) -> String {
    let keys = plan.count_of_keys();
    let (most, order) = (
        plan.locks.most(keys),
        match plan.locks {
            Locks::One => return String::new(),
            Locks::Ordered { .. } => "in the order of their keys: no deadlock is possible".to_owned(),
            Locks::Path { .. } => {
                "from the root of a tree to a key: no deadlock is possible, and all meet at the root".to_owned()
            }
            Locks::Saga { count } => {
                return format!(
                    "\nseveral locks:\n  an attempt is a saga of {count} steps, each under a lock of its own that is given back before the \
                     next: no deadlock is possible, and others find it half done\n"
                );
            }
            Locks::AllOrRelease { .. } => {
                "as drawn; a client waits for the first only, and gives all back where another one is held".to_owned()
            }
            Locks::Shuffled { deadlock: DeadlockPolicy::AbortYoungest, .. } => {
                "as drawn: clients can wait for each other in a circle, and the youngest of it gives up at once"
                    .to_owned()
            }
            Locks::Shuffled { deadlock: DeadlockPolicy::Timeout, .. } => match plan.acquire {
                AcquireMode::Try => "as drawn, and each is tried once: no deadlock is possible".to_owned(),
                AcquireMode::Wait { timeout_ns, .. } => format!(
                    "as drawn: clients can wait for each other in a circle, until a server finds it or the acquire timeout of {} \
                 is over",
                    human_duration(timeout_ns)
                ),
            },
        },
    );
    format!("\nseveral locks:\n  an attempt takes up to {most} locks, one while it holds the others, {order}\n")
}

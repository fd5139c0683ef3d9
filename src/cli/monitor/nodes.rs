//! Asks every node of one system whether it serves, beside the load: a minority that is
//! away ends no monitor run, but is reported by name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::monitor_context::MonitorContext;
use super::rounds::target;
use crate::cli::runtime;
use lockbench_core::lock::Nodes;

/// Time from one look to the next.
const PERIOD: Duration = Duration::from_secs(2);
/// Interval at which a wait checks the stop.
const STEP: Duration = Duration::from_millis(100);

/// Asks the nodes of the system at a place of the selection, until the stop or until
/// `over`. Systems of one node need no such look: their rounds show it.
pub fn watch(context: &MonitorContext<'_>, place: usize, over: &AtomicBool) {
    let ended = || context.stop.draining() || over.load(Ordering::Relaxed);
    // Without a runtime the rounds still show whether the system serves.
    let Ok(runtime) = runtime() else { return };
    while !ended() {
        let orders = context.orders();
        let entry = orders.selection.entries[place];
        let system = target(context, &orders, entry)
            .and_then(|target| (entry.connect)(target).map_err(|error| error.to_string()));
        let Ok(system) = system else { return };
        let nodes: Option<Nodes> = runtime.block_on(async {
            tokio::select! {
                nodes = system.nodes() => nodes,
                () = until(&ended) => None,
            }
        });
        match nodes {
            Some(nodes) if nodes.total > 1 => context.watched(place).sees_nodes(nodes),
            // One node, or none that can be counted.
            Some(_) | None => return,
        }
        runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = until(&ended) => {}
            }
        });
    }
}

/// Completes when the monitor run is over.
async fn until(ended: &impl Fn() -> bool) {
    while !ended() {
        tokio::time::sleep(STEP).await;
    }
}

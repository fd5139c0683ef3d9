//! What a plan needs of connections and open files, told where it was too much.

use std::time::Duration;

use tokio::runtime::Runtime;

use lockbench_core::limits;
use lockbench_core::lock::LockSystem;
use lockbench_core::units::grouped;
use lockbench_core::workload::Plan;
use lockbench_systems::Entry;

/// Longest wait for a server to tell its limits after a session could not be opened.
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// Open files that a run of the plan on that entry needs, with so many servers.
#[must_use]
pub fn files_needed(entry: &Entry, plan: &Plan, servers: u64) -> u64 {
    limits::files_needed(u64::from(plan.clients) * (entry.files)(servers.max(1)))
}

/// Why sessions could not be opened, with need and limit: the servers are asked now that the clients are gone.
pub fn explained(problem: &str, entry: &Entry, plan: &Plan, system: &dyn LockSystem, runtime: &Runtime) -> String {
    let servers = system.addresses().len() as u64;
    let mut text = limits::explained(problem, Some(files_needed(entry, plan, servers)));
    if !text.contains("every client needs") {
        return text;
    }
    text.push_str(&format!("; this plan has {} clients", grouped(u64::from(plan.clients))));
    let told = runtime.block_on(async { tokio::time::timeout(ASK_LIMIT, system.capacity()).await });
    if let Ok(Ok(capacity)) = told {
        let short = capacity.limits.iter().filter(|limit| limit.left() < u64::from(plan.clients));
        for limit in short {
            text.push_str(&format!(", {}", limit.in_words()));
        }
    }
    text
}

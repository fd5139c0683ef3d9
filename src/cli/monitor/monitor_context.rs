//! What the threads of a monitor run share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use super::orders::Orders;
use super::watched_system::WatchedSystem;
use crate::cli::args::MonitorArgs;
use crate::cli::endpoints::Endpoints;
use crate::cli::frontend::Frontend;
pub(in crate::cli) use crate::cli::lock;
use lockbench_core::clock::Clock;
use lockbench_core::stop::Stop;
use lockbench_engine::Servers;
use lockbench_systems::Registry;

/// The shared state of a monitor run.
pub struct MonitorContext<'a> {
    pub args: &'a MonitorArgs,
    pub endpoints: &'a Endpoints,
    pub frontend: &'a Frontend,
    pub servers: &'a Servers,
    pub registry: &'a Registry,
    pub stop: Stop,
    pub clock: Clock,
    pub id: String,
    pub started: SystemTime,
    /// The prefix of everything that this monitor run names on a server.
    pub namespace: String,
    /// The run directory.
    pub directory: PathBuf,
    /// The name that the run directory gets at the end.
    pub stored_as: PathBuf,
    /// One per system, in the order of the selection.
    pub watched: Vec<Mutex<WatchedSystem>>,
    /// The orders of the next round.
    pub orders: Mutex<Arc<Orders>>,
    /// Nanoseconds from one attempt to the next.
    pub every_ns: u64,
    pub window_ns: u64,
    pub round_ns: u64,
}

impl MonitorContext<'_> {
    /// Returns the orders in force.
    pub fn orders(&self) -> Arc<Orders> {
        Arc::clone(&lock(&self.orders))
    }

    /// Puts new orders in force from the next round on.
    pub fn order(&self, orders: Orders) {
        *lock(&self.orders) = Arc::new(orders);
    }

    /// Returns the state of a system.
    pub fn watched(&self, place: usize) -> MutexGuard<'_, WatchedSystem> {
        lock(&self.watched[place])
    }
}

//! The due instants of a trial, by groups of clients: each group is asked by its own clock, or asks again when it is free.

use std::sync::Arc;

use super::due_instants::DueInstants;
use lockbench_core::record::Shard;
use lockbench_core::record::figures::Schedule;
use lockbench_core::workload::{Plan, Sharing};

/// The due instants of each part of a plan.
#[derive(Clone, Debug, Default)]
pub struct Grids {
    of_parts: Vec<Option<Arc<DueInstants>>>,
}

impl Grids {
    /// Those of a plan for this process; of a group that has clients in some processes only, these share the instants out.
    #[must_use]
    pub fn of_plan(plan: &Plan, trial: u32, process: u32, sharing: &Sharing) -> Self {
        let of = |(place, clients): (usize, std::ops::Range<u32>)| {
            let taken = clients.take(sharing.workers() as usize);
            let mut members: Vec<u32> = taken.map(|client| sharing.worker_of(client)).collect();
            members.sort_unstable();
            members.dedup();
            let own = members.iter().position(|member| *member == process)?;
            DueInstants::of_part(plan, place, trial, (own as u32, members.len() as u32)).map(Arc::new)
        };
        let parts = plan.parts();
        Self { of_parts: parts.iter().map(|part| part.clients.clone()).enumerate().map(of).collect() }
    }

    /// Those of the clients of a part; `None`: they are asked when they are free.
    #[must_use]
    pub fn of(&self, part: usize) -> Option<&Arc<DueInstants>> {
        self.of_parts.get(part).and_then(Option::as_ref)
    }

    /// All of them.
    pub fn each(&self) -> impl Iterator<Item = &Arc<DueInstants>> {
        self.of_parts.iter().flatten()
    }

    /// Returns whether no client is asked by the clock.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.each().next().is_none()
    }

    /// Returns whether some are of a load, and not of a watch.
    pub(super) fn are_of_a_load(&self) -> bool {
        self.each().any(|grid| grid.is_of_a_load())
    }

    /// Judges what was passed over before `before`, and says so as events.
    pub(super) fn settle(&self, schedule: &Schedule, before: u64, shard: &Shard) {
        for grid in self.each() {
            grid.settle(schedule, before);
            grid.tell(schedule, shard);
        }
    }

    /// Closes the account: how many no client could take; `None`: no client was asked by the clock.
    pub(super) fn close(&self, schedule: &Schedule, shard: &Shard) -> Option<u64> {
        self.each()
            .map(|grid| {
                grid.close(schedule);
                grid.tell(schedule, shard);
                grid.dropped()
            })
            .reduce(|all, dropped| all + dropped)
    }
}

impl From<Option<Arc<DueInstants>>> for Grids {
    fn from(grid: Option<Arc<DueInstants>>) -> Self {
        Self { of_parts: vec![grid] }
    }
}

#[cfg(test)]
mod tests {
    use super::Grids;
    use lockbench_core::record::figures::Schedule;
    use lockbench_core::workload::{Sharing, parse};

    #[test]
    fn each_group_has_its_own_clock_and_only_processes_with_its_clients_take_turns() {
        let text = "clients = 10\nduration = \"1s\"\nwarmup = \"0s\"\n[[groups]]\nname = \"rare\"\nclients = 2\n\
                    arrival = { rate = 10 }\n[[groups]]\nname = \"closed\"\nclients = 3\n[[groups]]\nname = \"busy\"\n\
                    clients = 5\narrival = { rate = 100 }\n";
        let plan = parse("w.toml", text, &[]).unwrap().0;
        let due = |sharing: &Sharing| {
            let mut due = [0; 3];
            for process in 0..sharing.workers() {
                let grids = Grids::of_plan(&plan, 1, process, sharing);
                for (part, due) in due.iter_mut().enumerate() {
                    let Some(grid) = grids.of(part) else { continue };
                    let schedule = Schedule::new(0, 0, 999_999_999);
                    while grid.take(&schedule, 0).is_some_and(|turn| turn.due < schedule.end()) {
                        *due += 1;
                    }
                }
            }
            due
        };
        for sharing in [Sharing::Turns(1), Sharing::Turns(4), Sharing::Turns(7), Sharing::Ranges(vec![2, 5, 10])] {
            assert_eq!(due(&sharing), [10, 0, 100], "{sharing:?}");
        }
    }
}

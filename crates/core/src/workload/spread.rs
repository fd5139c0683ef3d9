//! What the clients of a plan run on: threads, or worker processes that share them out.

use super::item::Item;
use super::plan::Plan;

/// Most worker processes.
pub(super) const MOST_PROCESSES: u32 = 256;
/// The word for a process per group.
pub(super) const PER_GROUP: &str = "per-group";

/// What clients run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// Threads of this process.
    #[default]
    Threads,
    /// So many worker processes, which take the clients by turns.
    Processes(u32),
    /// A worker process for each group of clients, and one for those that are in none: a fault of one client is one of
    /// its group.
    PerGroup,
}

/// Which worker runs which client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// So many take the clients by turns.
    Turns(u32),
    /// Each takes the clients up to this number, from where the one before ends.
    Ranges(Vec<u32>),
}

impl Sharing {
    /// Number of workers.
    #[must_use]
    pub fn workers(&self) -> u32 {
        match self {
            Self::Turns(workers) => *workers,
            Self::Ranges(ends) => ends.len() as u32,
        }
    }

    /// The worker of a client.
    #[must_use]
    pub fn worker_of(&self, client: u32) -> u32 {
        match self {
            Self::Turns(workers) => client % workers,
            Self::Ranges(ends) => ends.partition_point(|end| *end <= client) as u32,
        }
    }

    /// The clients of a worker, of so many in all.
    pub fn clients_of(&self, worker: u32, clients: u32) -> impl Iterator<Item = u32> {
        let (first, end, step) = match self {
            Self::Turns(workers) => (worker, clients, *workers),
            Self::Ranges(ends) => {
                let place = worker as usize;
                (place.checked_sub(1).map_or(0, |before| ends[before]), ends[place], 1)
            }
        };
        (first..end).step_by(step as usize)
    }
}

impl Plan {
    /// How worker processes share the clients; `None`: they run on threads.
    #[must_use]
    pub fn processes(&self) -> Option<Sharing> {
        match self.spread {
            Spread::Threads => None,
            Spread::Processes(count) => Some(Sharing::Turns(count)),
            Spread::PerGroup => Some(Sharing::Ranges(self.parts().iter().map(|part| part.clients.end).collect())),
        }
    }
}

/// `processes` of a workload.
pub(super) fn spread(item: &Item<'_>) -> Option<Spread> {
    if item.is_text() {
        return match item.text()?.as_str() {
            PER_GROUP => Some(Spread::PerGroup),
            other => item.refuse(&format!(
                "is \"{other}\"; write a whole number from 1 to {MOST_PROCESSES}, or \"{PER_GROUP}\" for a process per \
                 group of clients"
            )),
        };
    }
    item.whole32(1..=MOST_PROCESSES).map(Spread::Processes)
}

/// As a workload has it.
pub(super) fn written(spread: Spread) -> String {
    match spread {
        Spread::Threads => "0".to_owned(),
        Spread::Processes(count) => count.to_string(),
        Spread::PerGroup => format!("\"{PER_GROUP}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::Sharing;

    #[test]
    fn each_client_is_one_workers() {
        for sharing in [Sharing::Turns(1), Sharing::Turns(3), Sharing::Ranges(vec![2, 3, 7]), Sharing::Ranges(vec![7])]
        {
            let mut seen = [0; 7];
            for worker in 0..sharing.workers() {
                for client in sharing.clients_of(worker, 7) {
                    assert_eq!(sharing.worker_of(client), worker, "{sharing:?}");
                    seen[client as usize] += 1;
                }
            }
            assert_eq!(seen, [1; 7], "{sharing:?}");
        }
    }
}

//! A run as a library call.

use std::cell::RefCell;

use super::{order, run};
use crate::options::Options;
use crate::watcher::Watcher;
use lockbench_core::workload::parse;
use lockbench_report::live::Update;

#[test]
fn every_round_has_every_system_once_in_an_order_of_the_seed() {
    let orders = order(5, 4, 7);
    assert_eq!(orders.len(), 20);
    for (i, round) in orders.chunks(5).enumerate() {
        let mut systems: Vec<usize> = round.iter().map(|(system, _)| *system).collect();
        systems.sort_unstable();
        assert_eq!(systems, [0, 1, 2, 3, 4]);
        assert!(round.iter().all(|(_, trial)| *trial == i as u32 + 1));
    }
    assert_eq!(orders, order(5, 4, 7));
    assert_ne!(orders, order(5, 4, 8));
}

/// Remembers which updates came.
#[derive(Default)]
struct Seen(RefCell<Vec<&'static str>>);

impl Watcher for Seen {
    fn update(&self, update: Update) {
        self.0.borrow_mut().push(match update {
            Update::Run(_) => "run",
            Update::System(_) => "system",
            Update::Trial(_) => "trial",
            Update::Ended(_) => "ended",
            _ => "other",
        });
    }
}

#[test]
fn a_run_that_is_stored_nowhere_has_a_report_and_its_watcher_sees_it_in_order() {
    let load = "clients = 4\nkeys = \"single\"\nwarmup = \"50ms\"\nduration = \"200ms\"\n";
    let (plan, _) = parse("small", load, &[]).unwrap();
    let seen = Seen::default();
    let outcome =
        run(Options::new(plan), &[lockbench_systems::Registry::builtin().find("memory").unwrap()], &seen).unwrap();
    let result = &outcome.report.results[0];
    assert!(result.grants > 0 && result.safety.double_grants_certain == 0, "{result:?}");
    assert!(outcome.stored.is_none() && outcome.measured.len() == 1 && outcome.interruption.is_none());
    // Once more when it is known what lockbench itself costs.
    assert_eq!(*seen.0.borrow(), ["run", "system", "run", "trial", "ended"]);
}

//! The plan and its bounds: at the start, and again when the plan was read again.

use super::Alerting;
use crate::cli::monitor::bound_alert::BoundAlert;
use crate::cli::monitor::orders::Orders;
use lockbench_output::metrics::{Arrivals, Subject};

impl Alerting<'_> {
    /// Reads the plan again; one that is not valid changes nothing.
    pub(super) fn reload(&mut self) {
        let old = self.context.orders();
        let new = Orders::read(self.context.args, self.context.endpoints, self.context.registry)
            .map_err(|failure| failure.message)
            .and_then(|new| {
                if new.selection.names() == old.selection.names() {
                    Ok(new)
                } else {
                    Err(format!(
                        "it names {} instead of {}: other systems need a new start of the monitor",
                        list(&new),
                        list(&old)
                    ))
                }
            });
        match new {
            Ok(new) => {
                self.reloads += 1;
                if let Some(board) = self.context.frontend.board.as_ref().filter(|_| new.plan.name != old.plan.name) {
                    // What was said under the old name would stay for good.
                    board.rest();
                    // Under the new name they begin at zero.
                    (0..self.context.watched.len())
                        .for_each(|place| self.context.watched(place).arrivals = Arrivals::default());
                }
                self.take_bounds(&new);
                new.warnings.iter().for_each(|warning| self.note("", false, format!("warning: {warning}")));
                self.context.order(new);
                self.note("", false, "the workload was read again, and is used from the next round on".to_owned());
            }
            Err(problem) => {
                self.note(
                    "",
                    true,
                    format!("the workload was read again and is not used; the old one stays in force: {problem}"),
                );
            }
        }
    }

    pub(super) fn take_bounds(&mut self, orders: &Orders) {
        let mut old = std::mem::take(&mut self.held);
        old.resize_with(orders.selection.entries.len(), Vec::new);
        let entries = orders.selection.entries.iter().zip(old);
        let now = self.context.clock.now();
        self.held =
            entries.map(|(entry, before)| BoundAlert::renewed(before, entry.name, &orders.bounds, now)).collect();
        self.announce(orders);
    }

    /// Takes all of an earlier plan but its counters from the board; those of this plan are there
    /// from the beginning.
    fn announce(&self, orders: &Orders) {
        let Some(board) = &self.context.frontend.board else { return };
        board.forget_bounds();
        board.run(&self.context.id, &orders.plan.name, "monitor");
        for entry in &orders.selection.entries {
            board.expect(&Subject::new(entry.name, &orders.plan.name), entry.guarantees.token.is_some());
        }
    }
}

fn list(orders: &Orders) -> String {
    orders.selection.names().join(", ")
}

//! What a person did while a trial ran: pauses of the load, and markers. A fold over
//! the events that tell of them.

use serde::{Deserialize, Serialize};

use crate::record::event::{Event, What};

/// One of them. Instants in clock nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Begin of a pause; instant of a marker.
    pub from_ns: u64,
    /// End of a pause; instant of a marker.
    pub to_ns: u64,
    /// What it is.
    pub kind: MarkKind,
    /// Number within its kind and trial, from 1.
    pub number: u32,
}

/// Kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// The load was paused: no client began another attempt.
    Pause,
    /// A moment that somebody wanted to find again.
    Marker,
    /// A planned fault was in force, on one node or several.
    Fault,
}

impl Mark {
    /// What it is called beside data: `pause`, `marker 2`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.kind {
            MarkKind::Pause => "pause".to_owned(),
            MarkKind::Marker => format!("marker {}", self.number),
            MarkKind::Fault => format!("fault {}", self.number),
        }
    }

    /// Length of its part between two instants, if it is a pause.
    fn paused_between(&self, from_ns: u64, to_ns: u64) -> u64 {
        match self.kind {
            MarkKind::Pause => self.to_ns.min(to_ns).saturating_sub(self.from_ns.max(from_ns)),
            MarkKind::Marker | MarkKind::Fault => 0,
        }
    }
}

/// Nanoseconds between two instants in which the load was paused.
#[must_use]
pub fn paused_ns(marks: &[Mark], from_ns: u64, to_ns: u64) -> u64 {
    marks.iter().map(|mark| mark.paused_between(from_ns, to_ns)).sum()
}

/// The fold.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    done: Vec<Mark>,
    pauses: u32,
    paused_since: Option<u64>,
    in_force: Vec<(u32, u16)>,
}

impl Marks {
    /// The next event; most say nothing of marks.
    pub fn observe(&mut self, event: &Event) {
        match event.what {
            What::PauseBegins => self.paused_since = Some(event.t),
            What::Paused { from } => {
                self.paused_since = None;
                self.pauses += 1;
                let (number, kind) = (self.pauses, MarkKind::Pause);
                self.done.push(Mark { from_ns: from, to_ns: event.t, kind, number });
            }
            What::Marker { number, at } => {
                self.done.push(Mark { from_ns: at, to_ns: at, kind: MarkKind::Marker, number });
            }
            What::Invoke { .. }
            | What::InvokeAs { .. }
            | What::Acquired { .. }
            | What::Denied { .. }
            | What::Renewed { .. }
            | What::Stopped { .. }
            | What::Lost { .. }
            | What::ReleaseInvoke { .. }
            | What::Released { .. }
            | What::Died { .. }
            | What::Killed { .. }
            | What::SelfStall { .. }
            | What::Seen(_)
            | What::LateWrite { .. }
            | What::Dropped { .. }
            | What::Identity { .. } => {}
            What::FaultInjected(of) => self.in_force.push((u32::from(of.fault) + 1, of.node)),
            What::FaultHealed { of, from, .. } => {
                let number = u32::from(of.fault) + 1;
                self.in_force.retain(|one| *one != (number, of.node));
                self.healed(number, from, event.t);
            }
        }
    }

    /// The numbers of the faults that are in force on any node.
    #[must_use]
    pub fn faults_in_force(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.in_force.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// A fault that hits several nodes at a time is one mark.
    fn healed(&mut self, number: u32, from_ns: u64, to_ns: u64) {
        let same = |mark: &&mut Mark| mark.kind == MarkKind::Fault && mark.number == number && mark.to_ns >= from_ns;
        match self.done.iter_mut().rfind(same) {
            Some(mark) => (mark.from_ns, mark.to_ns) = (mark.from_ns.min(from_ns), mark.to_ns.max(to_ns)),
            None => self.done.push(Mark { from_ns, to_ns, kind: MarkKind::Fault, number }),
        }
    }

    /// Since when the load is paused, if it is.
    #[must_use]
    pub fn paused_since(&self) -> Option<u64> {
        self.paused_since
    }

    /// All that are over, in the order in which they ended.
    #[must_use]
    pub fn done(&self) -> &[Mark] {
        &self.done
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, MarkKind, Marks, paused_ns};
    use crate::record::event::{Disturbance, Event, What};

    fn folded(events: &[(u64, What)]) -> Marks {
        let mut marks = Marks::default();
        events.iter().for_each(|(t, what)| {
            marks.observe(&Event { t: *t, client: Event::NOBODY, attempt: 0, key: 0, what: *what })
        });
        marks
    }

    #[test]
    fn pauses_and_markers_are_kept_in_order_and_numbered_each() {
        let marks = folded(&[
            (10, What::PauseBegins),
            (20, What::Marker { number: 1, at: 18 }),
            (30, What::Paused { from: 10 }),
            (50, What::PauseBegins),
        ]);
        let told: Vec<_> = marks.done().iter().map(|mark| (mark.from_ns, mark.to_ns, mark.name())).collect();
        assert_eq!(told, [(18, 18, "marker 1".to_owned()), (10, 30, "pause".to_owned())]);
        assert_eq!(marks.paused_since(), Some(50));
    }

    #[test]
    fn only_the_part_of_a_pause_that_lies_inside_counts() {
        let pause = |from_ns, to_ns| Mark { from_ns, to_ns, kind: MarkKind::Pause, number: 1 };
        let marker = Mark { from_ns: 5, to_ns: 5, kind: MarkKind::Marker, number: 1 };
        let marks = [pause(0, 15), marker, pause(18, 30), pause(40, 50)];
        assert_eq!([paused_ns(&marks, 10, 20), paused_ns(&marks, 31, 39), paused_ns(&marks, 0, 99)], [7, 0, 37]);
    }

    #[test]
    fn a_fault_on_several_nodes_is_one_mark_and_in_force_until_the_last_is_whole() {
        let of = |node| Disturbance { fault: 1, node };
        let healed = |node, from| What::FaultHealed { of: of(node), from, bit: true };
        let mut marks =
            folded(&[(10, What::FaultInjected(of(0))), (11, What::FaultInjected(of(2))), (30, healed(0, 10))]);
        assert_eq!(marks.faults_in_force(), [2]);
        let event = |t, what| Event { t, client: Event::NOBODY, attempt: 0, key: 0, what };
        marks.observe(&event(31, healed(2, 11)));
        assert_eq!(marks.faults_in_force(), Vec::<u32>::new());
        let one = Mark { from_ns: 10, to_ns: 31, kind: MarkKind::Fault, number: 2 };
        assert_eq!(marks.done(), [one]);
        // The next injection of the same fault is another mark.
        marks.observe(&event(50, What::FaultInjected(of(0))));
        marks.observe(&event(60, healed(0, 50)));
        assert_eq!(marks.done().len(), 2);
    }
}

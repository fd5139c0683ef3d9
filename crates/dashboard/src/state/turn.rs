//! When the next trial of a system begins, as far as the order of the trials is known.

use super::{Standing, State, SystemState};

impl State {
    /// About how many nanoseconds it takes until the next trial of a system begins: what is
    /// left of the trial under way, and the trials before it as planned. Starting and
    /// draining come on top. `None`: the order is not known, or there is no further trial.
    #[must_use]
    pub fn turn_ns(&self, system: &SystemState) -> Option<u64> {
        let run = self.run.as_ref()?;
        let begun = self.place.0 as usize;
        let ahead = run.order.iter().skip(begun).position(|(name, _)| *name == system.name)?;
        let one = run.warmup_ns + run.duration_ns;
        let running = self.running().filter(|running| running.standing == Standing::Running);
        let left = running.map_or(0, |running| running.snapshot.as_ref().map_or(one, |snapshot| snapshot.left_ns));
        Some(left + ahead as u64 * one)
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, State};
    use crate::sample;
    use lockbench_core::units::SECOND;
    use lockbench_report::live::{Snapshot, TrialStart, Update};

    #[test]
    fn a_system_waits_for_the_rest_of_this_trial_and_for_those_between() {
        let mut state = State::default();
        let Some(Update::Run(mut facts)) = sample::updates().into_iter().next() else { unreachable!() };
        facts.backends = ["a", "b", "c"].map(str::to_owned).to_vec();
        facts.order = Vec::new();
        (facts.warmup_ns, facts.duration_ns) = (SECOND, 9 * SECOND);
        state.update(Update::Run(facts.clone()));
        assert_eq!(state.turn_ns(&state.systems[2]), None);
        facts.order = [("b", 1), ("a", 1), ("c", 1), ("a", 2)].map(|(name, trial)| (name.to_owned(), trial)).to_vec();
        state.update(Update::Run(facts));
        let turns = |state: &State| {
            let turn = |at: usize| state.turn_ns(&state.systems[at]).map(|ns| ns / SECOND);
            [turn(0), turn(1), turn(2)]
        };
        assert_eq!(turns(&state), [Some(10), Some(0), Some(20)]);
        state.update(Update::Trial(TrialStart { backend: "b".to_owned(), trial: 1, place: 1, places: 4 }));
        assert_eq!(turns(&state), [Some(10), None, Some(20)]);
        let live = Snapshot { backend: "b".to_owned(), trial: 1, left_ns: 4 * SECOND, ..Snapshot::default() };
        state.update(Update::Live(Box::new(live)));
        assert_eq!(turns(&state), [Some(4), None, Some(14)]);
        state.systems[1].standing = Standing::Ended;
        state.update(Update::Trial(TrialStart { backend: "a".to_owned(), trial: 1, place: 2, places: 4 }));
        assert_eq!(turns(&state), [Some(20), None, Some(10)]);
    }
}

//! The figures of a system in words: what each means, with its value.

use super::mark::Mark;
use super::rate::Rate;
use super::row::{Row, phase, share};
use crate::state::Standing;
use crate::text::{clock, rate};
use lockbench_core::record::Phase;
use lockbench_core::units::{grouped, human_duration};

impl Row<'_> {
    pub(super) fn state_sentence(&self) -> String {
        let (name, system) = (self.name(), self.system);
        let why = system.problem.as_deref().unwrap_or("no reason was given");
        match (system.standing, self.snapshot()) {
            (Standing::Waiting, _) => {
                let turn = self.turn();
                format!("{name} waits, {turn}: systems take turns, in an order drawn by the seed.")
            }
            (Standing::Skipped, _) => format!("{name} does not take part: {why}."),
            (Standing::Failed, _) => format!("{name}, trial {}, failed: {why}.", system.trial),
            (Standing::Ended, _) => format!(
                "{name}, trial {}, is over: it measured for {:.1} s.",
                system.trial,
                system.result.as_ref().map_or(0.0, |result| result.measured_s)
            ),
            (Standing::Running, Some(snapshot)) if self.paused(snapshot) => {
                format!("{name}, trial {}, is paused: no attempt begins until p is pressed again.", system.trial)
            }
            (Standing::Running, Some(snapshot)) => {
                let meaning = match snapshot.phase {
                    Phase::Warmup => "load without counting",
                    Phase::Measure => "attempts that begin in it count",
                    Phase::Drain => "no attempt begins, those under way end",
                };
                format!("{name}, trial {}, is in phase {}: {meaning}.", system.trial, phase(snapshot.phase))
            }
            (Standing::Running, None) => format!("{name}, trial {}: its clients connect.", system.trial),
        }
    }

    pub(super) fn rate_sentence(&self) -> String {
        let name = self.name();
        let Some(value) = self.grants_per_s() else {
            return format!("{name}, grants/s: not known, {}.", self.not_yet());
        };
        let line = if Rate::of(self.view, self.system, 60).most > 0.0 {
            "; the bars show the rate over time, warm-up included"
        } else {
            ""
        };
        match (&self.system.result, self.measured()) {
            (None, Some((grants, ns))) => format!(
                "{name}, {} grants/s: {} grants within the {} of the measure phase{}{line}.",
                rate(value),
                grouped(grants),
                human_duration(ns),
                self.system.so_far()
            ),
            _ => format!("{name}, {} grants/s: the mean {}{line}.", rate(value), self.when()),
        }
    }

    pub(super) fn wait_sentence(&self, which: &str) -> String {
        let Some(wait) = self.set().map(|set| &set.acquire_service) else {
            return self.missing_sentence(&format!("wait {which}"));
        };
        let (value, meaning) = match which {
            "p50" => (wait.p50_ns, "half of the attempts waited no longer"),
            "p95" => (wait.p95_ns, "95 of 100 attempts waited no longer"),
            "p99" => (wait.p99_ns, "99 of 100 attempts waited no longer"),
            _ if wait.max_is_lower_bound => (
                wait.max_ns,
                "the longest that any attempt waited, granted or in vain: those in vain would have waited longer",
            ),
            _ => (wait.max_ns, "no granted attempt waited longer"),
        };
        let what = format!("wait {which}");
        let kind = if self.view.state.due_at_start() {
            "service time; in a closed loop response time is the same"
        } else {
            "service time"
        };
        let meaning = format!("{meaning}, from asking until the grant ({kind})");
        self.length_sentence(&what, ("acquire_service", which), value, wait.count + wait.in_vain, &meaning)
    }

    pub(super) fn hold_sentence(&self) -> String {
        let hold = self.set().map(|set| set.hold).unwrap_or_default();
        let meaning = "99 of 100 grants were held no longer, from the grant until asking for the release";
        self.length_sentence("hold p99", ("hold", "p99"), hold.p99_ns, hold.count, meaning)
    }

    pub(super) fn handoff_sentence(&self, which: &str) -> String {
        let handoff = self.set().map(|set| set.handoff).unwrap_or_default();
        let (value, share) = if which == "p50" { (handoff.p50_ns, "half") } else { (handoff.p99_ns, "99 of 100") };
        let meaning = format!(
            "{share} took no longer, from one client's asking for its release until the grant of a client that was \
             waiting already"
        );
        self.length_sentence(&format!("hand-off {which}"), ("handoff", which), value, handoff.count, &meaning)
    }

    pub(super) fn fairness_sentence(&self) -> String {
        match self.system.fairness().and_then(|fairness| fairness.jain) {
            Some(jain) => format!(
                "{}, fairness {jain:.3} (Jain index): 1 if all clients got as many grants, one divided by the number of \
                 clients if one got all, {}.",
                self.name(),
                self.when()
            ),
            None => self.missing_sentence("fairness"),
        }
    }

    pub(super) fn durability_sentence(&self) -> String {
        let name = self.name();
        match (self.class(), &self.system.facts) {
            (Some(class), Some(facts)) => format!(
                "{name}, durability {class}: what a crash leaves of a lock; systems compare within one class. Read back \
                 from its servers: {}.",
                facts.facts.durability
            ),
            _ => format!("{name}, durability: its servers have not answered yet."),
        }
    }

    pub(super) fn length_sentence(
        &self,
        what: &str,
        field: (&str, &str),
        value: Option<u64>,
        count: u64,
        meaning: &str,
    ) -> String {
        let name = self.name();
        if let Some(ns) = value {
            let of = grouped(count);
            return format!("{name}, {what} {}: {meaning}, {} ({of} samples).", self.view.duration(ns), self.when());
        }
        let missing = self.system.result.as_ref().and_then(|result| {
            let (set, figure) = (format!("latency.{}", field.0), format!("latency.{}.{}_ns", field.0, field.1));
            result.not_available.get(&figure).or_else(|| result.not_available.get(&set))
        });
        match missing {
            Some(reason) => format!("{name}, {what}: does not exist, {reason}."),
            None if count == 0 => self.missing_sentence(what),
            None => format!(
                "{name}, {what}: does not exist yet, {} samples are too few, or attempts without a grant hide the \
                 longest waits.",
                grouped(count)
            ),
        }
    }

    pub(super) fn missing_sentence(&self, what: &str) -> String {
        format!("{}, {what}: does not exist, {}.", self.name(), self.not_yet())
    }

    /// Why there is no figure.
    pub(super) fn not_yet(&self) -> String {
        match (self.system.standing, self.tally()) {
            (Standing::Waiting, _) => "its first trial has not begun".to_owned(),
            (Standing::Running, None) => "the measure phase has not begun".to_owned(),
            (_, Some(tally)) if tally.timed_out > 0 => {
                format!("no grant yet: {} attempts timed out", grouped(tally.timed_out))
            }
            _ => "nothing was measured".to_owned(),
        }
    }

    pub(super) fn timeouts_sentence(&self) -> String {
        let Some(tally) = self.tally().filter(|tally| tally.attempts > 0) else {
            return self.missing_sentence("timeouts");
        };
        let patience = self.view.state.run.as_ref().and_then(|run| run.acquire_timeout_ns);
        let patience = patience.map_or_else(String::new, |ns| format!(" of {}", human_duration(ns)));
        format!(
            "{}, {} timeouts ({}): so many of {} attempts with an outcome, {}, got no grant before their \
             deadline{patience}.",
            self.name(),
            grouped(tally.timed_out),
            share(tally.timed_out, tally.attempts),
            grouped(tally.attempts),
            self.when()
        )
    }

    pub(super) fn lost_sentence(&self) -> String {
        let Some(tally) = self.tally() else { return self.missing_sentence("lost leases") };
        format!(
            "{}, {} lost leases: so many of {} grants, {}, were lost while they were held, and the client learned of \
             it.",
            self.name(),
            grouped(tally.lost_leases),
            grouped(tally.grants),
            self.when()
        )
    }

    pub(super) fn safety_sentence(&self) -> String {
        Mark::of(self.system).sentence(self.system, self.view.condition())
    }

    pub(super) fn trial_sentence(&self) -> String {
        let trials = self.view.state.run.as_ref().map_or(1, |run| run.trials);
        match self.system.trial {
            0 => format!("{}: no trial of {trials} has begun.", self.name()),
            trial => format!("{}: the figures are of trial {trial} of {trials}, no mean of several.", self.name()),
        }
    }

    pub(super) fn left_sentence(&self) -> String {
        match self.snapshot().filter(|_| self.system.standing == Standing::Running) {
            Some(snapshot) => format!(
                "{}, {} left until the planned end of the measure phase; attempts under way may take longer.",
                self.name(),
                clock(snapshot.left_ns)
            ),
            None => format!("{}: no trial is under way.", self.name()),
        }
    }
}

//! Did the story happen? A fault that bit shows nothing where no client wanted the lock meanwhile. This follows each
//! injection of a fault: whom it hit inside a hold, who asked for that key and was granted it, and whether the holder
//! went on. Nothing is followed in a plan without faults.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::attempt::{Change, End, Transition};
use crate::record::{Disturbance, What};
use crate::workload::{Condition, FaultKind, Plan, PlannedFault};

/// How often a condition was reached in a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    /// Its word in a workload.
    pub condition: String,
    /// Whether the plan says that it must be.
    pub required: bool,
    /// The injections of faults that reached it.
    pub injections: u64,
    /// All injections.
    pub of: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Every condition; empty without faults.
    pub reached: Vec<Reached>,
}

/// Follows the faults of a trial.
pub struct ConditionFold {
    faults: Vec<PlannedFault>,
    required: Vec<Condition>,
    /// The open attempts, by client and number.
    open: BTreeMap<(u32, u32), Open>,
    injections: Vec<Injection>,
    all: u64,
    healed: bool,
    reached: [u64; Condition::ALL.len()],
}

/// An open attempt.
#[derive(Clone, Copy)]
struct Open {
    key: u32,
    holds: bool,
}

/// One fault at one node or client.
struct Injection {
    of: Disturbance,
    healed: bool,
    /// The holds that it hit: client, number of the attempt, key.
    hits: Vec<(u32, u32, u32)>,
    /// A client that was killed is never heard of again.
    kills: bool,
    reached: [bool; Condition::ALL.len()],
}

impl ConditionFold {
    /// Follows what happens in a trial of that plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self::new(plan.faults.clone(), plan.sometimes.clone())
    }

    /// Follows these faults; these conditions must be reached.
    #[must_use]
    pub fn new(faults: Vec<PlannedFault>, required: Vec<Condition>) -> Self {
        Self {
            faults,
            required,
            open: BTreeMap::new(),
            injections: Vec::new(),
            all: 0,
            healed: false,
            reached: Default::default(),
        }
    }

    /// Those faults that hit clients, by their places in the plan.
    #[must_use]
    pub fn of_clients(&self) -> Vec<bool> {
        self.faults.iter().map(|fault| fault.kind.is_of_a_client()).collect()
    }

    /// The next transition, in order of time.
    #[inline]
    pub fn follow(&mut self, transition: &Transition<'_>) {
        if !self.faults.is_empty() || !self.required.is_empty() {
            self.take(transition);
        }
    }

    fn take(&mut self, transition: &Transition<'_>) {
        for unfinished in transition.unfinished {
            self.over((unfinished.client, unfinished.number), false);
        }
        let key = transition.attempt.key;
        let name = (transition.attempt.client, transition.attempt.number);
        match transition.change {
            Change::Begun => {
                self.open.insert(name, Open { key, holds: false });
                self.ask(name.0, key);
            }
            Change::Granted => self.grant(name, key),
            Change::Left(_) => {
                self.went_on(name);
                self.over(name, false);
            }
            Change::Ended(End::Died { .. }) => self.over(name, true),
            Change::Ended(End::Denied { .. } | End::Released { .. }) => self.over(name, false),
            Change::Tool => self.tool(&transition.event.what),
            Change::Renewed { .. } | Change::Stopped | Change::Lost => {}
        }
    }

    /// What was found.
    #[must_use]
    pub fn finish(&self) -> Conditions {
        if self.faults.is_empty() && self.required.is_empty() {
            return Conditions::default();
        }
        let reached = Condition::ALL.iter().zip(self.reached).map(|(condition, injections)| Reached {
            condition: condition.name().to_owned(),
            required: self.required.contains(condition),
            injections,
            of: self.all,
        });
        Conditions { reached: reached.collect() }
    }

    fn tool(&mut self, what: &What) {
        match *what {
            What::FaultInjected(of) => self.inject(of),
            What::FaultHealed { of, .. } => {
                self.healed = true;
                self.injections.iter_mut().filter(|one| one.of == of).for_each(|one| one.healed = true);
                self.injections.retain(|one| !one.healed || !one.hits.is_empty());
            }
            _ => {}
        }
    }

    fn inject(&mut self, of: Disturbance) {
        let kind = self.faults.get(usize::from(of.fault)).map(|fault| fault.kind);
        let of_client = kind.is_some_and(FaultKind::is_of_a_client).then(|| u32::from(of.node));
        let holders = self.open.iter().filter(|(_, open)| open.holds);
        let hit = holders.filter(|((client, _), _)| of_client.is_none_or(|hit| hit == *client));
        let hits: Vec<_> = hit.map(|((client, number), open)| (*client, *number, open.key)).collect();
        let kills = kind == Some(FaultKind::ClientKill);
        self.all += 1;
        self.injections.push(Injection { of, healed: false, hits, kills, reached: Default::default() });
        // Whoever waits already asks all the while.
        let waiting = self.open.iter().filter(|(_, open)| !open.holds);
        let waiting: Vec<_> = waiting.map(|((client, _), open)| (*client, open.key)).collect();
        waiting.into_iter().for_each(|(client, key)| self.ask(client, key));
    }

    fn ask(&mut self, client: u32, key: u32) {
        let asks = |one: &Injection| !one.healed && one.hits.iter().any(|hit| hit.2 == key && hit.0 != client);
        self.reach(Condition::ContenderAsked, asks);
    }

    fn grant(&mut self, name: (u32, u32), key: u32) {
        let client = name.0;
        self.open.insert(name, Open { key, holds: true });
        let granted = |one: &Injection| one.hits.iter().any(|hit| hit.2 == key && hit.0 != client);
        self.reach(Condition::ContenderGranted, granted);
        if self.healed && self.reached[Condition::GrantedAfterHeal as usize] == 0 {
            self.reached[Condition::GrantedAfterHeal as usize] = 1;
        }
    }

    /// The holder left its critical section in order: if a fault had hit it there, it went on after it.
    fn went_on(&mut self, name: (u32, u32)) {
        let hit = |one: &Injection| one.hits.iter().any(|hit| (hit.0, hit.1) == name);
        self.reach(Condition::HolderWentOn, hit);
    }

    /// An attempt holds nothing any more.
    fn over(&mut self, name: (u32, u32), died: bool) {
        let Some(open) = self.open.remove(&name) else { return };
        if !open.holds {
            return;
        }
        for one in &mut self.injections {
            if !(died && one.kills) {
                one.hits.retain(|hit| (hit.0, hit.1) != name);
            }
        }
        self.injections.retain(|one| !one.healed || !one.hits.is_empty());
    }

    fn reach(&mut self, condition: Condition, by: impl Fn(&Injection) -> bool) {
        let place = condition as usize;
        for one in self.injections.iter_mut().filter(|one| by(one)) {
            self.reached[place] += u64::from(!std::mem::replace(&mut one.reached[place], true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConditionFold, Conditions};
    use crate::record::{Attempts, Disturbance, Event, ReleaseKind, What, WitnessReading};
    use crate::workload::{Condition, parse};

    const INVOKE: What = What::Invoke { due: 0 };
    const GRANT: What = What::Acquired { token: None, validity: 9, requests: 1, waited: None, wakeups: 0 };
    const LEAVE: What = What::ReleaseInvoke {
        enter: 0,
        exit: 0,
        seen: WitnessReading {
            occupancy: 1,
            lost_update: false,
            stale_write: false,
            refused_write: false,
            challenged: None,
            act: crate::record::Act::NONE,
        },
        asked: 0,
    };
    const END: What = What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 };
    const DIED: What = What::Died { surely_ended: 99, challenged: None };
    const NOBODY: u32 = Event::NOBODY;

    fn injected(node: u16) -> What {
        What::FaultInjected(Disturbance { fault: 0, node })
    }

    fn healed(node: u16) -> What {
        What::FaultHealed { of: Disturbance { fault: 0, node }, from: 0, bit: true }
    }

    fn told(fault: &str, events: &[(u64, u32, What)]) -> Conditions {
        let text = format!("clients = 3\n[[faults]]\n{fault}\nat = \"1s\"\n");
        let (plan, _) = parse("w.toml", &text, &[]).unwrap();
        let (mut fold, mut attempts) = (ConditionFold::of(&plan), Attempts::default());
        for (t, client, what) in events {
            fold.follow(&attempts.observe(&Event { t: *t, client: *client, attempt: 0, key: 0, what: *what }));
        }
        fold.finish()
    }

    fn reached(conditions: &Conditions) -> Vec<&str> {
        conditions.reached.iter().filter(|one| one.injections > 0).map(|one| one.condition.as_str()).collect()
    }

    const PAUSE: &str = "kind = \"client-pause\"\nfor = \"1s\"";
    const KILL: &str = "kind = \"client-kill\"";
    const CUT: &str = "kind = \"wire-cut\"\nfor = \"1s\"";

    #[test]
    fn a_paused_holder_with_a_contender_that_is_granted_the_key_reaches_all() {
        let events = [
            (1, 0, INVOKE),
            (2, 0, GRANT),
            (3, NOBODY, injected(0)),
            (4, 1, INVOKE),
            (6, 1, GRANT),
            (8, NOBODY, healed(0)),
            (9, 0, LEAVE),
            (10, 0, END),
            (11, 1, LEAVE),
            (12, 1, END),
            (13, 2, INVOKE),
            (14, 2, GRANT),
        ];
        let all: Vec<&str> = Condition::ALL.iter().map(|condition| condition.name()).collect();
        assert_eq!(reached(&told(PAUSE, &events)), all);
        // Without the last grant nothing was granted after the pause.
        assert_eq!(reached(&told(PAUSE, &events[..11])), all[..3]);
        // Another client was paused than the one that held.
        let other: Vec<_> =
            events.iter().map(|(t, client, what)| (*t, *client, if *t == 3 { injected(2) } else { *what })).collect();
        assert_eq!(reached(&told(PAUSE, &other)), ["granted-after-heal"]);
    }

    #[test]
    fn who_asks_only_when_the_fault_is_healed_asks_too_late() {
        let events = [
            (1, 0, INVOKE),
            (2, 0, GRANT),
            (3, NOBODY, injected(1)),
            (4, NOBODY, healed(1)),
            (5, 1, INVOKE),
            (7, 0, LEAVE),
            (8, 0, END),
            (9, 1, GRANT),
        ];
        assert_eq!(reached(&told(CUT, &events)), ["holder-went-on", "granted-after-heal"]);
    }

    #[test]
    fn whoever_waits_when_the_fault_begins_asks() {
        let events = [(1, 0, INVOKE), (2, 0, GRANT), (3, 1, INVOKE), (4, NOBODY, injected(2)), (5, NOBODY, healed(2))];
        assert_eq!(reached(&told(CUT, &events)), ["contender-asked"]);
        // Its own holder asks for nothing.
        assert!(reached(&told(CUT, &events[..2])).is_empty());
    }

    #[test]
    fn the_grant_after_a_killed_holder_counts_and_it_never_goes_on() {
        let events = [
            (1, 0, INVOKE),
            (2, 0, GRANT),
            (3, 1, INVOKE),
            (4, NOBODY, injected(0)),
            (5, 0, DIED),
            (25, 1, GRANT),
            (26, 1, LEAVE),
        ];
        assert_eq!(reached(&told(KILL, &events)), ["contender-asked", "contender-granted"]);
    }

    #[test]
    fn a_plan_without_faults_has_no_conditions() {
        let fold = ConditionFold::new(Vec::new(), Vec::new());
        assert_eq!(fold.finish(), Conditions::default());
    }
}

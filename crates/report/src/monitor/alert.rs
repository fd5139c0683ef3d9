//! The state of one alert. A bound that is broken for a while fires, one that is kept
//! for a longer while is resolved: a figure that dances on its bound makes no noise.
//! Where nobody can tell, nothing changes.

use super::bound::Outcome;

/// How long is a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Broken for so long: it fires.
    pub pending_ns: u64,
    /// Kept for so long: it is resolved.
    pub resolve_ns: u64,
    /// It fires at once and is never resolved.
    pub sticky: bool,
}

impl Rules {
    /// Of a window: it fires after a twentieth of it and is resolved after a fifth.
    #[must_use]
    pub fn of(window_ns: u64, sticky: bool) -> Self {
        Self { pending_ns: window_ns / 20, resolve_ns: window_ns / 5, sticky }
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Too little was seen yet.
    #[default]
    Unknown,
    /// The bound is kept.
    Ok,
    /// It is broken, but not for long.
    Pending,
    /// It fires.
    Firing,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It fires from now on.
    Fired,
    /// It does no longer.
    Resolved,
}

/// One alert of one system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alert {
    standing: Standing,
    /// Since when the bound is seen on the other side.
    since: u64,
    /// How often it fired.
    fired: u64,
}

impl Alert {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// How often it fired.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.fired
    }

    /// Takes a judgement made at `now`.
    pub fn judge(&mut self, now: u64, outcome: &Outcome, rules: Rules) -> Option<Turn> {
        match (self.standing, outcome) {
            (_, Outcome::Unknown(_)) => None,
            (Standing::Firing, Outcome::Broken(_) | Outcome::Beyond(_)) => {
                self.since = 0;
                None
            }
            (Standing::Firing, Outcome::Kept(_)) => self.kept(now, rules),
            (Standing::Unknown | Standing::Ok | Standing::Pending, Outcome::Kept(_)) => {
                self.standing = Standing::Ok;
                None
            }
            (Standing::Unknown | Standing::Ok | Standing::Pending, Outcome::Broken(_) | Outcome::Beyond(_)) => {
                self.broken(now, rules)
            }
        }
    }

    fn broken(&mut self, now: u64, rules: Rules) -> Option<Turn> {
        if self.standing != Standing::Pending {
            (self.standing, self.since) = (Standing::Pending, now);
        }
        let ripe = rules.sticky || now.saturating_sub(self.since) >= rules.pending_ns;
        if !ripe {
            return None;
        }
        (self.standing, self.since) = (Standing::Firing, 0);
        self.fired += 1;
        Some(Turn::Fired)
    }

    fn kept(&mut self, now: u64, rules: Rules) -> Option<Turn> {
        if rules.sticky {
            return None;
        }
        if self.since == 0 {
            self.since = now;
        }
        if now.saturating_sub(self.since) < rules.resolve_ns {
            return None;
        }
        self.standing = Standing::Ok;
        Some(Turn::Resolved)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::{Alert, Outcome, Rules, Standing, Turn};

    const RULES: Rules = Rules { pending_ns: 15, resolve_ns: 60, sticky: false };

    fn walked(rules: Rules, steps: &[(u64, Outcome)]) -> Vec<(u64, Turn)> {
        let mut alert = Alert::default();
        steps.iter().filter_map(|(now, outcome)| Some((*now, alert.judge(*now, outcome, rules)?))).collect()
    }

    #[test]
    fn it_fires_after_a_while_and_is_resolved_after_a_longer_one() {
        let (kept, broken) = (Outcome::Kept(0.0), Outcome::Broken(1.0));
        let steps: Vec<(u64, Outcome)> =
            (1..=200).map(|now| (now, if (20..=100).contains(&now) { broken.clone() } else { kept.clone() })).collect();
        assert_eq!(walked(RULES, &steps), [(35, Turn::Fired), (161, Turn::Resolved)]);
    }

    #[test]
    fn what_dances_on_the_bound_makes_no_noise() {
        let steps: Vec<(u64, Outcome)> = (1..500)
            .map(|now| (now, if now / 10 % 2 == 0 { Outcome::Kept(0.0) } else { Outcome::Broken(1.0) }))
            .collect();
        assert_eq!(walked(RULES, &steps), []);
    }

    #[test]
    fn what_fires_is_resolved_by_one_long_while_and_not_by_several_short_ones() {
        // Broken to 50; then kept, but for a moment every forty.
        let steps: Vec<(u64, Outcome)> = (1..400)
            .map(|now| (now, if now <= 50 || now % 40 == 0 { Outcome::Broken(1.0) } else { Outcome::Kept(0.0) }))
            .collect();
        assert_eq!(walked(RULES, &steps), [(16, Turn::Fired)]);
    }

    #[test]
    fn what_is_certain_fires_at_once_and_stays() {
        let sticky = Rules { sticky: true, ..RULES };
        let steps: Vec<(u64, Outcome)> =
            (1..500).map(|now| (now, if now == 7 { Outcome::Broken(1.0) } else { Outcome::Kept(0.0) })).collect();
        assert_eq!(walked(sticky, &steps), [(7, Turn::Fired)]);
    }

    proptest! {
        #[test]
        fn it_fires_and_is_resolved_in_turns(steps in vec((0_u64..40, 0_u8..3), 0..200), sticky in any::<bool>()) {
            let (mut alert, mut now, mut turns) = (Alert::default(), 1, Vec::new());
            for (step, outcome) in steps {
                now += step;
                let unknown = Outcome::Unknown(String::new());
                let outcome = [Outcome::Kept(0.0), Outcome::Broken(1.0), unknown][usize::from(outcome)].clone();
                let before = alert.standing();
                turns.extend(alert.judge(now, &outcome, Rules { sticky, ..RULES }));
                if matches!(outcome, Outcome::Unknown(_)) {
                    prop_assert_eq!(alert.standing(), before);
                }
            }
            let alternate = turns.iter().enumerate().all(|(i, turn)| (*turn == Turn::Fired) == (i % 2 == 0));
            prop_assert!(alternate, "{turns:?}");
            prop_assert!(!sticky || turns.len() <= 1);
            prop_assert_eq!(alert.standing() == Standing::Firing, turns.len() % 2 == 1);
        }
    }
}

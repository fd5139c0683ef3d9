//! What is held against the windows of one system, and how the system stands.

use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

use super::watched_system::WatchedSystem;
use lockbench_core::stats::upper_bound_95_per_million;
use lockbench_core::units::SECOND;
use lockbench_report::monitor::{
    Alert, AlertStatus, Bound, Certain, Outage, Outcome, Rules, Span, Standing, State, SystemStatus, Turn, WINDOWS,
    WindowCounts, WindowFigures,
};

/// A bound of one system and its alert.
pub struct BoundAlert {
    pub bound: Bound,
    alert: Alert,
    /// The figure, and in words what is known of it.
    last: (Option<f64>, String),
    /// Was there enough to judge by, the last time?
    judged: bool,
    /// Was there ever?
    ever: bool,
    /// Since when it is in the plan, clock nanoseconds.
    since: u64,
    /// Still in the plan?
    current: bool,
}

impl BoundAlert {
    /// The bounds of a plan after those of the one before: an alert of a bound that stays
    /// keeps its state, and one that ever fired is remembered.
    pub fn renewed(mut before: Vec<Self>, backend: &str, bounds: &[Bound], now: u64) -> Vec<Self> {
        before.iter_mut().for_each(|held| held.current = false);
        for bound in bounds.iter().filter(|bound| bound.is_for(backend)) {
            match before.iter_mut().find(|held| held.bound.text() == bound.text()) {
                Some(held) => (held.bound, held.current) = (bound.clone(), true),
                None => before.push(Self {
                    bound: bound.clone(),
                    alert: Alert::default(),
                    last: (None, "nothing was seen yet".to_owned()),
                    judged: false,
                    ever: false,
                    since: now,
                    current: true,
                }),
            }
        }
        before.retain(|held| held.current || held.alert.fired() > 0);
        before
    }

    /// Holds it against a window. Returns whether it fires from now on, and why, if that
    /// changed.
    pub fn judge(&mut self, now: u64, window: &WindowCounts, certain: Certain, span: Span) -> Option<(bool, String)> {
        if !self.current {
            return None;
        }
        let outcome = self.bound.judge(window, certain, span);
        let turn = self.alert.judge(now, &outcome, Rules::of(span.length_ns, self.bound.certain()));
        self.judged = !matches!(outcome, Outcome::Unknown(_));
        self.ever |= self.judged;
        self.last = match outcome {
            Outcome::Kept(value) | Outcome::Broken(value) => (Some(value), self.bound.shown(value)),
            Outcome::Beyond(least) => (None, format!("at least {}", self.bound.shown(least))),
            Outcome::Unknown(why) => (None, why),
        };
        Some(match turn? {
            Turn::Fired => (true, self.broken()),
            Turn::Resolved => {
                let (figure, demand) = (self.bound.threshold.figure.name(), self.bound.demand());
                (false, format!("{figure} is back at {}, and must be {demand}", self.last.1))
            }
        })
    }

    /// What is wrong, and what should be: `timeouts is 3.00 %, and must be at most 0.100 %`.
    fn broken(&self) -> String {
        let (figure, demand) = (self.bound.threshold.figure.name(), self.bound.demand());
        // Digits that are left out must not make it look as if it were kept.
        let just = match self.last.0 {
            Some(value) if self.bound.shown(self.bound.threshold.bound) == self.last.1 => {
                match value.total_cmp(&self.bound.threshold.bound) {
                    Ordering::Less => "just under ",
                    Ordering::Greater => "just over ",
                    Ordering::Equal => "",
                }
            }
            _ => "",
        };
        format!("{figure} is {just}{}, and must be {demand}", self.last.1)
    }

    /// Is the bound kept, as far as anybody can tell now? `None`: nobody can.
    pub fn kept(&self) -> Option<bool> {
        match self.standing() {
            Standing::Unknown => None,
            Standing::Ok | Standing::Pending => Some(true),
            Standing::Firing => Some(false),
        }
    }

    /// What was kept a while ago is not said to be kept now; what fires does so until it
    /// is seen to be kept.
    fn standing(&self) -> Standing {
        match self.alert.standing() {
            _ if !self.current => Standing::Unknown,
            Standing::Ok if !self.judged => Standing::Unknown,
            standing => standing,
        }
    }

    fn status(&self, now: u64) -> AlertStatus {
        let (value, because) = self.last.clone();
        AlertStatus {
            bound: self.bound.text(),
            fails: self.bound.fails(),
            standing: self.standing(),
            judged: self.ever,
            held_s: now.saturating_sub(self.since) / SECOND,
            value,
            because: if self.current { because } else { "it is no longer in the workload".to_owned() },
            says: if self.standing() == Standing::Firing { self.broken() } else { String::new() },
            fired: self.alert.fired(),
        }
    }
}

/// How a system stands.
pub fn system(watched: &WatchedSystem, held: &[BoundAlert], now: u64, watched_ns: u64) -> SystemStatus {
    let window = |(name, length): &(&str, u64)| {
        WindowFigures::of(name, &watched.window(now, *length), watched.rolling.seen_ns(now, *length))
    };
    let for_ns = now.saturating_sub(watched.since);
    let wall = |at: SystemTime| humantime::format_rfc3339_seconds(at).to_string();
    let told_after_ns = watched.told_after_ns();
    let outage = |began, lasted_ns| Outage { began_at: wall(began), lasted_ns, told_after_ns };
    let over = watched.outage.map(|(began, lasted_ns)| outage(began, lasted_ns));
    let began = || SystemTime::now() - Duration::from_nanos(for_ns);
    let under_way = (watched.state == State::Down).then(|| outage(began(), for_ns));
    let violations = watched.violations();
    SystemStatus {
        backend: watched.backend.to_owned(),
        state: watched.state.clone(),
        state_for_s: for_ns / SECOND,
        problem: watched.problem.clone(),
        server_version: watched.version.clone(),
        nodes: watched.nodes.clone(),
        rounds: watched.rounds,
        windows: WINDOWS.iter().map(window).collect(),
        total: WindowFigures::of("", &watched.total(now), watched_ns),
        p99_by_minute_ns: watched.rolling.p99_by_minute(now),
        response_p99_by_minute_ns: watched.rolling.response_p99_by_minute(now),
        violations,
        exercised_holds: watched.exercised,
        upper_bound_95_per_million: upper_bound_95_per_million(watched.exercised)
            .filter(|_| violations.double_grants == 0),
        outages: watched.outages,
        last_outage: under_way.or(over),
        alerts: held.iter().map(|held| held.status(now)).collect(),
        stories: watched.stories.clone(),
    }
}

/// Bytes of this process in memory, by proc_pid_status(5).
pub fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::BoundAlert;
    use lockbench_core::figure::{Counter, Totals};
    use lockbench_core::units::SECOND;
    use lockbench_report::Threshold;
    use lockbench_report::monitor::{Bound, Certain, Span, Standing, WindowCounts};

    fn counted(counts: Totals) -> WindowCounts {
        WindowCounts { counts, ..WindowCounts::default() }
    }

    /// Read aloud: each says what is and what must be, and none denies a negation.
    #[test]
    fn what_alerts_say() {
        let texts = [
            "double_grants == 0",
            "double_grants_inside == 0",
            "token_regressions == 0",
            "acquire_service.p99 <= 50ms",
            "acquire_response.p99 < 50ms",
            "acquire_response.max <= 1s",
            "availability >= 99%",
            "failures < 1%",
            "contention <= 20%",
            "timeouts <= 0.1%",
            "refusals < 5%",
            "throughput >= 19.5/s",
            "grants > 100",
            "dropped == 0",
            "dropped != 107",
        ];
        let span = Span { length_ns: 300 * SECOND, seen_ns: 300 * SECOND };
        let (mut bad, mut good) = (
            counted(Totals::default().with(Counter::Refused, 4_000).with(Counter::Stalled, 3)),
            WindowCounts::default(),
        );
        for _ in 0..900 {
            bad.count(Counter::Grants);
            bad.service.record(SECOND);
            bad.response.record(SECOND);
        }
        (0..90).for_each(|_| bad.times_out(2 * SECOND, 2 * SECOND));
        (0..107).for_each(|_| bad.drops(3 * SECOND));
        bad.counts.plus(Counter::Waited, 2_000);
        for _ in 0..20_000 {
            good.count(Counter::Grants);
            good.service.record(SECOND / 2_000);
            good.response.record(SECOND / 2_000);
        }
        let certain = Certain { double_grants: 2, inside: 1, token_regressions: 3, ..Certain::default() };
        let mut said = String::new();
        for text in texts {
            let bound = Bound::new(Threshold::parse(text, None).unwrap()).unwrap();
            let mut held = BoundAlert::renewed(Vec::new(), "redis", &[bound], 0);
            let mut tell = |window: &WindowCounts, certain: Certain, from: u64| {
                let turns = (from..from + 100).filter_map(|now| held[0].judge(now * SECOND, window, certain, span));
                turns.for_each(|(firing, text)| said += &format!("{}: {text}\n", if firing { "ALERT" } else { "ok" }));
            };
            let silent = counted(Totals::default().with(Counter::Missed, 5));
            tell(if text.starts_with("grants") { &silent } else { &bad }, certain, 1);
            tell(&good, Certain::default(), 200);
        }
        // 98.96 %.
        let close = counted(Totals::default().with(Counter::Grants, 9_896).with(Counter::Dropped, 104));
        let bound = Bound::new(Threshold::parse("availability >= 99%", None).unwrap()).unwrap();
        let mut held = BoundAlert::renewed(Vec::new(), "redis", &[bound], 0);
        let turn = (1..100).find_map(|now| held[0].judge(now * SECOND, &close, certain, span));
        assert_eq!(turn.unwrap().1, "availability is just under 99.0 %, and must be at least 99.0 %");
        assert!(!said.contains(" not ") && !said.contains("n't"), "{said}");
        insta::assert_snapshot!("what_alerts_say", said);
    }

    #[test]
    fn what_cannot_be_judged_any_more_is_not_said_to_be_kept() {
        let bound = |text: &str| Bound::new(Threshold::parse(text, None).unwrap()).unwrap();
        let bounds = [bound("contention <= 20%")];
        let mut held = BoundAlert::renewed(Vec::new(), "redis", &bounds, 0);
        let window =
            |waited, grants| counted(Totals::default().with(Counter::Grants, grants).with(Counter::Waited, waited));
        let mut judge = |now: u64, window: &WindowCounts| {
            let span = Span { length_ns: 300 * SECOND, seen_ns: 300 * SECOND };
            held[0].judge(now * SECOND, window, Certain::default(), span);
            (held[0].kept(), held[0].status(now * SECOND).standing)
        };
        assert_eq!(judge(1, &window(0, 0)), (None, Standing::Unknown));
        assert_eq!(judge(2, &window(0, 1_000)), (Some(true), Standing::Ok));
        assert_eq!(judge(3, &window(0, 5)), (None, Standing::Unknown), "nothing is seen any more");
        assert_eq!(judge(4, &window(900, 1_000)), (Some(true), Standing::Pending));
        assert_eq!(judge(60, &window(900, 1_000)), (Some(false), Standing::Firing));
        assert_eq!(judge(61, &window(0, 5)), (Some(false), Standing::Firing), "nobody saw it resolved");
        // Out of the plan: it fired, so that it is remembered, but it says nothing.
        let after = BoundAlert::renewed(held, "redis", &[bound("timeouts <= 1%")], 70 * SECOND);
        let status = |place: usize| after[place].status(100 * SECOND);
        assert_eq!((after[0].kept(), status(0).fired), (None, 1));
        assert_eq!((after[1].kept(), status(1).fired), (None, 0));
        // Each counts from when it came, and what could be judged once has been.
        assert_eq!([0, 1].map(|place| (status(place).judged, status(place).held_s)), [(true, 100), (false, 30)]);
    }
}

//! The fold, fed by hand.

use super::{HeatKey, Standing, State};
use lockbench_report::live::{Second, Slice, Snapshot, TrialStart, Update};

fn snapshot(elapsed_ms: u64, grants: u64) -> Update {
    let mut snapshot = Snapshot { backend: "redis".to_owned(), trial: 1, ..Snapshot::default() };
    snapshot.elapsed_ns = elapsed_ms * 1_000_000;
    snapshot.judged.grants = grants;
    snapshot.seconds = vec![Second { second: elapsed_ms / 1_000, grants, ..Second::default() }];
    Update::Live(Box::new(snapshot))
}

/// A slice of 200 ms, what keys had counted at its end, and keys that are left out.
fn slice(end_ms: u64, grants: u64, contended: &[(u32, u64)], more_keys: u32) -> Slice {
    let (at_ns, length_ns) = (end_ms * 1_000_000, 200_000_000);
    Slice { at_ns, length_ns, grants, contended: contended.to_vec(), more_keys, ..Slice::default() }
}

#[test]
fn slices_become_beats_and_seconds_are_kept() {
    let mut state = State::default();
    state.update(Update::Trial(TrialStart { backend: "redis".to_owned(), trial: 1, place: 1, places: 2 }));
    let slices = [
        vec![slice(200, 100, &[(3, 100)], 0)],
        vec![slice(400, 200, &[(3, 300)], 0)],
        // The first one came before.
        vec![slice(400, 200, &[(3, 300)], 0), slice(600, 100, &[(3, 350)], 0)],
    ];
    for (update, slices) in [snapshot(200, 100), snapshot(400, 300), snapshot(1_400, 800)].into_iter().zip(slices) {
        let Update::Live(mut live) = update else { unreachable!() };
        live.slices = slices;
        state.update(Update::Live(live));
    }
    let redis = state.running().unwrap();
    assert_eq!(redis.standing, Standing::Running);
    let rates: Vec<f64> = redis.beats.iter().map(super::Beat::grants_per_s).collect();
    assert_eq!(rates, [500.0, 1_000.0, 500.0]);
    assert_eq!(redis.seconds.iter().map(|s| (s.second, s.grants)).collect::<Vec<_>>(), [(0, 300), (1, 800)]);
    assert_eq!(redis.heat[1].keys, [HeatKey { key: 3, contended: 200, known_ns: 200_000_000 }]);
    assert_eq!(state.place, (1, 2));
}

#[test]
fn what_a_key_counted_before_it_was_listed_is_no_heat() {
    let mut state = State::default();
    state.update(Update::Trial(TrialStart { backend: "redis".to_owned(), trial: 1, place: 1, places: 1 }));
    let Update::Live(mut live) = snapshot(600, 1) else { unreachable!() };
    live.slices = vec![
        slice(200, 1, &[(1, 50)], 9),
        slice(400, 1, &[(1, 60), (2, 40)], 9),
        slice(600, 1, &[(1, 60), (2, 45)], 9),
    ];
    state.update(Update::Live(live));
    let heat = &state.running().unwrap().heat;
    let keys = |column: usize| heat[column].keys.iter().map(|key| (key.key, key.contended)).collect::<Vec<_>>();
    assert_eq!((keys(0), keys(1), keys(2)), (vec![(1, 50)], vec![(1, 10)], vec![(1, 0), (2, 5)]));
}

#[test]
fn at_the_end_the_trials_before_are_judged_as_the_report_has_them() {
    let mut state = State::default();
    let over = crate::sample::updates().pop().unwrap();
    let Update::Over(mut report) = over else { unreachable!() };
    report.results.clear();
    let start = |trial| TrialStart { backend: "redis".to_owned(), trial, place: trial, places: 2 };
    state.update(Update::Trial(start(1)));
    let Update::Live(mut cut) = snapshot(200, 100) else { unreachable!() };
    (cut.judged.double_grants, cut.judged.token_regressions) = (3, 2);
    state.update(Update::Live(cut));
    // Its history was cut: how it ended is not known.
    state.update(Update::Trial(start(2)));
    let known = |state: &State| {
        let system = state.running().unwrap();
        (system.double_grants(), system.token_regressions())
    };
    assert_eq!(known(&state), (3, 2));
    for (trial, double_grants) in [(1, 40), (2, 5)] {
        let mut result = lockbench_report::TrialResult { backend: "redis".to_owned(), trial, ..Default::default() };
        (result.safety.double_grants_certain, result.safety.token_regressions) = (double_grants, Some(trial.into()));
        let end = lockbench_report::live::TrialEnd { result: result.clone(), measured: None };
        report.results.push(result);
        state.update(Update::Ended(Box::new(end)));
    }
    state.update(Update::Over(report));
    assert_eq!((known(&state), state.double_grants()), ((45, 3), 45));
}

#[test]
fn around_a_violation_the_nearest_holds_are_kept() {
    use lockbench_core::oracle::{DoubleGrant, DoubleGrantKind, HoldFacts};
    use lockbench_report::live::KeyHold;
    use lockbench_report::{HoldEnd, SceneHold};
    let holds = (0..1_500).map(|at: u64| {
        let (invoke_ns, start_ns, end_ns) = (1_000 + at, 1_000 + at, 1_001 + at);
        let ended = HoldEnd::Confirmed;
        let hold = SceneHold { client: 0, token: None, invoke_ns, start_ns, end_ns, validity_ns: None, ended };
        KeyHold { key: 0, open: false, hold }
    });
    let facts = |client, start_ns, end_ns| HoldFacts {
        client,
        token: None,
        start_ns,
        end_ns,
        validity_ns: None,
        lost_ns: None,
        mode: Default::default(),
    };
    let (earlier, later) = (facts(1, 1_000, 2_400), facts(2, 2_000, 2_300));
    let mut snapshot = Snapshot { backend: "redis".to_owned(), trial: 1, elapsed_ns: 1, ..Snapshot::default() };
    snapshot.holds = holds.collect();
    snapshot.double_grants =
        vec![DoubleGrant { key: 0, kind: DoubleGrantKind::Inside, admitted: false, earlier, later }];
    let mut state = State::default();
    state.update(Update::Live(Box::new(snapshot)));
    let around: Vec<u64> = state.running().unwrap().caught[0].around.iter().map(|hold| hold.hold.start_ns).collect();
    assert_eq!(around.len(), 256);
    assert!(around.is_sorted() && around.iter().all(|start| start.abs_diff(2_000) <= 128));
}

#[test]
fn it_is_known_from_when_on_no_hold_is_missing() {
    use lockbench_report::live::KeyHold;
    use lockbench_report::{HoldEnd, SceneHold};
    let hold = |client: u32, start: u64, ended: HoldEnd, open: bool| {
        let (invoke_ns, end_ns) = (start - 5, start + 10);
        let hold = SceneHold { client, token: None, invoke_ns, start_ns: start, end_ns, validity_ns: None, ended };
        KeyHold { key: 0, open, hold }
    };
    let told = |state: &mut State, elapsed_ns: u64, grants: u64, holds: Vec<KeyHold>| {
        let mut snapshot = Snapshot { backend: "redis".to_owned(), trial: 1, elapsed_ns, holds, ..Snapshot::default() };
        (snapshot.origin_ns, snapshot.judged.grants) = (7, grants);
        state.update(Update::Live(Box::new(snapshot)));
    };
    let mut state = State::default();
    // One that ended, one that is being given back, one that is open.
    let giving_back = hold(1, 120, HoldEnd::Open, false);
    let open = hold(2, 140, HoldEnd::Open, true);
    told(&mut state, 200, 3, vec![hold(0, 100, HoldEnd::Confirmed, false), giving_back, open]);
    let redis = state.running().unwrap();
    assert_eq!((redis.whole_from_ns, redis.holds.len(), redis.open.len()), (Some(7), 1, 2));
    // The one that was being given back comes again, once; nothing is missing.
    told(&mut state, 400, 4, vec![hold(1, 120, HoldEnd::Confirmed, false), open, hold(3, 150, HoldEnd::Open, false)]);
    let redis = state.running().unwrap();
    assert_eq!((redis.whole_from_ns, redis.holds.len(), redis.open.len()), (Some(7), 2, 2));
    // Ten grants of which two holds are known: those of client 3 and 2, in order of answers.
    // A client that invokes again after an answer that is known was not seen before it.
    let after = [
        hold(3, 350, HoldEnd::Confirmed, false),
        hold(2, 360, HoldEnd::Confirmed, false),
        hold(3, 380, HoldEnd::Confirmed, false),
    ];
    told(&mut state, 600, 20, after.to_vec());
    assert_eq!(state.running().unwrap().whole_from_ns, Some(375));
    // Of no client two holds are known.
    told(&mut state, 800, 40, vec![hold(5, 700, HoldEnd::Confirmed, false)]);
    assert_eq!(state.running().unwrap().whole_from_ns, None);
}

#[test]
fn lints_are_told_after_each_trial_and_are_those_of_the_report_at_the_end() {
    use std::sync::Arc;

    use lockbench_report::lint::{Ground, LintLevels};
    let (plan, _) = lockbench_core::workload::parse("x.toml", "clients = 16", &["hold=1ms".to_owned()]).unwrap();
    let mut state = State::default();
    let mut told = Vec::new();
    for mut update in crate::sample::updates() {
        if let Update::Run(facts) = &mut update {
            let environment = lockbench_report::Environment { cores: facts.cores, ..Default::default() };
            facts.lints = Some(Arc::new(Ground {
                plan: plan.clone(),
                levels: LintLevels::default(),
                embedded: vec!["memory", "control:no-lock"],
                nagle: vec!["zookeeper"],
                environment,
                ceiling_cycles_per_s: facts.ceiling_cycles_per_s,
                ceiling_others_share: Some(0.0),
            }));
        }
        let ended = matches!(update, Update::Ended(_));
        state.update(update);
        if ended {
            let found = state.lints.as_ref().unwrap();
            told.push(found.iter().find(|finding| finding.name == "fsync-off").map(|f| f.message.clone()));
        }
    }
    let postgres = "postgres:advisory: grants are kept in memory only";
    assert_eq!(told[0].as_deref(), Some(postgres));
    assert_eq!(told[1], Some(format!("{postgres}; redis: answered before the disk was synchronised")));
    assert_eq!(state.lints.as_ref(), state.over.as_ref().map(|report| &report.lints));
    let fsync = state.lints.unwrap().into_iter().find(|finding| finding.name == "fsync-off").map(|f| f.message);
    assert_eq!(fsync, told[1]);
    assert_eq!(state.trials.len(), 5);
}

/// A reader that takes a snapshot only every so often, and folds what it takes.
struct Reader {
    every: usize,
    asked: std::cell::Cell<usize>,
    state: State,
    /// The last state before each end of a trial.
    before: Vec<State>,
}

impl lockbench_report::live::Listener for Reader {
    fn tell(&mut self, update: Update) {
        if matches!(update, Update::Ended(_)) {
            self.before.push(self.state.clone());
        }
        self.state.update(update);
    }

    fn wants_snapshot(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.asked.get().is_multiple_of(self.every)
    }
}

#[test]
fn a_replay_shows_the_same_curve_at_every_speed_and_to_every_reader() {
    use lockbench_report::live::{Tempo, by_hand, replay};
    for kept in [Some(u64::MAX), Some(100), None] {
        let stored = by_hand::stored(2, kept);
        let told = |speed: f64, every: usize| {
            let mut reader =
                Reader { every, asked: std::cell::Cell::default(), state: State::default(), before: vec![] };
            let wall = by_hand::wall();
            replay(&stored.run, stored.directory.path(), &Tempo::new(speed), &wall, &mut reader).unwrap();
            reader.before
        };
        let first = told(1.0, 1);
        assert_eq!(first.len(), 2);
        for (speed, every) in [(0.3, 1), (5.0, 1), (5.0, 7), (20.0, 3), (100.0, 1), (1_000.0, 1), (1_000.0, 1_000)] {
            for (one, other) in first.iter().zip(told(speed, every)) {
                let (one, other) = (one.running().unwrap(), other.running().unwrap());
                assert_eq!(one.seconds, other.seconds, "{speed}, {every}, {kept:?}");
                assert_eq!((&one.beats, &one.heat), (&other.beats, &other.heat), "{speed}, {every}, {kept:?}");
            }
        }
        // And they are those of the file.
        let windows = stored.run.measured[0].windows.iter().map(|window| window.grants);
        let shown = first[0].running().unwrap().seconds.iter().map(|second| second.grants);
        assert_eq!(shown.collect::<Vec<_>>(), windows.collect::<Vec<_>>());
    }
}

use super::super::fixture::{measured, report, trial};
use super::super::{Measurements, OwnCost, Pace, Report, TrialResult, Turn};
use super::{Evidence, LINTS, Lint, LintLevel, LintLevels, Linted, lint};
use lockbench_core::lock::{Away, Nodes, NodesOfTrial};
use lockbench_core::record::figures::{Mark, MarkKind};
use lockbench_core::workload::{Plan, parse};

/// A run that lints look at, changed by a test.
struct Run {
    report: Report,
    measured: Vec<Measurements>,
    plan: Plan,
}

/// Two systems with nothing to find.
fn clean() -> Run {
    let sets = ["hold=1ms".to_owned(), "ttl=10s".to_owned()];
    let (plan, _) = parse("x.toml", "clients = 4", &sets).unwrap_or_else(|error| panic!("{error}"));
    Run {
        report: report(vec![trial("redis", 1), trial("zookeeper", 1), trial("memory", 1)]),
        measured: vec![measured("redis", 1, &[4_000; 8]), measured("zookeeper", 1, &[3_900; 8])],
        plan,
    }
}

impl Run {
    fn linted(&self, levels: &LintLevels, nagle: &[&str]) -> Linted {
        let evidence = Evidence {
            report: &self.report,
            measured: &self.measured,
            plan: &self.plan,
            embedded: &["memory", "sqlite"],
            nagle,
        };
        lint(&evidence, levels)
    }
}

fn levels(name: &str, level: LintLevel) -> LintLevels {
    let mut levels = LintLevels::default();
    LINTS.iter().try_for_each(|lint| levels.set(lint.name, LintLevel::Allow)).unwrap_or_else(|error| panic!("{error}"));
    levels.set(name, level).unwrap_or_else(|error| panic!("{error}"));
    levels
}

/// What one lint says of a run that a test changed.
fn says(name: &str, change: impl FnOnce(&mut Run)) -> Option<String> {
    let mut run = clean();
    change(&mut run);
    let found = run.linted(&levels(name, LintLevel::Warn), &["zookeeper"]).findings;
    assert!(found.len() < 2 && found.iter().all(|finding| finding.name == name && !finding.advice.is_empty()));
    found.into_iter().next().map(|finding| finding.message)
}

/// Why a lint that is denied cannot be judged.
fn cannot_say(name: &str, change: impl FnOnce(&mut Run)) -> String {
    let mut run = clean();
    change(&mut run);
    let linted = run.linted(&levels(name, LintLevel::Deny), &[]);
    assert_eq!(linted.findings, []);
    linted.undecided.first().map(|(_, why)| why.clone()).unwrap_or_default()
}

fn first(run: &mut Run) -> &mut TrialResult {
    &mut run.report.results[0]
}

fn told(name: &str, change: impl FnOnce(&mut Run), message: &str) {
    assert_eq!(says(name, change).as_deref(), Some(message));
}

fn silent(name: &str, change: impl FnOnce(&mut Run)) {
    assert_eq!(says(name, change), None);
}

#[test]
fn a_clean_run_has_no_finding_and_every_lint_can_be_judged() {
    let mut all = LintLevels::default();
    LINTS.iter().for_each(|lint| all.set(lint.name, LintLevel::Deny).unwrap());
    assert_eq!(clean().linted(&all, &[]), Linted::default());
}

#[test]
fn names_are_unique_and_each_lint_says_what_to_do_in_one_line() {
    let mut names: Vec<&str> = LINTS.iter().map(|lint| lint.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), LINTS.len());
    for lint in LINTS {
        let texts = [lint.looks_for, lint.advice];
        assert!(
            texts.iter().all(|text| !text.contains('\n') && !text.ends_with('.') && text.len() < 220),
            "{}",
            lint.name
        );
    }
}

#[test]
fn an_unknown_lint_gets_its_nearest_and_the_last_level_counts() {
    let mut levels = LintLevels::default();
    let near = levels.set("fsync-of", LintLevel::Deny).unwrap_err();
    assert_eq!(near, "unknown lint \"fsync-of\": did you mean \"fsync-off\"?; `lockbench lints` lists all");
    assert_eq!(levels.set("x", LintLevel::Deny).unwrap_err(), "unknown lint \"x\"; `lockbench lints` lists all");
    assert_eq!((levels.of("loopback"), levels.of("self-stall")), (LintLevel::Allow, LintLevel::Warn));
    levels.set("loopback", LintLevel::Warn).unwrap();
    levels.set("loopback", LintLevel::Deny).unwrap();
    assert_eq!(levels.of("loopback"), LintLevel::Deny);
}

#[test]
fn one_finding_names_all_systems_and_allowed_lints_leave_none() {
    let stock = |run: &mut Run| {
        for result in &mut run.report.results {
            result.durability = "appendonly no, save 3600 1 (stock)".into();
        }
        run.report.results[2].durability = "none: x".into();
    };
    told(
        "fsync-off",
        stock,
        "redis, zookeeper: answered before the disk was synchronised; memory: grants are kept in memory only",
    );
    let mut run = clean();
    stock(&mut run);
    let finding = |level| run.linted(&levels("fsync-off", level), &[]).findings.into_iter().next();
    assert_eq!(finding(LintLevel::Allow), None);
    let denied = finding(LintLevel::Deny).unwrap();
    assert_eq!((denied.level, denied.backend), (LintLevel::Deny, None));
}

#[test]
fn generator_saturated() {
    let detail = "redis: clients were held back 7 times by the recorder";
    told("generator-saturated", |run| first(run).throttled = 7, detail);
    let near = "redis: 500 000 grants/s are 50 % of the 1 000 000 cycles/s that lockbench can make here";
    told("generator-saturated", |run| first(run).throughput_per_s = Some(500_000.0), near);
    silent("generator-saturated", |run| first(run).throughput_per_s = Some(499_000.0));
    // The floor is lockbench itself.
    silent("generator-saturated", |run| run.report.results[2].throughput_per_s = Some(1e6));
    let why = cannot_say("generator-saturated", |run| run.report.tool.ceiling_cycles_per_s = None);
    assert_eq!(why, "the ceiling of lockbench was not measured");
}

#[test]
fn a_generator_that_ends_holds_late_says_so() {
    let held =
        |p50, min| move |run: &mut Run| (first(run).latency.hold.p50_ns, first(run).latency.hold.min_ns) = (p50, min);
    let detail =
        "redis: half of the holds lasted 250 ms or more where the plan asks for 1.00 ms at most: lockbench was late";
    told("generator-saturated", held(Some(250_000_000), Some(1_000_000)), detail);
    let detail =
        "redis: all of the holds lasted 6.00 ms or more where the plan asks for 1.00 ms at most: lockbench was late";
    told("generator-saturated", held(None, Some(6_000_000)), detail);
    silent("generator-saturated", held(Some(5_900_000), Some(1_000_000)));
    // A renewal on the way may have kept the client.
    silent("generator-saturated", |run| {
        held(Some(250_000_000), None)(run);
        run.plan = parse("x.toml", "clients = 4", &["hold=100ms".to_owned(), "renewal=50ms".to_owned()]).unwrap().0;
    });
}

#[test]
fn ceiling_on_busy_machine() {
    let others = |share| move |run: &mut Run| run.report.tool.ceiling_others_share = share;
    let detail = "other processes used 37 % of all processors while the ceiling of 1 000 000 cycles/s was measured";
    told("ceiling-on-busy-machine", others(Some(0.37)), detail);
    silent("ceiling-on-busy-machine", others(Some(0.2)));
    let why = cannot_say("ceiling-on-busy-machine", others(None));
    assert_eq!(why, "what other processes used at the calibration was not measured");
}

#[test]
fn unserved_attempts() {
    let share = |unavailable, unknown| {
        move |run: &mut Run| (first(run).unavailable, first(run).unknown) = (unavailable, unknown)
    };
    let detail = "redis: 200 of 20 000 attempts (1.00 %) were not served or not answered";
    told("unserved-attempts", share(150, 50), detail);
    silent("unserved-attempts", share(150, 49));
    // However few attempts wait for it: a dark second is an outage.
    let detail =
        "redis: 1 of 20 000 attempts (less than 0.01 %) was not served or not answered; nothing was granted for 2.00 s";
    told(
        "unserved-attempts",
        |run| {
            share(1, 0)(run);
            run.measured[0] = measured("redis", 1, &[4_000, 0, 0, 4_000, 4_000, 4_000, 4_000, 4_000]);
            (3..6).for_each(|second| run.measured[0].windows[second].unserved = 1);
        },
        detail,
    );
    // Those that began in the warm-up are no attempts of the measure phase.
    let detail = "redis: attempts of the warm-up were not served or not answered; nothing was granted for 2.00 s";
    told(
        "unserved-attempts",
        |run| {
            run.measured[0] = measured("redis", 1, &[4_000, 0, 0, 4_000, 4_000, 4_000, 4_000, 4_000]);
            (1..6).for_each(|second| run.measured[0].windows[second].unserved = 1);
        },
        detail,
    );
}

#[test]
fn clients_without_a_turn() {
    let grants = |grants: &'static [u64]| move |run: &mut Run| run.measured[0].grants_of = grants.to_vec();
    told("clients-without-a-turn", grants(&[3, 0, 9, 0]), "redis: 2 of 4 clients never got a turn");
    silent("clients-without-a-turn", grants(&[3, 1, 9, 1]));
    // Nothing at all was granted: the verdict says it.
    silent("clients-without-a-turn", grants(&[0, 0]));
}

#[test]
fn window_below_one_turn() {
    let grants = |clients, grants| {
        move |run: &mut Run| {
            run.measured[0] = measured("redis", 1, &[4]);
            (run.measured[0].clients, run.measured[0].counts.grants_in_window) = (clients, grants);
        }
    };
    let detail = "redis: 4 grants in 1.00 s, for 65 535 clients: one turn of each takes about 2h 16m";
    told("window-below-one-turn", grants(65_535, 4), detail);
    // Most came behind the end of measuring.
    let detail = "redis: 4 grants in 1.00 s, for 65 535 clients: one turn of each takes about 1m 05s";
    told(
        "window-below-one-turn",
        |run| {
            grants(65_535, 4)(run);
            run.measured[0].windows[0].grants = 2_986;
        },
        detail,
    );
    silent("window-below-one-turn", grants(4, 4));
    silent("window-below-one-turn", grants(4, 0));
}

#[test]
fn tool_costs() {
    let costly = |rate: f64| {
        move |run: &mut Run| {
            let bare = Pace { cycles_per_s: 1_000.0, p50_ns: 1e6, p99_ns: Some(2e6), cpu_ns: 20_000.0 };
            let turns = vec![Turn { bare, run: Pace { cycles_per_s: rate, ..bare }, recorder_cpu_ns: None }];
            let cost = OwnCost { backend: "redis".to_owned(), clients: 64, turns, ..OwnCost::default() };
            run.report.tool.own_costs = vec![cost];
        }
    };
    let detail = "redis: lockbench made 70 % of the grants/s of a bare loop of 64 clients over the same library; it adds no \
                  processor time: the order in which its threads run is another";
    told("tool-costs", costly(700.0), detail);
    silent("tool-costs", costly(950.0));
}

#[test]
fn client_cpu_bound() {
    let busy = |run: &mut Run| first(run).resources.client_cpu_s = Some(13.0);
    told("client-cpu-bound", busy, "redis: lockbench used 65 % of 4 processors");
    silent("client-cpu-bound", |run| first(run).resources.client_cpu_s = Some(11.9));
    // A system inside lockbench may use them, if it grants for that.
    let inside = |rate| {
        move |run: &mut Run| {
            run.report.results[2].resources.client_cpu_s = Some(19.0);
            run.report.results[2].throughput_per_s = Some(rate);
        }
    };
    silent("client-cpu-bound", inside(200_000.0));
    told("client-cpu-bound", inside(4.0), "memory: lockbench used 95 % of 4 processors");
    let why = cannot_say("client-cpu-bound", |run| first(run).resources.client_cpu_s = None);
    assert_eq!(why, "redis: the processor time of lockbench was not measured");
}

#[test]
fn too_few_samples() {
    let count = |count| move |run: &mut Run| run.report.aggregates[1].latency.acquire_service.count = count;
    told("too-few-samples", count(999), "redis: 999 grants, a p99 needs 1 000");
    told("too-few-samples", count(0), "redis: 0 grants, a p99 needs 1 000");
    silent("too-few-samples", count(1_000));
    // A system that failed says so itself.
    silent("too-few-samples", |run| {
        count(0)(run);
        first(run).error = Some("died".to_owned());
    });
}

#[test]
fn percentiles_censored() {
    let lost = |grants, timed_out| {
        move |run: &mut Run| {
            (run.measured[0].counts.grants, run.measured[0].counts.timed_out) = (grants, timed_out);
        }
    };
    let detail = "redis: 2.00 % of the attempts ended without a grant: p99, p999 unknown";
    told("percentiles-censored", lost(19_600, 400), detail);
    let detail = "redis: 0.50 % of the attempts ended without a grant: p999 unknown";
    told("percentiles-censored", lost(19_900, 100), detail);
    silent("percentiles-censored", lost(19_990, 10));
    // A p999 of so few is missing anyway.
    silent("percentiles-censored", lost(1_990, 10));
    // Merged: the other trial makes up for it.
    silent("percentiles-censored", |run| {
        lost(1_000, 30)(run);
        run.measured.push(measured("redis", 2, &[4_000; 8]));
        run.measured[2].counts.grants = 100_000;
    });
}

#[test]
fn fsync_off() {
    let durability = |text: &'static str| move |run: &mut Run| first(run).durability = text.into();
    let everysec = durability("appendonly yes, appendfsync everysec, save 60 1");
    told("fsync-off", everysec, "redis: answered before the disk was synchronised");
    silent("fsync-off", durability("appendonly yes, appendfsync always, save 60 1"));
    silent("fsync-off", |run| {
        run.report.results[2].durability = "none: lives and dies with the process".into();
        run.report.results[2].guarantees["waiting"] = "in-process".into();
    });
    let why = cannot_say("fsync-off", durability("not readable (CONFIG refused)"));
    assert_eq!(why, "redis: its durability is \"not readable (CONFIG refused)\"");
}

#[test]
fn single_node() {
    let quorum = |text: &'static str| move |run: &mut Run| first(run).quorum = text.into();
    told("single-node", quorum("1 of 1"), "redis: one node");
    silent("single-node", quorum("3 of 5"));
    silent("single-node", |run| run.report.results[2].quorum = "in process".into());
    assert_eq!(cannot_say("single-node", quorum("wax")), "redis: its quorum is \"wax\"");
}

#[test]
fn nodes_lost() {
    let away = |address: &str| Err(Away { address: address.to_owned(), problem: "refused".to_owned() });
    let ends = |start: &Nodes, end: &Nodes| {
        let nodes = NodesOfTrial { start: Some(start.clone()), end: Some(end.clone()) };
        move |run: &mut Run| first(run).nodes = nodes
    };
    let whole = Nodes::of([Ok(()), Ok(()), Ok(())], 2, 3);
    let two = Nodes::of([Ok(()), Ok(()), away("c:1")], 2, 3);
    told("nodes-lost", ends(&whole, &two), "redis: 2 of 3 nodes at the end (c:1 away)");
    told("nodes-lost", ends(&two, &whole), "redis: 2 of 3 nodes at the start (c:1 away)");
    told("nodes-lost", ends(&two, &two), "redis: 2 of 3 nodes at the end (c:1 away)");
    silent("nodes-lost", ends(&whole, &whole));
    // A node whose address was not given is not known to be away.
    silent("nodes-lost", ends(&Nodes::of([Ok(())], 2, 3), &Nodes::of([Ok(())], 2, 3)));
}

#[test]
fn standby() {
    let copy = |run: &mut Run| {
        first(run).caveats.standby = true;
        first(run).server_role = "standby (in recovery)".to_owned();
    };
    let detail = "redis: its server is a copy of another one (standby (in recovery)): a lock granted there excludes \
                  no client of the primary";
    told("standby", copy, detail);
    silent("standby", |run| first(run).server_role = "master".to_owned());
}

#[test]
fn pooled_connection() {
    let seen = |run: &mut Run| first(run).caveats.pooler = Some("two connections, one process".to_owned());
    told("pooled-connection", seen, "redis: a pooler stands between: two connections, one process");
    silent("pooled-connection", |_| {});
}

#[test]
fn same_server_twice() {
    let twice = |run: &mut Run| first(run).caveats.same_server = vec![vec!["a:1".to_owned(), "b:1".to_owned()]];
    told("same-server-twice", twice, "redis: a:1 and b:1 are one server");
    silent("same-server-twice", |_| {});
}

#[test]
fn ttl_below_hold() {
    let lease = |ms| move |run: &mut Run| first(run).effective_ttl_ms = Some(ms);
    let detail = "redis: a hold may last 1.00 ms on a lease of 1.00 ms without renewal";
    told(
        "ttl-below-hold",
        |run| {
            lease(1.0)(run);
            first(run).latency.hold.max_ns = None
        },
        detail,
    );
    let detail = "redis: a hold lasted 2.00 ms on a lease of 1.50 ms without renewal";
    told("ttl-below-hold", lease(1.5), detail);
    silent("ttl-below-hold", lease(2.1));
    silent("ttl-below-hold", |run| {
        lease(1.0)(run);
        first(run).guarantees["renewal"] = "heartbeat".into();
    });
    for set in ["renewal=500us", "expect=[\"outside\"]"] {
        silent("ttl-below-hold", |run| {
            lease(1.0)(run);
            run.plan = parse("x.toml", "clients = 4", &[set.to_owned()]).unwrap().0;
        });
    }
    let why = cannot_say("ttl-below-hold", |run| first(run).effective_ttl_ms = None);
    assert_eq!(why, "redis: no lease was granted, so none could be read back");
}

#[test]
fn nagle_on() {
    told("nagle-on", |_| {}, "zookeeper: its client library sets no TCP_NODELAY and offers no way to");
    let local = "servers on the same machine as the load, over loopback: no network delay";
    silent("nagle-on", |run| run.report.environment.placement = local.to_owned());
    silent("nagle-on", |run| run.report.results[1].backend = "etcd".to_owned());
}

#[test]
fn loopback() {
    let here = |run: &mut Run| run.report.environment.placement = "over loopback: no network".to_owned();
    told("loopback", here, "over loopback: no network");
    silent("loopback", |_| {});
    silent("loopback", |run| {
        here(run);
        run.report.results.retain(|result| result.backend == "memory");
    });
}

#[test]
fn clock_step() {
    let step = |ns| move |run: &mut Run| run.report.environment.clock_step_ns = Some(ns);
    told("clock-step", step(1_500_000_000), "the wall clock moved forward by 1.50 s against the monotonic clock");
    told("clock-step", step(-10_000_000), "the wall clock moved back by 10.0 ms against the monotonic clock");
    silent("clock-step", step(9_999_999));
    let why = cannot_say("clock-step", |run| run.report.environment.clock_step_ns = None);
    assert_eq!(why, "the clocks were not compared");
}

#[test]
fn warm_up_not_steady() {
    let seconds = |grants: &'static [u64]| move |run: &mut Run| run.measured[0] = measured("redis", 1, grants);
    let detail = "redis: 2 950 grants/s in the first 2 s of measuring, 4 000 grants/s in the other 6 s";
    told("warm-up-not-steady", seconds(&[2_900, 3_000, 4_000, 4_010, 3_990, 4_000, 4_000, 4_000]), detail);
    // A fifth is no drift, nor is noise.
    silent("warm-up-not-steady", seconds(&[3_300, 3_300, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000]));
    silent("warm-up-not-steady", seconds(&[2_900, 3_000, 4_000, 6_000, 2_000, 5_000, 3_000, 4_000]));
    told(
        "warm-up-not-steady",
        |run| {
            seconds(&[40, 40, 0, 0, 0, 0, 0, 0])(run);
            run.measured.push(measured("redis", 2, &[40; 8]));
        },
        "redis: 1 of 2 trials, for example 40.0 grants/s in the first 2 s of measuring, 0.00 grants/s in the other 6 s",
    );
    // What a pause left out is no drift.
    silent("warm-up-not-steady", |run| {
        seconds(&[4_000, 0, 0, 4_000, 4_000, 4_000, 4_000, 4_000])(run);
        run.measured[0].marks = vec![pause(3_100_000_000, 4_900_000_000)];
    });
    let why = cannot_say("warm-up-not-steady", seconds(&[1, 100, 100]));
    assert_eq!(why, "redis: 3 whole seconds were measured, telling needs 5");
}

fn pause(from_ns: u64, to_ns: u64) -> Mark {
    Mark { from_ns, to_ns, kind: MarkKind::Pause, number: 1 }
}

#[test]
fn load_paused() {
    let twice = |run: &mut Run| {
        run.measured[0].marks = vec![pause(0, 1_500_000_000), pause(4_000_000_000, 6_000_000_000)];
    };
    told("load-paused", twice, "redis: the load was paused by hand for 3.50 s");
    let once = |run: &mut Run| {
        run.measured.push(measured("redis", 2, &[40; 8]));
        run.measured[0].marks = vec![pause(0, 1_500_000_000)];
    };
    told("load-paused", once, "redis: the load was paused by hand for 1.50 s, in 1 of 2 trials");
    silent("load-paused", |run| run.measured[0].marks = vec![Mark { kind: MarkKind::Marker, ..pause(5, 5) }]);
}

#[test]
fn self_stall() {
    told("self-stall", |run| first(run).self_stalls = 2, "redis: 2 stalls of lockbench itself while measuring");
    told("self-stall", |run| first(run).self_stalls = 1, "redis: 1 stall of lockbench itself while measuring");
    silent("self-stall", |_| {});
}

#[test]
fn every_lint_has_a_test_in_which_it_speaks_and_one_in_which_it_is_silent() {
    let tests = include_str!("tests.rs");
    for Lint { name, .. } in LINTS {
        for verb in ["told", "silent"] {
            assert!(tests.contains(&format!("    {verb}(\"{name}\", ")), "no {verb}(\"{name}\", ...)");
        }
    }
}

#[test]
fn history_lost_events() {
    told("history-lost-events", |run| first(run).events_lost = 1_200, "redis: 1 200 events were lost");
    silent("history-lost-events", |_| {});
}

//! A load that is paused and marked by hand: what the engine does with it, in virtual
//! time and in real time, and that a stored history of it is judged the same again.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::support::cli::{Place, Ran};
use lockbench::backend::{self, Target};
use lockbench::clock::Clock;
use lockbench::load::{Armed, Spec, Steering, Tick, run_virtual};
use lockbench::lock::{Facts, Key};
use lockbench::oracle::{Findings, JudgedHistory, Oracle};
use lockbench::record::TrialReport;
use lockbench::record::figures::{Figures, Mark, MarkKind, Schedule};
use lockbench::record::history::{Header, HistoryFile, Recorded, TrialHistory};
use lockbench::record::{Event, Observer, What};
use lockbench::report::{self, Measured, Measurements, RecordedRun, Resources, TrialResult};
use lockbench::stop::Stop;
use lockbench::workload::{Plan, parse};
use serde_json::json;

const MS: u64 = 1_000_000;

/// Eight clients on one key, a hold of 1 ms: 1 000 grants a second, whatever happens.
const HOT: &str = "clients = 8\nkeys = \"single\"\nhold = \"1ms\"\nttl = \"4s\"\nwarmup = \"1s\"\nduration = \"10s\"\n\
                   acquire = { mode = \"wait\", timeout = \"5s\" }\nbackends = [\"memory\"]\n";

/// What a person does, milliseconds after the start of the warm-up.
#[derive(Clone, Copy)]
enum Hand {
    Pause,
    Resume,
    Marker,
    Stop,
}

/// Keeps every event.
#[derive(Default)]
struct All(Vec<Event>);

impl Observer for All {
    fn observe(&mut self, event: &Event) {
        self.0.push(*event);
    }
}

struct Trial {
    plan: Plan,
    figures: Figures,
    findings: Findings,
    events: Vec<Event>,
    engine: TrialReport,
    schedule: Schedule,
    recorded: Option<Recorded>,
}

fn plan(text: &str) -> Plan {
    parse("steering.toml", text, &[]).unwrap().0
}

fn spec(plan: &Plan, clock: Clock, stop: &Stop, steering: &Steering) -> Spec {
    let target = Target {
        endpoints: Vec::new(),
        namespace: "steering".to_owned(),
        ours: true,
        scratch: PathBuf::new(),
        clock,
        options: Default::default(),
    };
    let keys: Arc<[Key]> =
        (0..plan.count_of_keys()).map(|index| Key { index, name: format!("k{index}").into() }).collect();
    Spec {
        system: (backend::Registry::builtin().find("memory").unwrap().connect)(target).unwrap(),
        plan: Arc::new(plan.clone()),
        ttl_ns: plan.ttl_ns,
        trial: 1,
        keys,
        clock,
        workers: 1,
        stop: stop.clone(),
        steering: steering.clone(),
        faults: None,
        truth: None,
        grids: Default::default(),
        processes: None,
    }
}

fn header(plan: &Plan, schedule: &Schedule) -> Header {
    Header {
        backend: "memory".to_owned(),
        trial: 1,
        clients: plan.clients,
        keys: plan.count_of_keys(),
        start: schedule.start,
        measure: schedule.measure(),
        end: schedule.end(),
    }
}

/// Runs it in virtual time; `limit` attempts of its history go to `path`.
async fn steered(text: &str, hands: &[(u64, Hand)], path: &Path, limit: u64) -> Trial {
    let plan = plan(text);
    let clock = Clock::virtual_time();
    let (stop, steering) = (Stop::new(), Steering::default());
    let spec = spec(&plan, clock, &stop, &steering);
    spec.system.prepare(&spec.keys).await.unwrap();
    let schedule = Schedule::new(clock.now() + MS, plan.warmup_ns, plan.duration_ns);
    let (clients, keys) = (plan.clients, plan.count_of_keys());
    let mut figures = Figures::new(schedule.clone(), clients, keys);
    let oracle = Oracle::new(clients, keys, schedule.start);
    let mut file = HistoryFile::create(path).unwrap();
    let history = TrialHistory::begin(&mut file, &header(&plan, &schedule), limit, oracle.violations());
    let (mut judged, mut all) = (JudgedHistory::new(oracle, Some(history)), All::default());
    let script = async {
        for (at, hand) in hands {
            tokio::time::sleep(Duration::from_nanos((schedule.start + at * MS).saturating_sub(clock.now()))).await;
            match hand {
                Hand::Pause => steering.pause(),
                Hand::Resume => steering.resume(),
                Hand::Marker => assert!(steering.mark(clock.now())),
                Hand::Stop => stop.drain(),
            }
        }
        std::future::pending::<()>().await;
    };
    let mut observers: [&mut dyn Observer; 3] = [&mut figures, &mut judged, &mut all];
    let engine = tokio::select! {
        engine = run_virtual(spec, &schedule, &mut observers) => engine.unwrap(),
        () = script => unreachable!(),
    };
    let (findings, recorded) = judged.finish();
    file.finish().unwrap();
    assert!(!steering.mark(1), "no load runs that could take it");
    Trial { plan, figures, findings, events: all.0, engine, schedule, recorded }
}

impl Trial {
    fn result(&self) -> TrialResult {
        report::result(&Measured {
            backend: "memory",
            workload: &self.plan.name,
            trial: 1,
            guarantees: &backend::Registry::builtin().find("memory").unwrap().guarantees,
            facts: &Facts::default(),
            origin: self.schedule.start,
            measured_ns: self.schedule.end() - self.schedule.measure(),
            figures: &self.figures,
            findings: &self.findings,
            engine: &self.engine,
            recorded: self.recorded,
            resources: Resources::default(),
            ttl_raised: false,
            workers: 1,
            clients: 1,
            section: Default::default(),
            access: Default::default(),
        })
    }

    fn measurements(&mut self) -> Measurements {
        Measurements {
            backend: "memory".to_owned(),
            trial: 1,
            start_ns: self.schedule.start,
            warmup_ns: self.schedule.measure() - self.schedule.start,
            measured_ns: self.schedule.end() - self.schedule.measure(),
            clients: self.plan.clients,
            keys: self.plan.count_of_keys(),
            counts: *self.figures.counts(),
            latencies: self.figures.latencies().clone(),
            windows: self.figures.series(),
            double_grants: self.findings.per_second.clone(),
            grants_of: self.figures.grants_per_client().to_vec(),
            longest_wait_of: self.figures.longest_waits().to_vec(),
            marks: self.figures.marks().to_vec(),
        }
    }

    fn pauses(&self) -> Vec<&Mark> {
        self.figures.marks().iter().filter(|mark| mark.kind == MarkKind::Pause).collect()
    }

    /// Begin and end of each pause in milliseconds since the start of the warm-up.
    fn pauses_ms(&self) -> Vec<(u64, u64)> {
        let ms = |t: u64| (t - self.schedule.start + MS / 2) / MS;
        self.pauses().iter().map(|pause| (ms(pause.from_ns), ms(pause.to_ns))).collect()
    }

    /// No attempt begins in a pause, and phases and figures are those of one that was not paused.
    fn adds_up(&self, loaded_ms: u64) {
        for pause in self.pauses() {
            let inside = |event: &&Event| pause.from_ns < event.t && event.t < pause.to_ns;
            let began = self.events.iter().filter(inside).filter(|event| matches!(event.what, What::Invoke { .. }));
            assert_eq!(began.count(), 0);
        }
        let result = self.result();
        near(result.measured_s, loaded_ms as f64 / 1e3, 0.002);
        let gross = (self.schedule.end() - self.schedule.measure()) as f64 / 1e9;
        near(result.measured_s + result.paused_s, gross, 1e-9);
        near(result.throughput_per_s.unwrap(), 1_000.0, 5.0);
        // Nobody waits longer than seven others hold, also who waits while the load is paused.
        assert!(result.fairness.longest_wait_ns <= 8 * MS + MS / 10);
        assert!(self.figures.latencies().acquire_response.max().unwrap() <= 8 * MS + MS / 10);
        assert_eq!(result.safety.double_grants_certain, 0);
        assert!(self.events.is_sorted_by_key(|event| event.t));
    }
}

fn near(found: f64, expected: f64, slack: f64) {
    assert!((found - expected).abs() <= slack, "{found}, expected {expected} +- {slack}");
}

#[tokio::test(start_paused = true)]
async fn pauses_lengthen_the_phases_and_are_in_no_figure() {
    use Hand::{Pause, Resume};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl.gz");
    let plain = steered(HOT, &[], &path, u64::MAX).await;
    plain.adds_up(10_000);
    assert_eq!((plain.schedule.measure() - plain.schedule.start) / MS, 1_000);
    for (hands, warmup_ms, pauses) in [
        (vec![(400, Pause), (3_000, Resume)], 3_600, 1),
        (vec![(2_000, Pause), (2_700, Resume), (5_000, Pause), (65_000, Resume)], 1_000, 2),
        (vec![(500, Pause), (900, Resume), (1_300, Pause), (1_310, Resume), (4_000, Pause), (4_500, Resume)], 1_410, 3),
        // Asked for twice, and taken back before the engine has looked.
        (vec![(2_000, Pause), (2_100, Pause), (2_200, Resume), (2_300, Resume)], 1_000, 1),
        (vec![(2_000, Pause), (2_000, Resume), (2_000, Pause), (2_000, Resume)], 1_000, 0),
        // Too late: nothing is left to pause.
        (vec![(11_003, Pause)], 1_000, 0),
    ] {
        let trial = steered(HOT, &hands, &path, u64::MAX).await;
        trial.adds_up(10_000);
        let warmup = (trial.schedule.measure() - trial.schedule.start) as f64 / 1e9;
        near(warmup, warmup_ms as f64 / 1e3, 0.005);
        assert_eq!(trial.pauses().len(), pauses);
        let grants = (plain.figures.counts().grants, trial.figures.counts().grants);
        assert!(grants.0.abs_diff(grants.1) <= 8 * (pauses as u64 + 1), "{grants:?}");
        assert!(!trial.engine.cut_short);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_asked_for_before_the_start_holds_the_first_attempt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl.gz");
    let trial = steered(HOT, &[(0, Hand::Pause), (2_000, Hand::Resume)], &path, u64::MAX).await;
    trial.adds_up(10_000);
    let first = trial.events.iter().find(|event| matches!(event.what, What::Invoke { .. })).unwrap();
    // A client may have had its turn before the engine looked.
    assert!(first.t - trial.schedule.start <= MS || first.t - trial.schedule.start >= 2_000 * MS);
}

#[tokio::test(start_paused = true)]
async fn think_time_that_ends_in_a_pause_is_charged_to_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl.gz");
    let text = format!("{HOT}think = \"50ms\"\n");
    let hands = [(2_000, Hand::Pause), (5_000, Hand::Resume)];
    let trial = steered(&text, &hands, &path, u64::MAX).await;
    assert_eq!(trial.pauses().len(), 1);
    assert!(trial.figures.latencies().acquire_response.max().unwrap() < 20 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_paused_ends_at_once_in_either_phase() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl.gz");
    let stopped = async |pause: u64, stop: u64| {
        let hands = [(pause, Hand::Pause), (stop, Hand::Stop)];
        let trial = steered(HOT, &hands, &path, u64::MAX).await;
        assert!(trial.engine.cut_short && trial.schedule.measure() <= trial.schedule.end());
        let last = trial.events.last().unwrap().t - trial.schedule.start;
        assert!(last <= (stop + 5) * MS, "{last}");
        trial
    };
    let trial = stopped(4_000, 60_000).await;
    trial.adds_up(3_000);
    near(trial.result().paused_s, 56.0, 0.005);
    let trial = stopped(400, 60_000).await;
    assert_eq!((trial.result().measured_s, trial.result().paused_s), (0.0, 0.0));
    assert_eq!(trial.pauses_ms().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_marker_is_in_the_history_with_its_number_and_its_instant() {
    use Hand::{Marker, Pause, Resume};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.jsonl.gz");
    let hands = [(300, Marker), (2_000, Marker), (2_000, Marker), (3_000, Pause), (3_500, Marker), (4_000, Resume)];
    // Only the first attempts are in the file, but all that the person did.
    for limit in [u64::MAX, 100] {
        let trial = steered(HOT, &hands, &path, limit).await;
        trial.adds_up(10_000);
        let told: Vec<(String, u64)> = trial
            .figures
            .marks()
            .iter()
            .map(|mark| (mark.name(), (mark.from_ns - trial.schedule.start + MS / 2) / MS))
            .collect();
        let expected = [("marker 1", 300), ("marker 2", 2_000), ("marker 3", 2_000), ("marker 4", 3_500)];
        let markers: Vec<(&str, u64)> =
            told.iter().filter(|(name, _)| name != "pause").map(|(name, at)| (name.as_str(), *at)).collect();
        assert_eq!(markers, expected);
        let mut again = Vec::new();
        report::replay(&path, &|_| None, &mut |replayed| again.push(replayed.figures.marks().to_vec())).unwrap();
        assert_eq!(again, [trial.figures.marks()]);
    }
}

/// A run of the binary whose trial is replaced by this one.
fn store(place: &Place, text: &str, trial: &mut Trial) -> PathBuf {
    let short = text.replace("10s", "100ms").replace("1s", "10ms");
    place.file("plan.toml", &short);
    place.run(&["run", "plan.toml", "--run-id", "r"]).exits(0);
    let run = place.results().join("r");
    let (result, measured) = (trial.result(), trial.measurements());
    let mut stored: serde_json::Value = serde_json::from_slice(&fs::read(run.join("report.json")).unwrap()).unwrap();
    stored["results"] = json!([result]);
    stored["aggregates"] = json!([report::aggregate("memory", &[(&result, Some(&measured))])]);
    if result.grants == 0 {
        stored["verdict"] = json!({ "exit_code": 97, "reasons": ["nothing was granted"] });
    }
    stored["notes"] = json!(report::notes_on_marks(std::slice::from_ref(&measured)));
    fs::write(run.join("report.json"), stored.to_string()).unwrap();
    fs::write(run.join("measured.json.gz"), report::write_measured(&[measured]).unwrap()).unwrap();
    run
}

fn verify(place: &Place) -> Ran {
    place.run(&["verify", "r"])
}

#[tokio::test(start_paused = true)]
async fn verify_agrees_on_paused_trials_and_on_one_stopped_while_paused() {
    use Hand::{Marker, Pause, Resume, Stop};
    for (hands, limit) in [
        (vec![(400, Pause), (900, Resume), (2_000, Marker), (3_000, Pause), (9_000, Resume)], u64::MAX),
        (vec![(400, Pause), (900, Resume), (3_000, Pause), (5_000, Stop)], u64::MAX),
        (vec![(400, Pause), (900, Resume), (3_000, Pause), (5_000, Resume), (6_000, Stop)], u64::MAX),
        (vec![(400, Pause), (900, Stop)], u64::MAX),
        (vec![(400, Pause), (900, Resume), (3_000, Pause), (9_000, Resume)], 1_500),
    ] {
        let place = Place::new();
        let history = place.path().join("history.jsonl.gz");
        let mut trial = steered(HOT, &hands, &history, limit).await;
        let run = store(&place, HOT, &mut trial);
        fs::copy(&history, run.join("history.jsonl.gz")).unwrap();
        let code = if trial.result().grants == 0 { 97 } else { 0 };
        verify(&place).exits(code).tells(&["memory trial 1: agrees on "]);
        // Charts and tables of it can be drawn, and say what happened.
        place.run(&["report", "r"]).exits(0);
        let csv = fs::read_to_string(run.join("timeseries.csv")).unwrap();
        assert!(csv.contains("pause"), "{csv}");
        if trial.result().complete {
            // The events alone say how the phases were moved.
            fs::remove_file(run.join("measured.json.gz")).unwrap();
            verify(&place).exits(0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_hides_a_pause_is_found_out() {
    let place = Place::new();
    let history = place.path().join("history.jsonl.gz");
    let hands = [(3_000, Hand::Pause), (9_000, Hand::Resume)];
    let mut trial = steered(HOT, &hands, &history, u64::MAX).await;
    let run = store(&place, HOT, &mut trial);
    fs::copy(&history, run.join("history.jsonl.gz")).unwrap();
    let path = run.join("report.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut stored: serde_json::Value = serde_json::from_str(&text).unwrap();
    stored["results"][0].as_object_mut().unwrap().remove("paused_s");
    fs::write(&path, stored.to_string()).unwrap();
    verify(&place).exits(1).tells(&["paused_s: the run says -, the replay "]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_broke_off_is_told_with_its_pauses() {
    use Hand::{Marker, Pause, Resume};
    let place = Place::new();
    let run = place.results().join(".r.partial");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("plan.toml"), HOT).unwrap();
    let hands = [(400, Pause), (900, Resume), (2_000, Marker), (3_000, Pause), (7_000, Resume)];
    let whole = run.join("history.jsonl.gz");
    let trial = steered(HOT, &hands, &whole, u64::MAX).await;
    let promise = |_: &str| None;
    let open = || RecordedRun { ..report::open_broken_off(&run, &promise).unwrap() };
    let told = open();
    assert_eq!(told.measured[0].marks, trial.figures.marks());
    assert_eq!(told.measured[0].warmup_ns, trial.schedule.measure() - trial.schedule.start);
    let notes = told.report.notes.join("\n");
    assert!(notes.contains("paused by hand for 4.50 s (2 times") && notes.contains("marker 1 at 2.00 s"), "{notes}");
    near(told.report.results[0].throughput_per_s.unwrap(), 1_000.0, 5.0);
    // Cut off within the second pause: the last thing that is known is an event in it.
    let lines = cut_within(&whole, "\"e\":\"pause_begins\"", 2);
    assert!(lines > 1_000);
    let told = open();
    near(told.report.results[0].measured_s, 1.5, 0.01);
    near(told.report.results[0].throughput_per_s.unwrap(), 1_000.0, 10.0);
    assert_eq!(told.measured[0].marks.len(), 3);
}

/// Ends the file a few lines after the n-th line with this text; the number of lines left.
fn cut_within(path: &Path, text: &str, nth: usize) -> usize {
    use std::io::{Read, Write};
    let mut all = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut all).unwrap();
    let lines: Vec<&str> = all.lines().collect();
    let at = lines.iter().enumerate().filter(|(_, line)| line.contains(text)).nth(nth - 1).unwrap().0;
    let kept = format!("{}\n{{\"t\":", lines[..at + 6].join("\n"));
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(kept.as_bytes()).unwrap();
    fs::write(path, out.finish().unwrap()).unwrap();
    at + 6
}

/// The engine of real runs: worker threads, the phase schedule on this one, a person on
/// another, who gets the steering and a way to wait for a millisecond of the load.
fn really(text: &str, path: &Path, person: impl FnOnce(&Steering, &dyn Fn(u64)) + Send) -> (Trial, Vec<Tick>) {
    let plan = plan(text);
    let clock = Clock::monotonic();
    let (stop, steering) = (Stop::new(), Steering::default());
    let spec = Spec { workers: 2, ..spec(&plan, clock, &stop, &steering) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(spec.system.prepare(&spec.keys)).unwrap();
    let armed = Armed::new(spec).unwrap();
    let schedule = armed.schedule();
    let (clients, keys) = (plan.clients, plan.count_of_keys());
    let mut figures = Figures::new(schedule.clone(), clients, keys);
    let oracle = Oracle::new(clients, keys, schedule.start);
    let mut file = HistoryFile::create(path).unwrap();
    let history = TrialHistory::begin(&mut file, &header(&plan, &schedule), u64::MAX, oracle.violations());
    let (mut judged, mut all) = (JudgedHistory::new(oracle, Some(history)), All::default());
    let mut ticks: Vec<Tick> = Vec::new();
    let mut tick = |tick: Tick| {
        ticks.push(tick);
        ControlFlow::Continue(())
    };
    let start = schedule.start;
    let until = |ms: u64| std::thread::sleep(Duration::from_nanos((start + ms * MS).saturating_sub(clock.now())));
    let engine = std::thread::scope(|scope| {
        scope.spawn(|| person(&steering, &until));
        armed.run(&schedule, &mut [&mut figures, &mut judged, &mut all], &mut tick).unwrap()
    });
    let (findings, recorded) = judged.finish();
    file.finish().unwrap();
    (Trial { plan, figures, findings, events: all.0, engine, schedule, recorded }, ticks)
}

#[test]
fn a_real_load_is_paused_and_goes_on_and_its_caller_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let text = HOT.replace("\"1s\"", "\"100ms\"").replace("\"10s\"", "\"400ms\"");
    let (trial, ticks) = really(&text, &directory.path().join("h.gz"), |steering, until| {
        until(250);
        steering.toggle();
        until(500);
        assert!(steering.mark(Clock::monotonic().now()));
        steering.toggle();
    });
    // Both were asked for at once: either may be noted first.
    let mut marks = trial.figures.marks().to_vec();
    marks.sort_by_key(|mark| mark.kind == MarkKind::Marker);
    assert_eq!(marks.iter().map(Mark::name).collect::<Vec<_>>(), ["pause", "marker 1"]);
    let paused = marks[0].to_ns - marks[0].from_ns;
    let planned = trial.schedule.start + 500 * MS;
    assert_eq!((trial.schedule.end(), trial.figures.paused_ns()), (planned + paused, paused));
    assert!(paused >= 200 * MS);
    let begun = |event: &&Event| matches!(event.what, What::Invoke { .. });
    // A client that had looked just before may still begin.
    let inside = |event: &&Event| event.t > marks[0].from_ns + 20 * MS && event.t < marks[0].to_ns;
    assert_eq!(trial.events.iter().filter(begun).filter(inside).count(), 0);
    assert!(trial.events.iter().filter(begun).any(|event| event.t > marks[0].to_ns));
    let told: Vec<&Tick> = ticks.iter().filter(|tick| tick.paused).collect();
    assert!(!told.is_empty() && told.iter().all(|tick| tick.left_ns == told[0].left_ns));
    let changes = ticks.windows(2).filter(|pair| pair[0].paused != pair[1].paused).count();
    assert_eq!((changes, ticks.last().unwrap().left_ns), (2, 0));
}

/// Many short attempts, so that clients are between all their steps when a pause begins
/// and ends.
#[test]
fn a_replay_agrees_however_often_a_busy_load_is_paused() {
    let text = "clients = 8\nkeys = \"per-client\"\nhold = \"200us\"\nttl = \"4s\"\nwarmup = \"100ms\"\n\
                duration = \"300ms\"\nbackends = [\"memory\"]\n";
    let place = Place::new();
    let history = place.path().join("history.jsonl.gz");
    let (mut trial, _) = really(text, &history, |steering, until| {
        // Between two of these the engine may not have looked.
        for i in 1..=20 {
            until(10 * i);
            steering.toggle();
            let _ = steering.mark(Clock::monotonic().now());
        }
        steering.pause();
        until(400);
        for i in 41..60 {
            until(10 * i);
            steering.toggle();
        }
        steering.resume();
    });
    assert!(!trial.pauses().is_empty());
    assert_eq!(trial.engine.reader.lost, 0);
    let paused: u64 = trial.pauses().iter().map(|pause| pause.to_ns - pause.from_ns).sum();
    assert_eq!(trial.schedule.end(), trial.schedule.start + 400 * MS + paused);
    near(trial.result().measured_s, 0.3, 1e-9);
    let run = store(&place, &text.replace("300ms", "20ms"), &mut trial);
    fs::copy(&history, run.join("history.jsonl.gz")).unwrap();
    verify(&place).exits(0).tells(&["memory trial 1: agrees on all "]);
}

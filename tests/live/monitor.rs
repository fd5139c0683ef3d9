//! `lockbench monitor` as a person or a service manager runs it: rounds, alerts, webhook,
//! signals, files, and what it makes of a server that goes away and comes back.

use crate::support;
use crate::support::cli;
use crate::support::http;
use crate::support::redis_server;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Ran, Running};
use crate::support::pty::Pty;
use crate::support::redis_server::RedisServer;
use rustix::process::Signal;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// Short holds, no bound that a loaded machine could break.
const PLAN: &str = "clients = 4\nkeys = \"single\"\nhold = \"2ms\"\nttl = \"10s\"\nrequest_timeout = \"2s\"\n\
                    acquire = { mode = \"wait\", timeout = \"5s\" }\nthresholds = [\"double_grants == 0\"]\n";

/// Rounds of a second, fifty attempts in each.
const FAST: [&str; 8] = ["--rate", "50/s", "--round", "1s", "--window", "5s", "--ui", "plain"];

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["monitor", "w.toml"];
    all.extend(FAST);
    all.extend(more);
    all
}

fn status(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.only_run().join("monitor.json")).unwrap()).unwrap()
}

/// Names in the directory of the only run.
fn files(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.only_run()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_watch_of_a_sound_lock_ends_with_0_and_leaves_three_small_files() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let ran = place.run(&arguments(&["-b", "memory", "--for", "4s"])).exits(0);
    let ran = ran.complains(&["monitoring memory: 50/s each, rounds of 1s", "memory: ok: it answers"]);
    ran.tells(&["system", "memory", "exit code 0", "files: "]);
    assert_eq!(files(&place), ["monitor.json", "plan.toml", "run.log"]);
    let status = status(&place);
    assert_eq!(status["schema_version"], 1);
    let system = &status["systems"][0];
    assert!(system["rounds"].as_u64().unwrap() >= 2, "{system}");
    let (due, grants) = (&system["total"], system["total"]["grants"].as_u64().unwrap());
    let of = |name: &str| due[name].as_u64().unwrap();
    // Fifty a second, less the gaps between rounds; a loaded machine sleeps through some.
    assert!((50..=230).contains(&(of("attempts") + of("dropped") + of("stalled"))), "{due}");
    assert!(grants > 20 && system["exercised_holds"].as_u64().unwrap() > 0, "{system}");
    assert_eq!(system["violations"]["double_grants"], 0);
}

#[test]
fn a_lock_that_is_granted_twice_alerts_at_once_and_ends_with_100() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let receiver = Receiver::start(1);
    let url = format!("{}/hook/SECRET", receiver.url);
    let ran = place.run(&arguments(&["-b", "control:no-lock", "--for", "4s", "--webhook", &url]));
    let ran = ran.exits(100).complains(&["control:no-lock: ALERT: double_grants is", "and must be 0"]);
    let ran = ran.tells(&["double grant, control:no-lock: round 1: key 0:", "exit code 100"]);
    assert!(!ran.err.contains("SECRET") && !ran.out.contains("SECRET"));
    let messages = receiver.messages();
    let alert = messages.iter().find(|message| message["alert"] == "double_grants == 0").expect("no alert was posted");
    assert_eq!((&alert["firing"], &alert["backend"]), (&Value::Bool(true), &Value::from("control:no-lock")));
    assert_eq!((&alert["schema_version"], &alert["source"]), (&Value::from(1), &Value::from("lockbench monitor")));
    assert!(alert["run_id"].as_str().is_some_and(|id| id.contains("monitor-w")), "{alert}");
    let fired = messages.iter().filter(|message| message["alert"] == "double_grants == 0").count();
    assert_eq!(fired, 1, "it stays, and is told once");
    let status = status(&place);
    let of = |name: &str| status["webhook"][name].as_u64().unwrap();
    assert_eq!((of("failed"), of("lost"), of("waiting")), (0, 0, 0));
    assert_eq!(of("sent") as usize, messages.len());
    assert_eq!(status["systems"][0]["alerts"][0]["standing"], "firing");
    // What happened can be looked at.
    let kept = cli::files_below(&place.only_run().join("violations"));
    assert!(!kept.is_empty() && kept.len() <= 10, "{kept:?}");
    let hint = ran.out.lines().last().unwrap().strip_prefix("the first double grant in full: lockbench ").unwrap();
    place.run(&hint.split(' ').collect::<Vec<_>>()).exits(0).tells(&["double grant 1 of", "control:no-lock round 1,"]);
    let log = std::fs::read_to_string(place.only_run().join("run.log")).unwrap();
    assert!(log.contains("and must be 0") && !log.contains("SECRET"), "{log}");
}

#[test]
fn a_bound_that_is_broken_is_exit_99_and_one_that_only_warns_is_not() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let broken = ["-b", "memory", "--for", "4s", "--threshold", "acquire_service.max < 1ns"];
    place
        .run(&arguments(&broken))
        .exits(99)
        .complains(&["acquire_service.max is ", ", and must be below 1 ns"])
        .tells(&["memory: the bound \"acquire_service.max < 1ns\" was broken once"]);
    let place = Place::new();
    place.file("w.toml", PLAN);
    let warned = ["-b", "memory", "--for", "4s", "--threshold", "warn: acquire_service.max < 1ns", "--format", "json"];
    let ran =
        place.run(&arguments(&warned)).exits(0).complains(&["acquire_service.max is ", ", and must be below 1 ns"]);
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(printed["systems"][0]["alerts"][1]["fired"], 1);
}

#[test]
fn a_bound_that_could_never_be_judged_is_no_success() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    // 10 000 attempts are needed, and 250 are in the window.
    let never = "acquire_service.p999 <= 10s";
    let ran = place.run(&arguments(&["-b", "memory", "--for", "3s", "--threshold", never])).exits(97);
    ran.tells(&["exit code 97", &format!("memory: the bound \"{never}\" was never judged: "), "needs 10 000"]);
    let status = status(&place);
    assert_eq!(status["exit_code"], 97);
    let judged = |place: usize| status["systems"][0]["alerts"][place]["judged"].as_bool().unwrap();
    assert_eq!([judged(0), judged(1)], [true, false], "{status}");
    // One that only warns is told, too.
    let place = Place::new();
    place.file("w.toml", PLAN);
    let warned = format!("warn: {never}");
    let ran = place.run(&arguments(&["-b", "memory", "--for", "3s", "--threshold", &warned])).exits(0);
    ran.tells(&["exit code 0", "was never judged", "it only warns"]);
}

#[test]
fn a_signal_before_the_window_is_full_costs_nothing_and_one_after_it_does() {
    for (window, code, told) in
        [("10m", 0, "needs 10 000; the watch ended before its window was full"), ("1s", 97, "needs 10 000\n")]
    {
        let place = Place::new();
        place.file("w.toml", PLAN);
        let arguments = ["monitor", "w.toml", "-b", "memory", "--rate", "50/s", "--round", "1s", "--ui", "plain"];
        let bound = ["--threshold", "acquire_service.p999 <= 10s", "--window", window];
        let mut watch = Running::start(&mut place.command(&[&arguments[..], &bound].concat()));
        watch.until("memory: ok: it answers");
        std::thread::sleep(Duration::from_millis(2_500));
        watch.signal(Signal::TERM);
        watch.finish(LIMIT).exits(code).tells(&["was never judged: ", told]);
    }
}

/// The command that a note names, without the name of the program.
fn command(said: &str) -> Vec<&str> {
    let line = said.lines().find(|line| line.contains(" is kept: lockbench explain ")).unwrap();
    line.split_once(" is kept: lockbench ").unwrap().1.split(' ').collect()
}

#[test]
fn rounds_with_a_double_grant_can_be_explained_and_verified_while_the_watch_runs_and_later() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let more = ["-b", "control:no-lock,memory", "--run-id", "canary"];
    let mut watch = Running::start(&mut place.command(&arguments(&more)));
    watch.until(" is kept: lockbench explain ");
    let said = watch.said();
    let note = command(&said);
    let explained = |ran: Ran| {
        let ran = ran.exits(0).tells(&["what it is: ", "fencing: "]);
        assert!(
            ran.out.starts_with("double grant 1 of ") && ran.out.contains(": control:no-lock round "),
            "{}",
            ran.out
        );
        ran.out
    };
    let told = explained(place.run(&note));
    place.run(&["explain", "canary", "1"]).exits(0);
    place.run(&["verify", "canary"]).exits(100).tells(&[
        "control:no-lock round 1: ",
        " double grants\n",
        "verify: exit 100: ",
    ]);
    watch.signal(Signal::TERM);
    watch.finish(LIMIT).exits(100);
    // The directory has another name now: what was noted still tells the same.
    assert_eq!(explained(place.run(&note)), told);
    let partial = note[1].replace("results/canary/", "results/.canary.partial/");
    assert_eq!(explained(place.run(&["explain", &partial, "1"])), told);
    explained(place.run(&["explain", "results/canary/violations", "1"]));
    place.run(&["verify", note[1]]).exits(100).tells(&["control:no-lock round 1: "]);
    let all = place.run(&["verify", "canary"]).exits(100);
    assert!(!all.out.contains("DISAGREES") && !all.out.contains("memory"), "{}", all.out);
    place
        .run(&["explain", "canary", "999999"])
        .exits(2)
        .in_one_message()
        .complains(&["there is no double grant 999999"]);
    // A status that has fewer than the histories is not of this watch, or was changed.
    let path = place.results().join("canary/monitor.json");
    let whole = std::fs::read(&path).unwrap();
    let mut changed: Value = serde_json::from_slice(&whole).unwrap();
    changed["systems"][0]["violations"]["double_grants"] = Value::from(1);
    std::fs::write(&path, changed.to_string()).unwrap();
    let ran = place.run(&["verify", "canary"]).exits(1);
    ran.tells(&["control:no-lock: DISAGREES: the monitor saw 1 double grants, its kept rounds have "]);
    std::fs::write(&path, whole).unwrap();
    // A history that shows none was kept for nothing: somebody put it there.
    place.run(&["run", "w.toml", "-b", "memory", "--set", "duration=200ms", "--run-id", "sound"]).exits(0);
    std::fs::copy(place.results().join("sound/history.jsonl.gz"), place.path().join(note[1])).unwrap();
    let ran = place.run(&["verify", "canary"]).exits(1);
    ran.tells(&["memory round 1: DISAGREES: it was kept for a violation, and there is none in it", "verify: exit 1: "]);
}

#[test]
fn a_stored_watch_is_listed_and_shown_as_one_and_is_no_run() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let listed = |parts: &[&str]| {
        let text = place.run(&["ls"]).exits(0).out;
        let line = text.lines().find(|line| line.contains("canary")).unwrap().to_owned();
        assert!(parts.iter().all(|part| line.contains(part)), "{text}");
        let json: Value = serde_json::from_str(&place.run(&["ls", "--format", "json"]).exits(0).out).unwrap();
        json.as_array().unwrap().iter().find(|row| row["id"] == "canary").unwrap().clone()
    };
    let mut watch = Running::start(&mut place.command(&arguments(&["-b", "memory", "--run-id", "canary"])));
    watch.until("memory: ok: it answers");
    let begin = Instant::now();
    while listed(&["monitor, ", ", partial"])["exit_code"] != 0 {
        assert!(begin.elapsed() < LIMIT, "it has answered, and the list does not say so");
        std::thread::sleep(Duration::from_millis(200));
    }
    let row = listed(&["pass (0), partial"]);
    assert_eq!((&row["partial"], &row["problem"]), (&Value::Bool(true), &Value::Null));
    let not_a_run = |arguments: &[&str]| {
        let ran = place.run(arguments).exits(2).in_one_message();
        ran.complains(&[" is a run of `lockbench monitor`, which has no report"]);
    };
    not_a_run(&["watch", "canary"]);
    place.run(&["show", "canary"]).exits(0).tells(&["still under way; how it stood at ", "double grants"]);
    watch.signal(Signal::TERM);
    watch.finish(LIMIT).exits(0);
    let row = listed(&["Z ", " w ", " memory ", "monitor, ", "pass (0)"]);
    assert_eq!((&row["exit_code"], &row["backends"][0]), (&Value::from(0), &Value::from("memory")));
    assert!(row["watched_s"].is_u64() && row["started_at"].is_string() && row["problem"].is_null(), "{row}");
    for arguments in [
        &["report", "canary"][..],
        &["report", "canary", "canary"],
        &["report", "canary", "--need", "double_grants == 0"],
        &["compare", "canary", "canary"],
        &["export", "canary", "--to", "csv"],
        &["export", "canary", "--to", "edn"],
        &["watch", "canary"],
        &["explain", "canary", "1"],
        &["verify", "canary"],
    ] {
        not_a_run(arguments);
    }
    place.run(&["show", "canary"]).exits(0).tells(&["watched for ", "exit code 0", "files: results/canary"]);
    let shown: Value = serde_json::from_str(&place.run(&["show", "canary", "--format", "json"]).exits(0).out).unwrap();
    assert_eq!(shown, status(&place));
}

#[test]
fn what_no_client_could_take_is_told_while_the_round_runs_and_adds_up_at_its_end() {
    // Two clients hold for as long as fifteen attempts are apart.
    let plan = PLAN.replace("clients = 4", "clients = 2").replace("2ms", "300ms");
    let watch = |place: &Place, more: &[&str]| {
        place.file("w.toml", &plan);
        let arguments = ["monitor", "w.toml", "-b", "memory", "--rate", "50/s", "--round", "10m", "--ui", "plain"];
        let mut watch =
            Running::start(&mut place.command(&[&arguments[..], &["--metrics", "127.0.0.1:0"], more].concat()));
        watch.until("/metrics\n");
        let said = watch.said();
        let address = said.split_once("metrics at http://").unwrap().1.split_once('/').unwrap().0.to_owned();
        (watch, address)
    };
    let dropped = |address: &str| {
        let text = http::get(address, "/metrics", "text/plain").unwrap().text();
        values(&text, "lockbench_dropped_arrivals_total", "memory").first().map_or(0.0, |(_, value)| *value)
    };
    let total = |place: &Place| {
        let system = status(place)["systems"][0].clone();
        let of = |name: &str| system["total"][name].as_u64().unwrap();
        assert_eq!((&system["rounds"], of("missed")), (&Value::from(1), 0), "{system}");
        of("dropped") as f64
    };
    // Its first round never ends by itself.
    let place = Place::new();
    let (running, address) = watch(&place, &[]);
    let (begin, mut told) = (Instant::now(), 0.0);
    while told < 20.0 {
        assert!(begin.elapsed() < LIMIT, "nothing was told");
        std::thread::sleep(Duration::from_millis(200));
        told = dropped(&address);
    }
    running.signal(Signal::TERM);
    running.finish(LIMIT).exits(0);
    assert!(total(&place) >= told);
    // What the board has at the end is what the watch says.
    let place = Place::new();
    let (mut running, address) = watch(&place, &["--for", "3s", "--metrics-linger", "60s"]);
    running.until("the run is over; its metrics stay");
    assert_eq!(dropped(&address), total(&place));
    running.signal(Signal::TERM);
    running.finish(LIMIT).exits(0);
}

#[test]
fn a_signal_is_the_normal_end_and_a_hang_up_reads_the_plan_again() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let mut watch = Running::start(&mut place.command(&arguments(&["-b", "memory"])));
    watch.until("memory: ok: it answers");
    place.file("w.toml", "clients = 0\n");
    watch.signal(Signal::HUP);
    watch.until("is not used; the old one stays in force: ");
    place.file("w.toml", &PLAN.replace("[", "[\"failures < 50%\", "));
    watch.signal(Signal::HUP);
    watch.until("is used from the next round on");
    place.file("w.toml", &format!("backends = [\"sqlite\"]\n{PLAN}"));
    std::thread::sleep(Duration::from_millis(1_500));
    watch.signal(Signal::TERM);
    let ran: Ran = watch.finish(LIMIT).exits(0).complains(&["stopping: releasing locks"]);
    assert!(ran.err.contains("clients"), "the mistake is named:\n{}", ran.err);
    let status = status(&place);
    assert_eq!(status["reloads"], 1);
    let bounds: Vec<&str> =
        status["systems"][0]["alerts"].as_array().unwrap().iter().filter_map(|alert| alert["bound"].as_str()).collect();
    assert_eq!(bounds, ["double_grants == 0", "failures < 50%"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_runs() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    for (more, part) in [
        (&["-b", "memory", "--sweep", "clients=1,2"][..], "--sweep means nothing to a monitor"),
        (&["-b", "memory", "--baseline", "x"], "--baseline means nothing to a monitor"),
        (&[], "nothing to monitor: give --endpoint SYSTEM=URL"),
        (&["-b", "memory", "--threshold", "jain > 0.5"], "a monitor does not keep jain; it keeps acquire_service"),
        (&["-b", "memory", "--webhook", "ftp://h/SECRET"], "--webhook: it is no URL of a web server"),
        (&["-b", "memory", "--for", "0s"], "must be longer than nothing"),
    ] {
        let ran = place.run(&arguments(more)).exits(2).complains(&[part]);
        assert!(!ran.err.contains("SECRET"), "{}", ran.err);
    }
    let wrong = [
        ("--window", "25h", "looks back"),
        ("--window", "999ms", "must be 1s at least"),
        ("--rate", "2000/s", "0.01/s to 1000/s"),
    ];
    for (flag, value, part) in wrong {
        place.run(&["monitor", "w.toml", "-b", "memory", flag, value]).exits(2).complains(&[part]);
    }
    assert!(place.entries().is_empty(), "{:?}", place.entries());
}

#[test]
fn a_system_that_never_answers_is_exit_3() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let nobody = format!("redis=redis://127.0.0.1:{}", redis_server::free_port());
    let ran = place.run(&arguments(&["--endpoint", &nobody, "--for", "4s"])).exits(3);
    ran.complains(&["redis: ALERT: it does not answer"]).tells(&["redis never answered", "0 %"]);
    let total = &status(&place)["systems"][0]["total"];
    // All that was due is missed: an outage hides nothing.
    assert!(total["missed"].as_u64().unwrap() > 50, "{total}");
    assert_eq!((&total["attempts"], &total["availability"]), (&Value::from(0), &Value::from(0.0)));
}

/// Watches what never opens a session: down from the start, for that reason, and nothing was
/// attempted or dropped.
fn never_opens(backend: &str, endpoint: &str, reason: &str) {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let ran = place.run(&arguments(&["-b", backend, "--endpoint", endpoint, "--for", "5s"])).exits(3);
    let ran = ran.complains(&[&format!("{backend}: ALERT: it does not answer: "), reason]);
    ran.tells(&[&format!("{backend} never answered: "), reason, "DOWN"]);
    let status = status(&place);
    let system = &status["systems"][0];
    assert_eq!((&system["state"], &system["outages"]), (&Value::from("down"), &Value::from(0)), "{system}");
    assert!(system["problem"].as_str().is_some_and(|problem| problem.contains(reason)), "{system}");
    let of = |name: &str| system["total"][name].as_u64().unwrap();
    assert_eq!((of("attempts"), of("dropped"), of("stalled")), (0, 0, 0), "{system}");
    // Fifty a second for five seconds.
    assert!((50..=300).contains(&of("missed")) && system["total"]["availability"] == 0.0, "{system}");
}

#[test]
fn a_wrong_password_is_down_in_the_servers_own_words() {
    let Some(server) = RedisServer::start(&["--requirepass", "right"]) else { return };
    never_opens("redis", &format!("redis=redis://:wrong@127.0.0.1:{}", server.port), "Password authentication failed");
}

#[test]
fn a_full_server_is_down_in_its_own_words() {
    let Some(server) = RedisServer::start(&["--maxclients", "1"]) else { return };
    // Somebody has the only place.
    let _taken = asked_by(server.port);
    never_opens("redis", &format!("redis=redis://127.0.0.1:{}", server.port), "clients");
}

#[tokio::test]
async fn a_role_without_room_is_down_in_the_servers_own_words() {
    let Some(endpoints) = support::endpoints(lockbench::backend::postgres::KIND) else { return };
    let (admin, driver) = tokio_postgres::connect(endpoints[0].secret_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    // Room for the looks at the server and for one client; and for none at all.
    for (role, room) in [("monitored_one", 1), ("monitored_none", 0)] {
        let create = format!("create role {role} login password 'pw' connection limit {room}");
        admin.batch_execute(&create).await.unwrap();
        let endpoint = format!("postgres=postgres://{role}:pw@{}/postgres", endpoints[0].host_port());
        let reason = format!("too many connections for role \"{role}\"");
        tokio::task::spawn_blocking(move || never_opens("postgres:advisory", &endpoint, &reason)).await.unwrap();
    }
}

#[test]
fn a_server_that_restarts_is_told_down_and_up_and_its_outage_counts() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let place = Place::new();
    place.file("w.toml", PLAN);
    let receiver = Receiver::start(0);
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    let mut watch =
        Running::start(&mut place.command(&arguments(&["--endpoint", &endpoint, "--webhook", &receiver.url])));
    watch.until("redis: ok: it answers");
    std::thread::sleep(Duration::from_millis(1_500));
    server.kill();
    watch.until("redis: ALERT: it does not answer");
    std::thread::sleep(Duration::from_secs(1));
    server.start_again();
    watch.until("it answers again, after an outage of");
    std::thread::sleep(Duration::from_millis(1_500));
    watch.signal(Signal::INT);
    watch.finish(LIMIT).exits(0);
    let status = status(&place);
    let system = &status["systems"][0];
    assert_eq!((&system["outages"], &system["state"]), (&Value::from(1), &Value::from("up")));
    let total = &system["total"];
    assert!(total["missed"].as_u64().unwrap() > 0, "{total}");
    assert!(total["availability"].as_f64().unwrap() < 1.0, "{total}");
    let told: Vec<bool> = receiver
        .messages()
        .iter()
        .filter(|message| message["alert"] == "up")
        .map(|message| message["firing"].as_bool().unwrap())
        .collect();
    assert_eq!(told, [false, true, false]);
    // Everything of ours is gone from the server.
    assert_eq!(keys_on(server.port), ":0");
}

#[test]
fn a_token_that_goes_back_is_told_as_what_it_is_and_can_be_judged_again() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let place = Place::new();
    place.file("w.toml", PLAN);
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    let more = ["--endpoint", &endpoint, "--round", "5s", "--run-id", "back"];
    let arguments: Vec<&str> = arguments(&[]).into_iter().filter(|word| !["--round", "1s"].contains(word)).collect();
    let mut watch = Running::start(&mut place.command(&[&arguments[..], &more].concat()));
    watch.until("redis: ok: it answers");
    std::thread::sleep(Duration::from_millis(1_500));
    // All that it knew is gone, the counters of its tokens too.
    asked(server.port, "FLUSHALL");
    watch.until("redis: ALERT: a fencing token went back");
    watch.until("the history of round");
    watch.signal(Signal::INT);
    let ran = watch.finish(LIMIT).exits(100);
    assert!(!ran.err.contains("double_grants is"), "{}", ran.err);
    let violations = &status(&place)["systems"][0]["violations"];
    assert_eq!(violations["double_grants"], 0);
    assert!(violations["token_regressions"].as_u64().unwrap() > 0, "{violations}");
    ran.tells(&["the rounds with a violation judged again: lockbench verify"]);
    place.run(&["verify", "back"]).exits(100).tells(&["token regressions"]);
}

#[test]
fn a_server_that_hangs_is_down_and_comes_back() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let place = Place::new();
    place.file("w.toml", PLAN);
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    let mut watch = Running::start(&mut place.command(&arguments(&["--endpoint", &endpoint])));
    watch.until("redis: ok: it answers");
    server.stop();
    watch.until("redis: ALERT: it does not answer");
    server.resume();
    watch.until("it answers again, after an outage of");
    watch.signal(Signal::INT);
    watch.finish(LIMIT).exits(0);
}

/// What a share should be, with room for a loaded machine.
fn near(share: &Value, truth: f64) {
    let share = share.as_f64().unwrap();
    assert!((truth - 0.12..=truth + 0.06).contains(&share), "{share} instead of {truth}");
}

#[test]
fn a_server_that_stands_still_lowers_availability_and_response_times() {
    let Some(server) = RedisServer::start(&[]) else { return };
    // Far below the bound of an outage, six times; and once above it.
    for (still, times, outages) in [(500, 6, 0), (3_000, 1, 1)] {
        let place = Place::new();
        place.file("w.toml", PLAN);
        let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
        let more = ["--endpoint", &endpoint, "--for", "12s", "--format", "json", "--metrics", "127.0.0.1:0"];
        let all = ["monitor", "w.toml", "--rate", "100/s", "--round", "30s", "--window", "10s", "--ui", "plain"];
        let linger = ["--metrics-linger", "60s"];
        let mut watch = Running::start(&mut place.command(&[&all[..], &more, &linger].concat()));
        watch.until("/metrics\n");
        let said = watch.said();
        let address = said.split_once("metrics at http://").unwrap().1.split_once('/').unwrap().0.to_owned();
        watch.until("redis: ok: it answers");
        for _ in 0..times {
            std::thread::sleep(Duration::from_millis(400));
            server.stop();
            std::thread::sleep(Duration::from_millis(still));
            server.resume();
        }
        watch.until("the run is over; its metrics stay");
        let text = http::get(&address, "/metrics", "text/plain").unwrap().text();
        watch.signal(Signal::TERM);
        let ran = watch.finish(LIMIT);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let status: Value = serde_json::from_str(&ran.out).unwrap();
        let system = &status["systems"][0];
        let total = &system["total"];
        let of = |name: &str| total[name].as_u64().unwrap();
        // Three seconds of twelve at 100 a second, less the four clients that waited each time.
        let not_begun = of("dropped") + of("missed") + of("stalled");
        assert!((180..=340).contains(&not_begun), "{total}");
        assert!(of("stalled") < 100, "whose fault it is can be told: {total}");
        near(&total["availability"], 0.75);
        let answered = of("grants") + of("refused") + of("timed_out");
        let due = of("attempts") + of("dropped") + of("missed");
        assert_eq!(total["availability"], answered as f64 / due as f64);
        let least = &total["response_p99_at_least_ns"];
        assert!(least.as_u64().is_some_and(|ns| ns > still * 500_000), "{total}");
        assert!(total["response_p99_ns"].is_null() && total["response_max_is_lower_bound"] == true, "{total}");
        if outages == 0 {
            assert_eq!((&system["outages"], of("missed")), (&Value::from(0), 0), "{total}");
            assert!(system["alerts"][0]["standing"] == "ok", "{system}");
        } else {
            assert!(system["outages"].as_u64().unwrap() >= 1 && of("missed") > 50, "{system}");
        }
        // The endpoint says the same.
        for name in ["dropped", "missed", "stalled"] {
            let on_board = values(&text, &format!("lockbench_{name}_arrivals_total"), "redis")[0].1;
            assert_eq!(on_board, of(name) as f64, "{name}");
        }
        let late = values(&text, "lockbench_acquire_duration_seconds_count", "redis");
        let outcome = if outages == 0 { "dropped" } else { "missed" };
        let (_, count) = late.iter().find(|(labels, _)| labels.contains(&format!("outcome=\"{outcome}\""))).unwrap();
        assert_eq!(*count, of(outcome) as f64);
    }
}

#[test]
fn what_this_process_slept_through_is_no_fault_of_the_system() {
    let place = Place::new();
    // A client that the stop finds while it waits for another one would wait for as long: none does here.
    place.file("w.toml", &PLAN.replace("\"single\"", "\"per-client\""));
    let arguments = ["monitor", "w.toml", "-b", "memory", "--rate", "60/s", "--round", "30s", "--window", "10s"];
    let mut watch = Running::start(&mut place.command(&[&arguments[..], &["--ui", "plain"]].concat()));
    watch.until("memory: ok: it answers");
    std::thread::sleep(Duration::from_millis(800));
    watch.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(3));
    watch.signal(Signal::CONT);
    std::thread::sleep(Duration::from_millis(1_000));
    watch.signal(Signal::TERM);
    let ran = watch.finish(LIMIT).exits(0).tells(&["while lockbench itself did not run; not counted"]);
    assert!(!ran.err.contains("it does not answer"), "{}", ran.err);
    let total = status(&place)["systems"][0]["total"].clone();
    let of = |name: &str| total[name].as_u64().unwrap();
    assert!(of("stalled") > 100, "{total}");
    let longest = total["response_max_ns"].as_u64().unwrap();
    assert!(longest < 2_000_000_000, "no client that slept through its turn waited for the system: {total}");
    assert!(of("dropped") + of("missed") <= 2 && total["availability"].as_f64().unwrap() > 0.97, "{total}");
}

#[test]
fn an_outage_is_told_within_two_seconds_at_the_shipped_rate() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let place = Place::new();
    let shipped = Place::shipped("monitor.toml");
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    let arguments = ["monitor", &shipped, "--endpoint", &endpoint, "--ui", "plain", "--run-id", "canary"];
    let mut watch = Running::start(&mut place.command(&arguments));
    watch.until("redis: ok: it answers");
    let mut told = Vec::new();
    // It hangs, is killed, and hangs again: a loaded machine may be late once.
    for outage in 1..=3 {
        std::thread::sleep(Duration::from_millis(1_200));
        if outage == 2 {
            server.kill()
        } else {
            server.stop()
        }
        until_nth(&mut watch, "redis: ALERT: it does not answer, and has not for ", outage);
        if outage == 2 {
            server.start_again()
        } else {
            server.resume()
        }
        until_nth(&mut watch, "it answers again, after an outage of", outage);
        let begin = Instant::now();
        let after = loop {
            let written = std::fs::read(place.results().join(".canary.partial/monitor.json")).unwrap();
            let system = serde_json::from_slice::<Value>(&written).unwrap()["systems"][0].clone();
            if system["outages"] == outage {
                break system["last_outage"]["told_after_ns"].as_u64().unwrap();
            }
            assert!(begin.elapsed() < LIMIT, "{system}");
            std::thread::sleep(Duration::from_millis(100));
        };
        told.push(after);
    }
    watch.signal(Signal::INT);
    let ran = watch.finish(LIMIT);
    assert!(ran.err.contains("refused"), "its reason:\n{}", ran.err);
    told.sort_unstable();
    assert!(told[0] >= 1_000_000_000 && told[1] <= 2_000_000_000, "told after {told:?} ns");
}

/// Waits until a text was said so many times.
fn until_nth(watch: &mut Running, text: &str, times: usize) {
    let begin = Instant::now();
    while watch.said().matches(text).count() < times {
        assert!(begin.elapsed() < LIMIT, "{text} was not said {times} times:\n{}", watch.said());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_person_at_a_terminal_sees_the_watch_and_ends_it() {
    let place = Place::new();
    place.file("w.toml", PLAN);
    let mut pty =
        Pty::spawn(&place.command(&["monitor", "w.toml", "-b", "memory", "--rate", "50/s", "--round", "1s"]), 100, 30);
    pty.wait_for("lockbench monitor w");
    pty.wait_for("it answers");
    pty.keys("?");
    pty.wait_for("end the monitor (asks once)");
    pty.keys("?");
    pty.keys("q");
    pty.wait_for("end the monitor? q or y");
    pty.keys("n");
    pty.wait_for("q end   j k system");
    pty.keys("qq");
    pty.wait_for("exit code 0");
}

#[test]
fn a_terminal_that_goes_away_ends_the_watch_in_order() {
    // With a screen and without one: where nobody is left to read, a hang-up is no reload.
    for ui in ["tui", "plain"] {
        let place = Place::new();
        place.file("w.toml", PLAN);
        let arguments = ["monitor", "w.toml", "-b", "memory", "--rate", "50/s", "--round", "1s", "--ui", ui];
        let mut pty = Pty::spawn(&place.command(&arguments), 100, 30);
        pty.wait_for("it answers");
        pty.hang_up();
        pty.exit();
        assert_eq!(status(&place)["exit_code"], 0, "{ui}");
    }
}

/// Values of a sample by its other labels, as the text of an endpoint has them.
fn values(text: &str, name: &str, backend: &str) -> Vec<(String, f64)> {
    let of = format!("backend=\"{backend}\"");
    let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(&of));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(key, v)| (key.to_owned(), v.parse().unwrap())).collect()
}

#[test]
fn what_a_scraper_sees_of_a_watch_grows_over_rounds_and_claims_no_more_than_is_known() {
    let place = Place::new();
    // The second can never be judged in so short a window, which is no failure of this one.
    let plan = PLAN.replace("\"double_grants == 0\"", "\"double_grants == 0\", \"warn: acquire_service.p999 <= 50ms\"");
    place.file("w.toml", &format!("name = \"one\"\n{plan}"));
    let more = ["-b", "memory,sqlite", "--metrics", "127.0.0.1:0"];
    let mut running = Running::start(&mut place.command(&arguments(&more)));
    running.until("/metrics\n");
    let said = running.said();
    let address = said.split_once("metrics at http://").unwrap().1.split_once('/').unwrap().0.to_owned();
    let scraped = || http::get(&address, "/metrics", "text/plain").unwrap().text();
    let (begin, mut before, mut seen) = (Instant::now(), [0.0; 2], 0);
    // Over some rounds of a second each, both at once.
    while begin.elapsed() < LIMIT && (seen < 20 || before.iter().any(|grants| *grants < 150.0)) {
        std::thread::sleep(Duration::from_millis(200));
        let text = scraped();
        for (place, backend) in ["memory", "sqlite"].into_iter().enumerate() {
            for (_, now) in values(&text, "lockbench_grants_total", backend) {
                assert!(now >= before[place], "{backend}: {now} after {}", before[place]);
                before[place] = now;
            }
        }
        seen += 1;
    }
    let text = scraped();
    for backend in ["memory", "sqlite"] {
        let one = |name: &str| {
            let all = values(&text, name, backend);
            assert_eq!(all.len(), 1, "{name}: {all:?}\n{text}");
            all[0].1
        };
        assert_eq!((one("lockbench_up"), one("lockbench_double_grants_total")), (1.0, 0.0));
        assert!(one("lockbench_attempts_total") >= one("lockbench_grants_total"));
        assert!(one("lockbench_dropped_arrivals_total") >= 0.0 && one("lockbench_hold_duration_seconds_count") > 0.0);
        let bounds = values(&text, "lockbench_threshold_ok", backend);
        assert_eq!(bounds.len(), 1, "one of the two cannot be judged: {bounds:?}");
        assert!(bounds[0].0.contains("double_grants == 0") && bounds[0].1 == 1.0, "{bounds:?}");
    }
    // Under another name and with other bounds nothing stays that is not true any more.
    let two = plan.replace("\"double_grants == 0\", ", "");
    place.file("w.toml", &format!("name = \"two\"\n{two}"));
    running.signal(Signal::HUP);
    running.until("the workload was read again, and is used");
    let begin = Instant::now();
    let gone = |text: &str| {
        let bounds: Vec<_> = values(text, "lockbench_threshold_ok", "memory");
        let up = values(text, "lockbench_up", "memory");
        let new = text.contains("lockbench_grants_total{backend=\"memory\",workload=\"two\"}");
        bounds.is_empty() && up.len() == 1 && up[0].0.contains("two") && new && text.contains("mode=\"monitor\"")
    };
    while !gone(&scraped()) {
        assert!(begin.elapsed() < LIMIT, "{}", scraped());
        std::thread::sleep(Duration::from_millis(100));
    }
    running.signal(Signal::TERM);
    running.finish(LIMIT).exits(0);
}

/// A connection that the server has taken.
fn asked_by(port: u16) -> std::net::TcpStream {
    let mut link = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    link.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    link.read_exact(&mut answer).unwrap();
    link
}

/// The server's answer to DBSIZE.
fn keys_on(port: u16) -> String {
    asked(port, "DBSIZE")
}

/// The answer of a Redis to a command.
fn asked(port: u16, command: &str) -> String {
    let mut link = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(link, "{command}\r\n").unwrap();
    let mut answer = [0; 32];
    let length = link.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).trim().to_owned()
}

/// Takes what is posted; refuses so many first with 503.
struct Receiver {
    url: String,
    messages: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start(mut refuse: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let messages = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&messages);
        std::thread::spawn(move || {
            for mut link in listener.incoming().flatten() {
                link.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                let Some(body) = body(&mut link) else { continue };
                let status = if refuse > 0 { "503 Busy" } else { "204 Taken" };
                if refuse == 0 {
                    taken.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                }
                refuse = refuse.saturating_sub(1);
                let _ = write!(link, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self { url, messages }
    }

    fn messages(&self) -> Vec<Value> {
        self.messages.lock().unwrap().clone()
    }
}

/// The body of a request.
fn body(link: &mut impl Read) -> Option<Vec<u8>> {
    let (mut bytes, begin) = (Vec::new(), Instant::now());
    while begin.elapsed() < LIMIT {
        let mut buffer = [0; 4_096];
        let length = link.read(&mut buffer).ok().filter(|length| *length > 0)?;
        bytes.extend(&buffer[..length]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some(end) = text.find("\r\n\r\n") else { continue };
        let expected: usize = text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        if bytes.len() >= end + 4 + expected {
            return Some(bytes[end + 4..].to_vec());
        }
    }
    None
}

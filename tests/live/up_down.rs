//! `lockbench up`, `status` and `down` with programs of this machine.

use crate::support;
use crate::support::cli;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::cli::{Place, SHORT};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The file of a kind's keeper.
fn state(place: &Place, kind: &str) -> PathBuf {
    place.path().join("state/lockbench").join(format!("local-{kind}.json"))
}

fn keeper(place: &Place, kind: &str) -> Pid {
    let left: Value = serde_json::from_slice(&fs::read(state(place, kind)).unwrap()).unwrap();
    Pid::from_raw(i32::try_from(left["keeper"].as_i64().unwrap()).unwrap()).unwrap()
}

/// Stops what a test that fails would leave running.
struct Cleared<'a>(&'a Place);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        let _ = self.0.command(&["down", "--stack", "local"]).output();
    }
}

fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Nothing of servers, keepers or their files.
fn assert_clean(place: &Place) {
    soon("a directory of servers stays", || place.server_files().is_empty());
    let left: Vec<_> =
        fs::read_dir(place.path().join("state/lockbench")).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn servers_that_up_left_are_used_and_stay_until_down() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let _cleared = Cleared(&place);
    let ran = place.run(&["up", "redis", "postgres:lease", "--stack", "local"]).exits(0);
    ran.tells(&[
        "redis     started (this machine)  redis://127.0.0.1:",
        "postgres  started (this machine)  postgres://",
    ]);
    // What is printed works as it stands: user, password and database are in it.
    let listed = place.run(&["status", "--stack", "local", "--format", "json"]).exits(0).out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let postgres = listed["servers"].as_array().unwrap().iter().find(|row| row["kind"] == "postgres").unwrap();
    let url = postgres["endpoints"][0].as_str().unwrap();
    assert!(url.contains('@') && url.ends_with("/postgres"), "{url}");
    place.run(&["inspect", url]).exits(0).tells(&["PostgreSQL", "0 locks held"]);
    // A password is in there.
    assert_eq!(fs::metadata(state(&place, "postgres")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = place.run(&["up", "redis", "--stack", "local", "--format", "json"]).exits(0);
    let listed: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(
        (&listed["servers"][0]["kind"], &listed["servers"][0]["state"]),
        (&"redis".into(), &"runs already".into())
    );
    let url = listed["servers"][0]["endpoints"][0].as_str().unwrap().to_owned();
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_connection().unwrap();
    redis::cmd("SET").arg("theirs").arg(1).exec(&mut connection).unwrap();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", &workload, "-b", "redis,postgres:lease", "--ui", "plain"];
    arguments.extend(SHORT);
    let ran = place.run(&arguments).exits(0);
    ran.complains(&["redis: what `lockbench up` started is used, and left running"]);
    // As on a server of somebody else: what was there is there, and nothing of ours.
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    assert_eq!(keys, ["theirs"]);
    // By name, so that the password is in no command line.
    place.run(&["inspect", "postgres"]).exits(0).tells(&["PostgreSQL", "0 locks held"]);
    place.run(&["status"]).exits(0).tells(&["redis     runs (this machine)", "postgres  runs (this machine)"]);
    place.run(&["down", "redis"]).exits(0).tells(&["stopped redis (this machine)"]);
    place.run(&["inspect", "redis"]).exits(3).complains(&["no redis that `lockbench up` started", "redis://HOST:PORT"]);
    assert!(redis::Client::open(url.as_str()).unwrap().get_connection().is_err());
    let left = place.run(&["status", "--stack", "local"]).exits(0).out;
    assert!(left.starts_with("postgres ") && left.lines().count() == 1, "{left}");
    place.run(&["down", "--stack", "local"]).exits(0).tells(&["stopped postgres"]);
    place.run(&["down", "--stack", "local"]).exits(0).tells(&["nothing to stop"]);
    place.run(&["status", "--stack", "local"]).exits(0).tells(&["no server runs; `lockbench up` starts some"]);
    assert_clean(&place);
}

#[test]
fn servers_that_were_found_and_do_not_answer_are_left_for_the_next_ones() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let _cleared = Cleared(&place);
    let listed = place.run(&["up", "redis", "--stack", "local", "--format", "json"]).exits(0).out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let url = listed["servers"][0]["endpoints"][0].as_str().unwrap().to_owned();
    let mut connection = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let info: String = redis::cmd("INFO").arg("server").query(&mut connection).unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim().parse().unwrap();
    let pid = Pid::from_raw(pid).unwrap();
    // It accepts connections still: the kernel does that.
    kill_process(pid, Signal::STOP).unwrap();
    let mut arguments = vec!["quick", "-b", "redis", "--ui", "plain"];
    arguments.extend(SHORT);
    let ran = place.run(&arguments);
    kill_process(pid, Signal::CONT).unwrap();
    let ran = ran.exits(0).tells(&["1 of 1 system ran", "verdict: pass, exit 0"]);
    ran.complains(&["redis: what `lockbench up` started cannot be used, and is left as it is: ", "the next is tried"]);
    assert!(place.report()["notes"].to_string().contains("cannot be used"), "{}", place.report()["notes"]);
    place.run(&["status", "--stack", "local"]).exits(0).tells(&["redis     runs (this machine)"]);
    place.run(&["down", "--stack", "local"]).exits(0);
    assert_clean(&place);
}

#[test]
fn a_keeper_that_is_killed_leaves_no_server_and_no_lie() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let _cleared = Cleared(&place);
    place.run(&["up", "redis", "--stack", "local"]).exits(0);
    assert_eq!(place.server_files().len(), 1);
    kill_process(keeper(&place, "redis"), Signal::KILL).unwrap();
    soon("its servers stay", || place.server_files().is_empty());
    assert!(state(&place, "redis").exists(), "nobody could remove it");
    place.run(&["status", "--stack", "local"]).exits(0).tells(&["no server runs"]);
    assert_clean(&place);
    place.run(&["up", "redis", "--stack", "local"]).exits(0).tells(&["redis     started"]);
    place.run(&["down", "--stack", "local"]).exits(0).tells(&["stopped redis"]);
    assert_clean(&place);
}

#[test]
fn a_file_that_names_somebody_elses_process_ends_nobody() {
    let place = Place::new();
    let _cleared = Cleared(&place);
    let other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    fs::create_dir_all(place.path().join("state/lockbench")).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = format!(
        r#"{{"kind":"etcd","keeper":{},"began":1,"boot":"{}","endpoints":["etcd://127.0.0.1:1"],"version":"3","directory":"/x","died":null}}"#,
        other.id(),
        boot.trim()
    );
    fs::write(state(&place, "etcd"), text).unwrap();
    place.run(&["down", "--stack", "local"]).exits(0).tells(&["nothing to stop"]);
    let mut other = other;
    assert!(other.try_wait().unwrap().is_none(), "it was ended");
    assert!(!state(&place, "etcd").exists());
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_server_that_died_is_shown_so_not_used_and_replaced() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let _cleared = Cleared(&place);
    place.run(&["up", "redis", "--stack", "local"]).exits(0);
    let listed = place.run(&["status", "--stack", "local", "--format", "json"]).exits(0).out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let url = listed["servers"][0]["endpoints"][0].as_str().unwrap().to_owned();
    let mut connection = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let _ = redis::cmd("SHUTDOWN").arg("NOSAVE").exec(&mut connection);
    soon("the death is not shown", || {
        let ran = place.run(&["status", "--stack", "local"]);
        // A dead server is no pass.
        ran.out.contains("redis on 127.0.0.1:") && ran.exits(3).err.is_empty()
    });
    place.run(&["up", "redis", "--stack", "local"]).exits(0).tells(&["redis     started (this machine)"]);
    place.run(&["down", "--stack", "local"]).exits(0);
    assert_clean(&place);
}

#[test]
fn what_cannot_be_started_is_told_and_nothing_stays() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let _cleared = Cleared(&place);
    let mut command = place.command(&["up", "redis", "etcd", "--stack", "local"]);
    command.env("LOCKBENCH_ETCD", "/bin/false");
    let ran = cli::Running::start(&mut command).finish(Duration::from_secs(60)).exits(3);
    ran.complains(&["etcd: /bin/false ended (exit status 1)"]);
    assert_clean(&place);
    let mut command = place.command(&["up", "etcd", "--stack", "local"]);
    command.env("LOCKBENCH_ETCD", "/nowhere/etcd");
    let ran = cli::Running::start(&mut command).finish(Duration::from_secs(60)).exits(3);
    ran.complains(&["/nowhere/etcd", "apt-get install etcd-server"]);
}

#[test]
fn help_tells_what_a_stack_means_for_servers_that_stay() {
    let place = Place::new();
    for (command, auto) in [("up", "What runs already; else"), ("down", "Both:"), ("status", "Both:")] {
        let ran =
            place.run(&[command, "--help"]).exits(0).tells(&[&format!("- auto:   {auto}"), "- docker: Containers"]);
        assert!(!ran.out.contains("external:") && !ran.out.contains("iven endpoint"), "{}", ran.out);
        // From the environment of a machine whose runs use given servers.
        let mut refused = place.command(&[command]);
        refused.env("LOCKBENCH_STACK", "external");
        let refused = cli::Running::start(&mut refused).finish(Duration::from_secs(30)).exits(2).in_one_message();
        assert!(refused.err.contains("servers of others"), "{}", refused.err);
    }
    let help = place.run(&["run", "--help"]).exits(0).out;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["etcd=etcd://a,b,c", "divided by commas", "--stack external no server is changed"] {
        assert!(help.contains(part), "\"{part}\" is not in {help}");
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let place = Place::new();
    let _cleared = Cleared(&place);
    let mut command = place.command(&["up", "redis", "--stack", "local"]);
    command.env("LOCKBENCH_STATE_DIR", "/proc/nowhere");
    let ran = cli::Running::start(&mut command).finish(Duration::from_secs(30)).exits(3);
    ran.complains(&["/proc/nowhere", "LOCKBENCH_STATE_DIR"]);
}

#[test]
fn three_up_at_once_end_with_the_servers_running_once() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let _cleared = Cleared(&place);
    let start = || cli::Running::start(&mut place.command(&["up", "redis", "etcd", "--stack", "local"]));
    let all: Vec<_> = [(); 3].into_iter().map(|()| start()).collect();
    let told: Vec<String> = all.into_iter().map(|one| one.finish(Duration::from_secs(120)).exits(0).out).collect();
    for system in ["redis", "etcd"] {
        let line = |text: &String| text.lines().find(|line| line.starts_with(system)).unwrap_or_default().to_owned();
        let started = told.iter().map(line).filter(|line| line.contains("started (this machine)")).count();
        assert_eq!(started, 1, "{system}: {told:?}");
    }
}

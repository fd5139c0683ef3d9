//! The binary on real servers: what a first session shows.

use crate::support;
use crate::support::cli;
use crate::support::cli::{Place, SHORT};
use crate::support::redis_server;

#[test]
fn doctor_finds_all_five_kinds() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let ran = place.run(&["doctor"]).exits(0);
    for kind in ["redis", "redlock", "zookeeper", "etcd", "postgres"] {
        let line = ran.out.lines().find(|line| line.starts_with(&format!("{kind:<10}")));
        let line = line.unwrap_or_else(|| panic!("no {kind}:\n{}", ran.out));
        assert!(line.contains("durability: ") && line.contains("quorum "), "{line}");
    }
    ran.tells(&["machine ", "clock ", "limits ", "open files", "everything can be run here"]);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn doctor_says_what_to_install_and_that_something_is_missing() {
    let place = Place::new();
    let mut command = place.command(&["doctor"]);
    for variable in lockbench::stack::Search::variables() {
        command.env(variable, "/nonexistent");
    }
    let ran = cli::Running::start(&mut command).finish(std::time::Duration::from_secs(30)).exits(3);
    ran.tells(&["redis     cannot be started here: /nonexistent", "was not found", "apt-get install", "6 problems"]);
}

#[test]
fn redis_on_a_hot_key_passes() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis"];
    arguments.extend(SHORT);
    place.run(&arguments).exits(0).tells(&["redis", "valid", "verdict: pass, exit 0"]);
    let result = &place.report()["results"][0];
    assert!(result["grants"].as_u64().unwrap() > 0);
    assert_eq!(result["safety"]["double_grants_certain"], 0);
    assert!(result["server_version"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()));
    assert!(result["resources"]["server_rss_bytes"].as_u64().unwrap() > 1 << 20);
}

#[test]
fn redis_with_a_hold_beyond_the_ttl_is_outside_and_can_be_expected() {
    if !support::live("no server was started") {
        return;
    }
    let text = "clients = 4\nhold = \"900ms\"\nttl = \"600ms\"\nwarmup = \"0s\"\nduration = \"2s\"\n";
    for (expect, code) in [("[]", 100), ("[\"outside\"]", 0)] {
        let place = Place::new();
        place.file("w.toml", text);
        let ran = place.run(&["run", "w.toml", "-b", "redis", "--set", &format!("expect={expect}")]).exits(code);
        let safety = place.report()["results"][0]["safety"].clone();
        assert!(safety["outside"].as_u64().unwrap() > 0, "{safety}");
        assert_eq!(safety["inside"], 0, "{safety}");
        if code == 100 {
            ran.tells(&["(outside)", "expect = [\"outside\"]"]);
        }
    }
}

#[test]
fn every_default_system_runs_side_by_side_and_passes() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let ran = place.run(&["quick", "--ui", "none", "--set", "duration=1s", "--set", "warmup=200ms"]).exits(0);
    assert_eq!(ran.err, "");
    let report = place.report();
    let rows = report["aggregates"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["backend"].as_str().unwrap()).collect();
    let all = ["memory", "sqlite", "redis", "redlock", "zookeeper", "etcd", "postgres:advisory", "postgres:lease"];
    assert_eq!(names, all);
    for row in rows {
        assert!(row["grants"].as_u64().unwrap() > 0, "{row}");
        assert_eq!(row["double_grants_certain"], 0, "{row}");
    }
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn servers_files_are_kept_when_asked_and_the_place_is_told() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis", "--keep-servers-dir"];
    arguments.extend(SHORT);
    let ran = place.run(&arguments).exits(0);
    let kept = place.server_files();
    assert_eq!(kept.len(), 1, "{kept:?}");
    ran.complains(&[&format!("data and logs of the servers are left in {}", kept[0].display())]);
    assert!(cli::files_below(&kept[0]).iter().any(|file| file.extension().is_some_and(|ending| ending == "log")));
}

/// A plan of so many clients on given servers.
fn given(place: &Place, backend: &str, endpoint: &str, clients: u32) -> Vec<String> {
    let workload = place.file(
        "small.toml",
        "keys = \"single\"\nhold = \"1ms\"\nthink = \"5ms\"\nwarmup = \"50ms\"\nduration = \"300ms\"\nclients = 1\n",
    );
    let clients = format!("clients={clients}");
    let workload = workload.display().to_string();
    ["run", &workload, "-b", backend, "--endpoint", endpoint, "--set", &clients].map(str::to_owned).to_vec()
}

fn run(place: &Place, arguments: &[String]) -> cli::Ran {
    place.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_redis_without_room_for_every_client_says_so_and_a_look_before_tells_it() {
    let Some(server) = redis_server::RedisServer::start(&["--maxclients", "2"]) else { return };
    let place = Place::new();
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    for clients in [3, 12] {
        let ran = run(&place, &given(&place, "redis", &endpoint, clients)).exits(3);
        let needs = format!("this plan has {clients} clients");
        let said = format!("{}{}", ran.out, ran.err);
        for part in ["ERR max number of clients reached", "raise maxclients", &needs, "maxclients 2"] {
            assert!(said.contains(part), "no {part}:\n{said}");
        }
    }
    let check = ["check", "small.toml", "-b", "redis", "--set", "clients=12", "--endpoint", endpoint.as_str()];
    place.run(&check).exits(3).tells(&["maxclients 2; this plan needs 12: does not fit", "ulimit -n"]);
    place.run(&["check", "small.toml", "-b", "redis", "--endpoint", endpoint.as_str()]).exits(0).tells(&["1: fits"]);
}

#[test]
fn a_redis_user_with_a_granted_prefix_and_without_info_runs() {
    let Some(server) = redis_server::RedisServer::start(&[]) else { return };
    let place = Place::new();
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port)).unwrap();
    let mut connection = client.get_connection().unwrap();
    let rules = ["on", ">pw", "~lockbench:*", "&*", "+@all", "-info", "-config"];
    redis::cmd("ACL").arg("SETUSER").arg("ours").arg(&rules).exec(&mut connection).unwrap();
    let endpoint = format!("redis=redis://ours:pw@127.0.0.1:{}", server.port);
    run(&place, &given(&place, "redis", &endpoint, 4)).exits(0);
    let result = &place.report()["results"][0];
    assert!(result["grants"].as_u64().unwrap() > 0);
    assert_eq!(result["server_version"], "unknown (INFO is refused to this user)");
}

#[tokio::test]
async fn a_postgres_role_with_room_for_one_client_of_two_ends_with_the_servers_words() {
    let Some(endpoints) = support::endpoints(lockbench::backend::postgres::KIND) else { return };
    let (admin, driver) = tokio_postgres::connect(endpoints[0].secret_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    admin.batch_execute("create role lone login password 'pw' connection limit 1").await.unwrap();
    let endpoint = format!("postgres=postgres://lone:pw@{}/postgres", endpoints[0].host_port());
    tokio::task::spawn_blocking(move || {
        let place = Place::new();
        let ran = run(&place, &given(&place, "postgres:advisory", &endpoint, 2)).exits(3);
        let said = format!("{}{}", ran.out, ran.err);
        for part in ["too many connections for role \"lone\"", "connection limit of role lone 1", "this plan has 2"] {
            assert!(said.contains(part), "no {part}:\n{said}");
        }
        let check = ["check", "small.toml", "-b", "postgres", "--set", "clients=2", "--endpoint", endpoint.as_str()];
        place.run(&check).exits(3).tells(&["connection limit of role lone 1; this plan needs 2: does not fit"]);
    })
    .await
    .unwrap();
}

#[test]
fn an_etcd_out_of_space_ends_with_its_alarm_and_what_to_do() {
    use lockbench::stack::{LocalStack, Options};
    if !support::live("no server was started") {
        return;
    }
    let server = LocalStack::start(&[lockbench::backend::etcd::KIND], &Options::default()).remove(0).1.unwrap();
    let address = server.endpoints()[0].host_port().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = etcd_client::Client::connect([&address], None).await.unwrap();
        let raise = client.alarm(etcd_client::AlarmAction::Activate, etcd_client::AlarmType::Nospace, None);
        raise.await.unwrap();
    });
    let place = Place::new();
    let endpoint = format!("etcd=etcd://{address}");
    let ran = run(&place, &given(&place, "etcd", &endpoint, 2)).exits(3);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("database space exceeded") && said.contains("etcdctl alarm disarm"), "{said}");
    let check = ["check", "small.toml", "-b", "etcd", "--endpoint", endpoint.as_str()];
    place.run(&check).exits(3).tells(&["alarm NOSPACE is raised"]);
}

#[test]
fn too_few_open_files_are_told_with_limit_need_and_setting() {
    let Some(server) = redis_server::RedisServer::start(&[]) else { return };
    let place = Place::new();
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    let arguments = given(&place, "redis", &endpoint, 200);
    let limited = |arguments: &[String]| {
        let mut command = place.command(&[]);
        let program = command.get_program().to_owned();
        let mut shell = std::process::Command::new("/bin/sh");
        shell.arg("-c").arg("ulimit -n 128; exec \"$0\" \"$@\"").arg(program).args(arguments);
        shell.current_dir(place.path());
        command.get_envs().for_each(|(name, value)| match value {
            Some(value) => drop(shell.env(name, value)),
            None => drop(shell.env_remove(name)),
        });
        command = shell;
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        cli::Running::start(&mut command).finish(std::time::Duration::from_secs(60))
    };
    let ran = limited(&arguments).exits(3);
    let said = format!("{}{}", ran.out, ran.err);
    for part in ["may have 128 files and sockets open (`ulimit -n`)", "this plan needs about 300"] {
        assert!(said.contains(part), "no {part}:\n{said}");
    }
    let check = ["check", "small.toml", "-b", "redis", "--set", "clients=200"].map(str::to_owned);
    limited(&check).exits(0).tells(&[
        "(`ulimit -n`): 128",
        "needs 300: does not fit",
        "not asked: running servers of redis",
    ]);
}

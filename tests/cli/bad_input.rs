//! Mistakes as people make them: one message each, which names the place and says
//! what to do, exit 2, nothing started and nothing written.

use crate::support::cli;
use crate::support::cli::Place;

/// Runs a workload text; the message starts with the place.
fn refused(text: &str, arguments: &[&str], parts: &[&str]) {
    let place = Place::new();
    place.file("w.toml", text);
    let mut all = vec!["run", "w.toml"];
    all.extend(arguments);
    place.run(&all).exits(2).in_one_message().complains(parts);
    assert!(place.entries().is_empty(), "{:?}", place.entries());
    // `check` sees the same before anybody waits for anything.
    all[0] = "check";
    place.run(&all).exits(2).in_one_message().complains(parts);
}

/// Runs a shipped workload with flags.
fn refused_flags(arguments: &[&str], parts: &[&str]) {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut all = vec!["run", workload.as_str()];
    all.extend(arguments);
    place.run(&all).exits(2).in_one_message().complains(parts);
    assert!(place.entries().is_empty(), "{:?}", place.entries());
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn zero_clients_are_refused() {
    refused("clients = 0\n", &[], &["w.toml:1: clients = 0", "1 to 65535"]);
}

#[test]
fn a_duration_without_unit_is_refused() {
    refused("clients = 2\nttl = \"10\"\n", &[], &["w.toml:2: ttl = \"10\" has no unit", "ns, us, ms, s, m or h"]);
}

#[test]
fn an_unknown_key_is_refused_wherever_it_stands() {
    refused("clients = 2\nhodl = \"1ms\"\n", &[], &["w.toml:2: hodl = \"1ms\"", "did you mean \"hold\"?"]);
    let tagged = "clients = 2\nretry = { kind = \"fixed\", dealy = \"1ms\" }\n";
    refused(tagged, &[], &["w.toml:2: ", "dealy", "did you mean \"delay\"?"]);
    // As the last line, below a table: neither lost nor taken for the table's.
    let last = "clients = 2\n[hold]\nkind = \"constant\"\nvalue = \"1ms\"\nmaxx = \"3ms\"";
    refused(last, &[], &["w.toml:5: ", "maxx"]);
}

#[test]
fn an_unknown_backend_is_named_with_its_place_and_the_nearest() {
    let text = "clients = 2\nbackends = [\n  \"memory\",\n  \"zoo-keeper\",\n]\n";
    refused(text, &[], &["w.toml:4: unknown backend \"zoo-keeper\"", "did you mean \"zookeeper\"?"]);
    refused("clients = 2\n", &["-b", "reddis"], &["-b: unknown backend \"reddis\"", "did you mean \"redis\"?"]);
    refused("clients = 2\n", &["-b", "memory,postgres:leese"], &["\"postgres:leese\"", "\"postgres:lease\""]);
}

#[test]
fn a_ttl_below_a_floor_names_the_system_and_the_floor() {
    let text = "clients = 2\nttl = \"1s\"\n";
    refused(text, &["-b", "memory,etcd"], &["w.toml:2: ttl = \"1s\"", "etcd", "2s", "ttl_below_floor = \"raise\""]);
}

#[test]
fn a_ttl_below_a_floor_can_be_raised() {
    let place = Place::new();
    place.file("w.toml", "clients = 2\nttl = \"1s\"\nttl_below_floor = \"raise\"\n");
    place.run(&["check", "w.toml", "-b", "etcd"]).exits(0).tells(&["etcd: 2.00 s (raised)"]);
}

#[test]
fn a_hold_beyond_the_ttl_is_warned_of_and_runs() {
    let place = Place::new();
    place.file("w.toml", "clients = 2\nhold = \"3s\"\nttl = \"2s\"\n");
    place.run(&["check", "w.toml", "-b", "memory"]).exits(0).tells(&["warning: ", "hold", "ttl", "renewal"]);
    // With renewal, or where there is no lease, there is nothing to warn of.
    for arguments in [["-b", "memory", "--set", "renewal=on"], ["-b", "postgres", "--set", "renewal=off"]] {
        let mut all = vec!["check", "w.toml"];
        all.extend(arguments);
        let ran = place.run(&all).exits(0);
        assert!(!ran.out.contains("may exceed") && !ran.out.contains("outside"), "{arguments:?}: {}", ran.out);
    }
}

#[test]
fn a_missing_workload_is_named_with_the_nearest() {
    let place = Place::new();
    let message = &["nofile.toml: cannot read this workload: No such file or directory"];
    place.run(&["run", "nofile.toml"]).exits(2).in_one_message().complains(message);
    let misspelt = Place::shipped("hotkey.toml");
    place.run(&["run", &misspelt]).exits(2).in_one_message().complains(&["did you mean", "hot-key.toml"]);
}

#[test]
fn a_directory_is_no_workload_and_is_not_suggested_to_itself() {
    let place = Place::new();
    let ran = place.run(&["run", &Place::shipped("controls")]).exits(2).in_one_message();
    assert!(!ran.err.contains("did you mean"), "{}", ran.err);
}

#[test]
fn an_override_is_checked_like_the_file() {
    refused_flags(&["--set", "duration=300"], &["--set duration=300", "has no unit"]);
    refused_flags(&["--set", "durtion=1s"], &["--set durtion=1s", "did you mean \"duration\"?"]);
    refused_flags(&["--set", "clients"], &["--set clients", "="]);
    refused_flags(&["--trials", "0"], &["trials", "0"]);
}

#[test]
fn an_endpoint_of_an_unknown_system_is_refused() {
    refused_flags(
        &["--endpoint", "mysql=mysql://a:1"],
        &["unknown system \"mysql\"", "redis, redlock, sentinel, zookeeper"],
    );
    refused_flags(&["--endpoint", "redis"], &["write SYSTEM=URL, for example redis=redis://127.0.0.1:6379"]);
    refused_flags(
        &["--endpoint", "etcd=redis://a:1"],
        &["redis://a:1 is an address of redis and should start with etcd://"],
    );
    refused_flags(&["--endpoint", "redlock=redis://a:1"], &["redlock needs at least 3 independent nodes, got 1"]);
    refused_flags(
        &["-b", "redis:sentinel", "--endpoint", "redis:sentinel=redis://a:1,redis://b:2"],
        &["--endpoint sentinel", "none of these is a Sentinel", "sentinel=sentinel://HOST:26379"],
    );
    refused_flags(
        &["-b", "redis:sentinel", "--endpoint", "sentinel=sentinel://a:1/x,sentinel://b:2/y"],
        &["sentinel://b:2 names another primary than sentinel://a:1"],
    );
}

#[test]
fn endpoints_that_contradict_each_other_are_refused() {
    let twice = ["--endpoint", "redis=redis://a:1", "--endpoint", "redis=redis://b:2"];
    refused_flags(&twice, &["--endpoint redis is given twice"]);
    refused_flags(&["--endpoint", "redis=redis://a:1,redis://b:2"], &["redis takes one URL, got 2", "redlock=URL"]);
    refused_flags(&["--stack", "local", "--endpoint", "etcd=etcd://a:1"], &["--stack local", "etcd"]);
    let unused = ["-b", "memory,redis", "--endpoint", "redis=redis://a:1", "--endpoint", "etcd=etcd://a:1"];
    refused_flags(&unused, &["an endpoint of etcd", "no system of this run uses it (memory, redis)", "-b etcd"]);
    let place = Place::new();
    place.run(&["quick", "redis://a:1", "redis://b:2"]).exits(2).in_one_message().complains(&["redlock=URL,URL,URL"]);
}

#[test]
fn an_unknown_flag_or_command_is_a_usage_error() {
    let place = Place::new();
    place.run(&["run", "w.toml", "--nonsense"]).exits(2).complains(&["--nonsense", "Usage: lockbench run"]);
    place.run(&["chek", "w.toml"]).exits(2).complains(&["chek", "'check'"]);
    place.run(&["run"]).exits(2).complains(&["<WORKLOAD>"]);
    place.run(&[]).exits(2).complains(&["Usage: lockbench <COMMAND>", "quick"]);
    place.run(&["run", "w.toml", "--seed", "x"]).exits(2).complains(&["--seed"]);
}

#[test]
fn help_goes_to_stdout_and_names_the_exit_codes() {
    let place = Place::new();
    let ran = place.run(&["--help"]).exits(0).tells(&["quick", "run", "check", "doctor", "backends", "Exit codes"]);
    assert_eq!(ran.err, "");
    place.run(&["run", "--help"]).exits(0).tells(&["--endpoint", "LOCKBENCH_SET", "--run-id", "Usage: lockbench run"]);
}

#[test]
fn backends_lists_every_recipe_with_its_promises() {
    let place = Place::new();
    let recipes = ["memory", "sqlite", "redis", "zookeeper", "etcd", "postgres:advisory", "postgres:lease"];
    let ran = place.run(&["backends"]).exits(0).tells(&recipes);
    let ran = ran.tells(&["control:no-lock", "control:no-renew", "control:wrong-release", "control:swallow-error"]);
    let ran = ran.tells(&["control:shared-identity", "fencing"]);
    ran.tells(&["redis:pubsub", "waits by message", "postgres:skip-locked", "claims or goes on, and does not wait"]);
}

#[test]
fn who_only_claims_is_not_asked_to_wait() {
    let place = Place::new();
    let check = |sets: &[&str]| {
        place.run(&[&["check", &Place::shipped("hot-key.toml"), "-b", "postgres:skip-locked"], sets].concat())
    };
    let told = ["hot-key.toml:", ": postgres:skip-locked claims a lock or goes on", "set acquire.mode = \"try\""];
    check(&[]).exits(2).in_one_message().complains(&told);
    check(&["--set", "acquire={ mode = \"try\" }"]).exits(0);
}

#[test]
fn flags_are_read_from_the_environment_too() {
    let place = Place::new();
    let mut command = place.command(&["check", &Place::shipped("hot-key.toml")]);
    command.env("LOCKBENCH_BACKENDS", "reddis");
    cli::Running::start(&mut command).finish(std::time::Duration::from_secs(10)).exits(2).complains(&["reddis"]);
}

#[test]
fn what_has_no_bare_loop_is_refused_with_what_has_one() {
    let place = Place::new();
    let offered = "-b memory: there is a bare loop for redis, zookeeper, etcd, postgres:advisory, postgres:lease";
    place.run(&["overhead", "-b", "memory"]).exits(2).in_one_message().complains(&[offered]);
    place.run(&["overhead", "-b", "redis", "--sweep", "clients=1,2"]).exits(2).complains(&["--sweep has no place"]);
    place.run(&["overhead", "-b", "redis", "--rounds", "0"]).exits(2).complains(&["--rounds"]);
}

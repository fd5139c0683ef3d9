//! Mistakes at the command line, each with its exact answer: what is wrong, where, and what
//! to do. The list is a snapshot, so that a message that got worse is seen. Nothing here
//! needs a server; what it may reach for is a port of this machine on which nobody listens.

use crate::support::cli::Place;

/// One mistake: what was typed, and the workload `w.toml` beside it.
struct Mistake {
    typed: &'static [&'static str],
    workload: &'static str,
}

const GOOD: &str = "clients = 2\nwarmup = \"0s\"\nduration = \"100ms\"\n";

const fn mistake(typed: &'static [&'static str]) -> Mistake {
    Mistake { typed, workload: GOOD }
}

const fn written(workload: &'static str) -> Mistake {
    Mistake { typed: &["check", "w.toml"], workload }
}

const MISTAKES: &[Mistake] = &[
    // Commands and flags.
    mistake(&["rnu", "w.toml"]),
    mistake(&["run"]),
    mistake(&["run", "w.toml", "--durations", "5s"]),
    mistake(&["run", "w.toml", "--duration", "5"]),
    mistake(&["run", "w.toml", "--duration", "5 parsecs"]),
    mistake(&["run", "w.toml", "--clients", "0"]),
    mistake(&["run", "w.toml", "--clients", "many"]),
    mistake(&["run", "w.toml", "--clients", "8", "--set", "clients=4"]),
    mistake(&["run", "w.toml", "--clients", "8", "--sweep", "clients=1,2"]),
    mistake(&["run", "w.toml", "--hold", "5"]),
    mistake(&["run", "w.toml", "--trials", "-1"]),
    mistake(&["run", "w.toml", "--ui", "gui"]),
    mistake(&["run", "w.toml", "--format", "yaml"]),
    mistake(&["run", "w.toml", "--stack", "podman"]),
    mistake(&["run", "w.toml", "extra"]),
    mistake(&["run", "w.toml", "redis"]),
    // Workloads.
    mistake(&["run", "nofile.toml"]),
    mistake(&["run", "hotkey"]),
    mistake(&["run", "redis"]),
    mistake(&["run", "redis://:secret@127.0.0.1:1"]),
    mistake(&["monitor", "etcd"]),
    mistake(&["run", "."]),
    mistake(&["check", "-"]),
    written("clients = 0\n"),
    written("clients = 2\nhodl = \"1ms\"\n"),
    written("clients = 2\nttl = \"10\"\n"),
    written("clients = 2\nttl = 10\n"),
    written("clients = 2\nhold = \"fast\"\n"),
    written("clients = two\n"),
    written("clients = 2\nclients = 3\n"),
    written("clients = 2\nkeys = \"singel\"\n"),
    written("clients = 2\nbackends = [\"reddis\"]\n"),
    written("clients = 2\nbackends = \"redis\"\n"),
    written("clients = 2\nthresholds = [\"acquire.p99 < 20ms\"]\n"),
    written("clients = 2\nexpect = [\"anything\"]\n"),
    written("clients = 2\nretry = { kind = \"fixed\", dealy = \"1ms\" }\n"),
    // Overrides.
    mistake(&["run", "w.toml", "--set", "clients"]),
    mistake(&["run", "w.toml", "--set", "clinets=8"]),
    mistake(&["run", "w.toml", "--set", "hold.mean.x=2ms"]),
    mistake(&["run", "w.toml", "--sweep", "clients"]),
    mistake(&["run", "w.toml", "--sweep", "clients=8"]),
    mistake(&["run", "w.toml", "--sweep", "name=a,b"]),
    // Systems and endpoints.
    mistake(&["run", "w.toml", "-b", "reddis"]),
    mistake(&["run", "w.toml", "-b", "postgres:leese"]),
    mistake(&["run", "w.toml", "--endpoint", "redis://127.0.0.1:1"]),
    mistake(&["run", "w.toml", "--endpoint", "mysql=mysql://127.0.0.1:1"]),
    mistake(&["run", "w.toml", "-b", "redis", "--endpoint", "redis=postgres://127.0.0.1:1/x"]),
    mistake(&["run", "w.toml", "-b", "memory", "--endpoint", "redis=redis://127.0.0.1:1"]),
    mistake(&["run", "w.toml", "--stack", "local", "-b", "redis", "--endpoint", "redis=redis://127.0.0.1:1"]),
    mistake(&["run", "w.toml", "-b", "redis", "--endpoint", "redis=redis://"]),
    mistake(&["inspect", "etcd://127.0.0.1:1?nosuch=1"]),
    mistake(&["run", "w.toml", "-b", "etcd", "--endpoint", "etcd=etcd://127.0.0.1:1?nosuch=1"]),
    mistake(&["check", "w.toml", "-b", "redis", "--endpoint", "redis=rediss://127.0.0.1:1?cacert=nofile"]),
    mistake(&["doctor", "--endpoint", "zookeeper=zookeeper://127.0.0.1:1?nosuch=1"]),
    mistake(&["monitor", "w.toml", "--endpoint", "postgres=postgres://127.0.0.1:1/x?nosuch=1"]),
    mistake(&["quick", "etcds://127.0.0.1:1?ca=nofile"]),
    mistake(&["quick", "redis.example"]),
    mistake(&["quick", "redis"]),
    mistake(&["inspect", "127.0.0.1:1"]),
    mistake(&["inspect", "redis://127.0.0.1:1"]),
    mistake(&["inspect", "redis://127.0.0.1:1", "--watch=1ms"]),
    // Gates.
    mistake(&["run", "w.toml", "-b", "memory", "--threshold", "acquire.p99 < 20ms"]),
    mistake(&["run", "w.toml", "-b", "memory", "--threshold", "throughput > fast"]),
    mistake(&["run", "w.toml", "-b", "memory", "--threshold", "acquire_service.p99 < 20"]),
    mistake(&["run", "w.toml", "-b", "memory", "--threshold", "p99>20ms"]),
    mistake(&["run", "w.toml", "-b", "memory", "--threshold", "rate>1000/s, fencing"]),
    mistake(&["run", "w.toml", "-b", "memory", "--json", "--format", "text"]),
    mistake(&["run", "w.toml", "-b", "memory", "--deny", "nolint"]),
    mistake(&["run", "w.toml", "-b", "memory", "--baseline", "nothing"]),
    mistake(&["run", "w.toml", "-b", "memory", "--run-id", "../evil"]),
    // Stored runs.
    mistake(&["show", "nothing"]),
    mistake(&["report", "nothing"]),
    mistake(&["verify", "w.toml"]),
    mistake(&["explain", "nothing", "1"]),
    mistake(&["compare", "nothing"]),
    mistake(&["export", "nothing", "--to", "pdf"]),
    mistake(&["watch", "nothing", "--speed", "fast"]),
    mistake(&["report", "nothing", "--need", "world-peace"]),
];

#[test]
fn each_mistake_has_its_answer() {
    let place = Place::new();
    let mut list = String::new();
    for Mistake { typed, workload } in MISTAKES {
        place.file("w.toml", workload);
        let ran = place.run(typed);
        let written = if *workload == GOOD { String::new() } else { format!("    w.toml: {workload:?}\n") };
        list.push_str(&format!("$ lockbench {}\n{written}", typed.join(" ")));
        for line in ran.out.lines().chain(ran.err.lines()) {
            list.push_str(&format!("    {line}\n"));
        }
        list.push_str(&format!("    exit {}\n\n", ran.code));
        assert!(ran.code != 0, "{typed:?} was taken:\n{}", ran.out);
    }
    assert!(MISTAKES.len() >= 60, "{} mistakes", MISTAKES.len());
    let list = list.replace(&place.path().display().to_string(), "PLACE");
    insta::assert_snapshot!(list);
    assert!(place.entries().is_empty(), "{:?}", place.entries());
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

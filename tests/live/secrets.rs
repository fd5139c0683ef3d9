//! A password in a URL, right or wrong, is in no output and in no file.

use crate::support;
use crate::support::cli;
use std::io::Read;
use std::path::Path;

use crate::support::cli::{Place, Ran, SHORT};
use crate::support::redis_server::RedisServer;
use flate2::read::MultiGzDecoder;

/// Percent-encoded in a URL it is another text: neither may be shown.
const PASSWORD: &str = "kQ7/zebra:9";
const ENCODED: &str = "kQ7%2Fzebra%3A9";

fn assert_hidden(place: &Place, ran: &Ran, secrets: &[&str]) {
    let mut texts = vec![("stdout".to_owned(), ran.out.clone()), ("stderr".to_owned(), ran.err.clone())];
    for file in cli::files_below(place.path()) {
        texts.push((file.display().to_string(), content(&file)));
    }
    assert!(texts.len() >= 7, "five files and two outputs: {}", texts.len());
    for (name, text) in texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in {name}:\n{text}");
        }
    }
}

fn content(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap();
    let mut plain = Vec::new();
    if file.extension().is_some_and(|ending| ending == "gz") {
        MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
    } else {
        plain = bytes;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn run(place: &Place, backend: &str, endpoint: &str) -> Ran {
    let workload = Place::shipped("quickstart.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", backend, "--endpoint", endpoint, "--ui", "plain"];
    // Whatever any library says.
    arguments.extend(["--log", "trace"]);
    arguments.extend(SHORT);
    place.run(&arguments)
}

#[test]
fn a_redis_password_is_shown_nowhere() {
    if !support::live("no server was started") {
        return;
    }
    let Some(server) = RedisServer::start(&["--requirepass", PASSWORD]) else { return };
    let at = format!("127.0.0.1:{}", server.port);
    let place = Place::new();
    let ran = run(&place, "redis", &format!("redis=redis://:{ENCODED}@{at}")).exits(0).tells(&["verdict: pass"]);
    assert_hidden(&place, &ran, &[PASSWORD, ENCODED, "zebra"]);
    let place = Place::new();
    let ran = run(&place, "redis", &format!("redis=redis://:wr0ng-zebra@{at}")).exits(3).tells(&[&at]);
    assert_hidden(&place, &ran, &["zebra"]);
    let place = Place::new();
    let ran = run(&place, "redis", &format!("redis=redis://{at}")).exits(3).tells(&[&at]);
    assert!(ran.out.to_lowercase().contains("auth"), "says that a password is wanted: {}", ran.out);
    let urls = [format!("redis://:{ENCODED}@{at}")];
    let place = Place::new();
    let mut arguments = vec!["quick", urls[0].as_str()];
    arguments.extend(SHORT);
    // Not SQLite: on a busy disk it may grant nothing in so short a run, which is exit 97.
    arguments.extend(["-b", "memory,redis"]);
    let ran = place.run(&arguments).exits(0).tells(&["2 of 2 systems ran"]);
    assert_hidden(&place, &ran, &[PASSWORD, ENCODED, "zebra"]);
}

#[test]
fn a_postgres_password_is_shown_nowhere() {
    let Some(endpoints) = support::endpoints(lockbench::backend::postgres::KIND) else { return };
    let url = endpoints[0].secret_url();
    let (_, password) = endpoints[0].credentials().unwrap();
    assert!(password.len() >= 8, "a password worth hiding");
    for backend in ["postgres:advisory", "postgres:lease"] {
        let place = Place::new();
        let ran = run(&place, backend, &format!("postgres={url}")).exits(0);
        assert_hidden(&place, &ran, &[&password]);
        let place = Place::new();
        let wrong = url.replace(&password, "wr0ng-zebra");
        let ran = run(&place, backend, &format!("postgres={wrong}")).exits(3);
        let ran = ran.tells(&[endpoints[0].host_port(), "password authentication failed"]);
        assert_hidden(&place, &ran, &["zebra", &password]);
    }
}

#[test]
fn an_endpoint_from_the_environment_is_hidden_too() {
    let place = Place::new();
    let workload = Place::shipped("quickstart.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis,etcd"];
    arguments.extend(SHORT);
    let mut command = place.command(&arguments);
    command.env("LOCKBENCH_ENDPOINT", "redis=redis://u:zebra-1@127.0.0.1:1 etcd=etcd://u:zebra-2@127.0.0.1:1");
    let ran = cli::Running::start(&mut command).finish(std::time::Duration::from_secs(30)).exits(3);
    let ran = ran.tells(&["redis: redis at redis://127.0.0.1:1", "etcd: etcd at 127.0.0.1:1"]);
    assert_hidden(&place, &ran, &["zebra"]);
    let mut command = place.command(&["run", "--help"]);
    command.env("LOCKBENCH_ENDPOINT", "redis=redis://u:zebra@127.0.0.1:1");
    let ran = cli::Running::start(&mut command).finish(std::time::Duration::from_secs(10)).exits(0);
    assert!(!ran.out.contains("zebra"), "{}", ran.out);
}

#[test]
fn a_mistaken_endpoint_is_quoted_without_its_password() {
    let place = Place::new();
    let workload = Place::shipped("quickstart.toml");
    for endpoint in [
        "etcd=redis://u:zebra@h:1",
        "redsi=redis://u:zebra@h:1",
        "redis://u:zebra@h:1",
        "mysql://u:zebra@h:1/x?mode=y",
        "redlock=redis://u:zebra@h:1",
        "redis=u:zebra@h:1",
    ] {
        let ran = place.run(&["run", &workload, "--endpoint", endpoint]).exits(2).in_one_message();
        assert!(!ran.err.contains("zebra"), "{}", ran.err);
        let ran = place.run(&["doctor", "--endpoint", endpoint]).exits(2).in_one_message();
        assert!(!ran.err.contains("zebra"), "{}", ran.err);
    }
    let ran = place.run(&["quick", "mysql://u:zebra@h:1/x?mode=y"]).exits(2).in_one_message();
    assert!(!ran.err.contains("zebra"), "{}", ran.err);
}

/// A mark that no help, no message and no file of lockbench contains.
const MARK: &str = "kq7ZEBRA";

/// Passwords as people have them: what a URL wants encoded, raw.
const PASSWORDS: [&str; 12] = [
    "MARK", "MARK/x", "x/MARK", "MARK#x", "x#MARK", "x?MARK", "MARK@x", "x,MARK", "x MARK", "x:MARK", "%4dMARK",
    "a&b=MARK",
];

/// Addresses with a secret, of every system, in every form; none of them can be reached.
fn addresses() -> Vec<String> {
    let shapes = [
        "redis://:P@127.0.0.1:1",
        "rediss://me:P@127.0.0.1:1/0",
        "redis://P@127.0.0.1:1",
        "redis://me:P",
        "redis://127.0.0.1:1?password=P",
        "etcd://me:P@127.0.0.1:1",
        "etcd://me:P@127.0.0.1:1,me:P@127.0.0.1:2",
        "zookeeper://me:P@127.0.0.1:1/chroot",
        "postgres://me:P@127.0.0.1:1/db",
        "postgres://127.0.0.1:1/db?user=me&password=P",
        "postgres:///db?host=/nowhere&password=P",
        "host=127.0.0.1 port=1 user=me password='P' dbname=x",
        "host=127.0.0.1 port=1 user=me password=P dbname=x",
        "mysql://me:P@127.0.0.1:1/db",
        "me:P@127.0.0.1:1",
        "redis://:P@127.0.0.1:1,redis://:P@127.0.0.1:2,redis://:P@127.0.0.1:3",
    ];
    let mut all = Vec::new();
    for (place, shape) in shapes.iter().enumerate() {
        // Each form with a third of the passwords: enough for each pair of kinds to meet.
        for password in PASSWORDS.iter().skip(place % 3).step_by(3) {
            all.push(shape.replace('P', &password.replace("MARK", MARK)));
        }
    }
    all
}

fn system_of(address: &str) -> &'static str {
    match address {
        list if list.contains(",redis://") => "redlock",
        address if address.starts_with("etcd") => "etcd",
        address if address.starts_with("zookeeper") => "zookeeper",
        address if address.starts_with("postgres") || address.starts_with("host=") => "postgres",
        _ => "redis",
    }
}

fn assert_unmarked(place: &Place, ran: &Ran, what: &[&str]) {
    let files = cli::files_below(place.path()).into_iter().map(|file| (file.display().to_string(), content(&file)));
    let streams = [("stdout".to_owned(), ran.out.clone()), ("stderr".to_owned(), ran.err.clone())];
    for (name, text) in files.chain(streams) {
        assert!(!text.to_lowercase().contains("zebra"), "{what:?}: in {name}:\n{text}");
    }
}

/// Runs a command a little while: what it says at its start and its end is enough.
fn within(place: &Place, arguments: &[&str], variable: Option<(&str, &str)>) -> Ran {
    let mut command = place.command(arguments);
    command.envs(variable);
    cli::Running::start(&mut command).finish(std::time::Duration::from_secs(60))
}

#[test]
fn no_command_shows_a_secret_wherever_it_is_typed() {
    let place = Place::new();
    place.file("w.toml", "clients = 1\nduration = \"100ms\"\nwarmup = \"0s\"\n");
    for (number, address) in addresses().into_iter().enumerate() {
        let a = address.as_str();
        let lines = [
            &["check", a][..],
            &["check", "w.toml", a],
            &["check", "w.toml", "-b", a],
            &["check", "w.toml", "--set", a],
            &["run", a],
            &["run", "w.toml", "--endpoint", a],
            &["run", "w.toml", "--threshold", a],
            &["run", "w.toml", "--stack", a],
            &["run", "w.toml", "--baseline", a, "-b", "memory", "--run-id", a],
            &["monitor", "w.toml", "--endpoint", a],
            &["monitor", "w.toml", "--webhook", a, "-b", "memory", "--rate", a],
            &["compare", a, a],
            &["ls", a],
            &["show", a],
            &["verify", a],
            &["up", a],
            &["status", a],
            &["down", a],
            &["backends", a],
            &["inspect", a, "--limit", a],
        ];
        // Each address at a quarter of the commands, each command with every form.
        for line in lines.into_iter().skip(number % 4).step_by(4) {
            let ran = within(&place, line, None);
            assert_ne!(ran.code, 0, "{line:?}");
            assert_unmarked(&place, &ran, line);
        }
    }
}

#[test]
fn no_artefact_of_a_run_shows_a_secret_of_its_endpoints() {
    for (number, address) in addresses().into_iter().enumerate().step_by(2) {
        let place = Place::new();
        place.file("w.toml", "clients = 1\nduration = \"100ms\"\nwarmup = \"0s\"\n");
        let system = system_of(&address);
        let endpoint = format!("{system}={address}");
        let backends = format!("memory,{system}");
        let line =
            ["run", "w.toml", "-b", backends.as_str(), "--ui", "plain", "--log", "trace", "--endpoint", &endpoint];
        // Every second one by a variable.
        let (flag, variable) = match number % 4 {
            0 => (line.len(), None),
            _ => (line.len() - 2, Some(("LOCKBENCH_ENDPOINT", endpoint.as_str()))),
        };
        let ran = within(&place, &line[..flag], variable);
        assert!(matches!(ran.code, 2 | 3), "{line:?}: {}\n{}", ran.code, ran.err);
        assert_unmarked(&place, &ran, &line);
        if let Some(run) = place.entries().first() {
            for look in [&["ls"][..], &["show", run], &["compare", run, run]] {
                assert_unmarked(&place, &within(&place, look, None), &line);
            }
        }
        assert_unmarked(&place, &within(&place, &["inspect", &address], None), &line);
    }
}

#[test]
fn a_password_that_is_an_ordinary_word_blanks_no_word() {
    let place = Place::new();
    place.file("w.toml", "clients = 1\nduration = \"100ms\"\nwarmup = \"0s\"\n");
    for word in ["redis", "e", "memory"] {
        let endpoint = format!("redis=redis://:{word}@127.0.0.1:1");
        let ran = place.run(&["run", "w.toml", "-b", "memory,redis", "--endpoint", &endpoint]).exits(3);
        let ran = ran.tells(&["redis: redis at redis://127.0.0.1:1", "is the server running?"]);
        assert!(!ran.out.contains("***") && !ran.err.contains("***"), "{}{}", ran.out, ran.err);
    }
}

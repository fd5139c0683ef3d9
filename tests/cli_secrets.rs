//! A password in a URL, right or wrong, is in no output and in no file.
#![allow(clippy::unwrap_used)] // clippy allows it in test functions only, not in their helpers

mod cli;
#[path = "redis_server/mod.rs"]
mod redis_server;
mod support;

use std::io::Read;
use std::path::Path;

use cli::{Place, Ran, SHORT};
use flate2::read::MultiGzDecoder;
use lockbench::lock::ServerKind;
use redis_server::RedisServer;

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
    let ran = place.run(&arguments).exits(0);
    assert_hidden(&place, &ran, &[PASSWORD, ENCODED, "zebra"]);
}

#[test]
fn a_postgres_password_is_shown_nowhere() {
    let Some(endpoints) = support::endpoints(ServerKind::Postgres) else { return };
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

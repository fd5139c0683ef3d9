//! A primary, two replicas and three Sentinels of one program: `redis-server FILE --sentinel` is a Sentinel
//! (<https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/>). All of them write their own
//! configuration files anew when roles change, so that each has one.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::options::{self, OF_SENTINELS, OF_THE_FIRST_REPLICA};
use crate::redis::start::recipe;
use crate::stack::error::StartError;
use crate::stack::home::write_private;
use crate::stack::start_recipe::{Call, Launch, Site, StartRecipe, answer_until, ask};
use lockbench_core::lock::Endpoint;

/// What the Sentinels call the primary: the name in the manual and in Redis's sentinel.conf.
pub(super) const PRIMARY: &str = "mymaster";

/// Members before this one have the data, the first of them as primary; the others are Sentinels.
const DATA: usize = 3;
const MEMBERS: usize = 6;

/// How long the replicas are waited for before the Sentinels are started.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

pub(super) static RECIPE: StartRecipe = StartRecipe {
    nodes: |_| MEMBERS,
    variables: &[],
    peers_from: 0,
    planned: options::settings,
    settings: &[
        "a primary, two replicas and three Sentinels, two of which must agree that the primary is down",
        "down-after-milliseconds 1000 unless planned (shipped: 30000)",
        "failover-timeout 2000 (shipped: 180000)",
        "repl-diskless-sync-delay 0 (shipped: 5 s)",
    ],
    launch,
    answers,
    endpoint,
    ..recipe()
};

fn is_sentinel(site: &Site) -> bool {
    site.number >= DATA
}

/// By which its peers, and the Sentinels, know a member.
fn announced(site: &Site, number: usize) -> u16 {
    site.member(number).first().copied().unwrap_or_default()
}

fn launch(site: &Site) -> Result<Launch, StartError> {
    let file = site.dir.join("redis.conf");
    let mut lines =
        vec![format!("port {}", site.port()), "bind 127.0.0.1".to_owned(), format!("dir \"{}\"", site.dir.display())];
    let own = announced(site, site.number);
    if is_sentinel(site) {
        await_replicas(site);
        lines.extend([
            format!("sentinel monitor {PRIMARY} 127.0.0.1 {} 2", announced(site, 0)),
            format!("sentinel down-after-milliseconds {PRIMARY} 1000"),
            format!("sentinel failover-timeout {PRIMARY} 2000"),
            format!("sentinel parallel-syncs {PRIMARY} 1"),
            "sentinel announce-ip 127.0.0.1".to_owned(),
            format!("sentinel announce-port {own}"),
        ]);
    } else {
        lines.extend([
            "repl-diskless-sync-delay 0".to_owned(),
            "replica-announce-ip 127.0.0.1".to_owned(),
            format!("replica-announce-port {own}"),
        ]);
        if site.number > 0 {
            lines.push(format!("replicaof 127.0.0.1 {}", announced(site, 0)));
        }
    }
    let ours = |setting: &&String| match setting.as_str() {
        OF_THE_FIRST_REPLICA => site.number == 1,
        other => other.starts_with(OF_SENTINELS) == is_sentinel(site),
    };
    lines.extend(site.settings.iter().filter(ours).cloned());
    write_private(&file, &(lines.join("\n") + "\n"), site.user.as_ref())?;
    let server = Call::new(&site.program.path).arg(file);
    let server = if is_sentinel(site) { server.arg("--sentinel") } else { server };
    Ok(Launch { prepare: None, server })
}

/// A Sentinel learns of the replicas when it meets the primary, and asks again only after ten seconds: it is started
/// when they are listed. Where the first member leads no more, it is not asked.
fn await_replicas(site: &Site) {
    let primary = site.members.first().and_then(|member| member.ports.first()).copied().unwrap_or_default();
    let until = Instant::now() + LISTED_WITHIN;
    while Instant::now() < until {
        let told = told(&format!("127.0.0.1:{primary}"), "INFO replication").unwrap_or_default();
        if told.matches("state=online").count() == DATA - 1 || told.contains("role:slave") {
            return;
        }
        sleep(Duration::from_millis(5));
    }
}

fn answers(site: &Site) -> Result<(), String> {
    if !is_sentinel(site) {
        return ask(site.port(), "PING\r\n", "+PONG");
    }
    let told = told(&format!("127.0.0.1:{}", site.port()), &format!("SENTINEL MASTER {PRIMARY}"))?;
    let knows = |what: &str, count: usize| field(&told, what).is_some_and(|text| text == count.to_string());
    let (replicas, others) = (DATA - 1, MEMBERS - DATA - 1);
    if knows("num-slaves", replicas) && knows("num-other-sentinels", others) {
        return Ok(());
    }
    Err(format!("it does not know {replicas} replicas and {others} other Sentinels yet"))
}

/// An answer, to its end: a Sentinel does not close the connection when it is told to `QUIT`, so that the next answer
/// is waited for.
fn told(address: &str, question: &str) -> Result<String, String> {
    answer_until(address, &format!("{question}\r\nPING\r\n"), "+PONG")
}

/// The text that follows another in an answer of texts
/// (<https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings>).
fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = answer.lines().skip_while(|line| *line != name);
    lines.nth(2)
}

/// Asks a member whether it is a primary (<https://redis.io/docs/latest/commands/role/>).
pub(super) fn leads(member: &Endpoint) -> Result<bool, String> {
    if super::config::is_sentinel(member) {
        return Ok(false);
    }
    let told = told(member.host_port(), "ROLE")?;
    Ok(told.lines().nth(2) == Some("master"))
}

/// A Sentinel's has the name of the primary, that of another the address by which the Sentinels know it.
fn endpoint(site: &Site) -> Endpoint {
    let own = format!("127.0.0.1:{}", site.port());
    Endpoint::new(if is_sentinel(site) {
        format!("{}://{own}/{PRIMARY}", super::NAME)
    } else {
        format!("redis://{own}?{}=127.0.0.1:{}", super::config::ANNOUNCED, announced(site, site.number))
    })
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_of_an_answer_is_the_text_behind_its_name() {
        let answer = "*4\r\n$10\r\nnum-slaves\r\n$1\r\n2\r\n$6\r\nquorum\r\n$1\r\n3\r\n+OK\r\n";
        assert_eq!(
            (field(answer, "num-slaves"), field(answer, "quorum"), field(answer, "x")),
            (Some("2"), Some("3"), None)
        );
    }
}

//! ZooKeeper, standalone or an ensemble, from its jars and a Java runtime. Settings:
//! <https://zookeeper.apache.org/doc/r3.8.0/zookeeperAdmin.html>; transactions
//! are fsynced as shipped; `tickTime`, `initLimit` and `syncLimit` are those of the shipped sample,
//! where the plan does not set the first.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::options;
use crate::stack::error::StartError;
use crate::stack::home::{own_dir, write_private};
use crate::stack::search::Search;
use crate::stack::start_recipe::{Call, Launch, OtherVersion, Program, Site, StartRecipe, answer, ask};
use lockbench_core::lock::Endpoint;

/// Where Debian and Ubuntu put jars.
const JARS: &str = "/usr/share/java";
const MAIN: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

pub(super) static RECIPE: StartRecipe = StartRecipe {
    variables: &["LOCKBENCH_JAVA", "LOCKBENCH_ZOOKEEPER_JARS"],
    // A class path may be a directory of jars; 3.4 knows the four-letter words that are asked for.
    other: OtherVersion {
        variable: "LOCKBENCH_ZOOKEEPER_JARS",
        program: "zookeeper.jar",
        by_directory: true,
        oldest: "3.4",
    },
    nodes: options::planned,
    // Of clients; of the followers of a leader; of elections.
    ports: 3,
    peers_from: 1,
    users: &["nobody", "zookeeper"],
    install: "apt-get install libzookeeper-java default-jre-headless",
    most_clients: None,
    settings: &["maxClientCnxns=0 (shipped: 60 an address)", "admin.enableServer=false", "4lw.commands.whitelist"],
    planned: options::settings,
    stop: Signal::TERM,
    find,
    launch,
    answers,
    endpoint,
    front: None,
    introduces: Some(introduces),
    replace: None,
};

fn find(search: &Search) -> Result<Program, String> {
    let java = search.executable("java", "LOCKBENCH_JAVA")?;
    if let Some(given) = search.given("LOCKBENCH_ZOOKEEPER_JARS") {
        // Java takes all jars of a directory that is written so.
        let dir = Path::new(given);
        let class_path = if dir.is_dir() { dir.join("*").into_os_string() } else { given.clone() };
        return Ok(Program { path: java, class_path, version: jar_version(dir) });
    }
    let jars = Path::new(JARS);
    let main = jars.join("zookeeper.jar");
    if !main.is_file() {
        return Err(format!("{} (LOCKBENCH_ZOOKEEPER_JARS can give a class path)", main.display()));
    }
    // Its manifest names the other jars, but not a logger; without one there
    // would be nothing to show when it fails.
    let mut class_path = OsString::from(main);
    if let Some(logger) =
        ["slf4j-simple.jar", "slf4j-nop.jar"].iter().map(|name| jars.join(name)).find(|path| path.is_file())
    {
        class_path.push(":");
        class_path.push(logger);
    }
    Ok(Program { path: java, class_path, version: jar_version(jars) })
}

/// The version in the name of the versioned jar, which Debian keeps as a link:
/// asking Java would cost a second.
fn jar_version(jars: &Path) -> String {
    let names =
        fs::read_dir(jars).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| Some(name.strip_prefix("zookeeper-")?.strip_suffix(".jar")?.to_owned()))
        .find(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn launch(site: &Site) -> Result<Launch, StartError> {
    let (configuration, data): (PathBuf, PathBuf) = (site.dir.join("zoo.cfg"), site.dir.join("data"));
    let mut text = format!(
        "{}\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n\
         admin.enableServer=false\n4lw.commands.whitelist=ruok,srvr,mntr,stat,cons,wchs,conf\n",
        if site.settings.is_empty() { "tickTime=2000".to_owned() } else { site.settings.join("\n") },
        data.display(),
        site.port()
    );
    if site.has_peers() {
        text.push_str("initLimit=10\nsyncLimit=5\n");
        for number in 0..site.members.len() {
            // A member listens at the address that its own list has for it.
            let ports = if number == site.number { &site.ports[..] } else { site.member(number) };
            let [_, quorum, election] = ports else { continue };
            text.push_str(&format!("server.{}=127.0.0.1:{quorum}:{election}\n", number + 1));
        }
        own_dir(&data, site.user.as_ref())?;
        write_private(&data.join("myid"), &format!("{}\n", site.number + 1), site.user.as_ref())?;
    }
    write_private(&configuration, &text, site.user.as_ref())?;
    let mut temporary = OsString::from("-Djava.io.tmpdir=");
    temporary.push(&site.dir);
    let server = Call::new(&site.program.path)
        // The heap that ZooKeeper's own zkEnv.sh gives a server.
        .arg("-Xmx1000m")
        .arg("-XX:-UsePerfData") // no files outside of our directory
        .arg(temporary)
        .arg("-cp")
        .arg(&site.program.class_path)
        .arg(MAIN)
        .arg(configuration);
    Ok(Launch { prepare: None, server })
}

/// Before it serves, `srvr` answers "This ZooKeeper instance is not currently
/// serving requests".
fn answers(site: &Site) -> Result<(), String> {
    ask(site.port(), "srvr", "Mode: ")
}

/// Asks a member whether it leads; one that stands alone does. A member that serves nobody does not.
pub(super) fn leads(member: &Endpoint) -> Result<bool, String> {
    let answer = answer(member.host_port(), "srvr")?;
    let mode = answer.lines().find_map(|line| line.strip_prefix("Mode: "));
    Ok(matches!(mode, Some("leader" | "standalone")))
}

fn endpoint(site: &Site) -> Endpoint {
    Endpoint::new(format!("zookeeper://127.0.0.1:{}", site.port()))
}

/// What a member says first to another on the election port, where the other may connect back to: the
/// version of the protocol, its number, and its address with its length before it
/// (`QuorumCnxManager.InitialMessage` of ZooKeeper 3.8, `PROTOCOL_VERSION_V1`).
fn introduces(first: &[u8], proxy: &dyn Fn(u16) -> Option<u16>) -> Option<Vec<u8>> {
    const VERSION: i64 = -65_536;
    const HEAD: usize = 16;
    let (head, rest) = first.split_at_checked(HEAD)?;
    if i64::from_be_bytes(head[..8].try_into().ok()?) != VERSION {
        return None;
    }
    let (length, rest) = rest.split_at_checked(4)?;
    let length = usize::try_from(i32::from_be_bytes(length.try_into().ok()?)).ok()?;
    let (address, rest) = rest.split_at_checked(length)?;
    let (host, port) = std::str::from_utf8(address).ok()?.rsplit_once(':')?;
    let address = format!("{host}:{}", proxy(port.parse().ok()?)?);
    let length = i32::try_from(address.len()).ok()?.to_be_bytes();
    Some([head, &length, address.as_bytes(), rest].concat())
}

#[cfg(test)]
mod tests {
    use super::introduces;

    #[test]
    fn a_member_that_introduces_itself_names_the_proxy_before_it() {
        let message = |address: &str| {
            let length = i32::try_from(address.len()).unwrap().to_be_bytes();
            [&(-65_536_i64).to_be_bytes()[..], &3_i64.to_be_bytes(), &length, address.as_bytes(), b"more"].concat()
        };
        let proxy = |port: u16| (port == 4_321).then_some(54_321);
        assert_eq!(introduces(&message("127.0.0.1:4321"), &proxy), Some(message("127.0.0.1:54321")));
        assert_eq!(introduces(&message("127.0.0.1:1"), &proxy), None, "of no proxy");
        assert_eq!(introduces(b"Mode: leader, and more than that", &proxy), None, "another message");
    }
}

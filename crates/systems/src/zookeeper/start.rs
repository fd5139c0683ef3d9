//! ZooKeeper, standalone, from its jars and a Java runtime. Settings:
//! <https://zookeeper.apache.org/doc/r3.8.0/zookeeperAdmin.html>; transactions
//! are fsynced as shipped, `tickTime` is that of the shipped sample.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::stack::error::StartError;
use crate::stack::home::write_private;
use crate::stack::search::Search;
use crate::stack::start_recipe::{Call, Launch, Program, Site, StartRecipe, ask};
use lockbench_core::lock::Endpoint;

/// Where Debian and Ubuntu put jars.
const JARS: &str = "/usr/share/java";
const MAIN: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

pub(super) static RECIPE: StartRecipe = StartRecipe {
    variables: &["LOCKBENCH_JAVA", "LOCKBENCH_ZOOKEEPER_JARS"],
    nodes: 1,
    ports: 1,
    users: &["nobody", "zookeeper"],
    install: "apt-get install libzookeeper-java default-jre-headless",
    most_clients: None,
    settings: &["maxClientCnxns=0 (shipped: 60 an address)", "admin.enableServer=false", "4lw.commands.whitelist"],
    stop: Signal::TERM,
    find,
    launch,
    answers,
    endpoint,
};

fn find(search: &Search) -> Result<Program, String> {
    let java = search.executable("java", "LOCKBENCH_JAVA")?;
    if let Some(given) = search.given("LOCKBENCH_ZOOKEEPER_JARS") {
        return Ok(Program { path: java, class_path: given.clone(), version: "unknown".to_owned() });
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
    let configuration: PathBuf = site.dir.join("zoo.cfg");
    let text = format!(
        "tickTime=2000\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n\
         admin.enableServer=false\n4lw.commands.whitelist=ruok,srvr,mntr,stat,cons,wchs,conf\n",
        site.dir.join("data").display(),
        site.port()
    );
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

fn endpoint(site: &Site) -> Endpoint {
    Endpoint::new(format!("zookeeper://127.0.0.1:{}", site.port()))
}

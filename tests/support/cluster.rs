//! Clusters of three nodes on loopback, whose nodes a test kills: etcd from its program,
//! ZooKeeper from its jars. They end with the value, whatever the test does.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::support;

/// Long enough for three JVMs on a loaded machine.
const READY: Duration = Duration::from_secs(60);

pub struct Cluster {
    scheme: &'static str,
    nodes: Vec<Child>,
    pub ports: Vec<u16>,
    /// Data and logs.
    _directory: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// Waits until no other test of this program has a cluster of three: the processors of a small machine do not carry
/// several elections at once, and members that are not run miss their leaders.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cluster {
    /// Three members of etcd; `None` (with a visible reason) where that is not asked for.
    pub fn etcd() -> Option<Self> {
        if !support::live("and this test starts a cluster of etcd") {
            return None;
        }
        let turn = turn();
        let directory = tempfile::tempdir().unwrap();
        let (ports, peers) = ([free_port(), free_port(), free_port()], [free_port(), free_port(), free_port()]);
        let peer = |number: usize| format!("http://127.0.0.1:{}", peers[number]);
        let all: Vec<String> = (0..3).map(|number| format!("n{number}={}", peer(number))).collect();
        let start = |number: usize| {
            let url = format!("http://127.0.0.1:{}", ports[number]);
            let mut command = Command::new("etcd");
            command.arg("--data-dir").arg(directory.path().join(number.to_string()));
            for (flag, value) in [
                ("--name", format!("n{number}")),
                ("--listen-client-urls", url.clone()),
                ("--advertise-client-urls", url),
                ("--listen-peer-urls", peer(number)),
                ("--initial-advertise-peer-urls", peer(number)),
                ("--initial-cluster", all.join(",")),
            ] {
                command.args([flag, &value]);
            }
            quiet(&mut command, directory.path(), number)
        };
        let nodes = started((0..3).map(start))?;
        let cluster = Self { scheme: "etcd", nodes, ports: ports.to_vec(), _directory: directory, _turn: turn };
        cluster.until_ready(|port| request(port, "GET /health HTTP/1.0\r\n\r\n").contains("\"true\""));
        Some(cluster)
    }

    /// An ensemble of three ZooKeeper servers; `None` (with a visible reason) where that is
    /// not asked for.
    pub fn zookeeper() -> Option<Self> {
        if !support::live("and this test starts an ensemble of ZooKeeper") {
            return None;
        }
        let jars = Path::new("/usr/share/java");
        if !jars.join("zookeeper.jar").is_file() {
            support::skip("no /usr/share/java/zookeeper.jar");
            return None;
        }
        let turn = turn();
        let directory = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port()];
        let peers: String =
            (1..=3).map(|id| format!("server.{id}=127.0.0.1:{}:{}:participant\n", free_port(), free_port())).collect();
        let start = |number: usize| {
            let home = directory.path().join(number.to_string());
            fs::create_dir(&home).unwrap();
            fs::write(home.join("myid"), (number + 1).to_string()).unwrap();
            let text = format!(
                "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\n\
                 maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=srvr,conf\n{peers}",
                home.display(),
                ports[number]
            );
            fs::write(home.join("zoo.cfg"), text).unwrap();
            let class_path = format!("{0}/zookeeper.jar:{0}/slf4j-simple.jar", jars.display());
            let mut command = Command::new("java");
            command.args(["-Xmx256m", "-XX:-UsePerfData", "-cp", &class_path]);
            command.arg("org.apache.zookeeper.server.quorum.QuorumPeerMain").arg(home.join("zoo.cfg"));
            quiet(&mut command, directory.path(), number)
        };
        let nodes = started((0..3).map(start))?;
        let cluster = Self { scheme: "zookeeper", nodes, ports: ports.to_vec(), _directory: directory, _turn: turn };
        cluster.until_ready(|port| request(port, "srvr").contains("Mode: "));
        Some(cluster)
    }

    /// Its kind and addresses, as `--endpoint` takes them.
    pub fn endpoint(&self) -> String {
        let hosts: Vec<String> = self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        match self.scheme {
            "etcd" => format!("etcd=etcd://{}", hosts.join(",etcd://")),
            scheme => format!("{scheme}={scheme}://{}", hosts.join(",")),
        }
    }

    /// A member of etcd that does not lead: the others serve on at once when it dies, while the
    /// death of a leader costs an election, which a loaded machine draws out.
    pub fn follower(&self) -> usize {
        let follows =
            |port: &u16| request(*port, "GET /metrics HTTP/1.0\r\n\r\n").contains("\netcd_server_is_leader 0");
        self.ports.iter().position(follows).expect("two of three members follow")
    }

    /// Kills a node, as a crash would; returns its address.
    pub fn kill(&mut self, number: usize) -> String {
        self.nodes[number].kill().unwrap();
        self.nodes[number].wait().unwrap();
        format!("127.0.0.1:{}", self.ports[number])
    }

    fn until_ready(&self, ready: impl Fn(u16) -> bool) {
        let begin = Instant::now();
        while !self.ports.iter().all(|port| ready(*port)) {
            assert!(begin.elapsed() < READY, "the cluster of {} did not come up", self.scheme);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn quiet(command: &mut Command, directory: &Path, number: usize) -> std::io::Result<Child> {
    let log = fs::File::create(directory.join(format!("{number}.log"))).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn()
}

fn started(nodes: impl Iterator<Item = std::io::Result<Child>>) -> Option<Vec<Child>> {
    match nodes.collect::<Result<Vec<Child>, _>>() {
        Ok(nodes) => Some(nodes),
        Err(error) => {
            support::skip(&format!("a cluster cannot be started: {error}"));
            None
        }
    }
}

/// The answer to a plain request; empty if there is none.
fn request(port: u16, text: &str) -> String {
    let asked = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    asked().unwrap_or_default()
}

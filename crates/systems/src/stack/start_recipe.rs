//! How one kind of server is started: the contract that each kind fills in.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::error::StartError;
use super::front::Front;
use super::search::Search;
use super::user::User;
use crate::ServerKind;
use lockbench_core::lock::Endpoint;
use lockbench_core::workload::SystemOptions;

/// Longest wait for one readiness answer.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);

/// Makes room in a cluster for a member.
pub(crate) type Replace = fn(&Site) -> Result<(), String>;

/// One kind of server.
pub(crate) struct StartRecipe {
    /// Variables of the environment that name a program of it.
    pub(crate) variables: &'static [&'static str],
    /// Which of them names another version of the server.
    pub(crate) other: OtherVersion,
    /// How many servers it takes, as planned: independent ones, or members of one cluster.
    pub(crate) nodes: fn(&SystemOptions) -> usize,
    /// Loopback ports that each needs; the first is the clients', and its peers know whether it is up by the last.
    pub(crate) ports: usize,
    /// The first of them by which its peers reach it: 0 where they share the clients'.
    pub(crate) peers_from: usize,
    /// Users to drop to from root, best first.
    pub(crate) users: &'static [&'static str],
    /// What installs it on Debian and Ubuntu.
    pub(crate) install: &'static str,
    /// The setting that limits its connections, how many it leaves to clients, and the open files that it keeps for
    /// itself: with too few of them it lowers the limit.
    pub(crate) most_clients: Option<(&'static str, u64, u64)>,
    /// Settings that the plan asks for, each as the server reads it; empty: none.
    pub(crate) planned: fn(&SystemOptions) -> Vec<String>,
    /// How its settings differ from those it ships with.
    pub(crate) settings: &'static [&'static str],
    /// Ends it in order.
    pub(crate) stop: Signal,
    /// Finds the program, or says what is missing.
    pub(crate) find: fn(&Search) -> Result<Program, String>,
    /// Writes what it reads at start and says what to run.
    pub(crate) launch: fn(&Site) -> Result<Launch, StartError>,
    /// Asks once, in its own protocol, whether it serves.
    pub(crate) answers: fn(&Site) -> Result<(), String>,
    /// Its address for clients.
    pub(crate) endpoint: fn(&Site) -> Endpoint,
    /// What may stand between it and its clients.
    pub(crate) front: Option<&'static Front>,
    /// What its members tell each other of their own addresses, if they do.
    pub(crate) introduces: Option<Introduces>,
    /// Makes room in a cluster for a member that comes back without its data, where the cluster
    /// must agree to that.
    pub(crate) replace: Option<Replace>,
}

impl StartRecipe {
    /// What stands between it and its clients, where the plan asks for something.
    pub(crate) fn front_of(&self, options: &SystemOptions) -> Option<&'static Front> {
        self.front.filter(|front| (front.planned)(options).is_some())
    }

    /// Loopback ports of one node, with that of what stands before it.
    pub(crate) fn ports_of(&self, options: &SystemOptions) -> usize {
        self.ports + usize::from(self.front_of(options).is_some())
    }
}

/// How another version of a server is named.
#[derive(Clone, Copy)]
pub(crate) struct OtherVersion {
    /// The variable of the environment.
    pub(crate) variable: &'static str,
    /// The program's name in its directory.
    pub(crate) program: &'static str,
    /// The variable names that directory, and not the program.
    pub(crate) by_directory: bool,
    /// The first version that its client library speaks with, as the library says.
    pub(crate) oldest: &'static str,
}

/// A program of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The executable.
    pub(crate) path: PathBuf,
    /// Java class path; empty for others.
    pub(crate) class_path: OsString,
    /// As it tells it; `unknown` if it does not.
    pub(crate) version: String,
}

/// The ports of a member of a cluster; the first is the clients'.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// On which it listens.
    pub(crate) ports: Vec<u16>,
    /// By which its peers reach it.
    pub(crate) by_peers: Vec<u16>,
}

/// A port by which its peers reach a member of a cluster.
#[derive(Clone, Copy)]
pub struct PeerPort {
    /// The kind of server.
    pub kind: ServerKind,
    /// Which member.
    pub member: usize,
    /// On which it listens.
    pub port: u16,
    /// Where members tell each other their own addresses: takes the first bytes of a connection, and gives them with
    /// the port of whoever sent them replaced by the one that stands before it.
    pub introduces: Option<Introduces>,
}

/// Rewrites the first bytes of a connection; `None`: nothing in them needs it.
pub type Introduces = fn(&[u8], &dyn Fn(u16) -> Option<u16>) -> Option<Vec<u8>>;

/// Stands between the members of the clusters that are started.
pub trait PeerLinks: Send + Sync + std::fmt::Debug {
    /// Puts a proxy before a port; returns the one by which peers shall reach it.
    ///
    /// # Errors
    /// There is no port for it.
    fn before(&self, port: PeerPort) -> io::Result<u16>;
}

/// What one node has for itself.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Its directory.
    pub(crate) dir: PathBuf,
    /// Its ports.
    pub(crate) ports: Vec<u16>,
    /// Its place among the members of its cluster.
    pub(crate) number: usize,
    /// Each member, itself included.
    pub(crate) members: Arc<[Member]>,
    /// It comes to a cluster that runs already, with no data.
    pub(crate) joins: bool,
    /// What it runs.
    pub(crate) program: Program,
    /// Whom it runs as, if not as us.
    pub(crate) user: Option<User>,
    /// Settings that the plan asks for, as the server reads them.
    pub(crate) settings: Vec<String>,
    /// A fresh secret, for servers that let a client run programs.
    pub(crate) password: String,
}

impl Site {
    /// The clients' port.
    pub(crate) fn port(&self) -> u16 {
        self.ports.first().copied().unwrap_or_default()
    }

    /// The port of what stands between it and its clients: behind those of the server.
    pub(crate) fn front_port(&self) -> u16 {
        self.ports.last().copied().unwrap_or_default()
    }

    /// Returns whether it is a member of a cluster of several.
    pub(crate) fn has_peers(&self) -> bool {
        self.members.len() > 1
    }

    /// The ports of a member, by which its peers reach it.
    pub(crate) fn member(&self, number: usize) -> &[u16] {
        self.members.get(number).map_or(&[], |member| &member.by_peers)
    }

    /// Returns whether it is up and can do no more: so many of its peers are down that the rest is no majority.
    pub(crate) fn waits_for_peers(&self) -> bool {
        let up = |ports: &[u16]| ports.last().is_some_and(|port| connect(*port).is_ok());
        let peers = self.members.iter().enumerate().filter(|(number, _)| *number != self.number);
        let up_with_it = 1 + peers.filter(|(_, member)| up(&member.ports)).count();
        self.has_peers() && up(&self.ports) && up_with_it < self.members.len() / 2 + 1
    }
}

/// A program with its arguments.
pub(crate) struct Call {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
}

impl Call {
    pub(crate) fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), arguments: Vec::new() }
    }

    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn args<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
}

/// What to run: a step that prepares, if any, then the server.
pub(crate) struct Launch {
    pub(crate) prepare: Option<Call>,
    pub(crate) server: Call,
}

/// A connection for a readiness question.
pub(crate) fn connect(port: u16) -> Result<TcpStream, String> {
    connect_to(&format!("127.0.0.1:{port}"))
}

/// A connection for a question; neither it nor an answer may take long.
pub(crate) fn connect_to(address: &str) -> Result<TcpStream, String> {
    let open = || -> io::Result<TcpStream> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let address = address.to_socket_addrs()?.next().ok_or_else(unknown)?;
        let stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        Ok(stream)
    };
    open().map_err(|error| error.to_string())
}

/// Sends a question and reads until the answer contains `sign` or ends.
pub(crate) fn ask(port: u16, question: &str, sign: &str) -> Result<(), String> {
    let text = read_until(&format!("127.0.0.1:{port}"), question, |text| text.contains(sign))?;
    if text.contains(sign) {
        return Ok(());
    }
    Err(format!("answered \"{}\"", text.lines().next_back().unwrap_or_default()))
}

/// Sends a question and reads the answer to its end.
pub(crate) fn answer(address: &str, question: &str) -> Result<String, String> {
    read_until(address, question, |_| false)
}

/// Sends a question and reads the answer until it contains `sign` or ends.
pub(crate) fn answer_until(address: &str, question: &str, sign: &str) -> Result<String, String> {
    read_until(address, question, |text| text.contains(sign))
}

fn read_until(address: &str, question: &str, enough: impl Fn(&str) -> bool) -> Result<String, String> {
    let mut stream = connect_to(address)?;
    stream.write_all(question.as_bytes()).map_err(|error| error.to_string())?;
    let (mut answer, mut buffer) = (Vec::new(), [0_u8; 2_048]);
    loop {
        let length = stream.read(&mut buffer).map_err(|error| error.to_string())?;
        answer.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&answer);
        if length == 0 || answer.len() > 16_384 || enough(&text) {
            return Ok(text.into_owned());
        }
    }
}

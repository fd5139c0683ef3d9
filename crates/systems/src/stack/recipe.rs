//! How one kind of server is started: the contract that each kind fills in.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::error::StartError;
use super::search::Search;
use super::user::User;
use lockbench_core::lock::{Endpoint, ServerKind};

/// Longest wait for one readiness answer.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);

/// One kind of server.
pub(super) struct Recipe {
    /// Which.
    pub(super) kind: ServerKind,
    /// How many independent servers it takes.
    pub(super) nodes: usize,
    /// Loopback ports that each needs; the first is the clients'.
    pub(super) ports: usize,
    /// Users to drop to from root, best first.
    pub(super) users: &'static [&'static str],
    /// What installs it on Debian and Ubuntu.
    pub(super) install: &'static str,
    /// The setting that limits its connections, how many it leaves to clients, and the open files that it keeps for
    /// itself: with too few of them it lowers the limit.
    pub(super) most_clients: Option<(&'static str, u64, u64)>,
    /// How its settings differ from those it ships with.
    pub(super) settings: &'static [&'static str],
    /// Ends it in order.
    pub(super) stop: Signal,
    /// Finds the program, or says what is missing.
    pub(super) find: fn(&Search) -> Result<Program, String>,
    /// Writes what it reads at start and says what to run.
    pub(super) launch: fn(&Site) -> Result<Launch, StartError>,
    /// Asks once, in its own protocol, whether it serves.
    pub(super) answers: fn(&Site) -> Result<(), String>,
    /// Its address for clients.
    pub(super) endpoint: fn(&Site) -> Endpoint,
}

/// A program of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// The executable.
    pub(super) path: PathBuf,
    /// Java class path; empty for others.
    pub(super) class_path: OsString,
    /// As it tells it; `unknown` if it does not.
    pub(super) version: String,
}

/// What one node has for itself.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Its directory.
    pub(super) dir: PathBuf,
    /// Its ports.
    pub(super) ports: Vec<u16>,
    /// What it runs.
    pub(super) program: Program,
    /// Whom it runs as, if not as us.
    pub(super) user: Option<User>,
    /// A fresh secret, for servers that let a client run programs.
    pub(super) password: String,
}

impl Site {
    /// The clients' port.
    pub(super) fn port(&self) -> u16 {
        self.ports.first().copied().unwrap_or_default()
    }
}

/// A program with its arguments.
pub(super) struct Call {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl Call {
    pub(super) fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), arguments: Vec::new() }
    }

    pub(super) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn args<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
}

/// What to run: a step that prepares, if any, then the server.
pub(super) struct Launch {
    pub(super) prepare: Option<Call>,
    pub(super) server: Call,
}

/// A connection for a readiness question.
pub(super) fn connect(port: u16) -> Result<TcpStream, String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let open = || -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        Ok(stream)
    };
    open().map_err(|error| error.to_string())
}

/// Sends a question and reads until the answer contains `sign` or ends.
pub(super) fn ask(port: u16, question: &str, sign: &str) -> Result<(), String> {
    let mut stream = connect(port)?;
    stream.write_all(question.as_bytes()).map_err(|error| error.to_string())?;
    let (mut answer, mut buffer) = (Vec::new(), [0_u8; 2_048]);
    loop {
        let length = match stream.read(&mut buffer) {
            Ok(length) => length,
            Err(error) => return Err(error.to_string()),
        };
        answer.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&answer);
        if text.contains(sign) {
            return Ok(());
        }
        if length == 0 || answer.len() > 16_384 {
            return Err(format!("answered \"{}\"", text.lines().next_back().unwrap_or_default()));
        }
    }
}

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
use lockbench_core::lock::Endpoint;

/// Longest wait for one readiness answer.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);

/// One kind of server.
pub(crate) struct StartRecipe {
    /// Variables of the environment that name a program of it.
    pub(crate) variables: &'static [&'static str],
    /// How many independent servers it takes.
    pub(crate) nodes: usize,
    /// Loopback ports that each needs; the first is the clients'.
    pub(crate) ports: usize,
    /// Users to drop to from root, best first.
    pub(crate) users: &'static [&'static str],
    /// What installs it on Debian and Ubuntu.
    pub(crate) install: &'static str,
    /// The setting that limits its connections, how many it leaves to clients, and the open files that it keeps for
    /// itself: with too few of them it lowers the limit.
    pub(crate) most_clients: Option<(&'static str, u64, u64)>,
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

/// What one node has for itself.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Its directory.
    pub(crate) dir: PathBuf,
    /// Its ports.
    pub(crate) ports: Vec<u16>,
    /// What it runs.
    pub(crate) program: Program,
    /// Whom it runs as, if not as us.
    pub(crate) user: Option<User>,
    /// A fresh secret, for servers that let a client run programs.
    pub(crate) password: String,
}

impl Site {
    /// The clients' port.
    pub(crate) fn port(&self) -> u16 {
        self.ports.first().copied().unwrap_or_default()
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
pub(crate) fn ask(port: u16, question: &str, sign: &str) -> Result<(), String> {
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

//! Why a server could not be started, in words that say what to do next.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::ServerKind;

/// Why there is no server.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StartError {
    /// The program is not on this machine.
    #[error("{kind}: {what} was not found; install it with: {install}")]
    Missing {
        /// Kind asked for.
        kind: ServerKind,
        /// What was looked for.
        what: String,
        /// Command that installs it on Debian and Ubuntu.
        install: &'static str,
    },
    /// The server, or a step that prepares it, ended before it answered.
    #[error(
        "{kind}: {program} ended ({status}) while starting on port {port}; mend what its last lines name, \
         or use a running server with --endpoint {kind}=URL{log}"
    )]
    Died {
        /// Kind asked for.
        kind: ServerKind,
        /// The program that ended.
        program: PathBuf,
        /// Exit status or signal.
        status: String,
        /// Loopback port that it was given.
        port: u16,
        /// Last lines of its log, each on a line of its own.
        log: String,
    },
    /// The server runs but did not answer in time.
    #[error(
        "{kind}: {program} did not answer on 127.0.0.1:{port} within {limit_s} s ({answer}); \
         is the machine overloaded? Its last lines:{log}"
    )]
    NotReady {
        /// Kind asked for.
        kind: ServerKind,
        /// The server's program.
        program: PathBuf,
        /// Loopback port that it was given.
        port: u16,
        /// How long we waited, in seconds.
        limit_s: u64,
        /// What the last question got.
        answer: String,
        /// Last lines of its log, each on a line of its own.
        log: String,
    },
    /// Another process took the port between our choice and the server's start, twice.
    #[error(
        "{kind}: port {port} on 127.0.0.1 was taken by another process twice in a row; \
         `ss -ltnp 'sport = :{port}'` shows by whom; run again{log}"
    )]
    PortTaken {
        /// Kind asked for.
        kind: ServerKind,
        /// The port of the second try.
        port: u16,
        /// Last lines of the server's log, each on a line of its own.
        log: String,
    },
    /// A file or directory of the stack cannot be made or used.
    #[error("cannot {action} {path}: {source}; set TMPDIR to a directory that {who} can use")]
    Directory {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The user that needs it.
        who: String,
        /// Cause.
        source: Arc<io::Error>,
    },
    /// We are root, and there is nobody to drop to.
    #[error(
        "{kind}: must not run as root, and none of the users {users} exists; create one \
         (useradd --system nobody) or run lockbench as an ordinary user"
    )]
    NoUser {
        /// Kind asked for.
        kind: ServerKind,
        /// Names that were looked for.
        users: String,
    },
    /// The operating system refused: no process, no port, no pipe.
    #[error("cannot {action}: {source}; check `ulimit -a` (open files, processes)")]
    System {
        /// What was tried, as a verb.
        action: String,
        /// Cause.
        source: Arc<io::Error>,
    },
    /// The user asked to stop.
    #[error("{kind}: stopped while it was starting")]
    Interrupted {
        /// Kind asked for.
        kind: ServerKind,
    },
}

impl StartError {
    pub(crate) fn system(action: impl Into<String>, source: io::Error) -> Self {
        Self::System { action: action.into(), source: Arc::new(source) }
    }

    /// Is it worth one more try on other ports?
    pub(crate) fn lost_the_port(&self) -> bool {
        match self {
            Self::PortTaken { .. } => true,
            Self::Died { log, .. } | Self::NotReady { log, .. } => {
                log.to_ascii_lowercase().contains("address already in use")
            }
            Self::Missing { .. }
            | Self::Directory { .. }
            | Self::NoUser { .. }
            | Self::System { .. }
            | Self::Interrupted { .. } => false,
        }
    }

    /// The same failure after the second try: names the port.
    pub(crate) fn named_as_port_race(self) -> Self {
        match self {
            Self::Died { kind, port, log, .. } | Self::NotReady { kind, port, log, .. } => {
                Self::PortTaken { kind, port, log }
            }
            other => other,
        }
    }
}

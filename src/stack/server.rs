//! A running server, or five of them for Redlock. Dropping it stops it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::Signal;

use super::home::Home;
use super::process::{Process, describe};
use super::usage::Usage;
use crate::lock::{Endpoint, ServerKind};

/// Handle of what was started for one kind. All methods may be called from any
/// thread; stopping twice is harmless.
pub struct Server {
    pub(super) kind: ServerKind,
    pub(super) program: PathBuf,
    pub(super) version: String,
    pub(super) settings: &'static [&'static str],
    pub(super) stop: Signal,
    pub(super) nodes: Vec<Node>,
    /// Last field: the directory goes after the processes.
    pub(super) home: Arc<Home>,
}

/// One process group.
pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    pub(super) process: Process,
}

impl Server {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// The executable that runs.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The program's version as found on disk; the recipes read the running
    /// server's own back.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How its settings differ from those it ships with, beside address, port
    /// and directories; empty: not at all.
    #[must_use]
    pub fn settings(&self) -> &'static [&'static str] {
        self.settings
    }

    /// Addresses for clients. Postgres' contains a password.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.nodes.iter().map(|node| node.endpoint.clone()).collect()
    }

    /// Live processes, children included; empty once it has ended.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.nodes.iter().flat_map(|node| node.process.pids()).collect()
    }

    /// Did it end without being asked to? Then which node, how, and its last
    /// log lines.
    #[must_use]
    pub fn died(&self) -> Option<String> {
        self.nodes.iter().find_map(|node| {
            let status = node.process.died()?;
            Some(format!(
                "{} on {} ended ({}); its last lines:{}",
                self.kind,
                node.endpoint.host_port(),
                describe(status),
                node.process.log_tail()
            ))
        })
    }

    /// CPU time and memory of all of its processes so far; `None` once a node
    /// has ended, because the sum would be wrong.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.nodes.iter().try_fold(Usage::default(), |sum, node| Some(sum.plus(node.process.usage()?)))
    }

    /// Last lines of each node's log, each on a line of its own.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.nodes.iter().map(|node| format!("\n  {}:{}", node.endpoint.host_port(), node.process.log_tail())).collect()
    }

    /// The stack's directory, with one log a node.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Freezes every process of it (SIGSTOP).
    ///
    /// # Errors
    /// If a node has ended.
    pub fn pause(&self) -> io::Result<()> {
        self.nodes.iter().try_for_each(|node| node.process.signal_group(Signal::STOP))
    }

    /// Ends a pause (SIGCONT).
    ///
    /// # Errors
    /// If a node has ended.
    pub fn resume(&self) -> io::Result<()> {
        self.nodes.iter().try_for_each(|node| node.process.signal_group(Signal::CONT))
    }

    /// Stops it: asks, waits up to 3 s, kills the group, reaps.
    pub fn stop(&self) {
        self.ask_to_stop();
        for node in &self.nodes {
            node.process.finish();
        }
    }

    /// Begins to stop without waiting, so that several servers stop at once.
    pub fn ask_to_stop(&self) {
        for node in &self.nodes {
            node.process.ask_to_stop(self.stop);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("kind", &self.kind).field("endpoints", &self.endpoints()).finish_non_exhaustive()
    }
}

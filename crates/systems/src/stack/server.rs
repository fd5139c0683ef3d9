//! A running server: one node, or several for Redlock and for clusters.
//! Dropping it stops it, unless it was only found.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::docker::Claim;
use super::home::Home;
use super::node::{Node, NodeError};
use super::usage::Usage;
use crate::ServerKind;
use lockbench_core::lock::Endpoint;

/// Handle of what runs for one kind. All methods may be called from any thread;
/// stopping twice is harmless.
pub struct Server {
    pub(super) kind: ServerKind,
    pub(super) program: String,
    pub(super) version: String,
    pub(super) remarks: Vec<String>,
    pub(super) durability: Option<String>,
    pub(super) nodes: Vec<Box<dyn Node>>,
    /// Last field: what goes after the nodes.
    pub(super) place: Place,
}

/// Where a server runs, and what must go with it.
pub(super) enum Place {
    /// Processes of this machine, in this directory.
    Local(Arc<Home>),
    /// Containers that we started: networks and volumes go with the last of them.
    Docker(Arc<Claim>),
    /// Containers that run already: not ours to stop.
    Found,
}

impl Server {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// The executable or the image that runs.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The program's version as found on disk, or the tag of its image; the
    /// recipes read the running server's own back.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What a reader of its figures must know: how its settings differ from those it
    /// ships with, or the durability that its containers were made for.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// What its containers were made for, `fast` or `safe`, where they say so. Some
    /// servers cannot be asked.
    #[must_use]
    pub fn durability(&self) -> Option<&str> {
        self.durability.as_deref()
    }

    /// Addresses for clients. Postgres' contains a password.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.nodes.iter().map(|node| node.entrance().clone()).collect()
    }

    /// Addresses of the servers themselves, whatever stands between them and the clients.
    #[must_use]
    pub fn own_endpoints(&self) -> Vec<Endpoint> {
        self.nodes.iter().map(|node| node.endpoint().clone()).collect()
    }

    /// Its nodes, in the order of their names: what a fault aims at.
    pub fn nodes(&self) -> impl Iterator<Item = &dyn Node> {
        self.nodes.iter().map(Box::as_ref)
    }

    /// The connections that processes of its nodes have now, by their own port and that of the other end, each with the
    /// place of the node, as far as /proc tells.
    #[must_use]
    pub fn connections(&self) -> HashMap<(u16, u16), usize> {
        let pids: Vec<Vec<u32>> = self.nodes.iter().map(|node| node.pids()).collect();
        super::port::connections(&pids)
    }

    /// Does dropping it stop it? Servers that ran before us stay.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(self.place, Place::Found)
    }

    /// Does it run in containers?
    #[must_use]
    pub fn in_containers(&self) -> bool {
        !matches!(self.place, Place::Local(_))
    }

    /// Live processes, children included; empty once it has ended.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.nodes.iter().flat_map(|node| node.pids()).collect()
    }

    /// Did it end without being asked to? Then which node, how, and its last
    /// log lines.
    #[must_use]
    pub fn died(&self) -> Option<String> {
        self.nodes.iter().find_map(|node| node.died())
    }

    /// Did so many nodes end without being asked to that the rest is no majority? Then which,
    /// how, and their last log lines.
    #[must_use]
    pub fn out_of_service(&self) -> Option<String> {
        let dead: Vec<String> = self.nodes.iter().filter_map(|node| node.died()).collect();
        let majority = self.nodes.len() / 2 + 1;
        (self.nodes.len() - dead.len() < majority).then(|| dead.join("; "))
    }

    /// CPU time and memory of all of its processes so far; `None` once a node
    /// has ended, because the sum would be wrong.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.nodes.iter().try_fold(Usage::default(), |sum, node| Some(sum.plus(node.usage()?)))
    }

    /// Last lines of each node's log, each on a line of its own.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.nodes.iter().map(|node| format!("\n  {}:{}", node.endpoint().host_port(), node.log_tail())).collect()
    }

    /// The directory of local servers, with one log a node.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match &self.place {
            Place::Local(home) => Some(home.path()),
            Place::Docker(_) | Place::Found => None,
        }
    }

    /// Where the data of each local node are: on the disk of the host, or on one that we serve for it.
    pub fn data(&self) -> impl Iterator<Item = PathBuf> {
        let directory = self.directory();
        self.nodes.iter().filter_map(move |node| Some(directory?.join(node.name())))
    }

    /// Freezes every node.
    ///
    /// # Errors
    /// If a node has ended.
    pub fn pause(&self) -> Result<(), NodeError> {
        self.nodes.iter().try_for_each(|node| node.pause())
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// If a node has ended.
    pub fn resume(&self) -> Result<(), NodeError> {
        self.nodes.iter().try_for_each(|node| node.resume())
    }

    /// Stops it: asks, waits a little, kills. What is not ours is mended and stays.
    pub fn stop(&self) {
        self.ask_to_stop();
        for node in &self.nodes {
            node.finish();
        }
    }

    /// Begins to stop without waiting, so that several servers stop at once.
    pub fn ask_to_stop(&self) {
        for node in &self.nodes {
            node.ask_to_stop();
        }
    }

    /// Leaves it running when we are gone, where that can be: containers can,
    /// processes of this one cannot.
    pub fn leave(&self) {
        if let Place::Docker(claim) = &self.place {
            claim.release();
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

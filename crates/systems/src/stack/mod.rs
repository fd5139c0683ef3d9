//! Where servers come from: real server programs of this machine, started for
//! one run in a temporary directory on free loopback ports, and stopped
//! whatever happens. How a lock is taken on them is `backend`'s business.
//!
//! ```text
//! LocalStack::start -> one thread a kind -> StartRecipe (how this kind is started)
//!     Home    the temporary directory, and its guard
//!     Guard   a shell that outlives us: stops what we left if we are killed
//!     Process one server in a process group of its own
//!     Server  the handle: endpoints, death, usage, pause, stop on drop
//! ```
//!
//! **Who stops the servers.** A [`Server`] stops its processes when it is
//! dropped: normal end, error return and panic. Each is in a process group of
//! its own, so a Ctrl-C to the foreground group does not reach it; the command
//! line handles the signal and drops the servers. Against `kill -9` of
//! lockbench itself there is a guard: a small shell whose standard input is a
//! pipe that only we hold open. When we are gone, however that came, it reads
//! end-of-file, stops the groups it was told of and removes the directory.
//! `PR_SET_PDEATHSIG` (`setpriv --pdeathsig`) was rejected for this: it fires
//! when the *thread* that forked ends (prctl(2)), which is every test thread
//! and every blocking task; it leaves the directory; and it does not reach the
//! children of a server.
//!
//! **Settings** are those that the server ships with. What differs is told by
//! [`Server::remarks`], for the report.
//!
//! **Users.** Run as root, every server drops to an unprivileged user: Postgres
//! refuses root, and an open Redis on loopback that runs as root would let any
//! local user write files as root.

mod clock;
mod disk;
mod docker;
pub(crate) mod error;
pub(crate) mod front;
mod given_server;
mod guard;
pub(crate) mod home;
mod local;
mod local_node;
pub(crate) mod members;
mod node;
mod port;
mod process;
mod register;
pub(crate) mod search;
mod server;
mod shared_memory;
pub(crate) mod start_recipe;
mod usage;
mod user;

use super::ServerKind;
pub use clock::{Clock, forget_own_names};
pub use disk::DiskProgram;
pub use docker::{ContainerState, DockerError, DockerOptions, DockerStack, Project};
pub use error::StartError;
pub use given_server::GivenServer;
pub use local::{LocalStack, Options};
pub use node::{Node, NodeError};
pub use port::is_held;
pub use register::{Register, RegisterError, Registered, Registration};
pub use search::{Probe, Search};
pub use server::Server;
pub use start_recipe::{Introduces, PeerLinks, PeerPort};
pub use usage::{Usage, cpu_s_of};

/// What the disk of a node has done, and why none can be had on this machine.
pub use lockbench_forgetful::{Told as DiskTold, serve as serve_disk, unavailable as no_disk};

pub(crate) use start_recipe::StartRecipe;

/// The setting by which a server of this kind, as it is started here, limits its connections, and how many it
/// leaves to clients where a process may have so many files open; `None`: it sets no limit.
#[must_use]
pub fn most_clients(kind: ServerKind, open_files: Option<u64>) -> Option<(&'static str, u64)> {
    let (setting, most, files_kept) = kind.servers().start.most_clients?;
    let files = open_files.map_or(u64::MAX, |files| files.saturating_sub(files_kept));
    Some((setting, most.min(files)))
}

/// Why the wall clocks of servers cannot be moved on this machine, with what to do; `None`: they can.
#[must_use]
pub fn no_clocks() -> Option<String> {
    clock::Faketime::find(&Search::from_env()).err()
}

/// Can a server of this kind be started here? Looks at the machine, starts
/// nothing.
#[must_use]
pub fn probe(kind: ServerKind) -> Probe {
    Search::from_env().probe(kind)
}

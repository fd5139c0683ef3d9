//! Servers in containers, from a compose file: started, found, disturbed and
//! taken down through the `docker` command line, so that contexts, sockets and
//! rights work as they do for the user. Works with `docker compose` and with
//! docker-compose 1.29.
//!
//! ```text
//! DockerStack  engine, compose, files: what can be started, what runs already
//!     Compose      `compose config` and `compose up`
//!     Container    what the engine says of one container
//!     Claim        what we started: taken down with the last of us, even by kill -9
//!     ContainerNode  the node that a fault aims at
//! Project      by its label alone, without a compose file: status and down
//! ```
//!
//! **What is read from compose.** Which service is of which kind stands in the label
//! `lockbench.kind`; the clients' port in `lockbench.port`, the endpoint in
//! `lockbench.url`, with `{address}` for the published `host:port`; what its
//! settings are meant for in `lockbench.durability`. Nothing of it is known here
//! otherwise. A file without such a label is another project's, and is refused.
//!
//! **Readiness** is the container's own health check, which we poll: `up --wait`
//! is not in 1.29, and says neither what it waits for nor why it failed.
//!
//! **Who takes it down.** A [`Claim`] removes the containers of the services that
//! one call started, their volumes, and the networks once the project is empty. The
//! work is one script that the stack's guard runs, so that it is done whatever ends
//! us. What ran before is never touched.

mod call;
mod claim;
mod compose;
mod container;
mod engine;
mod error;
mod found;
mod holder;
mod node;
mod project;
mod start;
mod turn;

pub(super) use claim::Claim;
pub use error::DockerError;
pub use project::{ContainerState, Project};
pub use start::{DockerOptions, DockerStack};

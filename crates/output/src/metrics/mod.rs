//! The figures of a run for Prometheus, while it runs: a [`Board`] that whoever measures
//! writes by a [`BoardWriter`] a trial, and an [`Endpoint`] that encodes it when it is scraped.

mod accept;
mod board;
mod board_writer;
mod buckets;
mod contribution;
mod encode;
mod endpoint;
mod families;
mod limit;
pub(crate) mod text;

pub use accept::Format;
pub use board::{Board, Standing, State, Subject};
pub use board_writer::BoardWriter;
pub use buckets::{Buckets, SCHEMA, Sparse, ZERO_THRESHOLD};
pub use contribution::{Acquire, Arrivals, Contribution, Durations, Outcome};
pub use encode::encode;
pub use endpoint::Endpoint;
pub use families::{FAMILIES, Family, Kind, of_sample};

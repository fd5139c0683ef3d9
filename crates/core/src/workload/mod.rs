//! Workloads: what to run, and the load that follows from it.
//!
//! A TOML file is read into a tree that knows its lines (`document`), changed by
//! `--set` texts (`overrides`) and decoded by one description of its keys
//! (`file`, `kinds`, `fault`) into a validated [`Plan`]. The same description makes the
//! table in `workloads/README.md` ([`reference()`]). [`to_toml`] writes a plan so
//! that it reads back to an equal one.
//!
//! ```
//! let text = "clients = 4\nhold = { kind = \"exponential\", mean = \"2ms\" }";
//! let (plan, _) = lockbench_core::workload::parse("example.toml", text, &["duration=5s".to_owned()])?;
//! assert_eq!((plan.clients, plan.duration_ns), (4, 5_000_000_000));
//! let refused = lockbench_core::workload::parse("example.toml", "clents = 4", &[]).unwrap_err();
//! assert!(refused.to_string().starts_with("example.toml:1: clents = 4 is not a known key: did you mean \"clients\"?"));
//! # Ok::<(), lockbench_core::workload::WorkloadError>(())
//! ```

mod access;
mod arrival;
mod cursor;
mod document;
mod draw;
mod dynamic_ttl;
mod error;
mod fault;
mod file;
mod gallery;
mod groups;
mod item;
mod json_schema;
mod kinds;
mod locks;
mod options;
mod overrides;
pub mod plan;
mod reference;
mod scenario;
mod schema;
mod section;
mod server_version;
mod source;
mod spread;
mod tagged;
mod tpcc;
mod ttl;
mod warning;
mod write;

pub use access::{askable, offered};
pub use arrival::{Due, DueTimes, Row, Trace};
pub use draw::{KeyPicker, Wish, Wishes, client_seed};
pub use dynamic_ttl::DynamicTtl;
pub use error::{Problem, WorkloadError};
pub use fault::{ClockChange, DataAfter, Direction, FaultKind, MOST_FAULTS, Moment, PlannedFault, Point, Target};
pub use gallery::scenarios;
pub use groups::{Group, OTHERS, Part};
pub use json_schema::json_schema;
pub use locks::Further;
pub use options::{OptionTable, OptionValue, SystemOption, SystemOptions};
pub use plan::Plan;
pub use reference::reference;
pub use scenario::{Also, Condition, Expected, ExpectedVerdict, Scenario};
pub use server_version::{ServerVersion, Versions};
pub use source::{Source, load, parse, parse_stored, parse_with, quickstart};
pub use spread::Sharing;
pub use tpcc::Tpcc;
pub use ttl::{EffectiveTtl, resolve_ttl};
pub use warning::warnings;
pub use write::to_toml;

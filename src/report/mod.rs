//! The report: what a run found, in a versioned schema, and the verdict on it.
//! How it looks is in `output`.

mod assemble;
mod environment;
mod schema;
mod store;
mod story;
mod verdict;

pub use assemble::{Measured, aggregate, failed, result};
pub use environment::{Environment, cores};
pub use schema::{
    Aggregate, Fairness, Harm, HistoryFacts, LatencySet, Policies, Report, Resources, SCHEMA_VERSION, Safety,
    SafetyVerdict, SkippedBackend, Tool, TrialResult, Verdict, Violation,
};
pub use store::{RunDirectory, StoreError};
pub use verdict::{Exit, Interruption, judge};

//! The report: what a run found, in a versioned schema, and the verdict on it.
//! How it looks is in `output`.

mod assemble;
mod durability;
mod environment;
pub mod figure;
mod lint;
mod measured;
mod scene;
mod schema;
mod store;
mod stored;
mod story;
pub mod sweep;
mod threshold;
mod verdict;

pub use assemble::{Measured, aggregate, failed, result};
pub use durability::{Copies, Durability, Storage};
pub use environment::{Environment, cores};
pub use lint::{LintFinding, LintLevel};
pub use measured::{MEASURED, Measurements, read_measured, write_measured};
pub use scene::{HoldEnd, Scene, SceneFold, SceneHold};
pub use schema::{
    Aggregate, Fairness, Harm, HistoryFacts, LatencySet, Policies, Report, Resources, SCHEMA_VERSION, Safety,
    SafetyVerdict, SkippedBackend, Tool, TrialResult, Verdict, Violation,
};
pub use store::{RunDirectory, StoreError};
pub use stored::{HISTORY, OpenError, RecordedRun, history_path, parse_report};
pub use threshold::{ThresholdLevel, ThresholdOutcome, ThresholdResult};
pub use verdict::{Exit, Interruption, judge, worst};

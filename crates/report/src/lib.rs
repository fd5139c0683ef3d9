//! The report: what a run found, in a versioned schema, and the verdict on it.
//! How it looks is in `output`.

pub mod advise;
mod agreement;
pub mod answer;
mod assemble;
mod blank;
mod broken_off;
pub mod claim;
mod closed_loop;
pub mod compare;
mod counts;
pub mod decision;
mod durability;
mod environment;
mod exit_codes;
mod fault;
pub mod figure;
#[cfg(any(test, feature = "testing"))]
pub mod fixture;
mod intake;
mod json;
mod kinds;
pub mod leaves;
pub mod lint;
pub mod live;
mod marks;
mod measured;
pub mod monitor;
pub mod need;
mod outage;
mod own_cost;
mod reached;
mod recovery;
mod replay;
pub mod scenario;
mod scene;
mod schema;
pub mod search;
mod store;
mod stored;
mod story;
pub mod sweep;
pub mod threshold;
mod verdict;
mod why;
mod writer;

pub use agreement::{Difference, differences, differences_in, had_other_rules};
pub use assemble::{Measured, aggregate, failed, in_vain, result, why_empty, why_missing};
pub use broken_off::{Promise, Promises, UNKNOWN, UNPROMISED, broke_off, open_broken_off};
pub use closed_loop::response_is_service;
pub use durability::Durability;
pub use environment::{Environment, cores};
pub use fault::{ClockOff, InjectedFault, conditions, notes_on_faults};
pub use intake::sane;
pub use json::json;
pub use kinds::Kinds;
pub use lint::{LintFinding, LintLevel, LintLevels};
pub use lockbench_core::lock::{Copies, Storage};
pub use marks::notes_on_marks;
pub use measured::{MEASURED, Measurements, read_measured, write_measured};
pub use outage::unserved_stretches;
pub use own_cost::{BUILD, Middle, OwnCost, Pace, Turn};
pub use reached::missed_conditions;
pub use recovery::{FaultGap, Recovery, Stuck};
pub use replay::{Phases, Replayed, Untold, differences_at_cut, replay, replay_with};
pub use scene::{HoldEnd, Scene, SceneFold, SceneHold};
pub use schema::{
    Aggregate, Fairness, GroupResult, Harm, HistoryFacts, HoldsAsked, LatencySet, ModeFigures, Modes, OpenLoop,
    Policies, Report, Resources, SCHEMA_VERSION, Safety, SafetyVerdict, Sagas, SkippedBackend, Tool, TrialResult,
    Verdict, Violation, WaitsGrow, Within,
};
pub use store::{RunDirectory, StoreError, usable_id, write_file};
pub use stored::{
    HISTORY, OpenError, PLAN, RAW_FILES, REPORT, RUN_LOG, RecordedRun, SWEEP, history_failure, history_path,
    is_partial, measurements, parse_report, read, read_report,
};
pub use story::{notice, story};
pub use threshold::{Threshold, ThresholdLevel, ThresholdOutcome, ThresholdResult};
pub use verdict::{Exit, Interruption, judge, worst};
pub use why::why;
pub use writer::{Writer, writer};

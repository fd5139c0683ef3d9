//! Chart 5, where nothing happened: what the oracle saw of every system, and how
//! far its silence can be trusted.

use crate::report::{RecordedRun, SafetyVerdict};

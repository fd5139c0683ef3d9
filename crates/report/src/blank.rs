//! A report that says nothing yet: for whoever judges a run before it is over.

use super::Environment;
use super::schema::{Report, SCHEMA_VERSION, Tool, Verdict};

impl Report {
    /// Without any trial, made on that machine.
    #[must_use]
    pub fn blank(environment: Environment) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            run_id: String::new(),
            complete: false,
            tool: Tool::default(),
            environment,
            plan: serde_json::Value::Null,
            results: Vec::new(),
            aggregates: Vec::new(),
            skipped: Vec::new(),
            faults: Vec::new(),
            thresholds: Vec::new(),
            lints: Vec::new(),
            notes: Vec::new(),
            comparison: None,
            verdict: Verdict { exit_code: 0, reasons: Vec::new() },
        }
    }
}

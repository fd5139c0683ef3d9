//! The program as a person runs it, where no server is needed: commands, mistakes, stored runs, files.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod causes;
mod compare;
mod controls;
mod exit_codes;
mod explain;
mod gates;
mod groups;
mod history_version_1;
mod html_report;
mod judges;
mod locale;
mod log;
mod mistakes;
mod modes;
mod open_loop;
mod processes;
mod report;
mod results;
mod scenario;
mod sections;
mod stored;
mod stored_bad_input;
mod sweep;
mod traces;
mod transactions;
mod verdicts;
mod verify;
mod watch;

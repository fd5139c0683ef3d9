//! The terminal UI on a terminal.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

#[path = "../support/mod.rs"]
mod support;

mod dashboard;
mod term;

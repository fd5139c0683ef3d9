//! Servers in containers. Skipped where no Docker engine answers.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod inspect;
mod offline;
mod stack;

//! Files that strangers made, in a process that may take little memory: a limit on the process, so a
//! program of its own.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

#[path = "../support/mod.rs"]
mod support;

mod files;

//! What is written in this repository is true: README, docs, compose and workload files, imports.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

#[path = "../support/mod.rs"]
mod support;

mod compose;
mod compose_files;
mod dist;
mod imports;
mod observability;
mod readme;
mod recipe;
mod scenarios;
mod workload_files;
mod workload_schema;

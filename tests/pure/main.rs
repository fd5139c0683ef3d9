//! What needs no server and no terminal: the engine on virtual time, stored runs, SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

#[path = "../support/mod.rs"]
mod support;

mod compare_recorded;
mod open_loop;
mod opening;
mod record_watched;
mod sqlite;
mod steering;
mod virtual_time;

//! Real servers: how each system locks, and the program that measures, watches, inspects and stops them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

#[path = "../support/mod.rs"]
mod support;

mod causes;
mod clients;
mod clocks;
mod clusters;
mod commands;
mod disks;
mod etcd;
mod faults;
mod foreign;
mod injected;
mod inspect;
mod kills;
mod local_node;
mod metrics_endpoint;
mod metrics_prometheus;
mod monitor;
mod observability;
mod observability_run;
mod overhead;
mod planted_bugs;
mod pooled;
mod postgres;
mod recipes;
mod redis;
mod redlock;
mod scenarios;
mod secrets;
mod server_faults;
mod signals;
mod stack;
mod standby;
mod suite;
mod under_the_lock;
mod up_down;
mod withdrawn;
mod zookeeper;

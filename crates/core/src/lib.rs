//! What every part of lockbench speaks of, and nothing that knows a server, a screen or a file format
//! for people.
//!
//! Imports go downward only; the members of one tier never import one another.
//!
//! | tier | module | what it holds |
//! |---|---|---|
//! | 1 | [`units`], [`plain`], [`clock`], [`stop`], [`shared`] | durations and their text; what of a text of others may be shown; one monotonic clock and a timer finer than tokio's; graceful stop, then hard stop; memory that processes share |
//! | 2 | [`lock`], [`stats`], [`limits`] | the vocabulary: what a lock system promises, what its clients do, what may come of it; pure mathematics; what this machine allows one process |
//! | 3 | [`workload`], [`record`] | a workload file becomes a validated plan; events, the shards they are stamped into, the merge in order of time, the figures, the history on disk |
//! | 4 | [`oracle`] | was it correct |
//! | 5 | [`figure`] | what the figures are called, mean and are made of |

pub mod clock;
pub mod figure;
pub mod limits;
pub mod lock;
pub mod oracle;
pub mod plain;
pub mod record;
pub mod section;
pub mod shared;
pub mod stats;
pub mod stop;
pub mod units;
pub mod workload;

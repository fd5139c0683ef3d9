//! The negative controls: locks that are broken on purpose, each with one
//! textbook mistake. They prove the oracle: on its own workload in
//! `workloads/controls` each must be caught, while `memory`, the same lock
//! without the flaw, is valid there. They need no server, and `quick` never runs
//! them.

use std::sync::Arc;

use super::memory::{Flaws, GUARANTEES, MemorySystem};
use super::{Entry, System, Target};
use lockbench_core::lock::{LockSystem, SystemError};

/// All of them.
pub static SYSTEM: System = System {
    name: "control",
    recipes: &[
        &NO_LOCK,
        &NO_RENEW,
        &WRONG_RELEASE,
        &SWALLOW_ERROR,
        &SHARED_IDENTITY,
        &OVERLOOKS_READERS,
        &ONE_TOO_MANY,
    ],
    servers: None,
};

/// Grants everything at once.
pub static NO_LOCK: Entry = Entry {
    summary: "control: grants everything at once; caught on any contended workload",
    connect: no_lock,
    ..entry("control:no-lock")
};

/// Confirms renewals that it never makes.
pub static NO_RENEW: Entry = Entry {
    summary: "control: confirms renewals that it never makes; caught where holds outlast the ttl with renewal on",
    connect: no_renew,
    ..entry("control:no-renew")
};

/// Releases whoever holds the key.
pub static WRONG_RELEASE: Entry = Entry {
    summary: "control: releases whoever holds the key (DEL without a check); caught where holds outlast the ttl",
    connect: wrong_release,
    ..entry("control:wrong-release")
};

/// Takes a refusal for a grant.
pub static SWALLOW_ERROR: Entry = Entry {
    summary: "control: reports a refused try as acquired; caught in mode try",
    connect: swallow_error,
    ..entry("control:swallow-error")
};

/// Lets every client in as the one that holds it.
pub static SHARED_IDENTITY: Entry = Entry {
    summary: "control: all clients are one to the lock, which lets its holder in again; caught on any contended workload",
    connect: shared_identity,
    ..entry("control:shared-identity")
};

/// Gives writers a lock that others read.
pub static OVERLOOKS_READERS: Entry = Entry {
    summary: "control: a writer does not look whether anybody reads; caught where access = read-write",
    connect: overlooks_readers,
    ..entry("control:overlooks-readers")
};

/// Gives one permit more than there are.
pub static ONE_TOO_MANY: Entry = Entry {
    summary: "control: a semaphore with one permit too many; caught where access = permits",
    connect: one_too_many,
    ..entry("control:one-too-many")
};

const fn entry(name: &'static str) -> Entry {
    Entry { unsafe_by_design: true, ..Entry::new(name, "", GUARANTEES, no_lock) }
}

fn flawed(name: &'static str, target: &Target, flaws: Flaws) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(MemorySystem::new(name, GUARANTEES, target.clock, flaws)))
}

fn no_lock(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    flawed(NO_LOCK.name, &target, Flaws { no_lock: true, ..Flaws::default() })
}

fn no_renew(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    flawed(NO_RENEW.name, &target, Flaws { no_renew: true, ..Flaws::default() })
}

fn wrong_release(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    flawed(WRONG_RELEASE.name, &target, Flaws { wrong_release: true, ..Flaws::default() })
}

fn swallow_error(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    flawed(SWALLOW_ERROR.name, &target, Flaws { swallow_error: true, ..Flaws::default() })
}

fn shared_identity(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    flawed(SHARED_IDENTITY.name, &target, Flaws { shared_identity: true, ..Flaws::default() })
}

fn overlooks_readers(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    flawed(OVERLOOKS_READERS.name, &target, Flaws { overlooks_readers: true, ..Flaws::default() })
}

fn one_too_many(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    flawed(ONE_TOO_MANY.name, &target, Flaws { one_too_many: true, ..Flaws::default() })
}

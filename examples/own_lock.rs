//! Benchmarks a lock of your own beside a built-in one: two traits, an entry, a run, a verdict.
//!
//! `cargo run --no-default-features --example own_lock`

use std::collections::HashSet;
use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockbench::engine::{Options, Unwatched, run};
use lockbench::lock::{Acquire, Grant, Guarantees, Key, Local, LockSystem, NO_LEASE};
use lockbench::lock::{Opening, Patience, Release, Session, SystemError};
use lockbench::systems::{Entry, Registry};

/// A toy: the keys that are held, in this process. It waits by polling.
#[derive(Clone, Default)]
struct Toy(Arc<Mutex<HashSet<u32>>>);

static TOY: Entry =
    Entry::new("toy", "a set behind a mutex", Guarantees::EXCLUSION_ONLY, |_| Ok(Arc::new(Toy::default())));

impl Toy {
    fn held(&self) -> MutexGuard<'_, HashSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LockSystem for Toy {
    fn name(&self) -> &'static str {
        TOY.name
    }
    fn guarantees(&self) -> &Guarantees {
        &TOY.guarantees
    }
    fn open(&self, _opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Session>) })
    }
}

impl Session for Toy {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(async move {
            while !self.held().insert(key.index) {
                match patience {
                    Patience::Try => return Acquire::Refused,
                    Patience::Until(deadline) if deadline.sleep(50_000).await => {}
                    Patience::Until(_) => return Acquire::TimedOut,
                }
            }
            Acquire::Acquired(Grant::new(key.index, None, NO_LEASE))
        })
    }
    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        self.held().remove(&grant.key());
        Box::pin(async { Release::Confirmed })
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let load = "clients = 8\nkeys = \"single\"\nhold = \"20us\"\nwarmup = \"200ms\"\nduration = \"1s\"";
    let (plan, _) = lockbench::workload::parse("own_lock", load, &[])?;
    let report = run(Options::new(plan), &[&TOY, Registry::builtin().find("memory")?], &Unwatched)?.report;
    for result in &report.results {
        println!(
            "{}: {:.0} grants/s; {}",
            result.backend,
            result.throughput_per_s.unwrap_or(0.0),
            result.safety.because
        );
    }
    println!("verdict: exit code {}; {}", report.verdict.exit_code, report.verdict.reasons.join("; "));
    Ok(ExitCode::from(report.verdict.exit_code))
}

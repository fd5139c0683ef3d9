//! Benchmarks a lock of your own beside a built-in one: two traits, an entry, a run, a verdict.
//!
//! `cargo run --no-default-features --example own_lock`

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockbench::engine::{Options, Unwatched, run};
use lockbench::lock::{Acquire, Grant, Guarantees, Key, Local, LockSystem, NO_LEASE};
use lockbench::lock::{Opening, Patience, Release, Session, SystemError};
use lockbench::systems::{Entry, Registry};

/// A toy: one flag for one key, in this process. A client waits by polling.
#[derive(Clone, Default)]
struct Toy(Arc<AtomicBool>);

static TOY: Entry = Entry::new("toy", "an atomic flag", Guarantees::EXCLUSION_ONLY, |_| Ok(Arc::new(Toy::default())));

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
            while self.0.swap(true, Ordering::SeqCst) {
                match patience {
                    Patience::Try => return Acquire::Refused,
                    Patience::Until(deadline) if deadline.sleep(50_000).await => {}
                    Patience::Until(_) => return Acquire::TimedOut,
                }
            }
            Acquire::Acquired(Grant::new(key.index, None, NO_LEASE))
        })
    }
    fn release(&mut self, _grant: Grant) -> Local<'_, Release> {
        self.0.store(false, Ordering::SeqCst);
        Box::pin(async { Release::Confirmed })
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let load = "clients = 8\nkeys = \"single\"\nhold = \"20us\"\nwarmup = \"200ms\"\nduration = \"1s\"";
    let (plan, _) = lockbench::workload::parse("own_lock", load, &[])?;
    let report = run(Options::new(plan), &[&TOY, Registry::builtin().find("memory")?], &Unwatched)?.report;
    report.results.iter().for_each(|result| println!("{}: {}", result.backend, result.safety.because));
    println!("verdict: exit {} {:?}", report.verdict.exit_code, report.verdict.reasons);
    Ok(ExitCode::from(report.verdict.exit_code))
}

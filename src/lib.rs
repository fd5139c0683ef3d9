//! lockbench compares distributed lock systems by measuring speed *and* safety in the same run.
//! As a program it benchmarks Redis, Redlock, ZooKeeper, etcd, Postgres and embedded locks; as a
//! library it benchmarks yours beside them.
//!
//! # Bring your own lock
//!
//! A lock is two traits. [`lock::LockSystem`] opens a [`lock::Session`] for each client, and a
//! session acquires and releases; everything else has a default. A [`systems::Entry`] names the
//! lock and says what it promises, and [`engine::run`] drives it:
//!
//! ```
//! use std::sync::{Arc, atomic::{AtomicBool, Ordering::SeqCst}};
//! use lockbench::engine::{Options, Unwatched, run};
//! use lockbench::lock::*;
//! use lockbench::systems::Entry;
//!
//! /// One lock for all keys, which is tried and never waited for.
//! #[derive(Clone, Default)]
//! struct Flag(Arc<AtomicBool>);
//!
//! static FLAG: Entry =
//!     Entry::new("flag", "an atomic flag", Guarantees::EXCLUSION_ONLY, |_| Ok(Arc::new(Flag::default())));
//!
//! impl LockSystem for Flag {
//!     fn name(&self) -> &'static str { FLAG.name }
//!     fn guarantees(&self) -> &Guarantees { &FLAG.guarantees }
//!     fn open(&self, _: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
//!         Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Session>) })
//!     }
//! }
//!
//! impl Session for Flag {
//!     fn acquire<'a>(&'a mut self, key: &'a Key, _: &'a Patience) -> Local<'a, Acquire> {
//!         Box::pin(async move {
//!             if self.0.swap(true, SeqCst) { return Acquire::Refused }
//!             Acquire::Acquired(Grant::new(key.index, None, NO_LEASE))
//!         })
//!     }
//!     fn release(&mut self, _: Grant) -> Local<'_, Release> {
//!         self.0.store(false, SeqCst);
//!         Box::pin(async { Release::Confirmed })
//!     }
//! }
//!
//! let load = "clients = 4\nkeys = \"single\"\nacquire.mode = \"try\"\nwarmup = \"50ms\"\nduration = \"200ms\"\n";
//! let (plan, _) = lockbench::workload::parse("flag", load, &[])?;
//! let outcome = run(Options::new(plan), &[&FLAG], &Unwatched)?;
//! let result = &outcome.report.results[0];
//! assert!(result.grants > 0 && result.safety.double_grants_certain == 0, "{:?}", outcome.report.verdict);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/own_lock.rs` is the same with a lock that waits, beside a built-in one. What you get:
//!
//! * [`engine::Options`] say what is run: the plan ([`workload`]: the same keys as in a workload
//!   file), thresholds and lints ([`engine::Gates`]), where servers come from, and the run
//!   directory, if there shall be one ([`engine::Store`]): then `lockbench show`, `verify` and
//!   `report` read the run as they read any other.
//! * [`engine::Outcome`] has the [`report`]: figures per trial and system, the verdict of the
//!   [`oracle`] on every grant, and what it rests on.
//! * An [`engine::Watcher`] sees the run while it goes on.
//! * [`systems::conformance`] tests what a lock promises in its [`lock::Guarantees`], claim by
//!   claim, before any load.
//!
//! With default features off there is only the library: no arguments, no terminal, no charts. The
//! feature `cli` is the program.
//!
//! # One sentence
//!
//! A plan schedules attempts, clients turn attempts into events, and everything
//! else (numbers, verdicts, screen, files) is a fold over those events. So a saved
//! history replays to the same verdict, and no screen shows what the files cannot.
//!
//! # How it is built, from the bottom up
//!
//! The parts are crates of a workspace, so that Cargo itself keeps imports going downward and an
//! edit of a leaf builds little again.
//!
//! | crate | known here as | what it holds |
//! |---|---|---|
//! | `lockbench-core` | [`units`], [`clock`], [`stop`], [`lock`], [`stats`], [`workload`], [`record`], [`oracle`] and more | what every part speaks of: time and units, the vocabulary of locks, a workload file as a validated plan, events and the history on disk, the figures, was it correct |
//! | `lockbench-systems` | [`systems`], [`stack`] | how each system locks; where servers come from |
//! | `lockbench-engine` | [`engine`] | a run: servers, trials, plans to attempts, attempts to events, the report and its files |
//! | `lockbench-report` | [`report`] | the versioned result, every figure by name, the verdict and its gates, comparison, the run directory and how it is read back |
//! | `lockbench-output` | `output`, `metrics` | a recorded run to bytes, one file per format: text, tables, charts, HTML, histories for other judges; the figures of a run for Prometheus |
//! | `lockbench-dashboard` | `tui` | the live terminal UI |
//! | `lockbench` | `cli` | the program: arguments, one file per command, what is shown |
//!
//! # The path of one attempt
//!
//! 1. `engine::client` stamps `Invoke` into its worker's shard and calls the
//!    recipe's [`lock::Session::acquire`].
//! 2. Granted, it stamps `Acquired`, enters the witness (the thing that the lock
//!    protects), holds for as long as the plan says *whatever the lease does*,
//!    leaves the witness, stamps `ReleaseInvoke`, releases, stamps `Released`.
//! 3. The reader ([`record::Reader`], on the thread that called the trial) merges
//!    all shards in order of time behind a watermark.
//! 4. One state machine, [`record::Attempts`], makes of each event a transition of its
//!    attempt. These are followed by [`record::figures::Figures`] for the numbers and by the
//!    checkers of [`oracle::Oracle`] for the verdict; the history writer stores the events.
//! 5. [`report`] assembles an entry of `results[]` from them, and judges the run.
//!
//! # The path of what is seen meanwhile
//!
//! 1. On the reader's thread, [`report::live::LiveTrial`] is the one observer that holds
//!    figures, oracle and history; at the pace that an [`engine::Watcher`] asks for, the engine
//!    takes a [`report::live::Snapshot`] of it. The program is such a watcher.
//! 2. It goes through [`report::live::feed`], which never makes the reader wait: a slow
//!    screen gets fewer snapshots, and loses nothing.
//! 3. On a thread of its own `tui::app::App` folds the updates into `tui::state` and
//!    draws; without a terminal `cli::printer` folds the same updates into lines.
//! 4. Keys go back through `tui::controls::Controls`: pauses and markers become events
//!    of the history ([`engine::Steering`]), so that a replay has them too.
//! 5. Where a metrics endpoint was asked for, `metrics::BoardWriter` writes the same folds to
//!    `metrics::Board` once per second; a scrape reads that, on a thread of its own.
//!
//! # The path of a finished run
//!
//! 1. [`engine::run`] stores what was measured: `report.json`, `measured.json.gz`
//!    (histograms, series, clients), beside the history that is there already.
//! 2. It reads them back as a [`report::RecordedRun`] and lets the program draw every
//!    entry of `output::OUTPUTS` from it. `lockbench report` does the same later, so the
//!    files are the same byte for byte.
//! 3. `lockbench verify` feeds the history to a fresh oracle, which must agree.
//! 4. `lockbench watch` plays it again: the updates that the watcher of the run
//!    got, at any speed ([`report::live::Player`]). A run under way is followed by
//!    the history that it is writing ([`report::live::Follower`]).
//!
//! # The path of a monitor run
//!
//! 1. `cli::monitor::rounds`, one thread per system, runs short trials one after the other,
//!    with fresh keys, on a fixed grid of due instants ([`engine::DueInstants`]). The engine, the
//!    oracle and the history are those of every trial, so what is proven is the same.
//! 2. `cli::monitor::round_observer` looks at the events of a round and counts them into
//!    [`report::monitor::Rolling`]: windows of up to a day whose memory is taken at the
//!    start. Of the round itself only counts and violations stay.
//! 3. A system that falls silent ends its round; while it is looked for, with growing
//!    waits, what was due is counted as missed.
//! 4. Once per second `cli::monitor::alerting` compares the bounds with the windows
//!    ([`report::monitor::Alert`]) and reports what changed: log, stderr or screen, webhook,
//!    `monitor.json`, `metrics::Board`.
//!
//! # Where this differs from the first design, and why
//!
//! * Histograms are not kept in worker shards and merged: workers only stamp
//!   events, and one fold on the reader's thread makes every number. A cycle costs
//!   about a microsecond of CPU that way (every report says how much), live
//!   figures and replay share their code, and a client's path has no histogram on
//!   it.
//! * Workers are threads with a current-thread runtime each; sessions are not
//!   `Send`. A client never moves between cores, and a shard is a single-producer
//!   ring with no lock.
//! * The run directory has one file more than the first design, `measured.json.gz`:
//!   a history that is cut gives back neither the histograms nor the series, and
//!   `report.json` is for reading.
//! * A negative verdict of a denied lint is exit 99, as that of a threshold: both are
//!   gates that the user set.
//! * The dashboard holds no state of its own about the run that a file does not: it is a
//!   fold over updates, and `watch` makes the same updates from a stored history.
//! * Natural ends are not drained by force: an attempt that began in the measure
//!   phase may end by its own deadline, so that no wait is cut short by the end of
//!   the run. Ctrl-C brings deadlines forward; attempts that were still waiting
//!   are `withdrawn`, counted apart, and no timeout of the system.

#[cfg(feature = "cli")]
pub mod cli;

pub use lockbench_core::{clock, limits, lock, oracle, plain, record, stats, stop, units, workload};
#[cfg(feature = "cli")]
pub use lockbench_dashboard as tui;
pub use lockbench_engine as engine;
#[cfg(feature = "cli")]
pub use lockbench_output::{self as output, metrics};
pub use lockbench_report as report;
pub use lockbench_systems::{self as systems, stack};

// Former names, which the tests still use.
#[doc(hidden)]
pub use lockbench_engine as load;
#[doc(hidden)]
pub use lockbench_systems as backend;

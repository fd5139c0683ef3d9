//! `server-clock`: the wall clock of a node jumps, or runs at another rate, and is put right again. What is asked of the
//! node before, during and afterwards is its own time; it has bitten when that is as far off as it was moved.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Fault, FaultError, Handle, Site};
use lockbench_core::record::ClockSeen;
use lockbench_core::workload::ClockChange;
use lockbench_systems::levers::{Lever, WallClock};
use lockbench_systems::stack::NodeError;

/// From one step of a clock that drifts to the next.
const STEP: Duration = Duration::from_millis(2);
/// What a clock may be off when it is right: machines are busy.
const SLACK_NS: u64 = 20_000_000;
/// How long a node may take to tell its time again: what else was done to it may be healed a little later.
const TELLS_WITHIN: Duration = Duration::from_secs(3);

pub(super) struct ServerClock {
    change: ClockChange,
    since: Cell<Option<Instant>>,
    seen: RefCell<Option<ClockSeen>>,
    drift: RefCell<Option<Drift>>,
}

/// What a node said of its time.
#[derive(Clone, Copy)]
struct Told {
    /// Its time less ours.
    off_ns: i64,
    /// How wrong that may be: as long as asking took.
    within_ns: u64,
}

impl ServerClock {
    pub(super) fn new(change: ClockChange) -> Self {
        Self { change, since: Cell::new(None), seen: RefCell::new(None), drift: RefCell::new(None) }
    }

    /// How far it should be off by now.
    fn expected_ns(&self) -> i64 {
        let after = self.since.get().map_or(0, |since| since.elapsed().as_nanos() as u64);
        self.change.offset_ns(after)
    }

    /// Asks during the fault; returns whether the node's time has moved as its clock was.
    fn look(&self, site: &Site<'_>) -> Result<bool, FaultError> {
        let told = told(site)?;
        let mut seen = self.seen.borrow_mut();
        let Some(seen) = seen.as_mut() else { return Ok(false) };
        seen.during_ns = Some(told.off_ns);
        Ok(moved(told.off_ns - seen.before_ns, self.expected_ns(), told.within_ns))
    }
}

/// Returns whether a clock that is off by so much has moved as far as expected. What lies within the doubt of the
/// measurement is no proof.
fn moved(off_ns: i64, expected_ns: i64, within_ns: u64) -> bool {
    let most = expected_ns.unsigned_abs() / 2;
    within_ns <= most && off_ns.abs_diff(expected_ns) <= within_ns.max(SLACK_NS).min(most)
}

fn refused(action: &'static str, site: &Site<'_>, problem: String) -> FaultError {
    FaultError::Refused { action, node: site.name(), problem }
}

/// Asks the node for its time.
fn told(site: &Site<'_>) -> Result<Told, FaultError> {
    const ASK: &str = "ask for the time of";
    let Lever::Offered(WallClock { read, .. }) = site.kind.servers().levers.clock else {
        return Err(refused(ASK, site, "it does not tell it".to_owned()));
    };
    let ours = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64);
    let (before, asked) = (ours(), Instant::now());
    let theirs = read(site.node.endpoint()).map_err(|problem| refused(ASK, site, problem))?;
    let took_ns = asked.elapsed().as_nanos() as u64;
    Ok(Told { off_ns: theirs - before - took_ns as i64 / 2, within_ns: took_ns })
}

impl Fault for ServerClock {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        self.seen.replace(Some(ClockSeen { before_ns: told(site)?.off_ns, ..ClockSeen::default() }));
        self.since.set(Some(Instant::now()));
        match self.change {
            ClockChange::Jump { ns } => site.node.set_clock(ns)?,
            ClockChange::Rate { .. } => {
                let drift = Drift::start(self.change, site.handle.clone());
                self.drift.replace(Some(drift.map_err(|error| refused("move the clock of", site, error.to_string()))?));
            }
        }
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        self.look(site).unwrap_or(false)
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        // How far it came in the end.
        let _ = self.look(site);
        let drifted = self.drift.take().map_or(Ok(()), Drift::end);
        site.node.set_clock(0)?;
        drifted?;
        let limit = Instant::now() + TELLS_WITHIN;
        let told = loop {
            match told(site) {
                Err(_) if Instant::now() < limit => thread::sleep(Duration::from_millis(50)),
                told => break told?,
            }
        };
        let mut seen = self.seen.borrow_mut();
        let Some(seen) = seen.as_mut() else { return Ok(()) };
        seen.after_ns = Some(told.off_ns);
        if told.off_ns.abs_diff(seen.before_ns) > told.within_ns.max(SLACK_NS) {
            let off = told.off_ns as f64 / 1e9;
            return Err(refused("put right the clock of", site, format!("it still says {off:.3} s of difference")));
        }
        Ok(())
    }

    fn clock(&self) -> Option<ClockSeen> {
        *self.seen.borrow()
    }
}

/// A thread that moves the clock of a node on and on.
struct Drift {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), NodeError>>,
}

impl Drift {
    fn start(change: ClockChange, handle: Handle) -> std::io::Result<Self> {
        let (over, since) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let stop = Arc::clone(&over);
        let thread = thread::Builder::new().name("drift".to_owned()).spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let Some(node) = handle.node() else { break };
                node.set_clock(change.offset_ns(since.elapsed().as_nanos() as u64))?;
                thread::sleep(STEP);
            }
            Ok(())
        })?;
        Ok(Self { over, thread })
    }

    fn end(self) -> Result<(), FaultError> {
        self.over.store(true, Ordering::Relaxed);
        Ok(self.thread.join().unwrap_or(Ok(()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::moved;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_clock_has_moved_where_it_is_as_far_off_as_it_was_set() {
        assert!(moved(30 * SECOND + 5_000_000, 30 * SECOND, 1_000_000));
        assert!(moved(-30 * SECOND, -30 * SECOND, 1_000_000));
        assert!(!moved(0, 30 * SECOND, 1_000_000));
        assert!(!moved(-30 * SECOND, 30 * SECOND, 1_000_000));
        // A drift that is smaller than what asking takes is not seen.
        assert!(!moved(1_000_000, 1_000_000, 900_000));
        assert!(moved(300_000_000, 310_000_000, 1_000_000));
    }
}

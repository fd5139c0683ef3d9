//! `server-clock`: the wall clock of a node jumps, or runs at another rate, and is put right again. What is asked of the
//! node before, during and afterwards is its own time; it has bitten when that is as far off as it was moved.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Fault, FaultError, Handle, Site};
use lockbench_core::record::ClockSeen;
use lockbench_core::workload::ClockChange;
use lockbench_systems::levers::{Lever, TimeTold, WallClock};
use lockbench_systems::stack::NodeError;

/// From one step of a clock that drifts to the next.
const STEP: Duration = Duration::from_millis(2);
/// What a clock may be off when it is right: machines are busy.
pub(super) const SLACK_NS: u64 = 20_000_000;
/// How long it is asked again where an answer took so long that it says little.
const ASKS_FOR: Duration = Duration::from_millis(100);
/// How long a node may take to tell its time again: what else was done to it may be healed a little later.
const TELLS_WITHIN: Duration = Duration::from_secs(3);

pub(super) struct ServerClock {
    change: ClockChange,
    since: Cell<Option<Instant>>,
    before: Cell<Option<TimeTold>>,
    during: Cell<Option<TimeTold>>,
    after: Cell<Option<TimeTold>>,
    drift: RefCell<Option<Drift>>,
}

impl ServerClock {
    pub(super) fn new(change: ClockChange) -> Self {
        Self {
            change,
            since: Cell::new(None),
            before: Cell::new(None),
            during: Cell::new(None),
            after: Cell::new(None),
            drift: RefCell::new(None),
        }
    }

    /// Asks during the fault; returns whether the node's time has moved as its clock was.
    fn look(&self, site: &Site<'_>) -> Result<bool, FaultError> {
        let told = told(site)?;
        self.during.set(Some(told));
        let (Some(before), Some(since)) = (self.before.get(), self.since.get()) else { return Ok(false) };
        let after = told.at.saturating_duration_since(since).as_nanos() as u64;
        let expected = self.change.offset_ns(after);
        // On a busy machine a step of a drift comes late.
        let slack = match self.change {
            ClockChange::Jump { .. } => SLACK_NS,
            ClockChange::Rate { .. } => SLACK_NS.max(expected.unsigned_abs() / 10),
        };
        Ok(moved(told.off_ns - before.off_ns, expected, told.within_ns + before.within_ns, slack))
    }
}

/// Returns whether a clock that is off by so much has moved as far as expected. What lies within the doubt of the
/// measurement is no proof.
pub(super) fn moved(off_ns: i64, expected_ns: i64, within_ns: u64, slack_ns: u64) -> bool {
    let most = expected_ns.unsigned_abs() / 2;
    within_ns <= most && off_ns.abs_diff(expected_ns) <= within_ns.max(slack_ns).min(most)
}

fn refused(action: &'static str, site: &Site<'_>, problem: String) -> FaultError {
    FaultError::Refused { action, node: site.name(), problem }
}

/// Asks the node for its time, again where that took long.
fn told(site: &Site<'_>) -> Result<TimeTold, FaultError> {
    const ASK: &str = "ask for the time of";
    let Lever::Offered(WallClock { read, .. }) = site.kind.servers().levers.clock else {
        return Err(refused(ASK, site, "it does not tell it".to_owned()));
    };
    let ask = || read(site.node.endpoint()).map_err(|problem| refused(ASK, site, problem));
    let (mut told, begun) = (ask()?, Instant::now());
    while told.within_ns > SLACK_NS / 4 && begun.elapsed() < ASKS_FOR {
        let again = ask()?;
        if again.within_ns < told.within_ns {
            told = again;
        }
    }
    Ok(told)
}

impl Fault for ServerClock {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        self.before.set(Some(told(site)?));
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
        self.after.set(Some(told));
        let Some(before) = self.before.get() else { return Ok(()) };
        if told.off_ns.abs_diff(before.off_ns) > (told.within_ns + before.within_ns).max(SLACK_NS) {
            let off = told.off_ns as f64 / 1e9;
            return Err(refused("put right the clock of", site, format!("it still says {off:+.3} s from ours")));
        }
        Ok(())
    }

    fn clock(&self) -> Option<ClockSeen> {
        let off = |told: &Cell<Option<TimeTold>>| told.get().map(|told| told.off_ns);
        Some(ClockSeen { before_ns: off(&self.before)?, during_ns: off(&self.during), after_ns: off(&self.after) })
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
    use super::{SLACK_NS, moved};

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_clock_has_moved_where_it_is_as_far_off_as_it_was_set() {
        assert!(moved(30 * SECOND + 5_000_000, 30 * SECOND, 1_000_000, SLACK_NS));
        assert!(moved(-30 * SECOND, -30 * SECOND, 1_000_000, SLACK_NS));
        assert!(!moved(0, 30 * SECOND, 1_000_000, SLACK_NS));
        assert!(!moved(-30 * SECOND, 30 * SECOND, 1_000_000, SLACK_NS));
        // A drift that is smaller than what asking takes is not seen.
        assert!(!moved(1_000_000, 1_000_000, 900_000, SLACK_NS));
        assert!(moved(300_000_000, 310_000_000, 1_000_000, SLACK_NS));
    }
}

//! `client-clock`: the wall clock of a client's process jumps, and is put right again. What the process says of its own
//! time before, during and afterwards is the proof; it has bitten when that is as far off as it was moved.

use std::cell::Cell;

use super::server_clock::{SLACK_NS, moved};
use super::{ClientFault, FaultError};
use crate::crew::Hands;
use crate::process::Processes;
use lockbench_core::clock::Clock;
use lockbench_core::record::ClockSeen;
use lockbench_systems::levers::TimeTold;

pub(super) struct ClientClock {
    by_ns: i64,
    before: Cell<Option<TimeTold>>,
    during: Cell<Option<TimeTold>>,
    after: Cell<Option<TimeTold>>,
}

impl ClientClock {
    pub(super) fn new(by_ns: i64) -> Self {
        Self { by_ns, before: Cell::new(None), during: Cell::new(None), after: Cell::new(None) }
    }
}

/// The process of a client, among all.
fn of(hands: &Hands, client: u32) -> Result<(&Processes, u32), FaultError> {
    let processes = hands.processes.as_ref().ok_or(FaultError::NoProcess(client))?;
    Ok((processes, processes.of(client)))
}

impl ClientFault for ClientClock {
    fn inject(&self, hands: &Hands, client: u32, _clock: Clock) -> Result<(), FaultError> {
        let (processes, process) = of(hands, client)?;
        self.before.set(Some(processes.time(process)?));
        Ok(processes.set_clock(process, self.by_ns)?)
    }

    fn bites(&self, hands: &Hands, client: u32) -> bool {
        let Ok(told) = of(hands, client).and_then(|(processes, process)| Ok(processes.time(process)?)) else {
            return false;
        };
        // Its clock is ours, as long as nobody moves it: another client of the process may have been moved before.
        let moved = moved(told.off_ns, self.by_ns, told.within_ns, SLACK_NS);
        if moved {
            self.during.set(Some(told));
        }
        moved
    }

    fn heal(&self, hands: &Hands, client: u32) -> Result<(), FaultError> {
        let (processes, process) = of(hands, client)?;
        processes.set_clock(process, 0)?;
        // A process that was killed meanwhile has no clock to be looked at.
        let Ok(told) = processes.time(process) else { return Ok(()) };
        self.after.set(Some(told));
        if told.off_ns.unsigned_abs() > told.within_ns.max(SLACK_NS) {
            let problem = format!("it still says {:+.3} s from ours", told.off_ns as f64 / 1e9);
            let node = format!("client-{client}");
            return Err(FaultError::Refused { action: "put right the clock of", node, problem });
        }
        Ok(())
    }

    fn clock(&self) -> Option<ClockSeen> {
        let off = |told: &Cell<Option<TimeTold>>| told.get().map(|told| told.off_ns);
        Some(ClockSeen { before_ns: off(&self.before)?, during_ns: off(&self.during), after_ns: off(&self.after) })
    }
}

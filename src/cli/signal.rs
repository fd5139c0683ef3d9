//! Signals: the first SIGINT or SIGTERM ends the load in order, the second at
//! once. A thread of its own listens, so that the load never handles signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;

use super::display::Display;
use super::narrate::RUN;
use crate::report::Interruption;
use crate::stop::Stop;

const INTERRUPT: u8 = 1;
const TERMINATE: u8 = 2;

/// What was received so far.
#[derive(Clone, Default)]
pub struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// If no thread or signal handler can be had.
    pub fn listen(&self, stop: Stop, display: Display) -> std::io::Result<()> {
        let signals = self.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = {
            let _guard = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async move {
                loop {
                    let kind = tokio::select! {
                        _ = interrupt.recv() => INTERRUPT,
                        _ = terminate.recv() => TERMINATE,
                    };
                    if signals.take(kind, &stop) {
                        display.insist("lockbench: stopping: releasing locks and writing the report (again to abort)");
                    }
                }
            });
        })?;
        Ok(())
    }

    /// As if a SIGINT had come: the user asked for the end by a key.
    pub fn interrupt(&self, stop: &Stop) {
        self.take(INTERRUPT, stop);
    }

    /// Was the process told to go, by somebody else than its user?
    pub fn terminated(&self) -> bool {
        self.0.load(Ordering::SeqCst) == TERMINATE
    }

    /// The first one stops the load in order, the second at once. Was it the first?
    fn take(&self, kind: u8, stop: &Stop) -> bool {
        let name = if kind == TERMINATE { "SIGTERM" } else { "interrupt" };
        let first = self.0.compare_exchange(0, kind, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        // Before anything is said: that may take its time.
        if first {
            stop.drain();
            warn!(target: RUN, "{name}: the load ends, locks are released, the report is written");
        } else {
            stop.abort();
            warn!(target: RUN, "{name} again: what is still open is abandoned");
        }
        first
    }

    /// The first signal received.
    pub fn received(&self) -> Option<Interruption> {
        match self.0.load(Ordering::SeqCst) {
            INTERRUPT => Some(Interruption::Interrupt),
            TERMINATE => Some(Interruption::Terminate),
            _ => None,
        }
    }
}

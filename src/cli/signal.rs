//! Signals: the first SIGINT or SIGTERM ends the load in order, the second at
//! once. A thread of its own listens, so that the load never handles signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use super::tell;
use crate::report::Interruption;
use crate::stop::Stop;

/// What was received so far.
#[derive(Clone, Default)]
pub struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// If no thread or signal handler can be had.
    pub fn listen(stop: Stop) -> std::io::Result<Self> {
        let signals = Self::default();
        let first = signals.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = {
            let _guard = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async move {
                loop {
                    let kind = tokio::select! {
                        _ = interrupt.recv() => 1,
                        _ = terminate.recv() => 2,
                    };
                    if first.0.compare_exchange(0, kind, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                        tell("lockbench: stopping: releasing locks and writing the report (again to abort)");
                        stop.drain();
                    } else {
                        stop.abort();
                    }
                }
            });
        })?;
        Ok(signals)
    }

    /// The first signal received.
    pub fn received(&self) -> Option<Interruption> {
        match self.0.load(Ordering::SeqCst) {
            1 => Some(Interruption::Interrupt),
            2 => Some(Interruption::Terminate),
            _ => None,
        }
    }
}

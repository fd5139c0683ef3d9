//! Signals: the first SIGINT, SIGTERM or SIGHUP ends the load in order, the second at
//! once. A thread of its own listens, so that the load never handles signals.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

use super::Failure;
use super::log::RUN;
use lockbench_core::stop::Stop;
use lockbench_report::{Exit, Interruption};

const INTERRUPT: u8 = 1;
const TERMINATE: u8 = 2;
const HANG_UP: u8 = 3;

/// What a hang-up means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// The end; nothing, where it is ignored (`nohup`).
    Ends,
    /// The plan shall be read again; the end, where it comes because the terminal is gone.
    Reloads,
}

/// What a signal stops, and the signals received so far. Clones are the same.
#[derive(Clone, Default)]
pub struct Interrupt {
    pub stop: Stop,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    first: AtomicU8,
    /// Whether one came from outside, and not by a key: then nothing waits for the user.
    leave: AtomicBool,
    /// Whether the plan is to be read again.
    reload: AtomicBool,
}

impl Interrupt {
    /// Starts to listen; `first` is called at the first signal.
    ///
    /// # Errors
    /// If no thread or signal handler can be had.
    pub fn listen(on_hangup: HangUp, first: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let interrupt = Self::default();
        interrupt.clone().start(on_hangup, first).map_err(Failure::internal)?;
        Ok(interrupt)
    }

    fn start(self, on_hangup: HangUp, first: impl Fn() + Send + 'static) -> std::io::Result<()> {
        let terminals = terminals();
        let runtime = super::runtime()?;
        let (mut interrupt, mut terminate, mut hangup) = {
            let _guard = runtime.enter();
            // Where it is ignored (nohup) the run outlives its terminal.
            let heard = on_hangup == HangUp::Reloads || !hangup_is_ignored();
            let hangup = heard.then(|| signal(SignalKind::hangup())).transpose()?;
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, hangup)
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async move {
                loop {
                    let (kind, name) = tokio::select! {
                        _ = interrupt.recv() => (INTERRUPT, "interrupt"),
                        _ = terminate.recv() => (TERMINATE, "SIGTERM"),
                        () = received(hangup.as_mut()) => (HANG_UP, "hang-up"),
                    };
                    if kind == HANG_UP && on_hangup == HangUp::Reloads && terminals == self::terminals() {
                        self.received.reload.store(true, Ordering::SeqCst);
                    } else if self.outside(kind, name) {
                        first();
                    }
                }
            });
        })?;
        Ok(())
    }

    /// Returns whether a hang-up asked to read the plan again, since the last call.
    pub fn take_reload(&self) -> bool {
        self.received.reload.swap(false, Ordering::SeqCst)
    }

    /// Acts as if a SIGINT had come: the user asked for the end by a key.
    pub fn interrupt(&self) {
        self.take(INTERRUPT, "interrupt");
    }

    /// Has the screen left, as if a signal had come, without ending the run.
    pub fn leave_screen(&self) {
        self.received.leave.store(true, Ordering::SeqCst);
    }

    /// Returns whether what waits for the user must give up: a signal ended the run, which on the
    /// screen Ctrl-C, a key, is not.
    pub fn must_leave(&self) -> bool {
        self.received.leave.load(Ordering::SeqCst)
    }

    fn outside(&self, kind: u8, name: &str) -> bool {
        self.leave_screen();
        self.take(kind, name)
    }

    /// Stops the load in order at the first one, at once at the second. Returns whether it was the first.
    fn take(&self, kind: u8, name: &str) -> bool {
        let first = self.received.first.compare_exchange(0, kind, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        // Before the line is written: that may take its time.
        if first {
            self.stop.drain();
            warn!(target: RUN, "{name}: the load ends, locks are released, the report is written");
        } else {
            self.stop.abort();
            warn!(target: RUN, "{name} again: what is still open is abandoned");
        }
        first
    }

    /// Returns whether a signal came.
    pub fn came(&self) -> bool {
        self.first().is_some()
    }

    /// Returns the exit code that the first signal means, if one came.
    pub fn exit(&self) -> Option<Exit> {
        self.first().map(|interruption| match interruption {
            Interruption::Interrupt => Exit::Interrupted,
            Interruption::Terminate | Interruption::HangUp => Exit::Terminated,
        })
    }

    /// Returns the first signal received.
    pub fn first(&self) -> Option<Interruption> {
        match self.received.first.load(Ordering::SeqCst) {
            INTERRUPT => Some(Interruption::Interrupt),
            TERMINATE => Some(Interruption::Terminate),
            HANG_UP => Some(Interruption::HangUp),
            _ => None,
        }
    }
}

/// Completes when it came; never, if it is not listened for.
async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Counts which of the three streams are on a terminal that is there: one that was hung up is
/// none any more (EIO, tty_ioctl(4)).
fn terminals() -> usize {
    use std::io::{stderr, stdin, stdout};
    [stdin().is_terminal(), stdout().is_terminal(), stderr().is_terminal()].into_iter().filter(|is| *is).count()
}

/// Returns whether SIGHUP is ignored, as under `nohup`; where that is not known, it is not.
fn hangup_is_ignored() -> bool {
    ignores_hangup(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

/// `status`: proc_pid_status(5).
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::{INTERRUPT, Interrupt, TERMINATE, ignores_hangup};
    use lockbench_report::Interruption;

    #[test]
    fn a_signal_ends_every_wait_for_the_user_whatever_came_first() {
        for kind in [INTERRUPT, TERMINATE] {
            let signals = Interrupt::default();
            assert!(signals.outside(kind, "x") && signals.must_leave() && !signals.stop.aborting());
        }
        // The user at the screen leaves it by a key.
        let signals = Interrupt::default();
        signals.interrupt();
        assert!(signals.stop.draining() && !signals.stop.aborting() && !signals.must_leave());
        // What came first says what the run ended by.
        assert!(!signals.outside(TERMINATE, "x") && signals.stop.aborting() && signals.must_leave());
        assert_eq!(signals.first(), Some(Interruption::Interrupt));
    }

    #[test]
    fn whether_a_hang_up_is_ignored_is_read_from_the_mask() {
        for (status, ignored) in [
            ("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n", true),
            ("SigIgn:\t0000000000001000\n", false),
            ("SigIgn:\todd\n", false),
            ("", false),
        ] {
            assert_eq!(ignores_hangup(status), ignored, "{status}");
        }
    }
}

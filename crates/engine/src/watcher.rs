//! What a caller may see of a run while it goes on: a [`Watcher`] for the run as a whole, a
//! [`TrialWatcher`] for the figures of one trial. Both have defaults for everything, so that a
//! watcher implements only what it wants: [`Unwatched`] wants nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lockbench_core::lock::Endpoint;
use lockbench_core::record::LogLevel;
use lockbench_core::record::figures::Figures;
use lockbench_report::live::{LiveTrial, Publisher, Update};
use lockbench_report::{Interruption, Report, TrialResult};

/// What a line of the log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The run as a whole.
    Run,
    /// Systems and their servers.
    Servers,
    /// One trial.
    Trial,
    /// What is written.
    Files,
}

/// Sees how a run goes. The engine calls it on the thread that called the engine, and waits for
/// it: a watcher that has much to do hands it to a thread of its own.
pub trait Watcher {
    /// Takes the next update: runs, systems, trials and notes, in order, and snapshots of the
    /// trial under way at the pace that [`Self::pace_ns`] asks for.
    fn update(&self, _update: Update) {}

    /// Takes something worth knowing, in words.
    fn say(&self, text: &str) {
        self.update(Update::Note(text.to_owned()));
    }

    /// Takes what is done now, in words: soon it will be no longer true.
    fn step(&self, _text: &str) {}

    /// Takes something that a person must read, whatever else is shown.
    fn insist(&self, text: &str) {
        self.say(text);
    }

    /// Takes a line of the log. None comes while an attempt is under way.
    fn log(&self, _topic: Topic, _level: LogLevel, _text: &str) {}

    /// Takes the addresses in use: their passwords must not be shown.
    fn endpoints(&self, _endpoints: &[Endpoint]) {}

    /// Returns the nanoseconds between snapshots of a trial; `None`: no snapshots.
    fn pace_ns(&self) -> Option<u64> {
        None
    }

    /// Returns whether the watcher is ready for another snapshot.
    fn wants_snapshot(&self) -> bool {
        true
    }

    /// Returns whether snapshots shall have the holds of each key.
    fn wants_holds(&self) -> bool {
        false
    }

    /// Returns where to publish what servers say of themselves, and the flag that is up while it
    /// is wanted; `None`: no server is asked.
    fn server_poll(&self) -> Option<(Publisher, Arc<AtomicBool>)> {
        None
    }

    /// Returns the watcher of a trial that is about to begin.
    fn trial(&self, _trial: &TrialSubject<'_>) -> Box<dyn TrialWatcher + '_> {
        Box::new(Unwatched)
    }

    /// Returns what ended the run early, if the watcher knows; otherwise a run whose
    /// [`Stop`](lockbench_core::stop::Stop) was used counts as interrupted.
    fn interruption(&self) -> Option<Interruption> {
        None
    }

    /// The servers that the run started are stopped.
    fn servers_stopped(&self) {}

    /// The run is judged; its files are not written yet.
    fn judged(&self, _report: &Report) {}
}

/// What a trial is of.
#[derive(Clone, Copy, Debug)]
pub struct TrialSubject<'a> {
    /// Registry name.
    pub backend: &'a str,
    /// Name of the workload.
    pub workload: &'a str,
    /// Whether the system has fencing tokens.
    pub tokens: bool,
}

/// Sees the figures of one trial. Dropped without [`Self::settle`], the trial broke off.
pub trait TrialWatcher {
    /// Returns whether figures shall keep detail that no report needs.
    fn wants_detail(&self) -> bool {
        false
    }

    /// A good moment to read how the trial stands: between two batches of events.
    fn pause(&mut self, _trial: &LiveTrial<'_>) {}

    /// The trial is over and reported.
    fn settle(self: Box<Self>, _result: &TrialResult, _figures: &Figures) {}
}

/// The watcher that wants nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {}

impl TrialWatcher for Unwatched {}

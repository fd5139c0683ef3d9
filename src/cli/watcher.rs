//! The program as the watcher of a run: what the engine says goes to the display, to the log and
//! to the metrics board of a frontend.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tracing::{debug, error, info, trace, warn};

use super::frontend::Frontend;
use super::log::{FILES, RUN, SERVERS, TRIAL};
use super::narrate::{drawn, served};
use lockbench_core::lock::Endpoint;
use lockbench_core::record::LogLevel;
use lockbench_core::record::figures::Figures;
use lockbench_engine::{Topic, TrialSubject, TrialWatcher, Watcher, own_cpu_s};
use lockbench_output::metrics::{BoardWriter, Subject};
use lockbench_report::live::{LiveTrial, Publisher, Update};
use lockbench_report::{Interruption, Report, TrialResult};

/// A target of the log must be known when the program is compiled.
macro_rules! line {
    ($target:expr, $level:expr, $text:expr) => {
        match $level {
            LogLevel::Error => error!(target: $target, "{}", $text),
            LogLevel::Warn => warn!(target: $target, "{}", $text),
            LogLevel::Info => info!(target: $target, "{}", $text),
            LogLevel::Debug => debug!(target: $target, "{}", $text),
            LogLevel::Trace => trace!(target: $target, "{}", $text),
        }
    };
}

impl Watcher for Frontend {
    fn update(&self, update: Update) {
        self.scoreboard.update(&update);
        self.display.update(update);
    }

    fn step(&self, text: &str) {
        self.display.step(text);
    }

    fn insist(&self, text: &str) {
        self.display.insist(text);
    }

    fn log(&self, topic: Topic, level: LogLevel, text: &str) {
        match topic {
            Topic::Run => line!(RUN, level, text),
            Topic::Servers => line!(SERVERS, level, text),
            Topic::Trial => line!(TRIAL, level, text),
            Topic::Files => line!(FILES, level, text),
        }
    }

    fn endpoints(&self, endpoints: &[Endpoint]) {
        self.log.keep_secret(endpoints.iter());
    }

    fn pace_ns(&self) -> Option<u64> {
        self.display.pace_ns()
    }

    fn wants_snapshot(&self) -> bool {
        self.display.wants_snapshot()
    }

    fn wants_holds(&self) -> bool {
        self.display.publisher().is_some()
    }

    fn server_poll(&self) -> Option<(Publisher, Arc<AtomicBool>)> {
        Self::server_poll(self)
    }

    fn trial(&self, trial: &TrialSubject<'_>) -> Box<dyn TrialWatcher + '_> {
        let subject = Subject::new(trial.backend, trial.workload);
        Box::new(Metered(BoardWriter::new(self.board.as_ref(), subject, trial.tokens)))
    }

    fn interruption(&self) -> Option<Interruption> {
        self.steer.interrupt.first()
    }

    fn servers_stopped(&self) {
        self.scoreboard.over();
    }

    fn judged(&self, _report: &Report) {
        if let Some(cost) = self.display.cost() {
            drawn(cost, own_cpu_s());
        }
        if let (Some(board), Some(scraped)) = (&self.board, &self.scraped) {
            served(&board.read(), scraped.cost(), own_cpu_s());
        }
    }
}

/// A trial whose figures go to the metrics board, if there is one.
struct Metered(BoardWriter);

impl TrialWatcher for Metered {
    fn wants_detail(&self) -> bool {
        self.0.wants_detail()
    }

    fn pause(&mut self, trial: &LiveTrial<'_>) {
        self.0.pause(trial);
    }

    fn settle(self: Box<Self>, result: &TrialResult, figures: &Figures) {
        self.0.settle(result, figures);
    }
}

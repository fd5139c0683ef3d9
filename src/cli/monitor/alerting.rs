//! The alerting thread: once per second it compares every bound with its window, reports what changed
//! (log, stderr or screen, webhook, metrics), and writes the status.

mod reload;
mod status;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use super::bound_alert::BoundAlert;
use super::monitor_context::{MonitorContext, lock};
use super::rounds::Rounds;
use super::screen::Screen;
use super::webhook::{Message, Webhook};
use super::{MONITOR, lines, nodes};
use crate::cli::args::UiChoice;
use crate::cli::tell;
use lockbench_output::metrics::Subject;
use lockbench_report::monitor::{Change, STATUS, Sent, Span, State, Status, StatusVersion};
use lockbench_report::{Exit, RunDirectory};

/// Interval at which the alerting thread checks for signals and changes.
const LOOK: Duration = Duration::from_millis(200);
/// Interval at which it judges.
const JUDGE: Duration = Duration::from_secs(1);
/// Interval at which the status goes to its file; after a change it goes with the next judgement.
const WRITE: Duration = Duration::from_secs(10);
/// Changes that are kept for file and screen.
const MOST_CHANGES: usize = 200;

/// State of the alerting thread.
pub struct Alerting<'a> {
    context: &'a MonitorContext<'a>,
    began: Instant,
    /// Bounds of each system.
    held: Vec<Vec<BoundAlert>>,
    changes: VecDeque<Change>,
    webhook: Option<Webhook>,
    sent: Option<Sent>,
    reloads: u64,
    shown: Arc<Mutex<Status>>,
    screen: Option<Screen>,
    unwritten: bool,
    /// Whether there is a change that is not in the file yet.
    changed: bool,
    /// Whether the time given by --for is over.
    planned_end: bool,
    /// Watchers that panicked.
    broken: Vec<String>,
}

impl<'a> Alerting<'a> {
    /// Opens it, with a screen if one is wanted and there is a terminal.
    pub fn open(context: &'a MonitorContext<'a>, webhook: Option<Webhook>, screen: bool) -> Self {
        let mut alerting = Self {
            context,
            began: Instant::now(),
            held: Vec::new(),
            changes: VecDeque::new(),
            webhook,
            sent: None,
            reloads: 0,
            shown: Arc::default(),
            screen: None,
            unwritten: false,
            changed: false,
            planned_end: false,
            broken: Vec::new(),
        };
        alerting.take_bounds(&context.orders());
        *lock(&alerting.shown) = alerting.status();
        if screen {
            match Screen::open(context.frontend, Arc::clone(&alerting.shown)) {
                Ok(screen) => alerting.screen = Some(screen),
                Err(error) => tell(&format!("lockbench: no screen, plain lines instead: {error}")),
            }
        }
        alerting
    }

    /// Runs until every system's thread is done.
    pub fn run(&mut self, directory: &RunDirectory) {
        let context = self.context;
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let mut watchers = Vec::new();
            for place in 0..context.watched.len() {
                match Rounds::new(context, place) {
                    Ok(watch) => watchers.push((place, scope.spawn(move || watch.run()))),
                    Err(error) => context.watched(place).is_missing(context.clock.now(), error.to_string()),
                }
            }
            let over = &over;
            for place in 0..context.watched.len() {
                scope.spawn(move || nodes::watch(context, place, over));
            }
            let (mut judged, mut written, mut said) = (Instant::now(), Instant::now(), Instant::now());
            loop {
                let waiting = watchers.iter().any(|(_, watcher)| !watcher.is_finished());
                // Where no thread runs, there is nothing to wait for.
                if !waiting {
                    over.store(true, Ordering::Relaxed);
                    break;
                }
                self.ends_by_itself();
                if context.frontend.steer.interrupt.take_reload() {
                    self.reload();
                }
                for (place, watcher) in &watchers {
                    if watcher.is_finished() && !context.stop.draining() {
                        self.misses(*place);
                    }
                }
                self.take_turns();
                let mut due = written.elapsed() >= WRITE;
                if judged.elapsed() >= JUDGE {
                    judged = Instant::now();
                    self.judge();
                    *lock(&self.shown) = self.status();
                    due |= self.changed;
                }
                if due {
                    written = Instant::now();
                    self.write(directory);
                }
                if said.elapsed() >= self.context.args.own.every {
                    said = Instant::now();
                    self.say(&lines::standing(&self.status()));
                }
                std::thread::sleep(LOOK);
            }
            for (place, watcher) in watchers {
                if watcher.join().is_err() {
                    let backend = context.watched(place).backend;
                    self.broken.push(format!("{backend}: the thread that monitors it panicked: a bug of lockbench"));
                }
            }
        });
    }

    /// The thread of a system ended before the stop: from now on nothing is known of the system, and
    /// the status says so at once, not only at the end.
    fn misses(&self, place: usize) {
        let mut watched = self.context.watched(place);
        if watched.state != State::Missing {
            let problem = "the thread that monitors it broke off: a bug of lockbench; nothing is known from now on";
            watched.is_missing(self.context.clock.now(), problem.to_owned());
        }
    }

    /// Judges each bound for the last time; returns the last status, and whether it is on the disk.
    pub fn close(mut self, directory: &RunDirectory) -> (Status, bool) {
        self.take_turns();
        self.judge();
        self.sent = self.webhook.take().map(Webhook::close);
        self.write(directory);
        let mut status = self.status();
        if self.unwritten {
            status.reasons.push(format!("{STATUS} could not be written: is there space left?"));
            if status.exit_code != Exit::Violation.code() {
                status.exit_code = Exit::Internal.code();
            }
        }
        *lock(&self.shown) = status.clone();
        drop(self.screen.take());
        if let Some(board) = &self.context.frontend.board {
            board.rest();
        }
        // What an embedded system left is no result.
        let _ = std::fs::remove_dir_all(directory.path("scratch"));
        (status, !self.unwritten)
    }

    fn ends_by_itself(&mut self) {
        self.leave_gone_screen();
        let over = self.context.args.own.lasts.is_some_and(|lasts| self.began.elapsed() >= lasts);
        if over && !self.context.stop.draining() {
            info!(target: MONITOR, "the time given by --for is over");
            self.planned_end = true;
            self.context.stop.drain();
        }
    }

    /// Ends the monitor run if its terminal is gone; where only drawing failed, lines follow.
    fn leave_gone_screen(&mut self) {
        if let Some(screen) = self.screen.take_if(|screen| screen.gone())
            && screen.close()
        {
            info!(target: MONITOR, "the terminal is gone");
            self.context.stop.drain();
        }
    }

    /// Reports what the systems' threads noticed.
    fn take_turns(&mut self) {
        for place in 0..self.context.watched.len() {
            let (backend, turns, up) = {
                let mut watched = self.context.watched(place);
                watched.settle_doubt(self.context.clock.now());
                let up = (watched.state != State::Starting).then_some(watched.state == State::Up);
                (watched.backend, watched.take_turns(), up)
            };
            if let (Some(board), Some(up)) = (&self.context.frontend.board, up) {
                board.up(&Subject::new(backend, &self.context.orders().plan.name), up);
            }
            for turn in turns {
                let (alert, bad, text) = turn.words();
                self.tell(backend, alert, bad, text);
            }
        }
    }

    /// Compares every bound with its window.
    fn judge(&mut self) {
        let (now, window_ns) = (self.context.clock.now(), self.context.window_ns);
        let workload = self.context.orders().plan.name.clone();
        for place in 0..self.held.len() {
            let (backend, window, certain, span) = {
                let watched = self.context.watched(place);
                let span = Span { length_ns: window_ns, seen_ns: watched.rolling.seen_ns(now, window_ns) };
                (watched.backend, watched.window(now, window_ns), watched.violations(), span)
            };
            let (subject, mut turns) = (Subject::new(backend, &workload), Vec::new());
            if let Some(board) = &self.context.frontend.board {
                board.arrive(&subject, &self.context.watched(place).arrivals);
            }
            for held in &mut self.held[place] {
                let turn = held.judge(now, &window, certain, span);
                let text = held.bound.text();
                if let Some(board) = &self.context.frontend.board {
                    board.threshold(&subject, &text, held.kept());
                }
                turns.extend(turn.map(|(firing, because)| (text, firing, because)));
            }
            for (text, firing, because) in turns {
                self.tell(backend, &text, firing, because);
            }
        }
    }

    fn note(&mut self, backend: &str, bad: bool, text: String) {
        self.tell(backend, "monitor", bad, text);
    }

    /// Reports a change: log, lines, webhook, status.
    fn tell(&mut self, backend: &str, alert: &str, firing: bool, because: String) {
        let change = Change {
            at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            backend: backend.to_owned(),
            alert: alert.to_owned(),
            firing,
            because,
        };
        // What concerns no system is the monitor's own: then there is no name before it.
        let who = if backend.is_empty() { String::new() } else { format!("{backend}: ") };
        if firing {
            warn!(target: MONITOR, "{who}{alert}: {}", change.because);
        } else {
            info!(target: MONITOR, "{who}{alert}: {}", change.because);
        }
        self.say(&[lines::change(&change)]);
        if let Some(webhook) = &self.webhook {
            let workload = &self.context.orders().plan.name;
            let (schema_version, source) = (StatusVersion, "lockbench monitor");
            webhook.send(&Message { schema_version, source, run_id: &self.context.id, workload, change: &change });
        }
        self.changed = true;
        if self.changes.len() == MOST_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }

    /// Prints lines, where there is no screen and --ui asks for some.
    fn say(&mut self, lines: &[String]) {
        self.leave_gone_screen();
        if self.screen.is_none() && self.context.args.load.ui != UiChoice::None {
            lines.iter().for_each(|line| tell(line));
        }
    }
}

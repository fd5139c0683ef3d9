//! What a person sees on stderr while it runs without the terminal UI: bars on a
//! terminal, lines elsewhere. A fold over the same updates as the UI.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::log::Log;
use super::{locale, tell};
use lockbench_core::plain;
use lockbench_core::record::Phase;
use lockbench_core::units::{SECOND, grouped, three_digits};
use lockbench_output::trial_line;
use lockbench_report::live::{Snapshot, TrialStart, Update};

/// Bars or lines.
pub struct Printer {
    bar: Option<ProgressBar>,
    /// Length of warm-up and measure phase, once known.
    lengths: RefCell<(u64, u64)>,
    /// The trial under way, as its lines begin.
    place: RefCell<String>,
}

impl Printer {
    /// Returns a printer that draws bars; lines of the log go above them. Lines, where no bar can be
    /// drawn, such as with `TERM=dumb`: a bar would swallow whatever is said.
    pub fn bars(log: &Log) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
        if bar.is_hidden() {
            return Self::lines();
        }
        if let Ok(style) = ProgressStyle::with_template("{prefix:<32} [{bar:30}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let above = bar.clone();
        log.show_through(move |line| above.println(locale::fitting(line.into())));
        Self { bar: Some(bar), lengths: RefCell::default(), place: RefCell::default() }
    }

    /// Returns a printer of lines.
    pub fn lines() -> Self {
        Self { bar: None, lengths: RefCell::default(), place: RefCell::default() }
    }

    /// Returns the time between the snapshots that it shows; lines show none.
    pub fn pace(&self) -> Option<Duration> {
        self.bar.as_ref().map(|_| Duration::from_millis(250))
    }

    /// The next update.
    pub fn update(&self, update: &Update) {
        match update {
            Update::Run(facts) => *self.lengths.borrow_mut() = (facts.warmup_ns, facts.duration_ns),
            Update::Note(text) => self.say(text),
            Update::Skipped(skipped) => self.say(&format!("{}: {}", skipped.backend, skipped.reason)),
            Update::Trial(start) => self.begin(start),
            Update::Live(snapshot) => self.live(snapshot),
            Update::Ended(end) => {
                let place = self.place.borrow();
                self.say(&format!("{place}: {}", trial_line(&end.result)));
            }
            Update::Over(_) => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            Update::System(_) | Update::Servers(_) | Update::Log(_) | Update::Rewound => {}
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(locale::fitting(plain::lines(text))),
            None => tell(text),
        }
    }

    fn begin(&self, start: &TrialStart) {
        let title = format!("[{}/{}] {}, trial {}", start.place, start.places, start.backend, start.trial);
        self.place.borrow_mut().clone_from(&title);
        let Some(bar) = &self.bar else { return tell(&title) };
        let (warmup, duration) = *self.lengths.borrow();
        bar.set_prefix(locale::fitting(plain::line(&title)).into_owned());
        bar.set_length((warmup + duration) / 1_000_000);
        bar.set_position(0);
        bar.set_message("");
        bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn live(&self, snapshot: &Snapshot) {
        let Some(bar) = &self.bar else { return };
        let (warmup, duration) = *self.lengths.borrow();
        bar.set_position((warmup + duration).saturating_sub(snapshot.left_ns) / 1_000_000);
        let left = snapshot.left_ns.div_ceil(SECOND);
        let phase = match snapshot.phase {
            Phase::Warmup => "warm-up".to_owned(),
            Phase::Measure => format!("measuring, {left} s to go"),
            Phase::Drain => "draining".to_owned(),
        };
        let seconds = snapshot.elapsed_ns as f64 / 1e9;
        let rate = if seconds > 0.0 { snapshot.judged.grants as f64 / seconds } else { 0.0 };
        let doubles = match snapshot.judged.double_grants {
            0 => String::new(),
            n => format!(", !! {} double grants", grouped(n)),
        };
        bar.set_message(format!("{phase}, {} grants/s{doubles}", three_digits(rate)));
    }
}

//! What a person sees on stderr while it runs.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::UiChoice;
use super::tell;
use crate::load::{Phase, Tick};
use crate::workload::Plan;

/// Bars, lines or nothing.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    warmup_ns: u64,
    total_ns: u64,
}

impl Progress {
    /// As chosen; bars only on a terminal that is not a CI log.
    pub fn new(choice: UiChoice, plan: &Plan) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bars = choice == UiChoice::Auto && terminal;
        let bar = bars.then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{prefix:<32} [{bar:30}] {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        let lines = !bars && choice != UiChoice::None;
        Self { bar, lines, warmup_ns: plan.warmup_ns, total_ns: plan.warmup_ns + plan.duration_ns }
    }

    /// Says something worth knowing.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None if self.lines => tell(text),
            None => {}
        }
    }

    /// A trial starts: number `done` + 1 of `all`.
    pub fn start(&self, backend: &str, done: usize, all: usize) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("[{}/{all}] {backend}", done + 1));
            bar.set_length(self.total_ns / 1_000_000);
            bar.set_position(0);
            bar.enable_steady_tick(Duration::from_millis(100));
        } else if self.lines {
            tell(&format!("[{}/{all}] {backend}", done + 1));
        }
    }

    /// It goes on.
    pub fn tick(&self, tick: Tick) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(tick.elapsed_ns.min(self.total_ns) / 1_000_000);
        let left = self.total_ns.saturating_sub(tick.elapsed_ns) / 1_000_000_000;
        bar.set_message(match tick.phase {
            Phase::Warmup => {
                format!("warm-up, {} s to go", self.warmup_ns.saturating_sub(tick.elapsed_ns) / 1_000_000_000)
            }
            Phase::Measure => format!("measuring, {left} s to go"),
            Phase::Drain => "draining".to_owned(),
        });
    }

    /// Everything has run.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! Grants per second over time, as a line of bars or a few. What is drawn are the seconds of
//! the trial as they are stored, so the curve of a run that is played again is the same at
//! every speed; only where no whole second is over yet, its slices.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::glyph::Glyphs;
use crate::state::SystemState;
use crate::view::View;
use lockbench_core::units::SECOND;

/// The rate of a system over a stretch of its trial, cut into equal slices.
pub struct Rate {
    /// Grants per second of each slice; `None`: not known, or not yet.
    pub slices: Vec<Option<f64>>,
    /// The highest of them.
    pub most: f64,
    /// The stretch, nanoseconds since the start of the warm-up.
    pub stretch: (u64, u64),
}

/// A stretch of time and its rate.
struct Step {
    from: u64,
    to: u64,
    per_s: f64,
}

impl Rate {
    /// The last part of the trial, as long as the window is; of a shorter trial the whole
    /// of it, what is still to come included.
    pub fn of(view: &View<'_>, system: &SystemState, slices: usize) -> Self {
        let phases = system.phases(view.state.run.as_ref());
        // While it drains no attempt begins: that is no rate of the system.
        let now = if phases.end_ns > 0 { phases.now_ns.min(phases.end_ns) } else { phases.now_ns };
        let planned = view.state.run.as_ref().map_or(0, |run| run.warmup_ns + run.duration_ns);
        let window = view.look.window_s().saturating_mul(SECOND);
        let whole = if system.over() { now } else { now.max(planned) }.max(1);
        let stretch = if window >= whole { (0, whole) } else { (now.saturating_sub(window), now.max(window)) };
        let mut rate = Self { slices: vec![None; slices], most: 0.0, stretch };
        if slices > 0 {
            rate.fill(&steps(system, now));
        }
        rate
    }

    fn fill(&mut self, steps: &[Step]) {
        let (from, to) = self.stretch;
        let slice = (to - from) as f64 / self.slices.len() as f64;
        let last = self.slices.len() - 1;
        // Nanoseconds that are known of each slice, and grants in them.
        let mut known = vec![(0.0, 0.0); self.slices.len()];
        for step in steps.iter().filter(|step| step.to > from) {
            let begin = step.from.max(from);
            let place = |at: u64| (((at.saturating_sub(from)) as f64 / slice) as usize).min(last);
            for (i, known) in known.iter_mut().enumerate().take(place(step.to) + 1).skip(place(begin)) {
                let edge = from as f64 + i as f64 * slice;
                let part = (step.to as f64).min(edge + slice) - (begin as f64).max(edge);
                if part > 0.0 {
                    known.0 += part;
                    known.1 += part * step.per_s;
                }
            }
        }
        for (slice, (ns, weighted)) in self.slices.iter_mut().zip(known) {
            *slice = (ns > 0.0).then(|| weighted / ns);
            self.most = self.most.max(slice.unwrap_or(0.0));
        }
    }

    /// Bars in this area, from its bottom up. A slice without a grant has the lowest bar,
    /// one of which nothing is known has none.
    pub fn draw(&self, glyphs: Glyphs, style: Style, area: Rect, buffer: &mut Buffer) {
        // A single row stays below its upper edge, or the rows of a table would run together.
        let full = if area.height == 1 { 7.0 } else { f64::from(area.height) * 8.0 };
        for (slice, x) in self.slices.iter().zip(area.left()..area.right()) {
            let Some(rate) = slice else { continue };
            let eighths = if self.most > 0.0 { (rate / self.most * full).ceil() } else { 0.0 };
            let mut left = (eighths as usize).max(1);
            for y in (area.top()..area.bottom()).rev() {
                if left == 0 {
                    break;
                }
                buffer.set_string(x, y, glyphs.spark[left.min(8) - 1], style);
                left = left.saturating_sub(8);
            }
        }
    }
}

/// Whole seconds as far as they are over by then, after them slices.
fn steps(system: &SystemState, now: u64) -> Vec<Step> {
    let second = |second: &lockbench_report::live::Second| Step {
        from: second.second * SECOND,
        to: (second.second + 1) * SECOND,
        per_s: second.grants as f64,
    };
    let mut steps: Vec<Step> = system.seconds.iter().map(second).take_while(|step| step.to <= now).collect();
    let whole = steps.last().map_or(0, |step| step.to);
    let slices = system.beats.iter().filter(|beat| beat.at_ns > whole && beat.at_ns <= now);
    steps.extend(slices.map(|beat| Step {
        from: beat.at_ns.saturating_sub(beat.length_ns).max(whole),
        to: beat.at_ns,
        per_s: beat.grants_per_s(),
    }));
    steps
}

//! Grants a second over time, as a line of bars or a few.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::glyph::Glyphs;
use crate::tui::state::{Beat, SystemState};
use crate::tui::view::View;
use crate::units::SECOND;

/// The rate of a system over a stretch of its trial, cut into equal slices.
pub struct Rate {
    /// Grants a second of each slice; `None`: not told, or not yet.
    pub slices: Vec<Option<f64>>,
    /// The highest of them.
    pub most: f64,
    /// The stretch, nanoseconds since the start of the warm-up.
    pub stretch: (u64, u64),
}

impl Rate {
    /// The last part of the trial, as long as the window is; of a shorter trial the whole
    /// of it, what is still to come included.
    pub fn of(view: &View<'_>, system: &SystemState, slices: usize) -> Self {
        let now = system.beats.back().map_or(0, |beat| beat.at_ns);
        let planned = view.state.run.as_ref().map_or(0, |run| run.warmup_ns + run.duration_ns);
        let window = view.look.window_s().saturating_mul(SECOND);
        let whole = now.max(planned).max(1);
        let stretch = if window >= whole { (0, whole) } else { (now.saturating_sub(window), now.max(window)) };
        let mut rate = Self { slices: vec![None; slices], most: 0.0, stretch };
        if slices > 0 {
            rate.fill(system);
        }
        rate
    }

    fn fill(&mut self, system: &SystemState) {
        let (from, to) = self.stretch;
        let slice = (to - from) as f64 / self.slices.len() as f64;
        let last = self.slices.len() - 1;
        // Nanoseconds that are known of each slice, and grants in them.
        let mut known = vec![(0.0, 0.0); self.slices.len()];
        let first = system.beats.partition_point(|beat| beat.at_ns <= from);
        for beat in system.beats.range(first..) {
            let begin = beat.at_ns.saturating_sub(beat.length_ns).max(from);
            let place = |at: u64| (((at.saturating_sub(from)) as f64 / slice) as usize).min(last);
            for (i, known) in known.iter_mut().enumerate().take(place(beat.at_ns) + 1).skip(place(begin)) {
                let edge = from as f64 + i as f64 * slice;
                let part = (beat.at_ns as f64).min(edge + slice) - (begin as f64).max(edge);
                if part > 0.0 {
                    known.0 += part;
                    known.1 += part * Beat::grants_per_s(beat);
                }
            }
        }
        for (slice, (ns, weighted)) in self.slices.iter_mut().zip(known) {
            *slice = (ns > 0.0).then(|| weighted / ns);
            self.most = self.most.max(slice.unwrap_or(0.0));
        }
    }

    /// Bars in this area, from its bottom up. A slice without a grant has the lowest bar,
    /// one that nobody told of none.
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

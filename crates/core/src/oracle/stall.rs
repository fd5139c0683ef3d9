//! Was this process itself stalled (stopped, suspended, starved) between a hold's
//! start and the grant inside of it? Then the double grant tells of our machine,
//! not of the lock system, and is listed apart.
//!
//! The watchdog reports a stall only when it is over and up to its period late,
//! so that the question waits until the stream is past that.

use std::collections::VecDeque;

/// Longer than the watchdog's period plus scheduling on a busy machine.
const PATIENCE_NS: u64 = 1_000_000_000;

/// Stalls seen and questions waiting for an answer.
#[derive(Default)]
pub struct Stalls {
    /// Gaps in order of their end.
    gaps: Vec<(u64, u64)>,
    questions: VecDeque<(u64, u64)>,
    stalled: u64,
}

impl Stalls {
    /// The watchdog found a gap.
    pub fn observe(&mut self, from: u64, to: u64) {
        self.gaps.push((from, to));
    }

    /// Counts the span from a hold's start to the grant inside of it, if a gap
    /// touches it.
    pub fn ask(&mut self, from: u64, to: u64) {
        while self.questions.front().is_some_and(|(_, asked)| asked.saturating_add(PATIENCE_NS) < to) {
            self.answer_first();
        }
        self.questions.push_back((from, to));
    }

    /// Answers what is still open.
    pub fn finish(&mut self) {
        while !self.questions.is_empty() {
            self.answer_first();
        }
    }

    /// Spans that a gap touched.
    #[must_use]
    pub fn stalled(&self) -> u64 {
        self.stalled
    }

    fn answer_first(&mut self) {
        if let Some((from, to)) = self.questions.pop_front() {
            let touched = self.gaps.iter().rev().any(|(start, end)| *start < to && from < *end);
            self.stalled += u64::from(touched);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stalls;

    #[test]
    fn a_stall_reported_after_the_question_still_counts() {
        let mut stalls = Stalls::default();
        stalls.ask(100, 200);
        stalls.ask(300, 400);
        stalls.observe(150, 220);
        stalls.finish();
        assert_eq!(stalls.stalled(), 1);
    }
}

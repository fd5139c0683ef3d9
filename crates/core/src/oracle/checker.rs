//! What a checker is. A new one (a semaphore, readers and writers) is a file that implements
//! [`Checker`], a field of the oracle and a line of its list; what it counts is a field of [`Judged`].

use super::open::OpenAttempts;
use crate::record::attempt::{Attempts, Transition};
use crate::record::history::Judged;

/// One property, checked over the transitions of a trial's attempts: the same live and in
/// replay, in all phases. What it remembers is bounded by what is open.
pub trait Checker {
    /// The next transition. `open` has the attempts that were open just before it, and one
    /// that begins with it. What is found is added to `judged`, which all verdicts read.
    fn check(&mut self, transition: &Transition<'_>, open: &OpenAttempts, judged: &mut Judged);

    /// The stream is over: closes what is open of these attempts.
    fn finish(&mut self, _attempts: &Attempts, _judged: &mut Judged) {}
}

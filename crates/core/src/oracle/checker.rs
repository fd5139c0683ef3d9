//! What a checker is. A new one (a semaphore, readers and writers) is a file that implements
//! [`Checker`], a field of the oracle and a line of its list.

use super::open::OpenAttempts;
use crate::record::attempt::Transition;

/// What a checker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The property held.
    Valid,
    /// It was broken so many times.
    Violated(u64),
    /// It cannot be told.
    Unknown(&'static str),
}

/// One property, checked over the transitions of a trial's attempts: the same live and in
/// replay, in all phases. What it remembers is bounded by what is open.
pub trait Checker {
    /// The name of the property.
    fn name(&self) -> &'static str;

    /// The next transition. `open` has the attempts that were open just before it, and one
    /// that begins with it.
    fn check(&mut self, transition: &Transition<'_>, open: &OpenAttempts);

    /// The stream is over: closes what is open.
    fn finish(&mut self) {}

    /// What was found so far; after [`Checker::finish`], in all of it.
    fn conclusion(&self) -> Conclusion;
}

/// Valid without a violation.
pub(super) fn of_violations(count: u64) -> Conclusion {
    if count == 0 { Conclusion::Valid } else { Conclusion::Violated(count) }
}

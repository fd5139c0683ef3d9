//! The highest rate at which a system keeps its bounds, as a pure state machine: what one probe showed goes in, the rate of
//! the next comes out, and no clock and no system is in it, so that it is tried on curves that are known.
//!
//! Rates grow geometrically until a probe fails, then the bracket is halved in logarithms down to 5 %. Noise passes and
//! fails a probe by chance, so that neither end is believed at once: the lower one must pass three fresh probes, and the
//! upper one fail one of two. Where an end is refuted, what is known of its neighbours is used again. Between the ends
//! nothing is interpolated: the answer is the bracket, because a system may break off between them.

mod machine;
mod outcome;
mod ruling;
#[cfg(test)]
mod tests;

pub use machine::{Search, Step};
pub use outcome::{Finding, Probe, Ruling, SearchResult, Searched};
pub use ruling::{attempts_needed, ruled};

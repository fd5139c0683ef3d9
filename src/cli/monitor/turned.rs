//! What became of a system, for the alerting thread to tell.

use lockbench_core::units::{MILLISECOND, human_duration, span};

/// What the alerting thread must tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned {
    /// The system does not answer.
    Down {
        /// In the server's words where there are any.
        problem: String,
        /// How long it had not answered when that was told.
        after_ns: u64,
    },
    /// It answers; after an outage of so many nanoseconds, if there was one.
    Up(Option<u64>),
    /// A violation that no bound tells of.
    Violated(String),
    /// Something else worth a line.
    Note(String),
}

impl Turned {
    /// What the alerting thread says, with the alert that it belongs to and whether it is bad news.
    pub fn words(self) -> (&'static str, bool, String) {
        match self {
            Self::Down { problem, after_ns: 0 } => ("up", true, format!("it does not answer: {problem}")),
            Self::Down { problem, after_ns } => {
                let silent = human_duration(after_ns);
                ("up", true, format!("it does not answer, and has not for {silent}: {problem}"))
            }
            Self::Up(None) => ("up", false, "it answers".to_owned()),
            Self::Up(Some(ns)) => {
                ("up", false, format!("it answers again, after an outage of {}", span(ns / MILLISECOND)))
            }
            Self::Violated(what) => ("safety", true, what),
            Self::Note(note) => ("monitor", false, note),
        }
    }
}

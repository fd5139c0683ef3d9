//! Events that cannot come where they are: others were lost before them, or somebody has
//! changed the history.

use std::fmt;

use super::{Attempt, Stage};
use crate::record::event::{Event, What};

/// Why an event cannot come where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Its client stands elsewhere.
    Attempt {
        /// The event.
        event: Event,
        /// Where the client's last attempt stood.
        stood: Stage,
        /// The key of that.
        key: u32,
        /// Number of that.
        number: u32,
    },
    /// A pause begins in a pause.
    PauseInPause {
        /// Begin of the outer one.
        since: u64,
    },
    /// A pause ends that did not begin.
    PauseWithoutBegin {
        /// When it is said to have begun.
        from: u64,
    },
}

/// Returns whether an event can come after the last one of its client's last attempt.
pub fn fits(attempt: &Attempt, event: &Event) -> bool {
    let stood = attempt.stage;
    let fits = match event.what {
        What::Invoke { .. } => return stood == Stage::Over,
        What::InvokeAs { first: 0, .. } => return stood == Stage::Over,
        // Which attempt it begins, and whether it can, the state machine knows.
        What::InvokeAs { .. } => return false,
        What::Acquired { .. } | What::Denied { .. } => stood == Stage::Waiting,
        What::Renewed { .. } | What::Stopped { .. } | What::Lost { .. } | What::ReleaseInvoke { .. } => {
            stood == Stage::Holding
        }
        What::Released { .. } => stood == Stage::Releasing,
        What::Died { .. } | What::Killed { .. } => stood != Stage::Over,
        What::SelfStall { .. }
        | What::PauseBegins
        | What::Paused { .. }
        | What::Marker { .. }
        | What::FaultInjected(_)
        | What::FaultHealed { .. }
        | What::Seen(_)
        | What::LateWrite { .. }
        | What::Dropped { .. }
        | What::Identity { .. } => return true,
    };
    fits && attempt.key == event.key && attempt.is_named_by(event)
}

/// The misfit of an event that cannot.
pub fn of(attempt: &Attempt, event: &Event) -> Misfit {
    Misfit::Attempt { event: *event, stood: attempt.stage, key: attempt.key, number: attempt.number }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (event, stood, key, number) = match self {
            Self::Attempt { event, stood, key, number } => (event, stood, key, number),
            Self::PauseInPause { since } => {
                return write!(f, "a pause begins in the pause that began at {since}: a line is missing");
            }
            Self::PauseWithoutBegin { from } => {
                return write!(f, "the end of a pause that did not begin at {from}: a line is missing");
            }
        };
        let does = match event.what {
            What::Invoke { .. } => "asks for",
            What::InvokeAs { first: 0, .. } => "asks for",
            What::InvokeAs { .. } => "asks, as a further lock of its transaction, for",
            What::Acquired { .. } => "is granted",
            What::Denied { .. } => "is denied",
            What::Renewed { .. } => "renews",
            What::Stopped { .. } => "stops in",
            What::Lost { .. } => "loses",
            What::ReleaseInvoke { .. } => "gives back",
            What::Released { .. } => "has given back",
            What::Died { .. } | What::Killed { .. } => "dies at",
            What::SelfStall { .. }
            | What::PauseBegins
            | What::Paused { .. }
            | What::Marker { .. }
            | What::FaultInjected(_)
            | What::FaultHealed { .. }
            | What::Seen(_)
            | What::LateWrite { .. }
            | What::Dropped { .. }
            | What::Identity { .. } => "has nothing of",
        };
        write!(f, "client {} {does} key {} ", event.client, event.key)?;
        match stood {
            Stage::Over => f.write_str("after its last attempt was over")?,
            Stage::Waiting => write!(f, "while it was waiting for key {key}")?,
            Stage::Holding => write!(f, "while it was holding key {key}")?,
            Stage::Releasing => write!(f, "while it was releasing key {key}")?,
        }
        if *stood != Stage::Over && event.attempt != 0 && event.attempt != *number {
            write!(f, " (attempt {} while attempt {number} was open)", event.attempt)?;
        }
        f.write_str(": a line is missing")
    }
}

//! Why a command failed, and the exit code that each error of a library means for it.

use lockbench_core::limits;
use lockbench_report::{Exit, OpenError, StoreError};

/// Why a command failed before there was anything to report.
#[derive(Debug)]
pub struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn usage(message: impl ToString) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// What the command needs from this machine cannot be had, as a server that does not
    /// start: nothing is wrong with the command line, nor with lockbench.
    pub(super) fn unavailable(message: impl ToString) -> Self {
        Self { exit: Exit::Backend, message: limits::explained(&message.to_string(), None) }
    }

    pub(super) fn internal(message: impl ToString) -> Self {
        Self { exit: Exit::Internal, message: limits::explained(&message.to_string(), None) }
    }
}

/// A run that is none, has no report or is too new is a usage error; a damaged or
/// unreadable one is not.
impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Missing(_)
            | OpenError::Foreign { .. }
            | OpenError::Unfinished { .. }
            | OpenError::Watch { .. }
            | OpenError::Newer { .. } => Self::usage(error),
            OpenError::Damaged { .. } | OpenError::Io { .. } => Self::internal(error),
        }
    }
}

/// What cannot be named is a usage error, what cannot be written is not.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists { .. } | StoreError::BadId(_) => Self::usage(error),
            StoreError::Io { .. } => Self::internal(error),
        }
    }
}

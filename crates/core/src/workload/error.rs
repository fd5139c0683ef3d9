//! Why a workload was refused. Every problem names the file, the line (or the
//! `--set` text), the key, its value and what would be allowed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::document::Origin;

/// A workload that cannot be run.
#[derive(Debug)]
pub enum WorkloadError {
    /// The file cannot be read.
    Read {
        /// Path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// A file of a similar name beside it.
        nearest: Option<PathBuf>,
    },
    /// The file is not UTF-8 text.
    NotUtf8 {
        /// Path as given.
        path: PathBuf,
        /// Line of the first byte that is not.
        line: usize,
    },
    /// The text is no workload.
    Invalid(Vec<Problem>),
}

/// One thing that is wrong with a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    path: String,
    origin: Origin,
    message: String,
}

impl Problem {
    pub(super) fn new(path: &str, origin: Origin, message: String) -> Self {
        Self { path: path.to_owned(), origin, message }
    }

    /// Order of reading: by line, then the `--set` texts, then the file as a whole.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.path, self.origin, self.message)
    }
}

impl fmt::Display for WorkloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source, nearest } => {
                write!(f, "{}: cannot read this workload: {source}", path.display())?;
                match nearest {
                    Some(near) => write!(f, "; did you mean \"{}\"?", near.display()),
                    None => Ok(()),
                }
            }
            Self::NotUtf8 { path, line } => {
                write!(f, "{}:{line}: this is not UTF-8 text; a workload is a TOML file in UTF-8", path.display())
            }
            Self::Invalid(problems) => {
                for (i, problem) in problems.iter().enumerate() {
                    if i > 0 {
                        writeln!(f)?;
                    }
                    write!(f, "{problem}")?;
                }
                Ok(())
            }
        }
    }
}

// No `source`: the system's text is part of the message already.
impl std::error::Error for WorkloadError {}

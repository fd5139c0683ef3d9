//! A file that another process may still be writing to. At its end a read does not say
//! that it is over but that it would have to wait, until somebody declares the end; so
//! nobody sleeps down here, below the decompressor, and whoever reads can show what
//! there is, look whether the writer lives, or leave.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::record::regular::open_regular;

/// The file.
pub struct Tail {
    file: File,
    over: Ending,
}

/// Declares that a file does not grow any more.
#[derive(Clone, Debug, Default)]
pub struct Ending(Arc<AtomicBool>);

impl Ending {
    /// Nothing more will be written: what is there is all.
    pub fn declare(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Was it declared?
    #[must_use]
    pub fn declared(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Tail {
    /// A file that is as long as it will ever be.
    pub fn whole(path: &Path) -> io::Result<Self> {
        let over = Ending::default();
        over.declare();
        Ok(Self { file: open_regular(path)?, over })
    }

    /// A file that grows until its end is declared.
    pub fn growing(path: &Path) -> io::Result<Self> {
        Ok(Self { file: open_regular(path)?, over: Ending::default() })
    }

    /// Where its end is declared.
    pub fn ending(&self) -> Ending {
        self.over.clone()
    }
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Asked before the file is: what was written before its end was declared is read.
        let over = self.over.declared();
        match self.file.read(buffer)? {
            0 if !over && !buffer.is_empty() => Err(ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

//! Writing to a terminal without waiting for it longer than one wants to.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// How soon a write that waits notices that it shall end.
const SLICE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
/// Bytes at once to a terminal that may block: less than what it surely takes when it
/// says that it takes some (`WAKEUP_CHARS` of the kernel's `n_tty.c`).
const BLOCKING_CHUNK: usize = 256;

/// A terminal to write to.
pub(super) struct Output {
    file: File,
    /// Bytes per write.
    chunk: usize,
}

impl Output {
    /// The terminal behind a descriptor, opened anew: `O_NONBLOCK` belongs to the open
    /// file, and that of stderr is the shell's as well. Where it cannot be opened (it
    /// belongs to another user) the descriptor itself is used, a little at a time.
    pub(super) fn of(descriptor: OwnedFd) -> Self {
        let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let reopened = File::options().write(true).custom_flags(flags.bits().cast_signed()).open(path);
        match reopened {
            Ok(file) => Self { file, chunk: usize::MAX },
            Err(_) => Self { file: descriptor.into(), chunk: BLOCKING_CHUNK },
        }
    }

    /// Writes it all.
    ///
    /// # Errors
    /// `TimedOut` where the terminal did not take it within `limit`, or before
    /// it was `broken_off`; what the system says otherwise.
    pub(super) fn write(&self, mut bytes: &[u8], limit: Duration, broken_off: &dyn Fn() -> bool) -> io::Result<()> {
        let limit = Instant::now() + limit;
        while !bytes.is_empty() {
            let mut ready = [PollFd::new(&self.file, PollFlags::OUT)];
            let polled = poll(&mut ready, Some(&SLICE));
            if broken_off() || Instant::now() >= limit {
                return Err(ErrorKind::TimedOut.into());
            }
            // What is wrong with a terminal that is ready for nothing shows when written to.
            if matches!(polled, Ok(0)) {
                continue;
            }
            match (&self.file).write(&bytes[..bytes.len().min(self.chunk)]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

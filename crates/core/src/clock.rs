//! One clock for everything: `CLOCK_MONOTONIC` as `u64` nanoseconds, so that
//! stamps of several processes of one host compare (`CLOCK_MONOTONIC_RAW` is
//! not disciplined and std's `Instant` hides the number). Tests run on tokio's
//! paused time through the same type.
//!
//! [`Timer`] waits with the kernel's high-resolution timers: tokio's own wheel
//! ticks at 1 ms, so that a `sleep(1ms)` takes 2.1 ms, which would quantise
//! every hold and retry delay of a contention benchmark.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::time::{Duration, Instant};

/// Source of time stamps. Copy it freely; every copy tells the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// `Some` when time is tokio's (paused in tests): the instant that is 1 s.
    anchor: Option<Instant>,
}

impl Clock {
    /// The host's monotonic clock.
    #[must_use]
    pub fn monotonic() -> Self {
        Self { anchor: None }
    }

    /// Tokio's clock, which tests pause. Starts at one second, so that stamps
    /// before the start can be written down too.
    #[must_use]
    pub fn virtual_time() -> Self {
        Self { anchor: Some(Instant::now()) }
    }

    /// Nanoseconds since an arbitrary point, the same for all clocks of a host.
    #[must_use]
    #[inline]
    pub fn now(&self) -> u64 {
        match self.anchor {
            None => {
                let t = clock_gettime(ClockId::Monotonic);
                t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
            }
            Some(anchor) => 1_000_000_000 + anchor.elapsed().as_nanos() as u64,
        }
    }

    /// What the stamps come from, for reports.
    #[must_use]
    pub fn source(&self) -> &'static str {
        if self.anchor.is_some() { "virtual" } else { "CLOCK_MONOTONIC" }
    }
}

/// Waits for instants of a [`Clock`]. One a worker thread; clones share its
/// pool of timer descriptors.
#[derive(Clone)]
pub struct Timer {
    clock: Clock,
    pool: Rc<RefCell<Vec<AsyncFd<OwnedFd>>>>,
}

impl Timer {
    /// A timer for the runtime that it is first awaited in.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, pool: Rc::default() }
    }

    /// The clock that it waits by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Shorthand for the clock's `now`.
    #[must_use]
    #[inline]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Waits `ns` nanoseconds from now.
    pub async fn sleep(&self, ns: u64) {
        self.sleep_until(self.now().saturating_add(ns)).await;
    }

    /// Waits until the clock shows at least `instant`. `u64::MAX` never comes.
    /// When the process is out of descriptors it falls back to tokio's wheel:
    /// late by up to 2 ms, never early.
    pub async fn sleep_until(&self, instant: u64) {
        let now = self.now();
        if instant <= now {
            return;
        }
        if instant == u64::MAX {
            return std::future::pending().await;
        }
        if self.clock.anchor.is_none()
            && let Ok(mut armed) = self.arm(instant)
        {
            armed.fired().await;
            return;
        }
        tokio::time::sleep(Duration::from_nanos(instant - now)).await;
    }

    fn arm(&self, instant: u64) -> io::Result<Armed<'_>> {
        let pooled = self.pool.borrow_mut().pop();
        let fd = match pooled {
            Some(fd) => fd,
            None => {
                register(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?)?
            }
        };
        set(fd.get_ref(), instant)?;
        Ok(Armed { timer: self, fd: Some(fd) })
    }
}

/// An armed descriptor; returns to the pool when dropped, fired or not.
struct Armed<'a> {
    timer: &'a Timer,
    fd: Option<AsyncFd<OwnedFd>>,
}

impl Armed<'_> {
    async fn fired(&mut self) {
        let Some(fd) = &self.fd else { return };
        loop {
            let Ok(mut ready) = fd.readable().await else { return };
            let mut count = [0_u8; 8];
            match rustix::io::read(fd.get_ref(), &mut count) {
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                _ => {
                    ready.clear_ready();
                    return;
                }
            }
        }
    }
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        // Disarming also clears an expiry that nobody read.
        if let Some(fd) = self.fd.take()
            && set(fd.get_ref(), 0).is_ok()
        {
            self.timer.pool.borrow_mut().push(fd);
        }
    }
}

/// Registers a descriptor with the runtime's poll. Tokio calls its safe
/// constructor unsound for types whose descriptor may change or close while it is
/// registered; an `OwnedFd` behind a shared reference can do neither.
#[allow(deprecated)]
fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}

/// Arms for an absolute instant of `CLOCK_MONOTONIC`; zero disarms.
fn set(fd: &OwnedFd, instant: u64) -> io::Result<()> {
    let spec = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec { tv_sec: (instant / 1_000_000_000) as i64, tv_nsec: (instant % 1_000_000_000) as i64 },
    };
    timerfd_settime(fd, TimerfdTimerFlags::ABSTIME, &spec)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Clock, Timer};

    #[tokio::test(start_paused = true)]
    async fn virtual_time_passes_without_waiting() {
        let timer = Timer::new(Clock::virtual_time());
        let start = timer.now();
        timer.sleep(3_600_000_000_000).await;
        assert_eq!(timer.now() - start, 3_600_000_000_000);
    }

    #[tokio::test]
    async fn a_real_sleep_is_never_early_and_its_descriptor_is_reused() {
        let timer = Timer::new(Clock::monotonic());
        for _ in 0..20 {
            let due = timer.now() + 200_000;
            timer.sleep_until(due).await;
            assert!(timer.now() >= due);
        }
        assert_eq!(timer.pool.borrow().len(), 1);
    }

    #[tokio::test]
    async fn a_dropped_sleep_does_not_wake_the_next_one_early() {
        let timer = Timer::new(Clock::monotonic());
        let start = timer.now();
        tokio::select! {
            () = timer.sleep(50_000_000) => {}
            () = timer.sleep(1_000_000) => {}
        }
        timer.sleep_until(start + 5_000_000).await;
        assert!(timer.now() >= start + 5_000_000);
        assert_eq!(timer.pool.borrow().len(), 2);
    }
}

//! The watchdog: a thread that stamps every 50 ms, or more often if a quarter of
//! the ttl is not well above that. When it was kept from running for longer than
//! that quarter (Ctrl-Z, suspend, a starved core), our clients may have been as
//! well, and a `self_stall` event says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::grids::Grids;
use lockbench_core::clock::Clock;
use lockbench_core::record::{Event, ShardSeed, What};

/// Beyond its own period: what was due in a longer gap on a grid was due while this process did not
/// run. This thread does nothing else, so that no disk and no server can keep it.
const STALL_NS: u64 = 100_000_000;
/// Longest and shortest time between two looks at the clock.
const PERIOD_NS: (u64, u64) = (50_000_000, 1_000_000);

/// How often to look, and which gap is a stall: its own period never is one.
fn rhythm(limit_ns: u64) -> (u64, u64) {
    let (longest, shortest) = PERIOD_NS;
    let period = (limit_ns / 4).clamp(shortest, longest);
    (period, limit_ns.max(4 * period))
}

/// Returns whether a gap between two looks is a stall of a trial that began at `since`.
fn is_stall(last: u64, now: u64, limit_ns: u64, since: u64) -> bool {
    now - last > limit_ns && now >= since
}

/// The running watchdog; stops when dropped.
pub struct Watchdog {
    done: Arc<AtomicBool>,
    /// Gaps that end earlier are none of the trial's.
    since: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts it. Gaps longer than `limit_ns` are recorded, and the grids are told of those in which
    /// an instant may have been missed.
    pub fn start(seed: ShardSeed, clock: Clock, limit_ns: u64, grids: Grids) -> std::io::Result<Self> {
        let done = Arc::new(AtomicBool::new(false));
        let since = Arc::new(AtomicU64::new(u64::MAX));
        let (stop, begins) = (Arc::clone(&done), Arc::clone(&since));
        let (period_ns, limit_ns) = rhythm(limit_ns);
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            let shard = seed.bind();
            let mut last = clock.now();
            while !stop.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_nanos(period_ns));
                let now = clock.now();
                if is_stall(last, now, limit_ns, begins.load(Ordering::Relaxed)) {
                    shard.stamp(Event::NOBODY, 0, What::SelfStall { from: last });
                }
                let woken = last.saturating_add(period_ns);
                if now.saturating_sub(woken) > STALL_NS {
                    grids.each().for_each(|grid| grid.stall(woken, now));
                }
                last = now;
            }
        })?;
        Ok(Self { done, since, thread: Some(thread) })
    }

    /// The trial begins at `start`: gaps are recorded from then on. An event of before would stand
    /// in no history, which begins there.
    pub fn begins(&self, start: u64) {
        self.since.store(start, Ordering::Relaxed);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It only ends early by a panic, and then has nothing left to say.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Grids, Watchdog, is_stall, rhythm};
    use lockbench_core::clock::Clock;
    use lockbench_core::record::{Event, Observer, Reader, shard};

    #[derive(Default)]
    struct Stalls(u64);
    impl Observer for Stalls {
        fn observe(&mut self, _: &Event) {
            self.0 += 1;
        }
    }

    #[test]
    fn the_watchdog_s_own_period_is_no_stall_however_short_the_ttl() {
        assert_eq!(rhythm(2_500_000_000), (50_000_000, 2_500_000_000));
        assert_eq!(rhythm(25_000_000), (6_250_000, 25_000_000));
        assert_eq!(rhythm(250_000), (1_000_000, 4_000_000));
    }

    #[test]
    fn a_gap_that_ends_before_the_trial_begins_is_none_of_it() {
        assert!(is_stall(10, 31, 20, 31));
        assert!(!is_stall(10, 31, 20, 32), "it would stand in no history");
        assert!(!is_stall(10, 30, 20, 0));
    }

    #[test]
    fn it_is_quiet_while_the_process_runs() {
        let clock = Clock::monotonic();
        let (seed, reader) = shard(0, clock);
        // A quarter of a ttl of 160 ms: the fixed period of 50 ms was always above it.
        let watchdog = Watchdog::start(seed, clock, 40_000_000, Grids::default()).unwrap();
        watchdog.begins(0);
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(watchdog);
        let mut stalls = Stalls::default();
        Reader::new(vec![reader]).finish(&mut [&mut stalls]);
        assert!(stalls.0 < 3, "{}", stalls.0);
    }
}
